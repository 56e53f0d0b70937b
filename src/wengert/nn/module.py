"""`Module`: an object whose arrays are the leaves of a container."""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable, Iterable
from functools import partial
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

import wengert as wg
from wengert import tree

__all__ = ["Module", "named_arrays"]

# Key in an instance's __dict__ of (names of the children, the other attributes), fixed at
# construction.
_STRUCTURE = "_structure"


class _Sealed(type):
    """Metaclass that seals an instance as soon as its ``__init__`` has returned."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        module = super().__call__(*args, **kwargs)
        module._seal()
        return module


class Module(metaclass=_Sealed):
    """Base class of layers and networks: an immutable container of arrays.

    Assign attributes in ``__init__`` and compute in ``__call__``. Attributes that are arrays or
    modules, or lists, tuples and dicts of these, are the children: derivatives are taken with
    respect to them, and an optimizer updates them. Every other attribute (sizes, functions, names)
    is part of the structure; it must be hashable. After ``__init__`` attributes cannot be assigned;
    `replace` makes a changed copy.

    Examples
    --------
    >>> import numpy as np
    >>> from wengert import nn
    >>> class Scale(nn.Module):
    ...     def __init__(self, size):
    ...         self.factor = np.ones(size)
    ...
    ...     def __call__(self, x):
    ...         return x * self.factor
    >>> Scale(2)(np.array([3.0, 4.0]))
    array([3., 4.])
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        tree.register(cls, _flatten, partial(_unflatten, cls))

    def _seal(self) -> None:
        attributes = {name: value for name, value in vars(self).items() if name != _STRUCTURE}
        children = tuple(name for name, value in attributes.items() if _holds_arrays(value))
        static = tuple(item for item in attributes.items() if item[0] not in children)
        for name, value in static:
            _check_static(self, name, value)
        vars(self)[_STRUCTURE] = (children, static)

    def __setattr__(self, name: str, value: Any) -> None:
        if _STRUCTURE in vars(self):
            raise AttributeError(
                f"{type(self).__name__}.{name} cannot be assigned: a module does not change after "
                f"__init__; module.replace({name}=...) returns a changed copy"
            )
        super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        raise AttributeError(
            f"{type(self).__name__}.{name} cannot be deleted: a module does not change"
        )

    def replace(self, **changes: Any) -> Self:
        """A copy with some attributes changed.

        Raises
        ------
        AttributeError
            If the module has no attribute of that name.
        """
        copy = object.__new__(type(self))
        vars(copy).update((name, vars(self)[name]) for name in vars(self) if name != _STRUCTURE)
        for name in changes:
            if name not in vars(copy):
                known = ", ".join(vars(copy))
                raise AttributeError(
                    f"{type(self).__name__} has no attribute {name}; it has {known}"
                )
        vars(copy).update(changes)
        copy._seal()
        return copy

    def __repr__(self) -> str:
        parts = (
            f"{name}={_describe(value)}" for name, value in vars(self).items() if name != _STRUCTURE
        )
        return f"{type(self).__name__}({', '.join(parts)})"


def _flatten(module: Module) -> tuple[Iterable[Any], Hashable]:
    attributes = vars(module)
    structure = attributes[_STRUCTURE]
    return [attributes[name] for name in structure[0]], structure


def _unflatten(cls: type[Module], structure: Any, children: Iterable[Any]) -> Module:
    # Not through __init__: inside a transform the children are tensors or placeholders.
    module = object.__new__(cls)
    attributes = vars(module)
    attributes.update(zip(structure[0], children, strict=True))
    attributes.update(structure[1])
    attributes[_STRUCTURE] = structure
    return module


def _is_array(value: Any) -> bool:
    return isinstance(value, (np.ndarray, np.generic, wg.Tensor))


def _holds_arrays(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return any(_holds_arrays(item) for item in value)
    if isinstance(value, dict):
        return any(_holds_arrays(item) for item in value.values())
    return _is_array(value) or isinstance(value, Module)


def _check_static(module: Module, name: str, value: Any) -> None:
    try:
        hash(value)
    except TypeError as error:
        raise wg.WengertTypeError(
            f"{type(module).__name__}.{name} is a {type(value).__name__} without arrays: it "
            "belongs to the structure of the module, which must be hashable; use a tuple, or an "
            "array if it is to be trained"
        ) from error


def _describe(value: Any) -> str:
    if _is_array(value):
        return f"{value.dtype}[{', '.join(map(str, value.shape))}]"
    if isinstance(value, (list, tuple)):
        inside = ", ".join(_describe(item) for item in value)
        return f"[{inside}]" if isinstance(value, list) else f"({inside})"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key!r}: {_describe(item)}' for key, item in value.items())}}}"
    return str(getattr(value, "__name__", None) or repr(value))


def named_arrays(container: Any) -> dict[str, NDArray[Any]]:
    """The arrays of a module or other container by their dotted names, in leaf order.

    Parameters
    ----------
    container : Module or container
        Modules, lists, tuples, named tuples, dataclasses, dicts and arrays.

    Returns
    -------
    dict
        Such as ``{"layers.0.weight": ..., "layers.0.bias": ...}``.

    Raises
    ------
    wengert.WengertTypeError
        If something other than an array stands at a leaf.
    """
    found: dict[str, NDArray[Any]] = {}
    _collect(container, "", found)
    return found


def _collect(node: Any, prefix: str, found: dict[str, NDArray[Any]]) -> None:
    for name, child in _named_children(node, prefix):
        path = f"{prefix}.{name}" if prefix else name
        if _is_array(child):
            found[path] = child
        elif child is not None:
            _collect(child, path, found)


def _named_children(node: Any, path: str) -> Iterable[tuple[str, Any]]:
    if isinstance(node, Module):
        attributes = vars(node)
        return [(name, attributes[name]) for name in attributes[_STRUCTURE][0]]
    if isinstance(node, tuple) and hasattr(node, "_fields"):
        return list(zip(node._fields, node, strict=True))
    if isinstance(node, (list, tuple)):
        return [(str(index), child) for index, child in enumerate(node)]
    if dataclasses.is_dataclass(node) and not isinstance(node, type):
        return [(field.name, getattr(node, field.name)) for field in dataclasses.fields(node)]
    if isinstance(node, dict):
        # Leaves of a dict come in the order of its sorted keys.
        return [(str(key), node[key]) for key in sorted(node)]
    raise wg.WengertTypeError(
        f"named_arrays: {path or 'the argument'} is a {type(node).__name__}, not an array or a "
        "container of arrays"
    )
