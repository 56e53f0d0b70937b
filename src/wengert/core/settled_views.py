"""Views as ordinary Tensors, for the length of one operation.

A view (`x[1:-1]`) is a RareTensor, since it follows later writes to its base; the fast paths take
FastTensors. Where nothing else is rare about a view, an operation that reads it may as well read a
FastTensor with the same array and node: it is spared `bind`, whose nodes keep more of the operands
and take longer to make and to sweep.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .bind import refresh
from .tensor import FastTensor, RareTensor, Tensor

__all__ = ["ordinary"]

ndarray = np.ndarray


def ordinary(x: Any, saves: bool) -> Any:
    """A FastTensor that stands for the view ``x`` in an operation; None if there can be none.

    There is none for dual numbers, abstract values, exposed arrays, and views that are not
    recorded, to which ``.parents`` refers.

    Parameters
    ----------
    x : object
        An operand.
    saves : bool
        Whether the operation's node keeps the operand. Of a small part of an array it must be a
        copy, as `bind` makes it: else the next write into the whole had to copy the whole.
    """
    if type(x) is not RareTensor:
        return None
    rare = x._x
    base: Tensor | None = rare.base
    if base is None or rare.exposed:
        return None
    if type(base) is RareTensor and base._x.exposed:
        return None
    if base._n is not rare.base_node or base._a is not rare.base_array:
        refresh(x)
    a = x._a
    if rare.tangents or x._n is None or type(a) is not ndarray:
        return None
    if saves and 4 * a.size <= rare.base_array.size:
        a = a.copy("K")
    t = FastTensor()
    t._a = a
    t._n = x._n
    return t
