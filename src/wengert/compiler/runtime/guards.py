"""The programs of an entry: what the arguments must be, and how the results are handed back.

An entry is made from the arguments of a call that went through Python. What cannot be guarded from
native code (containers of other classes, arrays in another layout) makes no entry: those calls go
on going through Python, which is never wrong, only slower.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Callable, Container, Sequence
from typing import Any

import numpy as np

from ...core import pytree
from ..codegen.entry_words import GUARDS, OUTPUTS
from ..surroundings import SCALARS, Fingerprint, structure_print
from ..watches import ABSENT, Watch, parts_of_function, watch_dict, watch_names
from . import layout
from .layout import CONTENT, FUNCTION
from .native import NativeEntry, Results

__all__ = ["Guards", "NotNative", "outputs_of"]

_GUARD = {name: k for k, name in enumerate(GUARDS)}
_OUTPUT = {name: k for k, name in enumerate(OUTPUTS)}
_CONTIGUOUS, _ALIGNED, _WRITEABLE = 0x1, 0x100, 0x400  # flags of an array
# Native calls keep a few words for each object on the stack, which a thread may have little of.
_MOST_OBJECTS = 2048
_NUMBERS = frozenset(np.dtype(t).type for t in "?bhilqBHILQfdFD")


class NotNative(Exception):
    """A call that native code cannot guard."""


class Guards:
    """Writes the program that checks one signature, and fills the table of pointers.

    Parameters
    ----------
    arguments : int
        How many registers hold arguments.
    donated : sequence of int
        The slots whose memory is written to.
    """

    def __init__(self, arguments: int, donated: Sequence[int]) -> None:
        self.words: list[int] = []
        self.kept: list[Any] = []
        self.leaves: list[Any] = []
        self.places: list[int] = []  # the register of each leaf
        self.scratch = 0
        self.registers = arguments
        self._donated = frozenset(donated)
        self._memory: dict[int, int] = {}  # words by address, all compared at once
        self._watched: set[Any] = set()
        self._sizes: dict[int, int] = {}  # bytes of each array, by slot

    def _emit(self, name: str, *words: int) -> None:
        self.words += [_GUARD[name], *words]

    def _address(self, x: Any) -> int:
        self.kept.append(x)
        return id(x)

    def _new(self, count: int = 1) -> int:
        first = self.registers
        self.registers += count
        if self.registers > _MOST_OBJECTS:
            raise NotNative
        return first

    # -------------------------------------------------------------- values

    def tree(self, register: int, x: Any, leaf: Callable[[int, Any], None] | None = None) -> None:
        """A container of leaves, or a leaf, in the order of `core.pytree`."""
        leaf = leaf or self.leaf
        kind = type(x)
        if kind is list or kind is tuple or _is_named_tuple(x):
            first = self._new(len(x))
            name = "list" if kind is list else "tuple"
            self._emit(name, register, first, self._address(kind), len(x))
            for k, y in enumerate(x):
                self.tree(first + k, y, leaf)
        elif kind is dict:
            if not all(type(k) is str for k in x):
                raise NotNative
            first = self._new(len(x))
            self._emit("dict", register, first, self._address(kind), len(x), self._address(str))
            self.words += [self._address(k) for k in x]
            for k, key in sorted(enumerate(x), key=lambda item: item[1]):
                self.tree(first + k, x[key], leaf)
        elif x is None:
            self.same(register, x)
        else:
            leaf(register, x)

    def leaf(self, register: int, x: Any) -> None:
        """An array or number: its slot is its number among the leaves."""
        slot = len(self.leaves)
        if slot >= _MOST_OBJECTS:
            raise NotNative
        self.leaves.append(x)
        self.places.append(register)
        kind = type(x)
        if kind is np.ndarray:
            self._array(register, slot, x)
        elif kind in _NUMBERS or kind is float or kind is complex:
            self._emit("number", register, slot, self._address(kind))
        elif kind is int:
            self._emit("integer", register, slot, self._address(kind), self.scratch)
            self.scratch += 1
        elif kind is bool:
            self.same(register, x)
        else:
            raise NotNative

    def _array(self, register: int, slot: int, x: Any) -> None:
        flags = _CONTIGUOUS | _ALIGNED | (_WRITEABLE if slot in self._donated else 0)
        dtype = x.dtype
        if x.flags.num & flags != flags or not dtype.isnative or dtype.type not in _NUMBERS:
            raise NotNative
        self._emit(
            "array", register, slot, id(np.ndarray), self._address(dtype), dtype.num, x.ndim, flags,
            *x.shape,
        )  # fmt: skip
        if x.nbytes:
            self._sizes[slot] = x.nbytes

    def same(self, register: int, x: Any) -> None:
        """The very same object, which cannot change."""
        self._emit("same", register, self._address(x))

    def fixed(self, register: int, x: Any, known: Container[int] = ()) -> None:
        """The very same object, and what it holds at any depth is what it held.

        ``known`` are functions that are guarded besides, by identity.
        """
        self._emit("same", register, self._address(x))
        if not isinstance(x, SCALARS) and id(x) not in known:
            self.watch(x, known)

    def constant(self, x: Any) -> None:
        """A leaf that stands in no argument: an array that the recording made."""
        self.leaf(self.held(x), x)

    def held(self, x: Any) -> int:
        """The register with an object whose holder is guarded otherwise."""
        register = self._new()
        self._emit("held", register, self._address(x))
        return register

    # -------------------------------------------------------------- captured variables

    def captured(
        self, register: int, x: Any, is_input: Callable[[Any], bool], known: Container[int]
    ) -> None:
        """What a variable holds: containers of hidden inputs, and of what must stay as it is."""

        def leaf(register: int, x: Any) -> None:
            if is_input(x):
                self.leaf(register, x)
            elif pytree.is_container(x):
                self._registered(register, x, is_input, known)
            else:
                self.fixed(register, x, known)

        if type(x) is tuple and all(isinstance(y, SCALARS) for y in x):
            self.same(register, x)
        else:
            self.tree(register, x, leaf)

    def _registered(
        self, register: int, x: Any, is_input: Callable[[Any], bool], known: Container[int]
    ) -> None:
        """The very same container of a registered class, with the same arrays as leaves.

        Only its own function knows how it is taken apart; but while all that it holds is the same,
        so are its leaves, which are held and read where they are.
        """
        leaves, spec = pytree.flatten(x)
        inputs = [y for y in leaves if is_input(y)]
        held = structure_print(spec)
        constants = [id(w.holder) for w in held.watches or ()] if held else []
        self._emit("same", register, self._address(x))
        self.watch(x, known, {id(y) for y in inputs}.difference(constants))
        for y in inputs:
            self.constant(y)

    def cell(self, cell: Any) -> int:
        """The register with what a variable of a closure holds."""
        register = self._new()
        self._emit("cell", register, self._address(cell))
        return register

    def variable(self, scope: dict[str, Any], name: str) -> int:
        """The register with what a variable of a module holds."""
        register = self._new()
        self._emit("global", register, self._address(scope), self._address(name))
        return register

    def names(self, scope: dict[str, Any], names: Sequence[str]) -> None:
        """That variables of a module are what they are now, or still missing."""
        self._watch(watch_names(scope, names))

    def function(self, function: types.FunctionType) -> None:
        """That a function has the code, the defaults and the attributes that it has now.

        (Editors reload modules by giving their functions new code.)
        """
        self._watch(Watch("function", function, (), parts_of_function(function)))
        self._watch(watch_dict(function.__dict__))
        if function.__kwdefaults__:
            self._watch(watch_dict(function.__kwdefaults__))

    # -------------------------------------------------------------- what objects hold

    def watch(self, x: Any, known: Container[int] = (), inputs: Container[int] = ()) -> None:
        """That what an object holds at any depth is what it held.

        ``inputs`` are the identities of arrays whose content may be another.
        """
        watches = Fingerprint(x, known).watches
        if watches is None or not layout.can_watch():
            raise NotNative
        for watch in watches:
            if watch.kind != "array" or id(watch.holder) not in inputs:
                self._watch(watch)

    def partial(self, x: functools.partial[Any]) -> None:
        """That a partial has the function and the very arguments that it has now."""
        if type(x) is not functools.partial or not layout.can_watch():
            raise NotNative
        self._watch(Watch("partial", x, (), (x.func, x.args, x.keywords)))
        self._watch(watch_dict(x.keywords))

    def _watch(self, watch: Watch) -> None:
        key = watch.kind, id(watch.holder)
        if watch.kind != "names":
            if key in self._watched:
                return
            self._watched.add(key)
        self.kept.append(watch)
        getattr(self, f"_watch_{watch.kind}")(*watch[1:])

    def _remember(self, x: Any, offset: int, held: Any) -> None:
        """That the word at an offset of an object is the address of another, or nothing."""
        word = 0 if held is None or held is ABSENT else id(held)
        if layout.word(x, offset) != (word or None):
            raise NotNative
        self._memory[id(x) + offset] = word

    def _watch_dict(self, x: dict[Any, Any], names: Any, saved: Any) -> None:
        if not names:
            self._memory[id(x) + CONTENT] = 0
            return
        self._emit("items", id(x), len(names))
        for k, value in zip(names, saved, strict=True):
            self.words += [id(k), id(value)]

    def _watch_names(self, scope: dict[str, Any], names: Any, saved: Any) -> None:
        pairs: list[int] = []
        for k, value in zip(names, saved, strict=True):
            key = "names", id(scope), k
            if key not in self._watched:
                self._watched.add(key)
                pairs += [id(k), 0 if value is ABSENT else id(value)]
        if pairs:
            self._emit("names", id(scope), len(pairs) // 2)
            self.words += pairs

    def _watch_list(self, x: list[Any], _: Any, saved: Any) -> None:
        self._emit("elements", id(x), len(saved))
        self.words += map(id, saved)

    def _watch_set(self, x: set[Any], _: Any, saved: Any) -> None:
        places = layout.members(x)
        if places is None:
            raise NotNative
        self._emit("members", id(x), len(saved), len(places), *places)

    def _watch_cell(self, x: Any, _: Any, saved: Any) -> None:
        self._memory[id(x) + CONTENT] = id(saved[0]) if saved else 0

    def _watch_array(self, x: Any, _: Any, saved: Any) -> None:
        shape, dtype, content = saved
        if not x.flags.c_contiguous:
            raise NotNative
        copy = np.frombuffer(content, np.uint8)
        self.kept.append(copy)
        self._emit(
            "content", id(x), id(dtype), len(shape), _CONTIGUOUS, len(content),
            layout.address_of(copy), *shape,
        )  # fmt: skip

    def _watch_function(self, x: Any, _: Any, saved: Any) -> None:
        for offset, part in zip(FUNCTION, saved, strict=True):
            self._remember(x, offset, part)

    def _watch_class(self, x: type, _: Any, saved: Any) -> None:
        version = layout.class_version(x)
        if version is None:
            raise NotNative
        self._memory[id(x) + layout.VERSION] = version

    def _watch_instance(self, x: Any, _: Any, saved: Any) -> None:
        kind, own = saved
        self._remember(x, layout.TYPE, kind)
        if own is not None:
            if layout.dict_of(x) is not own:
                raise NotNative
            self._emit("own", id(x), id(own))

    def _watch_slots(self, x: Any, names: Any, saved: Any) -> None:
        for descriptor, held in zip(names, saved, strict=True):
            offset = layout.slot_offset(descriptor)
            if offset is None:
                raise NotNative
            # In a slot, None is an object like others.
            if layout.word(x, offset) != (None if held is ABSENT else id(held)):
                raise NotNative
            self._memory[id(x) + offset] = 0 if held is ABSENT else id(held)

    def _watch_partial(self, x: Any, _: Any, saved: Any) -> None:
        for offset, part in zip(layout.PARTIAL, saved, strict=True):
            self._remember(x, offset, part)

    # -------------------------------------------------------------- the whole

    def entry(
        self,
        results: Results,
        sources: list[tuple[str, Any]],
        out_spec: Any,
        arguments: int,
        keywords: Sequence[str],
    ) -> NativeEntry:
        """The entry, when all leaves have been visited."""
        if self._memory:
            self._emit("memory", len(self._memory))
            for pair in self._memory.items():
                self.words += pair
            self._memory.clear()
        overlaps: list[int] = []
        if self._donated & self._sizes.keys():
            for slot, size in self._sizes.items():
                if size:
                    overlaps += [slot, size, slot in self._donated]
        outputs, stack = outputs_of(sources, out_spec, self.places, self.kept)
        return NativeEntry(
            results, arguments, keywords, self.words, outputs, self.registers, self.scratch, stack,
            overlaps, self.kept,
        )  # fmt: skip


def _is_named_tuple(x: Any) -> bool:
    kind = type(x)
    if not isinstance(x, tuple) or kind is tuple:
        return False
    fields = getattr(kind, "_fields", None)
    return kind.__bases__ == (tuple,) and isinstance(fields, tuple) and len(fields) == len(x)


def outputs_of(
    sources: list[tuple[str, Any]], out_spec: Any, places: list[int], kept: list[Any]
) -> tuple[list[int], int]:
    """The program that makes what is returned, and how many objects it has at hand at most.

    ``sources`` are those of `Executable.native_results`, ``places`` the registers of arguments.
    """
    words: list[int] = []

    def leaf(k: int) -> int:
        kind, x = sources[k]
        if kind == "argument":
            x = places[x]
        elif kind == "object":
            kept.append(x)
            x = id(x)
        words.extend((_OUTPUT[kind], x))
        return 1

    def make(x: Any) -> int:
        kind = type(x)
        if kind is _Marker:
            return leaf(x.number)
        if x is None:
            words.extend((_OUTPUT["object"], id(None)))
            return 1
        keys: list[int] = []
        parts = list(x.values()) if kind is dict else list(x)
        if kind is dict:
            kept.extend(x)
            keys = [id(k) for k in x]
        deepest = max([k + make(y) for k, y in enumerate(parts)], default=0)
        words.extend((_OUTPUT[kind.__name__], len(parts), *keys))
        return max(deepest, 1)

    tree = pytree.unflatten(out_spec, [_Marker(k) for k in range(len(sources))])
    if _is_simple(tree):
        deepest = make(tree)
        return words, deepest
    for k in range(len(sources)):
        leaf(k)
    kept.append(unflatten := out_spec.unflatten)
    words.extend((_OUTPUT["call"], len(sources), id(unflatten)))
    return words, max(len(sources), 1)


class _Marker:
    __slots__ = ("number",)

    def __init__(self, number: int) -> None:
        self.number = number


def _is_simple(x: Any) -> bool:
    """Whether it consists of lists, tuples and dicts alone."""
    if type(x) is dict:
        return all(map(_is_simple, x.values()))
    if type(x) in (list, tuple):
        return all(map(_is_simple, x))
    return type(x) is _Marker or x is None
