"""Indices as templates with array operands."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import wengert as wg
from wengert import Tensor
from wengert.core.index import ARRAY, advanced_position, indexed_shape, join, split

SHAPE = (3, 4, 2)


@st.composite
def indices(draw: Any) -> Any:
    """Indices of an array of SHAPE, all kinds mixed."""
    shape = hnp.array_shapes(max_dims=2, max_side=3)
    common = draw(shape)
    parts: list[Any] = []
    used = 0
    dots = False
    while used < len(SHAPE) and draw(st.integers(0, 4)):
        kind = draw(st.sampled_from(["int", "slice", "array", "mask", "none", "dots", "npint"]))
        n = SHAPE[used]
        if kind == "none":
            parts.append(None)
            continue
        if kind == "dots":
            if dots:
                continue
            dots = True
            parts.append(Ellipsis)
            skipped = draw(st.integers(0, len(SHAPE) - used))
            used += skipped
            continue
        if kind == "int":
            parts.append(draw(st.integers(-n, n - 1)))
        elif kind == "npint":
            parts.append(np.int32(draw(st.integers(-n, n - 1))))
        elif kind == "slice":
            parts.append(draw(st.slices(n)))
        elif kind == "array":
            parts.append(draw(hnp.arrays(np.intp, common, elements=st.integers(-n, n - 1))))
        else:
            parts.append(np.arange(n) < draw(st.integers(1, n)))
        used += 1
    return tuple(parts)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(indices())
def test_template_and_arrays_are_the_index(index: Any) -> None:
    a = np.arange(float(np.prod(SHAPE))).reshape(SHAPE)
    try:
        expected = a[index]
    except IndexError:
        with pytest.raises((IndexError, ValueError)):
            Tensor(a)[index]
        return
    template, arrays = split(index)
    assert hash(template) is not None
    np.testing.assert_array_equal(a[join(template, arrays)], expected)
    assert indexed_shape(SHAPE, template, arrays) == expected.shape
    x = Tensor(a, True)
    y = x[index]
    np.testing.assert_array_equal(y.array, expected)
    y.backward()
    counts = np.zeros(SHAPE)
    np.add.at(counts, index, 1.0)
    np.testing.assert_array_equal(x.grad, counts)
    if arrays and np.ndim(expected):
        rank = max(np.ndim(b) for b in arrays)
        at = advanced_position(template, len(SHAPE))
        block = np.broadcast_shapes(*[np.shape(b) for b in arrays])
        assert expected.shape[at : at + rank] == block


@settings(max_examples=150, deadline=None, derandomize=True)
@given(indices())
def test_batched_reads_and_writes(index: Any) -> None:
    """The batch axis does not move NumPy's advanced block."""
    a = np.arange(2.0 * np.prod(SHAPE)).reshape(2, *SHAPE)
    try:
        region = a[0][index].shape
    except IndexError:
        return
    weights = np.cos(np.arange(float(np.prod(region)))).reshape(region)

    def read(x: Any) -> Any:
        return x[index] * weights

    def write(x: Any, v: Any) -> Any:
        y = x * 1.0
        y[index] = v * weights
        return y

    np.testing.assert_array_equal(wg.vmap(read)(a), [read(x) for x in a])
    values = np.array([2.0, 3.0])
    expected = [write(x, v) for x, v in zip(a, values, strict=True)]
    np.testing.assert_array_equal(wg.vmap(write)(a, values), expected)

    def gradient(x: Any, v: Any) -> Any:
        return wg.grad(lambda x, v: np.sum(write(x, v) ** 2), argnums=(0, 1))(x, v)

    batched = wg.vmap(gradient)(a, values)
    for k in range(2):
        one = gradient(a[k], values[k])
        np.testing.assert_allclose(batched[0][k], one[0])
        np.testing.assert_allclose(batched[1][k], one[1])


def test_template_of_everything() -> None:
    i = np.array([0, 1])
    template, arrays = split((slice(1, None), i, Ellipsis, None, 2, np.int64(1)))
    assert template == ((1, None, None), ARRAY, Ellipsis, None, 2, 1)
    assert arrays[0] is i
    assert repr(ARRAY) == "ARRAY"


def test_masks_become_positions() -> None:
    template, arrays = split(np.array([[True, False], [True, True]]))
    assert template == (ARRAY, ARRAY)
    np.testing.assert_array_equal(arrays, [[0, 1, 1], [0, 0, 1]])


@pytest.mark.parametrize(
    ("index", "error", "match"),
    [
        (5, IndexError, "out of bounds"),
        ((0, 0, 0, 0), IndexError, "too many"),
        (1.5, IndexError, "integer or boolean"),
        ("a", IndexError, "integer or boolean"),
        (np.array([0.0]), IndexError, "integer or boolean"),
        (np.array([True, False]), IndexError, r"mask of shape \(2,\) .* dimensions \(3,\)"),
        ([5], IndexError, "out of bounds"),
        ((Ellipsis, np.ones(3, bool)), IndexError, r"mask of shape \(3,\) .* dimensions \(2,\)"),
        ((Ellipsis, Ellipsis), IndexError, None),
        (slice(None, None, 0), ValueError, "zero"),
    ],
    ids=repr,
)
def test_bad_indices(index: Any, error: type[Exception], match: str | None) -> None:
    x = Tensor(np.zeros(SHAPE), True)
    with pytest.raises(error, match=match):
        x[index]
    with pytest.raises(error, match=match):
        (x * 1.0)[index] = 0.0
    np.testing.assert_array_equal(x.array, np.zeros(SHAPE))


def test_tensors_as_indices() -> None:
    x, i = Tensor([1.0, 2.0, 3.0], True), Tensor([2.0, 0.0]).astype(int)
    np.testing.assert_array_equal(x[i].array, [3.0, 1.0])
    with pytest.raises(IndexError):
        x[Tensor([1.0])]


def test_empty_list() -> None:
    x = Tensor([1.0, 2.0], True)
    y = x[[]]
    assert y.shape == (0,)
    np.sum(y).backward()
    np.testing.assert_array_equal(x.grad, [0.0, 0.0])
