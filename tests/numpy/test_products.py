"""Products have NumPy's values, shapes, dtypes and options; their errors name both shapes."""

from __future__ import annotations

import itertools
import warnings
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert.core.bind import bind
from wengert.rules.einsum import contract, einsum_p, pair_evaluator

RNG = np.random.default_rng(7)


def draw(dtype: Any, *shape: int) -> Any:
    values = RNG.uniform(-3.0, 3.0, shape)
    if np.dtype(dtype).kind == "c":
        values = values + 1j * RNG.uniform(-3.0, 3.0, shape)
    return np.asarray(values, dtype)


def assert_same(found: Any, expected: Any) -> None:
    assert isinstance(found, wg.Tensor)
    assert found.shape == np.shape(expected)
    assert found.dtype == np.asarray(expected).dtype
    tolerance = 1e-4 if found.dtype in (np.float32, np.complex64) else 1e-12
    np.testing.assert_allclose(found.array, expected, rtol=tolerance, atol=tolerance)


def compare(function: Any, *arrays: Any) -> None:
    """The value on Tensors is the value on arrays; where NumPy raises, so does the other."""
    tensors = [wg.core.tensor.handle(a, None, None) for a in arrays]
    try:
        expected = function(*arrays)
    except (ValueError, IndexError):
        with pytest.raises(ValueError):  # noqa: PT011 - the messages are tested below
            function(*tensors)
        return
    assert_same(function(*tensors), expected)
    if len(arrays) == 2:
        assert_same(function(tensors[0], arrays[1]), expected)
        assert_same(function(arrays[0], tensors[1]), expected)


SHAPES = [(), (3,), (2, 3), (4, 3), (3, 4), (2, 4, 3), (1, 3, 3), (2, 1, 3, 4), (0, 3), (3, 0)]
PRODUCTS = [
    np.matmul,
    np.dot,
    np.inner,
    np.outer,
    np.vdot,
    np.kron,
    np.vecdot,
    lambda a, b: np.tensordot(a, b, 0),
    lambda a, b: np.tensordot(a, b, 1),
    np.tensordot,
    lambda a, b: np.tensordot(a, b, ([0], [-1])),
    *(getattr(np, name) for name in ("matvec", "vecmat") if hasattr(np, name)),
]


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.complex128, np.int64])
@pytest.mark.parametrize("product", PRODUCTS)
def test_products_of_all_shapes(product: Any, dtype: Any) -> None:
    for left, right in itertools.product(SHAPES, SHAPES):
        compare(product, draw(dtype, *left), draw(dtype, *right))


def test_operands_of_different_dtypes() -> None:
    compare(np.matmul, draw(np.float32, 2, 3), draw(np.float64, 3, 2))
    compare(np.dot, draw(np.float32, 2, 3), draw(np.complex64, 3))
    compare(lambda a, b: np.einsum("ij,jk", a, b), draw(int, 2, 3), draw(np.float32, 3, 2))


def test_lists_are_operands() -> None:
    x = wg.Tensor(draw(float, 2, 2))
    rows = [[1.0, 2.0], [3.0, 4.0]]
    assert_same(x @ rows, x.array @ np.array(rows))
    assert_same(rows @ x, np.array(rows) @ x.array)
    assert_same(np.dot(rows, x), np.dot(rows, x.array))
    with pytest.raises(TypeError, match="unsupported operand"):
        x @ "x"  # type: ignore[operator]


def test_out() -> None:
    x, y = draw(float, 2, 3), draw(float, 3, 4)
    for function in (np.matmul, np.dot, lambda a, b, out: np.einsum("ij,jk", a, b, out=out)):
        out = wg.Tensor(np.zeros((2, 4)))
        assert function(wg.Tensor(x, True), y, out=out) is out
        assert_same(out, x @ y)
    out = wg.Tensor(np.zeros((3, 4)))
    assert np.outer(wg.Tensor(x[0], True), y[0], out=out) is out
    assert_same(out, np.outer(x[0], y[0]))
    with pytest.raises(wg.MutationError, match="plain array"):
        np.matmul(wg.Tensor(x, True), y, out=np.zeros((2, 4)))


# ------------------------------------------------------------------ axes of generalised ufuncs


def test_core_axes() -> None:
    def on(axes: Any) -> Any:
        return lambda a, b: np.matmul(a, b, axes=axes)

    compare(on([(0, 1), (1, 2), (0, 2)]), draw(float, 2, 3, 4), draw(float, 4, 3, 5))
    compare(on([(0,), (1, 2), (0,)]), draw(float, 3), draw(float, 4, 3, 5))
    compare(on([(0, 1), (1, 2)]), draw(float, 2, 3, 4), draw(float, 4, 3, 5))
    x, y = draw(complex, 3, 2), draw(complex, 3, 2)
    compare(lambda a, b: np.vecdot(a, b, axis=0), x, y)
    compare(lambda a, b: np.vecdot(a, b, axis=0, keepdims=True), x, y)
    compare(lambda a, b: np.vecdot(a, b, axes=[0, 1]), x, y.T)
    compare(lambda a, b: np.vecdot(a, b, axes=[0, 1, ()]), x, y.T)
    with pytest.raises(TypeError, match="both"):
        np.vecdot(wg.Tensor(x), y, axis=0, axes=[0, 0])
    with pytest.raises(TypeError, match="axis= needs one axis"):
        np.matmul(wg.Tensor(x), y, axis=0)  # type: ignore[call-overload]
    with pytest.raises(TypeError, match="keepdims="):
        np.matmul(wg.Tensor(x), y, keepdims=True)  # type: ignore[call-overload]


# ------------------------------------------------------------------ einsum

VALID = {
    "ij,jk->ik": [(2, 3), (3, 4)],
    "ij,jk": [(2, 3), (3, 4)],
    "ba,b": [(2, 3), (2,)],
    "ij,jk->ki": [(2, 3), (3, 4)],
    "i,i->": [(3,), (3,)],
    "ii": [(3, 3)],
    "ii->i": [(3, 3)],
    "ij->ji": [(2, 3)],
    "ij->ij": [(2, 3)],
    "ij->": [(2, 3)],
    "iij->j": [(3, 3, 2)],
    "iii": [(3, 3, 3)],
    "iijj->ij": [(2, 2, 3, 3)],
    "ijij->ji": [(2, 3, 2, 3)],
    "...ij,...jk->...ik": [(5, 1, 2, 3), (2, 3, 4)],
    "...,...": [(), (3,)],
    "i...->...i": [(2, 3, 4)],
    "ij...,jk...->ik...": [(2, 3, 5), (3, 4, 5)],
    "a...a->...a": [(3, 2, 3)],
    "bi,bi->b": [(5, 3), (5, 3)],
    "bi,ij,bj->b": [(5, 3), (3, 4), (5, 4)],
    "ij,jk,kl,lm->mi": [(2, 3), (3, 4), (4, 5), (5, 2)],
    "ii,i->": [(3, 3), (1,)],
    "ij,k->i": [(2, 3), (4,)],
    "a,b,c->": [(2,), (3,), (4,)],
    "nchw,ochw->no": [(2, 3, 4, 5), (6, 3, 4, 5)],
    ",i->i": [(), (3,)],
    ",->": [(), ()],
    " i j , j k -> i k ": [(2, 3), (3, 4)],
    "ij,jk->ik ": [(2, 0), (0, 4)],
    "ii->i ": [(0, 0)],
    "ijk,ilm,njm,nlk,abc->": [(2, 3, 4), (2, 5, 6), (7, 3, 6), (7, 5, 4), (1, 2, 3)],
}

INVALID = {
    "ij,jk->ik": ([(2, 3), (4, 5)], r"label 'j' has length 3 in operand 0 of shape \(2, 3\) and 4"),
    "ij->ijk": ([(2, 3)], "the output has 'k', which no operand has"),
    "ij->ii": ([(2, 3)], "the output has 'i' twice"),
    "ijk->i": ([(2, 3)], r"operand 0 of shape \(2, 3\) has 2 dimensions, which does not fit 'ijk'"),
    "ij": ([(2, 3, 4)], "has 3 dimensions, which does not fit 'ij'"),
    "ii->i": ([(2, 3)], r"operand 0 of shape \(2, 3\) is to give its diagonal along 'i'"),
    "i...->i": ([(2, 3)], r"the output needs '\.\.\.', too"),
    "ij,jk": ([(2, 3)], "2 terms for 1 operands"),
    "i?->i": ([(2, 3)], r"'i\?' has characters other than letters"),
    "i..->i": ([(2, 3)], "characters other than letters"),
    "ij->i->j": ([(2, 3)], "characters other than letters"),
}


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.complex128, np.int64])
@pytest.mark.parametrize("subscripts", VALID)
def test_einsum(subscripts: str, dtype: Any) -> None:
    arrays = [draw(dtype, *shape) for shape in VALID[subscripts]]
    compare(lambda *xs: np.einsum(subscripts, *xs), *arrays)


@pytest.mark.parametrize("subscripts", INVALID)
def test_einsum_errors(subscripts: str) -> None:
    shapes, message = INVALID[subscripts]
    arrays = [draw(float, *shape) for shape in shapes]
    with pytest.raises(ValueError):  # noqa: PT011 - that NumPy refuses it, too
        np.einsum(subscripts, *arrays)
    with pytest.raises(wg.WengertValueError, match=message):
        np.einsum(subscripts, *[wg.Tensor(a) for a in arrays])


def test_einsum_of_lists_of_labels() -> None:
    x, y = draw(float, 2, 3), draw(float, 3, 4)
    compare(lambda a, b: np.einsum(a, [0, 1], b, [1, 2], [0, 2]), x, y)
    compare(lambda a, b: np.einsum(a, [0, 1], b, [1, 2]), x, y)
    compare(lambda a, b: np.einsum(a, [30, 1], b, [1, 27]), x, y)
    compare(lambda a, b: np.einsum(a, [..., 1], b, [1, 27], [27, ...]), x, y)
    compare(lambda a: np.einsum(a, [1, 0]), x)
    with pytest.raises(wg.WengertValueError, match="at least 0 and below 52"):
        np.einsum(wg.Tensor(x), [99, 1])
    with pytest.raises(wg.WengertTypeError, match="a list of integers"):
        np.einsum(wg.Tensor(x), "ij")
    with pytest.raises(wg.WengertTypeError, match="must be the subscripts"):
        np.einsum(wg.Tensor(x))


def test_einsum_options() -> None:
    arrays = [draw(np.float32, 2, 3), draw(np.float32, 3, 4), draw(np.float32, 4, 5)]
    paths = (True, False, "greedy", "optimal", ("greedy", 1000), ["einsum_path", (1, 2), (0, 1)])
    for optimize in (*paths, ["einsum_path", (0, 1, 2)]):
        compare(lambda *xs, o=optimize: np.einsum("ij,jk,kl->il", *xs, optimize=o), *arrays)
    compare(lambda *xs: np.einsum("ij,jk,kl->il", *xs, dtype=np.complex128), *arrays)
    with pytest.raises(TypeError, match="cannot cast operand 0"):
        np.einsum("ij->", wg.Tensor(arrays[0]), dtype=np.int64)
    with pytest.raises(wg.WengertValueError, match="leaves 2 operands"):
        np.einsum("ij,jk,kl->il", *map(wg.Tensor, arrays), optimize=["einsum_path", (0, 1)])
    with pytest.raises(wg.WengertValueError, match=r"has no operands \(0, 3\)"):
        np.einsum("ij,jk,kl->il", *map(wg.Tensor, arrays), optimize=["einsum_path", (0, 3)])
    path, text = np.einsum_path("ij,jk,kl->il", *map(wg.Tensor, arrays))
    assert (path, text) == np.einsum_path("ij,jk,kl->il", *arrays)


def test_einsum_of_one_operand_is_a_view_where_numpys_is() -> None:
    x = wg.Tensor(draw(float, 2, 3), True) * 1.0
    np.einsum("ij->ji", x)[0] = 7.0
    assert (x.array[:, 0] == 7.0).all()


def test_pairs_of_random_terms() -> None:
    """Every way of mixing stacked, row, column and summed axes, in random orders."""
    rng = np.random.default_rng(1)
    lengths = dict(zip("abcdef", (2, 3, 4, 5, 2, 1), strict=True))
    for _ in range(500):
        labels = rng.choice(list("abcdef"), rng.integers(1, 6), replace=False)
        roles = {c: rng.choice(list("smkn")) for c in labels}
        terms = [[c for c in labels if roles[c] in kinds] for kinds in ("smk", "skn", "smn")]
        tx, ty, out = ("".join(rng.permutation(t)) for t in terms)
        x, y = (draw(float, *[lengths[c] for c in t]) for t in (tx, ty))
        expected = np.einsum(f"{tx},{ty}->{out}", x, y)
        for found in (pair_evaluator(tx, ty, out)(x, y), contract(x, tx, y, ty, out)):
            assert np.shape(found) == expected.shape
            np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


def test_contractions_are_matrix_products_where_they_can_be() -> None:
    x, y, v = wg.Tensor(draw(float, 3, 3), True), wg.Tensor(draw(float, 3, 3), True), draw(float, 3)
    names = {
        "ij,jk->ik": "matmul",
        "ij,ki->kj": "matmul",
        "ij,kj->ik": "einsum",
        "ij,ij->ij": "mul",
    }
    for subscripts, name in names.items():
        assert np.einsum(subscripts, x, y)._n[1].name == name
    assert np.einsum("ij,j->i", x, v)._n[1].name == "matmul"
    assert np.tensordot(x, y, 1)._n[1].name == "matmul"


def test_einsum_refuses_operands_that_do_not_fit_when_recorded() -> None:
    def f(x: Any) -> Any:
        return bind(einsum_p, (x, np.ones((4, 2))), {"subscripts": "ij,jk->ik"})

    with pytest.raises(wg.ShapeError, match="label 'j' has the lengths 3 and 4"):
        wg.vmap(f)(np.ones((5, 2, 3)))


# ------------------------------------------------------------------ cross


def _numpy_crosses_vectors_of_two() -> bool:
    """NumPy 2.5 ended what 2.0 had deprecated."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            np.cross(np.ones(2), np.ones(3))
    except ValueError:
        return False
    return True


@pytest.mark.filterwarnings("ignore:Arrays of 2-dimensional vectors")
def test_cross() -> None:
    compare(np.cross, draw(float, 2, 3), draw(float, 4, 1, 3))
    compare(lambda a, b: np.cross(a, b, axis=0), draw(float, 3, 2), draw(float, 3, 2))
    compare(lambda a, b: np.cross(a, b, 0, 1, 0), draw(float, 3, 2), draw(float, 2, 3))
    if _numpy_crosses_vectors_of_two():
        compare(np.cross, draw(float, 2, 2), draw(float, 2, 3))
        compare(np.cross, draw(float, 2, 3), draw(float, 2, 2))
        compare(np.cross, draw(float, 4, 2), draw(float, 2))
    with pytest.raises(wg.ShapeError, match=r"b of shape \(2, 4\) has vectors of 4 components"):
        np.cross(wg.Tensor(draw(float, 2, 3)), draw(float, 2, 4))
    with pytest.raises(wg.ShapeError, match="a is a number"):
        np.cross(wg.Tensor(1.0), draw(float, 3))


def test_tensordot_of_all_axes_is_an_array() -> None:
    """Regression: NumPy gives an array without axes, not a scalar."""
    x = draw(float, 2, 3)
    for f in (lambda x: np.tensordot(x, x, 2), lambda x: np.tensordot(x, x, ([0, 1], [0, 1]))):
        for y in (f(wg.Tensor(x))._a, wg.jit(f)(x), wg.vjp(f, x)[0]):
            assert type(y) is np.ndarray
            np.testing.assert_allclose(y, f(x))


# ------------------------------------------------------------------ messages


@pytest.mark.parametrize(
    "product", [np.matmul, np.dot, np.inner, np.tensordot, np.vecdot, lambda a, b: a @ b]
)
def test_messages_name_both_shapes(product: Any) -> None:
    x, y = draw(float, 2, 3), draw(float, 4, 5)
    for a, b in ((wg.Tensor(x, True), y), (x, wg.Tensor(y, True)), (wg.Tensor(x), wg.Tensor(y))):
        with pytest.raises(wg.ShapeError, match=r"\(2, 3\) and \(4, 5\)"):
            product(a, b)


def test_messages_of_axes() -> None:
    x = wg.Tensor(draw(float, 2, 3))
    with pytest.raises(wg.ShapeError, match="pairs 2 axes with 1"):
        np.tensordot(x, x, axes=([0, 1], [0]))
    with pytest.raises(np.exceptions.AxisError):
        np.tensordot(x, x, axes=([7], [0]))
    with pytest.raises(wg.WengertValueError, match="an integer or a pair"):
        np.tensordot(x, x, axes=(0, 1, 1))
    with pytest.raises(wg.ShapeError, match="a 0-d operand"):
        x @ 2.0
    with pytest.raises(wg.ShapeError, match="matvec|vecmat|vecdot"):
        np.vecdot(x, 2.0)
