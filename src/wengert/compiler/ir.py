"""The index IR: what the compiler fuses, a hash-consed graph of arrays as functions of indices.

A node stands for an array of a static shape. Nothing moves: every slice, transpose, broadcast and
diagonal is a ``view``, an affine map from the indices of the node to those of its operand, and
views compose when they are made. A product of matrices is a sum of a product of two views, so that
one template emits contractions, reductions and chains of elementwise operations alike.

==========  =================  ===================================================================
operation   operands           attributes
==========  =================  ===================================================================
input                          slot; a C-contiguous buffer of the caller
const                          a scalar; shape ()
data                           the bytes of an array that is known
iota                           axis; int64, the index along it
map         x, ... (one shape)  name of a scalar operation (`codegen.scalars`)
view        x                  for each axis of x ``(axis of the node or -1, offset, step)``, and
                               ``axis, step`` for each further axis that moves it: a window that
                               slides over an image is ``(place of the output, 0, stride, place in
                               the window, dilation)``
gather      x, i, ...          for each axis of x such a triple, or the number of an index array
reduce      x                  kind ("sum", "prod", "max", "min", ...), axes
reshape     x                  none: the same elements in C order
update      x, v, i, ...       kind ("set" or "add"); like gather's, for what v is written to
scan        x                  name of a scalar operation, axis, whether from the end
recur       own, first, ...,   axis: the first elements along it, then the others, each made of
            next, ...          those before it, which it reads in ``own``; of an array of pairs both
                               parts of the first and of the others
own                            what a node has stored so far, read by its own nest
pair        x, y               axes of length two: the one along which the two lie, or of four
                               operands the two
opaque      x, ...             an equation that is evaluated by NumPy; ``item`` picks an output
item        opaque             number
routine     x, ...             a call of LAPACK (`plan.Routine`): name, options, sizes n, k, stack,
                               shapes and dtypes of results, whether the first is in place of x;
                               ``result`` picks an array that it fills
result      routine            number
==========  =================  ===================================================================
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Sequence
from math import prod
from typing import Any

import numpy as np

__all__ = ["Graph", "Node", "axis_terms", "composed", "identity_map", "is_rearranged"]
__all__ += ["reachable"]

Shape = tuple[int, ...]
AxisMap = tuple[tuple[int, ...], ...]


class Node:
    """One array. Nodes are equal if and only if they are the same object."""

    __slots__ = ("args", "attrs", "dtype", "id", "op", "shape")

    def __init__(
        self, op: str, args: tuple[Node, ...], shape: Shape, dtype: Any, attrs: Any, number: int
    ) -> None:
        self.op = op
        self.args = args
        self.shape = shape
        self.dtype = dtype
        self.attrs = attrs
        self.id = number

    @property
    def size(self) -> int:
        """The number of elements."""
        return prod(self.shape)

    def __repr__(self) -> str:
        return f"%{self.id}"

    def text(self) -> str:
        """The node as one line."""
        attrs = "" if self.attrs == () or self.op == "data" else f" {self.attrs!r}"
        operands = ", ".join(map(repr, self.args))
        shape = ",".join(map(str, self.shape))
        return f"%{self.id}:{self.dtype.name}[{shape}] = {self.op}{attrs}({operands})"


def identity_map(ndim: int) -> AxisMap:
    """The map of a view that changes nothing."""
    return tuple([(d, 0, 1) for d in range(ndim)])


def axis_terms(entry: Sequence[int]) -> list[tuple[int, int]]:
    """The axes of a view that move an axis of its operand, and by how much."""
    found = [(entry[0], entry[2])] if entry[0] >= 0 else []
    return found + [(entry[k], entry[k + 1]) for k in range(3, len(entry), 2)]


def _entry(offset: int, terms: Sequence[tuple[int, int]], shape: Shape) -> tuple[int, ...]:
    """An entry of a view's map in its one form; axes of length one move nothing."""
    steps: dict[int, int] = {}
    for d, s in terms:
        if shape[d] != 1:
            steps[d] = steps.get(d, 0) + s
    moving = sorted((d, s) for d, s in steps.items() if s)
    if not moving:
        return (-1, offset, 0)
    (d, s), *rest = moving
    return (d, offset, s, *[x for term in rest for x in term])


def composed(outer: AxisMap, inner: AxisMap, shape: Shape) -> AxisMap:
    """The map ``outer`` of what is indexed by ``inner``, whose axes have these lengths."""
    found = []
    for entry in outer:
        offset, terms = entry[1], []
        for d, s in axis_terms(entry):
            offset += s * inner[d][1]
            terms += [(e, s * t) for e, t in axis_terms(inner[d])]
        found.append(_entry(offset, terms, shape))
    return tuple(found)


def is_rearranged(x: Node) -> bool:
    """Whether x is one value in another order, written piece by piece: an update of all of x."""
    return (
        x.op == "update" and x.attrs[0] == "set" and len(x.args) == 2
        and x.args[0].op == "empty" and x.args[1].size == x.size
    )  # fmt: skip


def reachable(roots: Iterable[Node]) -> list[Node]:
    """All nodes that these are made of, operands first."""
    found = set(roots)
    stack = list(found)
    while stack:
        for x in stack.pop().args:
            if x not in found:
                found.add(x)
                stack.append(x)
    return sorted(found, key=lambda n: n.id)


class Graph:
    """Makes nodes, each only once, and simplifies them on the way."""

    def __init__(self) -> None:
        self._known: dict[Any, Node] = {}
        self.nodes: list[Node] = []
        self.complex: set[Node] = set()  # arrays of complex numbers, whose parts are the last axis

    def make(
        self, op: str, args: Sequence[Node], shape: Iterable[int], dtype: Any, attrs: Any = ()
    ) -> Node:
        """The node of this description; an operand's identity is part of it."""
        dtype = np.dtype(dtype)
        shape = tuple(shape)
        key = (op, tuple([a.id for a in args]), shape, dtype, attrs)
        node = self._known.get(key)
        if node is None:
            node = Node(op, tuple(args), shape, dtype, attrs, len(self.nodes))
            self._known[key] = node
            self.nodes.append(node)
        return node

    def again(self, n: Node, args: Sequence[Node]) -> Node:
        """The node with other operands of the same shapes and dtypes."""
        if all(a is b for a, b in zip(args, n.args, strict=True)):
            return n
        if n.op == "view":
            return self.view(args[0], n.attrs, n.shape)
        node = self.make(n.op, args, n.shape, n.dtype, n.attrs)
        if n in self.complex:
            self.complex.add(node)
        return node

    # -------------------------------------------------------------- leaves

    def input(self, slot: int, shape: Shape, dtype: Any) -> Node:
        """A buffer of the caller."""
        return self.make("input", (), shape, dtype, slot)

    def const(self, value: Any, dtype: Any, shape: Shape = ()) -> Node:
        """A scalar, or an array filled with it."""
        dtype = np.dtype(dtype)
        scalar = np.asarray(value).astype(dtype)[()]
        # By its bytes, since 0.0 == -0.0 and nan != nan.
        node = self.make("const", (), (), dtype, scalar.tobytes())
        return self.broadcast(node, shape)

    def data(self, array: Any) -> Node:
        """An array that is known, and is kept with the machine code."""
        return self.make("data", (), array.shape, array.dtype, array.tobytes())

    def iota(self, shape: Shape, axis: int) -> Node:
        """The index along an axis."""
        line = self.make("iota", (), (shape[axis],), np.int64)
        return self.view(line, ((axis, 0, 1),), shape)

    def progression(self, start: int, step: int, n: int, dtype: Any) -> Node:
        """``start + step * arange(n)``, for a start and step that are not negative."""
        line = self.make("iota", (), (start + step * (n - 1) + 1,), np.int64)
        return self.cast(self.view(line, ((0, start, step),), (n,)), dtype)

    # -------------------------------------------------------------- movement

    def view(self, x: Node, axes: AxisMap, shape: Shape) -> Node:
        """An affine view; views of views become one."""
        # An axis of length one is fixed, wherever it is seen from.
        axes = tuple([_entry(e[1], axis_terms(e), shape) for e in axes])
        if x.op == "view":
            return self.view(x.args[0], composed(x.attrs, axes, shape), shape)
        if shape == x.shape and axes == tuple(
            [(d, 0, 1) if n != 1 else (-1, 0, 0) for d, n in enumerate(shape)]
        ):
            return x
        return self.make("view", (x,), shape, x.dtype, axes)

    def broadcast(self, x: Node, shape: Shape) -> Node:
        """NumPy's broadcasting."""
        if x.shape == shape:
            return x
        lead = len(shape) - x_ndim if (x_ndim := len(x.shape)) is not None else 0
        axes = tuple(
            [(-1, 0, 0) if n == 1 != shape[lead + d] else (lead + d, 0, 1)
             for d, n in enumerate(x.shape)]
        )  # fmt: skip
        return self.view(x, axes, shape)

    def transpose(self, x: Node, order: Sequence[int]) -> Node:
        """The axes in another order."""
        place = {axis: i for i, axis in enumerate(order)}
        shape = tuple([x.shape[axis] for axis in order])
        return self.view(x, tuple([(place[d], 0, 1) for d in range(len(order))]), shape)

    def reshape(self, x: Node, shape: Shape) -> Node:
        """The same elements in C order. Where only axes of length one come and go, a view."""
        if x.shape == shape:
            return x
        if x.op == "reshape":
            return self.reshape(x.args[0], shape)
        if [n for n in x.shape if n != 1] == [n for n in shape if n != 1]:
            long = [d for d, n in enumerate(shape) if n != 1]
            rest = iter(long)
            axes = tuple([(-1, 0, 0) if n == 1 else (next(rest), 0, 1) for n in x.shape])
            return self.view(x, axes, shape)
        if x.op == "view" and not x.args[0].shape:
            return self.broadcast(x.args[0], shape)
        return self.make("reshape", (x,), shape, x.dtype)

    # -------------------------------------------------------------- arithmetic

    def map(self, name: str, *args: Node, dtype: Any = None) -> Node:
        """A scalar operation on every element; operands of shape () are broadcast."""
        shape = next((a.shape for a in args if a.shape), ())
        args = tuple([self.broadcast(a, shape) for a in args])
        dtype = args[0].dtype if dtype is None else dtype
        for x in args:
            if is_rearranged(x):
                return self._map_before(name, args, dtype, x)
        return self._simpler(name, args, dtype) or self.make("map", args, shape, dtype, name)

    def _map_before(self, name: str, args: Sequence[Node], dtype: Any, x: Node) -> Node:
        """An operation on x, whose elements are rearranged: on them before that happens.

        So what follows the pullback of a pooling, whose windows write their own pixels, is
        computed where these are, and x is not stored in between.
        """
        base, value = x.args
        before = [
            a.args[1] if a.op == "update" and is_rearranged(a) and a.attrs == x.attrs
            and a.args[1].shape == value.shape
            else self.view(a, x.attrs[1], value.shape)
            for a in args
        ]  # fmt: skip
        y = self.map(name, *before, dtype=dtype)
        empty = self.make("empty", (), base.shape, y.dtype, (y.id, x.attrs))  # each y only once
        return self.make("update", (empty, y), x.shape, y.dtype, x.attrs)

    def _simpler(self, name: str, args: tuple[Node, ...], dtype: Any) -> Node | None:
        """Identities that hold for every value, inf, NaN and signed zero included."""
        if name == "cast" and args[0].dtype == dtype:
            return args[0]
        if name in _EXACT and dtype.kind == "f":
            values = [value_of(x) for x in args]
            if all(v is not None for v in values):
                with np.errstate(all="ignore"):
                    return self.const(_EXACT[name](*values), dtype, args[0].shape)
        if name in ("mul", "div") and value_of(args[1]) == 1:
            return args[0]
        if name == "mul" and value_of(args[0]) == 1:
            return args[1]
        if name == "strong" and (_is_finite(value_of(args[1])) or _is_nonzero(value_of(args[0]))):
            return self.map("mul", *args)
        if name == "changes" and (_is_nonzero(value_of(args[0])) or _is_nonzero(value_of(args[1]))):
            ordered = args if value_of(args[1]) is not None else args[::-1]
            return self.map("strong", *ordered)
        if name in ("add", "sub") and _is_negated(args[1]):
            return self.map("sub" if name == "add" else "add", args[0], args[1].args[0])
        if name == "add" and _is_negated(args[0]):
            return self.map("sub", args[1], args[0].args[0])
        if name in ("mul", "div") and _is_negated(args[0]) and _is_negated(args[1]):
            return self.map(name, args[0].args[0], args[1].args[0])
        if name == "add" and any(map(_is_negative_zero, args)):
            return args[0] if _is_negative_zero(args[1]) else args[1]
        if name == "div" and _is_power_of_two(value_of(args[1])):
            inverse = self.const(1 / value_of(args[1]), args[1].dtype, args[1].shape)
            return self.map("mul", args[0], inverse)
        if name in ("maximum", "minimum", "fmax", "fmin", "and", "or") and args[0] is args[1]:
            return args[0]
        if name == "select" and args[1] is args[2]:
            return args[1]
        if name == "neg" and args[0].op == "map" and args[0].attrs == "neg":
            return args[0].args[0]
        if name == "sub" and value_of(args[1]) == 0 and not _is_negative_zero(args[1]):
            return args[0]
        if name == "cast" and (value := value_of(args[0])) is not None:
            return self.const(value, dtype, args[0].shape)
        if name == "select" and (value := value_of(args[0])) is not None:
            return args[1] if value else args[2]
        return None

    def cast(self, x: Node, dtype: Any) -> Node:
        """The values in another dtype."""
        return self.map("cast", x, dtype=np.dtype(dtype))

    def reduce(self, kind: str, x: Node, axes: Sequence[int]) -> Node:
        """A reduction over axes; over axes of length one the element itself."""
        axes = tuple(sorted(axes))
        short = [d for d in axes if x.shape[d] == 1]
        if short:
            kept = [d for d in range(len(x.shape)) if d not in short]
            place = {d: i for i, d in enumerate(kept)}
            x = self.view(
                x,
                tuple([(place.get(d, -1), 0, 1) for d in range(len(x.shape))]),
                tuple([x.shape[d] for d in kept]),
            )
            axes = tuple([place[d] for d in axes if d in place])
        if not axes:
            return x
        from .identities import simpler_reduction  # which makes nodes

        simpler = simpler_reduction(self, kind, x, axes)
        if simpler is not None:
            return simpler
        shape = [n for d, n in enumerate(x.shape) if d not in axes]
        return self.make("reduce", (x,), shape, x.dtype, (kind, axes))


_EXACT: dict[str, Callable[..., Any]] = {
    "neg": operator.neg, "add": operator.add, "sub": operator.sub, "mul": operator.mul,
    "div": operator.truediv,
}  # fmt: skip
"""What is the same to the last bit when it is computed beforehand."""


def value_of(x: Node) -> Any:
    """The value that all elements have, if it is a constant; else None."""
    if x.op == "view":
        x = x.args[0]
    return np.frombuffer(x.attrs, x.dtype)[0] if x.op == "const" else None


def _is_finite(value: Any) -> bool:
    return value is not None and bool(np.isfinite(value))


def _is_nonzero(value: Any) -> bool:
    return _is_finite(value) and bool(value != 0)


def _is_negated(x: Node) -> bool:
    return x.op == "map" and x.attrs == "neg" and x.dtype.kind == "f"


def _is_power_of_two(value: Any) -> bool:
    """Whether a division by it is a product with its inverse, to the last bit."""
    return (
        isinstance(value, np.floating)
        and bool(2.0**-100 <= abs(value) <= 2.0**100)
        and abs(np.frexp(value)[0]) == 0.5
    )


def _is_negative_zero(x: Node) -> bool:
    value = value_of(x)
    return value is not None and x.dtype.kind == "f" and bool(value == 0 and np.signbit(value))
