"""Writes a function as LLVM text: names, loops, and code that is hoisted out of loops.

Every open loop has lines of its own. A value is written into the innermost loop that it depends
on, and remembered there: what does not vary inside is computed before the loop begins. Counters and
accumulators are stack slots, which LLVM's SROA turns into registers.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["Level", "Writer"]


class Level:
    """The body of an open loop; level 0 is the function."""

    __slots__ = ("depth", "known", "lines")

    def __init__(self, depth: int) -> None:
        self.depth = depth
        self.lines: list[str] = []
        self.known: dict[Any, Any] = {}


class Writer:
    """The text of one function, and the declarations it needs."""

    def __init__(self) -> None:
        self.slots: list[str] = []
        self.levels = [Level(0)]
        self.declarations: set[str] = set()
        self.functions: dict[str, str] = {}
        self._count = 0

    def name(self, prefix: str = "v") -> str:
        """A new name."""
        self._count += 1
        return f"%{prefix}{self._count}"

    def emit(self, text: str, depth: int) -> str:
        """``name = text`` in the loop of this depth."""
        name = self.name()
        self.levels[depth].lines.append(f"{name} = {text}")
        return name

    def line(self, text: str) -> None:
        """A line in the innermost loop."""
        self.levels[-1].lines.append(text)

    def slot(self, type_: str) -> str:
        """A place on the stack."""
        name = self.name("s")
        self.slots.append(f"{name} = alloca {type_}, align 64")
        return name

    @property
    def depth(self) -> int:
        """The number of open loops."""
        return len(self.levels) - 1

    def get(self, key: Any) -> Any:
        """What an open loop remembers."""
        for level in reversed(self.levels):
            if key in level.known:
                return level.known[key]
        return None

    def put(self, key: Any, value: Any, depth: int) -> Any:
        """Remember a value in the loop that it was written into."""
        self.levels[depth].known[key] = value
        return value

    @contextmanager
    def scope(self) -> Iterator[None]:
        """Lines that are remembered only inside, as the body of a loop that runs once."""
        level = Level(len(self.levels))
        self.levels.append(level)
        yield
        self.levels.pop()
        self.levels[-1].lines.extend(level.lines)

    @contextmanager
    def guarded(self, condition: str) -> Iterator[None]:
        """What is done only if a condition holds."""
        inside, after = (self.name(p)[1:] for p in ("inside", "after"))
        level = Level(len(self.levels))
        self.levels.append(level)
        yield
        self.levels.pop()
        self.levels[-1].lines += [
            f"br i1 {condition}, label %{inside}, label %{after}",
            f"{inside}:",
            *level.lines,
            f"br label %{after}",
            f"{after}:",
        ]

    @contextmanager
    def loop(self, start: int | str, stop: int | str, step: int) -> Iterator[str]:
        """A loop that runs at least once; yields the name of its counter."""
        slot = self.slot("i64")
        body, after = (self.name(p)[1:] for p in ("body", "after"))
        level = Level(len(self.levels))
        counter = self.name("i")
        self.levels.append(level)
        yield counter
        self.levels.pop()
        following, test = self.name(), self.name()
        self.levels[-1].lines += [
            f"store i64 {start}, ptr {slot}",
            f"br label %{body}",
            f"{body}:",
            f"{counter} = load i64, ptr {slot}",
            *level.lines,
            f"{following} = add nuw nsw i64 {counter}, {step}",
            f"store i64 {following}, ptr {slot}",
            f"{test} = icmp ult i64 {following}, {stop}",
            f"br i1 {test}, label %{body}, label %{after}",
            f"{after}:",
        ]

    def text(self, header: str) -> str:
        """The function. ``header`` is everything before its body."""
        (level,) = self.levels
        body = "\n".join(f"  {line}" if not line.endswith(":") else line for line in level.lines)
        slots = "\n".join(f"  {line}" for line in self.slots)
        return f"{header} {{\nentry:\n{slots}\n{body}\n  ret void\n}}\n"
