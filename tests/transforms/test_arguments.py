"""One convention for what all transforms do with arguments (docs/concepts/arguments.md)."""

from __future__ import annotations

import functools
import re
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert import Tensor

X = np.array([0.5, -1.0, 2.0])
P = {"k": 2.0}
Z = 1.5
OF_ARGNUMS = {
    "grad": wg.grad,
    "value_and_grad": lambda f, i=0: lambda *a, **k: wg.value_and_grad(f, i)(*a, **k)[1],
    "elementwise_grad": wg.elementwise_grad,
    "jacobian": wg.jacobian,
    "jacrev": wg.jacrev,
    "jacfwd": wg.jacfwd,
    "hessian": wg.hessian,
}


def scalar(x: Any, p: Any, z: Any) -> Any:
    return np.sum(np.sin(x) * p["k"] ** 2) * z**3


def outputs(x: Any, p: Any, z: Any) -> Any:
    return {"a": np.sin(x) * p["k"], "b": (np.sum(x) * z,)}


def assert_same(a: Any, b: Any) -> None:
    assert wg.tree.structure(a) == wg.tree.structure(b)
    for x, y in zip(wg.tree.leaves(a), wg.tree.leaves(b), strict=True):
        assert np.shape(x) == np.shape(y)
        np.testing.assert_allclose(x, y, atol=1e-12)


@pytest.mark.parametrize("name", OF_ARGNUMS)
class TestArgnums:
    def test_one_of_a_tuple_is_a_tuple_of_one(self, name: str) -> None:
        transform = OF_ARGNUMS[name]
        alone = transform(scalar, 2)(X, P, Z)
        in_tuple = transform(scalar, (2,))(X, P, Z)
        assert isinstance(in_tuple, tuple)
        assert_same(in_tuple, ((alone,),) if name == "hessian" else (alone,))

    def test_negative_numbers_count_from_the_end(self, name: str) -> None:
        transform = OF_ARGNUMS[name]
        assert_same(transform(scalar, -1)(X, P, Z), transform(scalar, 2)(X, P, Z))
        expected = transform(scalar, (2, 0))(X, P, Z)
        assert_same(transform(scalar, (-1, np.int64(0)))(X, P, Z), expected)
        assert_same(transform(scalar, [-1, 0])(X, P, Z), expected)

    @pytest.mark.parametrize(
        ("argnums", "error", "message"),
        [
            (3, wg.WengertValueError, "argnums=3 but the function was called with 3 positional"),
            (-4, wg.WengertValueError, "argnums=-4 but"),
            ((0, 0), wg.WengertValueError, "names an argument twice"),
            ((1, -2), wg.WengertValueError, "names an argument twice"),
            (True, wg.WengertTypeError, "argnums must be an integer or a tuple of integers"),
            (1.0, wg.WengertTypeError, "argnums must be an integer or a tuple of integers"),
            ("x", wg.WengertTypeError, "argnums must be an integer or a tuple of integers"),
            (None, wg.WengertTypeError, "argnums must be an integer or a tuple of integers"),
        ],
    )
    def test_wrong_numbers(self, name: str, argnums: Any, error: Any, message: str) -> None:
        with pytest.raises(error, match=message):
            OF_ARGNUMS[name](scalar, argnums)(X, P, Z)

    def test_an_argument_given_by_keyword_has_no_number(self, name: str) -> None:
        with pytest.raises(wg.WengertValueError, match="must be given by position"):
            OF_ARGNUMS[name](scalar, 2)(X, P, z=Z)

    def test_integers_are_refused_by_name(self, name: str) -> None:
        with pytest.raises(wg.WengertTypeError, match=r"argument 1\['k'\].*int64"):
            OF_ARGNUMS[name](scalar, (0, 1))(X, {"k": 2}, Z)


class TestBlocks:
    """Jacobians and Hessians with several arguments have their blocks, as in JAX."""

    @pytest.mark.parametrize("jacobian", [wg.jacrev, wg.jacfwd, wg.jacobian])
    def test_jacobian(self, jacobian: Any) -> None:
        j = jacobian(outputs, (0, 2))(X, P, Z)
        expected = {
            "a": (np.diag(np.cos(X) * 2.0), np.zeros(3)),
            "b": ((np.full(3, Z), np.sum(X)),),
        }
        assert_same(j, expected)
        assert_same(jacobian(outputs, 1)(X, P, Z)["a"], {"k": np.sin(X)})

    def test_hessian(self) -> None:
        h = wg.hessian(scalar, (0, 1, 2))(X, P, Z)
        for j in range(3):
            blocks = [wg.jacfwd(wg.grad(scalar, i), j)(X, P, Z) for i in range(3)]
            assert_same((h[0][j], {"k": h[1]["k"][j]}, h[2][j]), tuple(blocks))
        np.testing.assert_allclose(h[0][0], np.diag(-np.sin(X) * 4.0 * Z**3))
        np.testing.assert_allclose(h[0][1]["k"], h[1]["k"][0])

    def test_no_argument_at_all(self) -> None:
        assert wg.grad(scalar, ())(X, P, Z) == ()
        assert wg.jacrev(scalar, ())(X, P, Z) == ()
        assert wg.jacfwd(scalar, ())(X, P, Z) == ()
        assert wg.hessian(scalar, ())(X, P, Z) == ()

    def test_derivative_is_of_one_number(self) -> None:
        assert wg.derivative(lambda x, y: x * y, -1)(2.0, 3.0) == 2.0
        with pytest.raises(wg.WengertTypeError, match="must be one integer, not \\(0, 1\\)"):
            wg.derivative(lambda x, y: x * y, (0, 1))(2.0, 3.0)  # type: ignore[arg-type]


def keyed(x: Any, *, scale: Any = 1.0, power: int = 1) -> Any:
    return np.sum(scale * x**power)


class TestKeywords:
    def test_vjp(self) -> None:
        value, pullback = wg.vjp(keyed, X, scale=2.0, power=2)
        assert value == 2 * np.sum(X**2)
        np.testing.assert_allclose(pullback(1.0)[0], 4 * X)

    def test_vjp_with_aux(self) -> None:
        value, _, aux = wg.vjp(lambda x, scale: (x * scale, scale), 3.0, has_aux=True, scale=2.0)
        assert (value, aux) == (6.0, 2.0)

    def test_jvp(self) -> None:
        value, tangent = wg.jvp(keyed, (X,), (np.ones(3),), scale=2.0, power=2)
        assert value == 2 * np.sum(X**2)
        np.testing.assert_allclose(tangent, 4 * np.sum(X))

    def test_linearize(self) -> None:
        value, linear = wg.linearize(keyed, X, scale=2.0, power=2)
        assert value == 2 * np.sum(X**2)
        np.testing.assert_allclose(linear(np.ones(3)), 4 * np.sum(X))

    def test_hvp(self) -> None:
        np.testing.assert_allclose(wg.hvp(keyed, X, np.ones(3), scale=2.0, power=3), 12 * X)
        assert wg.hvp(lambda x, a, b: a * b * x**2, 1.0, 1.0, 3.0, b=2.0) == 12.0

    def test_linear_transpose(self) -> None:
        assert wg.linear_transpose(lambda x, scale: scale * x, 1.0, scale=3.0)(2.0) == (6.0,)

    def test_names_of_the_transforms_own_parameters_are_free(self) -> None:
        def f(x: Any, function: Any = 0.0, primals: Any = 0.0, tangents: Any = 0.0) -> Any:
            return x * function * primals * tangents

        names = {"function": 2.0, "primals": 3.0, "tangents": 5.0}
        assert wg.vjp(f, 1.0, **names)[0] == 30.0
        assert wg.jvp(f, (1.0,), (1.0,), **names) == (30.0, 30.0)
        assert wg.linearize(f, 1.0, **names)[0] == 30.0
        assert wg.hvp(lambda x, v: v * x**2, 1.0, 1.0, v=2.0) == 4.0  # type: ignore[misc]

    def test_an_option_of_the_transform_is_bound(self) -> None:
        def f(x: Any, has_aux: float) -> Any:
            return x * has_aux

        assert wg.vjp(functools.partial(f, has_aux=3.0), 2.0)[0] == 6.0

    def test_unknown_keywords_are_the_functions_error(self) -> None:
        with pytest.raises(TypeError, match="unexpected keyword argument 'depth'"):
            wg.vjp(keyed, X, depth=3)

    @pytest.mark.parametrize("mode", ["vjp", "jvp"])
    def test_derivatives_of_what_a_keyword_holds(self, mode: str) -> None:
        def outer(s: Any) -> Any:
            if mode == "vjp":
                return np.sum(wg.vjp(keyed, X, scale=s, power=2)[1](1.0)[0])
            return wg.jvp(keyed, (X,), (np.ones(3),), scale=s, power=2)[1]

        np.testing.assert_allclose(wg.grad(outer)(2.0), 2 * np.sum(X))


def types(tree: Any) -> set[bool]:
    return {isinstance(x, Tensor) for x in wg.tree.leaves(tree)}


CALLS = {
    "grad": lambda x, s: wg.grad(keyed)(x, scale=s),
    "value_and_grad": lambda x, s: wg.value_and_grad(keyed)(x, scale=s),
    "elementwise_grad": lambda x, s: wg.elementwise_grad(np.sin)(x),
    "vjp": lambda x, s: (lambda y, pullback: (y, pullback(1.0)))(*wg.vjp(keyed, x, scale=s)),
    "jvp": lambda x, s: wg.jvp(keyed, (x,), (np.ones(3),), scale=s),
    "linearize": lambda x, s: (lambda y, f: (y, f(np.ones(3))))(*wg.linearize(keyed, x)),
    "jacrev": lambda x, s: wg.jacrev(np.sin)(x),
    "jacfwd": lambda x, s: wg.jacfwd(np.sin)(x),
    "hessian": lambda x, s: wg.hessian(keyed)(x, scale=s),
    "hvp": lambda x, s: wg.hvp(keyed, x, np.ones(3), scale=s),
    "vmap": lambda x, s: wg.vmap(np.sin)(x),
}


class TestReturnedTypes:
    """Plain for plain arguments; Tensors where a Tensor is among them, tracked or not."""

    @pytest.mark.parametrize("name", CALLS)
    def test_types(self, name: str) -> None:
        call = CALLS[name]
        plain = call(X, 2.0)
        assert types(plain) == {False}
        # Regression: gradients at a constant Tensor were plain beside a value that was a Tensor.
        for tracked in (False, True):
            given = Tensor(X, requires_grad=tracked)
            result = call(given, 2.0)
            assert types(result) == {True}
            assert_same(wg.tree.map(np.asarray, wg.tree.map(wg.stop_gradient, result)), plain)

    def test_a_tensor_among_the_keywords_counts(self) -> None:
        assert types(wg.value_and_grad(keyed)(X, scale=Tensor(2.0))) == {True}
        assert types(wg.jvp(keyed, (X,), (X,), scale=Tensor(2.0))) == {True}

    def test_a_captured_tensor_counts_if_it_is_tracked(self) -> None:
        constant, leaf = Tensor(2.0), Tensor(2.0, requires_grad=True)
        assert types(wg.value_and_grad(lambda x: x * constant)(3.0)) == {False}
        value, gradient = wg.value_and_grad(lambda x: x * x * leaf)(3.0)
        assert types((value, gradient)) == {True}
        gradient.backward()
        assert leaf.grad == 6.0

    def test_results_are_the_callers_own(self) -> None:
        ct = np.ones(3)
        _, pullback = wg.vjp(lambda x: x * 1.0, Tensor(X))
        (g,) = pullback(ct)
        g += 1.0
        np.testing.assert_array_equal(ct, 1.0)


def test_no_grad_does_not_stop_tangents() -> None:
    """It stops recording for reverse mode; forward mode has no record to stop."""

    def f(x: Any) -> Any:
        with wg.no_grad():
            y = x * x
        return y + x

    assert wg.grad(f)(3.0) == 1.0
    assert wg.jvp(f, (3.0,), (1.0,))[1] == 7.0
    assert wg.jvp(lambda x: wg.stop_gradient(x * x) + x, (3.0,), (1.0,))[1] == 1.0


POINT_FREE = {
    name: getattr(wg, name)
    for name in (
        "grad value_and_grad grad_and_aux elementwise_grad holomorphic_grad derivative jacrev "
        "jacfwd hessian vmap make_vjp make_jvp make_hvp make_ggnvp hessian_tensor_product "
        "tensor_jacobian_product multigrad_dict"
    ).split()
}
AT_A_POINT = {
    "vjp": lambda f: wg.vjp(f, 1.0),
    "jvp": lambda f: wg.jvp(f, (1.0,), (1.0,)),
    "linearize": lambda f: wg.linearize(f, 1.0),
    "hvp": lambda f: wg.hvp(f, 1.0, 1.0),
    "linear_transpose": lambda f: wg.linear_transpose(f, 1.0),
    "show": lambda f: wg.show(f, 1.0),
}


@pytest.mark.parametrize("name", [*POINT_FREE, *AT_A_POINT])
def test_the_value_of_a_function_is_no_function(name: str) -> None:
    transform = (POINT_FREE | AT_A_POINT)[name]
    with pytest.raises(wg.WengertTypeError, match=f"^{name}: expected a function, not a float"):
        transform(np.float64(3.0).item())


DIRECTIONS = {
    "jvp of sin, tangents[0]": lambda v: wg.jvp(np.sin, (X,), (v,)),
    "linearized sin: tangent": lambda v: wg.linearize(np.sin, X)[1](v),
    "pullback of sin: cotangent": lambda v: wg.vjp(np.sin, X)[1](v),
    "hvp of sum: v": lambda v: wg.hvp(np.sum, X, v),
}


@pytest.mark.parametrize("where", DIRECTIONS)
def test_directions_that_are_no_numbers(where: str) -> None:
    expected = re.escape(f"{where}: expected an array of numbers")
    for v, found in ((None, "got None; give zeros"), ("x", "got a str"), ([[1], [1, 2]], "inhom")):
        with pytest.raises(wg.WengertError, match=f"^{expected}.*{found}"):
            DIRECTIONS[where](v)


@pytest.mark.parametrize("name", ["grad", "elementwise_grad", "jacrev", "jacfwd", "hessian"])
def test_one_number_is_a_numpy_scalar(name: str) -> None:
    for x in (2.0, np.float64(2.0), np.array(2.0)):
        assert type(getattr(wg, name)(lambda x: x**3)(x)) is np.float64
    assert isinstance(getattr(wg, name)(lambda x: x**3)(wg.Tensor(2.0)), Tensor)


@pytest.mark.parametrize(
    "call",
    [
        lambda: wg.vjp(np.sin, 1.0)[1](1j),
        lambda: wg.jvp(np.sin, (1.0,), (1j,)),
        lambda: wg.linearize(np.sin, 1.0)[1](1j),
        lambda: wg.hvp(np.sin, 1.0, 1j),
        lambda: np.sin(wg.Tensor(1.0, requires_grad=True)).backward(1j),
    ],
)
def test_complex_seeds_of_real_values_are_refused(call):
    with pytest.raises(wg.WengertTypeError, match="complex"):
        call()


def test_inside_of_a_complex_function_the_real_part_goes_on():
    assert wg.vjp(lambda x: x * 1j, 1.0)[1](2.0 + 3j) == (-3.0,)
