"""Forward mode as statements: each operation followed by the line for its tangent."""

from __future__ import annotations

import ast
import copy
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..core.abstract import Var
from ..core.errors import WengertTypeError
from ..core.program import Equation, Program
from .backward import Edge, depending_on, is_differentiable, record_rule, traced_partial
from .expressions import assign, call, constant, parse, product
from .forward import equation_statements
from .fused import softmax_of
from .values import Shapes, Value
from .writer import Statement, Writer

__all__ = ["Tangents"]

Expr = ast.expr


class Tangents(Writer):
    """The statements of values and tangents together.

    Parameters
    ----------
    program : Program
    wanted : sequence of Var
        The inputs that have tangents.
    literals, careful : dict, bool
        See `Writer`.
    strong : set of edges, optional
        Where a tangent of zero must stay zero although the partial derivative is infinite.

    Attributes
    ----------
    partials : dict
        The partial derivative at each edge of a pointwise operation, over the placeholders.
    """

    def __init__(
        self,
        program: Program,
        wanted: Sequence[Var],
        literals: dict[Var, Expr],
        strong: frozenset[Edge] = frozenset(),
        careful: bool = False,
    ) -> None:
        super().__init__(program, literals, careful)
        self.partials: dict[Edge, Expr] = {}
        self._strong = strong
        self.active = depending_on(program, wanted)
        for e in program.equations:
            self.statements.extend(equation_statements(self, e, set()))
            if any(v in self.active for v in e.outputs):
                self._push(e)

    def _tangent(self, x: Any) -> Value | None:
        """The tangent of an operand; None if it has none."""
        if type(x) is Var and x in self.active:
            return Value(self.gradient(x), x.shape)
        return None

    def _zeros(self, x: Any) -> Value:
        if type(x) is Var and x.shape:
            return Value(call("np.zeros_like", self.value(x).tree), x.shape)
        return Value(constant(0.0), ())

    def _set(self, v: Var, value: Value) -> None:
        tree = value.tree
        if value.shape != v.shape:
            tree = call("np.broadcast_to", tree, parse(repr(v.shape)))
        self.emit(self.gradient(v), tree, v=v)

    def _push(self, e: Equation) -> None:
        p, out = e.primitive, e.outputs[0]
        positions = [
            i for i, x in enumerate(e.inputs) if self._tangent(x) and is_differentiable(p, i)
        ]
        if p.name == "setitem":
            self._setitem(e)
        elif p.name == "logsumexp":
            t = Value(self.gradient(e.inputs[0]), e.inputs[0].shape)
            self._set(out, softmax_of(self, e).gather(t, e.params.get("keepdims", False)))
        elif p.partials is not None:
            self._set(out, _sum([self._term(e, i) for i in positions]))
        elif p.jvp is not None:
            self._by_jvp(e, positions)
        elif p.linear is not None:
            self._linear(e, positions)
        elif p.multilinear is not None:
            terms = []
            for i in positions:
                values = [self.value(x) for x in e.inputs]
                values[i] = self._tangent(e.inputs[i]) or values[i]
                terms.append(self.express(e, values, {}, True)[0])
            self._set(out, _sum(terms))
        else:
            raise WengertTypeError(
                f"show: {p.name} has only a reverse rule; give it one for forward mode with "
                "wengert.custom_jvp"
            )

    def _term(self, e: Equation, i: int) -> Value:
        """``dot_x * partial``."""
        out, x = e.outputs[0], e.inputs[i]
        dot = Value(self.gradient(x), x.shape)
        partial = e.primitive.partials[i]  # type: ignore[index]
        if type(partial) is int:
            return dot if partial == 1 else Value(ast.UnaryOp(ast.USub(), dot.tree), x.shape)
        found = traced_partial(self, e, i)
        if found is not None:
            shape = x.shape if isinstance(found, ast.Constant) else out.shape
            edge = self.places[out], i
            self.partials[edge] = copy.deepcopy(found)
            tree = product(dot.tree, found)
            if edge in self._strong:
                tree = call("np.where", parse("_t_ == 0", _t_=dot.tree), constant(0.0), tree)
            return Value(tree, shape)

        partial_of: Any = partial

        def rule(tangents: Any, ins: Any, y: Any) -> list[Any]:
            return [tangents[i] * partial_of(y, *ins)]

        tangents = [x if k == i else None for k in range(len(e.inputs))]
        return self._recorded(e, tangents, rule)[0]

    def _linear(self, e: Equation, positions: list[int]) -> None:
        """The operation itself on the tangents; operands without one are zero."""
        linear: Any = e.primitive.linear
        values = []
        for i, x in enumerate(e.inputs):
            if i not in linear:
                values.append(self.value(x))
            else:
                values.append((self._tangent(x) if i in positions else None) or self._zeros(x))
        if e.primitive.name == "scatter_add":
            target = self.gradient(e.outputs[0])
            self.statements.extend(self.written(e, target, values, {}))
            return
        for v, value in zip(e.outputs, self.express(e, values, {}, True), strict=True):
            self._set(v, value)

    def _setitem(self, e: Equation) -> None:
        out = e.outputs[0]
        values = [self._tangent(x) or self._zeros(x) for x in e.inputs[:2]]
        values.extend(self.value(x) for x in e.inputs[2:])
        target = self.gradient(out)
        lines = self.written(e, target, values, {})
        if self._tangent(e.inputs[0]) is None:
            lines[0] = Statement(assign(target, self._zeros(out).tree), out)
        self.statements.extend(lines)

    def _by_jvp(self, e: Equation, positions: list[int]) -> None:
        p = e.primitive

        def rule(tangents: Any, ins: Any, y: Any) -> list[Any]:
            t = p.jvp(tangents, ins, y, **e.params)  # type: ignore[misc]
            return [t] if p.outputs is None else list(t)

        tangents = [x if i in positions else None for i, x in enumerate(e.inputs)]
        for v, value in zip(e.outputs, self._recorded(e, tangents, rule), strict=True):
            if v in self.active:
                self._set(v, value)

    def _recorded(self, e: Equation, tangents: list[Var | None], rule: Any) -> list[Value]:
        program, variables = record_rule(e, [], tangents, rule)
        ins = [
            *[Value(self.gradient(v), v.shape) for v in tangents if v is not None],
            *[self.value(v) for v in variables],
        ]
        shapes: Shapes = {v.shape: self.value(v).tree for v in e.outputs if v.shape}
        return self.inline(program, ins, shapes)


def _sum(terms: list[Value]) -> Value:
    """``a + b - c``."""
    total = terms[0]
    for term in terms[1:]:
        shape = np.broadcast_shapes(total.shape, term.shape)
        positive = _without_sign(term.tree)
        if positive is None:
            tree = ast.BinOp(total.tree, ast.Add(), term.tree)
        else:
            tree = ast.BinOp(total.tree, ast.Sub(), positive)
        total = Value(tree, shape)
    return total


def _without_sign(tree: Expr) -> Expr | None:
    """``a * b / c`` where the tree is ``-a * b / c``."""
    if isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.USub):
        return tree.operand
    if isinstance(tree, ast.BinOp) and isinstance(tree.op, ast.Mult | ast.Div):
        left = _without_sign(tree.left)
        return None if left is None else ast.BinOp(left, tree.op, tree.right)
    return None
