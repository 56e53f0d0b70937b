"""A nest of loops as one LLVM function: the only template there is.

Around the elements that are computed together (``rows`` by ``columns`` vectors) run the loops over
kept axes; inside, those over reduced axes fill accumulators, and what is made of them is stored.
With a sum of products that is a matrix product with register tiles, without reductions an
elementwise loop. A last vector that is not full is computed with its surplus lanes masked.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..indices import Linear, address, seen_through, strides_of
from ..ir import Node
from ..plan import Buffer, Nest, Store
from .access import operand_index, through_views
from .angles import angles_of_both
from .interleave import interleaved
from .loops import Axis, choose_loops
from .nest_memory import NestMemory
from .parts import are_twins, write_parts
from .processor import Processor
from .scalars import SCALAR_OPERATIONS
from .trigonometric import sine_and_cosine
from .values import LANE, Counter, Value, combine, identity_of, joined, without_lane
from .vector_math import Math
from .vectors import Vectors, literal, type_name
from .writer import Writer

__all__ = ["NestFunction", "nest_function"]

_DOUBLED = 64  # bytes of the vectors that take twice the time of half of them, or nearly
_LINE = 64  # bytes of memory that come together
_TOGETHER = 2  # points of a tile whose instructions take turns: more run out of registers


@dataclass(frozen=True)
class NestFunction:
    """The text of a function without its name, and the memory that it takes pointers to.

    A function of a range takes its first row and the row after its last, too.
    """

    body: str
    memory: list[Buffer]
    declarations: set[str]


def nest_function(nest: Nest, buffers: Mapping[Node, Buffer], processor: Processor) -> NestFunction:
    """Write the function of a nest."""
    return _NestWriter(nest, buffers, processor).write()


Point = tuple[dict[Axis, Linear], int]  # an element of a tile, and its active lanes
Block = tuple[list[Linear], int]  # indices along an axis, and the active lanes of the last


class _NestWriter(NestMemory):
    def __init__(self, nest: Nest, buffers: Mapping[Node, Buffer], processor: Processor) -> None:
        self.nest = nest
        self.buffers = buffers
        self.loops = choose_loops(nest, buffers, processor)
        self.width = self.loops.width
        self.active = self.width
        # Lanes that are summed, or are rows of a square, are as many for the last vector.
        kept, turned = self.loops.vector in self.loops.kept, self.loops.turned
        doubled = processor.vector_bytes == _DOUBLED
        self.narrows = doubled and self.width >= 8 and kept and not turned
        self.w = Writer()
        self.memory = {}
        self.computed = {s.node for s in nest.stores if s.computes}
        self.angles = angles_of_both(nest, buffers.keys() - self.computed)
        self.accumulated: dict[Node, Value] = {}
        self.point = {}  # the place in the tile
        self.tile = {}  # how many indices it has

    def write(self) -> NestFunction:
        if self.loops.ranged is not None:
            self._range(self.loops.ranged)
        self._kept_loops(self.loops.kept, {})
        parameters = [f"ptr {name}" for name in self.memory.values()]
        if self.loops.ranged is not None:
            parameters += ["i64 %first", "i64 %last"]
        body = self.w.text(f"({', '.join(parameters)}) #0")
        return NestFunction(body, list(self.memory), self.w.declarations)

    def _range(self, axis: Axis) -> None:
        """The bounds of the ranged axis: of what is computed in full steps, and in the end."""
        scale, step = self.loops.scale, self.loops.step(axis)
        self.start = self.w.emit(f"mul i64 %first, {scale}", 0)
        stop = self.w.emit(f"mul i64 %last, {scale}", 0)
        self.full = axis.length // step * step
        self.is_last = self.w.emit(f"icmp eq i64 {stop}, {axis.length}", 0)
        self.w.declarations.add("declare i64 @llvm.umin.i64(i64, i64)")
        self.stop = self.w.emit(f"call i64 @llvm.umin.i64(i64 {stop}, i64 {self.full})", 0)
        self.has_full = self.w.emit(f"icmp ult i64 {self.start}, {self.stop}", 0)

    # -------------------------------------------------------------- loops

    def _walk(self, axis: Axis, body: Callable[[Linear, int, int], None]) -> None:
        """The loops over an axis; ``body(first index, how many at once, active lanes)``."""
        pieces = list((self._reduced_blocks if axis.reduced else self._blocks)(axis))
        if axis is not self.loops.ranged:
            for start, stop, step, count, active in pieces:
                with self._piece(start, stop, step) as first:
                    body(first, count, active)
            return
        for start, stop, step, count, active in pieces:
            if start == 0 and self.full:
                with (
                    self.w.guarded(self.has_full),
                    self.w.loop(self.start, self.stop, step) as name,
                ):
                    body(Linear.variable(Counter(name, self.w.depth)), count, active)
                continue
            # Beyond the last full step. The index is a variable, so that nothing that depends on it
            # leaves the guard: this row is not there in other ranges.
            with self.w.guarded(self.is_last):
                at = self.w.emit(f"add i64 {start}, 0", self.w.depth)
                if stop - start <= step:
                    body(Linear.variable(Counter(at, self.w.depth)), count, active)
                    continue
                with self.w.loop(at, stop, step) as name:
                    body(Linear.variable(Counter(name, self.w.depth)), count, active)

    def _blocks(self, axis: Axis) -> Iterator[tuple[int, int, int, int, int]]:
        """The pieces of an axis: start, stop, step, how many indices at once, active lanes."""
        unit = self.loops.width if axis is self.loops.vector else 1
        count = self.loops.counts.get(axis, 1)
        step = count * unit
        full = axis.length // step * step
        if full:
            yield 0, full, step, count, unit
        left = -(-(axis.length - full) // unit)
        if left:
            yield full, full + left * unit, left * unit, left, axis.length % unit or unit

    @contextmanager
    def _piece(self, start: int, stop: int, step: int) -> Iterator[Linear]:
        """The body for one piece of an axis; yields the first index."""
        if stop - start <= step:
            with self.w.scope():
                yield Linear(start)
        else:
            with self.w.loop(start, stop, step) as name:
                yield Linear.variable(Counter(name, self.w.depth))

    def _indices(self, axis: Axis, first: Linear, count: int) -> list[Linear]:
        if axis is not self.loops.vector:
            return [first.plus(Linear(k)) for k in range(count)]
        width = self.loops.width
        lane = Linear.variable(LANE) if width > 1 else Linear()
        return [first.plus(lane).plus(Linear(k * width)) for k in range(count)]

    def _kept_loops(self, axes: Sequence[Axis], at: dict[Axis, Block]) -> None:
        if not axes:
            self._body(at)
            return
        axis = axes[0]

        def body(first: Linear, count: int, active: int) -> None:
            block = (self._indices(axis, first, count), active)
            self._kept_loops(axes[1:], {**at, axis: block})

        self._walk(axis, body)

    def _body(self, at: dict[Axis, Block]) -> None:
        """Everything for one tile of the kept axes."""
        vector = self.loops.vector
        # Vectors innermost: what is the same in all lanes is used for all of them, and given up.
        names = sorted(at, key=lambda axis: axis is vector)
        points = [
            dict(zip(names, choice, strict=True))
            for choice in itertools.product(*[at[a][0] for a in names])
        ]
        width = self.loops.width
        actives = [width] * len(points)
        if vector in at:
            many, last = len(at[vector][0]), at[vector][1]
            actives = [last if (k + 1) % many == 0 else width for k in range(len(points))]
        slots: dict[Any, str] = {}
        for k, active in enumerate(actives):
            self._choose_lanes(active)
            slots |= {(r, k): self._accumulator(r) for r in self.nest.reductions}
        self.tile = {a: len(block[0]) for a, block in at.items()}
        if slots:
            self._reduced_loops(self.loops.reduced, list(zip(points, actives)), slots)
        lines = self.w.levels[-1].lines
        together = _TOGETHER if self._may_interleave() else 1
        for first in range(0, len(points), together):
            chains = []
            for k in range(first, min(first + together, len(points))):
                start = len(lines)
                self._choose_lanes(actives[k])
                self.point = {a: at[a][0].index(i) for a, i in points[k].items()}
                for r in self.nest.reductions:
                    self.accumulated[r] = self._total(r, slots[r, k])
                self._stores(points[k])
                chains.append(lines[start:])
                del lines[start:]
            lines += interleaved(chains)

    def _choose_lanes(self, active: int) -> None:
        """What follows is for so many elements: the lanes of a vector, or of a half or quarter."""
        full = self.loops.width
        self.active = active
        self.width = full
        if self.narrows:
            self.width = max(full // 4, 1 << (active - 1).bit_length())

    def _may_interleave(self) -> bool:
        """Whether points of a tile write different elements, and read none that others write."""
        return all(s.kind == "set" and not s.arrays for s in self.nest.stores)

    def _stores(self, point: Mapping[Axis, Linear]) -> None:
        """What is stored for one point of a tile."""
        index = [i.replaced(point) for i in self.loops.domain[: len(self.nest.kept)]]  # type: ignore[arg-type]
        stores = list(self.nest.stores)
        while stores:
            if are_twins(stores[:2]):
                self._store_parts(stores[:2], index)
                del stores[:2]
            else:
                self._store(stores.pop(0), index)

    def _domain(self, point: Mapping[Axis, Linear]) -> list[Linear]:
        return [i.replaced(point) for i in self.loops.domain]  # type: ignore[arg-type]

    # -------------------------------------------------------------- reductions

    def _accumulator(self, r: Node) -> str:
        t = type_name(r.dtype, self.width)
        slot = self.w.slot(t)
        identity = literal(identity_of(r.attrs[0], r.dtype), r.dtype, self.width)
        self.w.line(f"store {t} {identity}, ptr {slot}")
        return slot

    def _reduced_loops(
        self, axes: Sequence[Axis], points: list[Point], slots: dict[Any, str]
    ) -> None:
        if not axes:
            for k, (point, active) in enumerate(points):
                self._choose_lanes(active)
                for r, places in self.nest.reductions.items():
                    domain = self._domain(point)
                    self._accumulate(r, operand_index(places, domain), slots[r, k])
            return
        axis = axes[0]
        if not axis.length:
            return

        def body(first: Linear, count: int, active: int) -> None:
            along = axis is self.loops.vector
            if along:
                self.ask_ahead([point for point, _ in points], axis, first)
            for i in self._indices(axis, first, count):
                inner = [({**point, axis: i}, active if along else a) for point, a in points]
                self._reduced_loops(axes[1:], inner, slots)

        if self.loops.ahead and axis is not self.loops.vector:
            self._walk_by_lines(axis, body, points)
        else:
            self._walk(axis, body)

    def _walk_by_lines(
        self, axis: Axis, body: Callable[[Linear, int, int], None], points: list[Point]
    ) -> None:
        """`_walk` over a sum element by element; what comes from memory is asked for by lines."""
        line = _LINE // min(a.buffer.dtype.itemsize for a in self.loops.ahead)
        full = axis.length // line * line
        if full:
            with self.w.loop(0, full, line) as start:
                at = Linear.variable(Counter(start, self.w.depth))
                self.ask_ahead([point for point, _ in points], axis, at)
                stop = self.w.emit(f"add i64 {start}, {line}", self.w.depth)
                with self.w.loop(start, stop, 1) as name:
                    body(Linear.variable(Counter(name, self.w.depth)), 1, self.active)
        if full < axis.length:
            with self._piece(full, axis.length, 1) as first:
                body(first, 1, self.active)

    def _reduced_blocks(self, axis: Axis) -> Iterator[tuple[int, int, int, int, int]]:
        if axis is self.loops.vector:
            unit = self.loops.width
            full = axis.length // unit * unit
            if full:
                yield 0, full, unit, 1, unit
            if full < axis.length:
                yield full, axis.length, unit, 1, axis.length - full
        else:
            yield 0, axis.length, 1, 1, self.active

    def _accumulate(self, r: Node, index: list[Linear], slot: str) -> None:
        kind, t = r.attrs[0], type_name(r.dtype, self.width)
        masked = self.active < self.width and self.loops.vector in self.loops.reduced
        in_place = kind == "sum" and r.dtype.kind == "f" and not masked
        operand = self.nest.operand(r)
        for x in self._terms(operand) if in_place else [operand]:
            if in_place and self._is_inside(x, "mul"):
                factors = [self._vector(self.value(y, index)) for y in x.args]
                v = Vectors(self.w, self.w.depth, self.width)
                old = v.emit(f"load {t}, ptr {slot}")
                new = v.multiply_add(factors[0], factors[1], old, r.dtype)
            else:
                name = self._vector(self.value(x, index))
                v = Vectors(self.w, self.w.depth, self.width)
                if masked:
                    identity = v.const(identity_of(kind, r.dtype), r.dtype)
                    name = v.select(self.mask(), name, identity, r.dtype)
                old = v.emit(f"load {t}, ptr {slot}")
                new = combine(v, kind, old, name, r.dtype)
            self.w.line(f"store {t} {new}, ptr {slot}")

    def _terms(self, x: Node) -> Iterator[Node]:
        """What is added up one after another: products that are added are multiplied into it."""
        if self._is_inside(x, "add") and any(self._is_inside(y, "mul", "add") for y in x.args):
            for y in x.args:
                yield from self._terms(y)
        else:
            yield x

    def _is_inside(self, x: Node, *names: str) -> bool:
        """Whether a node is one of these operations, and computed in this nest."""
        return x.op == "map" and x.attrs in names and x not in self.buffers

    def _total(self, r: Node, slot: str) -> Value:
        """What an accumulator holds after the loops; its lanes joined if they were reduced."""
        v = Vectors(self.w, self.w.depth, self.width)
        name = v.emit(f"load {type_name(r.dtype, self.width)}, ptr {slot}")
        if self.width == 1 or self.loops.vector in self.loops.kept:
            return Value(name, r.dtype, self.w.depth, self.width > 1)
        name = joined(v, r.attrs[0], name, r.dtype)
        return Value(name, r.dtype, self.w.depth)

    # -------------------------------------------------------------- values

    def value(self, node: Node, index: Sequence[Linear]) -> Value:
        """The node at an index, in the innermost loop that it depends on."""
        if node in self.accumulated:
            return self.accumulated[node]
        if node.op == "view" and node not in self.buffers:
            return self.value(node.args[0], seen_through(node.attrs, index))
        key = (node, tuple(index), self.active if any(i.step(LANE) for i in index) else 0)
        found = self.w.get(key)
        if found is None:
            found = self._made(node, index)
            self.w.put(key, found, found.depth)
        return found  # type: ignore[no-any-return]

    def _made(self, node: Node, index: Sequence[Linear]) -> Value:
        if node in self.buffers and node not in self.computed:
            return self.load(self.buffers[node], address(node.shape, index), None, 0)
        if node.op == "const":
            scalar = np.frombuffer(node.attrs, node.dtype)[0]
            return Value(literal(scalar, node.dtype), node.dtype, 0, False, scalar)
        if node.op == "iota":
            return self._iota(index[0], node.dtype)
        if node.op == "gather":
            return self._gather(node, index)
        if node.op == "view":  # its own value is stored here
            return self.value(node.args[0], seen_through(node.attrs, index))
        assert node.op == "map", node.text()
        args = [self.value(x, index) for x in node.args]
        depth = max(a.depth for a in args)
        is_vector = any(a.is_vector for a in args)
        v = Vectors(self.w, depth, self.width if is_vector else 1)
        names = [self._vector(a) if is_vector else a.name for a in args]
        if node.attrs in ("sin", "cos") and node.args[0] in self.angles:
            return Value(self._wave(node, v, names[0]), node.dtype, depth, is_vector)
        emit = SCALAR_OPERATIONS[node.attrs][1]
        dtype = node.args[-1].dtype if node.attrs == "select" else node.args[0].dtype
        return Value(emit(v, names, dtype, node.dtype), node.dtype, depth, is_vector)

    def _wave(self, node: Node, v: Vectors, angle: str) -> str:
        """The sine or cosine, of an angle of which both are needed."""
        key = ("sine and cosine", angle, node.dtype, v.width)
        both = self.w.get(key)
        if both is None:
            both = self.w.put(key, sine_and_cosine(Math(v, node.dtype), angle), v.depth)
        return both[node.attrs == "cos"]  # type: ignore[no-any-return]

    def _vector(self, value: Value) -> str:
        """The value in every lane."""
        if value.is_vector or self.width == 1:
            return value.name
        if value.constant is not None:
            return literal(value.constant, value.dtype, self.width)
        key = ("splat", value.name, self.width)
        found = self.w.get(key)
        if found is None:
            found = Vectors(self.w, value.depth, self.width).splat(value.name, value.dtype)
            self.w.put(key, found, value.depth)
        return found  # type: ignore[no-any-return]

    def _iota(self, index: Linear, dtype: Any) -> Value:
        name, depth = self.integer(Linear(index.offset, without_lane(index)))
        step = index.step(LANE)
        if not step or self.width == 1:
            return Value(name, dtype, depth)
        v = Vectors(self.w, depth, self.width)
        lanes = ", ".join(f"i64 {step * k}" for k in range(self.width))
        return Value(v.binary("add", v.splat(name, dtype), f"<{lanes}>", dtype), dtype, depth, True)

    # -------------------------------------------------------------- indices that are data

    def _offsets(
        self, entries: Sequence[Any], shape: Sequence[int], steps: Sequence[int],
        arrays: Sequence[Value],
    ) -> tuple[list[str], int, bool]:  # fmt: skip
        """What index arrays add to an address: once, or for each active lane."""
        depth = max(a.depth for a in arrays)
        is_vector = any(a.is_vector for a in arrays)
        v = Vectors(self.w, depth, self.width if is_vector else 1)
        total = v.const(0, np.int64)
        for d, entry in enumerate(entries):
            if type(entry) is not int:
                continue
            i = self._vector(arrays[entry]) if is_vector else arrays[entry].name
            n = shape[d]
            negative = v.compare("slt", i, v.const(0, np.int64), np.int64)
            wrapped = v.binary("add", i, v.const(n, np.int64), np.int64)
            i = v.select(negative, wrapped, i, np.int64)
            # What is out of bounds is reported after the run; until then nothing else is touched.
            i = v.intrinsic("umin", [i, v.const(n - 1, np.int64)], np.int64)
            scaled = v.binary("mul", i, v.const(steps[d], np.int64), np.int64)
            total = v.binary("add", total, scaled, np.int64)
        names = v.lanes(total, np.int64)
        return names[: self.active] if is_vector else names, depth, is_vector

    def _gather(self, node: Node, index: Sequence[Linear]) -> Value:
        arrays = [self.value(x, index) for x in node.args[1:]]
        static = [Linear() if type(entry) is int else seen_through([entry], index)[0]
                  for entry in node.attrs]  # fmt: skip
        seen = node.args[0]
        base, at = through_views(seen, static, self.buffers)
        # How far an element moves along each axis that is seen.
        axes = [Linear.variable(d) for d in range(len(seen.shape))]
        place = address(base.shape, through_views(seen, axes, self.buffers)[1])
        steps = [place.step(d) for d in range(len(seen.shape))]
        offsets, depth, is_vector = self._offsets(node.attrs, seen.shape, steps, arrays)
        where = address(base.shape, at)
        return self.gathered(self.buffers[base], where, offsets, depth, is_vector)

    # -------------------------------------------------------------- stores

    def _store(self, store: Store, index: Sequence[Linear]) -> None:
        value = self._stored_value(store, index)
        static = [Linear() if type(entry) is int else seen_through([entry], index)[0]
                  for entry in store.target]  # fmt: skip
        at = address(store.buffer.shape, static)
        if store.arrays:
            arrays = [self.value(x, index) for x in store.arrays]
            shape = store.buffer.shape
            offsets, _, varies = self._offsets(store.target, shape, strides_of(shape), arrays)
        else:
            offsets, varies = [], False
        dynamic = offsets[0] if offsets and not varies else None
        step = at.step(LANE)
        # One place for all lanes: each of them adds to it, also where they add the same.
        adds = bool(store.arrays) and store.kind != "set"
        if varies or abs(step) > 1 or (step < 0) or (not step and (value.is_vector or adds)):
            self.scatter(store, value, at, offsets if varies else [dynamic] * self.active)
            return
        pointer, _ = self.pointer(store.buffer, at, dynamic, self.w.depth)
        v = Vectors(self.w, self.w.depth, self.width if step else 1)
        name = self._vector(value) if step else value.name
        self.write_lanes(store, v, name, pointer)

    def _store_parts(self, stores: Sequence[Store], index: Sequence[Linear]) -> None:
        """Both parts of complex numbers: what is computed from the old ones comes first."""
        values = [self._stored_value(s, index) for s in stores]
        buffer = stores[0].buffer
        places = [address(buffer.shape, seen_through(s.target, index)) for s in stores]
        if places[0].step(LANE) == 2 and self.width > 1:
            write_parts(self, buffer, places[0], [self._vector(x) for x in values])
            return
        for store, value, at in zip(stores, values, places, strict=True):
            if at.step(LANE):
                self.scatter(store, value, at, [None] * self.active)
            else:
                pointer, _ = self.pointer(buffer, at, None, self.w.depth)
                self.write_lanes(store, Vectors(self.w, self.w.depth, 1), value.name, pointer)

    def _stored_value(self, store: Store, index: Sequence[Linear]) -> Value:
        if store.node in self.accumulated or not store.computes:
            return self.value(store.node, index)
        # Not what the buffer holds, but what is to be written there.
        key = (store.node, tuple(index), self.active)
        found = self.w.get(key)
        if found is None:
            found = self._made(store.node, index)
            self.w.put(key, found, found.depth)
        return found  # type: ignore[no-any-return]
