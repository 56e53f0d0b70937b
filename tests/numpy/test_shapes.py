"""Shapes: values and options as NumPy has them, and which results are views."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.exceptions import AxisError

import wengert as wg

from .compare import assert_numpys, constant, plain

RNG = np.random.default_rng(1)
M = RNG.normal(size=(3, 4))
A = RNG.normal(size=(2, 3, 4))
V = RNG.normal(size=5)


@pytest.mark.parametrize("order", ["C", "F", "A"])
@pytest.mark.parametrize("shape", [(12,), (2, 6), (4, -1), (-1,), (1, 3, 2, 2), (2, 2, 3)])
def test_reshape(shape: Any, order: str) -> None:
    assert_numpys(lambda x: np.reshape(x, shape, order=order), M, record=order != "A")
    assert_numpys(lambda x: np.reshape(x.T, shape, order=order), M, record=order != "A")
    assert_numpys(lambda x: x[::-1, 1:3].reshape(-1, order=order), M, record=order != "A")


def test_reshape_spellings() -> None:
    for f in (
        lambda x: x.reshape(2, 6),
        lambda x: x.reshape((2, 6)),
        lambda x: x.reshape([2, 6]),
        lambda x: x.reshape(12),
        lambda x: x.reshape(-1),
        lambda x: x.reshape(np.array([6, 2])),
        lambda x: np.reshape(x, np.int64(12)),
        lambda x: x.reshape(3, 4, copy=True),
    ):
        assert_numpys(f, M)


def test_reshape_errors() -> None:
    t = constant(M)
    for shape in ((5,), (5, -1), (-1, -1), (0, -1), (-2, 6), (3, 5)):
        with pytest.raises(ValueError, match="reshape"):
            t.reshape(shape)
    with pytest.raises(ValueError, match="copy"):
        np.reshape(t.T, (12,), copy=False)
    with pytest.raises(ValueError, match="order"):
        np.reshape(t, (12,), order="Q")
    with pytest.raises(TypeError, match="shape"):
        t.reshape(1.5)


@pytest.mark.parametrize("order", ["C", "F", "A", "K"])
def test_ravel_and_flatten(order: str) -> None:
    record = order in "CF"
    for f in (
        lambda x: np.ravel(x, order),
        lambda x: x.ravel(order=order),
        lambda x: x.flatten(order),
        lambda x: np.ravel(x.transpose(2, 0, 1), order),
        lambda x: np.ravel(x[:, ::2], order),
    ):
        assert_numpys(f, A, record=record)
    assert_numpys(lambda x: np.ravel(x, order), np.float64(2.0), record=False)


def test_memory_order_of_an_abstract_value_is_refused() -> None:
    for order in ("A", "K"):
        with pytest.raises(wg.AbstractValueError, match="order='C'"):
            wg.vmap(lambda x, order=order: np.ravel(x, order))(A)


@pytest.mark.parametrize("axis", [None, 0, -1, (0, 3), (0, -1), ()])
def test_squeeze(axis: Any) -> None:
    assert_numpys(lambda x: np.squeeze(x[None, ..., None], axis=axis), M)
    assert_numpys(lambda x: x[None, ..., None].squeeze(axis), M)


def test_squeeze_and_expand_dims_errors() -> None:
    t = constant(M)
    with pytest.raises(ValueError, match="size not equal to one"):
        np.squeeze(t, 0)
    with pytest.raises(AxisError):
        np.squeeze(t, 2)
    with pytest.raises(AxisError):
        np.expand_dims(t, 4)
    with pytest.raises(ValueError, match="repeated axis"):
        np.expand_dims(t, (0, 0))


@pytest.mark.parametrize("axis", [0, 1, -1, (0, 1), (0, -1), (2, 0), [1, 3]])
def test_expand_dims(axis: Any) -> None:
    assert_numpys(lambda x: np.expand_dims(x, axis), M)


def test_at_least() -> None:
    for x in (np.array(2.0), V, M, A):
        for f in (np.atleast_1d, np.atleast_2d, np.atleast_3d):
            assert_numpys(f, x)
            assert_numpys(lambda x, f=f: f(x, 1.0), x)


def test_transpositions() -> None:
    for f in (
        np.transpose,
        lambda x: np.transpose(x, (1, 2, 0)),
        lambda x: np.transpose(x, [-1, 0, 1]),
        lambda x: x.T,
        lambda x: x.mT,
        lambda x: x.transpose(),
        lambda x: x.transpose(None),
        lambda x: x.transpose(2, 0, 1),
        lambda x: x.transpose((2, 0, 1)),
        lambda x: np.permute_dims(x, (2, 0, 1)),
        np.matrix_transpose,
        lambda x: np.swapaxes(x, 0, -1),
        lambda x: x.swapaxes(1, 1),
        lambda x: np.moveaxis(x, 0, -1),
        lambda x: np.moveaxis(x, [0, 2], [1, 0]),
        lambda x: np.moveaxis(x, (-1, 0), (0, 1)),
        lambda x: np.rollaxis(x, 2),
        lambda x: np.rollaxis(x, 0, 3),
        lambda x: np.rollaxis(x, 1, -1),
        lambda x: np.rollaxis(x, 1, 1),
    ):
        assert_numpys(f, A)
    assert_numpys(np.transpose, np.array(1.5))


def test_transposition_errors() -> None:
    t = constant(A)
    for f in (
        lambda: np.transpose(t, (0, 1)),
        lambda: np.transpose(t, (0, 0, 1)),
        lambda: np.moveaxis(t, [0, 1], [0]),
        lambda: np.swapaxes(t, 0, 3),
        lambda: np.rollaxis(t, 0, 5),
        lambda: np.matrix_transpose(constant(V)),
        lambda: constant(V).mT,
    ):
        with pytest.raises(ValueError, match=r"axes|axis|number of elements|2-dim|start"):
            f()


def test_broadcasting() -> None:
    assert_numpys(lambda x: np.broadcast_to(x, (2, 3, 4)), M)
    assert_numpys(lambda x: np.broadcast_to(x, 3), np.array(2.0))
    assert_numpys(lambda x: np.broadcast_to(x[:, None], (3, 2, 4)), M)
    assert_numpys(lambda x: np.broadcast_arrays(x, np.ones((2, 1, 1)), 3.0), M)
    for shape in ((4,), (3, 5), (3,)):
        with pytest.raises(ValueError, match=r"broadcast"):
            np.broadcast_to(constant(M), shape)


@pytest.mark.parametrize("offset", [-4, -1, 0, 1, 3, 9])
def test_diagonals(offset: int) -> None:
    assert_numpys(lambda x: np.diagonal(x, offset), M)
    assert_numpys(lambda x: x.diagonal(offset, 2, 0), A)
    assert_numpys(lambda x: np.diag(x, offset), M)
    assert_numpys(lambda x: np.diag(x, offset), V)
    assert_numpys(lambda x: np.diagflat(x, offset), M[:2, :2])
    assert_numpys(lambda x: np.trace(x, offset), M)
    assert_numpys(lambda x: x.trace(offset, 1, 2, dtype=np.float32), A)
    assert_numpys(lambda x: np.tril(x, offset), A)
    assert_numpys(lambda x: np.triu(x, offset), A)
    assert_numpys(lambda x: np.triu(x, offset), V)


def test_diagonal_errors() -> None:
    with pytest.raises(ValueError, match="two dimensions"):
        np.diagonal(constant(V))
    with pytest.raises(ValueError, match="same"):
        np.diagonal(constant(M), 0, 1, -1)
    with pytest.raises(ValueError, match="1- or 2-d"):
        np.diag(constant(A))


@pytest.mark.parametrize("dtype", [np.float32, np.complex128, np.int64, bool, "float16"])
def test_astype(dtype: Any) -> None:
    x = M * 3
    assert_numpys(lambda x: x.astype(dtype), x)
    assert_numpys(lambda x: np.astype(x, np.dtype(dtype)), x)
    assert_numpys(lambda x: x.astype(dtype), np.array(2.5))
    assert_numpys(lambda x: x.astype(dtype), np.float64(2.5), record=False)


def test_astype_options() -> None:
    t = constant(M)
    assert t.astype(np.float64, copy=False) is t
    assert t.astype(np.float64) is not t
    with pytest.raises(TypeError, match="Cannot cast"):
        t.astype(np.int64, casting="safe")
    with pytest.raises(wg.WengertTypeError, match="holds numbers"):
        t.astype("U5")
    tracked = wg.Tensor(M, True)
    assert not tracked.astype(int).requires_grad
    assert tracked.astype(np.float32).requires_grad


def test_views_and_copies_are_numpys() -> None:
    """Which results share memory with their operand: a write into the operand shows it."""
    functions = {
        "reshape": lambda x: x.reshape(2, 6),
        "reshape of a transpose": lambda x: x.T.reshape(-1),
        "reshape of a slice": lambda x: x[1:].reshape(-1),
        "reshape of columns": lambda x: x[:, 1:].reshape(-1),
        "ravel": np.ravel,
        "ravel of a slice": lambda x: np.ravel(x[1:]),
        "ravel of a transpose": lambda x: np.ravel(x.T),
        "ravel F of a transpose": lambda x: np.ravel(x.T, "F"),
        "ravel of a column": lambda x: np.ravel(x[:, 1]),
        "ravel of a reversed row": lambda x: np.ravel(x[0, ::-1]),
        "flatten": lambda x: x.flatten(),
        "squeeze": lambda x: np.squeeze(x[:1]),
        "expand_dims": lambda x: np.expand_dims(x.T, 1),
        "atleast_3d": np.atleast_3d,
        "moveaxis": lambda x: np.moveaxis(x, 0, 1),
        "broadcast_to": lambda x: np.broadcast_to(x, (2, 3, 4)),
        "diagonal": np.diagonal,
        "diag": np.diag,
        "copy": np.copy,
        "astype": lambda x: x.astype(float),
        "astype without copy": lambda x: x.astype(float, copy=False),
        "real": np.real,
        "flip": np.flip,
        "rot90": np.rot90,
        "rot90 by nothing": lambda x: np.rot90(x, 4),
        "roll by nothing": lambda x: np.roll(x, 0),
        "split": lambda x: np.split(x, 3)[1],
        "unstack": lambda x: np.unstack(x)[0],
        "tile once": lambda x: np.tile(x, (1, 1)),
        "repeat once": lambda x: np.repeat(x, 1, axis=0),
        "take": lambda x: np.take(x, [0, 1, 2], axis=0),
        "element": lambda x: x[1, 2],
        "0-d element": lambda x: x[1, 2, ...],
        "nan_to_num": np.nan_to_num,
        "clip without bounds": lambda x: np.clip(x, None, None),
        "pad by nothing": lambda x: np.pad(x, 0),
        "meshgrid": lambda x: np.meshgrid(x[0], x[:, 0], copy=False)[0],
        "view": lambda x: x.view(),
        "trim_zeros": lambda x: np.trim_zeros(x[0]),
    }

    def after_write(x: Any, f: Any) -> Any:
        y = f(x)
        x[...] = 7.0
        return y * 1.0

    for name, f in functions.items():
        expected = after_write(M.copy(), f)
        found = plain(after_write(constant(M), f))
        np.testing.assert_array_equal(found, expected, err_msg=name)
        tracked = plain(after_write(wg.Tensor(M, True) * 1.0, f))
        np.testing.assert_array_equal(tracked, expected, err_msg=f"{name}, tracked")
        dual = wg.jvp(lambda x, f=f: after_write(x, f), (M,), (M,))[0]
        np.testing.assert_array_equal(dual, expected, err_msg=f"{name}, forward mode")
        if name != "trim_zeros":
            batched = wg.vmap(lambda x, f=f: after_write(x * 1.0, f))(np.stack([M, M]))
            np.testing.assert_array_equal(batched[0], expected, err_msg=f"{name}, recorded")


@pytest.mark.parametrize(
    "view",
    [
        lambda x: np.broadcast_to(x, (2, 3, 4)),
        np.diagonal,
        lambda x: np.broadcast_to(x, (2, 3, 4))[0],
    ],
)
def test_read_only_views_refuse_writes(view: Any) -> None:
    def write(x: Any) -> Any:
        view(x)[0] = 1.0
        return x

    for run in (
        lambda: write(M.copy()),
        lambda: write(constant(M)),
        lambda: wg.grad(lambda x: write(x * 1.0).sum())(M),
        lambda: wg.jvp(write, (M,), (M,)),
        lambda: wg.vmap(lambda x: write(x * 1.0))(A),
    ):
        with pytest.raises(ValueError, match="read-only"):
            run()


def test_view_with_another_dtype_is_refused() -> None:
    with pytest.raises(wg.WengertTypeError, match="astype"):
        constant(M).view(np.int64)


def test_a_reshape_of_a_copy_is_a_view_also_of_abstract_values() -> None:
    """What the error about a reshape of unknown layout advises."""

    def f(x: Any) -> Any:
        y = (x.T * 2.0).copy()
        r = y.reshape(-1)
        r[:2] = x[0, :2]
        y[1] = 0.0
        return r

    np.testing.assert_array_equal(wg.vmap(f)(A), [f(x) for x in A])

    def unknown(x: Any) -> Any:
        y = x.T * 2.0
        r = y.reshape(-1)
        y[1] = 0.0
        return r

    with pytest.raises(wg.MutationError, match="reshape"):
        wg.vmap(unknown)(A)
