"""Special functions: the derivative rules of `scipy.special`'s ufuncs, and what they need.

Owns one record for each function, filed by subject. Most are evaluated by SciPy and have partial
derivatives written in functions that have rules themselves, so that every order of derivative
exists; derivatives that SciPy has not (of the incomplete gamma and beta functions in their
parameters, say) are computed here.
"""

from . import (
    bessel,
    distributions,
    elementary,
    elliptic,
    entropy,
    error_functions,
    gamma,
    hypergeometric,
    incomplete_beta,
    incomplete_gamma,
    integrals,
    orthogonal,
    zeta,
)
from .cardinal import bessel_i, sinc

__all__ = [
    "bessel",
    "bessel_i",
    "distributions",
    "elementary",
    "elliptic",
    "entropy",
    "error_functions",
    "gamma",
    "hypergeometric",
    "incomplete_beta",
    "incomplete_gamma",
    "integrals",
    "orthogonal",
    "sinc",
    "zeta",
]
