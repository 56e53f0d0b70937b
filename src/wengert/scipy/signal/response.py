"""The response of filters to frequencies."""

from __future__ import annotations

from math import pi
from typing import Any

import numpy as np
import scipy.signal

from ...core.errors import ShapeError
from ...numpy.arguments import cast, concrete, floating, operand
from ..mirror import mirrors, refuse
from .filtering import coefficients
from .sections import sections_of

__all__ = ["freqz", "freqz_sos", "sosfreqz"]


def _angles(
    name: str, worN: Any, whole: bool, fs: Any, include_nyquist: bool, dtype: Any
) -> tuple[Any, float]:
    """The frequencies as angles, real of the precision of ``dtype``; and the rate of a turn."""
    dtype = np.empty(0, dtype).real.dtype
    turn = float(concrete(fs, f"{name}(fs)"))
    if worN is None or isinstance(worN, int | np.integer):
        count = 512 if worN is None else int(worN)
        last = 2 * pi if whole else pi
        return np.linspace(0, last, count, include_nyquist and not whole, dtype=dtype), turn
    w = np.atleast_1d(floating(operand(worN)))
    if w.ndim != 1 or w.dtype.kind == "c":
        raise ShapeError(
            f"{name}: worN has shape {w.shape} and dtype {w.dtype}; expected a number of "
            "frequencies, or a vector of them"
        )
    return cast(w, dtype) * (2 * pi / turn), turn


def _polynomial(c: Any, w: Any) -> Any:
    """``sum_k c[k] exp(-1j w k)``."""
    powers = np.arange(c.shape[0]).astype(w.dtype)
    return np.matmul(np.exp(-1j * np.multiply.outer(w, powers)), c + 0j)


@mirrors(scipy.signal.freqz, "scipy.signal.freqz")
def freqz(
    b: Any,
    a: Any = 1,
    worN: Any = 512,
    whole: bool = False,
    plot: Any = None,
    fs: Any = 2 * pi,
    include_nyquist: bool = False,
) -> tuple[Any, Any]:
    """`scipy.signal.freqz`: the response of the filter ``b / a``, complex.

    Differentiable in the coefficients, and in the frequencies if ``worN`` is a vector of them.

    Returns
    -------
    w : array (n,)
        The frequencies, in the units of ``fs``.
    h : array (n,)

    Raises
    ------
    NoRuleError
        With ``plot``.
    ShapeError
        If ``b``, ``a`` or ``worN`` has more than one dimension.
    """
    name = "scipy.signal.freqz"
    if plot is not None:
        raise refuse(name, "plot", plot, (), "plot what is returned")
    b, a = coefficients(name, "b", b), coefficients(name, "a", a)
    dtype = np.result_type(b.dtype, a.dtype)
    w, turn = _angles(name, worN, whole, fs, include_nyquist, dtype)
    return w * (turn / (2 * pi)), _polynomial(b, w) / _polynomial(a, w)


# SciPy has the newer name since version 1.15.
@mirrors(getattr(scipy.signal, "freqz_sos", scipy.signal.sosfreqz), "scipy.signal.freqz_sos")
def freqz_sos(sos: Any, worN: Any = 512, whole: bool = False, fs: Any = 2 * pi) -> tuple[Any, Any]:
    """`scipy.signal.freqz_sos`: the response of sections of second order; see `freqz`."""
    name = "scipy.signal.freqz_sos"
    sections = sections_of(name, sos)
    w, turn = _angles(name, worN, whole, fs, False, sections.dtype)
    h: Any = 1.0
    for row in sections:
        h = h * (_polynomial(row[:3], w) / _polynomial(row[3:], w))
    return w * (turn / (2 * pi)), h


@mirrors(scipy.signal.sosfreqz, "scipy.signal.sosfreqz")
def sosfreqz(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
    """`scipy.signal.sosfreqz`: the older name of `freqz_sos`."""
    found: tuple[Any, Any] = freqz_sos(*args, **kwargs)
    return found
