"""Solutions of equations as functions of what the equations depend on.

Where ``F(x, theta) = 0`` defines ``x`` near a solution, the implicit function theorem gives
``dx = -(dF/dx)^-1 (dF/dtheta) dtheta``. The rules are written at the solution as an operand, so
derivatives of every order follow from them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .forward import jvp
from .jacobians import jacobian
from .reverse import vjp
from .user_primitive import primitive

__all__ = ["implicit_solution"]

Function = Callable[..., Any]


def implicit_solution(
    name: str,
    solve: Callable[..., Any],
    residual: Callable[[Any, Sequence[Any]], Any],
    theta: tuple[Any, ...],
    shape: tuple[int, ...],
    elementwise: bool = False,
) -> Any:
    """The solution of ``residual(x, theta) = 0`` that ``solve(*theta)`` finds, differentiable.

    Parameters
    ----------
    name : str
        For messages and listings.
    solve : callable
        ``(*theta) -> x`` on plain arrays.
    residual : callable
        ``(x, theta) -> array of the shape of x``, which may also be called on Tensors.
    theta : tuple of arrays or Tensors
    shape : tuple of int
        The shape of ``x``: ``()`` or ``(n,)``; any if ``elementwise``.
    elementwise : bool
        Whether each element of the residual depends on that element of ``x`` alone.

    Raises
    ------
    numpy.linalg.LinAlgError
        In a derivative, if the Jacobian of the residual at the solution is singular.
    """
    one_by_one = elementwise or shape == ()

    def system(x: Any, values: Any) -> Any:
        if not one_by_one:
            return jacobian(lambda u: residual(u, values))(x)
        if shape == ():
            return jvp(lambda u: residual(u, values), (x,), (np.ones(()),))[1]
        return jvp(lambda u: residual(u, values), (x,), (np.ones(shape),))[1]

    def forward(ts: Any, x: Any, *values: Any) -> Any:
        change = jvp(lambda *v: residual(x, v), values, ts)[1]
        a = system(x, values)
        return -change / a if one_by_one else -np.linalg.solve(a, change)

    def backward(ct: Any, x: Any, *values: Any) -> Any:
        a, ct = system(x, values), np.real(ct)
        w = ct / a if one_by_one else np.linalg.solve(np.transpose(a), ct)
        return tuple(-c for c in vjp(lambda *v: residual(x, v), *values)[1](w))

    operation = primitive(
        solve, backward, forward, shape=lambda *values: np.empty(shape), name=name
    )
    return operation(*theta)
