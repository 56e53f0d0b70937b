"""Silencing NumPy's floating-point warnings, cheaply.

Derivative rules evaluate partials at singular points whose contributions a strong zero annihilates;
a backward pass must not warn of them. `np.errstate` costs 0.9 us to enter and leave, more than an
operation on a small array. NumPy keeps the setting in a context variable; where that is found, it
is set directly (0.1 us), otherwise `np.errstate` serves.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

__all__ = ["is_quiet", "quiet", "restore", "silence"]

try:
    from numpy._core.umath import _extobj_contextvar as _setting
    from numpy._core.umath import _make_extobj

    _SILENT: Any = _make_extobj(all="ignore")
    _found = True
except (ImportError, TypeError):  # pragma: no cover - another NumPy
    _found = False


class _Direct:
    __slots__ = ("_token",)

    def __enter__(self) -> None:
        self._token = _setting.set(_SILENT)

    def __exit__(self, *_: object) -> None:
        _setting.reset(self._token)


def _silences() -> bool:
    """Whether setting the variable does what it is meant to do."""
    with np.errstate(all="raise"):
        try:
            with _Direct():
                np.divide(np.ones(1), np.zeros(1))
        except Exception:  # whatever goes wrong, np.errstate is there
            return False
    return True


def _errstate() -> Any:
    return np.errstate(all="ignore")


def _enter_errstate() -> Any:
    block = np.errstate(all="ignore")
    block.__enter__()
    return block


def _leave_errstate(block: Any) -> None:
    block.__exit__(None, None, None)


# ``with quiet():`` evaluates without floating-point warnings. The hot path writes
# ``before = silence()``, ``try:`` and ``finally: restore(before)`` for it.
quiet: Any
silence: Any
restore: Any
if _found and _silences():
    quiet, silence, restore = _Direct, partial(_setting.set, _SILENT), _setting.reset
else:
    quiet, silence, restore = _errstate, _enter_errstate, _leave_errstate


_known: tuple[Any, bool] = (object(), False)


def is_quiet() -> bool:
    """Whether NumPy's floating-point warnings are silenced here, by `quiet` or by the user."""
    global _known
    setting = _setting.get(None) if _found else object()
    before, value = _known
    if setting is before:
        return value
    value = all(handling == "ignore" for handling in np.geterr().values())
    _known = (setting, value)  # the settings do not change, only which is in force
    return value
