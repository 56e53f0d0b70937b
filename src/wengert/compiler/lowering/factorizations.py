"""Factorizations and what is solved with them: calls of LAPACK on whole arrays.

LAPACK has columns contiguous, so a matrix that is row by row for us is its transpose for LAPACK.
What it factors is given to it transposed once more, by the nest that stores the matrix: the pivots
are those that NumPy finds, and with them which matrices are exactly singular. Triangular matrices
have no pivots and are read as they are. Transposes of results are views.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np

from ...core.program import Equation
from ..factored import SINGULAR
from ..ir import Graph, Node
from .complex_numbers import lowers_complex
from .movement import node_of
from .pairs import Pair, join, parts_in, real_dtype
from .table import Lowered, lowers

__all__: list[str] = []

NOT_DEFINITE = "Matrix is not positive definite"  # as NumPy says it
ZERO_ON_DIAGONAL = "solve_triangular: a diagonal entry is zero"
_WORK = 64  # rows that getri works on at once

Array = Node | Pair


Rule = Callable[[Lowered, Equation, Sequence[Any]], Any]


def _lowers(name: str) -> Callable[[Rule], Rule]:
    """Register a lowering for real and complex numbers."""

    def add(function: Rule) -> Rule:
        lowers(name)(function)
        lowers_complex(name)(function)
        return function

    return add


# ------------------------------------------------------------------ arrays of either kind


def _viewed(g: Graph, x: Array, axes: tuple[Any, ...], shape: tuple[int, ...]) -> Array:
    if isinstance(x, Pair):
        return Pair(g.view(x.re, axes, shape), g.view(x.im, axes, shape))
    return g.view(x, axes, shape)


def _turned(g: Graph, x: Array) -> Array:
    """Matrices transposed."""
    n = len(x.shape)
    axes = [(d, 0, 1) for d in range(n - 2)] + [(n - 1, 0, 1), (n - 2, 0, 1)]
    return _viewed(g, x, tuple(axes), (*x.shape[:-2], x.shape[-1], x.shape[-2]))


def _stacked(g: Graph, x: Array, stack: tuple[int, ...], rank: int) -> Array:
    """With the same last axes for every element of a stack; a single one for all stays single."""
    own = x.shape[: len(x.shape) - rank]
    if prod(own) == 1:
        stack = ()
        x = _reshaped(g, x, x.shape[len(own) :])
    shape = (*stack, *x.shape[len(x.shape) - rank :])
    if isinstance(x, Pair):
        return Pair(g.broadcast(x.re, shape), g.broadcast(x.im, shape))
    return g.broadcast(x, shape)


def _reshaped(g: Graph, x: Array, shape: tuple[int, ...]) -> Array:
    """Without axes of length one."""
    if isinstance(x, Pair):
        return Pair(g.reshape(x.re, shape), g.reshape(x.im, shape))
    return g.reshape(x, shape)


def _memory(g: Graph, x: Any, dtype: Any) -> Node:
    """The array of this dtype as LAPACK reads it."""
    if np.dtype(dtype).kind != "c":
        return node_of(g, x, dtype)
    part = real_dtype(dtype)
    if isinstance(x, Node):
        return join(g, Pair(g.cast(x, part), g.const(0, part, x.shape)))
    return join(g, Pair(g.cast(x.re, part), g.cast(x.im, part)))


class _Call:
    """A routine that is called for a stack of matrices, and what it gives."""

    def __init__(
        self, g: Graph, name: str, operands: Sequence[Node], results: Sequence[Any],
        n: int, k: int, stack: int, *options: Any, in_place: bool = True,
    ) -> None:  # fmt: skip
        self._g, self._results = g, results
        kinds = tuple([_type(shape, np.dtype(dtype)) for shape, dtype in results])
        attrs = (name, options, n, k, stack, kinds, in_place)
        self._node = g.make("routine", operands, (), np.bool_, attrs)

    def result(self, number: int) -> Any:
        """A result: a pair of nodes, if it is complex."""
        dtype = np.dtype(self._results[number][1])
        shape, kind = _type(self._results[number][0], dtype)
        y = self._g.make("result", (self._node,), shape, kind, number)
        return parts_in(self._g, y) if dtype.kind == "c" else y


def _type(shape: tuple[int, ...], dtype: Any) -> tuple[tuple[int, ...], str]:
    """Shape and dtype of memory."""
    return ((*shape, 2), real_dtype(dtype).str) if dtype.kind == "c" else (shape, dtype.str)


def _refuse(result: Lowered, info: Node, why: str) -> None:
    """An error after the run, if the routine has found any matrix bad."""
    g = result.graph
    bad = g.map("greater", info, g.const(0, info.dtype, info.shape), dtype=bool)
    _refuse_any(result, bad, why)


def _refuse_any(result: Lowered, bad: Node, why: str) -> None:
    check = result.graph.reduce("or", bad, range(len(bad.shape)))
    if (check, why) not in result.checks:
        result.checks.append((check, why))


# ------------------------------------------------------------------ LU


@_lowers("lu_factor")
def _factor(result: Lowered, e: Equation, ins: Sequence[Any]) -> Sequence[Any]:
    g, v = result.graph, e.outputs[0]
    n, stack = v.shape[-1], v.shape[:-2]
    results = [(v.shape, v.dtype), ((*stack, n), np.int32), (stack, np.int32)]
    matrix = _memory(g, _turned(g, ins[0]), v.dtype)
    call = _Call(g, "lu_factor", [matrix], results, n, 0, prod(stack))
    return _turned(g, call.result(0)), call.result(1), call.result(2)


@_lowers("lu_solve")
def _solve(result: Lowered, e: Equation, ins: Sequence[Any]) -> Any:
    g, v = result.graph, e.outputs[0]
    lu, pivots, info, b = ins
    _refuse(result, info, SINGULAR)
    *stack, n, k = v.shape
    several = prod(lu.shape[:-2]) > 1
    lu, pivots = _stacked(g, lu, tuple(stack), 2), _stacked(g, pivots, tuple(stack), 1)
    # One matrix for all: their right-hand sides are as many columns.
    times, columns = (prod(stack), k) if several else (1, prod(stack) * k)
    columns_of_b = _turned(g, _widened(g, b, v.shape))
    operands = [
        _memory(g, columns_of_b, v.dtype),
        _memory(g, _turned(g, lu), v.dtype),
        _memory(g, pivots, np.int32),
    ]
    results = [((*stack, k, n), v.dtype)]
    call = _Call(g, "lu_solve", operands, results, n, columns, times, e.params["transposed"])
    return _turned(g, call.result(0))


def _widened(g: Graph, x: Array, shape: tuple[int, ...]) -> Array:
    if isinstance(x, Pair):
        return Pair(g.broadcast(x.re, shape), g.broadcast(x.im, shape))
    return g.broadcast(x, shape)


@_lowers("lu_inverse")
def _inverse(result: Lowered, e: Equation, ins: Sequence[Any]) -> Any:
    g, v = result.graph, e.outputs[0]
    lu, pivots, info = ins
    n, stack = v.shape[-1], v.shape[:-2]
    memory = _memory(g, _turned(g, lu), v.dtype)
    finite = g.map("isfinite", memory, dtype=bool)
    operands = [memory, pivots, g.reduce("and", finite, range(len(stack), len(memory.shape)))]
    results = [(v.shape, v.dtype), ((_WORK * n,), v.dtype)]
    call = _Call(g, "lu_inverse", operands, results, n, 0, prod(stack), in_place=False)
    y = _turned(g, call.result(0))
    if e.params["strict"]:
        _refuse(result, info, SINGULAR)
        return y
    seen = tuple([(d, 0, 1) for d in range(len(stack))])
    none = g.const(0, info.dtype, v.shape)
    bad = g.map("greater", g.view(info, seen, v.shape), none, dtype=bool)
    if isinstance(y, Pair):
        nan, zero = (g.const(value, y.re.dtype, v.shape) for value in (np.nan, 0))
        return Pair(
            g.map("select", bad, nan, y.re, dtype=y.re.dtype),
            g.map("select", bad, zero, y.im, dtype=y.im.dtype),
        )
    return g.map("select", bad, g.const(np.nan, v.dtype, v.shape), y, dtype=v.dtype)


@_lowers("sign_of_exchanges")
def _sign(result: Lowered, e: Equation, ins: Sequence[Any]) -> Any:
    g, v, (pivots,) = result.graph, e.outputs[0], ins
    part = real_dtype(v.dtype) if v.dtype.kind == "c" else v.dtype
    last = len(pivots.shape) - 1
    one = g.const(1, np.int64, pivots.shape)
    stays = g.map("add", g.iota(pivots.shape, last), one)
    same = g.map("equal", g.cast(pivots, np.int64), stays, dtype=bool)
    signs = [g.const(s, part, pivots.shape) for s in (1, -1)]
    y = g.reduce("prod", g.map("select", same, *signs, dtype=part), (last,))
    return Pair(y, g.const(0, part, v.shape)) if v.dtype.kind == "c" else y


# ------------------------------------------------------------------ triangles


def _triangle(g: Graph, shape: tuple[int, ...], lower: bool) -> Node:
    """Where a triangle has elements."""
    i, j = (g.iota(shape, len(shape) - d) for d in (2, 1))
    return g.map("less_equal", *((j, i) if lower else (i, j)), dtype=bool)


def _kept_where(g: Graph, test: Node, x: Array) -> Array:
    if isinstance(x, Pair):
        zero = g.const(0, x.re.dtype, x.shape)
        return Pair(*[g.map("select", test, y, zero, dtype=y.dtype) for y in (x.re, x.im)])
    return g.map("select", test, x, g.const(0, x.dtype, x.shape), dtype=x.dtype)


@_lowers("cholesky")
def _cholesky(result: Lowered, e: Equation, ins: Sequence[Any]) -> Any:
    g, v = result.graph, e.outputs[0]
    n, stack, upper = v.shape[-1], v.shape[:-2], e.params["upper"]
    if v.dtype.char not in "fdFD":
        return None
    results = [(v.shape, v.dtype), (stack, np.int32)]
    matrix = _memory(g, ins[0], v.dtype)
    call = _Call(g, "cholesky", [matrix], results, n, 0, prod(stack), upper)
    _refuse(result, call.result(1), NOT_DEFINITE)
    return _kept_where(g, _triangle(g, v.shape, not upper), call.result(0))


@_lowers("solve_triangular")
def _solve_triangular(result: Lowered, e: Equation, ins: Sequence[Any]) -> Any:
    g, v, lower = result.graph, e.outputs[0], e.params["lower"]
    a, b = ins
    if v.dtype.char not in "fdFD" or not all(map(_has_elements, ins)):
        return None
    single = len(a.shape) == 2 and len(b.shape) == 2
    _refuse_zeros(result, a, ZERO_ON_DIAGONAL if single else SINGULAR)
    *stack, n, k = v.shape
    several = prod(a.shape[:-2]) > 1
    a = _stacked(g, a, tuple(stack), 2)
    operands = [_memory(g, _widened(g, b, v.shape), v.dtype), _memory(g, a, v.dtype)]
    options = (lower, several)
    call = _Call(g, "solve_triangular", operands, [(v.shape, v.dtype)], n, k, prod(stack), *options)
    return call.result(0)


def _has_elements(x: Any) -> bool:
    return isinstance(x, Node | Pair) and x.size > 0


def _refuse_zeros(result: Lowered, a: Array, why: str) -> None:
    """An error after the run, if there is a zero on a diagonal."""
    g, rank = result.graph, len(a.shape)
    entries = tuple([(min(d, rank - 2), 0, 1) for d in range(rank)])
    diagonal = _viewed(g, a, entries, a.shape[:-1])
    parts = [diagonal.re, diagonal.im] if isinstance(diagonal, Pair) else [diagonal]
    tests = [g.map("equal", x, g.const(0, x.dtype, x.shape), dtype=bool) for x in parts]
    zero = tests[0] if len(tests) == 1 else g.map("and", *tests, dtype=bool)
    _refuse_any(result, zero, why)
