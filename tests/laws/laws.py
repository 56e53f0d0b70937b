"""The laws: functions of a case that raise AssertionError where it breaks them.

`test_laws` runs every law over every case; `test_planted_faults` shows that they notice faults.
Wherever a law needs derivatives "by numbers", it calls the public `wengert.testing.check_grads`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

import wengert as wg
from wengert.core import pytree
from wengert.core.abstract import Aval, Var
from wengert.core.program import Program, evaluate, interpret, verify
from wengert.core.recorder import record
from wengert.testing import check_grads

from .case import Case

__all__ = ["LAWS", "Law", "applicable"]

Law = Callable[[Case, Any], None]
Array = Any

LAWS: dict[str, Law] = {}
"""Every law by name: ``law(case, dtype)``."""

_CONDITIONS: dict[str, Callable[[Case, np.dtype[Any]], bool]] = {}


def law(condition: Callable[[Case, np.dtype[Any]], bool] = lambda case, dtype: True) -> Any:
    """Register a law, and for which cases and dtypes it holds."""

    def register(function: Law) -> Law:
        LAWS[function.__name__] = function
        _CONDITIONS[function.__name__] = condition
        return function

    return register


def applicable(name: str, case: Case, dtype: Any) -> bool:
    """Whether a case is under a law in a dtype."""
    dtype = np.dtype(dtype)
    if dtype.kind == "c" and not case.complex:
        return False
    if dtype.itemsize == (4 if dtype.kind == "f" else 8) and not case.float32:
        return False
    return _CONDITIONS[name](case, dtype)


# ------------------------------------------------------------------ what the laws share


def is_double(dtype: Any) -> bool:
    """Whether numbers of this dtype have double precision."""
    return bool(np.finfo(dtype).bits == 64)


def leaves(tree: Any) -> list[Any]:
    """The arrays of a result."""
    return pytree.leaves(tree)


def inexact(x: Any) -> bool:
    """Whether an array (or Tensor) can be differentiated."""
    return (x.dtype if hasattr(x, "dtype") else np.asarray(x).dtype).kind in "fc"


def value_of(x: Any) -> Array:
    """A plain array of what a result holds."""
    return np.asarray(x.array if isinstance(x, wg.Tensor) else x)


def copies(args: Any) -> tuple[Array, ...]:
    """Fresh arrays with the same values."""
    return tuple(np.array(a) for a in args)


def like(rng: np.random.Generator, x: Any) -> Array:
    """Random numbers of the shape and dtype of ``x``, about one in size."""
    shape, dtype = np.shape(x), np.asarray(x).dtype
    values = rng.uniform(0.5, 1.5, shape) * rng.choice([-1.0, 1.0], shape)
    if dtype.kind == "c":
        values = values + 1j * rng.uniform(-1.0, 1.0, shape)
    return np.asarray(values, dtype)


def pairing(xs: Any, ys: Any) -> float:
    """``Re sum(x * y)`` over all arrays: the pairing of cotangents with tangents."""
    return float(sum(np.sum(np.multiply(x, y)).real for x, y in zip(xs, ys, strict=True)))


def assert_same(
    found: Any, expected: Any, what: str, tolerance: float = 64.0, dtype: Any = np.float64
) -> None:
    """Arrays with equal shapes, equal dtypes and values equal up to rounding.

    `dtype` is that of the arguments: a result can be no more precise.
    """
    found, expected = leaves(found), leaves(expected)
    assert len(found) == len(expected), f"{what}: {len(found)} results, expected {len(expected)}"
    for k, (x, y) in enumerate(zip(found, expected, strict=True)):
        x, y = value_of(x), value_of(y)
        assert x.shape == y.shape, f"{what}[{k}]: shape {x.shape}, expected {y.shape}"
        assert x.dtype == y.dtype, f"{what}[{k}]: dtype {x.dtype}, expected {y.dtype}"
        if y.dtype.kind not in "fc":
            np.testing.assert_array_equal(x, y, err_msg=f"{what}[{k}]")
            continue
        finite = np.abs(y[np.isfinite(y)])
        eps = float(max(np.finfo(y.dtype).eps, np.finfo(dtype).eps))
        atol = tolerance * eps * float(finite.max(initial=eps))
        np.testing.assert_allclose(x, y, rtol=tolerance * eps, atol=atol, err_msg=f"{what}[{k}]")


class Subject:
    """A case at a point: its function of the differentiable arguments alone."""

    def __init__(self, case: Case, dtype: Any, rng: np.random.Generator | None = None) -> None:
        self.case = case
        self.dtype = np.dtype(dtype)
        self.rng = case.rng() if rng is None else rng
        self.all_args = case.draw(self.rng, dtype)
        self.places = [i for i, a in enumerate(self.all_args) if inexact(a)]
        self.args = tuple(self.all_args[i] for i in self.places)

    def merged(self, xs: Any) -> list[Any]:
        """All arguments, with ``xs`` in the differentiable places."""
        full = [a if inexact(a) else a.copy() for a in self.all_args]
        for i, x in zip(self.places, xs, strict=True):
            full[i] = x
        return full

    def f(self, *xs: Any) -> tuple[Any, ...]:
        """The inexact results for given differentiable arguments."""
        return tuple(y for y in leaves(self.case.f(*self.merged(xs))) if inexact(y))

    def call(self, *xs: Any) -> list[Any]:
        """All results."""
        return leaves(self.case.f(*self.merged(xs)))

    def value(self) -> list[Any]:
        """All results by NumPy alone."""
        function = self.case.plain or self.case.f
        return leaves(function(*self.merged(copies(self.args))))

    def primal(self) -> tuple[Any, ...]:
        """The inexact results by NumPy alone."""
        return tuple(y for y in self.value() if inexact(y))


# Single precision is there for dtypes; laws that are about values and memory leave it out.

Condition = Callable[[Case, np.dtype[Any]], bool]


def _order(least: int, dtypes: str = "f8 f4 c16 c8") -> Condition:
    return lambda case, dtype: case.order >= least and dtype in map(np.dtype, dtypes.split())


def _recorded(least: int = 0, dtypes: str = "f8 f4 c16 c8") -> Condition:
    return lambda case, dtype: case.record and _order(least, dtypes)(case, dtype)


def _batched(least: int = 0, dtypes: str = "f8 f4 c16 c8") -> Condition:
    return lambda case, dtype: case.batch and _recorded(least, dtypes)(case, dtype)


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


@law(_order(0, "f8 c16"))
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


@law(_order(1, "f8 c16"))
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


@law(_recorded())
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


@law(_recorded(1, "f8 f4 c16"))
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


# ------------------------------------------------------------------ first derivatives


def _countable(s: Subject) -> bool:
    """Whether there is a number to differentiate and one to differentiate it by."""
    return any(a.size for a in s.args) and any(np.size(y) for y in s.primal())


@law(_order(1))
def derivatives_agree_with_numbers(case: Case, dtype: Any) -> None:
    """Forward and reverse mode against numerical differentiation, to the case's order.

    At order 2 the four combinations of modes are compared, too.
    """
    s = Subject(case, dtype)
    if not _countable(s):
        return
    double = is_double(dtype)
    check_grads(
        s.f,
        s.args,
        order=min(case.order, 2) if double else 1,
        directions=1,
        max_entries=4,
        rtol=case.rtol if double else None,
    )


@law(_order(1))
def forward_and_reverse_agree(case: Case, dtype: Any) -> None:
    """``<ct, jvp(t)> = <vjp(ct), t>``, and dtypes and shapes are those of outputs and inputs."""
    s = Subject(case, dtype)
    y, pullback = wg.vjp(s.f, *copies(s.args))
    expected = s.primal()
    assert_same(y, expected, "value of vjp", dtype=dtype)
    for _ in range(2):
        ct = tuple(like(s.rng, v) for v in expected)
        t = tuple(like(s.rng, a) for a in s.args)
        gradients = pullback(ct)
        value, dy = wg.jvp(s.f, copies(s.args), t)
        assert_same(value, expected, "value of jvp", dtype=dtype)
        for g, a in zip(gradients, s.args, strict=True):
            assert (np.shape(g), g.dtype) == (a.shape, a.dtype), f"gradient {np.shape(g)} {g.dtype}"
        for d, v in zip(dy, expected, strict=True):
            assert (np.shape(d), d.dtype) == (np.shape(v), v.dtype), f"tangent {d.shape} {d.dtype}"
        left, right = pairing(ct, dy), pairing(gradients, t)
        size = sum(float(np.sum(np.abs(c * d))) for c, d in zip(ct, dy, strict=True))
        size += sum(float(np.sum(np.abs(g * u))) for g, u in zip(gradients, t, strict=True))
        eps = float(np.finfo(s.dtype).eps)
        assert abs(left - right) <= 256 * eps * max(size, 1e-3), (
            f"<ct, jvp t> = {left!r} but <vjp ct, t> = {right!r}"
        )


@law(_order(1, "f8 f4 c16"))
def linearize_is_jvp(case: Case, dtype: Any) -> None:
    """The linear function of `linearize` gives what `jvp` gives, for several tangents."""
    s = Subject(case, dtype)
    y, linear = wg.linearize(s.f, *copies(s.args))
    assert_same(y, s.primal(), "value of linearize", dtype=dtype)
    verify(linear.program)
    for _ in range(2):
        t = tuple(like(s.rng, a) for a in s.args)
        assert_same(linear(*t), wg.jvp(s.f, copies(s.args), t)[1], "linearize", 256.0, dtype=dtype)


@law(_order(1, "f8 c16"))
def layout_does_not_matter(case: Case, dtype: Any) -> None:
    """Strided, reversed and column-major arguments and cotangents give the same derivatives."""
    s = Subject(case, dtype)
    y = s.primal()
    ct = tuple(like(s.rng, v) for v in y)
    t = tuple(like(s.rng, a) for a in s.args)
    gradients = wg.vjp(s.f, *copies(s.args))[1](ct)
    tangents = wg.jvp(s.f, copies(s.args), t)[1]
    for arrange in (_reversed, _strided, _column_major):
        args = [arrange(a) for a in s.args]
        moved = tuple(arrange(c) for c in ct)
        what = f"arguments rearranged by {arrange.__name__}"
        assert_same(wg.vjp(s.f, *args)[1](moved), gradients, what, 1024.0, dtype=dtype)
        tangents_moved = tuple(arrange(u) for u in t)
        assert_same(wg.jvp(s.f, args, tangents_moved)[1], tangents, what, 1024.0, dtype=dtype)


def _column_major(a: Array) -> Array:
    """The same values in column-major order."""
    return np.array(a, order="F")


def _reversed(a: Array) -> Array:
    """The same values in an array with negative strides."""
    a = np.asarray(a)
    every = (slice(None, None, -1),) * a.ndim
    return a[every].copy()[every]


def _strided(a: Array) -> Array:
    """The same values in every second place of a larger array."""
    a = np.asarray(a)
    every = (slice(None, None, 2),) * a.ndim
    larger = np.full(tuple(2 * n for n in a.shape), -7.0).astype(a.dtype)
    larger[every] = a
    return larger[every]


@law(lambda case, dtype: case.order >= 1 and not case.mutates and is_double(dtype))
def operands_may_change_afterwards(case: Case, dtype: Any) -> None:
    """What the caller writes into arrays after the forward pass does not reach the derivative."""
    s = Subject(case, dtype)
    ct = tuple(like(s.rng, y) for y in s.primal())
    expected = wg.vjp(s.f, *copies(s.args))[1](ct)
    for i in range(len(s.args)):
        args = list(copies(s.args))
        keep = [a.copy() for a in s.all_args]
        x = args[i]

        def f(x: Any, i: int = i, args: Any = args, keep: Any = keep) -> Any:
            full = list(keep)
            for j, (place, a) in enumerate(zip(s.places, args, strict=True)):
                full[place] = x if j == i else a
            return tuple(y for y in leaves(case.f(*full)) if inexact(y))

        try:
            _, pullback = wg.vjp(f, x)
            _, linear = wg.linearize(f, x)
        except wg.WengertError:  # a traced value was to be written into a plain array
            continue
        t = like(s.rng, x)
        tangents = linear(t)
        for a in (*args, *keep):
            a[...] = 7 if a.dtype.kind in "fc" else np.zeros_like(a)
        assert_same(
            pullback(ct),
            (expected[i],),
            f"pullback of argument {i} after a write",
            256.0,
            dtype=dtype,
        )
        assert_same(
            linear(t), tangents, f"linearization by argument {i} after a write", 256.0, dtype=dtype
        )


@law(lambda case, dtype: case.order >= 1 and not case.mutates and dtype != np.complex64)
def backward_agrees_with_vjp(case: Case, dtype: Any) -> None:
    """``Tensor.backward`` leaves in ``.grad`` what `vjp` returns; it accumulates."""
    s = Subject(case, dtype)
    ct = tuple(like(s.rng, y) for y in s.primal())
    expected = wg.vjp(s.f, *copies(s.args))[1](ct)
    xs = [wg.Tensor(a, True) for a in s.args]
    for y, c in zip(s.f(*xs), ct, strict=True):
        if isinstance(y, wg.Tensor) and y.requires_grad:
            y.backward(c)
    assert_same([x.grad for x in xs], expected, ".grad after backward", 512.0, dtype=dtype)


# ------------------------------------------------------------------ second derivatives


@law(_order(2, "f8 c16"))
def second_derivatives_agree(case: Case, dtype: Any) -> None:
    """The four combinations of modes give one Hessian of ``<ct, f>``, times a vector."""
    s = Subject(case, dtype)
    args = copies(s.args)
    w = tuple(like(s.rng, y) for y in s.primal())
    u = tuple(like(s.rng, a) for a in args)
    v = tuple(like(s.rng, a) for a in args)

    def gradient(*xs: Any) -> Any:
        return wg.vjp(s.f, *xs)[1](w)

    def slope(*xs: Any) -> Any:
        return wg.jvp(s.f, xs, u)[1]

    forward_reverse = wg.jvp(gradient, args, u)[1]
    reverse_reverse = wg.vjp(gradient, *args)[1](u)
    reverse_forward = wg.vjp(slope, *args)[1](w)
    forward_forward = wg.jvp(slope, args, v)[1]
    scale = max((float(np.abs(x).max(initial=0.0)) for x in forward_reverse), default=0.0)
    close = {"rtol": 1e-9, "atol": 1e-10 * max(scale, 1.0)}
    for k, (fr, rr, rf) in enumerate(
        zip(forward_reverse, reverse_reverse, reverse_forward, strict=True)
    ):
        np.testing.assert_allclose(rr, fr, **close, err_msg=f"reverse-reverse, argument {k}")
        np.testing.assert_allclose(rf, fr, **close, err_msg=f"reverse over forward, argument {k}")
    left, right = pairing(w, forward_forward), pairing(forward_reverse, v)
    size = sum(float(np.sum(np.abs(g * t))) for g, t in zip(forward_reverse, v, strict=True))
    assert abs(left - right) <= 1e-9 * max(size, 1.0), f"forward-forward {left}, others {right}"


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


@law(_batched(0, "f8 f4 c16"))
def vmap_is_a_loop(case: Case, dtype: Any) -> None:
    """`vmap` over all arguments, and over each alone, gives what a loop gives."""
    s = Subject(case, dtype)
    for plan in _batch_plans(s):
        _assert_batched(case.f, s, plan, "vmap", 256.0)


@law(_batched(1, "f8 c16"))
def vmap_of_derivatives_is_a_loop(case: Case, dtype: Any) -> None:
    """The same for pullback and pushforward, and for the pullback of the batched function."""
    s = Subject(case, dtype)
    y = s.primal()
    ct = tuple(like(s.rng, v) for v in y)
    t = tuple(like(s.rng, a) for a in s.args)

    def split(values: Any) -> Any:
        def inner(*xs: Any) -> Any:
            full = list(values)
            for i, x in zip(s.places, xs, strict=True):
                full[i] = x
            return tuple(y for y in leaves(case.f(*full)) if inexact(y))

        return inner, tuple(values[i] for i in s.places)

    def pullback(*values: Any) -> Any:
        inner, xs = split(values)
        return wg.vjp(inner, *xs)[1](ct)

    def pushforward(*values: Any) -> Any:
        inner, xs = split(values)
        return wg.jvp(inner, xs, t)[1]

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


@law(_batched(0, "f8"))
def batching_does_not_loop(case: Case, dtype: Any) -> None:
    """At batch 300 wengert makes the same number of function calls as at batch 3."""
    s = Subject(case, dtype)
    plan = next(_batch_plans(s), None)
    if plan is None or case.loops:
        return
    function = wg.vmap(case.f, in_axes=plan)
    counts = []
    for size in (3, 300):
        examples = (_examples(s, 3) * 100)[:size]
        stacked = _stacked(examples, plan)
        function(*[a.copy() for a in stacked])  # fills the caches that are kept by shape
        with counted_calls() as calls:
            function(*stacked)
        counts.append(calls[0])
    assert counts[0] == counts[1], f"{counts[0]} calls at batch 3, {counts[1]} at batch 300"


_SOURCE = os.path.dirname(wg.__file__)


@contextmanager
def counted_calls() -> Iterator[list[int]]:
    """Counts the calls that wengert's own code makes in the block, of Python and C functions.

    What NumPy calls inside is not counted: it may take another way for larger arrays.
    """
    count = [0]

    def on_event(frame: Any, event: str, arg: Any) -> None:
        caller = frame.f_back if event == "call" else frame if event == "c_call" else None
        if caller is not None and caller.f_code.co_filename.startswith(_SOURCE):
            count[0] += 1

    before = sys.getprofile()
    sys.setprofile(on_event)
    try:
        yield count
    finally:
        sys.setprofile(before)
