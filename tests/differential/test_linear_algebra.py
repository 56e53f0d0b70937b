"""Linear algebra against JAX and PyTorch, where they are installed: gradients and Hessians."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import wengert as wg
import wengert.numpy as wnp
from wengert.scipy import linalg

RNG = np.random.default_rng(11)
A = RNG.normal(size=(3, 3)) + 3 * np.eye(3)
B = RNG.normal(size=(3, 2))
TALL = RNG.normal(size=(4, 2))
STACK = RNG.normal(size=(2, 3, 3)) + 3 * np.eye(3)
Z = A + 1j * RNG.normal(size=(3, 3))

pytestmark = [
    pytest.mark.peers,
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),  # their own
]

Function = Callable[[Any, Any, Any], Any]  # of the modules like numpy and scipy.linalg, and x


def _hermitian(x: Any) -> Any:
    return x + x.conj().swapaxes(-1, -2)


def _positive(np: Any, x: Any) -> Any:
    return x @ x.conj().swapaxes(-1, -2) + np.eye(x.shape[-1])


def _vectors(np: Any, w: Any, v: Any) -> Any:
    return np.sum(np.abs(v * w[..., None, :]) ** 3)


# What does not depend on signs, phases and arbitrary bases.
FUNCTIONS: dict[str, tuple[Function, list[Any]]] = {
    "solve": (lambda np, sp, x: np.sum(np.linalg.solve(x, B) ** 3), [A, STACK]),
    "inv": (lambda np, sp, x: np.sum(np.abs(np.linalg.inv(x)) ** 3), [A, STACK, Z]),
    "pinv": (lambda np, sp, x: np.sum(np.linalg.pinv(x) ** 3), [TALL, TALL.T]),
    "det": (lambda np, sp, x: np.sum(np.abs(np.linalg.det(x))), [A, STACK, Z]),
    "slogdet": (lambda np, sp, x: np.sum(np.linalg.slogdet(x)[1] ** 2), [A, STACK, Z]),
    "cholesky": (
        lambda np, sp, x: np.sum(np.abs(np.linalg.cholesky(_positive(np, x))) ** 3), [A, Z]
    ),
    "qr": (lambda np, sp, x: np.sum(np.abs(np.linalg.qr(x)[0]) ** 3), [A, TALL, Z]),
    "qr_r": (lambda np, sp, x: np.sum(np.abs(np.linalg.qr(x)[1]) ** 3), [A, TALL, Z]),
    "svd": (
        lambda np, sp, x: np.sum(np.abs(np.linalg.svd(x, full_matrices=False)[0]) ** 3),
        [A, TALL, STACK, Z],
    ),
    "svd_v": (
        lambda np, sp, x: np.sum(np.abs(np.linalg.svd(x, full_matrices=False)[2]) ** 3),
        [A, TALL.T, Z],
    ),
    "svdvals": (lambda np, sp, x: np.sum(np.linalg.svd(x, compute_uv=False) ** 3), [A, TALL, Z]),
    "eigh": (lambda np, sp, x: _vectors(np, *np.linalg.eigh(_hermitian(x))), [A, STACK, Z]),
    "eigvalsh": (lambda np, sp, x: np.sum(np.linalg.eigvalsh(_hermitian(x)) ** 3), [A, Z]),
    "eigvals": (lambda np, sp, x: np.sum(np.abs(np.linalg.eigvals(x)) ** 3), [A, Z]),
    "matrix_power": (lambda np, sp, x: np.sum(np.linalg.matrix_power(x, -2) ** 2), [A, STACK]),
    "norm": (lambda np, sp, x: np.linalg.norm(x) ** 3, [A, TALL, Z]),
    "norm_nuclear": (lambda np, sp, x: np.linalg.norm(x, "nuc"), [A, TALL, Z]),
    "norm_2": (lambda np, sp, x: np.linalg.norm(x, 2), [A, TALL, Z]),
    "cond": (lambda np, sp, x: np.linalg.cond(x), [A]),
    "lstsq": (lambda np, sp, x: np.sum(np.linalg.lstsq(x, np.ones(4))[0] ** 3), [TALL]),
    "multi_dot": (lambda np, sp, x: np.sum(np.linalg.multi_dot([x, x, x]) ** 2), [A]),
    "expm": (lambda np, sp, x: np.sum(np.abs(sp.expm(x / 3)) ** 2), [A, STACK, Z]),
    "solve_triangular": (
        lambda np, sp, x: np.sum(sp.solve_triangular(x, B, lower=True, trans=1) ** 3),
        [A],
    ),
    "cho_solve": (
        lambda np, sp, x: np.sum(sp.cho_solve(sp.cho_factor(_positive(np, x)), B) ** 3), [A],
    ),
    "lu": (lambda np, sp, x: np.sum(np.abs(sp.lu(x)[1] @ sp.lu(x)[2] ** 2) ** 2), [A, Z]),
    "lu_solve": (lambda np, sp, x: np.sum(sp.lu_solve(sp.lu_factor(x), B) ** 3), [A]),
    "block_diag": (lambda np, sp, x: np.sum(sp.block_diag(x, 2 * x)[:4] ** 3), [A]),
    "toeplitz": (lambda np, sp, x: np.sum((sp.toeplitz(x[0], x[1]) @ B) ** 3), [A]),
}  # fmt: skip
CASES = [
    pytest.param(f, x, id=f"{name}-{'x'.join(map(str, x.shape))}-{x.dtype}")
    for name, (f, xs) in FUNCTIONS.items()
    for x in xs
]


@pytest.mark.parametrize(("f", "x"), CASES)
def test_gradients_are_jaxs(f: Function, x: Any) -> None:
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    import jax.numpy as jnp
    import jax.scipy.linalg as jsp

    value, gradient = wg.value_and_grad(lambda x: f(wnp, linalg, x))(x)
    expected, by_jax = jax.value_and_grad(lambda x: f(jnp, jsp, x))(x)
    np.testing.assert_allclose(value, expected, rtol=1e-9)
    np.testing.assert_allclose(gradient, by_jax, rtol=1e-7, atol=1e-8 * np.abs(by_jax).max())


@pytest.mark.parametrize(("f", "x"), [c for c in CASES if c.values[1].dtype == np.float64])
def test_hessians_are_jaxs(f: Function, x: Any) -> None:
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    import jax.numpy as jnp
    import jax.scipy.linalg as jsp

    v = np.cos(np.arange(x.size).reshape(x.shape))
    found = wg.hvp(lambda x: f(wnp, linalg, x), x, v)
    try:
        expected = jax.jvp(jax.grad(lambda x: f(jnp, jsp, x)), (x,), (v,))[1]
    except NotImplementedError:
        pytest.skip("JAX has no second derivative of it")
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-7 * np.abs(expected).max())


def _torch_functions(torch: Any) -> dict[str, tuple[Any, Any, Any]]:
    t = torch.linalg
    return {
        "eig": (
            lambda x: np.sum(np.abs(np.linalg.eig(x)[1] * np.linalg.eig(x)[0]) ** 3),
            lambda x: ((t.eig(x)[1] * t.eig(x)[0]).abs() ** 3).sum(),
            Z,
        ),
        "expm": (lambda x: np.sum(linalg.expm(x)[0]), lambda x: t.matrix_exp(x)[0].sum(), A),
        "full_svd": (
            lambda x: np.sum(np.linalg.svd(x)[1] ** 3),
            lambda x: (t.svd(x)[1] ** 3).sum(),
            TALL,
        ),
        "wide_qr": (
            lambda x: np.sum(np.abs(np.linalg.qr(x)[1]) ** 3),
            lambda x: (t.qr(x)[1].abs() ** 3).sum(),
            TALL.T,
        ),
        "lu": (
            lambda x: np.sum(linalg.lu(x)[1] ** 3) + np.sum(linalg.lu(x)[2] ** 3),
            lambda x: (t.lu(x)[1] ** 3).sum() + (t.lu(x)[2] ** 3).sum(),
            TALL,
        ),
        "tensorsolve": (
            lambda x: np.sum(np.linalg.tensorsolve(x, np.ones((3,))) ** 2),
            lambda x: (t.tensorsolve(x, torch.ones(3, dtype=x.dtype)) ** 2).sum(),
            A,
        ),
    }


@pytest.mark.parametrize("name", ["eig", "expm", "full_svd", "wide_qr", "lu", "tensorsolve"])
def test_gradients_are_pytorchs(name: str) -> None:
    torch = pytest.importorskip("torch")
    ours, theirs, x = _torch_functions(torch)[name]
    leaf = torch.tensor(x, requires_grad=True)
    value = theirs(leaf)
    value.backward()
    found, gradient = wg.value_and_grad(ours)(x)
    np.testing.assert_allclose(found, value.item(), rtol=1e-9)
    # PyTorch's gradient of a complex leaf is the conjugate.
    expected = leaf.grad.numpy().conj()
    np.testing.assert_allclose(gradient, expected, rtol=1e-7, atol=1e-8 * np.abs(expected).max())
