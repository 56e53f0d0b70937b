"""How the functions of `wengert.scipy.linalg` read their arguments."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import scipy.linalg

from ...core.errors import NoRuleError, ShapeError, WengertValueError
from ...numpy.arguments import concrete, contains_tensor, floating, is_known, operand
from ...rules.factorizations import adjoint
from ...rules.linalg import MatrixShapeError, check_square
from ...rules.shapes import reshape

__all__ = [
    "as_matrices",
    "matrices",
    "mirrored",
    "mirrors",
    "plain_only",
    "refused",
    "right_hand_side",
    "square",
    "transposed_by",
]

F = TypeVar("F", bound=Callable[..., Any])


def _has_tensor(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    return contains_tensor(args) or (bool(kwargs) and contains_tensor(tuple(kwargs.values())))


def mirrors(function: F) -> F:
    """Decorate the counterpart of a SciPy function: on plain arrays SciPy's own runs."""
    scipys = getattr(scipy.linalg, function.__name__)

    @functools.wraps(function)
    def mirrored(*args: Any, **kwargs: Any) -> Any:
        if _has_tensor(args, kwargs):
            return function(*args, **kwargs)
        return scipys(*args, **kwargs)

    return mirrored  # type: ignore[return-value]


def refused(name: str, reason: str, remedy: str) -> Callable[..., Any]:
    """SciPy's function for plain arrays; of a value that is being differentiated it raises."""
    scipys = getattr(scipy.linalg, name)

    @functools.wraps(scipys)
    def refusing(*args: Any, **kwargs: Any) -> Any:
        if not _has_tensor(args, kwargs):
            return scipys(*args, **kwargs)
        raise NoRuleError(f"scipy.linalg.{name} has no derivative: {reason}; {remedy}")

    return refusing


def plain_only(name: str) -> Callable[..., Any]:
    """SciPy's function on the values of Tensors: what it finds is not differentiated."""
    scipys = getattr(scipy.linalg, name)

    @functools.wraps(scipys)
    def plain(*args: Any, **kwargs: Any) -> Any:
        return scipys(*[concrete(x, f"scipy.linalg.{name}") for x in args], **kwargs)

    return plain


# ------------------------------------------------------------------ matrices


def matrices(name: str, a: Any, check_finite: bool = False) -> Any:
    """An argument as matrices (..., m, n) of floats.

    Raises
    ------
    MatrixShapeError
        If it has fewer dimensions.
    WengertValueError
        With ``check_finite`` for infinities and NaN, as SciPy does; only where values are known.
    """
    a = floating(operand(a))
    if a.ndim < 2:
        raise MatrixShapeError(f"{name}: expected matrices (..., m, n), got shape {a.shape}")
    if check_finite:
        _finite(name, a)
    return a


def square(name: str, a: Any, check_finite: bool = False) -> Any:
    """An argument as square matrices (..., n, n) of floats."""
    a = floating(operand(a))
    check_square(name, a)
    if check_finite:
        _finite(name, a)
    return a


def _finite(name: str, a: Any) -> None:
    if is_known(a) and not np.isfinite(concrete(a, name)).all():
        raise WengertValueError(
            f"{name}: array must not contain infs or NaNs; pass check_finite=False to go on"
        )


def right_hand_side(name: str, b: Any, n: int, check_finite: bool = False) -> tuple[Any, bool]:
    """An argument as matrices (..., n, k), and whether it was a vector (n,)."""
    b = floating(operand(b))
    if check_finite:
        _finite(name, b)
    is_vector = b.ndim == 1
    if not b.ndim or b.shape[0 if is_vector else -2] != n:
        raise ShapeError(
            f"{name}: a right-hand side of shape {b.shape} does not fit {n} equations; expected "
            f"({n},) or (..., {n}, k)"
        )
    return (reshape(b, (n, 1)) if is_vector else b), is_vector


def as_matrices(x: Any, is_vector: bool) -> Any:
    """A solution, as a vector if the right-hand side was one."""
    return reshape(x, x.shape[:-1]) if is_vector else x


def mirrored(a: Any, lower: bool, hermitian: bool = True) -> Any:
    """The symmetric (Hermitian) matrices of which one triangle is stored in ``a``."""
    strict = np.tril(a, -1) if lower else np.triu(a, 1)
    n = a.shape[-1]
    middle = np.real(a) if hermitian and a.dtype.kind == "c" else a
    other = adjoint(strict) if hermitian else np.swapaxes(strict, -1, -2)
    return strict + other + middle * np.eye(n, dtype=middle.real.dtype)


def transposed_by(name: str, trans: Any) -> int:
    """0, 1 or 2 for SciPy's ``trans``: as it is, transposed, conjugate transposed."""
    codes = {0: 0, 1: 1, 2: 2, "N": 0, "T": 1, "C": 2}
    if isinstance(trans, (bool, np.bool_)):
        return int(trans)
    if trans not in codes:
        raise WengertValueError(f"{name}: trans must be 0, 1, 2, 'N', 'T' or 'C', not {trans!r}")
    return codes[trans]
