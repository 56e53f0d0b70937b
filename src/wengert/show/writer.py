"""Statements of a listing: what every pass writes them with."""

from __future__ import annotations

import ast
import builtins
import copy
from collections.abc import Sequence
from dataclasses import dataclass
from keyword import kwlist
from typing import Any

import numpy as np

from ..core.abstract import Aval, Var, freeze
from ..core.primitive import Primitive
from ..core.program import Equation, Program
from ..core.tensor import Tensor
from .definitions import DEFINITIONS
from .expressions import (
    assign,
    call,
    constant,
    identifier,
    method,
    name,
    parse,
    patterned,
    subscript,
    tidy,
)
from .values import Shapes, Value, express, index_of, shape_tree

__all__ = ["Statement", "Writer", "as_index", "distinct", "is_fresh", "is_writable", "plain"]

Expr = ast.expr
_WRITTEN_ELEMENTS = 32
_WRITTEN_CHARACTERS = 120
_LONG = 64
_LINE = 84
# The operands of a product that annihilate the others where they are zero.
_ANNIHILATING = {
    "strong_product": (0,),
    "selected_product": (1,),
    "product_of_changes": (0, 1),
}
_TAKEN = frozenset({"np", "scipy", *kwlist, *dir(builtins)})


@dataclass
class Statement:
    """A line of the listing, the variable it defines (for a comment with its shape), a comment."""

    tree: ast.stmt
    variable: Var | None = None
    comment: str = ""


class Writer:
    """Emits statements; knows how variables of the Program are called.

    Names are placeholders until the whole listing is there: ``v3_`` for a value, ``g3_`` for its
    gradient (or tangent), ``t3_`` for an intermediate value of a derivative pass.

    Parameters
    ----------
    program : Program
    literals : dict
        Captured arrays that are written out where they are used.
    careful : bool
        Whether there are infinities: then a maximum that is subtracted before an exponential may be
        one, and zero times infinity must be zero where a derivative asks for that.

    Attributes
    ----------
    statements : list of Statement
    helpers : dict
        Functions of the user that the listing calls: their operation and parameters.
    fused : dict
        By its result, an operation that has lines of its own (see `fused`).
    given : dict
        Arrays that the listing uses and that are too large to be written out.
    """

    def __init__(self, program: Program, literals: dict[Var, Expr], careful: bool = False) -> None:
        self.program = program
        self.literals = literals
        self.careful = careful
        self.fused: dict[Var, object] = {}
        self.statements: list[Statement] = []
        self.helpers: dict[str, tuple[Primitive, dict[str, Any]]] = {}
        self.given: dict[str, Any] = {}
        self.places: dict[Var, int] = {}
        self._temporaries = 0
        variables = [*program.inputs, *[v for v, _ in program.captured]]
        for v in variables + [v for e in program.equations for v in e.outputs]:
            self.places[v] = len(self.places)

    # -------------------------------------------------------------- names

    def value(self, x: Any) -> Value:
        """An operand as an expression: a variable or a number."""
        if type(x) is Var:
            literal = self.literals.get(x)
            return Value(name(f"v{self.places[x]}_") if literal is None else literal, x.shape)
        return Value(self.written_constant(x), np.shape(x))

    def gradient(self, v: Var) -> ast.Name:
        """The name of a gradient or tangent."""
        return name(f"g{self.places[v]}_")

    def temporary(self) -> ast.Name:
        """A new name."""
        self._temporaries += 1
        return name(f"t{self._temporaries}_")

    def written_constant(self, x: Any) -> Expr:
        """A constant: written out, or given by name where it is too large for that."""
        if not isinstance(x, np.ndarray) or is_writable(x):
            return constant(x)
        for key, a in self.given.items():
            if a is x:
                return name(key)
        key = f"constant_{len(self.given) + 1}"
        self.given[key] = x
        return name(key)

    # -------------------------------------------------------------- statements

    def emit(self, target: Expr, value: Expr, operator: str = "=", v: Var | None = None) -> None:
        """Add a line of a derivative pass."""
        self.statements.append(Statement(assign(target, tidy(copy.deepcopy(value)), operator), v))

    def express(
        self, e: Equation, values: list[Value], shapes: Shapes, backward: bool
    ) -> list[Value]:
        """The outputs of an equation."""
        outs = express(e, values, shapes, backward) or self._helper(e, values)
        what = e.primitive.name
        if what == "finite_max":
            outs = [Value(self.finite(outs[0].tree), outs[0].shape)]
        if self.careful:
            for k in _ANNIHILATING.get(what, ()):
                zero = equals_zero(values[k].tree)
                outs = [Value(call("np.where", zero, constant(0.0), outs[0].tree), outs[0].shape)]
        return outs

    def finite(self, maximum: Expr) -> Expr:
        """A maximum as something to subtract: finite, so that ``inf - inf`` cannot come up."""
        return call("np.nan_to_num", maximum) if self.careful else maximum

    def _helper(self, e: Equation, values: Sequence[Value]) -> list[Value]:
        """An operation that has no Python text, a function of the user: a call of itself."""
        key = identifier(e.primitive.name)
        while (
            key in DEFINITIONS
            or key in _TAKEN
            or (key in self.helpers and not _is_same(self.helpers[key], e))
        ):
            key += "_"
        self.helpers[key] = (e.primitive, e.params)
        tree = call(key, *[v.tree for v in values])
        if e.primitive.outputs in (None, 1):
            return [Value(tree, e.outputs[0].shape)]
        return [Value(subscript(tree, str(k)), v.shape) for k, v in enumerate(e.outputs)]

    def result(
        self, p: Primitive, inputs: Sequence[Any], params: dict[str, Any], shape: tuple[int, ...]
    ) -> Value:
        """The result of an operation that stands in no equation."""
        e = Equation(p, tuple(inputs), params, (Var(shape, np.dtype(bool), None),))
        return self.express(e, [self.value(x) for x in inputs], {}, True)[0]

    def inline(self, program: Program, ins: Sequence[Value], shapes: Shapes) -> list[Value]:
        """What a recorded rule computes, with lines of their own for values that it uses twice."""
        env: dict[Any, Value] = dict(zip(program.inputs, ins, strict=True))
        for v, obj in program.captured:
            env[v] = Value(self.written_constant(plain(obj)), v.shape)
        uses = count_uses(program)
        results = {v for v in program.outputs if type(v) is Var}

        def read(x: Any) -> Value:
            return env[x] if type(x) is Var else Value(self.written_constant(x), np.shape(x))

        for e in program.equations:
            values = [read(x) for x in e.inputs]
            if e.primitive.name in ("scatter_add", "setitem"):
                t = self.temporary()
                self.statements.extend(self.written(e, t, values, shapes))
                env[e.outputs[0]] = Value(t, e.outputs[0].shape)
                continue
            for v, value in zip(e.outputs, self._short(e, values, shapes), strict=True):
                env[v] = self._shared(v, value, uses.get(v, 0), v in results)
        return [read(x) for x in program.outputs]

    def _short(self, e: Equation, values: list[Value], shapes: Shapes) -> list[Value]:
        """The outputs of an equation; where the line gets long, an operand gets its own line."""
        outs = self.express(e, values, shapes, True)
        if max(len(ast.unparse(v.tree)) for v in outs) < _LINE:
            return outs
        k = max(range(len(values)), key=lambda i: len(ast.unparse(values[i].tree)))
        if isinstance(values[k].tree, ast.Name | ast.Constant):
            return outs
        t = self.temporary()
        self.emit(t, values[k].tree)
        values = [*values[:k], Value(t, values[k].shape), *values[k + 1 :]]
        return self._short(e, values, shapes)

    def _shared(self, v: Var, value: Value, uses: int, is_output: bool) -> Value:
        """A value under a name of its own if it is used twice or is long."""
        if isinstance(value.tree, ast.Name | ast.Constant):
            return value
        if value.core is not None and isinstance(value.core.tree, ast.Name):
            return value  # as short as a name where NumPy broadcasts it again
        if uses < 2 and (is_output or len(ast.unparse(value.tree)) < _LONG):
            return value
        t = self.temporary()
        self.emit(t, value.tree, v=v)
        return Value(t, value.shape)

    # -------------------------------------------------------------- writes

    def written(
        self, e: Equation, target: Expr, values: list[Value], shapes: Shapes, fresh: bool = True
    ) -> list[Statement]:
        """The lines of an operation that writes into an array: of zeros, or into a copy.

        Without ``fresh`` it writes into ``target`` as it is.
        """
        out = e.outputs[0]
        if e.primitive.name == "scatter_add":
            content, *arrays = values
            dtype = "" if out.dtype == np.float64 else f", np.{out.dtype.name}"
            made = parse(f"np.zeros(_s_{dtype})", _s_=shape_tree(out.shape, shapes))
            lines = [Statement(assign(target, made), out)]
            text, places = index_of(e.params["template"], [a.tree for a in arrays])
            place = subscript(target, text, **places)
            if arrays and not distinct(arrays):
                add = call("np.add.at", target, as_index(place.slice), content.tree)
                return [*lines, Statement(ast.Expr(add))]
            return [*lines, Statement(assign(place, content.tree))]
        base, content, *arrays = values
        lines = [Statement(assign(target, method(base.tree, "copy")), out)] if fresh else []
        place = self.part(target, e, [a.tree for a in arrays])
        return [*lines, Statement(assign(place, content.tree), None if fresh else out)]

    def part(self, x: Expr, e: Equation, arrays: list[Expr]) -> ast.Subscript:
        """The part of ``x`` that an item assignment writes: its view, and the index into that."""
        for p, params in e.params["chain"]:
            shape = p.shape(Aval((), np.dtype(float)), **params)[0] if p.name == "reshape" else ()
            step = Equation(p, (None,), params, (Var(shape, np.dtype(float), None),))
            x = self.express(step, [Value(x, (-1,))], {}, False)[0].tree
        if e.params["template"] == (Ellipsis,) and isinstance(x, ast.Subscript):
            return x  # y[1:][...] is y[1:]
        text, places = index_of(e.params["template"], arrays)
        return subscript(x, text, **places)


def equals_zero(x: Expr) -> Expr:
    """``x == 0``."""
    return ast.Compare(x, [ast.Eq()], [ast.Constant(0)])


def count_uses(program: Program) -> dict[Var, int]:
    """How often each variable is read, outputs included."""
    uses: dict[Var, int] = {}
    for x in [x for e in program.equations for x in e.inputs] + program.outputs:
        if type(x) is Var:
            uses[x] = uses.get(x, 0) + 1
    return uses


def as_index(index: Expr) -> Expr:
    """An index as an argument: a slice needs ``np.s_``."""
    parts = index.elts if isinstance(index, ast.Tuple) else [index]
    if any(isinstance(p, ast.Slice) for p in parts):
        return ast.Subscript(parse("np.s_"), index, ast.Load())
    return index


def distinct(arrays: Sequence[Value]) -> bool:
    """Whether no two indices are equal: certain if those along one axis are ``np.arange``."""
    shape = np.broadcast_shapes(*[a.shape for a in arrays])
    return any(a.shape == shape and ast.unparse(a.tree).startswith("np.arange(") for a in arrays)


def is_writable(a: Any) -> bool:
    """Whether a constant array has a text of reasonable length."""
    if not isinstance(a, np.ndarray):
        return True
    if a.size > _WRITTEN_ELEMENTS:
        return patterned(a) is not None
    return len(ast.unparse(constant(a))) <= _WRITTEN_CHARACTERS


def plain(obj: Any) -> Any:
    """The array of a captured input."""
    return obj._concrete("show") if isinstance(obj, Tensor) else obj


def _is_same(known: tuple[Primitive, dict[str, Any]], e: Equation) -> bool:
    return known[0] is e.primitive and freeze(known[1]) == freeze(e.params)


# Functions whose result is never a view of an argument. Others may be (np.einsum("ij->ji", x) is).
_FRESH = frozenset(
    "array zeros ones full zeros_like ones_like full_like copy astype where "
    "sum prod max min mean cumsum cumprod concatenate stack sort repeat tile roll take "
    "take_along_axis outer dot tensordot solve inv det".split()
)


def is_fresh(tree: Expr) -> bool:
    """Whether an expression is certain to make a new array, and no view of another one."""
    if isinstance(tree, ast.BinOp | ast.UnaryOp | ast.Compare):
        return True
    if isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name):
        return tree.func.id in DEFINITIONS
    if isinstance(tree, ast.Call) and isinstance(tree.func, ast.Attribute):
        what = tree.func.attr
        return what in _FRESH or isinstance(getattr(np, what, None), np.ufunc)
    return False
