"""Transforms inside of programs: vmap, and derivatives whose results are differentiated again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.differential.steps.linear_algebra import conditioned
from tests.differential.steps.table import (
    Family,
    array,
    broadcastable,
    distinct,
    is_square,
    matrix,
    only_if,
    positive,
    vector,
    when,
)

batching = Family("vmap")

# Functions of one row.
ROWS: dict[str, tuple[Callable[[Any, Any], Any], Callable[[np.ndarray], Any]]] = {
    "softmax": (lambda xp, r: xp.exp(r) / xp.sum(xp.exp(r)), lambda x: x < 5),
    "norm": (lambda xp, r: xp.sqrt(1.0 + xp.sum(r * r)), lambda x: True),
    "outer": (lambda xp, r: xp.outer(r, xp.sin(r)), lambda x: abs(x) < 5),
    "cumsum": (lambda xp, r: xp.cumsum(r * r, axis=0), lambda x: abs(x) < 3),
    "cumprod": (lambda xp, r: xp.cumprod(positive(xp, r), axis=0), lambda x: True),
    "sort": (lambda xp, r: xp.sort(r, axis=0) * xp.sum(r), lambda x: distinct(x) & (abs(x) < 3)),
    "max": (lambda xp, r: xp.max(r, axis=0, keepdims=False) * r, lambda x: distinct(x)),
    "where": (lambda xp, r: xp.where(r > 0, r * r, xp.sin(r)), lambda x: abs(x) > 0.01),
    "index": (lambda xp, r: r[1:] * r[:-1], lambda x: abs(x) < 5),
    "gather": (lambda xp, r: r[xp.constant(np.array([1, 0, 1]))], lambda x: True),
    "reshape": (lambda xp, r: xp.reshape(r, (1, -1)) + r[0], lambda x: True),
    "fft": (lambda xp, r: xp.real(xp.fourier("fft", r * r, 0)), lambda x: abs(x) < 3),
    "logsumexp": (lambda xp, r: xp.special.logsumexp(r, axis=0), lambda x: True),
    "write": (lambda xp, r: xp.write(r, slice(1, None), r[0], "multiply"), lambda x: abs(x) < 5),
    "stack": (lambda xp, r: xp.stack([r, xp.tanh(r)], axis=0), lambda x: True),
}
for _name, (_function, _domain) in ROWS.items():

    @batching.step(
        f"vmap_{_name}",
        1,
        only_if(
            lambda rng, x: {"out_axis": -int(rng.integers(2))} if x.ndim == 2 else None,
            lambda x, out_axis, domain=_domain: x.shape[1] > 1 and np.all(domain(x)),
        ),
    )
    def _vmap_rows(xp: Any, x: Any, out_axis: int, f: Any = _function) -> Any:
        return xp.vmap(lambda r: f(xp, r), 0, out_axis)(x)


_STACKS: dict[str, Callable[[Any, Any], Any]] = {
    "inv": lambda xp, a: xp.linalg.inv(conditioned(xp, a)),
    "det": lambda xp, a: 0.05 * xp.linalg.det(conditioned(xp, a)),
    "cholesky": lambda xp, a: xp.linalg.cholesky(
        xp.matmul(xp.sin(a), xp.transpose(xp.sin(a))) + xp.constant(np.eye(3))
    ),
    "matmul": lambda xp, a: xp.matmul(a, xp.sin(a)),
    "solve": lambda xp, a: xp.linalg.solve(conditioned(xp, a), a[0]),
    "eigvalsh": lambda xp, a: (
        xp.linalg.eigvalsh(a + xp.transpose(a) + xp.constant(np.diag([0.0, 30.0, 60.0]))) * 0.1
    ),
}
for _name, _stack in _STACKS.items():
    batching.add(
        f"vmap_stack_{_name}",
        1,
        lambda xp, x, f=_stack: xp.vmap(lambda a: f(xp, a), 0, 0)(x),
        when(lambda x: x.ndim == 3 and x.shape[1:] == (3, 3) and np.abs(x).max() < 4),
    )


@batching.step("vmap_columns", 1, matrix)
def _vmap_columns(xp: Any, x: Any) -> Any:
    """The mapped axis is the second of the operand and the second of the result."""
    return xp.vmap(lambda c: c * xp.sum(xp.sin(c)), 1, 1)(x)


@batching.step("vmap_shared", 2, when(lambda x, y: x.ndim == 2 and y.shape == x.shape[1:]))
def _vmap_shared(xp: Any, x: Any, y: Any) -> Any:
    """The second argument is the same for all."""
    return xp.vmap(lambda r, s: xp.sum(xp.sin(r) * s), (0, None), 0)(x, y)


@batching.step("vmap_both", 2, when(lambda x, y: x.ndim == y.ndim == 2 and x.shape == y.shape))
def _vmap_both(xp: Any, x: Any, y: Any) -> Any:
    return xp.vmap(lambda r, s: xp.outer(xp.sin(r), s), (0, 0), 0)(x, y)


@batching.step("vmap_nested", 2, when(lambda x, y: x.ndim == y.ndim == 1))
def _vmap_nested(xp: Any, x: Any, y: Any) -> Any:
    """A kernel matrix."""

    def kernel(a: Any, b: Any) -> Any:
        return xp.exp(-0.5 * (a - b) ** 2)

    return xp.vmap(lambda a: xp.vmap(lambda b: kernel(a, b), 0, 0)(y), 0, 0)(x)


@batching.step("vmap_of_gradient", 1, matrix)
def _vmap_of_gradient(xp: Any, x: Any) -> Any:
    """Gradients of each row."""
    return xp.vmap(xp.grad(lambda r: xp.sum(xp.sin(r) * r[0])), 0, 0)(x)


@batching.step("gradient_of_vmap", 1, matrix)
def _gradient_of_vmap(xp: Any, x: Any) -> Any:
    return xp.grad(lambda m: xp.sum(xp.vmap(lambda r: xp.tanh(r) * r[-1], 0, 0)(m)))(x)


derivatives = Family("derivatives inside")


@derivatives.step("gradient_inside", 1, array)
def _gradient_inside(xp: Any, x: Any) -> Any:
    return xp.grad(lambda v: xp.sum(xp.sin(v) * v) + xp.sum(v) ** 2 * 0.1)(x)


@derivatives.step("gradient_with_capture", 2, when(broadcastable))
def _gradient_with_capture(xp: Any, x: Any, y: Any) -> Any:
    """The inner function refers to a value of the outer one."""
    return xp.grad(lambda v: xp.sum(xp.cos(v) * xp.sin(y)))(x)


@derivatives.step("gradient_twice", 1, array)
def _gradient_twice(xp: Any, x: Any) -> Any:
    inner = xp.grad(lambda v: xp.sum(xp.tanh(v) ** 2))
    return xp.grad(lambda v: xp.sum(inner(v) * xp.sin(v)))(x)


@derivatives.step("jvp_inside", 2, when(lambda x, y: x.shape == y.shape and x.ndim > 0))
def _jvp_inside(xp: Any, x: Any, y: Any) -> Any:
    """The tangent is differentiated too."""
    return xp.jvp(lambda v: xp.sin(v) * xp.sum(v), x, y)


@derivatives.step("gradient_of_solve", 1, when(lambda x: is_square(x) and x.ndim == 2))
def _gradient_of_solve(xp: Any, x: Any) -> Any:
    return xp.grad(lambda a: xp.sum(xp.linalg.solve(conditioned(xp, a), a[0])))(x)


@derivatives.step("gradient_of_writes", 1, vector)
def _gradient_of_writes(xp: Any, x: Any) -> Any:
    return xp.grad(lambda v: xp.sum(xp.write(v, slice(1, None), v[0], "multiply") ** 2))(x)


@derivatives.step("newton_step", 1, when(lambda x: x.ndim == 1 and np.abs(x).max() < 3))
def _newton_step(xp: Any, x: Any) -> Any:
    """A step of gradient descent inside of the program, as in meta-learning."""
    loss = lambda v: xp.sum((v - 1.0) ** 2 + xp.cos(v))  # noqa: E731
    y = x - 0.1 * xp.grad(loss)(x)
    return y - 0.1 * xp.grad(loss)(y)
