"""What `linalg` and `fft` share: NumPy's modules under their names here."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

__all__ = ["other_names", "public_names"]


def public_names(module: ModuleType) -> dict[str, Any]:
    """What a module of NumPy offers, but for ``test``, which pytest would take for one of ours."""
    return {name: x for name, x in vars(module).items() if name[0] != "_" and name != "test"}


def other_names(module: ModuleType, own: str) -> Callable[[str], Any]:
    """A ``__getattr__`` for the module ``own``: the other names of NumPy's."""

    def attribute(name: str) -> Any:
        try:
            return getattr(module, name)
        except AttributeError:
            raise AttributeError(f"module {own!r} has no attribute {name!r}") from None

    return attribute
