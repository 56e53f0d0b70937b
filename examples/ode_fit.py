"""Predators and prey: the rates of the Lotka-Volterra equations, from noisy counts."""

import argparse
from itertools import pairwise

import numpy as onp
from scipy.optimize import minimize

import wengert.numpy as np
import wengert.numpy.random as npr
from wengert import jacobian, value_and_grad

TRUTH = onp.array([1.0, 0.4, 0.3, 0.8])
INITIAL = onp.array([3.0, 1.0])


def rate_of_change(state, rates):
    """``prey' = a prey - b prey predators``, ``predators' = c prey predators - d predators``."""
    prey, predators = state
    a, b, c, d = rates
    return np.array([a * prey - b * prey * predators, c * prey * predators - d * predators])


def runge_kutta_step(state, rates, h):
    """One step of the classical method of order four."""
    k1 = rate_of_change(state, rates)
    k2 = rate_of_change(state + 0.5 * h * k1, rates)
    k3 = rate_of_change(state + 0.5 * h * k2, rates)
    k4 = rate_of_change(state + h * k3, rates)
    return state + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


def trajectory(rates, initial, times, substeps):
    """The state at each time, of shape (times, 2)."""
    states = [initial]
    for start, stop in pairwise(times):
        state = states[-1]
        for _ in range(substeps):
            state = runge_kutta_step(state, rates, (stop - start) / substeps)
        states.append(state)
    return np.stack(states)


def make_problem(quick):
    """The loss as a function of log rates and log initial state; where to start; residuals."""
    random = npr.RandomState(0)
    times, substeps = onp.linspace(0, 8, 17 if quick else 65), 2 if quick else 4
    clean = trajectory(TRUTH, INITIAL, times, substeps)
    counts = onp.array(clean) * onp.exp(0.05 * random.randn(*clean.shape))

    def residuals(params):
        states = trajectory(np.exp(params["rates"]), np.exp(params["initial"]), times, substeps)
        return np.log(states) - np.log(counts)

    def loss(params):
        return np.sum(residuals(params) ** 2) / (2 * 0.05**2) / len(times)

    start = {"rates": onp.log(TRUTH) + 0.2, "initial": onp.log(INITIAL)}
    return loss, start, residuals


def train(quick):
    """The losses by iteration, and the rates with their standard errors."""
    loss, start, residuals = make_problem(quick)

    def container(x):
        return {"rates": x[:4], "initial": x[4:]}

    def objective(x):
        return loss(container(x))

    x0 = onp.concatenate([start["rates"], start["initial"]])
    losses = [float(objective(x0))]
    found = minimize(
        value_and_grad(objective),
        x0,
        jac=True,
        method="BFGS",
        options={"maxiter": 60},
        callback=lambda x: losses.append(float(objective(x))),
    )
    # Gauss and Newton's approximation of the covariance of the logarithms.
    slopes = jacobian(lambda x: np.ravel(residuals(container(x))))(found.x) / 0.05
    covariance = onp.linalg.inv(slopes.T @ slopes)
    rates = onp.exp(found.x[:4])
    return losses, {"rates": rates, "errors": rates * onp.sqrt(onp.diag(covariance))[:4]}


def main(arguments=None):
    """Fit, and print the rates."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a run of a few seconds")
    losses, result = train(parser.parse_args(arguments).quick)
    print(f"loss {losses[0]:.2f} -> {losses[-1]:.2f}")
    for name, rate, error, true in zip("abcd", result["rates"], result["errors"], TRUTH):
        print(f"{name} = {rate:.3f} +- {error:.3f} (true {true})")


if __name__ == "__main__":
    main()
