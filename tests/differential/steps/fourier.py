"""Fourier transforms; operands and results are real."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.differential.steps.table import (
    GAP,
    Family,
    Parameters,
    one_axis,
    only_if,
    when,
)

fourier = Family("Fourier")


def _nonzero_spectrum(rng: np.random.Generator, x: np.ndarray) -> Parameters | None:
    found = one_axis(rng, x)
    if found is None or np.abs(np.fft.fft(x, **found)).min() < GAP:
        return None
    return found


@fourier.step("fft_power", 1, one_axis)
def _fft_power(xp: Any, x: Any, axis: int) -> Any:
    z = xp.fourier("fft", x, axis)
    return 0.1 * xp.real(z * xp.conj(z))


@fourier.step("fft_modulus", 1, _nonzero_spectrum)
def _fft_modulus(xp: Any, x: Any, axis: int) -> Any:
    return xp.abs(xp.fourier("fft", x, axis))


@fourier.step("ifft_imag", 1, one_axis)
def _ifft_imag(xp: Any, x: Any, axis: int) -> Any:
    return xp.imag(xp.fourier("ifft", x * x, axis)) + xp.real(xp.fourier("ifft", x, axis))


@fourier.step("rfft_filter", 1, one_axis)
def _rfft_filter(xp: Any, x: Any, axis: int) -> Any:
    """A filter in the frequency domain, of an axis of even length."""
    if x.shape[axis] % 2:
        x = xp.concatenate([x, x], axis=axis)
    z = xp.fourier("rfft", x, axis)
    return xp.fourier("irfft", z * z / (1.0 + xp.real(z * xp.conj(z))), axis)


_ONE_AXIS: dict[str, Callable[..., Any]] = {
    "fft_sin": lambda xp, x, axis: xp.imag(xp.fourier("fft", xp.sin(x), axis)),
    "fft_of_complex": lambda xp, x, axis: xp.real(xp.fourier("fft", x + 1j * x * x, axis)),
    "rfft_power": lambda xp, x, axis: 0.2 * xp.abs(xp.fourier("rfft", xp.cos(x), axis) + 5j) ** 2,
    "ihfft_real": lambda xp, x, axis: xp.real(xp.fourier("ihfft", x * x, axis)),
    "hfft": lambda xp, x, axis: xp.fourier("hfft", x + 0.5j * x * x, axis),
    "irfft": lambda xp, x, axis: xp.fourier("irfft", x + 1j * xp.sin(x), axis),
    "fftshift": lambda xp, x, axis: xp.fourier("fftshift", x, axis) * xp.sin(x),
    "ifftshift": lambda xp, x, axis: xp.fourier("ifftshift", x, axis) * xp.sin(x),
    "fft_padded": lambda xp, x, axis: xp.real(xp.fourier("fft", x, axis, n=5)) ** 2 * 0.1,
    "fft_cropped": lambda xp, x, axis: xp.imag(xp.fourier("ifft", x * x + 1j * x, axis, n=2)),
    "rfft_padded": lambda xp, x, axis: xp.abs(1 + xp.fourier("rfft", xp.tanh(x), axis, n=6) + 9j),
    "irfft_odd": lambda xp, x, axis: xp.fourier("irfft", x - 1j * x * x, axis, n=5),
    "fft_ortho": lambda xp, x, axis: xp.real(xp.fourier("fft", x, axis, norm="ortho")) ** 2,
    "ifft_forward": lambda xp, x, axis: xp.real(
        xp.fourier("ifft", x + 1j * x * x, axis, norm="forward")
    ),
}
for _name, _apply in _ONE_AXIS.items():
    _long = only_if(one_axis, lambda x, axis: (abs(x) < 5).all() & (x.shape[axis] > 1))
    fourier.add(_name, 1, _apply, _long)

_SEVERAL: dict[str, Callable[..., Any]] = {
    "fft2": lambda xp, x: 0.02 * xp.abs(xp.fourier_n("fft2", x) + 9j) ** 2,
    "ifft2": lambda xp, x: xp.imag(xp.fourier_n("ifft2", x + 1j * x * x)),
    "fftn": lambda xp, x: xp.real(xp.fourier_n("fftn", xp.sin(x)) * (1 + 2j)),
    "ifftn": lambda xp, x: xp.real(xp.fourier_n("ifftn", x + 1j * x * x)),
    "rfft2": lambda xp, x: 0.02 * xp.abs(xp.fourier_n("rfft2", x) + 9j) ** 2,
    "irfft2": lambda xp, x: xp.fourier_n("irfft2", x + 1j * x * x),
    "rfftn": lambda xp, x: xp.real(xp.fourier_n("rfftn", x) * (1 + 2j)),
    "spectral_derivative": lambda xp, x: xp.real(
        xp.fourier_n("ifft2", 1j * xp.fourier_n("fft2", xp.sin(x)))
    ),
    "spectral_convolution": lambda xp, x: xp.fourier_n(
        "irfft2", xp.fourier_n("rfft2", xp.sin(x)) * xp.fourier_n("rfft2", xp.cos(x))
    ),
}
for _name, _apply in _SEVERAL.items():
    fourier.add(
        _name,
        1,
        _apply,
        when(lambda x: x.ndim > 1 and min(x.shape) > 1 and np.abs(x).max() < 4),
    )
