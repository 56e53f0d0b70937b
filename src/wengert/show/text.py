"""Statements as lines of text, wrapped where they are too long."""

from __future__ import annotations

import ast
import textwrap

from .names import Rename
from .writer import Statement

__all__ = ["lines_of", "wrapped"]

_LINE_LENGTH = 100


def lines_of(statements: list[Statement], rename: Rename, shapes: bool) -> str:
    """The statements, with shapes and remarks as comments."""
    texts = [wrapped(rename.text(s.tree)) for s in statements]
    last = [len(t.splitlines()[-1]) for t in texts]
    width = min(max(last, default=0), 60)
    lines = []
    for s, text, n in zip(statements, texts, last, strict=True):
        comments = [str(s.variable.shape)] if shapes and s.variable is not None else []
        comments += [s.comment] if s.comment else []
        gap = " " * max(width - n if shapes else 0, 0)
        lines.append(f"{text}{gap}  # {', '.join(comments)}" if comments else text)
    return "\n".join(lines)


def wrapped(line: str) -> str:
    """A statement on several lines if it is too long for one."""
    if len(line) <= _LINE_LENGTH:
        return line
    target, separator, value = line.partition(" = ")
    tree = ast.dump(ast.parse(line))
    options = {"break_long_words": False, "break_on_hyphens": False}
    for head, body, end in ((f"{target}{separator}(", value, ")"), ("", line, "")):
        rows = textwrap.wrap(body, _LINE_LENGTH - 4, **options)  # type: ignore[arg-type]
        indented = "\n".join("    " + row for row in rows)
        text = f"{head}\n{indented}\n{end}" if end else indented.strip()
        try:
            if separator and ast.dump(ast.parse(text)) == tree:
                return text
        except SyntaxError:  # a space inside of a string
            continue
    return line
