"""What NumPy refuses (shapes that do not fit, dtypes without numbers), in an error that says more.

NumPy's own message tells neither the operation nor the operand, and not what to do. Where wengert
calls NumPy, the error passes an ``except`` clause that makes another of it: with the operation, the
shapes and dtypes of the operands, the cause, the remedy and the user's line. A ``try`` costs
nothing as long as nothing is raised, so the fast paths have it too.
"""

from __future__ import annotations

import re
from typing import Any, TypeVar

import numpy as np

from .errors import (
    ShapeError,
    WengertError,
    WengertIndexError,
    WengertTypeError,
    WengertValueError,
)
from .tensor import Tensor
from .where import raised_by_library, user_line

E = TypeVar("E", bound=WengertError)

__all__ = ["explained", "located", "no_operand", "not_numbers", "operand_names", "operation_text"]

_BROADCAST = re.compile(r"broadcast")
_JOINED = re.compile(r"concatenation axis|same number of dimensions|must have the same shape")
_NO_LOOP = re.compile(r"not supported for the input types|did not contain a loop")
_SHAPES = re.compile(r"shape|dimension|size|length|align|depth|elements|equal division|axis")


def operand_names(count: int) -> tuple[str, ...]:
    """What `operation_text` calls the operands."""
    return ("x", "y", "z")[:count] if count <= 3 else tuple([f"x{i}" for i in range(count)])


def operation_text(primitive: Any, params: dict[str, Any], count: int) -> str:
    """An operation as Python, its operands called x, y, z."""
    names = operand_names(count)
    show = primitive.show
    try:
        if show is None:
            return str(primitive.name)
        return str(show(*names, **params) if callable(show) else show.format(*names, **params))
    except Exception:  # a text for a message must not hide the error it is about
        return str(primitive.name)


def explained(error: Exception, operation: str, operands: Any) -> Exception:
    """The error to raise in place of one that NumPy (or a rule) raised for these operands.

    The user's own errors, and those that say enough (an index or an axis out of bounds, a singular
    matrix), come back as they are.

    Parameters
    ----------
    error : Exception
        As caught: its traceback tells whether it is the user's.
    operation : str
        As Python, such as ``x + y`` or ``np.concatenate``.
    operands : sequence
        What the operation was called with, in any nesting of lists, tuples and dicts.
    """
    if isinstance(error, WengertError):
        return _named(error, operation, operands)
    # Subclasses of NumPy's (AxisError, LinAlgError) say enough, and programs catch them by name.
    exact = type(error) in (ValueError, TypeError, IndexError)
    no_loop = isinstance(error, TypeError) and type(error).__module__ != "builtins"
    if not (exact or no_loop) or not raised_by_library(error):
        return error
    arrays = list(_arrays(operands))
    wrong = [dtype for _, dtype in arrays if dtype.kind not in "biufc"]
    if wrong:
        return not_numbers(operation, wrong[0])
    text = " ".join(str(error).split()).rstrip(".")
    if isinstance(error, TypeError):
        return _wrong_type(error, operation, [dtype for _, dtype in arrays], text)
    shapes = [shape for shape, _ in arrays]
    if isinstance(error, IndexError):
        have = f" (an array of shape {shapes[0]})" if shapes else ""
        return located(WengertIndexError(f"{operation}: {text}{have}"))
    return located(_wrong_value(operation, shapes, text))


def _wrong_type(error: TypeError, operation: str, dtypes: list[Any], text: str) -> Exception:
    if "interpreted as an integer" in text:
        return located(WengertTypeError(f"{operation}: {text}; axes and counts are integers"))
    if "ufunc" not in text and "supported" not in text:
        return error  # a wrong keyword, say
    found = _and(sorted({str(dtype) for dtype in dtypes}))
    detail = "" if _NO_LOOP.search(text) else f" (NumPy: {text})"
    return located(
        WengertTypeError(
            f"{operation}: not defined for operands of dtype {found}{detail}. Cast them with "
            ".astype(int), .astype(bool) or .astype(float), as the operation needs"
        )
    )


def _wrong_value(operation: str, shapes: list[tuple[int, ...]], text: str) -> WengertError:
    listed = _and([str(shape) for shape in shapes])
    if _BROADCAST.search(text):
        cause = _broadcast_cause(shapes)
        if cause:
            return ShapeError(
                f"{operation}: the shapes {listed} do not broadcast: {cause}. Lengths must be "
                "equal or 1, counted from the last axis: reshape one, or insert an axis with "
                "x[:, None]"
            )
    if _JOINED.search(text):
        return ShapeError(
            f"{operation}: the shapes {listed} do not fit: {text}. np.concatenate joins along an "
            "axis that is there, where only its lengths may differ; np.stack makes a new axis of "
            "equal shapes. Reshape or pad, or choose another axis"
        )
    function = operation.partition("(")[0]
    kind = ShapeError if _SHAPES.search(text) else WengertValueError
    said = text if text.startswith(function) else f"{operation}: {text}"
    said += _with_shapes([str(shape) for shape in shapes])
    return kind(f"{said}; {_help(function)} tells what it takes")


def _help(function: str) -> str:
    """Where a function is described; a method as that of NumPy's arrays, which it follows."""
    return f"help({function.replace('x.', 'np.ndarray.', 1) if function[:2] == 'x.' else function})"


def _and(words: list[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _broadcast_cause(shapes: list[tuple[int, ...]]) -> str:
    """Which axis makes that shapes do not broadcast; "" if they do."""
    for axis in range(1, max(map(len, shapes), default=0) + 1):
        lengths = sorted({s[-axis] for s in shapes if len(s) >= axis and s[-axis] != 1})
        if len(lengths) > 1:
            return f"axis {-axis} has the lengths {_and([str(n) for n in lengths])}"
    return ""


def _arrays(tree: Any) -> Any:
    """Shape and dtype of every operand in nested containers."""
    if isinstance(tree, (list, tuple)) and any(
        isinstance(x, (Tensor, np.ndarray, list, tuple, dict)) for x in tree
    ):
        for part in tree:
            yield from _arrays(part)
    elif isinstance(tree, dict):
        for part in tree.values():
            yield from _arrays(part)
    elif isinstance(tree, (Tensor, np.ndarray, np.generic)):
        yield tree.shape, tree.dtype
    elif isinstance(tree, list) or (hasattr(tree, "dtype") and not isinstance(tree, type)):
        try:
            a = np.asarray(tree)
        except Exception:
            return
        yield a.shape, a.dtype


def not_numbers(operation: str, dtype: np.dtype[Any]) -> WengertError:
    """The error for an operand (or a result) that holds something else than numbers."""
    holds = {"U": "text", "S": "bytes", "O": "Python objects", "M": "dates", "m": "durations"}
    return located(
        WengertTypeError(
            f"{operation}: an operand of dtype {dtype} holds {holds.get(dtype.kind, 'no numbers')}"
            "; wengert computes with booleans, integers, floats and complex numbers. Convert it "
            "with np.asarray(x, float)"
            + (", or stack Tensors with np.stack" if dtype.kind == "O" else "")
        )
    )


def no_operand(operation: str, x: Any) -> WengertTypeError:
    """The error for something that is neither a number nor an array."""
    error = WengertTypeError(
        f"{operation}: {_shown(x)} is no operand: expected a Tensor, an array, a number or a list "
        "of numbers"
    )
    return located(error)


def _shown(x: Any) -> str:
    return "None" if x is None else f"a {type(x).__name__}"


def _named(error: WengertError, operation: str, operands: Any) -> WengertError:
    """An error from within an operation, with the name of the function that the user called.

    One that an argument check raises in NumPy's words gets the operands' shapes, too.
    """
    name = operation.partition("(")[0]
    first = not hasattr(error, "located")
    if not (first or isinstance(error, ShapeError)):
        return error
    if not name.startswith(("np.", "x.")) or not raised_by_library(error):
        return located(error)
    text = str(error)
    short = name.rpartition(".")[2]
    if not (text.startswith((name, short)) or text.startswith(f"wengert.numpy.{short}")):
        text = f"{name}: {text}"
    if first and isinstance(error, (ShapeError, WengertTypeError, WengertValueError)):
        text = text.rstrip(".")
        shapes = [str(shape) for shape, _ in _arrays(operands)]
        if isinstance(error, ShapeError) and not any(shape in text for shape in shapes):
            text += _with_shapes(shapes)
        if ";" not in text and ". " not in text:
            text += f"; {_help(name)} tells what it takes"
    error.args = (text,)
    return located(error)


def _with_shapes(shapes: list[str]) -> str:
    if not shapes:
        return ""
    have = "the operands have shapes" if len(shapes) > 1 else "the operand has shape"
    return f" ({have} {_and(shapes)})"


def located(error: E) -> E:
    """The error with the user's line at the end of its message, once."""
    if len(error.args) == 1 and isinstance(error.args[0], str) and not hasattr(error, "located"):
        line = user_line()
        error.located = True  # type: ignore[attr-defined]
        if line:
            error.args = (f"{error.args[0]} [{line}]",)
    return error
