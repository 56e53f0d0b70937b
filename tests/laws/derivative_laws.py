"""The laws of first and second derivatives."""

from __future__ import annotations

from typing import Any

import numpy as np

import wengert as wg
from wengert.core.program import verify
from wengert.testing import check_grads

from .case import Case
from .registry import (
    Array,
    Subject,
    assert_same,
    copies,
    inexact,
    is_double,
    law,
    leaves,
    like,
    pairing,
    to_order,
)

# ------------------------------------------------------------------ first derivatives


def _countable(s: Subject) -> bool:
    """Whether there is a number to differentiate and one to differentiate it by."""
    return any(a.size for a in s.args) and any(np.size(y) for y in s.primal())


@law(to_order(1))
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


@law(to_order(1))
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


@law(to_order(1, "f8 f4 c16"))
def linearize_is_jvp(case: Case, dtype: Any) -> None:
    """The linear function of `linearize` gives what `jvp` gives, for several tangents."""
    s = Subject(case, dtype)
    y, linear = wg.linearize(s.f, *copies(s.args))
    assert_same(y, s.primal(), "value of linearize", dtype=dtype)
    verify(linear.program)
    for _ in range(2):
        t = tuple(like(s.rng, a) for a in s.args)
        assert_same(linear(*t), wg.jvp(s.f, copies(s.args), t)[1], "linearize", 256.0, dtype=dtype)


@law(to_order(1, "f8 c16"))
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


@law(to_order(2, "f8 c16"))
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
