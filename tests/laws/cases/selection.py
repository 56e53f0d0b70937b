"""where, select, choose, piecewise, clip, nan_to_num, and creation like another array."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..case import Case

Array = Any

MASK = np.array([[True, False, True], [False, True, True]])


def like_functions(x: Array) -> Array:
    y = np.zeros_like(x)
    y[0] = x[1] * 2.0
    z = np.full_like(x, x[0, 0]) + np.ones_like(x) * x
    w = np.empty_like(x)
    w[...] = z * y
    return w


def _bounds(rng: np.random.Generator) -> tuple[Array, ...]:
    """Values below, between and above the bounds; in the last column the bounds are exchanged."""
    x = np.array([[-2.0, 0.1, 0.2], [0.2, 1.9, -1.8]]) + rng.uniform(-0.1, 0.1, (2, 3))
    return x, np.array([-1.0, -0.9, 2.0]), np.array(1.1)


CASES = [
    Case(
        "where",
        lambda x, y: np.where(MASK, x, y * y),
        [(2, 3), (3,)],
        complex=True,
        primitives=("where",),
    ),
    Case("where_scalars", lambda x: np.where(MASK, x, 2.0), [()]),
    Case(
        "where_traced_condition",
        lambda x, y: np.where(x > y, x * y, y),
        [(2, 3), (3,)],
        domain="distinct",
    ),
    Case("where_integers", lambda x: np.where([1, 0, 2], x, -x), [(2, 3)]),
    Case("where_0d", lambda x, y: np.where(True, x, y), [(), ()]),
    Case(
        "where_abstract_mask",
        lambda x, m: np.where(m, x, x * x),
        [(2, 3), MASK],
        batch_integers=True,
    ),
    Case(
        "select",
        lambda x: np.select([x > 1.0, x > 0.0], [x * x, np.sin(x)], default=3.0),
        [(2, 3)],
        domain="distinct",
    ),
    Case("select_broadcast", lambda x, y: np.select([MASK], [x], y), [(2, 1), (3,)]),
    Case(
        "choose",
        lambda x, y, i: np.choose(i, [x, y, x * y]),
        [(3,), (3,), np.array([[2, 0, 1], [1, 1, 2]])],
        batch_integers=True,
    ),
    Case("choose_wrap", lambda x: np.choose([4, -1, 0], [x, x * x], mode="wrap"), [(3,)]),
    Case(
        "piecewise",
        lambda x: np.piecewise(x, [x < 0, x > 1], [lambda v: -v, np.square, np.cos]),
        [(2, 3)],
        domain="distinct",
    ),
    Case(
        "piecewise_constants",
        lambda x: np.piecewise(x, [x < 0], [1.0, lambda v: v * v]),
        [(4,)],
        domain="distinct",
    ),
    Case(
        "clip", lambda x: np.clip(x, -0.5, 0.6), [(2, 4)], domain="distinct", primitives=("clip",)
    ),
    Case("clip_below", lambda x: np.clip(x, 0.1, None), [(4,)], domain="distinct"),
    Case("clip_above", lambda x: x.clip(max=0.1), [(4,)], domain="distinct"),
    Case("clip_traced_bounds", lambda x, a, b: np.clip(x, a, b) * x, domain=_bounds),
    Case(
        "clip_of_constant",
        lambda a: np.clip(np.linspace(-1.0, 1.0, 3), a, 0.35),
        [(3,)],
        domain="unit",
    ),
    Case("nan_to_num", lambda x: np.nan_to_num(x) * 2.0, [(2, 3)], complex=True),
    Case("like", like_functions, [(2, 3)]),
    Case("linspace", lambda a, b: np.linspace(a, b, 4), [(), (2,)]),
    Case("linspace_open", lambda a, b: np.linspace(a, b, 3, endpoint=False, axis=-1), [(2,), ()]),
    Case("logspace", lambda a, b: np.logspace(a, b, 3), [(), ()], domain="unit"),
    Case("geomspace", lambda a, b: np.geomspace(a, b, 4), [(), ()], domain="positive"),
    Case(
        "geomspace_complex",
        lambda a, b: np.geomspace(a + 2.0j, b - 1.0, 4),
        [(), (2,)],
        domain="unit",
        complex=True,
    ),
    Case("vander", lambda x: np.vander(x, 3), [(3,)], domain="nonzero"),
    Case("vander_increasing", lambda x: np.vander(x, increasing=True), [(3,)], domain="nonzero"),
]
