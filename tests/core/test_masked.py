"""``x[mask]`` with a mask that depends on traced values, under vmap and jit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import wengert as wg
import wengert.numpy as wnp

X = np.random.default_rng(0).normal(size=(4, 5))
PROGRAMS: list[Callable[..., Any]] = []


def program(f: Callable[..., Any]) -> Callable[..., Any]:
    PROGRAMS.append(f)
    return f


@program
def scalar(x: Any) -> Any:
    y = x * 1.0
    y[y > 0] = 2.0
    y[y < -1] = np.sum(x)
    return y * x


@program
def augmented(x: Any) -> Any:
    y = x * 1.0
    y[y > 0] += 2.0
    y[y < 0] *= x[0]
    y[(y > 0) & (x < 0.5)] /= 7
    y[y > 1] **= 2
    return y * y


@program
def same_mask_written_twice(x: Any) -> Any:
    y = x * 1.0
    y[y > 0] = -np.exp(y[y > 0]) * 3 + y[y > 0] ** 2
    return y * y


@program
def kept_mask(x: Any) -> Any:
    y = x * 1.0
    m = y > 0
    y[m] = np.log(y[m])  # elsewhere log is NaN, and so is its derivative
    y[~m] -= np.sqrt(-x[~m])
    return y


@program
def of_another_array(x: Any) -> Any:
    y = wnp.zeros(x.shape)
    m = np.sin(x) > 0
    z = x[m]
    x = x * 2  # the elements are a copy
    y[m] = np.clip(z, 0.1, 0.7) * np.cos(x)[m]
    return y + x


@program
def sums(x: Any) -> Any:
    m = x > -10
    return np.array([1.0, 2.0]) * (x[x > 0].sum() + np.mean(x[m] ** 2) + np.sum(np.exp(x[x < 0])))


@program
def with_scalars_of_all_kinds(x: Any) -> Any:
    y = x * 1.0
    m = x > 0
    y[m] = x[1] * y[m] + np.float64(2) * y[m] / np.multiply(x[2] ** 2 + 1, x[m] + 1)
    y[m] -= wg.Tensor(0.5) * y[m] - np.maximum(x[0], y[m]) + np.ones((1,))
    return y


@program
def rows(x: Any) -> Any:
    y = np.outer(x, x)
    y[x > 0] = x
    y[x < 0, :] += 2 * x
    y[x > 1] = y[x > 1] * 2
    return y


@program
def among_slices(x: Any) -> Any:
    y = np.outer(x, x) * 1.0
    y[:, x > 0] = 3.0
    y[x < 0, 1] += 4
    y[1:3, x < 1] *= x[0]
    y[..., x > 0.5] = np.sin(y[..., x > 0.5])
    y[2, x > 0] = 1.0
    return y * y


@program
def two_dimensions(x: Any) -> Any:
    y = np.outer(x, x)
    m = y > 0
    y[m] -= 0.1 * y[m] ** 2
    z = np.stack([y, y])
    z[:, m] += 1
    z[0][m] = 5
    return z


@program
def through_views(x: Any) -> Any:
    y = x * 1.0
    v = y[1:]
    v[v > 0] += 7
    y[::2][y[::2] < 0] = 1
    return y * v[0]


@program
def unused_steps_aside(x: Any) -> Any:
    y = x * 1.0
    m = y > 0
    before = y[m]
    y[m] = 0
    y[m] += before.copy().astype(float) + np.where(before > 1, before, 0)
    return y


@program
def at(x: Any) -> Any:
    y = x * 1.0
    np.add.at(y, y > 0, 2.0)
    np.place(y, y < 0, [3.0])
    return y * y


def total(f: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x: np.sum(np.sin(f(x)))


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_values_and_derivatives_are_those_of_the_loop(f: Callable[..., Any]) -> None:
    plain = np.stack([wg.no_grad()(f)(wg.Tensor(x)).numpy() for x in X])
    np.testing.assert_allclose(wg.vmap(f)(X), plain, rtol=1e-12)
    jitted = wg.jit(f)
    np.testing.assert_allclose(np.stack([jitted(x) for x in X]), plain, rtol=1e-12)
    gradients = np.stack([wg.grad(total(f))(x) for x in X])
    np.testing.assert_allclose(wg.vmap(wg.grad(total(f)))(X), gradients, rtol=1e-10, atol=1e-13)
    jitted = wg.jit(wg.grad(total(f)))
    np.testing.assert_allclose([jitted(x) for x in X], gradients, rtol=1e-10, atol=1e-13)
    tangents = wg.vmap(lambda x: wg.jvp(total(f), (x,), (x,))[1])(X)
    np.testing.assert_allclose(tangents, np.sum(gradients * X, 1), rtol=1e-10, atol=1e-13)


REFUSED = {
    "array": lambda x: x[x > 0] + np.ones(3),
    "other mask": lambda x: x[x > 0] + x[x < 1],
    "norm": lambda x: np.linalg.norm(x[x > 0]),
    "max": lambda x: np.max(x[x > 0]),
    "method": lambda x: x[x > 0].reshape(-1),
    "shape": lambda x: x[x > 0].shape,
    "item": lambda x: x[x > 0][0],
    "len": lambda x: len(x[x > 0]),
    "conversion": lambda x: np.asarray(x[x > 0]),
    "condition": lambda x: 1 if x[x > 0] else 2,
    "iteration": lambda x: list(x[x > 0]),
    "sort": lambda x: np.sort(x[x > 0]),
    "accumulate": lambda x: np.add.accumulate(x[x > 0]),
    "matmul": lambda x: x[x > 0] @ x[x > 0],
    "two masks": lambda x: np.outer(x, x)[x > 0, x > 0],
    "mask and array": lambda x: np.outer(x, x)[x > 0, [1, 2]],
}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("transform", [wg.jit, wg.vmap], ids=["jit", "vmap"])
def test_what_depends_on_the_number_is_refused(transform: Any, name: str) -> None:
    f = REFUSED[name]
    with pytest.raises(wg.AbstractValueError, match=r"depends on data.*np\.where\(mask"):
        transform(f)(X)


def test_writes_that_do_not_fit() -> None:
    def longer(x: Any) -> Any:
        y = x * 1.0
        y[y > 0] = np.ones(3)
        return y

    def elsewhere(x: Any) -> Any:
        y = x * 1.0
        y[:] = x[x > 0]
        return y

    def other(x: Any) -> Any:
        y = x * 1.0
        y[y > 0] = x[x > 0.5]
        return y

    for f in (longer, elsewhere, other):
        with pytest.raises(wg.AbstractValueError, match="depends on data"):
            wg.vmap(f)(X)

    def shape(x: Any) -> Any:
        y = np.outer(x, x)[:3]
        y[x > 0] = 1
        return y

    with pytest.raises(IndexError, match=r"mask of shape \(5,\) does not match the dimensions"):
        wg.vmap(shape)(X)


def test_a_mask_computed_again_after_a_write_is_another() -> None:
    def f(x: Any) -> Any:
        y = x * 1.0
        m = y > 0
        y[m] = 0.0
        y[m] = y[y > 0]  # of the new y
        return y

    with pytest.raises(wg.AbstractValueError, match="two masks"):
        wg.vmap(f)(X)
    assert np.isfinite(wg.vmap(scalar)(X)).all()


def test_an_integer_array_takes_no_fractions() -> None:
    def f(x: Any) -> Any:
        y = np.floor(x).astype(int)
        y[y > 0] += 0.5
        return y

    with pytest.raises(TypeError, match="same_kind"):
        wg.vmap(f)(X)


def test_elements_are_no_result() -> None:
    for transform in (wg.jit, wg.vmap):
        with pytest.raises(wg.AbstractValueError, match="boolean mask"):
            transform(lambda x: x[x > 0])(X)
