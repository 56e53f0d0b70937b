"""Convolution and correlation of arrays with any number of axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.fft
import scipy.signal

from ...core.errors import ShapeError, WengertValueError
from ...core.tensor import Tensor
from ...numpy.arguments import axes_of, cast, operand
from ...rules.complex import conjugate
from ...rules.convolve_nd import convolve_nd, reversed_axes
from ..mirror import mirrors, refuse
from .contracting import convolve_along

__all__ = ["convolve", "convolve2d", "correlate", "correlate2d", "fftconvolve", "oaconvolve"]

_MODES = ("full", "same", "valid")
_BOUNDARIES = {"fill": "constant", "pad": "constant", "wrap": "wrap", "circular": "wrap",
               "symm": "symmetric", "symmetric": "symmetric"}  # fmt: skip


def _two(
    name: str, in1: Any, in2: Any, mode: Any, ndim: int | None = None, empty: bool = False
) -> tuple[Any, Any]:
    """The operands in one dtype, checked; whether they may be ``empty``."""
    x, y = operand(in1), operand(in2)
    if mode not in _MODES:
        raise refuse(name, "mode", mode, _MODES)
    if x.ndim != y.ndim or (ndim is not None and x.ndim != ndim):
        expected = "the same number of dimensions" if ndim is None else f"{ndim} dimensions each"
        raise ShapeError(
            f"{name}: in1 and in2 must have {expected}; their shapes are {x.shape} and {y.shape}. "
            "Reshape one, or use wengert.vmap for stacks"
        )
    if not empty and not (x.size and y.size):
        raise ShapeError(
            f"{name}: in1 and in2 cannot be empty; their shapes are {x.shape} and {y.shape}"
        )
    dtype = np.result_type(x.dtype, y.dtype)
    return cast(x, dtype), cast(y, dtype)


def _swapped(name: str, x: Any, y: Any, axes: Sequence[int]) -> bool:
    """Whether ``valid`` is where ``x`` lies within ``y``."""
    pairs = [(x.shape[i], y.shape[i]) for i in axes]
    if all(n >= k for n, k in pairs):
        return False
    if all(k >= n for n, k in pairs):
        return True
    raise ShapeError(
        f"{name}: for mode 'valid' one operand must be at least as long as the other along every "
        f"axis; the shapes are {x.shape} and {y.shape}"
    )


def _section(full: Any, starts: Sequence[int], lengths: Sequence[int]) -> Any:
    """A copy of a part of the full convolution."""
    stops = [i + n for i, n in zip(starts, lengths, strict=True)]
    if all(i == 0 for i in starts) and tuple(stops) == full.shape:
        return full
    return full[tuple(slice(i, j) for i, j in zip(starts, stops, strict=True))].copy()


def _direct(name: str, x: Any, y: Any, mode: str) -> Any:
    if mode == "valid":
        if _swapped(name, x, y, range(x.ndim)):
            x, y = y, x
        return convolve_nd(x, y, x.ndim, "valid")
    full = convolve_nd(x, y, x.ndim, "full")
    if mode == "full":
        return full
    return _section(full, [(k - 1) // 2 for k in y.shape], x.shape)


def convolve(
    in1: Any,
    in2: Any,
    mode: str = "full",
    method: str = "auto",
    *,
    axes: Any = None,
    dot_axes: Any = None,
) -> Any:
    """`scipy.signal.convolve` of two arrays with the same number of axes; linear in each.

    ``method`` is ``"direct"``, ``"fft"``, or ``"auto"`` for the one that SciPy expects to be faster
    for these shapes.

    ``axes`` and ``dot_axes`` are those of `autograd.scipy.signal.convolve`, pairs of axes of the
    first and of the second operand: convolve along the one, sum products along the other. The
    result has what is left of ``in1``, then of ``in2``, then the convolved axes.

    Raises
    ------
    ShapeError
        For different numbers of axes, empty operands, or ``"valid"`` where neither contains the
        other.
    WengertValueError
        For an unknown mode or method.
    """
    if axes is not None or dot_axes is not None:
        return convolve_along(in1, in2, axes, dot_axes, mode)
    return _convolve(in1, in2, mode, method)


@mirrors(scipy.signal.convolve, "scipy.signal.convolve")
def _convolve(in1: Any, in2: Any, mode: str = "full", method: str = "auto") -> Any:
    name = "scipy.signal.convolve"
    x, y = _two(name, in1, in2, mode)
    if method not in ("auto", "direct", "fft"):
        raise refuse(name, "method", method, ("auto", "direct", "fft"))
    if not x.ndim:
        return x * y
    if mode == "valid":
        _swapped(name, x, y, range(x.ndim))
    if method == "auto":
        # For floats the choice depends on shapes alone.
        zeros = [np.broadcast_to(np.zeros((), v.dtype), v.shape) for v in (x, y)]
        method = scipy.signal.choose_conv_method(*zeros, mode=mode)
    return _direct(name, x, y, mode) if method == "direct" else fftconvolve(x, y, mode)


@mirrors(scipy.signal.correlate, "scipy.signal.correlate")
def correlate(in1: Any, in2: Any, mode: str = "full", method: str = "auto") -> Any:
    """`scipy.signal.correlate`: the convolution of ``in1`` with the reversed conjugate of ``in2``.

    Raises what `convolve` raises.
    """
    x, y = _two("scipy.signal.correlate", in1, in2, mode)
    y = reversed_axes(conjugate(y), y.ndim)
    return convolve(x, y, mode, method)


@mirrors(scipy.signal.fftconvolve, "scipy.signal.fftconvolve")
def fftconvolve(in1: Any, in2: Any, mode: str = "full", axes: Any = None) -> Any:
    """`scipy.signal.fftconvolve`: along some axes, by FFTs; the others broadcast.

    Raises what `convolve` raises, but for empty operands: the result is then SciPy's, an empty
    array with one axis.
    """
    name = "scipy.signal.fftconvolve"
    x, y = _two(name, in1, in2, mode, empty=True)
    if not x.ndim:
        return x * y
    if not x.size or not y.size:
        return operand(np.zeros(0))
    along = axes_of(axes, x.ndim, "fftconvolve(axes)")
    if not along:
        raise WengertValueError(f"{name}: axes=() names no axis; leave axes out for all")
    along = tuple(i for i in along if x.shape[i] != 1 and y.shape[i] != 1)
    others = [i for i in range(x.ndim) if i not in along]
    if any(x.shape[i] != y.shape[i] and 1 not in (x.shape[i], y.shape[i]) for i in others):
        raise ShapeError(
            f"{name}: along the axes that are not convolved ({others}) the shapes {x.shape} and "
            f"{y.shape} do not broadcast; lengths must be equal or 1"
        )
    if mode == "valid" and _swapped(name, x, y, along):
        x, y = y, x
    full = _fft_product(x, y, along) if along else x * y
    if mode == "full":
        return full
    if mode == "same":
        lengths = x.shape
    else:
        lengths = tuple(
            x.shape[i] - y.shape[i] + 1 if i in along else n for i, n in enumerate(full.shape)
        )
    return _section(full, [(m - n) // 2 for m, n in zip(full.shape, lengths)], lengths)


def _fft_product(x: Any, y: Any, axes: tuple[int, ...]) -> Any:
    real = x.dtype.kind != "c"
    full: Any
    lengths = [x.shape[i] + y.shape[i] - 1 for i in axes]
    sizes = [scipy.fft.next_fast_len(n, real) for n in lengths]
    if real:
        spectrum = np.fft.rfftn(x, sizes, axes) * np.fft.rfftn(y, sizes, axes)
        full = np.fft.irfftn(spectrum, sizes, axes)
    else:
        full = np.fft.ifftn(np.fft.fftn(x, sizes, axes) * np.fft.fftn(y, sizes, axes), axes=axes)
    whole = list(full.shape)
    for i, n in zip(axes, lengths, strict=True):
        whole[i] = n
    return _section(full, [0] * full.ndim, whole)


@mirrors(scipy.signal.oaconvolve, "scipy.signal.oaconvolve")
def oaconvolve(in1: Any, in2: Any, mode: str = "full", axes: Any = None) -> Any:
    """`scipy.signal.oaconvolve`; on Tensors the same as `fftconvolve`, without overlap-add."""
    return fftconvolve(in1, in2, mode, axes)


# ------------------------------------------------------------------ two dimensions, with boundaries


def _bounded(
    name: str, in1: Any, in2: Any, mode: str, boundary: str, fillvalue: Any, middle: int
) -> Any:
    """``middle`` is 1 if of an even kernel the later one is the middle, as in correlations."""
    x, y = _two(name, in1, in2, mode, 2)
    if boundary not in _BOUNDARIES:
        raise refuse(name, "boundary", boundary, tuple(_BOUNDARIES))
    if mode == "valid":
        return _direct(name, x, y, mode)
    if isinstance(fillvalue, Tensor) or np.ndim(fillvalue):
        raise WengertValueError(f"{name}: fillvalue must be one plain number, not {fillvalue!r}")
    starts = [(k - 1 + middle) // 2 for k in y.shape]
    lengths = x.shape
    if mode == "full":
        starts, lengths = [0, 0], tuple(n + k - 1 for n, k in zip(x.shape, y.shape))
    if _BOUNDARIES[boundary] == "constant" and fillvalue == 0:
        return _section(convolve_nd(x, y, 2, "full"), starts, lengths)
    widths = [(k - 1, k - 1) for k in y.shape]
    options = {"constant_values": fillvalue} if _BOUNDARIES[boundary] == "constant" else {}
    padded = np.pad(x, widths, _BOUNDARIES[boundary], **options)  # type: ignore[call-overload]
    return _section(convolve_nd(padded, y, 2, "valid"), starts, lengths)


@mirrors(scipy.signal.convolve2d, "scipy.signal.convolve2d")
def convolve2d(
    in1: Any, in2: Any, mode: str = "full", boundary: str = "fill", fillvalue: Any = 0
) -> Any:
    """`scipy.signal.convolve2d`: of matrices, with a choice of what lies around the first.

    Raises what `convolve` raises, and WengertValueError for an unknown boundary or a fill value
    that is being differentiated.
    """
    return _bounded("scipy.signal.convolve2d", in1, in2, mode, boundary, fillvalue, 0)


@mirrors(scipy.signal.correlate2d, "scipy.signal.correlate2d")
def correlate2d(
    in1: Any, in2: Any, mode: str = "full", boundary: str = "fill", fillvalue: Any = 0
) -> Any:
    """`scipy.signal.correlate2d`; see `convolve2d`."""
    x, kernel = operand(in1), operand(in2)
    kernel = reversed_axes(conjugate(kernel), kernel.ndim)
    y = _bounded("scipy.signal.correlate2d", x, kernel, mode, boundary, fillvalue, 1)
    # Where SciPy exchanges the operands, it takes the conjugate of the other one.
    exchanged = mode == "valid" and any(n < k for n, k in zip(x.shape, kernel.shape))
    return conjugate(y) if exchanged else y
