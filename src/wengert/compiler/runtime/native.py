"""Calls that never leave native code: a method in C's calling convention, without a C compiler.

`NativeCallable` is the base of what can be called that way. Its instances hold an array with the
addresses of their entries; `codegen.entry` says what these are and what is done with them.
"""

from __future__ import annotations

import ctypes
import functools
import threading
from collections.abc import Sequence
from math import prod
from typing import Any, NamedTuple

import numpy as np

from ...core.state import RECORDING
from ..codegen.entry import PYTHON_FUNCTIONS, dispatcher_text
from ..codegen.entry_words import ENTRY, RESULT_WORDS
from . import disk, layout

__all__ = ["NativeCallable", "NativeEntry", "Result", "Results", "is_available", "use_native_calls"]

_METHOD_FASTCALL, _METHOD_KEYWORDS = 0x80, 0x02
_MOST_ENTRIES = 64  # they are tried one after the other; more are found by Python's dict


class _MethodDef(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("function", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("doc", ctypes.c_char_p),
    )


class NativeCallable:
    """What `use_native_calls` makes callable from native code.

    ``_native`` holds an array of words: the number of entries, and their addresses. Subclasses have
    ``_call``, which serves every call that no entry serves.
    """

    __slots__ = ("_native", "_natives")  # CPython sorts them: the first one stands where it must
    _native: Any
    _natives: list[NativeEntry]

    def add_entry(self, entry: NativeEntry, alike: list[NativeEntry], most: int) -> None:
        """Let calls that pass the guards of this entry run it.

        ``alike`` are the entries for the same code, of which it takes the place of the oldest where
        there are as many as there may be.
        """
        if len(alike) < most and len(self._natives) >= _MOST_ENTRIES:
            return
        if len(alike) == most:
            self.drop_entries([alike.pop(0)])
        alike.append(entry)
        self._set_entries([*self._natives, entry])

    def drop_entries(self, entries: Sequence[NativeEntry]) -> None:
        """Let no call run these any more."""
        gone = set(map(id, entries))
        self._set_entries([e for e in self._natives if id(e) not in gone])

    def _set_entries(self, entries: list[NativeEntry]) -> None:
        # Calls that are going on hold the array with the addresses that they try, and it these.
        self._natives = entries
        words = np.array([len(entries), *[e.address for e in entries]], np.uintp)
        self._native = words.view(_Words)
        self._native.entries = entries


class _Words(np.ndarray):
    """Addresses of entries, which live as long as it."""

    entries: list[NativeEntry]


def _slow(self: Any, /, *args: Any, **kwargs: Any) -> Any:
    return self._call(args, kwargs)


@functools.cache
def is_available() -> bool:
    """Whether the objects of this interpreter and of NumPy look as native code expects."""
    return layout.is_as_expected() and layout.numpy_functions() is not None


def _addresses() -> dict[str, int]:
    api = ctypes.pythonapi
    found = {
        name: ctypes.cast(getattr(api, name), ctypes.c_void_p).value or 0
        for name in PYTHON_FUNCTIONS
    }
    return found | (layout.numpy_functions() or {})


class _Dispatcher:
    """The native code, and the definition of the method, which must both live on."""

    def __init__(self) -> None:
        symbols = _addresses()
        symbols |= {"wengert_recording": id(RECORDING), "wengert_slow": id(_slow)}
        self.code = _compiled(dispatcher_text(layout.CONTENT), symbols)
        self.definition = _MethodDef(
            b"__call__",
            self.code.addresses["dispatch"],
            _METHOD_FASTCALL | _METHOD_KEYWORDS,
            b"The results of the function.",
        )


def _compiled(text: str, symbols: dict[str, int]) -> Any:
    """The dispatcher's machine code: of the same text on the same machine, the same."""
    from ..codegen import target

    return target.link(disk.code_of(text), ["dispatch"], symbols)


_dispatcher = functools.cache(_Dispatcher)
_lock = threading.Lock()


def use_native_calls(cls: type[NativeCallable]) -> None:
    """Give a class a native ``__call__``; to be asked for only if `is_available`."""
    with _lock:
        if "__call__" in vars(cls) and not isinstance(vars(cls)["__call__"], _PYTHON_FUNCTION):
            return
        new = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.py_object, ctypes.c_void_p)(
            ("PyDescr_NewMethod", ctypes.pythonapi)
        )
        method = new(cls, ctypes.addressof(_dispatcher().definition))
        type.__setattr__(cls, "__call__", method)


_PYTHON_FUNCTION = type(_slow)


class Result(NamedTuple):
    """One array or scalar that native code makes.

    The code writes it to the memory at ``slot``; or it is a copy of what ``source`` has at the end.
    """

    slot: int
    shape: tuple[int, ...]
    dtype: Any
    is_scalar: bool
    source: int = -1


class Results:
    """What native code allocates for a plan, and which memory, in the order of the table.

    Parameters
    ----------
    arrays : list of Result
    arguments, table : int
        How many pointers the table has, and how many of them are arguments.
    arena : tuple of (slot, address), or None
    checks : list of (offset, exception, message)
    run : int
        The address of the code.
    is_long : bool
        Whether it takes so long that other threads of Python should run.
    """

    def __init__(
        self,
        arrays: list[Result],
        table: int,
        arena: tuple[int, int] | None,
        checks: list[tuple[int, type[Exception], str]],
        run: int,
        is_long: bool,
        owner: Any,
    ) -> None:
        self.arrays = arrays
        self.table = table
        self.checks = checks
        self.run = run
        self.is_long = is_long
        self.owner = owner
        self.arena = arena
        # All entries for the code share its memory.
        self.pool = None if arena is None else np.array([1, arena[1]], np.uintp)


class NativeEntry:
    """The words of one signature, and all that they point to.

    Parameters
    ----------
    results : Results
    arguments : int
        The number of positional arguments.
    keywords : sequence of str
    guards, outputs : sequence of int
        The programs.
    registers, scratch, stack : int
        How many of them the programs need; results that are scalars have scratch memory besides.
    overlaps : sequence of int
        Slot and length in bytes of each array, and whether it is donated; none if nothing is.
    kept : sequence
        The objects whose addresses are in the programs.
    """

    def __init__(
        self,
        results: Results,
        arguments: int,
        keywords: Sequence[str],
        guards: Sequence[int],
        outputs: Sequence[int],
        registers: int,
        scratch: int,
        stack: int,
        overlaps: Sequence[int],
        kept: Sequence[Any],
    ) -> None:
        self._kept: list[Any] = [results, *kept, *keywords]
        words = dict.fromkeys(ENTRY, 0)
        words |= {
            "arguments": arguments, "keywords": len(keywords), "registers": registers,
            "table": results.table, "stack": stack + 1, "run": results.run,
            "release": int(results.is_long), "array_type": id(np.ndarray),
        }  # fmt: skip
        if results.pool is not None and results.arena is not None:
            words["pool"] = results.pool.ctypes.data
            words["arena"] = results.arena[0]
        words["names"], _ = self._block([id(name) for name in keywords])
        words["guards"], words["guards_end"] = self._block(guards)
        words["outputs"], words["outputs_end"] = self._block(outputs)
        words["overlaps"], words["overlaps_end"] = self._block(overlaps)
        records: list[int] = []
        for r in results.arrays:
            self._kept.append(r.dtype)
            dims, _ = self._block(r.shape)
            copied = prod(r.shape) * r.dtype.itemsize if r.source >= 0 else 0
            record = {
                "is_scalar": int(r.is_scalar), "slot": r.slot, "dtype": id(r.dtype),
                "ndim": len(r.shape), "dims": dims, "scratch": scratch, "copied": copied,
                "source": max(r.source, 0),
            }  # fmt: skip
            records += [record[name] for name in RESULT_WORDS]
            scratch += r.is_scalar
        words["results"], words["results_end"] = self._block(records)
        words["scratch"] = scratch + 1
        checks: list[int] = []
        for offset, kind, message in results.checks:
            text = ctypes.create_string_buffer(message.encode())
            self._kept.append(text)
            checks += [offset, id(kind), ctypes.addressof(text)]
        words["checks"], words["checks_end"] = self._block(checks)
        self.address, _ = self._block([words[name] for name in ENTRY])

    def _block(self, words: Sequence[int]) -> tuple[int, int]:
        """Memory with these words: its start and end."""
        block = np.array([int(w) for w in words], np.int64)
        self._kept.append(block)
        start = block.ctypes.data
        return start, start + block.nbytes
