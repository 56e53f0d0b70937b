"""Compiled functions are copied and pickled as functions are."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import wengert as wg

pytest.importorskip("llvmlite")

X = np.linspace(-1.0, 1.0, 6).reshape(2, 3)


def energy(x: Any) -> Any:
    return np.sum(np.sin(x) ** 2)


@wg.jit
def doubled(x: Any) -> Any:
    return 2 * x


class Scaling:
    def __init__(self, scale: float) -> None:
        self.scale = scale
        self.run = wg.jit(self.scaled, threads=1)

    def scaled(self, x: Any) -> Any:
        return x * self.scale


def test_copies_and_pickles_by_name_as_functions_do() -> None:
    assert copy.copy(doubled) is copy.deepcopy(doubled) is doubled
    assert pickle.loads(pickle.dumps(doubled)) is doubled
    anew = pickle.loads(pickle.dumps(wg.jit(energy, donate_argnums=0, backend="numpy")))
    np.testing.assert_allclose(anew(X.copy()), energy(X.copy()))
    assert anew._donate_argnums == (0,)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda s: pickle.loads(pickle.dumps(s))])
def test_a_compiled_method_is_copied_with_its_object(copied: Any) -> None:
    """The copy computes with its own attributes."""
    scaling = Scaling(2.0)
    for _ in range(3):
        np.testing.assert_array_equal(scaling.run(X), X * 2)
    other = copied(scaling)
    other.scale = 3.0
    for _ in range(3):
        np.testing.assert_array_equal(other.run(X), X * 3)
        np.testing.assert_array_equal(scaling.run(X), X * 2)
