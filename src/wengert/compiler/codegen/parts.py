"""Complex numbers in memory: their parts lie side by side, and are taken apart in registers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..indices import Linear
from ..plan import Buffer, Store
from .vectors import Vectors, type_name

if TYPE_CHECKING:
    from .nest_memory import NestMemory

__all__ = ["are_twins", "load_part", "write_parts"]


def load_part(
    n: NestMemory, buffer: Buffer, at: Linear, dynamic: str | None, depth: int
) -> tuple[str, int]:
    """One part of the numbers in the lanes; both are loaded at once, and remembered."""
    part = at.offset % 2
    first = Linear(at.offset - part, at.terms)
    key = ("parts", buffer, first, dynamic, n.active)
    found = n.w.get(key)
    if found is None:
        pointer, depth = n.pointer(buffer, first, dynamic, depth)
        name = _loaded(n, Vectors(n.w, depth, 2 * n.width), pointer, buffer.dtype)
        v = Vectors(n.w, depth, n.width)
        t = type_name(buffer.dtype, 2 * n.width)
        parts = [
            v.emit(f"shufflevector {t} {name}, {t} poison, {_lanes(range(k, 2 * n.width, 2))}")
            for k in (0, 1)
        ]
        found = n.w.put(key, (*parts, depth), depth)
    return found[part], found[2]


def _lanes(numbers: Sequence[int]) -> str:
    return f"<{len(numbers)} x i32> <" + ", ".join(f"i32 {k}" for k in numbers) + ">"


def _mask(n: NestMemory) -> str:
    lanes = ", ".join(f"i1 {'true' if k < 2 * n.active else 'false'}" for k in range(2 * n.width))
    return f"{type_name(bool, 2 * n.width)} <{lanes}>"


def _loaded(n: NestMemory, v: Vectors, pointer: str, dtype: Any) -> str:
    t = v.type(dtype)
    if n.active == n.width:
        return v.emit(f"load {t}, ptr {pointer}, align {dtype.itemsize}")
    function = f"@llvm.masked.load.v{v.width}f{8 * dtype.itemsize}.p0"
    n.w.declarations.add(f"declare {t} {function}(ptr, i32, {type_name(bool, v.width)}, {t})")
    return v.emit(
        f"call {t} {function}(ptr {pointer}, i32 {dtype.itemsize}, {_mask(n)}, {t} zeroinitializer)"
    )


def are_twins(stores: Sequence[Store]) -> bool:
    """Whether these are two stores, of both parts of complex numbers."""
    if len(stores) < 2:
        return False
    a, b = stores
    return (
        a.buffer is b.buffer
        and a.buffer.is_complex
        and a.kind == b.kind == "set"
        and not a.arrays
        and a.target[:-1] == b.target[:-1]
        and (a.target[-1], b.target[-1]) == ((-1, 0, 0), (-1, 1, 0))
    )


def write_parts(n: NestMemory, buffer: Buffer, at: Linear, names: Sequence[str]) -> None:
    """Store vectors of both parts from the place of the first on."""
    depth, dtype = n.w.depth, buffer.dtype
    pointer, _ = n.pointer(buffer, at, None, depth)
    half, width = type_name(dtype, n.width), 2 * n.width
    order = [k // 2 + (k % 2) * n.width for k in range(width)]
    v = Vectors(n.w, depth, width)
    t = v.type(dtype)
    both = v.emit(f"shufflevector {half} {names[0]}, {half} {names[1]}, {_lanes(order)}")
    if n.active == n.width:
        n.w.line(f"store {t} {both}, ptr {pointer}, align {dtype.itemsize}")
        return
    function = f"@llvm.masked.store.v{width}f{8 * dtype.itemsize}.p0"
    n.w.declarations.add(f"declare void {function}({t}, ptr, i32, {type_name(bool, width)})")
    n.w.line(f"call void {function}({t} {both}, ptr {pointer}, i32 {dtype.itemsize}, {_mask(n)})")
