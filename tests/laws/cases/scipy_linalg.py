"""`wengert.scipy.linalg`, on well-conditioned matrices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.linalg

import wengert as wg
from wengert.core.bind import bind
from wengert.rules.matrix_functions import logm_frechet_p
from wengert.scipy import linalg

from ..case import Case
from .linalg import (
    Array,
    hermitian,
    positive,
    power_sums,
    regular,
    spread,
    system,
    turning,
    up_to_sign,
)


def scipys(function: Any, **options: Any) -> Any:
    """SciPy's function of the same name, computed in double precision, in that of its argument."""
    plain = getattr(scipy.linalg, function.__name__)

    def call(*args: Array) -> Array:
        double = [x.astype(np.result_type(x.dtype, np.float64)) for x in args]
        return np.asarray(plain(*double, **options)).astype(args[0].dtype)[()]

    return call


def case(function: Any, name: str = "", **record: Any) -> Case:
    """A case whose value is SciPy's own."""
    plain = scipys(function)

    def f(*args: Array) -> Array:
        return function(*args) if any(isinstance(x, wg.Tensor) for x in args) else plain(*args)

    return Case(name or function.__name__, f, plain=plain, **record)


def near_one(*shape: int) -> Callable[[np.random.Generator], tuple[Array, ...]]:
    """Matrices whose logarithm and square root are real."""
    return lambda rng: (2 * np.eye(shape[-1]) + rng.uniform(-0.4, 0.4, shape),)


def three(m: int, n: int, *stack: int) -> Callable[[np.random.Generator], tuple[Array, ...]]:
    """Two matrices without eigenvalues of opposite sign, and a right-hand side."""
    return lambda rng: (
        *regular(*stack, m, m)(rng),
        *regular(*stack, n, n)(rng),
        rng.normal(size=(*stack, m, n)),
    )


def stable(n: int) -> Callable[[np.random.Generator], tuple[Array, ...]]:
    """A contraction, and a matrix."""
    return lambda rng: (rng.uniform(-0.25, 0.25, (n, n)), rng.normal(size=(n, n)))


def bands(count: int, n: int, *k: int) -> Callable[[np.random.Generator], tuple[Array, ...]]:
    """Diagonals of a diagonally dominant matrix, the middle one being largest; a right side."""

    def draw(rng: np.random.Generator) -> tuple[Array, ...]:
        ab = rng.uniform(-0.5, 0.5, (count, n))
        ab[count // 2] += 3
        return ab, rng.normal(size=(n, *k))

    return draw


def half_bands(row: int, *k: int) -> Callable[[np.random.Generator], tuple[Array, ...]]:
    """Diagonals (3, 5) of one half of a positive definite matrix; a right-hand side."""

    def draw(rng: np.random.Generator) -> tuple[Array, ...]:
        ab = rng.uniform(-0.5, 0.5, (3, 5))
        ab[row] += 3 + np.arange(5)
        return ab, rng.normal(size=(5, *k))

    return draw


def riccati(discrete: bool) -> Any:
    """The equation of a controllable system, as a function of unconstrained matrices."""
    name = "solve_discrete_are" if discrete else "solve_continuous_are"

    def on(module: Any) -> Any:
        def f(a: Array, b: Array, q: Array, r: Array) -> Array:
            return getattr(module, name)(a, b, positive(q), positive(r))

        return f

    return on(linalg), on(scipy.linalg)


def _riccati_domain(rng: np.random.Generator) -> tuple[Array, ...]:
    a, q, r = (rng.uniform(-0.7, 0.7, (n, n)) for n in (3, 3, 2))
    return a, rng.normal(size=(3, 2)), q, r


def _corner_of_logm(a: Array, e: Array) -> Array:
    """The derivative of the logarithm, from that of a block matrix."""
    blocks = np.block([[a, e], [np.zeros_like(a), a]]).astype(np.result_type(a, np.float64))
    return scipy.linalg.logm(blocks)[: len(a), len(a) :].astype(a.dtype)


def up_to_phases(function: Any, *args: Array, **options: Any) -> Array:
    """Eigenvalues, and what of eigenvectors does not depend on their phase."""
    w, v = function(*args, **options)
    return w, np.einsum("...ij,...kj->...jik", v, np.conj(v))


def both(f: Callable[..., Any]) -> dict[str, Any]:
    """A function of a module, and the same with SciPy's."""
    return {"f": lambda *xs: f(linalg, *xs), "plain": lambda *xs: f(scipy.linalg, *xs)}


SYSTEMS = [
    Case(
        "solve",
        linalg.solve,
        domain=system((3, 3), (3, 2)),
        complex=True,
        plain=np.linalg.solve,
    ),
    Case("solve_vector", linalg.solve, domain=system((3, 3), (3,)), plain=np.linalg.solve),
    *(
        Case(
            f"solve_{structure}_{lower}",
            **both(
                lambda m, a, b, s=structure, low=lower: m.solve(
                    hermitian(a) + 3 * np.eye(3, dtype=a.real.dtype) if s == "pos" else a,
                    b,
                    assume_a=s,
                    lower=low,
                )
            ),
            domain=system((3, 3), (3, 2)),
            complex=structure != "tridiagonal",
        )
        for structure in ("sym", "her", "pos", "diagonal", "tridiagonal", "banded", "gen")
        for lower in (False, True)
    ),
    *(
        Case(
            f"solve_{side}",
            **both(lambda m, a, b, s=side: m.solve(a, b, assume_a=f"{s} triangular")),
            domain=system((3, 3), (3, 2)),
        )
        for side in ("upper", "lower")
    ),
    Case(
        "solve_transposed",
        **both(lambda m, a, b: m.solve(a, b, transposed=True)),
        domain=system((3, 3), (3,)),
    ),
    *(
        Case(
            f"solve_triangular_{trans}_{lower}_{unit}",
            **both(
                lambda m, a, b, t=trans, low=lower, u=unit: m.solve_triangular(
                    a, b, trans=t, lower=low, unit_diagonal=u
                )
            ),
            domain=system((3, 3), (3, 2)),
            complex=trans == "C",
        )
        for trans, lower, unit in (
            (0, False, False),
            (1, True, False),
            ("C", False, True),
            (0, True, True),
            ("T", False, False),
        )
    ),
    *(
        Case(
            f"cho_solve_{lower}",
            **both(lambda m, a, b, low=lower: m.cho_solve(m.cho_factor(positive(a), low), b)),
            domain=system((3, 3), (3, 2)),
            complex=True,
        )
        for lower in (False, True)
    ),
    *(
        Case(
            f"lu_solve_{trans}",
            **both(lambda m, a, b, t=trans: m.lu_solve(m.lu_factor(a), b, trans=t)),
            domain=lambda rng: (
                rng.normal(size=(3, 3)) + 2 * np.eye(3)[[1, 2, 0]],
                rng.normal(size=3),
            ),
            complex=True,
            primitives=("lu", "permutation"),
        )
        for trans in (0, 1, 2)
    ),
    case(linalg.inv, domain=regular(2, 3, 3), complex=True),
    Case("inv_pos", **both(lambda m, a: m.inv(positive(a), assume_a="pos")), domain=regular(3, 3)),
    case(linalg.det, domain=regular(2, 3, 3), complex=True),
    case(linalg.pinv, domain=regular(4, 2), complex=True),
    Case(
        "pinv_rank",
        **both(lambda m, a: m.pinv(a, rtol=1e-3, return_rank=True)),
        domain=regular(2, 4),
    ),
    Case("pinvh", **both(lambda m, a: m.pinvh(hermitian(a))), domain=regular(3, 3), complex=True),
    Case(
        "lstsq",
        **both(lambda m, a, b: m.lstsq(a, b)[:2]),
        domain=system((5, 2), (5, 3)),
        complex=True,
    ),
    Case("lstsq_vector", **both(lambda m, a, b: m.lstsq(a, b)[::3]), domain=system((5, 2), (5,))),
    Case(
        "solve_banded",
        **both(lambda m, ab, b: m.solve_banded((1, 1), ab, b)),
        domain=bands(3, 5, 2),
        complex=True,
        primitives=("solve_banded",),
    ),
    Case(
        "solve_banded_wide",
        **both(lambda m, ab, b: m.solve_banded((2, 1), ab[[1, 2, 0, 3]], b)),
        domain=bands(4, 5),
    ),
    *(
        Case(
            f"solveh_banded_{lower}",
            **both(lambda m, ab, b, low=lower: m.solveh_banded(ab, b, lower=low)),
            domain=half_bands(0 if lower else 2, 2),
            complex=True,
        )
        for lower in (False, True)
    ),
    case(
        linalg.solve_toeplitz,
        domain=lambda rng: (rng.uniform(-0.5, 0.5, 4) + 3 * np.eye(4)[0], rng.normal(size=4)),
        complex=True,
        primitives=("solve_toeplitz",),
    ),
    Case(
        "solve_toeplitz_row",
        **both(lambda m, c, r, b: m.solve_toeplitz((c, r), b)),
        domain=lambda rng: (
            rng.uniform(-0.5, 0.5, 4) + 3 * np.eye(4)[0],
            rng.uniform(-0.5, 0.5, 4),
            rng.normal(size=(4, 2)),
        ),
        complex=True,
        float32=False,
        reason="SciPy's is double precision; in single precision solve_toeplitz is tested",
    ),
    Case(
        "matmul_toeplitz",
        **both(lambda m, c, r, x: m.matmul_toeplitz((c, r), x)),
        args=[(3,), (4,), (4, 2)],
        complex=True,
        float32=False,
        reason="SciPy's transforms give double precision",
    ),
    Case(
        "solve_circulant",
        linalg.solve_circulant,
        domain=lambda rng: (rng.uniform(-0.5, 0.5, 4) + 3 * np.eye(4)[0], rng.normal(size=(4, 2))),
        complex=True,
        plain=scipy.linalg.solve_circulant,
    ),
]

FACTORIZATIONS = [
    *(
        Case(
            f"cholesky_{lower}",
            **both(lambda m, a, low=lower: m.cholesky(positive(a), lower=low)),
            domain=regular(3, 3),
            complex=True,
        )
        for lower in (False, True)
    ),
    *(
        Case(
            f"cho_factor_{lower}",
            **both(lambda m, a, low=lower: m.cho_factor(positive(a), low)[0]),
            domain=regular(3, 3),
        )
        for lower in (False, True)
    ),
    *(
        Case(
            f"lu_{'_'.join(map(str, shape))}",
            **both(lambda m, a: m.lu(a)),
            args=[shape],
            complex=True,
        )
        for shape in ((3, 3), (4, 2), (2, 4), (2, 3, 3))
    ),
    Case("lu_permuted", **both(lambda m, a: m.lu(a, permute_l=True)), args=[(4, 3)]),
    Case("lu_indices", **both(lambda m, a: m.lu(a, p_indices=True)), args=[(4, 3)]),
    Case(
        "lu_factor",
        **both(lambda m, a: m.lu_factor(a[[1, 2, 0]])),
        domain=regular(3, 3),
        complex=True,
    ),
    *(
        Case(
            f"qr_{mode}",
            **both(lambda m, a, k=mode: m.qr(a, mode=k)),
            domain=spread(3, 3),
            complex=True,
        )
        for mode in ("full", "r", "economic")
    ),
    Case("qr_tall", **both(lambda m, a: m.qr(a, mode="economic")), domain=spread(2, 4, 2)),
    Case("qr_wide", **both(lambda m, a: m.qr(a)), domain=spread(2, 4)),
    Case(
        "qr_pivoting",
        **both(lambda m, a: m.qr(a, pivoting=True)),
        domain=spread(3, 3),
        complex=True,
        primitives=("column_order",),
    ),
    Case("svd_thin", **both(lambda m, a: _products(m.svd(a, False))), domain=spread(3, 2)),
    Case("svd_full", **both(lambda m, a: _products(m.svd(a))), domain=spread(3, 3), complex=True),
    Case("svd_values", **both(lambda m, a: m.svd(a, compute_uv=False)), domain=spread(3, 2)),
    Case("svdvals", linalg.svdvals, domain=spread(2, 3), plain=scipy.linalg.svdvals),
    Case("polar", **both(lambda m, a: m.polar(a)), domain=regular(3, 3), complex=True),
    Case("polar_left", **both(lambda m, a: m.polar(a, "left")), domain=regular(2, 4)),
    Case(
        "orthogonal_procrustes",
        linalg.orthogonal_procrustes,
        domain=lambda rng: (*regular(4, 3)(rng), *regular(4, 3)(rng)),
        plain=scipy.linalg.orthogonal_procrustes,
    ),
]


def _products(factors: Any) -> Any:
    u, s, vh = factors
    return np.einsum("...ij,...jk->...jik", u, vh), s


EIGENVALUES = [
    Case(
        "eigh",
        **both(lambda m, a: up_to_phases(m.eigh, hermitian(a))),
        domain=spread(3, 3),
        complex=True,
    ),
    Case(
        "eigh_driver",
        **both(lambda m, a: m.eigh(hermitian(a), driver="ev")),
        domain=spread(2, 3, 3),
    ),
    Case(
        "eigh_subset",
        **both(lambda m, a: m.eigh(hermitian(a), lower=False, subset_by_index=[1, 2])),
        domain=spread(3, 3),
    ),
    *(
        Case(
            f"eigh_type_{kind}",
            **both(lambda m, a, b, k=kind: up_to_phases(m.eigh, hermitian(a), positive(b), type=k)),
            domain=lambda rng: (*spread(3, 3)(rng), rng.uniform(-0.3, 0.3, (3, 3))),
            complex=True,
            float32=False,
            reason="single precision leaves too few digits after three factorizations",
        )
        for kind in (1, 2, 3)
    ),
    Case(
        "eigvalsh",
        **both(lambda m, a, b: m.eigvalsh(hermitian(a), positive(b))),
        domain=lambda rng: (*spread(3, 3)(rng), rng.uniform(-0.3, 0.3, (3, 3))),
    ),
    Case("eig", **both(lambda m, a: up_to_sign(m.eig(a))), domain=turning(4, 4)),
    Case(
        "eig_left",
        **both(lambda m, a: up_to_sign(m.eig(a + 0j, left=True, right=False))),
        domain=spread(3, 3),
        complex=True,
    ),
    Case(
        "eigvals_general",
        **both(lambda m, a, b: power_sums(m.eigvals(a, b))),
        domain=lambda rng: (*turning(4, 4)(rng), *near_one(4, 4)(rng)),
    ),
    Case(
        "eigvals",
        **both(lambda m, a: power_sums(m.eigvals(a))),
        domain=turning(4, 4),
        complex=True,
    ),
    *(
        Case(
            f"eig_banded_{lower}",
            **both(lambda m, ab, low=lower: up_to_phases(m.eig_banded, ab, lower=low)),
            domain=lambda rng, row=0 if lower else 2: half_bands(row)(rng)[:1],
        )
        for lower in (False, True)
    ),
    Case(
        "eigvals_banded",
        **both(lambda m, ab: m.eigvals_banded(ab)),
        domain=lambda rng: half_bands(2)(rng)[:1],
        complex=True,
    ),
    Case(
        "eigh_tridiagonal",
        **both(lambda m, d, e: up_to_phases(m.eigh_tridiagonal, d, e)),
        domain=lambda rng: (2.0 * np.arange(4) + rng.uniform(0, 0.5, 4), rng.uniform(-0.5, 0.5, 3)),
        float32=False,
        reason="SciPy's single precision solver is less precise",
    ),
    Case(
        "eigvalsh_tridiagonal",
        **both(lambda m, d, e: m.eigvalsh_tridiagonal(d, e, select="i", select_range=(1, 2))),
        domain=lambda rng: (2.0 * np.arange(4) + rng.uniform(0, 0.5, 4), rng.uniform(-0.5, 0.5, 3)),
        float32=False,
        reason="SciPy's single precision solver is less precise",
    ),
]

FUNCTIONS = [
    case(linalg.expm, args=[(3, 3)], complex=True, primitives=("expm", "expm_frechet")),
    case(linalg.expm, "expm_stack", args=[(2, 2, 2)]),
    Case(
        "expm_frechet",
        lambda a, e: linalg.expm_frechet(a, e)[1],
        args=[(3, 3), (3, 3)],
        complex=True,
        plain=lambda a, e: scipy.linalg.expm_frechet(a, e)[1].astype(a.dtype),
        float32=False,
        reason="SciPy's is double precision",
    ),
    case(linalg.logm, domain=near_one(3, 3), complex=True, primitives=("logm", "logm_frechet")),
    case(linalg.logm, "logm_stack", domain=near_one(2, 2, 2)),
    Case(
        "logm_frechet",
        lambda a, e: bind(logm_frechet_p, (a, e), {}),
        domain=lambda rng: (*near_one(2, 3, 3)(rng), rng.normal(size=(3, 3))),
        plain=lambda a, e: np.stack([_corner_of_logm(x, e) for x in a]),
    ),
    case(
        linalg.sqrtm, domain=near_one(3, 3), complex=True, primitives=("sqrtm", "solve_sylvester")
    ),
    case(linalg.sqrtm, "sqrtm_stack", domain=near_one(2, 2, 2)),
    Case(
        "fractional_matrix_power",
        lambda a: linalg.fractional_matrix_power(a, 0.3) * 1j,
        domain=near_one(3, 3),
        complex=True,
        plain=lambda a: scipy.linalg.fractional_matrix_power(a, 0.3) * 1j,
        float32=False,
        reason="SciPy's is double precision",
    ),
    Case(
        "matrix_power", **both(lambda m, a: m.fractional_matrix_power(a, 3)), domain=near_one(3, 3)
    ),
    Case(
        "funm",
        lambda a: linalg.funm(a + 0j, np.sin),
        domain=spread(3, 3),
        plain=lambda a: scipy.linalg.sinm(a + 0j),
        complex=True,
    ),
    *(
        case(getattr(linalg, name), domain=near_one(3, 3), complex=True)
        for name in ("cosm", "sinm", "tanm", "coshm", "sinhm", "tanhm")
    ),
    case(linalg.cosm, "cosm_stack", domain=near_one(2, 2, 2)),
    Case(
        "signm",
        linalg.signm,
        domain=turning(4, 4),
        plain=scipy.linalg.signm,
        float32=False,
        reason="SciPy's is double precision",
    ),
    Case("norm", linalg.norm, args=[(2, 3)], complex=True, plain=scipy.linalg.norm),
    Case(
        "norm_nuclear",
        lambda a: linalg.norm(a, "nuc"),
        domain=spread(3, 2),
        plain=lambda a: np.linalg.norm(a, "nuc"),
    ),
    case(linalg.solve_sylvester, domain=three(3, 2), complex=True),
    case(linalg.solve_sylvester, "solve_sylvester_stack", domain=three(2, 3, 2)),
    *(
        case(getattr(linalg, name), domain=system((3, 3), (3, 3)), complex=True)
        for name in ("solve_continuous_lyapunov", "solve_lyapunov")
    ),
    case(
        linalg.solve_discrete_lyapunov,
        domain=stable(3),
        complex=True,
        primitives=("solve_discrete_lyapunov",),
    ),
    *(
        Case(
            "solve_discrete_are" if discrete else "solve_continuous_are",
            riccati(discrete)[0],
            domain=_riccati_domain,
            complex=True,
            plain=riccati(discrete)[1],
            primitives=("riccati",),
            float32=False,
            reason="single precision leaves too few digits",
        )
        for discrete in (False, True)
    ),
]


MATRICES = [
    Case(
        "block_diag",
        linalg.block_diag,
        args=[(2, 3), (1, 2), (2,)],
        complex=True,
        plain=scipy.linalg.block_diag,
    ),
    Case("toeplitz", linalg.toeplitz, args=[(3,), (4,)], complex=True, plain=scipy.linalg.toeplitz),
    Case("toeplitz_one", linalg.toeplitz, args=[(3,)], complex=True, plain=scipy.linalg.toeplitz),
    Case("hankel", linalg.hankel, args=[(3,), (4,)], complex=True, plain=scipy.linalg.hankel),
    Case("hankel_one", linalg.hankel, args=[(3,)], plain=scipy.linalg.hankel),
    Case("circulant", linalg.circulant, args=[(4,)], complex=True, plain=scipy.linalg.circulant),
    *(
        Case(
            f"convolution_matrix_{mode}_{n}",
            **both(lambda m, a, k=mode, n=n: m.convolution_matrix(a, n, k)),
            args=[(4,)],
        )
        for mode in ("full", "same", "valid")
        for n in (2, 3, 6)
    ),
    Case(
        "companion", linalg.companion, args=[(4,)], domain="positive", plain=scipy.linalg.companion
    ),
    Case(
        "leslie",
        linalg.leslie,
        args=[(4,), (3,)],
        plain=scipy.linalg.leslie,
    ),
    Case("fiedler", linalg.fiedler, args=[(4,)], domain="distinct", plain=scipy.linalg.fiedler),
    Case(
        "khatri_rao",
        linalg.khatri_rao,
        args=[(2, 3), (4, 3)],
        complex=True,
        plain=scipy.linalg.khatri_rao,
    ),
    Case("kron", linalg.kron, args=[(2, 3), (1, 2)], plain=np.kron),
    Case("diagsvd", **both(lambda m, s: m.diagsvd(s, 3, 4)), args=[(3,)]),
]

CASES = [*SYSTEMS, *FACTORIZATIONS, *EIGENVALUES, *FUNCTIONS, *MATRICES]
