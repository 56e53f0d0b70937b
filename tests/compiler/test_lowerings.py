"""Operations that are computed natively: equal to NumPy's, without a call back."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert.core.bind import bind
from wengert.core.primitive import PRIMITIVES

pytest.importorskip("llvmlite")

INTEGERS = [np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64]


def agrees(function: Callable[..., Any], *args: Any, tolerance: float = 1e-12) -> None:
    """The compiled function gives what the function gives, and calls nothing back."""
    compiled = wg.jit(function)
    assert compiled.lower(*args).cost()["calls"] == {}
    with np.errstate(all="ignore"):
        expected = function(*args)
    found = compiled(*args)
    if not isinstance(expected, tuple | list):
        expected, found = [expected], [found]
    for x, y in zip(found, expected, strict=True):
        assert x.dtype == y.dtype
        np.testing.assert_allclose(x, y, rtol=tolerance, atol=tolerance)


def with_derivatives(function: Callable[..., Any], *args: Any) -> None:
    """The value, the pullback and the pushforward agree."""
    rng = np.random.default_rng(1)
    ct = rng.normal(size=np.shape(function(*args)))
    ts = tuple(rng.normal(size=np.shape(a)) for a in args)

    def everything(*args: Any) -> list[Any]:
        y, pullback = wg.vjp(function, *args)
        pulled = pullback(ct)
        pulled = list(pulled) if isinstance(pulled, tuple) else [pulled]
        return [y, *pulled, wg.jvp(function, args, ts)[1]]

    agrees(everything, *args)


# ------------------------------------------------------------------ windows


@pytest.mark.parametrize(
    ("stride", "dilation", "padding", "groups", "window", "image"),
    [
        ((1, 1), (1, 1), ((0, 0), (0, 0)), 1, (3, 3), (7, 9)),
        ((1, 1), (1, 1), ((1, 1), (1, 1)), 1, (3, 3), (8, 8)),
        ((2, 2), (1, 1), ((1, 1), (1, 1)), 1, (3, 3), (7, 8)),
        ((2, 3), (2, 1), ((1, 2), (0, 1)), 2, (3, 2), (9, 8)),
        ((3, 1), (1, 2), ((2, 2), (2, 2)), 4, (3, 3), (8, 7)),
        ((3, 3), (1, 1), ((0, 0), (0, 0)), 1, (2, 2), (10, 8)),
        ((2, 2), (4, 2), ((2, 2), (2, 2)), 1, (3, 2), (9, 9)),
        ((1, 1), (1, 1), ((0, 0), (0, 0)), 1, (1, 1), (5, 4)),
        ((2, 2), (1, 1), ((0, 0), (0, 0)), 1, (1, 1), (5, 4)),
    ],
)
def test_convolution(
    stride: Any, dilation: Any, padding: Any, groups: int, window: Any, image: Any
) -> None:
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(2, *image, 4)), rng.normal(size=(*window, 4 // groups, 8))
    params = {"stride": stride, "dilation": dilation, "padding": padding, "groups": groups}
    with_derivatives(lambda x, w: bind(PRIMITIVES["conv2d"], (x, w), params), x, w)


def test_the_kernel_s_gradient_of_many_images() -> None:
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(24, 20, 20, 16)), rng.normal(size=(3, 3, 16, 8))
    params = {"stride": (1, 1), "dilation": (1, 1), "padding": ((1, 1), (1, 1)), "groups": 1}
    with_derivatives(lambda x, w: bind(PRIMITIVES["conv2d"], (x, w), params), x, w)


@pytest.mark.parametrize("name", ["max_pool2d", "window_sum2d"])
@pytest.mark.parametrize(
    ("window", "stride", "padding"),
    [
        ((2, 2), (2, 2), ((0, 0), (0, 0))),
        ((2, 2), (3, 3), ((1, 1), (1, 1))),
        ((3, 3), (1, 1), ((1, 1), (1, 1))),
        ((3, 2), (2, 1), ((0, 1), (1, 0))),
        ((5, 5), (2, 3), ((2, 2), (2, 2))),
    ],
)
def test_pooling(name: str, window: Any, stride: Any, padding: Any) -> None:
    x = np.round(np.random.default_rng(0).normal(size=(2, 10, 8, 3)) * 2)  # with ties
    params = {"window": window, "stride": stride, "padding": padding}
    with_derivatives(lambda x: bind(PRIMITIVES[name], (x,), params), x)


def test_pooling_of_nan_and_infinities() -> None:
    x = np.zeros((1, 6, 6, 1))
    x[0, 0, 0], x[0, 2, 3], x[0, 4:, 4:] = np.nan, np.inf, -np.inf
    params = {"window": (2, 2), "stride": (2, 2), "padding": ((0, 0), (0, 0))}
    pool = lambda x: bind(PRIMITIVES["max_pool2d"], (x,), params)  # noqa: E731
    agrees(lambda x: wg.vjp(pool, x)[1](np.ones((1, 3, 3, 1))), x)


@pytest.mark.parametrize("mode", ["full", "valid", "same"])
def test_discrete_convolution(mode: Any) -> None:
    rng = np.random.default_rng(0)
    with_derivatives(lambda a, v: np.convolve(a, v, mode), rng.normal(size=9), rng.normal(size=4))


# ------------------------------------------------------------------ scans, norms


@pytest.mark.parametrize("shape", [(7,), (5, 6), (4, 1, 6), (3, 5, 17), (1, 4)])
def test_running_sums_and_products(shape: Any) -> None:
    x = np.random.default_rng(0).uniform(0.5, 1.5, shape)
    for axis in range(len(shape)):
        with_derivatives(lambda x: np.cumsum(np.sin(x), axis), x)  # noqa: B023
        agrees(lambda x: np.cumprod(x, axis), x)  # noqa: B023
        agrees(lambda x: np.maximum.accumulate(x, axis), x)  # noqa: B023
        agrees(lambda x: np.cumsum(x[::-1], axis) + np.flip(x, 0), x)  # noqa: B023


def test_running_sums_of_small_integers() -> None:
    x = np.arange(200, 230, dtype=np.uint8).reshape(5, 6)
    agrees(lambda x: (np.cumsum(x), np.cumsum(x, 1), np.cumsum(x > 210, 0)), x)


def test_norms() -> None:
    x = np.random.default_rng(0).normal(size=(4, 5))
    x[1] = 0
    with_derivatives(lambda x: np.linalg.norm(x, axis=1), x)
    with_derivatives(lambda x: np.linalg.norm(x[2:], ord=3, axis=1), x)
    with_derivatives(lambda x: np.linalg.norm(x, ord=1.5, axis=0), x)


def test_batch_normalization() -> None:
    rng = np.random.default_rng(0)
    args = rng.normal(size=(6, 3, 5, 4)), rng.normal(size=4), rng.normal(size=4)
    batch_norm = PRIMITIVES["batch_norm"]
    with_derivatives(lambda x, s, b: bind(batch_norm, (x, s, b), {"eps": 1e-3})[0], *args)


# ------------------------------------------------------------------ integers


@pytest.mark.parametrize("dtype", INTEGERS)
def test_integer_arithmetic(dtype: Any) -> None:
    info = np.iinfo(dtype)
    values = [0, 1, 2, 3, 7, 13, 100, info.max, info.min, info.max - 1, info.min + 1]
    if info.min < 0:
        values += [-1, -2, -3, -7, -100]
    x, y = (np.array(a, dtype) for a in zip(*itertools.product(values, values), strict=True))
    agrees(lambda x, y: (x // y, x % y, x + y, x * y, x - y), x, y)
    agrees(lambda x, y: (x & y, x | y, x ^ y, ~x, np.sign(x), abs(x)), x, y)
    agrees(lambda x, y: (np.maximum(x, y), np.minimum(x, y), x < y, x == y), x, y)
    agrees(lambda x, y: (x**3, np.square(x), np.bitwise_count(x)), x, y)
    shifts = np.arange(x.size, dtype=dtype) % (8 * info.dtype.itemsize + 3)
    agrees(lambda x, y: (x << y, x >> y), x, shifts)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_exact_operations_on_floats(dtype: Any) -> None:
    rng = np.random.default_rng(0)
    x, y = (rng.normal(size=301).astype(dtype) * 5 for _ in range(2))
    tolerance = float(np.finfo(dtype).eps) * 8
    agrees(lambda x, y: (x // y, x % y, np.spacing(x)), x, y, tolerance=tolerance)
    agrees(lambda x, y: tuple(np.modf(x)), np.append(x, [np.inf, -np.inf, -0.0]).astype(dtype), y)
    agrees(lambda x, y: (x**3, x**4, x**-2, abs(x) ** 0.5), x, y, tolerance=tolerance)


def test_powers_of_special_values() -> None:
    x = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0])
    agrees(lambda x: tuple(x**p for p in (0, 1, 2, 3, -1, -2, 0.5, -0.5, 2.5)), x)
    with np.errstate(all="ignore"):
        expected = np.signbit(x**0.5)
    found = np.signbit(wg.jit(lambda x: x**0.5)(x))
    np.testing.assert_array_equal(found[:2], expected[:2])


# ------------------------------------------------------------------ searching and indexing


def test_searching() -> None:
    rng = np.random.default_rng(0)
    x = np.round(rng.normal(size=(5, 17)) * 2)
    agrees(lambda x: (x.argmax(), x.argmin(1), np.argmax(x > 1, 0), np.argmin(x.T, 0)), x)
    ordered = np.sort(np.append(x.ravel(), [np.nan, np.inf, -np.inf]))
    wanted = np.append(x.ravel() + 0.5, [np.nan, np.inf, -np.inf, -99, 99])
    for n in (1, 2, 3, 7, 8, 88):
        a = ordered[-n:]
        agrees(lambda a, v: np.searchsorted(a, v), a, wanted)
        agrees(lambda a, v: np.searchsorted(a, v, side="right"), a, wanted)


def test_writes_with_repeated_indices() -> None:
    rng = np.random.default_rng(0)
    i = np.array([[0, 2, 2], [1, 0, -1]])

    def write(x: Any, v: Any, i: Any) -> Any:
        y = x * 2
        y[i] = v
        np.add.at(y, i, v)
        return y

    x, v = rng.normal(size=(4, 3)), rng.normal(size=(2, 3, 3))
    agrees(lambda x, v, i: wg.vjp(lambda x, v: write(x, v, i), x, v)[1](x), x, v, i)


# ------------------------------------------------------------------ unit vectors


def test_jacobians_do_not_multiply_by_the_identity() -> None:
    rng = np.random.default_rng(0)
    a, x = rng.normal(size=(30, 20)), rng.normal(size=20)
    hessian = wg.hessian(lambda x, a: np.sum(np.log1p(np.exp(a @ x))))
    agrees(lambda x, a: hessian(x, a), x, a, tolerance=1e-11)
    nests = wg.jit(hessian).lower(x, a).plan.steps
    assert sum(20 in s.reduced for s in nests) == 1  # a @ x, and no sum over unit vectors
    jacobian = wg.jacrev(lambda x, y: [np.tanh(a @ x) * y, x], argnums=(0, 1))
    found = wg.tree.leaves(wg.jit(jacobian)(x, np.float64(0.5)))
    for p, q in zip(found, wg.tree.leaves(jacobian(x, np.float64(0.5))), strict=True):
        np.testing.assert_allclose(p, q, atol=1e-12)
    agrees(lambda x: wg.jacfwd(lambda x: np.cumsum(x * x))(x), x)


def test_writes_through_reshapes() -> None:
    def write(x: Any, v: Any) -> Any:
        y = x * 2
        y.reshape(6, 2)[1:3] = v
        y[:2].reshape(-1)[::2] += 1.0
        y.T.reshape(-1)[0] = 9.0
        return y

    rng = np.random.default_rng(0)
    agrees(lambda x, v: wg.vjp(write, x, v)[1](x), rng.normal(size=(4, 3)), rng.normal(size=2))
    agrees(write, rng.normal(size=(4, 3)), rng.normal(size=2))


def test_arrays_without_elements() -> None:
    x, i = np.zeros((0, 4)), np.zeros(0, int)
    agrees(lambda x, i: (x[i], np.sin(x) @ np.ones((4, 2)), np.cumsum(x, 0), x.sum(0)), x, i)
    params = {"stride": (1, 1), "dilation": (1, 1), "padding": ((0, 0), (0, 0)), "groups": 1}
    compiled = wg.jit(lambda x, w: bind(PRIMITIVES["conv2d"], (x, w), params))
    assert compiled(np.zeros((0, 3, 3, 2)), np.zeros((2, 2, 2, 2))).shape == (0, 2, 2, 2)
    with pytest.raises(IndexError, match="out of bounds"):
        wg.jit(lambda x, i: x[i])(np.zeros((3, 0)), np.array([7]))


def test_products_with_logarithms() -> None:
    from scipy import special

    x = np.array([0.0, 0.0, 1.5, -2.0, 0.0, np.nan])
    y = np.array([0.0, 3.0, 2.5, 0.5, np.nan, 1.0])
    agrees(lambda x, y: (special.xlogy(x, y), special.xlog1py(x, y)), x, y)
    agrees(special.log_expit, np.linspace(-800, 800, 101))


def test_sorted_values_are_gathered() -> None:
    x = np.random.default_rng(0).normal(size=(3, 7))
    order = np.argsort(x, 1)
    agrees(lambda x, i: np.take_along_axis(np.sin(x), i, 1), x, order)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_exponents(dtype: Any) -> None:
    info = np.finfo(dtype)
    numbers = [0.0, 1.0, 0.75, 3.0, info.max, info.tiny, info.tiny * 1.5, info.smallest_subnormal]
    numbers += [np.inf, np.nan, info.smallest_subnormal * 5]
    x = np.array([*numbers, *(-v for v in numbers)], dtype)
    agrees(lambda x: tuple(np.frexp(x)), x, tolerance=0)
    n = np.array([0, 1, -1, 30, -30, -140, 140, -1074, 1074, -2098, 2098, 99999, -99999])
    x, n = (a.ravel() for a in np.meshgrid(x, n))
    agrees(lambda x, n: np.ldexp(x, n), x, n.astype(np.int32), tolerance=0)


def test_writes_at_progressions() -> None:
    def write(x: Any, v: Any) -> Any:
        y = x * 2
        rows = np.broadcast_to(np.arange(3), (2, 3))  # each row is written twice
        y[rows] = v
        y[np.arange(2), np.arange(2)] = v[0, 0, :2]
        np.add.at(y, rows, v)
        return y

    rng = np.random.default_rng(0)
    x, v = rng.normal(size=(4, 3)), rng.normal(size=(2, 3, 3))
    agrees(lambda x, v: wg.vjp(write, x, v)[1](x), x, v)
    agrees(write, x, v)


@pytest.mark.parametrize("n", [1, 3, 4, 7, 16])
def test_one_index_for_all_elements(n: int) -> None:
    """Every element adds to the one place, also if all of them add the same number."""

    def added(i: Any, v: Any) -> Any:
        x = np.zeros_like(v)
        np.add.at(x, np.broadcast_to(i, v.shape), v[0] + 0 * v)
        return x

    def gradient(i: Any, v: Any) -> Any:
        return wg.grad(lambda v: np.sum(v[np.broadcast_to(i, v.shape)] ** 2))(v)

    v = np.arange(1.0, n + 1)
    for f in (added, gradient):
        np.testing.assert_allclose(wg.jit(f)(np.array(n // 2), v), f(np.array(n // 2), v))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_inverse_squares_of_large_numbers_are_subnormal(dtype: Any) -> None:
    """Their squares overflow."""
    info = np.finfo(dtype)
    x = np.sqrt(info.max) * np.array([1.5, -2.5, 1e3, 1.0], dtype)
    x = np.concatenate([x, np.array([np.inf, -0.0, np.nan, info.smallest_subnormal], dtype)])
    with np.errstate(all="ignore"):
        exact = x.astype(np.longdouble) ** -2
        expected = exact.astype(dtype)
    found = wg.jit(lambda x: x**-2)(x)
    assert np.all(expected[:2] > 0)
    np.testing.assert_allclose(found, expected, rtol=3 * info.eps, atol=info.smallest_subnormal)


@pytest.mark.parametrize("narrow", [np.bool_, np.int8, np.uint16, np.int32])
@pytest.mark.parametrize("wide", [np.int16, np.uint32, np.int64])
def test_narrowed_integers_end_with_the_array(wide: Any, narrow: Any) -> None:
    """Regression: the last vector, of one number, was stored in its old length.

    `conftest` looks at what lies beyond the results.
    """
    for shape in ((9,), (17,), (33,), (65,), (3, 9), (2, 81)):
        x = np.arange(np.prod(shape)).reshape(shape).astype(wide)
        agrees(lambda x: x.astype(narrow), x)
        agrees(lambda x: (3 * x).astype(narrow)[..., ::-1], x)
