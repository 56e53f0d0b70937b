"""Times that can be compared."""

import time

import numpy as np

from labs.timing import interleaved


def test_everyone_in_turn():
    order = []

    def contestant(name):
        def step():
            order.append(name)
            time.sleep(0.01)

        return step

    names = ("a", "b", "c")
    seconds = interleaved({name: contestant(name) for name in names}, rounds=3, burst=1e-3)
    assert list(seconds) == list(names)
    for name in names:
        assert seconds[name].shape == (3,)
        assert np.all(seconds[name] >= 0.01)  # how much more a busy machine takes is not asked
    # After two calls each to find out how long one takes, three rounds of one, the order rotating.
    assert "".join(order) == "aabbcc" + "abc" + "bca" + "cab"


def test_bursts():
    """Fast ones are called more often: a burst is about as long for everyone."""
    calls = {"fast": 0, "slow": 0}

    def fast():
        calls["fast"] += 1

    def slow():
        calls["slow"] += 1
        time.sleep(0.002)

    seconds = interleaved({"fast": fast, "slow": slow}, rounds=5, burst=0.01)
    assert calls["slow"] < 60 < 1000 < calls["fast"]
    assert np.median(seconds["fast"]) < 0.002 <= np.median(seconds["slow"])
