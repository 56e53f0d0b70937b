"""Learning-rate schedules."""

import pytest

import wengert as wg
from wengert.optim import StepDecay


def test_step_decay():
    schedule = StepDecay(0.8, factor=0.5, every=3)
    assert [schedule(step) for step in range(7)] == [0.8, 0.8, 0.8, 0.4, 0.4, 0.4, 0.2]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((-1.0, 0.5, 1), "lr must be at least 0, got -1.0"),
        ((0.1, 0.0, 1), "factor must be above 0 and at most 1, got 0.0"),
        ((0.1, 1.5, 1), "factor must be above 0 and at most 1, got 1.5"),
        ((0.1, 0.5, 0), "every must be at least 1, got 0"),
    ],
)
def test_wrong_numbers(arguments, message):
    with pytest.raises(wg.ConfigError, match=f"StepDecay: {message}"):
        StepDecay(*arguments)
