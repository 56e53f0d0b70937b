"""The laws of batching: `wengert.vmap` is a loop, and does not loop."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

import wengert as wg

from .case import Case
from .registry import (
    Array,
    Subject,
    assert_same,
    copies,
    if_batched,
    inexact,
    law,
    leaves,
    like,
    value_of,
)

# ------------------------------------------------------------------ batching

_BATCH = 3


def _batch_plans(s: Subject) -> Iterator[tuple[Any, ...]]:
    """Which arguments have a batch axis: all, and each one alone."""
    movable = [
        i for i in range(len(s.all_args)) if i in s.places or s.case.batch_integers
    ]  # fmt: skip
    if len(movable) > 1:
        yield tuple(0 if i in movable else None for i in range(len(s.all_args)))
    for i in movable:
        yield tuple(0 if i == j else None for j in range(len(s.all_args)))


def _examples(s: Subject, count: int) -> list[tuple[Array, ...]]:
    rng = s.case.rng()
    return [s.case.draw(rng, s.dtype) for _ in range(count)]


def _stacked(examples: list[tuple[Array, ...]], plan: Any) -> list[Array]:
    return [
        examples[0][i].copy() if axis is None else np.stack([e[i] for e in examples], axis)
        for i, axis in enumerate(plan)
    ]


def _picked(examples: list[tuple[Array, ...]], plan: Any, k: int) -> list[Array]:
    return [examples[0 if axis is None else k][i].copy() for i, axis in enumerate(plan)]


def _assert_batched(
    function: Callable[..., Any], s: Subject, plan: Any, what: str, tolerance: float
) -> None:
    examples = _examples(s, _BATCH)
    found = leaves(wg.vmap(function, in_axes=plan)(*_stacked(examples, plan)))
    each = [leaves(function(*_picked(examples, plan, k))) for k in range(_BATCH)]
    expected = [np.stack([value_of(y[j]) for y in each]) for j in range(len(each[0]))]
    assert_same(found, expected, f"{what}, batched in {plan}", tolerance, s.dtype)
    for y in found:
        assert type(y) is np.ndarray, f"{what}: vmap returned a {type(y)}"


@law(if_batched(0, "f8 f4 c16"))
def vmap_is_a_loop(case: Case, dtype: Any) -> None:
    """`vmap` over all arguments, and over each alone, gives what a loop gives."""
    s = Subject(case, dtype)
    for plan in _batch_plans(s):
        _assert_batched(case.f, s, plan, "vmap", 256.0)


def _split(s: Subject, values: Any) -> Any:
    """The inexact results as a function of the differentiable arguments, and these."""

    def inner(*xs: Any) -> Any:
        full = list(values)
        for i, x in zip(s.places, xs, strict=True):
            full[i] = x
        return tuple(y for y in leaves(s.case.f(*full)) if inexact(y))

    return inner, tuple(values[i] for i in s.places)


def _derivatives(s: Subject) -> tuple[Any, Any, Any]:
    """Pullback and pushforward of a case as functions of all its arguments; the cotangents."""
    ct = tuple(like(s.rng, v) for v in s.primal())
    t = tuple(like(s.rng, a) for a in s.args)

    def pullback(*values: Any) -> Any:
        inner, xs = _split(s, values)
        return wg.vjp(inner, *xs)[1](ct)

    def pushforward(*values: Any) -> Any:
        inner, xs = _split(s, values)
        return wg.jvp(inner, xs, t)[1]

    return pullback, pushforward, ct


@law(if_batched(1, "f8 c16"))
def vmap_of_derivatives_is_a_loop(case: Case, dtype: Any) -> None:
    """The same for pullback and pushforward, and for the pullback of the batched function."""
    s = Subject(case, dtype)
    pullback, pushforward, ct = _derivatives(s)
    for plan in _batch_plans(s):
        _assert_batched(pullback, s, plan, "vmap of the pullback", 2048.0)
        _assert_batched(pushforward, s, plan, "vmap of the pushforward", 2048.0)
    plan = (0,) * len(s.args)
    examples = [tuple(e[i] for i in s.places) for e in _examples(s, _BATCH)]
    cts = tuple(np.stack([c] * _BATCH) for c in ct)
    batched = wg.vjp(wg.vmap(s.f), *_stacked(examples, plan))[1](cts)
    each = [wg.vjp(s.f, *copies(e))[1](ct) for e in examples]
    expected = [np.stack([g[j] for g in each]) for j in range(len(s.args))]
    assert_same(batched, expected, "pullback of vmap", 2048.0, dtype=dtype)


def batched_calls(case: Case, size: int) -> Iterator[Callable[[], Any]]:
    """What a case does under vmap: its function, and its derivatives where it has some."""
    s = Subject(case, np.float64)
    plan = next(_batch_plans(s), None)
    if plan is None:
        return
    stacked = _stacked((_examples(s, 3) * 100)[:size], plan)
    functions = [case.f]
    if case.order:
        functions.extend(_derivatives(s)[:2])
    for function in functions:
        batched = wg.vmap(function, in_axes=plan)
        yield lambda batched=batched: batched(*[a.copy() for a in stacked])


@law(if_batched(0, "f8"))
def batching_does_not_loop(case: Case, dtype: Any) -> None:
    """At batch 300 wengert makes no more function calls than at batch 3.

    Of the function, of its pullback and of its pushforward. (Large arrays may need fewer.)
    """
    if case.loops:
        return
    for small, large in zip(batched_calls(case, 3), batched_calls(case, 300), strict=True):
        counts = []
        for call in (small, large):
            call()  # fills the caches that are kept by shape
            with counted_calls() as calls:
                call()
            counts.append(calls[0])
        assert counts[1] <= counts[0], f"{counts[0]} calls at batch 3, {counts[1]} at batch 300"


_SOURCE = os.path.dirname(wg.__file__)


@contextmanager
def counted_calls() -> Iterator[list[int]]:
    """Counts the calls that wengert's own code makes in the block, of Python and C functions.

    What NumPy calls inside is not counted: it may take another way for larger arrays. Nor are the
    garbage collector's callbacks (Hypothesis has one), which run in whatever frame is on top.
    """
    count = [0]

    def on_event(frame: Any, event: str, arg: Any) -> None:
        caller = frame.f_back if event == "call" else frame if event == "c_call" else None
        if caller is not None and caller.f_code.co_filename.startswith(_SOURCE):
            count[0] += 1

    before, collects = sys.getprofile(), gc.isenabled()
    gc.disable()
    sys.setprofile(on_event)
    try:
        yield count
    finally:
        sys.setprofile(before)
        if collects:
            gc.enable()
