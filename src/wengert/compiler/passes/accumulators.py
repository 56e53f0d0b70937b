"""The accumulators of a region: memory of each part, for sums over the rows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ..ir import Node
from ..plan import Buffer, Nest, Region, Store

__all__ = ["fill", "store_once"]


def fill(buffer: Buffer, value: Any) -> Nest:
    """Fill a buffer with a value."""
    scalar = np.asarray(value).astype(buffer.dtype)[()]
    const = Node("const", (), (), buffer.dtype, scalar.tobytes(), -1)
    ndim = len(buffer.shape)
    node = Node("view", (const,), buffer.shape, buffer.dtype, (), -1) if ndim else const
    target = tuple([(d, 0, 1) for d in range(ndim)])
    return Nest(buffer.shape, (), [Store(buffer, node, "set", target, (), False)])


def store_once(region: Region) -> None:
    """Accumulators need not be filled if every part stores each of them once."""
    for nest in region.steps:
        if isinstance(nest, Nest) and any(s.buffer.memory in region.private for s in nest.stores):
            nest.stores = [replace(s, kind="set") for s in nest.stores]
    region.fills = []
