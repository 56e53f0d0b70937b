"""Piecewise polynomials, evaluated at traced points, with traced nodes and coefficients."""

from __future__ import annotations

from math import perm
from typing import Any

import numpy as np

from ...core.errors import NoRuleError, WengertValueError
from ...numpy.arguments import cast, operand
from ...numpy.indexing import take
from ..mirror import missing, tensors_in
from .nodes import axis_to_place, interval_of

__all__ = ["PiecewisePolynomial"]


class PiecewisePolynomial:
    """A piecewise polynomial, what the interpolants of this module are.

    Parameters
    ----------
    c : array (k + 1, n - 1, ...)
        Coefficients of each interval in powers of the distance from its left node, the highest
        first; as in `scipy.interpolate.PPoly`.
    x : array (n,)
        The nodes.
    extrapolate : bool or "periodic"
        Whether the first and the last polynomial continue outside (else NaN).
    axis : int
        Where the axis of the points stands in results.
    own : object, optional
        SciPy's interpolant of the same plain data, which serves plain points.
    """

    def __init__(
        self, c: Any, x: Any, extrapolate: Any = True, axis: int = 0, own: Any = None
    ) -> None:
        self.c, self.x = c, x
        self.extrapolate = extrapolate
        self.axis = axis
        self._own = own

    def __getattr__(self, name: str) -> Any:
        public = [n for n in dir(type(self)) if not n.startswith("_")]
        kind = type(self).__name__
        raise missing(f"wengert.scipy.interpolate.{kind}", name, [*public, "c", "x"])

    def __call__(self, x: Any, nu: int = 0, extrapolate: Any = None) -> Any:
        """The value at ``x``, or the derivative of order ``nu``.

        Returns an array with the shape of ``x`` in the place of the interpolated axis.
        """
        if self._own is not None and not tensors_in(x):
            options = {} if extrapolate is None else {"extrapolate": extrapolate}
            return self._own(x, nu, **options)
        extrapolate = self.extrapolate if extrapolate is None else extrapolate
        if nu < 0:
            raise WengertValueError(
                f"interpolant: nu={nu} must not be negative; antiderivative() has the integral"
            )
        points = cast(operand(x), np.float64)
        first, last = self.x[0], self.x[-1]
        if extrapolate == "periodic":
            points = first + (points - first) % (last - first)
        y = self._polynomials(points, int(nu))
        if not extrapolate:
            outside = (points < first) | (points > last)
            y = np.where(np.reshape(outside, points.shape + (1,) * (self.c.ndim - 2)), np.nan, y)
        return axis_to_place(y, points.ndim, self.axis)

    def _polynomials(self, points: Any, nu: int) -> Any:
        """Horner's rule in each interval, for the derivative of order ``nu``."""
        shape = points.shape + (1,) * (self.c.ndim - 2)
        index = interval_of(self.x[1:-1], points)
        # Not by brackets: the nodes may be plain where the index is an abstract value.
        u = np.reshape(points - take(self.x, index), shape)
        c = take(self.c, index, axis=1)
        degree = self.c.shape[0] - 1
        if nu > degree:
            return c[0] * 0.0 * u
        y = c[0] * float(perm(degree, nu)) + 0.0 * u
        for i in range(1, degree - nu + 1):
            y = y * u + c[i] * float(perm(degree - i, nu))
        return y

    def derivative(self, nu: int = 1) -> PiecewisePolynomial:
        """The derivative of order ``nu``, as a piecewise polynomial."""
        if nu < 0:
            return self.antiderivative(-nu)
        degree = self.c.shape[0] - 1
        if nu > degree:
            return PiecewisePolynomial(self.c[:1] * 0.0, self.x, self.extrapolate, self.axis)
        rows = np.array([float(perm(degree - i, nu)) for i in range(degree - nu + 1)])
        c = self.c[: degree - nu + 1] * rows.reshape((-1,) + (1,) * (self.c.ndim - 1))
        return PiecewisePolynomial(c, self.x, self.extrapolate, self.axis)

    def antiderivative(self, nu: int = 1) -> PiecewisePolynomial:
        """The integral of order ``nu`` that is zero at the first node, continuous."""
        if nu < 0:
            return self.derivative(-nu)
        result = self
        for _ in range(nu):
            result = result._integrated()
        extrapolate = False if self.extrapolate == "periodic" else self.extrapolate
        return PiecewisePolynomial(result.c, self.x, extrapolate, self.axis)

    def _integrated(self) -> PiecewisePolynomial:
        degree = self.c.shape[0] - 1
        divisors = np.arange(degree + 1, 0, -1.0).reshape((-1,) + (1,) * (self.c.ndim - 1))
        rows = self.c / divisors
        h = np.reshape(np.diff(self.x), (-1,) + (1,) * (self.c.ndim - 2))
        areas = rows[0] * h
        for row in rows[1:]:
            areas = (areas + row) * h
        before = np.concatenate([0.0 * areas[:1], np.cumsum(areas, 0)[:-1]])
        return PiecewisePolynomial(
            np.concatenate([rows, before[None]]), self.x, self.extrapolate, self.axis
        )

    def integrate(self, a: Any, b: Any, extrapolate: Any = None) -> Any:
        """The integral from ``a`` to ``b``; differentiable in both limits, too."""
        if self._own is not None and not tensors_in(a, b):
            options = {} if extrapolate is None else {"extrapolate": extrapolate}
            return self._own.integrate(a, b, **options)
        extrapolate = self.extrapolate if extrapolate is None else extrapolate
        whole = self._integrated()
        first, last = self.x[0], self.x[-1]
        ends = []
        for limit in (a, b):
            point = cast(operand(limit), np.float64)
            if point.ndim:
                raise WengertValueError(
                    f"integrate: a limit has shape {point.shape}; limits are single numbers"
                )
            turns = 0.0
            if extrapolate == "periodic":
                turns = np.floor((point - first) / (last - first))
                point = point - turns * (last - first)
            y = whole._polynomials(point, 0)
            if extrapolate == "periodic":
                y = y + turns * whole._polynomials(last, 0)
            elif not extrapolate:
                y = np.where((point < first) | (point > last), np.nan, y)
            ends.append(y)
        return ends[1] - ends[0]

    def roots(self, *args: Any, **kwargs: Any) -> Any:
        """Not supported: the number of roots depends on values."""
        raise NoRuleError(
            "interpolant.roots: the number of roots depends on values, so it cannot be "
            "differentiated. Find one with wengert.scipy.optimize.brentq"
        )
