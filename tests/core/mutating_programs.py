"""Functions of six numbers that write through views, for the tests of every mode."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Array = Any
MASK = np.array([True, False, True, True, False, False])


def overlapping_slices(x: Array) -> Array:
    y = x * 2.0
    z = y * y
    y[1] = x[0] * x[2]
    v = y[1:4]
    v[0] = v[1] * x[5]
    y += x
    v *= y[2:5]
    return np.sum(y * z + np.tanh(y) * x)


def through_reshape_and_transpose(x: Array) -> Array:
    y = x * 1.0
    r = y.reshape(2, 3)
    q = r.T
    q[1] = x[0] * 3.0
    y[0] *= x[3]
    q[0, 0] += x[5]
    r[1] *= r[0]
    return (q * q).sum() + (y * x).sum()


def masks_and_duplicates(x: Array) -> Array:
    y = x * 1.0
    y[MASK] *= 2.0
    y[[0, 0, 2]] = x[3:6] * x[0]
    y[1:] = y[:-1]
    y[::2] += x[1]
    return (y * y * x).sum()


def into_the_argument(x: Array) -> Array:
    x += 1.0
    v = x[2:4]
    u = v[1:]
    u[0] = x[0] * x[1]
    x[...] = x * x
    v += u
    return (x * x).sum() + v.sum()


def saved_then_overwritten(x: Array) -> Array:
    y = np.exp(x)
    s = y * y
    v = y[1:5]
    u = v[::2]
    t = u * u
    u[:] = x[0]
    u *= 2.0
    return (s * y).sum() + (t * u).sum() * v.sum()


def buffer_of_zeros(x: Array) -> Array:
    out = np.zeros_like(x)
    for i in range(5):
        out[i + 1] = out[i] * x[i] + x[i + 1]
    out[::-1][:2] -= out[:2]
    return (out * x).sum()


def read_before_and_after(x: Array) -> Array:
    y = x * x
    first = y[2]
    row = y[1:3]
    y[2] = first * x[4]
    y[1] = row[1] + first
    return np.sum(row * row) + first * y[2] + np.sum(y)


def scalars_are_rebound(x: Array) -> Array:
    y = x * 3.0
    s = y[0]
    s += x[1]  # a NumPy scalar: y[0] stays
    t = y[1, ...]
    t += x[2]  # a 0-d view: y[1] changes
    return np.sum(y * y) + s * t


def broadcast_writes(x: Array) -> Array:
    y = np.zeros_like(x).reshape(2, 3) + x[:3]
    y[:] = y + x[3:] * y[1]
    y[1] = x[0]
    y[:, 1:] *= x[4:]
    return np.sum(y * y[::-1])


PROGRAMS: list[Callable[[Array], Array]] = [
    overlapping_slices,
    through_reshape_and_transpose,
    masks_and_duplicates,
    into_the_argument,
    saved_then_overwritten,
    buffer_of_zeros,
    read_before_and_after,
    scalars_are_rebound,
    broadcast_writes,
]


def numerical_gradient(f: Callable[[Array], Array], x: Array, h: float = 1e-4) -> Array:
    """Central differences of fourth order; ``f`` may write into its argument."""
    gradient = np.zeros_like(x)
    for i in range(x.size):
        e = np.zeros_like(x)
        e.flat[i] = h
        near = float(f(x + e)) - float(f(x - e))
        far = float(f(x + 2 * e)) - float(f(x - 2 * e))
        gradient.flat[i] = (8 * near - far) / (12 * h)
    return gradient
