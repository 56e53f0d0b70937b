"""Products of sparse matrices with Tensors, and matrices with differentiable elements."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.sparse
import scipy.sparse.linalg

import wengert as wg
from wengert.scipy import sparse
from wengert.testing import check_grads

DENSE = np.array([[0.0, 1.5, 0, 0.4], [0, 0, 0, 0], [-0.3, 0, 2.0, 0]])
FORMATS = ("csr", "csc", "coo", "bsr", "dok", "lil", "dia")
RNG = np.random.default_rng(0)


@pytest.mark.parametrize("kind", [scipy.sparse.csr_array, scipy.sparse.csr_matrix])
@pytest.mark.parametrize("format", FORMATS)
def test_operators_with_every_format(kind: Any, format: str) -> None:
    a = kind(DENSE).asformat(format)
    for shape in ((4,), (4, 2)):
        x = RNG.normal(size=shape)
        # coo_array.dot does not ask the other operand; it raises and says to write A @ x.
        for f in (lambda x: a @ x, lambda x: a.dot(x))[: 1 if format == "coo" else 2]:
            y, pullback = wg.vjp(f, x)
            np.testing.assert_allclose(y, DENSE @ x)
            ct = RNG.normal(size=y.shape)
            np.testing.assert_allclose(pullback(ct)[0], DENSE.T @ ct)
    for shape in ((3,), (2, 3)):
        x = RNG.normal(size=shape)
        y, pullback = wg.vjp(lambda x: x @ a, x)
        np.testing.assert_allclose(y, x @ DENSE)
        np.testing.assert_allclose(pullback(np.ones(y.shape))[0], np.ones(y.shape) @ DENSE.T)


def test_backward_and_constants_that_change() -> None:
    a = scipy.sparse.csr_array(DENSE)
    x = wg.Tensor(np.arange(4.0), requires_grad=True)
    y = (a @ x).sum()
    a.data[:] = 7.0
    a.indices[:] = 0
    y.backward()
    np.testing.assert_array_equal(x.grad, DENSE.sum(0))


def test_inside_every_transform() -> None:
    a = scipy.sparse.csr_array(DENSE)
    x = RNG.normal(size=(5, 4))
    np.testing.assert_allclose(wg.vmap(lambda v: a @ v)(x), x @ DENSE.T)
    np.testing.assert_allclose(
        wg.hessian(lambda v: np.sum((a @ v) ** 2))(x[0]), 2 * DENSE.T @ DENSE
    )
    assert isinstance(a @ wg.Tensor(x[0]), wg.Tensor)


def test_a_gradient_with_respect_to_a_sparse_matrix() -> None:
    def loss(a: Any, x: Any) -> Any:
        return np.sum((a @ x) ** 2)

    data = wg.Tensor([1.0, 2.0, 3.0])
    a = sparse.csr_array((data, ([0, 2, 1], [1, 0, 1])), shape=(3, 2))
    x = np.array([1.0, 2.0])
    g = wg.grad(loss)(a, x)
    assert isinstance(g, sparse.SparseTensor)
    assert g.shape == (3, 2)
    dense = np.zeros((3, 2))
    dense[[0, 2, 1], [1, 0, 1]] = [1.0, 2.0, 3.0]
    expected = 2 * np.outer(dense @ x, x)
    np.testing.assert_allclose(np.asarray(g.toarray()), np.where(dense != 0, expected, 0))


def test_spsolve_matches_the_dense_solution() -> None:
    a = scipy.sparse.csc_array(DENSE[:, :3] + 3 * np.eye(3))
    b = RNG.normal(size=(3, 2))
    found, pullback = wg.vjp(lambda b: sparse.linalg.spsolve(a, b), b)
    np.testing.assert_allclose(found, np.linalg.solve(a.toarray(), b))
    ct = RNG.normal(size=(3, 2))
    np.testing.assert_allclose(pullback(ct)[0], np.linalg.solve(a.toarray().T, ct))
    column = wg.vjp(lambda b: sparse.linalg.spsolve(a, b), b[:, :1])[0]
    assert column.shape == scipy.sparse.linalg.spsolve(a, b[:, :1]).shape == (3,)


def test_elements_that_are_stored_twice_add_up() -> None:
    """SciPy adds them up in place, in arrays that the pattern keeps."""
    rows, columns = [0, 0, 1, 1], [0, 0, 1, 0]

    def solution(d: Any) -> Any:
        return sparse.linalg.spsolve(sparse.coo_array((d, (rows, columns))).T, np.ones(2))

    d = np.array([1.0, 2.0, 4.0, 1.0])
    dense = np.array([[3.0, 1.0], [0, 4.0]])
    np.testing.assert_allclose(solution(wg.Tensor(d)).array, np.linalg.solve(dense, np.ones(2)))
    g = wg.grad(lambda d: np.sum(solution(d)))(d)
    assert g[0] == pytest.approx(g[1])


def test_plain_data_makes_scipys_arrays() -> None:
    a = sparse.csr_array(([1.0], ([0], [1])), shape=(2, 2))
    assert isinstance(a, scipy.sparse.csr_array)
    assert isinstance(sparse.diags_array([[1.0, 2.0]], offsets=[0]), scipy.sparse.sparray)


def test_diagonals() -> None:
    for options in (
        {"diagonals": [np.arange(1.0, 4.0), np.ones(2)], "offsets": [0, -1]},
        {"diagonals": np.arange(1.0, 4.0), "offsets": 1},
        {"diagonals": [np.ones(1), np.arange(2.0)], "offsets": [0, 1], "shape": (2, 3)},
    ):
        diagonals = options.pop("diagonals")
        expected = scipy.sparse.diags_array(diagonals, **options).toarray()
        tensors = (
            [wg.Tensor(d) for d in diagonals] if isinstance(diagonals, list)
            else wg.Tensor(diagonals)
        )  # fmt: skip
        np.testing.assert_array_equal(
            sparse.diags_array(tensors, **options).toarray().array, expected
        )


def test_products_of_sparse_matrices() -> None:
    rng = np.random.default_rng(5)
    rows, columns = np.array([0, 2, 2, 0, 1, 2]), np.array([1, 0, 3, 2, 1, 0])
    constant = scipy.sparse.csr_array(rng.normal(size=(4, 3)) * (rng.random((4, 3)) < 0.6))

    def product(module: Any, d: Any) -> Any:
        a = module.coo_array((d, (rows, columns)), shape=(3, 4)).tocsr()
        return ((a @ constant) @ (a @ a.T) + constant.T @ a.T.tocoo()).tocsc()

    d = rng.normal(size=6)
    found = wg.jacobian(lambda d: product(sparse, d).toarray())(d)
    for i in range(6):
        step = 1e-6 * np.eye(6)[i]
        difference = product(scipy.sparse, d + step) - product(scipy.sparse, d - step)
        np.testing.assert_allclose(found[..., i], difference.toarray() / 2e-6, atol=1e-8)
    y = sparse.csr_array((wg.Tensor(d), (rows, columns)), shape=(3, 4))
    np.testing.assert_allclose((y @ constant).toarray().array, y.toarray().array @ constant)
    empty = sparse.csr_array((wg.Tensor(d[:0]), (rows[:0], columns[:0])), shape=(4, 3))
    assert (y @ empty).shape == (3, 3)
    assert (y @ empty).nnz == 0


@pytest.mark.parametrize("format", FORMATS)
def test_elementwise_products_of_sparse_matrices(format: str) -> None:
    rows, columns = np.array([0, 2, 2, 0, 1, 2]), np.array([1, 0, 2, 3, 1, 0])  # one stored twice
    constant = scipy.sparse.csr_array(DENSE).asformat(format)

    def product(module: Any, d: Any) -> Any:
        a = module.csr_array((d, (rows, columns)), shape=(3, 4))
        return a.multiply(constant), a.multiply(a)

    d = RNG.normal(size=6)
    weights = RNG.normal(size=(2, 3, 4))

    def total(module: Any, d: Any) -> Any:
        return sum(np.sum(w * p.toarray()) for w, p in zip(weights, product(module, d)))

    for p, q in zip(product(sparse, wg.Tensor(d)), product(scipy.sparse, d)):
        np.testing.assert_allclose(p.toarray().array, q.toarray())
    check_grads(lambda d: total(sparse, d), (d,), order=2)
    assert total(sparse, d) == pytest.approx(total(scipy.sparse, d))


A = sparse.csr_array((wg.Tensor([1.0, 2.0]), ([0, 1], [1, 0])), shape=(2, 2))
C = scipy.sparse.csr_array(DENSE)
X = wg.Tensor(np.ones(4), requires_grad=True)

REFUSED = [
    (lambda: C @ wg.Tensor(np.ones(3)), "shape (3, 4) does not fit a Tensor of shape (3,)"),
    (lambda: wg.Tensor(np.ones(4)) @ C, "expected (3,) or (k, 3) on the left"),
    (lambda: C * X, "write products with sparse matrices as A @ x"),
    (lambda: C.tocoo().dot(X), "write products with sparse matrices as A @ x"),
    (lambda: scipy.sparse.csr_matrix(DENSE) * X, "write products with sparse matrices as A @ x"),
    (lambda: scipy.sparse.linalg.spsolve(C, X), "use wengert.scipy.sparse.linalg.spsolve"),
    (lambda: C @ A, "sparse matrices of shapes (3, 4) and (2, 2)"),
    (lambda: A.multiply(np.ones(3)), "does not broadcast"),
    (lambda: A.multiply(C), "shapes (2, 2) and (3, 4); they must be equal"),
    (lambda: A @ np.ones(3), "does not fit an array of shape (3,)"),
    (lambda: np.ones(3) @ A, "on the left"),
    (lambda: A * np.ones(2), "only products with numbers"),
    (lambda: A / np.ones(2), "only numbers"),
    (lambda: A + np.ones((2, 2)), "the sum would be dense"),
    (lambda: A + C, "shapes (2, 2) and (3, 4)"),
    (lambda: sparse.csr_array(wg.Tensor(np.eye(2))), "expected (data, (rows, columns))"),
    (lambda: sparse.csr_array((X, ([0], [0]))), "lengths 4, 1 and 1"),
    (lambda: sparse.csr_array((X[:1], ([0.5], [0]))), "expected a vector of integers"),
    (lambda: sparse.csr_array((X[:1], ([2], [0])), shape=(2, 2)), "for an axis of length 2"),
    (lambda: sparse.csr_array((X[:1], [0], [0, 2])), "indptr must rise"),
    (lambda: sparse.coo_array((X[:1], [0], [0, 1])), "got three arrays"),
    (lambda: sparse.csr_array((X[None], ([0], [0]))), "data has shape (1, 4)"),
    (lambda: sparse.diags_array([X, X], offsets=[0]), "2 diagonals for 1 offsets"),
    (lambda: sparse.diags_array([X], offsets=[0], shape=(3, 3)), "has length 3, but 4"),
    (lambda: sparse.linalg.spsolve(C, X), "expected a square matrix"),
    (lambda: sparse.linalg.spsolve(A, X), "does not fit a right-hand side of shape (4,)"),
    (lambda: sparse.linalg.spsolve(np.eye(4), X), "expected a sparse matrix, got a ndarray"),
    (lambda: sparse.linalg.spsolve(A, C), "sparse right-hand side"),
]


@pytest.mark.parametrize(("call", "message"), REFUSED, ids=[m for _, m in REFUSED])
def test_what_is_refused(call: Any, message: str) -> None:
    pattern = message.replace("(", r"\(").replace(")", r"\)")
    with pytest.raises(wg.WengertError, match=pattern):
        call()
