"""What becomes of every function of `scipy.linalg` when it is called on Tensors: the one table.

Data only. A name is ``differentiable``, ``plain`` (ordinary values) or ``refused``, in the
rows of `wengert.numpy.classification`. ``python -m wengert.scipy.linalg.reference`` writes the page
docs/reference/scipy-linalg.md from it, and tests/scipy/test_linalg_classification.py checks it
against SciPy and against what happens.
"""

from __future__ import annotations

from ...numpy.classification import Entry

__all__ = ["CLASSIFICATION", "REFUSED", "submodules"]

DIFFERENTIABLE: dict[str, str] = {
    "Linear systems": """
        solve solve_triangular cho_solve lu_solve lstsq inv det pinv pinvh solve_banded
        solveh_banded solve_toeplitz matmul_toeplitz solve_circulant""",
    "Factorizations": """
        cholesky cho_factor lu lu_factor qr svd svdvals polar orthogonal_procrustes""",
    "Eigenvalues": """
        eigh eigvalsh eig eigvals eig_banded eigvals_banded eigh_tridiagonal
        eigvalsh_tridiagonal""",
    "Functions of matrices": """
        expm expm_frechet logm sqrtm fractional_matrix_power funm signm cosm sinm tanm coshm sinhm
        tanhm norm""",
    "Matrix equations": """
        solve_sylvester solve_continuous_lyapunov solve_lyapunov solve_discrete_lyapunov
        solve_continuous_are solve_discrete_are""",
    "Matrices of vectors and blocks": """
        block_diag toeplitz hankel circulant convolution_matrix companion leslie fiedler khatri_rao
        kron diagsvd""",
}

NOTES: dict[str, str] = {
    "cholesky": "along Hermitian directions",
    "cho_factor": "along Hermitian directions; the other triangle is that of the argument",
    "eig": "complex; norm 1 and a real largest component, also with `b`, where SciPy's differ",
    "eig_banded": "by the full matrix",
    "eigvals_banded": "by the full matrix",
    "eigh": "all options; smooth functions of it have derivatives where eigenvalues coincide",
    "eigh_tridiagonal": "by the full matrix",
    "eigvalsh_tridiagonal": "by the full matrix",
    "expm_frechet": "the derivative of `expm`, differentiable again to every order",
    "funm": "of diagonalizable matrices; `func` is made of NumPy's functions",
    "logm": "needs values to tell that a real matrix has a complex one",
    "sqrtm": "needs values to tell that a real matrix has a complex one",
    "lstsq": "for constant rank; the rank is plain",
    "lu": "the permutation is plain",
    "lu_factor": "the pivots are plain",
    "norm": "0 at 0",
    "pinv": "for constant rank",
    "pinvh": "for constant rank",
    "qr": "for full rank; mode 'raw' is refused; the order of pivoted columns is plain",
    "solve": "by the triangle that is read; all of `assume_a`",
    "solve_circulant": "singular='lstsq' is refused",
    "solve_continuous_are": "without `e` and `s`",
    "solve_discrete_are": "without `e` and `s`",
}

PLAIN: dict[str, str] = {
    "It is a test, or counts": "bandwidth ishermitian issymmetric",
    "It estimates an error": "expm_cond",
    "It makes a matrix from a size": "dft hadamard helmert hilbert invhilbert invpascal pascal",
    "It takes no array to differentiate": """
        find_best_blas_type get_blas_funcs get_lapack_funcs LinAlgError LinAlgWarning test""",
}

REFUSED: dict[str, tuple[str, str]] = {
    "null_space orth": (
        "how many columns the result has depends on values, and the basis is arbitrary",
        "use svd, whose derivatives do not depend on the basis where your function does not",
    ),
    "schur hessenberg qz ordqz rsf2csf cdf2rdf": (
        "its triangular form is no smooth function where eigenvalues meet, and has no rule",
        "use eig, or expm, logm and sqrtm, which need no Schur form",
    ),
    "ldl cossin matrix_balance": (
        "its pivots or angles are chosen by values, and it has no rule",
        "use lu, cholesky or svd",
    ),
    "cholesky_banded cho_solve_banded": (
        "the banded factor has no rule",
        "use solveh_banded for the system",
    ),
    "qr_delete qr_insert qr_update qr_multiply rq": (
        "updated and reversed factors have no rule",
        "use qr of the whole matrix",
    ),
    "subspace_angles": (
        "its formula changes with the angle",
        "use arccos(svdvals(qa.conj().T @ qb)) with qa and qb from qr",
    ),
    "fiedler_companion": (
        "its five diagonals have no rule",
        "use companion, which has the same eigenvalues",
    ),
    "clarkson_woodruff_transform": (
        "it draws a random matrix",
        "draw the sketch as a plain matrix and multiply by it",
    ),
}
"""Names, and why they are refused and what to do instead."""


def submodules() -> frozenset[str]:
    """Names in `scipy.linalg` that are modules: LAPACK and BLAS, and SciPy's deprecated files."""
    return frozenset(
        """basic blas cython_blas cython_lapack decomp decomp_cholesky decomp_lu decomp_qr
        decomp_schur decomp_svd interpolative lapack matfuncs misc special_matrices""".split()
    )


CLASSIFICATION: dict[str, Entry] = {
    **{
        name: Entry("differentiable", subject, NOTES.get(name, ""))
        for subject, names in DIFFERENTIABLE.items()
        for name in names.split()
    },
    **{name: Entry("plain", reason) for reason, names in PLAIN.items() for name in names.split()},
    **{
        name: Entry("refused", reason, remedy, "NoRuleError")
        for names, (reason, remedy) in REFUSED.items()
        for name in names.split()
    },
}
"""By name."""
