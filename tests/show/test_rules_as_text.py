"""Rules that are traced on symbols, to be written out in listings."""

from __future__ import annotations

import ast
from typing import Any

import numpy as np

from wengert.show.expressions import parse, trace_rule

X = parse("x")


def text(tree: Any) -> str:
    return ast.unparse(tree)


def test_a_choice_between_values() -> None:
    """NumPy's `where` took a condition on symbols for true."""
    tree = trace_rule(lambda x: np.where(np.isinf(x), 0.0, 2 * x), X)
    assert text(tree) == "np.where(np.isinf(x), 0.0, 2 * x)"


def test_what_no_text_can_say_is_left_to_others() -> None:
    assert trace_rule(lambda x: 2 * x if x > 0 else x, X) is None
    assert trace_rule(lambda x: np.where(x), X) is None
    assert trace_rule(lambda x: np.sum(x), X) is None
    assert trace_rule(lambda x: np.clip(x, 0, 1), X) is None
