"""``backward()`` where eigenvalues or singular values coincide finds what the transforms find."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert import extend
from wengert.core.state import LOCAL
from wengert.scipy import linalg

from ..transforms.test_coincidence import REPEATED, B

RNG = np.random.default_rng(4)


def spectral(f: Callable[..., Any]) -> Callable[..., Any]:
    """``tr(B V f(w) V^T)``."""

    def function(a: Any) -> Any:
        w, v = np.linalg.eigh(a)
        return np.sum(B * ((v * f(w)) @ v.T))

    return function


def gradient(f: Callable[..., Any], a: Any) -> Any:
    x = wg.Tensor(a, requires_grad=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        f(x).backward()
    return x.grad


@pytest.mark.parametrize("where", REPEATED)
@pytest.mark.parametrize("f", [np.exp, np.log], ids=["exp", "log"])
def test_functions_of_symmetric_matrices(f: Any, where: str) -> None:
    of_matrix = {np.exp: linalg.expm, np.log: linalg.logm}[f]
    expected = wg.grad(lambda a: np.sum(B * of_matrix((a + a.T) / 2)))(REPEATED[where])
    np.testing.assert_allclose(gradient(spectral(f), REPEATED[where]), expected, atol=1e-9)


def test_general_and_singular() -> None:
    def by_svd(a: Any) -> Any:
        u, s, vh = np.linalg.svd(a)
        return np.sum(B * ((u * s**3) @ vh))

    np.testing.assert_allclose(
        gradient(by_svd, np.eye(3)),
        wg.grad(lambda a: np.sum(B * (a @ a.T @ a)))(np.eye(3)),
        atol=1e-9,
    )

    def by_eig(a: Any) -> Any:
        w, v = np.linalg.eig(a)
        return np.sum(B * np.real((v * w**2) @ np.linalg.inv(v)))

    a = np.diag([2.0, 2.0, 3.0])
    np.testing.assert_allclose(
        gradient(by_eig, a), wg.grad(lambda a: np.sum(B * (a @ a)))(a), atol=1e-8
    )


def test_around_it() -> None:
    """Before and after the eigenvalues: writes, views, values that are held, other leaves."""
    scale = np.array([1.0, 2.0, 3.0])

    def before(x: Any) -> Any:
        y = x * 1.0
        y[1:] *= 2
        y /= scale * [1, 2, 2]
        return y

    def after(f: Any, c: Any) -> Any:
        z = np.sin(f) * c
        z[0] += 3 * f[1]
        return np.sum(z.reshape(-1) ** 2)

    def function(x: Any, c: Any) -> Any:
        w, v = np.linalg.eigh(np.eye(3) * before(x))
        return after((v * np.exp(w)) @ v.T, c)

    x, c = wg.Tensor(scale, requires_grad=True), wg.Tensor(B, requires_grad=True)
    held = before(x)
    w, v = np.linalg.eigh(np.eye(3) * held)
    y = (v * np.exp(w)) @ v.T
    after(y, c).backward()
    gx, gc_ = wg.grad(function, (0, 1))(scale, B)
    np.testing.assert_allclose(x.grad, gx, atol=1e-8)
    np.testing.assert_allclose(c.grad, gc_, atol=1e-8)
    assert np.isfinite(gx).all()
    np.testing.assert_allclose(held.grad, gx * scale * [1, 1, 1], atol=1e-8)
    np.testing.assert_allclose(y.grad, wg.grad(after)(y.numpy(), B), atol=1e-10)


def test_gradients_add_up_and_order_is_filled() -> None:
    x = wg.Tensor(np.eye(3), requires_grad=True)
    for _ in range(2):
        order = spectral(np.log)(x * 1.0).backward()
    np.testing.assert_allclose(x.grad, 2 * B, atol=1e-9)
    inner = next(t for t in order if t.grad_fn_name == "<MulBackward>" and t.shape == (3, 3))
    assert inner.grad is not None


def test_recorded_gradients() -> None:
    """``create_graph``: the second derivative is the limit, too."""
    direction = RNG.normal(size=(3, 3))
    expected = wg.grad(lambda a: np.sum(direction * wg.grad(spectral(np.exp))(a)))(np.eye(3))
    x = wg.Tensor(np.eye(3), requires_grad=True)
    spectral(np.exp)(x).backward(create_graph=True)
    g = x.grad
    assert isinstance(g, wg.Tensor)
    np.testing.assert_allclose(g.numpy(), np.e * B, atol=1e-9)
    x.zero_grad()
    np.sum(direction * g).backward()
    np.testing.assert_allclose(x.grad, expected, atol=1e-6)


def test_under_no_grad_and_in_single_precision() -> None:
    x = wg.Tensor(np.eye(3, dtype=np.float32), requires_grad=True)
    y = spectral(np.exp)(x)
    with wg.no_grad():
        y.backward()
    assert x.grad.dtype == np.float32
    np.testing.assert_allclose(x.grad, np.e * B, rtol=1e-4)


def test_only_what_depends_on_them_runs_again() -> None:
    calls = []

    @extend.primitive
    def counted(x: Any) -> Any:
        calls.append(1)
        return 2 * x

    extend.defvjp(counted, lambda y, x: lambda g: 2 * g)
    x = wg.Tensor(np.eye(3) / 2, requires_grad=True)
    spectral(np.log)(counted(x)).backward()
    assert len(calls) == 2  # with the evaluation that finds where values coincide
    np.testing.assert_allclose(x.grad, 2 * B, atol=1e-9)


def test_no_second_run_without_need(monkeypatch: pytest.MonkeyPatch) -> None:
    from wengert.core import history

    def refuse(*args: Any) -> Any:
        raise AssertionError("a second run")

    monkeypatch.setattr(history, "with_limits", refuse)
    x = wg.Tensor(np.eye(3), requires_grad=True)
    np.sum(np.linalg.eigh(x)[0] ** 2).backward()
    np.testing.assert_allclose(x.grad, 2 * np.eye(3))


def test_what_has_no_derivative_stays_nan() -> None:
    x = wg.Tensor(np.eye(3), requires_grad=True)
    np.linalg.eigh(x)[1][0, 1].backward()
    assert not np.isfinite(x.grad).all()
    assert LOCAL.split == 0.0
    # NaN for another reason, although values have coincided somewhere.
    x = wg.Tensor([np.nan, 1.0], requires_grad=True)
    np.sum(x * x).backward()
    np.testing.assert_array_equal(x.grad, [np.nan, 2.0])


def test_what_cannot_run_again_is_said() -> None:
    def own(x: Any) -> Any:
        y = wg.Tensor(x.numpy(), True, (x,), lambda g: np.add(x.grad, g, out=x.grad), "<Own>")
        return y

    # Before the eigenvalues it need not run again.
    x = wg.Tensor(np.eye(3), requires_grad=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        spectral(np.log)(own(x)).backward()
    np.testing.assert_allclose(x.grad, B, atol=1e-9)
    x = wg.Tensor(np.eye(3), requires_grad=True)
    w, v = np.linalg.eigh(x)
    with pytest.warns(RuntimeWarning, match=r"<Own> is the user's. Use wengert\.grad") as caught:
        np.sum(B * ((own(v) * np.log(w)) @ v.T)).backward()
    assert caught[0].filename == __file__
    # A parameter that has been updated in between.
    x = wg.Tensor(np.eye(3), requires_grad=True)
    y = spectral(np.exp)(x + np.zeros((3, 3)))
    x.array[...] *= 2
    gc.collect()
    with pytest.warns(RuntimeWarning, match="has been changed since"):
        y.backward()
