"""What the generated code has to know of a processor."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Processor"]


@dataclass(frozen=True)
class Processor:
    """The length in bytes and the number of its vector registers.

    ``halves`` says that it multiplies a whole register in two operations, as AMD's Zen 4 does those
    of 64 bytes: there are half as many instructions for the same arithmetic.
    """

    vector_bytes: int = 32
    registers: int = 16
    halves: bool = False
