"""Native calls with leaves, where the containers that they came in are known otherwise."""

from __future__ import annotations

from typing import Any

from .native import NativeCallable, NativeEntry, use_native_calls

__all__ = ["MOST_NATIVE", "Leaves", "is_worth_trying"]

MOST_NATIVE = 4  # entries for one signature


def is_worth_trying(calls: int) -> bool:
    """Whether another native entry should be made, after so many calls through Python.

    Other objects with the same meaning (equal strings as static arguments, arrays in another
    layout) pass other guards. If they are new ones each time, less and less is tried.
    """
    return calls > 1 and (calls <= 1 + MOST_NATIVE or calls & (calls - 1) == 0)


class Leaves(NativeCallable):
    """Native entries that are called with leaves alone.

    A call gives the results, or this object itself where no entry is for these leaves.
    """

    def __init__(self) -> None:
        self._natives: list[NativeEntry] = []

    def __call__(self, *leaves: Any) -> Any:
        """The results, or this object itself."""
        return self

    def _call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return self

    def add(self, entry: NativeEntry, alike: list[NativeEntry]) -> None:
        """Let calls that pass the guards of this entry run it: see `add_entry`."""
        use_native_calls(Leaves)
        self.add_entry(entry, alike, MOST_NATIVE)
