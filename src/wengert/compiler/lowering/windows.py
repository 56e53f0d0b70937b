"""Windows that slide over images: convolution, its two transposes, and pooling.

Each is a reduction over views in which an axis of the image moves with two indices, the place of
the output and the place in the window; no windows are copied. What lies outside of an image is read
from a copy with a margin. Transposes with a stride fall into phases: of the rows ``stride * j + r``
of an image each meets the same places of the window, so for each ``r`` they are an ordinary sum.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import gcd
from typing import Any

import numpy as np

from ...core.program import Equation
from ..ir import AxisMap, Graph, Node, composed, is_rearranged
from .movement import assembled, copied
from .table import Lowered, lowers

__all__ = ["padded"]

Pair = tuple[int, int]

_FEW = 16  # places of a window whose sum or maximum is one expression


def padded(g: Graph, x: Node, margins: Sequence[Pair], fill: Any = 0) -> Node:
    """``x`` with that many rows of ``fill`` before and after along each axis."""
    if not any(a or b for a, b in margins):
        return x
    shape = tuple([n + a + b for n, (a, b) in zip(x.shape, margins, strict=True)])
    entries: AxisMap = tuple([(d, a, 1) for d, (a, _) in enumerate(margins)])
    base = g.const(fill, x.dtype, shape)
    if is_rearranged(x):  # straight into the place between the margins
        x, entries = x.args[1], composed(entries, x.attrs[1], x.args[1].shape)
    return g.make("update", (base, x), shape, x.dtype, ("set", entries))


def _around_images(padding: Sequence[Pair]) -> list[Pair]:
    return [(0, 0), *padding, (0, 0)]


# ------------------------------------------------------------------ convolution


def _product(g: Graph, views: Sequence[Node], kept: int) -> Node:
    """The sum of products over the axes after the first ``kept``."""
    return g.reduce("sum", g.map("mul", *views), range(kept, len(views[0].shape)))


def _operands(result: Lowered, e: Equation, ins: Sequence[Any]) -> list[Node] | None:
    dtype = e.outputs[0].dtype
    if dtype.kind not in "fiu" or not all(x.size for x in ins):
        return None
    return [result.graph.cast(x, dtype) for x in ins]


@lowers("conv2d")
def _conv2d(result: Lowered, e: Equation, ins: Sequence[Any]) -> Node | None:
    g, v, p = result.graph, e.outputs[0], e.params
    if (operands := _operands(result, e, ins)) is None:
        return None
    x, w = operands
    groups, (s, t), (a, b) = p["groups"], p["stride"], p["dilation"]
    x = padded(g, x, _around_images(p["padding"]))
    kh, kw, c, outputs = w.shape
    q = outputs // groups
    # (n, height, width, group, output of the group; place in the window, channel)
    shape = (*v.shape[:3], groups, q, kh, kw, c)
    xs = g.view(x, ((0, 0, 1), (1, 0, s, 5, a), (2, 0, t, 6, b), (3, 0, c, 7, 1)), shape)
    ws = g.view(w, ((5, 0, 1), (6, 0, 1), (7, 0, 1), (3, 0, q, 4, 1)), shape)
    return g.reshape(_product(g, (xs, ws), 5), v.shape)


@lowers("conv2d_kernel")
def _conv2d_kernel(result: Lowered, e: Equation, ins: Sequence[Any]) -> Node | None:
    g, v, p = result.graph, e.outputs[0], e.params
    if (operands := _operands(result, e, ins)) is None:
        is_empty = v.dtype.kind in "fiu" and not all(x.size for x in ins)
        return g.const(0, v.dtype, v.shape) if is_empty else None
    x, ct = operands
    groups, (s, t), (a, b) = p["groups"], p["stride"], p["dilation"]
    x = padded(g, x, _around_images(p["padding"]))
    kh, kw, c, outputs = v.shape
    q = outputs // groups
    # (place in the window, channel, group, output of the group; image, height, width)
    shape = (kh, kw, c, groups, q, *ct.shape[:3])
    xs = g.view(x, ((5, 0, 1), (6, 0, s, 0, a), (7, 0, t, 1, b), (3, 0, c, 2, 1)), shape)
    cts = g.view(ct, ((5, 0, 1), (6, 0, 1), (7, 0, 1), (3, 0, q, 4, 1)), shape)
    return g.reshape(_product(g, (xs, cts), 5), v.shape)


@dataclass(frozen=True)
class _Phase:
    """The rows ``stride * j + first`` of an image, ``j < count``, and the windows they are in.

    At place ``start + step * m`` of its window, for ``m < places``, such a row is seen by the
    output ``j + offset - back * m``.
    """

    first: int
    count: int
    places: int
    start: int
    step: int
    offset: int
    back: int


def _phases(length: int, window: int, stride: int, before: int, dilation: int) -> list[_Phase]:
    found = []
    step = stride // gcd(stride, dilation)
    for first in range(min(stride, length)):
        count = -(-(length - first) // stride)
        meets = [k for k in range(window) if (first + before - k * dilation) % stride == 0]
        start = meets[0] if meets else 0
        offset = (first + before - start * dilation) // stride
        back = step * dilation // stride
        found.append(_Phase(first, count, len(meets), start, step, offset, back))
    return found


def _margin(phases: Sequence[_Phase], outputs: int) -> Pair:
    """The rows beyond those of the output that the phases read."""
    met = [f for f in phases if f.places]
    lowest = min([f.offset - f.back * (f.places - 1) for f in met], default=0)
    highest = max([f.count - 1 + f.offset for f in met], default=0)
    return max(0, -lowest), max(0, highest - outputs + 1)


def _by_phases(
    g: Graph, shape: Sequence[int], dtype: Any, rows: list[_Phase], columns: list[_Phase],
    part: Callable[[_Phase, _Phase], Node],
) -> Node:  # fmt: skip
    """An image of which ``part`` gives the pixels of two phases."""
    n, _, _, c = shape
    pieces = []
    for f in rows:
        for h in columns:
            if f.places and h.places:
                value = part(f, h)
            else:
                value = g.const(0, dtype, (n, f.count, h.count, c))
            target = ((0, 0, 1), (1, f.first, len(rows)), (2, h.first, len(columns)), (3, 0, 1))
            pieces.append((value, target))
    if len(pieces) == 1:
        return pieces[0][0]
    return assembled(g, shape, dtype, pieces)


@lowers("conv2d_input")
def _conv2d_input(result: Lowered, e: Equation, ins: Sequence[Any]) -> Node | None:
    g, v, p = result.graph, e.outputs[0], e.params
    if (operands := _operands(result, e, ins)) is None:
        return None
    ct, w = operands
    c, outputs = w.shape[2:]
    groups = p["groups"]
    q = outputs // groups
    rows, columns = [
        _phases(v.shape[1 + d], w.shape[d], p["stride"][d], p["padding"][d][0], p["dilation"][d])
        for d in (0, 1)
    ]
    margins = [_margin(f, ct.shape[1 + d]) for d, f in enumerate((rows, columns))]
    top, left = margins[0][0], margins[1][0]
    ct = padded(g, ct, _around_images(margins))
    # The kernel with its channels last: those of the result lie along the vectors.
    w = copied(g, g.transpose(w, (0, 1, 3, 2))) if c > 1 else g.transpose(w, (0, 1, 3, 2))

    def part(f: _Phase, h: _Phase) -> Node:
        # (n, height, width, group, channel of the group; place in the window, output)
        shape = (v.shape[0], f.count, h.count, groups, c, f.places, h.places, q)
        cts = g.view(
            ct,
            ((0, 0, 1), (1, f.offset + top, 1, 5, -f.back), (2, h.offset + left, 1, 6, -h.back),
             (3, 0, q, 7, 1)),
            shape,
        )  # fmt: skip
        ws = g.view(
            w, ((5, f.start, f.step), (6, h.start, h.step), (3, 0, q, 7, 1), (4, 0, 1)), shape
        )
        return g.reshape(_product(g, (cts, ws), 5), (*shape[:3], groups * c))

    return _by_phases(g, v.shape, v.dtype, rows, columns, part)


# ------------------------------------------------------------------ pooling


class _Windows:
    """The windows of images, as views of what has a margin around them."""

    def __init__(self, g: Graph, image: Sequence[int], out: Sequence[int], p: Any) -> None:
        self.g = g
        self.window, self.stride, self.padding = p["window"], p["stride"], p["padding"]
        self.image = tuple(image)
        self.shape = (*out, *self.window)  # (n, height, width, c; place in the window)
        self.out = tuple(out)
        (s, t), (top, left) = self.stride, (self.padding[0][0], self.padding[1][0])
        self._rows = (1, 0, s, 4, 1)
        self._columns = (2, 0, t, 5, 1)
        self._before = (top, left)

    def of(self, x: Node, fill: Any = 0) -> Node:
        """All windows of an array like the images."""
        x = padded(self.g, x, _around_images(self.padding), fill)
        axes = ((0, 0, 1), self._rows, self._columns, (3, 0, 1))
        return self.g.view(x, axes, self.shape)

    def outputs(self, y: Node) -> Node:
        """An array like the output, at every place of its window."""
        return self.g.view(y, tuple([(d, 0, 1) for d in range(4)]), self.shape)

    def inside(self) -> Node | None:
        """Whether a place lies in the image; None if all do."""
        g = self.g
        tests = []
        for d, axes in enumerate((self._rows, self._columns)):
            before, after = self.padding[d]
            if not (before or after):
                continue
            n = self.image[1 + d]
            line = g.make("iota", (), (n + before + after,), np.int64)
            at = g.view(line, (axes,), self.shape)
            tests.append(_greater_equal(g, at, before))
            tests.append(_less(g, at, before + n))
        if not tests:
            return None
        total = tests[0]
        for test in tests[1:]:
            total = g.map("and", total, test)
        return total

    def reduced(self, kind: str, x: Node) -> Node:
        """A reduction over the places of each window."""
        combine = {"sum": "add", "max": "maximum"}[kind]
        places = self.window[0] * self.window[1]
        g = self.g
        if places > _FEW:
            return g.reduce(kind, x, (4, 5))
        lines = [[self._at(x, i, j) for j in range(self.window[1])] for i in range(self.window[0])]
        total: Node | None = None
        for line in lines:
            for y in line:
                total = y if total is None else g.map(combine, total, y)
        assert total is not None
        return total

    def _at(self, x: Node, i: int, j: int) -> Node:
        """One place of all windows, as an expression on the outputs."""
        return slice_of(self.g, x, self.out, {4: i, 5: j})

    def winners(self, x: Node, y: Node) -> Node:
        """Which places of the windows equal the maximum."""
        g = self.g
        xs, ys = self.of(x), self.outputs(y)
        equal = _is_maximum(g, xs, ys)
        inside = self.inside()
        return equal if inside is None else g.map("and", equal, inside)


def _is_maximum(g: Graph, x: Node, y: Node) -> Node:
    """Whether x is y, the maximum of several of which it is one: NaN if any of them is."""
    return g.map("or", g.map("equal", x, y, dtype=bool), g.map("isnan", x, dtype=bool))


def slice_of(g: Graph, x: Node, shape: tuple[int, ...], fixed: dict[int, int]) -> Node:
    """``x`` at fixed places of some axes, with the expression it is: maps go to their operands."""
    if x.op == "map":
        args = [slice_of(g, a, shape, fixed) for a in x.args]
        return g.map(x.attrs, *args, dtype=x.dtype)
    kept = [d for d in range(len(x.shape)) if d not in fixed]
    place = {d: i for i, d in enumerate(kept)}
    axes = tuple(
        [(-1, fixed[d], 0) if d in fixed else (place[d], 0, 1) for d in range(len(x.shape))]
    )
    return g.view(x, axes, shape)


def _greater_equal(g: Graph, x: Node, value: int) -> Node:
    return g.map("greater_equal", x, g.const(value, np.int64, x.shape), dtype=bool)


def _less(g: Graph, x: Node, value: int) -> Node:
    return g.map("less", x, g.const(value, np.int64, x.shape), dtype=bool)


def _pooled(result: Lowered, e: Equation, ins: Sequence[Any]) -> bool:
    """Whether there is code: floating-point images that have pixels."""
    return all(isinstance(x, Node) and x.dtype.kind == "f" and x.size for x in ins) and bool(
        np.prod(e.outputs[0].shape)
    )


@lowers("max_pool2d", "window_sum2d")
def _pool(result: Lowered, e: Equation, ins: Sequence[Any]) -> Node | None:
    if not _pooled(result, e, ins):
        return None
    windows = _Windows(result.graph, ins[0].shape, e.outputs[0].shape, e.params)
    if e.primitive.name == "max_pool2d":
        return windows.reduced("max", windows.of(ins[0], -np.inf))
    return windows.reduced("sum", windows.of(ins[0]))


def _share(g: Graph, windows: _Windows, y: Node, winners: Node) -> Node:
    """``y`` divided by the number of winners of each window."""
    count = windows.reduced("sum", g.cast(winners, y.dtype))
    return g.map("div", y, count)


@lowers("maxima_mean2d")
def _maxima_mean(result: Lowered, e: Equation, ins: Sequence[Any]) -> Node | None:
    if not _pooled(result, e, ins):
        return None
    g, (t, x, y) = result.graph, ins
    windows = _Windows(g, x.shape, y.shape, e.params)
    winners = windows.winners(x, y)
    zero = g.const(0, t.dtype, windows.shape)
    chosen = g.map("select", winners, windows.of(t), zero, dtype=t.dtype)
    return _share(g, windows, windows.reduced("sum", chosen), winners)


@lowers("maxima_spread2d")
def _maxima_spread(result: Lowered, e: Equation, ins: Sequence[Any]) -> Node | None:
    if not _pooled(result, e, ins):
        return None
    g, (ct, x, y) = result.graph, ins
    windows = _Windows(g, x.shape, y.shape, e.params)
    share = _share(g, windows, ct, windows.winners(x, y))

    def chosen(share: Node, x: Node, y: Node) -> Node:
        zero = g.const(0, share.dtype, share.shape)
        return g.map("select", _is_maximum(g, x, y), share, zero, dtype=share.dtype)

    return _spread(g, e.params, (share, y), x, x.shape, chosen)


@lowers("window_spread2d")
def _window_spread(result: Lowered, e: Equation, ins: Sequence[Any]) -> Node | None:
    if not _pooled(result, e, ins):
        return None
    g, v = result.graph, e.outputs[0]
    return _spread(g, e.params, ins, None, v.shape, lambda ct: ct)


def _spread(
    g: Graph, p: Any, outputs: Sequence[Node], x: Node | None, image: Sequence[int],
    value: Callable[..., Node],
) -> Node:  # fmt: skip
    """Every pixel's sum of ``value`` of the outputs whose windows hold it (and of ``x`` there).

    Outputs beyond the last are zero, and so must be ``value`` where the first of them is zero.
    """
    rows, columns = [
        _phases(image[1 + d], p["window"][d], p["stride"][d], p["padding"][d][0], 1) for d in (0, 1)
    ]
    if all(k <= s for k, s in zip(p["window"], p["stride"], strict=True)):
        return _spread_apart(g, p, outputs, x, image, value)
    out = outputs[0].shape
    margins = [_margin(f, out[1 + d]) for d, f in enumerate((rows, columns))]
    top, left = margins[0][0], margins[1][0]
    full = [padded(g, y, _around_images(margins)) for y in outputs]

    def part(f: _Phase, h: _Phase) -> Node:
        shape = (image[0], f.count, h.count, image[3], f.places, h.places)
        axes = ((0, 0, 1), (1, f.offset + top, 1, 4, -f.back), (2, h.offset + left, 1, 5, -h.back),
                (3, 0, 1))  # fmt: skip
        seen = [g.view(y, axes, shape) for y in full]
        if x is not None:
            pixels = ((0, 0, 1), (1, f.first, len(rows)), (2, h.first, len(columns)), (3, 0, 1))
            seen.insert(1, g.view(x, pixels, shape))
        return g.reduce("sum", value(*seen), (4, 5))

    return _by_phases(g, image, outputs[0].dtype, rows, columns, part)


def _spread_apart(
    g: Graph, p: Any, outputs: Sequence[Node], x: Node | None, image: Sequence[int],
    value: Callable[..., Node],
) -> Node:  # fmt: skip
    """`_spread` for windows that do not overlap: each writes its own pixels."""
    (kh, kw), (s, t) = p["window"], p["stride"]
    n, oh, ow, c = outputs[0].shape
    margins = _around_images(p["padding"])
    whole = tuple([m + a + b for m, (a, b) in zip(image, margins, strict=True)])
    shape = (n, oh, kh, ow, kw, c)
    target = ((0, 0, 1), (1, 0, s, 2, 1), (3, 0, t, 4, 1), (5, 0, 1))
    seen = [g.view(y, ((0, 0, 1), (1, 0, 1), (3, 0, 1), (5, 0, 1)), shape) for y in outputs]
    if x is not None:
        seen.insert(1, g.view(padded(g, x, margins), target, shape))
    dtype = outputs[0].dtype
    covered = (kh, kw) == (s, t) and (oh * s, ow * t) == whole[1:3]
    base = None if covered else g.const(0, dtype, whole)
    y = assembled(g, whole, dtype, [(value(*seen), target)], base)
    return g.view(y, tuple([(d, margins[d][0], 1) for d in range(4)]), tuple(image))
