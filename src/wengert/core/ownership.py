"""Who else may see an array: copy on write, and protection against changes behind the tape's back.

Arrays inside Tensors are written in place only when nothing else refers to them. That is read off
CPython's reference count; what the count of a solely owned array is, is measured at import, and
where the measurement makes no sense (free-threaded builds defer counts, say) every write copies.

A plain array that the user passed to a recorded operation can be changed by the user
afterwards. What a derivative needs of it is therefore saved as a copy, unless the array is
read-only all the way down.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from .errors import MutationError, WengertTypeError
from .tensor import FastTensor, Rare, RareTensor, Tensor

__all__ = [
    "alone_in_list",
    "overwritten",
    "owns_alone",
    "plain_array",
    "retract",
    "settle",
    "settled",
    "snapshot",
    "was_written",
]

# Global names: looking them up in NumPy's module is slow (docs/design/core.md).
ndarray = np.ndarray

# Zero, which is never the count of a sole owner, where the interpreter does not count.
_getrefcount: Any = getattr(sys, "getrefcount", lambda _: 0)


def _count(t: Tensor) -> int:
    return int(_getrefcount(t._a))


def _calibrate() -> int:
    t = FastTensor()
    t._a = np.zeros(3)
    alone = _count(t)
    other = t._a
    shared = _count(t)
    view = other[1:]
    del other
    viewed = _count(t)
    del view
    again = _count(t)
    reliable = 0 < alone < 100 and shared == alone + 1 == viewed and again == alone
    return alone if reliable else -1


_ALONE = _calibrate()


def owns_alone(t: Tensor) -> bool:
    """Whether the Tensor's array can be written in place. The caller must not hold the array."""
    return _getrefcount(t._a) == _ALONE and t._a.base is None  # as in `_count`


def _count_in_list(items: list[Any], i: int) -> int:
    return int(_getrefcount(items[i]))


def _calibrate_list() -> int:
    items = [np.zeros(3)]
    alone = _count_in_list(items, 0)
    other = items[0]
    shared = _count_in_list(items, 0)
    del other
    return alone if 0 < alone < 100 and shared == alone + 1 else -1


_ALONE_IN_LIST = _calibrate_list()


def alone_in_list(items: list[Any] | dict[int, Any], i: int) -> bool:
    """Whether nothing but the list or dictionary refers to this array, which owns its memory."""
    return _getrefcount(items[i]) == _ALONE_IN_LIST and items[i].base is None


def plain_array(a: Any) -> Any:
    """An array of a subclass (a memory map, a record array) as an ordinary one, without a copy.

    Raises
    ------
    WengertTypeError
        For a subclass whose operations mean something else than an array's.
    """
    if isinstance(a, (np.ma.MaskedArray, np.matrix)):
        raise WengertTypeError(
            f"a {type(a).__name__} is no operand of wengert: its operations are not those of an "
            "array. Convert it with np.asarray(x), and use np.where for what is masked"
        )
    return np.asarray(a)


def snapshot(a: Any) -> Any:
    """The plain array ``a`` as it is now, whatever its owner does to it later."""
    b = a
    while b is not None:
        if type(b) is not ndarray or b.flags.writeable:
            return a.copy("K")
        b = b.base
    return a


def settle(t: Tensor) -> bool:
    """Whether nobody holds an exposed Tensor's array any more; if so it is exposed no longer."""
    if _count(t) != _ALONE or was_written(t):
        return False
    if t._x.recorded is not None:
        t._a, t._x.recorded = t._x.recorded, None
    t._x.exposed = False
    if not t._x.tangents and t._x.base is None:
        t.__class__ = FastTensor
        t._x = Rare(None)
    return True


def was_written(t: Tensor) -> bool:
    """Whether an exposed Tensor is the result of an operation, and has other values by now."""
    recorded = t._x.recorded
    if recorded is None:
        return False
    a = t._a
    # Bytes tell 0 from -0, and NaN is equal to itself.
    return bool(a.dtype != recorded.dtype or a.tobytes() != recorded.tobytes())


def overwritten() -> MutationError:
    """The error of what would be differentiated through values that were written by hand."""
    return MutationError(
        ".array of the result of a recorded operation was written, and no derivative of that is "
        "known; write into the Tensor (y[i] = v, which is recorded), go on with y.detach(), or "
        "compute inside `with wengert.no_grad():`"
    )


def retract(t: Tensor) -> None:
    """Give a result whose array was handed out the recorded values again, to change them.

    Raises
    ------
    MutationError
        If somebody wrote into what was handed out.
    """
    if type(t) is not RareTensor or t._x.recorded is None:
        return
    if was_written(t):
        raise overwritten()
    t._a = t._x.recorded
    t.__class__ = FastTensor
    t._x = Rare(None)


def settled(x: Any) -> bool:
    """Whether ``x`` has just become an ordinary Tensor again, since its array is back.

    Asked by operations before they take the slow path: after ``w.array -= step`` the next use of
    ``w`` would take it, and record a node that is slow to sweep.
    """
    return type(x) is RareTensor and x._x.exposed and settle(x) and type(x) is FastTensor
