"""The guards of an entry, in native code: an interpreter of the words of `entry_words.GUARDS`.

Arguments and captured variables are read into registers, and their data into the table of pointers;
what a captured object holds at any depth is compared with what it held.
"""

from __future__ import annotations

from collections.abc import Callable

from ..runtime.layout import (
    BYTE_ORDER,
    CONTENT,
    DIMS,
    DTYPE,
    FLAGS,
    ITEMS,
    NDIM,
    SET_LENGTH,
    SET_MASK,
    SET_TABLE,
    TYPE,
    TYPE_NUM,
)
from .entry_words import ENTRY, GUARDS, OVERLAP_WORDS
from .function_text import FunctionText

__all__ = ["advance", "guarded", "interpreter"]


def interpreter(f: FunctionText, table: dict[str, tuple[str, ...]], start: str, stop: str) -> str:
    """The head of a loop over instructions; returns the variable with the place of the next."""
    place = f.variable("i64", start)
    f("br label %next")
    f.label("next")
    at = f.value(f"load i64, ptr {place}")
    f.require(f.value(f"icmp slt i64 {at}, {stop}"), "done")
    f("%pc = inttoptr i64 " + at + " to ptr")
    kind = f.word("%pc", 0)
    cases = " ".join(f"i64 {k}, label %do_{name}" for k, name in enumerate(table))
    f(f"switch i64 {kind}, label %failed [ {cases} ]")
    return place


def advance(f: FunctionText, place: str, words: int, more: str | None = None) -> None:
    """Go on with the instruction that many words on."""
    at = f.value(f"load i64, ptr {place}")
    at = f.value(f"add i64 {at}, {8 * words}")
    if more is not None:
        bytes_more = f.value(f"shl i64 {more}, 3")
        at = f.value(f"add i64 {at}, {bytes_more}")
    f(f"store i64 {at}, ptr {place}")
    f("br label %next")


def guarded() -> str:
    """``i1 guarded(entry, registers, table, scratch)``: fills registers and table of pointers."""
    f = FunctionText("internal i1 @guarded(ptr %entry, ptr %regs, ptr %table, ptr %scratch)")
    start, stop = f.word("%entry", ENTRY["guards"]), f.word("%entry", ENTRY["guards_end"])
    place = interpreter(f, GUARDS, start, stop)

    def operands(name: str) -> list[str]:
        f.label(f"do_{name}")
        return [f.word("%pc", k + 1) for k in range(len(GUARDS[name]))]

    def typed(register: str, kind: str) -> str:
        o = f.item("%regs", register)
        f.equal(f.at(o, TYPE), kind, "failed")
        return o

    src, slot, kind, dtype, number, ndim, flags = operands("array")
    o = typed(src, kind)
    found = f.at(o, DTYPE, "ptr")
    wanted = f.value(f"inttoptr i64 {dtype} to ptr")
    with f.when(f.value(f"icmp ne ptr {found}, {wanted}")):
        # The same numbers may have several dtype objects: those of unpickled arrays, say.
        narrow = f.value(f"trunc i64 {number} to i32")
        f.equal(f.at(found, TYPE_NUM, "i32"), narrow, "failed", "i32")
        order = f.at(found, BYTE_ORDER, "i8")
        native = f.value(f"icmp eq i8 {order}, {ord('=')}")
        neither = f.value(f"icmp eq i8 {order}, {ord('|')}")
        f.require(f.value(f"or i1 {native}, {neither}"), "failed")
    lengths = f.value(f"getelementptr i64, ptr %pc, i64 {len(GUARDS['array']) + 1}")
    _same_shape(f, o, ndim, flags, lengths)
    f.set_item("%table", slot, f.at(o, CONTENT, "ptr"))
    advance(f, place, len(GUARDS["array"]) + 1, ndim)

    src, slot, kind = operands("number")
    o = typed(src, kind)
    f.set_item("%table", slot, f.value(f"getelementptr i8, ptr {o}, i64 {CONTENT}"))
    advance(f, place, 4)

    src, slot, kind, where = operands("integer")
    o = typed(src, kind)
    overflow = f.variable("i32", "0")
    number = f.value(f"call i64 @PyLong_AsLongLongAndOverflow(ptr {o}, ptr {overflow})")
    f.equal(f.value(f"load i32, ptr {overflow}"), "0", "failed", "i32")
    target = f.value(f"getelementptr [2 x i64], ptr %scratch, i64 {where}")
    f(f"store i64 {number}, ptr {target}")
    f.set_item("%table", slot, target)
    advance(f, place, 5)

    src, wanted = operands("same")
    o = f.value(f"ptrtoint ptr {f.item('%regs', src)} to i64")
    f.equal(o, wanted, "failed")
    advance(f, place, 3)

    for name in ("tuple", "list"):
        src, dst, kind, length = operands(name)
        o = typed(src, kind)
        f.equal(f.at(o, CONTENT), length, "failed")
        items = f.value(f"getelementptr i8, ptr {o}, i64 {ITEMS}")
        if name == "list":
            items = f.value(f"load ptr, ptr {items}")
        targets = f.value(f"getelementptr ptr, ptr %regs, i64 {dst}")
        with f.count_to(length) as k:
            f.set_item(targets, k, f.item(items, k))
        advance(f, place, 5)

    src, dst, kind, length, text = operands("dict")
    o = typed(src, kind)
    f.equal(f.at(o, CONTENT), length, "failed")
    targets = f.value(f"getelementptr ptr, ptr %regs, i64 {dst}")
    keys = f.value(f"getelementptr i64, ptr %pc, i64 {len(GUARDS['dict']) + 1}")
    position = f.variable("i64", "0")
    key, value = f.variable("ptr", "null"), f.variable("ptr", "null")
    with f.count_to(length) as k:
        more = f.value(f"call i32 @PyDict_Next(ptr {o}, ptr {position}, ptr {key}, ptr {value})")
        f.require(f.value(f"icmp ne i32 {more}, 0"), "failed")
        have, wanted = f.value(f"load ptr, ptr {key}"), f.item(keys, k)
        with f.when(f.value(f"icmp ne ptr {have}, {wanted}")):
            # Another object with the same letters, perhaps. To compare texts runs no other code.
            f.equal(f.at(have, TYPE), text, "failed")
            same = f.value(f"call i32 @PyObject_RichCompareBool(ptr {have}, ptr {wanted}, i32 2)")
            f.equal(same, "1", "missing", "i32")
        f.set_item(targets, k, f.value(f"load ptr, ptr {value}"))
    advance(f, place, len(GUARDS["dict"]) + 1, length)

    dst, cell = operands("cell")
    found = f.at(f.value(f"inttoptr i64 {cell} to ptr"), CONTENT, "ptr")
    f.require(f.value(f"icmp ne ptr {found}, null"), "failed")
    f.set_item("%regs", dst, found)
    advance(f, place, 3)

    dst, scope, name = operands("global")
    scope, name = (f.value(f"inttoptr i64 {x} to ptr") for x in (scope, name))
    found = f.value(f"call ptr @PyDict_GetItemWithError(ptr {scope}, ptr {name})")
    f.require(f.value(f"icmp ne ptr {found}, null"), "missing")
    f.set_item("%regs", dst, found)
    advance(f, place, 4)

    _watches(f, place, operands)

    f.label("missing")
    f("call void @PyErr_Clear()")
    f("br label %failed")
    f.label("failed")
    f("ret i1 false")
    f.label("done")
    _no_overlap(f)
    f("ret i1 true")
    return f.text()


def _watches(f: FunctionText, place: str, operands: Callable[[str], list[str]]) -> None:
    """The guards of what is no argument: nothing of it has been replaced since."""

    def pointer(word: str) -> str:
        return f.value(f"inttoptr i64 {word} to ptr")

    def after(name: str) -> str:
        return f.value(f"getelementptr i64, ptr %pc, i64 {len(GUARDS[name]) + 1}")

    def twice(count: str) -> str:
        return f.value(f"shl i64 {count}, 1")

    dst, wanted = operands("held")
    f.set_item("%regs", dst, pointer(wanted))
    advance(f, place, 3)

    (count,) = operands("memory")
    pairs = after("memory")
    with f.count_to(twice(count), step=2) as k:
        pair = f.value(f"getelementptr i64, ptr {pairs}, i64 {k}")
        f.equal(f.at(f.word(pair, 0, "ptr"), 0), f.word(pair, 1), "failed")
    advance(f, place, 2, twice(count))

    scope, count = operands("names")
    pairs = after("names")
    with f.count_to(twice(count), step=2) as k:
        pair = f.value(f"getelementptr i64, ptr {pairs}, i64 {k}")
        name = f.word(pair, 0, "ptr")
        found = f.value(f"call ptr @PyDict_GetItemWithError(ptr {pointer(scope)}, ptr {name})")
        f.equal(f.value(f"ptrtoint ptr {found} to i64"), f.word(pair, 1), "missing")
    advance(f, place, 3, twice(count))

    holder, length = operands("items")
    holder = pointer(holder)
    f.equal(f.at(holder, CONTENT), length, "failed")
    pairs = after("items")
    position = f.variable("i64", "0")
    key, value = f.variable("ptr", "null"), f.variable("ptr", "null")
    with f.count_to(twice(length), step=2) as k:
        more = f.value(
            f"call i32 @PyDict_Next(ptr {holder}, ptr {position}, ptr {key}, ptr {value})"
        )
        f.require(f.value(f"icmp ne i32 {more}, 0"), "failed")
        pair = f.value(f"getelementptr i64, ptr {pairs}, i64 {k}")
        f.equal(f.value(f"load i64, ptr {key}"), f.word(pair, 0), "failed")
        f.equal(f.value(f"load i64, ptr {value}"), f.word(pair, 1), "failed")
    advance(f, place, 3, twice(length))

    holder, wanted = operands("own")
    found = f.value(f"call ptr @PyObject_GenericGetDict(ptr {pointer(holder)}, ptr null)")
    f.require(f.value(f"icmp ne ptr {found}, null"), "missing")
    f(f"call void @Py_DecRef(ptr {found})")  # the object has it, and we keep the one it had
    f.equal(f.value(f"ptrtoint ptr {found} to i64"), wanted, "failed")
    advance(f, place, 3)

    holder, length = operands("elements")
    holder = pointer(holder)
    f.equal(f.at(holder, CONTENT), length, "failed")
    items = f.value(f"load ptr, ptr {f.value(f'getelementptr i8, ptr {holder}, i64 {ITEMS}')}")
    wanted = after("elements")
    with f.count_to(length) as k:
        f.equal(f.item(items, k, "i64"), f.item(wanted, k, "i64"), "failed")
    advance(f, place, 3, length)

    holder, length, places = operands("members")
    holder = pointer(holder)
    f.equal(f.at(holder, SET_LENGTH), length, "failed")
    f.equal(f.at(holder, SET_MASK), f.value(f"sub i64 {places}, 1"), "failed")
    table, wanted = f.at(holder, SET_TABLE, "ptr"), after("members")
    with f.count_to(places) as k:
        member = f.item(table, f.value(f"shl i64 {k}, 1"), "i64")
        f.equal(member, f.item(wanted, k, "i64"), "failed")
    advance(f, place, 4, places)

    holder, dtype, ndim, flags, nbytes, saved = operands("content")
    holder = pointer(holder)
    f.equal(f.at(holder, DTYPE), dtype, "failed")
    _same_shape(f, holder, ndim, flags, after("content"))
    have, saved = f.at(holder, CONTENT, "ptr"), pointer(saved)
    whole = f.value(f"and i64 {nbytes}, -8")
    with f.count_to(whole, step=8) as k:
        f.equal(_loaded(f, have, k, "i64"), _loaded(f, saved, k, "i64"), "failed")
    with f.count_to(nbytes, whole) as k:
        f.equal(_loaded(f, have, k, "i8"), _loaded(f, saved, k, "i8"), "failed", "i8")
    advance(f, place, len(GUARDS["content"]) + 1, ndim)


def _loaded(f: FunctionText, pointer: str, offset: str, kind: str) -> str:
    place = f.value(f"getelementptr i8, ptr {pointer}, i64 {offset}")
    return f.value(f"load {kind}, ptr {place}, align 1")


def _same_shape(f: FunctionText, array: str, ndim: str, flags: str, lengths: str) -> None:
    """That an array has these flags and lengths."""
    f.equal(f.value(f"sext i32 {f.at(array, NDIM, 'i32')} to i64"), ndim, "failed")
    have = f.value(f"zext i32 {f.at(array, FLAGS, 'i32')} to i64")
    f.equal(f.value(f"and i64 {have}, {flags}"), flags, "failed")
    dims = f.at(array, DIMS, "ptr")
    with f.count_to(ndim) as d:
        f.equal(f.item(dims, d, "i64"), f.item(lengths, d, "i64"), "failed")


def _no_overlap(f: FunctionText) -> None:
    """Memory that is donated must not be shared: records of slot, bytes and whether it is donated.

    They are kept in the order of their addresses, which are mostly those of the last call.
    """
    size = 8 * OVERLAP_WORDS
    start, stop = f.word("%entry", ENTRY["overlaps"]), f.word("%entry", ENTRY["overlaps_end"])
    base = f.value(f"inttoptr i64 {start} to ptr")

    def record(offset: str) -> str:
        return f.value(f"getelementptr i8, ptr {base}, i64 {offset}")

    def address(words: str) -> str:
        return f.value(f"ptrtoint ptr {f.item('%table', f.word(words, 0))} to i64")

    # Insertion: each record moves to its place among those before it.
    with f.count_to(f.value(f"sub i64 {stop}, {start}"), str(size), size) as offset:
        words = [f.word(record(offset), k) for k in range(OVERLAP_WORDS)]
        first = address(record(offset))
        place = f.variable("i64", offset)
        search, look, move, found = (f.block() for _ in range(4))
        f(f"br label %{search}")
        f.label(search)
        at = f.value(f"load i64, ptr {place}")
        f(f"br i1 {f.value(f'icmp sgt i64 {at}, 0')}, label %{look}, label %{found}")
        f.label(look)
        previous = f.value(f"sub i64 {at}, {size}")
        later = f.value(f"icmp ugt i64 {address(record(previous))}, {first}")
        f(f"br i1 {later}, label %{move}, label %{found}")
        f.label(move)
        for k in range(OVERLAP_WORDS):
            f.set_item(record(at), str(k), f.word(record(previous), k), "i64")
        f(f"store i64 {previous}, ptr {place}")
        f(f"br label %{search}")
        f.label(found)
        for k, word in enumerate(words):
            f.set_item(record(f.value(f"load i64, ptr {place}")), str(k), word, "i64")
    ends = {"any": f.variable("i64", "0"), "donated": f.variable("i64", "0")}
    with f.records(start, stop, OVERLAP_WORDS) as array:
        first = address(array)
        last = f.value(f"add i64 {first}, {f.word(array, 1)}")
        donated = f.value(f"icmp ne i64 {f.word(array, 2)}, 0")
        before = {name: f.value(f"load i64, ptr {end}") for name, end in ends.items()}
        # What is donated begins after all before it, anything else after what is donated.
        bound = f.value(f"select i1 {donated}, i64 {before['any']}, i64 {before['donated']}")
        f.require(f.value(f"icmp ule i64 {bound}, {first}"), "failed")
        for name, end in ends.items():
            further = f.value(f"icmp ugt i64 {last}, {before[name]}")
            if name == "donated":
                further = f.value(f"and i1 {further}, {donated}")
            new = f.value(f"select i1 {further}, i64 {last}, i64 {before[name]}")
            f(f"store i64 {new}, ptr {end}")
