"""Logarithms of probabilities, entropies and losses."""

from __future__ import annotations

import numpy as np
import scipy.special

from .declare import ufunc

__all__: list[str] = []

expit = scipy.special.expit

# Not 1 / (x * (1 - x)), whose derivative would be NaN at 0 and 1.
ufunc("logit", lambda y, x: 1 / x + 1 / (1 - x))
ufunc("log_expit", lambda y, x: expit(-x))

# x log y is 0 at x = 0: so is its derivative in y there, whatever y is. In x the derivative is
# log y, which the strong zero of a cotangent annihilates.
ufunc("xlogy", lambda z, x, y: np.log(y), lambda z, x, y: x / (y + (x == 0) * (y == 0)))
ufunc("xlog1py", lambda z, x, y: np.log1p(y), lambda z, x, y: x / (1 + y + (x == 0) * (y == -1)))
ufunc("entr", lambda y, x: -1 - np.log(x))
ufunc("rel_entr", lambda z, x, y: np.log(x / y) + 1, lambda z, x, y: -x / (y + (y == 0)))
ufunc("kl_div", lambda z, x, y: np.log(x / y), lambda z, x, y: 1 - x / (y + (y == 0)))
