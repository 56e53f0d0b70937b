"""Joining, splitting, repeating, padding, inserting: NumPy's values, options and errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert.testing import check_grads

from .compare import assert_numpys, constant

RNG = np.random.default_rng(2)
M = RNG.normal(size=(3, 4))
A = RNG.normal(size=(2, 3, 4))
V = RNG.normal(size=5)
S = np.array(0.7)


def test_concatenate() -> None:
    for f in (
        lambda x: np.concatenate([x, x * 2, np.ones((1, 4))]),
        lambda x: np.concatenate((x, x), axis=-1),
        lambda x: np.concatenate([x, [1.0, 2.0], x[0]], axis=None),
        lambda x: np.concatenate([x, np.ones((2, 4), int)]),
        lambda x: np.concatenate([x, np.ones((2, 4), np.float32)]),
        lambda x: np.concatenate([x, x * 1j]),
        lambda x: np.concatenate([x, x], dtype=np.float32),
        lambda x: np.concatenate([x, x], dtype=np.int64, casting="unsafe"),
        lambda x: np.concatenate(list(x)),
        lambda x: np.concatenate(x),
        lambda x: np.concat([x]),
        lambda x: np.concatenate([x[:0], x]),
    ):
        assert_numpys(f, M)


def test_concatenate_errors() -> None:
    t = constant(M)
    for f, message in (
        (lambda: np.concatenate([t, constant(V)]), "number of dimensions"),
        (lambda: np.concatenate([t, t[:, 1:]]), "must match exactly"),
        (lambda: np.concatenate([constant(S), t]), "zero-dimensional"),
        (lambda: np.concatenate([t], axis=2), "out of bounds"),
        (lambda: np.stack([t, t[1:]]), "same shape"),
        (lambda: np.stack([t], axis=4), "out of bounds"),
    ):
        with pytest.raises(ValueError, match=message):
            f()
    with pytest.raises(TypeError, match="Cannot cast"):
        np.concatenate([t, t], dtype=int)


def test_out() -> None:
    t = constant(M)
    out = np.zeros_like(t, shape=(6, 4))
    assert np.concatenate([t, t], out=out) is out
    np.testing.assert_array_equal(out.array, np.concatenate([M, M]))
    stacked = np.zeros_like(t, shape=(2, 3, 4))
    np.stack([t, t], out=stacked)
    np.testing.assert_array_equal(stacked.array, np.stack([M, M]))


def test_stacks() -> None:
    for axis in (0, 1, -1, -2):
        assert_numpys(lambda x, axis=axis: np.stack([x, M, x * x], axis=axis), M)
    for f in (
        lambda x: np.vstack([x, x[0]]),
        lambda x: np.hstack([x, x[:, :1]]),
        lambda x: np.hstack([x[0], x[1], 2.0]),
        lambda x: np.dstack([x, x]),
        lambda x: np.dstack([x[0], x[1]]),
        lambda x: np.column_stack([x[:, 0], x, np.zeros(3)]),
        lambda x: np.stack(x),
        lambda x: np.vstack([x, x], dtype=np.float32),
    ):
        assert_numpys(f, M)
    assert_numpys(lambda x: np.stack([x, 2.0, x * x]), S)
    assert_numpys(lambda x: np.stack([x, 2]), np.float64(1.5))


def test_many_operands() -> None:
    """More than one group of operands, and derivatives of all."""
    x = RNG.normal(size=3)
    gradient = wg.grad(lambda x: np.sum(np.concatenate([x * i for i in range(1000)]) ** 2))(x)
    np.testing.assert_allclose(gradient, 2 * x * sum(i * i for i in range(1000)))


def test_block() -> None:
    for f in (
        lambda x: np.block([[x, np.zeros((3, 1))], [np.ones((1, 4)), 5.0]]),
        lambda x: np.block([x, x]),
        lambda x: np.block([x[0], 1.0]),
        lambda x: np.block([[x[0]], [x[1]]]),
        lambda x: np.block([[[x]], [[x]]]),
        np.block,
    ):
        assert_numpys(f, M)
    t = constant(M)
    with pytest.raises(TypeError, match="tuple"):
        np.block([(t, t)])
    with pytest.raises(ValueError, match="depth"):
        np.block([[t], t])
    with pytest.raises(ValueError, match="empty"):
        np.block([[t], []])


def test_append_insert_delete() -> None:
    mask = np.array([True, False, True, True, False])
    for f in (
        lambda x: np.append(x, 3.0),
        lambda x: np.append(x, [1.0, 2.0]),
        lambda x: np.insert(x, 2, 9.0),
        lambda x: np.insert(x, 5, [1.0, 2.0]),
        lambda x: np.insert(x, -1, x[0]),
        lambda x: np.insert(x, [3, 1, 1], [7.0, 8.0, 9.0]),
        lambda x: np.insert(x, [2], [1.0, 2.0]),
        lambda x: np.insert(x, [], []),
        lambda x: np.insert(x, slice(1, 4, 2), 5.0),
        lambda x: np.insert(x, mask, [1.0, 2.0, 3.0]),
        lambda x: np.insert(x, 1, 2),
        lambda x: np.delete(x, 1),
        lambda x: np.delete(x, -1),
        lambda x: np.delete(x, [0, 2]),
        lambda x: np.delete(x, []),
        lambda x: np.delete(x, slice(None, None, -2)),
        lambda x: np.delete(x, mask),
    ):
        assert_numpys(f, V)
    for f in (
        lambda x: np.append(x, [[1.0, 2, 3, 4]], axis=0),
        lambda x: np.insert(x, 1, x[0] * 2, axis=0),
        lambda x: np.insert(x, 1, x[:, 0], axis=1),
        lambda x: np.insert(x, [1], [[1.0], [2.0], [3.0]], axis=1),
        lambda x: np.insert(x, [1, 3], x[:, :2], axis=1),
        lambda x: np.insert(x, 1, 5.0),
        lambda x: np.insert(x, 1, 5.0, axis=-1),
        lambda x: np.delete(x, [0, 2], axis=-1),
        lambda x: np.delete(x, 1),
    ):
        assert_numpys(f, M)
    with pytest.raises(IndexError, match="out of bounds"):
        np.insert(constant(V), 9, 1.0)
    with pytest.raises(IndexError, match="out of bounds"):
        np.delete(constant(V), 9)


def test_splits() -> None:
    for f in (
        lambda x: np.split(x, 2, axis=1),
        lambda x: np.split(x, [1, 3], axis=-1),
        lambda x: np.split(x, [2, 1]),
        lambda x: np.split(x, [5]),
        lambda x: np.split(x, np.array([1, 2])),
        lambda x: np.array_split(x, 2),
        lambda x: np.array_split(x, 7, axis=1),
        lambda x: np.hsplit(x, 2),
        lambda x: np.hsplit(x[0], [1]),
        lambda x: np.vsplit(x, 3),
        lambda x: np.dsplit(x[None], 2),
        lambda x: np.unstack(x),
        lambda x: np.unstack(x, axis=-1),
    ):
        assert_numpys(f, M)
    t = constant(M)
    for f, message in (
        (lambda: np.split(t, 3, axis=1), "equal division"),
        (lambda: np.array_split(t, 0), "larger than 0"),
        (lambda: np.vsplit(t[0], 2), "2 or more"),
        (lambda: np.dsplit(t, 2), "3 or more"),
        (lambda: np.hsplit(constant(S), 2), "1 or more"),
        (lambda: np.unstack(constant(S)), "1-d"),
    ):
        with pytest.raises(ValueError, match=message):
            f()


def test_repetition() -> None:
    for f in (
        lambda x: np.repeat(x, 2),
        lambda x: np.repeat(x, [1, 0, 2], axis=0),
        lambda x: np.repeat(x, [2], axis=1),
        lambda x: x.repeat(3, axis=-1),
        lambda x: np.repeat(x, 0, axis=0),
        lambda x: np.tile(x, 2),
        lambda x: np.tile(x, (2, 1, 3)),
        lambda x: np.tile(x, (3, 0)),
        lambda x: np.resize(x, (3, 3)),
        lambda x: np.resize(x, 30),
        lambda x: np.resize(x, (0, 2)),
    ):
        assert_numpys(f, M)
    assert_numpys(lambda x: np.repeat(x, 3), S)
    assert_numpys(lambda x: np.tile(x, (2, 2)), S)
    with pytest.raises(ValueError, match="broadcast"):
        np.repeat(constant(M), [1, 2], axis=0)
    with pytest.raises(ValueError, match="negative"):
        np.repeat(constant(M), -1)
    with pytest.raises(ValueError, match="non-negative"):
        np.resize(constant(M), (-1,))
    with pytest.raises(TypeError, match=r"np\.resize"):
        constant(M).resize(3)


def test_order() -> None:
    for f in (
        np.flip,
        lambda x: np.flip(x, 0),
        lambda x: np.flip(x, (0, -1)),
        np.fliplr,
        np.flipud,
        lambda x: np.roll(x, 2),
        lambda x: np.roll(x, -17),
        lambda x: np.roll(x, 1, axis=1),
        lambda x: np.roll(x, (1, 2), axis=(0, -1)),
        lambda x: np.roll(x, (1, 2), axis=0),
        lambda x: np.roll(x, 1, axis=(0, 1)),
        *(lambda x, k=k: np.rot90(x, k, axes=(0, 2)) for k in range(-1, 5)),
        lambda x: np.rot90(x, axes=(-1, 0)),
    ):
        assert_numpys(f, A)
    assert_numpys(np.flip, S)
    assert_numpys(lambda x: np.roll(x, 3), S)
    t = constant(M)
    for f in (
        lambda: np.fliplr(constant(V)),
        lambda: np.rot90(t, axes=(0, 0)),
        lambda: np.rot90(t, axes=(0,)),
        lambda: np.flip(t, 2),
        lambda: np.roll(t, 1, axis=2),
    ):
        with pytest.raises(ValueError, match=r"2-d|different|must be 2|out of bounds"):
            f()


PAD_WIDTHS: list[Any] = [
    0,
    2,
    (1, 3),
    ((1, 2), (3, 0)),
    ((0, 9), (7, 5)),
    ((12, 1), (17, 9)),
    ((0, 0), (1, 0)),
]
MODES = [
    "constant", "edge", "reflect", "symmetric", "wrap", "linear_ramp", "maximum", "minimum", "mean",
    "median",
]  # fmt: skip


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("width", PAD_WIDTHS, ids=str)
def test_pad(mode: Any, width: Any) -> None:
    assert_numpys(lambda x: np.pad(x, width, mode=mode), M, rtol=1e-13)
    assert_numpys(lambda x: np.pad(x[:, :1], width, mode=mode), M, rtol=1e-13)
    if mode in ("reflect", "symmetric"):
        assert_numpys(lambda x: np.pad(x, width, mode=mode, reflect_type="odd"), M, rtol=1e-12)
        assert_numpys(
            lambda x: np.pad(x[:, :1], width, mode=mode, reflect_type="odd"), M, rtol=1e-12
        )


def test_pad_options() -> None:
    for f in (
        lambda x: np.pad(x, 2, constant_values=3.0),
        lambda x: np.pad(x, ((1, 2), (2, 1)), constant_values=((1, 2), (3, 4))),
        lambda x: np.pad(x, 1, constant_values=np.nan),
        lambda x: np.pad(x, ((1, 2), (2, 1)), "linear_ramp", end_values=((1, 2), (3, 4))),
        lambda x: np.pad(x, ((1, 2), (2, 1)), "mean", stat_length=2),
        lambda x: np.pad(x, 2, "maximum", stat_length=((1, 2), (2, 9))),
        lambda x: np.pad(x.astype(np.float32), 2, "linear_ramp"),
        lambda x: np.pad(x.astype(int), 2, "mean"),
    ):
        assert_numpys(f, M * 3, rtol=1e-13)
    if np.lib.NumpyVersion(np.__version__) >= "2.4.0":
        assert_numpys(lambda x: np.pad(x, {-1: (1, 2)}), M)


def _extrapolate(vector: Any, width: tuple[int, int], axis: int, options: dict[str, Any]) -> None:
    left, right = width
    vector[:left] = options.get("factor", 2.0) * vector[left]
    vector[len(vector) - right :] = vector[left : left + 1] ** 2 + axis


def test_pad_with_a_function() -> None:
    for f in (
        lambda x: np.pad(x, ((1, 2), (3, 1)), _extrapolate, factor=3.0),
        lambda x: np.pad(x[0], 2, _extrapolate),
        lambda x: np.pad(x, ((0, 2), (0, 0)), _extrapolate),
    ):
        assert_numpys(f, M)
        check_grads(f, (M,), order=2)
        np.testing.assert_array_equal(wg.vmap(f)(np.stack([M, M + 1]))[1], f(M + 1))


def test_pad_errors() -> None:
    t = constant(M)
    for f, error, message in (
        (lambda: np.pad(t, 1, "nothing"), ValueError, "not supported"),
        (lambda: np.pad(t, 1, "edge", stat_length=2), ValueError, "unsupported keyword"),
        (lambda: np.pad(t, -1), ValueError, "negative"),
        (lambda: np.pad(t, 1.5), TypeError, "integral"),
        (lambda: np.pad(t[:0], 1, "edge"), ValueError, "empty axis"),
    ):
        with pytest.raises(error, match=message):
            f()


def test_traced_padding_values() -> None:
    gradient = wg.grad(lambda c: np.pad(np.ones((2, 2)), 1, constant_values=c).sum())
    with pytest.raises(wg.WengertTypeError):
        gradient(2.0)  # NumPy does not look for Tensors there
    value = wg.grad(lambda x: np.sum(np.pad(x, 1, constant_values=x[0, 0])))(M)
    assert value[0, 0] == 1 + (5 * 6 - 12)


def test_trim_zeros() -> None:
    x = np.array([0.0, 0.0, 1.5, 0.0, 2.5, 0.0])
    for trim in ("fb", "f", "b", "B"):
        assert_numpys(lambda x, trim=trim: np.trim_zeros(x, trim), x, record=False)
    assert_numpys(lambda x: np.trim_zeros(x * 0.0), x, record=False)
    with pytest.raises(wg.AbstractValueError, match="trim_zeros"):
        wg.vmap(np.trim_zeros)(x[None])


def test_functions_along_axes() -> None:
    for f in (
        lambda x: np.apply_along_axis(lambda v: v * v.sum(), 1, x),
        lambda x: np.apply_along_axis(np.sum, 0, x),
        lambda x: np.apply_along_axis(lambda v: np.outer(v, v[:2]), -1, x),
        lambda x: np.apply_along_axis(lambda v, a, b=0: v[:a] + b, 2, x, 2, b=1),
        lambda x: np.apply_over_axes(np.sum, x, [0, 2]),
        lambda x: np.apply_over_axes(np.max, x, -1),
        lambda x: np.lib.stride_tricks.sliding_window_view(x, 2, axis=-1),
        lambda x: np.lib.stride_tricks.sliding_window_view(x, (1, 2, 3)),
        lambda x: np.lib.stride_tricks.sliding_window_view(x, (2, 2), axis=(1, 1)),
    ):
        assert_numpys(f, A)
    with pytest.raises(ValueError, match="larger than input"):
        np.lib.stride_tricks.sliding_window_view(constant(V), 6)
    with pytest.raises(ValueError, match="iteration dimensions"):
        np.apply_along_axis(np.sum, 0, constant(A[:, :0]))
