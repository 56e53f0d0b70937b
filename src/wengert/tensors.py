"""The operations of `Tensor` as functions, and what a hand-written operation needs.

For code that builds graphs step by step, as courses on automatic differentiation do. Every function
takes Tensors or whatever becomes one, and returns a Tensor; plain arrays in, plain arrays out is
what ``np.*`` and `wengert.numpy` are for.

>>> from wengert.tensors import Tensor, broadcast_grad_accumulate, mul
>>> a, b = Tensor([[1, 2], [3, 4]], requires_grad=True), Tensor([[10, 20]], requires_grad=True)
>>> order = mul(a, b).backward()
>>> b.grad
array([[4., 6.]])
>>> def double(x):
...     def step(upstream):
...         broadcast_grad_accumulate(x, 2 * upstream)
...
...     return Tensor(2 * x.array, True, (x,), step, "<DoubleBackward>")
>>> double(a)
tensor([[2.000 4.000]
        [6.000 8.000]], grad_fn=<DoubleBackward>)
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .core.errors import ShapeError, WengertTypeError
from .core.tensor import Tensor
from .numpy import reductions

__all__ = [
    "Tensor",
    "add",
    "broadcast_grad_accumulate",
    "div",
    "ensure_tensor",
    "exp",
    "log",
    "matmul",
    "max",
    "mul",
    "sub",
    "sum",
]

Axis = int | tuple[int, ...] | None


def ensure_tensor(x: Any) -> Tensor:
    """``x`` itself if it is a Tensor, else a constant Tensor with a copy of it.

    Parameters
    ----------
    x : Tensor or array_like
        Integers become float64.

    Raises
    ------
    WengertTypeError
        If ``x`` is no array of numbers.
    """
    return x if isinstance(x, Tensor) else Tensor(x)


def broadcast_grad_accumulate(tensor: Tensor, grad: Any) -> None:
    """Add ``grad`` to ``tensor.grad``, summed over the dimensions along which it was broadcast.

    Does nothing for a Tensor that does not require gradients.

    Parameters
    ----------
    tensor : Tensor
    grad : array_like
        Of the shape to which ``tensor`` was broadcast in the operation. A length of one where the
        Tensor has more is spread, as in ``tensor.grad += grad``.

    Raises
    ------
    WengertTypeError
        If ``tensor`` is no Tensor, or ``grad`` has a dtype that its gradient cannot hold.
    ShapeError
        If the two shapes do not broadcast against each other.

    Notes
    -----
    An array broadcast from shape (1, n) to (m, n) is used m times, so its gradient is a sum of m.
    """
    if not isinstance(tensor, Tensor):
        raise WengertTypeError(
            f"broadcast_grad_accumulate: tensor is a {type(tensor).__name__}, not a Tensor"
        )
    ct = np.asarray(grad.array if isinstance(grad, Tensor) else grad)
    try:
        shape = np.broadcast_shapes(ct.shape, tensor.shape)
    except ValueError:
        raise ShapeError(
            f"broadcast_grad_accumulate: a gradient of shape {ct.shape} does not belong to a "
            f"Tensor of shape {tensor.shape}: the Tensor cannot be broadcast to that shape"
        ) from None
    if ct.dtype.kind not in ("biufc" if tensor.dtype.kind == "c" else "biuf"):
        raise WengertTypeError(
            f"broadcast_grad_accumulate: a gradient of dtype {ct.dtype} for a Tensor of dtype "
            f"{tensor.dtype}"
        )
    if not tensor.requires_grad:
        return
    extra = len(shape) - tensor.ndim
    axes = tuple(
        i for i, n in enumerate(shape) if i < extra or (tensor.shape[i - extra] == 1 and n != 1)
    )
    if axes:
        ct = np.broadcast_to(ct, shape).sum(axis=axes).reshape(tensor.shape)
    have = tensor.grad
    if isinstance(have, Tensor):  # recorded by backward(create_graph=True)
        tensor.grad = have + ct
    else:
        np.add(have, ct, out=have, casting="same_kind")


def add(a: Any, b: Any) -> Tensor:
    """``a + b``, broadcast."""
    return _binary(a, b, "__add__")


def sub(a: Any, b: Any) -> Tensor:
    """``a - b``, broadcast."""
    return _binary(a, b, "__sub__")


def mul(a: Any, b: Any) -> Tensor:
    """``a * b``, element by element, broadcast."""
    return _binary(a, b, "__mul__")


def div(a: Any, b: Any) -> Tensor:
    """``a / b``, element by element, broadcast."""
    return _binary(a, b, "__truediv__")


def matmul(a: Any, b: Any) -> Tensor:
    """``a @ b``: the product of matrices ``(..., m, k)`` and ``(..., k, n)``, as `numpy.matmul`."""
    return _binary(a, b, "__matmul__")


def _binary(a: Any, b: Any, operator: str) -> Tensor:
    a, b = ensure_tensor(a), ensure_tensor(b)
    result: Tensor = getattr(a, operator)(b)
    return result


def exp(a: Any) -> Tensor:
    """The exponential of each element."""
    result: Any = np.exp(ensure_tensor(a))
    return result  # type: ignore[no-any-return]


def log(a: Any) -> Tensor:
    """The natural logarithm of each element."""
    result: Any = np.log(ensure_tensor(a))
    return result  # type: ignore[no-any-return]


def sum(a: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The sum over ``axis``, over all axes if that is None."""
    result: Tensor = reductions.sum(ensure_tensor(a), axis, keepdims=keepdims)
    return result


def max(a: Any, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The maximum over ``axis``. Elements that tie for it share the derivative evenly."""
    result: Tensor = reductions.max(ensure_tensor(a), axis, keepdims=keepdims)
    return result
