"""The two engines from scratch of the lab moons."""

import ast
import doctest
import math
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import wengert as wg
from labs.moons import autogradvalue as scalar
from labs.moons import check, lab, vectorised

FOLDER = Path(lab.__file__).parent
OPERATIONS = ("_add", "_sub", "_neg", "_mul", "_div", "_exp", "_log")
BINARY = ("_add", "_sub", "_mul", "_div", "_matmul")


# --- the scalar engine


def test_the_attributes_of_a_value():
    x = scalar.AutogradValue(3.0)
    assert (x.parents, x.parent_values, x.value) == ([3.0], [3.0], 3.0)
    assert (x.forward_grads, x.grad) == ({}, 0.0)
    assert repr(x) == str(x.value) == "3.0"
    y = x * 2.0
    assert type(y) is scalar._mul
    assert y.parents[0] is x
    assert y.parents[1] == 2.0
    assert y.parent_values == [3.0, 2.0]
    assert y.forward_pass() == y.value == 6.0
    assert y.func(5.0, 2.0) == 10.0
    assert y.grads(5.0, 2.0) == (2.0, 5.0)


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_is_func_and_grads(name):
    operation = getattr(scalar, name)
    assert {"func", "grads"} <= set(vars(operation))
    values = (1.7, 0.6)[: 2 if name in BINARY else 1]
    numpy = {"_add": np.add, "_sub": np.subtract, "_neg": np.negative, "_mul": np.multiply}
    numpy |= {"_div": np.divide, "_exp": np.exp, "_log": np.log}
    assert operation.func(None, *values) == pytest.approx(numpy[name](*values), rel=1e-15)
    expected = wg.grad(numpy[name], argnums=tuple(range(len(values))))(*values)
    assert operation.grads(None, *values) == pytest.approx(expected, rel=1e-14)


def _tangle(x, y, exp, log):
    """Values used several times, constants on both sides of every operator."""
    a = x * y - 2.0 / (y + 3.0)
    b = exp(-a / 4.0) + a * a
    c = 1.0 - (b - x) * 0.5 + (2.0 - b) / y
    return log(c * c + 1.0) * b + (1.0 + a) * (3.0 * c)


floats = st.floats(0.5, 2.0)


@given(floats, floats)
def test_gradients_are_wengerts(a, b):
    x, y = scalar.AutogradValue(a), scalar.AutogradValue(b)
    z = _tangle(x, y, lambda v: v.exp(), lambda v: v.log())
    z.backward()
    value, expected = wg.value_and_grad(lambda p: _tangle(p[0], p[1], np.exp, np.log))((a, b))
    assert z.value == pytest.approx(value, rel=1e-12)
    assert (x.grad, y.grad) == pytest.approx(expected, rel=1e-10)


@given(floats, floats)
def test_forward_mode_agrees_with_reverse_mode(a, b):
    x, y = scalar.ForwardValue(a), scalar.ForwardValue(b)
    z = _tangle(x, y, lambda v: v.exp(), lambda v: v.log())
    z.backward()
    assert set(z.forward_grads) == {x, y}
    assert (z.forward_grads[x], z.forward_grads[y]) == pytest.approx((x.grad, y.grad), rel=1e-10)


def test_forward_grads_may_be_given():
    """The course sets the dictionaries of inputs itself."""
    a, b = scalar.AutogradValue(0.0), scalar.AutogradValue(0.0)
    x, y = scalar.AutogradValue(3.0), scalar.AutogradValue(2.0)
    x.forward_grads, y.forward_grads = {a: 1.0, b: 7.0}, {b: 4.0}
    assert (x + y).forward_grads == {a: 1.0, b: 11.0}
    assert (x * y).forward_grads == {a: 2.0, b: 2.0 * 7.0 + 3.0 * 4.0}
    assert (2.0 / x).forward_grads == pytest.approx({a: -2 / 9, b: -14 / 9})


def test_a_backward_pass_runs_once_and_after_all_uses():
    order = []

    class Counted(scalar.AutogradValue):
        def __init__(self, name, *args):
            self.name = name
            super().__init__(*args)

        def func(self, *args):
            return math.prod(args)

        def grads(self, *args):
            order.append((self.name, self.grad))
            return tuple(math.prod(args) / a for a in args)

    x = scalar.AutogradValue(2.0)
    a = Counted("a", x, x)  # 4
    b = Counted("b", a, x)  # 8
    c = Counted("c", a, b, a)  # 128
    c.backward()
    assert order == [("c", 1.0), ("b", 16.0), ("a", 2 * 32.0 + 2.0 * 16.0)]
    assert x.grad == 7 * 2.0**6  # c is x^7


def test_backward_twice_is_backward_once():
    x = scalar.AutogradValue(2.0)
    y = x * x * x
    y.backward()
    y.backward()
    assert x.grad == 12.0
    (x * 5.0).backward()
    assert x.grad == 5.0


def test_a_long_chain_does_not_exhaust_the_stack():
    x = scalar.AutogradValue(1.0)
    y = x
    for _ in range(20_000):
        y = y + x
    y.backward()
    assert x.grad == 20_001.0


def test_constants_get_no_gradient():
    x = scalar.AutogradValue(2.0)
    (3.0 * x - 1.0).backward()
    assert x.grad == 3.0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda x: (x - 3.0).log(), r"_log(-1.0): math domain error"),
        (lambda x: (x * 500.0).exp(), r"_exp(1000.0): math range error"),
        (lambda x: x / 0.0, r"_div(2.0, 0.0): float division by zero"),
    ],
)
def test_what_cannot_be_computed_names_the_operation(make, message):
    with pytest.raises((ValueError, ArithmeticError), match=re.escape(message)):
        make(scalar.AutogradValue(2.0))


def test_arrays_of_values():
    array = np.arange(6.0).reshape(2, 3)
    wrapped = scalar.wrap_array(array)
    assert wrapped.shape == (2, 3)
    assert all(type(value) is scalar.AutogradValue for value in wrapped.flat)
    assert [value.value for value in wrapped.flat] == list(range(6))
    result = (np.exp(wrapped) @ np.ones((3, 1)) * np.array([[1.0], [2.0]])).sum()
    result.backward()
    gradient = scalar.unwrap_gradient(wrapped)
    assert gradient.dtype == float
    np.testing.assert_allclose(gradient, np.exp(array) * [[1.0], [2.0]], rtol=1e-14)
    assert scalar.element_map(abs, np.array([-1.5])).tolist() == [1.5]
    assert scalar.wrap_array(np.array(2.0)).shape == ()
    assert scalar.wrap_array(np.zeros((0, 3))).shape == (0, 3)


def test_a_value_next_to_an_array():
    """NumPy takes the array apart; there is no number that holds an array."""
    x = scalar.AutogradValue(2.0)
    for result in (x * np.array([1.0, 3.0]), np.array([1.0, 3.0]) * x):
        assert [type(value) for value in result] == [scalar._mul] * 2
        assert [value.value for value in result] == [2.0, 6.0]


def test_the_engine_is_short_and_from_scratch():
    text = (FOLDER / "autogradvalue.py").read_text()
    assert len(text.splitlines()) < 250
    for name in ("autogradvalue.py", "vectorised.py"):
        imported = {
            (node.module if isinstance(node, ast.ImportFrom) else node.names[0].name)
            for node in ast.walk(ast.parse((FOLDER / name).read_text()))
            if isinstance(node, ast.Import | ast.ImportFrom)
        }
        known = {"__future__", "math", "collections.abc", "typing", "numpy", "labs.moons"}
        assert imported <= known


@pytest.mark.parametrize("module", [scalar, vectorised])
def test_the_examples_of_the_docstrings(module):
    outcome = doctest.testmod(module)
    assert outcome.attempted >= 4
    assert outcome.failed == 0


# --- the vectorised engine


@pytest.mark.parametrize("name", [*OPERATIONS, "_square", "_pad", "_sum", "_matmul"])
def test_every_vjp_passes(name, capsys):
    check.test_vjp(getattr(vectorised, name), name, name in BINARY, issum=name == "_sum")
    assert capsys.readouterr().out == f"Passed {name}!\n"


def test_a_true_function_is_compared():
    check.test_vjp(vectorised._sum, "_sum", true_func=np.sum, issum=True)
    with pytest.raises(AssertionError, match=re.escape("_square: func: ")):
        check.test_vjp(vectorised._square, "_square", true_func=np.abs)


class _Wrong(vectorised.AutogradValue):
    def func(self, a, b):
        return a * b


@pytest.mark.parametrize(
    ("vjp", "message"),
    [
        (lambda self, g, a, b: (g * b, -g * a), "gradient with respect to b: -"),
        (lambda self, g, a, b: (g * a, g * a), "gradient with respect to a: "),
        (lambda self, g, a, b: (g, g * a), "gradient with respect to a: "),
        (lambda self, g, a, b: (g * b, g * a * np.nan), "gradient with respect to b: nan"),
        (lambda self, g, a, b: (g * b,), "a tuple of 2, one gradient per operand; got tuple of 1"),
        (lambda self, g, a, b: g * b, "a tuple of 2, one gradient per operand; got ndarray"),
        (lambda self, g, a, b: (g * b, (g * a).sum()), "shape (), expected (4, 4)"),
    ],
)
def test_a_wrong_vjp_does_not_pass(vjp, message, capsys):
    wrong = type("_wrong", (_Wrong,), {"vjp": vjp})
    with pytest.raises(AssertionError, match=re.escape(message)):
        check.test_vjp(wrong, "_wrong", binary=True)
    assert not capsys.readouterr().out


def test_a_result_that_is_no_sum():
    with pytest.raises(AssertionError, match=re.escape("the result has shape (4, 4), not ()")):
        check.test_vjp(vectorised._neg, "_neg", issum=True)


@pytest.mark.parametrize("operator", ["__add__", "__sub__", "__mul__", "__truediv__"])
@pytest.mark.parametrize(("left", "right"), [((3, 4), (4,)), ((3, 1), (1, 4)), ((), (2, 3))])
def test_broadcasting_is_undone(operator, left, right):
    rng = np.random.default_rng(0)
    a, b = rng.uniform(1, 2, left), rng.uniform(1, 2, right)
    f = {"__add__": np.add, "__sub__": np.subtract, "__mul__": np.multiply}
    f = f.get(operator, np.divide)
    expected = wg.grad(lambda a, b: np.sum(np.square(f(a, b))), argnums=(0, 1))(a, b)
    x, y = vectorised.AutogradValue(a), vectorised.AutogradValue(b)
    getattr(x, operator)(y).square().sum().backward()
    for value, gradient in zip((x, y), expected, strict=True):
        assert np.shape(value.grad) == np.shape(gradient)
        np.testing.assert_allclose(value.grad, gradient, rtol=1e-13)


def test_plain_arrays_on_either_side():
    a = np.array([[1.0, 2.0], [3.0, 4.0]])
    x = vectorised.AutogradValue(a)
    for result in (a @ x, a + x, a - x, a * x, a / x, 2.0 * x, 1 - x, x @ a, x - a, -x):
        assert isinstance(result, vectorised.AutogradValue)
        assert result.value.shape == (2, 2)
    np.testing.assert_array_equal((a - x).value, a - a)


def test_shared_gradients_are_not_changed_in_place():
    """An addition hands one array to both parents."""
    x, y = vectorised.AutogradValue(np.ones(2)), vectorised.AutogradValue(np.ones(2))
    total = x + y
    (total + x).sum().backward()
    np.testing.assert_array_equal(x.grad, [2, 2])
    np.testing.assert_array_equal(y.grad, [1, 1])
    np.testing.assert_array_equal(total.grad, [1, 1])


def test_errors_of_the_vectorised_engine():
    x = vectorised.AutogradValue(np.ones((2, 3)))
    with pytest.raises(ValueError, match=re.escape("_matmul(array(2, 3), array(2, 3)): matmul")):
        x @ x
    with pytest.raises(ValueError, match="two matrices are needed; give vectors a second axis"):
        x @ np.ones(3)
    with pytest.raises(TypeError, match="holds arrays: it has a vjp"):
        x.grads(x.value)
