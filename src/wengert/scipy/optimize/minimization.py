"""Minimization, with gradients and Hessian-vector products made from the objective."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import scipy.optimize

from ...core.errors import NoRuleError, ShapeError, WengertTypeError
from ...numpy.arguments import is_known, operand
from ...transforms.closure import Guard, close_over, is_traced, plain_value, without_trace
from ...transforms.forward import derivative
from ...transforms.implicit import implicit_solution
from ...transforms.jacobians import hessian, hvp, jacobian
from ...transforms.reverse import grad, value_and_grad
from ...transforms.stop import stop_gradient
from ..mirror import tensors_in
from .variables import Variables, active, flat_output, only_if_known

__all__ = ["minimize", "minimize_scalar"]

WITHOUT_GRADIENT = ("nelder-mead", "powell", "cobyla", "cobyqa")
_WITH_PRODUCTS = ("newton-cg", "trust-ncg", "trust-krylov", "trust-constr")
_WITH_HESSIAN = ("dogleg", "trust-exact")
_ON_BOUNDS = ("", "l-bfgs-b", "tnc", "slsqp", "nelder-mead", "powell")


def minimize(
    fun: Callable[..., Any],
    x0: Any,
    args: Any = (),
    method: Any = None,
    jac: Any = None,
    hess: Any = None,
    hessp: Any = None,
    bounds: Any = None,
    constraints: Any = (),
    tol: float | None = None,
    callback: Any = None,
    options: Any = None,
) -> Any:
    """`scipy.optimize.minimize`: a minimum, with the derivatives that the method can use.

    Parameters
    ----------
    fun : callable
        ``(x, *args) -> float``, written with functions that wengert can differentiate; ``x`` has
        the structure of ``x0``.
    x0 : array_like, or container of arrays
        Where to start. Lists of numbers are arrays.
    args : tuple
    method : str, optional
        Any of SciPy's. The gradient is made from ``fun`` for those that use one, Hessian-vector
        products for "Newton-CG", "trust-ncg", "trust-krylov" and "trust-constr", the Hessian for
        "dogleg" and "trust-exact".
    jac, hess, hessp : optional
        Given, they are used as SciPy uses them, on vectors.
    bounds : optional
        As SciPy's; for containers a pair ``(lower, upper)`` of containers like ``x0``, of numbers
        or of None.
    constraints : optional
        As SciPy's. The Jacobians (and for "trust-constr" the Hessians) of functions are made from
        them; in containers, functions take the container.
    tol, callback, options :
        As SciPy's; ``callback`` gets the container.

    Returns
    -------
    OptimizeResult
        SciPy's, with ``x`` and ``jac`` in the structure of ``x0``. If ``args`` or what ``fun``
        captures are being differentiated, ``x`` and ``fun`` are differentiable in them.

    Raises
    ------
    WengertTypeError
        If ``fun`` does not return one real number, or captures a traced value and branches.
    NoRuleError
        If anything is being differentiated and there are constraints, or bounds with a method whose
        solutions end near bounds and not on them.

    Notes
    -----
    The derivative of the solution is that of the stationary point, ``-H^-1 d(grad f)``, with
    variables on their bounds held there; it is as exact as the solution.
    """
    name = "scipy.optimize.minimize"
    args = args if isinstance(args, tuple) else (args,)
    variables = Variables(name, x0)
    chosen = method.lower() if isinstance(method, str) else "" if method is None else None
    start = variables.tree(variables.start)
    call, theta = close_over(name, _first(fun) if jac is True else fun, (start,), args)
    limits = _bounds(variables, bounds)
    if theta:
        _check_differentiable(name, chosen, bounds, constraints)

    def objective(values: Any, x: Any) -> Any:
        return _number(name, call(values, variables.tree(x)))

    own = {"jac": jac, "hess": hess, "hessp": hessp}
    own = {k: only_if_known(args, g) for k, g in own.items()}

    def run(values: Sequence[Any]) -> Any:
        with Guard() as guard:
            function, settings = _derivatives(
                name, variables, lambda x: objective(values, x), chosen, own, fun, args
            )
            settings = {k: guard(f) if callable(f) else f for k, f in settings.items()}
            return scipy.optimize.minimize(
                guard(function), variables.start, method=method,
                bounds=None if bounds is None else scipy.optimize.Bounds(*limits),
                constraints=_constraints(name, variables, constraints, chosen, guard), tol=tol,
                callback=_callback(callback, variables), options=options, **settings,
            )  # fmt: skip

    if not theta:
        return _delivered(run(()), variables)

    def residual(x: Any, values: Any) -> Any:
        slope = grad(lambda u: objective(values, u))(x)
        if bounds is None:
            return slope
        return np.where(active(x, *limits), x - stop_gradient(x), slope)

    results: list[Any] = []

    def solve(*values: Any) -> Any:
        results.append(run(values))
        return results[-1].x

    x = implicit_solution(name.rpartition(".")[2], solve, residual, theta, (variables.size,))
    known = all(map(is_known, theta))
    result = results[0] if known else scipy.optimize.OptimizeResult()
    if known:
        _delivered(result, variables)
    result.x, result.fun = variables.tree(x), objective(theta, x)
    return result


def _first(fun: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *xs: fun(*xs)[0]


def _number(name: str, y: Any) -> Any:
    if isinstance(y, (tuple, dict)) or y is None:
        raise WengertTypeError(
            f"{name}: the function returned a {type(y).__name__}; it must return one real number"
        )
    y = operand(y)
    if y.size != 1 or y.dtype.kind not in "fiub":
        raise WengertTypeError(
            f"{name}: the function returned an array of shape {y.shape} and dtype {y.dtype}; it "
            "must return one real number"
        )
    return np.reshape(y, ())


def _derivatives(
    name: str,
    variables: Variables,
    at: Callable[[Any], Any],
    method: str | None,
    own: dict[str, Any],
    fun: Any,
    args: Any,
) -> tuple[Any, dict[str, Any]]:
    """The objective for SciPy, and the derivatives that the method uses: the user's, or ours.

    ``own`` are the arguments ``jac``, ``hess`` and ``hessp`` of the user, whose functions take
    the user's arguments.
    """

    def plain(f: Any, shape: Callable[[Any], Any]) -> Any:
        def on_vectors(x: Any, *rest: Any) -> Any:
            more = [variables.tree(r) for r in rest]
            y = f(variables.tree(x), *more, *map(without_trace, args))
            return without_trace(shape(y))

        return on_vectors

    def value(x: Any) -> Any:
        return plain_value(at(x), name)

    jac, hess, hessp = own["jac"], own["hess"], own["hessp"]
    settings: dict[str, Any] = {}
    function = value
    if callable(jac):
        settings["jac"] = plain(jac, flat_output)
    elif jac is True:
        settings["jac"] = True
        function = plain(fun, lambda y: (without_trace(y[0]), without_trace(flat_output(y[1]))))
    elif jac is False or isinstance(jac, str):
        settings["jac"] = jac
    elif method not in WITHOUT_GRADIENT:
        settings["jac"] = True

        def function(x: Any) -> Any:
            y, slope = value_and_grad(at)(x)
            return float(plain_value(y, name)), plain_value(slope, name)

    if callable(hessp):
        settings["hessp"] = plain(hessp, flat_output)
    if callable(hess):
        settings["hess"] = plain(hess, lambda y: y)
    elif hess is not None:
        settings["hess"] = hess
    elif method in _WITH_PRODUCTS and hessp is None:
        settings["hessp"] = lambda x, v: plain_value(hvp(at, x, v), name)
    elif method in _WITH_HESSIAN:
        settings["hess"] = lambda x: plain_value(hessian(at)(x), name)
    return function, settings


def _bounds(variables: Variables, bounds: Any) -> tuple[Any, Any]:
    """Lower and upper limits as vectors."""
    low, high = np.full(variables.size, -np.inf), np.full(variables.size, np.inf)
    if bounds is None:
        return low, high
    if any(is_traced(x) for x in tensors_in(bounds)):
        raise NoRuleError(
            f"{variables.name}: bounds are being differentiated, which is not supported; pass "
            "wengert.stop_gradient of them, or change the variable"
        )
    if isinstance(bounds, scipy.optimize.Bounds):
        return np.broadcast_to(bounds.lb, low.shape), np.broadcast_to(bounds.ub, high.shape)
    if not variables.single:
        if not isinstance(bounds, (tuple, list)) or len(bounds) != 2:
            raise WengertTypeError(
                f"{variables.name}: for containers bounds must be a pair (lower, upper) of "
                "containers like x0, numbers or None"
            )
        return variables.limits(bounds[0], -np.inf), variables.limits(bounds[1], np.inf)
    pairs = [tuple(b) for b in bounds]
    if len(pairs) != variables.size or any(len(b) != 2 for b in pairs):
        raise ShapeError(
            f"{variables.name}: bounds must be a (lower, upper) pair for each of the "
            f"{variables.size} variables; got {len(pairs)}"
        )
    low = np.array([-np.inf if b[0] is None else float(b[0]) for b in pairs])
    return low, np.array([np.inf if b[1] is None else float(b[1]) for b in pairs])


def _check_differentiable(name: str, method: str | None, bounds: Any, constraints: Any) -> None:
    if constraints is not None and not (
        isinstance(constraints, (tuple, list)) and not len(constraints)
    ):
        raise NoRuleError(
            f"{name}: the solution under constraints is not differentiable here; solve on "
            "wengert.stop_gradient of the arguments, or change variables so that they hold"
        )
    if bounds is not None and method not in _ON_BOUNDS:
        raise NoRuleError(
            f"{name}: with bounds, solutions of method {method!r} are not differentiable, since "
            "they end near a bound and not on it; use 'L-BFGS-B', 'TNC' or 'SLSQP'"
        )


def _constraints(
    name: str, variables: Variables, constraints: Any, method: str | None, guard: Guard
) -> Any:
    if isinstance(constraints, dict) or not isinstance(constraints, (tuple, list)):
        constraints = (constraints,) if constraints is not None else ()
    return tuple(_constraint(name, variables, c, method, guard) for c in constraints)


def _constraint(name: str, variables: Variables, c: Any, method: str | None, guard: Guard) -> Any:
    """A constraint with the Jacobian (and the Hessian) of its function."""

    def vector(f: Any, args: Any = ()) -> Any:
        return lambda x: flat_output(f(variables.tree(x), *args))

    def plain(f: Any) -> Any:
        return guard(lambda x: np.atleast_1d(plain_value(f(x), name)))

    def jacobian_of(f: Any) -> Any:
        return guard(lambda x: np.atleast_2d(plain_value(jacobian(f)(x), name)))

    if isinstance(c, dict):
        if not callable(c.get("fun")):
            raise WengertTypeError(f"{name}: a constraint needs a function under 'fun'")
        f = vector(c["fun"], c.get("args", ()))
        new = {"type": c.get("type"), "fun": plain(f)}
        if method not in WITHOUT_GRADIENT:
            own = c.get("jac")
            new["jac"] = (
                vector_jacobian(variables, own, c.get("args", ())) if own else jacobian_of(f)
            )
        return new
    if isinstance(c, scipy.optimize.NonlinearConstraint):
        f = vector(c.fun)
        settings: dict[str, Any] = {"jac": c.jac if callable(c.jac) else jacobian_of(f)}
        own_hessian = callable(c.hess) or isinstance(c.hess, str)
        settings["hess"] = (
            c.hess if own_hessian
            else guard(lambda x, v: plain_value(hessian(lambda u: np.sum(f(u) * v))(x), name))
        )  # fmt: skip
        return scipy.optimize.NonlinearConstraint(
            plain(f), c.lb, c.ub, keep_feasible=c.keep_feasible, **settings
        )
    return c


def vector_jacobian(variables: Variables, jac: Any, args: Any) -> Any:
    """A Jacobian of the user's, which takes the container and gives a matrix."""
    return lambda x: jac(variables.tree(x), *args)


def _callback(callback: Any, variables: Variables) -> Any:
    if callback is None:
        return None
    try:
        parameters = list(inspect.signature(callback).parameters)
    except (TypeError, ValueError):
        parameters = []
    if parameters == ["intermediate_result"]:

        def with_result(intermediate_result: Any) -> Any:
            intermediate_result.x = variables.tree(np.array(intermediate_result.x))
            return callback(intermediate_result=intermediate_result)

        return with_result
    return lambda x, *rest: callback(variables.tree(np.array(x)), *rest)


def _delivered(result: Any, variables: Variables) -> Any:
    """SciPy's result with ``x`` and ``jac`` in the structure of the variables."""
    for key in ("x", "jac"):
        vector = result.get(key)
        if isinstance(vector, np.ndarray) and vector.shape == (variables.size,):
            result[key] = variables.tree(vector)
    return result


def minimize_scalar(
    fun: Callable[..., Any],
    bracket: Any = None,
    bounds: Any = None,
    args: Any = (),
    method: Any = None,
    tol: float | None = None,
    options: Any = None,
) -> Any:
    """`scipy.optimize.minimize_scalar`; the solution is differentiable in ``args``.

    So it is in traced values that ``fun`` captures. A solution at one of the bounds is constant.

    Raises
    ------
    WengertTypeError
        If ``fun`` does not return one real number, or captures a traced value and branches.
    """
    name = "scipy.optimize.minimize_scalar"
    args = args if isinstance(args, tuple) else (args,)
    ends = [float(without_trace(x)) for x in (bounds if bounds is not None else ())]
    brackets = None if bracket is None else tuple(float(without_trace(x)) for x in bracket)
    point = np.float64(sum(ends) / 2 if ends else brackets[0] if brackets else 0.5)
    call, theta = close_over(name, fun, (point,), args)

    def objective(values: Any, x: Any) -> Any:
        return _number(name, call(values, x))

    def run(values: Any) -> Any:
        with Guard() as guard:
            return scipy.optimize.minimize_scalar(
                guard(lambda x: float(plain_value(objective(values, np.float64(x)), name))),
                brackets, tuple(ends) if ends else None, (), method, tol, options,
            )  # fmt: skip

    if not theta:
        return run(())
    results: list[Any] = []

    def solve(*values: Any) -> Any:
        results.append(run(values))
        return np.float64(results[-1].x)

    def residual(x: Any, values: Any) -> Any:
        slope = derivative(lambda u: objective(values, u))(x)
        if not ends:
            return slope
        near = 1e-4 * (ends[1] - ends[0])
        held = (x - ends[0] <= near) & (slope > 0) | (ends[1] - x <= near) & (slope < 0)
        # Only a slope that the tolerance of the solution does not explain holds it at the bound.
        curvature = derivative(derivative(lambda u: objective(values, u)))(x)
        held = held & (np.abs(slope) > np.abs(curvature) * near)
        return np.where(held, x - stop_gradient(x), slope)

    x = implicit_solution(name.rpartition(".")[2], solve, residual, theta, ())
    result = results[0] if all(map(is_known, theta)) else scipy.optimize.OptimizeResult()
    result.x, result.fun = x, objective(theta, x)
    return result
