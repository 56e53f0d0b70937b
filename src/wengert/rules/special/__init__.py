"""Special functions: the derivative rules of `scipy.special`'s ufuncs, and what they need.

Owns one record for each function, filed by subject. Most are evaluated by SciPy and have partial
derivatives written in functions that have rules themselves, so that every order of derivative
exists; derivatives that SciPy has not (of the incomplete gamma and beta functions in their
parameters, say) are computed here.
"""

from . import (
    bessel,
    distribution_functions,
    entropy,
    error_functions,
    gamma,
    incomplete_beta,
    incomplete_gamma,
)
from .cardinal import bessel_i, sinc

__all__ = [
    "bessel",
    "bessel_i",
    "distribution_functions",
    "entropy",
    "error_functions",
    "gamma",
    "incomplete_beta",
    "incomplete_gamma",
    "sinc",
]
