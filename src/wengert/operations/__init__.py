"""Public operations that NumPy and SciPy do not have.

For Tensors and plain arrays. Owns the signatures and the errors; the mathematics is in
`wengert.rules`. `wengert.nn` builds on these.
"""

from .losses import cross_entropy

__all__ = ["cross_entropy"]
