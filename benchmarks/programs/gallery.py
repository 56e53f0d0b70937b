"""Further programs: value and gradient of functions that nobody had in mind for the compiler.

Each is a function of a backend, of parameters and of data. The bar is the same for all: equal
results, and no slower than JAX.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from benchmarks.backends import Backend
from benchmarks.programs.base import ACTIVATIONS, DTYPES, Bar, Program, Step, chosen

__all__ = ["GALLERY", "gallery"]

Loss = Callable[..., Any]
_SMALLEST = 5  # of the sizes that variants draw; what is smaller belongs to the problem


class _Collection:
    """The programs, with their own sizes or with others that are drawn for a seed."""

    def __init__(self, seed: int | None) -> None:
        self.programs: dict[str, Program] = {}
        self._rng = chosen("gallery", seed)
        self._drawn: list[str] = []

    def arrays(self, dtype: Any, *shapes: tuple[int, ...]) -> list[np.ndarray]:
        """Normal numbers; matrices are divided by the root of their inputs.

        Of a variant, all sizes that are equal are replaced by the same number.
        """
        rng = np.random.default_rng(sum(map(len, shapes)))
        if self._rng is not None:
            dtype = self._rng.choice(DTYPES)
            found = {n: self._size(n) for n in sorted({n for shape in shapes for n in shape})}
            shapes = tuple(tuple(found[n] for n in shape) for shape in shapes)
            self._drawn.append(" ".join(f"{n}" for k, n in found.items() if k >= _SMALLEST))
        arrays = []
        for shape in shapes:
            scale = shape[-2] ** -0.5 if len(shape) > 1 else 0.1
            arrays.append((scale * rng.normal(size=shape)).astype(dtype))
        return arrays

    def _size(self, n: int) -> int:
        assert self._rng is not None
        return n if n < _SMALLEST else int(self._rng.integers(n // 2 + 1, n + n // 2 + 1))

    def depth(self, times: int) -> int:
        """How often something is repeated."""
        if self._rng is None:
            return times
        times = int(self._rng.integers(times // 2 + 1, times + times // 2 + 1))
        self._drawn.append(f"{times} times")
        return times

    def activation(self, name: str) -> str:
        """An activation function's name."""
        if self._rng is None:
            return name
        self._drawn.append(name := str(self._rng.choice(ACTIVATIONS)))
        return name

    def add(self, title: str, loss: Loss, parameters: Sequence[Any], *data: Any) -> None:
        """Take up a function of a backend, of parameters and data."""
        self.add_program(
            title, _gradient(loss, parameters, data), parameters[0].dtype,
            rtol=(2e-3, 1e-8), atol=(2e-4, 1e-9),
        )  # fmt: skip

    def add_program(
        self, title: str, make: Callable[[Backend], Step], dtype: Any,
        rtol: tuple[float, float], atol: tuple[float, float],
    ) -> None:  # fmt: skip
        """Take up what makes a step; tolerances for float32 and float64."""
        double = int(dtype == np.float64)
        drawn = f" (drawn: {', '.join(self._drawn)})" if self._drawn else ""
        self._drawn.clear()
        self.programs[title] = Program(
            f"{title}, {dtype}{drawn}",
            make,
            bars=[Bar("jax", 1, 2)],
            steps=1,
            rtol=rtol[double],
            atol=atol[double],
            without=("autograd", "pytorch", "torch.compile"),
        )


def _gradient(loss: Loss, parameters: Sequence[Any], data: Sequence[Any]) -> Callable[..., Step]:
    def make(lib: Backend) -> Step:
        p, d = [lib.array(a) for a in parameters], [lib.array(a) for a in data]
        run = lib.compile(lib.value_and_grad(lambda p, *d: loss(lib, p, *d)))
        return lambda: lib.finish(run(p, *d))

    return make


# ------------------------------------------------------------------ networks


def _labels(x: Any, weights: Any) -> Any:
    """One of as many classes as the weights have columns for each row."""
    return np.random.default_rng(5).integers(0, weights.shape[1], len(x))


def _residual(act: str) -> Loss:
    def loss(lib: Backend, p: Any, x: Any, y: Any) -> Any:
        for i in range(1, len(p), 2):
            x = x + getattr(lib, act)(x @ p[i]) @ p[i + 1]
        return lib.cross_entropy(x @ p[0], y)

    return loss


def _networks(c: _Collection) -> None:
    x, *p = c.arrays("f4", (64, 96), (96, 10), *[(96, 128), (128, 96)] * c.depth(2))
    c.add("residual net, gelu", _residual(c.activation("gelu")), p, x, _labels(x, p[0]))
    x, *p = c.arrays("f8", (31, 37), (37, 7), *[(37, 41), (41, 37)] * c.depth(1))
    c.add(
        "residual net, tanh, prime sizes", _residual(c.activation("tanh")), p, x, _labels(x, p[0])
    )

    act = c.activation("gelu")

    def normed(lib: Backend, p: Any, x: Any, y: Any) -> Any:
        h = lib.layer_norm(getattr(lib, act)(x @ p[0] + p[1]), p[2], p[3])
        return lib.cross_entropy(h @ p[4], y)

    x, *p = c.arrays("f4", (128, 64), (64, 256), (256,), (256,), (256,), (256, 10))
    c.add("layer norm net", normed, p, x, _labels(x, p[4]))

    norm_act = c.activation("relu")

    def batch_norm(lib: Backend, p: Any, x: Any, y: Any) -> Any:
        h = x @ p[0]
        d = h - lib.mean(h, axis=0)
        d = d / lib.sqrt(lib.mean(d * d, axis=0) + 1e-5)
        h = getattr(lib, norm_act)(d * p[1] + p[2])
        return lib.cross_entropy(h @ p[3], y)

    x, *p = c.arrays("f4", (256, 64), (64, 128), (128,), (128,), (128, 10))
    c.add("batch norm net", batch_norm, p, x, _labels(x, p[3]))
    x, *p = c.arrays("f4", (20_000, 64), (64, 32), (32,), (32,), (32, 10))
    c.add("batch norm net, full batch", batch_norm, p, x, _labels(x, p[3]))

    def autoencoder(lib: Backend, p: Any, x: Any) -> Any:
        h = lib.sigmoid(lib.sigmoid(x @ p[0] + p[1]) @ p[2] + p[3])
        return lib.mean(lib.square(h @ p[4] + p[5] - x))

    x, *p = c.arrays("f4", (100, 101), (101, 53), (53,), (53, 97), (97,), (97, 101), (101,))
    c.add("autoencoder, odd sizes", autoencoder, p, x)

    deep_act = c.activation("tanh")

    def deep(lib: Backend, p: Any, x: Any) -> Any:
        for w in p:
            x = getattr(lib, deep_act)(x @ w)
        return lib.sum(x * x)

    x, *p = c.arrays("f4", (32, 64), *[(64, 64)] * c.depth(12))
    c.add("twelve layers", deep, p, x)

    def mixture(lib: Backend, p: Any, x: Any) -> Any:
        gate = lib.softmax(x @ p[0])
        experts = [lib.tanh(x @ p[1 + i]) for i in range(3)]
        return lib.mean(lib.square(sum(gate[:, i : i + 1] * e for i, e in enumerate(experts))))

    x, *p = c.arrays("f4", (128, 50), (50, 3), (50, 40), (50, 40), (50, 40))
    c.add("mixture of experts", mixture, p, x)


# ------------------------------------------------------------------ sequences


def _sequences(c: _Collection) -> None:
    def attention(lib: Backend, p: Any, x: Any) -> Any:
        q, k, v = (x @ w for w in p[:3])
        weights = lib.softmax(q @ lib.swap(k) * 0.125)
        return lib.mean(lib.square(weights @ v @ p[3]))

    x, *p = c.arrays("f4", (128, 64), *[(64, 64)] * 4)
    c.add("attention, one head", attention, p, x)
    x, *p = c.arrays("f4", (8, 47, 32), *[(32, 32)] * 4)
    c.add("attention, batched", attention, p, x)
    x, *p = c.arrays("f8", (512, 32), *[(32, 32)] * 4)
    c.add("attention, 512 places", attention, p, x)

    def transformer(lib: Backend, p: Any, x: Any) -> Any:
        h = lib.layer_norm(x, p[8], p[9])
        q, k, v = (h @ w for w in p[:3])
        x = x + lib.softmax(q @ lib.swap(k) * 0.2) @ v @ p[3]
        h = lib.layer_norm(x, p[8], p[9])
        x = x + lib.gelu(h @ p[4] + p[5]) @ p[6] + p[7]
        return lib.mean(lib.square(x))

    x, *p = c.arrays("f4", (4, 40, 48), *[(48, 48)] * 4, (48, 96), (96,), (96, 48), (48,), (48,),
                    (48,))  # fmt: skip
    c.add("transformer block", transformer, p, x)

    def recurrent(lib: Backend, p: Any, x: Any) -> Any:
        h = x[0] @ p[0] * 0
        for t in range(x.shape[0]):
            h = lib.tanh(x[t] @ p[0] + h @ p[1] + p[2])
        return lib.sum(lib.square(h @ p[3]))

    x, *p = c.arrays("f4", (20, 16, 24), (24, 48), (48, 48), (48,), (48, 5))
    c.add("recurrent net, 20 steps", recurrent, p, x)

    def gated(lib: Backend, p: Any, x: Any) -> Any:
        h = x[0] @ p[0] * 0
        for t in range(x.shape[0]):
            z = lib.sigmoid(x[t] @ p[0] + h @ p[1])
            r = lib.sigmoid(x[t] @ p[2] + h @ p[3])
            h = (1 - z) * h + z * lib.tanh(x[t] @ p[4] + (r * h) @ p[5])
        return lib.mean(lib.square(h))

    x, *p = c.arrays("f4", (10, 32, 20), *[(20, 40), (40, 40)] * 3)
    c.add("gated recurrent unit, 10 steps", gated, p, x)

    def differences(lib: Backend, p: Any, x: Any) -> Any:
        y = lib.cumsum(p[0] * x, 0)
        return lib.sum(lib.square(y[1:] - y[:-1] - 0.1 * y[1:] * y[:-1]))

    x, *p = c.arrays("f8", (997,), (997,))
    c.add("cumulative sums and differences", differences, p, x)


# ------------------------------------------------------------------ statistics


def _statistics(c: _Collection) -> None:
    def logistic(lib: Backend, p: Any, x: Any, y: Any) -> Any:
        z = x @ p[0] + p[1]
        return lib.mean(lib.softplus(z) - y * z) + 0.01 * lib.sum(p[0] * p[0])

    x, *p = c.arrays("f8", (1000, 30), (30,), (1,))
    y = (np.random.default_rng(1).random(len(x)) < 0.5).astype(x.dtype)
    c.add("logistic regression", logistic, p, x, y)
    x, *p = c.arrays("f4", (5003, 61), (61,), (1,))
    y = (np.random.default_rng(1).random(len(x)) < 0.5).astype(x.dtype)
    c.add("logistic regression, prime sizes", logistic, p, x, y)

    def poisson(lib: Backend, p: Any, x: Any, y: Any) -> Any:
        eta = x @ p[0]
        return lib.mean(lib.exp(eta) - y * eta)

    x, *p = c.arrays("f8", (2000, 20), (20,))
    y = np.random.default_rng(1).poisson(1.0, len(x)).astype(x.dtype)
    c.add("Poisson regression", poisson, p, x, y)

    def kernel(lib: Backend, p: Any, x: Any) -> Any:
        s = x * p[0]
        squares = lib.sum(s * s, axis=1)
        distances = squares[:, None] + squares[None, :] - 2 * (s @ lib.swap(s))
        return lib.exp(-0.5 * distances) * p[1]

    def kernel_sum(lib: Backend, p: Any, x: Any) -> Any:
        return lib.mean(lib.square(kernel(lib, p, x) @ p[2]))

    x, *p = c.arrays("f8", (300, 5), (5,), (1,), (300,))
    c.add("RBF kernel, by products", kernel_sum, p, x)

    def direct(lib: Backend, p: Any, x: Any) -> Any:
        d = (x[:, None, :] - p[0][None, :, :]) * p[1]
        return lib.mean(lib.exp(-0.5 * lib.sum(d * d, axis=-1)) @ p[2])

    x, *p = c.arrays("f8", (200, 3), (101, 3), (3,), (101,))
    c.add("RBF kernel, by differences", direct, p, x)

    def likelihood(lib: Backend, p: Any, x: Any, y: Any) -> Any:
        k = kernel(lib, p, x) + lib.array(np.eye(len(x), dtype=x.dtype)) * 0.1
        alpha = lib.linalg.solve(k, y)
        return 0.5 * lib.sum(y * alpha) + 0.5 * lib.linalg.slogdet(k)[1]

    x, y, *p = c.arrays("f8", (60, 2), (60,), (2,), (1,))
    p[1] = np.ones_like(p[1])
    c.add("Gaussian process likelihood", likelihood, p, x, y)

    def gaussians(lib: Backend, p: Any, x: Any) -> Any:
        d = (x[:, None, :] - p[0]) * lib.exp(p[1])
        scores = lib.sum(p[1], axis=-1) - 0.5 * lib.sum(d * d, axis=-1) + p[2]
        top = lib.max(scores, 1, True)
        return -lib.mean(lib.log(lib.sum(lib.exp(scores - top), axis=1)) + top[:, 0])

    x, *p = c.arrays("f8", (1000, 4), (7, 4), (7, 4), (7,))
    c.add("mixture of Gaussians", gaussians, p, x)

    def factors(lib: Backend, p: Any, x: Any) -> Any:
        return lib.mean(lib.square(p[0] @ p[1] - x)) + 0.01 * lib.mean(lib.abs(p[0]))

    x, *p = c.arrays("f4", (211, 199), (211, 13), (13, 199))
    c.add("matrix factors", factors, p, x)

    def embedding(lib: Backend, p: Any, i: Any, y: Any) -> Any:
        return lib.cross_entropy(lib.tanh(p[0][i]) @ p[1], y)

    *p, rows = c.arrays("f4", (500, 32), (32, 17), (300,))
    i = np.random.default_rng(0).integers(0, len(p[0]), len(rows))
    c.add("embedding", embedding, p, i, _labels(i, p[1]))


# ------------------------------------------------------------------ science


def _science(c: _Collection) -> None:
    heat_steps = c.depth(10)

    def heat(lib: Backend, p: Any, x: Any) -> Any:
        u = p[0]
        for _ in range(heat_steps):
            inner = u[1:-1] + 0.2 * (u[2:] - 2 * u[1:-1] + u[:-2])
            u = lib.concatenate([u[:1], inner, u[-1:]], 0)
        return lib.sum(lib.square(u - x))

    x, *p = c.arrays("f8", (4001,), (4001,))
    c.add("heat equation, 10 steps", heat, p, x)

    swings = c.depth(30)

    def pendulum(lib: Backend, p: Any, x: Any) -> Any:
        angle, speed = p[0], x * 0
        for _ in range(swings):
            speed = speed - 0.05 * lib.sin(angle)
            angle = angle + 0.05 * speed
        return lib.sum(lib.square(angle))

    x, *p = c.arrays("f8", (1000,), (1000,))
    c.add("pendulums, 30 steps", pendulum, p, x)

    def energy(lib: Backend, p: Any, mask: Any) -> Any:
        d = p[0][:, None, :] - p[0][None, :, :]
        r = lib.sum(d * d, axis=-1) + mask
        inverse = 1 / (r * r * r)
        return lib.sum(inverse * inverse - inverse)

    (p,) = c.arrays("f8", (120, 3))
    p = np.random.default_rng(0).uniform(0, 12, p.shape).astype(p.dtype)
    c.add("Lennard-Jones energy", energy, [p], 1e3 * np.eye(len(p), dtype=p.dtype))

    def trigonometric(lib: Backend, p: Any, x: Any) -> Any:
        y = lib.sin(p[0] * x) * lib.cos(p[1] * x) + lib.expm1(-lib.abs(x)) * lib.tanh(x)
        return lib.sum(lib.log1p(y * y))

    x, *p = c.arrays("f4", (100_003,), (100_003,), (100_003,))
    c.add("elementwise, 100,003 elements", trigonometric, p, x)


def _per_example(c: _Collection) -> None:
    x, *p = c.arrays("f4", (64, 20), (20, 16), (16,))
    y = np.random.default_rng(1).normal(size=len(x)).astype(x.dtype)

    def make(lib: Backend) -> Step:
        def loss(w: Any, x: Any, y: Any, v: Any) -> Any:
            return lib.square(lib.sum(lib.tanh(x @ w) * v) - y)

        def one(w: Any, x: Any, y: Any) -> Any:
            return lib.grad(lambda w: loss(w, x, y, v))(w)

        w, xs, ys, v = (lib.array(a) for a in (p[0], x, y, p[1]))
        run = lib.compile(lib.vmap(one))
        return lambda: lib.finish(run(w, xs, ys))

    c.add_program("per-example gradients by vmap", make, x.dtype, (1e-3, 1e-8), (1e-5, 1e-9))


def gallery(seed: int | None = None) -> dict[str, Program]:
    """The programs by title; variants have other sizes, depths, activations and dtypes."""
    collection = _Collection(seed)
    for family in (_networks, _sequences, _statistics, _science, _per_example):
        family(collection)
    return collection.programs


GALLERY = gallery()
