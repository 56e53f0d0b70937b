"""Random programs, evaluated and differentiated by wengert, JAX, PyTorch and autograd.

`operations` is the table of steps, `programs` composes them, `libraries` runs them, `compare` holds
the answers against each other. ``python -m tests.differential.report`` writes docs/differential.md.
"""
