"""The native side of a call: guards, results and containers, one LLVM module for all functions.

Python calls ``dispatch`` (a `PyMethodDef` with METH_FASTCALL | METH_KEYWORDS). It tries the
*entries* of the function that was called, one for each signature: each is an array of words
(`entry_words`) with a program of guards, which read the arguments and what was captured, and one of
outputs. Where a guard fails nothing has happened yet; where all entries fail, Python takes over
(``wengert_slow``), which records the function again, copies arguments into another layout, or
explains an error.

Guards are data and not code, so that a signature costs no compilation, and this module has no
addresses in it and can be kept on disk. They take 3 ns for each array.
"""

from __future__ import annotations

import functools

from ..runtime.layout import CONTENT, ITEMS
from .entry_guards import advance, guarded, interpreter
from .entry_words import ENTRY, OUTPUTS, RESULT_WORDS
from .function_text import FunctionText

__all__ = ["PYTHON_FUNCTIONS", "dispatcher_text"]

# Result, arguments.
PYTHON_FUNCTIONS = {
    "Py_IncRef": ("void", "ptr"),
    "Py_DecRef": ("void", "ptr"),
    "PyDict_GetItemWithError": ("ptr", "ptr, ptr"),
    "PyDict_New": ("ptr", ""),
    "PyDict_Next": ("i32", "ptr, ptr, ptr, ptr"),
    "PyDict_SetItem": ("i32", "ptr, ptr, ptr"),
    "PyErr_Clear": ("void", ""),
    "PyErr_SetString": ("void", "ptr, ptr"),
    "PyEval_SaveThread": ("ptr", ""),
    "PyEval_RestoreThread": ("void", "ptr"),
    "PyList_New": ("ptr", "i64"),
    "PyLong_AsLongLongAndOverflow": ("i64", "ptr, ptr"),
    "PyObject_CallOneArg": ("ptr", "ptr, ptr"),
    "PyObject_GenericGetDict": ("ptr", "ptr, ptr"),
    "PyObject_RichCompareBool": ("i32", "ptr, ptr, i32"),
    "PyObject_Vectorcall": ("ptr", "ptr, ptr, i64, ptr"),
    "PyTuple_New": ("ptr", "i64"),
}
_NUMPY_FUNCTIONS = {
    "PyArray_NewFromDescr": ("ptr", "ptr, ptr, i32, ptr, ptr, ptr, i32, ptr"),
    "PyArray_Scalar": ("ptr", "ptr, ptr, ptr"),
}
_FAILED = "inttoptr (i64 1 to ptr)"  # a guard failed: no object


def _outputs() -> str:
    """``ptr outputs(entry, registers, results, stack)``: the object to return, or null.

    ``results`` are owned, and taken from there one by one.
    """
    f = FunctionText("internal ptr @outputs(ptr %entry, ptr %regs, ptr %results, ptr %stack)")
    start, stop = f.word("%entry", ENTRY["outputs"]), f.word("%entry", ENTRY["outputs_end"])
    top = f.variable("i64", "0")
    place = interpreter(f, OUTPUTS, start, stop)

    def operands(name: str) -> list[str]:
        f.label(f"do_{name}")
        return [f.word("%pc", k + 1) for k in range(len(OUTPUTS[name]))]

    def push(o: str) -> None:
        n = f.value(f"load i64, ptr {top}")
        f.set_item("%stack", n, o)
        f(f"store i64 {f.value(f'add i64 {n}, 1')}, ptr {top}")

    def popped(length: str) -> str:
        """The pointer to the last objects of the stack, which are no longer on it."""
        n = f.value(f"sub i64 {f.value(f'load i64, ptr {top}')}, {length}")
        f(f"store i64 {n}, ptr {top}")
        return f.value(f"getelementptr ptr, ptr %stack, i64 {n}")

    def made(text: str) -> str:
        o = f.value(text)
        f.require(f.value(f"icmp ne ptr {o}, null"), "failed")
        return o

    (number,) = operands("result")
    push(f.item("%results", number))
    f.set_item("%results", number, "null")
    advance(f, place, 2)

    (address,) = operands("object")
    o = f.value(f"inttoptr i64 {address} to ptr")
    f(f"call void @Py_IncRef(ptr {o})")
    push(o)
    advance(f, place, 2)

    (src,) = operands("argument")
    o = f.item("%regs", src)
    f(f"call void @Py_IncRef(ptr {o})")
    push(o)
    advance(f, place, 2)

    def filled(name: str, length: str) -> str:
        o = made(f"call ptr @{'PyTuple' if name == 'tuple' else 'PyList'}_New(i64 {length})")
        items = f.value(f"getelementptr i8, ptr {o}, i64 {ITEMS}")
        if name == "list":
            items = f.value(f"load ptr, ptr {items}")
        parts = popped(length)
        with f.count_to(length) as k:
            f.set_item(items, k, f.item(parts, k))
        return o

    for name in ("tuple", "list"):
        (length,) = operands(name)
        push(filled(name, length))
        advance(f, place, 2)

    (length,) = operands("dict")
    o = made("call ptr @PyDict_New()")
    keys = f.value("getelementptr i64, ptr %pc, i64 2")
    parts = popped(length)
    with f.count_to(length) as k:
        part = f.item(parts, k)
        # Without memory an item is missing; Python's error is set, and raised at the end.
        f.value(f"call i32 @PyDict_SetItem(ptr {o}, ptr {f.item(keys, k)}, ptr {part})")
        f(f"call void @Py_DecRef(ptr {part})")
    push(o)
    advance(f, place, 2, length)

    length, function = operands("call")
    gathered = filled("list", length)
    called = f.value(f"inttoptr i64 {function} to ptr")
    o = f.value(f"call ptr @PyObject_CallOneArg(ptr {called}, ptr {gathered})")
    f(f"call void @Py_DecRef(ptr {gathered})")
    f.require(f.value(f"icmp ne ptr {o}, null"), "failed")
    push(o)
    advance(f, place, 3)

    f.label("failed")
    with f.count_to(f.value(f"load i64, ptr {top}")) as k:
        f(f"call void @Py_DecRef(ptr {f.item('%stack', k)})")
    f("ret ptr null")
    f.label("done")
    f(f"ret ptr {f.item('%stack', '0')}")
    return f.text()


def _call() -> str:
    """``ptr call(entry, args, nargs, names)``: the result, null for an error, or 1: try another."""
    f = FunctionText("internal ptr @call(ptr %entry, ptr %args, i64 %nargs, ptr %names)")
    word = functools.partial(f.word, "%entry")
    f.equal("%nargs", word(ENTRY["arguments"]), "failed")
    keywords = word(ENTRY["keywords"])
    given = f.value("icmp ne ptr %names, null")
    count = f.variable("i64", "0")
    with f.when(given):
        f(f"store i64 {f.at('%names', CONTENT)}, ptr {count}")
    f.equal(f.value(f"load i64, ptr {count}"), keywords, "failed")
    known = word(ENTRY["names"], "ptr")
    with f.count_to(keywords) as k:
        names = f.value(f"getelementptr i8, ptr %names, i64 {ITEMS}")
        f.equal(f.item(names, k, "i64"), f.item(known, k, "i64"), "failed")
    sizes = {k: word(ENTRY[k]) for k in ("registers", "table", "scratch", "stack")}
    regs = f.value(f"alloca ptr, i64 {sizes['registers']}")
    table = f.value(f"alloca ptr, i64 {sizes['table']}, align 16")
    scratch = f.value(f"alloca [2 x i64], i64 {sizes['scratch']}, align 16")
    with f.count_to(f.value(f"add i64 %nargs, {keywords}")) as k:
        f.set_item(regs, k, f.item("%args", k))
    arguments = f"ptr %entry, ptr {regs}, ptr {table}, ptr {scratch}"
    f.require(f.value(f"call i1 @guarded({arguments})"), "failed")

    # Memory for temporaries: other threads may have it all.
    pool = word(ENTRY["pool"], "ptr")
    has_pool = f.value(f"icmp ne ptr {pool}, null")
    arena = f.variable("ptr", "null")
    with f.when(has_pool):
        free = f.word(pool, 0)
        f.require(f.value(f"icmp ne i64 {free}, 0"), "failed")
        taken = f.item(pool, free)
        f(f"store i64 {f.value(f'sub i64 {free}, 1')}, ptr {pool}")
        f(f"store ptr {taken}, ptr {arena}")
        f.set_item(table, word(ENTRY["arena"]), taken)

    # Results.
    start, stop = word(ENTRY["results"]), word(ENTRY["results_end"])
    size = 8 * len(RESULT_WORDS)
    count_results = f.value(f"udiv i64 {f.value(f'sub i64 {stop}, {start}')}, {size}")
    results = f.value(f"alloca ptr, i64 {f.value(f'add i64 {count_results}, 1')}")
    with f.count_to(count_results) as k:
        f.set_item(results, k, "null")
    position = f.variable("i64", "0")
    kind = word(ENTRY["array_type"], "ptr")
    with f.records(start, stop, len(RESULT_WORDS)) as record:
        is_scalar, slot, dtype, ndim, dims, where = (
            f.word(record, k, "ptr" if name in ("dtype", "dims") else "i64")
            for k, name in enumerate(RESULT_WORDS[:6])
        )
        memory = f.variable("ptr", "null")
        scalar, array, placed = f.block(), f.block(), f.block()
        f(f"br i1 {f.value(f'icmp ne i64 {is_scalar}, 0')}, label %{scalar}, label %{array}")
        f.label(scalar)
        own = f.value(f"getelementptr [2 x i64], ptr {scratch}, i64 {where}")
        f(f"store ptr {own}, ptr {memory}")
        f(f"br label %{placed}")
        f.label(array)
        f(f"call void @Py_IncRef(ptr {dtype})")
        narrow = f.value(f"trunc i64 {ndim} to i32")
        o = f.value(
            f"call ptr @PyArray_NewFromDescr(ptr {kind}, ptr {dtype}, i32 {narrow}, ptr {dims}, "
            "ptr null, ptr null, i32 0, ptr null)"
        )
        f.require(f.value(f"icmp ne ptr {o}, null"), "error")
        f.set_item(results, f.value(f"load i64, ptr {position}"), o)
        f(f"store ptr {f.at(o, CONTENT, 'ptr')}, ptr {memory}")
        f(f"br label %{placed}")
        f.label(placed)
        f.set_item(table, slot, f.value(f"load ptr, ptr {memory}"))
        following = f.value(f"add i64 {f.value(f'load i64, ptr {position}')}, 1")
        f(f"store i64 {following}, ptr {position}")

    # Long work is done without the lock; then nobody else holds the arrays for us.
    run, release = word(ENTRY["run"], "ptr"), word(ENTRY["release"])
    alone, together, ran = f.block(), f.block(), f.block()
    f(f"br i1 {f.value(f'icmp ne i64 {release}, 0')}, label %{alone}, label %{together}")
    f.label(alone)
    with f.count_to(sizes["registers"]) as k:
        f(f"call void @Py_IncRef(ptr {f.item(regs, k)})")
    state = f.value("call ptr @PyEval_SaveThread()")
    f(f"call void {run}(ptr {table})")
    f(f"call void @PyEval_RestoreThread(ptr {state})")
    f(f"br label %{ran}")
    f.label(together)
    f(f"call void {run}(ptr {table})")
    f(f"br label %{ran}")
    f.label(ran)

    found = f.value(f"load ptr, ptr {arena}")
    with f.records(word(ENTRY["checks"]), word(ENTRY["checks_end"]), 3) as check:
        flag = f.at(found, f.word(check, 0), "i8")
        with f.when(f.value(f"icmp ne i8 {flag}, 0")):
            kind, message = f.word(check, 1, "ptr"), f.word(check, 2, "ptr")
            f(f"call void @PyErr_SetString(ptr {kind}, ptr {message})")
            f("br label %unheld")
            f.label(f.block())

    # Scalars are made of what stands in scratch memory now.
    f(f"store i64 0, ptr {position}")
    with f.records(start, stop, len(RESULT_WORDS)) as record:
        copied, source = f.word(record, 6), f.word(record, 7)
        with f.when(f.value(f"icmp ne i64 {copied}, 0")):
            memory, origin = f.item(table, f.word(record, 1)), f.item(table, source)
            f(
                f"call void @llvm.memcpy.p0.p0.i64(ptr {memory}, ptr {origin}, i64 {copied}, "
                "i1 false)"
            )
        index = f.value(f"load i64, ptr {position}")
        with f.when(f.value(f"icmp ne i64 {f.word(record, 0)}, 0")):
            memory = f.item(table, f.word(record, 1))
            o = f.value(
                f"call ptr @PyArray_Scalar(ptr {memory}, ptr {f.word(record, 2, 'ptr')}, ptr null)"
            )
            f.require(f.value(f"icmp ne ptr {o}, null"), "unheld")
            f.set_item(results, index, o)
        f(f"store i64 {f.value(f'add i64 {index}, 1')}, ptr {position}")
    stack = f.value(f"alloca ptr, i64 {sizes['stack']}")
    out = f.value(f"call ptr @outputs(ptr %entry, ptr {regs}, ptr {results}, ptr {stack})")
    result = f.variable("ptr", "null")
    f(f"store ptr {out}, ptr {result}")
    f("br label %finish")
    f.label("unheld")
    f(f"store ptr null, ptr {result}")
    f("br label %finish")
    f.label("finish")
    with f.when(f.value(f"icmp ne i64 {release}, 0")):
        with f.count_to(sizes["registers"]) as k:
            f(f"call void @Py_DecRef(ptr {f.item(regs, k)})")
    f("br label %close")
    f.label("error")
    f(f"store ptr null, ptr {result}")
    f("br label %close")
    f.label("close")
    with f.when(has_pool):
        free = f.value(f"add i64 {f.word(pool, 0)}, 1")
        f(f"store i64 {free}, ptr {pool}")
        f.set_item(pool, free, f.value(f"load ptr, ptr {arena}"))
    final = f.value(f"load ptr, ptr {result}")
    with f.when(f.value(f"icmp eq ptr {final}, null")):
        with f.count_to(count_results) as k:
            o = f.item(results, k)
            with f.when(f.value(f"icmp ne ptr {o}, null")):
                f(f"call void @Py_DecRef(ptr {o})")
    f(f"ret ptr {final}")
    f.label("failed")
    f(f"ret ptr {_FAILED}")
    return f.text()


def _dispatch(slot: int) -> str:
    f = FunctionText("ptr @dispatch(ptr %self, ptr %args, i64 %nargs, ptr %names)")
    # While any thread records, Python finds out whether it is this one.
    f.equal(f.at("@wengert_recording", CONTENT), "0", "slow")
    entries = f.at("%self", slot, "ptr")
    f.require(f.value(f"icmp ne ptr {entries}, null"), "slow")
    words = f.at(entries, CONTENT, "ptr")
    # Another thread may put a longer array in its place.
    f(f"call void @Py_IncRef(ptr {entries})")
    count = f.word(words, 0)
    with f.count_to(f.value(f"add i64 {count}, 1"), "1") as k:
        entry = f.item(words, k)
        arguments = f"ptr {entry}, ptr %args, i64 %nargs, ptr %names"
        found = f.value(f"call ptr @call({arguments})")
        with f.when(f.value(f"icmp ne ptr {found}, {_FAILED}")):
            f(f"call void @Py_DecRef(ptr {entries})")
            f(f"ret ptr {found}")
            f.label(f.block())
    f(f"call void @Py_DecRef(ptr {entries})")
    f("br label %slow")
    f.label("slow")
    total = f.variable("i64", "%nargs")
    with f.when(f.value("icmp ne ptr %names, null")):
        keywords = f.at("%names", CONTENT)
        f(f"store i64 {f.value(f'add i64 %nargs, {keywords}')}, ptr {total}")
    n = f.value(f"load i64, ptr {total}")
    stack = f.value(f"alloca ptr, i64 {f.value(f'add i64 {n}, 1')}")
    f(f"store ptr %self, ptr {stack}")
    rest = f.value(f"getelementptr ptr, ptr {stack}, i64 1")
    with f.count_to(n) as k:
        f.set_item(rest, k, f.item("%args", k))
    positional = f.value("add i64 %nargs, 1")
    out = f.value(
        f"call ptr @PyObject_Vectorcall(ptr @wengert_slow, ptr {stack}, i64 {positional}, "
        "ptr %names)"
    )
    f(f"ret ptr {out}")
    return f.text()


def dispatcher_text(slot: int) -> str:
    """The module with ``dispatch``.

    Parameters
    ----------
    slot : int
        Where, in bytes, the object that is called keeps the array of its entries' addresses.
    """
    declarations = [
        f"declare {result} @{name}({arguments})"
        for name, (result, arguments) in (PYTHON_FUNCTIONS | _NUMPY_FUNCTIONS).items()
    ]
    declarations.append("declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)")
    variables = [f"@{name} = external global i8" for name in ("wengert_recording", "wengert_slow")]
    parts = [guarded(), _outputs(), _call(), _dispatch(slot)]
    return "\n".join([*declarations, *variables, "", *parts])
