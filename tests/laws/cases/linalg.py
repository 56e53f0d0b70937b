"""Linear algebra, on well-conditioned matrices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from wengert.core.bind import bind
from wengert.rules.determinants import cofactor_p, cofactor_tangent_p
from wengert.rules.linalg import solve_triangular
from wengert.rules.spectra import coupling

from ..case import Case

Array = Any


def regular(*shape: int) -> Callable[[np.random.Generator], tuple[Array, ...]]:
    """Matrices with singular values near 3."""
    return lambda rng: (rng.uniform(-0.7, 0.7, shape) + 3 * np.eye(shape[-2], shape[-1]),)


def system(a: tuple[int, ...], b: tuple[int, ...]) -> Callable[[np.random.Generator], Any]:
    """A regular matrix and a right-hand side."""
    return lambda rng: (*regular(*a)(rng), rng.normal(size=b))


def spread(*shape: int) -> Callable[[np.random.Generator], tuple[Array, ...]]:
    """Matrices with singular values, and eigenvalues of their symmetric part, well apart."""
    k = min(shape[-2:])
    diagonal = np.eye(shape[-2], shape[-1])
    diagonal[range(k), range(k)] = 1.5 * np.arange(1, k + 1)
    return lambda rng: (rng.uniform(-0.3, 0.3, shape) + diagonal,)


def singular(rank: int, *shape: int) -> Callable[[np.random.Generator], tuple[Array, ...]]:
    """Square matrices of a given rank."""

    def draw(rng: np.random.Generator) -> tuple[Array, ...]:
        n = shape[-1]
        return (rng.normal(size=(*shape[:-2], n, rank)) @ rng.normal(size=(*shape[:-2], rank, n)),)

    return draw


def hermitian(x: Array) -> Array:
    return (x + np.conj(np.swapaxes(x, -1, -2))) / 2


def positive(x: Array) -> Array:
    """Positive definite."""
    return x @ np.conj(np.swapaxes(x, -1, -2)) + np.eye(x.shape[-1], dtype=x.dtype)


def up_to_phase(v: Array) -> Array:
    """Of vectors in columns what does not depend on their sign or phase."""
    return np.einsum("...ij,...kj->...jik", v, np.conj(v))


def singular_vectors(x: Array) -> Array:
    u, s, vh = np.linalg.svd(x, full_matrices=False)
    return np.einsum("...ij,...jk->...jik", u, vh), s


def tangent_of_cofactors(x: Array, h: Array) -> Array:
    """``det(X) (tr(X^-1 H) X^-1 - X^-1 H X^-1)^T``."""
    y = np.linalg.inv(x)
    return np.linalg.det(x) * (np.trace(y @ h) * y - y @ h @ y).T


def by_projectors(factors: Any) -> Any:
    """Of orthonormal columns beyond the others, which are arbitrary, their projector."""
    u, *s, vh = factors
    k = s[0].shape[-1] if s else vh.shape[-1]
    rest = u[..., :, k:]
    parts = [rest @ np.conj(np.swapaxes(rest, -1, -2))]
    if not s:
        return (u[..., :, :k], vh, *parts)
    rest = vh[..., k:, :]
    parts.append(np.conj(np.swapaxes(rest, -1, -2)) @ rest)
    return (np.einsum("...ij,...jk->...jik", u[..., :, :k], vh[..., :k, :]), *s, *parts)


def up_to_sign(factors: Any) -> Any:
    """Eigenvalues and eigenvectors without what is LAPACK's whim: the sign, and the order."""
    w, v = factors
    products = np.einsum("...ij,...lj->...jil", v, v)
    return power_sums(w), np.sum(products * w[..., None, None] ** 2, -3)


def power_sums(w: Array) -> Array:
    """Of numbers in any order."""
    return np.stack([np.sum(w**k, -1) for k in range(1, w.shape[-1] + 1)])


def turning(*shape: int) -> Callable[[np.random.Generator], tuple[Array, ...]]:
    """Real matrices with well separated eigenvalues, among them complex pairs."""
    blocks = np.diag([1.0, 1.0, 3.0, -2.0])
    blocks[0, 1], blocks[1, 0] = 1.5, -1.2
    return lambda rng: (rng.uniform(-0.2, 0.2, shape) + blocks,)


def quotient(m: Array, w: Array, sign: int, power: int) -> Array:
    """``m_ij / (w_j + sign w_i)^power`` off the diagonal."""
    eye = np.eye(w.shape[-1], dtype=w.real.dtype)
    return (
        m * (1 - eye) / (w[..., None, :] + sign * w[..., :, None] + 0.5 * (1 - sign) * eye) ** power
    )


_NORMS: dict[str, tuple[Any, ...]] = {
    "vector": ((4,), {}),
    "flat": ((2, 3), {}),
    "flat_kept": ((2, 3, 2), {"keepdims": True}),
    "2": ((4,), {"ord": 2}),
    "1": ((4,), {"ord": 1}),
    "3": ((4,), {"ord": 3}),
    "2.5": ((2, 3), {"ord": 2.5, "axis": 1}),
    "half": ((4,), {"ord": 0.5}),
    "minus_2": ((4,), {"ord": -2}),
    "inf": ((4,), {"ord": np.inf}),
    "minus_inf": ((2, 3), {"ord": -np.inf, "axis": 0}),
    "axis": ((2, 3), {"axis": 0, "keepdims": True}),
    "rows": ((2, 3), {"axis": -1}),
    "fro": ((2, 3, 2), {"ord": "fro", "axis": (0, 2)}),
    "matrix_1": ((2, 3), {"ord": 1}),
    "matrix_minus_1": ((3, 2), {"ord": -1}),
    "matrix_inf": ((2, 3, 2), {"ord": np.inf, "axis": (2, 0), "keepdims": True}),
    "matrix_minus_inf": ((2, 3), {"ord": -np.inf}),
}

CASES = [
    # solve, inv
    Case(
        "solve_vector",
        np.linalg.solve,
        domain=system((3, 3), (3,)),
        complex=True,
        primitives=("solve",),
    ),
    Case("solve_matrix", np.linalg.solve, domain=system((3, 3), (3, 2)), complex=True),
    Case("solve_stack", np.linalg.solve, domain=system((2, 3, 3), (2, 3, 2)), complex=True),
    Case("solve_stack_vector", np.linalg.solve, domain=system((2, 3, 3), (3,))),
    Case("solve_one_matrix_stack", np.linalg.solve, domain=system((3, 3), (2, 3, 1))),
    Case("solve_stack_one_side", np.linalg.solve, domain=system((2, 3, 3), (3, 2))),
    Case("solve_broadcast", np.linalg.solve, domain=system((2, 1, 2, 2), (3, 2, 1))),
    Case(
        "solve_lower",
        lambda a, b: solve_triangular(a, b, True),
        domain=system((3, 3), (3, 2)),
        complex=True,
        primitives=("solve_triangular",),
        plain=lambda a, b: np.linalg.solve(np.tril(a), b),
    ),
    Case(
        "solve_upper",
        lambda a, b: solve_triangular(a, b, False),
        domain=system((2, 3, 3), (3, 2)),
        rtol=1e-5,
        plain=lambda a, b: np.linalg.solve(np.triu(a), b),
    ),
    Case("inv", np.linalg.inv, domain=regular(3, 3), complex=True, primitives=("inv",)),
    Case("inv_stack", np.linalg.inv, domain=regular(2, 3, 3)),
    Case("inv_one", np.linalg.inv, domain=regular(1, 1)),
    Case("pinv_tall", np.linalg.pinv, domain=regular(4, 2), complex=True, primitives=("pinv",)),
    Case("pinv_wide", lambda x: np.linalg.pinv(x, rtol=1e-7), domain=regular(2, 2, 3)),
    Case(
        "pinv_hermitian",
        lambda x: np.linalg.pinv(hermitian(x), hermitian=True),
        domain=regular(3, 3),
        complex=True,
    ),
    Case(
        "tensorinv",
        np.linalg.tensorinv,
        domain=lambda rng: (regular(6, 6)(rng)[0].reshape(2, 3, 3, 2),),
    ),
    Case(
        "tensorsolve",
        np.linalg.tensorsolve,
        domain=lambda rng: (regular(6, 6)(rng)[0].reshape(2, 3, 3, 2), rng.normal(size=(2, 3))),
    ),
    # determinants
    Case("det", np.linalg.det, domain=regular(3, 3), complex=True, primitives=("det",)),
    Case("det_stack", np.linalg.det, domain=regular(2, 2, 2)),
    Case("det_one", np.linalg.det, domain=regular(1, 1)),
    # The sum of squares gives a scale: the determinant is zero up to rounding in these two, and in
    # the second its first derivative too.
    Case(
        "det_rank_2",
        lambda x: np.linalg.det(x) + np.sum(x * x, (-2, -1)),
        domain=singular(2, 3, 3),
        complex=True,
    ),
    Case(
        "det_rank_1",
        lambda x: np.linalg.det(x) + np.sum(x * x, (-2, -1)),
        domain=singular(1, 2, 3, 3),
        complex=True,
    ),
    Case("det_zero", np.linalg.det, args=[np.zeros((3, 3))]),
    Case(
        "cofactor",
        lambda x: bind(cofactor_p, (x,), {}),
        domain=regular(3, 3),
        complex=True,
        primitives=("cofactor",),
        plain=lambda x: np.linalg.det(x) * np.linalg.inv(x).swapaxes(-1, -2),
    ),
    Case(
        "cofactor_tangent",
        lambda x, h: bind(cofactor_tangent_p, (x, h), {}),
        domain=lambda rng: (*regular(3, 3)(rng), rng.normal(size=(3, 3))),
        complex=True,
        primitives=("cofactor_tangent",),
        plain=tangent_of_cofactors,
    ),
    Case(
        "slogdet",
        lambda x: tuple(np.linalg.slogdet(x)),
        domain=regular(3, 3),
        complex=True,
        primitives=("slogdet",),
    ),
    Case("slogdet_stack", lambda x: tuple(np.linalg.slogdet(x)), domain=regular(2, 3, 3)),
    Case("slogdet_log", lambda x: np.linalg.slogdet(x)[1], domain=regular(3, 3), complex=True),
    Case("slogdet_sign", lambda x: np.linalg.slogdet(x)[0], domain=regular(2, 2, 2), complex=True),
    Case(
        "slogdet_both",
        lambda x: np.multiply(*np.linalg.slogdet(x)) ** 2,
        domain=regular(3, 3),
        complex=True,
    ),
    # factorizations
    Case(
        "cholesky",
        lambda x: np.linalg.cholesky(positive(x)),
        domain=regular(3, 3),
        complex=True,
        primitives=("cholesky", "solve_triangular"),
    ),
    Case(
        "cholesky_upper",
        lambda x: np.linalg.cholesky(positive(x), upper=True),
        domain=regular(2, 3, 3),
        complex=True,
    ),
    Case("eigvalsh", lambda x: np.linalg.eigvalsh(hermitian(x)), domain=spread(3, 3), complex=True),
    Case(
        "eigh",
        lambda x: (
            np.linalg.eigh(hermitian(x))[0],
            up_to_phase(np.linalg.eigh(hermitian(x), "U")[1]),
        ),
        domain=spread(3, 3),
        complex=True,
        primitives=("eigh",),
    ),
    Case(
        "eigh_stack", lambda x: up_to_phase(np.linalg.eigh(hermitian(x))[1]), domain=spread(2, 3, 3)
    ),
    Case(
        "svdvals", lambda x: np.linalg.svd(x, compute_uv=False), domain=spread(3, 2), complex=True
    ),
    Case("svd_square", singular_vectors, domain=spread(3, 3), complex=True, primitives=("svd",)),
    Case("svd_tall", singular_vectors, domain=spread(4, 2), complex=True),
    Case("svd_wide", singular_vectors, domain=spread(2, 2, 3), complex=True),
    Case(
        "svd_full_tall",
        lambda x: by_projectors(np.linalg.svd(x)),
        domain=spread(4, 2),
        complex=True,
    ),
    Case("svd_full_wide", lambda x: by_projectors(np.linalg.svd(x)), domain=spread(2, 2, 3)),
    Case(
        "svd_hermitian",
        lambda x: by_projectors(np.linalg.svd(hermitian(x), hermitian=True)),
        domain=spread(3, 3),
        complex=True,
        batch=False,
        record=False,
        reason="NumPy's own order of the moduli, from values",
    ),
    Case(
        "svdvals_hermitian",
        lambda x: np.linalg.svd(hermitian(x), compute_uv=False, hermitian=True),
        domain=spread(2, 3, 3),
    ),
    Case(
        "qr",
        lambda x: tuple(np.linalg.qr(x)),
        domain=spread(3, 3),
        complex=True,
        primitives=("qr",),
    ),
    Case("qr_tall", lambda x: tuple(np.linalg.qr(x)), domain=spread(2, 4, 2), complex=True),
    Case("qr_wide", lambda x: tuple(np.linalg.qr(x)), domain=spread(2, 3), complex=True),
    Case("qr_r", lambda x: np.linalg.qr(x, "r"), domain=spread(4, 3)),
    Case(
        "qr_complete",
        lambda x: by_projectors(np.linalg.qr(x, "complete")),
        domain=spread(4, 2),
        complex=True,
    ),
    Case("qr_complete_wide", lambda x: tuple(np.linalg.qr(x, "complete")), domain=spread(2, 2, 3)),
    Case(
        "eig",
        lambda x: up_to_sign(np.linalg.eig(x + 0j)),
        domain=spread(3, 3),
        complex=True,
        primitives=("eig",),
    ),
    Case("eig_pairs", lambda x: up_to_sign(np.linalg.eig(x)), domain=turning(2, 4, 4)),
    Case(
        "eigvals",
        lambda x: power_sums(np.linalg.eigvals(x)),
        domain=turning(3, 4, 4),
        complex=True,
        primitives=("eigvals",),
    ),
    Case(
        "coupling",
        lambda m, w: (coupling(m, w), coupling(m, w, True, 2)),
        domain=lambda rng: (
            rng.normal(size=(2, 3, 3)),
            rng.permuted(np.arange(1.0, 7)).reshape(2, 3),
        ),
        complex=True,
        primitives=("coupling",),
        plain=lambda m, w: (quotient(m, w, -1, 1), quotient(m, w, 1, 2)),
    ),
    Case(
        "lstsq", lambda a, b: np.linalg.lstsq(a, b)[:2], domain=system((5, 2), (5, 3)), complex=True
    ),
    Case("lstsq_vector", lambda a, b: np.linalg.lstsq(a, b)[::3], domain=system((4, 2), (4,))),
    Case(
        "lstsq_wide",
        lambda a, b: np.linalg.lstsq(a, b)[0],
        domain=system((2, 4), (2, 3)),
        complex=True,
    ),
    # powers and chains
    Case(
        "matrix_power_5", lambda x: np.linalg.matrix_power(x, 5), domain=regular(2, 2), complex=True
    ),
    Case("matrix_power_minus_2", lambda x: np.linalg.matrix_power(x, -2), domain=regular(2, 2, 2)),
    Case("matrix_power_1", lambda x: np.linalg.matrix_power(x, 1) * 1.0, domain=regular(2, 2)),
    Case("matrix_power_0", lambda x: np.linalg.matrix_power(x, 0) * x, domain=regular(2, 2)),
    Case(
        "multi_dot",
        lambda *xs: np.linalg.multi_dot(xs),
        args=[(2, 3), (3, 4), (4, 1), (1, 3)],
        complex=True,
    ),
    Case("multi_dot_vectors", lambda *xs: np.linalg.multi_dot(xs), args=[(2,), (2, 3), (3,)]),
    Case("linalg_cross", lambda x, y: np.linalg.cross(x, y, axis=0), args=[(3, 2), (3, 2)]),
    Case("linalg_matmul", np.linalg.matmul, args=[(2, 3), (3, 2)]),
    Case("linalg_tensordot", lambda x, y: np.linalg.tensordot(x, y, axes=1), args=[(2, 3), (3, 2)]),
    Case(
        "linalg_vecdot",
        lambda x, y: np.linalg.vecdot(x, y, axis=0),
        args=[(3, 2), (3, 2)],
        complex=True,
    ),
    Case("linalg_svdvals", np.linalg.svdvals, domain=spread(2, 3)),
    Case(
        "matrix_rank",
        np.linalg.matrix_rank,
        domain=regular(2, 3, 3),
        order=0,
        batch=False,
        record=False,
        reason="integers, from values",
    ),
    Case("linalg_outer", np.linalg.outer, args=[(2,), (3,)]),
    Case("linalg_trace", np.linalg.trace, args=[(2, 3, 3)]),
    Case("linalg_diagonal", lambda x: np.linalg.diagonal(x, offset=1) * 1.0, args=[(2, 3, 3)]),
    Case("linalg_transpose", lambda x: np.linalg.matrix_transpose(x) * 1.0, args=[(2, 3, 4)]),
    # norms
    *(
        Case(
            f"norm_{name}",
            lambda x, options=options: np.linalg.norm(x, **options),
            args=[shape],
            domain="distinct",
            complex=True,
        )
        for name, (shape, options) in _NORMS.items()
    ),
    Case(
        "vector_norm",
        lambda x: np.linalg.vector_norm(x, axis=(0, 2), ord=3),
        args=[(2, 3, 2)],
        domain="distinct",
        complex=True,
        primitives=("vector_norm",),
    ),
    Case("matrix_norm", np.linalg.matrix_norm, args=[(2, 3, 2)]),
    Case("norm_nuclear", lambda x: np.linalg.norm(x, "nuc"), domain=spread(3, 2), complex=True),
    Case("norm_spectral", lambda x: np.linalg.norm(x, 2), domain=spread(2, 3)),
    Case("norm_spectral_least", lambda x: np.linalg.norm(x, -2, axis=(1, 0)), domain=spread(2, 3)),
    Case("cond", np.linalg.cond, domain=spread(3, 3)),
    *(
        Case(f"cond_{p}", lambda x, p=p: np.linalg.cond(x, p), domain=spread(2, 3, 3), complex=True)
        for p in (1, -1, 2, -2, np.inf, -np.inf, "fro", "nuc")
    ),
    Case("cond_stack", np.linalg.cond, domain=spread(2, 2, 3)),
]
