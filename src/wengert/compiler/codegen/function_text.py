"""Writes a function of LLVM IR with control flow, instruction by instruction."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["FunctionText"]


class FunctionText:
    """Writes one function: values have numbers, variables are stack slots that LLVM removes."""

    def __init__(self, header: str) -> None:
        self.header = header
        self.slots: list[str] = []  # stack slots must stand at the start to become registers
        self.lines: list[str] = []
        self.count = 0

    def __call__(self, line: str) -> None:
        """Add an instruction without a result."""
        self.lines.append(f"  {line}")

    def value(self, text: str) -> str:
        """Add an instruction; returns the name of its result."""
        self.count += 1
        self(f"%v{self.count} = {text}")
        return f"%v{self.count}"

    def at(self, pointer: str, offset: int | str, kind: str = "i64") -> str:
        """What stands at an offset in bytes."""
        place = self.value(f"getelementptr i8, ptr {pointer}, i64 {offset}")
        return self.value(f"load {kind}, ptr {place}")

    def word(self, pointer: str, k: int, kind: str = "i64") -> str:
        """The k-th word of a record."""
        return self.at(pointer, 8 * k, kind)

    def item(self, pointer: str, index: str, kind: str = "ptr") -> str:
        """An element of an array."""
        place = self.value(f"getelementptr {kind}, ptr {pointer}, i64 {index}")
        return self.value(f"load {kind}, ptr {place}")

    def set_item(self, pointer: str, index: str, value: str, kind: str = "ptr") -> None:
        """Store an element of an array."""
        place = self.value(f"getelementptr {kind}, ptr {pointer}, i64 {index}")
        self(f"store {kind} {value}, ptr {place}")

    def variable(self, kind: str, value: str) -> str:
        """A stack slot with a first value; returns the pointer."""
        self.count += 1
        name = f"%v{self.count}"
        self.slots.append(f"  {name} = alloca {kind}")
        self(f"store {kind} {value}, ptr {name}")
        return name

    def label(self, name: str) -> None:
        """Begin a block."""
        self.lines.append(f"{name}:")

    def block(self) -> str:
        """A name for a block that is new."""
        self.count += 1
        return f"b{self.count}"

    def require(self, condition: str, otherwise: str) -> None:
        """Go on if the condition holds."""
        name = self.block()
        self(f"br i1 {condition}, label %{name}, label %{otherwise}")
        self.label(name)

    def equal(self, a: str, b: str, otherwise: str, kind: str = "i64") -> None:
        """Go on if the two are equal."""
        self.require(self.value(f"icmp eq {kind} {a}, {b}"), otherwise)

    @contextmanager
    def when(self, condition: str) -> Iterator[None]:
        """A block that is run if the condition holds."""
        inside, after = self.block(), self.block()
        self(f"br i1 {condition}, label %{inside}, label %{after}")
        self.label(inside)
        yield
        self(f"br label %{after}")
        self.label(after)

    @contextmanager
    def count_to(self, stop: str, start: str = "0", step: int = 1) -> Iterator[str]:
        """A loop; gives the index."""
        head, inside, after = self.block(), self.block(), self.block()
        variable = self.variable("i64", start)
        self(f"br label %{head}")
        self.label(head)
        index = self.value(f"load i64, ptr {variable}")
        condition = self.value(f"icmp slt i64 {index}, {stop}")
        self(f"br i1 {condition}, label %{inside}, label %{after}")
        self.label(inside)
        yield index
        following = self.value(f"add i64 {index}, {step}")
        self(f"store i64 {following}, ptr {variable}")
        self(f"br label %{head}")
        self.label(after)

    @contextmanager
    def records(self, start: str, stop: str, size: int) -> Iterator[str]:
        """A loop over records of ``size`` words; gives the pointer to each."""
        length = self.value(f"sub i64 {stop}, {start}")
        base = self.value(f"inttoptr i64 {start} to ptr")
        with self.count_to(length, step=8 * size) as offset:
            yield self.value(f"getelementptr i8, ptr {base}, i64 {offset}")

    def text(self) -> str:
        """The whole function."""
        head = f"define {self.header} {{"
        return "\n".join([head, "start:", *self.slots, *self.lines, "}", ""])
