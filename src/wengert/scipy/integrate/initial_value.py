"""``odeint`` and ``solve_ivp``: the faces of `flow`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.integrate
import scipy.optimize

from ...core import pytree
from ...core.bind import bind
from ...core.errors import AbstractValueError, ShapeError, WengertTypeError, WengertValueError
from ...core.tensor import handle
from ...numpy.arguments import cast, is_known, operand
from ...rules.sorting import searchsorted_p
from ...transforms.closure import Guard, close_over, is_traced, plain_value, without_trace
from ...transforms.stop import stop_gradient
from ..mirror import refuse, tensors_in
from .dense import DenseSolution
from .events import (
    Event,
    closed_events,
    differentiated,
    happened,
    last_terminal,
    plain_events,
)
from .flow import Problem, flow

__all__ = ["odeint", "solve_ivp"]

_METHODS = ("RK45", "RK23", "DOP853", "Radau", "BDF", "LSODA")
_NOTHING_TO_DO = "Nothing was done; the integration time was 0."


def _state(name: str, argument: str, y0: Any) -> Any:
    y = operand(y0)
    y = np.reshape(y, (1,)) if not y.ndim else y
    if y.ndim != 1:
        raise ShapeError(
            f"{name}: {argument} has shape {y.shape}; the state is a vector. Flatten it, and "
            "reshape it in the function"
        )
    return cast(y, np.complex128 if y.dtype.kind == "c" else np.float64)


def _slope(name: str, result: Any, y: Any) -> Any:
    """What the function returned, as an array of the state's shape."""
    slope = operand(result)
    slope = np.reshape(slope, (1,)) if not slope.ndim else slope
    if slope.shape != y.shape:
        raise ShapeError(
            f"{name}: the function returned an array of shape {slope.shape} for a state of shape "
            f"{y.shape}; it must return dy/dt, of the same shape"
        )
    return slope


def _with_times(f: Any, times: Any) -> tuple[Any, Any, tuple[Any, ...]]:
    """The equation in a time that does not move, for times that are differentiated.

    Between ``s_i`` and ``s_(i+1)``, the present times as constants, ``t`` runs linearly from
    ``t_i`` to ``t_(i+1)``, so ``dy/ds = f(y, t) dt/ds``. Where two times are equal, ``s``
    advances by 1 and ``t`` does not.

    Returns
    -------
    f : callable
        With the times and the constants after the other parameters.
    fixed : array
        The constants.
    more : tuple
        The two additional parameters.
    """
    now = stop_gradient(times)
    steps = np.diff(now)
    sign = np.where(np.sum(steps) < 0, -1.0, 1.0)
    fixed = np.concatenate([now[:1], now[0] + np.cumsum(np.where(steps == 0, sign, steps))])
    fixed = stop_gradient(fixed)

    def timed(theta: Any, s: Any, y: Any) -> Any:
        *rest, t, knots = theta
        backwards = np.where(knots[-1] < knots[0], -1.0, 1.0)
        i = _interval(knots[1:-1] * backwards, s * backwards)
        rate = (t[i + 1] - t[i]) / (knots[i + 1] - knots[i])
        return rate * f(tuple(rest), t[i] + (s - knots[i]) * rate, y)

    return timed, fixed, (times, fixed)


def _interval(inner: Any, s: Any) -> Any:
    return bind(searchsorted_p, (inner, s), {"side": "right"}) if inner.shape[0] else 0


def _traced(*trees: Any) -> bool:
    return any(is_traced(x) for tree in trees for x in pytree.leaves(tree))


# ------------------------------------------------------------------ odeint


def odeint(
    func: Callable[..., Any],
    y0: Any,
    t: Any,
    args: Any = (),
    Dfun: Any = None,
    col_deriv: int = 0,
    full_output: int = 0,
    ml: Any = None,
    mu: Any = None,
    rtol: Any = None,
    atol: Any = None,
    tcrit: Any = None,
    h0: float = 0.0,
    hmax: float = 0.0,
    hmin: float = 0.0,
    ixpr: int = 0,
    mxstep: int = 0,
    mxhnil: int = 0,
    mxordn: int = 12,
    mxords: int = 5,
    printmessg: int = 0,
    tfirst: bool = False,
) -> Any:
    """`scipy.integrate.odeint`: solve ``dy/dt = func(y, t, *args)``.

    Differentiable in ``y0``, ``t``, ``args``, which may be containers, and in traced values that
    ``func`` captures. Reverse mode is the adjoint method, forward mode the variational system, both
    to the same tolerances as the solution.

    Parameters
    ----------
    func : callable
        ``(y, t, *args) -> dy/dt``, with ``tfirst`` ``(t, y, *args)``.
    y0 : array_like (n,)
    t : array_like (times,)
        Increasing or decreasing; ``t[0]`` is the time of ``y0``.
    args : tuple
    rtol, atol : float, optional
        1.49e-8 by default.
    hmax : float
        The longest step, of the solution and of its adjoint.
    Dfun, mxstep, ... :
        As SciPy's, for the solution itself (and all but ``Dfun``, ``ml``, ``mu`` and ``tcrit`` for
        variational systems). The adjoint takes as many steps as it needs.

    Returns
    -------
    y : array (times, n)
    info : dict
        Only with ``full_output``.

    Raises
    ------
    ShapeError
        If ``y0`` or ``t`` is no vector, or ``func`` does not return the shape of ``y0``.
    WengertTypeError
        If ``func`` captures a traced value and branches on values; for a complex state.
    WengertValueError
        If the adjoint equation cannot be solved to the tolerances; if anything is being
        differentiated and the solution breaks off, where SciPy warns (``ODEintWarning``).
    """
    name = "scipy.integrate.odeint"
    args = args if isinstance(args, tuple) else (args,)
    y0 = _state(name, "y0", y0)
    if y0.dtype.kind == "c":
        raise WengertTypeError(f"{name}: y0 is complex; use solve_ivp, or its two real parts")
    times = cast(operand(t), np.float64)
    if times.ndim != 1 or times.shape[0] < 1:
        raise ShapeError(f"{name}: t has shape {times.shape}; expected a vector of times")
    call, theta = close_over(
        name,
        func,
        (times[0], y0) if tfirst else (y0, times[0]),
        args,
    )
    given = {
        "rtol": rtol, "atol": atol, "tcrit": tcrit, "h0": h0, "hmax": hmax, "hmin": hmin,
        "ixpr": ixpr, "mxstep": mxstep, "mxhnil": mxhnil, "mxordn": mxordn, "mxords": mxords,
        "printmessg": printmessg,
    }  # fmt: skip
    with_jacobian = {"Dfun": Dfun, "col_deriv": col_deriv, "ml": ml, "mu": mu}

    def f(values: Any, at: Any, y: Any) -> Any:
        return _slope(name, call(values, at, y) if tfirst else call(values, y, at), y)

    plain_theta = tuple(map(without_trace, theta))
    traced = _traced(y0, times) or bool(theta)
    unknown = not all(map(is_known, (y0, times, *theta)))
    known: Any = None
    info: dict[str, Any] = {}
    if not unknown:
        plain_args = pytree.map(without_trace, args)
        jacobian = None if Dfun is None else lambda *xs: Dfun(*xs, *plain_args)
        with Guard() as guard:

            def g(at: Any, y: Any) -> Any:
                result = call(plain_theta, at, y) if tfirst else call(plain_theta, y, at)
                return plain_value(_slope(name, result, y), name)

            known, info = scipy.integrate.odeint(
                guard(g), without_trace(y0), without_trace(times), tfirst=True, full_output=True,
                **given, **{**with_jacobian, "Dfun": _first_time(jacobian, tfirst)},
            )  # fmt: skip
        if traced:
            _check_success(name, info)
    if not traced and not unknown:
        y = operand(known) if not tensors_in(y0, times, args) else handle(known, None, None)
        return (y, info) if full_output else y

    def solve(h: Any, start: Any, at: Any) -> Any:
        options = {**given, "tcrit": None}
        found, info = scipy.integrate.odeint(h, start, at, tfirst=True, full_output=1, **options)
        _check_success(name, info)
        return found

    tolerance = 1.49012e-8
    options = {"max_step": hmax} if hmax else {}
    problem = Problem(
        name, f, solve, "LSODA",
        tolerance if rtol is None else float(np.min(rtol)),
        tolerance if atol is None else float(np.min(atol)),
        options,
    )  # fmt: skip
    y = _flow(problem, y0, times, theta, known)
    return (y, info) if full_output else y


def _check_success(name: str, info: dict[str, Any]) -> None:
    """Refuse a solution that broke off: the rows behind are memory that nobody has written."""
    if info["message"] not in ("Integration successful.", _NOTHING_TO_DO):
        raise WengertValueError(
            f"{name}: the solution broke off, and has no derivative: {info['message']} Give more "
            "steps (mxstep, 500 if 0) or larger tolerances (rtol, atol)"
        )


def _first_time(jacobian: Any, tfirst: bool) -> Any:
    """A Jacobian of the user's with the time first."""
    if jacobian is None or tfirst:
        return jacobian
    return lambda t, y: jacobian(y, t)


def _flow(problem: Problem, y0: Any, times: Any, theta: tuple[Any, ...], known: Any) -> Any:
    if not is_traced(times):
        return flow(problem, y0, times, theta, known)
    f, fixed, more = _with_times(problem.f, times)
    timed = Problem(
        problem.name, f, problem.solve, problem.method, problem.rtol, problem.atol,
        problem.options, len(theta),
    )  # fmt: skip
    return flow(timed, y0, fixed, (*theta, *more), known)


# ------------------------------------------------------------------ solve_ivp


def solve_ivp(
    fun: Callable[..., Any],
    t_span: Any,
    y0: Any,
    method: Any = "RK45",
    t_eval: Any = None,
    dense_output: bool = False,
    events: Any = None,
    vectorized: bool = False,
    args: Any = None,
    **options: Any,
) -> Any:
    """`scipy.integrate.solve_ivp`: solve ``dy/dt = fun(t, y, *args)``.

    Differentiable in ``y0``, ``t_span``, ``t_eval``, ``args``, which may be containers, and in
    traced values that ``fun`` captures. Reverse mode is the adjoint method, forward mode the
    variational system, both by ``method`` and to the same tolerances as the solution.

    Parameters
    ----------
    fun : callable
    t_span : (float, float)
    y0 : array_like (n,)
        Real, or complex for the methods that take it.
    method : str or class
        ``"RK45"``, ``"RK23"``, ``"DOP853"``, ``"Radau"``, ``"BDF"`` or ``"LSODA"``.
    t_eval : array_like, optional
        Where to return the solution. Without it SciPy chooses; between the ends these times are
        constants, and inside `vmap` they are not known, so ``t_eval`` must be given.
    events : callable or sequence of callables, optional
        ``(t, y, *args) -> number``, whose zeros are sought, with SciPy's attributes ``terminal``
        and ``direction``. Their times and states are differentiable, in what the events depend on,
        too, and a solution that an event ends is differentiable in its last time. Not inside
        `vmap` and `jit`, where it is not known how many happen.
    dense_output : bool
        Whether the result has ``sol``, a function of the time, which is differentiable, too.
    args : tuple, optional
    rtol, atol, max_step, first_step, jac, ... :
        As SciPy's; 1e-3 and 1e-6 are the default tolerances. Variational and adjoint systems, and
        solutions inside `vmap` and `jit`, use the tolerances, ``max_step`` and ``min_step``.

    Returns
    -------
    OptimizeResult
        SciPy's object, with a differentiable ``y`` of shape (n, times), ``t``, and lists
        ``t_events`` and ``y_events`` (None without events).

    Raises
    ------
    ShapeError
        If ``y0`` is no vector, or ``fun`` does not return its shape.
    AbstractValueError
        Inside `vmap` or `jit`: for ``events`` and ``dense_output``, and without ``t_eval``.
    WengertTypeError
        If ``fun`` or an event captures a traced value and branches on values; if an event does not
        return one number.
    WengertValueError
        For an unknown method; if the solution, or the adjoint equation, fails.
    """
    name = "scipy.integrate.solve_ivp"
    if args is None:
        args = ()
    elif not isinstance(args, tuple):
        raise WengertTypeError(f"{name}: args must be a tuple, not a {type(args).__name__}")
    if len(t_span) != 2:
        raise ShapeError(f"{name}: t_span must be (start, end); it has {len(t_span)} entries")
    y0 = _state(name, "y0", y0)
    start, end = (cast(operand(t_span[i]), np.float64) for i in (0, 1))
    at = None if t_eval is None else cast(operand(t_eval), np.float64)
    call, theta = close_over(name, fun, (start, y0), args)
    sought = closed_events(name, events, (start, y0), args)
    traced = _traced(y0, start, end, at) or bool(theta) or any(e.theta for e in sought or ())
    if not traced:
        with Guard() as guard:
            plain = [without_trace(x) for x in (start, end, y0, at)]
            f = guard(lambda t, y: plain_value(operand(call((), t, y)), name))
            result = scipy.integrate.solve_ivp(
                f, (plain[0], plain[1]), plain[2], method, plain[3], dense_output,
                plain_events(sought, guard),
                vectorized, **_with_args(options, args),
            )  # fmt: skip
        if tensors_in(t_span, y0, t_eval, args):
            result.y = handle(result.y, None, None)
        return result
    if at is not None and not at.size:
        raise WengertValueError(f"{name}: t_eval is empty; give at least one time, or leave it out")
    if isinstance(method, type):
        method = {getattr(scipy.integrate, m): m for m in _METHODS}.get(method, method)
    if method not in _METHODS:
        raise refuse(name, "method", method, _METHODS)
    return _differentiated(
        name, call, theta, (start, end), y0, method, at, dense_output, sought, args, options
    )


def _with_args(options: dict[str, Any], args: Any) -> dict[str, Any]:
    """The options, with a Jacobian of the user's given its arguments."""
    jac = options.get("jac")
    if not callable(jac) or not args:
        return options
    plain = pytree.map(without_trace, args)
    return {**options, "jac": lambda t, y: jac(t, y, *plain)}


def _differentiated(
    name: str,
    call: Any,
    theta: tuple[Any, ...],
    span: tuple[Any, Any],
    y0: Any,
    method: str,
    at: Any,
    dense_output: bool,
    events: list[Event] | None,
    args: Any,
    options: dict[str, Any],
) -> Any:
    start, end = span

    def f(values: Any, t: Any, y: Any) -> Any:
        return _slope(name, call(values, t, y), y)

    rtol, atol = options.get("rtol", 1e-3), options.get("atol", 1e-6)
    shared: dict[str, Any] = {k: options[k] for k in ("max_step", "min_step") if k in options}
    more = [x for e in events or () for x in e.theta]
    known = all(map(is_known, (y0, start, end, *theta, *more, *(() if at is None else (at,)))))
    result: Any = None
    if known:
        values = tuple(map(without_trace, theta))
        with Guard() as guard:
            result = scipy.integrate.solve_ivp(
                guard(lambda t, y: plain_value(f(values, t, y), name)),
                (float(without_trace(start)), float(without_trace(end))),
                without_trace(y0), method, None if at is None else without_trace(at),
                dense_output, plain_events(events, guard),
                **_with_args(options, args),
            )  # fmt: skip
        if result.status < 0:
            raise WengertValueError(f"{name}: {result.message}")
    elif at is None or dense_output or events:
        unknown, remedy = (
            ("how many events happen is", "call it for one example after the other")
            if events
            else ("the times that the solver chooses are", "give t_eval")
        )
        raise AbstractValueError(f"{name}: inside vmap or jit {unknown} not known; {remedy}")

    def solve(h: Any, state: Any, when: Any) -> Any:
        found = scipy.integrate.solve_ivp(
            h, (when[0], when[-1]), state, method, when, rtol=rtol, atol=problem.atol
            if np.ndim(problem.atol) == 0 else np.resize(problem.atol, len(state)), **shared
        )  # fmt: skip
        if found.status < 0:
            raise WengertValueError(f"{name}: {found.message}")
        return found.y.T

    problem = Problem(name, f, solve, method, rtol, atol, shared)
    if result is None:
        y = _flow(problem, y0, np.concatenate([start[None], at]), theta, None)
        return scipy.optimize.OptimizeResult(t=at, y=np.transpose(y[1:]))
    ended = at is None and result.status == 1  # by an event, whose time is the last
    if at is None:
        inner = result.t[1:-1]
        after = inner if ended else np.concatenate([inner, end[None]])
    else:
        after = at[: len(result.t)]
    n = y0.shape[0]
    rows = np.reshape(np.transpose(result.y), (-1, n))  # SciPy's y is a list if it holds nothing
    rows = rows if at is not None else rows[1 : 1 + after.shape[0]]
    backwards = bool(without_trace(end) < without_trace(start))

    def follow(times: Any, states: Any) -> Any:
        return _flow_in_order(problem, y0, start, times, theta, states, backwards)

    moments, states = happened(result, n)
    y = follow(np.concatenate([after, moments]), np.concatenate([rows, states]))
    grid = np.concatenate([start[None], after])
    count = len(grid)
    times, columns = (grid, y[:count]) if at is None else (after, y[1:count])
    if events:
        found = differentiated(problem, events, y[count:], result.t_events, theta)
        result.t_events, result.y_events = found
        if ended:
            j = last_terminal(events, result)
            times = np.concatenate([times, found[0][j][-1:]])
            columns = np.concatenate([columns, found[1][j][-1:]])
    if dense_output:
        result.sol = DenseSolution(lambda times, states: follow(times, states)[1:], result.sol)
    result.t, result.y = times, np.transpose(columns)
    return result


def _flow_in_order(
    problem: Problem, y0: Any, start: Any, times: Any, theta: Any, rows: Any, backwards: bool
) -> Any:
    """The flow at ``start`` and at times in any order, where the states are ``rows``, if known."""
    grid = np.concatenate([start[None], times])
    known = None if rows is None else np.concatenate([without_trace(y0)[None], rows])
    plain = without_trace(grid)
    order = np.argsort(-plain if backwards else plain, kind="stable")
    if is_known(grid) and np.all(np.diff(order) > 0):
        return _flow(problem, y0, grid, theta, known)
    known = None if known is None else known[order]
    return _flow(problem, y0, grid[order], theta, known)[np.argsort(order)]
