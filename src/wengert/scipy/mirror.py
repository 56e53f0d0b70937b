"""What the functions that mirror SciPy's share: plain arguments go to SciPy itself."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from ..core import pytree
from ..core.errors import NoRuleError, WengertError, WengertTypeError, WengertValueError
from ..core.refusals import explained
from ..core.tensor import Tensor
from ..numpy.arguments import is_traced

__all__ = ["MissingNameError", "any_traced", "mirrors", "missing", "names", "refuse", "tensors_in"]

F = TypeVar("F", bound=Callable[..., Any])


class MissingNameError(WengertError, AttributeError):
    """A name that a module of `wengert.scipy` does not have."""


def missing(module: str, name: str, exists: Sequence[str]) -> MissingNameError:
    """The error for a name that is not there: it says what is, and what to do instead."""
    scipys = module.removeprefix("wengert.")
    error = f"module {module!r} has no attribute {name!r}; it has {', '.join(sorted(exists))}"
    if not name.startswith("_") and hasattr(sys.modules.get(scipys), name):
        error += (
            f". {scipys}.{name} works on plain values: call it on wengert.stop_gradient(x), write "
            "it with functions that have rules, or give it a derivative with wengert.primitive"
        )
    return MissingNameError(error)


def names(module: str, exported: Sequence[str]) -> tuple[Callable[[str], Any], Callable[[], Any]]:
    """``__getattr__`` and ``__dir__`` of a module that mirrors one of SciPy's."""

    def getattribute(name: str) -> Any:
        raise missing(module, name, exported)

    return getattribute, lambda: sorted(exported)


def tensors_in(*trees: Any) -> list[Tensor]:
    """The Tensors among the leaves."""
    return [x for tree in trees for x in pytree.leaves(tree) if isinstance(x, Tensor)]


def any_traced(*trees: Any) -> bool:
    """Whether a derivative or a recording follows one of the leaves."""
    return any(is_traced(x) for x in tensors_in(*trees))


def mirrors(scipys: Callable[..., Any], name: str) -> Callable[[F], F]:
    """Let SciPy's own function serve calls without Tensors, with all of its options.

    Errors of a call with Tensors name the function as users know it.
    """

    def decorate(function: F) -> F:
        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            if not tensors_in(args, kwargs):
                return scipys(*args, **kwargs)
            try:
                return function(*args, **kwargs)
            except (ValueError, TypeError, IndexError) as error:
                better = explained(error, name, (args, kwargs))
                if better is error:
                    raise
                raise better from None

        return call  # type: ignore[return-value]

    return decorate


def refuse(name: str, argument: str, value: Any, allowed: Any, why: str = "") -> WengertError:
    """The error for an option that is not supported on Tensors."""
    kind = NoRuleError if why else WengertValueError
    if why:
        return kind(f"{name}: {argument}={value!r} is not supported on Tensors: {why}")
    if isinstance(allowed, type):
        return WengertTypeError(f"{name}: {argument} must be a {allowed.__name__}, not {value!r}")
    return kind(f"{name}: {argument} must be one of {', '.join(map(repr, allowed))}; got {value!r}")
