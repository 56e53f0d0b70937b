"""Histograms: sums of weights, densities, and edges that are chosen from the data."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..case import Case

Array = Any

SAMPLE = np.array([0.1, 0.25, 0.7, 0.9, 1.0, 1.4])
EDGES = np.array([0.0, 0.3, 0.8, 1.0])


def density(x: Array) -> Array:
    return np.histogram(x, 3, density=True)[0]


CASES = [
    Case("weights", lambda w: np.histogram(SAMPLE, EDGES, weights=w)[0] ** 2, [(6,)], complex=True),
    Case("weights_even", lambda w: np.histogram(SAMPLE, 4, (0.2, 1.4), weights=w)[0] ** 2, [(6,)]),
    Case(
        "density_of_weights",
        lambda w: np.histogram(SAMPLE, EDGES, density=True, weights=w)[0],
        [(6,)],
        domain="positive",
    ),
    Case("weights_and_sample", lambda x, w: np.histogram(x, 3, weights=w)[0] ** 2, [(5,), (5,)],
         domain="distinct"),
    Case("edges_from_data", lambda x: np.histogram(x, 3)[1] ** 2, [(5,)], domain="distinct"),
    Case("density", density, [(5,)], domain="distinct"),
    Case("bin_edges", lambda x: np.histogram_bin_edges(x, 4) ** 2, [(2, 3)], domain="distinct"),
    Case(
        "density_between_edges",
        lambda b: np.histogram(SAMPLE, np.cumsum(b), density=True)[0],
        [np.array([0.02, 0.31, 0.5, 0.7])],
    ),
    Case(
        "weights_2d",
        lambda w: np.histogram2d(SAMPLE, SAMPLE**2, (2, 3), weights=w)[0] ** 2,
        [(6,)],
        float32=False,
        reason="NumPy's histograms of several dimensions are float64",
    ),
    Case(
        "density_2d",
        lambda x, y: np.histogram2d(x, y, [2, EDGES], density=True)[0],
        [(5,), np.array([0.1, 0.2, 0.5, 0.9, 0.6])],
        domain="distinct",
        float32=False,
        reason="NumPy's histograms of several dimensions are float64",
    ),
    Case(
        "weights_dd",
        lambda x, w: np.histogramdd(x, (2, 1, 2), weights=w)[0] ** 2,
        [(5, 3), (5,)],
        domain="distinct",
        float32=False,
        reason="NumPy's histograms of several dimensions are float64",
    ),
]  # fmt: skip
