"""How a nest reads and writes memory: whole vectors, strided ones, lane by lane, squares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..indices import Linear
from ..plan import Buffer, Store
from .loops import Axis, Loops
from .parts import load_part
from .values import LANE, Value, combine, letter, without_lane
from .vectors import Vectors, transposed, type_name
from .writer import Writer

__all__ = ["NestMemory"]


class NestMemory:
    """Loads and stores of the lanes of a nest; `nest` adds what is computed between them.

    Attributes
    ----------
    w : Writer
    loops : Loops
    width, active : int
        The lanes of a vector, and how many of them have elements: the others are masked.
    memory : dict
        The pointer parameter of each buffer.
    tile, point : mapping
        How many indices of each axis are computed together, and which of them now.
    """

    w: Writer
    loops: Loops
    width: int
    active: int
    memory: dict[Buffer, str]
    tile: Mapping[Axis, int]
    point: Mapping[Axis, int]

    def integer(self, index: Linear) -> tuple[str, int]:
        """A linear form of counters as an integer, and the depth where it is known."""
        if not index.terms:
            return str(index.offset), 0
        key = ("integer", index)
        found = self.w.get(key)
        if found is not None:
            return found  # type: ignore[no-any-return]
        terms = sorted(index.terms, key=lambda t: t[0].depth)  # type: ignore[attr-defined]
        (counter, step), depth = terms[-1], terms[-1][0].depth  # type: ignore[attr-defined]
        rest, _ = self.integer(Linear(index.offset, tuple(terms[:-1])))
        name = counter.name  # type: ignore[attr-defined]
        if step != 1:
            name = self.w.emit(f"mul i64 {name}, {step}", depth)
        if rest != "0":
            name = self.w.emit(f"add i64 {name}, {rest}", depth)
        return self.w.put(key, (name, depth), depth)  # type: ignore[no-any-return]

    def pointer(
        self, buffer: Buffer, at: Linear, dynamic: str | None, depth: int
    ) -> tuple[str, int]:
        """Where an element lies, lanes aside; ``dynamic`` is a further offset in elements."""
        memory = buffer.memory
        base = self.memory.setdefault(memory, f"%b{len(self.memory)}")
        t = "i8" if buffer.dtype.kind == "b" else type_name(buffer.dtype)
        offset, where = self.integer(Linear(0, without_lane(at)))
        where = max(where, depth)
        key = ("pointer", memory, offset, dynamic)
        name = self.w.get(key)
        if name is None:
            name = base
            if offset != "0":
                name = self.w.emit(f"getelementptr {t}, ptr {name}, i64 {offset}", where)
            if dynamic is not None:
                name = self.w.emit(f"getelementptr {t}, ptr {name}, i64 {dynamic}", where)
            self.w.put(key, name, where)
        if at.offset:
            name = self.w.emit(f"getelementptr {t}, ptr {name}, i64 {at.offset}", where)
        return name, where

    def load(self, buffer: Buffer, at: Linear, dynamic: str | None, depth: int) -> Value:
        """The lanes from an address on; ``dynamic`` is a further offset in elements."""
        step = at.step(LANE)
        turned = self._transposed(buffer, at) if dynamic is None else None
        if turned is not None:
            return turned
        dtype = buffer.dtype
        width = self.width if step else 1
        if step == 2 and buffer.is_complex and width > 1:
            name, depth = load_part(self, buffer, at, dynamic, depth)
            return Value(name, dtype, depth, True)
        pointer, depth = self.pointer(buffer, at, dynamic, depth)
        memory = np.dtype(np.uint8) if dtype.kind == "b" else dtype
        v = Vectors(self.w, depth, width)
        if abs(step) <= 1:
            if step < 0:
                t = type_name(memory)
                pointer = v.emit(f"getelementptr {t}, ptr {pointer}, i64 {1 - self.active}")
            name = self.contiguous(v, pointer, memory)
            if step < 0:
                name = self._reversed(v, name, memory)
        else:
            name = self._strided(v, pointer, memory, step)
        if dtype.kind == "b":
            name = v.compare("ne", name, v.const(0, memory), memory)
        return Value(name, dtype, depth, bool(step))

    def contiguous(self, v: Vectors, pointer: str, dtype: Any) -> str:
        """Lanes that lie side by side; surplus ones are zero."""
        t = v.type(dtype)
        if v.width == 1 or self.active == self.width:
            return v.emit(f"load {t}, ptr {pointer}, align {dtype.itemsize}")
        suffix = f"v{v.width}{letter(dtype)}"
        function = f"@llvm.masked.load.{suffix}.p0"
        mask_type = type_name(bool, v.width)
        self.w.declarations.add(f"declare {t} {function}(ptr, i32, {mask_type}, {t})")
        return v.emit(
            f"call {t} {function}(ptr {pointer}, i32 {dtype.itemsize}, "
            f"{mask_type} {self.mask()}, {t} zeroinitializer)"
        )

    def ask_ahead(self, points: Sequence[Mapping[Any, Linear]], axis: Axis, first: Linear) -> None:
        """Fetch what the next tile reads at this place of a sum, a line of each of its rows.

        Processors go on by themselves within pages, but rows are longer.
        """
        for a in self.loops.ahead:
            for at in dict.fromkeys(a.at.replaced({**point, axis: first}) for point in points):
                ahead = Linear(at.offset + a.distance, without_lane(at))
                pointer, _ = self.pointer(a.buffer, ahead, None, 0)
                self.w.declarations.add("declare void @llvm.prefetch.p0(ptr, i32, i32, i32)")
                self.w.line(f"call void @llvm.prefetch.p0(ptr {pointer}, i32 0, i32 2, i32 1)")

    def _strided(self, v: Vectors, pointer: str, dtype: Any, step: int) -> str:
        t, s = v.type(dtype), type_name(dtype)
        name = "zeroinitializer"
        for k in range(self.active):
            p = v.emit(f"getelementptr {s}, ptr {pointer}, i64 {k * step}") if k else pointer
            x = v.emit(f"load {s}, ptr {p}, align {dtype.itemsize}")
            name = v.emit(f"insertelement {t} {name}, {s} {x}, i32 {k}")
        return name

    def _transposed(self, buffer: Buffer, at: Linear) -> Value | None:
        """A vector across the rows of memory, one of a square that is loaded along them."""
        axis, step = self.loops.turned.get(buffer, (None, 0))
        if axis is None or at.step(LANE) != step or self.tile.get(axis) != self.width:
            return None
        dtype = buffer.dtype
        corner = at.plus(Linear(-self.point[axis]))
        key = ("square", buffer, corner, self.active)
        found = self.w.get(key)
        if found is None:
            depth = self.w.depth
            v = Vectors(self.w, depth, self.width)
            t = v.type(dtype)
            square = ["zeroinitializer"] * self.width
            for lane in range(self.active):
                row = Linear(corner.offset + lane * step, without_lane(corner))
                pointer, _ = self.pointer(buffer, row, None, depth)
                square[lane] = v.emit(f"load {t}, ptr {pointer}, align {dtype.itemsize}")
            found = self.w.put(key, (transposed(v, square, dtype), depth), depth)
        vectors, depth = found
        return Value(vectors[self.point[axis]], dtype, depth, True)

    def _reversed(self, v: Vectors, name: str, dtype: Any) -> str:
        t = v.type(dtype)
        order = [*range(self.active - 1, -1, -1), *range(self.active, v.width)]
        lanes = ", ".join(f"i32 {k}" for k in order)
        return v.emit(f"shufflevector {t} {name}, {t} poison, <{v.width} x i32> <{lanes}>")

    def mask(self) -> str:
        """Which lanes have elements."""
        lanes = ", ".join("i1 true" if k < self.active else "i1 false" for k in range(self.width))
        return f"<{lanes}>"

    def gathered(
        self, buffer: Buffer, at: Linear, offsets: list[str], depth: int, is_vector: bool
    ) -> Value:
        """Elements at offsets that are data: one for all lanes, or one for each."""
        if not is_vector:
            return self.load(buffer, at, offsets[0], depth)
        step = at.step(LANE)
        scalars = []
        fixed = Linear(at.offset, without_lane(at))
        for k, offset in enumerate(offsets):
            p, where = self.pointer(buffer, fixed.plus(Linear(k * step)), offset, depth)
            scalars.append(self._scalar_load(buffer, p, where))
            depth = max(depth, where)
        v = Vectors(self.w, depth, self.width)
        name, t, s = "zeroinitializer", v.type(buffer.dtype), type_name(buffer.dtype)
        for k, x in enumerate(scalars):
            name = v.emit(f"insertelement {t} {name}, {s} {x}, i32 {k}")
        return Value(name, buffer.dtype, depth, True)

    def _scalar_load(self, buffer: Buffer, pointer: str, depth: int) -> str:
        v = Vectors(self.w, depth, 1)
        if buffer.dtype.kind != "b":
            t = type_name(buffer.dtype)
            return v.emit(f"load {t}, ptr {pointer}, align {buffer.dtype.itemsize}")
        byte = v.emit(f"load i8, ptr {pointer}")
        return v.emit(f"icmp ne i8 {byte}, 0")

    def write_lanes(self, store: Store, v: Vectors, name: str, pointer: str) -> None:
        """Store lanes that lie side by side, or combine them with what is there."""
        dtype = store.buffer.dtype
        memory = np.dtype(np.uint8) if dtype.kind == "b" else dtype
        if dtype.kind == "b":
            name = v.emit(f"zext {v.type(bool)} {name} to {v.type(memory)}")
        if store.kind != "set":
            old = self.contiguous(v, pointer, memory)
            name = combine(v, "sum" if store.kind == "add" else store.kind, old, name, memory)
        t = v.type(memory)
        if v.width == 1 or self.active == self.width:
            self.w.line(f"store {t} {name}, ptr {pointer}, align {memory.itemsize}")
            return
        function = f"@llvm.masked.store.v{v.width}{letter(memory)}.p0"
        mask_type = type_name(bool, v.width)
        self.w.declarations.add(f"declare void {function}({t}, ptr, i32, {mask_type})")
        self.w.line(
            f"call void {function}({t} {name}, ptr {pointer}, i32 {memory.itemsize}, "
            f"{mask_type} {self.mask()})"
        )

    def scatter(self, store: Store, value: Value, at: Linear, offsets: Sequence[Any]) -> None:
        """Lane by lane, in their order: of equal places the last one wins."""
        v = Vectors(self.w, self.w.depth, self.width)
        step = at.step(LANE)
        fixed = Linear(at.offset, without_lane(at))
        one = Vectors(self.w, self.w.depth, 1)
        t = v.type(value.dtype)
        for k in range(self.active):
            name = value.name
            if value.is_vector:
                name = v.emit(f"extractelement {t} {name}, i32 {k}")
            where = fixed.plus(Linear(k * step))
            pointer, _ = self.pointer(store.buffer, where, offsets[k], self.w.depth)
            self.write_lanes(store, one, name, pointer)
