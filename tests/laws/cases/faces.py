"""Methods and second names of functions, and functions whose results are not differentiated."""

from __future__ import annotations

from typing import Any

import numpy as np

import wengert as wg
import wengert.numpy as wnp

from ..case import Case

Array = Any

DISCRETE = "the result has no derivative"
BY_VALUE = "which elements are chosen depends on their values"


def compressed(x: Array) -> Array:
    return x.compress([True, False, True], axis=0)


def put(x: Array) -> Array:
    y = x * 1.0
    y.put([0, 4], x[1, :2] * 2.0)
    return y


def filled(x: Array) -> Array:
    y = x * 1.0
    y[0].fill(x[1, 2])
    return y * x


def chosen(x: Array, y: Array) -> Array:
    """The method belongs to the indices."""
    which = wnp.array([[0, 1, 0], [1, 1, 0]])
    which = which if isinstance(x, np.ndarray) else wg.core.tensor.handle(which, None, None)
    return which.choose([x, y * y])


def through_flat(x: Array) -> Array:
    y = x * 1.0
    y.flat[1:5:2] = x[0, 0] * x[1, 1:]
    y.flat[[0]] = 3.0
    return np.stack(list(y.flat)) * x.flat[2] + np.sum(y.T.flat[:2])


def partitioned(x: Array) -> Array:
    y = x * 1.0
    y.partition(2)
    return np.sum(y[:2]) * y[2]


def stopped(x: Array) -> Array:
    """The factor is held fixed by being written down twice: for NumPy stop_gradient is nothing."""
    return wg.stop_gradient(np.sign(x)) * x + wg.stop_gradient(np.array([2.0, 3.0])) * x * x


def discrete(name: str, f: Any, **options: Any) -> Case:
    options = {"args": [(3, 4)], "domain": "distinct", **options}
    return Case(name, f, order=0, reason=DISCRETE, **options)


def by_value(name: str, f: Any, **options: Any) -> Case:
    options = {"args": [(5,)], "domain": "distinct", **options}
    return Case(name, f, record=False, reason=BY_VALUE, **options)


CASES = [
    Case("amax", lambda x: np.amax(x, axis=0), [(3, 2)], domain="distinct"),
    Case("amin", lambda x: np.amin(x, axis=1), [(3, 2)], domain="distinct"),
    Case("method_max", lambda x: x.max(axis=0, keepdims=True), [(3, 2)], domain="distinct"),
    Case("method_min", lambda x: x.min(), [(3, 2)], domain="distinct"),
    Case("method_ptp", lambda x: np.ptp(x, axis=0) if isinstance(x, np.ndarray) else x.ptp(axis=0),
         [(3, 2)], domain="distinct"),  # NumPy's arrays have lost the method
    Case("method_prod", lambda x: x.prod(axis=1), [(3, 2)], domain="nonzero", complex=True),
    Case("method_mean", lambda x: x.mean(axis=(0, 1)), [(3, 2)], complex=True),
    Case("method_var", lambda x: x.var(axis=0, ddof=1), [(3, 2)]),
    Case("method_std", lambda x: x.std(axis=1), [(2, 3)], domain="distinct"),
    Case("method_cumsum", lambda x: x.cumsum(axis=0) * x, [(3, 2)], complex=True),
    Case("method_cumprod", lambda x: x.cumprod(), [(2, 2)], domain="nonzero"),
    Case("method_trace", lambda x: x.trace(1) * x, [(3, 3)], complex=True),
    Case("method_transpose", lambda x: x.transpose(1, 0, 2) * 2.0, [(2, 3, 2)], complex=True),
    Case("method_squeeze", lambda x: x.squeeze(1) * 2.0, [(3, 1)]),
    Case("method_swapaxes", lambda x: x.swapaxes(0, 1) * 2.0, [(2, 3)]),
    Case("method_repeat", lambda x: x.repeat(2, axis=1) * x[:, :1], [(2, 3)], complex=True),
    Case("method_round", lambda x: x.round() + x, [(4,)], domain="distinct"),
    Case("around", lambda x: np.around(x, 1) * x, [np.array([0.33, 1.27])]),
    Case("method_compress", compressed, [(3, 2)], complex=True),
    Case("method_put", put, [(2, 3)]),
    Case("method_fill", filled, [(2, 3)], complex=True),
    Case("method_choose", chosen, [(2, 3), (2, 3)], complex=True),
    Case("flat", through_flat, [(2, 3)], complex=True),
    Case("mT", lambda x: x.mT * x[..., :1, :1], [(2, 3, 2)], complex=True),
    Case("method_partition", partitioned, [(5,)], domain="distinct"),
    Case("real_if_close", lambda x: np.real_if_close(x) * x, [(3,)], record=False, reason=BY_VALUE),
    Case(
        "stop_gradient",
        stopped,
        [(2,)],
        domain="nonzero",
        primitives=("stop_gradient",),
        plain=lambda x: np.sign(x) * x + np.array([2.0, 3.0]) * x * x,
    ),
    by_value("trim_zeros", lambda x: np.trim_zeros(x) * 2.0),
    by_value("union1d", lambda x: np.union1d(x, x[:2] + 0.04) * 2.0),
    by_value("unique_values", lambda x: np.unique_values(x) * 2.0),
    by_value("unique_counts", lambda x: np.unique_counts(x).values * 2.0),
    by_value("unique_inverse", lambda x: np.unique_inverse(x).values * 2.0),
    by_value("unique_all", lambda x: np.unique_all(x).values * 2.0),
    discrete("all", lambda x: np.all(x, axis=0), primitives=("all",)),
    discrete("method_all", lambda x: x.all()),
    discrete("any", lambda x: np.any(x, axis=1, keepdims=True), primitives=("any",)),
    discrete("method_any", lambda x: x.any(axis=0)),
    discrete("count_nonzero", lambda x: np.count_nonzero(x, axis=0)),
    discrete("method_argmax", lambda x: x.argmax(axis=0)),
    discrete("method_argmin", lambda x: x.argmin()),
    discrete("nanargmin", lambda x: np.nanargmin(x, axis=1)),
    discrete("method_argsort", lambda x: x.argsort(axis=0)),
    discrete("argpartition_sorted", lambda x: np.sort(x.argpartition(1, axis=1)[:, :2], axis=1)),
    discrete("method_searchsorted", lambda x: x.searchsorted(np.array([0.0, 1.0])),
             args=[np.array([-1.0, 0.5, 2.0])]),
    discrete("method_nonzero", lambda x: x.nonzero(), record=False),
    discrete("method_item", lambda x: x.item(1, 2), record=False),
    discrete("histogram", lambda x: np.histogram(x, 3)[0]),
    discrete("histogram2d", lambda x: np.histogram2d(x[0], x[1], 2)[0]),
    discrete("histogramdd", lambda x: np.histogramdd(x, 2)[0]),
    discrete("digitize", lambda x: np.digitize(x, np.array([-1.0, 0.0, 1.0]))),
]  # fmt: skip
