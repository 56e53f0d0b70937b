"""Methods and attributes of NumPy's arrays that are not functions of its namespace."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..core.errors import ShapeError
from ..core.tensor import Tensor
from ..core.views import set_item
from .arguments import is_abstract
from .joining import part
from .methods import attach_method
from .selection import choose
from .shapes import copied, matrix_transpose, ravel

__all__ = ["Flat"]


class Flat:
    """``x.flat``: the elements in C order; reading (copies), writing and iterating as NumPy's does.

    Unlike NumPy's iterator it has no position; ``len`` and indexing work alike.
    """

    __slots__ = ("base",)

    def __init__(self, base: Tensor) -> None:
        self.base = base

    def __len__(self) -> int:
        return self.base.size

    def __iter__(self) -> Iterator[Any]:
        return iter(ravel(self.base))

    def __getitem__(self, key: Any) -> Any:
        return copied(part(ravel(self.base), key))

    def __setitem__(self, key: Any, value: Any) -> None:
        if is_abstract(key):
            np.put(self.base, key, value)  # type: ignore[arg-type]
            return
        positions = np.arange(self.base.size)[key]
        value = value if isinstance(value, Tensor) else np.asarray(value)
        value = ravel(value)
        wanted = np.size(positions)
        if not wanted:
            return
        if not value.shape[0]:
            raise ShapeError(f"x.flat[...] = value: no value for {wanted} elements")
        # Too few values are repeated, too many are left out, as NumPy does.
        value = value[np.arange(wanted) % value.shape[0]].reshape(np.shape(positions))
        base: Any = self.base
        base = base if base.ndim else base[None]
        set_item(base, np.unravel_index(positions, base.shape), value)

    def copy(self) -> Any:
        """The elements as a new one-dimensional Tensor."""
        return copied(ravel(self.base))


def _set_flat(self: Tensor, value: Any) -> None:
    Flat(self)[...] = value


def _fill(self: Tensor, value: Any) -> None:
    """Write one value, which may be traced, into every element."""
    if np.ndim(value):
        raise ShapeError(f"fill: expected a number, not an array of shape {np.shape(value)}")
    set_item(self, ..., value)


def _matrix_transpose(self: Tensor) -> Any:
    """The last two axes exchanged; a view."""
    return matrix_transpose(self)


def _to_bytes(self: Tensor, order: Any = "C") -> bytes:
    """The memory of the values as bytes."""
    return bytes(np.asarray(self._untraced(".tobytes()")).tobytes(order))


attach_method("flat", property(Flat, _set_flat, doc="The elements in C order."))
attach_method("mT", property(_matrix_transpose, doc=_matrix_transpose.__doc__))
attach_method("fill", _fill)
attach_method("choose", choose)
attach_method("tobytes", _to_bytes)
