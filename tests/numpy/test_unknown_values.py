"""Functions that look at values, inside vmap and jit, where only shapes are known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert.testing import check_grads

RNG = np.random.default_rng(8)
X = RNG.normal(size=(3, 5))
PLACES = RNG.integers(0, 2, size=(3, 5))
EDGES = np.sort(RNG.normal(size=(3, 4)), 1)
NUMBER = np.array([1, 2, 4])


def grid(x: Any) -> Any:
    return x[:, None] * x[None, :]


FUNCTIONS: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "roll": (np.roll, (X, NUMBER)),
    "roll back": (lambda x, k: np.roll(x, -k, -1), (X, NUMBER)),
    "roll all": (lambda x, k: np.roll(grid(x), k), (X, NUMBER)),
    "roll two": (lambda x, k: np.roll(grid(x), (k, 2 * k), (0, 1)), (X, NUMBER)),
    "roll both by one": (lambda x, k: np.roll(grid(x), k, (0, 1)), (X, NUMBER)),
    "delete": (np.delete, (X, NUMBER)),
    "delete a column": (lambda x, k: np.delete(grid(x), -k, 1), (X, NUMBER)),
    "insert": (lambda x, k: np.insert(x, k, 9.0), (X, NUMBER)),
    "insert many": (lambda x, k: np.insert(x, -k, x[:2]), (X, NUMBER)),
    "insert a column": (lambda x, k: np.insert(grid(x), k, x, 1), (X, NUMBER)),
    "insert rows": (lambda x, k: np.insert(grid(x), k, grid(x)[:2], 0), (X, NUMBER)),
    "digitize": (np.digitize, (X, EDGES)),
    "digitize down": (lambda x, b: np.digitize(x, b[::-1], right=True), (X, EDGES)),
    "histogram": (lambda x: np.histogram(x, bins=4, range=(-1, 1))[0], (X,)),
    "histogram of edges": (lambda x, b: np.histogram(x, b)[0], (X, EDGES)),
    "histogram at the last edge": (lambda x: np.histogram(x, np.sort(x)[::2])[0], (X,)),
    "isin": (lambda x: np.isin(x, x[:2]), (X,)),
    "not isin": (lambda x: np.isin(grid(x), x, invert=True), (X,)),
    "matrix_rank": (lambda x: np.linalg.matrix_rank(grid(x)), (X,)),
    "matrix_rank of full rank": (lambda x: np.linalg.matrix_rank(grid(x) + np.eye(5)), (X,)),
    "hermitian": (lambda x: np.linalg.matrix_rank(grid(x), hermitian=True), (X,)),
    "tolerance": (lambda x: np.linalg.matrix_rank(grid(x) + 1e-3 * np.eye(5), tol=0.1), (X,)),
    "relative": (lambda x: np.linalg.matrix_rank(grid(x), rtol=1e-3), (X,)),
    "rank of a vector": (lambda x: np.linalg.matrix_rank(x), (X,)),
    "unravel_index": (lambda i: np.stack(np.unravel_index(i, (2, 3))), (PLACES,)),
    "unravel_index of columns": (
        lambda i: np.stack(np.unravel_index(i, (2, 3), order="F")), (PLACES,),
    ),
    "ravel_multi_index": (lambda i: np.ravel_multi_index((i, i + 1), (2, 3)), (PLACES,)),
    "of columns": (lambda i: np.ravel_multi_index((i, i + 1), (2, 3), order="F"), (PLACES,)),
    "modes": (
        lambda i: np.ravel_multi_index((i * 5, i - 3), (2, 3), mode=("wrap", "clip")), (PLACES,),
    ),
    "ix_": (lambda i, x: grid(x)[np.ix_(i, [1, 2])], (PLACES, X)),
    "extract": (lambda x: np.sum(np.extract(x > 0, x)), (X,)),
    "compress": (lambda x: np.sum(np.compress(x > 0, x)), (X,)),
    "compress columns": (lambda x: np.sum(np.compress(x[:3] > 0, grid(x), axis=1)), (X,)),
}  # fmt: skip


@pytest.mark.parametrize("name", FUNCTIONS)
def test_values_are_numpys(name: str) -> None:
    function, args = FUNCTIONS[name]
    expected = np.stack([np.asarray(function(*row)) for row in zip(*args, strict=True)])
    stacked = wg.vmap(function)(*args)
    np.testing.assert_allclose(stacked, expected, rtol=1e-12)
    assert stacked.dtype == expected.dtype
    compiled = wg.jit(function)(*[a[1] for a in args])
    np.testing.assert_allclose(compiled, expected[1], rtol=1e-12)


@pytest.mark.parametrize("name", ["roll", "delete a column", "insert rows", "extract", "compress"])
def test_gradients_are_those_of_the_loop(name: str) -> None:
    function, (x, *more) = FUNCTIONS[name]

    def loss(x: Any, *more: Any) -> Any:
        return np.sum(np.sin(function(x, *more)))

    expected = [wg.grad(loss)(*row) for row in zip(x, *more, strict=True)]
    np.testing.assert_allclose(wg.vmap(wg.grad(loss))(x, *more), expected, rtol=1e-12)


@pytest.mark.parametrize(
    "function",
    [np.nonzero, np.flatnonzero, np.argwhere, np.where, np.unique, lambda m: m.nonzero()],
)
def test_what_has_no_shape_says_what_to_do(function: Callable[[Any], Any]) -> None:
    with pytest.raises(wg.AbstractValueError, match=r"depends on data.*x\[mask\].*np\.where"):
        wg.vmap(lambda x: function(x > 0))(X)


def test_the_remedy_for_a_plain_table_works() -> None:
    """NumPy's own take does not look at its indices, so the remedy names wengert's."""
    table = np.arange(9.0)
    with pytest.raises(wg.AbstractValueError, match=r"wengert\.numpy\.take\(table, i\)"):
        wg.vmap(lambda k: table[k])(NUMBER)
    np.testing.assert_array_equal(wg.vmap(lambda k: wg.numpy.take(table, k))(NUMBER), table[NUMBER])


@pytest.mark.parametrize(
    "function",
    [
        lambda t: wg.numpy.interp(X[0], [0.0, 1.0], [3.0, 4.0], left=t),
        lambda t: wg.numpy.trapezoid(X[0], dx=t),
        lambda t: wg.numpy.select([X[0] > 0.0], [X[0]], t),
        lambda t: wg.numpy.unwrap(9.0 * X[0], period=t + 5.0),
        lambda t: wg.numpy.nan_to_num(np.array([np.nan, np.inf]), nan=t, posinf=2 * t),
    ],
)
def test_arguments_that_numpy_overlooks_are_differentiable(function: Callable[[Any], Any]) -> None:
    check_grads(function, (0.7,))


def test_draws_from_a_plain_array_with_batched_keys() -> None:
    """`choice` and `permutation` called NumPy's take, which does not look at its indices."""
    keys = np.stack([wg.random.key(0), wg.random.key(1)])
    for draw in (wg.random.permutation, lambda key, x: wg.random.choice(key, x, (2,))):
        expected = [draw(key, X[0]) for key in keys]
        np.testing.assert_array_equal(wg.vmap(lambda k, d=draw: d(k, X[0]))(keys), expected)
        np.testing.assert_array_equal(wg.jit(lambda k, d=draw: d(k, X[0]))(keys[1]), expected[1])


def test_interpolation_between_batched_nodes_that_are_not_in_order() -> None:
    """As above: values that are plain beside places that are not."""
    values = np.arange(5.0) ** 2

    def between(x: Any) -> Any:
        line = wg.scipy.interpolate.interp1d(x, values, bounds_error=False, fill_value=0.0)
        return line(np.array([0.1, 0.2]))

    np.testing.assert_allclose(wg.vmap(between)(X), [between(x) for x in X])


LENGTHS = {
    "np.bincount": (np.bincount, np.arange(3), r"np\.add\.at\(counts, x, weights\)"),
    "np.roots": (np.roots, np.arange(3.0) + 1, "number of roots.*companion"),
    "np.repeat": (lambda k: wg.numpy.repeat(X[0, :3], k), np.arange(3), "plain numbers"),
}


@pytest.mark.parametrize("name", LENGTHS)
def test_lengths_that_values_say(name: str) -> None:
    function, x, remedy = LENGTHS[name]
    with pytest.raises(wg.AbstractValueError, match=f"^{name} of an abstract.*{remedy}"):
        wg.vmap(function)(np.stack([x, x]))
