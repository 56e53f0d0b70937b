"""Looking behind traced values, by autograd's names: `getval` and `isbox`."""

# A face of the package, as __init__ is: it may reach below the public interface.
from __future__ import annotations

from typing import Any

from .core.tensor import Tensor as Box
from .extend import notrace_primitive, primitive, register_notrace
from .transforms.autograd_primitive import getval

__all__ = ["Box", "getval", "isbox", "notrace_primitive", "primitive", "register_notrace"]


def isbox(x: Any) -> bool:
    """Whether a value is a Tensor: traced, or made by the user."""
    return isinstance(x, Box)
