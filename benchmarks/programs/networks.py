"""Training steps of networks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from benchmarks.backends import Backend
from benchmarks.programs.base import ACTIVATIONS, DTYPES, Bar, Program, Step, chosen

__all__ = ["FAMILIES"]

_MOST_BYTES = 50_000 * 3072 * 4  # of the data of a variant, as in the issue


def _start(sizes: Sequence[int], dtype: Any, seed: int = 1) -> list[np.ndarray]:
    """Weights and biases in turn, uniform in +-sqrt(1 / inputs)."""
    rng = np.random.default_rng(seed)
    parameters = []
    for n, m in pairwise(sizes):
        parameters.append(rng.uniform(-(n**-0.5), n**-0.5, (n, m)).astype(dtype))
        parameters.append(np.zeros(m, dtype))
    return parameters


def _tolerance(dtype: Any) -> float:
    return 2e-4 if dtype == np.float32 else 1e-9


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
        rtol=_tolerance(dtype),
        flops=_flops(dtype, rows * (3 * products - sizes[0] * sizes[1])),
        **options,
    )


def _flops(dtype: Any, products: float) -> float:
    """Operations, as many in float32 as take that time."""
    return 2.0 * products * np.dtype(dtype).itemsize / 4


def _by_hand(start: Any, x: Any, y: Any, activation: str, rate: float) -> Step:
    """The backward pass written out, temporaries overwritten where that helps."""
    p = [a.copy() for a in start]
    rows, rate = np.arange(len(x)), p[0].dtype.type(rate)

    def step() -> Any:
        hidden, slopes = [x], []
        for i in range(0, len(p) - 2, 2):
            z = hidden[-1] @ p[i]
            z += p[i + 1]
            h, slope = _activated(z, activation)
            hidden.append(h)
            slopes.append(slope)
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
                e *= slopes[i // 2 - 1]()
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
        int(rng.integers(8, 100)), rng.choice(DTYPES),
        str(rng.choice(ACTIVATIONS)), 0.1, bars,
    )  # fmt: skip


def two_layer(seed: int | None = None) -> Program:
    """3072-100-10, minibatch."""
    rng, bars = chosen("two_layer", seed), [Bar("jax", 2), Bar("pytorch", 2)]
    if rng is None:
        return _classifier("Two layers", (3072, 100, 10), 128, np.float32, "relu", 0.1, bars)
    sizes = (int(rng.integers(1000, 4000)), int(rng.integers(50, 200)), int(rng.integers(5, 20)))
    activation = str(rng.choice(ACTIVATIONS))
    rows = int(rng.integers(64, 256))
    dtype = rng.choice(DTYPES)
    return _classifier("Two layers", sizes, rows, dtype, activation, 0.1, bars)


def two_layer_full(seed: int | None = None) -> Program:
    """3072-100-10, all 50,000 rows."""
    rng, bars = chosen("two_layer_full", seed), [Bar("jax", 1.8), Bar("pytorch", 1.4)]
    without = ("autograd",)
    sizes, rows, activation, dtype = (3072, 100, 10), 50_000, "relu", np.float32
    if rng is not None:
        sizes = (int(rng.integers(500, 3100)), int(rng.integers(50, 150)), 10)
        rows, activation = int(rng.integers(20_000, 50_000)), str(rng.choice(ACTIVATIONS))
        dtype = rng.choice(DTYPES)
        rows = _rows_that_fit(rows, sizes[0], dtype)
    return _classifier(
        "Two layers, full batch", sizes, rows, dtype, activation, 0.1, bars,
        without=without, is_large=True, steps=2,
    )  # fmt: skip


def linear(seed: int | None = None) -> Program:
    """Softmax of 50,000 x 3072."""
    rng = chosen("linear", seed)
    rows, features, classes, dtype = 50_000, 3072, 10, np.float32
    if rng is not None:
        rows, features = int(rng.integers(20_000, 50_000)), int(rng.integers(500, 3100))
        classes, dtype = int(rng.integers(5, 30)), rng.choice(DTYPES)
        rows = _rows_that_fit(rows, features, dtype)
    bars = [Bar("numpy row blocks", 1.5, 2), Bar("jax", 4, 5), Bar("pytorch", 15)]
    program = _classifier(
        "Linear, full batch", (features, classes), rows, dtype, "tanh", 0.01, bars,
        is_large=True, without=("autograd",), steps=2,
        bytes=float(rows * features * np.dtype(dtype).itemsize),
        most_memory=16 << 20,
    )  # fmt: skip
    data, start = _examples(rows, features, classes, dtype), _start((features, classes), dtype)
    by_hand = {**program.by_hand, "numpy row blocks": lambda: _row_blocks(start, *data, 0.01, 1.0)}
    return Program(**{**vars(program), "by_hand": by_hand})


def linear_uint8(seed: int | None = None) -> Program:
    """The same of images as bytes."""
    rng = chosen("linear_uint8", seed)
    rows, features, classes = 50_000, 3072, 10
    if rng is not None:
        rows, features = int(rng.integers(20_000, 50_000)), int(rng.integers(500, 3100))
        classes = int(rng.integers(5, 30))
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


def _activated(z: Any, activation: str) -> tuple[Any, Callable[[], Any]]:
    """An activation, in the place of ``z`` where that can be, and what makes its slope."""
    if activation == "tanh":
        h = np.tanh(z, out=z)
        return h, lambda: 1 - h * h
    if activation == "relu":
        h = np.maximum(z, 0, out=z)
        return h, lambda: h > 0
    if activation == "softplus":
        h = np.logaddexp(z, 0, out=z)
        return h, lambda: -np.expm1(-h)
    if activation == "gelu":
        c = 0.7978845608028654
        t = np.tanh(c * (z + 0.044715 * z * z * z))
        return 0.5 * z * (
            1 + t
        ), lambda: 0.5 * (1 + t) + 0.5 * c * z * (1 - t * t) * (1 + 0.134145 * z * z)
    np.negative(z, out=z)
    np.exp(z, out=z)
    z += 1
    h = np.reciprocal(z, out=z)
    return h, lambda: h * (1 - h)


def _rows_that_fit(rows: int, features: int, dtype: Any) -> int:
    """No more rows than make as many bytes as the data of the issue."""
    return min(rows, _MOST_BYTES // (features * np.dtype(dtype).itemsize))


def _row_blocks(start: Any, x: Any, y: Any, rate: float, scale: Any, block: int = 500) -> Step:
    """Forward and backward by blocks of rows, which stay in the cache."""
    w, b = (a.copy() for a in start)
    n, rate = len(x), w.dtype.type(rate)

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
        activation, dtype = str(rng.choice(("tanh", "sigmoid"))), rng.choice(DTYPES)
    data = np.random.default_rng(0)
    x = data.normal(size=(rows, sizes[0])).astype(dtype)
    signs = np.where(x[:, :1] * x[:, 1:2] > 0, 1.0, -1.0).astype(dtype)
    ones = np.ones((rows, 1), dtype)
    start = [data.normal(size=(n + 1, m)) * (n + 1) ** -0.5 for n, m in pairwise(sizes)]
    start = [w.astype(dtype) for w in start]

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
        make, {"numpy": by_hand}, [Bar("jax", 5, 8), Bar("pytorch", 15)],
        rtol=_tolerance(dtype),
    )  # fmt: skip


def convnet(seed: int | None = None) -> Program:
    """1-32-64 3x3 with pools, dense 128, momentum."""
    rng = chosen("convnet", seed)
    rows, widths, dense, side, activation, dtype = 64, [32, 64], 128, 28, "relu", np.float32
    if rng is not None:
        rows, side = int(rng.integers(16, 80)), int(rng.choice([16, 20, 28, 32]))
        widths = [int(rng.integers(8, 40)), int(rng.integers(16, 70))]
        dense, activation = int(rng.integers(32, 150)), str(rng.choice(ACTIVATIONS))
        dtype, depth = rng.choice(DTYPES), int(rng.integers(1, 4))
        widths = [*widths[:depth], *rng.integers(16, 70, max(depth - 2, 0)).tolist()]
    data, depth = np.random.default_rng(0), len(widths)
    sides = [side // 2**i for i in range(depth + 1)]
    x = data.random((rows, side, side, 1), np.float32).astype(dtype)
    y = data.integers(0, 10, rows)

    def weights(*shape: int) -> Any:
        bound = float(np.prod(shape[:-1])) ** -0.5
        return data.uniform(-bound, bound, shape).astype(dtype)

    kernels = [weights(3, 3, n, m) for n, m in pairwise([1, *widths])]
    flat = sides[-1] ** 2 * widths[-1]
    rest = [np.zeros(m, dtype) for m in widths]
    rest += [weights(flat, dense), np.zeros(dense, dtype), weights(dense, 10), np.zeros(10, dtype)]

    def loss(lib: Backend, p: Any, x: Any, y: Any) -> Any:
        act = getattr(lib, activation)
        for kernel, bias in zip(p[:depth], p[depth : 2 * depth], strict=True):
            x = lib.max_pool(act(lib.conv2d(x, kernel) + lib.channels(bias)))
        hidden = act(lib.flat(x) @ p[-4] + p[-3])
        return lib.cross_entropy(hidden @ p[-2] + p[-1], y)

    def make(lib: Backend) -> Step:
        start = [lib.kernel(k) for k in kernels] + [lib.array(a) for a in rest]
        return lib.descent(loss, start, [lib.images(x), lib.array(y)], 0.05, 0.9)

    per_image = 3 * (flat * dense + dense * 10)
    for i, (n, m) in enumerate(pairwise([1, *widths])):
        per_image += sides[i] ** 2 * 9 * n * m * (3 if i else 2)
    return Program(
        f"Convnet: {'-'.join(map(str, [1, *widths]))} 3x3, dense {dense} {activation}, {rows} "
        f"images of {side} x {side}, momentum" + (", float64" if dtype == np.float64 else ""),
        make, {}, [Bar("pytorch", 2.5, 3.5), Bar("jax", 5, 7)],
        rtol=2e-3 if dtype == np.float32 else 1e-8, without=("autograd",),
        flops=_flops(dtype, rows * per_image),
    )  # fmt: skip


FAMILIES: dict[str, Callable[..., Program]] = {
    "mlp": mlp, "moons": moons, "linear": linear, "linear_uint8": linear_uint8,
    "two_layer": two_layer, "two_layer_full": two_layer_full, "convnet": convnet,
}  # fmt: skip
