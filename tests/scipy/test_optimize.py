"""Minimization, roots and fits: solutions, what is supplied, and derivatives of solutions."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import scipy.optimize

import wengert as wg
from wengert.scipy import optimize
from wengert.scipy.optimize import minimization

H = 1e-4


def slope(f: Any, x: Any) -> Any:
    return (f(x + H) - f(x - H)) / (2 * H)


def rosenbrock(x: Any) -> Any:
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def bowl(x: Any) -> Any:
    return np.sum((x - 1) ** 2) + 0.1 * np.sum(x**4)


METHODS = [
    None, "Nelder-Mead", "Powell", "CG", "BFGS", "Newton-CG", "L-BFGS-B", "TNC", "COBYLA", "COBYQA",
    "SLSQP", "trust-constr", "dogleg", "trust-ncg", "trust-exact", "trust-krylov",
]  # fmt: skip


@pytest.mark.parametrize("method", METHODS)
def test_every_method_gets_what_it_needs(method: str | None) -> None:
    f = bowl if method in ("dogleg", "COBYLA") else rosenbrock
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # SciPy warns of derivatives that a method does not use
        found = optimize.minimize(f, [0.5, 0.3, 0.2], method=method)
    target = np.full(3, 0.868830020341) if f is bowl else np.ones(3)
    np.testing.assert_allclose(found.x, target, atol=2e-3)


def beale(x: Any) -> Any:
    y = x[1] ** np.arange(1.0, 4.0)
    return np.sum((np.array([1.5, 2.25, 2.625]) - x[0] + x[0] * y) ** 2)


def cosh_sum(x: Any) -> Any:
    return np.sum(np.cosh(x - 1)) + 0.1 * x[0] * x[1]


def quartic(x: Any) -> Any:
    return np.sum((x - np.arange(3.0)) ** 4) + np.sum(x) ** 2


@pytest.mark.filterwarnings("ignore:.*:UserWarning", "ignore:.*:RuntimeWarning")
@pytest.mark.parametrize("method", METHODS[1:])
@pytest.mark.parametrize(
    ("f", "start"),
    [
        (rosenbrock, [-1.2, 1.0]),
        (rosenbrock, [1.3, 0.7, 0.8]),
        (beale, [1.0, 1.0]),
        (cosh_sum, [3.0, -2.0]),
        (quartic, [3.0, -2.0, 1.0]),
    ],
)
def test_the_result_is_scipys_with_exact_derivatives(method: str, f: Any, start: Any) -> None:
    """Where SciPy fails (dogleg on an indefinite Hessian), so do we, with its message."""
    x0 = np.array(start)
    exact: dict[str, Any] = {}
    if method.lower() not in minimization.WITHOUT_GRADIENT:
        exact["jac"] = wg.grad(f)
    if method in ("Newton-CG", "trust-constr", "dogleg") or method.startswith("trust-"):
        exact["hess"] = wg.hessian(f)
    expected = scipy.optimize.minimize(f, x0, method=method, **exact)
    found = optimize.minimize(f, x0, method=method)
    assert (found.success, found.status, found.message) == (
        expected.success, expected.status, expected.message,
    )  # fmt: skip
    np.testing.assert_allclose(found.x, expected.x, rtol=1e-6, atol=1e-6)
    tree = {"first": x0[0], "rest": [x0[1:]]}
    joined = lambda p: np.concatenate([np.reshape(p["first"], (1,)), p["rest"][0]])  # noqa: E731
    found = optimize.minimize(lambda p: f(joined(p)), tree, method=method)
    assert found.success == expected.success
    np.testing.assert_allclose(joined(found.x), expected.x, rtol=1e-5, atol=1e-5)


def objective(p: Any, t: Any) -> Any:
    return np.sum((p["a"] - t) ** 2) + (p["b"] - t[0, 0]) ** 2 + p["b"] ** 4


TREE = {"a": np.zeros((2, 2)), "b": 1.0}
TARGET = np.array([[1.0, 2.0], [3.0, 4.0]])


def test_containers() -> None:
    found = optimize.minimize(objective, TREE, args=(TARGET,))
    np.testing.assert_allclose(found.x["a"], TARGET, atol=1e-6)
    assert np.ndim(found.x["b"]) == 0
    assert set(found.jac) == {"a", "b"}
    seen: list[Any] = []
    optimize.minimize(objective, TREE, args=(TARGET,), callback=seen.append)
    assert seen[0]["a"].shape == (2, 2)
    optimize.minimize(
        objective, TREE, args=(TARGET,),
        callback=lambda intermediate_result: seen.append(intermediate_result.x),
    )  # fmt: skip
    assert set(seen[-1]) == {"a", "b"}
    upper = {"a": np.array([[0.5, 9.0], [9.0, 9.0]]), "b": None}
    held = optimize.minimize(lambda p: objective({**TREE, **p}, TARGET), {"a": TREE["a"]},
                             bounds=({"a": 0.0}, {"a": upper["a"]}))  # fmt: skip
    np.testing.assert_allclose(held.x["a"], np.minimum(TARGET, upper["a"]), atol=1e-5)


@pytest.mark.parametrize("method", ["L-BFGS-B", "TNC", "SLSQP", "trust-constr", "Powell"])
def test_bounds(method: str) -> None:
    bounds = [(None, 0.8), (0, None)]
    found = optimize.minimize(rosenbrock, [0.5, 0.3], method=method, bounds=bounds).x
    expected = scipy.optimize.minimize(rosenbrock, [0.5, 0.3], method=method, bounds=bounds).x
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize("method", ["SLSQP", "trust-constr", "COBYLA", "COBYQA"])
def test_constraints(method: str) -> None:
    disc = {"type": "ineq", "fun": lambda x: 1 - x[0] ** 2 - x[1] ** 2}
    line = {"type": "eq", "fun": lambda x, k: x[0] - k * x[1], "args": (2.0,)}
    both = scipy.optimize.NonlinearConstraint(
        lambda x: np.stack([x[0] ** 2 + x[1] ** 2, x[0] - 2 * x[1]]), [-np.inf, 0], [1, 0]
    )
    constraints = both if method == "trust-constr" else [disc, line]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = optimize.minimize(rosenbrock, [0.5, 0.3], method=method, constraints=constraints)
    np.testing.assert_allclose(found.x, [0.51747, 0.25873], atol=2e-4)


def test_derivatives_of_the_user() -> None:
    def both(x: Any) -> Any:
        return np.sum((x - 1) ** 2), 2 * (x - 1)

    for options in (
        {"fun": both, "jac": True},
        {"fun": lambda x: both(x)[0], "jac": lambda x: both(x)[1]},
        {"fun": lambda x: both(x)[0], "jac": "2-point"},
        {"fun": lambda x: both(x)[0], "hess": lambda x: 2 * np.eye(2), "method": "trust-exact"},
        {"fun": lambda x: both(x)[0], "hessp": lambda x, v: 2 * v, "method": "Newton-CG"},
    ):
        found = optimize.minimize(x0=[3.0, 2.0], **options)
        np.testing.assert_allclose(found.x, [1.0, 1.0], atol=1e-5)


def nearest(a: Any) -> Any:
    def f(x: Any) -> Any:
        return (x[0] - a) ** 2 + np.exp(x[0] * a) + x[1] ** 2

    return optimize.minimize(f, [0.0, 1.0], tol=1e-11)


def test_minimum_as_a_function_of_what_is_captured() -> None:
    first = lambda a: nearest(a).x[0]  # noqa: E731
    assert wg.grad(first)(0.5) == pytest.approx(slope(first, 0.5), rel=1e-5)
    second = slope(wg.grad(first), 0.5)
    assert wg.grad(wg.grad(first))(0.5) == pytest.approx(second, rel=1e-4)
    assert wg.jvp(wg.grad(first), (0.5,), (1.0,))[1] == pytest.approx(second, rel=1e-4)
    assert wg.derivative(first)(0.5) == pytest.approx(slope(first, 0.5), rel=1e-5)
    lowest = lambda a: nearest(a).fun  # noqa: E731
    assert wg.grad(lowest)(0.5) == pytest.approx(slope(lowest, 0.5), rel=1e-6)
    at = np.array([0.5, 0.7])
    np.testing.assert_allclose(wg.vmap(wg.grad(first))(at), [wg.grad(first)(a) for a in at])
    t = wg.Tensor(0.5, requires_grad=True)
    first(t).backward()
    assert t.grad == pytest.approx(wg.grad(first)(0.5))


def test_minimum_as_a_function_of_containers_and_bounds() -> None:
    def f(t: Any) -> Any:
        x = optimize.minimize(objective, TREE, args=(t,), tol=1e-10).x
        return np.sum(x["a"] ** 2) + x["b"] ** 3

    d = np.array([[0.3, -0.2], [0.5, 0.1]])
    found = np.sum(wg.grad(f)(TARGET) * d)
    assert found == pytest.approx(slope(lambda s: f(TARGET + s * d), 0.0), rel=1e-5)

    def held(a: Any) -> Any:
        return optimize.minimize(lambda x: np.sum((x - a) ** 2) + x[0] * x[1], [0.5, 0.3],
                                 bounds=[(0, 0.4), (None, None)], tol=1e-12).x  # fmt: skip

    np.testing.assert_allclose(wg.jacobian(held)(1.0), [0.0, 1.0], atol=1e-9)


def test_minimize_scalar() -> None:
    f = lambda a: optimize.minimize_scalar(lambda x, a: (x - a) ** 2 + np.exp(x), args=(a,),  # noqa: E731
                                           tol=1e-10).x  # fmt: skip
    assert wg.grad(f)(1.0) == pytest.approx(slope(f, 1.0), rel=1e-4)

    def bounded(a: Any) -> Any:
        return optimize.minimize_scalar(
            lambda x, a: (x - a) ** 2 + np.exp(x), bounds=(0, 0.1), args=(a,)
        ).x

    assert wg.grad(bounded)(2.0) == 0.0


# ------------------------------------------------------------------ roots


def system(x: Any, a: Any) -> Any:
    return np.stack([x[0] ** 2 + x[1] - a, x[0] - np.sin(x[1])])


@pytest.mark.parametrize("method", ["hybr", "lm", "broyden1", "krylov", "df-sane"])
def test_root(method: str) -> None:
    found = optimize.root(system, [1.0, 1.0], (2.0,), method).x
    np.testing.assert_allclose(system(found, 2.0), 0.0, atol=1e-4)


def test_root_as_a_function_of_arguments() -> None:
    f = lambda a: optimize.root(system, [1.0, 1.0], (a,), tol=1e-13).x  # noqa: E731
    np.testing.assert_allclose(wg.jacobian(f)(2.0), slope(f, 2.0), rtol=1e-6)
    np.testing.assert_allclose(wg.jacfwd(f)(2.0), slope(f, 2.0), rtol=1e-6)
    second = slope(wg.jacobian(f), 2.0)
    np.testing.assert_allclose(wg.jacobian(wg.jacobian(f))(2.0), second, rtol=1e-5)
    tree = optimize.root(lambda p: {"u": p["u"] ** 2 - 4, "v": p["v"] - p["u"]},
                         {"u": np.ones(2), "v": np.ones(2)}).x  # fmt: skip
    np.testing.assert_allclose(tree["v"], [2.0, 2.0])


def cubic(x: Any, a: Any) -> Any:
    return x**3 - a * np.cos(x)


EXACT = 1.016993322040642  # the root for a = 2, its first and its second derivative
FIRST, SECOND = 0.10947916784152, -0.0566154213177


@pytest.mark.parametrize("name", ["brentq", "brenth", "bisect", "ridder", "toms748"])
def test_roots_in_brackets(name: str) -> None:
    find = getattr(optimize, name)
    f = lambda a: find(cubic, 0, 3, (a,), xtol=1e-13)  # noqa: E731
    assert f(2.0) == pytest.approx(EXACT, rel=1e-11)
    assert wg.grad(f)(2.0) == pytest.approx(FIRST, rel=1e-9)
    assert wg.grad(wg.grad(f))(2.0) == pytest.approx(SECOND, rel=1e-9)
    assert find(lambda x: x - 1, 0, 3, full_output=True)[1].converged


@pytest.mark.parametrize(
    "options",
    [{"bracket": [0, 3]}, {"x0": 1.0}, {"method": "halley", "x0": 1.0}, {"x0": 1.0, "x1": 2.0},
     {"x0": 1.0, "fprime": lambda x, a: 3 * x**2 + a * np.sin(x)}],
    ids=["bracket", "newton", "halley", "secant", "given"],
)  # fmt: skip
def test_root_scalar(options: Any) -> None:
    f = lambda a: optimize.root_scalar(cubic, (a,), **options).root  # noqa: E731
    assert f(2.0) == pytest.approx(EXACT, rel=1e-9)
    assert wg.grad(f)(2.0) == pytest.approx(FIRST, rel=1e-8)
    np.testing.assert_allclose(wg.vmap(f)(np.array([1.0, 2.0])), [f(1.0), f(2.0)])


def test_newton_by_elements_and_fixed_points() -> None:
    f = lambda a: optimize.newton(cubic, np.ones(3), args=(a,))  # noqa: E731
    a = np.array([1.0, 2.0, 3.0])
    assert wg.jacobian(f)(a)[1, 1] == pytest.approx(FIRST, rel=1e-8)
    assert wg.jacobian(f)(a)[1, 0] == 0
    twice = wg.elementwise_grad(wg.elementwise_grad(f))(a)
    assert twice[1] == pytest.approx(SECOND, rel=1e-8)
    g = lambda a: optimize.fixed_point(lambda x, a: np.cos(a * x), 0.5, (a,), 1e-12)  # noqa: E731
    assert wg.grad(g)(1.0) == pytest.approx(slope(g, 1.0), rel=1e-6)


# ------------------------------------------------------------------ fits

X = np.linspace(0, 2, 12)
Y = 2 * np.exp(-X) + 0.05 * np.random.default_rng(1).normal(size=12)
SIGMA = np.linspace(0.5, 1, 12)


def model(x: Any, a: Any, b: Any) -> Any:
    return a * np.exp(-b * x)


@pytest.mark.parametrize(
    "options",
    [{}, {"sigma": SIGMA}, {"sigma": SIGMA, "absolute_sigma": True}, {"sigma": np.diag(SIGMA**2)},
     {"bounds": (0, [3, 3.0])}],
    ids=["plain", "sigma", "absolute", "covariance", "bounds"],
)  # fmt: skip
def test_curve_fit(options: Any) -> None:
    expected = scipy.optimize.curve_fit(model, X, Y, **options)
    plain = optimize.curve_fit(model, X, Y, **options)
    traced = wg.vjp(lambda y: optimize.curve_fit(model, X, y, **options), Y)[0]
    for found in (plain, traced):
        for f, e in zip(found, expected, strict=True):
            np.testing.assert_allclose(f, e, rtol=1e-5, atol=1e-8)
    d = np.cos(np.arange(12.0))
    tight = {**options, "ftol": 1e-14, "xtol": 1e-14}
    change = slope(lambda s: scipy.optimize.curve_fit(model, X, Y + s * d, **tight)[0], 0.0)
    found = wg.jacobian(lambda y: optimize.curve_fit(model, X, y, **options)[0])(Y) @ d
    np.testing.assert_allclose(found, change, rtol=2e-3, atol=1e-5)
    spread = lambda y: np.sum(optimize.curve_fit(model, X, y, **tight)[1])  # noqa: E731
    change = slope(lambda s: spread(Y + s * d), 0.0)
    assert wg.grad(spread)(Y) @ d == pytest.approx(change, rel=2e-3, abs=1e-7)


def test_least_squares() -> None:
    def fitted(y: Any) -> Any:
        found = optimize.least_squares(
            lambda p, y: model(X, p["a"], p["b"]) - y, {"a": 1.0, "b": 1.0}, args=(y,)
        )
        return found.x["b"]

    d = np.cos(np.arange(12.0))
    change = slope(lambda s: fitted(Y + s * d), 0.0)
    assert wg.grad(fitted)(Y) @ d == pytest.approx(change, rel=1e-4)
    held = lambda y: optimize.least_squares(  # noqa: E731
        lambda p: model(X, p[0], p[1]) - y, [1.0, 1.0], bounds=([0, 0], [1.5, 9])
    ).x[0]
    np.testing.assert_allclose(wg.grad(held)(Y), 0.0, atol=1e-9)


def with_constraint(a: Any) -> Any:
    line = {"type": "eq", "fun": lambda x: x[0]}
    return optimize.minimize(lambda x: np.sum((x - a) ** 2), [1.0], constraints=line).x[0]


REFUSED = [
    (lambda: optimize.minimize(lambda x: x, [1.0, 2.0]), "must return one real number"),
    (lambda: optimize.minimize(lambda x: (1.0, 2.0), [1.0]), "returned a tuple"),
    (lambda: optimize.minimize(bowl, [1j]), "variables are real numbers"),
    (lambda: wg.grad(with_constraint)(1.0), "under constraints is not differentiable"),
    (lambda: wg.grad(lambda a: optimize.minimize(lambda x: np.sum((x - a) ** 2), [1.0],
                                                 method="trust-constr", bounds=[(0, 1)]).x[0])(1.0),
     "use 'L-BFGS-B', 'TNC' or 'SLSQP'"),
    (lambda: wg.grad(lambda a: optimize.minimize(bowl, [1.0], bounds=[(0, a)]).x[0])(1.0),
     "bounds are being differentiated"),
    (lambda: optimize.minimize(bowl, [1.0, 2.0], bounds=[(0, 1)]), "pair for each of the 2"),
    (lambda: optimize.minimize(lambda p: bowl(p["a"]), {"a": np.ones(1)}, bounds=[(0, 1)]),
     "must be a pair (lower, upper)"),
    (lambda: optimize.minimize(bowl, [1.0], constraints={"type": "eq"}), "needs a function"),
    (lambda: optimize.root(lambda x: x[:1], [1.0, 2.0]), "1 residuals for 2 variables"),
    (lambda: optimize.brentq(lambda x: x * np.ones(2), 0, 1), "must return one real number"),
    (lambda: optimize.brentq(lambda x: x + 1, 0, 1), "f(a) and f(b) must have different signs"),
    (lambda: optimize.newton(lambda x: np.sum(x), np.ones(2)), "each element alone"),
    (lambda: wg.grad(lambda a: optimize.least_squares(lambda p: p - a, [1.0], loss="huber").x[0])(
        1.0), "loss='huber'"),
    (lambda: optimize.least_squares(bowl, [1.0], bounds=3), "must be a pair (lower, upper)"),
    (lambda: optimize.curve_fit(lambda x, *p: x, X, Y), "give p0"),
    (lambda: wg.grad(lambda y: optimize.curve_fit(model, X, y, full_output=True)[0][0])(Y),
     "full_output and nan_policy"),
    (lambda: wg.grad(lambda y: optimize.curve_fit(model, X[:2], y)[0][0])(Y[:2]),
     "do not determine the scatter"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "message"), REFUSED, ids=[m for _, m in REFUSED])
def test_what_is_refused(call: Any, message: str) -> None:
    pattern = message.replace("(", r"\(").replace(")", r"\)")
    with pytest.raises((wg.WengertError, ValueError), match=pattern):
        call()
