"""Complex numbers: parts, conjugate, modulus, phase factor. None is differentiable over C.

The pairing of cotangents with tangents is ``Re sum(ct * t)``, without conjugation, so the
gradient of a real function of ``z = a + ib`` is ``df/da - i df/db``
(docs/concepts/conventions.md; JAX and autograd return the same). Each rule below follows from it
in one line. A cotangent of a real value may be complex until it leaves the real part of a
computation; the rules here take its real part first.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.abstract import is_array
from ..core.bind import bind
from ..core.primitive import Primitive
from .pointwise import pointwise_batch, pointwise_shape
from .shapes import astype, parameters_with_batch

__all__ = ["absolute_p", "conjugate", "conjugate_p", "imag_p", "real_p", "sign_p"]


def _no_params(size: int) -> dict[str, Any]:
    return {}


def _part_shape(x: Any) -> tuple[tuple[int, ...], Any]:
    return x.shape, _real_dtype(x.dtype)


def _real_dtype(dtype: Any) -> Any:
    return np.empty((), dtype).real.dtype


def _real(x: Any) -> Any:
    return bind(real_p, (x,), {}, False) if x.dtype.kind == "c" else x


# ------------------------------------------------------------------ parts


def _real_transpose(ct: Any, ins: Any, out: Any) -> Any:
    # Re(ct * dz) = ct da for real ct
    return astype(_real(ct), ins[0].dtype)


def _imag_transpose(ct: Any, ins: Any, out: Any) -> Any:
    # Re(-i ct * dz) = ct db for real ct
    return astype(_real(ct), ins[0].dtype) * ins[0].dtype.type(-1j)


# Both are views in NumPy: z.real[0] = 1 writes into z. Real arrays never come here.
real_p = parameters_with_batch(
    Primitive(
        "real",
        lambda x: x.real,
        _part_shape,
        None,
        linear=(0,),
        transpose=(_real_transpose,),
        show="{0}.real",
        lower="pointwise",
        alias=True,
        array0d=is_array,
    ),
    _no_params,
)

imag_p = parameters_with_batch(
    Primitive(
        "imag",
        lambda x: x.imag,
        _part_shape,
        None,
        linear=(0,),
        transpose=(_imag_transpose,),
        show="{0}.imag",
        lower="pointwise",
        alias=True,
        array0d=is_array,
    ),
    _no_params,
)

# Re(ct * conj(dz)) = Re(conj(ct) * dz)
conjugate_p = Primitive(
    "conj",
    np.conjugate,
    pointwise_shape(np.conjugate),
    None,
    linear=(0,),
    transpose=(lambda ct, ins, out: conjugate(ct),),
    show="np.conj({0})",
    lower="pointwise",
)
conjugate_p.batch = pointwise_batch(conjugate_p)


def conjugate(x: Any) -> Any:
    """The complex conjugate; a real argument itself."""
    return bind(conjugate_p, (x,), {}) if x.dtype.kind == "c" else x


# ------------------------------------------------------------------ modulus and phase factor


def _absolute_jvp(ts: Any, ins: Any, out: Any) -> Any:
    # d|z| = Re(conj(z) dz) / |z|; 0 at z = 0, with its derivatives, as for a norm
    return _real(conjugate(ins[0]) * ts[0]) * ((out != 0) / (out + (out == 0)))


absolute_p = Primitive(
    "abs_complex",
    np.absolute,
    pointwise_shape(np.absolute),
    None,
    jvp=_absolute_jvp,
    show="np.abs({0})",
    lower="pointwise",
)
absolute_p.batch = pointwise_batch(absolute_p)


def _sign_jvp(ts: Any, ins: Any, out: Any) -> Any:
    # s = z / |z|: ds = (dz - s d|z|) / |z| with d|z| = Re(conj(s) dz); 0 at z = 0
    modulus = bind(absolute_p, ins, {})
    zero = modulus == 0
    along = _real(conjugate(out) * ts[0])
    return (ts[0] - out * along) * (modulus != 0) / (modulus + zero)


sign_p = Primitive(
    "sign_complex",
    np.sign,
    pointwise_shape(np.sign),
    None,
    jvp=_sign_jvp,
    show="np.sign({0})",
    lower="pointwise",
)
sign_p.batch = pointwise_batch(sign_p)
