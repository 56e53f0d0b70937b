"""Functions whose results are not differentiated: shapes, tests, counts, positions, dtypes, texts.

They return plain results. While recording on shapes, those that depend on values alone through
comparisons return abstract ones; those whose result has a shape that depends on data raise.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.tensor import Tensor
from .arguments import concrete, is_abstract, operand, plain_tree
from .dispatch import FUNCTIONS, implements
from .methods import attach_method
from .unknown_values import flat_numbers, membership, wrapped_numbers

__all__ = [
    "array_equal",
    "isclose",
    "iscomplex",
    "isneginf",
    "isposinf",
    "isreal",
    "ndim",
    "nonzero",
    "shape",
    "size",
]


# ------------------------------------------------------------------ shapes and dtypes: always known


@implements(np.shape)
def shape(a: Any) -> tuple[int, ...]:
    """``np.shape``."""
    return tuple(operand(a).shape)


@implements(np.ndim)
def ndim(a: Any) -> int:
    """``np.ndim``."""
    return int(operand(a).ndim)


@implements(np.size)
def size(a: Any, axis: Any = None) -> int:
    """``np.size``: the number of elements, or of those along one or several axes."""
    a = operand(a)
    if axis is None:
        return int(a.size)
    axes = axis if isinstance(axis, tuple) else (axis,)
    return int(np.prod([a.shape[i] for i in axes]))


@implements(np.iscomplexobj)
def iscomplexobj(x: Any) -> bool:
    """``np.iscomplexobj``."""
    return bool(operand(x).dtype.kind == "c")


@implements(np.isrealobj)
def isrealobj(x: Any) -> bool:
    """``np.isrealobj``."""
    return not iscomplexobj(x)


def _dtypes(x: Any) -> Any:
    return x.dtype if isinstance(x, Tensor) else x


@implements(np.result_type)
def result_type(*arrays_and_dtypes: Any) -> Any:
    """``np.result_type``."""
    return np.result_type(*map(_dtypes, arrays_and_dtypes))


@implements(np.can_cast)
def can_cast(from_: Any, to: Any, casting: Any = "safe") -> bool:
    """``np.can_cast``."""
    return np.can_cast(_dtypes(from_), _dtypes(to), casting)


@implements(np.common_type)
def common_type(*arrays: Any) -> Any:
    """``np.common_type``."""
    return np.common_type(*[np.empty(0, operand(a).dtype) for a in arrays])


# ------------------------------------------------------------------ tests of values


@implements(np.isclose)
def isclose(a: Any, b: Any, rtol: Any = 1e-5, atol: Any = 1e-8, equal_nan: bool = False) -> Any:
    """``np.isclose``."""
    if not any(map(is_abstract, (a, b, rtol, atol))):
        a, b, rtol, atol = (concrete(x, "isclose") for x in (a, b, rtol, atol))
        return np.isclose(a, b, rtol, atol, equal_nan)
    near = abs(a - b) <= atol + rtol * abs(b)
    result = np.logical_or(np.logical_and(near, np.isfinite(b)), a == b)
    if equal_nan:
        result = np.logical_or(result, np.logical_and(np.isnan(a), np.isnan(b)))
    return result


@implements(np.allclose)
def allclose(a: Any, b: Any, rtol: Any = 1e-5, atol: Any = 1e-8, equal_nan: bool = False) -> Any:
    """``np.allclose``."""
    result = np.all(isclose(a, b, rtol, atol, equal_nan))
    return result if isinstance(result, Tensor) else bool(result)


@implements(np.array_equal)
def array_equal(a1: Any, a2: Any, equal_nan: bool = False) -> Any:
    """``np.array_equal``."""
    if not is_abstract(a1) and not is_abstract(a2):
        return np.array_equal(
            plain_tree(a1, "array_equal"), plain_tree(a2, "array_equal"), equal_nan
        )
    a1, a2 = operand(a1), operand(a2)
    if a1.shape != a2.shape:
        return False
    same = a1 == a2
    if equal_nan:
        same = np.logical_or(same, np.logical_and(np.isnan(a1), np.isnan(a2)))
    return np.all(same)


@implements(np.array_equiv)
def array_equiv(a1: Any, a2: Any) -> Any:
    """``np.array_equiv``: equal after broadcasting."""
    if not is_abstract(a1) and not is_abstract(a2):
        return np.array_equiv(plain_tree(a1, "array_equiv"), plain_tree(a2, "array_equiv"))
    try:
        np.broadcast_shapes(shape(a1), shape(a2))
    except ValueError:
        return False
    return np.all(operand(a1) == operand(a2))


@implements(np.iscomplex)
def iscomplex(x: Any) -> Any:
    """``np.iscomplex``: where the imaginary part is not zero."""
    x = operand(x)
    if x.dtype.kind != "c":
        result = np.zeros(x.shape, bool)
        return result if x.ndim else result[()]
    return np.imag(x) != 0


@implements(np.isreal)
def isreal(x: Any) -> Any:
    """``np.isreal``: where the imaginary part is zero."""
    return np.logical_not(iscomplex(x))


@implements(np.isposinf)
def isposinf(x: Any, out: Any = None) -> Any:
    """``np.isposinf``."""
    return _stored(operand(x) == np.inf, out)


@implements(np.isneginf)
def isneginf(x: Any, out: Any = None) -> Any:
    """``np.isneginf``."""
    return _stored(operand(x) == -np.inf, out)


def _stored(result: Any, out: Any) -> Any:
    if out is None:
        return result
    out[...] = result
    return out


# ------------------------------------------------------------------ values that must be known


def _on_values(function: Callable[..., Any]) -> Callable[..., Any]:
    """NumPy's own function on the plain values of its arguments."""
    name = f"np.{function.__name__}"

    def plain(*args: Any, **kwargs: Any) -> Any:
        return function(
            *(plain_tree(x, name) for x in args),
            **{k: plain_tree(v, name) for k, v in kwargs.items()},
        )

    plain.__name__ = plain.__qualname__ = function.__name__
    plain.__doc__ = f"``{name}`` on the values; a plain result."
    return plain


ON_VALUES = (
    "nonzero", "argwhere", "flatnonzero", "in1d",
    "min_scalar_type", "may_share_memory", "shares_memory",
    "array2string", "array_repr", "array_str", "save", "savez", "savez_compressed", "savetxt",
    "packbits", "unpackbits",
)  # fmt: skip
"""Functions that are called on values; with an abstract argument they raise."""

for _name in ON_VALUES:
    _function = getattr(np, _name, None)  # NumPy 2.4 has no in1d
    if _function is not None and _function not in FUNCTIONS:
        FUNCTIONS[_function] = _on_values(_function)

nonzero = FUNCTIONS[np.nonzero]


@implements(np.ix_)
def ix_(*args: Any) -> Any:
    """``np.ix_``: of masks on plain values only."""
    if not any(is_abstract(x) and x.dtype.kind != "b" for x in args):
        return np.ix_(*[plain_tree(x, "np.ix_") for x in args])
    n = len(args)
    return tuple([
        x.reshape((1,) * i + x.shape + (1,) * (n - 1 - i)) if is_abstract(x)
        else np.ix_(*[[0]] * i, plain_tree(x, "np.ix_"), *[[0]] * (n - 1 - i))[i]
        for i, x in enumerate(args)
    ])  # fmt: skip


@implements(np.isin)
def isin(
    element: Any,
    test_elements: Any,
    assume_unique: bool = False,
    invert: bool = False,
    *,
    kind: Any = None,
) -> Any:
    """``np.isin``."""
    if is_abstract(element) or is_abstract(test_elements):
        return membership(element, test_elements, invert)
    element, test_elements = (plain_tree(x, "np.isin") for x in (element, test_elements))
    return np.isin(element, test_elements, assume_unique, invert, kind=kind)


@implements(np.ravel_multi_index)
def ravel_multi_index(multi_index: Any, dims: Any, mode: Any = "raise", order: Any = "C") -> Any:
    """``np.ravel_multi_index``."""
    if is_abstract(multi_index) or any(map(is_abstract, multi_index)):
        return flat_numbers(multi_index, dims, mode, order)
    return np.ravel_multi_index(
        tuple(plain_tree(i, "np.ravel_multi_index") for i in multi_index), dims, mode, order
    )


@implements(np.unravel_index)
def unravel_index(indices: Any, shape: Any, order: Any = "C") -> Any:
    """``np.unravel_index``."""
    if is_abstract(indices):
        return wrapped_numbers(indices, shape if np.ndim(shape) else (shape,), order)
    return np.unravel_index(plain_tree(indices, "np.unravel_index"), shape, order)


@implements(np.diag_indices_from)
def diag_indices_from(arr: Any) -> tuple[Any, ...]:
    """``np.diag_indices_from``: only the shape is looked at."""
    return np.diag_indices_from(np.broadcast_to(np.int8(0), shape(arr)))


@implements(np.tril_indices_from)
def tril_indices_from(arr: Any, k: int = 0) -> tuple[Any, ...]:
    """``np.tril_indices_from``: only the shape is looked at."""
    return np.tril_indices_from(np.broadcast_to(np.int8(0), shape(arr)), k)


@implements(np.triu_indices_from)
def triu_indices_from(arr: Any, k: int = 0) -> tuple[Any, ...]:
    """``np.triu_indices_from``: only the shape is looked at."""
    return np.triu_indices_from(np.broadcast_to(np.int8(0), shape(arr)), k)


attach_method("nonzero", nonzero)
