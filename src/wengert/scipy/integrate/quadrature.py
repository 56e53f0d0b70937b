"""Integrals of functions of the user.

With ``I = int_a^b f(x, theta) dx``, ``dI = f(b) db - f(a) da + int_a^b df/dtheta dtheta dx``,
which is an integral again, of a vector in reverse mode.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np
import scipy.integrate

from ...core.errors import ShapeError, WengertTypeError
from ...core.tensor import handle
from ...numpy.arguments import floating, is_known, operand
from ...transforms.closure import Guard, close_over, is_traced, plain_value
from ...transforms.forward import jvp
from ...transforms.reverse import vjp
from ...transforms.user_primitive import primitive
from ..mirror import refuse, tensors_in

__all__ = ["dblquad", "fixed_quad", "quad"]

_QUAD = "scipy.integrate.quad"


def quad(
    func: Callable[..., Any],
    a: Any,
    b: Any,
    args: Any = (),
    full_output: int = 0,
    epsabs: float = 1.49e-8,
    epsrel: float = 1.49e-8,
    limit: int = 50,
    points: Any = None,
    weight: Any = None,
    wvar: Any = None,
    wopts: Any = None,
    maxp1: int = 50,
    limlst: int = 50,
    complex_func: bool = False,
) -> Any:
    """`scipy.integrate.quad`: the integral of ``func(x, *args)`` from ``a`` to ``b``.

    Differentiable in both limits (infinite ones have no derivative), in ``args``, which may be
    containers, and in traced values that ``func`` captures; so integrals can be nested.

    Parameters
    ----------
    func : callable
        Of a number and ``args``; returns a number.
    a, b : float
        Limits; infinite ones are allowed.
    args : tuple
    full_output, epsabs, epsrel, limit, points, maxp1, limlst, complex_func :
        As SciPy's. Derivatives are integrated to the same tolerances.
    weight, wvar, wopts :
        On plain values only.

    Returns
    -------
    y : float
    abserr : float
        SciPy's estimate of the error of ``y``, plain; NaN inside `vmap`.

    Raises
    ------
    WengertTypeError
        If ``func`` captures a traced value and branches on values, or returns no number.
    NoRuleError
        With ``weight``, if anything is being differentiated.
    """
    args = args if isinstance(args, tuple) else (args,)
    a, b = _limit("a", a), _limit("b", b)
    call, theta = close_over(_QUAD, func, (_inside(a, b),), args)
    options = {
        "epsabs": epsabs, "epsrel": epsrel, "limit": limit, "points": points, "maxp1": maxp1,
        "limlst": limlst,
    }  # fmt: skip
    if not theta and not is_traced(a) and not is_traced(b):
        weights = {"weight": weight, "wvar": wvar, "wopts": wopts, "complex_func": complex_func}
        with Guard() as guard:
            f = guard(lambda x: plain_value(call((), x), _QUAD))
            found = scipy.integrate.quad(
                f, _plain(a), _plain(b), (), full_output, **options, **weights
            )
        y = found[0]
        if tensors_in(a, b, args):
            y = handle(np.asarray(y)[()], None, None)
        return (y, *found[1:])
    if weight is not None:
        raise refuse(_QUAD, "weight", weight, (), "put the weight into the function")
    if complex_func:
        parts = [
            quad(lambda x, v, part=part: part(call(v, x)), a, b, (theta,), full_output, **options)
            for part in (np.real, np.imag)
        ]
        more = ({"real": parts[0][2:], "imag": parts[1][2:]},) if full_output else ()
        return parts[0][0] + 1j * parts[1][0], parts[0][1] + 1j * parts[1][1], *more

    def scalar(values: Any, x: Any) -> Any:
        y = operand(call(values, x))
        if y.size != 1 or y.dtype.kind == "c":
            raise WengertTypeError(
                f"{_QUAD}: the function returned an array of shape {y.shape} and dtype {y.dtype}; "
                "it must return one real number (complex_func=True allows a complex one)"
            )
        return np.reshape(floating(y), ())

    report: list[Any] = []
    y = _integral(scalar, a, b, theta, (), {**options, "full_output": full_output}, report)
    return (y, *report[0]) if report else (y, np.nan)


def _limit(argument: str, x: Any) -> Any:
    x = floating(operand(x))
    if x.ndim or x.dtype.kind == "c":
        raise ShapeError(
            f"{_QUAD}: {argument} has shape {x.shape} and dtype {x.dtype}; a limit is one real "
            "number. Use wengert.vmap for several"
        )
    return x


def _plain(x: Any) -> Any:
    return x._concrete(_QUAD) if tensors_in(x) else x


def _inside(a: Any, b: Any) -> Any:
    """A point between the limits, where the function can be called; abstract if they are."""
    if not (is_known(a) and is_known(b)):
        return a * 0.6 + b * 0.4
    a, b = (float(_plain(x)) for x in (a, b))
    if np.isfinite(a) and np.isfinite(b):
        return np.float64(a + 0.41421 * (b - a))
    if np.isfinite(a):
        return np.float64(a + np.copysign(0.61803, b))
    return np.float64(b + np.copysign(0.61803, a)) if np.isfinite(b) else np.float64(0.41421)


def _integral(
    f: Callable[[Any, Any], Any],
    a: Any,
    b: Any,
    theta: tuple[Any, ...],
    shape: tuple[int, ...],
    options: dict[str, Any],
    report: list[Any] | None = None,
) -> Any:
    """The integral of ``f(theta, x)``, of this shape: a number, or a vector.

    What SciPy says besides the value is appended to ``report``.
    """
    moving = [is_traced(a), is_traced(b)]
    fixed = [None if m else x for m, x in zip(moving, (a, b), strict=True)]
    count = sum(moving)

    def split(values: Any) -> tuple[Any, Any, tuple[Any, ...]]:
        ends = list(values[:count])
        lower, upper = (ends.pop(0) if m else x for m, x in zip(moving, fixed, strict=True))
        return lower, upper, tuple(values[count:])

    def evaluate(*values: Any) -> Any:
        lower, upper, rest = split(values)
        with Guard() as guard:
            g = guard(lambda x: plain_value(f(rest, np.float64(x)), _QUAD))
            found = _evaluate(g, lower, upper, shape, options)
        if report is not None and not report:
            report.append(found[1:])
        return found[0]

    def forward(ts: Any, out: Any, *values: Any) -> Any:
        lower, upper, rest = split(values)
        ends = list(ts[:count])
        total = np.zeros(shape)
        for m, end, sign in zip(moving, (lower, upper), (-1.0, 1.0), strict=True):
            if m:
                total = total + sign * ends.pop(0) * _at_end(f, rest, end)
        if rest:
            k = len(rest)

            def slope(v: Any, x: Any) -> Any:
                return jvp(lambda *u: f(u, x), v[:k], v[k:])[1]

            tangents = (*rest, *ts[count:])
            total = total + _integral(slope, lower, upper, tangents, shape, options)
        return total

    def backward(ct: Any, out: Any, *values: Any) -> Any:
        lower, upper, rest = split(values)
        ct = np.real(ct)  # of what is computed with the integral afterwards it may be complex
        cts = [
            sign * np.sum(ct * _at_end(f, rest, end))
            for m, end, sign in zip(moving, (lower, upper), (-1.0, 1.0), strict=True)
            if m
        ]
        if rest:
            k = len(rest)

            def pulled(v: Any, x: Any) -> Any:
                parts = vjp(lambda *u: f(u, x), *v[:k])[1](v[k])
                return np.concatenate([np.reshape(p, (-1,)) for p in parts])

            sizes = [prod(v.shape) for v in rest]
            flat = _integral(pulled, lower, upper, (*rest, ct), (sum(sizes),), options)
            stops = np.cumsum([0, *sizes])
            cts += [np.reshape(flat[i:j], v.shape) for v, i, j in zip(rest, stops[:-1], stops[1:])]
        return tuple(cts)

    operands = [x for m, x in zip(moving, (a, b), strict=True) if m]
    if not operands and not any(map(is_traced, theta)):
        return evaluate(*theta)
    operation = primitive(
        evaluate, backward, forward, shape=lambda *values: np.empty(shape), name="quad"
    )
    return operation(*operands, *theta)


def _evaluate(g: Any, a: Any, b: Any, shape: tuple[int, ...], options: dict[str, Any]) -> Any:
    if shape == ():
        return scipy.integrate.quad(g, a, b, **options)
    if shape == (0,) or a == b:
        return np.zeros(shape), 0.0
    kept = {k: options[k] for k in ("epsabs", "epsrel", "points")}
    return scipy.integrate.quad_vec(g, float(a), float(b), limit=20 * options["limit"], **kept)


def _at_end(f: Any, theta: Any, end: Any) -> Any:
    """The integrand at a limit; zero at an infinite one, which does not move."""
    finite = np.isfinite(end)
    if is_known(end) and not tensors_in(finite):
        return f(theta, end) if finite else 0.0
    return np.where(finite, f(theta, np.where(finite, end, 0.0)), 0.0)


def dblquad(
    func: Callable[..., Any],
    a: Any,
    b: Any,
    gfun: Any,
    hfun: Any,
    args: Any = (),
    epsabs: float = 1.49e-8,
    epsrel: float = 1.49e-8,
) -> Any:
    """`scipy.integrate.dblquad`: of ``func(y, x, *args)``, y from ``gfun(x)`` to ``hfun(x)``.

    Differentiable as `quad` is; ``gfun`` and ``hfun`` may be numbers.
    """
    args = args if isinstance(args, tuple) else (args,)
    options: dict[str, Any] = {"epsabs": epsabs, "epsrel": epsrel}

    def inner(x: Any, *rest: Any) -> Any:
        low, high = (g(x) if callable(g) else g for g in (gfun, hfun))
        return quad(func, low, high, (x, *rest), **options)[0]

    return quad(inner, a, b, args, **options)


def fixed_quad(func: Callable[..., Any], a: Any, b: Any, args: Any = (), n: int = 5) -> Any:
    """`scipy.integrate.fixed_quad`: Gauss and Legendre's rule of ``n`` points.

    ``func`` takes a vector of points; it is called on Tensors, so what it does is recorded.

    Returns
    -------
    value : as returned by ``func``, without its last axis
    None
    """
    if not tensors_in(a, b, args):
        y, weights = _gauss(a, b, n)
        found = operand(func(y, *args))
        return (b - a) / 2.0 * np.sum(weights * found, -1), None
    a, b = _limit("a", a), _limit("b", b)
    y, weights = _gauss(a, b, n)
    return (b - a) / 2.0 * np.sum(weights * operand(func(y, *args)), -1), None


def _gauss(a: Any, b: Any, n: int) -> tuple[Any, Any]:
    from numpy.polynomial.legendre import leggauss

    if any(is_known(x) and np.any(np.isinf(_plain(x))) for x in map(operand, (a, b))):
        raise ShapeError("scipy.integrate.fixed_quad: only finite limits; use quad")
    nodes, weights = leggauss(n)
    return (b - a) * (nodes + 1) / 2.0 + a, weights
