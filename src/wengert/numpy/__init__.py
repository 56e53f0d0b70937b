"""NumPy's functions on Tensors, and a namespace that stands in for ``import numpy as np``.

Owns what NumPy calls when its functions meet a Tensor: signatures, options and composites, but no
derivative formulas (those are in `wengert.rules`). ``import wengert.numpy as np`` gives every name
of NumPy; the functions are NumPy's own, which dispatch to this package, except those that create
arrays (inside a transform their results accept writes of traced values), those that take lists of
them, and a few whose other arguments NumPy does not look at (the indices of `take`).

>>> import wengert as wg
>>> import wengert.numpy as np
>>> def f(x):
...     steps = np.zeros(3)
...     steps[0] = x
...     for i in range(2):
...         steps[i + 1] = steps[i] * x
...     return np.sum(steps)
>>> wg.grad(f)(2.0)
np.float64(17.0)
"""

from __future__ import annotations

from typing import Any

import numpy as _numpy

from . import (
    array_methods,
    complex,
    convolution,
    covariance,
    creation,
    cumulative,
    differences,
    elementwise,
    fft,
    functional,
    histograms,
    indexing,
    joining,
    linalg,
    methods,
    nan_reductions,
    padding,
    plain,
    polynomials,
    products,
    quantiles,
    random,
    ranges,
    rearranging,
    reductions,
    selection,
    sets,
    shapes,
    sorting,
    ufunc_folds,
    ufunc_methods,
    variance,
)
from .namespace import overrides as _overrides

# Imported for what they register with the tables of `dispatch`, and the methods they attach.
_FACES = (
    array_methods,
    complex,
    convolution,
    covariance,
    creation,
    cumulative,
    differences,
    elementwise,
    fft,
    functional,
    histograms,
    indexing,
    joining,
    linalg,
    methods,
    nan_reductions,
    padding,
    plain,
    polynomials,
    products,
    quantiles,
    random,
    ranges,
    rearranging,
    reductions,
    selection,
    sets,
    shapes,
    sorting,
    ufunc_folds,
    ufunc_methods,
    variance,
)

# Filled once, so that `np.sin` costs no more here than in NumPy.
_OWN = set(globals())
globals().update({k: v for k, v in vars(_numpy).items() if k[0] != "_" and k not in _OWN})
globals().update(_overrides())

__all__ = sorted({*_numpy.__all__, *_overrides()})


def __getattr__(name: str) -> Any:
    """What NumPy itself loads on first use (``testing`` and its kind), and its private names."""
    try:
        return getattr(_numpy, name)
    except AttributeError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None


def __dir__() -> list[str]:
    return sorted({*globals(), *dir(_numpy)})
