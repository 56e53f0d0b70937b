"""Writes through ``.array`` of a result: they happen, and recorded use afterwards is an error."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert import Tensor

THREE = np.array([1.0, 2.0, 3.0])
ONES = np.ones(3)


def leaf(values: Any = THREE) -> Tensor:
    return Tensor(values, True)


OVERWRITTEN = r"^\.array of the result of a recorded operation was written, .*y\.detach\(\)"


def write_one(y: Tensor) -> None:
    y.array[0] = 5.0


def subtract(y: Tensor) -> None:
    y.array -= 1.0


def replace(y: Tensor) -> None:
    y.array = np.array([5.0, 6.0, 7.0])


def write_minus_zero(y: Tensor) -> None:
    y.array *= -1.0


@pytest.mark.parametrize("change", [write_one, subtract, replace])
@pytest.mark.parametrize("operation", [np.exp, lambda x: x * 2, lambda x: x + ONES])
def test_array_of_a_result_is_live(change: Any, operation: Any) -> None:
    """The course: ".array is always a live, settable ndarray"."""
    x = leaf()
    y = operation(x)
    expected = Tensor(y.numpy())
    z = y * y
    change(y)
    change(expected)
    np.testing.assert_array_equal(y.array, expected.array)
    np.testing.assert_array_equal(y.numpy(), expected.array)
    np.testing.assert_array_equal((y.detach() + 1).array, expected.array + 1)
    with wg.no_grad():
        np.testing.assert_array_equal((y + 1).array, expected.array + 1)
    assert repr(y).startswith(repr(expected)[:-1])
    z.backward()  # of what was computed before
    again = leaf()
    np.square(operation(again)).backward()
    np.testing.assert_array_equal(x.grad, again.grad)


@pytest.mark.parametrize("change", [write_one, subtract, replace])
@pytest.mark.parametrize(
    "use",
    [
        lambda y: y * 2,
        lambda y: y + 1,
        lambda y: y @ y,
        np.exp,
        lambda y: y[1:],
        lambda y: np.stack([y, y]),
        lambda y: y.backward(),
        lambda y: wg.grad(lambda v: np.sum(v * v))(y),
        lambda y: y.__setitem__(0, 1.0),
        lambda y: y.__iadd__(1.0),
        lambda y: leaf()[...].__setitem__(..., y),
    ],
)
@pytest.mark.parametrize("held", [True, False])
def test_nothing_is_differentiated_through_a_written_result(
    change: Any, use: Any, held: bool
) -> None:
    x = leaf()
    y = np.exp(x)
    kept = y.array if held else None
    change(y)
    with pytest.raises(wg.MutationError, match=OVERWRITTEN):
        use(y)
    del kept


def test_a_write_through_a_view_of_a_written_result() -> None:
    y = np.exp(leaf())
    v = y[1:]
    y.array[1] = 0.0
    with pytest.raises(wg.MutationError, match=OVERWRITTEN):
        v * 2


@pytest.mark.parametrize("held", [True, False])
def test_a_result_whose_array_was_only_read(held: bool) -> None:
    x = leaf()
    y = np.exp(x)
    seen = y.array
    kept = seen if held else None
    del seen
    y[0] = 0.0
    z = np.sum(y * y)
    y += 1.0
    z.backward()
    np.testing.assert_allclose(x.grad, [0.0, *2 * np.exp(2 * THREE[1:])])
    del kept


def test_a_held_array_of_a_result_that_is_written_later() -> None:
    x = leaf()
    y = np.exp(x)
    held = y.array
    z = y * y
    held[0] = 0.0
    z.backward()
    np.testing.assert_allclose(x.grad, 2 * np.exp(2 * THREE))
    with pytest.raises(wg.MutationError, match=OVERWRITTEN):
        y * y


def test_a_held_array_of_what_becomes_a_result() -> None:
    c, x = Tensor(THREE), leaf()
    held = c.array
    c[0] = x[0]
    c.array[1] = 7.0
    np.testing.assert_array_equal(held, THREE)
    with pytest.raises(wg.MutationError, match=OVERWRITTEN):
        c * c


def test_zeros_of_either_sign_differ() -> None:
    y = leaf(np.zeros(3)) * 1.0
    write_minus_zero(y)
    with pytest.raises(wg.MutationError, match=OVERWRITTEN):
        1 + y


def test_after_a_look_at_its_array_a_result_is_an_ordinary_tensor() -> None:
    y = np.exp(leaf())
    expected = (y + 1.0)._n[1]
    assert np.isfinite(y.array).all()
    assert (y + 1.0)._n[1] is expected


def test_array_of_a_result_inside_a_transform_is_read_only() -> None:
    outside = np.exp(leaf())

    def f(x: Any) -> Any:
        for y in (x * 2, outside):
            with pytest.raises(ValueError, match="read-only"):
                y.array[0] = 5.0
            with pytest.raises(wg.MutationError, match=r"inside a transform; use .detach\(\)"):
                y.array = np.zeros(3)
        return np.sum(x)

    np.testing.assert_array_equal(wg.grad(f)(THREE), ONES)
