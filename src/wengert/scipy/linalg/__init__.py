"""``scipy.linalg`` for Tensors and plain arrays.

Owns the signatures and the composites; the mathematics is in `wengert.rules`. On plain arrays every
function is SciPy's own. What takes no derivative raises an error that says what to use instead.

>>> import numpy as np
>>> import wengert as wg
>>> from wengert.scipy import linalg
>>> wg.grad(lambda a: np.trace(linalg.expm(a)))(np.zeros((2, 2)))
array([[1., 0.],
       [0., 1.]])
"""

from __future__ import annotations

from typing import Any

import numpy as _np
import scipy.linalg as _scipy_linalg

from .arguments import plain_only, refused
from .classification import CLASSIFICATION
from .factorizations import (
    cho_factor,
    cholesky,
    eig,
    eig_banded,
    eigh,
    eigh_tridiagonal,
    eigvals,
    eigvals_banded,
    eigvalsh,
    eigvalsh_tridiagonal,
    lu,
    lu_factor,
    orthogonal_procrustes,
    polar,
    qr,
    svd,
    svdvals,
)
from .matrix_functions import (
    coshm,
    cosm,
    expm,
    expm_frechet,
    fractional_matrix_power,
    funm,
    logm,
    norm,
    signm,
    sinhm,
    sinm,
    solve_continuous_are,
    solve_continuous_lyapunov,
    solve_discrete_are,
    solve_discrete_lyapunov,
    solve_lyapunov,
    solve_sylvester,
    sqrtm,
    tanhm,
    tanm,
)
from .special_matrices import (
    block_diag,
    circulant,
    companion,
    convolution_matrix,
    diagsvd,
    fiedler,
    hankel,
    khatri_rao,
    leslie,
    toeplitz,
)
from .systems import (
    cho_solve,
    det,
    inv,
    lstsq,
    lu_solve,
    matmul_toeplitz,
    pinv,
    pinvh,
    solve,
    solve_banded,
    solve_circulant,
    solve_toeplitz,
    solve_triangular,
    solveh_banded,
)

__all__ = [
    "block_diag",
    "cho_factor",
    "cho_solve",
    "cholesky",
    "circulant",
    "companion",
    "convolution_matrix",
    "coshm",
    "cosm",
    "det",
    "diagsvd",
    "eig",
    "eig_banded",
    "eigh",
    "eigh_tridiagonal",
    "eigvals",
    "eigvals_banded",
    "eigvalsh",
    "eigvalsh_tridiagonal",
    "expm",
    "expm_frechet",
    "fiedler",
    "fractional_matrix_power",
    "funm",
    "hankel",
    "inv",
    "khatri_rao",
    "kron",
    "leslie",
    "logm",
    "lstsq",
    "lu",
    "lu_factor",
    "lu_solve",
    "matmul_toeplitz",
    "norm",
    "orthogonal_procrustes",
    "pinv",
    "pinvh",
    "polar",
    "qr",
    "signm",
    "sinhm",
    "sinm",
    "solve",
    "solve_banded",
    "solve_circulant",
    "solve_continuous_are",
    "solve_continuous_lyapunov",
    "solve_discrete_are",
    "solve_discrete_lyapunov",
    "solve_lyapunov",
    "solve_sylvester",
    "solve_toeplitz",
    "solve_triangular",
    "solveh_banded",
    "sqrtm",
    "svd",
    "svdvals",
    "tanhm",
    "tanm",
    "toeplitz",
]

kron = _np.kron  # SciPy had it until 1.16, as NumPy has it

for _name, _entry in CLASSIFICATION.items():
    if not hasattr(_scipy_linalg, _name) or _name == "test":
        continue
    if _entry.kind == "refused":
        globals()[_name] = refused(_name, _entry.subject, _entry.note)
    elif _name in ("bandwidth", "ishermitian", "issymmetric", "expm_cond"):
        globals()[_name] = plain_only(_name)
    elif _entry.kind == "plain":
        globals()[_name] = getattr(_scipy_linalg, _name)

__all__ += sorted(_name for _name in CLASSIFICATION if _name in globals() and _name not in __all__)


def __getattr__(name: str) -> Any:
    """The other names of `scipy.linalg`: its modules of LAPACK and BLAS."""
    try:
        return getattr(_scipy_linalg, name)
    except AttributeError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
