"""``scipy.integrate`` for Tensors: integrals, and differential equations by the adjoint method.

SciPy's own solvers compute the values; derivatives are integrals and differential equations again,
so those of every order follow. Plain arguments go to SciPy itself.
"""

from __future__ import annotations

from ..mirror import names
from .initial_value import odeint, solve_ivp
from .quadrature import dblquad, fixed_quad, quad
from .samples import cumulative_trapezoid, simpson, trapezoid

__all__ = [
    "cumulative_trapezoid",
    "dblquad",
    "fixed_quad",
    "odeint",
    "quad",
    "simpson",
    "solve_ivp",
    "trapezoid",
]

__getattr__, __dir__ = names(__name__, __all__)
