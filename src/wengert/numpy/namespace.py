"""The names of ``wengert.numpy`` that are not NumPy's own: creation, and some functions.

The functions look for Tensors in lists, and in arguments that NumPy overlooks.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..core.errors import WengertTypeError
from . import creation, functional, joining, ranges, rearranging
from .arguments import contains_tensor, operand
from .classification import CLASSIFICATION
from .dispatch import FUNCTIONS
from .shapes import atleast_2d, view_with_shape

__all__ = ["overrides"]


def _of_lists(own: Callable[..., Any], numpys: Callable[..., Any]) -> Callable[..., Any]:
    """NumPy's function, or our own where Tensors stand inside of nested lists.

    NumPy looks for Tensors among the elements of its arguments, but no deeper.
    """

    @functools.wraps(numpys)
    def function(*args: Any, **kwargs: Any) -> Any:
        if contains_tensor(args) or contains_tensor(tuple(kwargs.values())):
            return own(*args, **kwargs)
        return numpys(*args, **kwargs)

    return function


class ndenumerate(np.ndenumerate):
    """``np.ndenumerate``; of a Tensor it gives its elements as Tensors."""

    def __init__(self, arr: Any) -> None:
        self._pairs: Iterator[tuple[tuple[int, ...], Any]] | None = None
        if not contains_tensor(arr):
            super().__init__(arr)
            return
        x = operand(arr)
        self._pairs = ((index, x[index]) for index in np.ndindex(x.shape))

    def __next__(self) -> Any:
        return super().__next__() if self._pairs is None else next(self._pairs)


def _refuse_iteration(name: str, op: Any) -> None:
    if contains_tensor(op):
        entry = CLASSIFICATION[name]
        raise WengertTypeError(
            f"wengert.numpy.{name} of a Tensor: {entry.subject}, and their derivatives would be "
            f"lost; {entry.note}"
        )


class _IsNumpys(type):
    def __instancecheck__(cls, x: Any) -> bool:
        return isinstance(x, np.nditer)


class nditer(metaclass=_IsNumpys):
    """``np.nditer``, which is what a call returns (it has no subclasses); of plain arrays."""

    def __new__(cls, op: Any, *args: Any, **kwargs: Any) -> Any:
        """Refuse Tensors."""
        _refuse_iteration("nditer", op)
        return np.nditer(op, *args, **kwargs)


@functools.wraps(np.nested_iters)
def nested_iters(op: Any, *args: Any, **kwargs: Any) -> Any:
    """``np.nested_iters`` of plain arrays."""
    _refuse_iteration("nested_iters", op)
    return np.nested_iters(op, *args, **kwargs)


_JOINING = (
    "append", "block", "column_stack", "concat", "concatenate", "dstack", "hstack", "stack",
    "vstack",
)  # fmt: skip


# Of these NumPy does not look at an argument that may well be a Tensor beside plain arrays: the
# indices, the shift, the repeats, the values of a diagonal or beyond the ends, the default.
_OVERLOOKING = (
    "fill_diagonal", "interp", "nan_to_num", "repeat", "roll", "select", "take", "trapezoid",
    "unwrap",
)  # fmt: skip


class _Rows:
    """``r_``: what stands between the brackets, joined along the first axis."""

    _numpys: Any = np.r_

    def __getitem__(self, key: Any) -> Any:
        pieces = key if isinstance(key, tuple) else (key,)
        if not contains_tensor(pieces):
            return creation.writable(self._numpys[key])
        parts = [self._part(np.r_[p] if isinstance(p, slice) else operand(p)) for p in pieces]
        return self._join(parts)

    def _part(self, piece: Any) -> Any:
        return view_with_shape(piece, (1,)) if piece.ndim == 0 else piece

    def _join(self, parts: list[Any]) -> Any:
        return joining.concatenate(parts)

    def __len__(self) -> int:
        return 0


class _Columns(_Rows):
    """``c_``: vectors as columns, joined along the last axis."""

    _numpys = np.c_

    def _part(self, piece: Any) -> Any:
        return view_with_shape(piece, (piece.size, 1)) if piece.ndim < 2 else atleast_2d(piece)

    def _join(self, parts: list[Any]) -> Any:
        return joining.concatenate(parts, -1)


def overrides() -> dict[str, Any]:
    """By name."""
    names: dict[str, Any] = {
        name: getattr(creation, name) for name in creation.__all__ if hasattr(np, name)
    }
    names.update((name, _of_lists(getattr(joining, name), getattr(np, name))) for name in _JOINING)
    for name in ("geomspace", "kaiser", "linspace", "logspace", "vander"):
        names[name] = getattr(ranges, name)
    names["insert"] = _of_lists(rearranging.insert, np.insert)
    names.update(
        (name, _of_lists(FUNCTIONS[getattr(np, name)], getattr(np, name))) for name in _OVERLOOKING
    )
    names["vectorize"] = functional.vectorize
    names.update(ndenumerate=ndenumerate, nditer=nditer, nested_iters=nested_iters)
    names["r_"] = _Rows()
    names["c_"] = _Columns()
    return names
