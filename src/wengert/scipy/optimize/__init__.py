"""``scipy.optimize`` for functions that wengert differentiates.

SciPy's solvers run with the gradients, Jacobians and Hessian-vector products that they can use,
over containers of arrays. Solutions are differentiable in what the function depends on, by the
implicit function theorem.
"""

from __future__ import annotations

from ..mirror import names
from .fitting import curve_fit, least_squares
from .minimization import minimize, minimize_scalar
from .roots import (
    bisect,
    brenth,
    brentq,
    fixed_point,
    newton,
    ridder,
    root,
    root_scalar,
    toms748,
)

__all__ = [
    "bisect",
    "brenth",
    "brentq",
    "curve_fit",
    "fixed_point",
    "least_squares",
    "minimize",
    "minimize_scalar",
    "newton",
    "ridder",
    "root",
    "root_scalar",
    "toms748",
]

__getattr__, __dir__ = names(__name__, __all__)
