"""SciPy's functions for Tensors, under SciPy's names.

Owns the signatures; the mathematics is in `wengert.rules`. The modules besides `special` are
imported when they are asked for: importing SciPy's takes some 50 ms for each.
"""

from __future__ import annotations

import importlib
from typing import Any

from . import special

__all__ = ["linalg", "special", "stats"]

_LATER = frozenset(__all__) - {"special"}


def __getattr__(name: str) -> Any:
    """A module, when it is asked for."""
    if name in _LATER:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(
        f"module {__name__!r} has no attribute {name!r}; it has {', '.join(__all__)}"
    )


def __dir__() -> list[str]:
    return __all__
