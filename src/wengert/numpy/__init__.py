"""NumPy's functions on Tensors, and a namespace that stands in for ``import numpy as np``."""

from . import functions, methods
