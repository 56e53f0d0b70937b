"""Operations of your own, with autograd's names: ``from wengert.extend import primitive, defvjp``.

`primitive` makes an operation of any function of arrays; `defvjp`, `defjvp` and their kin give it
derivatives, argument by argument. Reverse rules alone serve forward mode too, and forward rules
reverse mode. `wengert.custom_vjp`, `wengert.custom_jvp` and `wengert.primitive` do the same with
one call.
"""

# A face of the package, as __init__ is: it may reach below the public interface.
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .core.errors import WengertTypeError
from .core.tensor import Tensor as Box
from .transforms.autograd_primitive import (
    RuledFunction,
    def_linear,
    defjvp,
    defjvp_argnum,
    defjvp_argnums,
    defvjp,
    defvjp_argnum,
    defvjp_argnums,
    notrace_primitive,
)
from .transforms.user_primitive import primitive
from .transforms.vector_space import SparseObject, VSpace, vspace

__all__ = [
    "Box",
    "JVPNode",
    "SparseObject",
    "VJPNode",
    "VSpace",
    "def_linear",
    "defjvp",
    "defjvp_argnum",
    "defjvp_argnums",
    "defvjp",
    "defvjp_argnum",
    "defvjp_argnums",
    "notrace_primitive",
    "primitive",
    "register_notrace",
    "vspace",
]


class VJPNode:
    """Stands for reverse mode in `register_notrace`. Tapes of wengert are not made of it."""

    def __init__(self, *args: Any) -> None:
        raise WengertTypeError(
            "VJPNode: a tape cannot be built by hand; use wengert.make_vjp or wengert.vjp"
        )

    new_root = __init__


class JVPNode:
    """Stands for forward mode in `register_notrace`. Tangents of wengert are not made of it."""

    def __init__(self, *args: Any) -> None:
        raise WengertTypeError(
            "JVPNode: tangents cannot be built by hand; use wengert.make_jvp or wengert.jvp"
        )

    new_root = __init__


def register_notrace(trace_type: type, primitive_fun: Callable[..., Any]) -> None:
    """Say that a mode, `VJPNode` or `JVPNode`, does not see a primitive.

    In wengert a function is constant for both modes or for none.
    """
    if trace_type not in (VJPNode, JVPNode):
        raise WengertTypeError(f"register_notrace: expected VJPNode or JVPNode, not {trace_type!r}")
    if not isinstance(primitive_fun, RuledFunction):
        raise WengertTypeError(
            "register_notrace: expected a function that wengert.extend.primitive returned, not a "
            f"{type(primitive_fun).__name__}"
        )
    primitive_fun.constant = True
