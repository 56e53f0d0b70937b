"""Instructions on scalars and vectors of one width, written at one depth of the loops.

Booleans are ``i1`` in registers and bytes in memory. Integers wrap around, as NumPy's do.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

import numpy as np

from .writer import Writer

__all__ = ["LLVM_TYPES", "Vectors", "literal", "transposed", "type_name"]

LLVM_TYPES = {
    "f4": "float",
    "f8": "double",
    "b1": "i1",
    **{f"{kind}{size}": f"i{8 * size}" for kind in "iu" for size in (1, 2, 4, 8)},
}


def code(dtype: Any) -> str:
    """NumPy's letter and size, such as ``f4``."""
    dtype = np.dtype(dtype)
    return f"{dtype.kind}{dtype.itemsize}"


def type_name(dtype: Any, width: int = 1) -> str:
    """The type of a scalar or vector in registers."""
    scalar = LLVM_TYPES[code(dtype)]
    return scalar if width == 1 else f"<{width} x {scalar}>"


def literal(value: Any, dtype: Any, width: int = 1) -> str:
    """A constant, the same in every lane."""
    dtype = np.dtype(dtype)
    if dtype.kind == "f":
        # LLVM writes a float as the bits of the double of the same value.
        text = f"0x{struct.unpack('>Q', struct.pack('>d', float(dtype.type(value))))[0]:016X}"
    elif dtype.kind == "b":
        text = "true" if value else "false"
    else:
        text = str(int(value))
    if width == 1:
        return text
    scalar = type_name(dtype)
    return "<" + ", ".join([f"{scalar} {text}"] * width) + ">"


class Vectors:
    """Writes instructions on values of ``width`` lanes into the loop at ``depth``."""

    def __init__(self, writer: Writer, depth: int, width: int) -> None:
        self.writer = writer
        self.depth = depth
        self.width = width

    def type(self, dtype: Any) -> str:
        """The type of these values."""
        return type_name(dtype, self.width)

    def const(self, value: Any, dtype: Any) -> str:
        """A constant."""
        return literal(value, dtype, self.width)

    def emit(self, text: str) -> str:
        """One instruction."""
        return self.writer.emit(text, self.depth)

    def binary(self, opcode: str, a: str, b: str, dtype: Any) -> str:
        """An instruction on two values of one type."""
        return self.emit(f"{opcode} {self.type(dtype)} {a}, {b}")

    def compare(self, predicate: str, a: str, b: str, dtype: Any) -> str:
        """A comparison: ``fcmp`` or ``icmp`` with the predicate."""
        opcode = "fcmp" if np.dtype(dtype).kind == "f" else "icmp"
        return self.emit(f"{opcode} {predicate} {self.type(dtype)} {a}, {b}")

    def select(self, condition: str, a: str, b: str, dtype: Any) -> str:
        """``a`` where the condition holds, else ``b``."""
        t = self.type(dtype)
        return self.emit(f"select {type_name(bool, self.width)} {condition}, {t} {a}, {t} {b}")

    def cast(self, opcode: str, a: str, dtype: Any, to: Any) -> str:
        """A conversion instruction."""
        return self.emit(f"{opcode} {self.type(dtype)} {a} to {self.type(to)}")

    def intrinsic(self, name: str, args: Sequence[str], dtype: Any, result: str = "") -> str:
        """A call of ``llvm.name``, overloaded for this type."""
        t = self.type(dtype)
        scalar = code(dtype)
        suffix = f"f{8 * int(scalar[1])}" if scalar[0] == "f" else LLVM_TYPES[scalar]
        suffix = f"v{self.width}{suffix}" if self.width > 1 else suffix
        function = f"llvm.{name}.{suffix}"
        returned = result or t
        self.writer.declarations.add(
            f"declare {returned} @{function}({', '.join([t] * len(args))})"
        )
        operands = ", ".join(f"{t} {a}" for a in args)
        return self.emit(f"call {returned} @{function}({operands})")

    def multiply_add(self, a: str, b: str, c: str, dtype: Any) -> str:
        """``a * b + c``, rounded once where the machine can."""
        return self.intrinsic("fmuladd", [a, b, c], dtype)

    def polynomial(self, x: str, coefficients: Sequence[float], dtype: Any) -> str:
        """Horner's rule; the coefficient of the highest power is first."""
        y = self.const(coefficients[0], dtype)
        for c in coefficients[1:]:
            y = self.multiply_add(y, x, self.const(c, dtype), dtype)
        return y

    def lanes(self, value: str, dtype: Any) -> list[str]:
        """The lanes as scalars."""
        if self.width == 1:
            return [value]
        t = self.type(dtype)
        return [self.emit(f"extractelement {t} {value}, i32 {k}") for k in range(self.width)]

    def gathered(self, scalars: Sequence[str], dtype: Any) -> str:
        """A vector of scalars."""
        if self.width == 1:
            return scalars[0]
        t, s = self.type(dtype), type_name(dtype)
        value = "poison"
        for k, x in enumerate(scalars):
            value = self.emit(f"insertelement {t} {value}, {s} {x}, i32 {k}")
        return value

    def splat(self, scalar: str, dtype: Any) -> str:
        """A scalar in every lane."""
        if self.width == 1:
            return scalar
        t, s = self.type(dtype), type_name(dtype)
        first = self.emit(f"insertelement {t} poison, {s} {scalar}, i32 0")
        return self.emit(
            f"shufflevector {t} {first}, {t} poison, <{self.width} x i32> zeroinitializer"
        )

    def library(self, name: str, args: Sequence[str], dtype: Any) -> str:
        """A call of the C library's function for each lane; ``name`` is that for doubles."""
        s = type_name(dtype)
        function = name + "f" * (np.dtype(dtype).itemsize == 4)
        self.writer.declarations.add(
            f"declare {s} @{function}({', '.join([s] * len(args))}) memory(none)"
        )
        columns = zip(*[self.lanes(a, dtype) for a in args], strict=True)
        results = [
            self.emit(f"call {s} @{function}({', '.join(f'{s} {a}' for a in lane)})")
            for lane in columns
        ]
        return self.gathered(results, dtype)


def transposed(v: Vectors, rows: Sequence[str], dtype: Any) -> list[str]:
    """The columns of a square of as many vectors as they have lanes.

    Blocks beside the diagonal change places, in squares of half the size again and again.
    """
    rows = list(rows)
    width, t = v.width, v.type(dtype)
    distance = width // 2
    while distance:
        for i in range(width):
            if i & distance:
                continue
            a, b = rows[i], rows[i + distance]
            low = [k if not k & distance else width + k - distance for k in range(width)]
            high = [k + distance if not k & distance else width + k for k in range(width)]
            for place, order in ((i, low), (i + distance, high)):
                lanes = ", ".join(f"i32 {k}" for k in order)
                rows[place] = v.emit(f"shufflevector {t} {a}, {t} {b}, <{width} x i32> <{lanes}>")
        distance //= 2
    return rows
