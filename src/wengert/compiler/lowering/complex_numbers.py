"""Equations on complex numbers, as equations on their real and imaginary parts.

What is linear over the reals and treats every element alike (movement, sums, choices) is lowered
twice, once for each part, by the lowering for real numbers. What is a product is lowered for all
pairs of parts. The rest are formulas (`complex_functions`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isqrt, prod
from typing import Any

import numpy as np

from ...core.abstract import Var
from ...core.program import Equation
from ..ir import Graph, Node, value_of
from ..passes.costs import operation_cost
from .complex_functions import FUNCTIONS, Z, lower_or_equal, power, power_of, product
from .contractions import contracted_parts
from .filters import filtered
from .formulas import Real, Test, select
from .movement import assembled, copied, node_of
from .pairs import Pair, blocks, in_memory, join, parts_in, real_dtype, stored
from .pointwise import loop_dtypes
from .scans import recurrence
from .table import LOWERINGS, Lowered

__all__ = ["lowered_complex"]

Made = Pair | Node | Sequence[Any] | None
ComplexLowering = Callable[[Lowered, Equation, Sequence[Any]], Made]

_COMPLEX: dict[str, ComplexLowering] = {}

# Which operands have parts; the others (conditions, indices) are the same for both.
_BY_PARTS: dict[str, tuple[int, ...]] = {
    **dict.fromkeys(
        ("transpose", "broadcast_to", "copy", "diagonal", "sliding_windows", "getitem",
         "scatter_add", "permute_along", "unpermute_along", "sum", "cumsum", "window_sum2d",
         "window_spread2d"),
        (0,),
    ),
    "setitem": (0, 1),
    "add_at": (0, 1),
    "where": (1, 2),
    "unit_vectors": (),
}  # fmt: skip
_CHEAP = 12  # what is computed again by each of several readers
_MOST = 160  # operations of one expression
_LEAST_SIDE = 4  # of complex matrices whose product is one of real matrices
_EVERY = ("concatenate", "stack")
_PRODUCTS = ("matmul", "einsum", "convolve", "convolve_nd", "conv2d", "conv2d_input",
             "conv2d_kernel", "sparse_matmul", "sparse_outer")  # fmt: skip


def lowers_complex(*names: str) -> Callable[[ComplexLowering], ComplexLowering]:
    """Register a lowering for operands of which some are complex."""

    def add(function: ComplexLowering) -> ComplexLowering:
        for name in names:
            _COMPLEX[name] = function
        return function

    return add


def lowered_complex(result: Lowered, e: Equation, ins: Sequence[Any]) -> list[Any] | None:
    """The outputs of an equation on complex numbers, or None if there is no code for it."""
    name = e.primitive.lower
    found: Made = None
    if name in _COMPLEX:
        found = _COMPLEX[name](result, e, ins)
    elif name in _BY_PARTS or name in _EVERY:
        found = _by_parts(result, e, ins)
    elif name in _PRODUCTS:
        found = _by_products(result, e, ins)
    if found is None:
        return None
    outputs = [found] if isinstance(found, Pair | Node) else list(found)
    for v, y in zip(e.outputs, outputs, strict=True):
        if isinstance(y, Pair) and result.uses[v] > 1 and _cost(y, _CHEAP) > _CHEAP:
            _store(result.graph, y)
    return outputs


def _cost(x: Pair, limit: int) -> int:
    """What an element of both parts costs, up to what is stored; beyond the limit, anything."""
    total, seen, stack = 0, set(), [x.re, x.im]
    while stack and total <= limit:
        node = stack.pop()
        if node in seen or node.op not in ("map", "view", "gather"):
            continue
        seen.add(node)
        total += operation_cost(node)
        stack.extend(node.args)
    return total


def _store(g: Graph, x: Pair) -> None:
    """Keep both parts in memory, for all who read them."""
    parts = stored(g, x)
    x.re, x.im = parts.re, parts.im


# ------------------------------------------------------------------ operands


def _part(g: Graph, x: Any, number: int) -> Any:
    """A part of an operand; those of scalars are scalars."""
    if isinstance(x, Pair):
        return (x.re, x.im)[number]
    if isinstance(x, Node):
        return x if number == 0 else g.const(0, x.dtype, x.shape)
    part = (x.real, x.imag)[number]
    return part if hasattr(x, "dtype") or not isinstance(x, complex) else float(part)


def _as_pair(g: Graph, x: Any, dtype: Any) -> Pair:
    """An operand in a complex dtype."""
    to = real_dtype(dtype)
    re, im = (_part(g, x, k) for k in (0, 1))
    return Pair(node_of(g, re, to), node_of(g, im, to))


def _real_equation(e: Equation) -> Equation:
    """The equation as one on real parts."""
    outputs = tuple(
        [
            Var(v.shape, real_dtype(v.dtype) if v.dtype.kind == "c" else v.dtype, None)
            for v in e.outputs
        ]
    )
    return Equation(e.primitive, e.inputs, e.params, outputs, e.silent)


def _real_lowering(result: Lowered, e: Equation, ins: Sequence[Any]) -> Any:
    lowering = LOWERINGS.get(str(e.primitive.lower))
    if lowering is None:
        return None
    y = lowering(result, e, ins)
    return y if isinstance(y, Node) or y is None else y[0]


# ------------------------------------------------------------------ part by part


def _by_parts(result: Lowered, e: Equation, ins: Sequence[Any]) -> Made:
    name = str(e.primitive.lower)
    places = range(len(ins)) if name in _EVERY else _BY_PARTS[name]
    real = _real_equation(e)
    parts: list[Any] = []
    for number in (0, 1) if e.outputs[0].dtype.kind == "c" else (0,):
        operands = [_part(result.graph, x, number) if k in places else x for k, x in enumerate(ins)]
        if name == "unit_vectors" and number:
            parts.append(result.graph.const(0, parts[0].dtype, parts[0].shape))
            continue
        made = _real_lowering(result, real, operands)
        if made is None:
            return None
        parts.append(made)
    if len(parts) == 1:
        only: Made = parts[0]
        return only
    y = Pair(*parts)
    return stored(result.graph, y) if name == "sum" and ins[0].shape != y.shape else y


@lowers_complex("setitem")
def _setitem(result: Lowered, e: Equation, ins: Sequence[Any]) -> Made:
    """Into both parts, or the one that a view such as ``z.real`` shows."""
    chain = e.params["chain"]
    seen = [primitive.name for primitive, _ in chain if primitive.name in ("real", "imag")]
    if not seen:
        return _by_parts(result, e, ins)
    g, v = result.graph, e.outputs[0]
    x = _as_pair(g, ins[0], v.dtype)
    rest = tuple([link for link in chain if link[0].name not in ("real", "imag")])
    real = _real_equation(e)
    real = Equation(real.primitive, real.inputs, {**e.params, "chain": rest}, real.outputs)
    part = (x.re, x.im)[seen[0] == "imag"]
    made = _real_lowering(result, real, (part, _part(g, ins[1], 0), *ins[2:]))
    if made is None:
        return None
    return Pair(made, x.im) if seen[0] == "real" else Pair(x.re, made)


@lowers_complex("reshape")
def _reshape(result: Lowered, e: Equation, ins: Sequence[Any]) -> Made:
    g, v = result.graph, e.outputs[0]
    x = _as_pair(g, ins[0], v.dtype)
    base = in_memory(g, x)
    if base is not None:
        return parts_in(g, g.reshape(base, (*v.shape, 2)))
    return Pair(g.reshape(x.re, v.shape), g.reshape(x.im, v.shape))


@lowers_complex("astype")
def _astype(result: Lowered, e: Equation, ins: Sequence[Any]) -> Made:
    g, v, x = result.graph, e.outputs[0], ins[0]
    if v.dtype.kind == "c":
        return _as_pair(g, x, v.dtype)
    if v.dtype.kind == "b":
        return _is_nonzero(g, x)
    return g.cast(x.re, v.dtype)


# ------------------------------------------------------------------ products


def _by_products(result: Lowered, e: Equation, ins: Sequence[Any]) -> Made:
    """The sums of the products of all parts; what has no imaginary part has no products with it."""
    g, v = result.graph, e.outputs[0]
    if e.primitive.lower == "einsum" and len(ins) != 2:
        return _einsum(result, e, ins)
    if v.dtype.kind != "c" or len(ins) != 2:
        return None
    real = _real_equation(e)
    (a, b) = operands = [_as_pair(g, x, v.dtype) for x in ins]
    if e.primitive.lower == "matmul" and (y := _as_real_sums(g, a, b, v.shape)) is not None:
        return y
    if e.primitive.lower == "matmul" and (y := _as_real_product(result, e, a, b)) is not None:
        return y
    work = isqrt(a.size * b.size * v.size)
    a, b = (_planar(g, x) if work > 4 * x.size else x for x in operands)

    def of(x: Node, y: Node) -> Node | None:
        made: Node | None = _real_lowering(result, real, (x, y))
        return made

    plain = [value_of(x.im) == 0 for x in (a, b)]
    re = of(a.re, b.re)
    if re is None:
        return None
    im = g.const(0, re.dtype, re.shape)
    if not plain[1]:
        im = of(a.re, b.im)  # type: ignore[assignment]
    if not plain[0]:
        other = of(a.im, b.re)
        im = other if plain[1] else g.map("add", im, other)  # type: ignore[arg-type, assignment]
    if not any(plain):
        re = g.map("sub", re, of(a.im, b.im))  # type: ignore[arg-type]
    return stored(g, Pair(re, im))


def _as_real_product(result: Lowered, e: Equation, a: Pair, b: Pair) -> Pair | None:
    """One product of real matrices: pairs of the first as they lie in memory, times blocks.

    It does the same multiplications as four products of the parts, in one pass, and its result lies
    as that of the complex product. A real first factor multiplies both parts of the second alike.
    """
    if min(len(a.shape), len(b.shape)) < 2 or min(*a.shape[-2:], *b.shape[-2:]) < _LEAST_SIDE:
        return None
    g, v = result.graph, e.outputs[0]
    k, j = b.shape[-2:]
    if value_of(b.im) == 0:
        return None
    if value_of(a.im) == 0:
        left = a.re
        right = g.reshape(join(g, b), (*b.shape[:-1], 2 * j))
    else:
        left = g.reshape(join(g, a), (*a.shape[:-1], 2 * k))
        right = g.reshape(blocks(g, b), (*b.shape[:-2], 2 * k, 2 * j))
    shape = (*v.shape[:-1], 2 * j)
    real = Equation(e.primitive, e.inputs, e.params, (Var(shape, left.dtype, None),), e.silent)
    y = _real_lowering(result, real, (left, right))
    return parts_in(g, g.reshape(y, (*v.shape, 2)))


def _as_real_sums(g: Graph, a: Pair, b: Pair, shape: tuple[int, ...]) -> Pair | None:
    """A matrix times a vector: rows as they lie in memory, times the vector's parts in turn."""
    if len(a.shape) < 2 or len(b.shape) != 1 or in_memory(g, a) is None:
        return None
    rank, k = len(shape), b.shape[0]
    rows = g.reshape(join(g, a), (*shape, 2 * k))
    vectors = (join(g, Pair(b.re, g.map("neg", b.im))), join(g, Pair(b.im, b.re)))
    parts = []
    for x in vectors:
        line = g.view(g.reshape(x, (2 * k,)), ((rank, 0, 1),), rows.shape)
        parts.append(g.reduce("sum", g.map("mul", rows, line), (rank,)))
    return stored(g, Pair(*parts))


def _planar(g: Graph, x: Pair) -> Pair:
    """The parts of what is read often, each contiguous."""
    return Pair(*[copied(g, p) if p.op == "view" and p.size > 1 else p for p in (x.re, x.im)])


def _einsum(result: Lowered, e: Equation, ins: Sequence[Any]) -> Made:
    """One operand, or many: products are multiplied out, element by element."""
    g, v = result.graph, e.outputs[0]
    if v.dtype.kind != "c":
        return None
    real = _real_equation(e)
    if len(ins) == 1:
        x = _as_pair(g, ins[0], v.dtype)
        parts = [_real_lowering(result, real, (p,)) for p in (x.re, x.im)]
        return None if None in parts else stored(g, Pair(*parts))
    return stored(g, contracted_parts(result, e, [_as_pair(g, x, v.dtype) for x in ins]))


# ------------------------------------------------------------------ element by element


def _z(g: Graph, x: Pair) -> Z:
    return Real(g, x.re), Real(g, x.im)


@lowers_complex("pointwise")
def _pointwise(result: Lowered, e: Equation, ins: Sequence[Any]) -> Made:
    g, name, out = result.graph, e.primitive.name, e.outputs[0]
    if name in ("real", "imag"):
        part: Node = _part(g, ins[0], name == "imag")
        return part
    for x in ins:
        if isinstance(x, Pair) and _cost(x, _MOST) > _MOST:
            _store(g, x)
    types = loop_dtypes(e, ins)
    if types is None or any(t.kind != "c" for t in types):
        return None
    if name in ("pow", "float_power"):
        return _power(g, e, ins, types)
    function = FUNCTIONS.get(name)
    if function is None:
        return None
    operands = []
    for x, t in zip(ins, types, strict=True):
        p = _as_pair(g, x, t)
        operands.append(_z(g, Pair(g.broadcast(p.re, out.shape), g.broadcast(p.im, out.shape))))
    y = function(*operands)
    if isinstance(y, Real | Test):
        return g.cast(y.node, out.dtype)
    return _cast(g, y, out.dtype)


def _cast(g: Graph, y: Z, dtype: Any) -> Made:
    if dtype.kind != "c":
        return g.cast(y[0].node, dtype)
    to = real_dtype(dtype)
    return Pair(g.cast(y[0].node, to), g.cast(y[1].node, to))


def _power(g: Graph, e: Equation, ins: Sequence[Any], types: Sequence[Any]) -> Made:
    shape = e.outputs[0].shape
    x, y = (_as_pair(g, v, t) for v, t in zip(ins, types, strict=True))
    x = Pair(g.broadcast(x.re, shape), g.broadcast(x.im, shape))
    values = value_of(y.re), value_of(y.im)
    if None not in values:
        return _cast(g, power_of(_z(g, x), complex(*values)), e.outputs[0].dtype)
    y = Pair(g.broadcast(y.re, shape), g.broadcast(y.im, shape))
    return _cast(g, power(_z(g, x), _z(g, y)), e.outputs[0].dtype)


# ------------------------------------------------------------------ reductions


def _is_nonzero(g: Graph, x: Pair) -> Node:
    re, im = _z(g, x)
    return (re.differs(0.0) | im.differs(0.0)).node


@lowers_complex("all", "any", "count_nonzero")
def _logical(result: Lowered, e: Equation, ins: Sequence[Any]) -> Made:
    made: Made = _real_lowering(result, e, [_is_nonzero(result.graph, ins[0])])
    return made


@lowers_complex("vector_norm")
def _vector_norm(result: Lowered, e: Equation, ins: Sequence[Any]) -> Made:
    g = result.graph
    re, im = _z(g, ins[0])
    if e.params["ord"] == 2:
        squares = (re * re + im * im).node
        return g.map("sqrt", g.reduce("sum", squares, e.params["axis"]))
    made: Made = _real_lowering(result, e, [re.of("hypot", im).node])
    return made


@lowers_complex("prod")
def _prod(result: Lowered, e: Equation, ins: Sequence[Any]) -> Made:
    """The first half times the second, again and again."""
    g, v, axes = result.graph, e.outputs[0], e.params["axis"]
    x = _as_pair(g, ins[0], v.dtype)
    kept = [d for d in range(len(x.shape)) if d not in axes]
    order = [*kept, *axes]
    shape = (*[x.shape[d] for d in kept], prod([x.shape[d] for d in axes]))
    re, im = (g.reshape(g.transpose(p, order), shape) for p in (x.re, x.im))
    last = len(kept)
    while (n := re.shape[last]) > 1:
        half = n // 2

        def piece(p: Node, start: int, length: int) -> Node:
            entries = [(d, start if d == last else 0, 1) for d in range(last + 1)]
            return g.view(p, tuple(entries), (*p.shape[:last], length))

        first, second = (
            _z(g, Pair(piece(re, start, half), piece(im, start, half))) for start in (0, half)
        )
        y = stored(g, Pair(*[p.node for p in product(first, second)]))
        if n % 2:
            y = _joined(g, y, Pair(piece(re, n - 1, 1), piece(im, n - 1, 1)), last)
        re, im = y.re, y.im
    if not re.size or not x.size:
        one = g.const(1, re.dtype, v.shape)
        return Pair(one, g.const(0, re.dtype, v.shape))
    return Pair(g.reshape(re, v.shape), g.reshape(im, v.shape))


def _joined(g: Graph, x: Pair, y: Pair, axis: int) -> Pair:
    """Two arrays, one after the other along the last axis."""
    n = x.shape[axis]
    parts = []
    for a, b in ((x.re, y.re), (x.im, y.im)):
        shape = (*a.shape[:axis], n + b.shape[axis])
        targets = [[(d, start if d == axis else 0, 1) for d in range(axis + 1)] for start in (0, n)]
        parts.append(assembled(g, shape, a.dtype, [(a, targets[0]), (b, targets[1])]))
    return Pair(*parts)


@lowers_complex("argmax", "argmin")
def _position(result: Lowered, e: Equation, ins: Sequence[Any]) -> Made:
    g, x, axis = result.graph, ins[0], e.params["axis"]
    if not x.size or axis >= len(x.shape):
        return None
    shape = tuple([1 if d == axis else n for d, n in enumerate(x.shape)])
    places = _first_extremum(g, x, (axis,), e.primitive.name == "argmax")
    out = e.outputs[0]
    return g.cast(g.reshape(places, shape if e.params.get("keepdims") else out.shape), out.dtype)


@lowers_complex("max", "min")
def _extremum(result: Lowered, e: Equation, ins: Sequence[Any]) -> Made:
    """The element at the first place of the extremum."""
    g, x, axes = result.graph, ins[0], e.params["axis"]
    if not x.size:
        return None
    kept = [d for d in range(len(x.shape)) if d not in axes]
    order = [*kept, *axes]
    lead = tuple([x.shape[d] for d in kept])
    shape = (*lead, prod([x.shape[d] for d in axes]))
    y = Pair(*[g.reshape(g.transpose(p, order), shape) for p in (x.re, x.im)])
    places = _first_extremum(g, y, (len(kept),), e.primitive.lower == "max")
    entries = (*[(d, 0, 1) for d in range(len(kept))], 0)
    parts = [g.make("gather", (p, places), lead, p.dtype, entries) for p in (y.re, y.im)]
    return Pair(*[g.reshape(p, e.outputs[0].shape) for p in parts])


def _first_extremum(g: Graph, x: Pair, axes: tuple[int, ...], largest: bool) -> Node:
    """The first place along one axis: of NaN, or else of the extremum in NumPy's order."""
    (axis,) = axes
    kind, worst = ("max", -np.inf) if largest else ("min", np.inf)

    def around(y: Node) -> Node:
        y = g.reshape(y, tuple([1 if d == axis else n for d, n in enumerate(x.shape)]))
        return g.broadcast(y, x.shape)

    re, im = _z(g, x)
    best = Real(g, around(g.reduce(kind, x.re, axes)))
    is_nan = re.has("isnan") | im.has("isnan")
    # Of those with the best real part the best imaginary one.
    tied = re.equals(best)
    rest = g.map("select", tied.node, x.im, g.const(worst, x.im.dtype, x.shape), dtype=x.im.dtype)
    second = Real(g, around(g.reduce(kind, rest, axes)))
    here = is_nan | (tied & im.equals(second))
    n = g.const(x.shape[axis], np.int64, x.shape)
    nan_first = g.map("select", is_nan.node, g.iota(x.shape, axis), n, dtype=np.int64)
    first = g.map("select", here.node, g.iota(x.shape, axis), n, dtype=np.int64)
    at_nan, at_best = g.reduce("min", nan_first, axes), g.reduce("min", first, axes)
    length = g.const(x.shape[axis], np.int64, at_nan.shape)
    found = g.map("less", at_nan, length, dtype=np.bool_)
    return g.map("select", found, at_nan, at_best, dtype=np.int64)


@lowers_complex("lfilter")
def _lfilter(result: Lowered, e: Equation, ins: Sequence[Any]) -> Made:
    v = e.outputs[0]
    pairs = [_as_pair(result.graph, x, v.dtype) for x in ins]
    b, a, x = [(p.re, p.im) for p in pairs]
    return Pair(*filtered(result.graph, b, a, x, v.shape))


@lowers_complex("cumprod", "cummax", "cummin")
def _scan(result: Lowered, e: Equation, ins: Sequence[Any]) -> Made:
    """Each element from the one before it."""
    g, v, axis = result.graph, e.outputs[0], e.params["axis"]
    x = _as_pair(g, ins[0], v.dtype)
    if v.shape[axis] < 2:
        return x
    name = e.primitive.name

    def step(before: Z, now: Z) -> Z:
        if name == "cumprod":
            return product(before, now)
        keeps = lower_or_equal(now, before) if name == "cummax" else lower_or_equal(before, now)
        nan = before[0].has("isnan") | before[1].has("isnan")
        keep = keeps | nan
        return select(keep, before[0], now[0]), select(keep, before[1], now[1])

    return recurrence(g, x, axis, e.params.get("reverse", False), step)
