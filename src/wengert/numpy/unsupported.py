"""Why a function of NumPy has no rule here; part of the error that a call on a Tensor raises."""

from __future__ import annotations

__all__ = ["REASONS"]

_DATES = "it works on dates and calendars"

REASONS: dict[str, str] = {
    "busday_count": _DATES,
    "busday_offset": _DATES,
    "datetime_as_string": _DATES,
    "is_busday": _DATES,
    "isnat": _DATES,
    "as_strided": "it reads memory as it likes; use slices, or sliding_window_view",
}
"""By the name of the function, without ``np.``."""
