"""Fourier transforms: options, errors, dtypes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import wengert as wg
import wengert.numpy as wnp

from .compare import assert_numpys, constant

X = np.random.default_rng(2).normal(size=(3, 4))
Z = X + 1j * X[::-1]


@pytest.mark.parametrize(
    "f",
    [
        np.fft.fft,
        lambda x: np.fft.fft(x, 6, 0, "ortho"),
        lambda x: np.fft.ifft(x, n=2, norm="forward"),
        np.fft.fft2,
        lambda x: np.fft.fftn(x, (5, 2), axes=(1, 0)),
        lambda x: np.fft.ifftn(x, (5, -1), axes=(1, 0)),
        lambda x: np.fft.fftn(x, axes=()),
        lambda x: np.fft.irfftn(x, axes=(0,), norm="ortho"),
        lambda x: np.fft.irfft2(x, (3, 4)),
        lambda x: np.fft.hfft(x, 5),
        np.fft.fftshift,
        lambda x: np.fft.ifftshift(x, -1),
    ],
)
def test_values_and_dtypes(f: Any) -> None:
    for x in (X, X.astype(np.float32), Z, Z.astype(np.complex64), X[::-1, ::2], X[:, :1]):
        assert_numpys(f, x, rtol=1e-6 if x.dtype.itemsize == 4 or x.dtype == "c8" else 1e-13)
    integers = np.arange(12).reshape(3, 4)
    assert_numpys(f, integers, record=False, rtol=1e-13)


@pytest.mark.parametrize("f", [np.fft.rfft, np.fft.ihfft, np.fft.rfft2, np.fft.rfftn])
def test_real_transforms(f: Any) -> None:
    for x in (X, X.astype(np.float32), X.T, X[:, :1]):
        assert_numpys(f, x, rtol=1e-6 if x.dtype == np.float32 else 1e-13)


def test_out_and_namespaces() -> None:
    assert wnp.fft.fft is np.fft.fft
    out = np.zeros_like(constant(Z))
    assert np.fft.fft(wg.Tensor(X, True), out=out) is out
    np.testing.assert_allclose(out.detach().array, np.fft.fft(X))
    with pytest.raises(wg.MutationError, match="fft"):
        np.fft.fft(wg.Tensor(X, True), out=np.zeros((3, 4), complex))


def test_errors() -> None:
    t, z = wg.Tensor(X, True), wg.Tensor(Z, True)
    number = wg.Tensor(1.0, True)
    for f, error, message in (
        (lambda: np.fft.fft(t, 0), ValueError, r"np\.fft\.fft: Invalid number of FFT .* \(0\)"),
        (lambda: np.fft.fft(t[:, :0]), ValueError, "Invalid number"),
        (lambda: np.fft.irfft(t[:, :1]), ValueError, r"np\.fft\.irfft: Invalid number"),
        (lambda: np.fft.fft(t, norm="no"), ValueError, "Invalid norm value no"),
        (lambda: np.fft.fft(t, axis=2), np.exceptions.AxisError, "axis 2"),
        (lambda: np.fft.fft(number), wg.ShapeError, "at least one dimension"),
        (lambda: np.fft.rfft(z), wg.WengertTypeError, r"np\.fft\.rfft: .* real .*np\.real"),
        (lambda: np.fft.ihfft(z), wg.WengertTypeError, r"np\.fft\.ihfft: .* real"),
        (lambda: np.fft.rfftn(z), wg.WengertTypeError, r"np\.fft\.rfftn: .* real"),
        (lambda: np.fft.fftn(t, (2, 3), axes=(0,)), wg.ShapeError, "different lengths"),
        (lambda: np.fft.rfftn(t, axes=()), wg.ShapeError, "no axis"),
        (lambda: np.fft.fftshift(t, axes=3), np.exceptions.AxisError, "axis 3"),
    ):
        with pytest.raises(error, match=message):
            f()
    with pytest.warns(DeprecationWarning, match="axes"):
        np.fft.fftn(t, (2, 3))


def test_gradient_of_the_power_is_parsevals() -> None:
    """The energy of the spectrum is n times that of the signal."""
    gradient = wg.grad(lambda x: np.sum(np.abs(np.fft.fft(x)) ** 2))(X)
    np.testing.assert_allclose(gradient, 2 * X.shape[1] * X)
