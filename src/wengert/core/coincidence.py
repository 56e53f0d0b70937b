"""The limit of a derivative where eigenvalues or singular values coincide.

``V f(w) V^H`` has derivatives of every order where eigenvalues coincide, but rules for ``w`` and
``V`` on their own are quotients 0/0 there, and no single sweep has what the limit needs (it is
``f'``, of which only products with the diagonal arrive). The quotients come out as NaN, never as a
number that may be wrong (`rules.spectra`). Then the outermost transform (for ``backward()``, the
recorded computation: `core.recomputation`) runs again with those values moved apart by ``h`` times
the distance at which the function is analytic, for six small ``h`` of both signs, and extrapolates
to 0: the derivative is an analytic function of ``h``, and the error of the formula is of order
``h^6``. Where it has a pole instead, the function is not differentiable (an entry of an
eigenvector, say), and NaN stays.

The usual run pays for one look at a counter.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from . import pytree
from .errors import NonFiniteError
from .state import COINCIDENCES, LOCAL, set_debugging

__all__ = [
    "EXTRAPOLATION",
    "limit_of",
    "resolved_in_debug",
    "resolves_coincidence",
    "resolving",
    "split_runs",
]

_STEP = 0.01
# Extrapolation of an even function of h from h, 2h, 3h to 0, and from the first two alone.
_SIX = (1.5, -0.6, 0.1)
_FOUR = (4 / 3, -1 / 3)
# The weights of the results of `split_runs` in the limit.
EXTRAPOLATION = tuple(w / 2 for w in (*_SIX, *_SIX))

# Entries that are zero but for rounding have no digits to agree in: what counts as one.
_ROUNDING = 0.01


def resolves_coincidence(function: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate what a transform returns: the outermost call finds the limits."""

    @functools.wraps(function)
    def outermost(*args: Any, **kwargs: Any) -> Any:
        before = COINCIDENCES[0]
        try:
            result = function(*args, **kwargs)
        except NonFiniteError:
            if COINCIDENCES[0] == before:
                raise
            again = functools.partial(function, *args, **kwargs)
            return resolved_in_debug(again, again)
        if COINCIDENCES[0] == before:
            return result
        return resolving(result, lambda: function(*args, **kwargs))

    return outermost


def resolved_in_debug(first: Callable[[], Any], again: Callable[[], Any]) -> Any:
    """The limit where a `debug` block stopped at a NaN that has one, or the error being handled.

    The first run is made anew without a look at what it makes; the runs with the values moved apart
    have no NaN of a coincidence, so the block stops them at any other.
    """
    if LOCAL.depth or LOCAL.split:
        raise
    with set_debugging(None):
        result = first()
    result = resolving(result, again)
    if any(_has_nan(y) for y in pytree.leaves(result)):
        raise
    return result


def resolving(result: Any, again: Callable[[], Any]) -> Any:
    """``result``, with limits in place of what is not finite; ``again`` computes it anew.

    Inside of another transform and of a run for a limit nothing is done: the outermost does it.
    """
    if LOCAL.depth or LOCAL.split:
        return result
    leaves, spec = pytree.flatten(result)
    if not any(_has_nan(y) for y in leaves):
        return result
    columns = zip(*split_runs(lambda: pytree.leaves(again())), strict=True)
    found = [
        limit_of(y, column) if _has_nan(y) else y for y, column in zip(leaves, columns, strict=True)
    ]
    return pytree.unflatten(spec, found)


def split_runs(again: Callable[[], Any]) -> list[Any]:
    """The results of ``again`` with the values moved apart by h, 2h, 3h, -h, -2h and -3h."""
    runs = []
    for k in (1, 2, 3, -1, -2, -3):
        LOCAL.split = k * _STEP
        try:
            runs.append(again())
        finally:
            LOCAL.split = 0.0
    return runs


def _has_nan(y: Any) -> bool:
    return (
        isinstance(y, (np.ndarray, np.generic))
        and y.dtype.kind in "fc"
        and not np.isfinite(y).all()
    )


def limit_of(y: Any, runs: Any) -> Any:
    """``y`` with the limits in place of what is not finite, from the values of `split_runs`."""
    values = np.stack([np.asarray(r) for r in runs])
    with np.errstate(all="ignore"):
        even, odd = (values[:3] + values[3:]) / 2, (values[:3] - values[3:]) / 2
        six = np.tensordot(np.asarray(_SIX, even.real.dtype), even, 1)
        four = np.tensordot(np.asarray(_FOUR, even.real.dtype), even[:2], 1)
        finite = np.isfinite(values).all(0)
        # What has a pole grows as h gets smaller; and the extrapolations disagree.
        size = np.abs(np.where(finite, six, 0)).max(initial=0)
        noise = np.finfo(y.dtype).eps ** 0.5 * max(size, _ROUNDING)
        sound = np.abs(six - four) <= 1e-3 * np.abs(six) + noise
        sound &= np.abs(odd[0]) <= 0.75 * np.abs(odd[1]) + noise
        limit = np.where(np.isfinite(y) | ~(finite & sound), y, six).astype(y.dtype)
    return limit if isinstance(y, np.ndarray) else limit[()]
