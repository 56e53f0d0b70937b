"""A variational autoencoder of small pictures of bars (Kingma and Welling, arXiv:1312.6114)."""

import argparse
from itertools import pairwise

import numpy as onp

import wengert.numpy as np
import wengert.numpy.random as npr
from wengert import grad
from wengert.misc.optimizers import adam


def initial_layers(sizes, random):
    """Weights and offsets of the layers of a network."""
    return [(random.randn(m, n) / onp.sqrt(m), onp.zeros(n)) for m, n in pairwise(sizes)]


def network(layers, x):
    """A network with tanh between its layers."""
    for i, (weights, offsets) in enumerate(layers):
        x = np.dot(x, weights) + offsets
        if i < len(layers) - 1:
            x = np.tanh(x)
    return x


def evidence_bound(params, images, noise):
    """Of each image, with one sample of its code for each row of ``noise``."""
    encoder, decoder = params
    half = noise.shape[1]
    encoded = network(encoder, images)
    mean, log_sd = encoded[:, :half], encoded[:, half:]
    code = mean + np.exp(log_sd) * noise
    scores = network(decoder, code)
    # log p of a pixel that is +1 (lit) or -1 (dark): -log(1 + exp(-score sign))
    signs = 2 * images - 1
    log_likelihood = -np.sum(np.logaddexp(0.0, -scores * signs), axis=1)
    divergence = 0.5 * np.sum(mean**2 + np.exp(2 * log_sd) - 1 - 2 * log_sd, axis=1)
    return log_likelihood - divergence


def make_images(n, random, side=6):
    """Pictures with one or two lit rows or columns. Shape (n, side * side)."""
    images = onp.zeros((n, side, side))
    for image in images:
        for _ in range(random.randint(1, 3)):
            if random.rand() < 0.5:
                image[random.randint(side)] = 1
            else:
                image[:, random.randint(side)] = 1
    return images.reshape(n, side * side)


def make_problem(quick):
    """The negative bound of some images as a function of the weights, and where to start."""
    random = npr.RandomState(0)
    images = make_images(64 if quick else 1000, random)
    codes, hidden = (3, 12) if quick else (8, 64)
    pixels = images.shape[1]
    params = (
        initial_layers([pixels, hidden, 2 * codes], random),
        initial_layers([codes, hidden, pixels], random),
    )
    noise = random.randn(len(images), codes)

    def loss(params):
        return -np.mean(evidence_bound(params, images, noise))

    return loss, params, images


def train(quick):
    """The losses by iteration, on all images with the same noise."""
    loss, params, images = make_problem(quick)
    random = npr.RandomState(1)
    batch, codes = 32, params[1][0][0].shape[0]
    losses = []

    def of_batch(params, iteration):
        rows = random.randint(0, len(images), batch)
        noise = random.randn(batch, codes)
        return -np.mean(evidence_bound(params, images[rows], noise))

    def note(params, iteration, gradient):
        if iteration % 20 == 0:
            losses.append(float(loss(params)))

    params = adam(
        grad(of_batch), params, note, num_iters=200 if quick else 4000, step_size=0.01
    )  # fmt: skip
    losses.append(float(loss(params)))
    drawn = network(params[1], random.randn(4, codes)) > 0
    return losses, {"drawn": onp.asarray(drawn, dtype=int)}


def main(arguments=None):
    """Train, and print the bound and pictures drawn from the model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a run of a few seconds")
    losses, result = train(parser.parse_args(arguments).quick)
    print(f"negative evidence bound {losses[0]:.2f} -> {losses[-1]:.2f} nats")
    side = round(result["drawn"].shape[1] ** 0.5)
    pictures = [image.reshape(side, side) for image in result["drawn"]]
    for rows in zip(*pictures):
        print("   ".join("".join(".#"[int(pixel)] for pixel in row) for row in rows))


if __name__ == "__main__":
    main()
