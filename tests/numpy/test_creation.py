"""Creation inside transforms, arrays from lists of traced values, and the drop-in namespace."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import wengert as wg
import wengert.numpy as wnp

from .compare import assert_numpys, constant, plain

V = np.array([0.3, -1.2, 2.0])


def _overwritten(buffer: Any) -> Any:
    buffer[...] = 0.25
    return buffer


FILLS = [
    lambda: wnp.zeros(3),
    lambda: wnp.zeros((3,), float),
    lambda: wnp.ones(3) * 0.0,
    lambda: _overwritten(wnp.empty(3, order="F")),
    lambda: wnp.full(3, 0.5),
    lambda: wnp.zeros_like(V),
    lambda: wnp.ones_like(V),
    lambda: _overwritten(wnp.empty_like(V)),
    lambda: wnp.full_like(V, 2.0),
    lambda: wnp.array([1.0, 2.0, 3.0]),
    lambda: wnp.asarray([1.0, 2.0, 3.0]),
    lambda: wnp.linspace(0.0, 1.0, 3),
    lambda: wnp.logspace(0.0, 1.0, 3),
    lambda: wnp.geomspace(1.0, 8.0, 3),
    lambda: wnp.arange(3.0),
    lambda: wnp.eye(3)[1],
    lambda: wnp.identity(3)[1],
    lambda: wnp.tri(3)[1],
    lambda: wnp.hanning(3),
    lambda: wnp.vander([1.0, 2.0, 3.0], 1)[:, 0],
    lambda: wnp.r_[0.0:3.0],
]


@pytest.mark.parametrize("make", FILLS)
def test_created_arrays_accept_traced_writes(make: Any) -> None:
    def f(x: Any) -> Any:
        buffer = make()
        buffer[0] = x[0] * x[1]
        buffer[1:] += x[1:] * 2.0
        return wnp.sum(buffer * buffer)

    def by_hand(x: Any) -> Any:
        first = plain(make())
        return np.sum(np.stack([x[0] * x[1], first[1] + x[1] * 2, first[2] + x[2] * 2]) ** 2)

    assert type(make()) is np.ndarray
    np.testing.assert_allclose(wg.grad(f)(V), wg.grad(by_hand)(V), rtol=1e-13)
    np.testing.assert_allclose(wg.jvp(f, (V,), (V,))[1], wg.jvp(by_hand, (V,), (V,))[1], rtol=1e-13)
    np.testing.assert_allclose(wg.hessian(f)(V), wg.hessian(by_hand)(V), rtol=1e-12, atol=1e-12)
    rows = np.stack([V, V * 2])
    np.testing.assert_allclose(wg.vmap(f)(rows), [by_hand(r) for r in rows], rtol=1e-13)
    np.testing.assert_allclose(
        wg.vmap(wg.grad(f))(rows), [wg.grad(by_hand)(r) for r in rows], rtol=1e-13
    )


def test_outside_of_transforms_everything_is_plain() -> None:
    for name, args in {
        "zeros": (3,), "ones": ((2, 3),), "empty": (2,), "full": (3, 1.5), "eye": (3,),
        "identity": (2,), "tri": (3,), "arange": (4,), "linspace": (0, 1, 5), "logspace": (0, 1, 5),
        "geomspace": (1, 2, 5), "zeros_like": (V,), "ones_like": (V,), "full_like": (V, 2),
        "array": ([1, 2],), "asarray": (V,), "asanyarray": (V,), "ascontiguousarray": (V,),
        "asfortranarray": (V,), "asarray_chkfinite": (V,), "hamming": (5,), "hanning": (5,),
        "bartlett": (5,), "blackman": (5,), "vander": (V,),
    }.items():  # fmt: skip
        found, expected = getattr(wnp, name)(*args), getattr(np, name)(*args)
        assert type(found) is np.ndarray, name
        assert found.dtype == expected.dtype, name
        if name != "empty":
            np.testing.assert_array_equal(found, expected, err_msg=name)
    assert wnp.asarray(V) is V
    assert wnp.fromfunction(lambda i, j: i + j, (2, 2)).tolist() == [[0, 1], [1, 2]]
    for dtype in (int, bool, "U3", object, "datetime64[s]"):
        assert wnp.zeros(2, dtype).dtype == np.zeros(2, dtype).dtype


def test_integers_stay_usable_as_indices_and_in_loops() -> None:
    def f(x: Any) -> Any:
        total = 0.0
        for i in wnp.arange(3):
            total = total + x[i] * int(i)
        mask = wnp.zeros(3, bool)
        mask[1] = True
        counts = wnp.zeros(2, int)
        counts[1] += 2
        return total + x[mask].sum() + x[wnp.array([0, 0])].sum() * counts[1] + x[counts].sum()

    expected = V[1] + 2 * V[2] + V[1] + 4 * V[0] + V[0] + V[2]
    np.testing.assert_allclose(f(V), expected)
    np.testing.assert_allclose(wg.grad(f)(V), [5, 2, 3])
    np.testing.assert_allclose(wg.vmap(f)(V[None]), [expected])


def test_a_plain_array_is_not_a_buffer() -> None:
    def f(x: Any) -> Any:
        buffer = np.zeros(3)
        buffer[0] = x
        return buffer.sum()

    for run in (lambda: wg.grad(f)(2.0), lambda: wg.jvp(f, (2.0,), (1.0,)), lambda: wg.vmap(f)(V)):
        with pytest.raises(wg.WengertTypeError, match=r"wengert\.numpy\.zeros|abstract"):
            run()


def test_asarray_of_an_array_is_that_array() -> None:
    def f(x: Any) -> Any:
        assert wnp.asarray(V) is V
        assert wnp.array(V, copy=False) is V
        assert wnp.asarray(x) is x
        assert wnp.array(x, copy=False) is x
        assert wnp.array(x) is not x
        return x.sum()

    wg.grad(f)(V)


def test_arrays_of_lists() -> None:
    def check(f: Any, x: Any = V) -> None:
        expected = f(x, np)
        for t in (constant(x), wg.Tensor(x, True)):
            found = f(t, wnp)
            assert isinstance(found, wg.Tensor)
            assert found.dtype == expected.dtype
            np.testing.assert_allclose(plain(found), expected, rtol=1e-14)
        found = wg.vmap(lambda x: f(x, wnp))(x[None])[0]
        np.testing.assert_allclose(found, expected, rtol=1e-14)

    for f in (
        lambda x, xp: xp.array([x[0], 1.0, x[1] * 2]),
        lambda x, xp: xp.array([x[0], 1]),
        lambda x, xp: xp.array([[x[0], 1.0], [0, x[1]]]),
        lambda x, xp: xp.array([[[x[0]]], [[2.0]]]),
        lambda x, xp: xp.array(((x[0], x[1]), [1.0, 2.0])),
        lambda x, xp: xp.array([x, x * 2, [1, 2, 3]]),
        lambda x, xp: xp.array([x[0], 1j]),
        lambda x, xp: xp.array([x[0], x[1]], dtype=np.float32),
        lambda x, xp: xp.array([x[0], x[1]], ndmin=3),
        lambda x, xp: xp.array(x, ndmin=2),
        lambda x, xp: xp.array(x, dtype=complex),
        lambda x, xp: xp.asarray([x[0], x[1]]),
        lambda x, xp: xp.asarray(x, dtype=np.float32),
        lambda x, xp: xp.ascontiguousarray([x[0], x[1]]),
        lambda x, xp: xp.asfortranarray([[x[0], x[1]]]),
        lambda x, xp: xp.full((2, 3), x[0]),
        lambda x, xp: xp.full((2, 3), x, dtype=np.float32),
        lambda x, xp: xp.full(2, [x[0], 1.0]),
        lambda x, xp: xp.full_like(x, x[1]),
        lambda x, xp: xp.stack([[x[0], 1.0], [x[1], 2.0]]),
        lambda x, xp: xp.concatenate([[x[0]], [x[1], 2.0]]),
        lambda x, xp: xp.hstack([[x[0]], [x[1], 2.0]]),
        lambda x, xp: xp.vstack([[x[0], 1.0], [1.0, 2.0]]),
        lambda x, xp: xp.column_stack([[x[0], 1.0], [1.0, 2.0]]),
        lambda x, xp: xp.append([x[0], 1.0], [x[1]]),
        lambda x, xp: xp.block([[xp.array([x[0]]), xp.array([1.0])]]),
        lambda x, xp: xp.insert([x[0], 1.0], 1, x[2]),
        lambda x, xp: xp.r_[x, 1.0, x[0], 0.0:3.0],
        lambda x, xp: xp.c_[x, [1.0, 2.0, 3.0], x * 2],
        lambda x, xp: xp.c_[xp.stack([x, x]), [[1.0], [2.0]]],
        lambda x, xp: xp.vectorize(lambda a, b: a * b + 1)(x, 2.0),
        lambda x, xp: xp.vectorize(lambda a, k: a**k, excluded=["k"])(x, k=2),
        lambda x, xp: xp.linspace(x[0], x[1], 5),
        lambda x, xp: xp.linspace(x, 2, 4, endpoint=False, axis=1),
        lambda x, xp: xp.linspace(x[0], x[1], 1),
        lambda x, xp: xp.linspace(x[0], x[1], 0),
        lambda x, xp: xp.linspace(x[0], 5, 3, dtype=np.float32),
        lambda x, xp: xp.linspace(x[0], 5, 3, dtype=int).astype(float),
        lambda x, xp: xp.vander(x, 4),
        lambda x, xp: xp.vander(x, increasing=True),
        lambda x, xp: xp.meshgrid(x, [1.0, 2.0])[0],
        lambda x, xp: xp.fromfunction(lambda i, j: i * x[0] + j, (2, 3)),
    ):
        check(f)
    for rtol, f in (
        (1e-14, lambda x: np.logspace(x[0], 1, 4)),
        (1e-14, lambda x: np.geomspace(x[2], 9, 4)),
    ):
        assert_numpys(f, V, rtol=rtol)
    assert_numpys(lambda x: np.linspace(x[0], x[1], 3, retstep=True), V)


def test_derivatives_of_arrays_of_lists() -> None:
    jacobian = wg.jacobian(lambda x: wnp.array([[x[0] * x[1], 1.0], [0.0, x[2] ** 2]]))(V)
    expected = np.zeros((2, 2, 3))
    expected[0, 0, :2] = V[1], V[0]
    expected[1, 1, 2] = 2 * V[2]
    np.testing.assert_allclose(jacobian, expected)
    np.testing.assert_allclose(
        wg.jacfwd(lambda x: wnp.linspace(x[0], x[1], 3))(V), [[1, 0, 0], [0.5, 0.5, 0], [0, 1, 0]]
    )


def test_errors() -> None:
    t = wg.Tensor(V, True)
    with pytest.raises(ValueError, match="different shapes"):
        wnp.array([t, [1.0, 2.0]])
    with pytest.raises(wg.WengertTypeError, match="holds numbers"):
        wnp.array([t[0], 1.0], dtype=object)
    with pytest.raises(ValueError, match="copy"):
        wnp.array([t[0]], copy=False)
    with pytest.raises(ValueError, match="infs or NaNs"):
        wnp.asarray_chkfinite([t[0], np.inf])
    with pytest.raises(wg.WengertTypeError, match=r"wengert\.numpy\.arange"):
        wnp.arange(t[0])
    with pytest.raises(ValueError, match="non-negative"):
        np.linspace(t[0], 1.0, -1)
    with pytest.raises(wg.WengertValueError, match="stop is 0"):
        np.geomspace(1.0 + t[0] ** 2, 0.0)
    with pytest.raises(wg.NoRuleError, match="vmap"):
        wnp.vectorize(np.sum, signature="(n)->()")(t, axis=0)


# ------------------------------------------------------------------ the namespace


def test_every_name_of_numpy_is_there() -> None:
    for name in dir(np):
        if name.startswith("__"):
            continue
        assert hasattr(wnp, name), name
    assert set(np.__all__) <= set(wnp.__all__)
    assert set(dir(np)) <= set(dir(wnp))
    with pytest.raises(AttributeError, match=r"wengert\.numpy"):
        assert wnp.no_such_function


def test_functions_are_numpys_own() -> None:
    for name in (
        "sin",
        "sum",
        "where",
        "reshape",
        "pi",
        "float64",
        "ndarray",
        "newaxis",
        "inf",
    ):
        assert getattr(wnp, name) is getattr(np, name), name
    for name in np.random.__all__:  # a module of its own, so that it can be imported by its name
        assert getattr(wnp.random, name) is getattr(np.random, name), name
    from wengert.numpy import cos, pi

    assert cos is np.cos
    assert pi is np.pi
    assert wnp.testing is np.testing


def test_numpys_linalg_names_are_there() -> None:
    for name in np.linalg.__all__:
        assert hasattr(wnp.linalg, name), name


def test_a_program_written_for_the_namespace() -> None:
    """The same source on both namespaces: an explicit Runge-Kutta solution of a pendulum."""

    def solve(xp: Any, x: Any) -> Any:
        def slope(y: Any) -> Any:
            return xp.array([y[1], -x[2] * xp.sin(y[0])])

        y = xp.zeros((5, 2))
        y[0] = x[:2]
        for k in range(4):
            middle = y[k] + 0.05 * slope(y[k])
            y[k + 1] = y[k] + 0.1 * slope(middle)
        return y

    np.testing.assert_allclose(solve(wnp, V), solve(np, V))
    h = 1e-6
    numeric = [(solve(np, V + h * e) - solve(np, V - h * e)) / (2 * h) for e in np.eye(3)]
    np.testing.assert_allclose(
        wg.jacobian(lambda x: solve(wnp, x))(V), np.moveaxis(numeric, 0, -1), atol=1e-9
    )
    np.testing.assert_allclose(
        wg.jacfwd(lambda x: solve(wnp, x))(V), np.moveaxis(numeric, 0, -1), atol=1e-9
    )


def test_numpys_own_array_of_traced_values_names_the_remedy() -> None:
    for f in (lambda x: np.array([x[0], x[1]]), np.array, lambda x: np.asarray([x, x])):
        for run in (lambda f=f: wg.grad(f)(V), lambda f=f: wg.vmap(f)(V[None])):
            with pytest.raises(wg.WengertTypeError, match=r"wengert\.numpy\.array"):
                run()
    with pytest.raises(wg.MutationError, match="zeros_like"):
        wg.grad(lambda x: np.full_like(V, x[0]).sum())(V)
