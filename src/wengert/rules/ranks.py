"""Ranks and most common values along an axis, by `scipy.stats`: plain results."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.bind import bind
from ..core.primitive import Primitive

__all__ = ["most_common_p", "rankdata_p"]


def _rankdata(x: Any, axis: int, method: str) -> Any:
    import scipy.stats  # half a second, so only when needed

    return scipy.stats.rankdata(x, method, axis=axis).astype(np.float64)


def _most_common(x: Any, axis: int) -> Any:
    import scipy.stats

    return np.asarray(scipy.stats.mode(x, axis=axis, keepdims=True).mode, x.dtype)


# Axes are counted from the end, so a batch axis in front does not change them.

rankdata_p: Primitive = Primitive(
    "rankdata",
    _rankdata,
    lambda x, axis, method: (x.shape, np.dtype(np.float64)),
    lambda args, batched, size, **params: bind(rankdata_p, args, params),
    plain=True,
    show="scipy.stats.rankdata({0}, {method!r}, axis={axis})",
)

most_common_p: Primitive = Primitive(
    "most_common",
    _most_common,
    lambda x, axis: ((*x.shape[:axis], 1, *(x.shape[axis + 1 :] if axis + 1 else ())), x.dtype),
    lambda args, batched, size, **params: bind(most_common_p, args, params),
    plain=True,
    show="scipy.stats.mode({0}, axis={axis}, keepdims=True).mode",
)
