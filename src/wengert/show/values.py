"""Equations of a Program as expressions on named arrays, written the way NumPy users write them."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..core.abstract import Var
from ..core.program import Equation
from ..rules.indexing import index_text
from ..rules.pointwise import POINTWISE
from .expressions import (
    attribute,
    call,
    constant,
    method,
    operation,
    parse,
    product,
    subscript,
)

__all__ = [
    "Shapes",
    "Value",
    "expand",
    "express",
    "index_of",
    "shape_tree",
    "summed",
    "unbroadcast",
]

Expr = ast.expr
Shape = tuple[int, ...]
Shapes = dict[Shape, Expr]
"""How a shape may be written: the shape of a variable that is in view."""


class Value:
    """An expression and the shape of what it computes.

    Attributes
    ----------
    core : Value or None
        What was broadcast to give this; NumPy's own broadcasting may do as well.
    summed : (Value, axes) or None
        What was summed over which axes, to write ``keepdims=True`` instead of a reshape.
    moved : (Value, axes) or None
        What was transposed, and how.
    """

    __slots__ = ("core", "moved", "shape", "summed", "tree")

    def __init__(
        self,
        tree: Expr,
        shape: Shape,
        core: Value | None = None,
        summed: tuple[Value, Shape] | None = None,
        moved: tuple[Value, Shape] | None = None,
    ) -> None:
        self.tree = tree
        self.shape = shape
        self.core = core
        self.summed = summed
        self.moved = moved


def index_of(template: Any, arrays: Sequence[Expr]) -> tuple[str, dict[str, Expr]]:
    """An index as text with places for arrays, and what goes there."""
    places = {f"_i{k}_": _as_list(a) for k, a in enumerate(arrays)}
    return index_text(template, list(places)), places


def _as_list(a: Expr) -> Expr:
    """A constant index array without ``np.array`` around it."""
    if isinstance(a, ast.Call) and len(a.args) == 1 and isinstance(a.args[0], ast.List):
        return a.args[0]
    return a


def shape_tree(shape: Shape, shapes: Shapes) -> Expr:
    """A shape, as that of a variable in view if there is one."""
    known = shapes.get(shape)
    return parse(repr(shape)) if known is None else attribute(known, "shape")


def axis_tree(axes: Shape) -> Expr:
    """``axis=`` as it is written."""
    return parse(repr(axes[0] if len(axes) == 1 else axes))


def negated(x: Expr) -> Expr | None:
    """``y`` where ``x`` is ``-y``."""
    return x.operand if isinstance(x, ast.UnaryOp) and isinstance(x.op, ast.USub) else None


# ------------------------------------------------------------------ sums


def summed(x: Value, axes: Shape, keepdims: bool = False) -> Value:
    """``x.sum(axis=...)``."""
    if not axes:
        return x
    shape = tuple(
        [1 if i in axes else n for i, n in enumerate(x.shape) if keepdims or i not in axes]
    )
    keywords: dict[str, Expr] = {}
    if len(axes) < len(x.shape) or keepdims:
        keywords["axis"] = axis_tree(axes)
    if keepdims:
        keywords["keepdims"] = ast.Constant(True)
    positive = negated(x.tree)
    if positive is not None:
        return Value(ast.UnaryOp(ast.USub(), method(positive, "sum", **keywords)), shape)
    return Value(method(x.tree, "sum", **keywords), shape, summed=None if keepdims else (x, axes))


def unbroadcast(x: Value, shape: Shape) -> Value:
    """A cotangent summed down to the shape of the operand it belongs to."""
    if x.shape == shape:
        return x
    lead = len(x.shape) - len(shape)
    kept = tuple(lead + i for i, n in enumerate(shape) if n == 1 and x.shape[lead + i] != 1)
    y = summed(x, (*range(lead), *kept), keepdims=bool(kept) and not lead)
    return y if y.shape == shape else Value(reshaped(y.tree, shape), shape)


# ------------------------------------------------------------------ rewritings by operation


def expand(x: Value, shape: Shape) -> Value:
    """``x`` in another shape; by ``x[:, None]`` if that only adds axes of length one."""
    if x.shape == shape:
        return x
    if x.summed is not None:
        inner, axes = x.summed
        if shape == tuple([1 if i in axes else n for i, n in enumerate(inner.shape)]):
            return summed(inner, axes, keepdims=True)
    index = _new_axes(x.shape, shape)
    if index is not None and x.shape:
        lead = len(shape) - len(x.shape)
        only_leading = shape[lead:] == x.shape
        return Value(subscript(x.tree, index), shape, core=x if only_leading else None)
    if not x.shape:  # perhaps a Python number, which has no methods
        return Value(call("np.reshape", x.tree, parse(repr(shape))), shape, core=x)
    return Value(reshaped(x.tree, shape), shape)


def reshaped(x: Expr, shape: Shape) -> Expr:
    """``x.reshape(2, 3)``."""
    return method(x, "reshape", *(map(constant, shape) if shape else [parse("()")]))


def _reshape(values: list[Value], params: Any, out: Var, shapes: Shapes) -> Value:
    return expand(values[0], out.shape)


def _new_axes(before: Shape, after: Shape) -> str | None:
    """The index that inserts axes of length one, if that is all there is between the shapes."""
    parts = []
    i = 0
    for n in after:
        if i < len(before) and n == before[i]:
            parts.append(":")
            i += 1
        elif n == 1:
            parts.append("None")
        else:
            return None
    return ", ".join(parts) if i == len(before) else None


def _broadcast_to(values: list[Value], params: Any, out: Var, shapes: Shapes) -> Value:
    x, shape = values[0], out.shape
    if x.shape == shape:
        return x
    core = x.core or x
    where = shape_tree(shape, shapes)
    if isinstance(core.tree, ast.Constant):
        value = core.tree.value
        dtype = "" if out.dtype in (np.float64, np.dtype(type(value))) else f", np.{out.dtype.name}"
        if value in (0, 1):
            text = f"np.{'ones' if value else 'zeros'}(_s_{dtype})"
            return Value(parse(text, _s_=where), shape, core=core)
        text = f"np.full(_s_, _x_{dtype})"
        return Value(parse(text, _s_=where, _x_=core.tree), shape, core=core)
    return Value(call("np.broadcast_to", core.tree, where), shape, core=core)


def _transpose(values: list[Value], params: Any, out: Var, shapes: Shapes) -> Value | None:
    x, axes = values[0], params["axes"]
    if x.moved is not None:
        inner, first = x.moved
        x, axes = inner, tuple([first[i] for i in axes])
    if axes == tuple(range(len(axes))):
        return x
    if axes == tuple(reversed(range(len(axes)))):
        tree: Expr = attribute(x.tree, "T")
    else:
        tree = method(x.tree, "transpose", *map(constant, axes))
    return Value(tree, out.shape, moved=(x, axes))


def _sum(values: list[Value], params: Any, out: Var, shapes: Shapes) -> Value:
    return summed(values[0], params["axis"], params.get("keepdims", False))


def _product(values: list[Value], params: Any, out: Var, shapes: Shapes) -> Value:
    x, y = _without_broadcasts(values, out.shape)
    core = None
    if any(v.core is not None for v in values):
        a, b = [v.core or v for v in values]
        core = Value(product(a.tree, b.tree), np.broadcast_shapes(a.shape, b.shape))
    return Value(product(x.tree, y.tree), out.shape, core)


def _same(values: list[Value], params: Any, out: Var, shapes: Shapes) -> Value:
    return values[0]


_Rewriting = Callable[[list[Value], Any, Var, Shapes], "Value | None"]
_IN_BACKWARD: dict[str, _Rewriting] = {
    "reshape": _reshape,
    "broadcast_to": _broadcast_to,
    "transpose": _transpose,
    "sum": _sum,
    "mul": _product,
    "product_of_changes": _product,
    "strong_product": _product,
    "selected_product": _product,
    "stop_gradient": _same,
}


def _forward_broadcast_to(
    values: list[Value], params: Any, out: Var, shapes: Shapes
) -> Value | None:
    return (
        _broadcast_to(values, params, out, {}) if isinstance(values[0].tree, ast.Constant) else None
    )


def _forward_reshape(values: list[Value], params: Any, out: Var, shapes: Shapes) -> Value:
    if not values[0].shape:
        return Value(call("np.reshape", values[0].tree, parse(repr(out.shape))), out.shape)
    return Value(reshaped(values[0].tree, out.shape), out.shape)


def _forward_transpose(values: list[Value], params: Any, out: Var, shapes: Shapes) -> Value | None:
    # A 0-d array may be written as a Python number, which has no methods.
    return None if params["axes"] else Value(call("np.transpose", values[0].tree), ())


def _convolve(values: list[Value], params: Any, out: Var, shapes: Shapes) -> Value | None:
    """Of stacks: NumPy's function takes vectors only."""
    if len(values[0].shape) == len(values[1].shape) == 1:
        return None
    operands = [v.tree for v in values]
    return Value(call("convolve_stacks", *operands, constant(params["mode"])), out.shape)


def _astype(values: list[Value], params: Any, out: Var, shapes: Shapes) -> Value | None:
    """Of a scalar, which in a listing may be a Python number without methods."""
    if out.shape:
        return None
    return Value(call(f"np.{np.dtype(params['dtype']).name}", values[0].tree), ())


def _convolve_nd(values: list[Value], params: Any, out: Var, shapes: Shapes) -> Value | None:
    """Of stacks: SciPy's function takes them for further dimensions."""
    n = params["ndim"]
    if len(values[0].shape) == len(values[1].shape) == n:
        return None
    signature = f"({','.join('abc'[:n])}),({','.join('def'[:n])})->({','.join('ghi'[:n])})"
    one = f"lambda a, v: scipy.signal.convolve(a, v, {params['mode']!r}, 'direct')"
    text = f"np.vectorize({one}, signature={signature!r})(_a_, _v_)"
    return Value(parse(text, _a_=values[0].tree, _v_=values[1].tree), out.shape)


def _lfilter(values: list[Value], params: Any, out: Var, shapes: Shapes) -> Value | None:
    """Of stacks of coefficients: SciPy's function takes them for one filter only."""
    b, a, x = values
    if len(b.shape) == len(a.shape) == 1:
        return None
    text = "np.vectorize(scipy.signal.lfilter, signature='(k),(m),(n)->(n)')(_b_, _a_, _x_)"
    return Value(parse(text, _b_=b.tree, _a_=a.tree, _x_=x.tree), out.shape)


_ALWAYS: dict[str, _Rewriting] = {
    "astype": _astype,
    "convolve": _convolve,
    "convolve_nd": _convolve_nd,
    "lfilter": _lfilter,
}
_IN_BACKWARD |= _ALWAYS
_IN_FORWARD: dict[str, _Rewriting] = {
    **_ALWAYS,
    "transpose": _forward_transpose,
    "broadcast_to": _forward_broadcast_to,
    "reshape": _forward_reshape,
}


def _without_broadcasts(values: list[Value], shape: Shape) -> list[Value]:
    """Operands as they were before they were broadcast, where NumPy broadcasts them again."""
    result = list(values)
    for i, x in enumerate(values):
        if x.core is None:
            continue
        trial = [*result[:i], x.core, *result[i + 1 :]]
        if np.broadcast_shapes(*[v.shape for v in trial]) == shape:
            result = trial
    return result


def _before_broadcast(e: Equation, values: list[Value]) -> Value | None:
    """A pointwise operation on operands as they were before they were broadcast."""
    if all(v.core is None for v in values):
        return None
    cores = [v.core or v for v in values]
    shape = np.broadcast_shapes(*[v.shape for v in cores])
    tree = operation(e.primitive, [v.tree for v in cores], e.params)
    return None if tree is None else Value(tree, shape)


def express(e: Equation, values: list[Value], shapes: Shapes, backward: bool) -> list[Value] | None:
    """The outputs of an equation as expressions; None if its record shows no Python.

    Parameters
    ----------
    e : Equation
    values : list of Value
        The operands.
    shapes : dict
        Names for shapes.
    backward : bool
        In the backward pass expressions are made as short as possible; the forward pass shows what
        the author wrote.
    """
    out = e.outputs[0]
    rewriting = (_IN_BACKWARD if backward else _IN_FORWARD).get(e.primitive.name)
    if rewriting is not None:
        value = rewriting(values, e.params, out, shapes)
        if value is not None:
            return [value]
    if e.primitive.name == "getitem":
        text, places = index_of(e.params["template"], [v.tree for v in values[1:]])
        return [Value(subscript(values[0].tree, text, **places), out.shape)]
    core = None
    if backward and e.primitive.name in POINTWISE:
        core = _before_broadcast(e, values)
        values = _without_broadcasts(values, out.shape)
    tree = operation(e.primitive, [v.tree for v in values], e.params)
    if tree is None:
        return None
    if e.primitive.outputs is not None:
        return [Value(subscript(tree, str(k)), v.shape) for k, v in enumerate(e.outputs)]
    axis = e.params.get("axis")
    if type(axis) is tuple and axis == tuple(range(len(values[0].shape))):
        _drop_axis(tree, len(axis))
    return [Value(tree, out.shape, core)]


_REDUCTIONS = {"np.sum", "np.prod", "np.max", "np.min", "np.any", "np.all", "np.mean"}


def _drop_axis(tree: Expr, ndim: int) -> None:
    """``np.sum(x, axis=(0, 1))`` of a matrix is ``np.sum(x)``."""
    if not isinstance(tree, ast.Call):
        return
    function = ast.unparse(tree.func)
    if function == "np.linalg.vector_norm" and ndim == 2 and len(tree.keywords) == 1:
        tree.func = parse("np.linalg.norm")
        tree.keywords = []
    elif function in _REDUCTIONS or (function == "np.linalg.norm" and ndim == 1):
        if not any(k.arg == "keepdims" for k in tree.keywords):
            tree.keywords = [k for k in tree.keywords if k.arg != "axis"]
