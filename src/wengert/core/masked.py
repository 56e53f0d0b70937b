"""``x[mask]`` where the mask is an abstract value: how many elements that has depends on data.

Inside vmap and jit only shapes are known, and such an array has none. What programs mostly do with
it needs none: ``x[m] = 0``, ``x[m] += 1``, ``x[m] = np.exp(x[m])``, ``x[m].sum()``. So the elements
are kept as the whole array and the mask. What is computed from them element by element is computed
for the whole array, without floating-point warnings, and a write takes it where the mask holds: the
derivative elsewhere is annihilated by a strong zero. Everything else raises.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from .abstract import Var, freeze
from .errors import AbstractValueError, WengertIndexError
from .quiet import quiet
from .tensor import Tensor

__all__ = ["MaskedElements", "masked_elements", "write_masked"]

_ELEMENTWISE = {np.where, np.clip, np.real, np.imag, np.nan_to_num, np.sinc}
_DEEPEST = 64


def _is_abstract_mask(part: Any) -> bool:
    """Whether a part of an index is a mask without values."""
    return isinstance(part, Tensor) and type(part._a) is Var and part._a.dtype.kind == "b"


def _refused(what: str) -> AbstractValueError:
    return AbstractValueError(
        f"{what}: how many elements a boolean mask selects depends on data, and inside vmap and "
        "jit only shapes are known. There x[mask] can be computed with element by element (with "
        "scalars, and with y[mask] of the same mask), summed, and written back to x[mask]; "
        "otherwise use np.where(mask, a, b), or a reduction's where="
    )


class _Masked:
    """An array and where in it a mask holds.

    Attributes
    ----------
    view : Tensor
        ``x[index]`` with full slices in place of the mask; a view of x.
    mask : Tensor
        As it broadcasts against the view.
    axis : int
        The first axis of the view that belongs to the mask.
    own : Var
        The mask as it was given.
    """

    __slots__ = ("axis", "mask", "own", "view")

    def __init__(self, x: Tensor, index: Any) -> None:
        parts = index if type(index) is tuple else (index,)
        found = [i for i, part in enumerate(parts) if _is_abstract_mask(part)]
        plain = (int, np.integer, slice, type(None), type(Ellipsis))
        rest = [p for i, p in enumerate(parts) if i not in found]
        if len(found) != 1 or not all(isinstance(p, plain) and type(p) is not bool for p in rest):
            raise _refused("an index of a mask among other arrays")
        place = found[0]
        mask: Any = parts[place]
        before, after = parts[:place], parts[place + 1 :]
        whole = (*before, *(slice(None),) * mask.ndim, *after)
        self.view: Any = x[whole] if rest else x  # type: ignore[index]
        if any(p is Ellipsis for p in before):
            self.axis = self.view.ndim - _dimensions(after) - mask.ndim
        else:
            self.axis = _dimensions(before)
        have = self.view.shape[self.axis : self.axis + mask.ndim]
        if have != mask.shape:
            raise WengertIndexError(
                f"index: a boolean mask of shape {mask.shape} does not match the dimensions {have} "
                f"that it stands for, of an array of shape {x.shape}; they must be equal"
            )
        self.own = mask._a
        self.mask = mask.reshape(mask.shape + (1,) * (self.view.ndim - self.axis - mask.ndim))


def _dimensions(parts: tuple[Any, ...]) -> int:
    return sum(isinstance(p, slice) or p is None for p in parts)


class MaskedElements(NDArrayOperatorsMixin):
    """The elements of an array at which an abstract mask holds.

    Parameters
    ----------
    full : Tensor
        The whole array.
    masked : _Masked
        Where its elements come from.
    """

    __slots__ = ("_full", "_masked")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, full: Any, masked: _Masked) -> None:
        self._full = full
        self._masked = masked

    @property
    def dtype(self) -> Any:
        """The dtype of the elements."""
        return self._full.dtype

    def copy(self) -> MaskedElements:
        """The same elements; they never follow a write."""
        return MaskedElements(self._full, self._masked)

    def astype(self, dtype: Any) -> MaskedElements:
        """The elements in another dtype."""
        return MaskedElements(self._full.astype(dtype), self._masked)

    def sum(self) -> Any:
        """The sum of all elements."""
        return np.sum(np.where(self._masked.mask, self._full, self._full.dtype.type(0)))

    def mean(self) -> Any:
        """The mean of all elements; NaN if there are none."""
        mask = np.broadcast_to(self._masked.mask, self._full.shape)
        return self.sum() / np.count_nonzero(mask).astype(self._full.real.dtype)

    @staticmethod
    def refused(what: str) -> AbstractValueError:
        """The error for what depends on the number of the elements."""
        return _refused(what)

    def _operand(self, what: str, x: Any) -> Any:
        """What stands for an operand in the computation with the whole array."""
        mine = self._masked
        if isinstance(x, MaskedElements):
            theirs = x._masked
            same = (theirs.axis, x._full.ndim) == (mine.axis, self._full.ndim)
            if not same or not _same_value(theirs.own, mine.own, _DEEPEST):
                raise _refused(f"{what} of elements at two masks")
            return x._full
        shape = np.shape(x)
        if shape and not (mine.axis == 0 and _broadcasts_over_all(shape, self._full, mine.own)):
            raise _refused(f"{what} of x[mask] and an array of shape {shape}")
        return x

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        name = f"np.{ufunc.__name__}"
        if method == "reduce" and ufunc is np.add and inputs == (self,):
            return self.sum()
        if method != "__call__" or ufunc.signature is not None or ufunc.nout != 1:
            raise _refused(f"{name}{'' if method == '__call__' else '.' + method}")
        (out,) = options.pop("out", (None,))
        if options or not (out is None or isinstance(out, MaskedElements)):
            raise _refused(f"{name} with options")
        operands = [self._operand(name, x) for x in inputs]
        with quiet():
            full = ufunc(*operands)
        if out is None:
            return MaskedElements(full, self._masked)
        if not np.can_cast(full.dtype, out.dtype, "same_kind"):
            np.add(np.zeros(1, out.dtype), np.zeros(1, full.dtype), out=np.zeros(1, out.dtype))
        out._full = full.astype(out.dtype)
        return out

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        name = f"np.{function.__name__}"
        if not kwargs and args[0] is self and len(args) == 1:
            if function is np.sum:
                return self.sum()
            if function is np.mean:
                return self.mean()
            if function is np.copy:
                return self.copy()
        if function not in _ELEMENTWISE or kwargs or (function is np.where and len(args) != 3):
            raise _refused(name)
        operands = [self._operand(name, x) for x in args]
        with quiet():
            return MaskedElements(function(*operands), self._masked)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise _refused(f"x[mask].{name}")

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        raise _refused("np.asarray(x[mask])")

    def __getitem__(self, index: Any) -> Any:
        raise _refused("x[mask][...]")

    def __len__(self) -> int:
        raise _refused("len(x[mask])")

    def __bool__(self) -> bool:
        raise _refused("bool(x[mask])")

    def __repr__(self) -> str:
        return f"MaskedElements(of {self._full!r})"


def _broadcasts_over_all(shape: tuple[int, ...], full: Any, mask: Var) -> bool:
    """Whether an array has the same values for all elements: NumPy aligns it behind the mask."""
    rest = full.ndim - len(mask.shape)
    return len(shape) <= rest or (len(shape) == rest + 1 and shape[0] == 1)


def masked_elements(x: Tensor, index: Any) -> MaskedElements:
    """``x[index]`` with an abstract mask in the index."""
    masked = _Masked(x, index)
    return MaskedElements(masked.view.copy(), masked)


def write_masked(x: Tensor, index: Any, value: Any) -> None:
    """``x[index] = value`` with an abstract mask in the index."""
    masked = _Masked(x, index)
    view = masked.view
    if not isinstance(value, MaskedElements):
        value = value if isinstance(value, Tensor) else np.asarray(value)[()]
        if np.size(value) == 1 and np.ndim(value):
            value = value.reshape(())
    value = MaskedElements(view, masked)._operand("x[mask] = values", value)
    view[...] = np.where(masked.mask, value, view)


def _same_value(a: Any, b: Any, depth: int) -> bool:
    """Whether two abstract values are computed in the same way from the same values."""
    if a is b:
        return True
    if type(a) is not Var or type(b) is not Var:
        return type(a) is type(b) and not isinstance(a, np.ndarray) and bool(a == b)
    if depth == 0 or a.recording is None or a.recording is not b.recording or a.shape != b.shape:
        return False
    first = second = None
    for equation in a.recording.equations:
        if any(v is a for v in equation.outputs):
            first = equation
        if any(v is b for v in equation.outputs):
            second = equation
    if first is None or second is None or first.primitive is not second.primitive:
        return False
    if len(first.outputs) > 1 or len(first.inputs) != len(second.inputs):
        return False
    if freeze(first.params) != freeze(second.params):
        return False
    return all(
        _same_value(x, y, depth - 1) for x, y in zip(first.inputs, second.inputs, strict=True)
    )
