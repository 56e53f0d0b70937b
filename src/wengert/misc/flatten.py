"""Containers of arrays as one vector, and back."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import wengert.numpy as np
from wengert import ShapeError, WengertTypeError, tree

__all__ = ["flatten", "flatten_func"]

Function = Callable[..., Any]


def flatten(value: Any) -> tuple[Any, Function]:
    """All numbers of a container in one vector, and the function that puts a vector back.

    Parameters
    ----------
    value : array, number or container
        Dictionaries are gone through by their sorted keys. Dtypes are joined.

    Returns
    -------
    flat : array of shape (n,)
    unflatten : callable
        From a vector of shape (n,) to a container like ``value``. Both are differentiable.

    Raises
    ------
    WengertTypeError
        If something in the container is no number and no array of them.

    Examples
    --------
    >>> flat, unflatten = flatten({"b": [1.0, 2.0], "a": 0.5})
    >>> flat
    array([0.5, 1. , 2. ])
    >>> unflatten(flat * 2)["a"]
    np.float64(1.0)
    """
    leaves, spec = tree.flatten(value)
    for x in leaves:
        if getattr(x, "dtype", np.asarray(x).dtype).kind not in "biufc":
            raise WengertTypeError(
                f"flatten: a {type(x).__name__} stands among the numbers; flatten a container of "
                "arrays and numbers alone"
            )
    shapes = [np.shape(x) for x in leaves]
    flat = np.concatenate([np.ravel(x) for x in leaves]) if leaves else np.array([])
    size = sum(map(prod, shapes))

    def unflatten(vector: Any) -> Any:
        if np.shape(vector) != (size,):
            raise ShapeError(
                f"unflatten: expected a vector of shape ({size},), as flatten made, got shape "
                f"{np.shape(vector)}"
            )
        parts = []
        start = 0
        for shape in shapes:
            stop = start + prod(shape)
            parts.append(np.reshape(vector[start:stop], shape) if shape else vector[start])
            start = stop
        return tree.unflatten(spec, parts)

    return flat, unflatten


def flatten_func(func: Function, example: Any) -> tuple[Function, Function, Any]:
    """A function of containers as one of vectors.

    Parameters
    ----------
    func : callable
        ``(container, *args) -> container``.
    example : container
        A first argument.

    Returns
    -------
    flat_func : callable
        ``(vector, *args) -> vector``.
    unflatten : callable
        From a vector to a container like ``example``.
    flat_example : array of shape (n,)
    """
    flat_example, unflatten = flatten(example)

    def flat_func(vector: Any, *args: Any) -> Any:
        return flatten(func(unflatten(vector), *args))[0]

    return flat_func, unflatten, flat_example
