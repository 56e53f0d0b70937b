"""Numerical differentiation, checked against derivatives known in closed form."""

import numpy as np
import pytest

from wengert.testing import numerical_gradient, numerical_jacobian, numerical_jvp
from wengert.testing.arguments import Arguments
from wengert.testing.numerical import Line, differentiate

METHODS = ["richardson", "central", "complex"]


def estimate(f, x, t=1.0, method="richardson"):
    value, error = differentiate(Line(f, Arguments((x,)), [t]), method)
    return value[0], error[0]


@pytest.mark.parametrize("method", METHODS)
def test_known_derivatives(method):
    cases = [
        (np.sin, np.cos),
        (np.exp, np.exp),
        (np.tanh, lambda x: 1 - np.tanh(x) ** 2),
        (lambda x: x**7, lambda x: 7 * x**6),
        (np.log, lambda x: 1 / x),
    ]
    for f, derivative in cases:
        for x in (0.3, 1.1, 2.9):
            value, error = estimate(f, x, method=method)
            assert abs(value - derivative(x)) <= 10 * error + 1e-14
            assert error <= 1e-8 * abs(derivative(x))


def test_richardson_reaches_eleven_digits():
    value, _ = estimate(lambda x: np.exp(np.sin(x)), 0.7)
    assert value == pytest.approx(np.cos(0.7) * np.exp(np.sin(0.7)), rel=1e-11)


@pytest.mark.parametrize("x", [1e-8, 1e-3, 1.0, 1e4, 1e9])
def test_the_step_adapts_to_the_argument(x):
    assert estimate(np.log, x)[0] == pytest.approx(1 / x, rel=1e-9)
    assert estimate(np.sqrt, x)[0] == pytest.approx(0.5 / np.sqrt(x), rel=1e-9)


def test_an_oscillation_much_shorter_than_the_first_step():
    assert estimate(np.cos, 1000.0)[0] == pytest.approx(-np.sin(1000.0), rel=1e-9)
    value, _ = estimate(lambda x: np.sin(200 * x), 0.3)
    assert value == pytest.approx(200 * np.cos(60.0), rel=1e-9)


def test_the_domain_may_end_near_by():
    def picky(x):
        if x <= 0:
            raise ValueError("not defined here")
        return np.sqrt(x)

    assert estimate(picky, 1e-3)[0] == pytest.approx(0.5 / np.sqrt(1e-3), rel=1e-9)


def test_a_kink_near_by_does_not_disturb():
    value, error = estimate(lambda x: np.maximum(x, 0.0), 1e-4)
    assert value == pytest.approx(1.0, rel=1e-9)
    assert error < 1e-9


@pytest.mark.parametrize("f", [np.abs, lambda x: np.maximum(x, 0.0), np.sign])
def test_at_a_kink_the_error_says_so(f):
    _, error = estimate(f, 0.0)
    assert error > 0.1


def test_a_vanishing_second_derivative_is_no_kink():
    for power in (3, 4, 5, 6):
        value, error = estimate(lambda x, power=power: x**power, 0.0)
        assert abs(value) < 1e-12
        assert error < 1e-12


def test_constant_function():
    value, error = estimate(lambda x: np.sin(x) ** 2 + np.cos(x) ** 2, 0.4)
    assert abs(value) < 1e-12
    assert error < 1e-10


def test_outside_the_domain_nothing_is_claimed():
    value, error = estimate(lambda x: np.log(x - 5.0), 1.0)
    assert np.isnan(value)
    assert error == np.inf


def test_single_precision_arguments_are_promoted():
    value, error = estimate(lambda x: np.sin(x), np.float32(0.5))
    assert value == pytest.approx(np.cos(0.5), rel=1e-10)
    assert error < 1e-8


def test_a_function_that_computes_in_single_precision_is_less_certain():
    value, error = estimate(lambda x: np.sin(np.float32(x)), 0.5)
    assert 1e-9 < error < 1e-3
    assert abs(value - np.cos(0.5)) <= 10 * error


def test_arguments_are_not_changed():
    def overwrites(x):
        x[0] = 3.0
        return x.sum()

    x = np.array([1.0, 2.0])
    np.testing.assert_allclose(numerical_gradient(overwrites, x), [0.0, 1.0], atol=1e-9)
    np.testing.assert_array_equal(x, [1.0, 2.0])


@pytest.mark.parametrize("method", METHODS)
def test_gradient_of_containers(method):
    def f(parameters, n):
        return (parameters["w"] ** 2).sum() * n + parameters["b"]

    gradient = numerical_gradient(f, {"w": np.array([1.0, -2.0]), "b": 0.5}, 3, method=method)
    np.testing.assert_allclose(gradient["w"], [6.0, -12.0], rtol=1e-7)
    assert gradient["b"] == pytest.approx(1.0)


def test_gradient_with_several_argnums():
    first, second = numerical_gradient(lambda a, b, c: a * b * c, 2.0, 3.0, 4.0, argnums=(0, 2))
    assert first == pytest.approx(12.0)
    assert second == pytest.approx(6.0)


def test_complex_gradient_convention():
    """For a real function of z = x + iy: df/dx - i df/dy."""
    z = np.array([1.0 + 2.0j, -0.5 + 0.25j])
    gradient = numerical_gradient(lambda z: np.sum(np.abs(z) ** 2), z)
    np.testing.assert_allclose(gradient, 2 * np.conj(z), rtol=1e-9)


def test_gradient_needs_a_real_scalar():
    with pytest.raises(TypeError, match=r"one real number.*shape \(2,\)"):
        numerical_gradient(lambda x: x, np.ones(2))
    with pytest.raises(TypeError, match="one real number"):
        numerical_gradient(lambda x: x * 1j, 1.0)


@pytest.mark.parametrize("method", METHODS)
def test_jacobian(method):
    x = np.array([0.5, 1.5, 2.0])
    jacobian = numerical_jacobian(lambda x: np.outer(x[:2], x), x, method=method)
    expected = np.einsum("ik,j->ijk", np.eye(3)[:2], x) + np.einsum("i,jk->ijk", x[:2], np.eye(3))
    assert jacobian.shape == (2, 3, 3)
    np.testing.assert_allclose(jacobian, expected, rtol=1e-7, atol=1e-8)


def test_jacobian_nests_outputs_outside():
    jacobian = numerical_jacobian(
        lambda a, b: {"product": a * b, "count": 3}, np.array([1.0, 2.0]), 3.0, argnums=(0, 1)
    )
    np.testing.assert_allclose(jacobian["product"][0], 3 * np.eye(2), atol=1e-9)
    np.testing.assert_allclose(jacobian["product"][1], [1.0, 2.0])
    np.testing.assert_array_equal(jacobian["count"][0], [0.0, 0.0])


def test_jacobian_of_complex_arguments_is_refused():
    with pytest.raises(TypeError, match="numerical_jvp"):
        numerical_jacobian(np.conj, np.array([1j]))


def test_jvp_of_a_function_that_is_not_holomorphic():
    z, t = np.array([1.0 + 2.0j]), np.array([0.5 - 1.0j])
    np.testing.assert_allclose(numerical_jvp(np.conj, (z,), (t,)), np.conj(t), rtol=1e-9)
    along = numerical_jvp(lambda z: np.abs(z) ** 2, (z,), (t,))
    np.testing.assert_allclose(along, 2 * (np.conj(z) * t).real, rtol=1e-9)
    assert along.dtype == np.float64


def test_complex_step_is_exact():
    value, _ = estimate(
        lambda x: np.exp(x) / np.sqrt(np.sin(x) ** 3 + np.cos(x) ** 3), 1.5, 1.0, "complex"
    )
    assert value == pytest.approx(4.05342789389862, rel=1e-14)


@pytest.mark.parametrize(
    ("f", "x"), [(np.abs, 1.0), (lambda x: x * 1j, 1.0), (np.exp, 1.0 + 0j), (np.floor, 1.5)]
)
def test_complex_step_refuses_what_it_cannot_do(f, x):
    with pytest.raises(ValueError, match="richardson"):
        estimate(f, x, 1.0, "complex")


def test_unknown_method():
    with pytest.raises(ValueError, match="method must be one of"):
        numerical_gradient(np.sin, 1.0, method="simpson")


def test_outputs_that_change_shape_are_refused():
    with pytest.raises(ValueError, match="shape of the outputs changes"):
        numerical_jvp(lambda x: x[x > 1.0], (np.array([0.9, 2.0]),), (np.ones(2),))


def test_nothing_to_differentiate():
    with pytest.raises(ValueError, match="no float or complex"):
        numerical_jvp(lambda x: 3, (1.0,), (1.0,))
