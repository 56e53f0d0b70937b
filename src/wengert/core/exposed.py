"""The attribute ``.array`` of a Tensor: reading and assigning the array behind it."""

from __future__ import annotations

from typing import Any

import numpy as np

from .abstract import Var
from .bind import refresh
from .errors import MutationError, ShapeError
from .leaf import leaf_array
from .ownership import owns_alone
from .state import LOCAL
from .tape import LEAF
from .tensor import FastTensor, Rare, RareTensor, Tensor

__all__ = ["expose", "replace_array"]

ndarray = np.ndarray


def expose(x: Tensor) -> Any:
    """The array behind ``.array``."""
    refresh(x)
    if type(x._a) is Var:
        x._concrete(".array")
    rare = x._x if type(x) is RareTensor else None
    is_result = x._n is not None and x._n[1] is not LEAF
    if rare is not None and rare.exposed and (rare.recorded is not None or not is_result):
        return x._a
    if (is_result and LOCAL.depth) or (
        rare is not None and (rare.tangents or rare.base is not None)
    ):
        view = np.asarray(x._a).view()
        view.flags.writeable = False
        return view
    recorded = x._a if is_result else None
    if is_result or type(x._a) is not ndarray:
        x._a = np.array(x._a)
    elif not owns_alone(x):
        x._a = x._a.copy()
    if rare is None:
        x._x = Rare(None)
        x.__class__ = RareTensor
    x._x.exposed = True
    x._x.recorded = recorded
    return x._a


def replace_array(x: Tensor, value: Any) -> None:
    """The assignment ``x.array = value``."""
    if type(x) is RareTensor and x._x.exposed and value is x._a:
        return  # x.array -= step ends with this assignment of the array to itself
    is_result = x._n is not None and x._n[1] is not LEAF
    if is_result and LOCAL.depth:
        raise MutationError(
            ".array of the result of a recorded operation cannot be set inside a transform; use "
            ".detach() first"
        )
    if type(x) is RareTensor and (x._x.tangents or x._x.base is not None):
        raise MutationError(".array of a view cannot be set; write x[...] = value")
    if isinstance(value, Tensor):
        value = value._untraced("x.array = value")
    new = leaf_array(value, x._n is not None)
    if x._n is not None and new.shape != x.shape:
        raise ShapeError(
            f".array of a Tensor of shape {x.shape} that requires gradients cannot be set to an "
            f"array of shape {new.shape}"
        )
    if is_result:
        expose(x)
        x._a = new
        return
    x._a = new
    if type(x) is RareTensor:
        x.__class__ = FastTensor
