"""Which sums of products are products of matrices, large enough for BLAS."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..indices import Linear, address, seen_through, strides_of
from ..ir import Node
from ..plan import Buffer, Nest, Product

__all__ = ["MatrixProduct", "as_product"]

# Multiplications above which a call of BLAS is faster than a nest, which computes what follows as
# well. Measured on products from 64^3 to 1024^3 and on the sides of small networks.
_LEAST = {4: 100_000_000, 8: 100_000_000}
_LEAST_SIDE = 8
# Of a product with few columns BLAS copies both operands; a nest reads the larger one, which lies
# along the sum, where it is.
_NARROW, _LONG = 128, 256


@dataclass(frozen=True)
class MatrixProduct:
    """A product before its operands have memory; see `plan.Product`."""

    a: Node
    b: Node
    node: Node
    sizes: tuple[int, int, int]
    strides: tuple[tuple[int, int], tuple[int, int], tuple[int, int]]
    offsets: tuple[int, int]
    stack: tuple[tuple[int, int, int, int], ...]
    axes: tuple[int, int, int]

    def placed(self, buffer: Callable[[Node], Buffer], nest: Nest) -> Product:
        """The step; ``nest`` computes the same."""
        return Product(
            buffer(self.a), buffer(self.b), buffer(self.node), *self.sizes, *self.strides,
            self.offsets, self.stack, self.node, nest, self.axes,
        )  # fmt: skip


def as_product(r: Node, is_memory: Callable[[Node], bool]) -> MatrixProduct | None:
    """The product that a sum is, if BLAS should compute it."""
    if r.attrs[0] != "sum" or r.dtype.kind != "f":
        return None
    x = r.args[0]
    if x.op != "map" or x.attrs != "mul" or any(y.op != "view" for y in x.args):
        return None
    bases = [y.args[0] for y in x.args]
    if not all(map(is_memory, bases)):
        return None
    variables = [Linear.variable(d) for d in range(len(x.shape))]
    at = [address(y.args[0].shape, seen_through(y.attrs, variables)) for y in x.args]
    axes = r.attrs[1]
    kept = [d for d, n in enumerate(x.shape) if d not in axes and n > 1]
    summed = [d for d in axes if x.shape[d] > 1]
    rows = [d for d in kept if not at[1].step(d)]
    columns = [d for d in kept if not at[0].step(d)]
    if len(rows) != 1 or len(columns) != 1 or len(summed) != 1 or rows == columns:
        return None
    (i,), (j,), (k,) = rows, columns, summed
    sizes = (x.shape[i], x.shape[j], x.shape[k])
    if min(sizes) < _LEAST_SIDE:
        return None
    place = dict(zip([d for d in range(len(x.shape)) if d not in axes], strides_of(r.shape)))
    strides = (
        (at[0].step(i), at[0].step(k)),
        (at[1].step(k), at[1].step(j)),
        (place[i], place[j]),
    )
    if not all(map(_is_matrix, strides, _sides(sizes))):
        return None
    if sizes[0] * sizes[1] * sizes[2] < _LEAST[r.dtype.itemsize]:
        return None
    along = at[0].step(k) if sizes[0] >= sizes[1] else at[1].step(k)
    if min(sizes[:2]) <= _NARROW and sizes[2] >= _LONG and along == 1:
        return None
    stack = tuple(
        [(x.shape[d], at[0].step(d), at[1].step(d), place[d]) for d in kept if d not in (i, j)]
    )
    order = [d for d in range(len(x.shape)) if d not in axes] + list(axes)
    return MatrixProduct(
        bases[0], bases[1], r, sizes, strides, (at[0].offset, at[1].offset), stack,
        (order.index(i), order.index(j), order.index(k)),
    )  # fmt: skip


def _sides(sizes: tuple[int, int, int]) -> list[Any]:
    m, n, k = sizes
    return [(m, k), (k, n), (m, n)]


def _is_matrix(strides: tuple[int, int], sides: tuple[int, int]) -> bool:
    """Whether one axis is contiguous and the other's rows do not overlap."""
    (s, t), (m, n) = strides, sides
    return (t == 1 and s >= n) or (s == 1 and t >= m)
