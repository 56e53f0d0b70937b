"""Checking derivatives, by autograd's names and calling conventions.

`check_grads(f, modes, order)(*args)` calls `wengert.testing.check_grads`, which knows the error of
its own numbers and names the wrong entry; call that in new code.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

import numpy as np

from wengert import tree
from wengert.extend import vspace
from wengert.testing import check_grads as _check_grads

__all__ = [
    "EPS",
    "RTOL",
    "TOL",
    "check_equivalent",
    "check_grads",
    "check_jvp",
    "check_vjp",
    "combo_check",
    "make_numerical_jvp",
    "scalar_close",
]

TOL = 1e-6
RTOL = 1e-6
EPS = 1e-6

Function = Callable[..., Any]


def scalar_close(a: Any, b: Any) -> bool:
    """Whether two numbers differ by less than `TOL`, or by `RTOL` of their sum."""
    return bool(abs(a - b) < TOL or abs(a - b) < RTOL * abs(a + b))


def make_numerical_jvp(f: Function, x: Any) -> Function:
    """The directional derivative of ``f`` at ``x`` by a central difference of step `EPS`."""
    space = vspace(f(x))

    def numerical_jvp(v: Any) -> Any:
        points = [tree.map(lambda a, b, s=s: a + s * EPS / 2 * b, x, v) for s in (1.0, -1.0)]
        above, below = (f(p) for p in points)
        return space.scalar_mul(space.add(above, space.scalar_mul(below, -1.0)), 1 / EPS)

    return numerical_jvp


def check_vjp(f: Function, x: Any) -> None:
    """Check reverse mode at ``x``; raises AssertionError."""
    _check_grads(f, (x,), modes="rev", allow_inconclusive=True)


def check_jvp(f: Function, x: Any) -> None:
    """Check forward mode at ``x``; raises AssertionError."""
    _check_grads(f, (x,), modes="fwd", allow_inconclusive=True)


def check_equivalent(x: Any, y: Any) -> None:
    """Check that two values are of one structure, shape and dtype, and equal to rounding."""
    xs, ys = vspace(x), vspace(y)
    if xs != ys:
        raise AssertionError(f"VSpace mismatch:\nx: {xs}\ny: {ys}")
    for a, b in zip(tree.leaves(x), tree.leaves(y), strict=True):
        if not np.allclose(a, b, RTOL, TOL):
            raise AssertionError(f"Value mismatch:\nx: {x}\ny: {y}")


def check_grads(
    f: Function,
    argnum: int | Sequence[int] = 0,
    modes: Sequence[str] = ("fwd", "rev"),
    order: int = 2,
) -> Function:
    """A function of the arguments of ``f`` that checks its derivatives at them.

    Parameters
    ----------
    f : callable
    argnum : int or sequence of int
        The arguments to differentiate.
    modes : sequence of {"fwd", "rev"}
    order : int
        The highest derivative to check.

    Raises
    ------
    AssertionError
        From the returned function, naming the entry that is wrong.

    Examples
    --------
    >>> import numpy as np
    >>> check_grads(lambda x, y: np.sin(x) * y, argnum=(0, 1))(0.5, 2.0)
    """

    def check(*args: Any, **kwargs: Any) -> None:
        single = not isinstance(argnum, (tuple, list))
        argnums: Any = argnum if single else tuple(argnum)  # type: ignore[arg-type]
        _check_grads(
            lambda *xs: f(*xs, **kwargs),
            args,
            order=order,
            modes=tuple(modes),
            argnums=argnums,
            allow_inconclusive=True,
        )

    return check


def combo_check(fun: Function, *args: Any, **kwargs: Any) -> Function:
    """`check_grads` at every combination of the given lists of arguments and options."""
    checked = [check_grads]

    def check(*arg_lists: Sequence[Any], **option_lists: Sequence[Any]) -> None:
        for chosen in product(*arg_lists):
            for options in product(*option_lists.values()):
                checked[0](fun, *args, **kwargs)(
                    *chosen, **dict(zip(option_lists, options, strict=True))
                )

    return check
