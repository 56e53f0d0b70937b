"""NumPy's discrete Fourier transforms: lengths, axes and normalisations, padding and cropping."""

from __future__ import annotations

import operator
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from ..core.bind import bind
from ..core.errors import ShapeError, WengertTypeError, WengertValueError
from ..rules.complex import conjugate
from ..rules.cumulative import section
from ..rules.fft import OTHER_WAY, fft_p, irfft_p, rfft_p
from ..rules.indexing import scatter_add_p
from .arguments import cast, deliver, operand
from .dispatch import implements

__all__ = [
    "fft", "fft2", "fftn", "fftshift", "hfft", "ifft", "ifft2", "ifftn", "ifftshift", "ihfft",
    "irfft", "irfft2", "irfftn", "rfft", "rfft2", "rfftn",
]  # fmt: skip


# ------------------------------------------------------------------ what they share


def _norm(name: str, norm: Any) -> str:
    norm = "backward" if norm is None else norm
    if norm not in OTHER_WAY:
        raise WengertValueError(
            f'np.fft.{name}: Invalid norm value {norm}; should be "backward", "ortho" or "forward".'
        )
    return str(norm)


def _operand(name: str, a: Any, real: bool = False) -> Any:
    a = operand(a)
    if a.dtype.kind not in "biufc":
        raise WengertTypeError(f"np.fft.{name}: expected numbers, not dtype {a.dtype}")
    if real and a.dtype.kind == "c":
        raise WengertTypeError(
            f"np.fft.{name}: expected a real array, not dtype {a.dtype}; pass np.real(a), or use "
            "the complex transform"
        )
    # Small integers and booleans are transformed in double precision.
    return a if a.dtype.kind in "fc" else cast(a, np.float64)


def _axis(name: str, a: Any, axis: Any) -> int:
    if not a.ndim:
        raise ShapeError(f"np.fft.{name}: expected at least one dimension, not a 0-d array")
    return int(normalize_axis_index(operator.index(axis), a.ndim))


def _checked_length(name: str, n: Any) -> int:
    n = operator.index(n)
    if n < 1:
        raise WengertValueError(
            f"np.fft.{name}: Invalid number of FFT data points ({n}) specified."
        )
    return int(n)


def _fitted(a: Any, axis: int, n: int) -> Any:
    """``a`` cropped, or padded with zeros at the end, to length ``n`` along an axis."""
    length = a.shape[axis]
    if n < length:
        return section(a, axis, None, n)
    if n == length:
        return a
    lead = ((None, None, None),) * axis
    shape = (*a.shape[:axis], n, *a.shape[axis + 1 :])
    return bind(scatter_add_p, (a,), {"template": (*lead, (0, length, None)), "shape": shape})


# ------------------------------------------------------------------ along one axis


def _along_axis(name: str, inverse: bool) -> Any:
    def transform(a: Any, n: Any = None, axis: int = -1, norm: Any = None, out: Any = None) -> Any:
        a, norm = _operand(name, a), _norm(name, norm)
        axis = _axis(name, a, axis)
        n = _checked_length(name, a.shape[axis] if n is None else n)
        params = {"axes": (axis,), "inverse": inverse, "norm": norm}
        return deliver(bind(fft_p, (_fitted(a, axis, n),), params), out, f"fft.{name}")

    return _named(transform, name)


def _named(function: Any, name: str) -> Any:
    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"`numpy.fft.{name}`; linear, so differentiable without further conditions."
    return implements(getattr(np.fft, name))(function)


fft = _along_axis("fft", False)
ifft = _along_axis("ifft", True)


def _real_transform(a: Any, n: Any, axis: Any, norm: Any, name: str) -> Any:
    a, norm = _operand(name, a, real=True), _norm(name, norm)
    axis = _axis(name, a, axis)
    n = _checked_length(name, a.shape[axis] if n is None else n)
    return bind(rfft_p, (_fitted(a, axis, n),), {"axis": axis, "norm": norm})


def _to_real(a: Any, n: Any, axis: Any, norm: Any, name: str) -> Any:
    a, norm = _operand(name, a), _norm(name, norm)
    axis = _axis(name, a, axis)
    n = _checked_length(name, 2 * (a.shape[axis] - 1) if n is None else n)
    a = _fitted(a, axis, n // 2 + 1)
    return bind(irfft_p, (a,), {"axis": axis, "n": n, "norm": norm})


@implements(np.fft.rfft)
def rfft(a: Any, n: Any = None, axis: int = -1, norm: Any = None, out: Any = None) -> Any:
    """`numpy.fft.rfft`: the spectrum of real data without its mirror image."""
    return deliver(_real_transform(a, n, axis, norm, "rfft"), out, "fft.rfft")


@implements(np.fft.irfft)
def irfft(a: Any, n: Any = None, axis: int = -1, norm: Any = None, out: Any = None) -> Any:
    """`numpy.fft.irfft`. The imaginary parts that it ignores have gradient 0."""
    return deliver(_to_real(a, n, axis, norm, "irfft"), out, "fft.irfft")


@implements(np.fft.hfft)
def hfft(a: Any, n: Any = None, axis: int = -1, norm: Any = None, out: Any = None) -> Any:
    """`numpy.fft.hfft`: the real spectrum of a signal with Hermitian symmetry."""
    a, norm = _operand("hfft", a), _norm("hfft", norm)
    return deliver(_to_real(conjugate(a), n, axis, OTHER_WAY[norm], "hfft"), out, "fft.hfft")


@implements(np.fft.ihfft)
def ihfft(a: Any, n: Any = None, axis: int = -1, norm: Any = None, out: Any = None) -> Any:
    """`numpy.fft.ihfft`, the inverse of `hfft`."""
    spectrum = _real_transform(a, n, axis, OTHER_WAY[_norm("ihfft", norm)], "ihfft")
    return deliver(conjugate(spectrum), out, "fft.ihfft")


# ------------------------------------------------------------------ along several axes


def _lengths_and_axes(
    name: str, a: Any, s: Any, axes: Any, to_real: bool = False
) -> tuple[list[int], list[int]]:
    """For each axis of the transform its length, and the axes, non-negative.

    Raises
    ------
    ShapeError
        If the numbers of lengths and axes differ.
    """
    if s is not None and axes is None:
        warnings.warn(
            f"np.fft.{name}: `axes` should not be `None` if `s` is not `None` (Deprecated in "
            "NumPy 2.0). Give the axes, too",
            DeprecationWarning,
            stacklevel=4,
        )
    if axes is None:
        axes = range(a.ndim) if s is None else range(-len(s), 0)
    axes = [operator.index(i) for i in axes]
    where = [int(normalize_axis_index(i, a.ndim)) for i in axes]
    if s is None:
        lengths = [a.shape[i] for i in where]
        if to_real and where:
            lengths[-1] = 2 * (lengths[-1] - 1)
    else:
        lengths = list(s)
    if len(lengths) != len(where):
        raise ShapeError(
            f"np.fft.{name}: Shape and axes have different lengths: s={tuple(lengths)} "
            f"against axes={tuple(axes)}"
        )
    lengths = [
        a.shape[i] if n is None or n == -1 else n for n, i in zip(lengths, where, strict=True)
    ]
    return [_checked_length(name, n) for n in lengths], where


def _over_axes(name: str, inverse: bool, default: Any) -> Any:
    def transform(
        a: Any, s: Any = None, axes: Any = default, norm: Any = None, out: Any = None
    ) -> Any:
        given, norm = operand(a), _norm(name, norm)
        a = _operand(name, given)
        lengths, where = _lengths_and_axes(name, a, s, axes)
        y = _complex_over(a, lengths, where, inverse, norm) if where else given
        return deliver(y, out, f"fft.{name}")

    return _named(transform, name)


def _complex_over(
    a: Any, lengths: Sequence[int], axes: Sequence[int], inverse: bool, norm: str
) -> Any:
    if not axes:
        return a
    # An axis may occur twice, with two lengths: then one after the other.
    if len(set(axes)) < len(axes):
        for n, axis in zip(reversed(lengths), reversed(axes), strict=True):
            a = _complex_over(a, (n,), (axis,), inverse, norm)
        return a
    for n, axis in zip(lengths, axes, strict=True):
        a = _fitted(a, axis, n)
    return bind(fft_p, (a,), {"axes": tuple(axes), "inverse": inverse, "norm": norm})


fft2 = _over_axes("fft2", False, (-2, -1))
ifft2 = _over_axes("ifft2", True, (-2, -1))
fftn = _over_axes("fftn", False, None)
ifftn = _over_axes("ifftn", True, None)


def _real_over_axes(name: str, default: Any) -> Any:
    def transform(
        a: Any, s: Any = None, axes: Any = default, norm: Any = None, out: Any = None
    ) -> Any:
        a, norm = _operand(name, a, real=True), _norm(name, norm)
        lengths, where = _lengths_and_axes(name, a, s, axes)
        _need_axes(name, a, where)
        y = _real_transform(a, lengths[-1], where[-1], norm, name)
        y = _complex_over(y, lengths[:-1], where[:-1], False, norm)
        return deliver(y, out, f"fft.{name}")

    return _named(transform, name)


def _need_axes(name: str, a: Any, axes: Sequence[int]) -> None:
    if not axes:
        raise ShapeError(f"np.fft.{name}: no axis to transform in an array of shape {a.shape}")


def _real_from_axes(name: str, default: Any) -> Any:
    def transform(
        a: Any, s: Any = None, axes: Any = default, norm: Any = None, out: Any = None
    ) -> Any:
        a, norm = _operand(name, a), _norm(name, norm)
        lengths, where = _lengths_and_axes(name, a, s, axes, to_real=True)
        _need_axes(name, a, where)
        y = _complex_over(a, lengths[:-1], where[:-1], True, norm)
        return deliver(_to_real(y, lengths[-1], where[-1], norm, name), out, f"fft.{name}")

    return _named(transform, name)


rfft2 = _real_over_axes("rfft2", (-2, -1))
rfftn = _real_over_axes("rfftn", None)
irfft2 = _real_from_axes("irfft2", (-2, -1))
irfftn = _real_from_axes("irfftn", None)


# ------------------------------------------------------------------ order of the frequencies


@implements(np.fft.fftshift)
def fftshift(x: Any, axes: Any = None) -> Any:
    """`numpy.fft.fftshift`: frequency zero in the middle."""
    return _rolled(operand(x), axes, lambda n: n // 2)


@implements(np.fft.ifftshift)
def ifftshift(x: Any, axes: Any = None) -> Any:
    """`numpy.fft.ifftshift`, the inverse of `fftshift`."""
    return _rolled(operand(x), axes, lambda n: -(n // 2))


def _rolled(x: Any, axes: Any, by: Any) -> Any:
    if axes is None:
        axes = tuple(range(x.ndim))
    elif not np.iterable(axes):
        axes = (operator.index(axes),)
    axes = tuple(axes)
    where = [normalize_axis_index(i, x.ndim) for i in axes]
    return np.roll(x, tuple([by(x.shape[i]) for i in where]), axes)
