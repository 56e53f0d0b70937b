"""The arguments that options of `jit` name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..core.errors import WengertTypeError, WengertValueError
from ..transforms.boundary import name_of

__all__ = ["check_positions", "names_of", "positions_of"]

Function = Callable[..., Any]


def positions_of(what: str, given: int | Sequence[int]) -> tuple[int, ...]:
    """The numbers of arguments that the option ``what`` gives."""
    try:
        numbers: Any = (given,) if isinstance(given, (int, np.integer)) else tuple(given)
    except TypeError:
        numbers = (None,)
    if not all(isinstance(i, (int, np.integer)) and not isinstance(i, bool) for i in numbers):
        raise WengertTypeError(
            f"jit: {what} must be an integer or a sequence of integers, not {given!r}"
        )
    if len(set(numbers)) != len(numbers):
        raise WengertValueError(f"jit: {what}={given!r} names an argument twice")
    return tuple(map(int, numbers))


def names_of(given: str | Sequence[str]) -> tuple[str, ...]:
    """The names of static arguments."""
    try:
        names: Any = (given,) if isinstance(given, str) else tuple(given)
    except TypeError:
        names = (None,)
    if not all(isinstance(k, str) for k in names):
        raise WengertTypeError(
            f"jit: static_argnames must be a string or a sequence of strings, not {given!r}"
        )
    return names  # type: ignore[no-any-return]


def check_positions(
    f: Function, static: tuple[int, ...], names: tuple[str, ...], donated: tuple[int, ...]
) -> None:
    """Refuse numbers and names of arguments that the function does not have."""
    if any(k < 0 for k in donated):
        raise WengertValueError(
            f"jit of {name_of(f)}: donate_argnums={donated!r} has a negative number; count from 0"
        )
    try:
        parameters = inspect.signature(f).parameters.values()
    except (TypeError, ValueError):  # a function of C code
        return
    kinds = {p.kind for p in parameters}
    positional = [
        p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
    ]
    count = len(positional)
    if inspect.Parameter.VAR_POSITIONAL not in kinds:
        for what, numbers in (("static_argnums", static), ("donate_argnums", donated)):
            for k in numbers:
                if not -count <= k < count:
                    raise WengertValueError(
                        f"jit of {name_of(f)}: {what} has {k}, but the function takes {count} "
                        f"argument{'' if count == 1 else 's'} by position"
                    )
    known = {p.name for p in parameters}
    for name in names:
        if name not in known and inspect.Parameter.VAR_KEYWORD not in kinds:
            raise WengertValueError(
                f"jit of {name_of(f)}: static_argnames has {name!r}, but the function has no "
                f"argument {name!r}; it has {', '.join(known) or 'none'}"
            )
        if name in positional and positional.index(name) in donated:
            raise WengertValueError(f"jit: argument {name!r} is both static and donated")
