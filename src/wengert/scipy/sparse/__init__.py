"""``scipy.sparse`` for Tensors: matrices whose stored elements are differentiated.

``A @ x`` and ``x @ A`` of SciPy's own sparse arrays with a Tensor need nothing from here. The
constructors here take Tensors as data and return a `SparseTensor`; of plain data they return
SciPy's arrays. Owns the class and the signatures; the operations are in `wengert.rules.sparse`.
"""

from __future__ import annotations

from ..mirror import names
from . import linalg
from .construction import coo_array, csc_array, csr_array, diags_array
from .tensors import SparseTensor

__all__ = ["SparseTensor", "coo_array", "csc_array", "csr_array", "diags_array", "linalg"]

__getattr__, __dir__ = names(__name__, __all__)
