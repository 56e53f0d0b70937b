"""Comparison of analytic with numerical derivatives, entry by entry."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from wengert.testing.report import Comparison, GradientReport

__all__ = ["Comparer"]

Array: TypeAlias = npt.NDArray[Any]

# Below this many uncertainties a derivative is taken to be zero, so that rounding noise sets no
# scale.
_SIGNAL = 10.0


class Comparer:
    """Compares analytic with numeric values and files the result in the report."""

    def __init__(self, report: GradientReport, label: str) -> None:
        self.report = report
        self.label = label

    def problem(self, text: str) -> None:
        """File what is wrong beside the values."""
        self.report.problems.append(f"{self.label}: {text}")

    def same_kind(self, what: str, found: Any, expected: Any) -> bool:
        """File a problem unless ``found`` has the shape and the dtype of ``expected``."""
        found, expected = np.asarray(found), np.asarray(expected)
        if found.shape == expected.shape and found.dtype == expected.dtype:
            return True
        self.problem(
            f"{what} has shape {found.shape} and dtype {found.dtype}; "
            f"expected shape {expected.shape} and dtype {expected.dtype}"
        )
        return False

    def same_value(self, found: Sequence[Any], expected: Sequence[Any], names: list[str]) -> None:
        """File a problem where a transform changes the value of the function."""
        for name, left, right in zip(names, found, expected):
            rtol = self.report.rtol
            if not np.allclose(left, right, rtol=rtol, atol=self.report.atol, equal_nan=True):
                worst = np.nanmax(np.abs(np.asarray(left) - np.asarray(right)))
                self.problem(f"the value of {name} differs from the function's own by {worst:.1e}")

    def compare(
        self,
        analytic: Array,
        numeric: Array,
        uncertainty: Array,
        magnitude: float,
        where: Callable[[int], tuple[str, tuple[int, ...], str]],
    ) -> None:
        """Compare flat arrays of derivatives that share one scale.

        ``magnitude`` is the size of the function values, which sets the scale when all derivatives
        are zero; ``where(position)`` names the argument, its index and the output.
        """
        report = self.report
        with np.errstate(all="ignore"):
            signal = np.abs(numeric)[np.abs(numeric) > _SIGNAL * uncertainty]
            scale = float(signal.max()) if signal.size else max(1.0, magnitude)
            tolerance = report.rtol * np.abs(numeric) + report.atol * scale
            difference = np.abs(analytic - numeric)
            resolved = np.isfinite(numeric) & (
                uncertainty <= np.maximum(tolerance, scale / _SIGNAL)
            )
            wrong = resolved & ~(difference <= tolerance + uncertainty)
            agrees = resolved & (difference <= tolerance) & (uncertainty <= tolerance)
            ratio = difference / tolerance
        report.compared += analytic.size

        def entry(position: int) -> Comparison:
            argument, index, output = where(position)
            return Comparison(
                self.label,
                argument,
                index,
                output,
                analytic[position].item(),
                numeric[position].item(),
                float(uncertainty[position]),
                float(tolerance[position]),
            )

        report.mismatches += [entry(position) for position in np.flatnonzero(wrong).tolist()]
        undecided = np.flatnonzero(~wrong & ~agrees).tolist()
        report.inconclusive += [entry(position) for position in undecided]
        if agrees.any():
            report.worst.append(entry(int(np.argmax(np.where(agrees, ratio, -1.0)))))
