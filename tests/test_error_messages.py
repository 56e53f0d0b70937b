"""House rule for errors: each is a `WengertError`, and its message says more than one word.

Every ``raise`` in the source is read, so a new one is held to the rule without a test of its own.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import wengert
from wengert.core import errors

SOURCE = Path(wengert.__file__).parent

# Caught and reported as one of ours; or a command for developers.
CAUGHT = {
    "cli/arguments.py",
    "rules/fast_generator.py",
    # `restricted_pickle.load` makes a DataError with the file's name of whatever these raise.
    "data/numpy_pickle.py",
    "data/pth.py",
    "data/python2_pickle.py",
    "data/restricted_pickle.py",
}


def raises() -> Iterator[tuple[str, ast.Call]]:
    for path in sorted(SOURCE.rglob("*.py")):
        name = path.relative_to(SOURCE).as_posix()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
                yield f"{name}:{node.lineno}", node.exc


def class_name(call: ast.Call) -> str:
    function = call.func
    return function.attr if isinstance(function, ast.Attribute) else ast.unparse(function)


def literal(node: ast.AST) -> str:
    """The fixed parts of a message."""
    return " ".join(
        n.value for n in ast.walk(node) if isinstance(n, ast.Constant) and isinstance(n.value, str)
    )


RAISES = list(raises())


def test_errors_are_wengerts() -> None:
    builtin = {"ValueError", "TypeError", "IndexError", "KeyError", "Exception", "RuntimeError"}
    wrong = [
        f"{where} {class_name(call)}"
        for where, call in RAISES
        if class_name(call) in builtin and where.partition(":")[0] not in CAUGHT
    ]
    assert not wrong, "raise the subclass of WengertError that is also this one"


def test_messages_are_sentences() -> None:
    ours = {n for n in errors.__all__ if n != "WengertError"}
    short = []
    for where, call in RAISES:
        if class_name(call) not in ours or not call.args or isinstance(call.args[0], ast.Name):
            continue
        holes = sum(isinstance(n, ast.FormattedValue) for n in ast.walk(call.args[0]))
        if len(literal(call.args[0]).split()) + holes < 3:
            short.append(f"{where}: {literal(call.args[0])!r}")
    assert not short, short


def test_messages_do_not_end_with_a_full_stop_or_have_two_spaces() -> None:
    wrong = [
        where
        for where, call in RAISES
        if call.args
        and isinstance(call.args[0], ast.Constant)
        and isinstance(call.args[0].value, str)
        and (call.args[0].value.endswith(" ") or "  " in call.args[0].value)
    ]
    assert not wrong


@pytest.mark.parametrize("name", errors.__all__)
def test_every_error_is_exported_and_documented(name: str) -> None:
    error = getattr(wengert, name)
    assert issubclass(error, wengert.WengertError)
    assert error.__doc__
    if name not in ("WengertError",):
        assert issubclass(
            error, (ValueError, TypeError, IndexError, RuntimeError, FloatingPointError)
        )
