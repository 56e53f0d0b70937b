"""What the back end works on: buffers, and the steps that fill them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import prod
from typing import Any

from ..core.program import Equation
from .ir import Node

__all__ = ["Buffer", "Call", "Nest", "Plan", "Product", "Region", "Routine", "Step", "Store"]


@dataclass(eq=False)
class Buffer:
    """C-contiguous memory of an array.

    ``kind`` is ``input`` or ``output`` (the caller's, by ``slot``), ``temporary`` (in the arena, at
    ``offset`` bytes), ``foreign`` (what a call gave, by ``slot``) or ``constant`` (with
    ``content``). A reshaped array has the memory of its ``base``. ``held`` is the size in bytes of
    a temporary that is smaller than its shape: it has room for the rows of one block for each part
    of a region.
    Where it ``is_complex``, the last axis has the two parts of complex numbers.
    """

    shape: tuple[int, ...]
    dtype: Any
    kind: str
    slot: int = -1
    offset: int = -1
    base: Buffer | None = None
    held: int | None = None
    is_complex: bool = False
    content: bytes = b""

    @property
    def memory(self) -> Buffer:
        """The buffer that the memory belongs to."""
        return self if self.base is None else self.base.memory

    @property
    def nbytes(self) -> int:
        """The size in bytes."""
        if self.held is not None:
            return self.held
        return prod(self.shape) * int(self.dtype.itemsize)


@dataclass(eq=False)
class Store:
    """``buffer[target] = node``, or ``+=`` for kind "add", for all indices of the domain.

    Other kinds are those of reductions: the node is combined with what the buffer holds.

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

    A nest with ``rows``, a position in ``kept + reduced``, runs on a range of that axis only, which
    it is given when it is called. If the axis is one of ``reduced``, its stores add to what the
    buffer holds. ``parts`` is in how many parts the axis is cut, and ``span`` how many rows of it
    are computed at a time. ``partial`` has for reductions that were computed in parts the parts, an
    array that stands in the place of the operand; ``packed`` has operands that read copies, in
    another order, of what the reduction was of. Where ``unit`` is not 0, ranges of rows begin at
    its multiples, and it has to be a multiple of how many rows are computed at once.
    """

    kept: tuple[int, ...]
    reduced: tuple[int, ...]
    stores: list[Store]
    reductions: dict[Node, tuple[int, ...]] = field(default_factory=dict)
    rows: int | None = None
    partial: dict[Node, Node] = field(default_factory=dict)
    ordered: int | None = None
    unit: int = 0
    span: int | None = None
    parts: int = 1
    packed: dict[Node, Node] = field(default_factory=dict)

    @property
    def lengths(self) -> tuple[int, ...]:
        """Of all axes."""
        return self.kept + self.reduced

    def operand(self, r: Node) -> Node:
        """What a reduction reduces."""
        return self.partial.get(r) or self.packed.get(r) or r.args[0]


@dataclass(eq=False)
class Product:
    """A product of matrices, or a stack of them, for BLAS: ``c = a @ b``.

    Strides are in elements; ``stack`` has for each axis of the stack its length and the three
    strides. ``nest`` computes the same, and ``axes`` are the positions of the rows, columns and
    sums among its axes. ``rows`` is the one of them of which a range is computed.
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
    nest: Nest
    axes: tuple[int, int, int]
    rows: int | None = None


@dataclass(eq=False)
class Region:
    """Steps that run one after another on ranges of the same rows, in parts that run at once.

    The ``length`` rows are shared out among ``parts``, in multiples of ``unit``. A part goes
    through its rows in blocks of ``block``, so that what one step computes is in the cache when the
    next reads it. Steps without rows are run whole, by one part.

    Attributes
    ----------
    fills : list of Nest
        Run first, by each part: they prepare its accumulators.
    private : dict of Buffer to int
        Memory of which each part has its own piece, of so many bytes.
    local : dict of Buffer to int
        Memory that holds only the rows of a block, each of so many bytes, for each part.
    barrier : bool
        Whether the region begins only after all earlier ones have ended.
    """

    steps: list[Nest | Product]
    length: int = 1
    parts: int = 1
    block: int = 1
    unit: int = 1
    fills: list[Nest] = field(default_factory=list)
    private: dict[Buffer, int] = field(default_factory=dict)
    local: dict[Buffer, int] = field(default_factory=dict)
    barrier: bool = True

    @property
    def share(self) -> int:
        """The rows of one part; the last may have fewer."""
        return -(-self.length // (self.parts * self.unit)) * self.unit


@dataclass(eq=False)
class Call:
    """An equation that NumPy evaluates. Operands are buffers or scalar constants."""

    equation: Equation
    operands: list[Any]
    results: list[Buffer]


@dataclass(eq=False)
class Routine:
    """A call of LAPACK for each matrix of a stack (`lowering.factorizations` tells which).

    Where it is ``in_place``, the first result is in the memory of the first operand, or is a copy
    of that at first. All threads wait for it, and LAPACK may use its own.

    Attributes
    ----------
    name : str
    options : tuple
        What else the routine is told.
    n, k, stack : int
        The size of a matrix, right-hand sides, and matrices.
    """

    name: str
    options: tuple[Any, ...]
    n: int
    k: int
    stack: int
    operands: list[Buffer]
    results: list[Buffer]
    in_place: bool

    @property
    def letter(self) -> str:
        """That of LAPACK's names for the precision."""
        x = self.results[0]
        return {(4, False): "s", (8, False): "d", (4, True): "c", (8, True): "z"}[
            x.dtype.itemsize, x.is_complex
        ]


Step = Nest | Product | Call | Region | Routine


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

    def leaves(self) -> Iterator[Nest | Product | Call | Routine]:
        """All steps, those of regions too."""
        for step in self.steps:
            if isinstance(step, Region):
                yield from step.fills
                yield from step.steps
            else:
                yield step
