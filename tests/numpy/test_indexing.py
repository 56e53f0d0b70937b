"""Functions that read and write by index, and what writing does to views and to derivatives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import wengert as wg

from .compare import assert_numpys, constant, plain

RNG = np.random.default_rng(3)
M = RNG.normal(size=(3, 4))
A = RNG.normal(size=(2, 3, 4))
V = RNG.normal(size=5)


@pytest.mark.parametrize("mode", ["raise", "wrap", "clip"])
@pytest.mark.parametrize("axis", [None, 0, -1])
def test_take(axis: Any, mode: str) -> None:
    for indices in (1, -1, [0, 0, 2], [[0, 1], [2, -2]], np.zeros((0, 2), int), np.int32(2)):
        if mode == "clip" and np.any(np.asarray(indices) < 0):
            continue
        assert_numpys(lambda x, i=indices: np.take(x, i, axis, mode=mode), M)
        assert_numpys(lambda x, i=indices: x.take(i, axis=axis, mode=mode), M)
    if mode != "raise":
        assert_numpys(lambda x: np.take(x, [99, -99], axis, mode=mode), M)


def test_take_errors() -> None:
    t = constant(M)
    with pytest.raises(IndexError, match="out of bounds"):
        np.take(t, 99)
    with pytest.raises(ValueError, match="clipmode"):
        np.take(t, 0, mode="sideways")
    with pytest.raises(TypeError, match="Cannot cast"):
        np.take(t, 1.5)
    with pytest.raises(ValueError, match="out of bounds"):
        np.take(t, 0, axis=2)
    out = np.zeros_like(t, shape=(2, 4))
    np.take(t, [0, 2], axis=0, out=out)
    np.testing.assert_array_equal(out.array, M[[0, 2]])


def test_along_axis() -> None:
    order = np.argsort(A, axis=1)
    assert_numpys(lambda x: np.take_along_axis(x, order, axis=1), A)
    assert_numpys(lambda x: np.take_along_axis(x, order[:, :1], axis=1), A)
    assert_numpys(lambda x: np.take_along_axis(x, np.array([5, 0, 1]), axis=None), A)
    assert_numpys(lambda x: np.take_along_axis(x, np.argsort(x, axis=-1), axis=-1), A)
    t = constant(A)
    with pytest.raises(ValueError, match="same number of dimensions"):
        np.take_along_axis(t, np.array([0]), axis=0)
    with pytest.raises(IndexError, match="integer"):
        np.take_along_axis(t, A, axis=0)
    with pytest.raises(ValueError, match="single dimension"):
        np.take_along_axis(t, order, axis=None)


def test_compress_and_extract() -> None:
    assert_numpys(lambda x: np.compress([True, False, True], x, axis=0), M)
    assert_numpys(lambda x: np.compress([0, 1], x, axis=1), M)
    assert_numpys(lambda x: x.compress([False, True, True]), M)
    assert_numpys(lambda x: np.extract(M > 0, x), M)
    assert_numpys(lambda x: np.extract([[0, 1, 1, 0]], x), M[:1])
    with pytest.raises(ValueError, match="1-d"):
        np.compress(M > 0, constant(M))
    with pytest.raises(wg.AbstractValueError, match="how many elements a boolean mask selects"):
        wg.vmap(lambda x: np.extract(x > 0, x))(M)


def _both(write: Any, x: Any) -> None:
    """The same write into an array, a constant Tensor, a tracked, a dual and a recorded one."""
    expected = x.copy()
    write(expected)

    def run(t: Any) -> Any:
        y = t * 1.0
        write(y)
        return y

    np.testing.assert_array_equal(plain(run(constant(x))), expected)
    np.testing.assert_array_equal(plain(run(wg.Tensor(x, True))), expected)
    np.testing.assert_array_equal(wg.jvp(run, (x,), (x,))[0], expected)
    np.testing.assert_array_equal(wg.vmap(run)(x[None])[0], expected)


def test_functions_that_write() -> None:
    mask = M > 0
    values = np.arange(12.0).reshape(3, 4)
    for write in (
        lambda y: np.put(y, [0, -1, 5], [7.0, 8.0, 9.0]),
        lambda y: np.put(y, [0, 1, 2], [7.0, 8.0]),
        lambda y: np.put(y, [[0, 99]], 7.0, mode="clip"),
        lambda y: np.put(y.T, [1, 13], 7.0, mode="wrap"),
        lambda y: y.put([2], 5.0),
        lambda y: np.put(y, [], []),
        lambda y: np.put_along_axis(y, np.array([[1], [0], [2]]), 9.0, axis=1),
        lambda y: np.put_along_axis(y, np.array([1, 0, 7]), values[0, :3], axis=None),
        lambda y: np.place(y, mask, [1.0, 2.0]),
        lambda y: np.place(y, mask, values),
        lambda y: np.putmask(y, mask, values),
        lambda y: np.putmask(y, mask, [1.0, 2.0]),
        lambda y: np.copyto(y, values),
        lambda y: np.copyto(y, values[0], where=mask),
        lambda y: np.copyto(y, 3, where=[True, False, True, False]),
        lambda y: np.copyto(y[1:], y[:-1]),
        lambda y: np.fill_diagonal(y, 5.0),
        lambda y: np.fill_diagonal(y.T, [1.0, 2.0]),
        lambda y: np.fill_diagonal(y.T, 5.0, wrap=True),
        lambda y: y.fill(2.5),
        lambda y: y.flat.__setitem__(slice(1, None, 3), [1.0, 2.0]),
        lambda y: y.T.flat.__setitem__(3, 1.0),
    ):
        _both(write, M)
    _both(lambda y: np.fill_diagonal(y, [1.0, 2.0, 3.0]), RNG.normal(size=(3, 3, 3)))


def test_errors_of_functions_that_write() -> None:
    t = wg.Tensor(M, True) * 1.0
    with pytest.raises(IndexError, match="out of bounds"):
        np.put(t, 12, 1.0)
    with pytest.raises(ValueError, match="empty"):
        np.place(t, M > 0, [])
    with pytest.raises(TypeError, match="Cannot cast"):
        np.copyto(constant(np.arange(3)), t[0, :3])
    with pytest.raises(ValueError, match="2-d"):
        np.fill_diagonal(t[0], 1.0)
    with pytest.raises(ValueError, match="equal length"):
        np.fill_diagonal(constant(A), 1.0)


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("put", lambda a, t: np.put(a, [0], t)),
        ("put_along_axis", lambda a, t: np.put_along_axis(a, np.array([[0]] * 3), t, 1)),
        ("place", lambda a, t: np.place(a, a == 0, t)),
        ("putmask", lambda a, t: np.putmask(a, a == 0, t)),
        ("copyto", lambda a, t: np.copyto(a, t)),
        ("fill_diagonal", lambda a, t: np.fill_diagonal(a, t)),
    ],
)
def test_a_traced_value_cannot_be_written_into_a_plain_array(name: str, write: Any) -> None:
    plain_array = np.zeros((3, 4))

    def f(x: Any) -> Any:
        write(plain_array, x)
        return x

    with pytest.raises((wg.MutationError, wg.WengertTypeError)) as raised:
        wg.grad(f)(1.5)
    assert "np.zeros_like" in str(raised.value)
    np.testing.assert_array_equal(plain_array, 0.0)
    if name not in ("place", "fill_diagonal", "put_along_axis"):
        write(plain_array, constant(np.array(2.0)))
        assert plain_array.max() == 2.0


def test_flat() -> None:
    t = wg.Tensor(M, True) * 1.0
    assert len(t.flat) == 12
    assert [float(plain(v)) for v in t.flat] == M.ravel().tolist()
    assert plain(t.flat[5]) == M.flat[5]
    np.testing.assert_array_equal(plain(t.flat[2:5]), M.flat[2:5])
    np.testing.assert_array_equal(plain(t.flat[[1, 1]]), M.flat[[1, 1]])
    t.flat = 3.0
    assert np.all(plain(t) == 3.0)
    part = wg.Tensor(V, True).copy().flat[1:3]
    part[0] = 9.0  # a copy, as in NumPy
    t.T.flat[:3] = [1.0, 2.0, 4.0]
    assert plain(t)[:, 0].tolist() == [1.0, 2.0, 4.0]


def test_item_and_contains() -> None:
    t = wg.Tensor(M, True)
    assert t.item(5) == M.item(5)
    assert t.item(1, 2) == M[1, 2]
    assert t.item((1, 2)) == M[1, 2]
    with pytest.raises(ValueError, match="size 1"):
        t.item()
    assert M[1, 1] in t
    assert 99.0 not in t


def test_abstract_indices() -> None:
    """Indices that are known only as shapes: batched integers."""
    table = RNG.normal(size=(5, 3))
    numbers = np.array([[0, 2], [4, 4], [1, 3]])
    for f in (
        lambda x, i: x[i],
        lambda x, i: np.take(x, i, axis=0),
        lambda x, i: np.take(x, i - 4, axis=0, mode="wrap"),
        lambda x, i: np.take(x, i + 3, mode="clip"),
        lambda x, i: np.take(x, i[0], axis=0) * i[1],
        lambda x, i: x[i % 5, i % 3],
        lambda x, i: x[:, i % 3],
        lambda x, i: x[i, i % 3][None],
    ):
        found = wg.vmap(f, in_axes=(None, 0))(table, numbers)
        np.testing.assert_array_equal(found, [f(table, i) for i in numbers])

    def write(x: Any, i: Any) -> Any:
        y = x * 1.0
        np.put(y, i, [7.0, 8.0])
        y[i[0]] += 1.0
        return y

    found = wg.vmap(write, in_axes=(None, 0))(table, numbers)
    np.testing.assert_array_equal(found, [write(table, i) for i in numbers])
