"""Jacobians, Hessians and products with them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np

from ..core import algebra, pytree
from ..core.coincidence import resolves_coincidence
from ..core.errors import WengertTypeError
from ..core.tensor import Tensor
from ..rules.shapes import reshape, transpose, unit_vectors
from .boundary import (
    any_tensor,
    as_input,
    check_argnums,
    check_function,
    chosen_argnums,
    function_of_selected,
    name_of,
    release,
)
from .forward import linearize
from .reverse import grad, gradient_derivative, vjp
from .vmap import evaluate_batched, vmap

__all__ = ["hessian", "hvp", "jacfwd", "jacobian", "jacrev"]

Function = Callable[..., Any]
Argnums = int | Sequence[int]


def _is_differentiable(x: Any) -> bool:
    kind = getattr(getattr(x, "dtype", None), "kind", "")
    return isinstance(x, (float, complex)) or kind in ("f", "c")


def _selected(
    transform: str, function: Function, argnums: Argnums, args: tuple[Any, ...], kwargs: Any
) -> tuple[Function, Any]:
    """The function of what is differentiated, and that; integers are refused by name."""
    name = f"{transform} of {name_of(function)}"
    unary, chosen = function_of_selected(name, function, argnums, args, kwargs)
    if not all(map(_is_differentiable, pytree.leaves(chosen))):
        for i in check_argnums(name, argnums, len(args))[0]:
            paths, leaves, _ = pytree.flatten_with_paths(args[i])
            for path, x in zip(paths, leaves, strict=True):
                if not _is_differentiable(x):
                    as_input(x, functools.partial("{}, argument {}{}".format, name, i, path))
    return unary, chosen


def _basis(leaves: list[Any]) -> list[Any]:
    """The unit vectors of a container, one after the other along a first axis of all its leaves."""
    n = sum(prod(x.shape) for x in leaves)
    rows = []
    start = 0
    for x in leaves:
        rows.append(unit_vectors(x, n, start))
        start += prod(x.shape)
    return rows


def _block(x: Any, shape: tuple[int, ...], keep: bool) -> Any:
    """A part of the Jacobian in its shape, for the caller; one number is a NumPy scalar."""
    x = reshape(x, shape) if isinstance(x, Tensor) else np.reshape(x, shape)
    x = release(x, keep)
    return x[()] if type(x) is np.ndarray and not shape else x


def _check_float(where: str, x: Any) -> Any:
    if not isinstance(x, (Tensor, np.ndarray, np.generic)):
        x = np.asarray(x)
    if x.dtype.kind not in "fc":
        raise WengertTypeError(
            f"{where}: the function returned dtype {x.dtype}; it must return floats"
        )
    return x


def jacrev(function: Function, argnums: Argnums = 0) -> Function:
    """A function that returns the Jacobian, by reverse mode: best for few outputs.

    For an output of shape ``s`` and an argument of shape ``t`` the Jacobian has shape ``s + t``.
    For containers it is the container of the outputs, with the container of the argument in each
    place; with a tuple of ``argnums``, with the tuple of those arguments' blocks.

    Parameters
    ----------
    function : callable
        From containers of arrays to a container of arrays.
    argnums : int or sequence of int
        The positional arguments to differentiate with respect to. The others, and keyword
        arguments, are passed on.

    Returns
    -------
    callable
        ``(*args, **kwargs) -> Jacobian``.

    Raises
    ------
    WengertTypeError
        If an argument or a result is of integer dtype.
    WengertValueError
        If ``argnums`` names an argument that is not there, or one twice.

    Examples
    --------
    >>> import numpy as np, wengert as wg
    >>> by_x, by_y = wg.jacrev(lambda x, y: x * y, argnums=(0, 1))(np.array([1.0, 2.0]), 3.0)
    >>> by_x
    array([[3., 0.],
           [0., 3.]])
    >>> by_y
    array([1., 2.])
    """
    check_function("jacrev", function)

    @resolves_coincidence
    @functools.wraps(function, updated=())
    def jacobian_by_rows(*args: Any, **kwargs: Any) -> Any:
        unary, chosen = _selected("jacrev", function, argnums, args, kwargs)
        y, pullback = vjp(unary, chosen)
        outs, out_spec = pytree.flatten(y)
        outs = [_check_float(f"jacrev of {name_of(function)}", o) for o in outs]
        keep = any_tensor(*args, *kwargs.values())
        basis = _basis(outs)
        if not basis or basis[0].shape[0] == 0:
            rows_of_inputs = [
                np.zeros((0, *np.shape(x)), getattr(x, "dtype", float))
                for x in pytree.leaves(chosen)
            ]
            in_spec = pytree.structure(chosen)
        else:
            rows = vmap(lambda *cts: pullback(pytree.unflatten(out_spec, cts))[0])(*basis)
            rows_of_inputs, in_spec = pytree.flatten(rows)
        blocks = []
        start = 0
        for o in outs:
            size = prod(o.shape)
            block = [
                _block(r[start : start + size], o.shape + r.shape[1:], keep) for r in rows_of_inputs
            ]
            blocks.append(pytree.unflatten(in_spec, block))
            start += size
        return pytree.unflatten(out_spec, blocks)

    return jacobian_by_rows


def jacfwd(function: Function, argnums: Argnums = 0) -> Function:
    """A function that returns the Jacobian, by forward mode: best for few inputs.

    The function runs once; its linearization is applied to all unit vectors together. Arguments,
    shapes and errors as for `jacrev`.
    """
    check_function("jacfwd", function)

    @resolves_coincidence
    @functools.wraps(function, updated=())
    def jacobian_by_columns(*args: Any, **kwargs: Any) -> Any:
        unary, chosen = _selected("jacfwd", function, argnums, args, kwargs)
        y, linear = linearize(unary, chosen)
        outs, out_spec = pytree.flatten(y)
        for o in outs:
            _check_float(f"jacfwd of {name_of(function)}", o)
        ins, in_spec = pytree.flatten(chosen)
        ins = [x if hasattr(x, "shape") else np.asarray(x) for x in ins]
        basis = _basis(ins)
        n = sum(prod(x.shape) for x in ins)
        keep = any_tensor(*args, *kwargs.values())
        columns = evaluate_batched(linear.program, basis, [True] * len(basis), n)  # type: ignore[attr-defined]
        blocks = []
        for o, (c, batched) in zip(outs, columns, strict=True):
            shape = np.shape(o) if not isinstance(o, Tensor) else o.shape
            if not batched:  # no dependence on the argument
                c = np.zeros((n, *shape), o.dtype)
            c = _last(c)
            block = []
            start = 0
            for x in ins:
                size = prod(x.shape)
                part = c[..., start : start + size]
                block.append(_block(part, shape + x.shape, keep))
                start += size
            blocks.append(pytree.unflatten(in_spec, block))
        return pytree.unflatten(out_spec, blocks)

    return jacobian_by_columns


def _last(c: Any) -> Any:
    axes = (*range(1, c.ndim), 0)
    return transpose(c, axes) if isinstance(c, Tensor) else np.transpose(c, axes)


def jacobian(
    function: Function, argnums: Argnums = 0, *, argnum: Argnums | None = None
) -> Function:
    """A function that returns the Jacobian; the same as `jacrev`."""
    argnums = chosen_argnums("jacobian", argnums, argnum)
    return jacrev(function, argnums)


def hessian(function: Function, argnums: Argnums = 0, *, argnum: Argnums | None = None) -> Function:
    """A function that returns the second derivatives of a function, the matrix of a scalar one.

    For an argument of shape ``t`` the Hessian has shape ``t + t``, that of an output of shape ``s``
    the shape ``s + t + t``. For containers it is the container of the argument, with the same
    container in each place. With a tuple of ``argnums`` it
    is a tuple of tuples: ``h[i][j]`` is the block of second derivatives by ``argnums[i]`` and
    ``argnums[j]``. Reverse over reverse mode: on Tensors, dual numbers cost more than nodes do.

    Examples
    --------
    >>> import numpy as np, wengert as wg
    >>> wg.hessian(lambda x: np.sum(x**3))(np.array([1.0, 2.0]))
    array([[ 6.,  0.],
           [ 0., 12.]])
    >>> blocks = wg.hessian(lambda x, y: np.sum(x) * y**2, argnums=(0, 1))(np.ones(2), 3.0)
    >>> blocks[0][1]
    array([6., 6.])
    """
    check_function("hessian", function)
    argnums = chosen_argnums("hessian", argnums, argnum)
    rows = jacrev(_first_derivative(function, argnums), argnums)

    @resolves_coincidence
    @functools.wraps(function, updated=())
    def matrix(*args: Any, **kwargs: Any) -> Any:
        _selected("hessian", function, argnums, args, kwargs)
        return rows(*args, **kwargs)

    return matrix


def _first_derivative(function: Function, argnums: Argnums) -> Function:
    """The gradient of a scalar function, the Jacobian of any other."""
    gradient = grad(function, argnums)

    @functools.wraps(function, updated=())
    def derivative(*args: Any, **kwargs: Any) -> Any:
        unary, chosen = _selected("hessian", function, argnums, args, kwargs)
        y, pullback = vjp(unary, chosen)
        if getattr(y, "ndim", None) == 0 and y.dtype.kind == "f":
            return pullback(algebra.ones_like(y))[0]
        if isinstance(y, (Tensor, np.ndarray)) and y.ndim:
            return jacrev(function, argnums)(*args, **kwargs)
        return gradient(*args, **kwargs)  # which says what is wrong

    return derivative


def hvp(function: Function, x: Any, v: Any, /, *args: Any, **kwargs: Any) -> Any:
    """The product of a Hessian with ``v``, without forming it.

    The Hessian is that of ``function(x, *args, **kwargs)`` by ``x``.

    Parameters
    ----------
    function : callable
        Returns a scalar.
    x, v : array or container
        The point and the vector, of one structure.
    *args, **kwargs :
        Further arguments of ``function``.

    Returns
    -------
    array or container
        Like ``x``.

    Notes
    -----
    One recording of ``function``, then forward over reverse mode on plain arrays. Where that is not
    open (inside another transform, for complex numbers and for operations without the rules it
    needs) the reverse sweep is recorded and swept again, which costs more.
    ``jvp(grad(function), (x,), (v,))`` gives the same.
    """
    check_function("hvp", function)
    return gradient_derivative(function, x, v, args, kwargs)
