"""Parameters and buffers: what of a module is trained, and what is not."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, TypeVar

import wengert as wg
from wengert import tree
from wengert.nn.module import Module, buffers_of, children_of

__all__ = ["combine", "partition", "trained"]

C = TypeVar("C")


def partition(container: C) -> tuple[C, C]:
    """The parameters of a container, and its buffers.

    Parameters
    ----------
    container : Module or container of arrays

    Returns
    -------
    parameters, buffers : containers like it
        Each with None in the places of the other's arrays. What is in no module is a parameter.

    Examples
    --------
    >>> from wengert import nn
    >>> parameters, buffers = nn.partition(nn.BatchNorm(3))
    >>> list(nn.named_arrays(parameters)), list(nn.named_arrays(buffers))
    (['weight', 'bias'], ['mean', 'variance'])
    """
    leaves, structure = tree.flatten(container)
    marks = trained(structure)
    parameters = [leaf if mark else None for leaf, mark in zip(leaves, marks, strict=True)]
    buffers = [None if mark else leaf for leaf, mark in zip(leaves, marks, strict=True)]
    return tree.unflatten(structure, parameters), tree.unflatten(structure, buffers)


def combine(parameters: C, buffers: C) -> C:
    """The container that `partition` divided.

    Parameters
    ----------
    parameters, buffers : containers of the same structure
        Where one has None, the other's array is taken.

    Raises
    ------
    wengert.ShapeError
        If they differ in structure, or both have an array at one place.
    """
    first, structure = tree.flatten(parameters, _is_none)
    second, other = tree.flatten(buffers, _is_none)
    if structure != other:
        raise wg.ShapeError(
            "combine: parameters and buffers differ in structure; both must come from partition of "
            "one container"
        )
    for index, (a, b) in enumerate(zip(first, second, strict=True)):
        if a is not None and b is not None:
            raise wg.ShapeError(
                f"combine: parameters and buffers both have an array at leaf {index}; the one is "
                "to have None where the other has an array"
            )
    both = [b if a is None else a for a, b in zip(first, second, strict=True)]
    combined: C = tree.unflatten(structure, both)
    return combined


@lru_cache(maxsize=256)
def trained(structure: tree.PyTreeSpec) -> tuple[bool, ...]:
    """For each leaf of a container whether it is trained, and not (in) a buffer.

    Parameters
    ----------
    structure : PyTreeSpec
        Of the container, by `wengert.tree.structure`.
    """
    marks: list[bool] = []
    _mark(tree.unflatten(structure, range(structure.num_leaves)), True, marks)
    return tuple(marks)


def _mark(node: Any, is_trained: bool, marks: list[bool]) -> None:
    for leaf in tree.leaves(node, _is_module):
        if isinstance(leaf, Module):
            for name, child in children_of(leaf):
                _mark(child, is_trained and name not in buffers_of(leaf), marks)
        else:
            marks.append(is_trained)


def _is_module(node: Any) -> bool:
    return isinstance(node, Module)


def _is_none(node: Any) -> bool:
    return node is None
