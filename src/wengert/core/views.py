"""Writing: item assignment through any chain of views, and in-place operators.

A write through a view is one node on the view's base, ``setitem(base, value, *index_arrays)``; the
other views of the base are derived again when they are next used. Writes happen in place where the
array belongs to the base alone, and on a copy otherwise, so saved values never change.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from . import debugging
from .abstract import Aval, Var
from .bind import bind, refresh, require_certain_view
from .errors import (
    MutationError,
    ShapeError,
    WengertTypeError,
    WengertValueError,
)
from .index import (
    ARRAY,
    AbstractMaskError,
    ScalarMaskError,
    does_not_fit,
    expand_scalar_masks,
    indexed_shape,
    join,
    split,
)
from .masked import MaskedElements, write_masked
from .ownership import overwritten, owns_alone, retract, snapshot, was_written
from .primitive import PRIMITIVES
from .refusals import not_numbers
from .state import DEBUGGED, PAUSED, is_debugged, is_paused, next_id
from .tape import LEAF
from .tensor import FastTensor, Rare, RareTensor, Tensor, handle

__all__ = ["apply_chain", "in_place", "set_item", "update_unrecorded"]

ndarray = np.ndarray
_READ_ONLY = (
    "assignment destination is read-only: NumPy makes the results of np.broadcast_to, np.diagonal, "
    "sliding_window_view and views of read-only arrays so. Write into x.copy(), or into a diagonal "
    "with np.fill_diagonal or through np.einsum('ii->i', x)"
)


def apply_chain(a: Any, chain: tuple[Any, ...]) -> Any:
    """The view of a plain array that the chain of a view describes."""
    for primitive, params in chain:
        a = primitive.evaluate(a, **params)
    return a


def _rare_value(x: Any) -> bool:
    return type(x) is RareTensor and (bool(x._x.tangents) or type(x._a) is Var)


def _value_operand(value: Any) -> Any:
    if isinstance(value, Tensor):
        refresh(value)
        if type(value) is RareTensor and value._x.exposed:
            if was_written(value) and not (PAUSED and is_paused()):
                raise overwritten()
            return handle(value._a.copy(), value._n, None)
        return value
    if isinstance(value, (ndarray, np.generic, int, float, complex, MaskedElements)):
        return value
    value = np.asarray(value)
    if value.dtype.kind not in "biufc":
        raise not_numbers("x[...] = value", value.dtype)
    return value


def set_item(x: Tensor, index: Any, value: Any) -> None:
    """``x[index] = value`` with NumPy's semantics, seen by every view of the same base.

    Raises
    ------
    MutationError
        For a leaf outside ``no_grad``, for a result inside ``no_grad``, and where the derivative of
        the write would be lost.
    ValueError
        From NumPy: read-only destinations, shapes that do not fit.
    """
    refresh(x)
    is_view = type(x) is RareTensor and x._x.base is not None
    root: Tensor = x._x.base if is_view else x  # type: ignore[assignment]
    chain = x._x.chain if is_view else ()
    if type(value) is RareTensor and value._x.base is root and type(index) in (slice, int, tuple):
        template, arrays = _split(index, x.shape)
        if not arrays and _is_region(value, root, chain, template):
            return  # y[i] op= z ends with this assignment of the view to the place where it is
    value = _value_operand(value)
    _check_destination(root, x, value)
    retract(root)
    try:
        template, arrays = split(index, x.shape)
    except AbstractMaskError:
        write_masked(x, index, value)
        return
    except ScalarMaskError:
        if type(root._a) is not ndarray and type(root._a) is not Var:
            raise _no_array(root) from None
        first, second = expand_scalar_masks(index)
        set_item(bind(PRIMITIVES["getitem"], (x,), {"template": split(first)[0]}), second, value)
        return
    if not arrays and _is_region(value, root, chain, template):
        return  # the same with an index of another kind
    if type(value) is MaskedElements:
        raise value.refused("x[...] = y[mask]")
    value = _trim(value, x.shape, template, arrays)
    if isinstance(value, Tensor) and _shares_memory(value, root):
        moved = _moved_within(root, chain, index, value)
        if moved is not None:
            root_value = bind(PRIMITIVES["getitem"], (root.reshape(-1), moved), _FLAT, False)  # type: ignore[attr-defined]
            set_item(root, ..., root_value.reshape(root.shape))
            return
    if _rare_value(root) or _rare_value(value) or any(map(_rare_value, arrays)):
        _set_rare(root, x if is_view else None, chain, template, arrays, value)
    else:
        _set_plain(root, x if is_view else None, chain, template, arrays, value)


def _split(index: Any, shape: tuple[int, ...]) -> tuple[Any, Any]:
    """`split`; an index that it refuses is looked at later."""
    try:
        return split(index, shape)
    except (AbstractMaskError, ScalarMaskError):
        return (), (index,)


_FLAT: Any = {"template": (ARRAY,)}


def _shares_memory(value: Tensor, root: Tensor) -> bool:
    return value is root or (type(value) is RareTensor and value._x.base is root)


def _moved_within(root: Tensor, chain: Any, index: Any, value: Tensor) -> Any:
    """Where NumPy takes each element from, if a write into a part of x from a part of x is special.

    NumPy copies a source that overlaps the destination first, but not in one dimension with steps
    of one sign, nor through a boolean mask: elements that it has just written may be read again.
    What it does then is seen by doing the same to the numbers of the elements. None if it is what a
    copy would have given.
    """
    a = root._a
    if type(a) is not ndarray and type(a) is not Var:
        return None
    index = _plain_index(index)
    if index is None:
        return None
    dtype = a.dtype
    numbers = np.empty_like(a) if type(a) is ndarray else np.empty(a.shape, dtype)
    numbers[...] = np.arange(numbers.size).reshape(numbers.shape)
    source = apply_chain(numbers, value._x.chain if type(value) is RareTensor else ())
    region = apply_chain(numbers, chain)
    if not isinstance(region, ndarray) or not isinstance(source, ndarray):
        return None
    if not _has_mask(index):
        part = region[index]
        if part.ndim != 1 or not np.may_share_memory(part, numbers):
            return None
        if source.ndim == 0 or part.strides[0] == source.strides[-1]:
            return None
    copied = numbers.copy("K")
    apply_chain(copied, chain)[index] = source.copy()
    region[index] = source
    if np.array_equal(numbers, copied):
        return None
    return numbers.real.astype(np.intp).ravel()


def _plain_index(index: Any) -> Any:
    """The index without Tensors; None if one of them has no values."""
    parts = []
    for part in index if type(index) is tuple else (index,):
        if isinstance(part, Tensor):
            if type(part._a) is Var:
                return None
            part = part._a
        parts.append(part)
    return tuple(parts)


def _has_mask(index: tuple[Any, ...]) -> bool:
    if not all(
        part is None or part is Ellipsis or isinstance(part, (int, np.integer, slice))
        for part in index
    ):
        return len(index) == 1 and np.asarray(index[0]).dtype.kind == "b"
    return False


def _check_destination(root: Tensor, x: Tensor, value: Any) -> None:
    tracked = root._n is not None
    if tracked and root._n[1] is LEAF and not (PAUSED and is_paused()):  # type: ignore[index]
        raise MutationError(
            "a write into a Tensor that requires gradients and is no result: its gradient would be "
            "that of overwritten values. Write inside `with wengert.no_grad():`, or into x.copy()"
        )
    if tracked and root._n[1] is not LEAF and PAUSED and is_paused():  # type: ignore[index]
        raise MutationError(
            "a write inside no_grad into the result of a recorded operation would not be recorded; "
            "write into x.detach().copy()"
        )
    if isinstance(value, Tensor) and root.dtype.kind not in "fc":
        lost = value._n is not None or (type(value) is RareTensor and value._x.tangents)
        if lost and value.dtype.kind in "fc":
            raise MutationError(
                "a value that is being differentiated is written into an array of dtype "
                f"{root.dtype}; create the destination with a float dtype"
            )
    if isinstance(value, Tensor) and value.dtype.kind == "c" and x.dtype.kind == "f":
        raise WengertTypeError(
            "a complex value is written into a real array; create the "
            "destination with dtype complex"
        )


def _is_region(value: Any, root: Tensor, chain: tuple[Any, ...], template: Any) -> bool:
    """Whether a value is the very view of the base that is to be written."""
    if type(value) is not RareTensor or value._x.base is not root:
        return False
    return bool(value._x.chain == (*chain, (PRIMITIVES["getitem"], {"template": template})))


def _trim(value: Any, shape: tuple[int, ...], template: Any, arrays: list[Any]) -> Any:
    """Drop leading dimensions of length one that NumPy would ignore; check that the rest fits."""
    region = indexed_shape(shape, template, arrays)
    have = np.shape(value) if not isinstance(value, Tensor) else value.shape
    if len(have) > len(region):
        extra = len(have) - len(region)
        if any(n != 1 for n in have[:extra]):
            raise does_not_fit(have, region)
        value = value.reshape(have[extra:])
        have = have[extra:]
    for n, m in zip(reversed(have), reversed(region), strict=False):
        if n not in (1, m):
            raise does_not_fit(have, region)
    return value


def _set_rare(
    root: Tensor, view: Tensor | None, chain: Any, template: Any, arrays: list[Any], value: Any
) -> None:
    """Duals and abstract values: functionally by `bind`; then the base takes the result over."""
    if _set_dual(root, view, chain, template, arrays, value):
        return
    if chain:
        if type(root._a) is Var:
            require_certain_view(root, chain)
        _require_writeable(root, chain)
    contiguous = root._a.contiguous if type(root._a) is Var else root._a.flags.c_contiguous
    tangents = root._x.tangents if type(root) is RareTensor else None
    old = handle(root._a, root._n, tangents)
    params = {"chain": chain, "template": template}
    out = bind(PRIMITIVES["setitem"], (old, value, *arrays), params, False)
    if type(out._a) is Var:
        out._a.contiguous = contiguous  # a write moves no elements
        recording: Any = out._a.recording
        if getattr(root._a, "recording", None) is not recording:
            recording.will_overwrite(root)
    if type(out) is RareTensor and type(root) is FastTensor:
        root.__class__ = RareTensor
        root._x = Rare(None)
    root._a = out._a
    root._n = out._n
    if type(root) is RareTensor:
        root._x.tangents = out._x.tangents if type(out) is RareTensor else {}


def _is_constant(t: Any) -> bool:
    """Whether a tangent is one of plain numbers: of no outer transform, and not recorded."""
    return type(t) is FastTensor and t._n is None


def _set_dual(
    root: Tensor, view: Tensor | None, chain: Any, template: Any, arrays: list[Any], value: Any
) -> bool:
    """A write in place into dual numbers on plain arrays, where nothing is recorded.

    A loop that writes n elements in forward mode would otherwise copy the whole n times. Returns
    whether that was possible; if not, nothing has been done.
    """
    a = root._a
    if type(a) is not ndarray or not a.flags.writeable or root._n is not None:
        return False
    if type(root) is RareTensor and root._x.exposed:
        return False
    mine: dict[int, Any] = root._x.tangents if type(root) is RareTensor else {}
    theirs: dict[int, Any] = {}
    raw_value = value
    if isinstance(value, Tensor):
        if value._n is not None or type(value._a) is Var:
            return False
        raw_value = value._a
        # A copy, for the value may be the base itself, whose tangents are taken out below.
        theirs = dict(value._x.tangents) if type(value) is RareTensor else {}
    if any(isinstance(i, Tensor) for i in arrays):
        return False
    if not all(_is_constant(t) and type(t._a) is ndarray for t in mine.values()):
        return False
    if not all(_is_constant(t) for t in theirs.values()):
        return False
    index = join(template, arrays)
    if view is not None:
        view._a = view._x.base_array = None  # our own view must not count as another owner
        view._x.tangents = {}
    del a
    tangents = {}
    for level in mine.keys() | theirs.keys():
        t = FastTensor()
        t._n = None
        # Popped, so that a Tensor which nobody else holds no longer holds the array.
        t._a = mine.pop(level)._a if level in mine else np.zeros_like(root._a)
        if t._a.dtype != root._a.dtype:  # of x + 1j, x real, the tangent is real
            t._a = t._a.astype(root._a.dtype)
        elif not owns_alone(t):
            t._a = t._a.copy("K")
        tangents[level] = t
    if not owns_alone(root):
        root._a = root._a.copy("K")
    try:
        apply_chain(root._a, chain)[index] = raw_value
        for level, t in tangents.items():
            apply_chain(t._a, chain)[index] = theirs[level]._a if level in theirs else 0
    finally:
        if type(root) is FastTensor:
            root.__class__ = RareTensor
            root._x = Rare(None)
        root._x.tangents = tangents
        if view is not None:
            view._a = apply_chain(root._a, chain)
            view._x.base_node = ()  # derive the view again at the next use
    return True


def _require_writeable(root: Tensor, chain: Any) -> None:
    """The check of NumPy on arrays, for values that have none or are not written in place."""
    a = root._a if type(root._a) is ndarray else np.empty(root._a.shape, root._a.dtype)
    if not apply_chain(a, chain).flags.writeable:
        raise WengertValueError(_READ_ONLY)


def _no_array(x: Tensor) -> WengertTypeError:
    return WengertTypeError(
        f"'{type(x._a).__name__}' object does not support item assignment: x is a "
        "NumPy scalar, not an array; use x.reshape(1), or assign a new value to the name"
    )


def _set_plain(
    root: Tensor, view: Tensor | None, chain: Any, template: Any, arrays: list[Any], value: Any
) -> None:
    if type(root._a) is not ndarray:
        raise _no_array(root)
    destination = root if view is None else view
    if not destination._a.flags.writeable or not root._a.flags.writeable:
        raise WengertValueError(_READ_ONLY)
    raw_value = value._a if isinstance(value, Tensor) else value
    index = join(template, arrays)
    parent = root._n
    value_node = value._n if isinstance(value, Tensor) else None
    paused = bool(PAUSED) and is_paused()
    tracked = not paused and (parent is not None or value_node is not None)
    node = None
    if tracked:
        base: Any = Aval(root._a.shape, root._a.dtype)
        if parent is None:
            base = root._a  # kept as it was: the copy below is what makes that so
        kept: Any = raw_value
        if isinstance(value, Tensor):
            kept = Aval(value.shape, value.dtype) if value_node is not None else raw_value
        saved = (base, kept, *[snapshot(a) for a in arrays])
        node = [
            next_id(),
            PRIMITIVES["setitem"].kind,
            (parent, value_node) + (None,) * len(arrays),
            None,
            None,
            saved,
            {"chain": chain, "template": template},
            None,
            0,
            None,
        ]
        if DEBUGGED:
            debugging.locate(node)
        del base, saved
    if view is not None:
        view._a = view._x.base_array = None  # our own view must not count as another owner
    # What was handed out by .array is saved by no node, and whoever holds it sees the write.
    live = node is None and type(root) is RareTensor and root._x.exposed
    if not live and not owns_alone(root):
        root._a = root._a.copy("K")
    try:
        apply_chain(root._a, chain)[index] = raw_value
    finally:
        if view is not None:
            view._a = apply_chain(root._a, chain)
            view._x.base_node = ()  # derive the node again at the next use
    if not paused:
        root._n = node


def update_unrecorded(x: Tensor, y: Any, ufunc: np.ufunc) -> bool:
    """``x op= y`` in x's own memory, where nothing is to be recorded and nobody else holds it.

    The update of a parameter, ``w -= step`` inside no_grad, goes this way. Returns whether it was
    done; whatever NumPy refuses is left to `in_place`, whose errors say more.
    """
    if type(x) is not FastTensor or type(x._a) is not ndarray:
        return False
    paused = False
    if PAUSED:
        if DEBUGGED and is_debugged() is not None:
            return False  # the general way looks at the result
        paused = is_paused()
    node = x._n
    if node is not None and not (paused and node[1] is LEAF):
        return False
    if type(y) is FastTensor:
        if y._n is not None and not paused:
            return False
        y = y._a
    elif type(y) not in _PLAIN:
        return False
    if not owns_alone(x):
        return False
    try:
        ufunc(x._a, y, x._a)
    except (TypeError, ValueError):
        return False
    return True


_PLAIN = frozenset({ndarray, float, int, np.float64, np.float32})


def in_place(x: Tensor, y: Any, operation: Callable[[Any, Any], Any]) -> Any:
    """``x op= y`` for an array; for a NumPy scalar the name is bound anew, as in NumPy."""
    refresh(x)
    a: Any = x._a
    kind: Any = type(a)
    result = operation(x, y)
    if result is NotImplemented or not (kind is ndarray or (kind is Var and not a.scalar)):
        return result
    if result.shape != a.shape:
        raise ShapeError(
            f"in-place operation: a result of shape {result.shape} does not fit into the array of "
            f"shape {a.shape}; write x = x + y, which makes a new one"
        )
    if result.dtype != a.dtype and not np.can_cast(result.dtype, a.dtype, "same_kind"):
        raise WengertTypeError(
            f"in-place operation: cannot cast the result from {result.dtype} to "
            f"{a.dtype}; write x = x + y, which makes a new array"
        )
    simple = type(x) is FastTensor and type(result) is FastTensor and result.dtype == a.dtype
    if not simple:
        del a  # a view's array must not count as another owner of the base
        set_item(x, ..., result)
        return x
    if not a.flags.writeable:
        raise WengertValueError(_READ_ONLY.replace("assignment destination", "output array"))
    _check_destination(x, x, result)
    new = result._a if type(result._a) is ndarray else np.asarray(result._a)
    if new.strides != a.strides:
        # NumPy would have written into the memory of x; on its layout depends whether the views of
        # x by reshape stay views.
        x._a = np.empty_like(a)
        x._a[...] = new
    else:
        x._a = new
    if not (PAUSED and is_paused()):
        x._n = result._n
    return x
