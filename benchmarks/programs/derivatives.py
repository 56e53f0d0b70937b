"""Derivatives: Hessians, high orders, chains, and programs that are nothing but overhead."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.backends import Backend
from benchmarks.programs.base import DTYPES, Bar, Program, Step, chosen

__all__ = ["FAMILIES"]


def _called(f: Callable[..., Any], *names: Any) -> Callable[[Backend], Step]:
    """The step that calls what ``f(backend)`` gives on these arrays."""

    def make(lib: Backend) -> Step:
        compiled, arrays = lib.compile(f(lib)), [lib.array(a) for a in names]
        return lambda: lib.finish(compiled(*arrays))

    return make


def hessian(seed: int | None = None) -> Program:
    """Of sum log1p(exp(A x))."""
    rng = chosen("hessian", seed)
    n, m = (200, 50) if rng is None else (int(rng.integers(100, 400)), int(rng.integers(20, 90)))
    dtype = np.float64 if rng is None else rng.choice(DTYPES)
    a = np.random.default_rng(0).normal(size=(n, m)).astype(dtype)
    x = np.full(m, 0.01, dtype)

    def make(lib: Backend) -> Step:
        matrix, point = lib.array(a), lib.array(x)
        h = lib.compile(lib.hessian(lambda x: lib.sum(lib.log1p(lib.exp(matrix @ x)))))
        return lambda: lib.finish(h(point))

    def by_hand() -> Step:
        def step() -> Any:
            s = 1 / (1 + np.exp(-(a @ x)))
            return a.T @ (a * (s * (1 - s))[:, None])

        return step

    return Program(
        f"Hessian of sum log1p(exp(A x)), A {n} x {m}, {np.dtype(dtype)}", make,
        {"numpy": by_hand}, [Bar("jax", 2.5, 5)], steps=1,
        rtol=1e-3 if dtype == np.float32 else 1e-9, atol=1e-4 if dtype == np.float32 else 1e-12,
        without=("torch.compile",), flops=2.0 * n * m * m * dtype(0).itemsize / 4,
    )  # fmt: skip


def _fourth(key: str, size: int | None, bound: Bar, seed: int | None) -> Program:
    rng = chosen(key, seed)
    function, order, dtype = "tanh", 4, np.float64
    if rng is not None:
        function, order = str(rng.choice(("tanh", "sin", "sigmoid"))), int(rng.integers(3, 5))
        size = size and int(rng.integers(size // 4, size))
        dtype = rng.choice(DTYPES)
    x = np.array(0.7, dtype) if size is None else np.linspace(-2, 2, size, dtype=dtype)

    def make(lib: Backend) -> Step:
        d = lib.compile(lib.derivative(getattr(lib, function), order))
        point = lib.array(x)
        return lambda: lib.finish(d(point))

    return Program(
        f"Derivative {order} of {function}, {'a scalar' if size is None else f'{size:,} elements'}"
        + (", float32" if dtype == np.float32 else ""),
        make, {}, [bound], steps=1, without=("torch.compile",),
        rtol=1e-4 if dtype == np.float32 else 1e-8, atol=1e-4 if dtype == np.float32 else 1e-9,
    )  # fmt: skip


def tanh4(seed: int | None = None) -> Program:
    """Of a scalar."""
    return _fourth("tanh4", None, Bar("jax", 10, 50), seed)


def tanh4_array(seed: int | None = None) -> Program:
    """Of many elements."""
    return _fourth("tanh4_array", 1_000_000, Bar("jax", 3), seed)


def _regression(key: str, in_one: bool, seed: int | None) -> Program:
    rng = chosen(key, seed)
    n, iterations = (4, 20) if rng is None else (int(rng.integers(3, 20)), int(rng.integers(5, 40)))
    dtype = np.float64 if rng is None else rng.choice(DTYPES)
    x = np.linspace(1, 2, n, dtype=dtype)
    y = 2 * x

    def make(lib: Backend) -> Step:
        xs, ys, start = lib.array(x), lib.array(y), lib.array(np.array(0.0, dtype))
        gradient = lib.grad(lambda w: lib.mean((w * xs - ys) ** 2))

        def one(w: Any) -> Any:
            return w - 0.1 * gradient(w)

        def all_of_them(w: Any) -> Any:
            for _ in range(iterations):
                w = one(w)
            return w

        if in_one:
            run = lib.compile(all_of_them)
            return lambda: lib.finish(run(start))
        step = lib.compile(one)

        def steps() -> Any:
            w = start
            for _ in range(iterations):
                w = step(w)
            return lib.finish(w)

        return steps

    return Program(
        f"Linear regression, {n} points, {iterations} iterations, "
        f"{'one compiled loop' if in_one else 'compiled steps'}"
        + (", float32" if dtype == np.float32 else ""),
        make, {}, [Bar("pytorch", 10)], steps=1, rtol=1e-4 if dtype == np.float32 else 1e-10,
        without=("torch.compile",),
    )  # fmt: skip


def regression_loop(seed: int | None = None) -> Program:
    """All iterations in one function."""
    return _regression("regression_loop", True, seed)


def regression_steps(seed: int | None = None) -> Program:
    """One call for each."""
    return _regression("regression_steps", False, seed)


def chain(seed: int | None = None) -> Program:
    """Ten elementwise operations and their gradient."""
    rng = chosen("chain", seed)
    n = 1_000_000 if rng is None else int(rng.integers(200_000, 2_000_000))
    dtype = np.float64 if rng is None else rng.choice(DTYPES)
    x = np.random.default_rng(0).uniform(0.5, 1, n).astype(dtype)

    def f(lib: Backend) -> Callable[..., Any]:
        def inner(x: Any) -> Any:
            y = lib.sqrt(x * x + 1) * 0.5 + x
            y = y / (y * y + 2) - x * 0.25
            return lib.sum(y * y)

        return lib.grad(inner)

    def by_hand() -> Step:
        def step() -> Any:
            r = np.sqrt(x * x + 1)
            a = r * 0.5 + x
            d = a * a + 2
            y = a / d - x * 0.25
            gy = 2 * y
            ga = gy * (2 - a * a) / (d * d)
            return ga * (0.5 * x / r + 1) - 0.25 * gy

        return step

    return Program(
        f"Ten elementwise operations and their gradient, {n:,} elements, {np.dtype(dtype)}",
        _called(f, x), {"numpy": by_hand}, [Bar("numpy", 3)], steps=1, rtol=1e-4, atol=1e-6,
        bytes=2.0 * x.nbytes, least_fraction=0.7,
    )  # fmt: skip


def layer_norm(seed: int | None = None) -> Program:
    """Forward and backward."""
    rng = chosen("layer_norm", seed)
    n, m = (
        (4096, 512) if rng is None else (int(rng.integers(500, 5000)), int(rng.integers(60, 900)))
    )
    dtype = np.float32 if rng is None else rng.choice(DTYPES)
    data = np.random.default_rng(0)
    x = data.normal(size=(n, m)).astype(dtype)
    start = [x, np.ones(m, dtype), np.zeros(m, dtype)]

    def make(lib: Backend) -> Step:
        def value(p: Any) -> Any:
            return lib.sum(lib.square(lib.layer_norm(*p)))

        run = lib.compile(lib.value_and_grad(value))
        arrays = [lib.array(a) for a in start]
        return lambda: lib.finish(run(arrays))[1][1]

    return Program(
        f"Layer norm, forward and backward, {n} x {m}, {np.dtype(dtype)}", make, {},
        [Bar("jax", 3)],
        steps=1, rtol=1e-3, atol=1e-2, bytes=3.0 * x.nbytes,
    )  # fmt: skip


FAMILIES: dict[str, Callable[..., Program]] = {
    "hessian": hessian, "tanh4": tanh4, "tanh4_array": tanh4_array,
    "regression_loop": regression_loop, "regression_steps": regression_steps, "chain": chain,
    "layer_norm": layer_norm,
}  # fmt: skip
