"""What crosses the boundary of a transform: arguments on the way in, results on the way out."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from ..core import pytree
from ..core.abstract import Var
from ..core.bind import refresh
from ..core.errors import ShapeError, WengertError, WengertTypeError, WengertValueError
from ..core.liveness import Scope
from ..core.ownership import (
    alone_in_list,
    overwritten,
    owns_alone,
    plain_array,
    settle,
    snapshot,
    was_written,
)
from ..core.recorder import lift_plain
from ..core.state import LOCAL, next_id, tracing
from ..core.tape import INPUT
from ..core.tensor import FastTensor, RareTensor, Tensor, handle

__all__ = [
    "any_tensor",
    "as_input",
    "check_argnums",
    "check_function",
    "chosen_argnums",
    "function_of_selected",
    "input_leaf",
    "is_named",
    "plain_inputs",
    "rebuilt",
    "release",
    "release_all",
    "reveal",
    "select_arguments",
    "tracing_user",
]

# Global names: looking them up in NumPy's module is slow (docs/design/core.md).
ndarray = np.ndarray
np_float64 = np.float64


class tracing_user(tracing):
    """The user's function runs in this block.

    NumPy wraps the error of ``buf[0] = traced`` in one of its own that says nothing, and C code
    that ignores errors (`scipy.optimize.brentq`) ends in a SystemError, or in an AttributeError of
    an attribute that is there; what was raised first is raised instead, at the user's line. What
    the user raises ``from`` an error of wengert's stays.
    """

    __slots__ = ()

    def __exit__(self, *raised: Any) -> None:
        super().__exit__()
        if raised[1] is not None:
            reveal(raised[1])


def reveal(error: BaseException) -> None:
    """Raise the error of wengert's that another one hides, if it does: see `tracing_user`."""
    if _hides_another(error):
        cause = error.__cause__ or error.__context__
        while cause is not None and not isinstance(cause, WengertError):
            cause = cause.__cause__ or cause.__context__
        if cause is not None:
            raise cause.with_traceback(error.__traceback__) from None


def _hides_another(error: BaseException) -> bool:
    if isinstance(error, AttributeError):
        return isinstance(error.obj, Tensor) and hasattr(Tensor, error.name or "")
    return isinstance(error, SystemError) or (
        isinstance(error, ValueError) and str(error).startswith(_NUMPYS_WRAPPING)
    )


_NUMPYS_WRAPPING = "setting an array element with a sequence"


def check_function(transform: str, function: Any) -> None:
    """Refuse what is no function, such as the value of one: ``grad(f(x))``.

    Raises
    ------
    WengertTypeError
    """
    if not callable(function):
        raise WengertTypeError(
            f"{transform}: expected a function, not a {type(function).__name__}; give it f itself, "
            "not f(x)"
        )


def is_named(function: Any) -> bool:
    """Whether its module has it under its name, as functions are found again that were pickled."""
    found: Any = sys.modules.get(getattr(function, "__module__", None) or "")
    for name in getattr(function, "__qualname__", "<lambda>").split("."):
        found = getattr(found, name, None)
    return found is function


def name_of(function: Callable[..., Any]) -> str:
    """The name of a user's function, for messages."""
    return getattr(function, "__name__", None) or type(function).__name__


def chosen_argnums(
    transform: str, argnums: int | Sequence[int], argnum: int | Sequence[int] | None
) -> int | Sequence[int]:
    """``argnums``, which programs written for autograd call ``argnum``."""
    if argnum is None:
        return argnums
    if argnums != 0:
        raise WengertTypeError(
            f"{transform}: argnums={argnums!r} and argnum={argnum!r} are two names of the same "
            "option; give argnums alone"
        )
    return argnum


def check_argnums(
    transform: str, argnums: int | Sequence[int], count: int
) -> tuple[tuple[int, ...], bool]:
    """Normalised positions, and whether a single one was asked for."""
    if type(argnums) is int and 0 <= argnums < count:
        return (argnums,), True
    single = not isinstance(argnums, (tuple, list))
    positions = (argnums,) if single else tuple(argnums)  # type: ignore[arg-type]
    result = []
    for i in positions:
        if isinstance(i, bool) or not isinstance(i, (int, np.integer)):
            raise WengertTypeError(
                f"{transform}: argnums must be an integer or a tuple of integers, not {argnums!r}"
            )
        if not -count <= i < count:
            raise WengertValueError(
                f"{transform}: argnums={argnums} but the function was called with {count} "
                f"positional argument{'' if count == 1 else 's'}; what is to be differentiated "
                "must be given by position, and argnums count from 0"
            )
        result.append(int(i) % count)
    if len(set(result)) != len(result):
        raise WengertValueError(f"{transform}: argnums={argnums} names an argument twice")
    return tuple(result), single


def function_of_selected(
    transform: str,
    function: Callable[..., Any],
    argnums: int | Sequence[int],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> tuple[Callable[[Any], Any], Any]:
    """The function of the chosen argument alone (of a tuple, for several), and that argument."""
    positions, single = check_argnums(transform, argnums, len(args))

    @functools.wraps(function, updated=())
    def unary(x: Any) -> Any:
        new = list(args)
        for i, value in zip(positions, (x,) if single else x, strict=True):
            new[i] = value
        return function(*new, **kwargs)

    chosen = tuple([args[i] for i in positions])
    return unary, chosen[0] if single else chosen


def as_input(x: Any, where: Callable[[], str]) -> tuple[Any, Any, dict[int, Any]]:
    """Array, node and tangents of an argument leaf that is to be differentiated.

    ``where`` names the argument, for the message.

    Raises
    ------
    WengertTypeError
        For integers and for what is no number.
    """
    if LOCAL.recordings:
        x = lift_plain(x)
    if isinstance(x, Tensor):
        refresh(x)
        a, n = x._a, x._n
        tangents = {}
        if type(x) is RareTensor:
            tangents = x._x.tangents
            if x._x.exposed:
                a = None
                if not settle(x):
                    if was_written(x):
                        raise overwritten()
                    x._a = x._a.copy() if tangents else x._a
                    a = x._a.copy()
                else:
                    a = x._a
    elif isinstance(x, ndarray):
        a, n, tangents = snapshot(x if type(x) is ndarray else plain_array(x)), None, {}
    elif isinstance(x, np.generic):
        a, n, tangents = x, None, {}
    elif isinstance(x, (bool, int)):
        a, n, tangents = np.asarray(x), None, {}
    elif isinstance(x, float):
        a, n, tangents = np.float64(x), None, {}
    elif isinstance(x, complex):
        a, n, tangents = np.complex128(x), None, {}
    else:
        raise WengertTypeError(
            f"{where()}: cannot differentiate with respect to a {type(x).__name__}; arguments must "
            "be numbers, arrays, or containers of them"
        )
    if a.dtype.kind not in "fc":
        remedy = "cast it with .astype(float), or write 2.0 instead of 2"
        raise WengertTypeError(
            f"{where()}: cannot differentiate with respect to an argument of "
            f"dtype {a.dtype}; {remedy}"
        )
    return a, n, tangents


def input_leaf(x: Any, where: Callable[[], str], scope: Scope) -> tuple[Tensor, int]:
    """An argument leaf as a new input of the tape, and its id."""
    a, n, tangents = as_input(x, where)
    k = next_id()
    foreign = bool(tangents) or type(a) is Var
    return handle(a, [k, INPUT, n, None, None, foreign, scope], dict(tangents) or None), k


def select_arguments(
    transform: str,
    function: Callable[..., Any],
    args: tuple[Any, ...],
    positions: tuple[int, ...],
    scope: Scope,
) -> tuple[list[Any], list[tuple[Any, list[int], list[Any]]]]:
    """The arguments with new inputs in the given positions; their structures, ids and leaves.

    The structure is None for a leaf, `list` or `tuple` for one of leaves, and otherwise optree's.
    """

    def named(i: int, j: int) -> str:
        path = pytree.flatten_with_paths(args[i])[0][j]
        return f"{transform} of {name_of(function)}, argument {i}{path}"

    new_args = list(args)
    selected: list[tuple[Any, list[int], list[Any]]] = []
    recorded = bool(LOCAL.recordings)
    for i in positions:
        tree = args[i]
        found: Any
        spec: Any
        if _is_flat(tree):
            found, spec = tree, type(tree)
        elif _is_container(tree):
            found, spec = pytree.flatten(tree)
        else:
            t, k = input_leaf(tree, partial(named, i, 0), scope)
            new_args[i] = t
            selected.append((None, [k], [t]))
            continue
        inputs, ids = [], []
        for j, leaf in enumerate(found):
            if type(leaf) is ndarray and leaf.dtype.kind == "f" and not recorded:
                k = next_id()  # what input_leaf does, for the usual leaf
                t = FastTensor()
                t._a = snapshot(leaf)
                t._n = [k, INPUT, None, None, None, False, scope]
            else:
                t, k = input_leaf(leaf, partial(named, i, j), scope)
            inputs.append(t)
            ids.append(k)
        new_args[i] = rebuilt(spec, inputs.copy())  # the function may change its list
        selected.append((spec, ids, inputs))
    return new_args, selected


def plain_inputs(
    tree: Any, scope: Scope
) -> tuple[Any, type | None, list[int], list[FastTensor]] | None:
    """`select_arguments` for an array of real floats, or a list or tuple of such arrays.

    Returns the argument with new inputs, its structure, their ids and themselves; None for anything
    else.
    """
    structure = type(tree)
    if structure is ndarray or structure is np_float64:
        leaves: Any = (tree,)
    elif structure is list or structure is tuple:
        leaves = tree
    else:
        return None
    ids, inputs = [], []
    for a in leaves:
        t = FastTensor()
        if type(a) is ndarray and a.dtype.kind == "f":
            t._a = snapshot(a)
        elif type(a) is np_float64:
            t._a = a
        else:
            return None
        k = next_id()
        t._n = [k, INPUT, None, None, None, False, scope]
        ids.append(k)
        inputs.append(t)
    if leaves is not tree:
        return inputs[0], None, ids, inputs
    return structure(inputs), structure, ids, inputs  # a copy: the function may change its list


def rebuilt(structure: Any, leaves: list[Any]) -> Any:
    """A container of one of the structures of `select_arguments`."""
    if structure is None:
        return leaves[0]
    if structure is list:
        return leaves
    return tuple(leaves) if structure is tuple else pytree.unflatten(structure, leaves)


def _is_flat(tree: Any) -> bool:
    """Whether the container is a list or tuple of leaves: its leaves need no search."""
    if type(tree) is not list and type(tree) is not tuple:
        return False
    for x in tree:
        if type(x) not in _LEAVES:
            return False
    return True


_LEAVES = frozenset({np.ndarray, float, np.float64, np.float32, FastTensor, RareTensor})


def _is_container(x: Any) -> bool:
    return type(x) not in _LEAVES and not isinstance(x, (np.ndarray, Tensor, float, np.generic))


def any_tensor(*trees: Any) -> bool:
    """Whether a Tensor is among the leaves."""
    for tree in trees:
        if type(tree) is ndarray:
            continue
        if isinstance(tree, Tensor):
            return True
        if _is_flat(tree):
            for x in tree:
                if type(x) is FastTensor or type(x) is RareTensor:
                    return True
        elif _is_container(tree):
            for x in pytree.leaves(tree):
                if isinstance(x, Tensor):
                    return True
    return False


def release(x: Any, keep: bool) -> Any:
    """A result on its way out: plain if nothing about it matters to an outer transform.

    Plain results are arrays that nobody else holds, so the caller may write into them. With
    ``keep``, for callers that passed Tensors, it is a Tensor in any case.
    """
    if isinstance(x, Tensor):
        if (
            keep
            or x._n is not None
            or type(x._a) is Var
            or (type(x) is RareTensor and x._x.tangents)
        ):
            return x
        a = x._a
    else:
        a = x
    if type(a) is not ndarray:
        return handle(a, None, None) if keep and isinstance(a, np.generic) else a
    t = FastTensor()
    t._a = a
    if isinstance(x, Tensor):
        x._a = None
    del a, x
    if not owns_alone(t):
        t._a = np.array(t._a)
    return handle(t._a, None, None) if keep else t._a


def release_all(results: list[Any], keep: bool) -> list[Any]:
    """`release` of each, in the same list; the caller must hold none of them besides."""
    for i in range(len(results)):
        if keep or (
            type(results[i]) is not np_float64
            and (type(results[i]) is not ndarray or not alone_in_list(results, i))
        ):
            results[i] = release(_taken(results, i), keep)
    return results


def _taken(results: list[Any], i: int) -> Any:
    x = results[i]
    results[i] = None
    return x


def _as_numbers(x: Any, where: Callable[[], str]) -> Any:
    try:
        a = np.asarray(x)
    except ValueError as error:
        raise WengertValueError(f"{where()}: expected an array of numbers: {error}") from None
    if a.dtype.kind not in "biufc":
        given = (
            "None; give zeros for what does not change" if x is None else f"a {type(x).__name__}"
        )
        raise WengertTypeError(f"{where()}: expected an array of numbers, got {given}")
    return a[()]


def seed_like(t: Any, ct: Any, where: Callable[[], str]) -> Any:
    """A cotangent for the output ``t``, checked and in its dtype."""
    shape = t.shape
    ct = lift_plain(ct)
    if isinstance(ct, Tensor):
        refresh(ct)
    elif not isinstance(ct, (np.ndarray, np.generic)):
        ct = _as_numbers(ct, where)
    if ct.shape != shape:
        raise ShapeError(f"{where()}: expected shape {shape}, got {ct.shape}")
    if ct.dtype.kind not in "biufc":
        raise WengertTypeError(f"{where()}: expected numbers, got dtype {ct.dtype}")
    if ct.dtype != t.dtype:
        if ct.dtype.kind == "c" and t.dtype.kind != "c":
            raise WengertTypeError(
                f"{where()}: a complex value for a real array of dtype {t.dtype}"
            )
        ct = ct.astype(t.dtype)
    return ct
