"""The steps that random programs are made of, by family. Importing fills the table."""

from tests.differential.steps import (
    contractions,
    elementwise,
    fourier,
    indexing,
    linear_algebra,
    reductions,
    shapes,
    special,
    transforms,
)
from tests.differential.steps.table import LARGEST, OPERATIONS, Operation

__all__ = [
    "LARGEST",
    "OPERATIONS",
    "Operation",
    "contractions",
    "elementwise",
    "fourier",
    "indexing",
    "linear_algebra",
    "reductions",
    "shapes",
    "special",
    "transforms",
]
