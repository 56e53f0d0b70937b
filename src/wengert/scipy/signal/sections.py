"""Filters as sections of second order, one after the other."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.signal

from ...core.errors import AbstractValueError, ShapeError
from ...numpy.arguments import axis_of, concrete, floating, is_known, operand
from ..mirror import mirrors, refuse
from .filtering import PADDINGS, extended, lfilter, lfilter_zi, padding_length, signal_of

__all__ = ["sosfilt", "sosfilt_zi", "sosfiltfilt"]


def sections_of(name: str, sos: Any) -> Any:
    """The coefficients, (sections, 6), checked."""
    sections = floating(operand(sos))
    if sections.ndim != 2 or sections.shape[1] != 6 or not sections.shape[0]:
        raise ShapeError(f"{name}: sos has shape {sections.shape}; expected (sections, 6)")
    return sections


@mirrors(scipy.signal.sosfilt, "scipy.signal.sosfilt")
def sosfilt(sos: Any, x: Any, axis: int = -1, zi: Any = None) -> Any:
    """`scipy.signal.sosfilt`: sections of second order, one after the other.

    Parameters
    ----------
    sos : array_like (sections, 6)
        ``b0, b1, b2, a0, a1, a2`` of each section.
    x : array_like
    axis : int
    zi : array_like, optional
        ``(sections, ..., 2, ...)``, with the 2 in the place of the axis.

    Raises
    ------
    ShapeError
        If ``sos`` has not six columns.
    """
    name = "scipy.signal.sosfilt"
    sections, x = sections_of(name, sos), signal_of(name, x)
    if zi is None:
        for row in sections:
            x = lfilter(row[:3], row[3:], x, axis)
        return x
    states = operand(zi)
    if states.ndim != x.ndim + 1 or states.shape[0] != sections.shape[0]:
        raise ShapeError(
            f"{name}: zi has shape {states.shape}; expected ({sections.shape[0]}, ..., 2, ...)"
        )
    finals = []
    for row, state in zip(sections, states):
        x, final = lfilter(row[:3], row[3:], x, axis, state)
        finals.append(final)
    return x, np.stack(finals)


@mirrors(scipy.signal.sosfilt_zi, "scipy.signal.sosfilt_zi")
def sosfilt_zi(sos: Any) -> Any:
    """`scipy.signal.sosfilt_zi`: the states in which `sosfilt` leaves the step of 1 as it is.

    Raises
    ------
    ShapeError
        If ``sos`` has not six columns.
    """
    states = []
    gain: Any = 1.0  # of the sections before, for a constant
    for row in sections_of("scipy.signal.sosfilt_zi", sos):
        b, a = row[:3], row[3:]
        states.append(gain * lfilter_zi(b, a))
        gain = gain * np.sum(b) / np.sum(a)
    return np.stack(states)


@mirrors(scipy.signal.sosfiltfilt, "scipy.signal.sosfiltfilt")
def sosfiltfilt(
    sos: Any, x: Any, axis: int = -1, padtype: str | None = "odd", padlen: int | None = None
) -> Any:
    """`scipy.signal.sosfiltfilt`: `sosfilt` forwards and then backwards, without a shift of phase.

    Raises
    ------
    AbstractValueError
        While recording on shapes, for differentiated sections without ``padlen``: the usual one
        depends on how many coefficients are zero.
    ShapeError
        If ``sos`` has not six columns, or the signal is not longer than the padding.
    WengertValueError
        For an unknown ``padtype``.
    """
    name = "scipy.signal.sosfiltfilt"
    if padtype not in PADDINGS:
        raise refuse(name, "padtype", padtype, PADDINGS)
    sections, x = sections_of(name, sos), signal_of(name, x)
    axis = axis_of(axis, x.ndim)
    if padlen is None and padtype is not None:
        if not is_known(sections):
            raise AbstractValueError(
                f"{name}: the padding depends on which coefficients are zero, which is not known "
                "inside vmap or jit; give padlen"
            )
        zeros = np.sum(np.asarray(concrete(sections, name))[:, [2, 5]] == 0, 0)
        padlen = 3 * (2 * sections.shape[0] + 1 - int(zeros.min()))
    x = np.moveaxis(x, axis, -1)
    edge = padding_length(name, x, padtype, padlen, 0)
    states = sosfilt_zi(sections)
    states = np.reshape(states, (states.shape[0], *(1,) * (x.ndim - 1), 2))
    y = extended(x, edge, padtype)
    for _ in range(2):
        y = np.flip(sosfilt(sections, y, -1, states * y[..., :1])[0], -1)
    return np.moveaxis(y[..., edge : y.shape[-1] - edge].copy(), -1, axis)
