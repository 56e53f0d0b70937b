"""Seven exercises in differentiation: by hand, by wengert and by the libraries beside it."""

from __future__ import annotations

import argparse
import dataclasses
from typing import Any

from labs.exercises import linear_regression, solve
from labs.exercises.libraries import wengert
from labs.exercises.plots import plot_descent, plot_tanh
from labs.pictures import new_figure, save_png
from wengert.train.compiled import compiler

__all__ = ["BOUNDS", "add_arguments", "run"]

BOUNDS = {"largest_difference": "<= 1e-10"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the lab's own flags."""
    parser.add_argument("--answers", action="store_true", help="print the answers themselves too")


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Solve, compare, draw. ``--quick`` takes the times less often."""
    figure = new_figure(11, 4.2)
    left, right = figure.subplots(1, 2)
    plot_tanh(left)
    plot_descent(right)
    save_png(figure, options.out / "exercises.png")

    own = dataclasses.replace(wengert, compile=compiler(getattr(options, "jit", True)))
    comparison = linear_regression.compare(own)
    print(linear_regression.as_text(comparison), end="\n\n")
    (_, w_course, f5_course), _, (_, w_true, f5_true), _ = comparison
    # As text: the digits that the course prints.
    figures: dict[str, Any] = {
        "course_gradient_w": f"{w_course:.5f}",
        "course_gradient_f5": f"{f5_course:.3f}",
        "true_gradient_w": f"{w_true:.5f}",
        "true_gradient_f5": f"{f5_true:.3f}",
    }
    rounds, burst = (3, 0.002) if options.quick else (21, 0.02)
    solutions = []
    try:
        for solution in solve.solve_each(rounds=rounds, burst=burst, own=own):
            solutions.append(solution)
            # In this order stand the times below.
            figures["timed"] = list(solution.answers)
            figures |= _figures(solution)
    except KeyboardInterrupt:
        figures["interrupted"] = f"after {len(solutions)} of {len(solve.EXERCISES)} exercises"
    if getattr(options, "answers", False):
        print(*map(solve.describe, solutions), sep="\n\n", end="\n\n")
    print(solve.table(solutions), end=f"\n\n{solve.NOTE}\n")
    if solutions:
        figures["largest_difference"] = max(s.differences["wengert"] for s in solutions)
    return figures


def _figures(solution: solve.Solution) -> dict[str, Any]:
    key = solution.exercise.key
    return {
        f"{key}_difference": solution.differences["wengert"],
        f"{key}_microseconds": [
            _digits(1e6 * solution.seconds[name]) if name in solution.seconds else "not installed"
            for name in solution.answers
        ],
        f"{key}_time_over_wengerts": [
            _digits(solution.ratios[name]) if name in solution.ratios else "not installed"
            for name in solution.answers
        ],
    }


def _digits(value: float) -> float:
    return float(f"{value:.3g}")
