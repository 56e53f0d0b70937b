"""Arguments of a function written on the command line."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

import wengert as wg

__all__ = ["parse_argument"]

_GENERATORS: dict[str, Callable[[np.random.Generator, tuple[int, ...]], NDArray[Any]]] = {
    "normal": lambda rng, shape: rng.standard_normal(shape),
    "uniform": lambda rng, shape: rng.random(shape),
    "zeros": lambda rng, shape: np.zeros(shape),
    "ones": lambda rng, shape: np.ones(shape),
    "arange": lambda rng, shape: np.arange(np.prod(shape), dtype=float).reshape(shape),
}


def parse_argument(text: str, rng: np.random.Generator) -> Any:
    """The value that a command-line argument names.

    Parameters
    ----------
    text : str
        A number or nested lists of numbers (become float64), ``int(...)`` around either (stays
        whole), ``normal(3, 4)``, ``uniform``, ``zeros``, ``ones`` or ``arange`` with a shape, a
        quoted string, True, False or None.
    rng : numpy.random.Generator
        Draws the random arrays.

    Raises
    ------
    wengert.ConfigError
        If the text is none of these. It is parsed, never executed.
    """
    try:
        node = ast.parse(text.strip(), mode="eval").body
        if isinstance(node, ast.Call):
            return _call(node, rng)
        return _numbers(ast.literal_eval(node), float)
    except (SyntaxError, ValueError, TypeError, OverflowError, MemoryError) as error:
        if isinstance(error, wg.WengertError):
            raise
        # Of a name such as abc, literal_eval says only that it is a "malformed node".
        reason = "" if "malformed" in str(error) else f" ({error})"
        raise wg.ConfigError(
            f"--arg {text}: not understood{reason}; write a number, a list such as [1, 2], or a "
            "shape such as normal(3, 4)"
        ) from error


def _call(node: ast.Call, rng: np.random.Generator) -> Any:
    name = node.func.id if isinstance(node.func, ast.Name) else ""
    values = [ast.literal_eval(argument) for argument in node.args]
    if name == "int" and len(values) == 1 and not node.keywords:
        return _numbers(values[0], int)
    if name not in _GENERATORS or node.keywords:
        raise wg.ConfigError(
            f"--arg {ast.unparse(node)}: known are {', '.join(_GENERATORS)} with a shape, and "
            "int(...)"
        )
    shape = tuple(values[0]) if len(values) == 1 and isinstance(values[0], tuple) else tuple(values)
    if not all(type(size) is int and size >= 0 for size in shape):
        raise wg.ConfigError(
            f"--arg {ast.unparse(node)}: a shape is made of whole numbers, as in {name}(3, 4)"
        )
    return _GENERATORS[name](rng, shape)


def _numbers(value: Any, kind: type) -> Any:
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, (int, float, complex)):
        return value if isinstance(value, complex) else kind(value)
    array = np.array(value)
    if array.dtype.kind not in "biufc":
        raise ValueError("lists hold numbers and have equal lengths")
    if kind is int and array.dtype.kind not in "biu":
        raise ValueError("int(...) needs whole numbers")
    return array if array.dtype.kind in "bc" else array.astype(kind)
