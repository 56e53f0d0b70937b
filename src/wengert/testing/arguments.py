"""The differentiable leaves of a function's arguments, by name, and how to replace them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from wengert.core import pytree
from wengert.core.tensor import Tensor
from wengert.transforms.boundary import check_argnums

__all__ = ["Arguments", "as_arguments", "inexact_leaves", "like", "named_inexact_leaves"]


def as_arguments(args: Any) -> tuple[Any, ...]:
    """The arguments of a call: those of a tuple or list, or a single one that is neither.

    Tensors become the arrays they hold.
    """
    several = type(args) in (tuple, list)
    found: tuple[Any, ...] = pytree.map(_plain, tuple(args) if several else (args,))
    return found


def _plain(leaf: Any) -> Any:
    return leaf.detach().array.copy() if isinstance(leaf, Tensor) else leaf


def _is_inexact(leaf: Any) -> bool:
    if isinstance(leaf, (float, complex)):
        return True
    return getattr(getattr(leaf, "dtype", None), "kind", "") in ("f", "c")


def inexact_leaves(tree: Any) -> list[Any]:
    """The float and complex leaves of a container, in order."""
    return [leaf for leaf in pytree.leaves(tree) if _is_inexact(leaf)]


def named_inexact_leaves(tree: Any, prefix: str) -> tuple[list[str], list[Any]]:
    """The float and complex leaves of a container, each with a name such as ``args[0]['w']``."""
    paths, leaves, _ = pytree.flatten_with_paths(tree)
    kept = [(prefix + path, leaf) for path, leaf in zip(paths, leaves) if _is_inexact(leaf)]
    return [name for name, _ in kept], [leaf for _, leaf in kept]


def like(template: Any, array: npt.NDArray[Any]) -> Any:
    """``array`` as what ``template`` is: an array, a NumPy scalar, a Python number."""
    # np.float64 and np.complex128 are subclasses of the Python types and must stay what they are.
    if isinstance(template, np.generic):
        return array[()]
    if isinstance(template, (float, complex)):
        return array[()].item()
    return np.asarray(array)


class Arguments:
    """The arguments of a call, seen as a list of differentiable leaves.

    Parameters
    ----------
    args : tuple
        Positional arguments, which may be containers.
    argnums : int or tuple of int, optional
        The arguments to differentiate. By default all of them, and leaves that are neither float
        nor complex are held fixed.

    Attributes
    ----------
    names : list of str
        ``args[0]['w']`` and the like.
    values : list
        The differentiable leaves.
    """

    def __init__(self, args: tuple[Any, ...], argnums: int | tuple[int, ...] | None = None) -> None:
        self._args = args
        self._argnums = argnums
        numbers: tuple[int, ...] = tuple(range(len(args)))
        if argnums is not None:
            numbers, single = check_argnums("numerical differentiation", argnums, len(args))
            self._argnums = numbers[0] if single else numbers
        self.names: list[str] = []
        self.values: list[Any] = []
        self._places: list[tuple[int, int]] = []
        for number in numbers:
            paths, leaves, _ = pytree.flatten_with_paths(args[number])
            for place, (path, leaf) in enumerate(zip(paths, leaves)):
                if _is_inexact(leaf):
                    self.names.append(f"args[{number}]{path}")
                    self.values.append(leaf)
                    self._places.append((number, place))

    def select(self, args: tuple[Any, ...]) -> list[Any]:
        """The leaves of other arguments at the differentiable places."""
        leaves = [pytree.leaves(arg) for arg in args]
        return [leaves[number][place] for number, place in self._places]

    def rebuild(self, values: Sequence[Any]) -> tuple[Any, ...]:
        """The arguments with other differentiable leaves; arrays that are held fixed are copied."""
        new = dict(zip(self._places, values, strict=True))
        args = []
        for number, arg in enumerate(self._args):
            leaves, spec = pytree.flatten(arg)
            leaves = [
                new[number, place] if (number, place) in new else _copy(leaf)
                for place, leaf in enumerate(leaves)
            ]
            args.append(pytree.unflatten(spec, leaves))
        return tuple(args)

    def copies(self) -> tuple[Any, ...]:
        """The arguments as they are, with every array copied."""
        return self.rebuild([_copy(value) for value in self.values])

    def container(self, values: Sequence[Any]) -> Any:
        """Values for the differentiable leaves as ``argnums`` asks: one container, or a tuple."""
        new = self.rebuild(values)
        if isinstance(self._argnums, int):
            return new[self._argnums]
        numbers = range(len(new)) if self._argnums is None else self._argnums
        return tuple(new[number] for number in numbers)

    def zeros(self) -> list[npt.NDArray[Any]]:
        """The zero direction."""
        return [np.zeros_like(np.asarray(value)) for value in self.values]

    def unit(self, leaf: int, index: tuple[int, ...], step: complex = 1.0) -> list[Any]:
        """The direction that moves one entry of one leaf by ``step``."""
        direction = self.zeros()
        direction[leaf][index] = step
        return direction


def _copy(leaf: Any) -> Any:
    """A function under test may write into its arguments; the caller's arrays must not change."""
    return leaf.copy() if isinstance(leaf, np.ndarray) else leaf
