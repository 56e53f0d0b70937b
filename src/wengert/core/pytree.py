"""Nested containers of arrays: lists, tuples, dicts, named tuples, dataclasses, registered classes.

optree does the work; this file gives it one namespace of ours and registers dataclasses when they
are first met. A leaf is anything that is not such a container; ``None`` is an empty container.
"""

from __future__ import annotations

import dataclasses
import functools
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from typing import Any

import optree
from optree import PyTreeSpec

__all__ = [
    "PyTreeSpec",
    "children",
    "flatten",
    "flatten_up_to",
    "flatten_with_paths",
    "is_container",
    "key_orders",
    "leaves",
    "map",
    "register",
    "structure",
    "unflatten",
]

_NAMESPACE = "wengert"
_lock = threading.Lock()
_registered: set[type] = set()
_builtin_map = map


def register(
    cls: type,
    flatten_function: Callable[[Any], tuple[Iterable[Any], Any]],
    unflatten_function: Callable[[Any, Iterable[Any]], Any],
) -> None:
    """Make ``cls`` a container.

    Parameters
    ----------
    cls : type
        The class; exactly this class, not its subclasses.
    flatten_function : callable
        ``object -> (children, static)``; ``static`` must be hashable and comparable.
    unflatten_function : callable
        ``(static, children) -> object``.
    """
    with _lock:
        if cls in _registered:
            return

        def flatten_entry(node: Any) -> tuple[tuple[Any, ...], Any, None]:
            children, static = flatten_function(node)
            return tuple(children), static, None

        optree.register_pytree_node(cls, flatten_entry, unflatten_function, namespace=_NAMESPACE)
        _leaf_types.discard(cls)
        _registered.add(cls)


def _register_dataclass(cls: type) -> None:
    names = tuple(f.name for f in dataclasses.fields(cls))

    def flatten_dataclass(node: Any) -> tuple[tuple[Any, ...], None]:
        return tuple(getattr(node, name) for name in names), None

    def unflatten_dataclass(_: None, children: Iterable[Any]) -> Any:
        node: Any = object.__new__(cls)
        for name, child in zip(names, children, strict=True):
            object.__setattr__(node, name, child)
        return node

    register(cls, flatten_dataclass, unflatten_dataclass)


_leaf_types: set[type] = set()


# The structures of lists and tuples of leaves, by class and length: the usual arguments, and
# searched without optree in a third of the time.
_flat_structures: dict[tuple[type, int], PyTreeSpec] = {}


def _register_new_dataclasses(found: list[Any], all_leaves: bool = True) -> bool:
    """Register the dataclasses among leaves; whether there were any.

    With ``all_leaves`` False some are containers that a caller wanted left alone.
    """
    if _leaf_types.issuperset(_builtin_map(type, found)):
        return False
    new = {type(leaf) for leaf in found} - _leaf_types
    dataclass_types = [cls for cls in new if dataclasses.is_dataclass(cls)]
    if all_leaves:
        _leaf_types.update(new.difference(dataclass_types))
    for cls in dataclass_types:
        _register_dataclass(cls)
    return bool(dataclass_types)


def flatten(
    tree: Any, is_leaf: Callable[[Any], bool] | None = None
) -> tuple[list[Any], PyTreeSpec]:
    """The leaves of a container, in a fixed order, and its structure.

    What ``is_leaf`` says True of is a leaf, whatever is in it; it is asked of ``None`` too.
    """
    kind = type(tree)
    flat = (kind is list or kind is tuple) and is_leaf is None
    if flat and _leaf_types.issuperset(_builtin_map(type, tree)):
        known = _flat_structures.get((kind, len(tree)))
        if known is not None:
            return list(tree), known
        found, spec = optree.tree_flatten(tree, namespace=_NAMESPACE)
        _flat_structures[kind, len(tree)] = spec
        return found, spec
    while True:
        found, spec = optree.tree_flatten(tree, is_leaf, namespace=_NAMESPACE)
        if not _register_new_dataclasses(found, is_leaf is None):
            return found, spec


def is_container(x: Any) -> bool:
    """Whether an object is a list, a tuple, a dict, or of a class that was made a container.

    Dataclasses are not meant, which are containers as arguments and else may be anything.
    """
    kind = type(x)
    if isinstance(x, (list, tuple, dict)):
        return True
    return kind in _registered and not dataclasses.is_dataclass(kind)


@functools.lru_cache(maxsize=1024)
def _has_dicts(spec: PyTreeSpec) -> bool:
    kinds: list[Any] = []

    def node(kind: Any, data: Any, _: Any) -> None:
        kinds.append(kind)

    spec.walk([None] * spec.num_leaves, node)
    return any(kind is dict or kind is defaultdict for kind in kinds)


def key_orders(tree: Any, spec: PyTreeSpec) -> tuple[tuple[Any, ...], ...]:
    """The keys of all dicts in a container of this structure, in the order of their insertion.

    Structures are equal whatever that order is, but a function that goes over a dict sees it.
    """
    if not _has_dicts(spec):
        return ()
    found = []
    stack = [tree]
    while stack:
        x = stack.pop()
        kind = type(x)
        if kind is dict or kind is defaultdict:
            found.append(tuple(x))
            stack.extend(x.values())
        elif isinstance(x, dict):
            stack.extend(x.values())
        elif isinstance(x, (list, tuple, deque)):
            stack.extend(x)
        elif kind in _registered:
            stack.extend(optree.tree_flatten_one_level(x, namespace=_NAMESPACE).children)
    return tuple(found)


def flatten_with_paths(tree: Any) -> tuple[list[str], list[Any], PyTreeSpec]:
    """Like `flatten`, with a readable path for each leaf, as in ``['layers'][0]``."""
    flatten(tree)
    accessors, found, spec = optree.tree_flatten_with_accessor(tree, namespace=_NAMESPACE)
    return [accessor.codify("") for accessor in accessors], found, spec


def children(tree: Any) -> tuple[list[Any], list[Any]] | None:
    """What stands directly in a container, and where (keys, positions), as `flatten` orders it.

    None for a leaf, and for a dataclass that was not met before.
    """
    if tree is None or optree.tree_is_leaf(tree, namespace=_NAMESPACE):
        return None
    level = optree.tree_flatten_one_level(tree, namespace=_NAMESPACE)
    return level.children, list(level.entries)


def leaves(tree: Any, is_leaf: Callable[[Any], bool] | None = None) -> list[Any]:
    """The leaves of a container, in a fixed order; see `flatten`."""
    return flatten(tree, is_leaf)[0]


def structure(tree: Any) -> PyTreeSpec:
    """The structure of a container: everything but its leaves."""
    return flatten(tree)[1]


def unflatten(spec: PyTreeSpec, new_leaves: Iterable[Any]) -> Any:
    """The container with structure ``spec`` and the given leaves."""
    return spec.unflatten(new_leaves)


def flatten_up_to(spec: PyTreeSpec, tree: Any) -> list[Any]:
    """The parts of ``tree`` that stand where ``spec`` has its leaves.

    Raises
    ------
    ValueError
        If ``tree`` does not have the structure ``spec``.
    """
    flatten(tree)
    return spec.flatten_up_to(tree)


def map(function: Callable[..., Any], tree: Any, *rest: Any) -> Any:
    """Apply ``function`` to every leaf of ``tree`` (and to those at its place in ``rest``)."""
    found, spec = flatten(tree)
    others = [flatten_up_to(spec, other) for other in rest]
    return unflatten(spec, list(_builtin_map(function, found, *others)))
