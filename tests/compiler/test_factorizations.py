"""Factorizations in native code: as NumPy's, of each matrix one, errors included."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert.compiler.passes.factorize import factorize
from wengert.compiler.passes.simplify import simplify
from wengert.core.program import interpret, verify
from wengert.rules.linalg import solve_triangular
from wengert.scipy import linalg

pytest.importorskip("llvmlite")

DTYPES = (np.float64, np.float32, np.complex128, np.complex64)
BACKENDS = ("llvm", "numpy")
SINGULAR = np.array([[1.0, 2.0], [2.0, 4.0]])


def matrices(dtype: Any, *shape: int, seed: int = 0) -> Any:
    """Well conditioned."""
    rng = np.random.default_rng([seed, *shape])
    a = rng.normal(size=shape) / np.sqrt(shape[-1])
    if np.dtype(dtype).kind == "c":
        a = a + 1j * rng.normal(size=shape) / np.sqrt(shape[-1])
    if shape[-1] == shape[-2:][0]:
        a = a + 2 * np.eye(shape[-1])
    return a.astype(dtype)


def factored(f: Callable[..., Any], *args: Any) -> Counter[str]:
    """How often each operation stands in the optimized Program."""
    program = wg.jit(f).lower(*args).optimized
    verify(program)
    return Counter(e.primitive.name for e in program.equations)


def called(f: Callable[..., Any], *args: Any) -> dict[str, int]:
    """What NumPy evaluates."""
    found: dict[str, int] = wg.jit(f).lower(*args).cost()["calls"]
    return found


def check(f: Callable[..., Any], *args: Any, backend: str = "llvm", tolerance: float = 64) -> None:
    """Compiled equals eager, twice, and leaves the arguments as they are."""
    kept = [np.array(a) for a in args]
    expected = f(*args)
    jitted = wg.jit(f, backend=backend)
    for _ in range(2):
        found = jitted(*args)
        ys = (expected, found) if isinstance(expected, tuple) else ((expected,), (found,))
        for x, y in zip(*ys, strict=True):
            assert type(x) is type(y)
            assert x.dtype == y.dtype
            assert x.shape == y.shape
            eps = np.finfo(x.dtype).eps
            finite = np.abs(x[np.isfinite(x)])
            scale = float(finite.max(initial=1.0))
            np.testing.assert_allclose(y, x, rtol=tolerance * eps, atol=tolerance * eps * scale)
    for a, b in zip(args, kept, strict=True):
        np.testing.assert_array_equal(a, b)


def spd(a: Any) -> Any:
    """A definite matrix of any."""
    return a @ a.conj().swapaxes(-1, -2) + np.eye(a.shape[-1], dtype=a.dtype)


def loss(a: Any, b: Any) -> Any:
    x = np.linalg.solve(a, b)
    sign, logarithm = np.linalg.slogdet(a)
    y = np.linalg.inv(a) @ x + np.linalg.solve(np.swapaxes(a, -1, -2), b)
    return np.sum(np.abs(y) ** 2) + np.sum(np.abs(sign)) * np.sum(logarithm)


# ------------------------------------------------------------------ values


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [1, 2, 5, 17, 60])
def test_matrices(dtype: Any, n: int, backend: str) -> None:
    a, b = matrices(dtype, n, n), matrices(dtype, n, 3)
    for f in (np.linalg.solve, lambda a, b: np.linalg.solve(a.T, b)):
        check(f, a, b, backend=backend)
        check(f, a, b[:, 0], backend=backend)
    for g in (np.linalg.inv, np.linalg.det, lambda a: tuple(np.linalg.slogdet(a))):
        check(g, a, backend=backend)
        check(g, -a, backend=backend)
    check(np.linalg.cholesky, spd(a), backend=backend)
    for lower in (True, False):
        check(lambda a, b, lower=lower: linalg.solve_triangular(a, b, lower=lower), a, b)


@pytest.mark.parametrize("dtype", [np.float64, np.complex64])
@pytest.mark.parametrize(
    ("shape", "other"),
    [
        ((4, 3, 3), (4, 3, 2)), ((3, 3), (4, 3, 2)), ((4, 3, 3), (3, 2)), ((2, 1, 3, 3), (5, 3, 1)),
        ((1, 3, 3), (5, 3, 2)), ((2, 4, 6, 6), (2, 4, 6, 6)), ((1, 1, 3, 3), (3, 3)),
    ],
)  # fmt: skip
def test_stacks(dtype: Any, shape: Any, other: Any) -> None:
    a, b = matrices(dtype, *shape), matrices(dtype, *other, seed=1)
    check(np.linalg.solve, a, b)
    check(lambda a, b: np.linalg.solve(a.swapaxes(-1, -2), b), a, b)
    for f in (np.linalg.inv, np.linalg.det, lambda a: tuple(np.linalg.slogdet(a))):
        check(f, a)
    check(np.linalg.cholesky, spd(a))
    for lower in (True, False):
        check(lambda a, b, lower=lower: solve_triangular(a, b, lower), a, b)
    assert called(lambda a, b: loss(a, b), a, b) == {}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(7, 7), (3, 4, 4)])
def test_gradients(dtype: Any, shape: Any) -> None:
    a, b = matrices(dtype, *shape), matrices(dtype, *shape[:-1], 2, seed=1)
    check(lambda a, b: wg.grad(loss, argnums=(0, 1))(a, b), a, b, tolerance=1024)


@pytest.mark.parametrize("backend", BACKENDS)
def test_layouts_and_dtypes(backend: str) -> None:
    a, b = matrices(np.float64, 9, 9), matrices(np.float64, 9, 4)
    check(np.linalg.solve, np.asfortranarray(a), b.T.copy().T, backend=backend)
    check(np.linalg.solve, a[::-1, ::-1], b[:, ::2], backend=backend)
    check(np.linalg.solve, a.astype(np.float32), b, backend=backend)
    check(np.linalg.solve, a, (b * 1j).astype(np.complex64), backend=backend)
    check(np.linalg.solve, matrices(np.complex64, 9, 9), b, backend=backend)
    check(np.linalg.inv, np.array([[2, 1], [0, 3]]), backend=backend)
    check(np.linalg.det, np.array([[2, 1], [0, 3]]), backend=backend)


def test_numbers_of_odd_size_are_left_to_numpy() -> None:
    with pytest.raises(TypeError, match="float16"):
        wg.jit(np.linalg.inv)(np.eye(2, dtype=np.float16))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("shape", [(0, 0), (0, 3, 3), (2, 0, 0)])
def test_nothing(shape: Any, backend: str) -> None:
    a = np.zeros(shape)
    check(np.linalg.solve, a, np.zeros((*shape[:-1], 2)), backend=backend)
    check(np.linalg.solve, np.eye(3), np.zeros((3, 0)), backend=backend)
    for f in (np.linalg.inv, np.linalg.det, lambda a: tuple(np.linalg.slogdet(a))):
        check(f, a, backend=backend)
    check(np.linalg.cholesky, a, backend=backend)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite(value: float) -> None:
    a, b = matrices(np.float64, 5, 5), matrices(np.float64, 5, 2)
    for place in ((0, 0), (2, 3), (4, 4)):
        bad = a.copy()
        bad[place] = value
        with np.errstate(all="ignore"):
            for f in (np.linalg.inv, np.linalg.det, lambda a: tuple(np.linalg.slogdet(a))):
                check(f, bad)
            check(np.linalg.solve, bad, b)
    bad = b.copy()
    bad[1, 1] = value
    with np.errstate(all="ignore"):
        check(np.linalg.solve, a, bad)


# ------------------------------------------------------------------ one factorization


def likelihood(p: Any, x: Any, y: Any) -> Any:
    """Of a Gaussian process, but for what is constant."""
    s = x * p[0]
    squares = np.sum(s * s, axis=1)
    k = np.exp(-0.5 * (squares[:, None] + squares[None, :] - 2 * (s @ s.T))) * p[1]
    k = k + np.eye(len(x)) * 0.1
    return 0.5 * np.sum(y * np.linalg.solve(k, y)) + 0.5 * np.linalg.slogdet(k)[1]


def test_a_likelihood_and_its_gradient_factor_once() -> None:
    rng = np.random.default_rng(0)
    args = [rng.normal(size=2), np.ones(1)], rng.normal(size=(31, 2)), rng.normal(size=31)
    both = wg.value_and_grad(likelihood)
    counts = factored(both, *args)
    assert counts["lu_factor"] == 1
    assert counts["lu_solve"] == 2
    assert counts["lu_inverse"] == 1
    assert not {"solve", "slogdet", "inv"} & set(counts)
    assert called(both, *args) == {}
    text = str(wg.jit(both).lower(*args).plan.steps)
    assert text.count("Routine") == 4
    value, (scale, height) = both(*args)
    for backend in BACKENDS:
        found, (scale_too, height_too) = wg.jit(both, backend=backend)(*args)
        np.testing.assert_allclose(found, value, rtol=1e-12)
        np.testing.assert_allclose(scale_too, scale, rtol=1e-10)
        np.testing.assert_allclose(height_too, height, rtol=1e-10)


def test_everything_of_one_matrix_shares() -> None:
    a, b = matrices(np.float64, 6, 6), matrices(np.float64, 6, 2)
    counts = factored(lambda a, b: (loss(a, b), np.linalg.det(a), np.linalg.det(a.T)), a, b)
    assert counts["lu_factor"] == 1
    assert counts["lu_inverse"] == 1
    counts = factored(lambda a: (np.linalg.inv(a), np.linalg.inv(a.T)), a)
    assert (counts["lu_factor"], counts["lu_inverse"]) == (1, 1)


def test_a_transpose_that_comes_first_is_factored() -> None:
    a, b = matrices(np.float64, 6, 6), matrices(np.float64, 6, 2)

    def f(a: Any, b: Any) -> Any:
        return np.linalg.solve(a.T, b), np.linalg.solve(a, b), np.linalg.inv(a.T), np.linalg.inv(a)

    assert factored(f, a, b)["lu_factor"] == 1
    check(f, a, b)


def test_others_do_not_share() -> None:
    a, b = matrices(np.float64, 6, 6), matrices(np.float64, 6, 2)
    assert factored(lambda a: (np.linalg.inv(a), np.linalg.inv(a + 1)), a)["lu_factor"] == 2
    # In another precision it is another factorization.
    mixed = factored(
        lambda a, b: (np.linalg.solve(a, b), np.linalg.solve(a, b.astype(np.float64))),
        a.astype(np.float32), b.astype(np.float32),
    )  # fmt: skip
    assert mixed["lu_factor"] == 2
    # A turned stack is no stack of turned matrices.
    stack = matrices(np.float64, 6, 6, 6)
    turned = factored(lambda s: (np.linalg.inv(s), np.linalg.inv(s.T)), stack)
    assert turned["lu_factor"] == 2
    check(lambda s: (np.linalg.inv(s), np.linalg.inv(s.T)), stack)


def test_unread_results_are_not_computed() -> None:
    a = matrices(np.float64, 6, 6)
    counts = factored(lambda a: (np.linalg.inv(a), np.linalg.slogdet(a)[0])[1], a)
    assert counts["lu_inverse"] == 0
    assert counts["log"] == 0


def test_without_native_code_only_what_is_shared_is_taken_apart() -> None:
    a, b = matrices(np.float64, 6, 6), matrices(np.float64, 6, 2)

    def text(f: Callable[..., Any], *args: Any) -> str:
        program = factorize(simplify(wg.jit(f).lower(*args).program), only_shared=True)
        for x, y in zip(interpret(program, args), f(*args), strict=True):
            np.testing.assert_allclose(x, y, rtol=1e-12)
        return str(program)

    assert "lu_factor" not in text(lambda a, b: (np.linalg.solve(a, b),), a, b)
    shared = text(lambda a, b: (np.linalg.solve(a, b), np.linalg.det(a)), a, b)
    assert shared.count("lu_factor") == 1
    stack = matrices(np.float64, 4, 3, 3)
    assert "lu_factor" not in text(lambda a: (np.linalg.inv(a), np.linalg.det(a)), stack)


def test_the_operations_take_stacks_in_numpy_too() -> None:
    a, b = matrices(np.float64, 2, 4, 3, 3), matrices(np.float64, 4, 3, 2)
    program = wg.jit(lambda a, b: [np.linalg.solve(a, b), np.linalg.inv(a), np.linalg.det(a)])
    expected = np.linalg.solve(a, b), np.linalg.inv(a), np.linalg.det(a)
    optimized = program.lower(a, b).optimized
    assert "lu_factor" in str(optimized)
    for x, y in zip(interpret(optimized, (a, b)), expected, strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-12)


# ------------------------------------------------------------------ singular matrices


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_singular_matrices_are_refused(dtype: Any, backend: str) -> None:
    a = SINGULAR.astype(dtype)
    stack = np.stack([np.eye(2, dtype=dtype), a])
    for bad in (a, stack):
        for f in (np.linalg.inv, lambda a: np.linalg.solve(a, np.ones((2, 1)))):
            with pytest.raises(np.linalg.LinAlgError) as eager:
                f(bad)
            jitted = wg.jit(lambda a, f=f: (f(a), np.linalg.det(a)), backend=backend)
            for _ in range(3):  # later calls do not pass through Python
                with pytest.raises(np.linalg.LinAlgError, match=str(eager.value)):
                    jitted(bad)
            good = bad + 3 * np.eye(2, dtype=dtype)
            np.testing.assert_allclose(jitted(good)[0], f(good), rtol=1e-5)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_determinants_of_singular_matrices(dtype: Any, backend: str) -> None:
    a = SINGULAR.astype(dtype)
    for bad in (a, np.stack([a, np.eye(2, dtype=dtype)]), np.zeros((3, 3), dtype)):
        check(lambda a: (*np.linalg.slogdet(a), np.linalg.det(a)), bad, backend=backend)
        check(lambda a: np.linalg.slogdet(a.swapaxes(-1, -2))[1], bad, backend=backend)


def test_gradients_at_singular_matrices() -> None:
    def f(a: Any) -> Any:
        return np.linalg.slogdet(a)[1][0]

    stack = np.stack([np.eye(2) * 3, SINGULAR])
    check(lambda a: wg.grad(f)(a), stack)
    check(lambda a: wg.grad(f)(a), stack[::-1].copy())
    check(lambda a: wg.grad(np.linalg.det)(a), SINGULAR)


def test_what_is_not_definite() -> None:
    for dtype in DTYPES:
        a = np.array([[1, 2], [2, 1]], dtype)
        for bad in (a, np.stack([np.eye(2, dtype=dtype), a])):
            with pytest.raises(np.linalg.LinAlgError) as eager:
                np.linalg.cholesky(bad)
            jitted = wg.jit(np.linalg.cholesky)
            for _ in range(3):
                with pytest.raises(np.linalg.LinAlgError, match=str(eager.value)):
                    jitted(bad)


def test_cholesky_reads_one_triangle() -> None:
    for dtype in DTYPES:
        a = spd(matrices(dtype, 20, 20))
        low = np.tril(a) + np.triu(np.full_like(a, np.nan), 1)
        check(np.linalg.cholesky, low)
        check(lambda a: np.linalg.cholesky(a, upper=True), low.conj().T.copy())
        check(lambda a: np.linalg.cholesky(a) + a, a)


def test_zeros_on_the_diagonal_of_a_triangle() -> None:
    a = np.array([[1.0, 0.0], [2.0, 0.0]])
    for dtype in (np.float64, np.complex128):
        for g in (False, True):
            f = wg.jit(lambda a, b, g=g: linalg.solve_triangular(a.T if g else a, b, lower=not g))
            for _ in range(3):
                with pytest.raises(np.linalg.LinAlgError, match="a diagonal entry is zero"):
                    f(a.astype(dtype), np.ones(2, dtype))
    wg.jit(lambda a, b: linalg.solve_triangular(a, b, lower=True))(a + np.eye(2), np.ones(2))


@pytest.mark.parametrize("dtype", DTYPES)
def test_cofactors(dtype: Any) -> None:
    """The gradient of a determinant shares its factorization, also where that is of no use."""
    gradient = wg.holomorphic_grad if np.dtype(dtype).kind == "c" else wg.grad

    def f(a: Any) -> Any:
        return np.sum(np.linalg.det(a) * np.arange(1, 4).astype(a.dtype))

    def both(a: Any) -> Any:
        return f(a), gradient(f)(a)

    stack = matrices(dtype, 3, 4, 4)
    counts = factored(both, stack)
    assert (counts["lu_factor"], counts["lu_inverse"]) == (1, 1)
    assert called(both, stack) == {"cofactors_where": 1}
    check(both, stack, tolerance=512)
    stack[1, :, 2] = stack[1, :, 0]
    check(both, stack, tolerance=512)
    stack[2] = 0
    check(both, stack, tolerance=512)
    check(lambda a: (np.linalg.inv(a), wg.grad(np.linalg.det)(a.T)), stack[0].real.copy())


# ------------------------------------------------------------------ memory


def test_operands_that_others_read() -> None:
    a, b = matrices(np.float64, 12, 12), matrices(np.float64, 12, 12, seed=1)

    def f(a: Any, b: Any) -> Any:
        t, s = a.T + 1.0, b.T * 2.0
        y = np.linalg.solve(t.T, s.T)
        return y, t, s, np.linalg.inv(t.T), y @ t, np.linalg.solve(y + t, s), np.linalg.det(t)

    check(f, a, b, tolerance=1024)
    check(lambda a: (np.linalg.inv(a), np.linalg.inv(a)), a)
    check(lambda a: (np.linalg.cholesky(spd(a)), spd(a)), a)
    check(lambda a, b: (linalg.solve_triangular(a, b, lower=True), b * 2, b), a, b)
    check(lambda a, b: linalg.solve_triangular(a, np.zeros_like(b) + 1.0), a, b)


def test_arguments_that_are_given_away() -> None:
    a, b = matrices(np.float64, 12, 12), matrices(np.float64, 12, 3)
    f = wg.jit(lambda a, b: a - 0.1 * np.linalg.inv(a).T @ b @ b.T, donate_argnums=0)
    expected = a - 0.1 * np.linalg.inv(a).T @ b @ b.T
    for _ in range(3):
        given = a.copy()
        np.testing.assert_allclose(f(given, b), expected, rtol=1e-12)
    g = wg.jit(lambda a, b: np.linalg.solve(a, b), donate_argnums=(0, 1))
    for _ in range(3):
        np.testing.assert_allclose(g(a.copy(), b.copy()), np.linalg.solve(a, b), rtol=1e-12)


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_between_what_threads_share(threads: int) -> None:
    x, w = matrices(np.float64, 4000, 40), matrices(np.float64, 40, 40)

    def f(x: Any, w: Any) -> Any:
        gram = np.tanh(x @ w).T @ np.exp(np.sin(x)) + 1e5 * np.eye(40)
        y = np.cos(x @ np.linalg.inv(gram)) * np.exp(x)
        z = np.tanh(y) @ np.linalg.solve(gram, w)
        return np.sum(z * z), z

    expected = f(x, w)
    jitted = wg.jit(f, threads=threads)
    plan = str(jitted.lower(x, w).plan.steps)
    assert ("parts=" + str(threads) in plan) or threads == 1
    for _ in range(20):
        for a, b in zip(jitted(x, w), expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-10)


# ------------------------------------------------------------------ with everything else


def test_transforms_of_compiled_functions() -> None:
    a, b = matrices(np.float64, 5, 5), matrices(np.float64, 5, 2)
    jitted = wg.jit(loss)
    np.testing.assert_allclose(wg.grad(jitted)(a, b), wg.grad(loss)(a, b), rtol=1e-10)
    np.testing.assert_allclose(
        wg.grad(lambda a: np.sum(wg.grad(jitted)(a, b) ** 2))(a),
        wg.grad(lambda a: np.sum(wg.grad(loss)(a, b) ** 2))(a), rtol=1e-8,
    )  # fmt: skip
    v = matrices(np.float64, 5, 5, seed=2)
    np.testing.assert_allclose(
        wg.jvp(lambda a: jitted(a, b), (a,), (v,))[1],
        wg.jvp(lambda a: loss(a, b), (a,), (v,))[1], rtol=1e-10,
    )  # fmt: skip
    stack = matrices(np.float64, 3, 5, 5)
    np.testing.assert_allclose(
        wg.vmap(jitted, in_axes=(0, None))(stack, b), [loss(s, b) for s in stack], rtol=1e-10
    )
    check(lambda a: wg.hessian(lambda a: loss(a, b))(a), a, tolerance=1e5)


def test_code_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WENGERT_CACHE", str(tmp_path))
    a, b = matrices(np.float64, 5, 5), matrices(np.float64, 5, 2)
    for _ in range(2):
        f = wg.jit(loss)
        np.testing.assert_allclose(f(a, b), loss(a, b), rtol=1e-10)
        with pytest.raises(np.linalg.LinAlgError, match="Singular matrix"):
            f(np.zeros((5, 5)), b)
    assert list(tmp_path.rglob("*"))


def test_times_of_steps() -> None:
    a, b = matrices(np.float64, 30, 30), matrices(np.float64, 30, 2)
    stages = wg.jit(loss).lower(a, b)
    assert "lapack lu_factor 30 x 30 d" in str(stages.profile(0.02))
    assert stages.cost()["flops"] > 2 * 30**3 // 3
