"""How the special functions are declared."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.special

from ...core.algebra import strong_product
from ...core.bind import bind
from ...core.errors import NoRuleError
from ...core.primitive import Primitive
from ..batching import align, ndim_of
from ..pointwise import POINTWISE, UFUNCS, broadcast_shape, pointwise

__all__ = [
    "REFUSED_ARGUMENTS",
    "behind",
    "float_dtype",
    "function",
    "in_double",
    "numbered",
    "real_only",
    "refused",
    "same_as",
    "several",
    "ufunc",
]

Rule = Callable[..., Any]

REFUSED_ARGUMENTS: dict[str, list[str]] = {}
"""By function, the arguments in which it has no derivative here."""


def ufunc(name: str, *partials: Rule | int | None, also: str = "") -> None:
    """Declare the ufunc ``scipy.special.NAME`` (and another name that it has) by its partials.

    Names that an older SciPy lacks are passed over.
    """
    served: Any = getattr(scipy.special, name, None)
    if served is None:
        return
    operands = ", ".join(f"{{{i}}}" for i in range(served.nin))
    p = pointwise(name, served, *partials, show=f"scipy.special.{name}({operands})")
    if also:
        UFUNCS[getattr(scipy.special, also)] = p


def same_as(name: str, primitive: str) -> None:
    """``scipy.special.NAME`` is an operation that there is already."""
    UFUNCS[getattr(scipy.special, name)] = POINTWISE[primitive]


def behind(private: str, primitive: str) -> None:
    """The ufunc that a plain function of SciPy calls: so that SciPy's own takes Tensors, too."""
    served = getattr(scipy.special._ufuncs, private, None)
    if served is not None:
        UFUNCS[served] = POINTWISE[primitive]


def function(primitive: str) -> Rule:
    """A pointwise operation as a function, for rules."""

    def apply(*args: Any) -> Any:
        return bind(POINTWISE[primitive], args, {})

    return apply


def refused(name: str, argument: str, why: str = "no accurate derivative is known") -> Rule:
    """A partial derivative that raises: the function is constant in this argument only by name."""
    REFUSED_ARGUMENTS.setdefault(name, []).append(argument)

    def partial(*_: Any) -> Any:
        raise NoRuleError(
            f"scipy.special.{name} cannot be differentiated with respect to {argument} ({why}); if "
            f"no derivative with respect to {argument} is wanted, pass a plain number or "
            f"wengert.stop_gradient({argument})"
        )

    return partial


def real_only(name: str, rule: Rule) -> Rule:
    """A rule that holds for real arguments only: with complex ones the function is not analytic."""

    def checked(*args: Any) -> Any:
        for x in args:
            if getattr(getattr(x, "dtype", None), "kind", "f") == "c":
                raise NoRuleError(
                    f"scipy.special.{name} has no derivative at complex arguments; "
                    "differentiate with respect to real ones"
                )
        return rule(*args)

    return checked


def in_double(served: Any) -> Rule:
    """A ufunc that computes in double precision and returns the precision of its arguments.

    For those that SciPy does not get right in single precision.
    """

    def evaluate(*args: Any) -> Any:
        given = [x.dtype if hasattr(x, "dtype") else type(x) for x in args]
        dtypes = served.resolve_dtypes((*given, *(None,) * served.nout))[served.nin :]
        with np.errstate(over="ignore", under="ignore"):
            outs = served(*[np.asarray(x, np.float64) for x in args])
            cast = [
                np.asarray(x).astype(dtype)[()]
                for x, dtype in zip(outs if served.nout > 1 else (outs,), dtypes, strict=True)
            ]
        return tuple(cast) if served.nout > 1 else cast[0]

    return evaluate


def several(name: str, *slopes: Rule | None, double: bool = False) -> None:
    """Declare a ufunc with several results.

    ``slopes`` has for each argument a function ``(outs, *args)`` that returns the derivatives of
    the results in it, or None where they are zero. With ``double`` see `in_double`.
    """
    served: Any = getattr(scipy.special, name, None)
    if served is None:
        return

    def shape(*ins: Any) -> tuple[tuple[tuple[int, ...], Any], ...]:
        given = [x.dtype if hasattr(x, "dtype") else type(x) for x in ins]
        dtypes = served.resolve_dtypes((*given, *(None,) * served.nout))[served.nin :]
        common = broadcast_shape(*ins)
        return tuple([(common, dtype) for dtype in dtypes])

    def batch(args: Any, batched: Any, size: int) -> Any:
        return bind(p, _aligned(args, batched), {})

    def jvp(ts: Any, ins: Any, outs: Any) -> Any:
        totals: list[Any] = [None] * served.nout
        for t, slope in zip(ts, slopes, strict=True):
            if t is None or slope is None:
                continue
            for i, s in enumerate(slope(outs, *ins)):
                u = strong_product(t, s)
                totals[i] = u if totals[i] is None else totals[i] + u
        return tuple(totals)

    operands = ", ".join(f"{{{i}}}" for i in range(served.nin))
    show = f"scipy.special.{name}({operands})"
    evaluate = in_double(served) if double else served
    p = Primitive(name, evaluate, shape, batch, jvp=jvp, outputs=served.nout, show=show)
    UFUNCS[served] = p


def _aligned(args: Any, batched: Any) -> tuple[Any, ...]:
    rank = max(ndim_of(x, b) for x, b in zip(args, batched, strict=True))
    return tuple([align(x, b, rank) for x, b in zip(args, batched, strict=True)])


def float_dtype(*operands: Any) -> Any:
    """The dtype of a result: single precision only if no operand has more."""
    dtype = np.result_type(*operands)
    return dtype if dtype.kind in "fc" else np.dtype(np.float64)


def numbered(name: str, evaluate: Rule, jvp: Rule) -> Primitive:
    """Declare a pointwise operation that takes the orders of derivatives as parameters."""

    def shape(*ins: Any, **orders: int) -> tuple[tuple[int, ...], Any]:
        return broadcast_shape(*ins), float_dtype(*[getattr(x, "dtype", x) for x in ins])

    def batch(args: Any, batched: Any, size: int, **orders: int) -> Any:
        return bind(p, _aligned(args, batched), orders)

    p = Primitive(name, evaluate, shape, batch, jvp=jvp)
    return p
