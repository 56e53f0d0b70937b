"""Filters along one axis."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import scipy.signal

from ...core.errors import ShapeError, WengertTypeError, WengertValueError
from ...core.tensor import Tensor
from ...numpy.arguments import axis_of, cast, concrete, floating, operand
from ...rules.convolve import convolve
from ...rules.filters import lfilter as _lfilter
from ...rules.filters import padded_last
from ..mirror import mirrors, refuse

__all__ = [
    "PADDINGS", "coefficients", "detrend", "extended", "filtfilt", "hilbert", "lfilter",
    "lfilter_zi", "lfiltic", "padding_length", "savgol_filter", "signal_of",
]  # fmt: skip

PADDINGS = ("odd", "even", "constant", None)


def coefficients(name: str, argument: str, x: Any) -> Any:
    """A vector of floating-point numbers."""
    x = np.atleast_1d(floating(operand(x)))
    if x.ndim != 1 or not x.size:
        raise ShapeError(
            f"{name}: {argument} has shape {x.shape}; expected one dimension, not empty. Use "
            "wengert.vmap for stacks of filters"
        )
    return x


def _same_dtype(*xs: Any) -> tuple[Any, ...]:
    dtype = np.result_type(*[x.dtype for x in xs])
    return tuple([cast(x, dtype) for x in xs])


def signal_of(name: str, x: Any) -> Any:
    """An array of floating-point numbers with at least one axis."""
    x = floating(operand(x))
    if not x.ndim:
        raise ShapeError(f"{name}: x is one number, of shape (); expected a signal of at least 1-D")
    return x


# ------------------------------------------------------------------ linear filters


@mirrors(scipy.signal.lfilter, "scipy.signal.lfilter")
def lfilter(b: Any, a: Any, x: Any, axis: int = -1, zi: Any = None) -> Any:
    """`scipy.signal.lfilter`: the filter ``b / a`` along an axis.

    Differentiable in the coefficients, the signal and the initial state; linear in ``b``, and in
    ``x`` and ``zi`` together. With ``zi`` it returns the final state, too.

    Raises
    ------
    ShapeError
        If ``b`` or ``a`` is no vector, or ``zi`` has not the shape of ``x`` with
        ``max(len(a), len(b)) - 1`` along the axis.
    """
    name = "scipy.signal.lfilter"
    b, a = coefficients(name, "b", b), coefficients(name, "a", a)
    x = signal_of(name, x)
    axis = axis_of(axis, x.ndim)
    if zi is None:
        b, a, x = _same_dtype(b, a, x)
        return np.moveaxis(_lfilter(b, a, np.moveaxis(x, axis, -1)), -1, axis)
    order = max(a.shape[0], b.shape[0]) - 1
    z = floating(operand(zi))
    expected = (*x.shape[:axis], order, *x.shape[axis + 1 :])
    fits = z.ndim == x.ndim and all(
        n == m or (n == 1 and i != axis) for i, (n, m) in enumerate(zip(z.shape, expected))
    )
    if not fits:
        raise ShapeError(
            f"{name}: zi has shape {z.shape}; expected {expected}: the shape of x with "
            "max(len(a), len(b)) - 1 along the axis"
        )
    b, a, x, z = _same_dtype(b, a, x, z)
    z = np.broadcast_to(np.moveaxis(z, axis, -1), np.moveaxis(np.empty(expected), axis, -1).shape)
    y, final = _with_state(b, a, np.moveaxis(x, axis, -1), z)
    return np.moveaxis(y, -1, axis), np.moveaxis(final, -1, axis)


def _with_state(b: Any, a: Any, x: Any, z: Any) -> tuple[Any, Any]:
    """The filter along the last axis from the state ``z``, and the state at the end.

    In SciPy's form (direct form II transposed) ``a * y = b * x + z`` as causal sequences, where
    ``z`` stands for ``(z_0, z_1, ...)`` followed by zeros, and the final state is what the same
    equation leaves over after the last ``y``.
    """
    b, a = b / a[0], a / a[0]
    n, order = x.shape[-1], z.shape[-1]
    y = _lfilter(b, a, x)
    if order:
        entering = padded_last(z, 0, n - order) if order <= n else z[..., :n]
        y = y + _lfilter(np.ones(1, a.dtype), a, entering)
    rest = _overhang(b, x, order) - _overhang(a, y, order)
    return y, (rest + padded_last(z[..., n:], 0, n) if order > n else rest)


def _overhang(c: Any, x: Any, count: int) -> Any:
    """The ``count`` elements of the convolution of ``c`` with ``x`` after the end of ``x``."""
    tail = x[..., max(x.shape[-1] - count, 0) :]
    if not count:
        return tail[..., :0] * c[0]
    if not tail.shape[-1] or c.shape[0] == 1:
        return np.zeros((*x.shape[:-1], count), x.dtype)
    over = convolve(tail, c, "full")[..., tail.shape[-1] :]
    return padded_last(over, 0, count - over.shape[-1])


@mirrors(scipy.signal.lfilter_zi, "scipy.signal.lfilter_zi")
def lfilter_zi(b: Any, a: Any) -> Any:
    """`scipy.signal.lfilter_zi`: the state in which a filter leaves the step of 1 as it is.

    Raises
    ------
    ShapeError
        If ``b`` or ``a`` is no vector, or the filter has no state.
    """
    name = "scipy.signal.lfilter_zi"
    b, a = _same_dtype(coefficients(name, "b", b), coefficients(name, "a", a))
    n = max(a.shape[0], b.shape[0])
    b, a = padded_last(b / a[0], 0, n - b.shape[0]), padded_last(a / a[0], 0, n - a.shape[0])
    if n == 1:
        raise ShapeError(f"{name}: b and a have one coefficient each: the filter has no state")
    # Row i of the steady state: z_i = z_(i+1) - a_(i+1) z_0 + b_(i+1) - a_(i+1) b_0.
    first = np.eye(n - 1, dtype=a.dtype)[0]
    system = np.eye(n - 1, dtype=a.dtype) - np.eye(n - 1, k=1, dtype=a.dtype)
    system = system + np.multiply.outer(a[1:], first)
    return np.linalg.solve(system, b[1:] - a[1:] * b[0])


@mirrors(scipy.signal.lfiltic, "scipy.signal.lfiltic")
def lfiltic(b: Any, a: Any, y: Any, x: Any = None) -> Any:
    """`scipy.signal.lfiltic`: the state of `lfilter` after these outputs and inputs.

    Parameters
    ----------
    b, a : array_like
    y, x : array_like
        The last outputs and inputs, the latest first; missing ones are 0.

    Raises
    ------
    ShapeError
        If one of them is no vector.
    """
    name = "scipy.signal.lfiltic"
    b, a = coefficients(name, "b", b), coefficients(name, "a", a)
    past = [coefficients(name, "y", y)] + ([] if x is None else [coefficients(name, "x", x)])
    b, a, *past = _same_dtype(b, a, *past)
    order = max(a.shape[0], b.shape[0]) - 1
    state = -_left_over(a, past[0], order)
    if x is not None:
        state = state + _left_over(b, past[1], order)
    return state / a[0]


def _left_over(c: Any, past: Any, count: int) -> Any:
    """``sum_k c[m + 1 + k] past[k]`` for each ``m``: what past values still add."""
    k = c.shape[0] - 1
    if not k:
        return np.zeros(count, c.dtype)
    past = past[:k]
    rows = np.arange(1, k + 1)[:, None] + np.arange(past.shape[0])
    table = padded_last(c, 0, k)[rows]  # beyond the coefficients stand zeros
    return padded_last(np.matmul(table, past), 0, count - k)


@mirrors(scipy.signal.filtfilt, "scipy.signal.filtfilt")
def filtfilt(
    b: Any,
    a: Any,
    x: Any,
    axis: int = -1,
    padtype: str | None = "odd",
    padlen: int | None = None,
    method: str = "pad",
    irlen: Any = None,
) -> Any:
    """`scipy.signal.filtfilt`: a filter forwards and then backwards, without a shift of phase.

    Raises
    ------
    ShapeError
        If the signal is not longer than the padding.
    WengertValueError
        For an unknown ``padtype``; for ``method="gust"``, which is not supported on Tensors.
    """
    name = "scipy.signal.filtfilt"
    if method != "pad":
        raise refuse(name, "method", method, ("pad",))
    if padtype not in PADDINGS:
        raise refuse(name, "padtype", padtype, PADDINGS)
    b, a = coefficients(name, "b", b), coefficients(name, "a", a)
    b, a, x = _same_dtype(b, a, signal_of(name, x))
    axis = axis_of(axis, x.ndim)
    x = np.moveaxis(x, axis, -1)
    edge = padding_length(name, x, padtype, padlen, 3 * max(a.shape[0], b.shape[0]))
    ready = extended(x, edge, padtype)
    zi = lfilter_zi(b, a)
    y, _ = _with_state(b, a, ready, zi * ready[..., :1])
    y = np.flip(y, -1)
    y, _ = _with_state(b, a, y, zi * y[..., :1])
    y = np.flip(y, -1)
    return np.moveaxis(y[..., edge : y.shape[-1] - edge].copy(), -1, axis)


def padding_length(name: str, x: Any, padtype: str | None, padlen: int | None, usual: int) -> int:
    """By how much the last axis is continued at each end."""
    edge = usual if padlen is None else int(padlen)
    edge = 0 if padtype is None else edge
    if x.shape[-1] <= edge:
        raise ShapeError(
            f"{name}: the signal has length {x.shape[-1]}, which must be greater than the padding "
            f"{edge}; give a smaller padlen"
        )
    return edge


def extended(x: Any, edge: int, padtype: str | None) -> Any:
    """The signal continued by so many elements at each end of the last axis."""
    if not edge:
        return x
    first, last = x[..., :1], x[..., -1:]
    before, after = np.flip(x[..., 1 : edge + 1], -1), np.flip(x[..., -edge - 1 : -1], -1)
    if padtype == "odd":
        before, after = 2 * first - before, 2 * last - after
    elif padtype == "constant":
        before, after = 0 * before + first, 0 * after + last
    return np.concatenate([before, x, after], -1)


# ------------------------------------------------------------------ linear maps with fixed weights


def _times_matrix(x: Any, axis: int, matrix: Any) -> Any:
    """A matrix applied along an axis."""
    y = np.matmul(np.moveaxis(x, axis, -1), matrix.T.astype(x.dtype))
    return np.moveaxis(y, -1, axis)


@mirrors(scipy.signal.detrend, "scipy.signal.detrend")
def detrend(
    data: Any, axis: int = -1, type: str = "linear", bp: Any = 0, overwrite_data: bool = False
) -> Any:
    """`scipy.signal.detrend`: without the line, or the lines between breakpoints, that fit best.

    ``overwrite_data`` is ignored.

    Raises
    ------
    WengertValueError
        For an unknown type, or a breakpoint beyond the end.
    """
    name = "scipy.signal.detrend"
    x = signal_of(name, data)
    axis = axis_of(axis, x.ndim)
    if type not in ("linear", "l", "constant", "c"):
        raise refuse(name, "type", type, ("linear", "constant"))
    if type in ("constant", "c"):
        return x - np.mean(x, axis, keepdims=True)
    n = x.shape[axis]
    points = np.unique(np.concatenate([[0, n], np.atleast_1d(concrete(bp, "detrend(bp)"))]))
    points = points.astype(int)
    if points[-1] > n or points[0] < 0:
        raise WengertValueError(
            f"{name}: bp={bp!r} has a breakpoint outside of the axis, which has length {n}"
        )
    parts = []
    for start, stop in itertools.pairwise(points):
        piece = np.moveaxis(x, axis, -1)[..., start:stop]
        line = np.stack([np.arange(1, stop - start + 1) / (stop - start), np.ones(stop - start)])
        basis = np.linalg.svd(line, full_matrices=False)
        rows = basis[2][basis[1] > 1e-12 * basis[1][0]].astype(x.dtype)
        parts.append(piece - np.matmul(np.matmul(piece, rows.T), rows))
    return np.moveaxis(np.concatenate(parts, -1), -1, axis)


@mirrors(scipy.signal.hilbert, "scipy.signal.hilbert")
def hilbert(x: Any, N: int | None = None, axis: int = -1) -> Any:
    """`scipy.signal.hilbert`: the analytic signal, complex.

    Raises
    ------
    WengertTypeError
        If ``x`` is complex.
    WengertValueError
        If ``N`` is not positive.
    """
    name = "scipy.signal.hilbert"
    x = signal_of(name, x)
    axis = axis_of(axis, x.ndim)
    if x.dtype.kind == "c":
        raise WengertTypeError(f"{name}: x is complex, of dtype {x.dtype}; it must be real")
    n = x.shape[axis] if N is None else int(N)
    if n <= 0:
        raise WengertValueError(f"{name}: N={N} is the length of the transform; give 1 or more")
    weights = np.zeros(n, x.dtype)
    weights[0] = 1
    weights[1 : (n + 1) // 2] = 2
    if n % 2 == 0:
        weights[n // 2] = 1
    weights = weights.reshape((n,) + (1,) * (x.ndim - axis - 1))
    return np.fft.ifft(np.fft.fft(x, n, axis) * weights, axis=axis)


@mirrors(scipy.signal.savgol_filter, "scipy.signal.savgol_filter")
def savgol_filter(
    x: Any,
    window_length: int,
    polyorder: int,
    deriv: int = 0,
    delta: float = 1.0,
    axis: int = -1,
    mode: str = "interp",
    cval: float = 0.0,
) -> Any:
    """`scipy.signal.savgol_filter`: polynomials fitted to moving windows; linear in ``x``.

    Raises
    ------
    WengertValueError
        For an unknown mode, a window longer than the signal in the mode ``"interp"``, and what
        SciPy refuses (``polyorder`` not below ``window_length``).
    """
    name = "scipy.signal.savgol_filter"
    modes = {"mirror": "reflect", "constant": "constant", "nearest": "edge", "wrap": "wrap"}
    if mode not in (*modes, "interp"):
        raise refuse(name, "mode", mode, (*modes, "interp"))
    for argument, value in (("delta", delta), ("cval", cval)):
        if isinstance(value, Tensor):
            raise refuse(name, argument, value, (), "give a plain number")
    x = signal_of(name, x)
    axis = axis_of(axis, x.ndim)
    n = x.shape[axis]
    weights = scipy.signal.savgol_coeffs(window_length, polyorder, deriv=deriv, delta=delta)
    half = window_length // 2
    if mode == "interp" and window_length > n:
        raise WengertValueError(
            f"{name}: for mode='interp' the window ({window_length}) must not be longer than the "
            f"signal ({n})"
        )
    x = np.moveaxis(x, axis, -1)
    widths = [(0, 0)] * (x.ndim - 1) + [((window_length - 1) // 2, half)]
    options = {"constant_values": cval} if mode == "constant" else {}
    padded = np.pad(x, widths, modes.get(mode, "constant"), **options)  # type: ignore[call-overload]
    y = convolve(padded, weights.astype(x.dtype), "valid")
    if mode == "interp" and half:
        fit = scipy.signal.savgol_filter(
            np.eye(window_length), window_length, polyorder, deriv, delta, 0
        )
        left = _times_matrix(x[..., :window_length], -1, fit[:half])
        right = _times_matrix(x[..., n - window_length :], -1, fit[window_length - half :])
        y = np.concatenate([left, y[..., half : n - half], right], -1)
    return np.moveaxis(y, -1, axis)
