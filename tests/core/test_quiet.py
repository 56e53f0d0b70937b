"""Silencing NumPy's floating-point warnings."""

from __future__ import annotations

import numpy as np
import pytest

from wengert.core.quiet import is_quiet, quiet


def test_silences_and_restores() -> None:
    with np.errstate(all="raise"):
        with quiet():
            assert np.isinf(np.divide(np.ones(1), np.zeros(1)))
            with quiet():
                assert np.isnan(np.sqrt(-1.0))
            assert np.isnan(np.log(-1.0))
        with pytest.raises(FloatingPointError):
            np.log(np.zeros(1))


def test_restores_after_an_error() -> None:
    with np.errstate(all="raise"):
        with pytest.raises(KeyError), quiet():
            raise KeyError
        assert not is_quiet()


def test_is_quiet() -> None:
    assert not is_quiet()
    with quiet():
        assert is_quiet()
        with np.errstate(over="warn"):
            assert not is_quiet()
        assert is_quiet()
    for _ in range(2):
        with np.errstate(all="ignore"):
            assert is_quiet()
        with np.errstate(divide="ignore"):
            assert not is_quiet()
    assert not is_quiet()
