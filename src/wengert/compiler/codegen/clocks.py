"""Clocks in generated code: how long every step takes, on every thread."""

from __future__ import annotations

import ctypes
import functools
import platform
from collections.abc import Sequence
from typing import Any

__all__ = ["Clocks"]

_PARTS = 64  # the most there are
_CLOCKS = {
    "aarch64": 'call i64 asm sideeffect "mrs $0, cntvct_el0", "=r"()',
    "arm64": 'call i64 asm sideeffect "mrs $0, cntvct_el0", "=r"()',
}
_READ = _CLOCKS.get(platform.machine(), "call i64 @llvm.readcyclecounter()")
_DECLARED = "declare i64 @llvm.readcyclecounter()"


class Clocks:
    """Which steps have clocks, and the text that reads them into a table."""

    symbol = "wengert_clocks"

    def __init__(self) -> None:
        self._rows: dict[int, int] = {}
        self._steps: list[Any] = []  # kept, so that their numbers stay theirs

    @property
    def words(self) -> int:
        """Of the table: a row for each step, and a last one for what threads wait."""
        return (len(self._steps) + 1) * _PARTS

    def row(self, step: Any) -> int:
        """The row of a step; the first is for waits."""
        if id(step) not in self._rows:
            self._steps.append(step)
            self._rows[id(step)] = len(self._steps)
        return self._rows[id(step)]

    def definition(self) -> list[str]:
        """The table, and what reading the counter needs."""
        return [f"@{self.symbol} = global [{self.words} x i64] zeroinitializer", _DECLARED]

    @staticmethod
    def start(name: str) -> str:
        """The line that reads the counter."""
        return f"{name} = {_READ}"

    def stop(self, name: str, row: int, part: str) -> list[str]:
        """The lines that add what has gone by since ``name`` was read."""
        return [
            f"{name}n = {_READ}",
            f"{name}d = sub i64 {name}n, {name}",
            f"{name}i = add i64 {part}, {row * _PARTS}",
            f"{name}p = getelementptr i64, ptr @{self.symbol}, i64 {name}i",
            f"{name}o = load i64, ptr {name}p",
            f"{name}t = add i64 {name}o, {name}d",
            f"store i64 {name}t, ptr {name}p",
        ]

    def seconds(self, found: Sequence[float], step: Any, parts: int) -> list[float]:
        """Of a step, for each part."""
        row = self._rows[id(step)] * _PARTS
        return list(found[row : row + parts])

    def waits(self, found: Sequence[float], threads: int) -> list[float]:
        """Of each thread."""
        return list(found[:threads])

    @staticmethod
    def now() -> int:
        """The counter."""
        return int(_counter()())


@functools.cache
def _counter() -> Any:
    from .target import link, object_code

    text = f"{_DECLARED}\ndefine i64 @now() {{\n  %t = {_READ}\n  ret i64 %t\n}}\n"
    code = link(object_code(text), ["now"], {})
    function = ctypes.CFUNCTYPE(ctypes.c_int64)(code.addresses["now"])
    function.code = code  # type: ignore[attr-defined]
    return function
