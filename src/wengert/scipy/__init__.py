"""SciPy's functions on Tensors, by the names of their modules.

Owns the signatures; the mathematics is in `wengert.rules`.
"""

from __future__ import annotations

import importlib
from typing import Any

from . import special

__all__ = ["linalg", "special"]


def __getattr__(name: str) -> Any:
    """`linalg`, when it is asked for: importing SciPy's takes 50 ms."""
    if name == "linalg":
        return importlib.import_module(f"{__name__}.linalg")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
