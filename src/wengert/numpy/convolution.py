"""NumPy's convolution and correlation of two sequences."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.errors import ShapeError, WengertValueError
from ..rules.complex import conjugate
from ..rules.convolve import convolve as _convolve
from ..rules.convolve import reversed_last
from ..rules.cumulative import section
from ..rules.shapes import reshape
from .arguments import operand
from .dispatch import implements

__all__ = ["convolve", "correlate"]

_MODES = ("full", "same", "valid")


def _sequences(name: str, a: Any, v: Any, mode: Any, numbers: bool) -> tuple[Any, Any]:
    """The two, checked; ``numbers`` tells whether 0-d arrays count as sequences of one."""
    sequences = []
    for argument, x in (("a", a), ("v", v)):
        x = operand(x)
        x = reshape(x, (1,)) if not x.ndim and numbers else x
        if x.ndim != 1:
            raise ShapeError(
                f"np.{name}: {argument} has shape {x.shape}; expected one dimension (object of "
                "too small or too large depth for desired array). Use wengert.vmap for stacks of "
                "sequences"
            )
        if not x.size:
            raise ShapeError(f"np.{name}: {argument} cannot be empty")
        sequences.append(x)
    if mode not in _MODES:
        raise WengertValueError(
            f"np.{name}: mode must be one of 'valid', 'same', or 'full' (got {mode!r})"
        )
    return sequences[0], sequences[1]


def _in_mode(long: Any, short: Any, mode: str, start: int) -> Any:
    """``start`` is where the result of the mode ``same`` begins in the full one."""
    if mode != "same":
        return _convolve(long, short, mode)
    return section(_convolve(long, short, "full"), 0, start, start + long.shape[0])


@implements(np.convolve)
def convolve(a: Any, v: Any, mode: str = "full") -> Any:
    """`numpy.convolve`; linear in each of the sequences."""
    a, v = _sequences("convolve", a, v, mode, True)
    if v.shape[0] > a.shape[0]:
        a, v = v, a
    return _in_mode(a, v, mode, (v.shape[0] - 1) // 2)


@implements(np.correlate)
def correlate(a: Any, v: Any, mode: str = "valid") -> Any:
    """`numpy.correlate`: the convolution of ``a`` with the reversed conjugate of ``v``."""
    a, v = _sequences("correlate", a, v, mode, False)
    v = reversed_last(conjugate(v))
    if v.shape[0] > a.shape[0]:
        return _in_mode(v, a, mode, a.shape[0] // 2)
    return _in_mode(a, v, mode, (v.shape[0] - 1) // 2)
