"""Real nodes with Python's operators, so that formulas can be written as formulas."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..ir import Graph, Node

__all__ = ["Real", "Test", "select"]


class Test:
    """A condition on every element."""

    __slots__ = ("g", "node")

    def __init__(self, g: Graph, node: Node) -> None:
        self.g = g
        self.node = node

    def __and__(self, other: Test) -> Test:
        return Test(self.g, self.g.map("and", self.node, other.node))

    def __or__(self, other: Test) -> Test:
        return Test(self.g, self.g.map("or", self.node, other.node))

    def __invert__(self) -> Test:
        return Test(self.g, self.g.map("not", self.node))


class Real:
    """A real node; numbers beside it have its dtype."""

    __slots__ = ("g", "node")

    def __init__(self, g: Graph, node: Node) -> None:
        self.g = g
        self.node = node

    def like(self, value: Any) -> Real:
        """A number in every place."""
        return Real(self.g, self.g.const(value, self.node.dtype, self.node.shape))

    def _other(self, x: Any) -> Node:
        return x.node if isinstance(x, Real) else self.like(x).node

    def of(self, name: str, *others: Any) -> Real:
        """A scalar operation on this and other operands."""
        return Real(self.g, self.g.map(name, self.node, *map(self._other, others)))

    def _test(self, name: str, other: Any) -> Test:
        return Test(self.g, self.g.map(name, self.node, self._other(other), dtype=np.bool_))

    def __add__(self, other: Any) -> Real:
        return self.of("add", other)

    def __sub__(self, other: Any) -> Real:
        return self.of("sub", other)

    def __mul__(self, other: Any) -> Real:
        return self.of("mul", other)

    def __truediv__(self, other: Any) -> Real:
        return self.of("div", other)

    def __radd__(self, other: float) -> Real:
        return self.like(other) + self

    def __rsub__(self, other: float) -> Real:
        return self.like(other) - self

    def __rmul__(self, other: float) -> Real:
        return self.like(other) * self

    def __rtruediv__(self, other: float) -> Real:
        return self.like(other) / self

    def __neg__(self) -> Real:
        return self.of("neg")

    def __abs__(self) -> Real:
        return self.of("abs")

    def __lt__(self, other: Any) -> Test:
        return self._test("less", other)

    def __le__(self, other: Any) -> Test:
        return self._test("less_equal", other)

    def __gt__(self, other: Any) -> Test:
        return self._test("greater", other)

    def __ge__(self, other: Any) -> Test:
        return self._test("greater_equal", other)

    def equals(self, other: Any) -> Test:
        """Whether the values are equal."""
        return self._test("equal", other)

    def differs(self, other: Any) -> Test:
        """Whether the values are not equal."""
        return self._test("not_equal", other)

    def has(self, name: str) -> Test:
        """A test of one operand: ``isnan``, ``isinf``, ``isfinite``, ``signbit``."""
        return Test(self.g, self.g.map(name, self.node, dtype=np.bool_))


def select(condition: Test, x: Real | float, y: Real | float) -> Real:
    """``x`` where the condition holds, else ``y``."""
    like = x if isinstance(x, Real) else y
    assert isinstance(like, Real)
    a, b = (v if isinstance(v, Real) else like.like(v) for v in (x, y))
    node = like.g.map("select", condition.node, a.node, b.node, dtype=like.node.dtype)
    return Real(like.g, node)
