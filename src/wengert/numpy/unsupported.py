"""Why a function of NumPy has no rule here; part of the error that a call on a Tensor raises."""

from __future__ import annotations

__all__ = ["REASONS"]

_DATES = "it works on dates and calendars"
_POLYNOMIAL = (
    "polynomials are not among the rules yet; evaluate them with Horner's scheme or a Vandermonde "
    "matrix"
)
_SETS = "it works on sets; sort the values and compare neighbours"

REASONS: dict[str, str] = {
    "busday_count": _DATES,
    "busday_offset": _DATES,
    "datetime_as_string": _DATES,
    "is_busday": _DATES,
    "isnat": _DATES,
    "convolve": "convolutions are not among the rules yet; use sliding_window_view and a product",
    "correlate": "convolutions are not among the rules yet; use sliding_window_view and a product",
    "corrcoef": "it is not among the rules yet; it is a product of centred and scaled rows",
    "cov": "it is not among the rules yet; it is a product of centred rows",
    "poly": _POLYNOMIAL,
    "polyadd": _POLYNOMIAL,
    "polyder": _POLYNOMIAL,
    "polydiv": _POLYNOMIAL,
    "polyfit": _POLYNOMIAL,
    "polyint": _POLYNOMIAL,
    "polymul": _POLYNOMIAL,
    "polysub": _POLYNOMIAL,
    "polyval": _POLYNOMIAL,
    "roots": _POLYNOMIAL,
    "intersect1d": _SETS,
    "setdiff1d": _SETS,
    "setxor1d": _SETS,
    "sort_complex": "complex numbers have no order; sort by np.real or np.abs with argsort",
    "as_strided": "it reads memory as it likes; use slices, or sliding_window_view",
}
"""By the name of the function, without ``np.``."""
