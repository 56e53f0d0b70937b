"""What the back end works on: buffers, and the steps that fill them."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from typing import Any

from ..core.program import Equation
from .ir import Node

__all__ = ["Buffer", "Call", "Nest", "Plan", "Product", "Step", "Store"]


@dataclass(eq=False)
class Buffer:
    """C-contiguous memory of an array.

    ``kind`` is ``input`` or ``output`` (the caller's, by ``slot``), ``temporary`` (in the arena, at
    ``offset`` bytes) or ``foreign`` (what a call gave, by ``slot``). A reshaped array has the
    memory of its ``base``.
    """

    shape: tuple[int, ...]
    dtype: Any
    kind: str
    slot: int = -1
    offset: int = -1
    base: Buffer | None = None

    @property
    def memory(self) -> Buffer:
        """The buffer that the memory belongs to."""
        return self if self.base is None else self.base.memory

    @property
    def nbytes(self) -> int:
        """The size in bytes."""
        return prod(self.shape) * int(self.dtype.itemsize)


@dataclass(eq=False)
class Store:
    """``buffer[target] = node``, or ``+=`` for kind "add", for all indices of the domain.

    ``target`` has an entry for each axis of the buffer, as the maps of `ir`; index arrays follow
    the node in ``arrays``. Where the node's value is not computed but copied from its own buffer,
    ``computes`` is False.
    """

    buffer: Buffer
    node: Node
    kind: str
    target: tuple[Any, ...]
    arrays: tuple[Node, ...] = ()
    computes: bool = True


@dataclass(eq=False)
class Nest:
    """Loops over ``kept`` and, for each of its points, over ``reduced``.

    Inside stand reductions over all of ``reduced``, whose operands are functions of kept and
    reduced indices, and stores of what is made of them. Each reduction has for its operand's axes
    the positions in ``kept + reduced``, or -1 for one of length one. Along the kept axis
    ``ordered`` what is stored is read again at the next index: it runs upwards, one by one.
    """

    kept: tuple[int, ...]
    reduced: tuple[int, ...]
    stores: list[Store]
    reductions: dict[Node, tuple[int, ...]] = field(default_factory=dict)
    ordered: int | None = None


@dataclass(eq=False)
class Product:
    """A product of matrices, or a stack of them, for BLAS: ``c = a @ b``.

    Strides are in elements; ``stack`` has for each axis of the stack its length and the three
    strides.
    """

    a: Buffer
    b: Buffer
    c: Buffer
    m: int
    n: int
    k: int
    strides_a: tuple[int, int]
    strides_b: tuple[int, int]
    strides_c: tuple[int, int]
    offsets: tuple[int, int]
    stack: tuple[tuple[int, int, int, int], ...]
    node: Node


@dataclass(eq=False)
class Call:
    """An equation that NumPy evaluates. Operands are buffers or scalar constants."""

    equation: Equation
    operands: list[Any]
    results: list[Buffer]


Step = Nest | Product | Call


@dataclass(eq=False)
class Plan:
    """Steps in order.

    Attributes
    ----------
    buffers : dict
        Of every node that is stored.
    outputs : list
        A buffer (one of an input has to be copied), or a scalar.
    foreign : int
        How many buffers come from calls.
    donated : dict of int to int
        For results that are written into the memory of an argument, by number, which one.
    arena : int
        Bytes of all temporaries together.
    """

    steps: list[Step]
    buffers: dict[Node, Buffer]
    inputs: list[Buffer]
    outputs: list[Any]
    checks: list[tuple[Buffer, str]]
    foreign: int
    arena: int = 0
    donated: dict[int, int] = field(default_factory=dict)
