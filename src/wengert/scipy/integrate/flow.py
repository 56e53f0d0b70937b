"""The flow of a differential equation, and its derivatives of every order.

With ``y' = f(y, t, theta)`` the flow takes ``(y0, theta)`` to ``y`` at given times. Its derivative
in a direction is the flow of the variational system of ``(y, dy)``. Its reverse rule is the adjoint
system, solved backwards along the forward solution (L. S. Pontryagin 1962; Y. Cao, S. Li,
L. Petzold and R. Serban, SIAM J. Sci. Comput. 24 (2003), 1076-1089):

    l' = -(df/dy)^T l,    theta_bar = int (df/dtheta)^T l dt,

where ``l`` takes up the cotangent of each output at its time. The adjoint is an operation of its
own, linear in the cotangents, and is differentiated by one identity: with ``F`` the variational
system, ``D <c, dflow(v)> = adjoint of F applied to (0, c)``, by the symmetry of second derivatives.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.integrate

from ...core.errors import WengertValueError
from ...transforms.closure import Guard, plain_value
from ...transforms.forward import jvp
from ...transforms.jacobians import jacobian
from ...transforms.reverse import vjp
from ...transforms.user_primitive import primitive

__all__ = ["Problem", "flow"]

_EXPLICIT = ("RK23", "RK45", "DOP853")


@dataclass(frozen=True)
class Problem:
    """A differential equation and how it is solved.

    Attributes
    ----------
    name : str
        The function of SciPy's, for messages.
    f : callable
        ``(theta, t, y) -> dy/dt``, an array of the shape of ``y``.
    solve : callable
        ``(f(t, y), y0, times) -> (times, n)`` on plain arrays, by that function.
    method : str or class
        Of `scipy.integrate.solve_ivp`, for the adjoint system.
    rtol, atol : float or array
    options : dict
        Others of `solve_ivp`'s, for the adjoint system.
    timed : int or None
        The place in theta of the times, if those are differentiated: then ``f`` may jump where they
        are, and each interval is solved on its own.
    level : int
        How many variational systems were made of it.
    """

    name: str
    f: Callable[..., Any]
    solve: Callable[..., Any]
    method: Any
    rtol: float
    atol: Any
    options: dict[str, Any]
    timed: int | None = None
    level: int = 0

    def lifted(self) -> Problem:
        """The variational system, in ``(y, dy)`` and ``(*theta, *dtheta)``."""
        f = self.f

        def variational(theta: Any, t: Any, both: Any) -> Any:
            n, k = both.shape[0] // 2, len(theta) // 2
            values, slopes = jvp(
                lambda y, *v: f(v, t, y), (both[:n], *theta[:k]), (both[n:], *theta[k:])
            )
            return np.concatenate([values, slopes])

        atol = self.atol if np.ndim(self.atol) == 0 else np.concatenate([self.atol, self.atol])
        return replace(self, f=variational, atol=atol, level=self.level + 1)


# ------------------------------------------------------------------ solutions on plain arrays


def _right_hand_side(problem: Problem, theta: Any) -> Callable[..., Any]:
    def f(t: Any, y: Any) -> Any:
        return plain_value(problem.f(theta, t, y), problem.name)

    return f


def _within(f: Callable[..., Any], start: float, stop: float) -> Callable[..., Any]:
    """``f`` evaluated strictly between two times: at them it may belong to another interval."""
    low, high = min(start, stop), max(start, stop)
    low, high = np.nextafter(low, high), np.nextafter(high, low)
    return lambda t, y: f(min(max(t, low), high), y)


def _solution(problem: Problem, theta: Any, y0: Any, times: Any) -> Any:
    """``y`` at the times, ``(times, n)``."""
    with Guard() as guard:
        f = guard(_right_hand_side(problem, theta))
        jumps = problem.timed is not None and (
            problem.level > 0 or bool(np.any(np.diff(theta[problem.timed]) == 0))
        )
        if not jumps:
            new = np.concatenate([[True], np.diff(times) != 0])  # SciPy wants each time once
            if new.sum() == 1:
                return np.stack([np.asarray(y0)] * len(times))
            return problem.solve(f, y0, times[new])[np.cumsum(new) - 1]
        rows = [np.asarray(y0)]
        for start, stop in itertools.pairwise(times):
            pair = np.array([start, stop])
            rows.append(problem.solve(_within(f, start, stop), rows[-1], pair)[-1])
        return np.stack(rows)


def _checked(problem: Problem, result: Any, what: str) -> Any:
    if result.status < 0:
        raise WengertValueError(
            f"{problem.name}: {what} could not be solved with method {problem.method!r}, "
            f"rtol={problem.rtol}: {result.message} Change the tolerances or the method"
        )
    return result


def _adjoint_solution(problem: Problem, y0: Any, times: Any, cts: Any, theta: Any) -> list[Any]:
    """Cotangents of ``y0`` and of each of ``theta``."""
    scale = float(np.max(np.abs(cts), initial=0.0))
    if scale == 0 or not np.isfinite(scale):
        scale = 1.0 if scale == 0 else scale
    cts = cts / scale  # the adjoint is linear: tolerances are to hold for cotangents of any size
    with Guard() as guard:
        f = guard(_right_hand_side(problem, theta))
        path = _path(problem, f, y0, times)
        total = np.zeros(sum(np.size(v) for v in theta), np.result_type(cts, *theta, 0.0))
        halts = range(len(times))
        if problem.timed is None:  # a time without a cotangent need not interrupt the solver
            halts = np.union1d([0], np.flatnonzero(np.any(cts != 0, 1))).tolist()
        carried = np.array(cts[halts[-1]])
        for i, j in itertools.pairwise(reversed(halts)):
            start, stop = float(times[i]), float(times[j])
            if start != stop:
                pull, matrix = map(guard, _pullback(problem, theta, path[j], start, stop))
                carried, part = _one_interval(
                    problem, pull, matrix, carried, start, stop, len(total)
                )
                total = total + part
            carried = carried + cts[j]
    stops = np.cumsum([0, *[np.size(v) for v in theta]])
    parts = [np.reshape(total[i:j], np.shape(v)) for v, i, j in zip(theta, stops[:-1], stops[1:])]
    return [scale * carried, *[scale * p for p in parts]]


def _path(problem: Problem, f: Any, y0: Any, times: Any) -> list[Any]:
    """The forward solution as a function of time, for each interval."""
    settings = {"rtol": problem.rtol, "atol": problem.atol, **problem.options}
    if problem.timed is None:
        span = (float(times[0]), float(times[-1]))
        found = scipy.integrate.solve_ivp(
            f, span, y0, problem.method, dense_output=True, **settings
        )
        return [_checked(problem, found, "the equation").sol] * (len(times) - 1)
    pieces: list[Any] = []
    y = y0
    for start, stop in itertools.pairwise(times):
        found = scipy.integrate.solve_ivp(
            _within(f, start, stop), (float(start), float(stop)), y, problem.method,
            dense_output=True, **settings,
        )  # fmt: skip
        pieces.append(_checked(problem, found, "the equation").sol)
        y = found.y[:, -1]
    return pieces


def _pullback(
    problem: Problem, theta: Any, path: Any, start: float, stop: float
) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """``(t, l, of_y, of_theta) -> l^T df/dy and l^T df/dtheta`` in one vector; and ``df/dy``."""
    low, high = min(start, stop), max(start, stop)
    low, high = np.nextafter(low, high), np.nextafter(high, low)

    def pull(t: float, adjoint: Any, of_y: bool = True, of_theta: bool = True) -> Any:
        t = min(max(t, low), high)
        y = path(t)
        if not of_theta:
            return vjp(lambda u: problem.f(theta, t, u), y)[1](adjoint)[0]
        if not of_y:
            found = vjp(lambda *v: problem.f(v, t, y), *theta)[1](adjoint)
            return np.concatenate([np.ravel(g) for g in found])
        first, *rest = vjp(lambda u, *v: problem.f(v, t, u), y, *theta)[1](adjoint)
        return np.concatenate([first, *[np.ravel(g) for g in rest]])

    def matrix(t: float) -> Any:
        t = min(max(t, low), high)
        return jacobian(lambda u: problem.f(theta, t, u))(path(t))

    return pull, matrix


def _one_interval(
    problem: Problem,
    pull: Any,
    matrix: Any,
    carried: Any,
    start: float,
    stop: float,
    count: int,
) -> tuple[Any, Any]:
    """The adjoint at ``stop``, and what the interval adds to the cotangents of theta.

    Explicit methods integrate both together. For the others, whose work grows with the cube of the
    size of the system, the second is an integral along the solution of the first.
    """
    n = len(carried)
    atol = float(np.min(problem.atol))
    kind = complex if np.iscomplexobj(carried) else float
    settings = {"method": problem.method, "rtol": problem.rtol, "atol": atol, **problem.options}
    span = (start, stop)
    if problem.method in _EXPLICIT:
        state = np.concatenate([carried, np.zeros(count)]).astype(kind)

        def joint(t: float, s: Any) -> Any:
            return -pull(t, s[:n], True, count > 0)

        found = scipy.integrate.solve_ivp(joint, span, state, t_eval=[stop], **settings)
        end = _checked(problem, found, "the adjoint equation").y[:, -1]
        return end[:n], end[n:]
    found = scipy.integrate.solve_ivp(
        lambda t, s: -pull(t, s, True, False),
        span,
        np.asarray(carried, kind),
        dense_output=True,
        jac=lambda t, s: -np.transpose(matrix(t)),
        **settings,
    )
    end = _checked(problem, found, "the adjoint equation").y[:, -1]
    if not count:
        return end, np.zeros(0)
    low, high = min(span), max(span)
    area, _ = scipy.integrate.quad_vec(
        lambda t: pull(t, found.sol(t), False, True), low, high, epsabs=atol, epsrel=problem.rtol
    )
    return end, area if start > stop else -area


# ------------------------------------------------------------------ as operations


def flow(problem: Problem, y0: Any, times: Any, theta: tuple[Any, ...], known: Any = None) -> Any:
    """``y`` at the times, ``(times, n)``, beginning with ``y0``; the times are constants.

    ``known`` is the result for the present values, if it has been computed already.
    """
    ready = [] if known is None else [known]

    def evaluate(start: Any, at: Any, *values: Any) -> Any:
        return ready.pop() if ready else _solution(problem, values, start, at)

    def forward(ts: Any, out: Any, start: Any, at: Any, *values: Any) -> Any:
        n = start.shape[0]
        both = np.concatenate([start, ts[0]])
        return flow(problem.lifted(), both, at, (*values, *ts[2:]))[:, n:]

    def backward(ct: Any, out: Any, start: Any, at: Any, *values: Any) -> Any:
        ct = ct if start.dtype.kind == "c" else np.real(ct)
        first, *rest = _adjoint(problem, start, at, ct, values)
        return (first, None, *rest)

    operation = primitive(
        evaluate,
        backward,
        forward,
        shape=lambda start, at, *values: np.empty((at.shape[0], start.shape[0]), _wide(start)),
        name=problem.name.rpartition(".")[2],
    )
    return operation(y0, times, *theta)


def _wide(y: Any) -> Any:
    return np.dtype(complex if y.dtype.kind == "c" else float)


def _adjoint(problem: Problem, y0: Any, times: Any, cts: Any, theta: tuple[Any, ...]) -> Any:
    """Cotangents of ``y0`` and ``theta`` from those of the flow, as an operation."""
    k = len(theta)

    def evaluate(start: Any, at: Any, ct: Any, *values: Any) -> Any:
        return tuple(_adjoint_solution(problem, start, at, ct, values))

    def of_variation(start: Any, at: Any, ct: Any, values: Any, first: Any, rest: Any) -> Any:
        """The derivative in ``y0`` and theta of the tangent flow in this direction, under ct."""
        found = _adjoint(
            problem.lifted(),
            np.concatenate([start, first]),
            at,
            np.concatenate([np.zeros(ct.shape), ct], 1),
            (*values, *rest),
        )
        return (found[0][: start.shape[0]], *found[1 : 1 + k])

    def forward(ts: Any, out: Any, start: Any, at: Any, ct: Any, *values: Any) -> Any:
        linear = _adjoint(problem, start, at, ts[2], values)
        second = of_variation(start, at, ct, values, ts[0], ts[3:])
        return tuple(u + v for u, v in zip(linear, second, strict=True))

    def backward(u: Any, out: Any, start: Any, at: Any, ct: Any, *values: Any) -> Any:
        both = np.concatenate([start, u[0]])
        slope = flow(problem.lifted(), both, at, (*values, *u[1:]))[:, start.shape[0] :]
        first, *rest = of_variation(start, at, ct, values, u[0], u[1:])
        return (first, None, slope, *rest)

    def shape(start: Any, at: Any, ct: Any, *values: Any) -> Any:
        return tuple(np.empty(v.shape, _wide(v)) for v in (start, *values))

    operation = primitive(
        evaluate, backward, forward, shape=shape, name=problem.name.rpartition(".")[2] + "_adjoint"
    )
    return operation(y0, times, cts, *theta)
