"""The operations: one record each, with evaluation, shape, derivative, batching and lowering.

Owns the mathematics. The public functions with NumPy's signatures are in `wengert.numpy`; they
canonicalise their arguments and call what is here.
"""

from . import at_infinity, pointwise

__all__ = ["at_infinity", "pointwise"]
