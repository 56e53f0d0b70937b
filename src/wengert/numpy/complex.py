"""Complex numbers: parts, conjugate, modulus, argument, sign; and questions about them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.bind import bind
from ..core.errors import WengertTypeError
from ..core.tensor import Tensor, handle
from ..core.views import set_item
from ..rules.complex import absolute_p, conjugate_p, imag_p, real_p, sign_p
from ..rules.pointwise import POINTWISE
from .arguments import as_scalar, concrete, operand
from .dispatch import implements
from .methods import attach_method
from .shapes import copied

__all__ = ["absolute", "angle", "conjugate", "imag", "real", "real_if_close", "sign"]


def _is_complex(x: Any) -> bool:
    return bool(x.dtype.kind == "c")


@implements(np.absolute)
def absolute(x: Any) -> Any:
    """``np.absolute``; its derivative at 0 is 0."""
    return bind(absolute_p if _is_complex(x) else POINTWISE["abs"], (x,), {})


@implements(np.sign)
def sign(x: Any) -> Any:
    """``np.sign``; ``z / abs(z)`` of a complex number."""
    return bind(sign_p if _is_complex(x) else POINTWISE["sign"], (x,), {})


@implements(np.conjugate)
def conjugate(x: Any) -> Any:
    """``np.conjugate``; a copy of a real argument, and of booleans 0 and 1, as in NumPy."""
    if _is_complex(x):
        return bind(conjugate_p, (x,), {})
    x = operand(x)
    return as_scalar(x.astype(np.int8) if x.dtype == bool else copied(x))


@implements(np.real)
def real(val: Any) -> Any:
    """``np.real``: a view of the real parts; a real argument itself."""
    val = operand(val)
    return bind(real_p, (val,), {}) if _is_complex(val) else val


@implements(np.imag)
def imag(val: Any) -> Any:
    """``np.imag``: a view of the imaginary parts; read-only zeros for a real argument."""
    val = operand(val)
    if _is_complex(val):
        return bind(imag_p, (val,), {})
    zeros = np.zeros(val.shape, val.dtype)
    zeros.flags.writeable = False
    return handle(zeros if val.ndim else zeros[()], None, None)


@implements(np.angle)
def angle(z: Any, deg: bool = False) -> Any:
    """``np.angle``: the argument of complex numbers; its derivative at 0 is infinite or NaN."""
    z = operand(z)
    result = np.arctan2(imag(z), real(z)) if _is_complex(z) else np.arctan2(0, z)
    return result * (180 / math.pi) if deg else result


@implements(np.real_if_close)
def real_if_close(a: Any, tol: float = 100) -> Any:
    """``np.real_if_close``: the real parts if all imaginary parts are within ``tol`` epsilons.

    Raises
    ------
    AbstractValueError
        For an abstract value: the dtype of the result would depend on data.
    """
    a = operand(a)
    if not _is_complex(a):
        return a
    value = np.asarray(concrete(a, "real_if_close"))
    limit = np.finfo(value.dtype).eps * tol if tol > 1 else tol
    return real(a) if np.all(np.absolute(value.imag) < limit) else a


# ------------------------------------------------------------------ methods


def _set_real(self: Tensor, value: Any) -> None:
    set_item(real(self), ..., value)


def _set_imag(self: Tensor, value: Any) -> None:
    if not _is_complex(self):
        raise WengertTypeError(
            f"a Tensor of dtype {self.dtype} does not have imaginary part to set"
        )
    set_item(imag(self), ..., value)


attach_method("real", property(real, _set_real, doc="The real parts; a view."))
attach_method("imag", property(imag, _set_imag, doc="The imaginary parts; a view."))
# Of a real array NumPy's methods give the array itself, where `np.conjugate` copies.
attach_method("conj", lambda self: conjugate(self) if _is_complex(self) else self)
attach_method("conjugate", lambda self: conjugate(self) if _is_complex(self) else self)
attach_method("__abs__", absolute)
