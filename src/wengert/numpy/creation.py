"""Creation: ``wengert.numpy.zeros`` and its kind, and arrays from lists of traced values.

``buf = np.zeros(n); buf[0] = t`` cannot work with NumPy's own ``zeros``: a plain array cannot hold
a traced value. The functions here return plain arrays outside of transforms, and inside of them
Tensors, which accept such writes. Integer and boolean results that are not constant fills (ranges,
indices) stay plain everywhere, so that they can be used as indices and in loops.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.abstract import Var
from ..core.bind import bind
from ..core.errors import WengertTypeError
from ..core.recorder import innermost
from ..core.state import LOCAL
from ..core.tensor import Tensor, handle
from ..rules.shapes import broadcast_to_p
from .dispatch import implements
from .operands import assemble, contains_tensor, is_traced, operand, plain_tree, shape_tuple
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
    "full",
    "full_like",
    "geomspace",
    "hamming",
    "hanning",
    "identity",
    "linspace",
    "logspace",
    "meshgrid",
    "ones",
    "ones_like",
    "tri",
    "vander",
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
        if plain.ndim and not np.ndim(value) and _inside() and plain.dtype.kind in "biufc":
            return filled(value, plain.shape, plain.dtype)
        return writable(plain)
    if dtype is not None:
        value = _as_type(value, dtype, copy=False)
    return copied(bind(broadcast_to_p, (value,), {"shape": shape_tuple(shape)}))


# ------------------------------------------------------------------ like another array


def _like(prototype: Any, value: Any, dtype: Any, shape: Any) -> Any:
    a = prototype._a if isinstance(prototype, Tensor) else prototype
    dtype = np.dtype(a.dtype if dtype is None else dtype)
    shape = a.shape if shape is None else shape_tuple(shape)
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
        return _like(operand(a), 0, dtype, shape)
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
        return _like(operand(a), 1, dtype, shape)
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
        return _like(operand(prototype), 0, dtype, shape)
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
    return _like(a, np.asarray(fill_value).astype(dtype)[()], dtype, shape)


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
        raise ValueError("Unable to avoid copy while creating an array as requested.")
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
        raise ValueError("array must not contain infs or NaNs")
    return a


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


# ------------------------------------------------------------------ ranges between traced ends


@implements(np.linspace)
def linspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: Any = None,
    axis: int = 0,
    *,
    device: Any = None,
) -> Any:
    """``np.linspace``; the ends may be traced.

    ``start + k * step``, and exactly ``stop`` at the end.
    """
    num = num.__index__()
    if not contains_tensor((start, stop)):
        plain = _numpys.linspace(start, stop, num, endpoint, retstep, dtype, axis)
        return (writable(plain[0]), plain[1]) if retstep else writable(plain)
    if num < 0:
        raise ValueError(f"Number of samples, {num}, must be non-negative.")
    start, stop = (v if isinstance(v, (int, float, complex)) else operand(v) for v in (start, stop))
    start, stop = start * 1.0, stop * 1.0
    delta = stop - start
    pieces = num - 1 if endpoint else num
    k = np.arange(num, dtype=np.real(np.zeros(1, delta.dtype)).dtype)
    k = k.reshape((num,) + (1,) * delta.ndim)
    step = delta / pieces if pieces > 0 else delta * np.nan
    values = k * step + start if pieces > 0 else k * delta + start
    if endpoint and num > 1:
        last = np.arange(num).reshape(k.shape) == num - 1
        values = np.where(last, stop, values)
    if axis:
        values = np.moveaxis(values, 0, axis)
    if dtype is not None:
        if np.dtype(dtype).kind in "iu":
            values = np.floor(values)
        values = _as_type(values, dtype, copy=False)
    return (values, step) if retstep else values


@implements(np.logspace)
def logspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    base: Any = 10.0,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    """``np.logspace``: powers of ``base`` with evenly spaced exponents; all may be traced."""
    if not contains_tensor((start, stop, base)):
        return writable(np.logspace(start, stop, num, endpoint, base, dtype, axis))
    if np.ndim(base):
        base = np.expand_dims(operand(base), axis)
    result = np.power(base, linspace(start, stop, num, endpoint, axis=axis))
    return result if dtype is None else _as_type(result, dtype, copy=False)


@implements(np.geomspace)
def geomspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, dtype: Any = None, axis: int = 0
) -> Any:
    """``np.geomspace``: a geometric progression between ends of one sign, which may be traced."""
    if not contains_tensor((start, stop)):
        return writable(np.geomspace(start, stop, num, endpoint, dtype, axis))
    start, stop = operand(start), operand(stop)
    if start.dtype.kind == "c" or stop.dtype.kind == "c":
        raise WengertTypeError("np.geomspace: complex ends are not supported; use logspace")
    # NumPy computes in float64 unless a longer dtype is given.
    wide = np.result_type(start.dtype, stop.dtype, np.float64)
    start, stop = start.astype(wide), stop.astype(wide)
    direction = np.sign(start)
    logs = linspace(np.log(np.absolute(start)), np.log(np.absolute(stop)), num, endpoint, axis=0)
    result = direction * np.exp(logs)
    # The ends are what was given, not what exp and log made of them.
    first = np.arange(num).reshape((num,) + (1,) * (result.ndim - 1))
    if num:
        result = np.where(first == 0, start, result)
    if num > 1 and endpoint:
        result = np.where(first == num - 1, stop, result)
    if axis:
        result = np.moveaxis(result, 0, axis)
    return result if dtype is None else _as_type(result, dtype, copy=False)


# ------------------------------------------------------------------ grids and matrices of vectors


@implements(np.meshgrid)
def meshgrid(*xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> Any:
    """``np.meshgrid``: coordinate arrays from coordinate vectors."""
    if indexing not in ("xy", "ij"):
        raise ValueError("Valid values for `indexing` are 'xy' and 'ij'.")
    n = len(xi)
    order = list(range(n))
    if indexing == "xy" and n > 1:
        order[0], order[1] = 1, 0
    grids = []
    for x, place in zip(xi, order, strict=True):
        x = operand(x)
        grids.append(x.reshape((1,) * place + (-1,) + (1,) * (n - place - 1)))
    if not sparse:
        grids = list(np.broadcast_arrays(*grids))
    return tuple(g.copy() for g in grids) if copy else tuple(grids)


@implements(np.vander)
def vander(x: Any, N: int | None = None, increasing: bool = False) -> Any:
    """``np.vander``: the powers of a vector as columns."""
    if not contains_tensor(x):
        return writable(np.vander(x, N, increasing))
    x = operand(x)
    if x.ndim != 1:
        raise ValueError("x must be a one-dimensional array or sequence.")
    count = len(x) if N is None else N
    powers = np.arange(count)
    return np.power(x[:, None], powers if increasing else powers[::-1])
