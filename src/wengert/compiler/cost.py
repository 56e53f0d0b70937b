"""What a plan takes: operations on numbers, memory read and written, memory held."""

from __future__ import annotations

from math import prod
from typing import Any

from .ir import Node
from .passes.memory import touched
from .plan import Buffer, Call, Nest, Plan, Product, Routine

__all__ = ["bytes_of", "flops_of", "peak_of"]


def flops_of(step: Any, plan: Plan) -> int:
    """Operations on numbers: one for each operation of an expression and element, whatever it is.

    A sum of products counts two for each of them. What NumPy evaluates counts nothing.
    """
    if isinstance(step, Product):
        return 2 * step.m * step.n * step.k * prod(n for n, *_ in step.stack)
    if isinstance(step, Routine):
        return _of_routine(step)
    return _of_nest(step, plan) if isinstance(step, Nest) else 0


def _of_routine(step: Routine) -> int:
    """As LAPACK Working Note 41 counts them, without terms of lower order."""
    n, k = step.n, step.k
    each = {
        "lu_factor": 2 * n**3 // 3,
        "lu_solve": 2 * n * n * k,
        "lu_inverse": 4 * n**3 // 3,
        "cholesky": n**3 // 3,
        "solve_triangular": n * n * k,
    }
    return each[step.name] * step.stack * (4 if step.results[0].is_complex else 1)


def _of_nest(nest: Nest, plan: Plan) -> int:
    points = prod(nest.kept) * prod(nest.reduced)
    total = sum(prod(r.args[0].shape) for r in nest.reductions)
    total += sum(prod(s.node.shape) for s in nest.stores if s.kind == "add")
    stack: list[Node] = [r.args[0] for r in nest.reductions]
    stack += [x for s in nest.stores for x in (s.node, *s.arrays)]
    computed = {s.node for s in nest.stores if s.computes}
    seen: set[Node] = set(nest.reductions)
    while stack:
        node = stack.pop()
        if node in seen or (node in plan.buffers and node not in computed):
            continue
        seen.add(node)
        if node.op == "map":
            total += min(prod(node.shape), points)
        stack += node.args
    return total


def bytes_of(step: Any, plan: Plan) -> int:
    """The sizes of all arrays that a step reads or writes, each once."""
    memories: dict[int, Buffer] = {id(b.memory): b.memory for b in touched(step, plan)}
    return sum(b.nbytes for b in memories.values())


def peak_of(plan: Plan) -> int:
    """Bytes that a call holds beside its arguments: temporaries, results, what calls give."""
    results = {
        id(b.memory): b.memory.nbytes
        for b in plan.outputs
        if isinstance(b, Buffer) and b.memory.kind == "output"
    }
    foreign = sum(b.nbytes for s in plan.leaves() if isinstance(s, Call) for b in s.results)
    return plan.arena + sum(results.values()) + foreign
