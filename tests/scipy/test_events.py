"""Events and dense output of `solve_ivp`: SciPy's values, derivatives of both modes and orders."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.integrate

import wengert as wg
from wengert.scipy import integrate
from wengert.testing import check_grads

FINE = {"rtol": 1e-10, "atol": 1e-12}
START = np.array([1.0, 5.0])


def fall(t: Any, y: Any, g: Any, c: Any) -> Any:
    return np.stack([y[1], -g - c * y[1] * y[1] * y[0] + np.sin(t)])


def ground(t: Any, y: Any, g: Any, c: Any) -> Any:
    return y[0] - 0.1 * c * t


ground.terminal, ground.direction = True, -1  # type: ignore[attr-defined]


def top(t: Any, y: Any, g: Any, c: Any) -> Any:
    return y[1]


def fallen(y0: Any, g: Any, c: Any, **options: Any) -> Any:
    options = {"events": [ground, top], **FINE, **options}
    return integrate.solve_ivp(fall, (0.0, 10.0), y0, args=(g, c), **options)


POINT = (START, 9.8, 0.1)
RESULTS = {
    "t_events": lambda *a: np.concatenate(fallen(*a).t_events),
    "y_events": lambda *a: np.concatenate(fallen(*a).y_events),
    "end": lambda *a: (fallen(*a).t[-1], fallen(*a).y[:, -1]),
}


def same(found: Any, expected: Any) -> None:
    for name in ("t", "y", "t_events", "y_events"):
        mine, theirs = getattr(found, name), getattr(expected, name)
        mine, theirs = ([x] if not isinstance(x, list) else x for x in (mine, theirs))
        for a, b in zip(mine, theirs, strict=True):
            a = a.detach().array if isinstance(a, wg.Tensor) else a
            assert np.shape(a) == np.shape(b)
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("at", [None, np.array([0.1, 0.5, 3.0]), np.array([3.0])])
@pytest.mark.parametrize("traced", [False, True])
def test_values_are_scipys(at: Any, traced: bool) -> None:
    given = {"args": (9.8, 0.1), "t_eval": at, "events": (ground, top), **FINE}
    expected = scipy.integrate.solve_ivp(fall, (0.0, 10.0), START, **given)
    y0 = wg.Tensor(START, requires_grad=True) if traced else START
    found = integrate.solve_ivp(fall, (0.0, 10.0), y0, **given)
    if at is None or len(at) > 1:  # else SciPy's are empty lists
        same(found, expected)
    assert found.status == expected.status == 1
    assert len(found.t) == len(expected.t)


@pytest.mark.parametrize("result", RESULTS)
def test_derivatives(result: str) -> None:
    check_grads(RESULTS[result], POINT, order=1)


def test_second_order() -> None:
    """Of the drop of a stone: sqrt(2 h / g)."""

    def moment(v: Any) -> Any:
        equation = lambda t, y: np.stack([y[1], -v[1]])  # noqa: E731
        return integrate.solve_ivp(equation, (0.0, 9.0), [v[0], 0.0], events=hit, **FINE).t[-1]

    exact = lambda v: np.sqrt(2 * v[0] / v[1])  # noqa: E731
    v = np.array([3.0, 9.8])
    expected = wg.hessian(exact)(v)
    np.testing.assert_allclose(wg.grad(moment)(v), wg.grad(exact)(v), rtol=1e-9)
    np.testing.assert_allclose(wg.hessian(moment)(v), expected, rtol=1e-8)
    np.testing.assert_allclose(wg.jacfwd(wg.jacfwd(moment))(v), expected, rtol=1e-8)
    u = np.array([0.3, -0.4])
    along = lambda v: wg.jvp(moment, (v,), (u,))[1]  # noqa: E731
    np.testing.assert_allclose(wg.grad(along)(v), expected @ u, rtol=1e-8)
    third = lambda f: wg.derivative(wg.derivative(wg.derivative(f)))(3.0)  # noqa: E731
    np.testing.assert_allclose(
        third(lambda h: moment(wg.numpy.stack([h, 9.8]))),
        third(lambda h: np.sqrt(2 * h / 9.8)),
        rtol=1e-7,
    )


def hit(t: Any, y: Any) -> Any:
    return y[0]


hit.terminal = True  # type: ignore[attr-defined]


def swing(t: Any, y: Any, w: Any) -> Any:
    return np.stack([y[1], -w * np.sin(y[0])])


@pytest.mark.parametrize(("direction", "terminal"), [(0, 3), (1, None), (-1, 2)])
@pytest.mark.parametrize("method", ["RK45", "LSODA"])
def test_direction_and_number(direction: int, terminal: Any, method: str) -> None:
    def crossing(t: Any, y: Any, w: Any) -> Any:
        return y[0] - 0.1 * w

    crossing.terminal, crossing.direction = terminal, direction  # type: ignore[attr-defined]
    options = {"method": method, "events": crossing, "rtol": 1e-9, "atol": 1e-10}
    y0 = np.array([0.5, 0.0])
    expected = scipy.integrate.solve_ivp(swing, (0.0, 12.0), y0, args=(2.0,), **options)
    run = lambda w: integrate.solve_ivp(swing, (0.0, 12.0), y0, args=(w,), **options)  # noqa: E731
    times, pullback = wg.vjp(lambda w: run(w).t_events[0], 2.0)
    np.testing.assert_array_equal(times, expected.t_events[0])
    tangent = wg.jvp(lambda w: run(w).t_events[0], (2.0,), (1.0,))[1]
    h = 1e-4
    numbers = (run(2.0 + h).t_events[0] - run(2.0 - h).t_events[0]) / (2 * h)
    np.testing.assert_allclose(tangent, numbers, rtol=1e-5)
    assert pullback(np.ones(len(times)))[0] == pytest.approx(np.sum(numbers), rel=1e-5)


def test_backwards_in_time_and_by_the_span() -> None:
    def crossing(t: Any, y: Any, level: Any) -> Any:
        return y[0] - 2.0 - 0.1 * level

    def moment(start: Any, end: Any, level: Any) -> Any:
        found = integrate.solve_ivp(
            lambda t, y, level: -y * t, (start, end), [1.0], events=crossing, args=(level,), **FINE
        )
        return found.t_events[0][0] * found.y[0, -1]

    check_grads(moment, (2.0, 0.1, 1.0), order=1)


def test_only_the_event_is_differentiated() -> None:
    """With y = exp(t), the level c is met at log(c)."""
    level = wg.Tensor(2.0, requires_grad=True)
    crossing = lambda t, y: y[0] - level  # noqa: E731
    found = integrate.solve_ivp(lambda t, y: y, (0.0, 1.0), [1.0], events=crossing, **FINE)
    found.t_events[0].sum().backward()
    assert level.grad == pytest.approx(0.5, rel=1e-8)


def test_a_bounce_is_a_solution_after_an_event() -> None:
    drop = lambda t, y: np.stack([y[1], -9.8 + 0.0 * y[0]])  # noqa: E731

    def height(v: Any) -> Any:
        y, t = np.stack([v[0], 0.0 * v[0]]), 0.0
        for _ in range(2):
            found = integrate.solve_ivp(drop, (t, 9.0), y, events=landing, **FINE)
            t, y = found.t[-1], found.y[:, -1] * np.stack([0.0, -v[1]])
        return y[1] ** 2 / 19.6 + t

    def exact(v: Any) -> Any:
        return v[1] ** 4 * v[0] + np.sqrt(2 * v[0] / 9.8) * (1 + 2 * v[1])

    v = np.array([2.0, 0.8])
    np.testing.assert_allclose(height(v), exact(v), rtol=1e-8)
    np.testing.assert_allclose(wg.grad(height)(v), wg.grad(exact)(v), rtol=1e-7)


def landing(t: Any, y: Any) -> Any:
    return y[0]


landing.terminal, landing.direction = True, -1  # type: ignore[attr-defined]


def test_a_complex_state() -> None:
    """With y = exp(i w t), the real part is zero at pi / (2 w)."""
    crossing = lambda t, y: np.real(y[0])  # noqa: E731
    run = lambda w: integrate.solve_ivp(  # noqa: E731
        lambda t, y: 1j * w * y, (0.0, 2.0), np.array([1.0 + 0j]), events=crossing, **FINE
    )
    assert wg.grad(lambda w: run(w).t_events[0][0])(1.5) == pytest.approx(-np.pi / 4.5, rel=1e-8)
    assert wg.derivative(lambda w: run(w).t_events[0][0])(1.5) == pytest.approx(-np.pi / 4.5)


def test_events_that_do_not_happen() -> None:
    never = lambda t, y, w: y[0] + 9.0  # noqa: E731
    run = lambda w: integrate.solve_ivp(swing, (0.0, 1.0), START, events=[never], args=(w,))  # noqa: E731
    found = run(wg.Tensor(2.0, requires_grad=True))
    assert [t.shape for t in found.t_events] == [(0,)]
    assert np.isfinite(wg.grad(lambda w: run(w).y[0, -1])(2.0))


def test_plain_events_get_the_arguments() -> None:
    """Regression: events were called without ``args``."""
    found = integrate.solve_ivp(fall, (0.0, 10.0), START, args=(9.8, 0.1), events=ground, **FINE)
    assert found.t_events[0] == scipy.integrate.solve_ivp(
        fall, (0.0, 10.0), START, args=(9.8, 0.1), events=ground, **FINE
    ).t_events[0]  # fmt: skip


# ------------------------------------------------------------------ dense output


def test_dense_output() -> None:
    def solution(w: Any, t: Any) -> Any:
        return integrate.solve_ivp(
            swing, (0.0, 2.0), START / 5, dense_output=True, args=(w,), **FINE
        ).sol(t)

    own = scipy.integrate.solve_ivp(
        swing, (0.0, 2.0), START / 5, dense_output=True, args=(2.0,), **FINE
    ).sol
    t = np.array([1.3, 0.2, 0.2, 0.0, 2.0])
    np.testing.assert_array_equal(wg.vjp(solution, 2.0, t)[0], own(t))
    check_grads(solution, (2.0, t[:2]), order=1, rtol=1e-5, atol=1e-7)
    slope = wg.derivative(lambda t: solution(wg.Tensor(2.0, requires_grad=True), t))(0.5)
    slope = slope.detach().array if isinstance(slope, wg.Tensor) else slope
    np.testing.assert_allclose(slope, swing(0.5, own(0.5), 2.0), rtol=1e-6)


REFUSED = [
    (lambda: wg.vmap(lambda w: fallen(START, w, 0.1).t[-1])(np.ones(2)), "how many events happen"),
    (lambda: wg.vmap(lambda w: fallen(START, w, 0.1, events=None, dense_output=True).y[0, -1])(
        np.ones(2)), "the times that the solver chooses"),
    (lambda: wg.grad(lambda w: fallen(START, w, 0.1, events=3))(1.0), "'int' object is not iter"),
    (lambda: wg.grad(lambda w: fallen(START, w, 0.1, events=[3]))(1.0), "event 0 is a int"),
    (lambda: fallen(START, 9.8, 0.1, events=[top, lambda t, y, g, c: y]),
     r"event 1 returned an array of shape \(2,\) and dtype float64; it must return one real"),
    (lambda: fallen(START, wg.Tensor(9.8, requires_grad=True), 0.1, dense_output=True,
                    events=None).sol(11.0), "time 11.0 lies outside of the solution, which goes"),
    (lambda: fallen(START, wg.Tensor(9.8, requires_grad=True), 0.1, dense_output=True,
                    events=None).sol(np.ones((1, 1))), "expected a number or a vector"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "message"), REFUSED, ids=[m for _, m in REFUSED])
def test_what_is_refused(call: Any, message: str) -> None:
    with pytest.raises((wg.WengertError, TypeError), match=message):
        call()
