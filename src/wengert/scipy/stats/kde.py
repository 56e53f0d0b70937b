"""Density estimation by a sum of normal densities."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import special as sc

from ...core.errors import NoRuleError, ShapeError, WengertTypeError, WengertValueError
from ...core.tensor import Tensor
from ...numpy.arguments import is_known
from ...rules.linalg import solve_triangular
from ..special import logsumexp
from .base import floats, plain, replaced

__all__ = ["gaussian_kde"]

_LOG_TWO_PI = math.log(2 * math.pi)


class gaussian_kde:
    """A density estimated from a sample with a normal kernel, as `scipy.stats.gaussian_kde`.

    Derivatives flow to the points, the sample, the weights and a bandwidth that is a number.

    Parameters
    ----------
    dataset : array_like, shape (n,) or (d, n)
        The sample, one column a point.
    bw_method : {"scott", "silverman"}, number or callable, optional
        The factor by which the sample's standard deviations become those of the kernel; a callable
        gets the estimate. Scott's rule by default.
    weights : array_like, shape (n,), optional
        Equal by default.

    Attributes
    ----------
    dataset, weights, d, n, neff, factor, covariance, inv_cov
        As SciPy's.

    Raises
    ------
    ShapeError
        If the shapes do not fit.
    WengertValueError
        For an unknown ``bw_method``, or a sample of one element or of fewer points than dimensions.
    numpy.linalg.LinAlgError
        If the points lie in a subspace.

    Examples
    --------
    >>> import numpy as np
    >>> import wengert as wg
    >>> from wengert.scipy.stats import gaussian_kde
    >>> sample = np.array([-1.0, 0.0, 0.5, 2.0])
    >>> gaussian_kde(sample).pdf(0.3)
    array([0.26519514])
    >>> wg.grad(lambda s: gaussian_kde(s).logpdf(0.3)[0])(sample)
    array([ 0.3409614 ,  0.15804167, -0.09713163, -0.28818315])
    """

    def __init__(self, dataset: Any, bw_method: Any = None, weights: Any = None) -> None:
        (data,) = floats("gaussian_kde", dataset)
        self.dataset = np.atleast_2d(data)
        if self.dataset.ndim != 2 or self.dataset.size < 2:
            raise WengertValueError(
                "gaussian_kde: dataset must have several elements in one or two dimensions, got "
                f"the shape {np.shape(data)}"
            )
        self.d, self.n = self.dataset.shape
        if self.d > self.n:
            raise WengertValueError(
                f"gaussian_kde: dataset has {self.n} points in {self.d} dimensions, so that their "
                "covariance is singular. Each column is a point: transpose the dataset?"
            )
        if weights is None:
            self.weights: Any = np.full(self.n, 1.0 / self.n, self.dataset.dtype)
            self.neff: Any = float(self.n)
        else:
            (w,) = floats("gaussian_kde", weights)
            w = np.atleast_1d(w)
            if w.shape != (self.n,):
                raise ShapeError(
                    f"gaussian_kde: weights must have the shape {(self.n,)}, one for each point, "
                    f"got {w.shape}"
                )
            self.weights = w / np.sum(w)
            self.neff = 1.0 / np.sum(self.weights**2)
        centered = self.dataset - np.sum(self.dataset * self.weights, axis=1, keepdims=True)
        self._data_covariance = (centered * self.weights) @ centered.T / (1.0 - 1.0 / self.neff)
        try:
            self._data_factor = np.linalg.cholesky(self._data_covariance)
        except np.linalg.LinAlgError as error:
            raise np.linalg.LinAlgError(
                "gaussian_kde: the points lie in a subspace, so that their covariance is "
                "singular; reduce the dimensions first"
            ) from error
        self.covariance_factor: Callable[[], Any] = self.scotts_factor
        self.set_bandwidth(bw_method)

    # -------------------------------------------------------------- bandwidth

    def scotts_factor(self) -> Any:
        """``neff ** (-1 / (d + 4))``."""
        return self.neff ** (-1.0 / (self.d + 4))

    def silverman_factor(self) -> Any:
        """``(neff (d + 2) / 4) ** (-1 / (d + 4))``."""
        return (self.neff * (self.d + 2.0) / 4.0) ** (-1.0 / (self.d + 4))

    def set_bandwidth(self, bw_method: Any = None) -> None:
        """Change the factor; see the class. None keeps the method."""
        if bw_method is None:
            pass
        elif isinstance(bw_method, str):
            if bw_method not in ("scott", "silverman"):
                raise WengertValueError(
                    "gaussian_kde: bw_method must be 'scott', 'silverman', a number or a function "
                    f"of the estimate, got {bw_method!r}"
                )
            scott = bw_method == "scott"
            self.covariance_factor = self.scotts_factor if scott else self.silverman_factor
        elif callable(bw_method):
            self.covariance_factor = lambda: bw_method(self)
        elif np.ndim(bw_method) == 0:
            self.covariance_factor = lambda: bw_method
        else:
            raise WengertTypeError(
                "gaussian_kde: bw_method must be 'scott', 'silverman', a number or a function of "
                f"the estimate, got an array of the shape {np.shape(bw_method)}"
            )
        self.factor = self.covariance_factor()
        self.covariance = self._data_covariance * self.factor**2
        self.cho_cov = self._data_factor * self.factor

    @property
    def inv_cov(self) -> Any:
        """The inverse of the kernel's covariance."""
        return np.linalg.inv(self.covariance)

    # -------------------------------------------------------------- the density

    def evaluate(self, points: Any) -> Any:
        """The density at points, shape ``(d, m)``; ``(m,)`` if d is 1, or one point ``(d,)``.

        Returns
        -------
        array, shape (m,)
        """
        return np.sum(np.exp(self._log_terms(points)) * self.weights[:, None], axis=0)

    __call__ = evaluate

    def pdf(self, x: Any) -> Any:
        """The same as `evaluate`."""
        return self.evaluate(x)

    def logpdf(self, x: Any) -> Any:
        """The logarithm of the density, also where that underflows."""
        none = self.weights <= 0
        logs = replaced(np.log(replaced(self.weights, none, 1.0)), none, -np.inf)
        return logsumexp(self._log_terms(x) + logs[:, None], axis=0)

    def _log_terms(self, points: Any) -> Any:
        """The logarithm of each kernel at each point, shape (n, m)."""
        (points,) = floats("gaussian_kde", points)
        points = np.atleast_2d(points)
        if points.shape[0] != self.d:
            if points.shape != (1, self.d):
                raise ShapeError(
                    f"gaussian_kde: points must have {self.d} rows, one for each dimension, got "
                    f"the shape {points.shape}"
                )
            points = points.reshape(self.d, 1)
        return self._log_kernel(self.cho_cov, self.dataset, points)

    def _log_kernel(self, factor: Any, one: Any, other: Any) -> Any:
        """The log density of a kernel with the Cholesky factor between all pairs of columns."""
        one = solve_triangular(factor, one, True)
        other = solve_triangular(factor, other, True)
        difference = one[:, :, None] - other[:, None, :]
        log_norm = 0.5 * self.d * _LOG_TWO_PI + np.sum(np.log(np.diagonal(factor)))
        return -0.5 * np.sum(difference * difference, axis=0) - log_norm

    # -------------------------------------------------------------- integrals

    def integrate_gaussian(self, mean: Any, cov: Any) -> Any:
        """The integral of the density times a normal density with mean (d,) and cov (d, d)."""
        mean, cov = floats("gaussian_kde.integrate_gaussian", mean, cov)
        mean, cov = np.atleast_1d(np.squeeze(mean)), np.atleast_2d(cov)
        if mean.shape != (self.d,) or cov.shape != (self.d, self.d):
            raise ShapeError(
                f"gaussian_kde.integrate_gaussian: mean and cov must have the shapes {(self.d,)} "
                f"and {(self.d, self.d)}, got {mean.shape} and {cov.shape}"
            )
        factor = np.linalg.cholesky(self.covariance + cov)
        terms = np.exp(self._log_kernel(factor, self.dataset, mean[:, None]))[:, 0]
        return plain(np.sum(terms * self.weights))

    def integrate_box_1d(self, low: Any, high: Any) -> Any:
        """The integral of a density of one variable from ``low`` to ``high``."""
        if self.d != 1:
            raise WengertValueError(
                f"gaussian_kde.integrate_box_1d is for one dimension; the sample has {self.d}"
            )
        low, high, _ = floats("gaussian_kde.integrate_box_1d", low, high, self.dataset)
        width = self.cho_cov[0, 0]
        below = sc.ndtr((low - self.dataset[0]) / width)
        above = sc.ndtr((high - self.dataset[0]) / width)
        return plain(np.sum((above - below) * self.weights))

    def integrate_kde(self, other: gaussian_kde) -> Any:
        """The integral of the product of two estimates."""
        if other.d != self.d:
            raise ShapeError(
                "gaussian_kde.integrate_kde: the estimates must have the same number of "
                f"dimensions, got {self.d} and {other.d}"
            )
        factor = np.linalg.cholesky(self.covariance + other.covariance)
        terms = np.exp(self._log_kernel(factor, self.dataset, other.dataset))
        return plain(self.weights @ terms @ other.weights)

    # -------------------------------------------------------------- others

    def marginal(self, dimensions: Any) -> gaussian_kde:
        """The estimate of some of the variables, with the same bandwidth."""
        chosen = np.atleast_1d(dimensions)
        if not np.issubdtype(chosen.dtype, np.integer):
            raise WengertTypeError(
                f"gaussian_kde.marginal: dimensions must be integers, got {chosen.dtype}"
            )
        return gaussian_kde(self.dataset[chosen], self.factor, self.weights)

    def resample(self, size: int | None = None, seed: Any = None) -> Any:
        """Random points by `scipy.stats.gaussian_kde`, for plain samples.

        Raises
        ------
        NoRuleError
            If the sample, the weights or the bandwidth are being differentiated or traced.
        """
        import scipy.stats

        parts = [self.dataset, self.weights, self.factor]
        for part in parts:
            if isinstance(part, Tensor) and (part.requires_grad or not is_known(part)):
                raise NoRuleError(
                    "gaussian_kde.resample draws by NumPy's generators and has no derivative in "
                    "the sample; make the estimate of wengert.stop_gradient(dataset)"
                )
        data, weights, factor = (p.array if isinstance(p, Tensor) else p for p in parts)
        return scipy.stats.gaussian_kde(data, float(factor), weights).resample(size, seed)
