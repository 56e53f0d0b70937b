"""Distributions of several variables."""

from __future__ import annotations

import math
import warnings
from typing import Any, ClassVar

import numpy as np
from scipy import special as sc

from ...core.errors import ShapeError, WengertValueError
from ...core.tensor import Tensor
from ...numpy.arguments import is_known
from ...rules.linalg import solve_triangular
from .base import Distribution, floats, known_values, replaced

__all__ = ["dirichlet", "multinomial", "multivariate_normal"]

_LOG_TWO_PI = math.log(2 * math.pi)


def _squeezed(y: Any) -> Any:
    y = np.squeeze(y)
    return y if isinstance(y, Tensor) else y[()]


# ------------------------------------------------------------------ normal


class MultivariateNormal(Distribution):
    """The normal distribution of vectors with the mean ``mean`` and the covariance ``cov``."""

    name = "multivariate_normal"
    methods = ("pdf", "logpdf", "entropy")
    options = ("mean", "cov", "allow_singular")
    defaults: ClassVar[dict[str, Any]] = {"mean": None, "cov": 1, "allow_singular": False}
    notes = (
        "Of ``cov`` the lower triangle is read; its gradient is symmetric. With "
        "``allow_singular=True`` derivatives in ``cov`` are those along matrices of its rank."
    )

    def pdf(self, x: Any, mean: Any = None, cov: Any = 1, allow_singular: bool = False) -> Any:
        """The density at the vectors ``x``, shape ``(..., n)``; see `logpdf`."""
        return np.exp(self._log_density("pdf", x, mean, cov, allow_singular))

    def logpdf(self, x: Any, mean: Any = None, cov: Any = 1, allow_singular: bool = False) -> Any:
        """The logarithm of the density.

        Parameters
        ----------
        x : array_like, shape (..., n)
        mean : array_like, shape (n,), optional
        cov : array_like
            A matrix (n, n), the diagonal of one (n,), or a number.
        allow_singular : bool
            Whether ``cov`` may be singular; the density is then one on its range.

        Returns
        -------
        array, shape (...), axes of length one removed as in SciPy

        Raises
        ------
        ShapeError
            If the shapes do not fit.
        numpy.linalg.LinAlgError
            If ``cov`` is not positive definite and ``allow_singular`` is false.
        """
        return self._log_density("logpdf", x, mean, cov, allow_singular)

    def entropy(self, mean: Any = None, cov: Any = 1) -> Any:
        """The differential entropy; ``cov`` may be singular."""
        n, _, _, cov = self._arguments("entropy", np.zeros(()), mean, cov)
        values = known_values(cov)
        if values is None:
            singular = False
        else:
            spectrum = np.linalg.eigvalsh(values)
            singular = bool(spectrum.min() <= _threshold(spectrum))
        if singular:
            _, log_det, rank, _ = self._singular("entropy", cov)
        else:
            factor = self._factor("entropy", cov)
            log_det, rank = 2.0 * np.sum(np.log(np.diagonal(factor))), float(n)
        return 0.5 * (rank * (_LOG_TWO_PI + 1.0) + log_det)

    # -------------------------------------------------------------- how

    def _arguments(self, method: str, x: Any, mean: Any, cov: Any) -> tuple[int, Any, Any, Any]:
        """The dimension, the points (m, n), the mean (n,) and the covariance (n, n)."""
        function = f"multivariate_normal.{method}"
        x, cov = floats(function, x, 1.0 if cov is None else cov)
        if mean is not None:
            x, mean, cov = floats(function, x, mean, cov)
            n = int(np.prod(np.shape(mean)))
        else:
            n = 1 if np.ndim(cov) < 2 else np.shape(cov)[0]
            mean = np.zeros(n, x.dtype)
        if n == 1:
            mean, cov = np.reshape(mean, (1,)), np.reshape(cov, (1, 1))
        if np.ndim(mean) != 1:
            raise ShapeError(f"{function}: mean must be a vector, got the shape {mean.shape}")
        if np.ndim(cov) == 0:
            cov = cov * np.eye(n, dtype=cov.dtype)
        elif np.ndim(cov) == 1:
            cov = np.diag(cov)
        if np.shape(cov) != (n, n):
            raise ShapeError(
                f"{function}: cov must be a matrix of the shape {(n, n)} since mean has {n} "
                f"elements, got the shape {cov.shape}"
            )
        return n, x, mean, cov

    def _log_density(self, method: str, x: Any, mean: Any, cov: Any, allow_singular: bool) -> Any:
        n, x, mean, cov = self._arguments(method, x, mean, cov)
        if np.ndim(x) == 0:
            x = np.reshape(x, (1,))
        elif np.ndim(x) == 1:
            x = np.reshape(x, (-1, 1) if n == 1 else (1, -1))
        if x.shape[-1] != n:
            raise ShapeError(
                f"multivariate_normal.{method}: x has vectors of {x.shape[-1]} elements, and mean "
                f"has {n}"
            )
        deviation = x - mean
        shape = deviation.shape[:-1]
        rows = np.reshape(deviation, (-1, n))
        if allow_singular:
            inverse, log_det, rank, outside = self._singular(method, cov)
            y = -0.5 * (rank * _LOG_TWO_PI + log_det + np.sum(rows @ inverse * rows, axis=-1))
            y = replaced(y, outside(rows), -np.inf)
        else:
            factor = self._factor(method, cov)
            white = solve_triangular(factor, rows.T, True)
            log_det = 2.0 * np.sum(np.log(np.diagonal(factor)))
            y = -0.5 * (n * _LOG_TWO_PI + log_det + np.sum(white * white, axis=0))
        return _squeezed(np.reshape(y, shape))

    def _factor(self, method: str, cov: Any) -> Any:
        try:
            return np.linalg.cholesky(cov)
        except np.linalg.LinAlgError as error:
            raise np.linalg.LinAlgError(
                f"multivariate_normal.{method}: cov is not positive definite; pass "
                "allow_singular=True if it is singular"
            ) from error

    def _singular(self, method: str, cov: Any) -> tuple[Any, Any, Any, Any]:
        """The pseudo-inverse, log pseudo-determinant, rank, and what is off the range."""
        values = known_values(cov)
        lower = np.tril(cov)
        cov = lower + np.tril(cov, -1).T
        spectrum = np.linalg.eigvalsh(cov)
        cutoff = _threshold(spectrum)
        if values is not None and np.min(known_values(spectrum)) < -np.max(known_values(cutoff)):
            raise WengertValueError(
                f"multivariate_normal.{method}: cov has the negative eigenvalue "
                f"{np.min(known_values(spectrum)):.3g}; it must be positive semidefinite"
            )
        zero = spectrum <= cutoff
        log_det = np.sum(np.log(np.where(zero, 1.0, spectrum)))
        rank = np.sum(np.where(zero, 0.0, 1.0).astype(cov.dtype))
        tolerance = float(np.finfo(cov.dtype).eps) * _FACTOR[np.dtype(cov.dtype).char]
        inverse = np.linalg.pinv(cov, rcond=tolerance, hermitian=True)

        def outside(rows: Any) -> Any:
            residual = rows - rows @ inverse @ cov
            return np.sum(residual * residual, axis=-1) >= (1e3 * cutoff) ** 2

        return inverse, log_det, rank, outside


_FACTOR = {"f": 1e3, "d": 1e6}


def _threshold(spectrum: Any) -> Any:
    """Up to which an eigenvalue counts as zero: SciPy's rule."""
    dtype = np.dtype(spectrum.dtype)
    return _FACTOR[dtype.char] * float(np.finfo(dtype).eps) * np.max(np.abs(spectrum))


# ------------------------------------------------------------------ Dirichlet


class Dirichlet(Distribution):
    """The Dirichlet distribution of ``k`` shares that sum to 1, with the parameters ``alpha``."""

    name = "dirichlet"
    shapes = ("alpha",)
    methods = ("pdf", "logpdf", "entropy")
    notes = "Derivatives take the shares for independent of each other, if all k are given."

    def pdf(self, x: Any, alpha: Any) -> Any:
        """The density at ``x``, of k or k - 1 rows; see `logpdf`."""
        return np.exp(self.logpdf(x, alpha))

    def logpdf(self, x: Any, alpha: Any) -> Any:
        """The logarithm of the density.

        Parameters
        ----------
        x : array_like, shape (k,), (k - 1,), (k, m) or (k - 1, m)
            Shares; where the last is not given, it is what is left to 1.
        alpha : array_like, shape (k,)

        Returns
        -------
        number, or array of shape (m,)

        Raises
        ------
        ShapeError
            If the shapes do not fit.
        WengertValueError
            If a parameter is not positive, or shares are negative or do not sum to 1. (Not while
            recording on shapes.)
        """
        x, alpha = floats("dirichlet.logpdf", x, alpha)
        self._check_parameters(alpha)
        k = alpha.shape[0]
        if x.ndim not in (1, 2) or x.shape[0] not in (k, k - 1):
            raise ShapeError(
                f"dirichlet.logpdf: x must have {k} rows (as alpha has elements) or {k - 1}, in "
                f"one or two dimensions; got the shape {x.shape}"
            )
        if x.shape[0] == k - 1:
            x = np.concatenate([x, 1.0 - np.sum(x, axis=0, keepdims=True)])
        column = np.reshape(alpha, (k,) + (1,) * (x.ndim - 1))
        self._check_shares(known_values(x), known_values(column))
        powers = np.sum(sc.xlogy(column - 1.0, x), axis=0)
        return _squeezed(powers - self._log_beta(alpha))

    def entropy(self, alpha: Any) -> Any:
        """The differential entropy."""
        (alpha,) = floats("dirichlet.entropy", alpha)
        self._check_parameters(alpha)
        total, k = np.sum(alpha), alpha.shape[0]
        rest = np.sum((alpha - 1.0) * sc.digamma(alpha))
        return self._log_beta(alpha) + (total - k) * sc.digamma(total) - rest

    def _log_beta(self, alpha: Any) -> Any:
        return np.sum(sc.gammaln(alpha)) - sc.gammaln(np.sum(alpha))

    def _check_parameters(self, alpha: Any) -> None:
        if np.ndim(alpha) != 1 or not alpha.shape[0]:
            raise ShapeError(f"dirichlet: alpha must be a vector, got the shape {np.shape(alpha)}")
        values = known_values(alpha)
        if values is not None and np.any(values <= 0):
            raise WengertValueError(
                f"dirichlet: all elements of alpha must be positive, got {values.min()}"
            )

    def _check_shares(self, x: Any, alpha: Any) -> None:
        if x is None:
            return
        if np.any(x < 0) or np.any(x > 1):
            raise WengertValueError(
                f"dirichlet: shares must be between 0 and 1, got {x.min()} to {x.max()}"
            )
        if alpha is not None and np.any((x == 0) & (alpha < 1)):
            raise WengertValueError(
                "dirichlet: a share is 0 and its alpha below 1: the density is infinite there"
            )
        off = np.abs(np.sum(x, axis=0) - 1.0)
        if np.any(off > 1e-9):
            raise WengertValueError(
                f"dirichlet: the shares must sum to 1, and they are off by {off.max():.3g}; give "
                "all but the last, which is then what is left"
            )


# ------------------------------------------------------------------ multinomial


class Multinomial(Distribution):
    """How often each of ``k`` outcomes of the probabilities ``p`` occurs in ``n`` trials."""

    name = "multinomial"
    shapes = ("n", "p")
    methods = ("pmf", "logpmf")
    notes = "Derivatives take the probabilities for independent of each other, as in JAX."

    def pmf(self, x: Any, n: Any, p: Any) -> Any:
        """The probability of the counts ``x``; see `logpmf`."""
        return np.exp(self.logpmf(x, n, p))

    def logpmf(self, x: Any, n: Any, p: Any) -> Any:
        """The logarithm of the probability of the counts.

        Parameters
        ----------
        x : array_like, shape (..., k)
        n : array_like of int, shape (...)
        p : array_like, shape (..., k)
            Where they do not sum to 1, the last is adjusted with a warning, as in SciPy 1.17.

        Returns
        -------
        array, shape (...)
            -inf where the counts are not integers, negative, or do not sum to ``n``; NaN where a
            probability is not between 0 and 1, or ``n`` is negative.

        Raises
        ------
        ShapeError
            If ``x`` and ``p`` have different last axes.
        """
        x, n, p = floats("multinomial.logpmf", x, n, p)
        if x.ndim == 0 or p.ndim == 0 or x.shape[-1] != p.shape[-1]:
            raise ShapeError(
                "multinomial.logpmf: the last axes of x and p must be equally long; their shapes "
                f"are {x.shape} and {p.shape}"
            )
        total = np.sum(p, axis=-1, keepdims=True)
        off = np.abs(total - 1.0) > 10.0 * float(np.finfo(p.dtype).eps)
        if not is_known(off) or np.any(off):
            if is_known(off):
                warnings.warn(
                    "multinomial: some probabilities do not sum to 1; the last of them is adjusted",
                    RuntimeWarning,
                    stacklevel=2,
                )
            rest = 1.0 - np.sum(p[..., :-1], axis=-1, keepdims=True)
            last = np.where(off, rest, p[..., -1:])
            p = np.concatenate([p[..., :-1], last], axis=-1)
        wrong = np.logical_or(np.any(np.logical_or(p < 0, p > 1), axis=-1), n < 0)
        odd = np.logical_or(np.floor(x) != x, x < 0)
        outside = np.logical_or(np.any(odd, axis=-1), np.sum(x, axis=-1) != n)
        counts = replaced(x, odd, 0.0)
        ways = sc.gammaln(replaced(n, n < 0, 0.0) + 1.0)
        p = replaced(p, wrong[..., None], 0.5)
        y = ways + np.sum(sc.xlogy(counts, p) - sc.gammaln(counts + 1.0), axis=-1)
        y = replaced(replaced(y, outside, -np.inf), wrong, np.nan)
        return y if isinstance(y, Tensor) else np.asarray(y)[()]


multivariate_normal = MultivariateNormal()
dirichlet = Dirichlet()
multinomial = Multinomial()
