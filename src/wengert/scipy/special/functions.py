"""Functions of `scipy.special` that are not ufuncs, so that SciPy's own do not take Tensors.

On plain arguments each is SciPy's function.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import scipy.special

from ...core.errors import NoRuleError, WengertValueError
from ...core.tensor import Tensor
from ...numpy.arguments import (
    cast,
    concrete,
    contains_tensor,
    floating,
    is_known,
    operand,
    refuse_traced,
)
from ...rules.special import bessel, elementary, orthogonal
from ...rules.special import gamma as _gamma
from ...rules.special import zeta as _zeta

__all__ = [
    "comb",
    "diric",
    "factorial",
    "lambertw",
    "legendre_p",
    "multigammaln",
    "perm",
    "polygamma",
    "sph_harm_y",
    "sph_legendre_p",
    "spherical_in",
    "spherical_jn",
    "spherical_kn",
    "spherical_yn",
    "zeta",
]

F = TypeVar("F", bound=Callable[..., Any])


def _mirrors(function: F) -> F:
    """Plain arguments go to SciPy's function of that name."""
    scipys = getattr(scipy.special, function.__name__, None)

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if scipys is None or contains_tensor(args) or contains_tensor(tuple(kwargs.values())):
            return function(*args, **kwargs)
        return scipys(*args, **kwargs)

    return call  # type: ignore[return-value]


def _counts(name: str, argument: str, n: Any) -> Any:
    """A plain integer (or an array of them), as SciPy converts it."""
    refuse_traced(f"scipy.special.{name}", argument, n, "it is an integer")
    return np.asarray(concrete(n, argument)).astype(np.int64)[()]


# ------------------------------------------------------------------ gamma functions


@_mirrors
def polygamma(n: Any, x: Any) -> Any:
    """The ``n``-th derivative of `digamma`, as `scipy.special.polygamma`.

    Parameters
    ----------
    n : array_like of int
        Not differentiated.
    x : array_like
        Real; complex as well on Tensors.
    """
    return _gamma.polygamma(_counts("polygamma", "n", n), _double(x))


def _double(x: Any) -> Any:
    x = floating(operand(x))
    return cast(x, np.float64) if x.dtype.kind == "f" else x


@_mirrors
def multigammaln(a: Any, d: int) -> Any:
    """The logarithm of the multivariate gamma function, as `scipy.special.multigammaln`.

    Parameters
    ----------
    a : array_like
        Greater than ``(d - 1) / 2``; its derivative is a sum of `digamma`.
    d : int
        The dimension.

    Raises
    ------
    WengertValueError
        If ``d`` is no positive integer, or an element of ``a`` too small.
    """
    a = _double(a)
    dimension = concrete(d, "d")
    if np.ndim(dimension) or dimension != np.floor(dimension) or dimension < 1:
        raise WengertValueError(f"multigammaln: d must be a positive integer, not {dimension!r}")
    least = (int(dimension) - 1) / 2
    if is_known(a) and a.size:
        smallest = np.min(a.detach().array if isinstance(a, Tensor) else a)
        if smallest <= least:
            raise WengertValueError(
                f"multigammaln: a must be greater than (d - 1) / 2 = {least}, and it has an "
                f"element {smallest}"
            )
    shifts = (0.5 * np.arange(int(dimension))).astype(a.dtype)
    logs = scipy.special.gammaln(np.expand_dims(a, -1) - shifts)
    return dimension * (dimension - 1) * 0.25 * math.log(math.pi) + np.sum(logs, -1)


def _refuse_exact(name: str, exact: Any) -> None:
    if exact:
        raise NoRuleError(
            f"scipy.special.{name}(..., exact=True) computes with Python's integers; leave exact "
            "out to differentiate"
        )


@_mirrors
def comb(N: Any, k: Any, *, exact: bool = False, repetition: bool = False) -> Any:
    """Binomial coefficients, as `scipy.special.comb`; 0 where ``k > N`` or one is negative.

    Differentiable in ``N`` and ``k``; ``exact`` has to be False.
    """
    _refuse_exact("comb", exact)
    N, k = floating(operand(N)), floating(operand(k))
    if repetition:
        inside = (k == 0) & (N >= 0)
        return np.where(inside, 1.0, comb(N + k - 1, k))
    inside = (k <= N) & (N >= 0) & (k >= 0)
    return np.where(inside, scipy.special.binom(N, k), 0.0)


@_mirrors
def perm(N: Any, k: Any, exact: bool = False) -> Any:
    """Numbers of permutations, as `scipy.special.perm`; 0 where ``k > N`` or one is negative."""
    _refuse_exact("perm", exact)
    N, k = floating(operand(N)), floating(operand(k))
    inside = (k <= N) & (N >= 0) & (k >= 0)
    return np.where(inside, scipy.special.poch(N - k + 1, k), 0.0)


@_mirrors
def factorial(n: Any, exact: bool = False, extend: str = "zero") -> Any:
    """``gamma(n + 1)``, as `scipy.special.factorial`; with ``extend="zero"`` 0 for negative n."""
    _refuse_exact("factorial", exact)
    n = _double(n)
    if extend == "complex":
        return scipy.special.gamma(n + 1)
    if extend != "zero":
        raise WengertValueError(f"factorial: extend must be 'zero' or 'complex', not {extend!r}")
    return np.where(n < 0, 0, scipy.special.gamma(np.where(n < 0, 0, n) + 1))  # NaN stays NaN


# ------------------------------------------------------------------ zeta, Lambert


@_mirrors
def zeta(x: Any, q: Any = None, out: Any = None) -> Any:
    """Riemann's or, with ``q``, Hurwitz's zeta function, as `scipy.special.zeta`.

    Differentiable in real ``x`` (by the Euler-Maclaurin formula) and in ``q``.
    """
    if out is not None:
        raise NoRuleError("scipy.special.zeta: out= does not take Tensors; write y[...] = zeta(x)")
    x = floating(operand(x))
    return _zeta.riemann(x) if q is None else _zeta.hurwitz(x, floating(operand(q)))


@_mirrors
def lambertw(z: Any, k: Any = 0, tol: float = 1e-8) -> Any:
    """The ``k``-th branch of Lambert's W function, complex, as `scipy.special.lambertw`.

    The derivative is ``exp(-w) / (1 + w)``: infinite at the branch point ``-1/e``.
    """
    return elementary.lambertw(floating(operand(z)), _counts("lambertw", "k", k), tol)


# ------------------------------------------------------------------ Bessel functions


@functools.cache
def _result_dtype(name: str, dtype: Any) -> Any:
    return np.asarray(getattr(scipy.special, name)(np.zeros(1, int), np.ones(1, dtype))).dtype


def _spherical(kind: str) -> Callable[..., Any]:
    name = f"spherical_{kind}"

    def function(n: Any, z: Any, derivative: bool = False) -> Any:
        n, z = _counts(name, "n", n), floating(operand(z))
        z = cast(z, _result_dtype(name, z.dtype))
        rule = bessel.spherical_slope if derivative else bessel.spherical
        return rule(kind)(n, z)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"""`scipy.special.{name}`: ``n`` is a plain integer or an array of them."""
    return _mirrors(function)


spherical_jn = _spherical("jn")
spherical_yn = _spherical("yn")
spherical_in = _spherical("in")
spherical_kn = _spherical("kn")

# ------------------------------------------------------------------ Legendre, Dirichlet


def _refuse_derivatives(name: str, diff_n: Any) -> None:
    if diff_n:
        raise NoRuleError(
            f"scipy.special.{name}(..., diff_n={diff_n!r}) of a Tensor: derivatives are what "
            "wengert.derivative, jvp and grad give; leave diff_n out"
        )


@_mirrors
def sph_harm_y(n: Any, m: Any, theta: Any, phi: Any, *, diff_n: int = 0) -> Any:
    """Spherical harmonics, complex, as `scipy.special.sph_harm_y`; smooth at the poles, too.

    ``n`` and ``m`` are plain integers or arrays of them; ``diff_n`` has to be 0 for Tensors.
    """
    _refuse_derivatives("sph_harm_y", diff_n)
    n, m = _counts("sph_harm_y", "n", n), _counts("sph_harm_y", "m", m)
    return orthogonal.sph_harm_y(n, m, floating(operand(theta)), floating(operand(phi)))


@_mirrors
def sph_legendre_p(n: Any, m: Any, theta: Any, *, diff_n: int = 0) -> Any:
    """Spherical Legendre functions, with a first axis of length 1, as SciPy has them."""
    _refuse_derivatives("sph_legendre_p", diff_n)
    return np.expand_dims(np.real(sph_harm_y(n, m, theta, 0.0)), 0)


@_mirrors
def legendre_p(n: Any, z: Any, *, diff_n: int = 0) -> Any:
    """Legendre polynomials, with a first axis of length 1, as `scipy.special.legendre_p`."""
    _refuse_derivatives("legendre_p", diff_n)
    n = _counts("legendre_p", "n", n)
    return np.expand_dims(scipy.special.eval_legendre(n, floating(operand(z))), 0)


@_mirrors
def diric(x: Any, n: Any) -> Any:
    """The periodic sinc function ``sin(n x / 2) / (n sin(x / 2))``, as `scipy.special.diric`.

    It is the Chebyshev polynomial ``U_(n-1)(cos(x / 2)) / n``, which is smooth where the quotient
    is 0/0. NaN where ``n`` is no positive integer; ``n`` is not differentiated.
    """
    refuse_traced("scipy.special.diric", "n", n, "it is an integer")
    count = np.asarray(concrete(n, "n"))
    good = (count > 0) & (count == np.floor(count))
    count = np.where(good, count, 1).astype(np.int64)
    y = scipy.special.eval_chebyu(count - 1, np.cos(0.5 * floating(operand(x)))) / count
    return y if np.all(good) else np.where(good, y, np.nan)
