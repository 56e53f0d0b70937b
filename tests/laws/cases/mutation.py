"""Writes through every kind of view, in-place operators, `out=`, and copies that do not follow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..case import Case

Array = Any


def through(
    name: str, view: Callable[[Array], Array], shape: tuple[int, ...], **options: Any
) -> Case:
    """Write through a view, then into its base, and read both; what was read before stays."""

    def f(x: Array) -> Array:
        y = (x * 1.5).copy()  # in C order, whatever the order of x: a reshape is a view
        v = view(y)
        before = v * v
        v *= y.reshape(-1)[0] * 1.0
        if v.ndim:
            v[-1:] = np.sum(v * 0.3)
        else:
            v[...] = v * v
        y += x * np.sum(v)
        return np.sum(before) * y + np.sum(v) * y

    return Case("through_" + name, f, [shape], primitives=("setitem",), **options)


def writes_of_base_reach_views(x: Array) -> Array:
    y = x.copy()
    views = [y.T, y[1:], y[:, None], np.diagonal(y), np.broadcast_to(y, (2, 3, 3)), y.ravel()]
    y[1] = x[0] * x[2]
    y[0, 0] *= 3.0
    return sum(np.sum(v * v) * (k + 1) for k, v in enumerate(views))


def copies_do_not_follow(x: Array) -> Array:
    y = x.copy()
    copies = [
        y.copy(), y.flatten(), y[[0, 1, 2]], np.ravel(y.T), y.T.reshape(-1), np.tile(y, 1),
        np.roll(y, 0), y[0, 0] * 1.0, y.astype(y.dtype), np.concatenate([y, y]),
    ]  # fmt: skip
    y[...] = x[0] * x[1]
    copies[0] *= y
    copies[3][1:] = y[0, 0]
    copies[4][:2] = 0.5
    return sum(np.sum(c * c) for c in copies) + np.sum(y * y)


def in_place_operators(x: Array, y: Array) -> Array:
    a = x * 1.0
    a += y
    a -= 0.5 * y
    a *= y
    a /= y + 3.0
    a **= 2
    b = a.T
    b -= b.mean()
    a @= np.eye(3) * 0.5
    return a * x


def in_place_scalars(x: Array) -> Array:
    total = np.sum(x)
    first = total
    total += 1.0
    total *= total
    return total * first


def out_arguments(x: Array, y: Array) -> Array:
    a = x * 1.0
    np.multiply(x, y, out=a)
    np.add(a[1:], 1.0, out=a[1:])
    np.exp(x, out=a, where=np.array([[True, False, True]]))
    np.clip(a, -0.5, 50.0, out=a)
    np.sum(a, axis=0, out=a[0])
    np.concatenate([a[:1], a[:1]], out=a[:2])
    np.take(x, [0, 2], axis=1, out=a[:, 1:])
    return a * a


def swapped_halves(x: Array) -> Array:
    y = x * 1.0
    y[:2], y[2:] = y[2:] * 1.0, y[:2] * 1.0
    y[1:] = y[:-1]
    y[::-1] = y * x
    return y


def buffer_of_states(x: Array) -> Array:
    states = np.zeros_like(x, shape=(4, 2))
    states[0] = x[:2]
    for k in range(3):
        states[k + 1, 0] = states[k, 1] * x[2]
        states[k + 1, 1] = np.sin(states[k, 0]) + states[k, 1]
    return states


CASES = [
    through("slice", lambda y: y[1:, ::2], (3, 4)),
    through("row", lambda y: y[1], (3, 2)),
    through("element", lambda y: y[1, 0, ...], (3, 2)),
    through("new_axis", lambda y: y[:, None], (3, 2)),
    through("transpose", lambda y: y.T, (3, 2)),
    through("swapaxes", lambda y: np.swapaxes(y, 0, 2), (2, 3, 2)),
    through("moveaxis", lambda y: np.moveaxis(y, -1, 0), (2, 3, 2)),
    through("reshape", lambda y: y.reshape(3, 2), (2, 3)),
    through("ravel", lambda y: y.ravel(), (2, 3)),
    through("squeeze", lambda y: np.squeeze(y.T), (2, 1, 3)),
    through("expand_dims", lambda y: np.expand_dims(y[::-1], (0, 2)), (2, 3)),
    through("flip", lambda y: np.flip(y, 0), (3, 2)),
    through("rot90", lambda y: np.rot90(y), (3, 2)),
    through("split", lambda y: np.split(y, 2)[1], (4, 2)),
    through("unstack", lambda y: np.unstack(y, axis=1)[1], (3, 2)),
    through("atleast_2d", lambda y: np.atleast_2d(y), (3,)),
    through("view", lambda y: y.view(), (3,)),
    through("views_of_views", lambda y: y.T[1:].reshape(2, 1, 2)[:, 0][::-1], (2, 3)),
    Case("writes_of_base_reach_views", writes_of_base_reach_views, [(3, 3)]),
    Case("copies_do_not_follow", copies_do_not_follow, [(3, 3)]),
    Case("in_place_operators", in_place_operators, [(3, 3), (3,)], domain="positive"),
    Case("in_place_scalars", in_place_scalars, [(3,)]),
    Case("out_arguments", out_arguments, [(3, 3), (3,)], domain="unit"),
    Case("swapped_halves", swapped_halves, [(4, 2)]),
    Case("buffer_of_states", buffer_of_states, [(3,)]),
]
