"""Compiled training steps beside eager wengert, hand-written NumPy, JAX and PyTorch.

``python -m benchmarks.jit [--only NAME]`` prints for each workload the ratio of every contestant's
time to that of the compiled step, medians over interleaved rounds.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

import wengert as wg
from benchmarks.timing import timer

Step = Callable[[], Any]


def _init(sizes: tuple[int, ...], dtype: Any) -> list[np.ndarray]:
    rng = np.random.default_rng(1)
    parameters = []
    for n, m in pairwise(sizes):
        bound = np.sqrt(1 / n)
        parameters.append(rng.uniform(-bound, bound, (n, m)).astype(dtype))
        parameters.append(np.zeros(m, dtype))
    return parameters


# ------------------------------------------------------------------ MLP 784-256-256-10


def mlp() -> dict[str, Step]:
    """One SGD step on 32 rows, float32, cross entropy, tanh."""
    rng = np.random.default_rng(0)
    x = rng.random((32, 784), dtype=np.float32)
    y = rng.integers(0, 10, 32)
    start = _init((784, 256, 256, 10), np.float32)
    rows = np.arange(32)
    rate = 0.1

    def loss(p: Any, x: Any, y: Any) -> Any:
        h = np.tanh(x @ p[0] + p[1])
        h = np.tanh(h @ p[2] + p[3])
        z = h @ p[4] + p[5]
        top = np.max(z, axis=1, keepdims=True)
        e = z - top
        return np.mean(np.log(np.sum(np.exp(e), axis=1)) - e[rows, y])

    def step(p: Any, x: Any, y: Any) -> Any:
        value, g = wg.value_and_grad(loss)(p, x, y)
        return value, [a - rate * b for a, b in zip(p, g, strict=True)]

    return _contestants(step, start, (x, y), _jax_mlp, _torch_mlp, _numpy_mlp)


def _numpy_mlp(start: list[Any], x: Any, y: Any) -> Step:
    p = [a.copy() for a in start]
    rows = np.arange(len(x))

    def step() -> Any:
        h1 = np.tanh(x @ p[0] + p[1])
        h2 = np.tanh(h1 @ p[2] + p[3])
        z = h2 @ p[4] + p[5]
        z -= z.max(axis=1, keepdims=True)
        e = np.exp(z)
        total = e.sum(axis=1, keepdims=True)
        value = (np.log(total[:, 0]) - z[rows, y]).mean()
        e /= total
        e[rows, y] -= 1
        e /= np.float32(len(x))
        g2 = (e @ p[4].T) * (1 - h2 * h2)
        g1 = (g2 @ p[2].T) * (1 - h1 * h1)
        for k, (a, g) in enumerate(((x, g1), (h1, g2), (h2, e))):
            p[2 * k] -= np.float32(0.1) * (a.T @ g)
            p[2 * k + 1] -= np.float32(0.1) * g.sum(axis=0)
        return value

    return step


def _jax_mlp(start: list[Any], x: Any, y: Any) -> Step:
    import jax
    import jax.numpy as jnp

    def loss(p: Any, x: Any, y: Any) -> Any:
        h = jnp.tanh(x @ p[0] + p[1])
        h = jnp.tanh(h @ p[2] + p[3])
        z = h @ p[4] + p[5]
        return jnp.mean(jax.nn.logsumexp(z, axis=1) - z[jnp.arange(len(x)), y])

    @jax.jit
    def step(p: Any, x: Any, y: Any) -> Any:
        value, g = jax.value_and_grad(loss)(p, x, y)
        return value, [a - 0.1 * b for a, b in zip(p, g, strict=True)]

    return _threaded_jax(step, [jnp.asarray(a) for a in start], jnp.asarray(x), jnp.asarray(y))


def _threaded_jax(step: Any, start: Any, *data: Any) -> Step:
    state = [start]

    def run() -> Any:
        value, state[0] = step(state[0], *data)
        value.block_until_ready()
        return np.asarray(value)

    return run


def _torch_mlp(start: list[Any], x: Any, y: Any) -> Step:
    import torch

    p = [torch.tensor(a, requires_grad=True) for a in start]
    xt, yt = torch.tensor(x), torch.tensor(y)

    def step() -> Any:
        h = torch.tanh(xt @ p[0] + p[1])
        h = torch.tanh(h @ p[2] + p[3])
        value = torch.nn.functional.cross_entropy(h @ p[4] + p[5], yt)
        grads = torch.autograd.grad(value, p)
        with torch.no_grad():
            for a, g in zip(p, grads, strict=True):
                a -= 0.1 * g
        return value.detach().numpy()

    return step


# ------------------------------------------------------------------ moons 2-25-25-1


def moons() -> dict[str, Step]:
    """One full-batch step on 100 rows, float64, sigmoid, squared error."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(100, 2))
    y = (x[:, :1] * x[:, 1:] > 0).astype(float)
    start = _init((2, 25, 25, 1), np.float64)

    def loss(p: Any, x: Any, y: Any) -> Any:
        h = 1 / (1 + np.exp(-(x @ p[0] + p[1])))
        h = 1 / (1 + np.exp(-(h @ p[2] + p[3])))
        h = 1 / (1 + np.exp(-(h @ p[4] + p[5])))
        return np.mean((h - y) ** 2)

    def step(p: Any, x: Any, y: Any) -> Any:
        value, g = wg.value_and_grad(loss)(p, x, y)
        return value, [a - 0.5 * b for a, b in zip(p, g, strict=True)]

    return _contestants(step, start, (x, y), _jax_moons, _torch_moons, None)


def _jax_moons(start: list[Any], x: Any, y: Any) -> Step:
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)

    def loss(p: Any, x: Any, y: Any) -> Any:
        h = jax.nn.sigmoid(x @ p[0] + p[1])
        h = jax.nn.sigmoid(h @ p[2] + p[3])
        h = jax.nn.sigmoid(h @ p[4] + p[5])
        return jnp.mean((h - y) ** 2)

    @jax.jit
    def step(p: Any, x: Any, y: Any) -> Any:
        value, g = jax.value_and_grad(loss)(p, x, y)
        return value, [a - 0.5 * b for a, b in zip(p, g, strict=True)]

    return _threaded_jax(step, [jnp.asarray(a) for a in start], jnp.asarray(x), jnp.asarray(y))


def _torch_moons(start: list[Any], x: Any, y: Any) -> Step:
    import torch

    p = [torch.tensor(a, requires_grad=True) for a in start]
    xt, yt = torch.tensor(x), torch.tensor(y)

    def step() -> Any:
        h = torch.sigmoid(xt @ p[0] + p[1])
        h = torch.sigmoid(h @ p[2] + p[3])
        h = torch.sigmoid(h @ p[4] + p[5])
        value = ((h - yt) ** 2).mean()
        grads = torch.autograd.grad(value, p)
        with torch.no_grad():
            for a, g in zip(p, grads, strict=True):
                a -= 0.5 * g
        return value.detach().numpy()

    return step


# ------------------------------------------------------------------ others


def hessian() -> dict[str, Step]:
    """The Hessian of sum log1p(exp(A x)), A 200 x 50, float64."""
    a = np.random.default_rng(0).normal(size=(200, 50))
    x = np.full(50, 0.01)

    def f(x: Any) -> Any:
        return np.sum(np.log1p(np.exp(a @ x)))

    compiled, eager = wg.jit(wg.hessian(f)), wg.hessian(f)
    found = {"wengert jit": lambda: compiled(x), "wengert eager": lambda: eager(x)}

    def with_jax() -> Step:
        import jax
        import jax.numpy as jnp

        jax.config.update("jax_enable_x64", True)
        run = jax.jit(jax.hessian(lambda x: jnp.sum(jnp.log1p(jnp.exp(a @ x)))))
        return lambda: np.asarray(run(x).block_until_ready())

    return _with(found, "jax.jit", with_jax)


def chain() -> dict[str, Step]:
    """Ten elementwise operations on a million elements, with the gradient, float64."""
    x = np.random.default_rng(0).uniform(0.5, 1, 1_000_000)

    def f(x: Any) -> Any:
        y = np.sin(x) * x + np.exp(-x)
        y = np.tanh(y) + np.sqrt(x) * y
        return np.sum(np.log(y * y + 1) * x)

    compiled, eager = wg.jit(wg.grad(f)), wg.grad(f)
    found = {"wengert jit": lambda: compiled(x), "wengert eager": lambda: eager(x)}

    def with_jax() -> Step:
        import jax
        import jax.numpy as jnp

        jax.config.update("jax_enable_x64", True)

        def g(x: Any) -> Any:
            y = jnp.sin(x) * x + jnp.exp(-x)
            y = jnp.tanh(y) + jnp.sqrt(x) * y
            return jnp.sum(jnp.log(y * y + 1) * x)

        run = jax.jit(jax.grad(g))
        return lambda: np.asarray(run(x).block_until_ready())

    return _with(found, "jax.jit", with_jax)


def layer_norm() -> dict[str, Step]:
    """Layer norm of 4096 x 512, float32, forward and backward."""
    x = np.random.default_rng(0).normal(size=(4096, 512)).astype(np.float32)
    g, b = np.ones(512, np.float32), np.zeros(512, np.float32)

    def f(x: Any, g: Any, b: Any, xp: Any = np) -> Any:
        m = xp.mean(x, axis=1, keepdims=True)
        d = x - m
        v = xp.mean(d * d, axis=1, keepdims=True)
        return xp.sum(xp.square(d / xp.sqrt(v + 1e-5) * g + b))

    compiled, eager = wg.jit(wg.grad(f, (0, 1, 2))), wg.grad(f, (0, 1, 2))
    found = {"wengert jit": lambda: compiled(x, g, b), "wengert eager": lambda: eager(x, g, b)}

    def with_jax() -> Step:
        import jax
        import jax.numpy as jnp

        run = jax.jit(jax.grad(lambda x, g, b: f(x, g, b, jnp), (0, 1, 2)))
        return lambda: np.asarray(run(x, g, b)[0].block_until_ready())

    return _with(found, "jax.jit", with_jax)


def call() -> dict[str, Step]:
    """The overhead of a call: ten arguments of four elements, beside NumPy's ``a * b``."""
    xs = [np.arange(4.0) for _ in range(10)]
    compiled = wg.jit(lambda *xs: xs[0] * xs[1])
    a, b = xs[:2]
    return {"wengert jit": lambda: compiled(*xs), "numpy a * b": lambda: a * b}


def products() -> dict[str, Step]:
    """Products of 128 x 128 matrices, float32, as `x @ y`, and as `x @ y.T`, beside NumPy's."""
    rng = np.random.default_rng(0)
    x, y = (rng.random((128, 128), dtype=np.float32) for _ in range(2))
    along, across = wg.jit(lambda x, y: x @ y), wg.jit(lambda x, y: x @ y.T)
    return {
        "wengert jit": lambda: along(x, y),
        "wengert jit, y.T": lambda: across(x, y),
        "numpy": lambda: x @ y,
        "numpy, y.T": lambda: x @ y.T,
    }


WORKLOADS: dict[str, Callable[[], dict[str, Step]]] = {
    "mlp": mlp, "moons": moons, "hessian": hessian, "chain": chain, "layer_norm": layer_norm,
    "call": call, "products": products,
}  # fmt: skip


def products() -> dict[str, Step]:
    """Products of 128 x 128 matrices, float32, as `x @ y`, and as `x @ y.T`, beside NumPy's."""
    rng = np.random.default_rng(0)
    x, y = (rng.random((128, 128), dtype=np.float32) for _ in range(2))
    along, across = wg.jit(lambda x, y: x @ y), wg.jit(lambda x, y: x @ y.T)
    return {
        "wengert jit": lambda: along(x, y),
        "wengert jit, y.T": lambda: across(x, y),
        "numpy": lambda: x @ y,
        "numpy, y.T": lambda: x @ y.T,
    }


def _with(found: dict[str, Step], name: str, make: Callable[[], Step]) -> dict[str, Step]:
    try:
        found[name] = make()
    except ImportError:
        print(f"{name} is not installed")
    return found


def _contestants(
    step: Any, start: list[Any], data: tuple[Any, ...], jax: Any, torch: Any, by_hand: Any
) -> dict[str, Step]:
    """The step compiled and eager, each with parameters of its own, and the peers."""

    def running(function: Any) -> Step:
        state = [[a.copy() for a in start]]

        def run() -> Any:
            value, state[0] = function(state[0], *data)
            return value

        return run

    found = {"wengert jit": running(wg.jit(step)), "wengert eager": running(step)}
    if by_hand is not None:
        found["numpy by hand"] = by_hand(start, *data)
    _with(found, "jax.jit", lambda: jax(start, *data))
    return _with(found, "torch", lambda: torch(start, *data))


def _first(result: Any) -> np.ndarray:
    return np.asarray(result[0] if isinstance(result, tuple) else result)


def measure(steps: dict[str, Step], seconds: float, rounds: int = 9) -> dict[str, float]:
    """Median seconds per call, rounds interleaved."""
    values = {}
    calls = {}
    for name, step in steps.items():
        began = time.perf_counter()
        values[name] = _first(step())
        first = time.perf_counter() - began
        timers = timer(step)
        timers(2)
        each = max(timers(3) / 3, 1e-7)
        calls[name] = max(1, int(seconds / rounds / each))
        if name == "wengert jit":
            print(f"  compiled and run in {first * 1e3:.0f} ms")
    reference = values["wengert jit"]
    for name, value in values.items():
        if (
            "y.T" not in name
            and value.shape == reference.shape
            and not np.allclose(value, reference, 1e-3, 1e-4)
        ):
            print(f"  {name} computes something else")
    times: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(rounds):
        for name, step in steps.items():
            times[name].append(timer(step)(calls[name]) / calls[name])
    return {name: float(np.median(t)) for name, t in times.items()}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=list(WORKLOADS))
    parser.add_argument("--seconds", type=float, default=1.0, help="for each contestant")
    options = parser.parse_args()
    for name, make in WORKLOADS.items():
        if options.only not in (None, name):
            continue
        print(f"{name}: {(make.__doc__ or '').strip()}")
        medians = measure(make(), options.seconds)
        ours = medians["wengert jit"]
        for contestant, t in medians.items():
            print(f"  {contestant:16} {t * 1e6:10.1f} us   {t / ours:7.2f} x")


if __name__ == "__main__":
    main()
