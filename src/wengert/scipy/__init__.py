"""SciPy's functions on Tensors, by the names of their modules.

Owns the signatures; the mathematics is in `wengert.rules`.
"""

from . import special, stats

__all__ = ["special", "stats"]
