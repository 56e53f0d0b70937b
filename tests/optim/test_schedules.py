"""Learning-rate schedules."""

import math

import numpy as np
import pytest

import wengert as wg
from wengert.optim import (
    Constant,
    CosineDecay,
    ExponentialDecay,
    PiecewiseConstant,
    StepDecay,
    Warmup,
)


def test_constant():
    assert Constant(0.3)(0) == Constant(0.3)(10**9) == 0.3


def test_step_decay():
    schedule = StepDecay(0.8, factor=0.5, every=3)
    assert [schedule(step) for step in range(7)] == [0.8, 0.8, 0.8, 0.4, 0.4, 0.4, 0.2]


def test_exponential_decay():
    schedule = ExponentialDecay(0.8, factor=0.5, every=2)
    np.testing.assert_allclose([schedule(s) for s in range(5)], 0.8 * 0.5 ** (np.arange(5) / 2))


def test_cosine_decay():
    schedule = CosineDecay(1.0, steps=4, final=0.2)
    expected = [0.2 + 0.8 * (1 + math.cos(math.pi * s / 4)) / 2 for s in range(5)]
    np.testing.assert_allclose([schedule(s) for s in range(5)], expected)
    assert schedule(4) == schedule(100) == 0.2


def test_piecewise_constant():
    schedule = PiecewiseConstant([0.1, 0.05, 0.01], [2, 5])
    assert [schedule(s) for s in (0, 1, 2, 4, 5, 99)] == [0.1, 0.1, 0.05, 0.05, 0.01, 0.01]
    assert PiecewiseConstant((0.1,), ())(7) == 0.1


def test_warmup():
    schedule = Warmup(CosineDecay(1.0, 4), steps=4)
    found = [schedule(s) for s in range(9)]
    np.testing.assert_allclose(found[:4], [0.25, 0.5, 0.75, 1.0])
    np.testing.assert_allclose(found[4:], [CosineDecay(1.0, 4)(s) for s in range(5)])
    assert [Warmup(0.2, 2)(s) for s in range(4)] == [0.1, 0.2, 0.2, 0.2]


ALL = [
    Constant(0.3),
    StepDecay(0.8, 0.5, 3),
    ExponentialDecay(0.8, 0.5, 3),
    CosineDecay(0.8, 5, 0.1),
    PiecewiseConstant((0.8, 0.2), (3,)),
    Warmup(CosineDecay(0.8, 5, 0.1), 3),
    Warmup(PiecewiseConstant((0.8, 0.2), (3,)), 3),
]


@pytest.mark.parametrize("schedule", ALL, ids=str)
def test_the_step_may_be_traced(schedule):
    steps = np.arange(12)
    expected = [schedule(int(s)) for s in steps]
    np.testing.assert_allclose([schedule(np.int64(s)) for s in steps], expected)
    found = wg.vmap(lambda s: schedule(s) + 0.0 * s)(steps)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("schedule", ALL, ids=str)
def test_schedules_can_be_compared(schedule):
    assert schedule == type(schedule)(**vars(schedule))
    assert hash(schedule) == hash(type(schedule)(**vars(schedule)))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: StepDecay(-1.0, 0.5, 1), "StepDecay: lr must be at least 0 and finite, got -1.0"),
        (lambda: StepDecay(0.1, 0.0, 1), "factor must be above 0 and at most 1, got 0.0"),
        (lambda: StepDecay(0.1, 1.5, 1), "factor must be above 0 and at most 1, got 1.5"),
        (lambda: StepDecay(0.1, 0.5, 0), "StepDecay: every must be at least 1 and finite, got 0"),
        (lambda: Constant(-1), "Constant: lr must be at least 0"),
        (lambda: ExponentialDecay(0.1, 0.0), "ExponentialDecay: factor must be above 0"),
        (lambda: ExponentialDecay(0.1, 0.5, 0), "ExponentialDecay: every must be at least 1"),
        (lambda: CosineDecay(0.1, 0), "CosineDecay: steps must be at least 1 and finite, got 0"),
        (lambda: CosineDecay(0.1, 5, -1), "CosineDecay: final must be at least 0"),
        (lambda: Warmup(0.1, 0), "Warmup: steps must be at least 1"),
        (lambda: Warmup(-0.1, 3), "Warmup: lr must be at least 0"),
        (lambda: PiecewiseConstant((0.1,), (3,)), "1 boundaries need 2 rates, got 1"),
        (lambda: PiecewiseConstant((0.1, 0.2, 0.3), (5, 5)), "boundaries must increase"),
        (
            lambda: PiecewiseConstant((0.1, -0.2), (5,)),
            "each rate must be at least 0 and finite, got -0.2",
        ),
        (
            lambda: PiecewiseConstant((0.1, 0.2), (0,)),
            "each boundary must be at least 1 and finite, got 0",
        ),
    ],
)
def test_wrong_numbers(call, message):
    with pytest.raises(wg.ConfigError, match=message):
        call()
