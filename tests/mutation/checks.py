"""What must hold of a program: the values of NumPy, and the derivatives of what it computed."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

import wengert as wg
from wengert import Tensor

from .programs import Program

__all__ = ["CHECKS", "SkippedError", "check_values"]

Array = Any


class SkippedError(Exception):
    """A check does not apply to a program; the message says why."""


def run(function: Callable[..., Any], inputs: Any) -> tuple[Any, ...]:
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return tuple(function(*inputs))


def fresh(program: Program) -> tuple[Array, ...]:
    return tuple(x.copy() for x in program.inputs)


def plain(v: Any) -> Array:
    return np.asarray(v.array if isinstance(v, Tensor) else v)


def assert_equal(found: Any, expected: Any, program: Program, what: str) -> None:
    """The same shapes, dtypes and values, up to what NumPy itself leaves to the memory layout."""
    assert len(found) == len(expected)
    for k, (v, w) in enumerate(zip(found, expected, strict=True)):
        v, w = plain(v), np.asarray(w)
        where = f"{what}: result {k} of program {program.seed}\n{program.source}"
        assert v.shape == w.shape, f"shape {v.shape} for {w.shape}, {where}"
        assert v.dtype == w.dtype, f"dtype {v.dtype} for {w.dtype}, {where}"
        if is_exact(program):
            np.testing.assert_array_equal(v, w, err_msg=where)
        else:
            rtol = 1e-4 if w.real.dtype == np.float32 else 1e-12
            np.testing.assert_allclose(v, w, rtol=rtol, atol=rtol / 10, err_msg=where)


FREE = (
    "logaddexp", "hypot", "reduceat", "einsum('...i", "initial=", "np.dot", "np.var", "np.std",
    "tensordot", "np.median", "np.percentile", "np.kron", "arctan2", "exp", "sin", "tanh", "arctan",
)  # fmt: skip
"""Sums whose order is free, and functions of which NumPy has two versions for different strides."""


def is_exact(program: Program) -> bool:
    """Whether the values are determined bit by bit; complex products are not, either."""
    return program.inputs[0].dtype.kind == "f" and not any(f in program.source for f in FREE)


def weights(k: int, v: Any) -> Array:
    shape = v.shape
    return np.cos(1.0 + k + np.arange(float(np.prod(shape)))).reshape(shape)


def loss_of(program: Program) -> Callable[..., Any]:
    """A real number that depends smoothly on every element of every variable."""
    function = program.function

    def loss(*inputs: Any) -> Any:
        total: Any = 0.0
        for k, v in enumerate(run(function, inputs)):
            if v.dtype.kind not in "fc":
                continue
            w = weights(k, v)
            total = total + np.sum(np.tanh(v.real) * w)
            if v.dtype.kind == "c":
                total = total + np.sum(np.sin(v.imag) * np.flip(w))
        return total

    return loss


def direction_of(program: Program, seed: int = 0) -> tuple[Array, ...]:
    rng = np.random.default_rng(seed)
    parts = []
    for x in program.inputs:
        v = rng.standard_normal(x.shape)
        if x.dtype.kind == "c":
            v = v + 1j * rng.standard_normal(x.shape)
        parts.append(v.astype(x.dtype))
    return tuple(parts)


def slope(f: Callable[..., Any], program: Program, direction: Any) -> float:
    """The numerical derivative along a direction.

    Raises
    ------
    SkippedError
        If two step sizes disagree: a kink or a jump is near.
    """

    def at(t: float) -> float:
        try:
            return float(f(*[x + t * v for x, v in zip(program.inputs, direction, strict=True)]))
        except (ValueError, IndexError):
            raise SkippedError("a mask changes") from None

    def fourth_order(h: float) -> float:
        return (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h)

    first, second = fourth_order(1e-4), fourth_order(2.3e-5)
    if abs(first - second) > 1e-6 * max(1.0, abs(first)):
        raise SkippedError("a kink or a jump")
    return first


def paired(gradients: Any, direction: Any) -> float:
    return float(sum(np.sum((g * v).real) for g, v in zip(gradients, direction, strict=True)))


def close(found: Any, expected: Any, program: Program, what: str, tolerance: float) -> None:
    np.testing.assert_allclose(
        found,
        expected,
        rtol=tolerance,
        atol=tolerance * max(1.0, float(np.max(np.abs(expected), initial=0.0))),
        err_msg=f"{what}: program {program.seed}\n{program.source}",
    )


def is_double(program: Program) -> bool:
    return (
        program.inputs[0].dtype.itemsize * (1 if program.inputs[0].dtype.kind == "f" else 0.5) == 8
    )


# ------------------------------------------------------------------ the checks


def check_values(program: Program) -> None:
    """On Tensors that record, and on those that do not, the values are NumPy's."""
    expected = run(program.function, fresh(program))
    for tracked in (False, True):
        found = run(program.function, [Tensor(x, tracked) for x in fresh(program)])
        assert_equal(found, expected, program, f"Tensor(requires_grad={tracked})")


def check_values_under_transforms(program: Program) -> None:
    """So they are inside of vjp, jvp, linearize, and of transforms of transforms."""
    expected = [
        v for v in run(program.function, fresh(program)) if np.asarray(v).dtype.kind in "fc"
    ]

    def inexact(*inputs: Any) -> tuple[Any, ...]:
        return tuple(v for v in run(program.function, inputs) if v.dtype.kind in "fc")

    expected = inexact(*fresh(program))
    along = direction_of(program)
    assert_equal(wg.vjp(inexact, *fresh(program))[0], expected, program, "vjp")
    assert_equal(wg.jvp(inexact, fresh(program), along)[0], expected, program, "jvp")

    def inner(*inputs: Any) -> Any:
        return wg.jvp(inexact, inputs, along)

    found, tangents = wg.vjp(inner, *fresh(program))[0]
    assert_equal(found, expected, program, "jvp inside vjp")
    again, twice = wg.jvp(inner, fresh(program), along)[0]
    assert_equal(again, expected, program, "jvp inside jvp")
    for t, u in zip(tangents, twice, strict=True):
        close(plain(u), plain(t), program, "tangents", 1e-11 if is_double(program) else 1e-3)


def check_inputs_are_kept(program: Program) -> None:
    """A transform does not change the caller's arrays, though the program writes into its own."""
    inputs = fresh(program)
    loss = loss_of(program)
    wg.grad(loss, argnums=(0, 1))(*inputs)
    wg.jvp(loss, inputs, direction_of(program))
    for x, y in zip(inputs, program.inputs, strict=True):
        np.testing.assert_array_equal(x, y)


def check_first_derivatives(program: Program) -> None:
    """Both modes, and the replayed Program of `linearize`, give the numerical derivative."""
    loss, along = loss_of(program), direction_of(program)
    inputs = fresh(program)
    tight = 1e-9 if is_double(program) else 2e-4
    gradients = wg.grad(loss, argnums=(0, 1))(*inputs)
    found = paired(gradients, along)
    if not np.isfinite(found):
        raise SkippedError("a singular point")
    close(wg.jvp(loss, inputs, along)[1], found, program, "jvp against grad", tight)
    linear = wg.linearize(loss, *inputs)[1]
    close(linear(*along), found, program, "linearize against grad", tight)
    tensors = [Tensor(x, True) for x in inputs]
    loss(*tensors).backward()
    for t, g in zip(tensors, gradients, strict=True):
        close(t.grad, g, program, "backward() against grad", tight)
    if is_double(program):
        close(found, slope(loss, program, along), program, "grad against differences", 1e-5)


def check_second_derivatives(program: Program) -> None:
    """Forward over reverse, reverse over reverse, reverse over forward; and differences of grad."""
    if not is_double(program):
        raise SkippedError("single precision")
    loss, along = loss_of(program), direction_of(program, 1)
    inputs = fresh(program)
    gradient = wg.grad(loss, argnums=(0, 1))
    forward = wg.jvp(gradient, inputs, along)[1]
    if not all(np.isfinite(part).all() for part in forward):
        raise SkippedError("a singular point")

    def reverse_slope(*xs: Any) -> Any:
        parts = zip(gradient(*xs), along, strict=True)
        return sum((np.sum((g * v).real) for g, v in parts), 0.0)

    def forward_slope(*xs: Any) -> Any:
        return wg.jvp(loss, xs, along)[1]

    reverse = wg.grad(reverse_slope, argnums=(0, 1))(*inputs)
    mixed = wg.grad(forward_slope, argnums=(0, 1))(*inputs)
    for k in range(2):
        close(reverse[k], forward[k], program, "reverse over reverse", 1e-7)
        close(mixed[k], forward[k], program, "reverse over forward", 1e-7)
    slope(loss, program, along)  # is the program smooth here?
    expected = slope(lambda *xs: float(reverse_slope(*xs)), program, along)
    close(paired(forward, along), expected, program, "hvp against differences", 1e-4)


def check_batching(program: Program) -> None:
    """vmap gives what a loop gives, of the values and of the gradient, or says what it needs."""
    loss = loss_of(program)
    batch = [np.stack([x, 0.9 * x, x[::-1]]).astype(x.dtype) for x in program.inputs]
    examples = [tuple(b[k].copy() for b in batch) for k in range(3)]
    tight = 1e-9 if is_double(program) else 2e-4

    def inexact(*inputs: Any) -> tuple[Any, ...]:
        return tuple(v for v in run(program.function, inputs) if v.dtype.kind in "fc")

    try:
        found = wg.vmap(inexact)(*batch)
    except (wg.AbstractValueError, wg.MutationError) as error:
        text = str(error)
        if any(known in text for known in REFUSED_UNDER_VMAP):
            raise SkippedError(f"vmap refuses: {text[:40]}") from None
        raise
    try:
        each = [inexact(*e) for e in examples]
    except Exception as error:  # the values of another example may be refused by NumPy
        raise SkippedError(f"NumPy refuses an example: {error}") from None
    for k, v in enumerate(found):
        close(v, np.stack([e[k] for e in each]), program, f"vmap, result {k}", tight)
    gradient = wg.grad(loss, argnums=(0, 1))
    if not all(np.isfinite(loss(*e)) for e in examples):
        raise SkippedError("not finite")
    of_batch = wg.vmap(gradient)(*batch)
    alone = [gradient(*e) for e in examples]
    over_batch = wg.grad(lambda *b: np.sum(wg.vmap(loss)(*b)), argnums=(0, 1))(*batch)
    for k in range(2):
        close(of_batch[k], np.stack([g[k] for g in alone]), program, "vmap of grad", tight)
        close(over_batch[k], of_batch[k], program, "grad of vmap", tight)


REFUSED_UNDER_VMAP = (
    "depends on data",
    "would depend on data",
    "NumPy makes a view or a copy",
    "abstract",
    "has no value",
)

CHECKS: dict[str, Callable[[Program], None]] = {
    "values": check_values,
    "values under transforms": check_values_under_transforms,
    "inputs are kept": check_inputs_are_kept,
    "first derivatives": check_first_derivatives,
    "second derivatives": check_second_derivatives,
    "batching": check_batching,
}
