"""NumPy's histograms: sums by bin, and the edges that the extrema of a sample decide.

A count is a step, and a plain result. Sums of weights are linear in the weights; edges chosen from
the data move with the extrema; a density divides by the widths. These have derivatives.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.bind import bind
from ..core.errors import ShapeError, WengertValueError
from ..core.index import split
from ..core.tensor import Tensor
from ..rules.indexing import scatter_add_p
from .arguments import cast, concrete, is_abstract, operand
from .dispatch import implements
from .unknown_values import counts_between

__all__ = ["histogram", "histogram2d", "histogram_bin_edges", "histogramdd"]


def _ndim(bins: Any) -> int:
    """Dimensions of a specification of bins; names of methods have none."""
    return 0 if isinstance(bins, str) else np.ndim(bins)


def _several(bins: Any) -> bool:
    """Whether bins are given one by one: as edges, or for each dimension."""
    return isinstance(bins, (list, tuple)) or _ndim(bins) > 0


def _edges(name: str, a: Any, bins: Any, range: Any) -> Any:
    """The edges along one axis: those that were given, or even ones from end to end."""
    if _ndim(bins) == 1 and is_abstract(bins):
        return bins
    plain_bins = concrete(bins, f"{name}, bins")
    given = _ndim(bins) == 1 or (range is not None and not isinstance(bins, str))
    if is_abstract(a) and (given or not isinstance(bins, str)):
        values = np.zeros(0)
    else:
        values = concrete(a, f"{name} with bins chosen from the data")
    # NumPy itself checks the bins and the range, and counts the bins of a method.
    plain = np.histogram_bin_edges(values, plain_bins, range)
    if isinstance(bins, Tensor) and bins.ndim:
        return bins
    if given or range is not None or not isinstance(a, Tensor) or a.size == 0:
        return plain
    first, last = np.min(a), np.max(a)
    point = first == last  # NumPy opens an interval of length zero by one half on each side
    first, last = np.where(point, first - 0.5, first), np.where(point, last + 0.5, last)
    even = np.linspace(first, last, len(plain))
    return even if is_abstract(a) else cast(even, plain.dtype)


def _places(name: str, x: Any, edges: Any) -> Any:
    """The number of the bin of each element, and the number of bins for those outside of them."""
    if not is_abstract(x) and not is_abstract(edges):
        x, edges = np.asarray(concrete(x, name)), np.asarray(concrete(edges, name))
    n = edges.shape[0] - 1
    found = np.searchsorted(edges, x, "right") - 1
    found = np.where(x == edges[n], n - 1, found)  # the last bin is closed
    return np.where(found < 0, n, found)


def _sums(places: Any, weights: Any, n: int) -> Any:
    """The sum of the weights at each of ``n`` places; what lies at place ``n`` is dropped."""
    # As in np.bincount, at least double precision while adding.
    wide = cast(weights, np.result_type(weights.dtype, np.float64))
    template, arrays = split(places)
    sums = bind(scatter_add_p, (wide, *arrays), {"template": template, "shape": (n + 1,)})
    return cast(sums[:n], weights.dtype)


@implements(np.histogram)
def histogram(
    a: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None
) -> Any:
    """`numpy.histogram`; differentiable in the weights and in edges, counts are plain.

    Raises
    ------
    ShapeError
        For weights of another shape than the sample's.
    """
    a = operand(a)
    edges = _edges("np.histogram", a, bins, range)
    unknown = is_abstract(a) or is_abstract(edges)
    if isinstance(weights, Tensor) or (unknown and weights is not None):
        weights = operand(weights)
        if weights.shape != a.shape:
            raise ShapeError(
                f"np.histogram: weights of shape {weights.shape} for a sample of shape {a.shape}; "
                "weights should have the same shape as a."
            )
        places = _places("np.histogram", a.reshape(-1), edges)
        counts = _sums(places, weights.reshape(-1), edges.shape[0] - 1)
    elif unknown:
        counts = counts_between(a, edges)
    else:
        sample, plain_bins = concrete(a, "np.histogram"), concrete(bins, "np.histogram, bins")
        counts = np.histogram(sample, plain_bins, range, weights=weights)[0]
    return (counts / np.diff(edges) / np.sum(counts) if density else counts), edges


@implements(np.histogram_bin_edges)
def histogram_bin_edges(a: Any, bins: Any = 10, range: Any = None, weights: Any = None) -> Any:
    """`numpy.histogram_bin_edges`; edges chosen from the data have the derivative of its extrema.

    The weights serve only methods that choose a number of bins, of which none takes them.
    """
    if isinstance(bins, str) and weights is not None:
        raise WengertValueError(
            "np.histogram_bin_edges: automated estimation of the number of bins is not supported "
            "for weighted data; give the number of bins"
        )
    return _edges("np.histogram_bin_edges", operand(a), bins, range)


@implements(np.histogram2d)
def histogram2d(
    x: Any, y: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None
) -> Any:
    """`numpy.histogram2d`; differentiable in the weights and in edges."""
    x, y = operand(x), operand(y)
    if x.shape != y.shape:
        raise ShapeError(
            f"np.histogram2d: x and y must have the same length, got {x.shape}, {y.shape}"
        )
    if _several(bins) and len(bins) not in (1, 2):
        bins = [bins, bins]
    sums, edges = histogramdd([x, y], bins, range, density, weights)
    return sums, edges[0], edges[1]


@implements(np.histogramdd)
def histogramdd(
    sample: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None
) -> Any:
    """`numpy.histogramdd`; differentiable in the weights and in edges, counts are plain.

    Raises
    ------
    ValueError
        For as many bins, ranges or weights as do not fit the sample.
    """
    name = "np.histogramdd"
    columns = _columns(sample)
    d = len(columns)
    each = list(bins) if _several(bins) else [bins] * d
    ranges: Any = [None] * d if range is None else list(range)
    for argument, found in (("bins", each), ("range", ranges)):
        if len(found) != d:
            raise WengertValueError(
                f"{name}: {argument} has {len(found)} entries for a sample of {d} dimensions; "
                "expected one for each"
            )
    edges = [_edges(name, x, b, r) for x, b, r in zip(columns, each, ranges, strict=True)]
    if not isinstance(weights, Tensor) and not any(map(is_abstract, (*columns, *edges))):
        plain = np.stack([concrete(x, name) for x in columns], -1)
        plain_bins = [concrete(b, name) for b in each]
        sums: Any = np.histogramdd(plain, plain_bins, ranges, weights=weights)[0]
    else:
        w = np.ones(columns[0].shape) if weights is None else operand(weights)
        if w.shape != columns[0].shape:
            raise ShapeError(
                f"{name}: weights of shape {w.shape} for a sample of {columns[0].shape[0]} points; "
                "expected one for each"
            )
        counts = [e.shape[0] - 1 for e in edges]
        flat: Any = 0
        outside: Any = False
        for x, e, n in zip(columns, edges, counts, strict=True):
            places = _places(name, x, e)
            flat, outside = flat * n + places, outside | (places == n)
        total = math.prod(counts)
        w = cast(w, np.result_type(w.dtype, np.float64))
        sums = _sums(np.where(outside, total, flat), w, total).reshape(counts)
    if density:
        everything = np.sum(sums)
        for axis, e in enumerate(edges):
            sums = sums / np.diff(e).reshape([-1 if i == axis else 1 for i in np.arange(d)])
        sums = sums / everything
    return sums, tuple(edges)


def _columns(sample: Any) -> list[Any]:
    """The coordinates, each of shape (n,): columns of a matrix, or elements of a list."""
    if isinstance(sample, (list, tuple)) and np.ndim(sample[0]):
        columns = [operand(x) for x in sample]
    else:
        sample = operand(sample)
        if sample.ndim == 2:
            columns = [sample[:, i] for i in np.arange(sample.shape[1])]
        else:
            columns = [sample if sample.ndim else sample.reshape(1)]
    lengths = {x.shape for x in columns}
    if len(lengths) > 1 or any(x.ndim != 1 for x in columns):
        raise ShapeError(
            f"np.histogramdd: coordinates of shapes {sorted(lengths)}; expected a matrix of shape "
            "(n, d), or d vectors of one length"
        )
    return columns
