"""Factorizations: what solves with a matrix, inverts it or takes its determinant shares one.

Each such operation becomes the factorization of its matrix and what follows from that. Those of one
matrix are then the same equation, which `common` merges; so are those of a matrix and its
transpose, which reverse mode solves with.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np

from ...core.abstract import Aval, Var
from ...core.bind import bind
from ...core.primitive import PRIMITIVES
from ...core.program import Equation, Program, pruned
from ...core.recorder import record
from ...rules.linalg import result_dtype
from ...rules.shapes import astype
from ..factored import cofactors, determinant, inverse, log_determinant, lu_factor_p, solution
from .common import merge_common

__all__ = ["factorize"]


def factorize(program: Program, only_shared: bool = False) -> Program:
    """The simplified Program with factorizations of its own, each matrix's once.

    Parameters
    ----------
    program : Program
    only_shared : bool
        Leave alone what would not share: stacks, and matrices that are factored once. NumPy's own
        functions are faster there than calls of LAPACK from Python.
    """
    found = _Matrices(program)
    chosen = [e for e in program.equations if found.key(e) is not None]
    if only_shared:
        times = Counter([found.key(e) for e in chosen])
        chosen = [e for e in chosen if times[found.key(e)] > 1 and e.inputs[0].ndim == 2]
    if not chosen:
        return program
    wanted = set(chosen)
    equations: list[Equation] = []
    env: dict[Var, Any] = {}
    for e in program.equations:
        ins = tuple([env.get(x, x) if type(x) is Var else x for x in e.inputs])
        if e not in wanted:
            equations.append(Equation(e.primitive, ins, e.params, e.outputs, e.silent))
            continue
        matrix, transposed = found.matrix(e)
        body = _factored(e, ins, env.get(matrix, matrix), transposed)
        equations += body.equations
        env.update(zip(e.outputs, body.outputs, strict=True))
    outputs = [env.get(y, y) if type(y) is Var else y for y in program.outputs]
    made = Program(program.inputs, program.captured, equations, outputs)
    return pruned(merge_common(made))


class _Matrices:
    """Which equations factor which matrix.

    A transpose stands for what it is the transpose of, and of the two the one that is factored
    first is factored alone.
    """

    def __init__(self, program: Program) -> None:
        self._turned: dict[Var, Var] = {}
        self._first: dict[Any, tuple[Var, bool]] = {}
        for e in program.equations:
            if e.primitive.name == "transpose" and _turns_matrices(e):
                self._turned[e.outputs[0]] = e.inputs[0]
            key = self.key(e)
            if key is not None:
                self._first.setdefault(key, (e.inputs[0], self._root(e.inputs[0])[1]))

    def _root(self, a: Var) -> tuple[Var, bool]:
        turned = False
        while a in self._turned:
            a, turned = self._turned[a], not turned
        return a, turned

    def key(self, e: Equation) -> Any:
        """Equal for equations that can share a factorization; None for all others."""
        if (
            e.primitive.name not in _FOLLOWING
            or PRIMITIVES.get(e.primitive.name) is not e.primitive
        ):
            return None
        arrays = [x for x in e.inputs if type(x) is Var]
        dtype = np.dtype(result_dtype(*arrays))
        if len(arrays) < len(e.inputs) or dtype.char not in "fdFD" or not dtype.isnative:
            return None
        return None if any(0 in x.shape for x in arrays) else (self._root(arrays[0])[0], dtype)

    def matrix(self, e: Equation) -> tuple[Var, bool]:
        """What is to be factored for an equation, and whether that is the transpose."""
        first, turned = self._first[self.key(e)]
        return first, turned != self._root(e.inputs[0])[1]


def _turns_matrices(e: Equation) -> bool:
    axes = e.params["axes"]
    n = len(axes)
    return n >= 2 and tuple(axes) == (*range(n - 2), n - 1, n - 2)


def _factored(e: Equation, ins: tuple[Any, ...], matrix: Var, transposed: bool) -> Program:
    """The equations that stand for one, on the very variables of the Program."""
    dtype = np.dtype(result_dtype(*ins))
    follow = _FOLLOWING[e.primitive.name]

    def function(*operands: Any) -> Any:
        a, *rest = [x if x.dtype == dtype else astype(x, dtype) for x in operands]
        factors = bind(lu_factor_p, (a,), {})
        found = follow(transposed, factors, a, *rest, **e.params)
        return found if isinstance(found, tuple) else (found,)

    given = [matrix, *ins[1:]]
    body = record(function, [Aval(x.shape, x.dtype) for x in given])
    assert not body.captured
    known = dict(zip(body.inputs, given, strict=True))
    for b in body.equations:
        b.inputs = tuple([known.get(x, x) if type(x) is Var else x for x in b.inputs])
        b.silent = True
    for v, y in zip(e.outputs, body.outputs, strict=True):
        y.scalar = v.scalar
    return body


def _turned(y: Any, transposed: bool) -> Any:
    return y.swapaxes(-1, -2) if transposed else y


def _solved(transposed: bool, factors: Any, a: Any, b: Any) -> Any:
    return solution(factors, b, transposed)


def _inverted(transposed: bool, factors: Any, a: Any, strict: bool = True) -> Any:
    return _turned(inverse(factors, strict), transposed)


def _differentiated(transposed: bool, factors: Any, a: Any) -> Any:
    return _turned(cofactors(factors, a), transposed)


_FOLLOWING: dict[str, Callable[..., Any]] = {
    "solve": _solved,
    "inv": _inverted,
    "cofactor": _differentiated,
    # Of a transpose they are the same.
    "det": lambda transposed, factors, a: determinant(factors),
    "slogdet": lambda transposed, factors, a: log_determinant(factors),
}
"""What follows the factorization of ``a``, and gives the result for it or its transpose."""
