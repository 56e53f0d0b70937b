"""Integers, truth values, orders, classes: frequencies, transforms, bad arguments."""

import numpy as np
import pytest
import scipy.stats

import wengert as wg
from wengert import nn, random

KEY = random.key(3)


def test_bernoulli():
    for p in (0.0, 0.25, 0.9, 1.0):
        assert abs(random.bernoulli(KEY, p, 40_000).mean() - p) < 0.01
    found = random.bernoulli(KEY, np.array([0.0, 1.0]), (3, 2))
    np.testing.assert_array_equal(found, [[False, True]] * 3)
    assert found.dtype == bool
    assert random.bernoulli(KEY).shape == ()
    assert random.bernoulli(KEY, np.float32(1.0), 100_000).all()
    for p in (-0.1, 1.1, np.nan):
        with pytest.raises(wg.WengertValueError, match="bernoulli: p must be from 0 to 1"):
            random.bernoulli(KEY, p)
    with pytest.raises(wg.WengertTypeError, match="bernoulli: p must be real numbers, got complex"):
        random.bernoulli(KEY, 0.5j)
    # A traced probability decides, and has no derivative.
    assert wg.grad(lambda p: p * random.bernoulli(KEY, p))(0.999) == 1.0


@pytest.mark.parametrize(
    ("low", "high", "dtype"),
    [
        (0, 6, np.int64),
        (-3, 4, np.int8),
        (10, 11, np.uint8),
        (0, 256, np.uint8),
        (-(2**63), 2**63, np.int64),
        (0, 2**64, np.uint64),
        (2**40, 2**41, np.int64),
        (-(2**62), 2**62 + 1, np.int64),
    ],
)
def test_randint(low, high, dtype):
    sample = random.randint(KEY, 12_000, low, high, dtype)
    assert sample.dtype == dtype
    values = [int(x) for x in sample]
    assert low <= min(values)
    assert max(values) < high
    # Equally many in each of 6 parts (or fewer, for few integers).
    parts = min(6, high - low)
    counts = np.bincount([(v - low) * parts // (high - low) for v in values], minlength=parts)
    expected = [len(range(-(-i * (high - low) // parts), -(-(i + 1) * (high - low) // parts)))
                for i in range(parts)]  # fmt: skip
    ratio = np.array([n / (high - low) for n in expected], float) * len(values)
    assert scipy.stats.chisquare(counts, ratio).pvalue > 0.001 if parts > 1 else True


def test_randint_is_the_high_word_of_the_product():
    words = random.bits(KEY, 50)
    for n in (6, 2**32, 2**40 + 7, 2**63 + 1):
        found = random.randint(KEY, 50, 0, n, np.uint64)
        assert [int(x) for x in found] == [int(w) * n >> 64 for w in words]
    # A scalar does not warn of the number that wraps around.
    assert random.randint(KEY, (), -5, 5) == random.randint(KEY, 1, -5, 5)[0]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((3, 5, 5), wg.WengertValueError, "needs low < high .* got low = 5 and high = 5"),
        ((3, 0, 300, np.uint8), wg.WengertValueError, "needs .* within the uint8 numbers"),
        ((3, 0, 2**65), wg.WengertValueError, "needs .* within the int64 numbers"),
        ((3, 0.0, 2), wg.WengertTypeError, "low and high must be integers, got 0.0 and 2"),
        ((3, 0, 2, float), wg.WengertTypeError, "dtype must be an integer type, got float64"),
        (("a", 0, 2), wg.WengertTypeError, "shape must be an integer or a tuple"),
    ],
)
def test_randint_bad_arguments(arguments, error, message):
    with pytest.raises(error, match=f"random.randint: {message}"):
        random.randint(KEY, *arguments)


def test_permutation():
    order = random.permutation(KEY, 50)
    assert sorted(order.tolist()) == list(range(50))
    assert order.tolist() != list(range(50))
    x = np.arange(12.0).reshape(3, 4)
    np.testing.assert_array_equal(
        random.permutation(KEY, x, axis=1), x[:, random.permutation(KEY, 4)]
    )
    np.testing.assert_array_equal(random.permutation(KEY, x), x[random.permutation(KEY, 3)])
    assert random.permutation(KEY, 0).shape == (0,)
    gradient = wg.grad(lambda x: np.sum(random.permutation(KEY, x) * np.arange(3.0)[:, None]))(x)
    np.testing.assert_array_equal(gradient[random.permutation(KEY, 3), 0], [0, 1, 2])
    # All orders of 3 are equally likely.
    orders = wg.vmap(lambda k: random.permutation(k, 3))(random.split(KEY, 6000))
    counts = np.bincount(orders @ [9, 3, 1])
    assert scipy.stats.chisquare(counts[counts > 0]).pvalue > 0.001
    assert np.count_nonzero(counts) == 6
    with pytest.raises(wg.WengertTypeError, match="permutation: expected an integer or an array"):
        random.permutation(KEY, 2.5)
    with pytest.raises(wg.WengertValueError, match="permutation: expected at least 0, got -2"):
        random.permutation(KEY, -2)
    with pytest.raises(np.exceptions.AxisError):
        random.permutation(KEY, x, axis=2)


def test_choice():
    p = np.array([0.1, 0.0, 0.6, 0.3, 0.0])
    drawn = random.choice(KEY, 5, 20_000, p=p)
    np.testing.assert_allclose(np.bincount(drawn, minlength=5) / 20_000, p, atol=0.01)
    equal = random.choice(KEY, 5, 20_000)
    np.testing.assert_allclose(np.bincount(equal, minlength=5) / 20_000, 0.2, atol=0.01)
    distinct = random.choice(KEY, 5, (3,), replace=False, p=p)
    assert sorted(distinct.tolist()) == [0, 2, 3]
    assert sorted(random.choice(KEY, 7, 7, replace=False).tolist()) == list(range(7))
    x = np.arange(12.0).reshape(3, 4)
    assert random.choice(KEY, x, (2, 2)).shape == (2, 2, 4)
    assert random.choice(KEY, x, (2, 5), axis=1).shape == (3, 2, 5)
    assert random.choice(KEY, x, axis=1).shape == (3,)
    assert random.choice(KEY, 0, 0).shape == (0,)
    gradient = wg.grad(lambda x: np.sum(random.choice(KEY, x, 6)))(np.ones(3))
    np.testing.assert_array_equal(gradient, np.bincount(random.choice(KEY, 3, 6), minlength=3))


def test_without_replacement_the_first_has_the_probabilities():
    p = np.array([0.2, 0.5, 0.3])
    keys = random.split(KEY, 10_000)
    pairs = wg.vmap(lambda k: random.choice(k, 3, 2, replace=False, p=p))(keys)
    np.testing.assert_allclose(np.bincount(pairs[:, 0]) / 10_000, p, atol=0.015)
    after_1 = pairs[pairs[:, 0] == 1, 1]
    assert abs(np.mean(after_1 == 0) - 0.2 / 0.5) < 0.02


@pytest.mark.parametrize(
    ("arguments", "keywords", "error", "message"),
    [
        ((3, 4), {"replace": False}, wg.WengertValueError, "cannot draw 4 of 3 elements without"),
        ((0, 1), {}, wg.WengertValueError, "cannot draw 1 of 0 elements"),
        (
            (3, 2),
            {"p": [0.5, 0.5]},
            wg.ShapeError,
            r"3 elements need p of shape \(3,\), got \(2,\)",
        ),
        ((2, 2), {"p": [0.5, 0.6]}, wg.WengertValueError, "p must be .* have the sum 1"),
        ((2, 2), {"p": [1.5, -0.5]}, wg.WengertValueError, "p must be at least 0"),
        (
            (3, 2),
            {"p": [0.0, 1.0, 0.0], "replace": False},
            wg.WengertValueError,
            "cannot draw 2 elements, of which only 1 have a probability above 0",
        ),
        ((2.5,), {}, wg.WengertTypeError, "expected an integer or an array, got 2.5"),
    ],
)
def test_choice_bad_arguments(arguments, keywords, error, message):
    with pytest.raises(error, match=f"random.choice: {message}"):
        random.choice(KEY, *arguments, **keywords)


def test_categorical():
    logits = np.array([[1.0, 2.0, -1.0], [0.0, -np.inf, 0.0]])
    drawn = random.categorical(KEY, logits, (20_000, 2))
    assert drawn.shape == (20_000, 2)
    for row in range(2):
        np.testing.assert_allclose(
            np.bincount(drawn[:, row], minlength=3) / 20_000, nn.softmax(logits[row]), atol=0.015
        )
    assert random.categorical(KEY, logits).shape == (2,)
    assert random.categorical(KEY, logits, axis=0).shape == (3,)
    assert random.categorical(KEY, logits.astype(np.float32)).dtype == np.int64
    assert random.categorical(KEY, logits[0]).shape == ()
    with pytest.raises(wg.WengertTypeError, match="categorical: logits must be floats, got int64"):
        random.categorical(KEY, np.arange(3))
    with pytest.raises(wg.ShapeError, match=r"categorical: logits of shape \(2, 0\) have no clas"):
        random.categorical(KEY, np.ones((2, 0)))
    with pytest.raises(wg.ShapeError, match=r"categorical: logits of shape \(2,\) cannot be broad"):
        random.categorical(KEY, logits, (5,))


@pytest.mark.parametrize(
    "function",
    [
        lambda k: random.bernoulli(k, 0.3, 4),
        lambda k: random.randint(k, (2,), -3, 9),
        lambda k: random.permutation(k, 6),
        lambda k: random.choice(k, 9, 3, replace=False),
        lambda k: random.choice(k, 4, 5, p=[0.1, 0.2, 0.3, 0.4]),
        lambda k: random.categorical(k, np.zeros(4)),
        lambda k: random.split(k, 3),
        lambda k: random.bits(k, 7, np.uint32),
    ],
)
@pytest.mark.parametrize("count", [3, 600])
def test_vmap_over_keys_is_a_loop(function, count):
    keys = random.split(KEY, count)
    found = wg.vmap(function)(keys)
    each = np.stack([function(k) for k in keys])
    assert found.dtype == each.dtype
    np.testing.assert_array_equal(found, each)
    np.testing.assert_array_equal(wg.vmap(function, 1)(keys.T), each)
