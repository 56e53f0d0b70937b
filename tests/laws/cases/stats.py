"""The distributions of `wengert.scipy.stats`: all functions of one in a case, in all arguments.

Values are compared with those of `scipy.stats`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.stats

from wengert.scipy import stats

from ..case import Case

Array = Any
Range = tuple[float, float]


def _draws(shape: tuple[int, ...], *ranges: Range) -> Callable[..., tuple[Array, ...]]:
    """The variable in ``shape``; the parameters, which broadcast against it, in two shapes."""

    def draw(rng: np.random.Generator) -> tuple[Array, ...]:
        shapes = [shape, *[((3,), ())[i % 2] for i in range(len(ranges) - 1)]]
        return tuple(rng.uniform(low, high, s) for (low, high), s in zip(ranges, shapes))

    return draw


def _all(
    name: str, methods: tuple[str, ...], module: Any, fixed: tuple[Array, ...] = ()
) -> Callable[..., dict[str, Array]]:
    """The results by name; SciPy's in the dtype of the arguments, since it computes in double."""

    def functions(*args: Array) -> dict[str, Array]:
        distribution = getattr(module, name)
        results = {m: getattr(distribution, m)(*fixed, *args) for m in methods}
        if module is scipy.stats:
            dtype = np.result_type(*fixed, *args, np.float32)
            return {m: y.astype(dtype) for m, y in results.items()}
        return results

    return functions


DENSITIES = ("logpdf", "pdf", "cdf", "logcdf", "sf", "logsf")
QUANTILES = ("ppf", "isf")
PROBABILITIES = ("logpmf", "pmf", "cdf", "logcdf", "sf", "logsf")
LOC: Range = (-0.3, 0.3)
SCALE: Range = (0.8, 1.3)

# The variable before it is moved and scaled, and each shape parameter.
CONTINUOUS: dict[str, list[Range]] = {
    "norm": [(-3, 3)],
    "cauchy": [(-3, 3)],
    "laplace": [(0.5, 3)],
    "logistic": [(-3, 3)],
    "gumbel_l": [(-3, 1)],
    "gumbel_r": [(-1, 3)],
    "expon": [(0.8, 3)],
    "uniform": [(0.42, 0.55)],
    "gamma": [(0.8, 4), (0.7, 4)],
    "chi2": [(0.8, 4), (0.7, 4)],
    "pareto": [(2.2, 4), (0.7, 4)],
    "beta": [(0.42, 0.55), (0.7, 4), (0.7, 4)],
    "truncnorm": [(-0.5, 0.7), (-2, -1.1), (1.3, 2)],
    "t": [(-3, 3), (0.7, 6)],
    "gennorm": [(0.6, 2.5), (1.2, 3)],
    "vonmises": [(-2.5, 2.5), (0.2, 5)],
    "wrapcauchy": [(0.7, 4), (0.2, 0.8)],
    "halfnorm": [(0.8, 3)],
    "halfcauchy": [(0.8, 3)],
    "halflogistic": [(0.8, 3)],
    "rayleigh": [(0.8, 3)],
    "maxwell": [(0.8, 3)],
    "chi": [(0.8, 3), (0.7, 4)],
    "lognorm": [(0.8, 3), (0.5, 1.5)],
    "fisk": [(0.8, 3), (0.7, 3)],
    "lomax": [(0.8, 3), (0.7, 3)],
    "invgamma": [(0.8, 3), (0.7, 4)],
    "levy": [(0.8, 3)],
    "invgauss": [(0.8, 3), (0.5, 2)],
    "f": [(0.8, 3), (0.7, 5), (0.7, 5)],
    "weibull_min": [(0.8, 3), (0.7, 3)],
    "weibull_max": [(-3, -0.8), (0.7, 3)],
    "genpareto": [(0.8, 3), (-0.2, 0.5)],
    "genextreme": [(-1.5, 3), (-0.2, 0.2)],
    "loguniform": [(0.8, 3), (0.05, 0.08), (6, 8)],
    "powerlaw": [(0.42, 0.55), (0.7, 3)],
    "triang": [(0.42, 0.55), (0.02, 0.08)],
    "exponnorm": [(-2, 3), (0.7, 3)],
}
LOCS: dict[str, Range] = dict.fromkeys(("uniform", "beta", "powerlaw", "triang"), (0.0, 0.1))


def _continuous(name: str, ranges: list[Range]) -> list[Case]:
    loc = LOCS.get(name, LOC)
    return [
        Case(
            name,
            _all(name, DENSITIES, stats),
            domain=_draws((2, 3), *ranges, loc, SCALE),
            plain=_all(name, DENSITIES, scipy.stats),
        ),
        Case(
            f"{name}_quantiles",
            _all(name, QUANTILES, stats),
            domain=_draws((2, 3), (0.1, 0.9), *ranges[1:], loc, SCALE),
            plain=_all(name, QUANTILES, scipy.stats),
        ),
    ]


DISCRETE: dict[str, tuple[Array, list[Array | Range]]] = {
    "bernoulli": (np.array([[0], [0]]), [(0.2, 0.8)]),
    "binom": (np.array([[0], [2], [4]]), [np.array([5, 7, 6]), (0.2, 0.8)]),
    "nbinom": (np.array([[0], [2], [5]]), [(0.7, 4), (0.2, 0.8)]),
    "geom": (np.array([[1], [2], [5]]), [(0.2, 0.8)]),
    "poisson": (np.array([[0], [2], [5]]), [(0.7, 4)]),
    "betabinom": (np.array([[0], [2], [4]]), [np.array([5, 7, 6]), (0.7, 4), (0.7, 4)]),
}


def _discrete(name: str, k: Array, parameters: list[Array | Range]) -> Case:
    # That of betabinom has as many terms as n says, which must be known in recordings.
    constants = 1 if name == "betabinom" else 0
    fixed = (k, *parameters[:constants]) if constants else ()
    first = () if constants else (k,)

    def draw(rng: np.random.Generator) -> tuple[Array, ...]:
        values = [
            p if isinstance(p, np.ndarray) else rng.uniform(*p, ((), (3,))[i % 2])
            for i, p in enumerate(parameters[constants:])
        ]
        return (*first, *values)

    return Case(
        name,
        _all(name, PROBABILITIES, stats, fixed),
        domain=draw,
        plain=_all(name, PROBABILITIES, scipy.stats, fixed),
    )


CASES = [
    *[row for name, ranges in CONTINUOUS.items() for row in _continuous(name, ranges)],
    *[_discrete(name, k, parameters) for name, (k, parameters) in DISCRETE.items()],
]
