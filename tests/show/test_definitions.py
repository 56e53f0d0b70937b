"""The functions that listings define: each is what its primitive computes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from wengert.core.primitive import PRIMITIVES
from wengert.show import show
from wengert.show.definitions import DEFINITIONS, renamed_definition

from .programs import check

rng = np.random.default_rng(3)
SINGULAR = np.array([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [1.0, 0.0, 1.0]])
RANK_ONE = np.outer([1.0, 2.0, -1.0], [0.5, 1.0, 1.0])


def defined(name: str) -> Any:
    space: dict[str, Any] = {"np": np}
    exec(DEFINITIONS[name], space)
    return space[name]


@pytest.mark.parametrize(
    "a",
    [
        rng.normal(size=(3, 3)),
        rng.normal(size=(2, 4, 4)),
        SINGULAR,
        RANK_ONE,
        np.zeros((3, 3)),
        np.stack([SINGULAR, np.eye(3)]),
        np.array([[2.0]]),
        np.zeros((0, 0)),
        rng.normal(size=(3, 3)) + 1j * rng.normal(size=(3, 3)),
        np.float32(rng.normal(size=(3, 3))),
    ],
)
def test_cofactors(a: Any) -> None:
    h = rng.normal(size=a.shape).astype(a.dtype)
    rtol = 1e-4 if a.dtype == np.float32 else 1e-9
    for name, operands in (("cofactor", (a,)), ("cofactor_tangent", (a, h))):
        expected = PRIMITIVES[name].evaluate(*operands)
        got = defined(name)(*operands)
        assert got.dtype == expected.dtype
        np.testing.assert_allclose(got, expected, rtol=rtol, atol=rtol * 10)


@pytest.mark.parametrize(
    ("y", "axis"),
    [
        (np.array([1.0, 1.0, 2.0, 3.0, 3.0, 3.0]), 0),
        (np.array([[1.0, 1.0], [1.0, 2.0], [2.0, 2.0]]), 0),
        (np.array([[1.0, 1.0], [1.0, 2.0], [2.0, 2.0]]), 1),
        (np.array([1.0, np.nan, np.nan]), 0),
        (np.float32([1, 1, 2]), 0),
        (np.zeros(0), 0),
        (np.zeros((2, 0)), 1),
    ],
)
def test_tie_mean(y: Any, axis: int) -> None:
    t = rng.normal(size=y.shape).astype(y.dtype)
    got = defined("tie_mean")(t, y, axis)
    expected = PRIMITIVES["tie_mean"].evaluate(t, y, axis=axis)
    assert got.dtype == expected.dtype
    np.testing.assert_allclose(got, expected, rtol=1e-6)


def test_last_writer() -> None:
    last_writer = defined("last_writer")
    np.testing.assert_array_equal(last_writer((3,), [0, 2, 0]), [False, True, True])
    index = np.s_[1:, [0, 0]]
    np.testing.assert_array_equal(last_writer((3, 2), index), [[False, True], [False, True]])


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_sinc_derivative(n: int) -> None:
    x = np.array([-3.0, -0.5, 0.0, 1e-3, 0.7, 1.0, 12.3])
    expected = PRIMITIVES["sinc"].evaluate(x, order=n)
    np.testing.assert_allclose(defined("sinc_derivative")(x, n), expected, rtol=1e-9, atol=1e-9)


def test_only_what_is_called_is_defined() -> None:
    assert "def " not in str(show(lambda x: np.sin(x), 1.0))
    text = str(check(lambda x: np.sort(x) * np.arange(3.0), np.array([2.0, 1.0, 1.0])))
    assert text.startswith("def tie_mean(t, y, axis):")
    assert text.count("def ") == 1


def test_an_argument_of_the_same_name() -> None:
    listing = check(lambda x, tie_mean: np.sort(x) * tie_mean, np.array([2.0, 1.0]), 3.0)
    assert "def tie_mean_(t, y, axis):" in str(listing)
    assert renamed_definition("cofactor", "c").startswith("def c(a):")


def test_the_function_text_defines_them_outside() -> None:
    space: dict[str, Any] = {}
    exec(show(lambda A: np.linalg.det(A), SINGULAR).function, space)
    value, (gradient,) = space["f"](SINGULAR)
    assert abs(value) < 1e-12
    np.testing.assert_allclose(gradient, PRIMITIVES["cofactor"].evaluate(SINGULAR), atol=1e-12)
