"""linear_transpose: the transpose of linear functions, and the refusal of others."""

from __future__ import annotations

import numpy as np
import pytest

import wengert as wg

rng = np.random.default_rng(1)
A = rng.normal(size=(4, 3))


@pytest.mark.parametrize(
    ("f", "shape"),
    [
        (lambda x: A @ x, (3,)),
        (lambda x: x * 3.0 - x[::-1] / 2, (3,)),
        (lambda x: np.sum(x, axis=0), (2, 3)),
        (lambda x: np.where(A > 0, x, 0.0), (4, 3)),
        (lambda x: x[np.array([0, 0, 2])], (3,)),
        (lambda x: np.reshape(x, (3, 2)).T, (6,)),
        (lambda x: np.zeros(2), (3,)),
    ],
)
def test_inner_products_agree(f, shape):
    x = rng.normal(size=shape)
    y = np.asarray(f(x))
    ct = rng.normal(size=y.shape)
    (back,) = wg.linear_transpose(f, np.zeros(shape))(ct)
    assert back.shape == shape
    np.testing.assert_allclose(np.sum(ct * y), np.sum(back * x))


def test_only_shapes_matter_and_containers():
    def f(p, z):
        return {"a": 2 * p["u"] + z, "b": np.sum(z)}

    back = wg.linear_transpose(f, {"u": np.full(3, np.nan)}, np.full(3, np.inf))
    u, z = back({"a": np.arange(3.0), "b": 1.0})
    np.testing.assert_allclose(u["u"], [0, 2, 4])
    np.testing.assert_allclose(z, [1, 2, 3])


def test_is_differentiable_and_transposes_back():
    back = wg.linear_transpose(lambda x: A @ x, np.zeros(3))
    np.testing.assert_allclose(wg.jacrev(lambda y: back(y)[0])(np.zeros(4)), A.T)
    again = wg.linear_transpose(lambda y: back(y)[0], np.zeros(4))
    np.testing.assert_allclose(again(np.ones(3))[0], A @ np.ones(3))
    np.testing.assert_allclose(wg.vmap(lambda y: back(y)[0])(np.eye(4)), A)


def test_captured_value_is_differentiated():
    def f(c):
        return np.sum(wg.linear_transpose(lambda x: c * x, np.zeros(2))(np.array([1.0, 2.0]))[0])

    assert wg.grad(f)(3.0) == 3.0


@pytest.mark.parametrize("f", [lambda x: x * x, np.sin, np.abs, lambda x: x + 1.0, np.exp])
def test_refuses_what_is_not_linear(f):
    with pytest.raises(wg.WengertValueError, match="not linear"):
        wg.linear_transpose(f, np.zeros(3))


def test_bad_arguments():
    with pytest.raises(wg.WengertTypeError, match="int"):
        wg.linear_transpose(lambda x: x, np.zeros(3, int))
    back = wg.linear_transpose(lambda x: (x, x), np.zeros(3))
    with pytest.raises(wg.WengertValueError, match="structure"):
        back(np.zeros(3))
    with pytest.raises(wg.ShapeError, match="cotangent"):
        back((np.zeros(3), np.zeros(2)))


def test_program_needs_no_values():
    back = wg.linear_transpose(lambda x: A @ x, np.zeros(3))
    assert [e.primitive.name for e in back.program.equations][-1] == "matmul"
