"""Programs rather than operations: mutation through views, reuse, containers, control flow."""

from __future__ import annotations

from typing import Any

import numpy as np

import wengert as wg

from ..case import Case

Array = Any


def reused(x: Array) -> Array:
    y = x * x
    return y * y + y / (1.0 + y)


def write_through_views(x: Array) -> Array:
    y = x * 2.0
    z = y * y
    y[1] = x[0] * x[2]
    v = y[1:4]
    v[0] = v[1] * x[5]
    y += x
    v *= y[2:5]
    return np.sum(y * z + np.tanh(y) * x)


def write_through_reshape(x: Array) -> Array:
    y = x * 1.0
    r = y.reshape(2, 3)
    q = r.T
    q[1] = x[0] * 3.0
    y[0] *= x[3]
    q[0, 0] += x[5]
    r[1] *= r[0]
    return (q * q).sum() + (y * x).sum()


def write_fancy(x: Array) -> Array:
    y = x * 1.0
    y[np.array([True, False, True, True, False, False])] *= 2.0
    y[[0, 0, 2]] = x[3:6] * x[0]
    y[1:] = y[:-1]
    y[::2] += x[1]
    return (y * y * x).sum()


def write_arguments(x: Array) -> Array:
    x += 1.0
    v = x[2:4]
    u = v[1:]
    u[0] = x[0] * x[1]
    x[...] = x * x
    v += u
    return (x * x).sum() + v.sum()


def write_after_use(x: Array) -> Array:
    y = np.exp(x)
    s = y * y
    v = y[1:5]
    u = v[::2]
    t = u * u
    u[:] = x[0]
    u *= 2.0
    return (s * y).sum() + (t * u).sum() * v.sum()


def swap_rows(x: Array) -> Array:
    y = x * 1.0
    y[0], y[1] = y[1] * 1.0, y[0] * 1.0
    y[:, [0, 2]] = y[:, [2, 0]]
    return y * x


def fill_zeros(x: Array) -> Array:
    out = np.zeros_like(x)
    for i in range(3):
        out[i] = x[i] * x[2 - i]
        out[i, 1:] += out[i, :-1]
    return out


def write_into_second(x: Array, y: Array) -> Array:
    y[1:] *= x[:-1]
    y[0] = x.sum()
    return y * y + x


def broadcast_write(x: Array, b: Array) -> Array:
    y = x * 1.0
    y[1:] = b
    y[:, 0] = b[1]
    y[0] += b
    return y * y


def power_series(x: Array) -> Array:
    total = x * 0.0
    term = x * 0.0 + 1.0
    for k in range(1, 6):
        term = term * x / k
        total += term
    return total


def newton(x: Array) -> Array:
    y = x * 1.0
    for _ in range(4):
        y = y - (y * y - x) / (2 * y)
    return y


def guarded_roots(x: Array) -> Array:
    """The branches that `where` does not take have infinite derivatives."""
    positive = x > 0
    return np.where(positive, np.sqrt(x * positive), x) * np.where(x < 0, np.cbrt(x * (x < 0)), x)


def ties(x: Array) -> Array:
    """Smooth although its extrema tie: the shares of the ties add up to one."""
    return np.maximum(x, x * 1.0) * np.minimum(x, x + 0.0) + np.fmax(x, 1.0 * x)


def two_ranks(x: Array, y: Array) -> Array:
    return x * y + np.sin(x) / (2.0 + y * y)


def plain_and_traced(x: Array) -> Array:
    """A buffer that the function fills again and again."""
    buffer = np.zeros(3)
    total = x * 0.0
    for k in range(3):
        buffer[k] = k + 1.0
        total = total + x * buffer + np.maximum(x, buffer)
    return total


def batched_read(x: Array, i: Array) -> Array:
    return x[i] * x[0]


def batched_read_mixed(x: Array, i: Array) -> Array:
    return x[:, i, 1:] * 2.0 + x[i[0], :2, 1:]


def batched_write(x: Array, v: Array, i: Array) -> Array:
    y = x * 1.0
    y[i] = v * x[i]
    return y * y


def slope_of_a_product(x: Array, t: Array) -> Array:
    """A tangent times a partial that is differentiated again."""
    return wg.jvp(lambda x: x * np.sin(x), (x,), (t,))[1]


CASES = [
    Case("reused", reused, [(4,)], domain="positive", complex=True),
    Case("write_through_views", write_through_views, [(6,)], primitives=("setitem", "getitem")),
    Case(
        "write_through_reshape",
        write_through_reshape,
        [(6,)],
        complex=True,
        primitives=("setitem", "reshape", "transpose"),
    ),
    Case("write_fancy", write_fancy, [(6,)], complex=True, primitives=("last_writer",)),
    Case("write_arguments", write_arguments, [(6,)], mutates=True, complex=True),
    Case("write_after_use", write_after_use, [(6,)]),
    Case("swap_rows", swap_rows, [(2, 3)], complex=True),
    Case("fill_zeros", fill_zeros, [(3, 2)]),
    Case("write_into_second", write_into_second, [(3,), (3,)], mutates=True),
    Case("broadcast_write", broadcast_write, [(3, 2), (2,)], complex=True),
    Case("guarded_roots", guarded_roots, [(5,)], domain="nonzero"),
    Case("ties", ties, [(4,)]),
    Case("two_ranks", two_ranks, [(2, 3), (3,)], complex=True),
    Case("two_ranks_outer", two_ranks, [(2, 1), (1, 3)]),
    Case("plain_and_traced", plain_and_traced, [(3,)], domain="distinct"),
    Case("power_series", power_series, [(3,)], complex=True),
    Case("newton", newton, [(3,)], domain="positive"),
    Case("newton_0d", newton, [()], domain="positive"),
    Case("empty", lambda x: np.sum(x * x[1:2], axis=0) + 1.0, [(0, 3)], reason="nothing to differ"),
    Case("several_results", lambda x, y: {"a": (x * y, x + y), "b": [x.sum()]}, [(2, 3), (3,)]),
    Case(
        "slope_of_a_product", slope_of_a_product, [(3,), (3,)], primitives=("product_of_changes",)
    ),
    Case(
        "jacobian",
        lambda x, y: wg.jacrev(lambda a, b: np.sin(a) * b.sum())(x, y),
        [(3,), (2,)],
        primitives=("unit_vectors",),
    ),
    Case(
        "batched_read",
        batched_read,
        [(4, 2), np.array([[0, 2, 2], [3, -1, 0]])],
        batch_integers=True,
        primitives=("getitem", "scatter_add"),
    ),
    Case(
        "batched_read_mixed",
        batched_read_mixed,
        [(3, 3, 3), np.array([2, 0])],
        batch_integers=True,
    ),
    Case(
        "batched_write",
        batched_write,
        [(4, 2), (3, 2), np.array([0, 2, 1])],
        batch_integers=True,
        primitives=("setitem", "last_writer"),
    ),
    Case(
        "batched_write_duplicates",
        batched_write,
        [(4, 2), (3, 2), np.array([1, 1, 3])],
        batch_integers=True,
    ),
]
