"""What must stay as it is for a walk through an object to find the same again, piece by piece.

A `Watch` compares the parts of one holder by identity (arrays by content). All parts are kept
alive, and have watches of their own where they can change; so if all watches hold, nothing that the
walk has seen has changed. They are plain data: `holds` compares them in Python, and
`runtime.guards` writes the same comparisons for native code.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

__all__ = ["ABSENT", "Watch", "contents", "holds", "parts_of_function", "slot_of"]
__all__ += ["watch_array", "watch_dict", "watch_names"]

ABSENT = object()  # what a name has that is not there


class Watch(NamedTuple):
    """One holder, and what it held.

    Attributes
    ----------
    kind : {"dict", "list", "set", "cell", "array", "function", "class", "instance", "slots",
            "names", "partial"}
    holder : object
    names : tuple
        Of a "dict" its keys, of "slots" the descriptors, of "names" those that are looked up in the
        dict of a module; else empty.
    saved : tuple
        Of a "dict", a "list", a "set", "slots", "names": the values, `ABSENT` for what is not
        there. Of a "cell" its content, if any. Of an "array" its shape, dtype and content. Of a
        "function" its code, defaults, keyword defaults and attributes. Of a "class" its order of
        resolution and its attributes' values, whose names are ``names``. Of an "instance" its class
        and its dict, or None. Of a "partial" its function, arguments and keywords.
    """

    kind: str
    holder: Any
    names: tuple[Any, ...]
    saved: tuple[Any, ...]


def holds(watch: Watch) -> bool:
    """Whether the holder still has the parts that it had."""
    return _HOLDS[watch.kind](watch.holder, watch.names, watch.saved)


def contents(cell: Any) -> tuple[Any, ...]:
    """What a variable of a closure holds; nothing if it is not filled yet."""
    try:
        return (cell.cell_contents,)
    except ValueError:
        return ()


def parts_of_function(function: Any) -> tuple[Any, ...]:
    """What a function is made of, besides the cells of its closure, which stay the same."""
    return (
        function.__code__, function.__defaults__, function.__kwdefaults__, function.__dict__
    )  # fmt: skip


def slot_of(value: Any, descriptor: Any) -> Any:
    """What an object holds in a slot."""
    try:
        return descriptor.__get__(value)
    except AttributeError:
        return ABSENT


def _are(found: Any, saved: tuple[Any, ...]) -> bool:
    return len(found) == len(saved) and all(map(operator.is_, found, saved))


def _array_holds(a: Any, _: Any, saved: Any) -> bool:
    shape, dtype, content = saved
    return bool(a.shape == shape and a.dtype is dtype and a.tobytes() == content)


_Holds = Callable[[Any, Any, Any], bool]
_HOLDS: dict[str, _Holds] = {
    "dict": lambda x, names, saved: _are(x, names) and _are(x.values(), saved),
    "list": lambda x, _, saved: _are(x, saved),
    "set": lambda x, _, saved: _are(tuple(x), saved),
    "cell": lambda x, _, saved: _are(contents(x), saved),
    "array": _array_holds,
    "function": lambda x, _, saved: _are(parts_of_function(x), saved),
    "class": lambda x, names, saved: (
        x.__mro__ is saved[0] and _are(vars(x), names) and _are(vars(x).values(), saved[1:])
    ),
    "instance": lambda x, _, saved: (
        type(x) is saved[0] and getattr(x, "__dict__", None) is saved[1]
    ),
    "slots": lambda x, names, saved: _are([slot_of(x, d) for d in names], saved),
    "names": lambda x, names, saved: _are([x.get(k, ABSENT) for k in names], saved),
    "partial": lambda x, _, saved: _are((x.func, x.args, x.keywords), saved),
}


def watch_array(a: np.ndarray) -> Watch:
    """The watch of an array of numbers."""
    return Watch("array", a, (), (a.shape, a.dtype, a.tobytes()))


def watch_dict(x: dict[Any, Any]) -> Watch:
    """The watch of a dict."""
    return Watch("dict", x, tuple(x), tuple(x.values()))


def watch_names(scope: dict[str, Any], names: Any) -> Watch:
    """The watch of some variables of a module."""
    names = tuple(names)
    return Watch("names", scope, names, tuple([scope.get(k, ABSENT) for k in names]))
