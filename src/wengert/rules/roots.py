"""Roots of polynomials: implicit functions of the coefficients."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.bind import bind
from ..core.primitive import Primitive
from .batching import materialize, shape_of
from .cumulative import section

__all__ = ["root_of_p"]


def _values_at(p: Any, r: Any) -> Any:
    """Horner's scheme along the last axis, of polynomials at their own points."""
    last = len(shape_of(p)) - 1
    y = section(p, last, 0, 1)
    for i in range(1, shape_of(p)[last]):
        y = y * r + section(p, last, i, i + 1)
    return y


def _jvp(ts: Any, ins: Any, out: Any) -> Any:
    """From ``p(r) = 0``: ``t(r) + p'(r) dr = 0``."""
    p, t = ins[0], ts[0]
    last = len(shape_of(p)) - 1
    n = shape_of(p)[last]
    powers = np.arange(n - 1, 0, -1).astype(np.empty((), p.dtype).real.dtype)
    slope = _values_at(section(p, last, None, n - 1) * powers, out)
    return -(_values_at(t, out) / slope)


def _batch(args: Any, batched: Any, size: int) -> Any:
    full = [materialize(x, b, size) for x, b in zip(args, batched, strict=True)]
    return bind(root_of_p, tuple(full), {})


# The roots are found by NumPy and handed over; the operation only gives them their derivative, of
# every order, since the rule is written in terms of the root itself.
root_of_p = Primitive(
    "root_of",
    lambda p, r: r,
    lambda p, r: (r.shape, r.dtype),
    _batch,
    jvp=_jvp,
    show="np.roots({0})",
)
