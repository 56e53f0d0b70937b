"""Derivatives of the source of partials."""

from __future__ import annotations

import math

import numpy as np
import pytest

from wengert.rules.symbolic import derivative

TEXTS = [
    "x",
    "2 * x",
    "-y / (x * x)",
    "out * (1 - out)",
    "1 / (1 + x * x)",
    "y * x ** (y - 1 + (y == 0))",
    "np.exp(x - out)",
    "-np.sin(x) * np.cosh(x + y)",
    "0.5 / np.sqrt(x) - np.tanh(np.log(x))",
]


@pytest.mark.parametrize("text", TEXTS)
def test_agrees_with_a_central_difference(text: str) -> None:
    point = {"x": 0.7, "y": 2.5, "out": 0.3}
    h = 1e-6
    values = [eval(text, {"np": np}, point | {"x": point["x"] + s * h}) for s in (1, -1)]
    source = derivative(text, "x")
    assert source is not None
    assert math.isclose(
        eval(source, {"np": np}, point), (values[0] - values[1]) / (2 * h), abs_tol=1e-8
    )


def test_constants_and_what_has_no_derivative() -> None:
    assert derivative("out * 2", "x") == "0"
    assert derivative("y ** x", "x") is None
    assert derivative("x > 0", "x") is None
    assert derivative("np.unknown(x)", "x") is None
    assert derivative("np.maximum(x, 0)", "x") is None
