"""`Module`: an object whose arrays are the leaves of a container."""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable, Iterable, Iterator
from functools import partial
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

import wengert as wg
from wengert import tree

__all__ = ["Buffer", "Module", "buffers_of", "children_of", "named_arrays"]

# Key in an instance's __dict__ of its `_Structure`, fixed at construction.
_STRUCTURE = "_structure"
# Key of the names of the buffers, while __init__ runs.
_BUFFERS = "_buffers"


class _Mark:
    """What `Buffer` makes, until the attribute is assigned."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


def Buffer(value: Any) -> Any:
    """Marks an attribute of a module as not trained: ``self.mean = nn.Buffer(np.zeros(3))``.

    The attribute is the array itself (or the container of arrays, or the module), a child as any
    other. But `partition` puts its arrays aside, and the optimizers leave them alone.

    Parameters
    ----------
    value : array, module, or container of these
    """
    return _Mark(value)


class _Structure(NamedTuple):
    """What a module is besides its children.

    Attributes
    ----------
    children : names of the attributes with arrays
    static : the other attributes, with their names
    buffers : names of the children that are not trained
    stateful : whether its `training_call` differs from its call, or that of a module within
    """

    children: tuple[str, ...]
    static: tuple[tuple[str, Any], ...]
    buffers: tuple[str, ...]
    stateful: bool


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
    respect to them, and an optimizer updates them, unless they were assigned as a `Buffer`. Every
    other attribute (sizes, functions, names) is part of the structure; it must be hashable. After
    ``__init__`` attributes cannot be assigned; `replace` makes a changed copy.

    ``__call__`` is the module in use (evaluation). One that does something else while it is trained
    defines `training_call` as well.

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

    # A container whose training_call does nothing but call those of its modules says so.
    _hands_training_on: ClassVar[bool] = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        tree.register(cls, _flatten, partial(_unflatten, cls))

    def _seal(self) -> None:
        attributes = vars(self)
        buffers = attributes.pop(_BUFFERS, ())
        children = tuple(name for name, value in attributes.items() if _holds_arrays(value))
        static = tuple(item for item in attributes.items() if item[0] not in children)
        for name, value in static:
            _check_static(self, name, value)
        stateful = _defines_training(type(self)) or any(
            module.stateful for name in children for _, module in _modules(attributes[name], name)
        )
        attributes[_STRUCTURE] = _Structure(
            children, static, tuple(name for name in children if name in buffers), stateful
        )

    def __setattr__(self, name: str, value: Any) -> None:
        if _STRUCTURE in vars(self):
            raise AttributeError(
                f"{type(self).__name__}.{name} cannot be assigned: a module does not change after "
                f"__init__; module.replace({name}=...) returns a changed copy"
            )
        buffers = vars(self).setdefault(_BUFFERS, set())
        buffers.discard(name)
        if isinstance(value, _Mark):
            buffers.add(name)
            value = value.value
        super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        raise AttributeError(
            f"{type(self).__name__}.{name} cannot be deleted: a module does not change"
        )

    @property
    def stateful(self) -> bool:
        """Whether training differs from evaluation, here or in a module within."""
        structure: _Structure = vars(self)[_STRUCTURE]
        return structure.stateful

    def training_call(self, x: Any, *, key: Any = None) -> tuple[Any, Self]:
        """The module while it is trained: its output, and the module to go on with.

        The latter has the buffers that this call leaves behind, such as running means; the
        parameters are the same. A module that is not `stateful` is called as it is.

        Parameters
        ----------
        x : array
        key : uint64 array, shape (2,), optional
            Decides all that is random; see `wengert.random`.

        Returns
        -------
        y : array
        module : Module
            Of the same structure.

        Raises
        ------
        wengert.WengertTypeError
            If a module within has a training call of its own and this class defines none; or if
            something is drawn and there is no key.
        """
        if self.stateful:
            name, module = next(
                found
                for child_name, child in children_of(self)
                for found in _modules(child, child_name)
                if found[1].stateful
            )
            cls = type(self).__name__
            raise wg.WengertTypeError(
                f"{cls}.{name} is a {type(module).__name__}, which does something else in "
                f"training: define {cls}.training_call(x, *, key=None), which returns "
                f"(y, self.replace({name.split('.')[0]}=...)), besides {cls}.__call__"
            )
        return self(x), self  # type: ignore[operator]

    def replace(self, **changes: Any) -> Self:
        """A copy with some attributes changed; buffers stay buffers.

        Raises
        ------
        AttributeError
            If the module has no attribute of that name.
        """
        attributes = dict(vars(self))
        structure: _Structure = attributes.pop(_STRUCTURE)
        for name in changes:
            if name not in attributes:
                known = ", ".join(attributes)
                raise AttributeError(
                    f"{type(self).__name__} has no attribute {name}; it has {known}"
                )
        copy = object.__new__(type(self))
        new = vars(copy)
        new.update(attributes)
        if all(_is_array(new[name]) and _is_array(value) for name, value in changes.items()):
            new.update(changes)  # arrays for arrays: all else stays as it is
            new[_STRUCTURE] = structure
            return copy
        new[_BUFFERS] = set(structure.buffers)
        for name, value in changes.items():
            if isinstance(value, _Mark):
                new[_BUFFERS].add(name)
                value = value.value
            new[name] = value
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
    return [attributes[name] for name in structure.children], structure


def _unflatten(cls: type[Module], structure: Any, children: Iterable[Any]) -> Module:
    # Not through __init__: inside a transform the children are tensors or placeholders.
    module = object.__new__(cls)
    attributes = vars(module)
    attributes.update(zip(structure.children, children, strict=True))
    attributes.update(structure.static)
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


def _defines_training(cls: type[Module]) -> bool:
    return cls.training_call is not Module.training_call and not cls._hands_training_on


def children_of(module: Module) -> list[tuple[str, Any]]:
    """The attributes of a module that hold arrays, with their names, in the order of the leaves."""
    attributes = vars(module)
    return [(name, attributes[name]) for name in attributes[_STRUCTURE].children]


def buffers_of(module: Module) -> tuple[str, ...]:
    """The names of the attributes of a module that are not trained."""
    structure: _Structure = vars(module)[_STRUCTURE]
    return structure.buffers


def _modules(node: Any, path: str) -> Iterator[tuple[str, Module]]:
    """The outermost modules in a child of a module, with their names."""
    if isinstance(node, Module):
        yield path, node
    elif isinstance(node, dict):
        for key, child in node.items():
            yield from _modules(child, f"{path}.{key}")
    elif isinstance(node, (list, tuple)):
        for index, child in enumerate(node):
            yield from _modules(child, f"{path}.{index}")


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
        return children_of(node)
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
