"""Is an operation of the vectorised engine differentiated right? wengert knows."""

# The name is the course's; ruff and pytest take it for a test of ours.
# ruff: noqa: PT028

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import wengert as wg

__all__ = ["test_vjp"]


def test_vjp(
    op: Any,
    name: str,
    binary: bool = False,
    true_func: Callable[..., Any] | None = None,
    issum: bool = False,
) -> None:
    """Compare ``op.vjp`` with the derivative that wengert finds, and print ``Passed NAME!``.

    The operands are random 4 x 4 matrices with entries between 0.5 and 1.5, the gradient that comes
    in is random too.

    Parameters
    ----------
    op : class
        An operation with ``func`` and ``vjp``, such as ``vectorised._neg``.
    name : str
        What to call it.
    binary : bool
        Whether it takes two operands.
    true_func : callable, optional
        What the operation should compute, in NumPy; ``op.func`` itself unless given. With it the
        values are compared as well.
    issum : bool
        Whether the operation gives a single number, such as a sum.

    Raises
    ------
    AssertionError
        If something differs; the message says what, and by how much.
    """
    rng = np.random.default_rng(0)
    operands = [rng.uniform(0.5, 1.5, size=(4, 4)) for _ in range(2 if binary else 1)]

    # Methods are called on the class: they need nothing but the operands.
    def own(*values: Any) -> Any:
        return op.func(None, *values)

    value, pullback = wg.vjp(true_func or own, *operands)
    _compare(f"{name}: func", own(*operands), value)
    if issum and np.ndim(value) != 0:
        raise AssertionError(f"{name}: issum, but the result has shape {np.shape(value)}, not ()")
    grad = rng.uniform(0.5, 1.5, size=np.shape(value))
    results = op.vjp(None, grad, *operands)
    if not isinstance(results, tuple) or len(results) != len(operands):
        raise AssertionError(
            f"{name}: vjp must return a tuple of {len(operands)}, one gradient per operand; got "
            f"{type(results).__name__}{f' of {len(results)}' if isinstance(results, tuple) else ''}"
        )
    for operand, result, expected in zip("ab", results, pullback(grad), strict=False):
        _compare(f"{name}: vjp, gradient with respect to {operand}", result, expected)
    print(f"Passed {name}!")


test_vjp.__test__ = False  # type: ignore[attr-defined]


def _compare(what: str, result: Any, expected: Any) -> None:
    if np.shape(result) != np.shape(expected):
        raise AssertionError(
            f"{what}: shape {np.shape(result)}, expected {np.shape(expected)}, that of the operand"
            if "vjp" in what
            else f"{what}: shape {np.shape(result)}, expected {np.shape(expected)}"
        )
    error = np.abs(np.asarray(result) - expected)
    if not np.all(error <= 1e-10 * np.abs(expected)):
        index = np.unravel_index(np.argmax(np.where(np.isnan(error), np.inf, error)), error.shape)
        at = f" at {tuple(map(int, index))}" if index else ""
        raise AssertionError(
            f"{what}: {np.asarray(result)[index]:.10g}{at}, wengert has "
            f"{np.asarray(expected)[index]:.10g}"
        )
