"""``scipy.stats`` for Tensors and plain arrays: distributions whose functions have derivatives.

Owns the distributions, formula by formula, on top of `scipy.special` and NumPy; what special
functions are and how they are differentiated is in `wengert.rules`. A distribution is an object
with SciPy's methods and signatures, and may be imported like a module, as in HIPS autograd:
``import wengert.scipy.stats.norm as norm``.

>>> import numpy as np
>>> import wengert as wg
>>> from wengert.scipy import stats
>>> x = np.array([0.5, 1.0, 2.5])
>>> wg.grad(lambda mu: np.sum(stats.norm.logpdf(x, loc=mu)))(1.0)
np.float64(1.0)
"""

from __future__ import annotations

import sys

from .base import DISTRIBUTIONS
from .bounded import beta, chi2, expon, gamma, pareto, truncnorm, uniform
from .circular import vonmises, wrapcauchy
from .counts import bernoulli, betabinom, binom, geom, nbinom, poisson
from .extremes import genextreme, genpareto, weibull_max, weibull_min
from .half_line import (
    chi,
    f,
    fisk,
    halfcauchy,
    halflogistic,
    halfnorm,
    invgamma,
    invgauss,
    levy,
    lognorm,
    lomax,
    maxwell,
    rayleigh,
)
from .intervals import loguniform, powerlaw, triang
from .kde import gaussian_kde
from .line import cauchy, gumbel_l, gumbel_r, laplace, logistic, norm
from .multivariate import dirichlet, multinomial, multivariate_normal
from .shaped_line import exponnorm, gennorm, t
from .summary import mode, rankdata, sem

__all__ = [
    "bernoulli",
    "beta",
    "betabinom",
    "binom",
    "cauchy",
    "chi",
    "chi2",
    "dirichlet",
    "expon",
    "exponnorm",
    "f",
    "fisk",
    "gamma",
    "gaussian_kde",
    "genextreme",
    "gennorm",
    "genpareto",
    "geom",
    "gumbel_l",
    "gumbel_r",
    "halfcauchy",
    "halflogistic",
    "halfnorm",
    "invgamma",
    "invgauss",
    "laplace",
    "levy",
    "logistic",
    "lognorm",
    "loguniform",
    "lomax",
    "maxwell",
    "mode",
    "multinomial",
    "multivariate_normal",
    "nbinom",
    "norm",
    "pareto",
    "poisson",
    "powerlaw",
    "rankdata",
    "rayleigh",
    "sem",
    "t",
    "triang",
    "truncnorm",
    "uniform",
    "vonmises",
    "weibull_max",
    "weibull_min",
    "wrapcauchy",
]

# So that `import wengert.scipy.stats.norm` finds them, where autograd has modules.
for _name, _distribution in DISTRIBUTIONS.items():
    sys.modules[f"{__name__}.{_name}"] = _distribution
