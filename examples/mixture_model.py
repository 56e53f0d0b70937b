"""A mixture of Gaussians with full covariances, fitted by Newton's method without a Hessian."""

import argparse

import numpy as onp
from scipy.optimize import minimize

import wengert.numpy as np
import wengert.numpy.random as npr
from wengert import grad, hessian_vector_product
from wengert.misc.flatten import flatten_func
from wengert.scipy.special import logsumexp


def initial_params(clusters, dimensions, random):
    """Weights, means and lower triangular square roots of the precisions."""
    return {
        "log weights": 0.1 * random.randn(clusters),
        "means": random.randn(clusters, dimensions),
        "roots": onp.array([onp.eye(dimensions)] * clusters),
    }


def log_likelihood(params, data):
    """The sum of the log densities of the rows of ``data``."""
    log_weights = params["log weights"] - logsumexp(params["log weights"])
    components = []
    for log_weight, mean, root in zip(log_weights, params["means"], params["roots"]):
        lower = np.tril(root)
        whitened = np.dot(data - mean, lower)
        half_log_det = 0.5 * np.sum(np.log(np.diag(lower) ** 2))
        log_density = (
            half_log_det - 0.5 * np.sum(whitened**2, axis=1) - 0.5 * len(mean) * np.log(2 * np.pi)
        )
        components.append(log_weight + log_density)
    return np.sum(logsumexp(np.vstack(components), axis=0))


def make_data(n, random):
    """Three elongated clouds."""
    means = onp.array([[0.0, 3.0], [-3.0, -1.0], [3.0, -1.0]])
    angles = onp.array([0.3, 1.5, -0.8])
    labels = random.randint(0, 3, n)
    turned = onp.stack([onp.cos(angles), onp.sin(angles)], axis=1)[labels]
    along, across = 1.2 * random.randn(n, 1), 0.3 * random.randn(n, 1)
    return means[labels] + along * turned + across * turned[:, ::-1] * onp.array([-1.0, 1.0])


def make_problem(quick):
    """The loss as a function of the parameters alone, where to start, and the data."""
    random = npr.RandomState(0)
    data = make_data(150 if quick else 1000, random)
    params = initial_params(3, 2, random)

    def loss(params):
        return -log_likelihood(params, data) / len(data)

    return loss, params, data


def train(quick):
    """The losses by iteration, and the means."""
    loss, params, _ = make_problem(quick)

    def flat_loss_of(params):
        return np.reshape(loss(params), (1,))

    vector_loss, unflatten, start = flatten_func(flat_loss_of, params)

    def objective(x):
        return vector_loss(x)[0]

    losses = [float(objective(start))]
    found = minimize(
        objective,
        start,
        jac=grad(objective),
        hessp=hessian_vector_product(objective),
        method="trust-ncg",
        options={"maxiter": 30 if quick else 100},
        callback=lambda x: losses.append(float(objective(x))),
    )
    return losses, {"means": unflatten(found.x)["means"]}


def main(arguments=None):
    """Fit, and print the likelihood and the means."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a run of a few seconds")
    losses, result = train(parser.parse_args(arguments).quick)
    print(f"mean negative log likelihood {losses[0]:.3f} -> {losses[-1]:.3f}")
    for mean in result["means"]:
        print(f"a cloud at ({mean[0]:.2f}, {mean[1]:.2f})")


if __name__ == "__main__":
    main()
