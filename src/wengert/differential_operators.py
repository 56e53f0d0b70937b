"""autograd's differential operators under the name of autograd's module."""

# A face of the package, as __init__ is: it may reach below the public interface.
from __future__ import annotations

from .transforms.autograd_names import (
    deriv,
    grad_named,
    hessian_tensor_product,
    hessian_vector_product,
    make_ggnvp,
    make_hvp,
    make_jvp,
    make_jvp_reversemode,
    make_vjp,
    multigrad_dict,
    tensor_jacobian_product,
    vector_jacobian_product,
)
from .transforms.checkpoint import checkpoint
from .transforms.jacobians import hessian, jacobian
from .transforms.reverse import (
    elementwise_grad,
    grad,
    grad_and_aux,
    holomorphic_grad,
    value_and_grad,
)

__all__ = [
    "checkpoint",
    "deriv",
    "elementwise_grad",
    "grad",
    "grad_and_aux",
    "grad_named",
    "hessian",
    "hessian_tensor_product",
    "hessian_vector_product",
    "holomorphic_grad",
    "jacobian",
    "make_ggnvp",
    "make_hvp",
    "make_jvp",
    "make_jvp_reversemode",
    "make_vjp",
    "multigrad_dict",
    "tensor_jacobian_product",
    "value_and_grad",
    "vector_jacobian_product",
]
