"""Points and parameters that cover the domain of each distribution, and leave it."""

from __future__ import annotations

from typing import Any

import numpy as np

inf, nan = np.inf, np.nan

POINTS = np.array([
    -inf, -1e200, -800.0, -40.0, -8.0, -3.0, -1.0, -0.5, -1e-9, -0.0, 0.0, 1e-300, 1e-9, 0.1, 0.5,
    0.9, 1 - 1e-10, 1.0, 1.5, 2.0, 3.0, 5.0, 7.0, 8.0, 30.0, 45.0, 800.0, 1e5, 1e200, inf, nan,
])  # fmt: skip
QUANTILES = np.array([
    -0.1, 0.0, 1e-300, 1e-10, 0.1, 0.3, 0.5, 0.6, 0.7, 0.99, 1 - 1e-9, 1.0, 1.1, nan,
])  # fmt: skip

# Allowed and not allowed, at the ends of what is allowed, and NaN.
SHAPES: dict[str, list[tuple[float, ...]]] = {
    "gamma": [(0.3,), (1,), (2.5,), (50.0,), (-1.0,), (nan,), (0.0,)],
    "chi2": [(0.5,), (2.0,), (3,), (80.0,), (-1.0,)],
    "pareto": [(0.5,), (3.0,), (0.0,)],
    "beta": [(0.5, 0.5), (1.0, 1.0), (2, 3), (1.0, 2.0), (50.0, 2.0), (-1.0, 1.0), (1.0, nan)],
    "truncnorm": [
        (-1.0, 2.0), (-inf, inf), (0.0, inf), (-inf, 0.5), (2.0, 7.0), (30.0, 45.0),
        (-40.0, -38.0), (3.0, 1.0), (nan, 1.0),
    ],
    "chi": [(0.5,), (1.0,), (2.5,), (80.0,), (-1.0,), (nan,)],
    "lognorm": [(0.3,), (1,), (4.0,), (0.0,), (nan,)],
    "fisk": [(0.5,), (3.0,), (-1.0,)],
    "lomax": [(0.5,), (3.0,), (0.0,)],
    "invgamma": [(0.3,), (2.5,), (50.0,), (-1.0,)],
    "invgauss": [(0.1,), (1.0,), (20.0,), (-1.0,)],
    "f": [(1.0, 1.0), (2, 3), (5.0, 0.5), (50.0, 8.0), (-1.0, 1.0), (1.0, nan)],
    "weibull_min": [(0.5,), (1,), (2.5,), (0.0,)],
    "weibull_max": [(0.5,), (1,), (2.5,), (nan,)],
    "genpareto": [(0.0,), (0.4,), (2.0,), (-0.3,), (-0.8,), (1e-5,), (nan,)],
    "genextreme": [(0.0,), (0.4,), (2.0,), (-0.3,), (-0.8,), (1e-5,), (nan,)],
    "loguniform": [(0.1, 2.0), (3.0, 1e5), (-1.0, 1.0), (2.0, 1.0)],
    "powerlaw": [(0.5,), (1,), (3.0,), (0.0,)],
    "triang": [(0.3,), (0.0,), (1.0,), (1.2,), (nan,)],
    "exponnorm": [(0.3,), (1.0,), (20.0,), (-1.0,)],
    "t": [(0.5,), (1,), (3.0,), (30.0,), (1e10,), (inf,), (-1.0,), (nan,)],
    "gennorm": [(0.5,), (1,), (2.0,), (5.0,), (-1.0,)],
    "vonmises": [(0.0,), (0.5,), (4,), (100.0,), (1e5,), (-1.0,)],
    "wrapcauchy": [(0.1,), (0.9,), (1.0,), (0.0,)],
    "bernoulli": [(0.3,), (0.0,), (1.0,), (1.2,), (nan,)],
    "binom": [(5, 0.3), (0, 0.3), (8, 0.0), (8, 1.0), (4.5, 0.3), (7, 1.5), (100, 0.01)],
    "nbinom": [(5, 0.3), (2.5, 1.0), (0.5, 0.1), (1, 0.0), (-1, 0.3)],
    "geom": [(0.3,), (1.0,), (0.0,), (1e-8,)],
    "poisson": [(3.0,), (0.0,), (0.1,), (200.0,), (-1.0,)],
    "betabinom": [(5, 0.5, 2.0), (0, 1.0, 1.0), (30, 3.0, 0.2), (5.5, 1.0, 1.0), (5, -1.0, 1.0)],
}  # fmt: skip

LOCATIONS = [(), (2,), (nan,)]
LOCATIONS_AND_SCALES = [(), (0.5,), (-1.3, 2.0), (0, -1.0), (nan, 1.0), (0.0, 0.0), (0, nan)]


def parameters(distribution: Any) -> list[tuple[float, ...]]:
    """All combinations of shapes with locations and scales."""
    shapes = SHAPES.get(distribution.name, [()])
    moved = LOCATIONS_AND_SCALES if "scale" in distribution.options else LOCATIONS
    return [(*s, *m) for s in shapes for m in moved]
