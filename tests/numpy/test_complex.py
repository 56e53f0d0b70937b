"""Complex parts, modulus and phase: values, views, and the convention of the gradient."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import wengert as wg

from .compare import assert_numpys, constant, plain

RNG = np.random.default_rng(5)
Z = RNG.normal(size=(3, 4)) + 1j * RNG.normal(size=(3, 4))
X = RNG.normal(size=(3, 4))


@pytest.mark.parametrize(
    "z", [Z, Z.astype(np.complex64), X, np.array(1 + 2j), np.array(0j)], ids=str
)
def test_values(z: Any) -> None:
    for f in (
        np.real,
        np.imag,
        np.conj,
        np.conjugate,
        np.abs,
        abs,
        np.sign,
        np.angle,
        lambda z: np.angle(z, deg=True),
        lambda z: z.real,
        lambda z: z.imag,
        lambda z: z.conj(),
        lambda z: z.conjugate(),
        np.iscomplex,
        np.isreal,
    ):
        assert_numpys(f, z, rtol=1e-6 if z.dtype == np.complex64 else 1e-14)
    assert np.iscomplexobj(constant(z)) == np.iscomplexobj(z)
    assert np.isrealobj(constant(z)) == np.isrealobj(z)


def test_special_values() -> None:
    z = np.array([np.nan + 0j, np.inf + 1j, -0.0 + 0j, 0 - 0j, 1e-320 + 0j, 1e200 + 1e200j])
    for f in (np.abs, np.conj, np.real, np.imag, np.angle):
        assert_numpys(f, z)


def test_real_if_close() -> None:
    close = X + 1e-17j
    assert_numpys(np.real_if_close, close, record=False)
    assert_numpys(np.real_if_close, Z, record=False)
    assert_numpys(lambda z: np.real_if_close(z, tol=1e-3), X + 1e-4j, record=False)
    with pytest.raises(wg.AbstractValueError, match="real_if_close"):
        wg.vmap(np.real_if_close)(Z)


def test_the_gradient_of_a_real_function() -> None:
    """df/da - i df/db, as JAX and autograd return it."""
    z = 0.5 - 1.5j
    f_and_gradients: list[tuple[Any, complex]] = [
        (np.real, 1),
        (np.imag, -1j),
        (lambda z: np.abs(z) ** 2, 2 * np.conj(z)),
        (np.abs, np.conj(z) / abs(z)),
        (np.angle, -1j / z),
        (lambda z: np.real(z * z), 2 * z),
        (lambda z: np.real(np.conj(z)), 1),
        (lambda z: np.imag(np.conj(z) * 2), 2j),
        (lambda z: np.real(np.sign(z)), None),
    ]  # fmt: skip
    h = 1e-6
    for f, expected in f_and_gradients:
        gradient = wg.grad(f)(z)
        numeric = (f(z + h) - f(z - h)) / (2 * h) - 1j * (f(z + 1j * h) - f(z - 1j * h)) / (2 * h)
        np.testing.assert_allclose(gradient, numeric, rtol=1e-7, atol=1e-8)
        if expected is not None:
            np.testing.assert_allclose(gradient, expected, rtol=1e-14)


def test_kinks_at_zero() -> None:
    for f in (np.abs, lambda z: np.real(np.sign(z)), lambda z: np.abs(z) * 2 + np.imag(np.sign(z))):
        assert wg.grad(f)(0j) == 0
        assert wg.jvp(f, (0j,), (1 + 1j,))[1] == 0
    second = wg.jvp(wg.grad(np.abs), (0j,), (1 + 1j,))[1]
    assert np.isfinite(second)


def test_a_real_argument_gets_a_real_gradient() -> None:
    for f in (
        lambda x: np.real(x * (1 + 2j)),
        lambda x: np.imag(np.exp(1j * x)),
        lambda x: np.abs(x + 1j),
        lambda x: np.real(x.astype(complex) * 1j * x),
    ):
        g = wg.grad(f)(0.7)
        assert g.dtype == np.float64
        np.testing.assert_allclose(
            g, (f(np.float64(0.7 + 1e-6)) - f(np.float64(0.7 - 1e-6))) / 2e-6, atol=1e-9
        )


def test_a_complex_number_cast_to_a_real_one() -> None:
    """The imaginary part is lost before what follows can turn it into a real one."""

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", np.exceptions.ComplexWarning)
        gradient = wg.grad(lambda z: np.real(z.astype(float) * 1j * 1j))(np.complex128(1 + 2j))
    assert gradient == -1


def test_parts_are_views() -> None:
    def write(z: Any) -> Any:
        w = z * 1.0
        w.real[0] = 5.0
        w.imag = 2.0
        part = w.imag
        w[1] = 3 - 4j
        w.real *= 2.0
        return w, part * 1.0, np.real(w).T[1]

    expected = write(Z)
    for found in (
        write(constant(Z)),
        write(wg.Tensor(Z, True)),
        wg.jvp(write, (Z,), (Z,))[0],
        [y[0] for y in wg.vmap(write)(Z[None])],
    ):
        for y, wanted in zip(found, expected, strict=True):
            np.testing.assert_array_equal(plain(y), wanted)


def test_the_imaginary_part_of_a_real_tensor() -> None:
    t = constant(X)
    with pytest.raises(ValueError, match="read-only"):
        t.imag[0] = 1.0
    with pytest.raises(TypeError, match="imaginary"):
        t.imag = 1.0
    assert np.real(t) is t
    t.real = 2.0
    assert np.all(t.array == 2.0)
    with pytest.raises(wg.WengertTypeError, match="complex"):
        constant(Z).real[0] = 1j * constant(Z[0])
