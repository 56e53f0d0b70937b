"""The functions that users of HIPS autograd know, with its names and calling conventions.

Differences: `make_jvp` and the Hessian products use forward mode, and arguments are copied, so what
is returned stays right when they are changed afterwards.
"""

from __future__ import annotations

import functools
import inspect
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..core import pytree
from ..core.errors import WengertTypeError, WengertValueError
from ..core.tensor import Tensor
from .boundary import check_function, function_of_selected, name_of
from .forward import jvp
from .jacobians import jacobian
from .reverse import grad, vjp

__all__ = [
    "deriv",
    "grad_named",
    "hessian_tensor_product",
    "hessian_vector_product",
    "make_ggnvp",
    "make_hvp",
    "make_jvp",
    "make_jvp_reversemode",
    "make_vjp",
    "multigrad_dict",
    "tensor_jacobian_product",
    "vector_jacobian_product",
]

Function = Callable[..., Any]


def make_vjp(function: Function, argnum: int | Sequence[int] = 0) -> Function:
    """``make_vjp(f, argnum)(*args)`` is the pair ``(pullback, value)``.

    ``pullback(ct)`` has the structure of the argument (a tuple of them for several ``argnum``).

    Examples
    --------
    >>> import numpy as np, wengert as wg
    >>> pullback, y = wg.make_vjp(np.sin)(0.0)
    >>> float(pullback(2.0))
    2.0
    """
    check_function("make_vjp", function)

    @functools.wraps(function, updated=())
    def vjp_maker(*args: Any, **kwargs: Any) -> tuple[Function, Any]:
        unary, x = function_of_selected("make_vjp", function, argnum, args, kwargs)
        value, pullback = vjp(unary, x)
        return lambda ct: pullback(ct)[0], value

    return vjp_maker


def make_jvp(function: Function, argnum: int | Sequence[int] = 0) -> Function:
    """``make_jvp(f, argnum)(*args)`` is a function from a tangent to ``(value, tangent)``."""
    check_function("make_jvp", function)

    @functools.wraps(function, updated=())
    def jvp_maker(*args: Any, **kwargs: Any) -> Function:
        unary, x = function_of_selected("make_jvp", function, argnum, args, kwargs)
        return lambda tangent: jvp(unary, (x,), (tangent,))

    return jvp_maker


def make_jvp_reversemode(function: Function, argnum: int | Sequence[int] = 0) -> Function:
    """``make_jvp_reversemode(f, argnum)(*args)`` is a function from a tangent to the tangent of f.

    The transposed pullback, for functions of which an operation has only a reverse rule.
    """

    @functools.wraps(function, updated=())
    def jvp_maker(*args: Any, **kwargs: Any) -> Function:
        unary, x = function_of_selected("make_jvp_reversemode", function, argnum, args, kwargs)
        value, pullback = vjp(unary, x)
        zero = pytree.map(lambda y: np.zeros(np.shape(y), y.dtype), value)
        _, pushforward = vjp(lambda ct: pullback(ct)[0], zero)
        return lambda tangent: pushforward(tangent)[0]

    return jvp_maker


def deriv(function: Function, argnum: int | Sequence[int] = 0) -> Function:
    """The derivative by forward mode, in the direction of all ones.

    For a function of a number its derivative, whatever the shape of the result.

    Examples
    --------
    >>> import numpy as np, wengert as wg
    >>> wg.deriv(lambda t: np.stack([t, t**2]))(3.0)
    array([1., 6.])
    """

    @functools.wraps(function, updated=())
    def derivative_of(*args: Any, **kwargs: Any) -> Any:
        unary, x = function_of_selected("deriv", function, argnum, args, kwargs)
        return jvp(unary, (x,), (pytree.map(_ones_like, x),))[1]

    return derivative_of


def _ones_like(x: Any) -> Any:
    dtype = x.dtype if hasattr(x, "dtype") else np.asarray(x).dtype
    return np.ones(np.shape(x), dtype)[()]


def grad_named(function: Function, argname: str) -> Function:
    """The gradient by the argument of that name, which the call must give by position.

    Raises
    ------
    WengertValueError
        If the function has no such argument.
    """
    names = [
        name
        for name, p in inspect.signature(function).parameters.items()
        if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
    ]
    if argname not in names:
        raise WengertValueError(
            f"grad_named of {name_of(function)}: it has no argument {argname!r}; its arguments are "
            f"{', '.join(names) or 'none'}"
        )
    return grad(function, names.index(argname))


def make_hvp(function: Function, argnum: int | Sequence[int] = 0) -> Function:
    """``make_hvp(f, argnum)(*args)`` is the pair ``(product, gradient)``.

    ``product(v)`` is the Hessian times ``v``; it can be called for many ``v`` at the cost of one
    backward pass each.
    """
    check_function("make_hvp", function)

    @functools.wraps(function, updated=())
    def hvp_maker(*args: Any, **kwargs: Any) -> tuple[Function, Any]:
        unary, x = function_of_selected("make_hvp", function, argnum, args, kwargs)
        result: tuple[Function, Any] = make_vjp(grad(unary))(x)
        return result

    return hvp_maker


def _half_square(y: Any) -> Any:
    return 0.5 * np.sum(y**2, axis=-1)


def make_ggnvp(
    f: Function, g: Function = _half_square, f_argnum: int | Sequence[int] = 0
) -> Function:
    """Products with the generalised Gauss-Newton matrix of ``g(f(x))``.

    ``make_ggnvp(f, g)(*args)`` is a function from ``v`` to ``J' H J v``, with ``J`` the Jacobian of
    ``f`` and ``H`` the Hessian of ``g``.

    Parameters
    ----------
    f : callable
        The model.
    g : callable
        The convex loss of its output, a scalar; half the sum of squares by default.
    """
    check_function("make_ggnvp", f)

    @functools.wraps(f, updated=())
    def ggnvp_maker(*args: Any, **kwargs: Any) -> Function:
        unary, x = function_of_selected("make_ggnvp", f, f_argnum, args, kwargs)
        y, pullback = vjp(unary, x)
        _, hessian_product = vjp(grad(g), y)

        def ggnvp(v: Any) -> Any:
            jv = jvp(unary, (x,), (v,))[1]
            return pullback(hessian_product(jv)[0])[0]

        return ggnvp

    return ggnvp_maker


def hessian_tensor_product(function: Function, argnum: int = 0) -> Function:
    """A function of ``(*args, v)`` that returns the Hessian of ``function`` times ``v``.

    The Hessian is taken in the argument ``argnum``, whose shape ``v`` has; it is not formed.
    """
    check_function("hessian_tensor_product", function)

    @functools.wraps(function, updated=())
    def product(*args: Any, **kwargs: Any) -> Any:
        *rest, v = args
        name = "hessian_tensor_product"
        unary, x = function_of_selected(name, function, argnum, tuple(rest), kwargs)
        return jvp(grad(unary), (x,), (v,))[1]

    return product


hessian_vector_product = hessian_tensor_product


def tensor_jacobian_product(function: Function, argnum: int = 0) -> Function:
    """A function of ``(*args, v)`` that returns ``v`` times the Jacobian of ``function``.

    The axes of ``v`` are contracted with the first axes of the output. Where ``v`` has the output's
    shape this is one backward pass.
    """
    check_function("tensor_jacobian_product", function)

    @functools.wraps(function, updated=())
    def product(*args: Any, **kwargs: Any) -> Any:
        *rest, v = args
        name = "tensor_jacobian_product"
        unary, x = function_of_selected(name, function, argnum, tuple(rest), kwargs)
        v = v if isinstance(v, Tensor) else np.asarray(v)

        def contracted(u: Any) -> Any:
            y = unary(u)
            if y.shape[: v.ndim] != v.shape:
                raise WengertTypeError(
                    f"tensor_jacobian_product of {name_of(function)}: a tensor of shape {v.shape} "
                    f"does not fit an output of shape {y.shape}"
                )
            kept = y.shape[v.ndim :]
            rows = np.reshape(y, (v.size, -1))
            return np.reshape(np.reshape(v, (1, -1)) @ rows, kept)

        return jacobian(contracted)(x)

    return product


vector_jacobian_product = tensor_jacobian_product


def multigrad_dict(function: Function) -> Function:
    """A function that returns the gradients for all arguments, as an ordered dict by their names.

    Arguments in ``*args`` appear as a tuple, those in ``**kwargs`` as a dict.

    Examples
    --------
    >>> import wengert as wg
    >>> dict(wg.multigrad_dict(lambda x, y=2.0: x * y)(3.0))
    {'x': np.float64(2.0), 'y': np.float64(3.0)}
    """
    check_function("multigrad_dict", function)
    signature = inspect.signature(function)
    kinds = {name: p.kind for name, p in signature.parameters.items()}

    @functools.wraps(function, updated=())
    def gradients(*args: Any, **kwargs: Any) -> OrderedDict[str, Any]:
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        arguments = dict(bound.arguments)

        def of_arguments(given: dict[str, Any]) -> Any:
            new = signature.bind_partial()
            new.arguments.update({name: given[name] for name in kinds if name in given})
            return function(*new.args, **new.kwargs)

        found = grad(of_arguments)(arguments)
        return OrderedDict((name, found[name]) for name in kinds if name in found)

    return gradients
