"""More steps of random programs: writes into arrays, complex intermediate values, and FFTs.

Operands and results are real, as all values of a program; complex numbers live inside a step. What
a library spells in its own way is a method of the namespace: ``write(x, index, value, how)`` gives
a copy of x written to, ``fourier(name, x, axis)`` a transform.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.differential.operations import GAP, Parameters, _add, _broadcast, _when, operation

# ------------------------------------------------------------------ writes

HOW = ("set", "add", "multiply")


def _place(rng: np.random.Generator, x: np.ndarray) -> Any:
    """A slice, rows by number (with duplicates), or pairs of rows and columns."""
    n = x.shape[0]
    kind = rng.integers(4 if x.ndim > 1 else 3)
    if kind == 0:
        return slice(None, None, 2)
    if kind == 1:
        return slice(int(rng.integers(0, n)), None)
    rows = rng.integers(0, n, int(rng.integers(1, 4)))
    return (rows,) if kind == 2 else (rows, rng.integers(0, x.shape[1], len(rows)))


def _write_parameters(rng: np.random.Generator, x: np.ndarray, y: np.ndarray) -> Parameters | None:
    if x.ndim == 0 or not x.size:
        return None
    index = _place(rng, x)
    region = x[index].shape
    try:
        fits = np.broadcast_shapes(region, y.shape) == region
    except ValueError:
        return None
    how = HOW[rng.integers(len(HOW))]
    unique = isinstance(index, slice) or len(set(zip(*[i.tolist() for i in index]))) == len(
        index[0]
    )
    # Which of duplicate writes wins, and products of duplicates, are not the same everywhere.
    return {"index": index, "how": how} if fits and (unique or how == "add") else None


@operation("write", 2, _write_parameters)
def _write(xp: Any, x: Any, y: Any, index: Any, how: str) -> Any:
    return xp.write(x, index, y, how)


def _mask_parameters(rng: np.random.Generator, x: np.ndarray) -> Parameters | None:
    if x.ndim == 0:
        return None
    mask = rng.integers(0, 2, x.shape).astype(bool)
    return {"mask": mask, "how": HOW[rng.integers(len(HOW))]}


@operation("write_masked", 1, _mask_parameters)
def _write_masked(xp: Any, x: Any, mask: Any, how: str) -> Any:
    return xp.write(x, xp.constant(mask), 0.5, how)


@operation("write_through_transpose", 1, _when(lambda x: x.ndim == 2 and x.shape[0] > 1))
def _write_through_transpose(xp: Any, x: Any) -> Any:
    """The first column of x, as a row of its transpose, is multiplied; x itself is returned."""
    return xp.write(x, (slice(None), 0), xp.sin(x[:, -1]), "multiply", True)


@operation("recurrence", 1, _when(lambda x: x.ndim == 1 and x.size > 1))
def _recurrence(xp: Any, x: Any) -> Any:
    """Each element is made of the one before, which has just been written."""
    for i in range(1, x.shape[0]):
        x = xp.write(x, i, xp.tanh(x[i - 1]), "add")
    return x


# ------------------------------------------------------------------ complex numbers inside

_COMPLEX: dict[str, tuple[Any, Any]] = {
    "complex_exp": (lambda xp, x, y: xp.real(xp.exp(x + 1j * y)), lambda x, y: abs(x) < 3),
    "complex_product": (
        lambda xp, x, y: xp.imag((x + 1j * y) * (y - 2j * x)),
        lambda x, y: abs(x) + abs(y) < 5,
    ),
    "complex_quotient": (
        lambda xp, x, y: xp.real((x - 1j) / (y + 2j + x * 1j)),
        lambda x, y: abs(x + 2) + abs(y) > 0.5,
    ),
    "complex_modulus": (
        lambda xp, x, y: xp.abs(x + 1j * y),
        lambda x, y: abs(x) + abs(y) > 0.3,
    ),
    "complex_angle": (
        lambda xp, x, y: xp.angle((x * x + 1.0) + 1j * y),
        lambda x, y: abs(x) < 5,
    ),
    "complex_sqrt": (
        lambda xp, x, y: xp.imag(xp.sqrt(x * x + 0.5 + 1j * y)),
        lambda x, y: abs(x) + abs(y) < 5,
    ),
    "complex_log": (lambda xp, x, y: xp.real(xp.log(x * x + 0.5 + 1j * y)), lambda x, y: True),
    "complex_sin": (
        lambda xp, x, y: xp.real(xp.sin(x + 1j * y) * xp.conj(x + 1j * y)),
        lambda x, y: abs(y) < 2,
    ),
    "complex_tanh": (
        lambda xp, x, y: xp.imag(xp.tanh(x + 0.3j * y)),
        lambda x, y: abs(y) < 2,
    ),
}


def _complex_operands(domain: Any) -> Any:
    return _when(lambda x, y: x.ndim > 0 and _broadcast(x, y) and np.all(domain(x, y)))


for _name, (_apply, _domain) in _COMPLEX.items():
    _add(_name, 2, _apply, _complex_operands(_domain))


# ------------------------------------------------------------------ Fourier transforms


def _axis(rng: np.random.Generator, x: np.ndarray) -> Parameters | None:
    return {"axis": int(rng.integers(-x.ndim, x.ndim))} if x.ndim else None


def _nonzero_spectrum(rng: np.random.Generator, x: np.ndarray) -> Parameters | None:
    found = _axis(rng, x)
    if found is None or np.abs(np.fft.fft(x, **found)).min() < GAP:
        return None
    return found


@operation("fft_power", 1, _axis)
def _fft_power(xp: Any, x: Any, axis: int) -> Any:
    z = xp.fourier("fft", x, axis)
    return 0.1 * xp.real(z * xp.conj(z))


@operation("fft_modulus", 1, _nonzero_spectrum)
def _fft_modulus(xp: Any, x: Any, axis: int) -> Any:
    return xp.abs(xp.fourier("fft", x, axis))


@operation("ifft_imag", 1, _axis)
def _ifft_imag(xp: Any, x: Any, axis: int) -> Any:
    return xp.imag(xp.fourier("ifft", x * x, axis)) + xp.real(xp.fourier("ifft", x, axis))


@operation("rfft_filter", 1, _axis)
def _rfft_filter(xp: Any, x: Any, axis: int) -> Any:
    """A filter in the frequency domain, of an axis of even length."""
    if x.shape[axis] % 2:
        x = xp.concatenate([x, x], axis=axis)
    z = xp.fourier("rfft", x, axis)
    return xp.fourier("irfft", z * z / (1.0 + xp.real(z * xp.conj(z))), axis)
