"""What a gradient check found: every comparison that failed, and the worst that passed."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

__all__ = ["Comparison", "GradientInconclusive", "GradientMismatch", "GradientReport"]

_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Comparison:
    """One derivative, computed twice.

    Attributes
    ----------
    mode : str
        ``"rev"``, ``"fwd"``, or for higher orders ``"fwd-over-rev"`` and the like.
    argument : str
        The leaf that is differentiated, such as ``args[0]['w']``, or ``random direction 1``.
    index : tuple of int
        Its entry; empty for scalars and for directions.
    output : str
        The output and its entry, or ``random cotangent`` for reverse mode.
    analytic, numeric : complex
        The derivative by `wengert` and by evaluation at nearby points.
    uncertainty : float
        How far ``numeric`` may be off.
    tolerance : float
        The difference that is allowed.
    """

    mode: str
    argument: str
    index: tuple[int, ...]
    output: str
    analytic: complex
    numeric: complex
    uncertainty: float
    tolerance: float

    @property
    def error(self) -> float:
        """The difference of the two values."""
        return abs(self.analytic - self.numeric)

    @property
    def relative_error(self) -> float:
        """The difference relative to the larger value; 0 where both are within the tolerance.

        NaN where one of them is not finite.
        """
        larger = max(abs(self.analytic), abs(self.numeric))
        if not (math.isfinite(self.error) and math.isfinite(larger)):
            return math.nan
        return 0.0 if larger <= max(self.tolerance, 0.0) else self.error / larger

    def __str__(self) -> str:
        where = self.argument + (str(list(self.index)) if self.index else "")
        return (
            f"{self.mode}: {self.output} by {where}: analytic {_number(self.analytic)}, "
            f"numeric {_number(self.numeric)} +- {self.uncertainty:.1e}, "
            f"relative error {self.relative_error:.1e}"
        )


def _number(value: complex) -> str:
    if isinstance(value, complex) and value.imag:
        return f"{value:.10g}"
    return f"{value.real:.10g}"


@dataclass(slots=True)
class GradientReport:
    """The result of `check_grads`.

    Attributes
    ----------
    rtol, atol : float
        The tolerances that were used.
    compared : int
        The number of comparisons.
    mismatches : list of Comparison
        Those that differ by more than the tolerance, the worst first.
    inconclusive : list of Comparison
        Those whose numerical value is less certain than the tolerance.
    worst : list of Comparison
        The comparisons that came nearest to their tolerance, the worst first.
    problems : list of str
        Anything else that is wrong: a gradient of the wrong shape or dtype, a value that a
        transform changes.
    """

    rtol: float
    atol: float
    compared: int = 0
    mismatches: list[Comparison] = field(default_factory=list)
    inconclusive: list[Comparison] = field(default_factory=list)
    worst: list[Comparison] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether every comparison was decided and agrees."""
        return not (self.mismatches or self.inconclusive or self.problems)

    @property
    def max_relative_error(self) -> float:
        """The largest relative error among the comparisons that are kept in ``worst``."""
        errors = [entry.relative_error for entry in self.worst]
        return max((e for e in errors if not math.isnan(e)), default=0.0)

    def sort(self) -> None:
        """Put the worst first."""
        for entries in (self.mismatches, self.inconclusive, self.worst):
            entries.sort(key=_badness, reverse=True)
        del self.worst[_SHOWN:]

    def __str__(self) -> str:
        lines = []
        tolerances = f"rtol {self.rtol:g}, atol {self.atol:g}"
        if self.problems:
            lines += self.problems
        if self.mismatches:
            count = f"{len(self.mismatches)} of {self.compared} derivatives are wrong"
            lines += [f"{count} ({tolerances}):", *_listed(self.mismatches)]
        if self.inconclusive:
            count = f"{len(self.inconclusive)} of {self.compared} comparisons could not be decided"
            lines += [
                f"{count} ({tolerances}): the numerical value is too uncertain "
                "(is the point at a kink?)",
                *_listed(self.inconclusive),
            ]
        if not lines:
            lines = [
                f"derivatives agree: {self.compared} comparisons ({tolerances}), "
                f"largest relative error {self.max_relative_error:.1e}"
            ]
        return "\n".join(lines)


def _badness(entry: Comparison) -> float:
    badness = entry.error / entry.tolerance if entry.tolerance else entry.error
    return math.inf if math.isnan(badness) else badness


def _listed(entries: list[Comparison]) -> list[str]:
    lines = [f"  {entry}" for entry in entries[:_SHOWN]]
    more = len(entries) - _SHOWN
    return [*lines, f"  ... and {more} more"] if more > 0 else lines


class GradientMismatch(AssertionError):
    """A derivative differs from its numerical value by more than the tolerance.

    Attributes
    ----------
    report : GradientReport
        Every comparison that failed.
    """

    def __init__(self, report: GradientReport) -> None:
        super().__init__(f"{report}")
        self.report = report


class GradientInconclusive(AssertionError):
    """Nothing disagrees, but some numerical values are too uncertain to confirm the derivative.

    It happens at a kink, at a tie, or where the function loses most of its digits. Move the sample
    away from such points; a looser tolerance would hide errors.

    Attributes
    ----------
    report : GradientReport
        Every comparison that could not be decided.
    """

    def __init__(self, report: GradientReport) -> None:
        super().__init__(f"{report}")
        self.report = report
