"""Benchmarks: wengert against hand-written NumPy, HIPS autograd, PyTorch and JAX on the same work.

`python -m benchmarks.eager` measures. A workload is one file in ``workloads/``; `timing` owns the
clock, `peers` the libraries, `report` the tables. Nothing here is imported by the library.
"""
