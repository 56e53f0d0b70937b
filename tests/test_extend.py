"""`wengert.extend`: operations with rules that are given argument by argument, as in autograd."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import wengert as wg
import wengert.numpy as wnp
from wengert.extend import (
    Box,
    JVPNode,
    SparseObject,
    VJPNode,
    VSpace,
    def_linear,
    defjvp,
    defjvp_argnum,
    defjvp_argnums,
    defvjp,
    defvjp_argnum,
    defvjp_argnums,
    notrace_primitive,
    primitive,
    register_notrace,
    vspace,
)
from wengert.testing import check_grads
from wengert.tracer import getval, isbox

X = np.array([0.5, 1.0, 2.0])
Y = np.array([1.5, -1.0, 0.25])


def product(rules: Any) -> Any:
    """``scale * x * y`` on plain arrays only, with rules given by a function."""

    @primitive
    def times(x, y, scale=1.0):
        assert not isbox(x)
        assert not isbox(y)
        return scale * np.multiply(x, y)

    rules(times)
    return times


def by_defvjp(f: Any) -> None:
    defvjp(
        f,
        lambda ans, x, y, scale=1.0: lambda g: scale * g * y,
        lambda ans, x, y, scale=1.0: lambda g: scale * g * x,
    )


def by_defvjp_argnum(f: Any) -> None:
    def maker(argnum, ans, args, kwargs):
        other = args[1 - argnum]
        return lambda g: kwargs.get("scale", 1.0) * g * other

    defvjp_argnum(f, maker)


def by_defvjp_argnums(f: Any) -> None:
    def maker(argnums, ans, args, kwargs):
        return lambda g: [kwargs.get("scale", 1.0) * g * args[1 - i] for i in argnums]

    defvjp_argnums(f, maker)


def by_defjvp(f: Any) -> None:
    defjvp(
        f,
        lambda g, ans, x, y, scale=1.0: scale * g * y,
        lambda g, ans, x, y, scale=1.0: scale * x * g,
    )


def by_defjvp_argnum(f: Any) -> None:
    defjvp_argnum(
        f, lambda i, g, ans, args, kwargs: kwargs.get("scale", 1.0) * g * args[1 - i]
    )  # fmt: skip


def by_defjvp_argnums(f: Any) -> None:
    def maker(argnums, gs, ans, args, kwargs):
        scale = kwargs.get("scale", 1.0)
        return sum(scale * g * args[1 - i] for i, g in zip(argnums, gs, strict=True))

    defjvp_argnums(f, maker)


def by_both(f: Any) -> None:
    by_defvjp(f)
    def_linear(f)


RULES = [by_defvjp, by_defvjp_argnum, by_defvjp_argnums, by_defjvp, by_defjvp_argnum,
         by_defjvp_argnums, by_both]  # fmt: skip


@pytest.mark.parametrize("rules", RULES)
class TestRules:
    def test_both_modes_and_orders(self, rules: Any) -> None:
        f = product(rules)
        check_grads(lambda x, y: f(x, y, scale=3.0) * x, (X, Y), order=2)

    def test_one_argument_is_enough(self, rules: Any) -> None:
        f = product(rules)
        np.testing.assert_allclose(wg.jacobian(f, 1)(X, Y), np.diag(X))
        np.testing.assert_allclose(wg.jvp(lambda y: f(X, y), (Y,), (X,))[1], X * X)

    def test_vmap(self, rules: Any) -> None:
        f = product(rules)
        np.testing.assert_allclose(wg.vmap(f)(X, Y), X * Y)
        gradients = wg.vmap(wg.grad(f), (0, None))(X, 2.0)
        np.testing.assert_allclose(gradients, [2.0, 2.0, 2.0])
        mixed = wg.grad(lambda y: np.sum(wg.vmap(f, (0, None))(X, y)))(2.0)
        np.testing.assert_allclose(mixed, np.sum(X))

    def test_plain_in_plain_out(self, rules: Any) -> None:
        assert type(product(rules)(X, Y)) is np.ndarray
        assert type(wg.grad(product(rules))(2.0, 3.0)) is np.float64


def test_none_is_zero_and_argnums_choose() -> None:
    f = product(lambda f: defvjp(f, None, lambda ans, x, y: lambda g: g * x))
    assert wg.grad(f, (0, 1))(2.0, 3.0) == (0.0, 2.0)
    f = product(lambda f: defvjp(f, lambda ans, x, y: lambda g: g * x, argnums=[1]))
    assert wg.grad(f, 1)(2.0, 3.0) == 2.0
    with pytest.raises(wg.NoRuleError, match=r"times: its derivative in argument 0.*defvjp"):
        wg.grad(f)(2.0, 3.0)
    f = product(lambda f: defjvp(f, lambda g, ans, x, y: g * x, argnums=(1,)))
    with pytest.raises(wg.NoRuleError, match=r"argument 0.*defjvp"):
        wg.jvp(f, (2.0, 3.0), (1.0, 1.0))


def test_same_says_linear() -> None:
    f = product(lambda f: defjvp(f, "same", "same"))
    assert wg.jvp(f, (2.0, 3.0), (1.0, 10.0)) == (6.0, 23.0)


def test_containers_as_arguments_and_results() -> None:
    @primitive
    def split(pair):
        return {"sum": pair[0] + pair[1], "product": pair[0] * pair[1]}

    def rule(ans, pair):
        a, b = pair
        return lambda g: (g["sum"] + g["product"] * b, g["sum"] + g["product"] * a)

    defvjp(split, rule)
    f = lambda a, b: split((a, b))["sum"] * split((a, b))["product"]  # noqa: E731
    check_grads(f, (X, Y), order=2)


def test_static_arguments_may_be_anything() -> None:
    @primitive
    def apply(x, function, options, axis):
        return function(x, axis=axis) * options["scale"]

    defvjp(apply, lambda ans, x, function, options, axis: lambda g: g * options["scale"] + 0 * x)
    f = lambda x: apply(x, np.sum, {"scale": 2.0}, 0)  # noqa: E731
    np.testing.assert_allclose(wg.grad(f)(X), [2.0, 2.0, 2.0])
    np.testing.assert_allclose(wg.vmap(wg.grad(f))(np.stack([X, Y])), np.full((2, 3), 2.0))


def test_keyword_arguments_may_not_be_traced() -> None:
    f = product(by_defvjp)
    with pytest.raises(wg.WengertTypeError, match="keyword argument scale.*by position"):
        wg.grad(lambda s: f(2.0, 3.0, scale=s))(1.0)
    with pytest.raises(wg.WengertTypeError, match="keyword argument scale.*by position"):
        wg.grad(lambda s: f(s, 3.0, scale=s))(1.0)


def test_a_rule_given_later_replaces_the_first() -> None:
    f = product(lambda f: None)
    with pytest.raises(wg.NoRuleError, match=r"times: it has no derivative.*extend\.defvjp"):
        wg.grad(f)(2.0, 3.0)
    defvjp(f, lambda ans, x, y: lambda g: g * 100.0)
    assert wg.grad(f)(2.0, 3.0) == 100.0
    by_defvjp(f)
    assert wg.grad(f)(2.0, 3.0) == 3.0


def test_rules_belong_to_primitives() -> None:
    for define in (defvjp, defjvp, defvjp_argnum, defjvp_argnum, defvjp_argnums, defjvp_argnums):
        with pytest.raises(wg.WengertTypeError, match=r"extend\.primitive returned, not sin"):
            define(np.sin, lambda *a: a)
    with pytest.raises(wg.WengertTypeError, match="def_linear"):
        def_linear(len)
    with pytest.raises(wg.WengertTypeError, match="a rule must be a function or None, not 3"):
        product(lambda f: defvjp(f, 3))
    with pytest.raises(wg.WengertValueError, match=r"2 rules for argnums=\[0\]"):
        product(lambda f: defvjp(f, None, None, argnums=[0]))


def test_a_primitive_as_a_method() -> None:
    class Model:
        scale = 3.0

        @primitive
        def predict(self, x):
            return np.asarray(x) * self.scale

    defvjp(Model.predict, None, lambda ans, self, x: lambda g: g * self.scale)
    assert Model().predict(2.0) == 6.0
    assert wg.grad(Model().predict)(2.0) == 3.0


def test_a_rule_that_forgets_the_inner_function() -> None:
    f = product(lambda f: defvjp(f, lambda ans, x, y: y))
    with pytest.raises(wg.WengertTypeError, match=r"argument 0 returned a float64.*lambda g"):
        wg.grad(f)(2.0, np.float64(3.0))


def test_a_cotangent_of_the_wrong_shape_names_the_line() -> None:
    f = product(lambda f: defvjp(f, lambda ans, x, y: lambda g: np.ones(7)))
    with pytest.raises(wg.ShapeError, match=r"expected shape \(3,\), got \(7,\)") as caught:
        wg.grad(lambda x: np.sum(f(x, Y)))(X)
    assert "test_extend.py" in caught.value.__notes__[0]


def test_notrace_primitives_are_constants() -> None:
    f = notrace_primitive(lambda x: np.floor(np.asarray(x)))
    assert wg.grad(lambda x: x * f(x))(2.5) == 2.0
    g = product(by_defvjp)
    register_notrace(VJPNode, g)
    assert wg.grad(lambda x: x * g(x, x))(3.0) == 9.0
    with pytest.raises(wg.WengertTypeError, match="expected VJPNode or JVPNode"):
        register_notrace(int, g)
    with pytest.raises(wg.WengertTypeError, match=r"extend\.primitive"):
        register_notrace(JVPNode, np.sin)


def test_nodes_cannot_be_made() -> None:
    with pytest.raises(wg.WengertTypeError, match=r"wengert\.make_vjp"):
        VJPNode()
    with pytest.raises(wg.WengertTypeError, match=r"wengert\.jvp"):
        JVPNode.new_root(1.0)


def test_sparse_objects_are_added_to_zeros() -> None:
    @primitive
    def take(x, i):
        return x[i]

    def rule(ans, x, i):
        def vjp(g):
            def mut_add(array):
                array = wnp.array(array)
                array[i] = array[i] + g
                return array

            return SparseObject(vspace(x), mut_add)

        return vjp

    defvjp(take, rule)
    np.testing.assert_allclose(wg.grad(lambda x: take(x, 1) ** 2)(X), [0.0, 2.0, 0.0])
    np.testing.assert_allclose(wg.hessian(lambda x: take(x, 1) ** 2)(X)[1], [0.0, 2.0, 0.0])


class TestVSpace:
    def test_of_arrays(self) -> None:
        v = vspace(np.ones((2, 3), "f4"))
        assert (v.shape, v.size, v.ndim, v.dtype, v.iscomplex) == ((2, 3), 6, 2, np.float32, False)
        assert v == vspace(np.zeros((2, 3), "f4"))
        assert v != vspace(np.zeros((2, 3)))
        assert v.zeros().dtype == np.float32
        assert v.randn().shape == (2, 3)
        np.testing.assert_array_equal(sum(v.standard_basis()), v.ones())
        assert v.inner_prod(v.ones(), 2 * v.ones()) == 12
        np.testing.assert_array_equal(v.add(v.ones(), v.ones()), 2 * v.ones())
        np.testing.assert_array_equal(v.mut_add(None, v.ones()), v.ones())
        np.testing.assert_array_equal(v.scalar_mul(v.ones(), 3.0), 3 * v.ones())

    def test_of_complex_numbers(self) -> None:
        v = vspace(1j * X)
        assert (v.size, v.iscomplex, len(list(v.standard_basis()))) == (6, True, 6)
        np.testing.assert_array_equal(v.covector(1j * X), -1j * X)
        assert v.inner_prod(1j * X, 1j * X) == np.sum(X**2)
        assert v.randn().dtype == complex

    def test_of_containers(self) -> None:
        v = vspace({"a": X, "b": (1.0, 2)})
        assert v.size == 5
        assert v.shape["b"][0].size == 1
        assert wg.tree.leaves(v.add(v.ones(), v.zeros()))[1] == 1.0
        assert len(list(v.standard_basis())) == 5

    def test_of_tensors(self) -> None:
        product = lambda x: vspace(x).inner_prod(x, vspace(x).ones())  # noqa: E731
        np.testing.assert_allclose(wg.grad(product)(X), np.ones(3))

    def test_errors(self) -> None:
        with pytest.raises(wg.WengertTypeError, match=r"a str is no vector.*tree\.register"):
            vspace("abc")
        with pytest.raises(wg.WengertTypeError, match=r"tree\.register"):
            VSpace.register(str)


def test_looking_behind_values() -> None:
    seen = []

    def f(x):
        seen.append(getval(x))
        assert isbox(x)
        assert isinstance(x, Box)
        assert wg.builtins.isinstance(x, np.ndarray)
        assert wg.builtins.type(x) is np.ndarray
        assert wg.type(x[0]) is np.float64
        assert wg.isinstance(x[0], (float, str))
        return np.sum(x) * getval(x)[0]

    np.testing.assert_allclose(wg.grad(f)(X), np.full(3, 0.5))
    assert type(seen[0]) is np.ndarray
    assert getval((1.0, X))[1] is X
    assert not isbox(X)
    assert wg.isinstance(3, int)
    assert wg.type(3) is int
    with pytest.raises(wg.AbstractValueError, match="getval"):
        wg.vmap(lambda x: x * getval(x))(X)


def test_getval_gives_a_copy() -> None:
    w = wg.Tensor(X, requires_grad=True)
    y = w * 2
    getval(y)[0] = 99
    assert y[0].item() == 1.0


def test_random_is_numpys() -> None:
    code = (
        "import wengert.numpy.random as npr, numpy as np; npr.seed(0); a = npr.randn(2);"
        "np.random.seed(0); assert (a == np.random.randn(2)).all(); npr.RandomState(0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    import wengert.numpy.random as npr

    assert wnp.random.randn is np.random.randn
    assert npr.default_rng is np.random.default_rng
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        npr.nothing  # noqa: B018


class TestArgumentsWithoutARule:
    """Regression: inside jit and vmap every argument had to have a rule, needed or not."""

    @staticmethod
    def product_of_x(forward: bool) -> Any:
        f = primitive(lambda x, y: x * y)
        if forward:
            defjvp(f, lambda g, ans, x, y: g * y)
        else:
            defvjp(f, lambda ans, x, y: lambda g: g * y)
        return f

    @pytest.mark.parametrize("y", [Y, np.array([3, 2, 1])])
    @pytest.mark.parametrize("forward", [False, True])
    def test_are_needed_where_they_are_differentiated(self, forward: bool, y: Any) -> None:
        f = self.product_of_x(forward)
        loss = lambda x, y: np.sum(f(x, y))  # noqa: E731
        both = np.stack([X, X]), np.stack([y, 2 * y])
        np.testing.assert_array_equal(wg.jit(wg.grad(loss))(X, y), y)
        np.testing.assert_array_equal(wg.grad(wg.jit(loss))(X, y), y)
        np.testing.assert_array_equal(wg.vmap(wg.grad(loss))(*both), both[1])
        batched = wg.grad(lambda x, y: np.sum(wg.vmap(f)(x, y)))
        np.testing.assert_array_equal(batched(*both), both[1])
        along = lambda x, y: wg.jvp(lambda x: f(x, y), (x,), (x,))[1]  # noqa: E731
        np.testing.assert_array_equal(wg.jit(along)(X, y), X * y)
        np.testing.assert_array_equal(wg.vmap(along)(*both), both[0] * both[1])

    @pytest.mark.parametrize("forward", [False, True])
    def test_are_an_error_where_they_are(self, forward: bool) -> None:
        f = self.product_of_x(forward)
        loss = lambda x, y: np.sum(f(x, y))  # noqa: E731
        both = np.stack([X, X]), np.stack([Y, Y])
        calls = [
            lambda: wg.grad(loss, 1)(X, Y),
            lambda: wg.jit(wg.grad(loss, 1))(X, Y),
            lambda: wg.grad(wg.jit(loss), 1)(X, Y),
            lambda: wg.vmap(wg.grad(loss, 1))(*both),
            lambda: wg.grad(lambda x, y: np.sum(wg.vmap(f)(x, y)), (0, 1))(*both),
            lambda: wg.jvp(loss, (X, Y), (X, Y)),
            lambda: wg.jvp(wg.vmap(f), both, both),
        ]
        for call in calls:
            with pytest.raises(wg.NoRuleError, match="derivative in argument 1 is not defined"):
                call()

    def test_rules_with_other_parameters(self) -> None:
        f = primitive(lambda x, y: x * y)
        defvjp(f, lambda ans: lambda g: g)
        with pytest.raises(wg.WengertTypeError, match=r"rule of argument 0: .* \(ans, \*args, "):
            wg.grad(lambda x: np.sum(f(x, 2.0)))(X)
        f = primitive(lambda x, y: x * y)
        defjvp(f, lambda ans, x, y: ans)
        with pytest.raises(wg.WengertTypeError, match=r"rule of argument 0: .* \(g, ans, \*args, "):
            wg.jvp(lambda x: f(x, 2.0), (X,), (X,))
