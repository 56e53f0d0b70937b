"""Roots, with Jacobians made from the function; differentiable in what it depends on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.optimize

from ...core import pytree
from ...core.errors import ShapeError, WengertTypeError
from ...numpy.arguments import floating, is_known, operand
from ...transforms.closure import Guard, close_over, plain_value, without_trace
from ...transforms.forward import derivative, jvp
from ...transforms.implicit import implicit_solution
from ...transforms.jacobians import jacobian
from .variables import Variables, flat_output, only_if_known, plain_vector

__all__ = [
    "bisect", "brenth", "brentq", "fixed_point", "newton", "ridder", "root", "root_scalar",
    "toms748",
]  # fmt: skip


def root(
    fun: Callable[..., Any],
    x0: Any,
    args: Any = (),
    method: str = "hybr",
    jac: Any = None,
    tol: float | None = None,
    callback: Any = None,
    options: Any = None,
) -> Any:
    """`scipy.optimize.root`: a solution of ``fun(x, *args) = 0``, with the Jacobian of ``fun``.

    Parameters
    ----------
    fun : callable
        ``(x, *args) -> residuals``, as many numbers as ``x`` has, in any container.
    x0 : array_like, or container of arrays
        Where to start; ``fun`` gets its structure.
    method : str
        Any of SciPy's; "hybr" and "lm" use the Jacobian.
    jac : callable, optional
        Given, it is used instead: ``(x, *args) -> matrix``. With True ``fun`` returns it, too.

    Returns
    -------
    OptimizeResult
        SciPy's, with ``x`` in the structure of ``x0``, differentiable in ``args`` and in what
        ``fun`` captures.

    Raises
    ------
    ShapeError
        If ``fun`` returns another number of residuals.
    WengertTypeError
        If ``fun`` captures a traced value and branches on values.
    """
    name = "scipy.optimize.root"
    args = args if isinstance(args, tuple) else (args,)
    variables = Variables(name, x0)
    alone = (lambda *xs: fun(*xs)[0]) if jac is True else fun
    jac = only_if_known(args, jac)
    call, theta = close_over(name, alone, (variables.tree(variables.start),), args)

    def residual(x: Any, values: Any) -> Any:
        r = floating(flat_output(call(values, variables.tree(x))))
        if r.shape != x.shape:
            raise ShapeError(
                f"{name}: the function returned {r.shape[0]} residuals for {x.shape[0]} variables; "
                "they must be as many. See scipy.optimize.least_squares"
            )
        return r

    def run(values: Any) -> Any:
        with Guard() as guard:
            settings: dict[str, Any] = {}
            if method in ("hybr", "lm"):
                settings["jac"] = guard(
                    _given_matrix(variables, fun, jac, args)
                    or (lambda x: plain_value(jacobian(lambda u: residual(u, values))(x), name))
                )
            return scipy.optimize.root(
                guard(plain_vector(lambda x: residual(x, values), name)), variables.start, (),
                method, tol=tol, options=options, **settings,
                callback=callback and (lambda x, *rest: callback(variables.tree(x), *rest)),
            )  # fmt: skip

    if not theta:
        result = run(())
        result.x = variables.tree(np.reshape(result.x, -1))
        return result
    results: list[Any] = []

    def solve(*values: Any) -> Any:
        results.append(run(values))
        return np.reshape(results[-1].x, -1)

    x = implicit_solution("root", solve, residual, theta, (variables.size,))
    result = results[0] if all(map(is_known, theta)) else scipy.optimize.OptimizeResult()
    result.x = variables.tree(x)
    return result


def _given_matrix(variables: Variables, fun: Any, jac: Any, args: Any) -> Any:
    """The user's Jacobian on vectors; None if there is none."""
    plain = pytree.map(without_trace, args)
    if jac is True:
        return lambda x: without_trace(operand(fun(variables.tree(x), *plain)[1]))
    return (lambda x: without_trace(jac(variables.tree(x), *plain))) if callable(jac) else None


def fixed_point(
    func: Callable[..., Any],
    x0: Any,
    args: Any = (),
    xtol: float = 1e-8,
    maxiter: int = 500,
    method: str = "del2",
) -> Any:
    """`scipy.optimize.fixed_point`: ``x`` with ``func(x, *args) = x``, differentiable in ``args``.

    Derivatives hold to the tolerance ``xtol`` of the solution.
    """
    name = "scipy.optimize.fixed_point"
    args = args if isinstance(args, tuple) else (args,)
    start = floating(operand(without_trace(operand(x0))))
    call, theta = close_over(name, func, (start,), args)

    def solve(*values: Any) -> Any:
        with Guard() as guard:
            f = guard(lambda x: plain_value(operand(call(values, x)), name))
            found = scipy.optimize.fixed_point(f, start, (), xtol, maxiter, method)
        return np.reshape(np.asarray(found, float), (-1,)) if start.ndim else np.float64(found)

    if not theta:
        return np.reshape(solve(), start.shape)

    def residual(x: Any, values: Any) -> Any:
        y = operand(call(values, np.reshape(x, start.shape)))
        return np.reshape(y, x.shape) - x

    shape = (start.size,) if start.ndim else ()
    return np.reshape(implicit_solution("fixed_point", solve, residual, theta, shape), start.shape)


# ------------------------------------------------------------------ one variable


def _scalar_problem(
    name: str, f: Any, point: float, args: Any
) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    """The function of one number and of what is traced in it."""
    args = args if isinstance(args, tuple) else (args,)
    call, theta = close_over(name, f, (np.float64(point),), args)

    def scalar(x: Any, values: Any) -> Any:
        y = operand(call(values, x))
        if y.size != 1 or y.dtype.kind == "c":
            raise WengertTypeError(
                f"{name}: the function returned an array of shape {y.shape} and dtype {y.dtype}; "
                "it must return one real number"
            )
        return floating(np.reshape(y, ()))

    return scalar, theta


def _plain_scalar(name: str, f: Any, values: Any) -> Callable[[Any], float]:
    return lambda x: float(plain_value(f(np.float64(x), values), name))


def _solved(
    name: str, scalar: Any, theta: Any, run: Callable[[Any], tuple[float, Any]]
) -> tuple[Any, Any]:
    """The root, and SciPy's report; ``run(values)`` finds both."""
    if not theta:
        return run(())
    reports: list[Any] = []

    def solve(*values: Any) -> Any:
        x, report = run(values)
        reports.append(report)
        return np.float64(x)

    x = implicit_solution(name.rpartition(".")[2], solve, scalar, theta, ())
    return x, reports[0] if reports else None


def _in_bracket(solver: Any, **defaults: Any) -> Any:
    """A solver between two points, by SciPy's name and arguments."""
    name = f"scipy.optimize.{solver.__name__}"

    def find(
        f: Callable[..., Any],
        a: Any,
        b: Any,
        args: Any = (),
        *positional: Any,
        full_output: bool = False,
        disp: bool = True,
        **options: Any,
    ) -> Any:
        low, high = (float(without_trace(operand(x))) for x in (a, b))
        scalar, theta = _scalar_problem(name, f, low + 0.41421 * (high - low), args)
        options = {**dict(zip(("xtol", "rtol", "maxiter"), positional, strict=False)), **options}

        def run(values: Any) -> tuple[float, Any]:
            with Guard() as guard:
                found = solver(
                    guard(_plain_scalar(name, scalar, values)), low, high, (),
                    full_output=True, disp=disp, **options,
                )  # fmt: skip
            return found[0], found[1]

        x, report = _solved(name, scalar, theta, run)
        return (x, report) if full_output else x

    find.__name__ = find.__qualname__ = solver.__name__
    find.__doc__ = (
        f"`{name}`: the root of ``f(x, *args)`` between ``a`` and ``b``.\n\n"
        "    Differentiable in ``args`` and in traced values that ``f`` captures; the ends of the\n"
        "    bracket are constants. Arguments as SciPy's.\n\n"
        "    Raises\n    ------\n    WengertTypeError\n"
        "        If ``f`` does not return one real number, or captures a traced value and\n"
        "        branches on values.\n"
        "    ValueError\n        SciPy's, if ``f`` has the same sign at both ends.\n    "
    )
    return find


bisect = _in_bracket(scipy.optimize.bisect)
brentq = _in_bracket(scipy.optimize.brentq)
brenth = _in_bracket(scipy.optimize.brenth)
ridder = _in_bracket(scipy.optimize.ridder)
toms748 = _in_bracket(scipy.optimize.toms748)


def root_scalar(
    f: Callable[..., Any],
    args: Any = (),
    method: str | None = None,
    bracket: Any = None,
    fprime: Any = None,
    fprime2: Any = None,
    x0: Any = None,
    x1: Any = None,
    xtol: float | None = None,
    rtol: float | None = None,
    maxiter: int | None = None,
    options: Any = None,
) -> Any:
    """`scipy.optimize.root_scalar`: a root, with the derivatives that the method uses.

    ``fprime`` is made from ``f`` for "newton" and "halley" (and with ``x0`` alone), ``fprime2`` for
    "halley". The ``root`` of the result is differentiable in ``args`` and in what ``f`` captures.

    Raises
    ------
    WengertTypeError
        If ``f`` does not return one real number, or captures a traced value and branches.
    """
    name = "scipy.optimize.root_scalar"
    ends = None if bracket is None else [float(without_trace(operand(x))) for x in bracket]
    starts = [None if x is None else float(without_trace(operand(x))) for x in (x0, x1)]
    point = ends[0] + 0.41421 * (ends[1] - ends[0]) if ends else starts[0]
    alone = (lambda *xs: f(*xs)[0]) if fprime is True else f
    fprime, fprime2 = only_if_known(args, fprime), only_if_known(args, fprime2)
    scalar, theta = _scalar_problem(name, alone, 0.5 if point is None else point, args)
    newton_like = method in ("newton", "halley") or (method is None and not ends and x1 is None)

    def run(values: Any) -> tuple[float, Any]:
        def at(x: Any) -> Any:
            return scalar(x, values)

        more = pytree.map(without_trace, args if isinstance(args, tuple) else (args,))
        settings: dict[str, Any] = {}
        with Guard() as guard:
            for key, given, f_of in (
                ("fprime", fprime, derivative(at)),
                ("fprime2", fprime2 if method == "halley" else False, derivative(derivative(at))),
            ):
                if callable(given):
                    settings[key] = guard(lambda x, g=given: float(without_trace(g(x, *more))))
                elif given is not False and newton_like:
                    settings[key] = guard(
                        lambda x, g=f_of: float(plain_value(g(np.float64(x)), name))
                    )
            result = scipy.optimize.root_scalar(
                guard(_plain_scalar(name, scalar, values)), (), method, ends, x0=starts[0],
                x1=starts[1], xtol=xtol, rtol=rtol, maxiter=maxiter, options=options, **settings,
            )  # fmt: skip
        return result.root, result

    x, result = _solved(name, scalar, theta, run)
    if result is None:
        result = scipy.optimize.RootResults(
            x, np.nan, np.nan, 0, method or ("newton" if newton_like else "brentq")
        )
    result.root = x
    return result


def newton(
    func: Callable[..., Any],
    x0: Any,
    fprime: Any = None,
    args: Any = (),
    tol: float = 1.48e-8,
    maxiter: int = 50,
    fprime2: Any = None,
    x1: Any = None,
    rtol: float = 0.0,
    full_output: bool = False,
    disp: bool = True,
) -> Any:
    """`scipy.optimize.newton`: Newton's method, with the derivative of ``func``.

    For an array ``x0`` a root of each element is sought, of which each value of ``func`` depends
    on one. Without ``fprime`` SciPy would use secants; with ``x1`` they are used here, too. The
    root is differentiable in ``args`` and in what ``func`` captures.

    Raises
    ------
    RuntimeError
        SciPy's, if it does not converge.
    WengertTypeError
        If ``func`` captures a traced value and branches on values.
    """
    name = "scipy.optimize.newton"
    args = args if isinstance(args, tuple) else (args,)
    start = floating(operand(without_trace(operand(x0))))
    call, theta = close_over(name, func, (start,), args)
    fprime, fprime2 = only_if_known(args, fprime), only_if_known(args, fprime2)

    def elements(x: Any, values: Any) -> Any:
        y = floating(operand(call(values, x)))
        if y.shape != start.shape:
            raise ShapeError(
                f"{name}: the function returned shape {y.shape} for x of shape {start.shape}; it "
                "must work on each element alone"
            )
        return y

    def run(values: Any) -> Any:
        more = pytree.map(without_trace, args)
        settings: dict[str, Any] = {}
        with Guard() as guard:
            if callable(fprime):
                settings["fprime"] = guard(lambda x: without_trace(fprime(x, *more)))
            elif x1 is None:

                def slope(x: Any) -> Any:
                    ones = np.ones(np.shape(x))
                    return plain_value(
                        jvp(lambda u: elements(u, values), (np.asarray(x)[()],), (ones,))[1], name
                    )

                settings["fprime"] = guard(slope)
            if callable(fprime2):
                settings["fprime2"] = guard(lambda x: without_trace(fprime2(x, *more)))
            return scipy.optimize.newton(
                guard(lambda x: plain_value(elements(np.asarray(x)[()], values), name)),
                start if start.ndim else float(start), args=(), tol=tol, maxiter=maxiter,
                x1=None if x1 is None else without_trace(x1), rtol=rtol, full_output=full_output,
                disp=disp, **settings,
            )  # fmt: skip

    if not theta:
        return run(())
    reports: list[Any] = []

    def solve(*values: Any) -> Any:
        found = run(values)
        reports.append(tuple(found[1:]) if full_output else ())
        x = found[0] if full_output else found
        return np.asarray(x, float)[()]

    x = implicit_solution("newton", solve, elements, theta, start.shape, True)
    return (x, *reports[0]) if full_output and reports else x
