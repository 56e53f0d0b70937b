"""Integrals and differential equations: values, derivatives of both modes and orders, errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.integrate

import wengert as wg
from wengert.scipy import integrate
from wengert.testing import check_grads

TIGHT = {"epsabs": 1e-12, "epsrel": 1e-12}
TIMES = np.linspace(0.0, 2.0, 4)
START = np.array([1.0, 0.5])


def slope(f: Any, x: Any, h: float = 1e-4) -> Any:
    """A central difference."""
    return (f(x + h) - f(x - h)) / (2 * h)


# ------------------------------------------------------------------ quad


def area(a: Any, b: Any, w: Any, k: Any) -> Any:
    def f(x: Any, w: Any, options: Any) -> Any:
        return np.exp(-w * x * x) * np.cos(options["k"] * x)

    return integrate.quad(f, a, b, (w, {"k": k}), **TIGHT)[0]


def test_quad_by_limits_and_arguments() -> None:
    expected = scipy.integrate.quad(lambda x: np.exp(-0.7 * x * x) * np.cos(2 * x), 0.1, 1.2)
    assert wg.vjp(area, 0.1, 1.2, 0.7, 2.0)[0] == pytest.approx(expected[0])
    check_grads(area, (0.1, 1.2, 0.7, 2.0), order=2)


def test_quad_over_the_whole_line_and_captured_values() -> None:
    def gauss(w: Any) -> Any:
        return integrate.quad(lambda x: np.exp(-w[0] * x * x) * w[1], -np.inf, np.inf, **TIGHT)[0]

    w = np.array([0.7, 2.0])
    np.testing.assert_allclose(gauss(w), 2 * np.sqrt(np.pi / 0.7))
    check_grads(gauss, (w,), order=1)
    v = np.array([0.3, -0.5])
    second = slope(lambda s: wg.grad(gauss)(w + s * v), 0.0)
    np.testing.assert_allclose(wg.hvp(gauss, w, v), second, rtol=1e-6)
    np.testing.assert_allclose(wg.jvp(wg.grad(gauss), (w,), (v,))[1], second, rtol=1e-6)
    both = np.stack([w, [1.0, 1.0]])
    np.testing.assert_allclose(wg.vmap(wg.grad(gauss))(both), [wg.grad(gauss)(v) for v in both])
    infinite = wg.grad(lambda b: integrate.quad(lambda x: 1 / (1 + x * x), 0, b)[0])(np.inf)
    assert infinite == 0.0


def test_quad_nested() -> None:
    def volume(w: Any, b: Any) -> Any:
        inner = lambda x: integrate.quad(lambda y: np.exp(-w * x * y), 0, x * b)[0]  # noqa: E731
        return integrate.quad(inner, 0, 1)[0]

    for f in (lambda w: volume(w, 1.2), lambda b: volume(0.7, b)):
        assert wg.grad(f)(0.9) == pytest.approx(slope(f, 0.9), rel=1e-6)
        assert wg.derivative(f)(0.9) == pytest.approx(slope(f, 0.9), rel=1e-6)
        second = slope(wg.grad(f), 0.9)
        assert wg.grad(wg.grad(f))(0.9) == pytest.approx(second, rel=1e-5)
    found = wg.grad(lambda w: integrate.dblquad(lambda y, x, w: w * x * y, 0, 2, 0, lambda x: x,
                                                (w,))[0])(3.0)  # fmt: skip
    assert found == pytest.approx(2.0)


def test_quad_of_complex_functions_and_of_branches() -> None:
    def wave(w: Any) -> Any:
        return np.imag(integrate.quad(lambda x, w: np.exp(1j * w * x), 0, 1, (w,),
                                      complex_func=True)[0])  # fmt: skip

    assert wg.grad(wave)(2.0) == pytest.approx(slope(wave, 2.0), rel=1e-6)

    def branchy(x: Any, w: Any) -> Any:
        return w * x if x > 0.5 else w * w

    with_args = wg.grad(lambda w: integrate.quad(branchy, 0, 1, (w,), points=[0.5])[0])
    assert with_args(2.0) == pytest.approx(2.0 * 2 * 0.5 + 3 / 8)


def test_quad_tells_the_same_about_complex_functions() -> None:
    """Regression: what ``full_output`` asks for was missing where anything was differentiated."""
    wave = lambda x, w: np.exp(1j * w * x)  # noqa: E731
    options = {"complex_func": True, "full_output": 1}
    found = integrate.quad(wave, 0, 1, (wg.Tensor(2.0, requires_grad=True),), **options)
    expected = scipy.integrate.quad(wave, 0, 1, (2.0,), **options)
    assert found[2].keys() == expected[2].keys()
    assert found[2]["real"][0].keys() == expected[2]["real"][0].keys()


def test_quad_is_scipys_on_plain_values() -> None:
    found = integrate.quad(np.cos, 0, 1, weight="sin", wvar=2.0)
    assert found == scipy.integrate.quad(np.cos, 0, 1, weight="sin", wvar=2.0)
    assert len(integrate.quad(np.cos, 0, 1, full_output=1)) == 3
    assert isinstance(integrate.quad(np.cos, 0, wg.Tensor(1.0))[0], wg.Tensor)


def late(w: Any) -> Any:
    return integrate.quad(lambda x: w * x if x > 0.9 else x, 0, 1)[0]


def early(w: Any) -> Any:
    return integrate.quad(lambda x: w * x if x > 0.1 else x, 0, 1)[0]


REFUSED = [
    (lambda: wg.grad(early)(2.0), "cannot be recorded on shapes alone"),
    (lambda: wg.grad(late)(2.0), "Pass that value in args"),
    (lambda: wg.grad(lambda w: integrate.quad(lambda x: w * np.ones(2), 0, 1)[0])(1.0),
     "must return one real number"),
    (lambda: wg.grad(lambda w: integrate.quad(np.cos, 0, w, weight="sin", wvar=1.0)[0])(1.0),
     "put the weight into the function"),
    (lambda: integrate.quad(np.cos, 0, wg.Tensor(np.ones(2))), "a limit is one real number"),
    (lambda: integrate.fixed_quad(np.cos, 0.0, wg.Tensor(np.inf)), "only finite limits"),
    (lambda: integrate.simpson(wg.Tensor(np.ones(3)), x=np.ones(2)), "x has 2 points, y 3"),
    (lambda: integrate.trapezoid(wg.Tensor(1.0)), "y is one number"),
    (lambda: integrate.cumulative_trapezoid(wg.Tensor([1.0, 2.0]), initial=3), "None or 0"),
    (lambda: integrate.odeint(lambda y, t: y, np.ones((2, 2)), TIMES), "the state is a vector"),
    (lambda: integrate.odeint(lambda y, t: -1j * y, [1j], TIMES), "y0 is complex"),
    (lambda: integrate.odeint(lambda y, t: y, START, wg.Tensor(1.0)), "expected a vector of times"),
    (lambda: wg.grad(lambda w: integrate.odeint(lambda y, t: w * y[:1], START, TIMES)[-1, 0])(1.0),
     "shape (1,) for a state of shape (2,)"),
    (lambda: wg.grad(lambda w: ivp(w, method="Euler"))(1.0), "method"),
    (lambda: integrate.solve_ivp(lambda t, y: y, (0, 1, 2), START), "t_span must be (start, end)"),
    (lambda: integrate.solve_ivp(lambda t, y, a: y, (0, 1), START, args=3), "args must be a tuple"),
    (lambda: wg.vmap(ivp)(np.ones(2)), "give t_eval"),
]  # fmt: skip


def ivp(w: Any, **options: Any) -> Any:
    return integrate.solve_ivp(lambda t, y: -w * y, (0.0, 1.0), START, **options).y[0, -1]


@pytest.mark.parametrize(("call", "message"), REFUSED, ids=[m for _, m in REFUSED])
def test_what_is_refused(call: Any, message: str) -> None:
    pattern = message.replace("(", r"\(").replace(")", r"\)")
    with pytest.raises((wg.WengertError, ValueError), match=pattern):
        call()


# ------------------------------------------------------------------ differential equations


def predators(y: Any, t: Any, a: Any, p: Any) -> Any:
    prey = a * y[0] - p["b"] * y[0] * y[1] + 0.1 * np.sin(t)
    return [prey, -y[1] + p["d"] * y[0] * y[1]]


FINE = {"rtol": 1e-11, "atol": 1e-11}
CONSTANTS = {"b": 0.7, "d": 0.6}


def populations(y0: Any, a: Any, p: Any) -> Any:
    return integrate.odeint(predators, y0, TIMES, (a, p), **FINE)


def test_odeint_values_are_scipys() -> None:
    expected = scipy.integrate.odeint(predators, START, TIMES, (1.1, CONSTANTS), **FINE)
    np.testing.assert_array_equal(populations(START, 1.1, CONSTANTS), expected)
    np.testing.assert_array_equal(wg.vjp(populations, START, 1.1, CONSTANTS)[0], expected)
    y, info = integrate.odeint(lambda t, y: -y, START, TIMES, full_output=1, tfirst=True)
    assert y.shape == (4, 2)
    assert "nfe" in info


def test_odeint_by_state_and_parameters() -> None:
    check_grads(populations, (START, 1.1, CONSTANTS), order=1, rtol=1e-6, atol=1e-7)


def loss(v: Any) -> Any:
    y = integrate.odeint(predators, v[:2], TIMES[:3], (v[2], {"b": v[3], "d": v[4]}), **FINE)
    return np.sum(y[1:] ** 2)


def test_odeint_at_second_order_in_all_modes() -> None:
    v, u = np.array([1.0, 0.5, 1.1, 0.7, 0.6]), np.array([0.3, -0.2, 0.5, 0.1, -0.4])
    expected = slope(lambda s: wg.grad(loss)(v + s * u), 0.0)
    close = {"rtol": 1e-6, "atol": 1e-6}
    np.testing.assert_allclose(wg.jvp(wg.grad(loss), (v,), (u,))[1], expected, **close)
    np.testing.assert_allclose(wg.hvp(loss, v, u), expected, **close)
    mixed = wg.grad(lambda v: wg.jvp(loss, (v,), (u,))[1])(v)
    np.testing.assert_allclose(mixed, expected, **close)
    twice = wg.jvp(lambda v: wg.jvp(loss, (v,), (u,))[1], (v,), (u,))[1]
    assert twice == pytest.approx(u @ expected, rel=1e-6)


@pytest.mark.parametrize("times", [TIMES, TIMES[::-1].copy()], ids=["forwards", "backwards"])
def test_odeint_by_its_times(times: Any) -> None:
    weights = np.arange(8.0).reshape(4, 2)

    def f(t: Any) -> Any:
        return np.sum(integrate.odeint(predators, START, t, (1.1, CONSTANTS), **FINE) * weights)

    directions = np.eye(4)
    expected = [slope(lambda s, d=d: f(times + s * d), 0.0) for d in directions]
    np.testing.assert_allclose(wg.grad(f)(times), expected, rtol=1e-6)
    np.testing.assert_allclose(wg.jacfwd(f)(times), expected, rtol=1e-6)
    d = np.array([0.3, -0.2, 0.4, 0.1])
    second = slope(lambda s: wg.grad(f)(times + s * d), 0.0)
    np.testing.assert_allclose(wg.hvp(f, times, d), second, rtol=1e-4, atol=1e-5)


def test_odeint_captures_backward_and_batches() -> None:
    decay = lambda a: np.sum(integrate.odeint(lambda y, t: -a * y, START, TIMES))  # noqa: E731
    exact = -np.sum(TIMES * np.exp(-1.5 * TIMES)) * START.sum()
    assert wg.grad(decay)(1.5) == pytest.approx(exact, rel=1e-5)
    a = wg.Tensor(1.5, requires_grad=True)
    decay(a).backward()
    assert a.grad == pytest.approx(exact, rel=1e-5)
    rates = np.array([1.0, 1.5])
    np.testing.assert_allclose(wg.vmap(wg.grad(decay))(rates), [wg.grad(decay)(r) for r in rates])


def shaken(y: Any, t: Any, k: Any) -> Any:
    return -k * y + np.sin(50 * t)


SHAKEN = (np.ones(1), np.linspace(0.0, 20.0, 5))
ODEINT = {
    "full_output": 1, "rtol": 1e-4, "atol": np.array([1e-3]), "tcrit": np.array([1.5]),
    "h0": 0.01, "hmax": 0.05, "hmin": 1e-3, "mxstep": 4000, "mxhnil": 1, "mxordn": 3, "mxords": 2,
    "ml": 0, "mu": 0, "Dfun": lambda y, t, k: [[-float(k)]],
}  # fmt: skip


@pytest.mark.parametrize("option", ODEINT)
def test_odeint_has_scipys_options(option: str) -> None:
    options = {"mxstep": 5000, "full_output": 0, option: ODEINT[option]}
    expected = scipy.integrate.odeint(shaken, *SHAKEN, (2.0,), **options)
    for k in (2.0, wg.Tensor(2.0), wg.Tensor(2.0, requires_grad=True)):
        found = integrate.odeint(shaken, *SHAKEN, (k,), **options)
        if option == "full_output":
            assert found[1].keys() == expected[1].keys()
            found, values = found[0], expected[0]
        else:
            values = expected
        found = found.detach().array if isinstance(found, wg.Tensor) else found
        np.testing.assert_array_equal(found, values)


@pytest.mark.filterwarnings("ignore::scipy.integrate.ODEintWarning")
@pytest.mark.parametrize("transform", [wg.grad, wg.jit, wg.derivative, lambda f: wg.vmap(f)])
def test_odeint_that_breaks_off_has_no_derivative(transform: Any) -> None:
    """Regression: rows that had not been written were differentiated."""
    k = np.array([2.0]) if transform not in (wg.grad, wg.jit, wg.derivative) else 2.0
    last = lambda k, **options: integrate.odeint(shaken, *SHAKEN, (k,), **options)[-1, 0]  # noqa: E731
    with pytest.raises(wg.WengertValueError, match=r"broke off.*Excess work.*mxstep, 500 if 0"):
        transform(last)(k)
    assert np.isfinite(transform(lambda k: last(k, mxstep=5000))(k)).all()


def test_solve_ivp_takes_scipys_classes() -> None:
    f = lambda t, y, k: -k * y  # noqa: E731
    last = lambda k, m: integrate.solve_ivp(f, (0.0, 1.0), START, m, args=(k,)).y[0, -1]  # noqa: E731
    for method in (scipy.integrate.RK45, scipy.integrate.Radau):
        assert wg.grad(last)(2.0, method) == wg.grad(last)(2.0, method.__name__)


@pytest.mark.parametrize("method", ["RK45", "RK23", "DOP853", "Radau", "BDF", "LSODA"])
def test_solve_ivp_by_every_method(method: str) -> None:
    tolerance = {"rtol": 1e-6, "atol": 1e-8} if method == "RK23" else {"rtol": 1e-8, "atol": 1e-9}

    def f(t: Any, y: Any, a: Any, b: Any) -> Any:
        return predators(y, t, a, {"b": b, "d": 0.6})

    def run(y0: Any, a: Any, b: Any, at: Any) -> Any:
        return integrate.solve_ivp(f, (0.0, 1.0), y0, method, at, args=(a, b), **tolerance).y

    at = np.array([0.0, 0.4, 1.0])
    point = (START, 1.1, 0.7, at)
    y, pullback = wg.vjp(run, *point)
    expected = scipy.integrate.solve_ivp(
        f, (0.0, 1.0), START, method, at, args=(1.1, 0.7), **tolerance
    )
    np.testing.assert_array_equal(y, expected.y)
    ct = np.array([[0.3, -1.0, 2.0], [0.5, 1.0, -0.7]])
    direction = (np.array([0.2, -0.4]), 0.3, 0.5, np.array([0.6, -0.2, 0.4]))
    tangent = wg.jvp(run, point, direction)[1]
    backward = sum(np.sum(g * d) for g, d in zip(pullback(ct), direction, strict=True))
    assert np.sum(ct * tangent) == pytest.approx(backward, rel=2e-5)
    numbers = slope(
        lambda s: run(*[p + s * d for p, d in zip(point[:3], direction)], at), 0.0, 1e-3
    )  # fmt: skip
    along_state = wg.jvp(lambda *p: run(*p, at), point[:3], direction[:3])[1]
    np.testing.assert_allclose(along_state, numbers, rtol=2e-4, atol=1e-4)


def test_solve_ivp_by_its_span_and_chosen_times() -> None:
    def end(span: Any) -> Any:
        return integrate.solve_ivp(lambda t, y: -y * t, span, START, **{"rtol": 1e-9, "atol": 1e-10}
                                   ).y[:, -1].sum()  # fmt: skip

    a, b = 0.1, 1.0
    value = START.sum() * np.exp((a * a - b * b) / 2)
    np.testing.assert_allclose(wg.grad(end)(np.array([a, b])), [a * value, -b * value], rtol=1e-6)
    result = wg.vjp(lambda y: integrate.solve_ivp(lambda t, y: -y, (0, 1), y).y, START)[0]
    np.testing.assert_array_equal(
        result, scipy.integrate.solve_ivp(lambda t, y: -y, (0, 1), START).y
    )
    grown = wg.vmap(lambda w: ivp(w, t_eval=[0.5, 1.0]))(np.array([1.0, 2.0]))
    np.testing.assert_allclose(grown, np.exp([-1.0, -2.0]), rtol=1e-2)


def test_solve_ivp_of_a_stiff_system() -> None:
    """Robertson's reactions: integrating them backwards would be hopeless."""

    def reactions(t: Any, y: Any, k: Any) -> Any:
        one, two, three = k[0] * y[0], k[1] * y[1] * y[2], k[2] * y[1] ** 2
        return np.stack([-one + two, one - two - three, three])

    def left(k: Any) -> Any:
        return integrate.solve_ivp(reactions, (0, 10.0), [1.0, 0, 0], "Radau", [10.0], args=(k,),
                                   rtol=1e-8, atol=1e-11).y[0, 0]  # fmt: skip

    k = np.array([0.04, 1e4, 3e7])
    found = wg.grad(left)(k) * k
    expected = [slope(lambda s, d=d: left(k * (1 + s * d)), 0.0, 1e-3) for d in np.eye(3)]
    np.testing.assert_allclose(found, expected, rtol=1e-3)


def test_solve_ivp_of_a_complex_state() -> None:
    def amplitude(w: Any) -> Any:
        y = integrate.solve_ivp(lambda t, y: (1j * w - 1) * y, (0.0, 1.0), np.array([1.0 + 0j]),
                                t_eval=[1.0], rtol=1e-9, atol=1e-10).y[0, 0]  # fmt: skip
        return np.abs(y + 1) ** 2

    exact = slope(lambda w: np.abs(np.exp(1j * w - 1) + 1) ** 2, 2.0)
    assert wg.grad(amplitude)(2.0) == pytest.approx(exact, rel=1e-6)
    assert wg.jvp(amplitude, (2.0,), (1.0,))[1] == pytest.approx(exact, rel=1e-6)


def test_the_cotangents_size_does_not_matter() -> None:
    """The adjoint system is solved for cotangents of size one."""
    small = wg.grad(lambda w: 1e-12 * ivp(w, rtol=1e-8, atol=1e-8))(1.0)
    assert small == pytest.approx(-1e-12 * np.exp(-1.0), rel=1e-5)


def test_no_times_are_an_error_where_their_derivative_is_asked_for() -> None:
    def end(a: Any) -> Any:
        solution = integrate.solve_ivp(lambda t, y: -a * y, (0.0, 1.0), np.ones(1), t_eval=[])
        return np.sum(solution.y)

    with pytest.raises(wg.WengertValueError, match="solve_ivp: t_eval is empty; give at least"):
        wg.grad(end)(2.0)


def test_errors_of_the_function_come_through() -> None:
    def broken(y: Any, t: Any) -> Any:
        raise KeyError("what the user raised")

    with pytest.raises(KeyError, match="what the user raised"):
        integrate.odeint(broken, START, TIMES)


def test_gradient_of_a_batch_of_solutions() -> None:
    """Regression: the rule has no cotangent for the times, and says None."""
    starts, rates = np.array([[0.5, 1.0], [0.7, 0.9]]), np.array([0.5, 2.0])
    times = np.linspace(0, 1, 4)

    def end(start: Any, rate: Any) -> Any:
        return np.sum(integrate.odeint(lambda y, t, k: -k * y * y, start, times, args=(rate,)) ** 2)

    found = wg.grad(lambda s, r: np.sum(wg.vmap(end)(s, r)), argnums=(0, 1))(starts, rates)
    each = [wg.grad(end, argnums=(0, 1))(s, r) for s, r in zip(starts, rates, strict=True)]
    np.testing.assert_allclose(found[0], [g[0] for g in each])
    np.testing.assert_allclose(found[1], [g[1] for g in each])
