"""One gradient of a scalar function: what `grad`, `value_and_grad` and their kind share.

The usual call is at plain arrays and inside of no other transform. It does without what nesting
needs, which would take most of the time of a small function (`python -m benchmarks.eager`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..core import algebra, pytree
from ..core.abstract import Aval
from ..core.bind import refresh
from ..core.errors import WengertTypeError
from ..core.liveness import Liveness, Scope
from ..core.refusals import not_numbers
from ..core.state import LOCAL, PAUSED
from ..core.sweep import LARGE, sweep
from ..core.tensor import FastTensor, Tensor, handle
from .boundary import (
    any_tensor,
    check_argnums,
    name_of,
    plain_inputs,
    rebuilt,
    release,
    release_all,
    reveal,
    select_arguments,
    tracing_user,
)

__all__ = [
    "as_scalar",
    "as_value",
    "aux_out",
    "cotangents_out",
    "gradient_of",
    "run_at_plain_arrays",
    "value_out",
]

# Global names: looking them up in NumPy's module is slow (docs/design/core.md).
ndarray, np_float64 = np.ndarray, np.float64

_ONE = np.float64(1)

Function = Callable[..., Any]
# A value as a transform wants it, or an error that names the transform and the function.
Check = Callable[[str, Function, Any], Any]


def as_value(y: Any) -> Any:
    """An output as the transforms see it: a refreshed Tensor, or a plain array."""
    if isinstance(y, Tensor):
        refresh(y)
        return y
    if isinstance(y, (np.ndarray, np.generic)):
        return y
    return np.asarray(y)[()]


def value_out(y: Any, liveness: Liveness, keep: bool) -> Any:
    """The function's value for the caller, without the nodes of the transform that has ended."""
    return release(liveness.strip(y), keep) if isinstance(y, Tensor) else y


def cotangents_out(
    selected: list[Any],
    cotangents: dict[int, Any],
    single: bool,
    liveness: Liveness | None,
    keep: bool,
) -> Any:
    """The cotangents in the structure of the arguments, each in its argument's dtype.

    Of cotangents that are plain arrays ``liveness`` is not needed.
    """
    trees = []
    for spec, ids, inputs in selected:
        leaves = []
        for k, t in zip(ids, inputs):
            g = cotangents.pop(k, None)
            if g is None:
                g = algebra.zeros_like(t)
            elif g.dtype is not t.dtype:
                g = algebra.cast_like(g, t.dtype)
            leaves.append(g if liveness is None or not isinstance(g, Tensor) else liveness.strip(g))
            del g  # a leaf must not be held here while it is asked whether anybody else holds it
        out = release_all(leaves, keep)
        trees.append(out[0] if spec is None else rebuilt(spec, out))
    return trees[0] if single else tuple(trees)


def as_scalar(transform: str, function: Function, y: Any) -> Any:
    """The output of a function that is to be differentiated as a Tensor or scalar with one element.

    Raises
    ------
    WengertTypeError
        For anything else than one real number, or complex one for ``holomorphic_grad``.
    """
    try:
        if type(y) is FastTensor and y._a.ndim == 0 and y._a.dtype.kind == "f":
            return y
    except AttributeError:  # the sum of an array of Python objects is whatever they add up to
        raise not_numbers(f"{transform} of {name_of(function)}", np.dtype(object)) from None
    name = f"{transform} of {name_of(function)}"
    if not isinstance(y, (Tensor, np.ndarray, np.generic, float, int, complex)):
        raise WengertTypeError(
            f"{name}: the function returned a {type(y).__name__}; it must return one scalar. To "
            "return more, use grad_and_aux or vjp"
        )
    y = as_value(y)
    if y.size != 1:
        raise WengertTypeError(
            f"{name}: the function returned an array of shape {y.shape}; a gradient is defined for "
            "a scalar. Sum it, or use wengert.jacobian, wengert.elementwise_grad or wengert.vjp"
        )
    if y.dtype.kind == "c" and transform != "holomorphic_grad":
        raise WengertTypeError(
            f"{name}: the function returned a complex number; take np.real of it, or use "
            "wengert.holomorphic_grad"
        )
    if y.dtype.kind not in "fc":
        if y.dtype.kind not in "biu":
            raise not_numbers(name, y.dtype)
        raise WengertTypeError(
            f"{name}: the function returned a value of dtype {y.dtype}, whose derivative is zero "
            "or undefined; return a float"
        )
    return y


def gradient_of(
    transform: str,
    function: Function,
    argnums: int | Sequence[int],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    has_aux: bool,
    check: Check,
) -> tuple[Any, Any, Any]:
    """The value of a function, its gradient, and its auxiliary data (None without ``has_aux``).

    ``check(transform, function, y)`` makes the function's output one that can be differentiated, or
    raises.
    """
    scope = Scope()
    if type(argnums) is int and 0 <= argnums < len(args) and not (kwargs or has_aux):
        run = run_at_plain_arrays(transform, function, argnums, args, check, scope)
        if run is not None:
            return _swept(*run, True, None, scope, False)
    positions, single = check_argnums(transform, argnums, len(args))
    keep = any_tensor(*args, *kwargs.values()) if kwargs else any_tensor(*args)
    new_args, selected = select_arguments(transform, function, args, positions, scope)
    aux = None
    with tracing_user():
        y = function(*new_args, **kwargs)
        if has_aux:
            if not isinstance(y, tuple) or len(y) != 2:
                raise WengertTypeError(
                    f"{transform} of {name_of(function)}: the function must return a pair "
                    "(value, auxiliary data)"
                )
            y, aux = y
        y = check(transform, function, y)
    del new_args
    return _swept(y, selected, single, aux, scope, keep)


def run_at_plain_arrays(
    transform: str, function: Function, i: int, args: tuple[Any, ...], check: Check, scope: Scope
) -> tuple[Any, list[Any]] | None:
    """Run a function whose argument ``i`` is to be differentiated, if the call is the usual one.

    Returns its output and what `select_arguments` tells of the inputs; None, and nothing is done,
    inside of another transform, or unless the arguments are arrays of real floats.
    """
    local = LOCAL
    if local.depth or local.recordings or PAUSED or (len(args) > 1 and any_tensor(*args)):
        return None
    usual = plain_inputs(args[i], scope)
    if usual is None:
        return None
    x, structure, ids, inputs = usual
    local.depth += 1
    try:
        y = function(x) if len(args) == 1 else function(*args[:i], x, *args[i + 1 :])
        y = check(transform, function, y)
    except Exception as error:
        reveal(error)
        raise
    finally:
        local.depth -= 1
    return y, [(structure, ids, inputs)]


def _swept(
    y: Any, selected: list[Any], single: bool, aux: Any, scope: Scope, keep: bool
) -> tuple[Any, Any, Any]:
    """`gradient_of` when the function has been run."""
    large = _forget_values(selected)
    cotangents: dict[int, Any] = {}
    if isinstance(y, Tensor) and y._n is not None:
        if single:
            stops = frozenset(selected[0][1])
        else:
            stops = frozenset([k for _, ids, _ in selected for k in ids])
        a = y._a
        plain = type(y) is FastTensor and type(a) is np_float64
        seed = _ONE if plain else algebra.ones_like(y)
        cotangents, _, graph, outer = sweep(y._n, seed, stops, large=large, value=a)
        if plain and not (graph or keep or aux is not None):
            scope.active = False
            return a, cotangents_out(selected, cotangents, single, None, False), None
        if not outer and type(y) is FastTensor:  # nothing of an outer transform was met
            y = handle(y._a, None, None) if keep or type(y._a) is ndarray else y._a
    scope.active = False
    liveness = Liveness()
    value = value_out(y, liveness, keep)
    if aux is not None:
        aux = pytree.map(lambda t: aux_out(t, liveness, keep), aux)
    return value, cotangents_out(selected, cotangents, single, liveness, keep), aux


def _forget_values(selected: list[Any]) -> bool:
    """Keep shapes and dtypes of large inputs alone: what no node has saved is freed for the sweep.

    Returns whether there are any.
    """
    large = False
    for _, _, inputs in selected:
        for i, t in enumerate(inputs):
            if type(t) is FastTensor and type(t._a) is ndarray and t._a.size >= LARGE:
                large = True
                inputs[i] = Aval(t._a.shape, t._a.dtype)
    return large


def aux_out(t: Any, liveness: Liveness, keep: bool) -> Any:
    """An auxiliary output, without the nodes of the transform that has ended."""
    if isinstance(t, Tensor):
        refresh(t)
    return value_out(t, liveness, keep)
