"""``scipy.special`` for Tensors and plain arrays: every name, with the same arguments.

The ufuncs are SciPy's own, which dispatch on Tensors, so that ``scipy.special.erf(x)`` is the same
function; those that are not ufuncs (``logsumexp``, ``polygamma``, ``zeta``, ...) take Tensors here
only. On plain arrays all of them are SciPy's. docs/reference/special.md lists what is
differentiable, and in what.

>>> import wengert as wg
>>> from wengert.scipy import special
>>> f"{wg.grad(special.gammainc)(2.0, 1.5):.6f}"
'-0.313489'
"""

from __future__ import annotations

from typing import Any

import scipy.special as _scipys

from ...numpy.dispatch import REFUSALS as _REFUSALS
from . import exponential_sums as _exponential_sums
from . import functions as _functions
from .classification import CLASSIFICATION as _CLASSIFICATION
from .refusing import refusing as _refusing

_OWN: dict[str, Any] = {
    name: getattr(module, name)
    for module in (_exponential_sums, _functions)
    for name in module.__all__
}


def _names() -> dict[str, Any]:
    found = dict(_OWN)
    for name, entry in _CLASSIFICATION.items():
        if name in found or not hasattr(_scipys, name):
            continue
        scipys = getattr(_scipys, name)
        found[name] = _refusing(name, scipys, entry) if entry.kind == "refused" else scipys
    return found


__all__ = sorted(_names())
globals().update(_names())
_REFUSALS.update(
    (f"scipy.special.{name}", entry)
    for name, entry in _CLASSIFICATION.items()
    if entry.kind == "refused"
)


def __getattr__(name: str) -> Any:
    """For type checkers, which do not see the names above."""
    raise AttributeError(
        f"module {__name__!r} has no attribute {name!r}; it has the names of scipy.special"
    )


def __dir__() -> list[str]:
    return sorted(globals())
