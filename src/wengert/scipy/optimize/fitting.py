"""Least squares, with Jacobians made from the residuals."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.optimize

from ...core import pytree
from ...core.errors import NoRuleError, ShapeError, WengertTypeError, WengertValueError
from ...numpy.arguments import floating, is_known, operand
from ...transforms.closure import Guard, close_over, is_traced, plain_value, without_trace
from ...transforms.implicit import implicit_solution
from ...transforms.jacobians import jacfwd
from ...transforms.reverse import vjp
from ...transforms.stop import stop_gradient
from ..mirror import tensors_in
from .variables import Variables, active, flat_output, only_if_known, plain_vector

__all__ = ["curve_fit", "least_squares"]


def least_squares(
    fun: Callable[..., Any],
    x0: Any,
    jac: Any = None,
    bounds: Any = (-np.inf, np.inf),
    method: str = "trf",
    loss: Any = "linear",
    args: Any = (),
    kwargs: Any = None,
    **options: Any,
) -> Any:
    """`scipy.optimize.least_squares`: minimize the sum of squares of ``fun(x, *args, **kwargs)``.

    Parameters
    ----------
    fun : callable
        Returns residuals, in any container; ``x`` has the structure of ``x0``.
    x0 : array_like, or container of arrays
    jac : optional
        Made from ``fun`` unless given, as a function or one of SciPy's strings.
    bounds : pair
        Lower and upper limits: numbers, arrays, or containers like ``x0``.
    method, loss, ftol, xtol, ... :
        As SciPy's.

    Returns
    -------
    OptimizeResult
        SciPy's, with ``x`` in the structure of ``x0``, differentiable in ``args``, ``kwargs`` and
        what ``fun`` captures.

    Raises
    ------
    NoRuleError
        If anything is being differentiated and ``loss`` is not "linear".
    WengertTypeError
        If ``fun`` captures a traced value and branches on values.
    """
    name = "scipy.optimize.least_squares"
    args = args if isinstance(args, tuple) else (args,)
    variables = Variables(name, x0)
    call, theta = close_over(
        name,
        lambda x, rest, more: fun(x, *rest, **more),
        (variables.tree(variables.start),),
        (args, dict(kwargs or {})),
    )
    low, high = _limits(variables, bounds)
    plain = pytree.map(without_trace, (args, dict(kwargs or {})))
    jac = only_if_known((args, kwargs), jac)

    def residuals(x: Any, values: Any) -> Any:
        return floating(flat_output(call(values, variables.tree(x))))

    def run(values: Any) -> Any:
        with Guard() as guard:
            slopes: Any = jac
            if callable(jac):
                slopes = guard(
                    lambda x: without_trace(jac(variables.tree(x), *plain[0], **plain[1]))
                )
            elif jac is None:
                slopes = guard(
                    lambda x: plain_value(jacfwd(lambda u: residuals(u, values))(x), name)
                )
            return scipy.optimize.least_squares(
                guard(plain_vector(lambda x: residuals(x, values), name)), variables.start, slopes,
                (low, high), method, loss=loss, **options,
            )  # fmt: skip

    if not theta:
        result = run(())
        result.x = variables.tree(result.x)
        return result
    if loss != "linear":
        raise NoRuleError(
            f"{name}: with loss={loss!r} the solution is not differentiable here; use "
            "loss='linear', or minimize with the loss written out"
        )
    x, result = _solution(name, run, residuals, theta, variables.size, low, high)
    result.x = variables.tree(x)
    return result


def _limits(variables: Variables, bounds: Any) -> tuple[Any, Any]:
    if isinstance(bounds, scipy.optimize.Bounds):
        bounds = (bounds.lb, bounds.ub)
    if not isinstance(bounds, (tuple, list)) or len(bounds) != 2:
        raise ShapeError(f"{variables.name}: bounds must be a pair (lower, upper)")
    if any(is_traced(x) for x in tensors_in(bounds)):
        raise NoRuleError(
            f"{variables.name}: bounds are being differentiated, which is not supported; pass "
            "wengert.stop_gradient of them"
        )
    return variables.limits(bounds[0], -np.inf), variables.limits(bounds[1], np.inf)


def _solution(
    name: str, run: Any, residuals: Any, theta: Any, size: int, low: Any, high: Any
) -> tuple[Any, Any]:
    """The stationary point of the sum of squares, and SciPy's result."""
    bounded = bool(np.any(np.isfinite(low)) or np.any(np.isfinite(high)))

    def stationary(x: Any, values: Any) -> Any:
        r, pull = vjp(lambda u: residuals(u, values), x)
        slope = pull(r)[0]
        if not bounded:
            return slope
        return np.where(active(x, low, high), x - stop_gradient(x), slope)

    results: list[Any] = []

    def solve(*values: Any) -> Any:
        results.append(run(values))
        return results[-1].x

    x = implicit_solution(name.rpartition(".")[2], solve, stationary, theta, (size,))
    return x, results[0] if all(map(is_known, theta)) else scipy.optimize.OptimizeResult()


def curve_fit(
    f: Callable[..., Any],
    xdata: Any,
    ydata: Any,
    p0: Any = None,
    sigma: Any = None,
    absolute_sigma: bool = False,
    check_finite: bool = True,
    bounds: Any = (-np.inf, np.inf),
    method: str | None = None,
    jac: Any = None,
    *,
    full_output: bool = False,
    nan_policy: Any = None,
    **options: Any,
) -> Any:
    """`scipy.optimize.curve_fit`: the parameters with which ``f(xdata, *p)`` fits ``ydata``.

    The Jacobian is made from ``f`` unless ``jac`` is given. Parameters and their covariance are
    differentiable in ``xdata``, ``ydata``, ``sigma`` and in what ``f`` captures.

    Returns
    -------
    popt : array (k,)
    pcov : array (k, k)

    Raises
    ------
    NoRuleError
        With ``full_output`` or ``nan_policy``, if anything is being differentiated.
    WengertTypeError
        If ``f`` captures a traced value and branches on values.
    WengertValueError
        If the number of parameters is not known: give ``p0``.
    """
    name = "scipy.optimize.curve_fit"
    start = np.ones(_parameter_count(name, f)) if p0 is None else without_trace(operand(p0))
    start = np.atleast_1d(np.asarray(start, float))
    count = start.shape[0]
    low, high = _limits(Variables(name, start), bounds)
    y = floating(operand(ydata))

    def weighted(p: Any, x: Any, values: Any, deviations: Any) -> Any:
        r = operand(f(x, *[p[i] for i in range(count)])) - values
        if deviations is None:
            return r
        s = operand(deviations)
        return r / s if s.ndim < 2 else np.linalg.solve(np.linalg.cholesky(s), r)

    call, theta = close_over(name, weighted, (start,), (xdata, y, sigma))
    if not theta:
        own_jacobian = jac
        if jac is None:

            def own_jacobian(x: Any, *p: Any) -> Any:
                slopes = jacfwd(lambda q: operand(f(x, *[q[i] for i in range(count)])))
                return plain_value(slopes(np.array(p, float)), name)

        with Guard() as guard:
            return scipy.optimize.curve_fit(
                guard(lambda x, *p: plain_value(operand(f(x, *p)), name)), without_trace(xdata),
                without_trace(y), start, without_trace(sigma), absolute_sigma, check_finite,
                (low, high), method, guard(own_jacobian) if callable(own_jacobian) else jac,
                full_output=full_output, nan_policy=nan_policy, **options,
            )  # fmt: skip
    if full_output or nan_policy is not None:
        raise NoRuleError(
            f"{name}: full_output and nan_policy are for plain values; leave them out, or call it "
            "on wengert.stop_gradient of the data"
        )

    def residuals(p: Any, values: Any) -> Any:
        return floating(flat_output(call(values, p)))

    unbounded = bool(np.all(np.isinf(low)) and np.all(np.isinf(high)))

    def run(values: Any) -> Any:
        with Guard() as guard:
            return scipy.optimize.least_squares(
                guard(plain_vector(lambda p: residuals(p, values), name)), start,
                guard(lambda p: plain_value(jacfwd(lambda q: residuals(q, values))(p), name)),
                (low, high), method or ("lm" if unbounded else "trf"), **options,
            )  # fmt: skip

    popt, _ = _solution(name, run, residuals, theta, count, low, high)
    slopes = jacfwd(lambda p: residuals(p, theta))(popt)
    pcov = np.linalg.inv(np.transpose(slopes) @ slopes)
    if not absolute_sigma:
        r = residuals(popt, theta)
        if r.shape[0] <= count:
            raise WengertValueError(
                f"{name}: {r.shape[0]} data do not determine the scatter of {count} parameters; "
                "give sigma and absolute_sigma=True"
            )
        pcov = pcov * (np.sum(r * r) / (r.shape[0] - count))
    return popt, pcov


def _parameter_count(name: str, f: Any) -> int:
    try:
        parameters = list(inspect.signature(f).parameters.values())
    except (TypeError, ValueError) as error:
        raise WengertTypeError(f"{name}: f has no signature to read; give p0 ({error})") from None
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    if any(p.kind is p.VAR_POSITIONAL for p in parameters) or len(positional) < 2:
        raise WengertValueError(
            f"{name}: the number of parameters of f is not known; give p0, a first guess for each"
        )
    return len(positional) - 1
