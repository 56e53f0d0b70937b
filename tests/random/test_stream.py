"""Draws without a key: another one at each call, compiled or not, and the same numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert import nn, random

X = np.linspace(-1.0, 1.0, 6).reshape(2, 3)


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    yield
    random.seed(0)


def noisy(x: Any) -> Any:
    return x * random.normal(shape=3) + random.uniform(shape=3)


def three(function: Callable[..., Any], *args: Any) -> list[Any]:
    random.seed(3)
    return [function(*args) for _ in range(3)]


def check(compiled: Callable[..., Any], function: Callable[..., Any], x: Any = X) -> None:
    found, expected = three(compiled, x), three(function, x)
    np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-14)
    assert not np.allclose(found[0], found[1])


def test_keys_are_those_of_the_seed() -> None:
    random.seed(7)
    for n in range(3):
        np.testing.assert_array_equal(random.next_key(), random.fold_in(random.key(7), n))
    random.seed(7)
    expected = random.normal(random.fold_in(random.key(7), 0), 4)
    np.testing.assert_array_equal(random.normal(shape=4), expected)


@pytest.mark.parametrize(
    "draw",
    [
        lambda key: random.uniform(key, 5), lambda key: random.normal(key, 5),
        lambda key: random.truncated_normal(key, shape=5), lambda key: random.gumbel(key, 5),
        lambda key: random.exponential(key, 5), lambda key: random.bernoulli(key, 0.5, 64),
        lambda key: random.randint(key, 5, 0, 1000), lambda key: random.permutation(key, 50),
        lambda key: random.choice(key, 100, 5), lambda key: random.bits(key, 5),
        lambda key: random.categorical(key, np.zeros(100)),
    ],
)  # fmt: skip
def test_every_distribution(draw: Callable[..., Any]) -> None:
    random.seed(1)
    first, second = draw(None), draw(None)
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(second, draw(random.fold_in(random.key(1), 1)))
    compiled = wg.jit(lambda: draw(None))
    random.seed(1)
    np.testing.assert_allclose(compiled(), first, rtol=1e-13)
    np.testing.assert_allclose(compiled(), second, rtol=1e-13)


def test_bad_seeds_and_keys() -> None:
    with pytest.raises(wg.WengertTypeError, match="seed must be an integer"):
        random.seed("x")  # type: ignore[arg-type]
    with pytest.raises(wg.WengertTypeError, match="split: expected a key"):
        random.split(None)
    with pytest.raises(wg.WengertTypeError, match="fold_in: expected a key"):
        random.fold_in(None, 1)


def test_compiled_draws_anew_and_as_eager() -> None:
    f = wg.jit(noisy)
    check(f, noisy)
    check(wg.jit(lambda x: f(x) + random.normal(shape=3) + f(x)),
          lambda x: noisy(x) + random.normal(shape=3) + noisy(x))  # fmt: skip


def test_with_transforms() -> None:
    f = wg.jit(noisy)

    def energy(x: Any, f: Any = noisy) -> Any:
        return np.sum(f(x) ** 2)

    def compiled_energy(x: Any) -> Any:
        return energy(x, f)

    for transform in (wg.grad, wg.hessian):
        check(wg.jit(transform(energy)), transform(energy))
        check(transform(compiled_energy), transform(energy))
    batch = np.stack([X, X + 1])
    check(wg.vmap(f), wg.vmap(noisy), batch)
    check(wg.jit(wg.vmap(noisy)), wg.vmap(noisy), batch)


def test_checkpoint_draws_the_same_again() -> None:
    def energy(x: Any, f: Any) -> Any:
        return np.sum(f(x) ** 2) + np.sum(noisy(x))

    again = wg.checkpoint(noisy)
    check(wg.grad(lambda x: energy(x, again)), wg.grad(lambda x: energy(x, noisy)))
    check(wg.jit(wg.grad(lambda x: energy(x, again))), wg.grad(lambda x: energy(x, noisy)))
    nested = wg.checkpoint(lambda x: again(noisy(x)))
    check(wg.grad(lambda x: energy(x, nested)),
          wg.grad(lambda x: energy(x, lambda x: noisy(noisy(x)))))  # fmt: skip


def test_a_function_that_draws_only_sometimes() -> None:
    """What is not drawn takes no key."""
    f = wg.jit(lambda x, n: x + sum(random.normal() for _ in range(n)), static_argnums=1)
    random.seed(2)
    found = [f(0.0, n) for n in (0, 2, 0, 1)]
    random.seed(2)
    expected = [sum(random.normal() for _ in range(n)) for n in (0, 2, 0, 1)]
    np.testing.assert_allclose(found, expected)


def test_a_mask_of_dropout_is_not_frozen() -> None:
    rng = np.random.default_rng(0)
    model = nn.Sequential(nn.Linear(3, 40, rng=rng), nn.Dropout(0.5), nn.BatchNorm(40))
    x = X.astype(np.float32)

    def output(x: Any) -> Any:
        return model.training_call(x)[0]

    found, expected = three(wg.jit(output), x), three(output, x)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
    assert not np.allclose(found[0], found[1])
