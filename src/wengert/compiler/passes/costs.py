"""What scalar operations cost, in units of an addition."""

from __future__ import annotations

from collections.abc import Container, Iterable

from ..ir import Node

__all__ = ["operation_cost", "operations_of"]

# Measured on vectors of 64 and of 32 bytes, in single and double precision, in the cache: the
# geometric mean of the four, of which the largest is about twice the smallest.
_COSTS = {
    "changes": 3, "strong": 2, "maximum": 2, "minimum": 2, "fmax": 2, "fmin": 2, "div": 4,
    "sqrt": 8, "exp": 16, "exp2": 16, "expm1": 16, "log": 27, "log2": 27, "log10": 30, "log1p": 32,
    "sin": 20, "cos": 22, "tan": 31, "sinh": 30, "cosh": 20, "tanh": 20, "sigmoid": 23,
    "arcsin": 19, "arccos": 21, "arctan": 28, "arcsinh": 73, "arccosh": 55, "arctanh": 64,
    "cbrt": 38, "hypot": 19, "arctan2": 42, "erf": 82, "erfc": 82, "pow": 95, "float_power": 95,
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


def operations_of(
    roots: Iterable[Node], stored: Container[Node], computed: Container[Node],
    known: Iterable[Node] = (),
) -> int:  # fmt: skip
    """What it costs to compute one element of the roots.

    Parameters
    ----------
    roots : iterable of Node
    stored : container of Node
        What is read from memory, unless it is among those ``computed`` here.
    computed : container of Node
    known : iterable of Node
        What is there already, such as accumulators.
    """
    total, seen, stack = 0, set(known), list(roots)
    while stack:
        node = stack.pop()
        if node in seen or (node in stored and node not in computed):
            continue
        seen.add(node)
        total += operation_cost(node)
        stack.extend(node.args)
    return total
