"""A user's function with all that is differentiated in it made an argument.

Solvers (of integrals, differential equations, minimization) call a function of the user many times
on plain arrays and have a derivative rule of their own. What the function depends on besides its
variables may be among its explicit arguments, or it may be captured: a traced value of an outer
transform. Captured values are found by running the function once on plain variables, and made
arguments by recording it (they are the recording's hidden inputs).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..core import pytree
from ..core.abstract import Aval, Var, aval_of
from ..core.bind import refresh
from ..core.errors import WengertTypeError
from ..core.ownership import snapshot
from ..core.program import evaluate
from ..core.recorder import record
from ..core.tensor import RareTensor, Tensor
from .boundary import tracing_user

__all__ = ["Guard", "close_over", "is_traced", "plain_value", "without_trace"]

Function = Callable[..., Any]


def is_traced(x: Any) -> bool:
    """Whether a derivative or a recording follows the value."""
    if not isinstance(x, Tensor):
        return False
    refresh(x)
    return x._n is not None or type(x._a) is Var or (type(x) is RareTensor and bool(x._x.tangents))


def without_trace(x: Any) -> Any:
    """The plain value of a Tensor, as an array of its own; anything else as it is."""
    if not isinstance(x, Tensor):
        return x
    refresh(x)
    return np.array(x._a)[()] if type(x._a) is not Var else x


def plain_value(y: Any, name: str) -> Any:
    """What a user's function returned on plain variables, as a plain array or number.

    Raises
    ------
    WengertTypeError
        If it depends on a traced value: its derivative would be lost.
    """
    if not isinstance(y, Tensor):
        return y
    if is_traced(y):
        raise WengertTypeError(
            f"{name}: the function captures a value that is being differentiated, but only where "
            "its variables take values that they did not have when it was first called. Pass that "
            "value in args"
        )
    return y._a


def _constants(tree: Any) -> Any:
    """Arguments that are not differentiated, as they are now."""
    return pytree.map(lambda x: snapshot(x) if type(x) is np.ndarray else x, tree)


def close_over(
    name: str, function: Function, variables: Sequence[Any], args: Any
) -> tuple[Function, tuple[Any, ...]]:
    """``function(*variables, *args)`` as a function of its variables and of what is traced in it.

    Parameters
    ----------
    name : str
        Of the solver, for messages.
    function : callable
    variables : sequence of containers
        Values (or abstract values) of the variables at which the function can be called.
    args : tuple of containers
        The other arguments.

    Returns
    -------
    call : callable
        ``call(theta, *variables) -> result``, where ``theta`` is a tuple like the next result.
    theta : tuple of Tensor
        The traced values among ``args``, and those that the function captures.

    Raises
    ------
    WengertTypeError
        If the function captures a traced value and cannot be recorded, since it branches on values.
    """
    leaves, spec = pytree.flatten(_constants(tuple(args)))
    places = [i for i, x in enumerate(leaves) if is_traced(x)]
    theta = tuple([leaves[i] for i in places])

    def direct(values: Sequence[Any], *points: Any) -> Any:
        full = list(leaves)
        for i, v in zip(places, values, strict=True):
            full[i] = v
        return function(*points, *pytree.unflatten(spec, full))

    point_leaves, point_spec = pytree.flatten(tuple(variables))
    known = [without_trace(x) for x in (*theta, *point_leaves)]
    abstract = any(isinstance(x, Tensor) for x in known)
    if not abstract:
        count = len(theta)
        with tracing_user():
            y = direct(known[:count], *pytree.unflatten(point_spec, known[count:]))
        if not any(map(is_traced, pytree.leaves(y))):
            return direct, theta
    return _recorded(name, direct, theta, point_leaves, point_spec)


def _recorded(
    name: str, direct: Function, theta: tuple[Any, ...], point_leaves: list[Any], point_spec: Any
) -> tuple[Function, tuple[Any, ...]]:
    """The function by way of a Program, whose hidden inputs are what it captures."""
    count = len(theta)
    out_spec: Any = None

    def flat(*xs: Any) -> list[Any]:
        nonlocal out_spec
        y = direct(xs[:count], *pytree.unflatten(point_spec, xs[count:]))
        outs, out_spec = pytree.flatten(y)
        return outs

    avals = []
    for x in (*theta, *point_leaves):
        a = aval_of(x)
        scalar = not a.shape
        avals.append(Var(a.shape, a.dtype, None, True, scalar) if scalar else Aval(*_pair(a)))
    try:
        with tracing_user():
            program = record(flat, avals)
    except Exception as error:
        raise WengertTypeError(
            f"{name}: the function captures a value that is being differentiated, and cannot be "
            f"recorded on shapes alone ({type(error).__name__}: {error}). Pass what is "
            "differentiated in args, or write the function without branches on values"
        ) from error
    captured = [obj for _, obj in program.captured]
    places = [i for i, obj in enumerate(captured) if is_traced(obj)]

    def call(values: Sequence[Any], *points: Any) -> Any:
        held = list(captured)
        for i, v in zip(places, values[count:], strict=True):
            held[i] = v
        xs = [*values[:count], *pytree.leaves(points)]
        return pytree.unflatten(out_spec, evaluate(program, xs, held))

    return call, (*theta, *[captured[i] for i in places])


def _pair(a: Aval) -> tuple[Any, Any]:
    return a.shape, a.dtype


class Guard:
    """Calls a user's function for compiled code, and raises its errors when that has returned.

    Some solvers swallow an exception or turn it into another one. With ``guard(function)`` in place
    of the function, the first exception is kept, and raised at the end of the ``with`` block.
    """

    def __init__(self) -> None:
        self._error: BaseException | None = None

    def __call__(self, function: Function) -> Function:
        """The function, with its first exception kept."""

        def guarded(*args: Any, **kwargs: Any) -> Any:
            try:
                return function(*args, **kwargs)
            except BaseException as error:
                if self._error is None:
                    self._error = error
                raise

        return guarded

    def __enter__(self) -> Guard:
        return self

    def __exit__(self, kind: Any, error: Any, traceback: Any) -> None:
        first, self._error = self._error, None
        if first is None or first is error:
            return
        # The solver may end by raising StopIteration itself (a callback's), which is not swallowed.
        if error is None and isinstance(first, StopIteration):
            return
        raise first
