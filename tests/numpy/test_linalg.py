"""`numpy.linalg` on Tensors: NumPy's values and errors; derivatives at singular points."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import wengert as wg
import wengert.numpy as wnp
from wengert.rules.linalg import solve_triangular

from .test_products import assert_same, compare, draw

L = np.linalg
SQUARE = [(3, 3), (2, 3, 3), (0, 3, 3), (1, 1), (0, 0), (4, 2, 2, 2)]
DTYPES = [np.float64, np.float32, np.complex128]


def positive(a: Any) -> Any:
    b = a @ np.conj(np.swapaxes(a, -1, -2)) + 3 * np.eye(a.shape[-1])
    return b.astype(a.dtype)


# ------------------------------------------------------------------ values


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [*SQUARE, (2, 3), (3,), ()])
def test_functions_of_square_matrices(shape: Any, dtype: Any) -> None:
    a = draw(dtype, *shape)
    if a.ndim > 1 and shape[-1] == shape[-2]:
        a = a + (8 * np.eye(shape[-1])).astype(dtype)
    for function in (L.inv, L.det, L.trace, L.diagonal, L.matrix_transpose, L.cond):
        compare(function, a)
    for n in (0, 1, 2, 3, 10, -1, -2):
        compare(lambda x, n=n: L.matrix_power(x, n), a)
    compare(lambda x: L.slogdet(x).sign, a)
    compare(lambda x: L.slogdet(x).logabsdet, a)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SQUARE)
def test_factorizations_of_symmetric_matrices(shape: Any, dtype: Any) -> None:
    a = positive(draw(dtype, *shape))
    compare(L.cholesky, a)
    compare(lambda x: L.cholesky(x, upper=True), a)
    compare(L.eigvalsh, a)
    for triangle in ("L", "U"):
        compare(lambda x, t=triangle: L.eigh(x, t).eigenvalues, a)
        compare(lambda x, t=triangle: L.eigh(x, t).eigenvectors, a)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(3, 3), (4, 2), (2, 3, 5), (2, 0)])
def test_singular_values(shape: Any, dtype: Any) -> None:
    a = draw(dtype, *shape)
    compare(L.svdvals, a)
    compare(lambda x: L.svd(x, compute_uv=False), a)
    for part in ("U", "S", "Vh"):
        compare(lambda x, p=part: getattr(L.svd(x, full_matrices=False), p), a)
    if a.size:
        compare(L.pinv, a)
        compare(lambda x: L.pinv(x, rtol=None), a)
        compare(lambda x: L.pinv(x, 0.4), a)
        assert int(L.matrix_rank(wg.Tensor(a), 0.4).sum()) == int(L.matrix_rank(a, 0.4).sum())


@pytest.mark.parametrize("dtype", DTYPES)
def test_solve(dtype: Any) -> None:
    for shape in [(3, 3), (2, 3, 3), (2, 3), (3,)]:
        for right in [(3,), (3, 2), (2, 3, 1), (2,), (2, 2), ()]:
            a = draw(dtype, *shape)
            if shape[-2:] == (3, 3):
                a = a + (8 * np.eye(3)).astype(dtype)
            compare(L.solve, a, draw(dtype, *right))
    compare(lambda a: L.tensorinv(a), draw(dtype, 4, 6, 8, 3))
    compare(lambda a: L.tensorinv(a, ind=1), draw(dtype, 24, 8, 3))
    compare(L.tensorsolve, draw(dtype, 6, 4, 2, 3, 4), draw(dtype, 6, 4))
    compare(lambda a, b: L.tensorsolve(a, b, (0,)), draw(dtype, 2, 6, 3, 4, 4), draw(dtype, 6, 3))
    compare(L.tensorsolve, draw(dtype, 6, 4, 2, 3, 4), draw(dtype, 5, 4))


VECTOR_ORDERS = (1, 2, 3, 0, 2.5, 0.5, -1, -2, np.inf, -np.inf)
MATRIX_ORDERS = ("fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf, 3, "x")


@pytest.mark.parametrize("dtype", [*DTYPES, np.int64])
@pytest.mark.parametrize("shape", [(4,), (2, 3), (2, 3, 4), ()])
def test_norms(shape: Any, dtype: Any) -> None:
    def value(x: Any, *args: Any, **kwargs: Any) -> Any:
        y = L.norm(x, *args, **kwargs)
        # The number of nonzero elements, and what is known to be empty, comes out plain.
        return wg.Tensor(y) if isinstance(x, wg.Tensor) and not isinstance(y, wg.Tensor) else y

    a = draw(dtype, *shape) + np.asarray(4, dtype)  # no zeros: negative orders divide by them
    for keepdims in (False, True):
        compare(lambda x, k=keepdims: value(x, keepdims=k), a)
        for axis in (None, 0, -1):
            for order in VECTOR_ORDERS:
                compare(lambda x, o=order, i=axis, k=keepdims: value(x, o, i, k), a)
        for axes in ((0, 1), (-1, -2)):
            for order in MATRIX_ORDERS:
                compare(lambda x, o=order, i=axes, k=keepdims: value(x, o, i, k), a)
    compare(lambda x: L.vector_norm(x, ord=3), a)
    compare(lambda x: L.vector_norm(x, axis=(0, 1), keepdims=True), a)
    compare(L.matrix_norm, a)


def test_products() -> None:
    chain = [draw(float, 2, 3), draw(float, 3, 4), draw(float, 4, 5), draw(float, 5, 2)]
    compare(lambda *xs: L.multi_dot(xs), *chain)
    compare(lambda *xs: L.multi_dot(xs), chain[0][0], *chain[1:])
    compare(lambda *xs: L.multi_dot(xs), chain[0][0], *chain[1:3], chain[3][:, 0])
    compare(lambda *xs: L.multi_dot(xs), chain[0], chain[2])
    compare(lambda *xs: L.multi_dot(xs), chain[0], chain[1][:, 0], chain[2])
    compare(L.matmul, chain[0], chain[1])
    compare(L.outer, draw(float, 2), draw(float, 3))
    compare(L.outer, draw(float, 2, 2), draw(float, 3))
    compare(L.cross, draw(float, 2, 3), draw(float, 3))
    compare(L.cross, draw(float, 2, 2), draw(float, 3))
    compare(lambda a, b: L.vecdot(a, b, axis=0), draw(complex, 3, 2), draw(complex, 3, 2))
    compare(lambda a, b: L.tensordot(a, b, axes=1), chain[0], chain[1])


def test_namespace() -> None:
    assert wnp.linalg.norm is np.linalg.norm
    assert wnp.linalg.qr is np.linalg.qr
    assert wnp.linalg.LinAlgError is np.linalg.LinAlgError
    with pytest.raises(AttributeError, match=r"wengert\.numpy\.linalg"):
        _ = wnp.linalg.nothing


# ------------------------------------------------------------------ errors


def test_shapes_are_named() -> None:
    x = wg.Tensor(draw(float, 2, 3), True)
    for function in (L.inv, L.det, L.slogdet, L.cholesky, L.eigh, lambda a: L.solve(a, a)):
        with pytest.raises(L.LinAlgError, match=r"expected square matrices .* got shape \(2, 3\)"):
            function(x)
    with pytest.raises(wg.ShapeError, match=r"\(3, 3\) do not fit a right-hand side of shape \(2,"):
        L.solve(wg.Tensor(draw(float, 3, 3)), draw(float, 2))
    with pytest.raises(wg.ShapeError, match="arrays 0 and 1 of shapes"):
        L.multi_dot([x, x])
    with pytest.raises(L.LinAlgError, match=r"\(3,\)"):
        L.svd(wg.Tensor(draw(float, 3)))


def test_bad_options() -> None:
    x = wg.Tensor(draw(float, 3, 3), True)
    with pytest.raises(ValueError, match="UPLO must be"):
        L.eigh(x, "X")
    with pytest.raises(TypeError, match="exponent must be an integer"):
        L.matrix_power(x, 1.5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="not both"):
        L.pinv(x, 1e-3, rtol=1e-3)
    with pytest.raises(ValueError, match="ind must be positive"):
        L.tensorinv(x, 0)
    with pytest.raises(ValueError, match="not one of vectors"):
        L.norm(x, "fro", 0)
    with pytest.raises(ValueError, match="not one of matrices"):
        L.norm(x, 3)
    with pytest.raises(ValueError, match="2 axes|repeated"):
        L.norm(x, 2, (0, 0))
    with pytest.raises(TypeError, match="axis must be"):
        L.norm(x, 1, "z")  # type: ignore[arg-type]


def test_singular_matrices_raise() -> None:
    x = wg.Tensor(np.ones((2, 2)), True)
    for function in (L.inv, lambda a: L.solve(a, np.ones(2)), lambda a: L.cholesky(-a)):
        with pytest.raises(L.LinAlgError):
            function(x)


def test_what_is_refused() -> None:
    a = draw(float, 3, 2)
    with pytest.raises(wg.NoRuleError, match=r"qr\(mode='raw'\).* use mode='reduced'"):
        L.qr(wg.Tensor(a, True), "raw")
    np.testing.assert_array_equal(L.qr(wg.Tensor(a), "raw")[0], L.qr(a, "raw")[0])
    with pytest.raises(ValueError, match="mode must be 'reduced'"):
        L.qr(wg.Tensor(a, True), "economic")  # type: ignore[call-overload]
    with pytest.raises(L.LinAlgError, match=r"expected a matrix \(m, n\)"):
        L.lstsq(wg.Tensor(a, True), np.ones(2))


# ------------------------------------------------------------------ factorizations, least squares


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(3, 3), (4, 2), (2, 4), (2, 3, 2), (0, 3, 3), (3, 0)])
def test_qr(shape: Any, dtype: Any) -> None:
    a = draw(dtype, *shape)
    for mode in ("reduced", "complete"):
        for part in ("Q", "R"):
            compare(lambda x, m=mode, p=part: getattr(L.qr(x, m), p), a)
    compare(lambda x: L.qr(x, "r"), a)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(3, 3), (4, 2), (2, 3, 5)])
def test_full_and_hermitian_svd(shape: Any, dtype: Any) -> None:
    a = draw(dtype, *shape)
    for part in ("U", "S", "Vh"):
        compare(lambda x, p=part: getattr(L.svd(x), p), a)
        if shape[-1] == shape[-2]:
            h = positive(a)
            compare(lambda x, p=part: getattr(L.svd(x, hermitian=True), p), h)
    if shape[-1] == shape[-2]:
        compare(lambda x: L.svd(x, compute_uv=False, hermitian=True), positive(a))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(3, 3), (2, 3, 3), (0, 3, 3), (1, 1)])
def test_eig_is_complex(shape: Any, dtype: Any) -> None:
    a = draw(dtype, *shape)
    complexes = np.result_type(dtype, np.complex64)
    compare(lambda x: L.eigvals(x).astype(complexes), a)
    compare(lambda x: L.eig(x).eigenvalues.astype(complexes), a)
    compare(lambda x: L.eig(x).eigenvectors.astype(complexes), a)
    assert L.eigvals(wg.Tensor(positive(a))).dtype == complexes


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "shapes", [((5, 2), (5,)), ((5, 2), (5, 3)), ((2, 5), (2, 1)), ((3, 3), (3,))]
)
def test_lstsq(shapes: Any, dtype: Any) -> None:
    a, b = (draw(dtype, *shape) for shape in shapes)
    for k in (0, 1, 3):
        expected = L.lstsq(a, b)[k]
        found = L.lstsq(wg.Tensor(a), b)[k]
        found = found.array if isinstance(found, wg.Tensor) else found
        assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
        tolerance = 2e-4 if dtype == np.float32 else 1e-10
        np.testing.assert_allclose(found, expected, tolerance, tolerance)
    rank = L.lstsq(wg.Tensor(a, True), b)[2]
    assert not isinstance(rank, wg.Tensor)
    assert rank == min(a.shape)


def test_lstsq_of_deficient_rank() -> None:
    a = np.outer([1.0, 2, 3], [1.0, -1])
    x, residuals, rank, _ = L.lstsq(wg.Tensor(a, True), np.ones(3))
    expected = L.lstsq(a, np.ones(3))
    np.testing.assert_allclose(x.detach().array, expected[0])
    assert (rank, np.shape(residuals)) == (1, (0,))


# ------------------------------------------------------------------ derivatives at special points


def test_gradient_of_det_at_singular_matrices() -> None:
    gradient = wg.grad(np.linalg.det)
    np.testing.assert_allclose(gradient(np.diag([0.0, 2.0, 3.0])), np.diag([6.0, 0, 0]), atol=1e-14)
    np.testing.assert_array_equal(gradient(np.zeros((3, 3))), np.zeros((3, 3)))
    np.testing.assert_array_equal(gradient(np.zeros((1, 1))), np.ones((1, 1)))
    stack = np.stack([np.eye(2), np.ones((2, 2)), np.zeros((2, 2))])
    expected = [np.eye(2), [[1, -1], [-1, 1]], np.zeros((2, 2))]
    found = wg.grad(lambda a: np.sum(np.linalg.det(a)))(stack)
    np.testing.assert_allclose(found, expected, atol=1e-14)


def test_second_derivative_of_det_at_singular_matrices() -> None:
    for a in (np.zeros((2, 2)), np.ones((2, 2)), np.eye(2)):
        hessian = wg.hessian(np.linalg.det)(a).reshape(4, 4)
        np.testing.assert_allclose(hessian, np.fliplr(np.diag([1.0, -1, -1, 1])), atol=1e-14)


def test_higher_derivatives_of_det() -> None:
    a, b = draw(float, 3, 3), draw(float, 3, 3)

    def f(x: Any) -> Any:
        return np.linalg.det(a + x * b)

    points = np.linspace(-1, 1, 7)
    polynomial = np.polynomial.Polynomial.fit(points, [f(x) for x in points], 3)
    forward, reverse = f, f
    for order in range(1, 5):
        forward, reverse = wg.derivative(forward), wg.grad(reverse)
        expected = polynomial.deriv(order)(0.3)
        np.testing.assert_allclose(forward(0.3), expected, rtol=1e-8, atol=1e-8)
        np.testing.assert_allclose(reverse(0.3), expected, rtol=1e-8, atol=1e-8)


def test_slogdet_at_a_singular_matrix() -> None:
    stack = np.stack([np.diag([1.0, 2.0]), np.diag([0.0, 2.0])])

    def guarded(a: Any) -> Any:
        return np.sum(np.where([True, False], np.linalg.slogdet(a)[1], 0.0))

    np.testing.assert_array_equal(wg.grad(guarded)(stack), [np.diag([1, 0.5]), np.zeros((2, 2))])
    assert np.isnan(wg.grad(lambda a: np.linalg.slogdet(a)[1])(stack[1])).all()


@pytest.mark.parametrize("order", [None, 1, 2, 3, 0.5, np.inf])
def test_norm_at_zero(order: Any) -> None:
    gradient = wg.grad(lambda x: np.linalg.norm(x, order))
    np.testing.assert_array_equal(gradient(np.zeros(3)), np.zeros(3))
    assert np.isfinite(gradient(np.array([0.0, 1.0, 0.0]))).all()
    np.testing.assert_array_equal(wg.jvp(np.linalg.norm, (np.zeros(2),), (np.ones(2),))[1], 0.0)


@pytest.mark.parametrize("order", ["nuc", 2, -2, "fro", 1, -1, np.inf, -np.inf])
def test_matrix_norm_at_zero(order: Any) -> None:
    found = wg.grad(lambda x: np.linalg.norm(x, order))(np.zeros((2, 3)))
    np.testing.assert_array_equal(found, np.zeros((2, 3)))


def test_gradients_of_symmetric_matrices_are_symmetric() -> None:
    a = positive(draw(complex, 3, 3))
    for function in (np.linalg.cholesky, np.linalg.eigvalsh):
        g = wg.grad(lambda x, f=function: np.sum(np.abs(f(x)) ** 3))(a)
        np.testing.assert_allclose(g, g.conj().T, atol=1e-12)


# ------------------------------------------------------------------ two results on the tape


def test_results_of_slogdet_remember_one_operation() -> None:
    a = draw(float, 3, 3)
    x = wg.Tensor(a, True)
    sign, logabsdet = np.linalg.slogdet(x)
    assert logabsdet.parents[0] is x
    assert sign.grad_fn_name == logabsdet.grad_fn_name == "<SlogdetBackward>"
    logabsdet.backward()  # with `sign` still alive
    np.testing.assert_allclose(x.grad, np.linalg.inv(a).T)
    logabsdet.grad_fn(np.float64(2.0))
    np.testing.assert_allclose(x.grad, 3 * np.linalg.inv(a).T)


def test_second_derivative_through_the_results_of_eigh() -> None:
    """The derivative of eigh reads its own results, which must keep their histories."""
    a = positive(draw(float, 3, 3))

    def f(x: Any) -> Any:
        w, v = np.linalg.eigh(a + x * np.diag([1.0, 2.0, 3.0]))
        return np.sum(w**3 * v[0])

    third = wg.derivative(wg.derivative(wg.derivative(f)))(0.3)
    np.testing.assert_allclose(wg.grad(wg.grad(wg.grad(f)))(0.3), third)
    np.testing.assert_allclose(wg.grad(wg.derivative(wg.grad(f)))(0.3), third)


def test_backward_twice_through_slogdet() -> None:
    a = draw(float, 3, 3)
    x = wg.Tensor(a, True)
    np.linalg.slogdet(x)[1].backward(create_graph=True)
    g = x.grad
    x.zero_grad()
    (g * g).sum().backward()
    expected = wg.grad(lambda y: np.sum(np.linalg.inv(y) ** 2))(a)
    np.testing.assert_allclose(x.grad, expected)


def test_one_right_hand_side_does_not_differentiate_the_matrix() -> None:
    """`solve` in ``b`` alone is linear: its reverse mode is one transposed system."""
    a, b = draw(float, 3, 3) + 8 * np.eye(3), draw(float, 3)
    expected = np.linalg.solve(a.T, np.ones(3))
    np.testing.assert_allclose(wg.grad(lambda y: np.sum(np.linalg.solve(a, y)))(b), expected)
    assert_same(np.linalg.solve(a, wg.Tensor(b, True)), np.linalg.solve(a, b))


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.complex128, np.complex64])
@pytest.mark.parametrize("lower", [False, True])
def test_triangular_systems(lower: bool, dtype: Any) -> None:
    """One triangle is read, in every layout of memory; stacks and single matrices agree."""
    a, b = draw(dtype, 4, 4) + np.asarray(9 * np.eye(4), dtype), draw(dtype, 4, 3)
    expected = L.solve(np.tril(a) if lower else np.triu(a), b)
    for left in (a, np.asfortranarray(a), np.repeat(a, 2, 1)[:, ::2]):
        for right in (b, np.asfortranarray(b)):
            x = solve_triangular(left, right, lower)
            assert x.dtype == dtype
            np.testing.assert_allclose(x, expected, rtol=1e-4)
    np.testing.assert_allclose(solve_triangular(a[None], b, lower)[0], expected, rtol=1e-4)
    with pytest.raises(L.LinAlgError, match="diagonal entry 1 is zero"):
        solve_triangular(np.diag([1.0, 0.0, 1.0, 1.0]).astype(dtype), b, lower)
