"""Continuous distributions: their moments and quantiles, derivatives, dtypes, bad arguments."""

import numpy as np
import pytest
import scipy.stats

import wengert as wg
from wengert import random

KEY = random.key(2)
FUNCTIONS = {
    "uniform": (random.uniform, scipy.stats.uniform()),
    "normal": (random.normal, scipy.stats.norm()),
    "truncated_normal": (random.truncated_normal, scipy.stats.truncnorm(-2, 2)),
    "exponential": (random.exponential, scipy.stats.expon()),
    "gumbel": (random.gumbel, scipy.stats.gumbel_r()),
}
ALL = pytest.mark.parametrize("name", FUNCTIONS)


@ALL
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_distribution(name, dtype):
    function, exact = FUNCTIONS[name]
    sample = function(KEY, 20_000, dtype)
    assert sample.dtype == dtype
    # For a right distribution and one fixed key, this probability is any number; it was 0.02 or
    # more for these, and is below 1e-9 when the distribution is wrong by two percent.
    assert scipy.stats.kstest(sample, exact.cdf).pvalue > 0.01


@ALL
def test_known_numbers(name):
    """They may differ between machines by rounding in the logarithm, and by no more."""
    found = FUNCTIONS[name][0](random.key(0), 3)
    np.testing.assert_allclose(found, KNOWN[name], rtol=1e-13)


KNOWN = {
    "uniform": [0.011546754286331562, 0.24154919656271812, 0.11142585551493822],
    "normal": [-2.2718841483245957, -0.7013279206286979, -1.2189801910797584],
    "truncated_normal": [-1.8280435777557509, -0.6641136839241063, -1.1306268934217008],
    "exponential": [0.011613935705874748, 0.2764773426302539, 0.11813718581445379],
    "gumbel": [-1.49545161157695, -0.3511371183614868, -0.7859067841514997],
}


@ALL
def test_shapes_and_dtypes(name):
    function, _ = FUNCTIONS[name]
    assert function(KEY).shape == ()
    assert function(KEY).dtype == np.float64
    assert function(KEY, (2, 0)).shape == (2, 0)
    assert function(KEY, 3, np.float32).shape == (3,)
    parameter = {"uniform": "high", "truncated_normal": "high"}.get(name, "scale")
    by_parameter = function(KEY, **{parameter: np.ones((2, 3), np.float32)})
    assert (by_parameter.shape, by_parameter.dtype) == ((2, 3), np.float32)
    wide = function(KEY, (4, 2, 3), np.float64, **{parameter: np.ones((2, 3), np.float32)})
    assert (wide.shape, wide.dtype) == ((4, 2, 3), np.float64)
    assert function(KEY, **{parameter: np.array([1, 2])}).dtype == np.float64


@ALL
def test_the_same_numbers_under_every_transform(name):
    function, _ = FUNCTIONS[name]
    expected = function(KEY, 5)
    np.testing.assert_array_equal(function(KEY, 5), expected)
    keys = random.split(KEY, 3)
    np.testing.assert_array_equal(
        wg.vmap(lambda k: function(k, 5))(keys), [function(k, 5) for k in keys]
    )
    seen = []

    def loss(x):
        y = function(KEY, 5)
        seen.append(np.array(y))
        return np.sum(x * y)

    np.testing.assert_array_equal(wg.grad(loss)(np.ones(5)), expected)
    np.testing.assert_array_equal(wg.grad(wg.checkpoint(loss))(np.ones(5)), expected)
    assert len(seen) > 1
    assert all(np.array_equal(y, expected) for y in seen)


def test_parameters_have_derivatives():
    z, e, g, u = (
        f(KEY, 4) for f in (random.normal, random.exponential, random.gumbel, random.uniform)
    )
    loc, scale = np.arange(4.0), np.arange(1.0, 5.0)
    for function, standard in ((random.normal, z), (random.gumbel, g)):

        def sample(loc, scale, function=function):
            return np.sum(function(KEY, loc=loc, scale=scale))

        by_loc, by_scale = wg.grad(sample, (0, 1))(loc, scale)
        np.testing.assert_array_equal(by_loc, 1)
        np.testing.assert_allclose(by_scale, standard)
    by_scale = wg.grad(lambda s: np.sum(random.exponential(KEY, scale=s)))(scale)
    np.testing.assert_allclose(by_scale, e)
    low, high = wg.grad(lambda a, b: np.sum(random.uniform(KEY, low=a, high=b)), (0, 1))(loc, scale)
    np.testing.assert_allclose(low, 1 - u)
    np.testing.assert_allclose(high, u)
    tangent = wg.jvp(lambda s: random.normal(KEY, scale=s), (2.0,), (1.0,))[1]
    assert tangent == random.normal(KEY)
    second = wg.grad(wg.grad(lambda s: random.normal(KEY, scale=s) ** 2))(3.0)
    np.testing.assert_allclose(second, 2 * random.normal(KEY) ** 2)


def test_a_key_has_no_derivative():
    with pytest.raises(wg.WengertTypeError, match="cannot differentiate .* dtype uint64"):
        wg.grad(random.normal)(KEY)
    y, t = wg.jvp(lambda x: x * random.normal(KEY), (2.0,), (1.0,))
    assert t == random.normal(KEY) == y / 2


def test_parameters_move_the_numbers():
    np.testing.assert_array_equal(
        random.uniform(KEY, low=[0, 1], high=[1, 3]),
        random.uniform(KEY, low=np.array([0, 1]), high=np.array([1, 3])),
    )
    np.testing.assert_allclose(
        random.normal(KEY, 5, loc=3.0, scale=2.0), 3 + 2 * random.normal(KEY, 5)
    )
    np.testing.assert_allclose(
        random.uniform(KEY, 5, low=-1, high=3), 4 * random.uniform(KEY, 5) - 1
    )
    assert random.normal(KEY, 3, loc=np.float32(1)).dtype == np.float32


@pytest.mark.parametrize(("low", "high"), [(-2, 2), (3.0, 3.5), (-40, -39), (8, np.inf), (39, 41)])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_truncated_normal_keeps_its_bounds(low, high, dtype):
    with np.errstate(all="raise", under="ignore"):
        sample = random.truncated_normal(KEY, 1000, dtype, low=low, high=high)
    assert np.all((sample >= low) & (sample <= high))
    assert len(np.unique(sample)) > 500 or low in (-40, 39)
    if abs(low) < 9:
        assert scipy.stats.kstest(sample, scipy.stats.truncnorm(low, high).cdf).pvalue > 0.01


def test_the_largest_normal_number():
    """The ends of the open interval, from which no infinity comes."""
    from scipy.special import ndtri

    assert ndtri((0 + 0.5) * 2.0**-52) == pytest.approx(-8.2095, abs=1e-4)
    assert ndtri((2**52 - 1 + 0.5) * 2.0**-52) == pytest.approx(8.2095, abs=1e-4)
    assert ndtri((2**32 - 1 + 0.5) * 2.0**-32) == pytest.approx(6.3380, abs=1e-3)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: random.normal(KEY, 3, np.int64),
            wg.WengertTypeError,
            "normal: dtype must be float64 or float32, got int64",
        ),
        (
            lambda: random.uniform(KEY, 3, np.float16),
            wg.WengertTypeError,
            "uniform: dtype must be .* got float16",
        ),
        (
            lambda: random.normal(KEY, (2,), scale=np.ones(3)),
            wg.ShapeError,
            r"normal: loc of shape \(\) and scale of shape \(3,\) cannot be broadcast to shape "
            r"\(2,\)",
        ),
        (
            lambda: random.normal(KEY, loc=np.ones(2), scale=np.ones(3)),
            wg.ShapeError,
            r"normal: loc of shape \(2,\) and scale .* cannot be broadcast to each other",
        ),
        (
            lambda: random.normal(KEY, (), loc=np.ones(2)),
            wg.ShapeError,
            r"normal: .* cannot be broadcast to shape \(\)",
        ),
        (
            lambda: random.normal(KEY, scale=-1.0),
            wg.WengertValueError,
            "normal: scale must not be negative, got -1.0",
        ),
        (
            lambda: random.exponential(KEY, scale=[1.0, -1.0]),
            wg.WengertValueError,
            "exponential: scale must not be negative",
        ),
        (
            lambda: random.gumbel(KEY, scale=-1),
            wg.WengertValueError,
            "gumbel: scale must not be negative",
        ),
        (
            lambda: random.normal(KEY, loc=1j),
            wg.WengertTypeError,
            "normal: loc must be real numbers, got complex",
        ),
        (
            lambda: random.normal(KEY, loc="a"),
            wg.WengertTypeError,
            "normal: loc must be real numbers, got str",
        ),
        (
            lambda: random.truncated_normal(KEY, low=1, high=1),
            wg.WengertValueError,
            "truncated_normal: low must be below high, got 1.0 and 1.0",
        ),
        (
            lambda: wg.grad(lambda a: random.truncated_normal(KEY, low=a))(-1.0),
            wg.WengertTypeError,
            "truncated_normal: the bounds must be plain numbers",
        ),
    ],
)
def test_bad_arguments(call, error, message):
    with pytest.raises(error, match=f"random.{message}"):
        call()
