"""Operations that are one in the recording and several lines in a listing."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from ..core.abstract import Var
from ..core.program import Equation
from .expressions import assign, call, method, parse, product, quotient
from .values import Value, axis_tree, expand, summed
from .writer import Statement, Writer

__all__ = ["Softmax", "softmax_of"]

Expr = ast.expr


@dataclass
class Softmax:
    """The lines of a logsumexp: its maximum is subtracted first, so that no exponential overflows.

    The derivative is the softmax, made of the same exponentials.

    Attributes
    ----------
    exponentials, total : Value
        ``exp(x - max)`` and its sum, which has the reduced axes with length one.
    statements : list of Statement
        What defines these two and the result.
    """

    exponentials: Value
    total: Value
    statements: list[Statement]
    axes: tuple[int, ...]
    kept: tuple[int, ...]

    def spread(self, g: Value) -> Value:
        """A cotangent of the result times the softmax."""
        if g.shape and g.shape != self.kept:
            g = expand(g, self.kept)
        tree = quotient(product(g.tree, self.exponentials.tree), self.total.tree)
        return Value(tree, self.exponentials.shape)

    def gather(self, t: Value, keepdims: bool) -> Value:
        """The mean of a tangent, weighted by the softmax."""
        tree = quotient(product(t.tree, self.exponentials.tree), self.total.tree)
        return summed(Value(tree, self.exponentials.shape), self.axes, keepdims)


def softmax_of(writer: Writer, e: Equation) -> Softmax:
    """The lines of the logsumexp ``e``, made once."""
    out, x = e.outputs[0], e.inputs[0]
    found = writer.fused.get(out)
    if isinstance(found, Softmax):
        return found
    value, axes, keepdims = writer.value(x), e.params["axis"], e.params.get("keepdims", False)
    kept = tuple([1 if i in axes else n for i, n in enumerate(value.shape)])
    everything = len(axes) == len(kept)
    shape: tuple[int, ...] = () if everything and not keepdims else kept
    where: dict[str, Expr] = {}
    if shape or keepdims:
        where["axis"] = axis_tree(axes)
        where["keepdims"] = ast.Constant(True)
    top, exponentials, total = (writer.temporary() for _ in range(3))
    statements: list[Statement] = []

    def line(target: Expr, tree: Expr, variable: Var) -> None:
        statements.append(Statement(assign(target, tree), variable))

    reduced = Var(shape, out.dtype, None)
    maximum = writer.finite(call("np.max", value.tree, **where))
    line(top, maximum, reduced)
    shifted = parse("np.exp(_x_ - _t_)", _x_=value.tree, _t_=top)
    line(exponentials, shifted, Var(value.shape, out.dtype, None))
    line(total, method(exponentials, "sum", **where), reduced)
    result = parse("_t_ + np.log(_s_)", _t_=top, _s_=total)
    if shape and not keepdims:
        result = method(result, "squeeze", axis_tree(axes))
    line(writer.value(out).tree, result, out)
    divisor: Expr = parse("_s_ + (_s_ == 0)", _s_=total) if writer.careful else total
    made = Softmax(Value(exponentials, value.shape), Value(divisor, shape), statements, axes, shape)
    writer.fused[out] = made
    return made
