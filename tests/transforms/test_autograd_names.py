"""The functions of HIPS autograd: the same names, arguments and results."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import numpy as np
import pytest

import wengert as wg

rng = np.random.default_rng(2)
X = rng.normal(size=3)
V = rng.normal(size=3)
M = rng.normal(size=(3, 3))


def scalar(np_: Any) -> Any:
    return lambda x, y=1.0: np_.sum(np_.sin(x) * x * y) + x[0] * x[1]


def vector(np_: Any) -> Any:
    return lambda x: np_.tanh(np_.dot(M, x)) * x


def stacked(np_: Any) -> Any:
    return lambda x: np_.reshape(np_.concatenate([np_.sin(x), x * x]), (2, 3))


f, h, k = scalar(np), vector(np), stacked(np)


def arguments_by_name(a, b=2.0, *c, d, **e):
    return a * b * c[0] * d * e["z"]


def test_make_vjp():
    pullback, value = wg.make_vjp(h)(X)
    np.testing.assert_allclose(value, h(X))
    np.testing.assert_allclose(pullback(V), V @ wg.jacobian(h)(X))
    pullback, value = wg.make_vjp(f, (0, 1))(X, 2.0)
    gx, gy = pullback(1.0)
    np.testing.assert_allclose(gx, wg.grad(f)(X, 2.0))
    np.testing.assert_allclose(gy, wg.grad(f, 1)(X, 2.0))


def test_make_jvp():
    value, tangent = wg.make_jvp(h)(X)(V)
    np.testing.assert_allclose(value, h(X))
    np.testing.assert_allclose(tangent, wg.jacobian(h)(X) @ V)
    _, tangent = wg.make_jvp(f, 1)(X, 2.0)(1.0)
    np.testing.assert_allclose(tangent, wg.grad(f, 1)(X, 2.0))


def test_hessian_products():
    expected = wg.hessian(f)(X, 2.0) @ V
    product, gradient = wg.make_hvp(f)(X, 2.0)
    np.testing.assert_allclose(product(V), expected)
    np.testing.assert_allclose(gradient, wg.grad(f)(X, 2.0))
    np.testing.assert_allclose(wg.hessian_vector_product(f)(X, 2.0, V), expected)
    matrix = lambda a: np.sum(np.sin(a) * a.T)  # noqa: E731
    tensor = np.tensordot(wg.hessian(matrix)(M), M, 2)
    np.testing.assert_allclose(wg.hessian_tensor_product(matrix)(M, M), tensor)


def test_jacobian_products():
    jacobian = wg.jacobian(k)(X)
    tensor = rng.normal(size=(2, 3))
    row = rng.normal(size=2)
    np.testing.assert_allclose(
        wg.tensor_jacobian_product(k)(X, tensor), np.tensordot(tensor, jacobian, 2)
    )
    np.testing.assert_allclose(
        wg.vector_jacobian_product(k)(X, row), np.tensordot(row, jacobian, 1)
    )
    with pytest.raises(wg.WengertTypeError, match="does not fit"):
        wg.vector_jacobian_product(k)(X, np.zeros(5))


def test_gauss_newton_products():
    j = wg.jacobian(h)(X)
    np.testing.assert_allclose(wg.make_ggnvp(h)(X)(V), j.T @ j @ V)
    loss = lambda y: np.sum(np.exp(y))  # noqa: E731
    expected = j.T @ np.diag(np.exp(h(X))) @ j @ V
    np.testing.assert_allclose(wg.make_ggnvp(h, loss)(X)(V), expected)


def test_multigrad_dict():
    gradients = wg.multigrad_dict(arguments_by_name)(1.0, 3.0, 4.0, 5.0, d=2.0, z=7.0)
    assert isinstance(gradients, OrderedDict)
    assert list(gradients) == ["a", "b", "c", "d", "e"]
    assert gradients["a"] == 168
    assert gradients["c"] == (42, 0)
    assert gradients["e"] == {"z": 24}
    assert wg.multigrad_dict(lambda x, y=2.0: x * y)(3.0)["y"] == 3.0


def test_deriv():
    np.testing.assert_allclose(wg.deriv(np.sin)(0.5), np.cos(0.5))
    np.testing.assert_allclose(wg.deriv(h)(X), wg.jvp(h, (X,), (np.ones(3),))[1])
    np.testing.assert_allclose(wg.deriv(lambda a, b: a * b, 1)(2.0, 3.0), 2.0)
    assert wg.deriv(np.sin)(np.float32(0.5)).dtype == np.float32


def test_grad_named():
    g = wg.grad_named(lambda first, second: first * second**2, "second")
    assert g(2.0, 3.0) == 12.0
    with pytest.raises(wg.WengertValueError, match="no argument 'third'.* first, second"):
        wg.grad_named(lambda first, second: first, "third")


def test_make_jvp_reversemode():
    from wengert.differential_operators import make_jvp_reversemode

    np.testing.assert_allclose(make_jvp_reversemode(h)(X)(V), wg.make_jvp(h)(X)(V)[1])
    np.testing.assert_allclose(make_jvp_reversemode(f, 1)(X, 2.0)(3.0), 3 * wg.grad(f, 1)(X, 2.0))


@pytest.mark.parametrize(
    "name", ["grad", "value_and_grad", "grad_and_aux", "elementwise_grad", "jacobian", "hessian"]
)
def test_argnum_by_keyword(name):
    function = (lambda x, y: (x * y**3, None)) if name == "grad_and_aux" else lambda x, y: x * y**3
    transform = getattr(wg, name)
    for argnum in (1, (0, 1)):
        by_name, by_place = transform(function, argnum=argnum), transform(function, argnum)
        assert wg.tree.leaves(by_name(2.0, 3.0)) == wg.tree.leaves(by_place(2.0, 3.0))
    with pytest.raises(wg.WengertTypeError, match=f"{name}: argnums=1 and argnum=0"):
        transform(function, 1, argnum=0)


def test_holomorphic_grad_by_argnum():
    g = wg.holomorphic_grad(lambda a, z: a * z**2, argnum=1)
    np.testing.assert_allclose(g(3.0, 1 + 2j), 6 * (1 + 2j))


def test_they_nest():
    product, _ = wg.make_hvp(lambda x: np.sum(x**3))(X)
    third = wg.jacobian(lambda v: product(v))(V)
    np.testing.assert_allclose(third, np.diag(6 * X))
    inner = lambda x: np.sum(wg.make_vjp(np.sin)(x)[0](x))  # noqa: E731
    np.testing.assert_allclose(wg.grad(inner)(X), np.cos(X) - X * np.sin(X))


def _reversemode(library):
    return getattr(library, "differential_operators", library).make_jvp_reversemode


@pytest.mark.peers
def test_agreement_with_autograd():
    autograd = pytest.importorskip("autograd")
    import autograd.numpy as anp
    from autograd import differential_operators as theirs

    assert autograd
    tensor = rng.normal(size=(2, 3))
    calls = {
        "deriv": lambda o, n: o.deriv(vector(n))(X),
        "grad_named": lambda o, n: o.grad_named(scalar(n), "y")(X, 2.0),
        "elementwise_grad": lambda o, n: o.elementwise_grad(vector(n))(X),
        "hessian": lambda o, n: o.hessian(vector(n))(X),
        "jacobian": lambda o, n: o.jacobian(stacked(n), argnum=0)(X),
        "value_and_grad": lambda o, n: o.value_and_grad(scalar(n), argnum=1)(X, 2.0),
        "grad_and_aux": lambda o, n: o.grad_and_aux(lambda x: (n.sum(x**2), x * 2))(X),
        "holomorphic_grad": lambda o, n: o.holomorphic_grad(n.sin)(1 + 2j),
        "make_jvp_reversemode": lambda o, n: _reversemode(o)(vector(n))(X)(V),
        "checkpoint": lambda o, n: o.grad(o.checkpoint(scalar(n)), argnum=(0, 1))(X, 2.0),
        "make_vjp": lambda o, n: o.make_vjp(scalar(n), (0, 1))(X, 2.0)[0](1.0),
        "make_jvp": lambda o, n: o.make_jvp(vector(n))(X)(V),
        "make_hvp": lambda o, n: o.make_hvp(scalar(n))(X, 2.0)[0](V),
        "make_ggnvp": lambda o, n: o.make_ggnvp(vector(n))(X)(V),
        "hessian_vector_product": lambda o, n: o.hessian_vector_product(scalar(n))(X, 2.0, V),
        "hessian_tensor_product": lambda o, n: o.hessian_tensor_product(scalar(n))(X, 2.0, V),
        "vector_jacobian_product": lambda o, n: o.vector_jacobian_product(stacked(n))(X, V[:2]),
        "tensor_jacobian_product": lambda o, n: o.tensor_jacobian_product(stacked(n))(X, tensor),
    }
    for name, call in calls.items():
        ours, expected = call(wg, np), call(theirs, anp)
        for a, b in zip(wg.tree.leaves(ours), wg.tree.leaves(expected), strict=True):
            np.testing.assert_allclose(a, b, err_msg=name)
