"""What scalar operations cost, in units of an addition."""

from __future__ import annotations

from ..ir import Node

__all__ = ["operation_cost"]

# Measured on vectors of 64 and of 32 bytes, in single and double precision, in the cache: the
# geometric mean of the four, of which the largest is about twice the smallest.
_COSTS = {
    "changes": 3, "strong": 2, "maximum": 2, "minimum": 2, "fmax": 2, "fmin": 2, "div": 4,
    "sqrt": 8, "exp": 16, "exp2": 16, "expm1": 16, "log": 27, "log2": 27, "log10": 30, "log1p": 32,
    "sin": 20, "cos": 22, "tan": 31, "sinh": 30, "cosh": 20, "tanh": 20, "sigmoid": 23,
    "arcsin": 19, "arccos": 21, "arctan": 28, "arcsinh": 73, "arccosh": 55, "arctanh": 64,
    "cbrt": 38, "hypot": 19, "arctan2": 42, "erf": 82, "erfc": 82, "pow": 140, "float_power": 140,
}  # fmt: skip
_ON_INTEGERS = {"floor_divide": 20, "remainder": 20}  # vectors have no division
_LIBRARY_CALLS = {"fmod": 210, "remainder": 215, "nextafter": 100}


def operation_cost(node: Node) -> int:
    """The cost of one element of a node, its operands aside."""
    if node.op == "gather":
        return 6
    if node.op != "map":
        return 0
    if node.dtype.kind != "f":
        return _ON_INTEGERS.get(node.attrs, 1)
    return _COSTS.get(node.attrs) or _LIBRARY_CALLS.get(node.attrs, 1)
