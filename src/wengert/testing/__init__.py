"""Gradient checking: whether derivatives are right, and if not, which entry is wrong.

The folder owns numerical differentiation (finite differences that know their own error, the complex
step), the comparison of `wengert.jvp` and `wengert.vjp` with it, and the report. It knows nothing
of how derivatives are made: it only calls the transforms.

Examples
--------
>>> import numpy as np
>>> from wengert.testing import check_grads
>>> print(
...     check_grads(lambda x: np.sin(x) * x, (np.array([0.5, 2.0]),), order=2)
... )  # doctest: +ELLIPSIS
derivatives agree: ... comparisons ...
"""

from wengert.testing.checks import check_grads
from wengert.testing.numerical import numerical_gradient, numerical_jacobian, numerical_jvp
from wengert.testing.report import (
    Comparison,
    GradientInconclusive,
    GradientMismatch,
    GradientReport,
)

__all__ = [
    "Comparison",
    "GradientInconclusive",
    "GradientMismatch",
    "GradientReport",
    "check_grads",
    "numerical_gradient",
    "numerical_jacobian",
    "numerical_jvp",
]
