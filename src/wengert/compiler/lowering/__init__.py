"""From equations to the index IR: one function for each ``lower`` field of a primitive.

A lowering builds nodes and returns one for each output, or None if there is no code for these
operands (decimal numbers, say): the equation is then evaluated by NumPy. It may not look at values.
"""

from . import (  # noqa: F401
    contractions,
    convolutions,
    factorizations,
    filters,
    indexing,
    movement,
    norms,
    pointwise,
    reductions,
    scans,
    sparse,
    windows,
)
from .table import LOWERINGS, lowered

__all__ = ["LOWERINGS", "lowered"]
