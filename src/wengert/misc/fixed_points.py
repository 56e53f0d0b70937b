"""Fixed points, differentiated where they end and not through the iterations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wengert import make_vjp
from wengert.extend import defvjp, primitive, vspace

__all__ = ["fixed_point"]

Function = Callable[..., Any]


def _iterate(f: Function, a: Any, x0: Any, distance: Function, tol: float) -> Any:
    """Iterate ``x = f(a)(x)`` from ``x0`` until two iterates are no further apart than ``tol``.

    Parameters
    ----------
    f : callable
        ``f(a)`` is the map whose fixed point is sought. It must not capture what is differentiated;
        that goes through ``a``.
    a : container of arrays
        What derivatives are taken with respect to.
    x0 : array or container
        Where to start. The result does not depend on it, nor do derivatives.
    distance : callable
        ``(x, previous) -> number``.
    tol : float

    Returns
    -------
    array or container
        Like ``x0``.

    Notes
    -----
    With x = f(a, x), the cotangent of ``a`` is that of f(a, x) for the cotangent w with
    ``w = g + w df/dx``, a fixed point itself (Christianson, Reverse accumulation and attractive
    fixed points, 1994).
    """
    step = f(a)
    previous, x = x0, step(x0)
    while distance(x, previous) > tol:
        previous, x = x, step(x)
    return x


def _adjoint_step(parameters: Any) -> Function:
    f, a, x_star, g = parameters
    pull, _ = make_vjp(f(a))(x_star)
    space = vspace(x_star)
    return lambda w: space.add(pull(w), g)


def _vjp(x_star: Any, f: Function, a: Any, x0: Any, distance: Function, tol: float) -> Function:
    def of_cotangent(g: Any) -> Any:
        def step(parameters: Any) -> Function:
            return _adjoint_step((f, *parameters))

        zero = vspace(x_star).zeros()
        w = fixed_point(step, (a, x_star, g), zero, distance, tol)
        pull, _ = make_vjp(lambda b: f(b)(x_star))(a)
        return pull(w)

    return of_cotangent


_iterate.__name__ = _iterate.__qualname__ = "fixed_point"
fixed_point: Any = primitive(_iterate)
defvjp(fixed_point, None, _vjp, None)
