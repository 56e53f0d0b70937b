"""The passes from Program to Program, in order."""

from __future__ import annotations

from ...core.program import Program, pruned
from .common import merge_common
from .constants import fold_constants
from .inline import inline

__all__ = ["simplify"]


def simplify(program: Program) -> Program:
    """Inner calls expanded, constants folded, repetitions merged, and what nobody reads removed.

    What is simplified in the index IR (views composed, products with views of their operands,
    identities of arithmetic) happens while that is made, in `ir`.
    """
    return pruned(merge_common(fold_constants(inline(program))))
