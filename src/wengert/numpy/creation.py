"""Creation: ``wengert.numpy.zeros`` and its kind, and arrays from lists of traced values.

``buf = np.zeros(n); buf[0] = t`` cannot work with NumPy's own ``zeros``: a plain array cannot hold
a traced value. The functions here return plain arrays outside of transforms, and inside of them
Tensors, which accept such writes. Integer and boolean results that are not constant fills (ranges,
indices) stay plain everywhere, so that they can be used as indices and in loops.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Any

import numpy as np

from ..core.abstract import Var
from ..core.bind import bind
from ..core.errors import WengertTypeError, WengertValueError
from ..core.recorder import innermost
from ..core.state import LOCAL
from ..core.tensor import Tensor, handle
from ..rules.shapes import broadcast_to_p
from .arguments import assemble, contains_tensor, is_traced, operand, plain_tree, shape_tuple
from .dispatch import implements
from .shapes import _as_type, copied, view_with_shape

__all__ = [
    "arange",
    "array",
    "asanyarray",
    "asarray",
    "asarray_chkfinite",
    "ascontiguousarray",
    "asfortranarray",
    "bartlett",
    "blackman",
    "empty",
    "empty_like",
    "eye",
    "fromfunction",
    "fromiter",
    "full",
    "full_like",
    "hamming",
    "hanning",
    "identity",
    "ones",
    "ones_like",
    "require",
    "tri",
    "writable",
    "zeros",
    "zeros_like",
]

_numpys: Any = np  # for calls whose options are passed on untyped


def _inside() -> bool:
    """Whether a transform is running its function, or a recording is open, in this thread."""
    return bool(LOCAL.depth) or innermost() is not None


def writable(a: Any) -> Any:
    """A new plain array as what the caller may write traced values into."""
    if isinstance(a, np.ndarray) and a.dtype.kind in "fc" and _inside():
        return handle(a, None, None)
    return a


def filled(value: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    """A constant as a Tensor; in a recording an equation of it, so that a compiler knows it.

    Integers and booleans keep their values also in a recording: they serve as indices and masks.
    """
    recording = innermost()
    if recording is not None and recording.open and np.dtype(dtype).kind in "fc":
        return recording.constant(value, shape, dtype)
    return handle(np.full(shape, value, dtype), None, None)


# ------------------------------------------------------------------ constant fills


def zeros(
    shape: Any, dtype: Any = float, order: Any = "C", *, device: Any = None, like: Any = None
) -> Any:
    """``np.zeros``; accepts writes of traced values inside a transform."""
    return _fill("zeros", 0, shape, dtype, order, like)


def ones(
    shape: Any, dtype: Any = float, order: Any = "C", *, device: Any = None, like: Any = None
) -> Any:
    """``np.ones``; accepts writes of traced values inside a transform."""
    return _fill("ones", 1, shape, dtype, order, like)


def empty(
    shape: Any, dtype: Any = float, order: Any = "C", *, device: Any = None, like: Any = None
) -> Any:
    """``np.empty``; zeros that accept writes of traced values inside a transform."""
    return _fill("empty", 0, shape, dtype, order, like)


def _fill(name: str, value: Any, shape: Any, dtype: Any, order: Any, like: Any) -> Any:
    dtype = np.dtype(dtype)
    if dtype.kind not in "biufc" or not (_inside() or isinstance(like, Tensor)):
        function = getattr(np, name)
        return (
            function(shape, dtype, order)
            if like is None
            else function(shape, dtype, order, like=like)
        )
    return filled(value, shape_tuple(shape), dtype)


def full(
    shape: Any,
    fill_value: Any,
    dtype: Any = None,
    order: Any = "C",
    *,
    device: Any = None,
    like: Any = None,
) -> Any:
    """``np.full``; the value may be traced, and the result accepts writes of traced values."""
    value = operand(fill_value) if isinstance(fill_value, (list, tuple)) else fill_value
    if not isinstance(value, Tensor):
        plain = np.full(shape, value, dtype, order)
        simple = plain.flags.c_contiguous and not np.ndim(value) and plain.ndim
        if simple and _inside() and plain.dtype.kind in "biufc":
            return filled(value, plain.shape, plain.dtype)
        return writable(plain)
    if dtype is not None:
        value = _as_type(value, dtype, copy=False)
    return copied(bind(broadcast_to_p, (value,), {"shape": shape_tuple(shape)}))


# ------------------------------------------------------------------ like another array


def _like(prototype: Any, value: Any, dtype: Any, shape: Any, order: Any = "K") -> Any:
    a = prototype._a if isinstance(prototype, Tensor) else prototype
    dtype = np.dtype(a.dtype if dtype is None else dtype)
    shape = a.shape if shape is None else shape_tuple(shape)
    result = _filled_near(a, value, shape, dtype)
    # NumPy's result has the layout of the prototype, on which depends what its reshapes are.
    if type(a) is Var:
        moved = order == "F" or (order != "C" and len(shape) == len(a.shape) and not a.contiguous)
        contiguous = not moved or len([n for n in shape if n > 1]) < 2
    else:
        plain = np.full_like(a, value, dtype, order, shape=shape)
        contiguous = bool(plain.flags.c_contiguous)
    if type(result._a) is Var:
        result._a.contiguous = contiguous
    elif not contiguous and type(a) is not Var:
        result._a = plain
    return result


def _filled_near(a: Any, value: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    """A constant in the recording that ``a`` belongs to, or in the innermost."""
    if type(a) is Var and a.recording is not None and a.recording.open:
        return a.recording.constant(value, shape, dtype)
    return filled(value, shape, dtype)


@implements(np.zeros_like)
def zeros_like(
    a: Any,
    dtype: Any = None,
    order: Any = "K",
    subok: bool = True,
    shape: Any = None,
    *,
    device: Any = None,
) -> Any:
    """``np.zeros_like``; accepts writes of traced values if ``a`` is a Tensor or in a transform."""
    if isinstance(a, Tensor) or contains_tensor(a) or _inside():
        return _like(operand(a), 0, dtype, shape, order)
    return np.zeros_like(a, dtype, order, subok, shape)


@implements(np.ones_like)
def ones_like(
    a: Any,
    dtype: Any = None,
    order: Any = "K",
    subok: bool = True,
    shape: Any = None,
    *,
    device: Any = None,
) -> Any:
    """``np.ones_like``; accepts writes of traced values if ``a`` is a Tensor or in a transform."""
    if isinstance(a, Tensor) or contains_tensor(a) or _inside():
        return _like(operand(a), 1, dtype, shape, order)
    return np.ones_like(a, dtype, order, subok, shape)


@implements(np.empty_like)
def empty_like(
    prototype: Any,
    /,
    dtype: Any = None,
    order: Any = "K",
    subok: bool = True,
    shape: Any = None,
    *,
    device: Any = None,
) -> Any:
    """``np.empty_like``; zeros that accept writes of traced values."""
    if isinstance(prototype, Tensor) or contains_tensor(prototype) or _inside():
        return _like(operand(prototype), 0, dtype, shape, order)
    return np.empty_like(prototype, dtype, order, subok, shape)


@implements(np.full_like)
def full_like(
    a: Any,
    fill_value: Any,
    dtype: Any = None,
    order: Any = "K",
    subok: bool = True,
    shape: Any = None,
    *,
    device: Any = None,
) -> Any:
    """``np.full_like``; the value may be traced."""
    a = operand(a)
    if not isinstance(a, Tensor) and not isinstance(fill_value, Tensor) and not _inside():
        return np.full_like(a, fill_value, dtype, order, subok, shape)
    dtype = a.dtype if dtype is None else dtype
    shape = a.shape if shape is None else shape
    if isinstance(fill_value, Tensor) or np.ndim(fill_value):
        value = operand(fill_value)
        value = value if isinstance(value, Tensor) else handle(value, None, None)
        return full(shape, value, dtype)
    return _like(a, np.asarray(fill_value).astype(dtype)[()], dtype, shape, order)


# ------------------------------------------------------------------ from values


def array(
    object: Any,
    dtype: Any = None,
    *,
    copy: bool | None = True,
    order: Any = "K",
    subok: bool = False,
    ndmin: int = 0,
    ndmax: int = 0,
    like: Any = None,
) -> Any:
    """``np.array``, also of Tensors and of nested lists that contain some.

    Raises
    ------
    ValueError
        If rows have different shapes.
    WengertTypeError
        For a dtype that is not a number's, with Tensors among the elements.
    """
    if not contains_tensor(object):
        options = {"ndmax": ndmax} if ndmax else {}
        return writable_unless_same(
            _numpys.array(
                object, dtype, copy=copy, order=order, subok=subok, ndmin=ndmin, **options
            ),
            object,
        )
    result = assemble(object)
    if dtype is not None and result.dtype != np.dtype(dtype):
        result = _as_type(result, dtype)
    elif result is object:
        if copy is False:
            return _with_rank(result, ndmin)
        result = copied(result) if copy else result
    elif copy is False:
        raise WengertValueError("Unable to avoid copy while creating an array as requested.")
    return _with_rank(result, ndmin)


def _with_rank(a: Any, ndmin: int) -> Any:
    return a if a.ndim >= ndmin else view_with_shape(a, (1,) * (ndmin - a.ndim) + a.shape)


def writable_unless_same(a: Any, source: Any) -> Any:
    """`writable`, but NumPy's ``asarray`` of an array is that very array."""
    if (
        not _inside()
        or a is source
        or (isinstance(source, np.ndarray) and np.may_share_memory(a, source))
    ):
        return a
    return writable(a)


def asarray(
    a: Any,
    dtype: Any = None,
    order: Any = None,
    *,
    device: Any = None,
    copy: bool | None = None,
    like: Any = None,
) -> Any:
    """``np.asarray``; a Tensor stays itself, and nested lists may contain some."""
    if contains_tensor(a):
        return array(a, dtype, copy=copy)
    return writable_unless_same(np.asarray(a, dtype, order, copy=copy), a)


def asanyarray(
    a: Any,
    dtype: Any = None,
    order: Any = None,
    *,
    device: Any = None,
    copy: bool | None = None,
    like: Any = None,
) -> Any:
    """``np.asanyarray``; a Tensor stays itself, and nested lists may contain some."""
    if contains_tensor(a):
        return array(a, dtype, copy=copy)
    return writable_unless_same(np.asanyarray(a, dtype, order, copy=copy), a)


def ascontiguousarray(a: Any, dtype: Any = None, *, like: Any = None) -> Any:
    """``np.ascontiguousarray``: at least 1-d. Memory order does not matter to a Tensor."""
    if contains_tensor(a):
        return array(a, dtype, copy=None, ndmin=1)
    return np.ascontiguousarray(a, dtype)


def asfortranarray(a: Any, dtype: Any = None, *, like: Any = None) -> Any:
    """``np.asfortranarray``: at least 1-d. Memory order does not matter to a Tensor."""
    if contains_tensor(a):
        return array(a, dtype, copy=None, ndmin=1)
    return np.asfortranarray(a, dtype)


def asarray_chkfinite(a: Any, dtype: Any = None, order: Any = None) -> Any:
    """``np.asarray_chkfinite``.

    Raises
    ------
    ValueError
        If an element is infinite or NaN.
    """
    a = asarray(a, dtype, order)
    if a.dtype.kind in "fc" and not np.isfinite(plain_tree(a, "asarray_chkfinite")).all():
        raise WengertValueError("array must not contain infs or NaNs")
    return a


def require(a: Any, dtype: Any = None, requirements: Any = None, *, like: Any = None) -> Any:
    """``np.require``. Memory order, alignment and writing do not matter to a Tensor."""
    if contains_tensor(a):
        return array(a, dtype, copy=None)
    return np.require(a, dtype, requirements)


def fromiter(iter: Any, dtype: Any, count: int = -1, *, like: Any = None) -> Any:
    """``np.fromiter``; the elements may be traced.

    Raises
    ------
    ValueError
        If there are fewer elements than ``count``.
    """
    elements = list(iter if count < 0 else islice(iter, count))
    if not contains_tensor(elements):
        return writable(np.fromiter(elements, dtype, count))
    if len(elements) < count:
        raise WengertValueError(
            f"iterator too short: Expected {count} but iterator had only {len(elements)} items."
        )
    for x in elements:
        if np.ndim(x):
            raise WengertValueError("setting an array element with a sequence.")
    return array(elements, dtype)


# ------------------------------------------------------------------ patterns


def _pattern(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    """NumPy's own function of plain arguments; its result accepts writes in a transform."""

    def created(*args: Any, **kwargs: Any) -> Any:
        for x in (*args, *kwargs.values()):
            if is_traced(x):
                raise WengertTypeError(
                    f"wengert.numpy.{name}: the arguments cannot be traced values: the result's "
                    "shape would depend on them, or it is not differentiable in them. Build it "
                    "with arithmetic on a fixed pattern"
                )
        plain = plain_tree(args, name), plain_tree(kwargs, name)
        return writable(function(*plain[0], **plain[1]))

    created.__name__ = created.__qualname__ = name
    created.__doc__ = f"``np.{name}``; accepts writes of traced values inside a transform."
    return created


eye = _pattern(np.eye, "eye")
identity = _pattern(np.identity, "identity")
tri = _pattern(np.tri, "tri")
arange = _pattern(np.arange, "arange")
hamming = _pattern(np.hamming, "hamming")
hanning = _pattern(np.hanning, "hanning")
bartlett = _pattern(np.bartlett, "bartlett")
blackman = _pattern(np.blackman, "blackman")


def fromfunction(
    function: Any, shape: Any, *, dtype: Any = float, like: Any = None, **kwargs: Any
) -> Any:
    """``np.fromfunction``; the function may use traced values."""
    return function(*np.indices(shape, dtype=dtype), **kwargs)
