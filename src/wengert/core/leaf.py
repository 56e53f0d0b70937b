"""The array and the node of a new Tensor."""

from __future__ import annotations

from _weakref import ref
from typing import TYPE_CHECKING, Any

import numpy as np

from .conversions import no_array
from .errors import WengertError, WengertTypeError
from .state import next_id

if TYPE_CHECKING:
    from .tape import Node
    from .tensor import Tensor

__all__ = ["leaf_array", "leaf_node"]


def leaf_array(array: Any, requires_grad: bool) -> Any:
    """A private copy of ``array``; integers become float64."""
    try:
        a = np.array(array)
    except ValueError as error:
        if isinstance(error, WengertError):
            raise
        raise no_array(array, error) from None
    if a.dtype.kind in "iu" or (a.dtype.kind == "b" and requires_grad):
        return a.astype(np.float64)
    if a.dtype.kind not in "biufc":
        raise WengertTypeError(
            f"a Tensor holds numbers; an array of dtype {a.dtype} was given"
            + (" (are its rows of different lengths?)" if a.dtype.kind == "O" else "")
        )
    return a


def leaf_node(t: Tensor) -> Node:
    """The node of a Tensor whose ``.grad`` is asked for; it does not keep the Tensor alive."""
    from .tape import LEAF

    return [next_id(), LEAF, None, None, None, ref(t)]
