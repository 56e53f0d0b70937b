"""The events of `solve_ivp`, whose times and states depend on what the equation depends on.

An event happens at the time ``t`` where ``g(t, y(t)) = 0``. By the implicit function theorem

    dt = -(dg + g_y dy) / (g_t + g_y f),      dy(t) = dy + f dt,

with ``dy`` the change of the state at a fixed time. The denominator is the rate at which ``g``
passes zero; where ``g`` only touches zero it vanishes, and the derivative is infinite.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...core.errors import WengertTypeError
from ...numpy.arguments import floating, operand
from ...transforms.closure import close_over, plain_value, without_trace
from ...transforms.implicit import implicit_solution
from .flow import Problem
from .moment import moved

__all__ = [
    "Event", "closed_events", "differentiated", "happened", "last_terminal",
    "plain_events",
]  # fmt: skip


class Event:
    """One of the functions in ``events``.

    Attributes
    ----------
    theta : tuple of Tensor
        What is traced among its arguments, and what it captures.
    """

    def __init__(
        self, name: str, place: int, function: Callable[..., Any], point: Any, args: Any
    ) -> None:
        self._name = f"{name}: event {place}"
        self._given = function
        if not callable(function):
            raise WengertTypeError(
                f"{self._name} is a {type(function).__name__}; expected a function (t, y, *args)"
            )
        self._call, self.theta = close_over(self._name, function, point, args)

    def __call__(self, values: Any, t: Any, y: Any) -> Any:
        """The number whose zeros are sought."""
        g = operand(self._call(values, t, y))
        if g.size != 1 or g.dtype.kind == "c":
            raise WengertTypeError(
                f"{self._name} returned an array of shape {g.shape} and dtype {g.dtype}; it must "
                "return one real number"
            )
        return np.reshape(floating(g), ())

    def plain(self, guard: Callable[..., Any]) -> Any:
        """The function for SciPy, with the attributes that SciPy asks for."""
        values = tuple(map(without_trace, self.theta))

        def event(t: Any, y: Any) -> float:
            return float(plain_value(self(values, np.float64(t), y), self._name))

        found: Any = guard(event)
        for attribute in ("terminal", "direction"):
            if hasattr(self._given, attribute):
                setattr(found, attribute, getattr(self._given, attribute))
        return found

    def ends(self, count: int) -> bool:
        """Whether it ends the solution when it happens for this time."""
        terminal: Any = getattr(self._given, "terminal", None)
        return bool(terminal) and count >= int(terminal)


def closed_events(name: str, events: Any, point: Any, args: Any) -> list[Event] | None:
    """The event functions as functions of what is traced in them; ``point`` is ``(t, y)``."""
    if events is None:
        return None
    given = (events,) if callable(events) else events
    return [Event(name, i, e, point, args) for i, e in enumerate(given)]


def plain_events(events: list[Event] | None, guard: Callable[..., Any]) -> Any:
    """The event functions for SciPy."""
    return None if events is None else [e.plain(guard) for e in events]


def happened(result: Any, n: int) -> tuple[Any, Any]:
    """Times (k,) and states (k, n) of all events in SciPy's result, function after function."""
    if not result.t_events:
        return np.zeros(0), np.zeros((0, n))
    states = [np.reshape(y, (-1, n)) for y in result.y_events]
    return np.concatenate(result.t_events), np.concatenate(states)


def last_terminal(events: Sequence[Event], result: Any) -> int:
    """The place of the event that ended the solution at the last of its times."""
    return next(
        i
        for i, (event, times) in enumerate(zip(events, result.t_events, strict=True))
        if len(times) and event.ends(len(times)) and times[-1] == result.t[-1]
    )


def differentiated(
    problem: Problem, events: Sequence[Event], states: Any, times: Any, theta: tuple[Any, ...]
) -> tuple[list[Any], list[Any]]:
    """``t_events`` and ``y_events``, which move with the states at fixed times and with theta.

    Parameters
    ----------
    problem : Problem
    events : sequence of Event
    states : array (k, n)
        The states at the present times of the events, in the order of `happened`.
    times : list of arrays
        These times, for each event.
    theta : tuple
        The parameters of the equation.
    """
    t_events: list[Any] = []
    y_events: list[Any] = []
    rows = iter(range(states.shape[0]))
    for event, present in zip(events, times, strict=True):
        pairs = [_moving(problem, event, t, states[next(rows)], theta) for t in present]
        t_events.append(np.stack([t for t, _ in pairs]) if pairs else np.zeros(0))
        y_events.append(np.stack([y for _, y in pairs]) if pairs else np.zeros(0))
    return t_events, y_events


def _moving(problem: Problem, event: Event, at: Any, y: Any, theta: tuple[Any, ...]) -> Any:
    """Time and state of one event, from the state at its present time."""
    k = len(theta)

    def residual(t: Any, values: Any) -> Any:
        state, *rest = values
        return event(rest[k:], t, moved(problem, state, t, tuple(rest[:k])))

    operands = (y, *theta, *event.theta)
    t = implicit_solution("solve_ivp_event", lambda *values: np.float64(at), residual, operands, ())
    return t, moved(problem, y, t, theta)
