"""What a function reads besides its arguments: closures, globals, defaults, found and replaced.

A jitted function must never compute with an old value of a variable that it captured. So before it
is recorded, arrays and Tensors that its closure, its module and its defaults hold, also inside of
containers, are replaced by abstract ones, and at each call they are read again, like arguments:
writes into them and new arrays under the same name are seen alike. Numbers, strings, masks and
functions are part of the signature: a new value is a new recording. Other objects are compared with
what they were (`surroundings`), arrays that are attributes (``self.x``) by their content.
"""

from __future__ import annotations

import functools
import sys
import types
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core import pytree
from ..core.errors import MutationError
from ..core.tensor import Tensor
from .imports import imported_in
from .runtime.guards import Guards, NotNative
from .surroundings import (
    SCALARS,
    Fingerprint,
    globals_in,
    is_bound_builtin,
    is_library,
    modules_within,
    names_in,
    structure_print,
    variables_of,
)

__all__ = ["Captures", "unwritten"]

_INPUTS = "iufc"  # the kinds of arrays that are read anew at each call
_NOTHING = types.SimpleNamespace()  # of a variable that has been deleted


@contextmanager
def unwritten(arrays: Sequence[Any], name: str) -> Iterator[None]:
    """A block in which the function ``name`` must not write into these captured arrays.

    Raises
    ------
    MutationError
        Afterwards, if it did: the compiled function would not do it again.
    """
    before = [x._a if isinstance(x, Tensor) else x for x in arrays]
    yield
    for x, a in zip(arrays, before, strict=True):
        if isinstance(x, Tensor) and x._a is not a:
            raise MutationError(
                f"jit of {name}: the function writes into an array of shape {x.shape} that it "
                "captured, which the compiled function would not do. Pass the array as an argument "
                "and return it (with donate_argnums it is overwritten in place), or write into a "
                "copy"
            )


@dataclass(frozen=True)
class _Site:
    """One variable.

    Attributes
    ----------
    owner : object
        The function, bound method, partial or callable object that reads it.
    kind : {"cell", "global", "module", "default", "keyword", "argument", "option", "self"}
        A variable of the closure or the module, a module that the function imports itself, a
        default by place or name, an argument of a partial by place or name, or the object of a
        bound method (a callable object itself).
    name : str or int
    """

    owner: Any
    kind: str
    name: Any
    cell: Any = None

    def read(self) -> Any:
        """What it holds now."""
        try:
            if self.kind == "cell":
                return self.cell.cell_contents
            if self.kind == "module":
                return sys.modules[self.name]
            if self.kind == "self":
                return getattr(self.owner, "__self__", self.owner)
            return getattr(self.owner, _HOLDERS[self.kind])[self.name]
        except (KeyError, IndexError, TypeError, ValueError):
            return _NOTHING

    @property
    def key(self) -> tuple[int, str, Any]:
        """What `_Rebuilder` finds it by."""
        return id(self.owner), self.kind, self.name


_HOLDERS = {
    "global": "__globals__", "default": "__defaults__", "keyword": "__kwdefaults__",
    "argument": "args", "option": "keywords",
}  # fmt: skip


class Captures:
    """The captured variables of a function, and of the functions that it captured.

    They are looked for when they are first read: a module may define after the function what the
    function uses.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self._generation = 0
        self._inputs = _INPUTS
        self._collect()

    def _collect(self) -> None:
        search = _Search(self.function)
        self._sites, self._functions = search.sites, search.functions
        self._missing = search.missing
        self._defaults = [(f, f.__code__, f.__defaults__) for f in self._functions.values()]
        self._generation += 1
        self._prints: dict[int, Fingerprint] = {}

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

    @property
    def is_empty(self) -> bool:
        """Whether nothing can change behind the function's back."""
        return not self._sites and not self._missing

    def read(self) -> tuple[list[Any], Any]:
        """The arrays that the variables hold now, and all else about them, to be compared."""
        if any(name in f.__globals__ for f, name in self._missing) or any(
            _is_user_function(v) and id(v) not in self._functions
            for v in [site.read() for site in self._sites]
        ):
            self._collect()
        arrays: list[Any] = []
        rest: list[Any] = [self._generation]
        for site in self._sites:
            value = site.read()
            if self._is_input(value):
                arrays.append(value)
                rest.append("array")
            elif isinstance(value, (*SCALARS, np.ndarray)):
                rest.append(self._fixed(value))
            elif pytree.is_container(value):
                leaves, spec = pytree.flatten(value)
                inputs = [x for x in leaves if self._is_input(x)]
                arrays += inputs
                orders = pytree.key_orders(value, spec)
                rest.append((spec, orders, tuple([self._fixed(x) for x in leaves])))
                rest.append(structure_print(spec))
            elif isinstance(value, types.ModuleType):
                rest.append(self._print((value, *variables_of(value, _names_read(site.owner)))))
            elif id(value) in self._functions:
                rest.append(id(value))
            else:
                rest.append(self._print(value))
        for function, code, defaults in self._defaults:
            if function.__code__ is not code or function.__defaults__ is not defaults:
                rest.append((function.__code__, self._print(function.__defaults__)))
            own = {k: x for k, x in function.__dict__.items() if k != "__wrapped__"}
            if own and not is_library(function):
                rest.append(self._print(own))
        return arrays, tuple(rest)

    def guard(self, guards: Guards) -> None:
        """Write guards that hold as long as `read` gives the same but for the contents of arrays.

        Raises
        ------
        NotNative
            Something has to be compared by its content.
        """
        for function, name in self._missing:
            guards.names(function.__globals__, (name,))
        for function in self._functions.values():
            guards.function(function)
            own = [x for k, x in function.__dict__.items() if k != "__wrapped__"]
            if own and not is_library(function):
                guards.watch(function.__dict__, self._functions)
        for site in self._sites:
            value = site.read()
            if value is _NOTHING:
                raise NotNative
            if site.kind == "cell":
                register = guards.cell(site.cell)
            elif site.kind == "global":
                register = guards.variable(site.owner.__globals__, site.name)
            elif site.kind == "module":
                register = guards.variable(sys.modules, site.name)
            else:  # of the function, as which it is guarded, or of what is watched here
                if isinstance(site.owner, functools.partial):
                    guards.partial(site.owner)
                register = guards.held(value)
            guards.captured(register, value, self._is_input, self._functions)
            if isinstance(value, types.ModuleType):
                names = _names_read(site.owner)
                for module in modules_within(value, names):
                    guards.names(vars(module), names)
                for x in variables_of(value, names):
                    guards.watch(x, self._functions)

    def _print(self, value: Any) -> Fingerprint:
        last = self._prints.get(id(value))
        if last is not None and last.value is value and last.still_holds():
            return last
        found = Fingerprint(value, self._functions)
        if type(value) is not tuple and type(value) is not dict:  # those are made for this
            if len(self._prints) > 256:
                self._prints.clear()
            self._prints[id(value)] = found
        return found

    def _fixed(self, x: Any) -> Any:
        """A leaf that is no array, to be compared; of an array, that it is one."""
        if self._is_input(x):
            return "array"
        if isinstance(x, np.ndarray):
            return (x.shape, x.dtype.str, x.tobytes())
        return (type(x), repr(x)) if isinstance(x, SCALARS) else self._print(x)

    def replaced(self, arrays: Sequence[Any]) -> Callable[..., Any]:
        """The function with these in the places of the arrays that `read` gives."""
        rest = iter(arrays)
        values: dict[Any, Any] = {}
        for site in self._sites:
            value = site.read()
            if self._is_input(value):
                values[site.key] = next(rest)
            elif pytree.is_container(value):
                leaves, spec = pytree.flatten(value)
                if not any(map(self._is_input, leaves)):
                    continue  # the function's own: it may write into it while it is recorded
                new = [next(rest) if self._is_input(x) else x for x in leaves]
                values[site.key] = pytree.unflatten(spec, new)
        if not values:
            return self.function
        return _Rebuilder(values).rebuilt(self.function)  # type: ignore[no-any-return]


def _names_read(owner: Any) -> tuple[str, ...]:
    """The names in the function of a site."""
    while isinstance(owner, functools.partial):
        owner = owner.func
    code = getattr(getattr(owner, "__func__", owner), "__code__", None)
    return tuple(dict.fromkeys(names_in(code))) if code is not None else ()


class _Search:
    """Finds the variables that a function, and the functions in these, read."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.sites: list[_Site] = []
        self.functions: dict[int, types.FunctionType] = {}
        self.missing: list[tuple[types.FunctionType, str]] = []
        self._seen: dict[int, Any] = {}
        self._visit(function)
        is_bare = not self.sites and not self.functions
        if is_bare and not is_library(function):
            self.sites.append(_Site(function, "self", ""))  # an object with a __call__

    def _visit(self, function: Any) -> None:
        if id(function) in self._seen:
            return
        self._seen[id(function)] = function
        if isinstance(function, functools.partial):
            self._visit(function.func)
            for i, value in enumerate(function.args):
                self._site(_Site(function, "argument", i), value)
            for name, value in function.keywords.items():
                self._site(_Site(function, "option", name), value)
        elif isinstance(function, types.MethodType):
            self.sites.append(_Site(function, "self", ""))
            self._visit(function.__func__)
        elif isinstance(function, types.FunctionType):
            self._visit_function(function)
        elif callable(getattr(function, "__wrapped__", None)):
            self._visit(function.__wrapped__)

    def _visit_function(self, function: types.FunctionType) -> None:
        self.functions[id(function)] = function
        names = function.__code__.co_freevars
        for name, cell in zip(names, function.__closure__ or (), strict=True):
            site = _Site(function, "cell", name, cell)
            self._site(site, site.read())
        if is_library(function):
            return
        for name in globals_in(function.__code__):
            if name in function.__globals__:
                self._site(_Site(function, "global", name), function.__globals__[name])
            else:  # defined later, or a builtin that it may come to hide
                self.missing.append((function, name))
        for name in imported_in(function):
            self.sites.append(_Site(function, "module", name))
        for i, value in enumerate(function.__defaults__ or ()):
            self._site(_Site(function, "default", i), value)
        for name, value in (function.__kwdefaults__ or {}).items():
            self._site(_Site(function, "keyword", name), value)

    def _site(self, site: _Site, value: Any) -> None:
        if isinstance(value, types.ModuleType):
            if is_library(value):
                return
        elif isinstance(value, type):
            if is_library(value):
                return
        elif callable(value) and not isinstance(value, (Tensor, weakref.ref)):
            if is_library(value) and not _holds_others(value):
                return
            self._visit(value)
        if site.kind == "cell" and is_library(site.owner) and _is_fixed(value):
            return  # what a transform keeps of its arguments
        self.sites.append(site)


def _is_fixed(value: Any) -> bool:
    """Whether a variable that is not bound anew will always be the same, but for what it reads."""
    if isinstance(value, tuple):
        return all(map(_is_fixed, value))
    return isinstance(value, (*SCALARS, types.FunctionType, types.BuiltinFunctionType, np.ufunc))


def _is_user_function(x: Any) -> bool:
    return type(x) is types.FunctionType and (bool(x.__closure__) or not is_library(x))


def _holds_others(value: Any) -> bool:
    """Whether what a library made holds what is not the library's: in a closure, as attributes."""
    if isinstance(value, types.FunctionType):
        return bool(value.__closure__)
    if is_bound_builtin(value):
        return not isinstance(value.__self__, (*SCALARS, np.ufunc))
    return hasattr(value, "__wrapped__") or bool(getattr(value, "__dict__", None))


class _Rebuilder:
    """Copies of functions, with other values in closures, globals and defaults."""

    def __init__(self, values: dict[Any, Any]) -> None:
        self.values = values
        self.done: dict[int, Any] = {}

    def rebuilt(self, function: Any) -> Any:
        """The function, or what stands for one, with the new values."""
        if id(function) in self.done:
            return self.done[id(function)]
        if isinstance(function, functools.partial):
            args = self._values(function, "argument", enumerate(function.args))
            options = self._values(function, "option", function.keywords.items())
            return functools.partial(self.rebuilt(function.func), *args.values(), **options)
        own = self.values.get((id(function), "self", ""))
        if isinstance(function, types.MethodType):
            own = function.__self__ if own is None else own
            return types.MethodType(self.rebuilt(function.__func__), own)
        if isinstance(function, types.FunctionType):
            return self._copy(function)
        rebuild = getattr(function, "_with_function", None)
        if rebuild:
            return rebuild(self.rebuilt(function.__wrapped__))
        return function if own is None else own

    def _copy(self, function: types.FunctionType) -> types.FunctionType:
        cells = [types.CellType() for _ in function.__closure__ or ()]
        scope: Any = function.__globals__
        is_users = not is_library(function)
        if is_users:
            scope = dict(scope)
        copy = types.FunctionType(
            function.__code__, scope, function.__name__, None, tuple(cells) if cells else None
        )
        self.done[id(function)] = copy
        defaults = self._values(function, "default", enumerate(function.__defaults__ or ()))
        copy.__defaults__ = tuple(defaults.values()) or None
        copy.__kwdefaults__ = self._values(
            function, "keyword", (function.__kwdefaults__ or {}).items()
        )
        copy.__dict__.update(function.__dict__)
        for name, cell, new in zip(
            function.__code__.co_freevars, function.__closure__ or (), cells, strict=True
        ):
            try:
                new.cell_contents = self._value(function, "cell", name, cell.cell_contents)
            except ValueError:  # not filled yet
                continue
        if is_users:
            names = [k for k in globals_in(function.__code__) if k in scope]
            scope.update(self._values(function, "global", [(k, scope[k]) for k in names]))
        return copy

    def _values(self, owner: Any, kind: str, items: Iterable[tuple[Any, Any]]) -> dict[Any, Any]:
        return {name: self._value(owner, kind, name, x) for name, x in items}

    def _value(self, owner: Any, kind: str, name: Any, value: Any) -> Any:
        key = id(owner), kind, name
        if key in self.values:
            return self.values[key]
        if isinstance(value, type) or not callable(value) or isinstance(value, Tensor):
            return value
        if is_library(value) and not _holds_others(value):
            return value
        return self.rebuilt(value)
