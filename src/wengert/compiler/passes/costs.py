"""What scalar operations cost, in units of an addition."""

from __future__ import annotations

from ..ir import Node

__all__ = ["operation_cost"]

_CHEAP = {"add", "sub", "mul", "neg", "abs", "select", "cast", "maximum", "minimum", "and", "or",
          "not", "xor", "multiply_add", "copysign", "strong", "changes"}  # fmt: skip
_COSTS = {"div": 4, "sqrt": 6, "exp": 15, "expm1": 18, "log": 20, "log1p": 25, "tanh": 20,
          "sigmoid": 20, "sin": 20, "cos": 20, "tan": 40}  # fmt: skip
_LIBRARY_CALL = 60


def operation_cost(node: Node) -> int:
    """The cost of one element of a node, its operands aside."""
    if node.op == "gather":
        return 6
    if node.op != "map":
        return 0
    if node.attrs in _CHEAP or node.dtype.kind == "b":
        return 1
    return _COSTS.get(node.attrs, _LIBRARY_CALL)
