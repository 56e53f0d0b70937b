"""The flow of a differential equation over no time, which has derivatives of every order.

The state at the time ``t`` of the solution through ``y`` at a fixed time, evaluated where ``t`` is
that time. The value is ``y``; in ``t`` the derivative is ``f``, in ``y`` that of the identity, and
those of higher order tell how both change while ``t`` moves on. Nothing has to be integrated: the
variational and the adjoint system (see `flow`) are followed over no time, too. So the equation of
an event can be differentiated where the event is.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...transforms.forward import jvp
from ...transforms.reverse import vjp
from ...transforms.user_primitive import primitive
from .flow import Problem

__all__ = ["moved"]


def moved(problem: Problem, y: Any, t: Any, theta: tuple[Any, ...]) -> Any:
    """The state at ``t``, with the state ``y`` at the present value of ``t``."""

    def forward(ts: Any, out: Any, start: Any, at: Any, *values: Any) -> Any:
        return _variation(problem, start, at, values, ts[0], ts[2:]) + ts[1] * problem.f(
            values, at, out
        )

    def backward(ct: Any, out: Any, start: Any, at: Any, *values: Any) -> Any:
        ct = ct if start.dtype.kind == "c" else np.real(ct)
        first, *rest = _adjoint(problem, start, at, ct, values)
        return (first, np.sum(ct * problem.f(values, at, out)), *rest)

    operation = primitive(
        lambda start, at, *values: np.array(start),
        backward,
        forward,
        shape=lambda start, at, *values: np.empty(start.shape, start.dtype),
        name="solve_ivp_event",
    )
    return operation(y, t, *theta)


def _variation(
    problem: Problem, y: Any, t: Any, theta: tuple[Any, ...], dy: Any, dtheta: tuple[Any, ...]
) -> Any:
    """The variational system followed to ``t``."""
    both = np.concatenate([y, dy])
    return moved(problem.lifted(), both, t, (*theta, *dtheta))[y.shape[0] :]


def _adjoint(problem: Problem, y: Any, t: Any, ct: Any, theta: tuple[Any, ...]) -> Any:
    """Cotangents of ``y`` and ``theta`` from that of the state at ``t``, as an operation."""
    k = len(theta)

    def evaluate(start: Any, at: Any, u: Any, *values: Any) -> Any:
        return (np.array(u), *[np.zeros(np.shape(v), np.asarray(v).dtype) for v in values])

    def of_variation(start: Any, at: Any, u: Any, values: Any, first: Any, rest: Any) -> Any:
        """By the symmetry of second derivatives, as in `flow`."""
        found = _adjoint(
            problem.lifted(),
            np.concatenate([start, first]),
            at,
            np.concatenate([np.zeros(u.shape), u]),
            (*values, *rest),
        )
        return (found[0][: start.shape[0]], *found[1 : 1 + k])

    def forward(ts: Any, out: Any, start: Any, at: Any, u: Any, *values: Any) -> Any:
        state = moved(problem, start, at, values)
        pulled = vjp(lambda s, *v: problem.f(v, at, s), state, *values)[1](u)
        linear = _adjoint(problem, start, at, ts[2] + ts[1] * pulled[0], values)
        second = of_variation(start, at, u, values, ts[0], ts[3:])
        rest = [p + q + ts[1] * r for p, q, r in zip(linear[1:], second[1:], pulled[1:])]
        return (linear[0] + second[0], *rest)

    def backward(cts: Any, out: Any, start: Any, at: Any, u: Any, *values: Any) -> Any:
        slope = _variation(problem, start, at, values, cts[0], cts[1:])
        state = moved(problem, start, at, values)
        rate = jvp(lambda s, *v: problem.f(v, at, s), (state, *values), (slope, *cts[1:]))[1]
        first, *rest = of_variation(start, at, u, values, cts[0], cts[1:])
        return (first, np.sum(u * rate), slope, *rest)

    operation = primitive(
        evaluate,
        backward,
        forward,
        shape=lambda start, at, u, *values: tuple(
            np.empty(v.shape, v.dtype) for v in (start, *values)
        ),
        name="solve_ivp_event_adjoint",
    )
    return operation(y, t, ct, *theta)
