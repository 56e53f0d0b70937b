"""Solve the exercises, compare the answers, and take the times."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from labs.exercises.libraries import Library, installed_peers, wengert
from labs.exercises.problems import EXERCISES, Exercise
from labs.timing import interleaved
from wengert.data.optional import require

__all__ = [
    "EXERCISES",
    "NOTE",
    "Solution",
    "describe",
    "relative_difference",
    "solve",
    "solve_each",
    "table",
]


NOTE = """\
In brackets: multiples of wengert's time in the same round. With so few numbers it is the price of
the calls that is measured. wengert's and JAX's functions are compiled (jit), except the first,
whose loop looks at values; the time of compiling is not counted."""


@dataclass(frozen=True)
class Solution:
    """An exercise, solved.

    Attributes
    ----------
    exercise : Exercise
    answers : dict
        By name, "analytic" first: an array or a tuple of arrays; None if not installed.
    differences : dict
        By name, from the analytic answer (`relative_difference`).
    seconds : dict
        By name, the median time.
    ratios : dict
        By name, the median of the time divided by wengert's in the same round.
    """

    exercise: Exercise
    answers: dict[str, Any]
    differences: dict[str, float]
    seconds: dict[str, float]
    ratios: dict[str, float]


def relative_difference(answer: Any, reference: Any) -> float:
    """The largest difference, relative to the largest entry of the reference.

    Answers in several parts (gradient, Hessian) are compared part by part; the worst counts.

    Raises
    ------
    ValueError
        If the answers differ in shape or in their number of parts.
    """
    if isinstance(reference, tuple):
        return max(relative_difference(a, r) for a, r in zip(answer, reference, strict=True))
    answer, reference = np.asarray(answer), np.asarray(reference)
    if answer.shape != reference.shape:
        raise ValueError(f"the answer has shape {answer.shape}, the reference {reference.shape}")
    return float(np.max(np.abs(answer - reference)) / np.max(np.abs(reference)))


def solve(
    exercise: Exercise,
    others: Mapping[str, Library | None],
    *,
    rounds: int,
    burst: float,
    own: Library = wengert,
) -> Solution:
    """Solve one exercise by hand, with wengert, and with the others that are installed.

    Parameters
    ----------
    exercise : Exercise
    others : mapping
        Libraries by name, None for those that are not installed.
    rounds, burst : int, float
        Everyone takes turns ``rounds`` times, for about ``burst`` seconds each.
    own : Library
        What is called wengert.
    """
    libraries = {"wengert": own, **others}
    compute = {"analytic": exercise.analytic} | {
        name: exercise.automatic(library) for name, library in libraries.items() if library
    }
    answers = {name: _as_numpy(run()) for name, run in compute.items()}
    times = interleaved(compute, rounds=rounds, burst=burst)
    return Solution(
        exercise=exercise,
        answers={name: answers.get(name) for name in ("analytic", *libraries)},
        differences={
            name: relative_difference(answers[name], answers["analytic"])
            for name in compute
            if name != "analytic"
        },
        seconds={name: float(np.median(times[name])) for name in compute},
        ratios={name: float(np.median(times[name] / times["wengert"])) for name in compute},
    )


def solve_each(*, rounds: int, burst: float, own: Library = wengert) -> Iterator[Solution]:
    """Solve the exercises one by one (see `solve`), with all libraries that are installed.

    A progress bar on standard error names the exercise.
    """
    tqdm = require("tqdm", "train", "for the progress bar")
    others = installed_peers()
    with tqdm.tqdm(EXERCISES, unit=" exercises", file=sys.stderr) as bar:
        for exercise in bar:
            bar.set_description(exercise.key)
            yield solve(exercise, others, rounds=rounds, burst=burst, own=own)


def table(solutions: Sequence[Solution]) -> str:
    """The differences of wengert's answers and everyone's times as text.

    In brackets: multiples of wengert's time.
    """
    names = list(solutions[0].answers) if solutions else []
    rows = [["exercise", "difference", *names]]
    for solution in solutions:
        row = [solution.exercise.title, f"{solution.differences['wengert']:.0e}"]
        for name in names:
            if solution.answers[name] is None:
                row.append("not installed")
            elif name == "wengert":
                row.append(_time(solution.seconds[name]))
            else:
                row.append(f"{_time(solution.seconds[name])} ({solution.ratios[name]:.2g} x)")
        rows.append(row)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in rows
    )


def describe(solution: Solution) -> str:
    """One exercise as text: the answers, the difference and the times of everyone."""
    lines = [solution.exercise.title]
    for name in ("analytic", "wengert"):
        answer = solution.answers[name]
        for part in answer if isinstance(answer, tuple) else (answer,):
            text = np.array2string(part, precision=6, suppress_small=True, prefix=" " * 12)
            lines.append(f"  {name:10}{text}")
    for name, answer in solution.answers.items():
        if answer is None:
            lines.append(f"  {name:10}not installed")
            continue
        line = f"  {name:10}{_time(solution.seconds[name]):>8}"
        if name != "wengert":
            line += f", {solution.ratios[name]:.2g} x wengert's time"
        if name != "analytic":
            line += f", difference {solution.differences[name]:.0e}"
        lines.append(line)
    return "\n".join(lines)


def _time(seconds: float) -> str:
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= scale:
            return f"{seconds / scale:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def _as_numpy(answer: Any) -> Any:
    return tuple(map(np.asarray, answer)) if isinstance(answer, tuple) else np.asarray(answer)
