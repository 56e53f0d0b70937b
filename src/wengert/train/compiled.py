"""Compiling what is called again and again, and going on without where that is impossible."""

from __future__ import annotations

import functools
import importlib.util
import sys
from collections.abc import Callable, Sequence
from typing import Any

import wengert as wg

__all__ = ["Compiled", "can_compile", "compiler", "say_once"]


@functools.cache
def say_once(text: str) -> None:
    """Print a line on standard error, unless it was printed before."""
    print(f"wengert: {text}", file=sys.stderr, flush=True)


def can_compile() -> bool:
    """Whether there is a compiler; if not, that is said once."""
    if importlib.util.find_spec("llvmlite") is not None:
        return True
    say_once("llvmlite is not installed, so everything runs uncompiled (pip install llvmlite)")
    return False


class Compiled:
    """A function that is compiled where that is possible, with the same results up to rounding.

    A function that cannot be recorded on shapes, because it branches on values say, is called as it
    is from then on, and that is said once.

    Parameters
    ----------
    function : callable
    donate_argnums : sequence of int
        See `wengert.jit`: arguments whose arrays may be overwritten.
    """

    def __init__(self, function: Callable[..., Any], donate_argnums: Sequence[int] = ()) -> None:
        self._function = function
        self._run = wg.jit(function, donate_argnums=donate_argnums)
        self._is_known = False

    def __call__(self, *args: Any) -> Any:
        """The function's results."""
        if self._is_known:
            return self._run(*args)
        try:
            # Nothing has been overwritten when recording fails.
            result = self._run(*args)
        except wg.WengertError as error:
            result = self._function(*args)  # if this fails too, its error is the one to see
            reason = " ".join(str(error).split())
            say_once(f"{self._function.__qualname__} runs uncompiled: {reason}")
            self._run = self._function
        self._is_known = True
        return result


def compiler(jit: bool = True) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """`Compiled`, or what leaves functions as they are: without ``jit``, and without llvmlite."""
    return Compiled if jit and can_compile() else _left_as_it_is


def _left_as_it_is(function: Callable[..., Any]) -> Callable[..., Any]:
    return function
