"""Whether a Program is linear in some of its inputs, and if not, which operation is to blame.

A derivative rule of the user is transposed to serve the other mode, and only a linear function has
a transpose: one of ``t ** 2`` would be zero without a word.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..core.abstract import Aval, Var, aval_of
from ..core.errors import WengertError
from ..core.primitive import PRIMITIVES
from ..core.program import Equation, Program, interpret, pruned
from ..core.recorder import record
from .user_function import arbitrary

__all__ = ["is_zero_at_zero", "looks_linear", "nonlinear_operation"]

# The pointwise operations whose constant partial derivatives mean that they are linear: that of
# `mod` is constant as well, between its jumps.
_SUMS = frozenset({"add", "sub", "neg", "positive"})


def nonlinear_operation(program: Program, inputs: Sequence[Var]) -> tuple[str | None, bool]:
    """The first operation that is not linear in ``inputs``; whether there was one nobody knows.

    Operations of the user are taken to be linear, but said to be unknown.
    """
    dependent = set(inputs)
    unknown = False
    for e in program.equations:
        positions = [i for i, x in enumerate(e.inputs) if type(x) is Var and x in dependent]
        if not positions:
            continue
        dependent.update(e.outputs)
        if PRIMITIVES.get(e.primitive.name) is not e.primitive:
            unknown = True
        elif not _is_linear(e, positions):
            return e.primitive.name, unknown
    return None, unknown


def _is_linear(e: Equation, positions: list[int]) -> bool:
    p = e.primitive
    if p.partials is not None:
        partials = [p.partials[i] for i in positions]
        if p.name in _SUMS:
            return True
        return all(callable(f) for f in partials) and not _depends(e, partials, positions)
    if p.linear is not None:
        return all(i in p.linear for i in positions)
    return p.multilinear is not None and len(positions) == 1 and positions[0] in p.multilinear


def _depends(e: Equation, partials: Sequence[Any], positions: list[int]) -> bool:
    """Whether partial derivatives depend on the operands at ``positions`` or on the output."""

    def evaluate(out: Any, *operands: Any) -> list[Any]:
        return [partial(out, *operands) for partial in partials]

    avals = [aval_of(x) for x in (e.outputs[0], *e.inputs)]
    program = pruned(record(evaluate, [Aval(a.shape, a.dtype) for a in avals]))
    watched = {program.inputs[0], *(program.inputs[1 + i] for i in positions)}
    used = {x for q in program.equations for x in q.inputs if type(x) is Var}
    used.update(v for v in program.outputs if type(v) is Var)
    return not watched.isdisjoint(used)


def is_zero_at_zero(program: Program, count: int) -> bool:
    """Whether a Program is zero where its last ``count`` inputs are, as far as numbers can tell."""
    split = len(program.inputs) - count
    points = [*map(arbitrary, program.inputs[:split])]
    zeros = [np.zeros(v.shape, v.dtype) for v in program.inputs[split:]]
    try:
        with np.errstate(all="ignore"):
            results = [np.asarray(y) for y in interpret(program, [*points, *zeros])]
    except (WengertError, ArithmeticError, ValueError):
        return True  # a constant without a value, or a point where the rule has none
    numbers = [y for y in results if y.dtype.kind in "biufc"]
    return not any(np.any(np.isfinite(y) & (y != 0)) for y in numbers)


def looks_linear(function: Callable[..., Sequence[Any]], inputs: Sequence[Aval]) -> bool:
    """Whether numbers speak for it: ``f(-3 t) = -3 f(t)`` at one random ``t``.

    For functions that cannot be recorded.
    """
    rng = np.random.default_rng(0)
    ts = [rng.uniform(0.5, 1.5, a.shape).astype(a.dtype)[()] for a in inputs]
    try:
        with np.errstate(all="ignore"):
            ones = function(*ts)
            others = function(*[t * t.dtype.type(-3) for t in ts])
    except Exception:
        return True  # the function itself fails where it is called in earnest
    for a, b in zip(ones, others, strict=True):
        if a is None or b is None:
            if a is not b:
                return False
            continue
        x, y = np.asarray(a), np.asarray(b)
        if x.dtype.kind not in "biufc" or x.shape != y.shape:
            return x.shape == y.shape
        finite = np.isfinite(x) & np.isfinite(y)
        rtol = 1e-2 if min(x.dtype.itemsize, y.dtype.itemsize) < 8 else 1e-3
        scale = np.max(np.abs(x), initial=0.0, where=finite)
        if np.any(finite & (np.abs(y + 3 * x) > rtol * scale)):
            return False
    return True
