"""wengert: exact derivatives of the NumPy code you already write.

>>> import numpy as np, wengert as wg
>>> wg.grad(lambda x: np.sum(np.sin(x) ** 2))(np.zeros(2))
array([0., 0.])
"""

from . import (
    builtins,
    core,
    differential_operators,
    extend,
    numpy,
    operations,
    random,
    rules,
    scipy,
    tensors,
    tracer,
    tree,
)

# As in autograd; not in __all__, so that `from wengert import *` hides none of Python's.
from .builtins import dict, isinstance, list, tuple, type  # noqa: F401
from .compiler import jit, set_threads
from .core.debugging import debug
from .core.errors import (
    AbstractValueError,
    ConfigError,
    DataError,
    MutationError,
    NonFiniteError,
    NoRuleError,
    ProgramError,
    ShapeError,
    WengertError,
    WengertIndexError,
    WengertTypeError,
    WengertValueError,
)
from .core.memory import retain_freed_memory as _retain_freed_memory
from .core.state import no_grad
from .core.tensor import Tensor, tensor
from .numpy import methods as _methods  # noqa: F401  (it attaches the operators)
from .show import show
from .transforms.autograd_names import (
    deriv,
    grad_named,
    hessian_tensor_product,
    hessian_vector_product,
    make_ggnvp,
    make_hvp,
    make_jvp,
    make_vjp,
    multigrad_dict,
    tensor_jacobian_product,
    vector_jacobian_product,
)
from .transforms.checkpoint import checkpoint
from .transforms.custom import custom_jvp, custom_vjp
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
from .transforms.transpose import linear_transpose
from .transforms.user_primitive import primitive
from .transforms.vmap import vmap

__version__ = "0.1.0"

_retain_freed_memory()

__all__ = [
    "AbstractValueError",
    "ConfigError",
    "DataError",
    "MutationError",
    "NoRuleError",
    "NonFiniteError",
    "ProgramError",
    "ShapeError",
    "Tensor",
    "WengertError",
    "WengertIndexError",
    "WengertTypeError",
    "WengertValueError",
    "builtins",
    "checkpoint",
    "core",
    "custom_jvp",
    "custom_vjp",
    "debug",
    "deriv",
    "derivative",
    "differential_operators",
    "elementwise_grad",
    "extend",
    "grad",
    "grad_and_aux",
    "grad_named",
    "hessian",
    "hessian_tensor_product",
    "hessian_vector_product",
    "holomorphic_grad",
    "hvp",
    "jacfwd",
    "jacobian",
    "jacrev",
    "jit",
    "jvp",
    "linear_transpose",
    "linearize",
    "make_ggnvp",
    "make_hvp",
    "make_jvp",
    "make_vjp",
    "multigrad_dict",
    "no_grad",
    "numpy",
    "operations",
    "primitive",
    "random",
    "rules",
    "scipy",
    "set_threads",
    "show",
    "stop_gradient",
    "tensor",
    "tensor_jacobian_product",
    "tensors",
    "tracer",
    "tree",
    "value_and_grad",
    "vector_jacobian_product",
    "vjp",
    "vmap",
]
