"""Elementwise functions that are composites, and the ufuncs that return tuples."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.bind import bind
from ..core.errors import WengertTypeError
from ..core.tensor import Tensor
from ..rules.fast import FAST
from ..rules.pointwise import POINTWISE
from ..rules.special import bessel_i
from ..rules.special import sinc as _sinc
from .arguments import axis_of, cast, operand
from .dispatch import implements
from .joining import along, joined, part
from .methods import attach_method
from .shapes import copied
from .ufunc_options import write_out

__all__ = ["divmod", "fix", "frexp", "i0", "modf", "round", "sinc", "unwrap"]


# ------------------------------------------------------------------ rounding


@implements(np.round, np.around)
def round(a: Any, decimals: int = 0, out: Any = None) -> Any:
    """``np.round``: half to even; its derivative is zero."""
    a = operand(a)
    if a.dtype.kind in "iub":
        if decimals < 0:
            power = 10**-decimals
            result = (np.rint(a / power) * power).astype(a.dtype)
        else:
            result = copied(a)
    elif decimals == 0:
        result = np.rint(a)
    elif decimals > 0:
        result = np.rint(a * 10.0**decimals) / 10.0**decimals
    else:
        result = np.rint(a / 10.0**-decimals) * 10.0**-decimals
    return result if out is None else write_out(out, result, True, "round")


@implements(np.fix)
def fix(x: Any, out: Any = None) -> Any:
    """``np.fix``: towards zero; its derivative is zero."""
    result = np.trunc(operand(x))
    return result if out is None else write_out(out, result, True, "fix", ufunc=np.trunc)


# ------------------------------------------------------------------ ufuncs with two results


@implements(np.modf)
def modf(x: Any) -> tuple[Any, Any]:
    """``np.modf``: the fractional part, with derivative 1, and the integral part, with 0."""
    x = _as_float(x, np.modf)
    return bind(POINTWISE["modf_fraction"], (x,), {}), bind(POINTWISE["trunc"], (x,), {})


def _as_float(x: Any, ufunc: Any) -> Any:
    """Integers in the dtype that the ufunc computes in."""
    x = operand(x)
    if x.dtype.kind not in "biu":
        return x
    return cast(x, ufunc.resolve_dtypes((x.dtype, None, None))[1])


@implements(np.frexp)
def frexp(x: Any) -> tuple[Any, Any]:
    """``np.frexp``: mantissas, with the derivative ``2**-exponent``, and plain exponents."""
    x = _as_float(x, np.frexp)
    exponent = bind(POINTWISE["frexp_exponent"], (x,), {})
    return bind(POINTWISE["ldexp"], (x, -exponent), {}), exponent


@implements(np.divmod)
def divmod(x: Any, y: Any) -> tuple[Any, Any]:
    """``np.divmod``: the quotient, with derivative 0, and the remainder."""
    return bind(POINTWISE["floor_divide"], (x, y), {}), bind(POINTWISE["mod"], (x, y), {})


# ------------------------------------------------------------------ special functions, phases


@implements(np.sinc)
def sinc(x: Any) -> Any:
    """``np.sinc``: ``sin(pi x) / (pi x)``, exact at 0 in every derivative."""
    return _sinc(operand(x))


@implements(np.i0)
def i0(x: Any) -> Any:
    """``np.i0``: the modified Bessel function of the first kind, order 0."""
    x = operand(x)
    if x.dtype.kind == "c":
        raise WengertTypeError("i0 not supported for complex values")
    return bessel_i(x)


@implements(np.unwrap)
def unwrap(p: Any, discont: Any = None, axis: int = -1, *, period: Any = 2 * math.pi) -> Any:
    """``np.unwrap``: phases with jumps above half a period taken out; their derivative is 1."""
    p = operand(p)
    axis = axis_of(axis, p.ndim)
    step = part(p, along(axis, slice(1, None))) - part(p, along(axis, slice(None, -1)))
    discont = period / 2 if discont is None else discont
    half: Any = period / 2
    ambiguous = True
    if np.issubdtype(np.result_type(step.dtype, period), np.integer):
        half, remainder = period // 2, period % 2
        ambiguous = remainder == 0
    wrapped = np.mod(step + half, period) - half
    if ambiguous:
        wrapped = np.where((wrapped == -half) & (step > 0), half, wrapped)
    jump = np.where(np.absolute(step) < discont, 0, wrapped - step)
    # Multiples of the period, constant in p. Their derivative is left out, not computed as 1 - 1.
    jump = jump.detach() if isinstance(jump, Tensor) else jump
    if isinstance(period, Tensor):
        now: Any = period.detach()
        jump = jump + np.rint(jump / now) * (period - now)  # plus 0, for the derivative
    first = part(p, along(axis, slice(0, 1)))
    rest = part(p, along(axis, slice(1, None))) + np.cumsum(jump, axis)
    return joined([first.astype(rest.dtype), rest], axis)


# ------------------------------------------------------------------ methods


def _round_method(self: Any, decimals: int = 0, out: Any = None) -> Any:
    return round(self, decimals, out)


def _round_number(self: Any, ndigits: int | None = None) -> Any:
    """``round(x)``: an integer if no number of digits is given, as for NumPy's numbers."""
    if self.ndim:
        raise WengertTypeError("round() of a Tensor with dimensions; use np.round")
    if ndigits is None:
        return int(np.rint(self._concrete("round()")))
    return round(self, ndigits)


attach_method("exp", FAST["exp"])
attach_method("log", FAST["log"])
attach_method("round", _round_method)
attach_method("__round__", _round_number)
attach_method("__divmod__", lambda x, y: divmod(x, y))
attach_method("__rdivmod__", lambda y, x: divmod(x, y))
