"""Python's `isinstance`, `type`, `list`, `tuple` and `dict` for traced values, by autograd's names.

Containers need no stand-ins: every transform takes Python's own. `isinstance` and `type` see a
Tensor as the array or number that it holds.
"""

# A face of the package, as __init__ is: it may reach below the public interface.
from __future__ import annotations

import builtins
from builtins import dict, list, tuple  # noqa: UP029 (to be imported from here)
from typing import Any

import numpy as np

from .core.tensor import Tensor

__all__ = ["dict", "isinstance", "list", "tuple", "type"]


def _class_of(x: Any) -> Any:
    a = x._a
    # An abstract value, inside vmap, has a shape and a dtype alone.
    return builtins.type(a) if builtins.isinstance(a, (np.ndarray, np.generic)) else np.ndarray


def isinstance(x: Any, classes: Any) -> bool:
    """``isinstance``, where a Tensor is also an instance of the class of what it holds.

    >>> import numpy as np, wengert as wg
    >>> isinstance(wg.Tensor([1.0]), np.ndarray)
    True
    """
    if builtins.isinstance(x, classes):
        return True
    return builtins.isinstance(x, Tensor) and issubclass(_class_of(x), classes)


def type(x: Any) -> Any:
    """``type(x)`` of one argument; of a Tensor the class of what it holds."""
    return _class_of(x) if builtins.isinstance(x, Tensor) else builtins.type(x)
