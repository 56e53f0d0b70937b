"""Pieces of source that the generators of `fast.py` share."""

from __future__ import annotations

import ast
import re
from typing import Any

from .pointwise import POINTWISE
from .symbols import Symbol

__all__ = ["add_to", "bind_names", "in_place", "indent", "partials_of", "product", "twice"]


def product(g: str, partial: Symbol) -> str:
    """Source of ``g`` times a partial."""
    if partial.text == "1":
        return g
    if partial.text == "-1":
        return f"-{g}"
    if partial.text.startswith("-") and partial.precedence == 3:
        inner = Symbol(partial.text[1:], 2, partial.names)
        return f"-{product(g, inner)}"
    if partial.text.startswith("1 / ") and partial.precedence == 2 and "*" not in partial.text:
        return f"{g} / {partial.text[4:]}"
    return f"{g} * {partial.within(3)}"


_AUGMENTED = {ast.Add: "+=", ast.Sub: "-=", ast.Mult: "*=", ast.Div: "/="}


def twice(g: str, x: str) -> str:
    """Source of ``t = 2 g x`` for arrays of one shape."""
    return (
        f"if {g}.size < 4096:\n    t = {g} * {x}\n    t += t\n"
        f"else:\n    t = twice_product({g}, {x})\n"
    )


def in_place(text: str) -> str:
    """Source that computes ``t = text`` with few temporaries.

    All operands have one shape, and all but ``g`` one dtype: the cotangent of a real array may
    still be complex.
    """

    def write(e: ast.expr) -> list[str]:
        if not isinstance(e, ast.BinOp) or type(e.op) not in _AUGMENTED:
            return [f"t = {ast.unparse(e)}"]
        commutes = isinstance(e.op, (ast.Add, ast.Mult))
        for made, other in ((e.left, e.right), (e.right, e.left))[: 1 + commutes]:
            if isinstance(made, _MADE) and not isinstance(other, _MADE):
                operand = ast.unparse(other)
                if operand == "g":
                    new = f"t = {ast.unparse(ast.BinOp(other, e.op, _T))}"
                    if not isinstance(e.op, ast.Mult):
                        return [*write(made), new]
                    # Saves an array, and passes over memory, for one comparison.
                    test = ["if g.dtype is t.dtype:", "    t *= g", "else:", f"    {new}"]
                    return [*write(made), *test]
                return [*write(made), f"t {_AUGMENTED[type(e.op)]} {operand}"]
        return [f"t = {ast.unparse(e)}"]

    return "".join(f"{line}\n" for line in write(ast.parse(text, mode="eval").body))


_T = ast.Name("t")
_MADE = (ast.BinOp, ast.UnaryOp, ast.Call)  # what makes a new array


def add_to(parent: str, new: bool = False) -> str:
    """Source that adds ``t`` to the cotangent of a parent; ``new``: nobody else holds ``t``."""
    if not new:
        return f"k = {parent}[0]\ncotangents[k] = cotangents[k] + t if k in cotangents else t\n"
    return (
        f"k = {parent}[0]\nif k in cotangents:\n    add_to_cotangent(cotangents, k, t)\n"
        "else:\n    cotangents[k] = t\n"
    )


def indent(text: str, n: int = 4) -> str:
    """The text, further to the right."""
    return "".join(" " * n + line if line.strip() else line for line in text.splitlines(True))


def partials_of(name: str) -> tuple[Any, ...]:
    """The partial derivatives of a pointwise primitive."""
    partials = POINTWISE[name].partials
    assert partials is not None
    return partials


def bind_names(text: str) -> tuple[str, str]:
    """The text with a global name for each of NumPy's functions, and the lines that bind them.

    NumPy's module computes some of its attributes, so that CPython cannot remember where it found
    one: a global name is found many times faster than ``np.exp``.
    """
    names = sorted(set(re.findall(r"\bnp\.(\w+)\(", text)))
    lines = "".join(f"np_{name} = np.{name}\n" for name in names)
    return re.sub(r"\bnp\.(\w+)\(", r"np_\1(", text), f"\n\n{lines}"
