"""``scipy.interpolate`` for Tensors: steps, lines and splines in one dimension.

Interpolants are differentiable in the nodes, in the values and in the points where they are
evaluated. Plain arguments go to SciPy itself. Linear interpolation without extrapolation is also
`numpy.interp`.
"""

from __future__ import annotations

from ..mirror import names
from .linear import interp1d
from .piecewise import PiecewisePolynomial
from .splines import (
    Akima1DInterpolator,
    CubicHermiteSpline,
    CubicSpline,
    PchipInterpolator,
    make_interp_spline,
    pchip_interpolate,
)

__all__ = [
    "Akima1DInterpolator",
    "CubicHermiteSpline",
    "CubicSpline",
    "PchipInterpolator",
    "PiecewisePolynomial",
    "interp1d",
    "make_interp_spline",
    "pchip_interpolate",
]

__getattr__, __dir__ = names(__name__, __all__)
