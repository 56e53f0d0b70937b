"""Training steps of networks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from benchmarks.backends import Backend
from benchmarks.programs.base import Bar, Program, Step, chosen

__all__ = ["FAMILIES"]

_ACTIVATIONS = ("tanh", "sigmoid", "relu")


def _start(sizes: Sequence[int], dtype: Any, seed: int = 1) -> list[np.ndarray]:
    """Weights and biases in turn, uniform in +-sqrt(1 / inputs)."""
    rng = np.random.default_rng(seed)
    parameters = []
    for n, m in pairwise(sizes):
        parameters.append(rng.uniform(-(n**-0.5), n**-0.5, (n, m)).astype(dtype))
        parameters.append(np.zeros(m, dtype))
    return parameters


def _examples(rows: int, features: int, classes: int, dtype: Any) -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    return rng.random((rows, features), np.float32).astype(dtype), rng.integers(0, classes, rows)


def _logits(lib: Backend, p: Any, x: Any, activation: str) -> Any:
    for i in range(0, len(p) - 2, 2):
        x = getattr(lib, activation)(x @ p[i] + p[i + 1])
    return x @ p[-2] + p[-1]


def _classifier(
    title: str, sizes: Sequence[int], rows: int, dtype: Any, activation: str, rate: float,
    bars: Sequence[Bar], **options: Any,
) -> Program:  # fmt: skip
    """A step of descent on the cross entropy of a network of dense layers."""
    start = _start(sizes, dtype)
    data = _examples(rows, sizes[0], sizes[-1], dtype)

    def loss(lib: Backend, p: Any, x: Any, y: Any) -> Any:
        return lib.cross_entropy(_logits(lib, p, x, activation), y)

    def make(lib: Backend) -> Step:
        arrays = [lib.array(a) for a in data]
        return lib.descent(loss, [lib.array(a) for a in start], arrays, rate)

    products = sum(n * m for n, m in pairwise(sizes))
    return Program(
        f"{title}: {'-'.join(map(str, sizes))} {activation if len(sizes) > 2 else 'softmax'}, "
        f"{rows:,} rows, {np.dtype(dtype)}",
        make,
        {"numpy": lambda: _by_hand(start, *data, activation, rate)},
        bars,
        rtol=2e-4 if dtype == np.float32 else 1e-9,
        flops=2.0 * rows * (3 * products - sizes[0] * sizes[1]),
        **options,
    )


def _by_hand(start: Any, x: Any, y: Any, activation: str, rate: float) -> Step:
    """The backward pass written out, temporaries overwritten where that helps."""
    p = [a.copy() for a in start]
    rows, rate = np.arange(len(x)), p[0].dtype.type(rate)

    def forward(z: Any) -> Any:
        if activation == "tanh":
            return np.tanh(z, out=z)
        if activation == "relu":
            return np.maximum(z, 0, out=z)
        np.negative(z, out=z)
        np.exp(z, out=z)
        z += 1
        return np.reciprocal(z, out=z)

    def slope(h: Any) -> Any:
        if activation == "tanh":
            return 1 - h * h
        return h > 0 if activation == "relu" else h * (1 - h)

    def step() -> Any:
        hidden = [x]
        for i in range(0, len(p) - 2, 2):
            z = hidden[-1] @ p[i]
            z += p[i + 1]
            hidden.append(forward(z))
        e = hidden[-1] @ p[-2]
        e += p[-1]
        e -= e.max(axis=1, keepdims=True)
        picked = e[rows, y]
        np.exp(e, out=e)
        total = e.sum(axis=1, keepdims=True)
        value = (np.log(total[:, 0]) - picked).mean()
        e /= total
        e[rows, y] -= 1
        e /= len(x)
        for i in range(len(p) - 2, -1, -2):
            h = hidden[i // 2]
            gw, gb = h.T @ e, e.sum(axis=0)
            if i:
                e = e @ p[i].T
                e *= slope(h)
            gw *= rate
            p[i] -= gw
            p[i + 1] -= rate * gb
        return value

    return step


def mlp(seed: int | None = None) -> Program:
    """784-256-256-10."""
    rng, bars = chosen("mlp", seed), [Bar("numpy", 2, 2.5), Bar("jax", 3, 4), Bar("pytorch", 2.5)]
    if rng is None:
        return _classifier("MLP", (784, 256, 256, 10), 32, np.float32, "tanh", 0.1, bars)
    hidden = rng.integers(64, 400, rng.integers(1, 5)).tolist()
    return _classifier(
        "MLP", (int(rng.integers(100, 900)), *hidden, int(rng.integers(3, 30))),
        int(rng.integers(8, 100)), rng.choice([np.float32, np.float64]),
        str(rng.choice(_ACTIVATIONS)), 0.1, bars,
    )  # fmt: skip


def two_layer(seed: int | None = None) -> Program:
    """3072-100-10, minibatch."""
    rng, bars = chosen("two_layer", seed), [Bar("jax", 2), Bar("pytorch", 2)]
    if rng is None:
        return _classifier("Two layers", (3072, 100, 10), 128, np.float32, "relu", 0.1, bars)
    sizes = (int(rng.integers(1000, 4000)), int(rng.integers(50, 200)), int(rng.integers(5, 20)))
    activation = str(rng.choice(_ACTIVATIONS))
    rows = int(rng.integers(64, 256))
    dtype = rng.choice([np.float32, np.float64])
    return _classifier("Two layers", sizes, rows, dtype, activation, 0.1, bars)


def two_layer_full(seed: int | None = None) -> Program:
    """3072-100-10, all 50,000 rows."""
    rng, bars = chosen("two_layer_full", seed), [Bar("jax", 1.8), Bar("pytorch", 1.4)]
    without = ("autograd",)
    sizes, rows, activation = (3072, 100, 10), 50_000, "relu"
    if rng is not None:
        sizes = (int(rng.integers(500, 3100)), int(rng.integers(50, 150)), 10)
        rows, activation = int(rng.integers(20_000, 50_000)), str(rng.choice(_ACTIVATIONS))
    return _classifier(
        "Two layers, full batch", sizes, rows, np.float32, activation, 0.1, bars,
        without=without, is_large=True, steps=2,
    )  # fmt: skip


def linear(seed: int | None = None) -> Program:
    """Softmax of 50,000 x 3072."""
    rng = chosen("linear", seed)
    rows, features, classes = 50_000, 3072, 10
    if rng is not None:
        rows, features = int(rng.integers(20_000, 50_000)), int(rng.integers(500, 3100))
        classes = int(rng.integers(5, 30))
    bars = [Bar("numpy row blocks", 1.5, 2), Bar("jax", 4, 5), Bar("pytorch", 15)]
    program = _classifier(
        "Linear, full batch", (features, classes), rows, np.float32, "tanh", 0.01, bars,
        is_large=True, without=("autograd",), steps=2, bytes=4.0 * rows * features,
        most_memory=16 << 20,
    )  # fmt: skip
    data, start = _examples(rows, features, classes, np.float32), _start((features, classes), "f4")
    by_hand = {**program.by_hand, "numpy row blocks": lambda: _row_blocks(start, *data, 0.01, 1.0)}
    return Program(**{**vars(program), "by_hand": by_hand})


def linear_uint8(seed: int | None = None) -> Program:
    """The same of images as bytes."""
    rng = chosen("linear_uint8", seed)
    rows, features, classes = 50_000, 3072, 10
    if rng is not None:
        rows, features = int(rng.integers(20_000, 50_000)), int(rng.integers(500, 3100))
    x = np.random.default_rng(0).integers(0, 256, (rows, features), np.uint8)
    y = np.random.default_rng(1).integers(0, classes, rows)
    start, scale = _start((features, classes), np.float32), np.float32(1 / 255)

    def loss(lib: Backend, p: Any, x: Any, y: Any) -> Any:
        x = x.float() if hasattr(x, "float") else x.astype(np.float32)
        return lib.cross_entropy((x * float(scale)) @ p[0] + p[1], y)

    def make(lib: Backend) -> Step:
        arrays = [lib.array(x), lib.array(y)]
        return lib.descent(loss, [lib.array(a) for a in start], arrays, 0.01)

    return Program(
        f"Linear, full batch: {features}-{classes}, {rows:,} rows of uint8",
        make,
        {"numpy row blocks": lambda: _row_blocks(start, x, y, 0.01, scale)},
        [Bar("numpy row blocks", 2, 2.5)],
        steps=2, rtol=2e-4, without=("autograd",), is_large=True, bytes=1.0 * rows * features,
        flops=4.0 * rows * features * classes, most_memory=16 << 20,
    )  # fmt: skip


def _row_blocks(start: Any, x: Any, y: Any, rate: float, scale: Any, block: int = 500) -> Step:
    """Forward and backward by blocks of rows, which stay in the cache."""
    w, b = (a.copy() for a in start)
    n, rate = len(x), np.float32(rate)

    def step() -> Any:
        gw, gb, total = np.zeros_like(w), np.zeros_like(b), 0.0
        for i in range(0, n, block):
            xs, ys = x[i : i + block], y[i : i + block]
            if xs.dtype == np.uint8:
                xs = xs * scale
            rows = np.arange(len(ys))
            z = xs @ w
            z += b
            z -= z.max(axis=1, keepdims=True)
            picked = z[rows, ys]
            np.exp(z, out=z)
            sums = z.sum(axis=1, keepdims=True)
            total += float((np.log(sums[:, 0]) - picked).sum())
            z /= sums
            z[rows, ys] -= 1
            z /= n
            gw += xs.T @ z
            gb += z.sum(axis=0)
        w[...] -= rate * gw
        b[...] -= rate * gb
        return total / n

    return step


def moons(seed: int | None = None) -> Program:
    """2-25-25-1 by padding with ones."""
    rng = chosen("moons", seed)
    sizes, rows, activation, dtype = (2, 25, 25, 1), 100, "sigmoid", np.float64
    if rng is not None:
        hidden = rng.integers(10, 60, rng.integers(1, 4)).tolist()
        sizes, rows = (int(rng.integers(2, 9)), *hidden, 1), int(rng.integers(50, 300))
        activation = str(rng.choice(("tanh", "sigmoid")))
    data = np.random.default_rng(0)
    x = data.normal(size=(rows, sizes[0])).astype(dtype)
    signs = np.where(x[:, :1] * x[:, 1:2] > 0, 1.0, -1.0)
    ones = np.ones((rows, 1))
    start = [data.normal(size=(n + 1, m)) * (n + 1) ** -0.5 for n, m in pairwise(sizes)]

    def loss(lib: Backend, p: Any, x: Any, signs: Any, ones: Any) -> Any:
        for w in p[:-1]:
            x = getattr(lib, activation)(lib.concatenate([x, ones], 1) @ w)
        return lib.sum(lib.softplus(-signs * (lib.concatenate([x, ones], 1) @ p[-1])))

    def make(lib: Backend) -> Step:
        arrays = [lib.array(a) for a in (x, signs, ones)]
        return lib.descent(loss, [lib.array(a) for a in start], arrays, 1e-3)

    def by_hand() -> Step:
        weights = [w.copy() for w in start]

        def step() -> Any:
            padded = [np.concatenate([x, ones], 1)]
            for w in weights[:-1]:
                z = padded[-1] @ w
                h = np.tanh(z) if activation == "tanh" else 1 / (1 + np.exp(-z))
                padded.append(np.concatenate([h, ones], 1))
            margin = signs * (padded[-1] @ weights[-1])
            value = np.logaddexp(0, -margin).sum()
            g = -signs / (1 + np.exp(margin))
            for i in range(len(weights) - 1, -1, -1):
                gw, h = padded[i].T @ g, padded[i][:, :-1]
                if i:
                    g = g @ weights[i][:-1].T
                    g *= 1 - h * h if activation == "tanh" else h * (1 - h)
                weights[i] -= 1e-3 * gw
            return value

        return step

    return Program(
        f"Moons: {'-'.join(map(str, sizes))} {activation}, {rows} rows, {np.dtype(dtype)}",
        make, {"numpy": by_hand}, [Bar("jax", 5, 8), Bar("pytorch", 15)], rtol=1e-9,
    )  # fmt: skip


def convnet(seed: int | None = None) -> Program:
    """1-32-64 3x3 with pools, dense 128, momentum."""
    rng = chosen("convnet", seed)
    rows, first, second, dense, side, activation = 64, 32, 64, 128, 28, "relu"
    if rng is not None:
        rows, side = int(rng.integers(16, 80)), int(rng.choice([16, 20, 28, 32]))
        first, second = int(rng.integers(8, 40)), int(rng.integers(16, 70))
        dense, activation = int(rng.integers(32, 150)), str(rng.choice(("relu", "tanh")))
    data = np.random.default_rng(0)
    x = data.random((rows, side, side, 1), np.float32)
    y = data.integers(0, 10, rows)

    def weights(*shape: int) -> Any:
        bound = float(np.prod(shape[:-1])) ** -0.5
        return data.uniform(-bound, bound, shape).astype(np.float32)

    kernels = [weights(3, 3, 1, first), weights(3, 3, first, second)]
    dense_weights = [weights((side // 4) ** 2 * second, dense), np.zeros(dense, np.float32)]
    last = [weights(dense, 10), np.zeros(10, np.float32)]
    rest = [np.zeros(first, np.float32), np.zeros(second, np.float32), *dense_weights, *last]

    def loss(lib: Backend, p: Any, x: Any, y: Any) -> Any:
        act = getattr(lib, activation)
        for kernel, bias in ((p[0], p[2]), (p[1], p[3])):
            x = lib.max_pool(act(lib.conv2d(x, kernel) + lib.channels(bias)))
        return lib.cross_entropy(act(lib.flat(x) @ p[4] + p[5]) @ p[6] + p[7], y)

    def make(lib: Backend) -> Step:
        start = [lib.kernel(k) for k in kernels] + [lib.array(a) for a in rest]
        return lib.descent(loss, start, [lib.images(x), lib.array(y)], 0.05, 0.9)

    half = side // 2
    per_image = side * side * 9 * first * 2 + half * half * 9 * first * second * 3
    per_image += (side // 4) ** 2 * second * dense * 3 + dense * 10 * 3
    return Program(
        f"Convnet: 1-{first}-{second} 3x3, dense {dense} {activation}, {rows} images of "
        f"{side} x {side}, momentum",
        make, {}, [Bar("pytorch", 2.5, 3.5), Bar("jax", 5, 7)], rtol=2e-3, without=("autograd",),
        flops=2.0 * rows * per_image,
    )  # fmt: skip


FAMILIES: dict[str, Callable[..., Program]] = {
    "mlp": mlp, "moons": moons, "linear": linear, "linear_uint8": linear_uint8,
    "two_layer": two_layer, "two_layer_full": two_layer_full, "convnet": convnet,
}  # fmt: skip
