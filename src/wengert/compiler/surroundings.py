"""What an object is, so far as a function that reads it can tell: to notice that it has changed.

`fingerprint` walks from an object through attributes, elements, classes, closures and the globals
that functions name, and describes all of it by values that can be compared. So a jitted function
that reads ``self.layers[0].scale`` is recorded again when that is bound to something else. Library
code is taken not to change; numbers, texts and arrays are compared by content, what can not be
looked into by identity. What a program does with ``globals()["name"]`` or ``exec`` is not followed.
"""

from __future__ import annotations

import array
import collections
import contextvars
import dis
import functools
import random
import sys
import threading
import types
import weakref
from collections.abc import Callable, Container, Iterable, Iterator
from typing import Any

import numpy as np

from ..core.tensor import Tensor
from .imports import imported_in, is_library_name
from .watches import (
    Watch,
    contents,
    holds,
    parts_of_function,
    slot_of,
    watch_array,
    watch_dict,
    watch_names,
)

__all__ = ["SCALARS", "Fingerprint", "Walk", "globals_in", "is_library", "modules_within"]
__all__ += ["is_bound_builtin", "names_in", "structure_print", "variables_of"]

_IS_HEAP_TYPE = 1 << 9  # Py_TPFLAGS_HEAPTYPE
SCALARS = (bool, int, float, complex, str, bytes, type(None), np.generic, np.dtype)

_OPAQUE = (
    types.BuiltinFunctionType, types.CodeType, types.FrameType, types.GeneratorType,
    types.WrapperDescriptorType, types.MethodDescriptorType, types.GetSetDescriptorType,
    types.MemberDescriptorType, np.ufunc, range, slice,
)  # fmt: skip
_CONTAINERS = (
    dict, list, tuple, set, frozenset, collections.deque, bytearray, array.array, memoryview,
    types.MappingProxyType, collections.ChainMap, collections.UserDict, collections.UserList,
    contextvars.ContextVar, threading.local, weakref.ref,
)  # fmt: skip
_NOT_STATE = frozenset(
    ("__dict__", "__weakref__", "__doc__", "__module__", "__qualname__", "__annotations__",
     "__wrapped__", "__abstractmethods__", "_abc_impl", "__static_attributes__",
     "__firstlineno__", "__parameters__", "__orig_bases__", "__match_args__")
)  # fmt: skip


def is_library(value: Any) -> bool:
    """Whether a function, class or module is of a library, and so taken not to change.

    Of an object, whether its class is. A function is of the module that it was defined in: a
    transform that takes over the name and the module of a user's function is the library's.
    """
    if isinstance(value, types.FunctionType):
        module = value.__globals__.get("__name__") or "__main__"
    elif isinstance(value, types.ModuleType):
        module = value.__name__
    else:
        kind = value if isinstance(value, type) else type(value)
        module = kind.__module__
        if module == "builtins" and kind.__flags__ & _IS_HEAP_TYPE:
            return False  # made by exec in a namespace without a name
    if not isinstance(module, str):
        return True  # a class of an extension that says nothing
    return is_library_name(module)


def is_bound_builtin(value: Any) -> bool:
    """Whether it is a method, written in C, of an object that is neither a module nor a class."""
    return isinstance(value, types.BuiltinFunctionType) and not isinstance(
        value.__self__, (types.ModuleType, type, type(None))
    )


def names_in(code: types.CodeType) -> Iterator[str]:
    """The names of globals and attributes in a function, and in functions defined in it."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from names_in(constant)


_READS = frozenset(("LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS"))


@functools.lru_cache(maxsize=4096)
def globals_in(code: types.CodeType) -> tuple[str, ...]:
    """The names that a function, and functions defined in it, look up in their module."""
    found = {i.argval: None for i in dis.get_instructions(code) if i.opname in _READS}
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            found |= dict.fromkeys(globals_in(constant))
    return tuple(found)


class Fingerprint:
    """An object as it was: equal to another while a function that reads it could not tell.

    Parameters
    ----------
    value : object
    known : container of int
        Identities of functions that are watched by other means: they are not looked into.

    Attributes
    ----------
    has_users : bool
        Whether there is anything that is not of a library, and can be looked into.
    watches : list of Watch, or None
        While all of them hold, another walk would find the same; None if only a walk can tell.
    """

    __slots__ = ("_hash", "_kept", "found", "has_users", "value", "watches")

    def __init__(self, value: Any, known: Container[int] = ()) -> None:
        walk = Walk(known)
        walk.visit(value)
        self.value = value
        self.found = tuple(walk.found)
        self.watches = walk.watches
        self.has_users = walk.has_users
        self._kept = walk.kept  # no other object may take over the identity of one of these
        self._hash = hash(self.found)

    def still_holds(self) -> bool:
        """Whether surely nothing has changed since: what every object holds is what it held.

        A third of the time of another walk. False says that one is needed.
        """
        return self.watches is not None and all(map(holds, self.watches))

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return isinstance(other, Fingerprint) and self.found == other.found

    def __hash__(self) -> int:
        return self._hash


class Walk:
    """Depth first, every object once, in an order that does not depend on identities.

    Attributes
    ----------
    found, watches, has_users
        See `Fingerprint`.
    generators : list
        The random generators that were met.
    names : set of str
        All names in the functions that were met, and those of classes and functions.
    """

    def __init__(self, known: Container[int]) -> None:
        self.known = known
        self.has_users = False
        self.generators: list[Any] = []
        self.names: set[str] = set()
        self.watches: list[Watch] | None = []
        self.found: list[Any] = []
        self.kept: list[Any] = []
        self._numbers: dict[int, int] = {}
        self._stack: list[Callable[[], None]] = []

    def _watch(self, watch: Watch) -> None:
        if self.watches is not None:
            self.watches.append(watch)

    def visit(self, root: Any) -> None:
        """Walk from this object."""
        self._stack.append(functools.partial(self._describe, root))
        while self._stack:
            self._stack.pop()()

    def _later(self, values: Iterable[Any]) -> None:
        self._stack.extend([functools.partial(self._describe, v) for v in reversed(list(values))])

    def _describe(self, value: Any) -> None:
        kind = type(value)
        if isinstance(value, SCALARS):
            # 1, 1.0 and True are equal, 0.0 and -0.0 too, and no NaN is: not their texts.
            self.found.append((kind, value if kind in (str, bytes) else repr(value)))
            return
        if id(value) in self._numbers:
            self.found.append(("again", self._numbers[id(value)]))
            return
        self._numbers[id(value)] = len(self._numbers)
        self.found.append(kind)
        if isinstance(value, (np.ndarray, Tensor)):
            if isinstance(value, Tensor):
                self.watches = None
            self._array(value._a if isinstance(value, Tensor) else value)
            return
        self.kept.append(value)
        if callable(value) and isinstance(named := getattr(value, "__name__", None), str):
            self.names.add(named)
        if is_bound_builtin(value):
            self.found.append(value.__name__)
            self._later((value.__self__,))
        elif isinstance(value, _OPAQUE):
            self.found.append(id(value))
        elif isinstance(value, (np.random.Generator, np.random.RandomState, random.Random)):
            self.generators.append(value)
            self.found.append(id(value))
        elif isinstance(value, types.FunctionType):
            self._function(value)
        elif isinstance(value, types.ModuleType):
            self.found.append(id(value))  # its variables are looked at where they are named
        elif isinstance(value, type):
            self._class(value)
        elif isinstance(value, types.MethodType):
            self._later((value.__self__, value.__func__))
        elif isinstance(value, functools.partial):
            parts = (value.func, value.args, value.keywords)
            self._watch(Watch("partial", value, (), parts))
            if type(value) is not functools.partial:
                self.watches = None
            self._later(parts)
        elif isinstance(value, (staticmethod, classmethod)):
            self._later((value.__func__,))
        elif isinstance(value, property):
            self._later((value.fget,))
        elif isinstance(value, types.CellType):
            self._watch(Watch("cell", value, (), contents(value)))
            self._later(contents(value))
        else:
            self._instance(value)

    def _array(self, a: Any) -> None:
        if not isinstance(a, np.ndarray):  # a scalar, or traced
            self.kept.append(a)
            self.found.append(repr(a) if isinstance(a, np.generic) else id(a))
            return
        # An array that was recorded by its identity is read again at each call; another one with
        # the same content is not that one.
        self.found.append((id(a), a.shape, a.dtype.str))
        if a.dtype.hasobject:
            self.watches = None
            self._later(a.ravel().tolist())
        else:
            watch = watch_array(a)
            self.found.append(watch.saved[-1])
            self._watch(watch)
            if type(a) is not np.ndarray:
                self.watches = None

    def _function(self, function: types.FunctionType) -> None:
        self.found.append(id(function))
        if id(function) in self.known:
            return
        closure = function.__closure__ or ()
        if is_library(function):
            self._later(closure)
            return
        self.has_users = True
        self.found.append(function.__code__)
        self.names.update(names_in(function.__code__))
        names = globals_in(function.__code__)
        scope = function.__globals__
        read = [scope[name] for name in names if name in scope]
        self._watch(Watch("function", function, (), parts_of_function(function)))
        self._watch(watch_names(scope, names))
        if imported := imported_in(function):
            read += [sys.modules[name] for name in imported if name in sys.modules]
            self._watch(watch_names(sys.modules, imported))
        self._watch(watch_dict(function.__dict__))
        if function.__kwdefaults__:
            self._watch(watch_dict(function.__kwdefaults__))
        inside: list[Any] = []
        if any(isinstance(x, types.ModuleType) for x in read):
            every = tuple(dict.fromkeys(names_in(function.__code__)))
            for module in read:
                if isinstance(module, types.ModuleType):
                    inside += variables_of(module, every)
                    for m in modules_within(module, every):
                        self._watch(watch_names(vars(m), every))
        own = [x for k, x in function.__dict__.items() if k not in _NOT_STATE]
        self._later(
            (*closure, function.__defaults__, function.__kwdefaults__, *own, *read, *inside)
        )

    def _class(self, cls: type) -> None:
        self.found.append(id(cls))
        if not is_library(cls):
            self.has_users = True
            names = [k for k in vars(cls) if k not in _NOT_STATE]
            self._watch(Watch("class", cls, tuple(vars(cls)), (cls.__mro__, *vars(cls).values())))
            self.found.append(tuple(names))
            self._later((*[vars(cls)[k] for k in names], *cls.__bases__, type(cls)))

    def _instance(self, value: Any) -> None:
        kind = type(value)
        wrapped = getattr(value, "__wrapped__", None) if callable(value) else None
        if wrapped is not None and (not hasattr(value, "__dict__") or is_library(kind)):
            self.found.append(id(value))
            self._later((wrapped,))
            return
        self._watch_instance(value)
        parts = list(_elements(value))
        attributes = dict(_attributes(value))
        is_container = isinstance(value, _CONTAINERS)
        if not is_container and not attributes and is_library(kind):
            self.found.append(id(value))
            return
        self.has_users |= bool(attributes)
        self.found.append((len(parts), tuple(attributes)))
        self._later((*parts, *attributes.values(), kind))

    def _watch_instance(self, value: Any) -> None:
        kind = type(value)
        if kind is list:
            self._watch(Watch("list", value, (), tuple(value)))
        elif kind is dict:
            self._watch(watch_dict(value))
        elif kind is set:
            self._watch(Watch("set", value, (), tuple(value)))
        elif kind is tuple or kind is frozenset:
            return
        elif isinstance(value, _CONTAINERS) and not isinstance(value, tuple):
            self.watches = None
        else:
            own = getattr(value, "__dict__", None)
            self._watch(Watch("instance", value, (), (kind, own)))
            slots = tuple(_slots(kind))
            if slots:
                held = tuple([slot_of(value, d) for d in slots])
                self._watch(Watch("slots", value, slots, held))
            if type(own) is dict:
                self._watch(watch_dict(own))
            elif own is not None:
                self.watches = None


def _slots(kind: type) -> Iterator[Any]:
    """The descriptors of what objects of a class hold beside their dict."""
    for base in kind.__mro__:
        if "__slots__" in base.__dict__:
            for x in base.__dict__.values():
                if isinstance(x, types.MemberDescriptorType):
                    yield x


def modules_within(module: types.ModuleType, names: Iterable[str]) -> list[types.ModuleType]:
    """A module and those that its variables with these names are, but for libraries'."""
    pending, seen = [module], {id(module): module}
    found = []
    while pending:
        m = pending.pop()
        if is_library(m):
            continue
        found.append(m)
        for name in names:
            value = vars(m).get(name)
            if isinstance(value, types.ModuleType) and id(value) not in seen:
                seen[id(value)] = value
                pending.append(value)
    return found


def variables_of(module: types.ModuleType, names: Iterable[str]) -> list[Any]:
    """The variables with these names of a module, and of those within, if it is no library's."""
    return [
        vars(m)[name]
        for m in modules_within(module, names)
        for name in names
        if not isinstance(vars(m).get(name, module), types.ModuleType)
    ]


def _elements(value: Any) -> Iterator[Any]:
    """What a container holds."""
    if isinstance(value, (dict, types.MappingProxyType)):
        yield from value.keys()
        yield from value.values()
    elif isinstance(value, collections.ChainMap):
        yield from value.maps
    elif isinstance(value, (collections.UserDict, collections.UserList)):
        yield value.data
    elif isinstance(value, contextvars.ContextVar):
        yield value.get(None)
    elif isinstance(value, threading.local):
        yield vars(value)
    elif isinstance(value, weakref.ref):
        yield value()
    elif isinstance(value, memoryview):
        yield value.tobytes()
    elif isinstance(value, (list, tuple, collections.deque)):
        yield from value
    elif isinstance(value, (set, frozenset)):
        yield from sorted(value, key=repr)
    elif isinstance(value, bytearray):
        yield bytes(value)
    elif isinstance(value, array.array):
        yield value.tobytes()


def _attributes(value: Any) -> Iterator[tuple[str, Any]]:
    """The attributes of an object, unless its class is of the standard library."""
    kind = type(value)
    of_python = kind.__module__.partition(".")[0] in sys.stdlib_module_names
    if of_python and is_library(kind) and kind is not types.SimpleNamespace:
        return
    yield from getattr(value, "__dict__", {}).items()
    for base in kind.__mro__:
        slots = base.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if name not in _NOT_STATE:
                private = name.startswith("__") and not name.endswith("__")
                name = f"_{base.__name__.lstrip('_')}{name}" if private else name
                if hasattr(value, name):
                    yield name, getattr(value, name)


def structure_print(spec: Any) -> Any:
    """The classes that a structure of containers has, and what they hold besides their children.

    A method of a module's class may read a variable of its Python module.
    """
    found = _of_users(spec)
    return Fingerprint(found) if found else ()


@functools.lru_cache(maxsize=1024)
def _of_users(spec: Any) -> tuple[Any, ...]:
    """The classes and static parts in a structure, unless all of them are the library's."""
    classes: dict[type, None] = {}
    static: list[Any] = []

    def node(kind: Any, data: Any, _: Any) -> None:
        if isinstance(kind, type) and kind.__module__ != "builtins" and not _is_record(kind):
            classes[kind] = None
            static.append(data)

    spec.walk([None] * spec.num_leaves, node)
    held = Fingerprint(tuple(static))
    if held.has_users or any(not is_library(kind) for kind in classes):
        return (*classes, *static)
    return ()


_GENERATED = frozenset(vars(collections.namedtuple("_Generated", "x"))) | {
    "__annotations__", "__annotations_cache__", "__annotate_func__", "__orig_bases__",
    "__static_attributes__", "__firstlineno__",
}  # fmt: skip


def _is_record(kind: type) -> bool:
    """Whether a class is a named tuple with nothing but its fields: there is nothing to change."""
    fields = getattr(kind, "_fields", ())
    return issubclass(kind, tuple) and not vars(kind).keys() - _GENERATED - set(fields)
