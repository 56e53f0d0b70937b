"""PyTorch under the names of SciPy: special functions, linear algebra, distributions."""

from __future__ import annotations

import types
from typing import Any

import torch
from torch import distributions

from tests.differential.libraries import UnsupportedError


def _tensor(x: Any) -> torch.Tensor:
    return torch.as_tensor(x, dtype=torch.float64)


class Special:
    """``scipy.special``."""

    def __getattr__(self, name: str) -> Any:
        try:
            return getattr(torch.special, name)
        except AttributeError:
            raise UnsupportedError(f"special.{name}") from None

    loggamma = staticmethod(torch.lgamma)

    @staticmethod
    def gamma(x: Any) -> Any:
        return torch.exp(torch.lgamma(x))

    @staticmethod
    def betaln(a: Any, b: Any) -> Any:
        return torch.lgamma(a) + torch.lgamma(b) - torch.lgamma(a + b)

    def beta(self, a: Any, b: Any) -> Any:
        return torch.exp(self.betaln(a, b))

    @staticmethod
    def poch(x: Any, m: Any) -> Any:
        return torch.exp(torch.lgamma(x + m) - torch.lgamma(x))

    @staticmethod
    def rel_entr(x: Any, y: Any) -> Any:
        return x * torch.log(x / y)

    @staticmethod
    def kl_div(x: Any, y: Any) -> Any:
        return x * torch.log(x / y) - x + y

    @staticmethod
    def zeta(s: float, q: Any) -> Any:
        return torch.special.zeta(_tensor(s), q)

    @staticmethod
    def gammainc(a: Any, x: Any) -> Any:
        return torch.special.gammainc(_tensor(a), x)

    @staticmethod
    def gammaincc(a: Any, x: Any) -> Any:
        return torch.special.gammaincc(_tensor(a), x)

    @staticmethod
    def boxcox(x: Any, power: Any) -> Any:
        return torch.expm1(power * torch.log(x)) / power

    @staticmethod
    def boxcox1p(x: Any, power: Any) -> Any:
        return torch.expm1(power * torch.log1p(x)) / power

    @staticmethod
    def logsumexp(x: Any, axis: int, b: Any = None, keepdims: bool = False) -> Any:
        x = x if b is None else x + torch.log(b)
        return torch.logsumexp(x, dim=axis, keepdim=keepdims)

    @staticmethod
    def softmax(x: Any, axis: int) -> Any:
        return torch.softmax(x, dim=axis)

    @staticmethod
    def log_softmax(x: Any, axis: int) -> Any:
        return torch.log_softmax(x, dim=axis)


class ScipyLinalg:
    """``scipy.linalg``."""

    def __getattr__(self, name: str) -> Any:
        raise UnsupportedError(f"linalg.{name}")

    expm = staticmethod(torch.linalg.matrix_exp)
    lu = staticmethod(torch.linalg.lu)
    lu_factor = staticmethod(torch.linalg.lu_factor)
    block_diag = staticmethod(torch.block_diag)

    @staticmethod
    def lu_solve(factors: Any, b: Any) -> Any:
        return torch.linalg.lu_solve(*factors, b)

    @staticmethod
    def cho_solve(factor: Any, b: Any) -> Any:
        lower_triangle, lower = factor
        return torch.cholesky_solve(b, lower_triangle, upper=not lower)

    @staticmethod
    def solve_triangular(a: Any, b: Any, lower: bool, trans: int) -> Any:
        columns = b if b.ndim > 1 else b[:, None]
        a, upper = (a.T, lower) if trans else (a, not lower)
        return torch.linalg.solve_triangular(a, columns, upper=upper).reshape(b.shape)


class _Density:
    """A distribution of PyTorch, made of SciPy's arguments."""

    def __init__(self, make: Any) -> None:
        self._make = make

    def _distribution(self, arguments: Any) -> Any:
        return self._make(*(_tensor(a) for a in arguments), validate_args=False)

    def logpdf(self, x: Any, *arguments: Any) -> Any:
        return self._distribution(arguments).log_prob(_tensor(x))

    logpmf = logpdf

    def pdf(self, x: Any, *arguments: Any) -> Any:
        return torch.exp(self.logpdf(x, *arguments))

    def cdf(self, x: Any, *arguments: Any) -> Any:
        return self._distribution(arguments).cdf(x)

    def ppf(self, q: Any, *arguments: Any) -> Any:
        return self._distribution(arguments).icdf(q)


class _Normal(_Density):
    def logcdf(self, x: Any, loc: Any, scale: Any) -> Any:
        return torch.special.log_ndtr((x - loc) / scale)


def _gamma(a: Any, loc: Any, scale: Any, **options: Any) -> Any:
    return distributions.Gamma(a, 1 / scale, **options)


def _exponential(loc: Any, scale: Any, **options: Any) -> Any:
    return distributions.Exponential(1 / scale, **options)


def _pareto(shape: Any, loc: Any, scale: Any, **options: Any) -> Any:
    return distributions.Pareto(scale, shape, **options)


def _uniform(loc: Any, scale: Any, **options: Any) -> Any:
    return distributions.Uniform(loc, loc + scale, **options)


class _Geometric(_Density):
    def logpmf(self, k: int, p: Any) -> Any:
        return super().logpdf(k - 1, p)  # PyTorch counts failures


class _NegativeBinomial(_Density):
    def logpmf(self, k: int, n: Any, p: Any) -> Any:
        return super().logpdf(k, n, 1 - p)


class Distributions:
    """``scipy.stats``.

    Without the von Mises distribution, whose normalization PyTorch approximates to eight digits.
    """

    def __getattr__(self, name: str) -> Any:
        raise UnsupportedError(f"stats.{name}")

    norm = _Normal(distributions.Normal)
    t = _Density(distributions.StudentT)
    gamma = _Density(_gamma)
    beta = _Density(distributions.Beta)
    expon = _Density(_exponential)
    laplace = _Density(distributions.Laplace)
    cauchy = _Density(distributions.Cauchy)
    chi2 = _Density(distributions.Chi2)
    pareto = _Density(_pareto)
    gumbel_r = _Density(distributions.Gumbel)
    uniform = _Density(_uniform)
    poisson = _Density(distributions.Poisson)
    bernoulli = _Density(distributions.Bernoulli)
    geom = _Geometric(distributions.Geometric)
    binom = _Density(distributions.Binomial)
    nbinom = _NegativeBinomial(distributions.NegativeBinomial)
    multivariate_normal = _Density(distributions.MultivariateNormal)
    dirichlet = types.SimpleNamespace(
        logpdf=lambda x, alpha: distributions.Dirichlet(alpha, validate_args=False).log_prob(x)
    )
