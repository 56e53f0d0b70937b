"""Abstract values: arrays of which only the shape and the dtype are known."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from .recorder import Recording

__all__ = ["Aval", "Var", "aval_of", "freeze", "is_array"]


class Aval:
    """Shape and dtype of an array; stands for an operand whose value a derivative does not need."""

    __slots__ = ("dtype", "shape")

    def __init__(self, shape: tuple[int, ...], dtype: Any) -> None:
        self.shape = shape
        self.dtype = dtype

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of elements."""
        return prod(self.shape)

    def __repr__(self) -> str:
        return f"{self.dtype.name}[{','.join(map(str, self.shape))}]"


class Var(Aval):
    """A variable of a Program; while recording on shapes it sits where a Tensor has its array.

    ``scalar`` tells a NumPy scalar from a 0-d array (they differ under ``+=``), ``contiguous``
    whether it, or for a view what is computed from it element by element, is certain to be
    C-contiguous, so that it is known which reshapes are views; ``weak`` tells a Python scalar,
    which does not promote dtypes (NEP 50). ``progression`` is ``(start, step)`` if it is known that
    its elements are ``start + step * arange(n)``, as of the row numbers in ``x[np.arange(n), y]``.
    """

    __slots__ = ("contiguous", "progression", "recording", "scalar", "weak")

    def __init__(
        self,
        shape: tuple[int, ...],
        dtype: Any,
        recording: Recording | None,
        contiguous: bool = True,
        scalar: bool = False,
        weak: bool = False,
    ) -> None:
        self.shape = shape
        self.dtype = dtype
        self.recording = recording
        self.contiguous = contiguous
        self.scalar = scalar
        self.weak = weak
        self.progression: tuple[int, int] | None = None


def aval_of(x: Any) -> Aval:
    """The shape and dtype of an array, Tensor, NumPy scalar, Python scalar or abstract value."""
    if hasattr(x, "shape") and hasattr(x, "dtype"):
        return Aval(x.shape, x.dtype)
    a = np.asarray(x)
    return Aval(a.shape, a.dtype)


def is_array(x: Any) -> bool:
    """Whether an operand is an array, of any number of dimensions, and not a scalar."""
    return not x.scalar if type(x) is Var else isinstance(x, np.ndarray)


def freeze(value: Any) -> Any:
    """A hashable stand-in for the parameters of an equation."""
    if type(value) is dict:
        return tuple((k, freeze(v)) for k, v in sorted(value.items()))
    if type(value) in (tuple, list):
        return tuple(freeze(v) for v in value)
    if type(value) is slice:
        return ("slice", value.start, value.stop, value.step)
    if isinstance(value, np.ndarray):
        return ("array", value.shape, value.dtype.str, value.tobytes())
    return value
