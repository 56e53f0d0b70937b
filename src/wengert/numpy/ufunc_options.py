"""The keyword arguments of ufuncs: ``out``, ``where``, ``dtype``, ``casting``, ``signature``.

What is cast to what is NumPy's own answer (`numpy.ufunc.resolve_dtypes`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.abstract import Var
from ..core.bind import refresh
from ..core.errors import MutationError, NoRuleError, ShapeError, WengertTypeError
from ..core.quiet import quiet
from ..core.tensor import Tensor
from ..core.views import set_item
from .core_axes import call_on_axes

__all__ = ["call_with_options", "write_out"]


def call_with_options(
    ufunc: Any,
    function: Callable[..., Any],
    inputs: tuple[Any, ...],
    out: Any = None,
    where: Any = True,
    dtype: Any = None,
    casting: str = "same_kind",
    order: str = "K",
    subok: bool = True,
    signature: Any = None,
    sig: Any = None,
    **core: Any,
) -> Any:
    """A ufunc call with keyword arguments; ``core`` are those that only generalised ufuncs have.

    Raises
    ------
    TypeError
        From NumPy: where an operand or the result cannot be cast under ``casting``.
    NoRuleError
        For ``where`` without ``out``: the other entries would be undefined.
    """
    name = f"np.{ufunc.__name__}"
    outs = out if isinstance(out, tuple) else (out,) * ufunc.nout if out is None else (out,)
    if where is not True and all(o is None for o in outs):
        raise NoRuleError(
            f"{name}(..., where=...) without out= leaves entries undefined; use np.where"
        )
    if not any(isinstance(x, Tensor) for x in inputs):
        function = ufunc  # only out is a Tensor
    signature = sig if signature is None else signature
    if dtype is not None or signature is not None or casting != "same_kind":
        inputs = _in_loop_dtypes(ufunc, inputs, dtype, casting, signature)
    if where is True:
        result = call_on_axes(ufunc, function, inputs, **core) if core else function(*inputs)
    else:
        _warn_where_included(ufunc, inputs, where)
        with quiet():  # of the entries that are left out nobody sees a value
            result = function(*inputs)
    if all(o is None for o in outs):
        return result
    results = result if isinstance(result, tuple) else (result,)
    written = tuple(
        r if o is None else write_out(o, r, where, ufunc.__name__, casting, ufunc)
        for r, o in zip(results, outs, strict=True)
    )
    return written if ufunc.nout > 1 else written[0]


def _in_loop_dtypes(
    ufunc: Any, inputs: tuple[Any, ...], dtype: Any, casting: str, signature: Any
) -> tuple[Any, ...]:
    """The operands in the dtypes of the loop that NumPy chooses."""
    given = tuple([_dtype_or_kind(x) for x in inputs]) + (None,) * ufunc.nout
    if dtype is not None:
        signature = (None,) * ufunc.nin + (np.dtype(dtype),) * ufunc.nout
    more = {} if signature is None else {"signature": signature}
    loop = ufunc.resolve_dtypes(given, casting=casting, **more)
    return tuple([_cast(x, d) for x, d in zip(inputs, loop, strict=False)])


def _dtype_or_kind(x: Any) -> Any:
    """The dtype of an operand; the type of a Python number, which NumPy takes as weak."""
    if type(x) in (int, float, complex):
        return type(x)
    return x.dtype if hasattr(x, "dtype") else np.asarray(x).dtype


def _cast(x: Any, dtype: Any) -> Any:
    if isinstance(x, Tensor):
        return x if x.dtype == dtype else x.astype(dtype)  # type: ignore[attr-defined]
    return np.asarray(x, dtype)


def _known(x: Any) -> Any:
    """The plain value of an operand; None for an abstract one."""
    if not isinstance(x, Tensor):
        return x
    refresh(x)
    return None if type(x._a) is Var else x._a


def _warn_where_included(ufunc: Any, inputs: tuple[Any, ...], where: Any) -> None:
    """NumPy's floating-point warnings of the entries that ``where`` includes."""
    plain = [_known(x) for x in inputs]
    mask = _known(where)
    if mask is None or any(x is None for x in plain):
        return
    shape = np.broadcast_shapes(np.shape(mask), *map(np.shape, plain))
    model = [np.ones((), np.asarray(x).dtype) for x in plain]
    with quiet():
        results = ufunc(*model)
    results = results if isinstance(results, tuple) else (results,)
    ufunc(*plain, where=mask, out=tuple([np.zeros(shape, r.dtype) for r in results]))


def write_out(
    out: Any,
    result: Any,
    where: Any = True,
    name: str = "out=",
    casting: str = "same_kind",
    ufunc: Any = None,
) -> Any:
    """Store a result in ``out=``.

    Raises
    ------
    MutationError
        If a derivative would be lost in a plain array.
    ShapeError
        If the result has another shape; into the ``out`` of a ufunc's call it is broadcast.
    WengertTypeError
        If it cannot be cast to the dtype of ``out``.
    """
    if not isinstance(out, Tensor):
        if not isinstance(result, Tensor) and not isinstance(where, Tensor):
            np.copyto(out, result, casting=casting, where=where)  # type: ignore[arg-type]
            return out
        raise MutationError(
            f"np.{name}(..., out=array): a value that is being differentiated cannot be written "
            "into a plain array; create the array with wengert.numpy.zeros or np.zeros_like(x)"
        )
    _check_shape(out, result, where, name, ufunc)
    dtype = result.dtype if hasattr(result, "dtype") else np.asarray(result).dtype
    if dtype != out.dtype and not np.can_cast(dtype, out.dtype, casting):  # type: ignore[arg-type]
        raise WengertTypeError(
            f"np.{name}: cannot cast the result from {dtype} to the dtype {out.dtype} of out"
            + ("" if casting == "same_kind" else f" with casting={casting!r}")
        )
    if where is not True:
        if dtype != out.dtype:
            result = _cast(result, out.dtype)
        result = np.where(where, result, out)
    set_item(out, ..., result)
    return out


def _check_shape(out: Any, result: Any, where: Any, name: str, ufunc: Any) -> None:
    """Only the loop dimensions of a ufunc's result are broadcast into ``out``."""
    have = np.shape(result) if not isinstance(result, Tensor) else result.shape
    if ufunc is None:
        fits = have == out.shape
    else:
        core = _core_dimensions(ufunc, len(have))
        fits = not core or have[-core:] == out.shape[-core:]
        mask = where.shape if isinstance(where, Tensor) else np.shape(where)
        try:
            fits &= np.broadcast_shapes(have, mask, out.shape) == out.shape
        except ValueError:
            fits = False
    if not fits:
        raise ShapeError(
            f"np.{name}: a result of shape {have} cannot be stored in out of shape {out.shape}; "
            "give an out of the result's shape"
        )


def _core_dimensions(ufunc: Any, ndim: int) -> int:
    """How many of a result's dimensions are not those of the loop."""
    if ufunc.signature is None:
        return 0
    result = ufunc.signature.partition("->")[2].strip("()")
    return min(ndim, len(result.split(","))) if result else 0
