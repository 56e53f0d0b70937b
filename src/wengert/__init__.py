"""wengert: exact derivatives of the NumPy code you already write.

>>> import numpy as np, wengert as wg
>>> wg.grad(lambda x: np.sum(np.sin(x) ** 2))(np.zeros(2))
array([0., 0.])
"""

from . import core, numpy, rules, scipy, tree
from .core.errors import (
    AbstractValueError,
    ConfigError,
    DataError,
    MutationError,
    NoRuleError,
    ProgramError,
    ShapeError,
    WengertError,
    WengertTypeError,
    WengertValueError,
)
from .core.state import no_grad
from .core.tensor import Tensor, tensor
from .numpy import methods as _methods  # attaches the operators
from .transforms.forward import derivative, jvp, linearize
from .transforms.jacobians import hessian, hvp, jacfwd, jacobian, jacrev
from .transforms.reverse import (
    elementwise_grad,
    grad,
    grad_and_aux,
    holomorphic_grad,
    value_and_grad,
    vjp,
)
from .transforms.stop import stop_gradient
from .transforms.vmap import vmap

__version__ = "0.1.0"

__all__ = [
    "AbstractValueError",
    "ConfigError",
    "DataError",
    "MutationError",
    "NoRuleError",
    "ProgramError",
    "ShapeError",
    "Tensor",
    "WengertError",
    "WengertTypeError",
    "WengertValueError",
    "core",
    "derivative",
    "elementwise_grad",
    "grad",
    "grad_and_aux",
    "hessian",
    "holomorphic_grad",
    "hvp",
    "jacfwd",
    "jacobian",
    "jacrev",
    "jvp",
    "linearize",
    "no_grad",
    "numpy",
    "rules",
    "scipy",
    "stop_gradient",
    "tensor",
    "tree",
    "value_and_grad",
    "vjp",
    "vmap",
]
