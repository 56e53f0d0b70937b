"""What a function reads besides its arguments: closures and globals, found and replaced.

A jitted function must never compute with an old value of a variable that it captured. So before it
is recorded, arrays and Tensors that its closure and its module hold are replaced by abstract ones,
and at each call they are read again, like arguments: writes into them and new arrays under the same
name are seen alike. Numbers, strings, masks and functions are part of the signature: a new value is
a new recording. Of other objects only containers are looked into; arrays that are attributes
(``self.x``) are compared with a copy at each call.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core import pytree
from ..core.tensor import Tensor
from .runtime.guards import Guards, NotNative

__all__ = ["Captures", "find_captures"]

_LIBRARIES = ("wengert", "numpy", "scipy", "builtins", "functools", "optree", "math")
_SCALARS = (bool, int, float, complex, str, bytes, type(None), np.generic, np.dtype)
_CONTAINERS = (list, tuple, dict)
_CALLABLES = (types.FunctionType, types.MethodType, functools.partial)
_DELETED = "a variable that was deleted"
_INPUTS = "iufc"  # the kinds of arrays that are read anew at each call

Reader = Callable[[], Any]


@dataclass(frozen=True)
class _Site:
    """One variable: a cell of a function's closure, or a name of its module."""

    function: types.FunctionType
    name: str
    cell: Any  # None for a global

    def read(self) -> Any:
        """What it holds now; a variable that was deleted is for the function to complain about."""
        try:
            if self.cell is None:
                return self.function.__globals__[self.name]
            return self.cell.cell_contents
        except (KeyError, ValueError):
            return _DELETED


class Captures:
    """The captured variables of a function."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.sites: list[_Site] = []
        self.watched: list[Any] = []
        self._functions: dict[int, Any] = {}
        self._inputs = _INPUTS
        self._collect(function)

    def hold(self, kinds: str) -> bool:
        """Let arrays of these kinds of dtype be constants; whether that makes a difference.

        A function may need to know them while it is recorded: indices of a sparse matrix, sizes.
        They are compared at each call then, and a change records the function again.
        """
        before = len(self.read()[0])
        self._inputs = "".join([k for k in _INPUTS if k not in kinds])
        return len(self.read()[0]) < before

    def _is_input(self, x: Any) -> bool:
        """Arrays, but for masks: the shape of ``x[mask]`` depends on what is in the mask."""
        return isinstance(x, Tensor) or (isinstance(x, np.ndarray) and x.dtype.kind in self._inputs)

    def _fixed(self, x: Any) -> Any:
        """A leaf that is no array, to be compared; of an input, that it is one."""
        if self._is_input(x):
            return "array"
        if isinstance(x, np.ndarray):
            return (x.shape, x.dtype.str, x.tobytes())
        return (type(x), repr(x)) if isinstance(x, _SCALARS) else _Object(x)

    @property
    def is_empty(self) -> bool:
        """Whether nothing can change behind the function's back."""
        return not self.sites and not self.watched

    # -------------------------------------------------------------- search

    def _collect(self, function: Any) -> None:
        if id(function) in self._functions:
            return
        self._functions[id(function)] = function
        if isinstance(function, functools.partial):
            self._collect(function.func)
            return
        if isinstance(function, types.MethodType):
            self.watched.append(function.__self__)
            self._collect(function.__func__)
            return
        if not isinstance(function, types.FunctionType):
            inner = getattr(function, "__wrapped__", None)
            if callable(inner):
                self._collect(inner)
            return
        code = function.__code__
        for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
            try:
                value = cell.cell_contents
            except ValueError:  # not filled yet
                continue
            self._site(_Site(function, name, cell), value)
        if (function.__module__ or "").partition(".")[0] in _LIBRARIES:
            return
        for name in _global_names(code):
            if name in function.__globals__:
                self._site(_Site(function, name, None), function.__globals__[name])

    def _site(self, site: _Site, value: Any) -> None:
        if isinstance(value, (types.ModuleType, type)):
            return
        if callable(value) and not isinstance(value, Tensor):
            if _is_library(value) and not getattr(value, "__closure__", None):
                self._functions[id(value)] = value
                self.sites.append(site)
                return
            self._collect(value)
            if site.cell is None or not isinstance(value, types.FunctionType):
                self.sites.append(site)
            elif value.__closure__ or not _is_library(value):
                self.sites.append(site)
            return
        self.sites.append(site)

    def renewed(self) -> Captures:
        """These, or new ones if a variable holds another function, with variables of its own."""
        for site in self.sites:
            value = site.read()
            if isinstance(value, _CALLABLES) and id(value) not in self._functions:
                found = Captures(self.function)
                found._inputs = self._inputs
                return found
        return self

    # -------------------------------------------------------------- values

    def read(self) -> tuple[list[Any], Any]:
        """The arrays that the variables hold now, and all else about them, to be compared."""
        arrays: list[Any] = []
        rest: list[Any] = []
        for site in self.sites:
            value = site.read()
            if self._is_input(value):
                arrays.append(value)
                rest.append("array")
            elif isinstance(value, (*_SCALARS, np.ndarray)):
                rest.append(self._fixed(value))
            elif isinstance(value, _CONTAINERS):
                leaves, spec = pytree.flatten(value)
                arrays += [x for x in leaves if self._is_input(x)]
                rest.append((spec, tuple([self._fixed(x) for x in leaves])))
            else:
                rest.append(_Object(value))
        rest += [_Object(x) for x in self.watched]
        return arrays, tuple(rest)

    def guard(self, guards: Guards) -> None:
        """Write guards that hold as long as `read` gives the same but for the contents of arrays.

        Raises
        ------
        NotNative
            Something has to be compared by its content.
        """
        if self.watched:
            raise NotNative
        for site in self.sites:
            if site.cell is None:
                register = guards.variable(site.function.__globals__, site.name)
            else:
                register = guards.cell(site.cell)
            guards.captured(register, site.read(), self._is_input)

    def replaced(self, arrays: Sequence[Any]) -> Callable[..., Any]:
        """The function with these in the places of the arrays that `read` gives."""
        rest = iter(arrays)
        values: dict[tuple[int, str], Any] = {}
        for site in self.sites:
            value = site.read()
            if self._is_input(value):
                values[id(site.function), site.name] = next(rest)
            elif isinstance(value, _CONTAINERS):
                leaves, spec = pytree.flatten(value)
                if not any(map(self._is_input, leaves)):
                    continue  # the function's own: it may write into it while it is recorded
                new = [next(rest) if self._is_input(x) else x for x in leaves]
                values[id(site.function), site.name] = pytree.unflatten(spec, new)
        if not values:
            return self.function
        return _Rebuilder(values).rebuilt(self.function)  # type: ignore[no-any-return]


def find_captures(function: Callable[..., Any]) -> Captures:
    """The captured variables of a function, and of the functions that it captured."""
    return Captures(function)


class _Rebuilder:
    """Copies of functions, with other values in closures and globals."""

    def __init__(self, values: dict[tuple[int, str], Any]) -> None:
        self.values = values
        self.done: dict[int, Any] = {}

    def rebuilt(self, function: Any) -> Any:
        if id(function) in self.done:
            return self.done[id(function)]
        if isinstance(function, functools.partial):
            inner = self.rebuilt(function.func)
            return functools.partial(inner, *function.args, **function.keywords)
        if isinstance(function, types.MethodType):
            return types.MethodType(self.rebuilt(function.__func__), function.__self__)
        if not isinstance(function, types.FunctionType):
            rebuild = getattr(function, "_with_function", None)
            return rebuild(self.rebuilt(function.__wrapped__)) if rebuild else function
        cells = [types.CellType() for _ in function.__closure__ or ()]
        scope: Any = function.__globals__
        is_library = (function.__module__ or "").partition(".")[0] in _LIBRARIES
        if not is_library:
            scope = dict(function.__globals__)
        copy = types.FunctionType(
            function.__code__, scope, function.__name__, function.__defaults__,
            tuple(cells) if cells else None,
        )  # fmt: skip
        copy.__kwdefaults__ = function.__kwdefaults__
        copy.__dict__.update(function.__dict__)
        self.done[id(function)] = copy
        for name, cell, new in zip(
            function.__code__.co_freevars, function.__closure__ or (), cells, strict=True
        ):
            try:
                new.cell_contents = self._value(function, name, cell.cell_contents)
            except ValueError:
                continue
        if not is_library:
            held = function.__globals__
            for name in dict.fromkeys(_global_names(function.__code__)):
                if name in held:
                    scope[name] = self._value(function, name, held[name])
        return copy

    def _value(self, function: Any, name: str, value: Any) -> Any:
        if (id(function), name) in self.values:
            return self.values[id(function), name]
        if isinstance(value, type) or not callable(value) or isinstance(value, Tensor):
            return value
        if _is_library(value) and not getattr(value, "__closure__", None):
            return value
        return self.rebuilt(value)


def _global_names(code: types.CodeType) -> Iterator[str]:
    """The names that a function, and functions defined in it, may look up in their module."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _global_names(constant)


def _is_library(value: Any) -> bool:
    module = getattr(value, "__module__", None) or type(value).__module__
    return module.partition(".")[0] in _LIBRARIES


class _Object:
    """An object as it was: the same one, whose arrays (attributes) have the same content."""

    def __init__(self, value: Any) -> None:
        self.value = value
        self.key = (id(value), _content(value))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Object) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)


def _content(value: Any) -> Any:
    """What may change of an object that is no function: the values of its attributes."""
    attributes = getattr(value, "__dict__", None)
    if attributes is None or isinstance(value, (types.FunctionType, types.ModuleType, type)):
        return None
    found: list[Any] = []
    for name, x in attributes.items():
        x = x._a if isinstance(x, Tensor) else x
        if isinstance(x, np.ndarray):
            found.append((name, x.shape, x.dtype.str, x.tobytes()))
        elif isinstance(x, _SCALARS):
            found.append((name, repr(x)))
        else:
            found.append((name, id(x)))
    return tuple(found)
