"""The laws of values: results are NumPy's, and Programs compute the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import wengert as wg
from wengert.core.abstract import Aval, Var
from wengert.core.program import Program, evaluate, interpret, verify
from wengert.core.recorder import record

from .case import Case
from .registry import (
    Array,
    Subject,
    assert_same,
    copies,
    if_recorded,
    law,
    leaves,
    like,
    to_order,
    value_of,
)

# ------------------------------------------------------------------ values


@law()
def value_is_numpys(case: Case, dtype: Any) -> None:
    """On Tensors, recorded or not, the function gives NumPy's values, shapes and dtypes."""
    s = Subject(case, dtype)
    expected = s.value()
    constants = [wg.core.tensor.handle(a, None, None) for a in copies(s.args)]
    results = s.call(*constants)
    assert_same(results, expected, "value on constants", dtype=dtype)
    if case.plain is not None:
        assert_same(s.call(*copies(s.args)), expected, "value on plain arrays", dtype=dtype)
    if case.mutates:
        left = copies(s.args)
        s.call(*left)
        assert_same(constants, left, "content of the arguments afterwards", dtype=dtype)
        return
    if not any(isinstance(y, wg.Tensor) for y in results):
        return
    assert_same(
        s.call(*[wg.Tensor(a, True) for a in s.args]), expected, "value on leaves", dtype=dtype
    )


@law(to_order(0, "f8 c16"))
def arguments_are_not_changed(case: Case, dtype: Any) -> None:
    """Neither a call on Tensors nor a transform writes into the caller's arrays."""
    s = Subject(case, dtype)
    args = copies(s.args)
    if not case.mutates:
        s.call(*args)
        assert_same(args, s.args, "arguments after a plain call", 0.0, dtype=dtype)
        s.call(*[wg.core.tensor.handle(a, None, None) for a in args])
        assert_same(args, s.args, "arguments after a call on Tensors", 0.0, dtype=dtype)
    if case.order >= 1 and s.args:
        y, pullback = wg.vjp(s.f, *args)
        cotangents = tuple(like(s.rng, v) for v in y)
        kept = copies(cotangents)
        pullback(cotangents)
        assert_same(cotangents, kept, "cotangents", 0.0, dtype=dtype)
        tangents = tuple(like(s.rng, a) for a in args)
        kept = copies(tangents)
        wg.jvp(s.f, args, tangents)
        assert_same(tangents, kept, "tangents", 0.0, dtype=dtype)
    assert_same(args, s.args, "arguments after transforms", 0.0, dtype=dtype)


@law(to_order(1, "f8 c16"))
def results_are_plain_and_own(case: Case, dtype: Any) -> None:
    """Outermost transforms return ndarrays and NumPy scalars that the caller may write into."""
    s = Subject(case, dtype)
    args = copies(s.args)
    y, pullback = wg.vjp(s.f, *args)
    cotangents = tuple(like(s.rng, v) for v in y)
    results = [*y, *pullback(cotangents)]
    results += leaves(wg.jvp(s.f, args, tuple(like(s.rng, a) for a in args)))
    for r in results:
        assert type(r) is np.ndarray or isinstance(r, np.generic), f"a result is a {type(r)}"
        if type(r) is np.ndarray:
            assert r.flags.writeable, "a result is read-only"
            shared = [a for a in (*args, *cotangents) if np.shares_memory(a, r)]
            assert not shared, "a result shares memory with an argument"
    arrays = [r for r in results if type(r) is np.ndarray and r.size]
    for i, r in enumerate(arrays):
        assert not any(np.shares_memory(r, q) for q in arrays[:i]), "two results share memory"


# ------------------------------------------------------------------ Programs


def recorded(s: Subject, function: Callable[..., Any]) -> Program:
    """The Program of ``function`` on the shapes of the differentiable arguments."""
    return record(lambda *xs: leaves(function(*xs)), [Aval(a.shape, a.dtype) for a in s.args])


def assert_executes(program: Program, args: Any, expected: Any, what: str, dtype: Any) -> None:
    """Well formed; each equation gives the shape and dtype that it says; the results are right."""
    verify(program)
    env: dict[Any, Any] = dict(zip(program.inputs, args, strict=True))
    env.update((v, value_of(x)) for v, x in program.captured)
    for e in program.equations:
        ins = [env[x] if type(x) is Var else x for x in e.inputs]
        with np.errstate(all="ignore"):
            out = e.primitive.evaluate(*ins, **e.params)
        outs = (out,) if e.primitive.outputs is None else out
        for v, o in zip(e.outputs, outs, strict=True):
            where = f"{what}: {e.primitive.name}: {e.params}"
            actual = (np.shape(o), np.asarray(o).dtype)
            assert actual == (v.shape, v.dtype), f"{where}: the rule says {v!r}, it is {actual}"
            if not v.shape:
                assert v.scalar == isinstance(o, np.generic), f"{where}: scalar or 0-d array"
            if v.contiguous and len(v.shape) > 1 and not e.primitive.alias:
                assert o.flags.c_contiguous, f"{where}: not contiguous"
            env[v] = o
    with np.errstate(all="ignore"):
        found = interpret(program, args)
    assert_same(found, expected, f"{what}: interpretation", dtype=dtype)


@law(if_recorded())
def program_is_right(case: Case, dtype: Any) -> None:
    """The recording on shapes verifies, agrees with NumPy, and has one text."""
    s = Subject(case, dtype)
    program = recorded(s, s.call)
    assert_executes(program, copies(s.args), s.value(), "program", dtype)
    assert str(recorded(s, s.call)) == str(program), "two recordings have different texts"
    again = recorded(s, lambda *xs: evaluate(program, xs))
    what = "Program recorded from its evaluation"
    assert_executes(again, copies(s.args), s.value(), what, dtype)
    for name in case.primitives:
        used = primitives_of(case, dtype)
        assert name in used, f"primitive {name} does not occur; these do: {sorted(used)}"


@law(if_recorded(1, "f8 f4 c16"))
def gradient_program_is_right(case: Case, dtype: Any) -> None:
    """The recordings of pullback and pushforward verify and agree with the eager ones."""
    s = Subject(case, dtype)
    ct = tuple(like(s.rng, y) for y in s.primal())
    tangents = tuple(like(s.rng, a) for a in s.args)
    for what, g in (
        ("pullback", lambda *xs: wg.vjp(s.f, *xs)[1](ct)),
        ("pushforward", lambda *xs: wg.jvp(s.f, xs, tangents)[1]),
    ):
        program = recorded(s, g)
        assert_executes(program, copies(s.args), g(*copies(s.args)), what, dtype)
        assert str(recorded(s, g)) == str(program), f"{what}: two recordings differ"


def primitives_of(case: Case, dtype: Any = np.float64) -> set[str]:
    """The names of the primitives in the case's recording and in those of its derivatives.

    A case that cannot be recorded on shapes is looked at on the tape.
    """
    s = Subject(case, dtype)
    found: set[str] = set()
    if not case.record:
        stack = [y._n for y in s.call(*map(_input, s.args)) if isinstance(y, wg.Tensor)]
        while stack:
            node = stack.pop()
            if node is None:
                continue
            if node[1].primitive is not None:
                found.add(node[1].primitive.name)
            stack.extend(node[2] if node[1].wide else node[2:4])
        return found
    programs = [recorded(s, s.call)]
    if case.order >= 1:
        ct = tuple(like(s.rng, y) for y in s.primal())
        tangents = tuple(like(s.rng, a) for a in s.args)
        programs.append(recorded(s, lambda *xs: wg.vjp(s.f, *xs)[1](ct)))
        programs.append(recorded(s, lambda *xs: wg.jvp(s.f, xs, tangents)[1]))
    for program in programs:
        found.update(names_in(program))
    return found


def _input(a: Array) -> wg.Tensor:
    """A result of an operation (so that it may be written) that depends on a leaf."""
    return wg.Tensor(a, True) * 1.0


def names_in(program: Program) -> Iterator[str]:
    """The primitives of a Program, also inside the Programs that stand in its parameters."""
    for e in program.equations:
        yield e.primitive.name
        for value in e.params.values():
            if isinstance(value, Program):
                yield from names_in(value)
