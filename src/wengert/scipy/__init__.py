"""SciPy's functions on Tensors, by the names of their modules.

Owns the signatures; the mathematics is in `wengert.rules`, and what runs a user's function
(integrals, differential equations, minimization) stands on `wengert.transforms`. Modules that need
SciPy's slower imports are imported when they are first named.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from . import special

if TYPE_CHECKING:
    from . import integrate, interpolate, linalg, optimize, signal, sparse, stats

__all__ = [
    "integrate",
    "interpolate",
    "linalg",
    "optimize",
    "signal",
    "sparse",
    "special",
    "stats",
]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return import_module(f"{__name__}.{name}")
    from .mirror import missing

    raise missing(__name__, name, __all__)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
