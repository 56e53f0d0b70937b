"""Pickles read as data: nothing that a file names is ever imported or called.

A pickle is a program. Python's own unpickler imports the globals that it names and calls them with
arguments of its choosing, so reading a file from elsewhere runs its author's code. Here every
global that a format needs is listed beside a stand-in of ours; each other one is refused, and so is
every opcode that plain containers, numbers, texts and those stand-ins do not need.

The machine is Python's own, the pure Python one: its table of opcodes can be cut down, and a false
index into its memo costs nothing (in C it allocates gigabytes, CPython issue 115952).
"""

from __future__ import annotations

import io
import pickle
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import wengert as wg

__all__ = ["Allowed", "Names", "Shell", "StateDict", "Unpickler", "type_name"]

# Numbers, texts, containers, the memo, and the two that build the listed objects. What is left out
# makes objects in other ways (INST, OBJ, NEWOBJ, EXT), or belongs to protocols 0 and 1.
_OPCODES = (
    "PROTO FRAME STOP MARK NONE NEWTRUE NEWFALSE BININT BININT1 BININT2 LONG1 BINFLOAT "
    "SHORT_BINSTRING BINSTRING SHORT_BINBYTES BINBYTES BINBYTES8 BYTEARRAY8 "
    "SHORT_BINUNICODE BINUNICODE BINUNICODE8 EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3 EMPTY_LIST "
    "APPEND APPENDS EMPTY_DICT SETITEM SETITEMS BINGET LONG_BINGET BINPUT LONG_BINPUT MEMOIZE "
    "GLOBAL STACK_GLOBAL REDUCE BUILD BINPERSID"
).split()

_Step: TypeAlias = Callable[[Any], None]


@dataclass(frozen=True)
class Allowed:
    """A global that a format needs.

    Attributes
    ----------
    stand_in : callable or None
        What is called in its place; None if the format only mentions it.
    why : str
        What the format needs it for.
    """

    stand_in: Callable[..., Any] | None
    why: str


Names: TypeAlias = Mapping[tuple[str, str], Allowed]


class Shell:
    """An object that a pickle makes in two steps, a call (REDUCE) and a state (BUILD)."""

    __slots__ = ()

    def build(self, state: Any) -> None:
        """Take the state; raises ValueError if it is not of the right form."""
        raise NotImplementedError


class StateDict(dict[Any, Any], Shell):
    """Stands in for ``collections.OrderedDict``; its attributes are dropped."""

    __slots__ = ()

    def __init__(self) -> None:  # an OrderedDict with items is pickled empty, then filled
        super().__init__()

    def build(self, state: Any) -> None:
        """Drop ``_metadata``, where PyTorch keeps the versions of the modules."""
        if not isinstance(state, dict):
            raise ValueError(f"attributes of an OrderedDict must be a dict, not {type_name(state)}")


class _Token:
    """What the stack holds for a global. It cannot be changed, and only REDUCE calls it."""

    __slots__ = ("label", "stand_in")

    def __init__(self, label: str, stand_in: Callable[..., Any] | None) -> None:
        self.label = label
        self.stand_in = stand_in


class Unpickler(pickle._Unpickler):
    """Reads pickles from a stream of bytes; see the module's text.

    Parameters
    ----------
    stream : io.BytesIO
        After `load_object` it stands behind the pickle.
    source : str
        The file, for error messages.
    names : mapping
        From (module, name) to `Allowed`.
    what : str
        What the file should be, as in ``"a CIFAR-10 batch"``.
    encoding : str
        Of texts that Python 2 wrote; ``"bytes"`` leaves them as they are.
    persistent : callable, optional
        Makes the object of a persistent id.
    """

    def __init__(
        self,
        stream: io.BytesIO,
        source: str,
        names: Names,
        what: str,
        *,
        encoding: str = "bytes",
        persistent: Callable[[Any], Any] | None = None,
    ) -> None:
        super().__init__(_ExactReader(stream), fix_imports=False, encoding=encoding)
        self._source = source
        self._names = names
        self._what = what
        self._persistent = persistent

    def load_object(self) -> Any:
        """The object of one pickle.

        Raises
        ------
        wengert.DataError
            If the pickle is cut short or damaged, or asks for a global or an opcode that is not
            allowed. The message names the file, and the global.
        """
        try:
            return self.load()
        except EOFError as error:
            raise wg.DataError(
                f"{self._source}: cut short: the pickle ends before its end mark; get the file "
                "again"
            ) from error
        except wg.DataError:
            raise
        except (
            pickle.UnpicklingError,
            struct.error,
            AttributeError,
            IndexError,
            KeyError,
            MemoryError,
            OverflowError,
            TypeError,
            ValueError,  # and UnicodeDecodeError
        ) as error:
            raise wg.DataError(
                f"{self._source}: damaged, or not {self._what}: {type(error).__name__}: {error}"
            ) from error

    def find_class(self, module: str, name: str) -> Any:
        """The stand-in for a global that is listed; all others are refused."""
        allowed = self._names.get((module, name))
        if allowed is None:
            known = ", ".join(".".join(key) for key in self._names)
            raise wg.DataError(
                f"{self._source}: refused: the pickle asks for the global {module}.{name}, which "
                f"{self._what} does not need (it needs {known}); nothing was run"
            )
        return _Token(f"{module}.{name}", allowed.stand_in)

    def persistent_load(self, pid: Any) -> Any:
        """The object of a persistent id."""
        if self._persistent is None:
            raise ValueError("it refers to an object outside the pickle")
        return self._persistent(pid)

    def refuse_opcode(self, code: int) -> None:
        """The end of a pickle that has an opcode which data do not need."""
        name = _OPCODE_NAMES.get(code)
        if name is None:
            raise ValueError(f"unknown pickle opcode 0x{code:02x}")
        raise wg.DataError(
            f"{self._source}: refused: the pickle uses the opcode {name}, which {self._what} does "
            "not need; nothing was run"
        )


class _ExactReader:
    """Reads as much as is asked for, or raises EOFError."""

    def __init__(self, stream: io.BytesIO) -> None:
        self._stream = stream

    def read(self, count: int) -> bytes:
        data = self._stream.read(count)
        if len(data) < count:
            raise EOFError
        return data

    def readinto(self, buffer: Any) -> int:
        data = self.read(len(buffer))
        buffer[:] = data
        return len(data)

    def readline(self) -> bytes:
        line = self._stream.readline()
        if not line.endswith(b"\n"):
            raise EOFError
        return line


def type_name(value: Any) -> str:
    """The type of an unpickled object as messages have it."""
    return f"the global {value.label}" if isinstance(value, _Token) else type(value).__name__


def _reduce(machine: Any) -> None:
    arguments = machine.stack.pop()
    called = machine.stack[-1]
    if type(called) is not _Token or called.stand_in is None:
        raise ValueError(f"it calls {type_name(called)}, which is not a constructor")
    if type(arguments) is not tuple:
        raise ValueError(f"the arguments of {called.label} are not a tuple")
    machine.stack[-1] = called.stand_in(*arguments)


def _build(machine: Any) -> None:
    state = machine.stack.pop()
    target = machine.stack[-1]
    if not isinstance(target, Shell):
        raise ValueError(f"it sets the state of {type_name(target)}")
    target.build(state)


def _set_item(machine: Any) -> None:
    value, key = machine.stack.pop(), machine.stack.pop()
    _fill(machine.stack[-1], [key, value])


def _set_items(machine: Any) -> None:
    items = machine.pop_mark()
    _fill(machine.stack[-1], items)


def _fill(target: Any, items: list[Any]) -> None:
    if not isinstance(target, dict):
        raise ValueError(f"it puts items into {type_name(target)}")
    for key, value in zip(items[::2], items[1::2], strict=True):
        # Hashing a deeply nested tuple would overflow the C stack.
        if not isinstance(key, (str, bytes, int)):
            raise ValueError(f"a key of a dict is {type_name(key)}")
        target[key] = value


def _append(machine: Any) -> None:
    value = machine.stack.pop()
    _extend(machine.stack[-1], [value])


def _append_all(machine: Any) -> None:
    items = machine.pop_mark()
    _extend(machine.stack[-1], items)


def _extend(target: Any, items: list[Any]) -> None:
    if type(target) is not list:
        raise ValueError(f"it appends to {type_name(target)}")
    target.extend(items)


def _byte_array(machine: Any) -> None:
    # Python's own makes the array, of whatever size the file says, before it reads.
    (count,) = struct.unpack("<Q", machine.read(8))
    machine.append(bytearray(machine.read(count)))


class _Dispatch(dict[int, _Step]):
    """The opcodes that are allowed; every other one is refused by name."""

    def __missing__(self, code: int) -> _Step:
        def refuse(machine: Any) -> None:
            machine.refuse_opcode(code)

        return refuse


_OPCODE_NAMES = {
    value[0]: name
    for name, value in vars(pickle).items()
    if name.isupper() and isinstance(value, bytes) and len(value) == 1
}
_ALL_STEPS: Mapping[int, Any] = pickle._Unpickler.dispatch
_STEPS = _Dispatch(
    {getattr(pickle, name)[0]: _ALL_STEPS[getattr(pickle, name)[0]] for name in _OPCODES}
)
_STEPS.update(
    {
        pickle.REDUCE[0]: _reduce,
        pickle.BUILD[0]: _build,
        pickle.SETITEM[0]: _set_item,
        pickle.SETITEMS[0]: _set_items,
        pickle.APPEND[0]: _append,
        pickle.APPENDS[0]: _append_all,
        pickle.BYTEARRAY8[0]: _byte_array,
    }
)
Unpickler.dispatch = _STEPS
