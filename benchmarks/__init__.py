"""Benchmarks: wengert against hand-written NumPy, HIPS autograd, PyTorch and JAX on the same work.

`python -m benchmarks.eager` measures eager execution (a workload is one file in ``workloads/``),
`python -m benchmarks.peers` compiled programs (``programs/``, written once for every library in
`backends`), `python -m benchmarks.scaling` how they grow. `timing` owns the clock, `libraries` says
who is installed, `limits` what the machine can do. Nothing here is imported by the library.
"""
