"""Functions of square matrices, in stacks ``(..., n, n)``, with Frechet derivatives of all orders.

For an analytic f and any direction E (Mathias 1996, theorem 2.1)

    f([[A, E], [0, A]]) = [[f(A), L(A, E)], [0, f(A)]]

so that the algorithm for f also computes its derivative L, and the derivative of that in the same
way. L is linear in E, and its transpose there is ``L(A^T, .)``. Nothing is assumed of eigenvalues.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy

from ..core import algebra
from ..core.bind import bind
from ..core.errors import WengertValueError
from ..core.primitive import Primitive
from .batching import stacked
from .contractions import matrix_transpose
from .cumulative import section
from .joining import concatenate_p
from .linalg import check_square, on_stacks, result_dtype, same_batch
from .matrix_equations import sylvester

__all__ = ["expm_frechet_p", "expm_p", "logm_frechet_p", "logm_p", "sqrtm_p"]


def _square_shape(name: str) -> Callable[..., Any]:
    def shape(a: Any, *e: Any) -> tuple[tuple[int, ...], Any]:
        for x in (a, *e):
            check_square(name, x)
        return np.broadcast_shapes(a.shape, *[x.shape for x in e]), result_dtype(a, *e)

    return shape


def _blocks(a: Any, e: Any) -> Any:
    """``[[A, E], [0, A]]``."""
    last = a.ndim - 1
    top = bind(concatenate_p, (a, e), {"axis": last})
    bottom = bind(concatenate_p, (algebra.zeros_like(a), a), {"axis": last})
    return bind(concatenate_p, (top, bottom), {"axis": last - 1})


def _corner(x: Any, n: int) -> Any:
    return section(section(x, x.ndim - 2, None, n), x.ndim - 1, n, None)


def _differentiable(
    name: str, evaluate: Callable[[Any], Any], show: str
) -> tuple[Primitive, Primitive]:
    """The primitives of a function of matrices and of its Frechet derivative."""

    def frechet(a: Any, e: Any) -> Any:
        dtype = result_dtype(a, e)
        a, e = np.broadcast_arrays(a.astype(dtype, copy=False), e.astype(dtype, copy=False))
        if not a.size:
            return np.zeros(a.shape, dtype)
        # A direction as large as A, lest it govern how the algorithm scales the whole.
        size = np.abs(e).max((-2, -1), keepdims=True)
        largest = np.maximum(np.abs(a).max((-2, -1), keepdims=True), 1e-3)
        scale = np.where(size == 0, 1, size / largest).astype(size.dtype)
        with warnings.catch_warnings():  # SciPy's estimate of the error is for the function itself
            warnings.simplefilter("ignore")
            whole = evaluate(_blocks(a, e / scale))
        return np.ascontiguousarray(_corner(whole, a.shape[-1]) * scale)

    def second(ts: Any, ins: Any, out: Any) -> Any:
        a, e = ins
        ta, te = ts
        total = None if te is None else bind(frechet_p, (a, te), {})
        if ta is None:
            return total
        a, e, ta = _one_shape(a, e, ta)
        both = bind(frechet_p, (_blocks(a, e), _blocks(ta, algebra.zeros_like(ta))), {})
        t = _corner(both, a.shape[-1])
        return t if total is None else total + t

    def batch(args: Any, batched: Any, size: int) -> Any:
        return bind(frechet_p, stacked(args, batched, size, (2, 2)), {})

    function_p = same_batch(
        Primitive(
            name,
            evaluate,
            _square_shape(name),
            None,
            jvp=lambda ts, ins, out: bind(frechet_p, (ins[0], ts[0]), {}),
            needs_out=False,
            show=show,
        )
    )
    frechet_p = Primitive(
        f"{name}_frechet",
        frechet,
        _square_shape(f"{name}_frechet"),
        batch,
        jvp=second,
        linear=(1,),
        transpose=(
            None,
            lambda ct, ins, out: algebra.unbroadcast(
                bind(frechet_p, (matrix_transpose(ins[0]), ct), {}), ins[1].shape
            ),
        ),
        needs_out=False,
        show=f"{name}_frechet({{0}}, {{1}})",
    )
    return function_p, frechet_p


def _one_shape(*xs: Any) -> list[Any]:
    from .shapes import broadcast_to

    shape = np.broadcast_shapes(*[x.shape for x in xs])
    return [x if x.shape == shape else broadcast_to(x, shape) for x in xs]


# ------------------------------------------------------------------ exponential and logarithm


def _expm(a: Any) -> Any:
    from scipy.linalg import expm

    dtype = result_dtype(a)
    if not a.size:
        return np.zeros(a.shape, dtype)
    return np.ascontiguousarray(expm(a), dtype)


def _kept_real(name: str, found: Any, dtype: Any) -> Any:
    if found.dtype.kind == "c" and dtype.kind != "c":
        size = np.abs(found).max(initial=0)
        if np.abs(found.imag).max(initial=0) > 1e3 * np.finfo(dtype).eps * size:
            raise WengertValueError(
                f"{name}: a real matrix with eigenvalues on the negative real axis has a complex "
                f"{name}; pass it as a complex one: a.astype(complex)"
            )
        found = found.real
    return np.ascontiguousarray(found, dtype)


# Compiled for stacks in one call, from this version on.
_SCIPY_STACKS = {"sqrtm"} if np.lib.NumpyVersion(scipy.__version__) >= "1.17.0" else set()


def _principal(name: str) -> Callable[[Any], Any]:
    """SciPy's function, in double precision, with a result in the dtype of the operand."""

    def evaluate(a: Any) -> Any:
        import scipy.linalg

        dtype = result_dtype(a)
        # Received as complex: whether SciPy's result is, depends on the values.
        results = (a.shape, np.dtype(np.complex128))
        a = a.astype(np.result_type(dtype, np.float64), copy=False)
        if a.size and name in _SCIPY_STACKS:
            found = getattr(scipy.linalg, name)(a)
        else:
            found = on_stacks(getattr(scipy.linalg, name), "(n,n)->(n,n)", results, a)
        return _kept_real(name, found, dtype)

    return evaluate


expm_p, expm_frechet_p = _differentiable("expm", _expm, "scipy.linalg.expm({0})")
logm_p, logm_frechet_p = _differentiable("logm", _principal("logm"), "logm({0})")


# ------------------------------------------------------------------ square root

# From X X = A: X dX + dX X = dA (Higham 2008, section 6.1).
sqrtm_p = same_batch(
    Primitive(
        "sqrtm",
        _principal("sqrtm"),
        _square_shape("sqrtm"),
        None,
        jvp=lambda ts, ins, out: sylvester(out, out, ts[0]),
        show="scipy.linalg.sqrtm({0})",
    )
)
