"""Random numbers of other libraries, which a compiled function would repeat: an error.

A generator that a function can reach has another state after it has drawn. One that the function
makes itself without a seed is gone by then, but it asked the system for a seed.
"""

from __future__ import annotations

import pickle
import random
import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..core.errors import WengertValueError
from .surroundings import Walk

__all__ = ["refused_draws"]

_GENERATORS = (np.random.random.__self__, random.random.__self__)  # type: ignore[attr-defined]
# Functions that name none of these make no generators.
_MAKERS = frozenset(
    ("default_rng", "RandomState", "SeedSequence", "Random", "SystemRandom", "secrets", "PCG64",
     "PCG64DXSM", "MT19937", "Philox", "SFC64")
)  # fmt: skip
# NumPy calls the first one, through `secrets`.
_FROM_SYSTEM = frozenset(
    [f.__code__ for f in (random.SystemRandom.getrandbits, random.SystemRandom.random)]
)
_SEED = random.Random.seed.__code__


@contextmanager
def refused_draws(name: str, function: Any) -> Iterator[None]:
    """A block in which a function must not draw from generators that are not wengert's.

    Parameters
    ----------
    name : str
        Of the function, for the message.
    function : callable
        Its surroundings are searched for generators; those of NumPy and Python are known.

    Raises
    ------
    WengertValueError
        Afterwards, if one has another state than before: what it gave would be a constant of the
        compiled function. (So it is an error, too, if another thread uses the same one meanwhile.)
        Or if one was made in it without a seed; one with a seed gives constants, and may be there.
    """
    walk = Walk(())
    walk.visit(function)
    before = [(g, _state(g)) for g in (*_GENERATORS, *walk.generators)]
    unseeded: list[str] = []
    if _MAKERS.isdisjoint(walk.names):
        yield
    else:
        with _noticed(unseeded):
            yield
    drew = [_name(g) for g, state in before if _state(g) != state] + unseeded
    if drew:
        raise WengertValueError(
            f"jit of {name}: {drew[0]} drew random numbers while the function was recorded, which "
            "every later call would repeat. Draw with wengert.random, which draws anew at each "
            "call, or pass the numbers as arguments"
        )


def _name(generator: Any) -> str:
    kind = type(generator)
    return f"{kind.__module__}.{kind.__name__}"


def _state(generator: Any) -> Any:
    if isinstance(generator, random.Random):
        return generator.getstate()
    if isinstance(generator, np.random.RandomState):
        return pickle.dumps(generator.get_state(legacy=False))
    return pickle.dumps(generator.bit_generator.state)


@contextmanager
def _noticed(found: list[str]) -> Iterator[None]:
    """Notice in this thread who takes a seed from the system; not while a profiler runs."""
    if sys.getprofile() is not None:
        yield
        return

    def seen(frame: types.FrameType, event: str, _: Any) -> None:
        if event == "call" and (
            frame.f_code in _FROM_SYSTEM
            or (frame.f_code is _SEED and frame.f_locals.get("a") is None)
        ):
            # RandomState(seed) cannot be told from RandomState(): both ask.
            found.append(
                "a generator without a seed, made in the function (or an np.random.RandomState, "
                "which asks the system for one in any case; np.random.default_rng(seed) does not),"
            )

    sys.setprofile(seen)
    try:
        yield
    finally:
        sys.setprofile(None)
