"""Orthogonal polynomials, spherical harmonics, and functions that solve differential equations.

DLMF chapters 12, 14, 18, 28 and 30.

Derivatives are in the argument; the degree and the parameters have none here.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.special

from ...core.tensor import Tensor
from ..pointwise import UFUNCS, pointwise
from ..shapes import astype
from .declare import function, in_double, refused, several, ufunc

__all__ = ["sph_harm_y"]

special: Any = scipy.special
Rule = Callable[..., Any]


# ------------------------------------------------------------------ polynomials


def _below(n: Any) -> Any:
    """``n - 1``; 0 for n = 0, where what is made with it is multiplied by zero."""
    return n - 1 + (n == 0)


def _integer(n: Any) -> Any:
    """For functions of integers: rules get all operands in the precision of the result."""
    if isinstance(n, Tensor):
        return astype(n, np.int64)
    return np.asarray(n).astype(np.int64)[()]


def _polynomial(name: str, slope: Rule, *parameters: str) -> None:
    why = "it is the degree of a polynomial"
    refusals = [refused(name, "n", why), *(refused(name, p) for p in parameters)]
    ufunc(name, *refusals, slope)


def _second_kind(n: Any, x: Any) -> Any:
    """The derivative of the Chebyshev polynomial U_n, DLMF 18.9.19."""
    return 2 * (n != 0) * special.eval_gegenbauer(_below(n), 2.0, x)


def _first_kind(n: Any, x: Any) -> Any:
    """The derivative of T_n, DLMF 18.9.21."""
    return n * special.eval_chebyu(_below(n), x)


def _legendre(n: Any, x: Any) -> Any:
    return (n != 0) * special.eval_gegenbauer(_below(n), 1.5, x)


_polynomial("eval_chebyt", lambda y, n, x: _first_kind(n, x))
_polynomial("eval_chebyu", lambda y, n, x: _second_kind(n, x))
_polynomial("eval_chebyc", lambda y, n, x: _first_kind(n, x / 2))
_polynomial("eval_chebys", lambda y, n, x: _second_kind(n, x / 2) / 2)
_polynomial("eval_sh_chebyt", lambda y, n, x: 2 * _first_kind(n, 2 * x - 1))
_polynomial("eval_sh_chebyu", lambda y, n, x: 2 * _second_kind(n, 2 * x - 1))
_polynomial("eval_legendre", lambda y, n, x: _legendre(n, x))
_polynomial("eval_sh_legendre", lambda y, n, x: 2 * _legendre(n, 2 * x - 1))
_polynomial(
    "eval_laguerre", lambda y, n, x: -1 * (n != 0) * special.eval_genlaguerre(_below(n), 1.0, x)
)
_polynomial("eval_hermite", lambda y, n, x: 2 * n * special.eval_hermite(_integer(_below(n)), x))
_polynomial(
    "eval_hermitenorm", lambda y, n, x: n * special.eval_hermitenorm(_integer(_below(n)), x)
)
_polynomial(
    "eval_gegenbauer",
    lambda y, n, a, x: 2 * a * (n != 0) * special.eval_gegenbauer(_below(n), a + 1, x),
    "alpha",
)
_polynomial(
    "eval_genlaguerre",
    lambda y, n, a, x: -1 * (n != 0) * special.eval_genlaguerre(_below(n), a + 1, x),
    "alpha",
)
_polynomial(
    "eval_jacobi",
    lambda y, n, a, b, x: (
        0.5 * (n + a + b + 1) * (n != 0) * special.eval_jacobi(_below(n), a + 1, b + 1, x)
    ),
    "alpha",
    "beta",
)
_polynomial(
    "eval_sh_jacobi",
    lambda y, n, p, q, x: n * special.eval_sh_jacobi(_below(n), p + 2, q + 1, x),
    "p",
    "q",
)

# ------------------------------------------------------------------ Legendre functions

ufunc(
    "lpmv",
    refused("lpmv", "m"),
    refused("lpmv", "v"),
    lambda y, m, v, x: (v * x * y - (v + m) * special.lpmv(m, v - 1, x)) / (x * x - 1),
)


def _harmonic_in_theta(y: Any, n: Any, m: Any, theta: Any, phi: Any) -> Any:
    """By the ladder operators (Condon and Shortley, 1935, 3.4): not singular at the poles.

    SciPy's function reads the cosine of ``theta``: beyond the poles it goes back.
    """
    n, m = _integer(n), _integer(m)
    way = 0.5 * np.copysign(1.0, np.sin(theta))
    turn = np.exp(1j * phi)
    up = np.sqrt(np.maximum((n - m) * (n + m + 1.0), 0.0))
    down = np.sqrt(np.maximum((n + m) * (n - m + 1.0), 0.0))
    above = up * sph_harm_y(n, m + 1, theta, phi) / turn
    return way * (above - down * sph_harm_y(n, m - 1, theta, phi) * turn)


def _harmonic(n: Any, m: Any, theta: Any, phi: Any) -> Any:
    return scipy.special.sph_harm_y(_integer(n), _integer(m), theta, phi)[()]


pointwise(
    "sph_harm_y",
    _harmonic,
    refused("sph_harm_y", "n", "it is an integer"),
    refused("sph_harm_y", "m", "it is an integer"),
    _harmonic_in_theta,
    lambda y, n, m, theta, phi: 1j * m * y,
    show="scipy.special.sph_harm_y({0}, {1}, {2}, {3})",
)
sph_harm_y = function("sph_harm_y")

# ------------------------------------------------------------------ solutions of equations

# Characteristic values are here for the rules below, which need them of plain parameters. In single
# precision SciPy 1.17 returns NaN for all of this section but Weber's functions, and for the
# spheroidal ones that find their characteristic value it does not return.
_ARGUMENTS = {"mathieu_a": "mq", "mathieu_b": "mq", "pro_cv": "mnc", "obl_cv": "mnc"}
for _name, _arguments in _ARGUMENTS.items():
    _served = getattr(special, _name)
    UFUNCS[_served] = pointwise(
        _name,
        in_double(_served),
        *(refused(_name, a) for a in _arguments),
        show=f"scipy.special.{_name}({', '.join(f'{{{i}}}' for i in range(len(_arguments)))})",
    )
mathieu_a, mathieu_b = function("mathieu_a"), function("mathieu_b")


def _from_equation(name: str, *parameters: str, scale: float = 1.0) -> Callable[[Rule], Rule]:
    """Declare a function that returns a value and its slope, by the second derivative.

    ``rule(value, slope, *args)`` is that; ``scale`` is what the slope has to be multiplied by.
    """

    def declare(rule: Rule) -> Rule:
        def slopes(outs: Any, *args: Any) -> tuple[Any, Any]:
            return scale * outs[1], scale * rule(*outs, *args)

        double = not name.startswith("pb")
        several(name, *(refused(name, p) for p in parameters), slopes, double=double)
        return rule

    return declare


@_from_equation("pbdv", "v")
@_from_equation("pbvv", "v")
def _weber(w: Any, slope: Any, v: Any, x: Any) -> Any:
    return (0.25 * x * x - v - 0.5) * w


@_from_equation("pbwa", "a")
def _weber_w(w: Any, slope: Any, a: Any, x: Any) -> Any:
    return (a - 0.25 * x * x) * w


_DEGREE = math.pi / 180


@_from_equation("mathieu_cem", "m", "q", scale=_DEGREE)
def _cem(w: Any, slope: Any, m: Any, q: Any, x: Any) -> Any:
    return (2 * q * np.cos(2 * _DEGREE * x) - mathieu_a(m, q)) * w


@_from_equation("mathieu_sem", "m", "q", scale=_DEGREE)
def _sem(w: Any, slope: Any, m: Any, q: Any, x: Any) -> Any:
    return (2 * q * np.cos(2 * _DEGREE * x) - mathieu_b(m, q)) * w


@_from_equation("mathieu_modcem1", "m", "q")
@_from_equation("mathieu_modcem2", "m", "q")
def _modcem(w: Any, slope: Any, m: Any, q: Any, x: Any) -> Any:
    return (mathieu_a(m, q) - 2 * q * np.cosh(2 * x)) * w


@_from_equation("mathieu_modsem1", "m", "q")
@_from_equation("mathieu_modsem2", "m", "q")
def _modsem(w: Any, slope: Any, m: Any, q: Any, x: Any) -> Any:
    return (mathieu_b(m, q) - 2 * q * np.cosh(2 * x)) * w


@_from_equation("pro_ang1_cv", "m", "n", "c", "cv")
def _pro_angular(s: Any, slope: Any, m: Any, n: Any, c: Any, cv: Any, x: Any) -> Any:
    rest = 1 - x * x
    return (2 * x * slope - (cv - c * c * x * x - m * m / rest) * s) / rest


@_from_equation("obl_ang1_cv", "m", "n", "c", "cv")
def _obl_angular(s: Any, slope: Any, m: Any, n: Any, c: Any, cv: Any, x: Any) -> Any:
    rest = 1 - x * x
    return (2 * x * slope - (cv + c * c * x * x - m * m / rest) * s) / rest


@_from_equation("pro_rad1_cv", "m", "n", "c", "cv")
@_from_equation("pro_rad2_cv", "m", "n", "c", "cv")
def _pro_radial(s: Any, slope: Any, m: Any, n: Any, c: Any, cv: Any, x: Any) -> Any:
    rest = x * x - 1
    return ((cv - c * c * x * x + m * m / rest) * s - 2 * x * slope) / rest


@_from_equation("obl_rad1_cv", "m", "n", "c", "cv")
@_from_equation("obl_rad2_cv", "m", "n", "c", "cv")
def _obl_radial(s: Any, slope: Any, m: Any, n: Any, c: Any, cv: Any, x: Any) -> Any:
    rest = x * x + 1
    return ((cv - c * c * x * x - m * m / rest) * s - 2 * x * slope) / rest


def _with_own_value(name: str, rule: Rule, value: Any) -> None:
    """The same functions where SciPy finds the characteristic value itself."""

    def second(s: Any, slope: Any, m: Any, n: Any, c: Any, x: Any) -> Any:
        return rule(s, slope, m, n, c, value(m, n, c), x)

    _from_equation(name, "m", "n", "c")(second)


for _kind in ("rad1", "rad2"):
    _with_own_value(f"pro_{_kind}", _pro_radial, function("pro_cv"))
    _with_own_value(f"obl_{_kind}", _obl_radial, function("obl_cv"))
_with_own_value("pro_ang1", _pro_angular, function("pro_cv"))
_with_own_value("obl_ang1", _obl_angular, function("obl_cv"))
