"""Products and linear systems of sparse matrices."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse
import scipy.sparse.linalg

from wengert.rules.sparse import Pattern, sparse_outer
from wengert.scipy import sparse

from ..case import Case

Array = Any

# 3 x 4, with an empty row, and one element stored twice.
ROWS, COLUMNS = np.array([0, 2, 2, 0, 2, 2]), np.array([1, 0, 3, 2, 2, 0])
PATTERN = Pattern([0, 1, 0, 2, 1], [0, 2, 4, 5], (3, 3))

# A constant matrix of each format; regular ones for systems.
CONSTANT = np.array([[0.0, 1.5, 0, 0.4], [0, 0, 0, 0], [-0.3, 0, 2.0, 0]])
SQUARE_ROWS, SQUARE_COLUMNS = np.array([0, 0, 1, 1, 2, 2, 3]), np.array([0, 2, 1, 3, 2, 0, 3])


def made(module: Any, d: Array) -> Any:
    return module.csr_array((d, (ROWS, COLUMNS)), shape=(3, 4))


def by_columns(module: Any, d: Array) -> Any:
    return module.csc_array((d, np.array([0, 2, 1]), np.array([0, 1, 1, 3])), shape=(3, 3))


def square(module: Any, d: Array) -> Any:
    """Diagonally dominant for |d| below 1."""
    large = np.where(SQUARE_ROWS == SQUARE_COLUMNS, 3.0, 0.0).astype(d.dtype)
    return module.csr_array((d + large, (SQUARE_ROWS, SQUARE_COLUMNS)), shape=(4, 4))


def constant(format: str, x: Array) -> Any:
    return scipy.sparse.coo_array(CONSTANT.astype(x.real.dtype)).asformat(format)


def dense(name: str, f: Any, *shapes: tuple[int, ...], **options: Any) -> Case:
    """``f(module, *arrays)`` with our module, and with SciPy's."""
    return Case(
        name,
        lambda *xs: f(sparse, *xs),
        list(shapes),
        plain=lambda *xs: f(scipy.sparse, *xs),
        complex=True,
        **options,
    )


def chain(m: Any, d: Array, x: Array) -> Array:
    """Sums, transposes, products with numbers."""
    a = made(m, d)
    b = m.csr_array((d[:2], (np.array([1, 0]), np.array([2, 1]))), shape=(3, 4))
    return (a * 2.0 + b).T @ (-a / 3.0 @ x)


def product(m: Any, d: Array, e: Array) -> Array:
    """Of two sparse matrices; elements that are stored twice, and an empty row."""
    return (made(m, d) @ made(m, e).T).toarray()


def by_elements(m: Any, d: Array, x: Array) -> Array:
    return made(m, d).multiply(x).toarray()


def tridiagonal(m: Any, d: Array, e: Array, x: Array) -> Array:
    return m.diags_array([d, e, e], offsets=[0, 1, -1]) @ x


CASES = [
    *(
        Case(f"constant_{format}", lambda x, format=format: constant(format, x) @ x, [shape],
             complex=True, primitives=("sparse_matmul",))
        for format, shape in (("csr", (4,)), ("csc", (4,)), ("coo", (4, 2)))
    ),
    Case("constant_left", lambda x: x @ constant("csr", x), [(3,)], complex=True,
         plain=lambda x: x @ CONSTANT.astype(x.real.dtype)),
    Case("constant_left_matrix", lambda x: x @ constant("csc", x), [(2, 3)], complex=True,
         plain=lambda x: x @ CONSTANT.astype(x.real.dtype)),
    dense("product", product, (6,), (6,)),
    dense("multiply_row", by_elements, (6,), (4,)),
    dense("multiply_matrix", by_elements, (6,), (3, 4)),
    dense("vector", lambda m, d, x: made(m, d) @ x, (6,), (4,)),
    dense("matrix", lambda m, d, x: made(m, d) @ x, (6,), (4, 2)),
    dense("transposed", lambda m, d, x: made(m, d).T @ x, (6,), (3, 2)),
    dense("by_columns", lambda m, d, x: by_columns(m, d) @ x, (3,), (3,)),
    dense("left", lambda m, d, x: x @ made(m, d), (6,), (2, 3)),
    dense("left_vector", lambda m, d, x: x @ made(m, d), (6,), (3,)),
    dense("toarray", lambda m, d: made(m, d).toarray(), (6,)),
    dense("diagonal", lambda m, d: made(m, d).diagonal(), (6,)),
    dense("sums", lambda m, d: (made(m, d).sum(), made(m, d).sum(0), made(m, d).sum(1)), (6,)),
    dense("chain", chain, (6,), (4,), float32=False,
          reason="SciPy divides a float32 matrix by a number in float64"),
    dense("diags", tridiagonal, (4,), (3,), (4,)),
    dense("coo", lambda m, d, x: m.coo_array((d, (ROWS, COLUMNS))) @ x, (6,), (4,)),
    Case(
        "outer",
        lambda u, v: sparse_outer(u, v, PATTERN),
        [(3, 2), (3, 2)],
        complex=True,
        primitives=("sparse_outer",),
        plain=lambda u, v: (u @ v.T)[PATTERN.rows, PATTERN.indices],
    ),
    Case(
        "outer_transposed",
        lambda u, v: sparse_outer(u, v, PATTERN, True),
        [(3,), (3,)],
        plain=lambda u, v: np.outer(v, u)[PATTERN.rows, PATTERN.indices],
    ),
    *(
        Case(
            f"spsolve_{name}",
            lambda d, b: sparse.linalg.spsolve(square(sparse, d), b),
            [(7,), shape],
            domain="unit",
            complex=True,
            primitives=("sparse_solve",),
            plain=lambda d, b: np.linalg.solve(square(scipy.sparse, d).toarray(), b),
        )
        for name, shape in (("vector", (4,)), ("matrix", (4, 2)))
    ),
    Case(
        "spsolve_transposed",
        lambda d, b: sparse.linalg.spsolve(square(sparse, d).T, b),
        [(7,), (4,)],
        domain="unit",
        plain=lambda d, b: np.linalg.solve(square(scipy.sparse, d).toarray().T, b),
    ),
    Case(
        "spsolve_constant",
        lambda b: sparse.linalg.spsolve(square(scipy.sparse, np.full(7, 0.5)), b),
        [(4,)],
        float32=False,
        reason="the matrix is float64",
    ),
]  # fmt: skip
