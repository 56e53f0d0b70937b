"""The forward pass of a Program as statements, and which writes may stay in place."""

from __future__ import annotations

import ast
import copy

from ..core.abstract import Var, freeze
from ..core.program import Equation, Program
from .backward import Backward
from .expressions import assign, names_in
from .fused import softmax_of
from .writer import Statement, Writer, count_uses, is_fresh

__all__ = ["equation_statements", "simplified", "writes_in_place"]


def equation_statements(writer: Writer, e: Equation, in_place: set[Var]) -> list[Statement]:
    """The statement for an equation; two for a write into a copy."""
    values = [writer.value(x) for x in e.inputs]
    out = e.outputs[0]
    target: ast.expr = writer.value(out).tree
    if e.primitive.name in ("setitem", "scatter_add"):
        return writer.written(e, target, values, {}, out not in in_place)
    if e.primitive.name == "logsumexp":
        return softmax_of(writer, e).statements
    outs = writer.express(e, values, {}, False)
    if len(outs) == 1:
        comment = "a constant for derivatives" if e.primitive.name == "stop_gradient" else ""
        return [_statement(target, outs[0].tree, out, comment)]
    # q, r = np.linalg.qr(x): every output is an item of one call.
    source = outs[0].tree
    assert isinstance(source, ast.Subscript)
    target = ast.Tuple([writer.value(v).tree for v in e.outputs], ast.Store())
    return [_statement(target, source.value, None)]


def _statement(target: ast.expr, value: ast.expr, v: Var | None, comment: str = "") -> Statement:
    return Statement(assign(target, copy.deepcopy(value)), v, comment)


def writes_in_place(program: Program, backward: Backward) -> set[Var]:
    """The results of item assignments that need no copy of what they write into.

    That is so if what is overwritten is an array of its own that nothing else reads: neither
    another operation nor the backward pass.
    """
    read = set().union(*[names_in(s.tree) for s in backward.statements])
    producers = {v: e for e in program.equations for v in e.outputs}
    uses = count_uses(program)
    found: set[Var] = set()
    for e in program.equations:
        if e.primitive.name != "setitem":
            continue
        base = e.inputs[0]
        producer = producers.get(base)
        if producer is None or producer.primitive.alias or not _makes_array(backward, producer):
            continue
        if any(p.name == "reshape" for p, _ in e.params["chain"]):
            continue  # a view of a copy in C order, but perhaps not of the array as it is
        if uses[base] == 1 and f"v{backward.places[base]}_" not in read:
            found.add(e.outputs[0])
    return found


def _makes_array(writer: Writer, e: Equation) -> bool:
    """Whether the line of an equation makes an array that nothing else holds."""
    if e.primitive.name in ("setitem", "scatter_add"):
        return True
    values = [writer.value(x) for x in e.inputs]
    outs = writer.express(e, values, {}, False)
    return len(outs) == 1 and is_fresh(outs[0].tree)


def simplified(program: Program, hints: dict[Var, str]) -> Program:
    """The Program as its author would recognise it.

    Equal views are made once (a view that is read again after a write is derived again), and
    ``x[...] = y``, which is what ``x += 1`` records, is ``y``.
    """
    same: dict[Var, Var] = {}
    known: dict[object, Equation] = {}
    equations = []
    for e in program.equations:
        inputs = tuple([same.get(x, x) if type(x) is Var else x for x in e.inputs])
        e = Equation(e.primitive, inputs, e.params, e.outputs)
        if e.primitive.name == "setitem" and _replaces_all(e):
            value = e.inputs[1]
            same[e.outputs[0]] = value
            if e.outputs[0] in hints:
                hints.setdefault(value, hints[e.outputs[0]])
            continue
        if e.primitive.alias and all(type(x) is Var for x in inputs):
            key = (e.primitive.name, inputs, freeze(e.params))
            earlier = known.setdefault(key, e)
            if earlier is not e:
                same[e.outputs[0]] = earlier.outputs[0]
                continue
        equations.append(e)
    outputs = [same.get(v, v) if type(v) is Var else v for v in program.outputs]
    return Program(program.inputs, program.captured, equations, outputs)


def _replaces_all(e: Equation) -> bool:
    base, value = e.inputs[:2]
    return (
        e.params["template"] == (Ellipsis,)
        and not e.params["chain"]
        and type(value) is Var
        and value.shape == base.shape
        and value.dtype == base.dtype
    )
