"""The whole program: a linear classifier and its training, with two loops.

`numerical` and `automatic` differ in three lines. Nothing but the first import knows wengert's
arrays: with ``import numpy as np`` the program is the same (a test exchanges the line).
"""

import wengert.numpy as np
from wengert import grad, jit


def score(W, X):
    """Scores of images ``X`` (n, d) for each class, with weights ``W`` (10, d): shape (n, 10)."""
    return X @ W.T


def cross_entropy(S, y):
    """The mean of -log softmax(S) at the right classes ``y``."""
    S = S - np.max(S, axis=1, keepdims=True)
    log_p = S - np.log(np.sum(np.exp(S), axis=1, keepdims=True))
    return -np.mean(log_p[np.arange(len(y)), y])


def loss(W, X, y):
    """What is minimised, by the weights."""
    return cross_entropy(score(W, X), y)


def accuracy(S, y):
    """The fraction of images whose highest score is that of the right class."""
    return np.mean(np.argmax(S, axis=1) == y)


def numerical_gradient(f, h=1e-5):
    """The gradient of ``f`` by its first argument, from central differences."""

    def gradient(W, *data):
        W, g = W.copy(), np.zeros(W.shape)
        for i in range(W.size):
            w = W.flat[i]
            W.flat[i] = w + h
            above = f(W, *data)
            W.flat[i] = w - h
            g.flat[i] = (above - f(W, *data)) / (2 * h)
            W.flat[i] = w
        return g

    return gradient


def descend(score, grad_f, W, X, y, epochs, step=0.1, watch=None, compile=jit):
    """Gradient descent on all images at once.

    ``watch(W, loss, accuracy)`` is called after every step, and ends the descent by returning True.
    Returns the weights, and the loss and accuracy after each step.
    """

    @compile
    def advance(W, X, y):
        W = W - step * grad_f(W, X, y)
        S = score(W, X)
        return W, cross_entropy(S, y), accuracy(S, y)

    losses, accuracies = [], []
    for _ in range(epochs):
        W, loss, right = advance(W, X, y)
        losses.append(float(loss))
        accuracies.append(float(right))
        if watch is not None and watch(W, losses[-1], accuracies[-1]):
            break
    return W, losses, accuracies


def numerical(X, y, epochs, watch=None):
    """Train with numerical gradients, on 10 random features of each image."""
    X = X @ np.random.default_rng(0).normal(0, X.shape[1] ** -0.5, (X.shape[1], 10))
    W = np.zeros((10, 10))
    grad_f = numerical_gradient(loss)
    return descend(score, grad_f, W, X, y, epochs, watch=watch, compile=as_it_is)


def as_it_is(f):
    """In the place of ``jit``: numerical gradients look at every weight."""
    return f


def automatic(X, y, epochs, watch=None, compile=jit):
    """Train with automatic gradients, on the images themselves."""
    W = np.zeros((10, X.shape[1]), X.dtype)
    grad_f = grad(loss)
    return descend(score, grad_f, W, X, y, epochs, watch=watch, compile=compile)


def two_layer(hidden):
    """Swap the score function for this one: tanh(X W1' + b1) W2' + b2, all weights in one vector.

    Returns ``score(w, X)`` and ``loss(w, X, y)``.
    """

    def score(w, X):
        d = X.shape[1]
        W1 = w[: hidden * d].reshape(hidden, d)
        b1, w = w[hidden * d : hidden * (d + 1)], w[hidden * (d + 1) :]
        W2, b2 = w[: 10 * hidden].reshape(10, hidden), w[10 * hidden :]
        return np.tanh(X @ W1.T + b1) @ W2.T + b2

    return score, lambda w, X, y: cross_entropy(score(w, X), y)
