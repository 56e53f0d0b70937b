"""Gaussian process regression: kernel parameters by maximum marginal likelihood."""

import argparse

import numpy as onp
from scipy.optimize import minimize

import wengert.numpy as np
import wengert.numpy.random as npr
from wengert import value_and_grad


def kernel(params, a, b):
    """Squared exponential, with one length for each input dimension. Shape (len(a), len(b))."""
    amplitude, lengths = np.exp(params[0]), np.exp(params[2:])
    differences = np.expand_dims(a / lengths, 1) - np.expand_dims(b / lengths, 0)
    return amplitude * np.exp(-0.5 * np.sum(differences**2, axis=2))


def negative_log_likelihood(params, inputs, targets):
    """Of the targets, with the function integrated out (Rasmussen and Williams, eq. 2.30)."""
    noise = np.exp(params[1]) + 1e-6
    covariance = kernel(params, inputs, inputs) + noise * np.eye(len(targets))
    factor = np.linalg.cholesky(covariance)
    whitened = np.linalg.solve(factor, targets)
    log_det = 2 * np.sum(np.log(np.diag(factor)))
    return 0.5 * (np.dot(whitened, whitened) + log_det + len(targets) * np.log(2 * np.pi))


def predict(params, inputs, targets, new_inputs):
    """Mean and variance of the function at new inputs."""
    noise = np.exp(params[1]) + 1e-6
    covariance = kernel(params, inputs, inputs) + noise * np.eye(len(targets))
    cross = kernel(params, new_inputs, inputs)
    mean = np.dot(cross, np.linalg.solve(covariance, targets))
    explained = np.sum(cross * np.transpose(np.linalg.solve(covariance, cross.T)), axis=1)
    return mean, np.exp(params[0]) - explained


def truth(inputs):
    """What the data are a noisy sample of; the third input does not matter."""
    return onp.sin(2 * inputs[:, 0]) + 0.5 * inputs[:, 1] ** 2


def make_problem(quick):
    """The loss as a function of the parameters alone, where to start, and the data."""
    random = npr.RandomState(0)
    n = 30 if quick else 200
    inputs = random.uniform(-2, 2, (n, 3))
    targets = truth(inputs) + 0.1 * random.randn(n)

    def loss(params):
        return negative_log_likelihood(params, inputs, targets)

    return loss, onp.zeros(5), (inputs, targets)


def train(quick):
    """The losses by iteration, and the root mean square error on new inputs."""
    loss, start, (inputs, targets) = make_problem(quick)
    losses = [float(loss(start))]
    found = minimize(
        value_and_grad(loss),
        start,
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": 25 if quick else 100},
        callback=lambda params: losses.append(float(loss(params))),
    )
    new_inputs = npr.RandomState(1).uniform(-2, 2, (200, 3))
    mean, _ = predict(found.x, inputs, targets, new_inputs)
    error = onp.sqrt(onp.mean((mean - truth(new_inputs)) ** 2))
    return losses, {"rmse": float(error), "lengths": onp.exp(found.x[2:])}


def main(arguments=None):
    """Fit, and print the likelihood, the lengths and the error."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a run of a few seconds")
    quick = parser.parse_args(arguments).quick
    losses, result = train(quick)
    print(f"negative log likelihood {losses[0]:.2f} -> {losses[-1]:.2f} in {len(losses) - 1} steps")
    print("lengths " + ", ".join(f"{x:.2f}" for x in result["lengths"]) + " (the third is idle)")
    print(f"error on new inputs {result['rmse']:.3f}, noise 0.1")


if __name__ == "__main__":
    main()
