"""Forward mode: `jvp`, `linearize`, and derivatives of functions of one number."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from ..core import algebra, pytree
from ..core.abstract import Aval
from ..core.bind import refresh
from ..core.coincidence import resolves_coincidence
from ..core.errors import WengertTypeError, WengertValueError
from ..core.liveness import Liveness
from ..core.ownership import snapshot
from ..core.program import Program, evaluate
from ..core.recorder import Recording
from ..core.state import LOCAL, next_id
from ..core.tensor import RareTensor, Tensor, handle
from .boundary import (
    any_tensor,
    as_input,
    check_argnums,
    check_function,
    name_of,
    release,
    seed_like,
    tracing_user,
)
from .gradient import as_value

__all__ = ["derivative", "jvp", "linearize"]

Function = Callable[..., Any]


def _as_tuple(what: str, x: Any) -> tuple[Any, ...]:
    if not isinstance(x, (tuple, list)):
        raise WengertTypeError(
            f"jvp: {what} must be a tuple with one entry for each argument, not a "
            f"{type(x).__name__}; write ({what[:-1]},)"
        )
    return tuple(x)


def _without_level(t: Tensor, level: int) -> Tensor:
    tangents = t._x.tangents if type(t) is RareTensor else {}
    return handle(t._a, t._n, {k: v for k, v in tangents.items() if k != level})


def _value_out(o: Any, level: int, liveness: Liveness, keep: bool) -> Any:
    if not isinstance(o, Tensor):
        return o
    return release(liveness.strip(_without_level(o, level)), keep)


@resolves_coincidence
def jvp(
    function: Function, primals: Sequence[Any], tangents: Sequence[Any], /, **kwargs: Any
) -> tuple[Any, Any]:
    """The value of ``function`` and its derivative in the direction ``tangents``, by forward mode.

    Parameters
    ----------
    function : callable
        From containers of arrays to a container of arrays.
    primals : sequence
        The arguments.
    tangents : sequence
        Directions, with the structure and shapes of ``primals``.
    **kwargs :
        Keyword arguments of ``function``; they are not differentiated.

    Returns
    -------
    value, tangent : as returned by ``function``

    Notes
    -----
    The memory needed does not grow with the number of operations.
    """
    check_function("jvp", function)
    primals, tangents = _as_tuple("primals", primals), _as_tuple("tangents", tangents)
    if len(primals) != len(tangents):
        raise WengertValueError(f"jvp: {len(primals)} primals but {len(tangents)} tangents")
    keep = any_tensor(primals, tangents, *kwargs.values())
    leaves, spec = pytree.flatten(primals)

    def named(what: str, j: int) -> str:
        path = pytree.flatten_with_paths(primals)[0][j]
        return f"jvp of {name_of(function)}, {what}{path}"

    try:
        directions = pytree.flatten_up_to(spec, tangents)
    except ValueError as error:
        raise WengertValueError(
            f"jvp of {name_of(function)}: tangents must have the structure of primals: {error}"
        ) from None
    level = next_id()
    inputs = []
    for j, (x, v) in enumerate(zip(leaves, directions, strict=True)):
        a, n, outer = as_input(x, partial(named, "primals", j))
        t = seed_like(a, v, partial(named, "tangents", j))
        if not isinstance(t, Tensor):
            # What an outer tape saves of a direction must not change with the caller's array.
            t = handle(snapshot(t) if t.ndim and (keep or LOCAL.depth) else t, None, None)
        inputs.append(handle(a, n, {**outer, level: t}))
    with tracing_user():
        y = function(*pytree.unflatten(spec, inputs), **kwargs)
        outs, out_spec = pytree.flatten(y)
        outs = [as_value(o) for o in outs]
    values, derivatives = [], []
    liveness = Liveness()
    for o in outs:
        t = o._x.tangents.get(level) if type(o) is RareTensor else None
        t = algebra.zeros_like(o) if t is None else algebra.cast_like(t, o.dtype)
        if type(t) is RareTensor and level in t._x.tangents:  # a rule captured an argument
            t = _without_level(t, level)
        derivatives.append(release(liveness.strip(t) if isinstance(t, Tensor) else t, keep))
        values.append(_value_out(o, level, liveness, keep))
    return pytree.unflatten(out_spec, values), pytree.unflatten(out_spec, derivatives)


def derivative(function: Function, argnums: int = 0) -> Function:
    """The derivative of a function of one real number, by forward mode; can be nested.

    The function may return a number, an array or a container of them.

    Examples
    --------
    >>> import numpy as np, wengert as wg
    >>> float(wg.derivative(wg.derivative(np.sin))(0.0))
    -0.0
    """
    check_function("derivative", function)

    @resolves_coincidence
    @functools.wraps(function, updated=())
    def differentiated(*args: Any, **kwargs: Any) -> Any:
        positions, single = check_argnums("derivative", argnums, len(args))
        if not single:
            raise WengertTypeError(
                f"derivative: argnums must be one integer, not {argnums!r}; for several arguments "
                "use wengert.grad or wengert.jacfwd"
            )
        (i,) = positions
        x = args[i]
        if getattr(x, "shape", ()) != () or isinstance(x, (list, tuple, dict)):
            raise WengertTypeError(
                f"derivative of {name_of(function)}: argument {i} must be one number; for arrays "
                "use wengert.elementwise_grad or wengert.jacobian"
            )
        one = 1.0 + 0 * x if getattr(getattr(x, "dtype", None), "kind", "f") == "c" else 1.0
        return jvp(lambda v: function(*args[:i], v, *args[i + 1 :], **kwargs), (x,), (one,))[1]

    return differentiated


def linearize(function: Function, /, *primals: Any, **kwargs: Any) -> tuple[Any, Function]:
    """The value of ``function`` and its derivative as a linear function of the tangents.

    The function runs once; the linear function replays only what depends on the tangents, as a
    `Program` (its attribute ``program``). Keyword arguments are passed on to ``function``; they are
    not differentiated.
    """
    check_function("linearize", function)
    keep = any_tensor(*primals, *kwargs.values())
    leaves, spec = pytree.flatten(primals)

    def named(j: int) -> str:
        path = pytree.flatten_with_paths(primals)[0][j]
        return f"linearize of {name_of(function)}, primals{path}"

    recording = Recording()
    level = next_id()
    inputs, avals = [], []
    try:
        for j, x in enumerate(leaves):
            a, n, outer = as_input(
                x,
                partial(named, j),
            )
            v = recording.input(Aval(a.shape, a.dtype))
            inputs.append(handle(a, n, {**outer, level: v}))
            avals.append(handle(a, None, None))
        with tracing_user():
            y = function(*pytree.unflatten(spec, inputs), **kwargs)
            outs, out_spec = pytree.flatten(y)
            outs = [as_value(o) for o in outs]
            tangents = []
            for o in outs:
                t = o._x.tangents.get(level) if type(o) is RareTensor else None
                t = algebra.zeros_like(o) if t is None else algebra.cast_like(t, o.dtype)
                t = recording.lift(t)
                tangents.append(t._a if isinstance(t, Tensor) else t)
        program: Program = recording.close(tangents)
    finally:
        recording.abandon()
    liveness = Liveness()
    program.captured = [
        (v, liveness.strip(obj) if isinstance(obj, Tensor) else obj) for v, obj in program.captured
    ]
    values = [_value_out(o, level, liveness, keep) for o in outs]

    def linear(*directions: Any) -> Any:
        try:
            given = pytree.flatten_up_to(spec, directions)
        except ValueError as error:
            raise WengertValueError(
                f"linearized {name_of(function)}: tangents must have the structure of the primals: "
                f"{error}"
            ) from None
        args = [
            seed_like(a, v, lambda: f"linearized {name_of(function)}: tangent")
            for a, v in zip(avals, given, strict=True)
        ]
        results = evaluate(program, args)
        out_keep = keep or any_tensor(directions)
        for r in results:
            if isinstance(r, Tensor):
                refresh(r)
        return pytree.unflatten(out_spec, [release(r, out_keep) for r in results])

    linear.program = program  # type: ignore[attr-defined]
    return pytree.unflatten(out_spec, values), linear
