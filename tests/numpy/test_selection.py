"""where, select, choose, piecewise, clip, nan_to_num: values, options, conventions, errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import wengert as wg

from .compare import assert_numpys, constant

RNG = np.random.default_rng(4)
M = RNG.normal(size=(3, 4))
V = RNG.normal(size=5)
S = np.array(0.7)


def test_where() -> None:
    mask = M > 0
    for f in (
        lambda x: np.where(mask, x, 2.0),
        lambda x: np.where(mask, 1, x),
        lambda x: np.where(x > 0, x, -x),
        lambda x: np.where([1, 0, 0, 2], x, x * x),
        lambda x: np.where(x, 1.0, 2.0),
        lambda x: np.where(mask, x.astype(np.float32), 2.0),
        lambda x: np.where(mask, x.astype(np.float32), np.ones(4)),
        lambda x: np.where(mask[0], x, x[:, :1]),
        lambda x: np.where(mask, x, 1j),
    ):
        assert_numpys(f, M)
    assert_numpys(lambda x: np.where(x > 0, x, 3.0), S)
    assert_numpys(lambda x: np.where(True, x, 3.0), S)


def test_where_with_the_condition_alone() -> None:
    t = wg.Tensor(M, True)
    for found, expected in zip(np.where(t > 0), np.where(M > 0), strict=True):
        assert type(found) is np.ndarray
        np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(np.where(t)[0], np.where(M)[0])
    with pytest.raises(wg.AbstractValueError):
        wg.vmap(lambda x: np.where(x > 0))(M)
    with pytest.raises(ValueError, match="either both or neither"):
        np.where(t, t)


def test_the_branch_that_is_not_taken_does_not_poison_the_gradient() -> None:
    x = np.array([-1.0, 0.0, 2.0])

    def f(x: Any) -> Any:
        return np.sum(np.where(x > 0, np.log(x), x) + np.where(x > 0, np.sqrt(x), 0.0))

    with np.errstate(all="ignore"):
        np.testing.assert_allclose(wg.grad(f)(x), [1.0, 1.0, 0.5 + 0.5 / np.sqrt(2.0)])
        np.testing.assert_allclose(wg.jvp(f, (x,), (np.array([1.0, 0.0, 0.0]),))[1], 1.0)
        assert np.all(np.isfinite(wg.hessian(f)(x)))


def test_select() -> None:
    for f in (
        lambda x: np.select([x > 1, x > 0], [x, x * 2], default=3),
        lambda x: np.select([M > 1, M > 0], [1, x], 2 * x),
        lambda x: np.select([np.array([True, False, True, False])], [x[:, :1]]),
        lambda x: np.select([True, False], [x, -x]),
        lambda x: np.select([M > 0], [x.astype(np.float32)], 1.5),
        lambda x: np.select([M > 0], [x], 1j),
    ):
        assert_numpys(f, M)
    t = constant(M)
    with pytest.raises(ValueError, match="same length"):
        np.select([M > 0], [t, t])
    with pytest.raises(TypeError, match="boolean"):
        np.select([M], [t])


def test_choose() -> None:
    for f in (
        lambda x: np.choose([0, 1, 2, 1], [x[0], x[1], x[2]]),
        lambda x: np.choose([[0, 5], [-1, 1]], [x[0, 0], x[1, 1]], mode="wrap"),
        lambda x: np.choose([[0, 5], [-1, 1]], [x[0, 0], 3.0], mode="clip"),
        lambda x: np.choose(1, [x, 2 * x]),
        lambda x: np.choose(np.array([[1], [0], [1]]), [x, np.arange(4)]),
    ):
        assert_numpys(f, M)
    with pytest.raises(ValueError, match="invalid entry"):
        np.choose([0, 3], [constant(V[:2]), V[:2]])
    with pytest.raises(TypeError, match="integers"):
        np.choose(constant(V), [V, V])


def test_piecewise() -> None:
    for f in (
        lambda x: np.piecewise(x, [x < 0, x >= 0], [lambda v: -v, lambda v: v * v]),
        lambda x: np.piecewise(x, [x < 0], [lambda v: -v, 7.0]),
        lambda x: np.piecewise(x, [x < 0, x > 99], [np.exp, 1, np.cos]),
        lambda x: np.piecewise(x, [x < -99], [np.exp, 2.0]),
    ):
        assert_numpys(f, M)
    assert_numpys(lambda x: np.piecewise(x, x < 0, [lambda v: -v, 7.0]), V)
    assert_numpys(lambda x: np.piecewise(x, [x < 0], [np.exp, np.cos]), S)
    assert_numpys(lambda x: np.piecewise(x, [x < 0], [lambda v, a, b: a * v + b, 0], 2.0, b=1.0), V)
    with pytest.raises(ValueError, match="functions are expected"):
        np.piecewise(constant(V), [V < 0], [1, 2, 3])


def test_clip() -> None:
    for f in (
        lambda x: np.clip(x, -0.5, 0.5),
        lambda x: np.clip(x, None, 0.5),
        lambda x: np.clip(x, 0, None),
        lambda x: np.clip(x, None, None),
        lambda x: np.clip(x, min=-0.5),
        lambda x: np.clip(x, max=0.5, min=-0.5),
        lambda x: np.clip(x, [-1, 0, 0.5, 1], 0.7),
        lambda x: np.clip(x, 1.0, -1.0),
        lambda x: x.clip(-0.5, 0.5),
        lambda x: x.clip(max=0.5),
        lambda x: np.clip(M, x - 0.1, x[0] + 1),
        lambda x: M.clip(x * 0.1, 1.0),
        lambda x: np.clip(x.astype(np.float32), -0.5, 0.5),
        lambda x: np.clip(np.where(x > 1, np.nan, x), -0.5, 0.5),
    ):
        assert_numpys(f, M)
    assert_numpys(lambda x: np.clip(x, 2, 5), np.arange(8))
    assert_numpys(lambda x: np.clip(x, None, 5), np.arange(8))
    assert_numpys(lambda x: np.clip(x, 0, 0.5), S)
    t = constant(M)
    out = np.zeros_like(t)
    assert np.clip(t, -0.5, 0.5, out=out) is out
    np.testing.assert_array_equal(out.array, M.clip(-0.5, 0.5))
    with pytest.raises(TypeError, match="a_max"):
        np.clip(t, 0)
    with pytest.raises(ValueError, match="forbidden"):
        np.clip(t, 0, 1, min=0)


def test_clip_passes_the_gradient_at_its_bounds() -> None:
    x = np.array([-2.0, -1.0, 0.0, 1.0, 2.0])
    ones = np.ones(5)

    def f(x: Any, a: Any, b: Any) -> Any:
        return np.sum(np.clip(x, a, b))

    def forward(*args: Any) -> list[Any]:
        """The three gradients by forward mode: the tangent of one entry after the other."""
        zeros = [np.zeros(5)] * 3
        return [
            np.array([wg.jvp(f, args, (*zeros[:k], e, *zeros[k + 1 :]))[1] for e in np.eye(5)])
            for k in range(3)
        ]

    for gradients in (wg.grad(f, argnums=(0, 1, 2)), forward):
        gx, ga, gb = gradients(x, -ones, ones)
        np.testing.assert_array_equal(gx, [0, 1, 1, 1, 0])
        np.testing.assert_array_equal(ga, [1, 0, 0, 0, 0])
        np.testing.assert_array_equal(gb, [0, 0, 0, 0, 1])
        gx, ga, gb = gradients(x, ones, -ones)  # the upper bound wins
        np.testing.assert_array_equal(gx, 0 * x)
        np.testing.assert_array_equal(ga, 0 * x)
        np.testing.assert_array_equal(gb, ones)
    np.testing.assert_array_equal(
        wg.grad(lambda x: np.clip(x, None, 1.0).sum())(x), [1, 1, 1, 1, 0]
    )


def test_nan_to_num() -> None:
    x = np.array([1.5, np.nan, np.inf, -np.inf, 0.0])
    for f in (
        np.nan_to_num,
        lambda x: np.nan_to_num(x, nan=1.0, posinf=2.0, neginf=3.0),
        lambda x: np.nan_to_num(x.astype(np.float32)),
        lambda x: np.nan_to_num(x, nan=np.arange(5.0)),
    ):
        assert_numpys(f, x)
    z = np.zeros(5, complex)
    z.real, z.imag = x, x[::-1]
    assert_numpys(np.nan_to_num, z)
    assert_numpys(np.nan_to_num, np.array(np.nan))
    assert_numpys(np.nan_to_num, np.arange(3))
    t = constant(x)
    assert np.nan_to_num(t, copy=False) is t
    assert t.array[1] == 0.0
    np.testing.assert_array_equal(wg.grad(lambda x: np.nan_to_num(x).sum())(x), [1, 0, 0, 0, 1])
