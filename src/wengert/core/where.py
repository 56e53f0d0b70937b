"""Where an error happened, in the user's words: the line, the expression, the function called.

Read off the Python frames that are active while an error is made, so that it costs nothing before.
Nothing here runs the user's code or keeps a frame.
"""

from __future__ import annotations

import ast
import builtins
import linecache
import os
import sys
from itertools import islice
from opcode import opmap
from pathlib import PurePath
from types import CodeType, FrameType, ModuleType
from typing import Any, NamedTuple

__all__ = [
    "Caller",
    "Spot",
    "calling",
    "is_item_assignment",
    "public_name",
    "raised_by_library",
    "spot",
    "user_line",
]

# Whose frames lie between a user's line and an error of ours: these packages, and Python's own
# library. That is known by its place: a user's file may be called code.py or random.py, too.
_PACKAGES = frozenset({"wengert", "numpy", "scipy", "opt_einsum", "optree"})
_PYTHONS = os.path.dirname(os.__file__) + os.sep
_LONGEST = 72


class Caller(NamedTuple):
    """What the user called, and where.

    Attributes
    ----------
    name : str
        The function as users know it, such as ``math.sin`` or ``np.sum``; "" if it is not known.
    expression : str
        The source of what was being computed; "" if the source is not available.
    line : str
        See `user_line`.
    library : str
        The package of the code that asked, such as ``scipy``; "" for the user's own.
    method : str
        The ``f`` of a call ``x.f(...)`` where x is no module; "" otherwise.
    """

    name: str
    expression: str
    line: str
    library: str
    method: str = ""


def _package(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__") or "").partition(".")[0]


def _is_library(frame: FrameType) -> bool:
    if _package(frame) in _PACKAGES:
        return True
    name = frame.f_code.co_filename
    return name.startswith("<frozen") or (name.startswith(_PYTHONS) and "-packages" not in name)


def _users_frame() -> tuple[FrameType | None, FrameType | None]:
    """The innermost frame of the user, and the library's frame that it called, not ours."""
    frame: FrameType | None = sys._getframe(1)
    called = None
    while frame is not None and _is_library(frame):
        if _package(frame) != "wengert":
            called = frame
        frame = frame.f_back
    return frame, called


def user_line() -> str:
    """The user's line that is being executed, as ``script.py, line 3: y = a + b``; "" if none."""
    frame, _ = _users_frame()
    return "" if frame is None else _line(frame)


def _line(frame: FrameType) -> str:
    return _line_of(frame.f_code.co_filename, frame.f_lineno, frame.f_globals)


def _line_of(name: str, number: int, module: dict[str, Any] | None = None) -> str:
    text = linecache.getline(name, number, module).strip()
    if len(text) > _LONGEST:
        text = text[: _LONGEST - 3] + "..."
    return f"{PurePath(name).name}, line {number}" + (f": {text}" if text else "")


class Spot(NamedTuple):
    """A place in the user's code, to be looked up when an error is made.

    It refers to the names of the place alone, so that a tape may keep it.
    """

    file: str
    number: int
    function: str

    def __str__(self) -> str:
        return _line_of(self.file, self.number)


def spot() -> Spot | None:
    """Where the user's code is; None if no frame is the user's."""
    frame, _ = _users_frame()
    if frame is None:
        return None
    return Spot(frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_qualname)


def calling() -> Caller:
    """What the user was calling when the caller of this function was reached."""
    frame, called = _users_frame()
    if frame is None:
        return Caller("", "", "", "")
    expression = _expression(frame)
    name, method = _called_name(expression, frame)
    if name.startswith("wengert."):  # it called what asked, as in jvp(math.sin, (x,), (t,))
        name = ""
    if not name and called is not None:
        name = _defined_name(called)
    library = _package(called) if called is not None else name.partition(".")[0]
    return Caller(name, expression, _line(frame), library, method)


def _defined_name(frame: FrameType) -> str:
    """The public name of the function that a library's frame runs; "" if it has none."""
    module, name = str(frame.f_globals.get("__name__")), frame.f_code.co_name
    if name == "__call__":  # users write the class: np.vectorize(f)(x)
        name = frame.f_code.co_qualname.partition(".")[0]
    shown = public_name(module, name)
    public = sys.modules.get(shown.rpartition(".")[0].replace("np", "numpy", 1))
    return shown if not name.startswith(("_", "<")) and hasattr(public, name) else ""


def _expression(frame: FrameType) -> str:
    """The source of the expression that a frame is evaluating; "" if it cannot be had."""
    positions = next(islice(frame.f_code.co_positions(), frame.f_lasti // 2, None), None)
    if positions is None or None in positions:
        return ""
    first, last, start, stop = (int(p) for p in positions if p is not None)
    lines = linecache.getlines(frame.f_code.co_filename, frame.f_globals)[first - 1 : last]
    if len(lines) != last - first + 1:
        return ""
    rows = [line.encode() for line in lines]  # columns count bytes
    rows[-1] = rows[-1][:stop]
    rows[0] = rows[0][start:]
    return b"".join(rows).decode(errors="replace").strip()


def _called_name(expression: str, frame: FrameType) -> tuple[str, str]:
    """The public name of the function that an expression calls, or the method; "" if neither.

    ``np.r_[...]`` and its kin are functions that are called with brackets.
    """
    try:
        node = ast.parse(expression.strip(), mode="eval").body
    except (SyntaxError, ValueError):
        return "", ""
    if isinstance(node, ast.Subscript):
        path = _dotted(node.value)
        module = frame.f_globals.get(path[0]) if len(path) == 2 else None
        return (f"np.{path[1]}", "") if module is sys.modules.get("numpy") is not None else ("", "")
    if not isinstance(node, ast.Call):
        return "", ""
    method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
    path = _dotted(node.func)
    if not path:
        return "", method
    if path[0] in (*frame.f_code.co_varnames, *frame.f_code.co_freevars):
        found = frame.f_locals.get(path[0])
    else:
        found = frame.f_globals.get(path[0], getattr(builtins, path[0], None))
    for i, part in enumerate(path[1:], 1):
        if not isinstance(found, ModuleType):  # an attribute of something else might compute
            # An instance that a module offers, such as scipy.stats.norm, is named by the path.
            return (".".join(path), "") if i > 1 else ("", method)
        found = vars(found).get(part)
    module, name = getattr(found, "__module__", None), getattr(found, "__name__", None)
    if isinstance(module, str) and isinstance(name, str) and name.isidentifier():
        return public_name(module, name), ""
    return ".".join(path), ""


def _dotted(node: ast.expr) -> list[str]:
    """The names in ``a.b.c``; [] for anything else."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return []
    return [node.id, *reversed(names)]


def public_name(module: str, name: str) -> str:
    """A function's name as users write it: without private modules, ``np`` for NumPy."""
    if module == "builtins":
        return name
    parts: list[str] = []
    for part in module.split("."):
        if part.startswith("_"):
            break
        parts.append(part)
    while len(parts) > 1 and not hasattr(sys.modules.get(".".join(parts)), name):
        parts.pop()
    return ".".join(["np" if parts[:1] == ["numpy"] else parts[0], *parts[1:], name])


# The instructions of an assignment to an item; from Python 3.12 on one of its own for x[a:b] = y.
_STORE_ITEM = frozenset(opmap[n] for n in ("STORE_SUBSCR", "STORE_SLICE") if n in opmap)


def is_item_assignment() -> bool:
    """Whether the code that called into wengert is executing ``something[...] = ...``.

    Read off the instruction, so no source is needed.
    """
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and _package(frame) == "wengert":
        frame = frame.f_back
    if frame is None:
        return False
    code: CodeType = frame.f_code
    return code.co_code[frame.f_lasti] in _STORE_ITEM


def raised_by_library(error: BaseException) -> bool:
    """Whether an error comes from NumPy or from wengert, and not from a function of the user.

    Asked in an ``except`` clause: the traceback leads from there to where it was raised.
    """
    traceback = error.__traceback__
    while traceback is not None:
        if not _is_library(traceback.tb_frame):
            return False
        traceback = traceback.tb_next
    return True
