"""Special functions, on smooth maps of the operands into their domains."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.differential.steps.table import (
    Family,
    anything,
    array,
    fraction,
    one_axis,
    only_if,
    positive,
    when,
)

special = Family("special functions")

# Of one variable: the function and what maps the operand into its domain.
same = lambda xp, x: x  # noqa: E731
tame = lambda xp, x: 2.0 * xp.tanh(x)  # noqa: E731
UNARY: dict[str, tuple[str, Callable[[Any, Any], Any]]] = {
    "gammaln": ("gammaln", positive),
    "gammaln_large": ("gammaln", lambda xp, x: 5.0 + xp.tanh(x) * 4.0),
    "gamma": ("gamma", positive),
    "digamma": ("digamma", positive),
    "erf": ("erf", tame),
    "erfc": ("erfc", tame),
    "erfcx": ("erfcx", tame),
    "erfinv": ("erfinv", lambda xp, x: 0.9 * xp.sin(x)),
    "expit": ("expit", same),
    "logit": ("logit", fraction),
    "log_ndtr": ("log_ndtr", tame),
    "log_ndtr_left": ("log_ndtr", lambda xp, x: xp.tanh(x) - 6.0),
    "ndtr": ("ndtr", tame),
    "ndtri": ("ndtri", fraction),
    "entr": ("entr", positive),
    "i0": ("i0", tame),
    "i0e": ("i0e", same),
    "i1": ("i1", tame),
    "i1e": ("i1e", same),
    "exp1": ("exp1", positive),
    "expi": ("expi", positive),
    "spence": ("spence", lambda xp, x: 2.1 + xp.sin(x)),
    "dawsn": ("dawsn", tame),
    "loggamma": ("loggamma", positive),
}
for _name, (_function, _domain) in UNARY.items():
    special.add(
        _name,
        1,
        lambda xp, x, f=_function, domain=_domain: getattr(xp.special, f)(domain(xp, x)),
        anything,
    )

BINARY: dict[str, Callable[[Any, Any, Any], Any]] = {
    "betaln": lambda xp, x, y: xp.special.betaln(positive(xp, x), positive(xp, y)),
    "beta": lambda xp, x, y: xp.special.beta(positive(xp, x), positive(xp, y)),
    "xlogy": lambda xp, x, y: xp.special.xlogy(x, positive(xp, y)),
    "xlog1py": lambda xp, x, y: xp.special.xlog1py(x, positive(xp, y)),
    "rel_entr": lambda xp, x, y: xp.special.rel_entr(positive(xp, x), positive(xp, y)),
    "kl_div": lambda xp, x, y: xp.special.kl_div(positive(xp, x), positive(xp, y)),
    "zeta_of_q": lambda xp, x, y: xp.special.zeta(3.0, positive(xp, x) * positive(xp, y)),
    "gammainc_of_x": lambda xp, x, y: xp.special.gammainc(1.7, positive(xp, x)) * y,
    "gammaincc_of_x": lambda xp, x, y: xp.special.gammaincc(2.3, positive(xp, x)) * y,
    "gammainc": lambda xp, x, y: xp.special.gammainc(positive(xp, x), positive(xp, y)),
    "gammaincc": lambda xp, x, y: xp.special.gammaincc(positive(xp, x), positive(xp, y)),
    "betainc_of_x": lambda xp, x, y: xp.special.betainc(1.5, 2.5, fraction(xp, x)) * y,
    "poch": lambda xp, x, y: xp.special.poch(positive(xp, x), positive(xp, y)),
    "boxcox": lambda xp, x, y: xp.special.boxcox(positive(xp, x), positive(xp, y)),
    "boxcox1p": lambda xp, x, y: xp.special.boxcox1p(positive(xp, x), positive(xp, y)),
    "hyp1f1_of_x": lambda xp, x, y: xp.special.hyp1f1(1.3, 2.6, xp.sin(x)) * y,
    "hyp2f1_of_x": lambda xp, x, y: xp.special.hyp2f1(0.7, 1.3, 2.2, 0.5 * xp.sin(x)) * y,
    "owens_t": lambda xp, x, y: xp.special.owens_t(xp.sin(x), xp.sin(y)),
    "binary_entropy": lambda xp, x, y: (
        xp.special.entr(fraction(xp, x)) + xp.special.xlogy(fraction(xp, y), fraction(xp, x))
    ),
}
for _name, _apply in BINARY.items():
    special.add(_name, 2, _apply)

special.add("polygamma_1", 1, lambda xp, x: xp.special.polygamma(1, positive(xp, x)))
special.add("polygamma_2", 1, lambda xp, x: xp.special.polygamma(2, 1.0 + positive(xp, x)))
special.add("multigammaln", 1, lambda xp, x: xp.special.multigammaln(2.0 + fraction(xp, x), 3))
special.add("expn", 1, lambda xp, x: xp.special.expn(2, positive(xp, x)))
special.add("softplus", 1, lambda xp, x: xp.logaddexp(x, 0.0))
special.add("logsumexp", 1, lambda xp, x, axis: xp.special.logsumexp(x, axis=axis), one_axis)
special.add(
    "logsumexp_weighted",
    1,
    lambda xp, x, axis: xp.special.logsumexp(x, axis=axis, b=positive(xp, x)),
    one_axis,
)
special.add(
    "logsumexp_far",
    1,
    lambda xp, x, axis: xp.special.logsumexp(x + 800.0, axis=axis, keepdims=True) - 800.0,
    one_axis,
)
special.add("softmax", 1, lambda xp, x, axis: xp.special.softmax(x, axis=axis), one_axis)
special.add("log_softmax", 1, lambda xp, x, axis: xp.special.log_softmax(x, axis=axis), one_axis)
special.add(
    "cross_entropy",
    1,
    lambda xp, x: -xp.special.log_softmax(x, axis=-1)[..., 0],
    only_if(array, lambda x: np.abs(x) < 20),
)

# ------------------------------------------------------------------ densities

statistics = Family("densities")

# The function, how many of its operands are differentiated.
DENSITIES: dict[str, tuple[int, Callable[..., Any]]] = {
    "norm_logpdf": (3, lambda s, xp, x, y, z: s.norm.logpdf(x, y, positive(xp, z))),
    "norm_pdf": (2, lambda s, xp, x, y: s.norm.pdf(x, 0.3, positive(xp, y))),
    "norm_cdf": (3, lambda s, xp, x, y, z: s.norm.cdf(x, y, positive(xp, z))),
    "norm_logcdf": (2, lambda s, xp, x, y: s.norm.logcdf(2 * xp.sin(x), y * 0.1, 1.3)),
    "norm_ppf": (2, lambda s, xp, x, y: s.norm.ppf(fraction(xp, x), y, 1.3)),
    "t_logpdf": (3, lambda s, xp, x, y, z: s.t.logpdf(x, 1 + positive(xp, y), z, 1.2)),
    "t_logpdf_scale": (2, lambda s, xp, x, y: s.t.logpdf(x, 3.5, 0.2, positive(xp, y))),
    "gamma_logpdf": (
        3,
        lambda s, xp, x, y, z: s.gamma.logpdf(
            positive(xp, x), positive(xp, y), 0.0, positive(xp, z)
        ),
    ),
    "beta_logpdf": (
        3,
        lambda s, xp, x, y, z: s.beta.logpdf(fraction(xp, x), positive(xp, y), positive(xp, z)),
    ),
    "expon_logpdf": (
        2,
        lambda s, xp, x, y: s.expon.logpdf(positive(xp, x), 0.0, positive(xp, y)),
    ),
    "laplace_logpdf": (3, lambda s, xp, x, y, z: s.laplace.logpdf(x, 9 + y, positive(xp, z))),
    "logistic_logpdf": (2, lambda s, xp, x, y: s.logistic.logpdf(x, y, 0.8)),
    "cauchy_logpdf": (3, lambda s, xp, x, y, z: s.cauchy.logpdf(x, y, positive(xp, z))),
    "chi2_logpdf": (2, lambda s, xp, x, y: s.chi2.logpdf(positive(xp, x), positive(xp, y) + 1)),
    "pareto_logpdf": (
        2,
        lambda s, xp, x, y: s.pareto.logpdf(3 + xp.sin(x), positive(xp, y), 0.0, 1.5),
    ),
    "gumbel_r_logpdf": (
        3,
        lambda s, xp, x, y, z: s.gumbel_r.logpdf(xp.sin(x), xp.sin(y), positive(xp, z)),
    ),
    "vonmises_logpdf": (2, lambda s, xp, x, y: s.vonmises.logpdf(xp.sin(x), positive(xp, y))),
    "truncnorm_logpdf": (
        2,
        lambda s, xp, x, y: s.truncnorm.logpdf(0.8 * xp.sin(x), -1 - fraction(xp, y), 1.5),
    ),
    "wrapcauchy_logpdf": (
        2,
        lambda s, xp, x, y: s.wrapcauchy.logpdf(positive(xp, x), fraction(xp, y)),
    ),
    "gennorm_logpdf": (
        2,
        lambda s, xp, x, y: s.gennorm.logpdf(positive(xp, x), positive(xp, y)),
    ),
    "uniform_logpdf": (
        2,
        lambda s, xp, x, y: s.uniform.logpdf(fraction(xp, x), 0.0, 1 + positive(xp, y)),
    ),
    "poisson_logpmf": (2, lambda s, xp, x, y: s.poisson.logpmf(3, positive(xp, x)) * y),
    "bernoulli_logpmf": (2, lambda s, xp, x, y: s.bernoulli.logpmf(1, fraction(xp, x)) * y),
    "geom_logpmf": (2, lambda s, xp, x, y: s.geom.logpmf(3, fraction(xp, x)) * y),
    "binom_logpmf": (2, lambda s, xp, x, y: s.binom.logpmf(2, 5, fraction(xp, x)) * y),
    "nbinom_logpmf": (
        2,
        lambda s, xp, x, y: s.nbinom.logpmf(2, 1 + positive(xp, y), fraction(xp, x)),
    ),
}
for _name, (_count, _apply) in DENSITIES.items():
    statistics.add(
        _name, _count, lambda xp, *operands, f=_apply: f(xp.stats, xp, *operands), anything
    )


def _of_vectors(x: np.ndarray, y: np.ndarray) -> bool:
    return x.shape == (3,) and y.shape == (3, 3)


@statistics.step("multivariate_normal_logpdf", 2, when(_of_vectors))
def _multivariate_normal(xp: Any, x: Any, y: Any) -> Any:
    s = xp.sin(y)
    covariance = xp.matmul(s, xp.transpose(s)) + xp.constant(np.eye(3))
    return xp.stats.multivariate_normal.logpdf(x, y[0], covariance)


@statistics.step("dirichlet_logpdf", 2, when(lambda x, y: x.shape == y.shape == (3,)))
def _dirichlet(xp: Any, x: Any, y: Any) -> Any:
    shares = xp.exp(xp.sin(x))
    return xp.stats.dirichlet.logpdf(shares / xp.sum(shares), positive(xp, y))


@statistics.step("mixture", 2)
def _mixture(xp: Any, x: Any, y: Any) -> Any:
    """The log density of a mixture of two normals."""
    first = xp.stats.norm.logpdf(x, 1.0, positive(xp, y))
    return xp.logaddexp(first, xp.stats.norm.logpdf(x, y, 0.9))
