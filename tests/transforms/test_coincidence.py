"""Derivatives where eigenvalues or singular values coincide, against closed forms."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert.core.state import LOCAL
from wengert.scipy import linalg

RNG = np.random.default_rng(4)
B = RNG.normal(size=(3, 3))
B = B + B.T
ROTATION = np.linalg.qr(RNG.normal(size=(3, 3)))[0]
REPEATED = {
    "identity": np.eye(3),
    "all equal": 2.5 * np.eye(3),
    "two equal": np.diag([2.0, 2.0, 5.0]),
    "two equal, turned": (ROTATION * [2.0, 2.0, 5.0]) @ ROTATION.T,
    "two near zero": np.diag([0.01, 0.01, 1.0]),
}
# Scalar functions, and the same functions of matrices.
FUNCTIONS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "exp": (np.exp, linalg.expm),
    "log": (np.log, linalg.logm),
    "sqrt": (np.sqrt, linalg.sqrtm),
    "inverse": (lambda w: 1 / w, np.linalg.inv),
    "cube": (lambda w: w**3, lambda a: a @ a @ a),
}


def spectral(f: Callable[..., Any]) -> Callable[..., Any]:
    """``tr(B V f(w) V^T)``."""

    def function(a: Any) -> Any:
        w, v = np.linalg.eigh(a)
        return np.sum(B * ((v * f(w)) @ v.T))

    return function


def symmetric(x: Any) -> Any:
    return (x + x.T) / 2


@pytest.mark.parametrize("where", REPEATED)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_of_symmetric_matrices(name: str, where: str) -> None:
    """First derivatives of both modes, and second ones, are those of the matrix function."""
    f, of_matrix = FUNCTIONS[name]
    a = REPEATED[where]
    by_eigenvalues = spectral(f)

    def direct(a: Any) -> Any:
        return np.sum(B * of_matrix(symmetric(a)))

    expected = wg.grad(direct)(a)
    scale = np.abs(expected).max()
    for found in (wg.grad(by_eigenvalues)(a), wg.vjp(by_eigenvalues, a)[1](1.0)[0]):
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9 * scale)
    t = RNG.normal(size=(3, 3))
    found = wg.jvp(by_eigenvalues, (a,), (t,))[1]
    np.testing.assert_allclose(found, np.sum(expected * t), rtol=1e-8, atol=1e-8 * scale)
    expected = wg.hessian(direct)(a)
    scale = np.abs(expected).max()
    found = wg.hessian(by_eigenvalues)(a)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-7 * scale)
    found = wg.hvp(by_eigenvalues, a, t)
    np.testing.assert_allclose(found, np.tensordot(expected, t), rtol=1e-6, atol=1e-6 * scale)
    found = wg.jvp(wg.grad(by_eigenvalues), (a,), (t,))[1]
    np.testing.assert_allclose(found, np.tensordot(expected, t), rtol=1e-6, atol=1e-6 * scale)


@pytest.mark.parametrize("where", REPEATED)
def test_functions_of_eigenvalues_alone(where: str) -> None:
    a = REPEATED[where]
    for f, of_matrix in (
        (np.sum, np.trace),
        (lambda w: np.sum(w**2), lambda a: np.sum(a * a.T)),
        (np.prod, np.linalg.det),
    ):
        for eigenvalues in (np.linalg.eigvalsh, lambda a: np.real(np.linalg.eigvals(symmetric(a)))):

            def function(a: Any, f: Any = f, eigenvalues: Any = eigenvalues) -> Any:
                return f(eigenvalues(a))

            def direct(a: Any, of_matrix: Any = of_matrix) -> Any:
                return of_matrix(symmetric(a))

            np.testing.assert_allclose(wg.grad(function)(a), wg.grad(direct)(a), 1e-9, 1e-10)
            np.testing.assert_allclose(wg.hessian(function)(a), wg.hessian(direct)(a), 1e-6, 1e-7)


@pytest.mark.parametrize("scale", [1.0, 3.0])
def test_singular_values(scale: float) -> None:
    """The nuclear norm and the polar factor are smooth at multiples of orthogonal matrices."""
    a = scale * ROTATION
    np.testing.assert_allclose(wg.grad(lambda x: np.linalg.norm(x, "nuc"))(a), ROTATION, atol=1e-12)

    def factor(x: Any) -> Any:
        u, _, vh = np.linalg.svd(x)
        return u @ vh

    # The orthogonal factor X (X^T X)^(-1/2), whose gradient is the antisymmetric part over s.
    t = RNG.normal(size=(3, 3))
    expected = (t - ROTATION @ t.T @ ROTATION) / (2 * scale)
    np.testing.assert_allclose(wg.jvp(factor, (a,), (t,))[1], expected, atol=1e-10)
    hessian = wg.hessian(lambda x: np.linalg.norm(x, "nuc"))(a)
    np.testing.assert_allclose(np.tensordot(hessian, t), expected, atol=1e-9)
    np.testing.assert_allclose(
        wg.grad(lambda x: np.sum(B * linalg.polar(x)[0]))(a),
        (B - ROTATION @ B.T @ ROTATION) / (2 * scale),
        atol=1e-10,
    )


def test_squares_of_singular_values_at_zero() -> None:
    """``V s^2 V^T`` is ``A^T A``, also where ``A`` has no full rank."""

    def square(a: Any) -> Any:
        _, s, vh = np.linalg.svd(a, full_matrices=False)
        return np.sum(B * ((vh.T * s**2) @ vh))

    for a in (np.zeros((3, 3)), np.diag([1.0, 0.0, 0.0]), np.ones((4, 3))):
        np.testing.assert_allclose(wg.grad(square)(a), 2 * a @ B, atol=1e-9)


def test_general_matrices() -> None:
    """``V f(w) V^-1`` at a matrix with a double eigenvalue and all its eigenvectors."""
    p = RNG.normal(size=(3, 3)) + 2 * np.eye(3)
    a = p @ np.diag([1.0, 1.0, 3.0]) @ np.linalg.inv(p)

    def by_eigenvalues(a: Any) -> Any:
        return np.sum(B * np.real(linalg.funm(a, np.exp)))

    def direct(a: Any) -> Any:
        return np.sum(B * linalg.expm(a))

    np.testing.assert_allclose(wg.grad(by_eigenvalues)(a), wg.grad(direct)(a), rtol=1e-6)


def test_stacks_and_vmap() -> None:
    stack = np.stack([*REPEATED.values(), B])
    f = spectral(np.exp)
    expected = np.stack(
        [wg.grad(lambda a: np.sum(B * linalg.expm(symmetric(a))))(a) for a in stack]
    )
    found = wg.vmap(wg.grad(f))(stack)
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-8)
    found = wg.grad(lambda x: np.sum(wg.vmap(f)(x)))(stack)
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-8)


def test_single_precision() -> None:
    a = np.eye(3, dtype=np.float32)
    found = wg.grad(lambda a: np.sum(B.astype(np.float32) * _logarithm(a)))(a)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, B, rtol=2e-3)


def _logarithm(a: Any) -> Any:
    w, v = np.linalg.eigh(a)
    return (v * np.log(w)) @ v.T


def test_what_has_no_derivative_is_not_finite() -> None:
    """An entry of an eigenvector of coinciding eigenvalues; nothing is made up."""
    found = wg.grad(lambda a: np.linalg.eigh(a)[1][0, 1])(np.eye(2))
    assert not np.isfinite(found).all()
    assert np.isnan(
        wg.jvp(lambda a: np.linalg.eigh(a)[1], (np.eye(2),), (np.ones((2, 2)),))[1]
    ).any()


def test_the_usual_run_is_the_only_one() -> None:
    runs = []

    def counted(a: Any) -> Any:
        runs.append(1)
        return np.sum(np.linalg.eigh(a)[1] ** 3)

    wg.grad(counted)(REPEATED["two equal"] + np.diag([0.1, 0.0, 0.0]))
    assert len(runs) == 1
    wg.grad(lambda a: np.sum(np.linalg.eigvalsh(a)) + 0 * len(runs))(np.eye(3))
    assert len(runs) == 1
    wg.grad(spectral(lambda w: (counted(np.diag([1.0, 2.0])), np.exp(w))[1]))(np.eye(3))
    assert len(runs) == 8


def test_state_is_reset_after_an_error() -> None:
    def fails(a: Any) -> Any:
        raise RuntimeError("by the user")

    for transform in (wg.grad, wg.jacrev, wg.hessian, wg.vmap):
        with pytest.raises(RuntimeError, match="by the user"):
            transform(fails)(np.eye(2))
        assert LOCAL.split == 0
    with pytest.raises(RuntimeError, match="by the user"):
        wg.vjp(fails, np.eye(2))
    assert LOCAL.split == 0


def test_threads_do_not_disturb_each_other() -> None:
    f, expected = spectral(np.log), np.asarray(B)
    found: list[Any] = []

    def work() -> None:
        for _ in range(5):
            found.append(wg.grad(f)(np.eye(3)))

    threads = [threading.Thread(target=work) for _ in range(3)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(found) == 15
    for g in found:
        np.testing.assert_allclose(g, expected, atol=1e-9)


def test_pullbacks_keep_their_point() -> None:
    """Arguments that the caller changes afterwards do not reach the second run."""
    a = np.eye(3)
    _, pullback = wg.vjp(spectral(np.log), a)
    a[...] = 7.0
    np.testing.assert_allclose(pullback(1.0)[0], B, atol=1e-9)


def test_values_are_those_of_the_plain_run() -> None:
    a = REPEATED["two equal"]
    value, _ = wg.value_and_grad(spectral(np.exp))(a)
    assert value == spectral(np.exp)(a)


def backward_gradient(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def gradient(a: Any) -> Any:
        t = wg.Tensor(a, requires_grad=True)
        f(t).backward()
        return t.grad

    return gradient


IN_DEBUG: dict[str, Callable[[Any], Callable[[Any], Any]]] = {
    "grad": wg.grad,
    "value_and_grad": lambda f: lambda a: wg.value_and_grad(f)(a)[1],
    "vjp": lambda f: lambda a: wg.vjp(f, a)[1](1.0)[0],
    "jacrev": wg.jacrev,
    "jacfwd": wg.jacfwd,
    "backward": backward_gradient,
}


@pytest.mark.parametrize("transform", IN_DEBUG)
def test_a_debug_block_does_not_stop_where_there_is_a_limit(transform: str) -> None:
    a = REPEATED["two equal"]
    gradient = IN_DEBUG[transform]
    expected = gradient(spectral(np.exp))(a)
    with wg.debug():
        np.testing.assert_allclose(gradient(spectral(np.exp))(a), expected, rtol=1e-12)
        with pytest.raises(wg.NonFiniteError, match="eigh"):  # one entry has no derivative here
            gradient(lambda a: np.linalg.eigh(a)[1][0, 1])(np.eye(2))
    assert LOCAL.split == 0


@pytest.mark.parametrize("transform", IN_DEBUG)
def test_a_debug_block_stops_at_another_nan_beside_a_coincidence(transform: str) -> None:
    def poisoned(a: Any) -> Any:
        return spectral(np.exp)(a) + np.sum(np.sqrt(np.sum(a) - 9.0))

    def inner(a: Any) -> Any:
        return spectral(np.exp)(a) + (np.sum(a) - 9.0) ** 0.5

    with wg.debug():
        for function in (poisoned, inner):
            with pytest.raises(wg.NonFiniteError, match="sqrt|power|\\*\\*"):
                IN_DEBUG[transform](function)(REPEATED["two equal"])


COMPILED: dict[str, Callable[[Any], Callable[[Any], Any]]] = {
    "grad": wg.grad,
    "jacfwd": wg.jacfwd,
    "hessian": wg.hessian,
    "vmap of grad": lambda f: lambda a: wg.vmap(wg.grad(f))(np.stack([a, a])),
    "jit": lambda f: wg.jit(wg.grad(f)),
}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("backend", [None, "numpy"])
@pytest.mark.parametrize("transform", COMPILED)
def test_inside_of_jit(transform: str, backend: str | None) -> None:
    """Regression: what a transform inside of `jit` recorded was NaN."""
    if backend is None:
        pytest.importorskip("llvmlite")
    for a in REPEATED.values():
        function = COMPILED[transform](spectral(np.log))
        compiled = wg.jit(function, backend=backend)
        for _ in range(3):
            np.testing.assert_allclose(compiled(a), function(a), rtol=1e-7, atol=1e-8)
    assert LOCAL.split == 0


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_inside_of_jit_nothing_is_made_up() -> None:
    """Neither an entry of an eigenvector nor a value that is NaN; donated arrays are read twice."""
    entry = wg.jit(wg.grad(lambda a: np.linalg.eigh(a)[1][0, 1]))(np.eye(2))
    assert not np.isfinite(entry).all()

    def quotient(a: Any) -> Any:
        w = np.linalg.eigvalsh(a)
        return (w[1] - w[0]) / (w[1] - w[0])

    assert np.isnan(wg.jit(quotient)(np.eye(2)))
    a = REPEATED["two equal"]

    def step(a: Any) -> Any:
        return a - 0.1 * wg.grad(spectral(np.log))(a)

    np.testing.assert_allclose(wg.jit(step, donate_argnums=0)(a.copy()), step(a), rtol=1e-9)
