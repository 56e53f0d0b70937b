"""How NumPy's functions reach the rules when they are called on Tensors.

NumPy calls ``__array_ufunc__`` for ufuncs and ``__array_function__`` for the rest of its functions;
the tables here are keyed by the function object. `implements` adds to them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from ..core import pytree
from ..core.abstract import Var
from ..core.bind import bind, refresh
from ..core.errors import NoRuleError
from ..core.masked import MaskedElements
from ..core.refusals import explained
from ..core.tensor import RareTensor, Tensor
from ..rules import special  # noqa: F401 - it declares the ufuncs of scipy.special
from ..rules.fast import FAST
from ..rules.pointwise import UFUNCS
from ..rules.shapes import astype_p
from .classification import CLASSIFICATION, Entry
from .ufunc_options import call_with_options

__all__ = [
    "FUNCTIONS",
    "REFUSALS",
    "UFUNC_CALLS",
    "UFUNC_METHODS",
    "implements",
    "implements_method",
]

F = TypeVar("F", bound=Callable[..., Any])

FUNCTIONS: dict[Any, Callable[..., Any]] = {}
"""What serves a NumPy function that is not a ufunc."""

UFUNC_CALLS: dict[Any, Callable[..., Any]] = {}
"""What serves the plain call of a ufunc."""

UFUNC_METHODS: dict[tuple[Any, str], Callable[..., Any]] = {}
"""What serves ``ufunc.method`` (reduce, accumulate, ...); (None, method) serves all ufuncs."""


_DIRECT: dict[Any, Callable[..., Any]] = {}
"""Those of `UFUNC_CALLS` that take one or two operands."""


def _serve(ufunc: np.ufunc, function: Callable[..., Any]) -> None:
    UFUNC_CALLS[ufunc] = function
    if ufunc.nin <= 2:
        _DIRECT[ufunc] = function


def implements(*numpy_functions: Any) -> Callable[[F], F]:
    """Register the decorated function for NumPy functions (or ufunc calls)."""

    def register(function: F) -> F:
        for f in numpy_functions:
            if isinstance(f, np.ufunc):
                _serve(f, function)
            else:
                FUNCTIONS[f] = function
        return function

    return register


def implements_method(ufunc: Any, method: str) -> Callable[[F], F]:
    """Register the decorated function for ``ufunc.method``."""

    def register(function: F) -> F:
        UFUNC_METHODS[ufunc, method] = function
        return function

    return register


REFUSALS: dict[str, Entry] = {}
"""By full name (``scipy.special.nctdtr``), why a function outside of NumPy has no rule."""

_MISSING: Any = object()


def _generic(primitive: Any, arity: int) -> Callable[..., Any]:
    if arity == 1:
        return lambda x: bind(primitive, (x,), {})
    if arity == 2:
        return lambda x, y: bind(primitive, (x, y), {})
    return lambda *xs: bind(primitive, xs, {})


_fast: Any = FAST  # generated, without annotations
for _ufunc, _primitive in UFUNCS.items():
    _serve(_ufunc, _fast.get(_primitive.name) or _generic(_primitive, _ufunc.nin))


def _array_ufunc(
    self: Tensor, ufunc: Any, method: str, x: Any, y: Any = _MISSING, *more: Any, **kwargs: Any
) -> Any:
    # The plain call of one or two operands comes first and alone: of a recorded operation on small
    # arrays each look into a table is a part that can be measured.
    try:
        if method == "__call__" and not kwargs:
            if y is _MISSING:
                return _DIRECT[ufunc](x)
            return _DIRECT[ufunc](x, y)
    except KeyError:
        if ufunc in _DIRECT:
            raise
    except (ValueError, TypeError, IndexError) as error:
        if type(y) is MaskedElements:
            return NotImplemented  # it answers itself
        inputs = (x,) if y is _MISSING else (x, y)
        better = _better(error, ufunc, method, inputs, kwargs)
        if better is error:
            raise
        raise better from None
    return _any_ufunc(ufunc, method, (x,) if y is _MISSING else (x, y, *more), kwargs)


def _any_ufunc(ufunc: Any, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Calls with options or of more operands, methods, and ufuncs without a rule."""
    try:
        if method == "__call__":
            function = UFUNC_CALLS.get(ufunc)
            if function is not None:
                return call_with_options(ufunc, function, inputs, **kwargs)
        else:
            function = UFUNC_METHODS.get((ufunc, method))
            if function is not None:
                return function(*inputs, **kwargs)
            function = UFUNC_METHODS.get((None, method))
            if function is not None and (ufunc in UFUNC_CALLS or method == "at"):
                return function(ufunc, *inputs, **kwargs)
    except (ValueError, TypeError, IndexError) as error:
        if type(inputs[1] if len(inputs) > 1 else None) is MaskedElements:
            return NotImplemented
        better = _better(error, ufunc, method, inputs, kwargs)
        if better is error:
            raise
        raise better from None
    plain = _without_tensors((inputs, kwargs))
    if plain is not None:
        return getattr(ufunc, method)(*plain[0], **plain[1])
    raise no_rule(_ufunc_text(ufunc, method))


def _better(
    error: Exception, ufunc: Any, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]
) -> Exception:
    """An error that says more about the call than ``error``; itself where that says it all."""
    if hasattr(error, "located"):  # by `bind`
        return error
    return explained(error, _ufunc_text(ufunc, method), (inputs, kwargs))


def _ufunc_text(ufunc: Any, method: str) -> str:
    return _name_of(ufunc) + ("" if method == "__call__" else f".{method}")


def _name_of(ufunc: np.ufunc) -> str:
    for module, shown in (("numpy", "np."), ("scipy.special", "scipy.special.")):
        if getattr(sys.modules.get(module), ufunc.__name__, None) is ufunc:
            return shown + str(ufunc.__name__)
    return str(ufunc.__name__)


def _without_tensors(tree: Any) -> Any:
    """Arguments with plain arrays in place of Tensors; None if one of them has a history.

    A function without a rule may still be called on values that no derivative goes through, such as
    those of `wengert.stop_gradient`.
    """
    leaves, spec = pytree.flatten(tree)
    for i, x in enumerate(leaves):
        if isinstance(x, Tensor):
            refresh(x)
            if x._n is not None or type(x._a) is Var:
                return None
            if type(x) is RareTensor and x._x.tangents:
                return None
            leaves[i] = np.array(x._a)
    return pytree.unflatten(spec, leaves)


def no_rule(name: str) -> NoRuleError:
    """The error for a function that has no derivative rule."""
    entry = REFUSALS.get(name) or CLASSIFICATION.get(name.removeprefix("np."))
    why = f" ({entry.subject})" if entry is not None and entry.kind == "refused" else ""
    instead = f"{entry.note}; or call" if why and entry is not None else "Call"
    return NoRuleError(
        f"{name} has no rule in wengert{why}, so it cannot be called on a Tensor. "
        f"{instead[0].upper()}{instead[1:]} it on plain values (wengert.stop_gradient(x) inside a "
        "transform), write it with functions that have one, or give it a derivative with "
        "wengert.custom_vjp or wengert.custom_jvp"
    )


def _array_function(self: Tensor, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
    served = FUNCTIONS.get(function)
    if served is None:
        plain = _without_tensors((args, kwargs))
        if plain is not None:
            return function(*plain[0], **plain[1])
        raise no_rule(_name_of_function(function))
    try:
        return served(*args, **kwargs)
    except (ValueError, TypeError, IndexError) as error:
        better = explained(error, _name_of_function(function), (args, kwargs))
        if better is error:
            raise
        raise better from None


def _name_of_function(function: Any) -> str:
    module = getattr(function, "__module__", "numpy") or "numpy"
    return f"{module.replace('numpy', 'np', 1)}.{function.__name__}"


def is_abstract(x: Any) -> bool:
    """Whether a value has only a shape and a dtype."""
    return isinstance(x, Tensor) and type(x._a) is Var


def _array_ufunc_rarely(self: Tensor, ufunc: Any, method: str, *xs: Any, **kwargs: Any) -> Any:
    """`_array_ufunc` where an abstract value may stand for a Python number.

    ``np.abs(2.0)`` is a NumPy scalar, which promotes dtypes; ``abs(2.0)`` is a Python number.
    """
    y = _array_ufunc(self, ufunc, method, *xs, **kwargs)
    if type(y) is tuple:
        return tuple([_strong(part) for part in y])
    return _strong(y)


def _strong(y: Any) -> Any:
    if type(y) is RareTensor and type(y._a) is Var and y._a.weak:
        return bind(astype_p, (y,), {"dtype": y._a.dtype})
    return y


Tensor.__array_ufunc__ = _array_ufunc  # type: ignore[attr-defined]
RareTensor.__array_ufunc__ = _array_ufunc_rarely
Tensor.__array_function__ = _array_function  # type: ignore[attr-defined]
