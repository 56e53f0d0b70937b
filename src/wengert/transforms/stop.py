"""`stop_gradient`: a value that derivatives do not see."""

from __future__ import annotations

from typing import Any

from ..core import pytree
from ..core.bind import bind
from ..core.primitive import Primitive
from ..core.tensor import Tensor

__all__ = ["stop_gradient", "stop_gradient_p"]

# An equation of its own, so that a recorded Program keeps the cut when it is differentiated later.
stop_gradient_p: Primitive = Primitive(
    "stop_gradient",
    lambda x: x,
    lambda x: (x.shape, x.dtype),
    lambda args, batched, size: bind(stop_gradient_p, args, {}),
    show="{0}",
    lower="pointwise",
)


def stop_gradient(tree: Any) -> Any:
    """The same values as constants: no derivative, of any mode or order, flows through them.

    Parameters
    ----------
    tree : array or container
        What is no Tensor is returned as it is.

    Examples
    --------
    >>> import wengert as wg
    >>> float(wg.grad(lambda x: x * wg.stop_gradient(x))(3.0))
    3.0
    """
    if isinstance(tree, Tensor):
        return bind(stop_gradient_p, (tree,), {}, False)
    return pytree.map(
        lambda x: bind(stop_gradient_p, (x,), {}, False) if isinstance(x, Tensor) else x, tree
    )
