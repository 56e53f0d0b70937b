"""The backward pass of a Program as statements, one for each edge of the graph."""

from __future__ import annotations

import ast
import copy
import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core.abstract import Aval, Var, aval_of
from ..core.algebra import times_partial
from ..core.algebra import unbroadcast as sum_down
from ..core.index import indexed_shape
from ..core.primitive import Primitive
from ..core.program import Equation, Program, pruned
from ..core.recorder import record
from ..core.transposition import record_transpose
from ..rules.indexing import last_writer_p
from .expressions import (
    attribute,
    call,
    constant,
    method,
    parse,
    product,
    quotient,
    subscript,
    trace_rule,
)
from .fused import softmax_of
from .values import Shapes, Value, expand, index_of, summed, unbroadcast
from .writer import Statement, Writer, as_index, distinct, is_fresh, plain

__all__ = ["Backward", "Edge", "depending_on", "is_differentiable", "record_rule", "traced_partial"]

Expr = ast.expr
Edge = tuple[int, int]


@dataclass
class _State:
    """What is known of a gradient: its first line, whether ``+=`` may change it, what fills it."""

    first: int
    owned: bool
    fill: Value | None = None


class Backward(Writer):
    """The statements of the backward pass.

    Parameters
    ----------
    program : Program
    wanted : sequence of Var
        The inputs to differentiate with respect to.
    literals, careful : dict, bool
        See `Writer`.
    in_place : set of Var, optional
        Results of item assignments that share their name with what was written into.
    strong : set of edges, optional
        Where a gradient of zero must stay zero although the partial derivative is infinite.

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
        in_place: set[Var] | None = None,
        strong: frozenset[Edge] = frozenset(),
        careful: bool = False,
    ) -> None:
        super().__init__(program, literals, careful)
        self.partials: dict[Edge, Expr] = {}
        self._strong = strong
        self._states: dict[Var, _State] = {}
        self._in_place = in_place or set()
        self._constants = dict(program.captured)
        self._active = depending_on(program, wanted)
        self._immutable: set[str] = set()
        outputs = [v for v in program.outputs if type(v) is Var and v in self._active]
        for v in dict.fromkeys(outputs):
            self._seed(v, outputs.count(v))
        for e in reversed(program.equations):
            if any(v in self._states for v in e.outputs):
                self._sweep(e)
        self._finish(wanted)

    # -------------------------------------------------------------- accumulation

    def _seed(self, v: Var, times: int) -> None:
        if v.shape:
            ones: Expr = call("np.ones_like", self.value(v).tree)
            tree = ones if times == 1 else product(ones, constant(float(times)))
        else:
            tree = constant(float(times))
        self._accumulate(v, Value(tree, v.shape))

    def _accumulate(self, v: Var, value: Value, dtype: Any = None) -> None:
        """Add a contribution: ``=`` for the first one, ``+=`` for the others.

        ``dtype`` is that of the contribution: a real value takes the real part.
        """
        g = self.gradient(v)
        if dtype is not None and dtype.kind == "c" and v.dtype.kind == "f":
            value = Value(call("np.real", value.tree), value.shape)
        if v in self._states:
            self._own(v)
            self.emit(g, value.tree, "+=")
            return
        immutable = not v.shape and self._is_immutable(value.tree)
        if immutable:
            self._immutable.add(g.id)
        fill = value.core if value.core is not None and not value.core.shape else None
        owned = immutable or is_fresh(value.tree)
        self._states[v] = _State(len(self.statements), owned, fill)
        self.emit(g, value.tree, v=v)

    def _own(self, v: Var) -> None:
        """Make the gradient an array of its own, so that it can be changed in place."""
        state = self._states[v]
        if state.owned:
            return
        statement = self.statements[state.first].tree
        assert isinstance(statement, ast.Assign)
        if state.fill is not None:
            shape = attribute(self.value(v).tree, "shape")
            statement.value = call("np.full", shape, state.fill.tree)
        else:
            statement.value = method(statement.value, "copy")
        state.owned = True

    def _is_immutable(self, tree: Expr) -> bool:
        """Whether a 0-d result is certainly a scalar, which ``+=`` replaces, and no 0-d array."""
        if isinstance(tree, ast.Name):
            return tree.id in self._immutable
        if isinstance(tree, ast.Call) and isinstance(tree.func, ast.Attribute):
            what = tree.func.attr
            return what == "sum" or isinstance(getattr(np, what, None), np.ufunc)
        return isinstance(tree, ast.BinOp | ast.UnaryOp | ast.Constant)

    def _finish(self, wanted: Sequence[Var]) -> None:
        for v in wanted:
            if v not in self._states:
                zeros = call("np.zeros_like", self.value(v).tree)
                self.emit(self.gradient(v), zeros if v.shape else constant(0.0), v=v)

    # -------------------------------------------------------------- one equation

    def _sweep(self, e: Equation) -> None:
        p = e.primitive
        positions = [
            i
            for i, x in enumerate(e.inputs)
            if type(x) is Var and x in self._active and is_differentiable(p, i)
        ]
        special = _SPECIAL.get(p.name)
        if special is not None:
            special(self, e, positions)
        elif p.partials is not None:
            for i in positions:
                self._pointwise(e, i)
        elif positions:
            self._by_rule(e, positions)

    def _pointwise(self, e: Equation, i: int) -> None:
        """``grad_x = grad_y * partial``, the partial derivative from the rule itself."""
        out, x = e.outputs[0], e.inputs[i]
        g = self.gradient(out)
        partial = e.primitive.partials[i]  # type: ignore[index]
        if type(partial) is int:
            tree: Expr = g if partial == 1 else ast.UnaryOp(ast.USub(), g)
        else:
            found = traced_partial(self, e, i)
            if found is None:
                # It calls operations that only wengert has: record it.
                def rule(ct: Any, ins: Any, out: Any) -> Any:
                    return sum_down(times_partial(ct, partial, out, ins, False), x.shape)

                self._record(e, [i], lambda ct, ins, out: [rule(ct, ins, out)])
                return
            edge = self.places[out], i
            self.partials[edge] = copy.deepcopy(found)
            tree = product(g, found)
            if edge in self._strong:
                tree = call("np.where", parse("_g_ == 0", _g_=g), constant(0.0), tree)
        self._accumulate(x, unbroadcast(Value(tree, out.shape), x.shape), out.dtype)

    def _by_rule(self, e: Equation, positions: list[int]) -> None:
        """Edges of operations whose records give a transpose, a vjp or a jvp."""
        p = e.primitive
        linear = p.jvp is None or all(i in (p.linear or ()) for i in positions)
        if p.transpose is not None and linear:
            for i in positions:
                rules: Any = p.transpose
                rule = rules[i] if isinstance(rules, tuple) else functools.partial(rules, i)
                self._record(e, [i], functools.partial(_single, rule, e.params))
        elif p.vjp is not None:
            vjp = p.vjp
            self._record(e, positions, lambda *args: [vjp(*args, **e.params)[i] for i in positions])
        else:
            self._by_jvp(e, positions)

    def _record(
        self, e: Equation, positions: list[int], rule: Callable[[Any, Any, Any], list[Any]]
    ) -> None:
        """The edges to some operands by ``rule(ct, ins, out)``, recorded on shapes."""
        present = [v for v in e.outputs if v in self._states]
        targets = [e.inputs[i] for i in positions]
        program, variables = record_rule(e, present, [], rule)
        ins = [
            *[Value(self.gradient(v), v.shape) for v in present],
            *[self.value(v) for v in variables],
        ]
        self._contribute(program, ins, targets)

    def _by_jvp(self, e: Equation, positions: list[int]) -> None:
        cts = [v if v in self._states else None for v in e.outputs]
        present = [v for v in cts if v is not None]
        given = tuple([v is not None for v in cts])
        program, nonzero = record_transpose(
            e.primitive, positions, given, present, e.inputs, e.outputs, e.params
        )
        ins = [
            *[Value(self.gradient(v), v.shape) for v in present],
            *map(self.value, e.inputs),
            *map(self.value, e.outputs),
        ]
        targets = [e.inputs[i] for i, b in zip(positions, nonzero, strict=True) if b]
        self._contribute(program, ins, targets)

    def _contribute(self, program: Program, ins: list[Value], targets: list[Var]) -> None:
        shapes: Shapes = {t.shape: self.value(t).tree for t in targets if t.shape}
        last = program.equations[-1] if program.equations else None
        if len(targets) == 1 and last is not None and last.primitive.name == "scatter_add":
            # Add into the gradient itself instead of making an array of zeros first.
            parts = Program(
                program.inputs, program.captured, program.equations[:-1], list(last.inputs)
            )
            values = self.inline(parts, ins, shapes)
            self._add_at(targets[0], values, last.params["template"])
            return
        dtypes = [aval_of(y).dtype for y in program.outputs]
        values = self.inline(program, ins, shapes)
        for target, value, dtype in zip(targets, values, dtypes, strict=True):
            if value.shape != target.shape:
                shape = parse(repr(target.shape))
                value = Value(call("np.broadcast_to", value.tree, shape), target.shape)
            self._accumulate(target, value, dtype)

    # -------------------------------------------------------------- operations with their own lines

    def _add_at(self, target: Var, values: list[Value], template: Any) -> None:
        """``grad_x[index] += grad_y``: the backward pass of reading ``x[index]``."""
        ct, *arrays = values
        g = self.gradient(target)
        if target not in self._states:
            self._states[target] = _State(len(self.statements), True)
            self.emit(g, call("np.zeros_like", self.value(target).tree), v=target)
        self._own(target)
        text, places = index_of(template, [a.tree for a in arrays])
        place = subscript(g, text, **places)
        if arrays and not distinct(arrays):
            # += would count a repeated index once.
            add = call("np.add.at", g, as_index(place.slice), ct.tree)
            self.statements.append(Statement(ast.Expr(add)))
        else:
            self.emit(place, ct.tree, "+=")

    def _getitem(self, e: Equation, positions: list[int]) -> None:
        if 0 not in positions:
            return
        out, x = e.outputs[0], e.inputs[0]
        values = [Value(self.gradient(out), out.shape), *map(self.value, e.inputs[1:])]
        template = e.params["template"]
        everything = all(p is Ellipsis or p == (None, None, None) for p in template)
        if everything and out.shape == x.shape:
            self._accumulate(x, values[0])
        else:
            self._add_at(x, values, template)

    def _setitem(self, e: Equation, positions: list[int]) -> None:
        """What was written gets the gradient of its place; what was overwritten gets zero there."""
        out, base = e.outputs[0], e.inputs[0]
        g = self.gradient(out)
        arrays = [self.value(a).tree for a in e.inputs[2:]]
        if 1 in positions:
            self._accumulate(e.inputs[1], self._written_part(e, g, arrays), out.dtype)
        if 0 not in positions:
            return
        mine: Expr = self.gradient(base)
        if out in self._in_place:
            self._own(out)
            self._states[base] = self._states[out]
        elif base not in self._states:
            self._states[base] = _State(len(self.statements), True)
            self.emit(mine, method(g, "copy"), v=base)
        else:
            mine = self.temporary()
            self.emit(mine, method(g, "copy"), v=base)
            self.emit(self.part(mine, e, arrays), constant(0.0))
            self._accumulate(base, Value(mine, base.shape))
            return
        self.emit(self.part(mine, e, arrays), constant(0.0))

    def _written_part(self, e: Equation, g: Expr, arrays: list[Expr]) -> Value:
        """The gradient of what was written; of duplicate indices only the last writer gets it."""
        out, template = e.outputs[0], e.params["template"]
        tree: Expr = self.part(g, e, arrays)
        shape: Any = out.shape
        for p, params in e.params["chain"]:
            shape = p.shape(Aval(shape, np.dtype(float)), **params)[0]
        shape = indexed_shape(tuple(shape), template, e.inputs[2:])
        if arrays:
            params = {"shape": out.shape, "chain": e.params["chain"], "template": template}
            known = [plain(self._constants.get(a)) for a in e.inputs[2:]]
            if any(a is None for a in known) or not last_writer_p.evaluate(*known, **params).all():
                tree = product(tree, self.result(last_writer_p, e.inputs[2:], params, shape).tree)
        value = unbroadcast(Value(tree, shape), e.inputs[1].shape)
        is_view = bool(shape) or Ellipsis in template
        if out in self._in_place and is_view and not is_fresh(value.tree):
            value = Value(method(value.tree, "copy"), value.shape)
        return value

    def _extremum(self, e: Equation, positions: list[int]) -> None:
        """The gradient goes to the largest (smallest) element; equal ones share it."""
        if not positions:
            return
        out, x = e.outputs[0], e.inputs[0]
        axis, keepdims = e.params["axis"], e.params.get("keepdims", False)
        kept = tuple([1 if i in axis else n for i, n in enumerate(x.shape)])
        y, g = self.value(out), Value(self.gradient(out), out.shape)
        if not keepdims and out.shape:
            y, g = expand(y, kept), expand(g, kept)
        winners = self.temporary()
        self.emit(winners, parse("_x_ == _y_", _x_=self.value(x).tree, _y_=y.tree), v=x)
        count = summed(Value(winners, x.shape), axis, len(axis) < len(x.shape))
        self._accumulate(x, Value(quotient(product(g.tree, winners), count.tree), x.shape))

    def _logsumexp(self, e: Equation, positions: list[int]) -> None:
        """The gradient is spread by the softmax, of which the forward pass has the parts."""
        if positions:
            out = e.outputs[0]
            softmax = softmax_of(self, e)
            value = softmax.spread(Value(self.gradient(out), out.shape))
            self._accumulate(e.inputs[0], value, out.dtype)


_SPECIAL: dict[str, Callable[[Backward, Equation, list[int]], None]] = {
    "getitem": Backward._getitem,
    "setitem": Backward._setitem,
    "max": Backward._extremum,
    "min": Backward._extremum,
    "logsumexp": Backward._logsumexp,
}


def _single(rule: Callable[..., Any], params: dict[str, Any], *args: Any) -> list[Any]:
    return [rule(*args, **params)]


# ------------------------------------------------------------------ what both derivative passes use


def traced_partial(writer: Writer, e: Equation, i: int) -> Expr | None:
    """The partial derivative in operand ``i`` over the names of the operands and the output."""
    # Numbers enter as numbers, so that 3 - 1 is computed; but dividing by 5 is not * 0.2.
    divides = e.primitive.name == "div"
    operands = [writer.value(z).tree if type(z) is Var or divides else z for z in e.inputs]
    partial: Any = e.primitive.partials[i]  # type: ignore[index]
    return trace_rule(partial, writer.value(e.outputs[0]).tree, *operands)


def record_rule(
    e: Equation,
    given: Sequence[Var | None],
    tangents: Sequence[Var | None],
    rule: Callable[[Any, Any, Any], list[Any]],
) -> tuple[Program, list[Var]]:
    """A rule recorded on the shapes of an equation's operands.

    Parameters
    ----------
    e : Equation
    given : sequence of Var
        The outputs whose cotangents are given (the others' are None).
    tangents : sequence of Var or None
        In place of cotangents: the operands' tangents that are given.
    rule : callable
        ``(cotangent or tangents, ins, out) -> list``.

    Returns
    -------
    program : Program
        From what is given, the variables below, to what the rule returns; None is written 0.0.
    variables : list of Var
        The operands that are variables, then the outputs.
    """
    several = e.primitive.outputs is not None
    firsts = [v for v in (tangents or given) if v is not None]
    variables = [x for x in e.inputs if type(x) is Var]

    def run(*values: Any) -> list[Any]:
        rest = iter(values)
        if tangents:
            first: Any = [None if v is None else next(rest) for v in tangents]
        else:
            cts = [next(rest) if v in given else None for v in e.outputs]
            first = cts if several else cts[0]
        ins = tuple([next(rest) if type(x) is Var else x for x in e.inputs])
        outs = tuple(rest)
        results = rule(first, ins, outs if several else outs[0])
        return [0.0 if r is None else r for r in results]

    avals = [aval_of(v) for v in (*firsts, *variables, *e.outputs)]
    program = record(run, [Aval(a.shape, a.dtype) for a in avals])
    return pruned(program), [*variables, *e.outputs]


def is_differentiable(p: Primitive, i: int) -> bool:
    """Whether an operation has a derivative in operand ``i``."""
    if not p.differentiable:
        return False
    if p.partials is not None:
        return p.partials[i] is not None
    if p.jvp is None and p.vjp is None:
        if isinstance(p.transpose, tuple):
            return i < len(p.transpose) and p.transpose[i] is not None
        return i in ((p.linear if p.linear is not None else p.multilinear) or ())
    return True


def depending_on(program: Program, wanted: Sequence[Var]) -> set[Var]:
    """The variables with a derivative: those that depend differentiably on the wanted inputs."""
    active = set(wanted)
    for e in program.equations:
        if any(
            type(x) is Var and x in active and is_differentiable(e.primitive, i)
            for i, x in enumerate(e.inputs)
        ):
            active.update(v for v in e.outputs if v.dtype.kind in "fc")
    return active
