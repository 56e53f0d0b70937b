"""What eigenvalues and singular values share: where they coincide, and quotients by their gaps.

The vectors that belong to coinciding values are arbitrary, and a derivative that passes through
them is a quotient 0/0 even where the function as a whole is smooth (``V f(w) V^H``). `coupling_p`
makes NaN of those quotients, never a finite number that may be wrong, and the transforms find the
limit (`wengert.core.coincidence`): they run the function again with the coinciding values
moved apart by ``split`` times a distance at which the function is still analytic. Since
``(w + d, V)`` is the exact decomposition of ``A + V diag(d) V^H``, nothing else changes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.bind import bind
from ..core.primitive import Primitive
from ..core.state import COINCIDENCES, LOCAL
from .batching import stacked
from .shapes import reshape

__all__ = ["as_columns", "as_rows", "coupling", "coupling_p", "separated", "separated_pairs"]


def as_rows(s: Any) -> Any:
    """Values (..., n) along the columns of a matrix: (..., 1, n)."""
    return reshape(s, (*s.shape[:-1], 1, s.shape[-1]))


def as_columns(s: Any) -> Any:
    """Values (..., n) along the rows of a matrix: (..., n, 1)."""
    return reshape(s, (*s.shape, 1))


# ------------------------------------------------------------------ values that coincide


def _tolerance(w: Any) -> float:
    """Relative to the largest value, the gap that rounding alone may leave between equal values."""
    return float(16 * max(w.shape[-1], 4) * np.finfo(w.dtype).eps)


def separated(w: Any, singular: bool = False) -> Any:
    """Sorted real values (..., n); where a transform asks for it, those that coincide moved apart.

    Parameters
    ----------
    w : array
        Eigenvalues in ascending order, or singular values in descending order.
    singular : bool
        They are singular values: one that is zero coincides with its own negative.
    """
    if not w.size:
        return w
    size = np.abs(w).max(-1, keepdims=True)
    tight = _tolerance(w) * size
    steps = np.abs(np.diff(w)) > tight
    zero = np.abs(w[..., -1:]) <= tight if singular else np.zeros_like(tight, bool)
    if not (zero.any() or not steps.all()) or not np.isfinite(size).all():
        return w
    COINCIDENCES[0] += 1
    if not LOCAL.split:
        return w
    n = w.shape[-1]
    place = np.arange(n)
    edge = np.ones((*w.shape[:-1], 1), bool)
    first = np.maximum.accumulate(np.where(np.concatenate([edge, steps], -1), place, 0), -1)
    ends = np.where(np.concatenate([steps, edge], -1), place, n - 1)
    last = np.minimum.accumulate(ends[..., ::-1], -1)[..., ::-1]
    count = last - first + 1
    shift = np.where(count > 1, (2 * (place - first) - (count - 1)) / np.maximum(count - 1, 1), 0)
    if singular:
        shift = np.where(zero & (last == n - 1), (place - first + 1) / count, shift)
    below = np.abs(np.take_along_axis(w, np.maximum(first - 1, 0), -1) - w)
    above = np.abs(np.take_along_axis(w, np.minimum(last + 1, n - 1), -1) - w)
    room = np.minimum(np.where(first > 0, below, np.inf), np.where(last < n - 1, above, np.inf))
    return w + _distance(w, size, room, LOCAL.split) * shift.astype(w.dtype)


def separated_pairs(w: Any) -> Any:
    """The same for complex eigenvalues (..., n) in any order."""
    if w.shape[-1] < 2 or not w.size:
        return w
    gaps = np.abs(w[..., :, None] - w[..., None, :])
    size = np.abs(w).max(-1, keepdims=True)
    close = gaps <= _tolerance(w) * size[..., None]
    count = close.sum(-1)
    if (count < 2).all() or not np.isfinite(size).all():
        return w
    COINCIDENCES[0] += 1
    if not LOCAL.split:
        return w
    index = np.tril(close, -1).sum(-1)
    shift = np.where(count > 1, (2 * index - (count - 1)) / np.maximum(count - 1, 1), 0)
    room = np.where(close, np.inf, gaps).min(-1)
    return w + _distance(w, size, room, LOCAL.split) * shift.astype(size.dtype)


def _distance(w: Any, size: Any, room: Any, split: float) -> Any:
    """``split`` times the distance to what may be singular: other values, and zero."""
    modulus = np.abs(w)
    room = np.minimum(room, np.where(modulus > 1e-5 * size, modulus, np.inf))
    room = np.where(np.isfinite(room), room, np.where(size > 0, size, 1))
    return (split * room).astype(size.dtype)


# ------------------------------------------------------------------ quotients by gaps


def _coupling(m: Any, w: Any, together: bool, power: int) -> Any:
    row, column = w[..., None, :], w[..., :, None]
    gap = row + column if together else row - column
    size = np.abs(w).max(-1, initial=0)[..., None, None]
    with np.errstate(all="ignore"):
        gap = np.where(np.abs(gap) <= _tolerance(w) * size, gap.dtype.type(np.nan), gap)
        f = 1 / gap**power
        diagonal = np.arange(w.shape[-1])
        f[..., diagonal, diagonal] = 0
        return m * f


def _coupling_shape(m: Any, w: Any, together: bool, power: int) -> tuple[tuple[int, ...], Any]:
    return np.broadcast_shapes(m.shape, (*w.shape, w.shape[-1])), np.result_type(m.dtype, w.dtype)


def _coupling_jvp(ts: Any, ins: Any, out: Any, together: bool, power: int) -> Any:
    tm, tw = ts
    m, w = ins
    total = None if tm is None else coupling(tm, w, together, power)
    if tw is None:
        return total
    gap = as_rows(tw) + as_columns(tw) if together else as_rows(tw) - as_columns(tw)
    t = coupling(m * gap, w, together, power + 1) * -power
    return t if total is None else total + t


def _coupling_batch(args: Any, batched: Any, size: int, together: bool, power: int) -> Any:
    m, w = stacked(args, batched, size, (2, 1))
    return coupling(m, w, together, power)


def _coupling_text(m: str, w: str, together: bool, power: int) -> str:
    return f"coupling({m}, {w}, {together}, {power})"


# One operation and not a product, because a strong zero would hide what 0/0 has to say.
coupling_p: Primitive = Primitive(
    "coupling",
    _coupling,
    _coupling_shape,
    _coupling_batch,
    jvp=_coupling_jvp,
    linear=(0,),
    transpose=(
        lambda ct, ins, out, together, power: coupling(ct, ins[1], together, power),
        None,
    ),
    needs_out=False,
    show=_coupling_text,
    contiguous=lambda m, w, together, power: False,
)


def coupling(m: Any, w: Any, together: bool = False, power: int = 1) -> Any:
    """``m_ij / (w_j - w_i)^power`` off the diagonal (with ``together``, ``w_j + w_i``), 0 on it.

    NaN where the divisor is zero up to rounding.
    """
    return bind(coupling_p, (m, w), {"together": together, "power": power})
