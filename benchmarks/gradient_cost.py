"""The cost of a gradient, relative to its function.

``python -m benchmarks.gradient_cost`` times ``wengert.grad(f)(x)`` against ``f(x)`` in plain NumPy
for more than 30 programs on at least 10,000 elements each, interleaved in one process, and prints
the median over rounds of the ratio of the two. It exits with an error if one is above `LIMIT`.
Each gradient is compared with a directional difference first. Words select programs by name.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import wengert as wg

from .timing import interleave, timer

LIMIT = 4.0
Array = Any


@dataclass(frozen=True)
class Program:
    """A scalar function of one array, and where it is differentiated."""

    name: str
    function: Callable[[Array], Any]
    x: Array


_RNG = np.random.default_rng(0)
_N, _SIDE = 40_000, 200
_X = _RNG.uniform(0.5, 1.5, _N)
_DISTINCT = (_RNG.permutation(_N) + 0.5) / _N
_ROWS = 0.5 + (_RNG.permutation(_N) + 0.5).reshape(_SIDE, _SIDE) / _N
_NARROW = _RNG.normal(size=(10_000, 4))
_STACK = _RNG.normal(size=(2_500, 4, 4)) + 3 * np.eye(4)
_W = _RNG.normal(size=(_SIDE, _SIDE)) / 14
_TARGET = _RNG.normal(size=_N)
_LABELS = _RNG.integers(0, _SIDE, _SIDE)
_PLACES = _RNG.integers(0, _N, _N)
_BINS = _RNG.integers(0, 2_000, _N)
_KERNEL = _RNG.normal(size=25)
_KNOTS = np.linspace(0.0, 2.0, 60)
_VALUES = np.sin(_KNOTS * 3)
_POWERS = np.array([0.3, -1.2, 0.5, 0.9, -0.4])
_SPD = _ROWS @ _ROWS.T + 100 * np.eye(_SIDE)


def _rosenbrock(x: Array) -> Any:
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


def _logistic(x: Array) -> Any:
    z = _NARROW @ x[:4] + x[: len(_NARROW)]
    return np.sum(np.logaddexp(0.0, z) - 0.3 * z) + np.sum(x**2)


def _softmax(x: Array) -> Any:
    z = x - np.max(x, 1, keepdims=True)
    logs = z - np.log(np.sum(np.exp(z), 1, keepdims=True))
    return -np.mean(logs[np.arange(_SIDE), _LABELS])


def _layers(x: Array) -> Any:
    h = x
    for _ in range(3):
        h = np.tanh(h @ _W)
    return np.sum(h * h)


def _wave(u: Array) -> Any:
    """Ten steps of the heat equation on a grid."""
    for _ in range(10):
        inner = u[1:-1, 1:-1]
        inner = inner + 0.1 * (u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2] - 4 * inner)
        u = np.pad(inner, 1)
    return np.sum(u**2)


def _written(x: Array) -> Any:
    """Mutation: slices of a copy are overwritten."""
    y = x * 2.0
    for i in range(10):
        y[i::10] *= np.sin(y[i::10])
    return np.sum(y)


def _kernel(x: Array) -> Any:
    """A Gaussian kernel matrix of 320 points."""
    squares = np.sum(x**2, 1)
    return np.sum(np.exp(-0.05 * (squares[:, None] + squares - 2.0 * x @ x.T)))


def _nan_mean(x: Array) -> Any:
    return np.nanmean(np.where(_X > 1.4, np.nan, x) ** 2)


def _spectrum(x: Array) -> Any:
    z = np.fft.rfft(x)
    return np.sum(np.real(z) ** 2 + np.imag(z) ** 2) / _N


def _filter(x: Array) -> Any:
    return np.sum(np.abs(np.fft.ifft2(np.fft.fft2(x) * (_W > 0.0))) ** 2)


def _median(x: Array) -> Any:
    return np.sum(np.median(x, 1) * np.arange(float(_SIDE)))


PROGRAMS = [
    Program("sum of squares", lambda x: np.sum(x * x), _X),
    Program("polynomial", lambda x: np.sum(((x * 0.3 + 1.1) * x - 0.7) * x + 0.2), _X),
    Program("sin exp log", lambda x: np.sum(np.sin(x) * np.exp(-x) + np.log(x)), _X),
    Program("power", lambda x: np.sum(x**2.5), _X),
    Program("Rosenbrock", _rosenbrock, _X),
    Program("mean squared error", lambda x: np.mean((x * 1.7 - _TARGET) ** 2), _X),
    Program("logistic regression", _logistic, _X),
    Program("softmax cross entropy", _softmax, _ROWS),
    Program("three layers", _layers, _ROWS),
    Program("variance", lambda x: np.sum(np.var(x, 1)), _ROWS),
    Program("norms of rows", lambda x: np.sum(np.linalg.norm(x, axis=1)), _ROWS),
    Program("maximum of rows", lambda x: np.sum(np.max(x, 1)), _ROWS),
    Program("product of rows", lambda x: np.sum(np.prod(x, 1)), _ROWS),
    Program("sort", lambda x: np.sum(np.sort(x) * _TARGET), _DISTINCT),
    Program("median", _median, _ROWS),
    Program("running sum", lambda x: np.sum(np.cumsum(x) ** 2), _X),
    Program("running product", lambda x: np.sum(np.cumprod(x)), _X ** 0.01),
    Program("gather", lambda x: np.sum(x[_PLACES] ** 2), _X),
    Program("counts by weight", lambda x: np.sum(np.bincount(_BINS, x) ** 2), _X),
    Program("mutation", _written, _X),
    Program("where and clip", lambda x: np.sum(np.where(x > 1, x**2, np.clip(x, 0.6, 0.9))), _X),
    Program("means without NaN", _nan_mean, _X),
    Program("finite differences", lambda x: np.sum(np.gradient(x) ** 2 + np.diff(x, append=0.0)),
            _X),
    Program("interpolation", lambda x: np.sum(np.interp(x, _KNOTS, _VALUES) ** 2), _X),
    Program("convolution", lambda x: np.sum(np.convolve(x, _KERNEL, "same") ** 2), _X),
    Program("power spectrum", _spectrum, _X),
    Program("filter in two dimensions", _filter, _ROWS),
    Program("heat equation", _wave, _ROWS),
    Program("Gaussian kernel", _kernel, _ROWS),
    Program("einsum", lambda x: np.sum(
        np.einsum("ij,jk,kl->il", x, _W, x, optimize=True) ** 2), _ROWS),
    Program("solve and determinants", lambda x: np.sum(np.linalg.slogdet(x)[1])
            + np.sum(np.linalg.solve(x, _STACK[:, :, :1])), _STACK),
    Program("Cholesky", lambda x: np.sum(np.log(np.diagonal(np.linalg.cholesky(x)))), _SPD),
    Program("Horner", lambda x: np.sum(np.polyval(_POWERS, x)), _X),
    Program("correlation matrix", lambda x: np.sum(np.corrcoef(x) ** 2), _ROWS),
]  # fmt: skip
"""In the order of the table."""


def check(program: Program) -> None:
    """The gradient against a central difference in a random direction.

    Raises
    ------
    AssertionError
        If they differ.
    """
    x = program.x
    direction = np.random.default_rng(1).normal(size=x.shape)
    direction = direction + direction.T if program.name == "Cholesky" else direction
    step = 1e-6
    expected = (program.function(x + step * direction) - program.function(x - step * direction)) / (
        2 * step
    )
    found = np.sum(wg.grad(program.function)(x) * direction)
    np.testing.assert_allclose(found, expected, rtol=1e-3, err_msg=program.name)


def measure(programs: list[Program], rounds: int, burst: float) -> list[tuple[str, float, float]]:
    """For each program its name, the seconds of the function, and the ratio."""
    rows = []
    for program in programs:
        gradient = wg.grad(program.function)
        x = program.x.copy()
        x.flags.writeable = False  # so that neither side copies it
        contestants = {
            "function": timer(lambda f=program.function, x=x: f(x)),  # type: ignore[misc]
            "gradient": timer(lambda g=gradient, x=x: g(x)),  # type: ignore[misc]
        }
        times = interleave(contestants, rounds=rounds, burst=burst)
        rows.append((program.name, times.median("function"), times.ratio("gradient", "function")))
    return rows


def main(argv: list[str] | None = None) -> int:
    """Print the table; 1 if a ratio is above the limit."""
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m benchmarks.gradient_cost")
    parser.add_argument("words", nargs="*", help="only programs with one of these in the name")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--burst", type=float, default=0.02, help="seconds per side and round")
    arguments = parser.parse_args(argv)
    chosen = [
        p for p in PROGRAMS if not arguments.words or any(w in p.name for w in arguments.words)
    ]
    for program in chosen:
        check(program)
    rows = measure(chosen, arguments.rounds, arguments.burst)
    print(f"{'program':<28}{'function, us':>13}{'gradient / function':>21}")
    for name, seconds, ratio in rows:
        mark = "  above the limit" if ratio > LIMIT else ""
        print(f"{name:<28}{1e6 * seconds:>13.1f}{ratio:>21.2f}{mark}")
    above = sum(ratio > LIMIT for _, _, ratio in rows)
    print(f"{len(rows)} programs, {above} above {LIMIT:g}")
    return int(above > 0)


if __name__ == "__main__":
    raise SystemExit(main())
