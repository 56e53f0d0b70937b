"""A long short-term memory network that predicts the next character of a text."""

import argparse

import numpy as onp

import wengert.numpy as np
import wengert.numpy.random as npr
from wengert import grad
from wengert.misc.optimizers import adam
from wengert.scipy.special import logsumexp

TEXT = """
the sea is wide the sea is deep
the moon is out the waves are asleep
the wind is low the night is long
the boat goes home and hums a song
"""
ALPHABET = sorted(set(TEXT))


def encode(text):
    """One row with a single one for each character."""
    return onp.eye(len(ALPHABET))[[ALPHABET.index(c) for c in text]]


def sigmoid(x):
    """Between 0 and 1."""
    return 0.5 * (np.tanh(x / 2) + 1)


def initial_params(letters, states, random, scale=0.2):
    """The weights of the gates, of the prediction, and the initial state."""
    names = ("forget", "ingest", "outgate", "change")
    params = {name: scale * random.randn(letters + states + 1, states) for name in names}
    params["predict"] = scale * random.randn(states + 1, letters)
    params["hiddens"] = scale * random.randn(1, states)
    params["cells"] = scale * random.randn(1, states)
    return params


def with_ones(*parts):
    """Side by side with a column of ones for the offsets."""
    return np.hstack((*parts, np.ones((parts[0].shape[0], 1))))


def log_probabilities(params, inputs):
    """Of every next letter, after each step. ``inputs`` has shape (steps, sequences, letters)."""
    sequences = inputs.shape[1]
    hiddens = np.repeat(params["hiddens"], sequences, axis=0)
    cells = np.repeat(params["cells"], sequences, axis=0)
    outputs = []
    for x in inputs:
        seen = with_ones(x, hiddens)
        forget = sigmoid(np.dot(seen, params["forget"]))
        ingest = sigmoid(np.dot(seen, params["ingest"]))
        outgate = sigmoid(np.dot(seen, params["outgate"]))
        cells = forget * cells + ingest * np.tanh(np.dot(seen, params["change"]))
        hiddens = outgate * np.tanh(cells)
        scores = np.dot(with_ones(hiddens), params["predict"])
        outputs.append(scores - logsumexp(scores, axis=1, keepdims=True))
    return outputs


def make_problem(quick):
    """The mean surprise per letter as a function of the weights, and where to start."""
    letters, length = encode(TEXT), 12 if quick else 30
    starts = range(0, len(letters) - length - 1, 9 if quick else 3)
    inputs = onp.stack([letters[s : s + length] for s in starts], axis=1)
    targets = onp.stack([letters[s + 1 : s + length + 1] for s in starts], axis=1)
    params = initial_params(len(ALPHABET), 10 if quick else 40, npr.RandomState(0))

    def loss(params):
        predicted = log_probabilities(params, inputs)
        right = [np.sum(p * t) for p, t in zip(predicted, targets)]
        return -sum(right) / (inputs.shape[0] * inputs.shape[1])

    return loss, params, None


def continued(params, text, count):
    """The text with the likeliest letters after it."""
    for _ in range(count):
        last = log_probabilities(params, encode(text)[:, None, :])[-1][0]
        text += ALPHABET[int(np.argmax(last))]
    return text


def train(quick):
    """The losses by iteration, and a text that the network writes."""
    loss, params, _ = make_problem(quick)
    losses = []

    def note(params, iteration, gradient):
        losses.append(float(loss(params)))

    gradient = grad(lambda params, iteration: loss(params))
    params = adam(gradient, params, note, num_iters=40 if quick else 300, step_size=0.02)
    losses.append(float(loss(params)))
    return losses, {"text": continued(params, "the ", 20)}


def main(arguments=None):
    """Train, and print the loss and some text."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a run of a few seconds")
    losses, result = train(parser.parse_args(arguments).quick)
    print(f"surprise per letter {losses[0]:.3f} -> {losses[-1]:.3f} nats")
    print(f"it writes: {result['text']!r}")


if __name__ == "__main__":
    main()
