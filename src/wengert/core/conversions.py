"""Errors for a value that is asked to leave: ``float(x)``, ``np.asarray(x)``, ``math.sin(x)``.

Python, NumPy and SciPy ask a Tensor for plain numbers through `__float__`, `__array__` and their
kind, whatever it was that the user wrote. So the message looks at the user's line for the function
that was called, and gives the remedy for that one.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any, TypeVar

import numpy as np

from .errors import (
    AbstractValueError,
    MutationError,
    WengertError,
    WengertTypeError,
    WengertValueError,
)
from .where import Caller, calling, is_item_assignment

__all__ = [
    "CONVERSION",
    "ambiguous_truth",
    "is_item_assignment",
    "is_sparse_product",
    "lost_derivative",
    "lost_history",
    "no_array",
    "no_copy",
    "no_format",
    "no_index",
    "no_number",
    "no_values",
    "not_one_item",
    "opaque",
]

E = TypeVar("E", bound=WengertError)
CONVERSION = "conversion to a plain array"

_STORE = (
    "a traced value is assigned into a plain array (buf = np.zeros(n); buf[0] = t), which has no "
    "place for its history. Create the array with wengert.numpy.zeros or np.zeros_like(x), or "
    "collect the values in a list and use np.stack([t, ...])"
)
_IN_SPECIAL = {"erf": "erf", "erfc": "erfc", "gamma": "gamma", "lgamma": "gammaln"}
_NUMPY_NAMES = {"fabs": "abs", "fsum": "sum", "dist": "linalg.norm", "sumprod": "dot"}
_COUNTED = frozenset(
    {"np.nonzero", "np.flatnonzero", "np.argwhere", "np.where(condition)", "np.unique"}
)
# What serves instead of functions whose result is as long as a value says.
_OF_FIXED_LENGTH = {
    "np.bincount": "the largest number says how long the result is. counts = wengert.numpy.zeros(n)"
    " and np.add.at(counts, x, weights) have a fixed length",
    "np.repeat": "the repeats say how long the result is. Give them as plain numbers",
    "np.roots": "the number of roots depends on leading zeros. np.linalg.eigvals of the companion "
    "matrix has a fixed length",
}
_METHODS = frozenset({".item()", ".tolist()", ".numpy()"})
_NUMBERS = frozenset({"float()", "int()", "complex()"})
_IN_GENERAL = (
    "use functions of NumPy, which accept Tensors (np.sin(x), not math.sin(x)), np.stack([t, ...]) "
    "or wengert.numpy.array([t, ...]) in place of a list of them, or give a function of your own a "
    "derivative with wengert.primitive or wengert.custom_vjp"
)


def lost_derivative(what: str) -> WengertTypeError:
    """A value that is being differentiated is asked for inside a transform."""
    caller = calling()
    text = (
        f"{what} of a value that is being differentiated: the derivative would be lost. "
        f"{_reason(what, caller)}"
    )
    if not _stores(what):
        text += ". Use wengert.stop_gradient(x) if the derivative is to be lost"
    return _at(WengertTypeError(text), caller)


def no_values(what: str, shape: tuple[int, ...]) -> AbstractValueError:
    """A value is asked for that has only a shape, inside vmap or jit."""
    caller = calling()
    text = f"{what} of an abstract value of shape {shape}: inside vmap or jit only shapes are known"
    if what in _COUNTED:
        text += (
            ", and how many elements the result has depends on data. Use the mask itself: x[mask] "
            "can be computed with element by element, summed and written back; np.where(mask, x, "
            "0), np.count_nonzero(mask) and the where= of reductions have fixed shapes"
        )
    elif what in _OF_FIXED_LENGTH:
        text += f", and {_OF_FIXED_LENGTH[what]}"
    else:
        text += (
            ". Use np.where instead of a branch, wengert.numpy.take(table, i) instead of table[i] "
            "for a plain table, or keep the value out of the transform"
        )
        if what == "index()":
            text += ". A slice of fixed length is x[i + np.arange(n)] instead of x[i : i + n]"
    if what in _NUMBERS or what in _METHODS or what == CONVERSION:
        text += f". {_reason(what, caller)}"
    return _at(AbstractValueError(text), caller)


def lost_history(what: str) -> WengertTypeError:
    """A Tensor that requires gradients becomes a plain array outside of transforms."""
    caller = calling()
    reason = _reason(what, caller)
    return _at(
        WengertTypeError(
            f"{what} of a Tensor that requires gradients loses its history. {reason}. If it is to "
            "be lost, use x.detach(), or .array for its values (x.item() for one number)"
        ),
        caller,
    )


def _stores(what: str) -> bool:
    return (what in _NUMBERS or what == CONVERSION) and is_item_assignment()


def _reason(what: str, caller: Caller) -> str:
    """Who asked, and what to write instead."""
    name = caller.name
    if _stores(what):
        return _STORE[0].upper() + _STORE[1:]
    module, _, function = name.rpartition(".")
    if module in ("math", "cmath"):
        return f"{name} computes with plain numbers; {_instead_of_math(function)}"
    if caller.library == "scipy" or module.startswith("scipy"):
        return f"{name or 'SciPy'} computes on plain arrays; {_instead_of_scipy(name)}"
    if name in ("np.array", "np.asarray", "np.asanyarray", "np.ascontiguousarray"):
        return (
            f"{name} makes plain arrays; leave it out for one Tensor, and for several write "
            "np.stack([t, ...]) or wengert.numpy.array([t, ...])"
        )
    if module.startswith("np.random"):
        return (
            f"{name} draws with plain numbers; draw first and transform, as in "
            "mean + scale * rng.standard_normal(n)"
        )
    if module == "np" or module.startswith("np."):
        return f"{name} {_instead_of_numpy(module, function)}"
    if caller.method and what == CONVERSION and hasattr(np.ndarray, caller.method):
        return (
            f"the method .{caller.method} of a plain array takes plain arrays; write "
            f"np.{caller.method}(a, x)"
        )
    if what in _METHODS:
        return "NumPy's functions take x as it is, so leave it out"
    if (name and name not in ("float", "int", "complex")) or caller.method:
        return f"{name or '.' + caller.method} takes plain numbers; {_IN_GENERAL}"
    if "%" in caller.expression[1:] and caller.expression[:1] in "'\"":
        return 'To print a value write f"{x:.3f}", which is allowed'
    if what in _NUMBERS and name:
        return "NumPy's functions take x as it is, so leave the conversion out"
    return f"What was called takes plain numbers; {_IN_GENERAL}"


def _instead_of_math(function: str) -> str:
    if function in _IN_SPECIAL:
        return f"use scipy.special.{_IN_SPECIAL[function]}"
    name = _NUMPY_NAMES.get(function, function)
    found: Any = np
    for part in name.split("."):
        found = getattr(found, part, None)
    return f"use np.{name}" if found is not None else "write it with functions of NumPy"


def _instead_of_numpy(module: str, function: str) -> str:
    if function.startswith(("float", "int", "complex", "uint")):
        return f"makes a plain number; write x.astype(np.{function})"
    if function == "vectorize":
        return "stores what it computes in a plain array; use wengert.vmap"
    ours = getattr(sys.modules.get("wengert.numpy"), function, None)
    why = "does not look for Tensors inside lists, nor in every argument; "
    if module == "np" and ours is not None and ours is not getattr(np, function, None):
        return f"{why}use wengert.numpy.{function}"
    return f"{why}pass wengert.numpy.array([t, ...]) or np.stack([t, ...]) in place of a list"


def _instead_of_scipy(name: str) -> str:
    module, _, function = name.rpartition(".")
    if not function:
        return (
            "write products with sparse matrices as A @ x, and what else you meant with functions "
            "of NumPy or of wengert.scipy"
        )
    ours = _ours(module)
    if function and hasattr(ours, function):
        return f"use wengert.{name}, which has the same arguments"
    numpys = np.linalg if module == "scipy.linalg" else np
    rules = getattr(sys.modules.get("wengert.numpy.dispatch"), "FUNCTIONS", {})
    if module != "scipy.stats" and getattr(numpys, function, None) in rules:
        return f"use {'np.linalg' if numpys is np.linalg else 'np'}.{function}"
    return (
        "give it a derivative with wengert.primitive or wengert.custom_vjp, or look for it in "
        "wengert.scipy"
    )


def _ours(module: str) -> Any:
    """The module of wengert that mirrors one of SciPy's; it may not have been imported yet."""
    try:
        return import_module("wengert." + module)
    except ImportError:
        return None


def is_sparse_product() -> bool:
    """Whether ``A @ x`` of a sparse matrix of SciPy's asks for the array, to find out what x is.

    Of a 0-d array of objects it makes ``NotImplemented``, so that the other operand is asked.
    """
    frame = sys._getframe(2)
    return (
        frame.f_code.co_name == "_matmul_dispatch"
        and str(frame.f_globals.get("__name__")).startswith("scipy.sparse")
        and frame.f_back is not None
        and frame.f_back.f_code.co_name in ("__matmul__", "__rmatmul__", "_rmatmul_dispatch")
    )


def opaque(x: Any) -> Any:
    """A 0-d array of objects that holds ``x``: what NumPy makes of what it does not know."""
    a = np.empty((), object)
    a[()] = x
    return a


def no_number(what: str, shape: tuple[int, ...], dtype: Any) -> WengertTypeError:
    """``float(x)`` of more or less than one number."""
    caller = calling()
    asked = f"{caller.name}: " if caller.name not in ("", what.strip("().")) else ""
    return _at(
        WengertTypeError(
            f"{asked}{what} of a Tensor of shape {shape} and dtype {dtype}: it must hold one "
            "real number. Reduce it with np.sum or index it; for every element use NumPy's function"
        ),
        caller,
    )


def not_one_item(what: str, shape: tuple[int, ...]) -> WengertValueError:
    """``x.item()`` of more or less than one number."""
    caller = calling()
    return _at(
        WengertValueError(
            f"{what} of a Tensor of shape {shape}: it must have size 1, one number. Use "
            "x.tolist(), x.numpy(), or index first"
        ),
        caller,
    )


def no_index(shape: tuple[int, ...], dtype: Any) -> WengertTypeError:
    """A Tensor as a count or as an index of a list, and it is no integer."""
    caller = calling()
    asked = f"{caller.name}: " if caller.name else ""
    return _at(
        WengertTypeError(
            f"{asked}a Tensor of shape {shape} and dtype {dtype} is no index and no count: "
            "expected one integer, and integers are not differentiated. Use its shape or len(x), "
            "or int(wengert.stop_gradient(x))"
        ),
        caller,
    )


def ambiguous_truth(shape: tuple[int, ...]) -> WengertValueError:
    """``if x:`` for several elements."""
    text = (
        f"bool() of a Tensor of shape {shape}: the truth value of an array that does not have "
        "exactly one element is ambiguous. Use np.any(x) or np.all(x), x.size to ask whether it "
        "is empty, or np.where(condition, a, b) to choose for each element"
    )
    return _at(WengertValueError(text), calling())


def no_format(spec: str, shape: tuple[int, ...]) -> WengertTypeError:
    """``f"{x:.3f}"`` for an array."""
    return _at(
        WengertTypeError(
            f"format(): {spec!r} is a format of one number, and this Tensor has shape {shape}. "
            "Format its elements (x.tolist() outside a transform), or use "
            "np.array2string(x, precision=3)"
        ),
        calling(),
    )


def no_array(array: Any, error: Exception) -> WengertValueError:
    """Something that NumPy cannot make an array of."""
    return _at(
        WengertValueError(
            f"Tensor(): a {type(array).__name__} that is no array of numbers was given "
            f"({' '.join(str(error).split())}). Rows must have equal lengths"
        ),
        calling(),
    )


def _at(error: E, caller: Caller) -> E:
    """The error with the user's line, as `refusals.located` adds it to others."""
    error.located = True  # type: ignore[attr-defined]
    if caller.line:
        error.args = (f"{error.args[0]} [{caller.line}]",)
    return error


def no_copy(what: str, remedy: str) -> MutationError:
    """The error of a result of a recorded operation that is copied or pickled."""
    return MutationError(
        f"the result of a recorded operation cannot be {what}: its history would be lost; {remedy}"
    )
