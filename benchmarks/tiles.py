"""How near the compiler's choice of tiles is to the fastest: every tile of some products is timed.

    python -m benchmarks.tiles
    python -m benchmarks.tiles 32x256x256 --form nt --dtype float64
    python -m benchmarks.tiles --halves         # chosen by the costs of AMD's Zen 4

One thread. ``nn`` is ``x @ w``, ``nt`` is ``x @ w.T``, ``update`` is ``w - 0.1 * (x.T @ g)``, for x
of M x K, and N columns. The ratio is the time of the choice to the time of the fastest tile, both
of this run. The costs in ``wengert.compiler.codegen.tiles`` were fitted to such times.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

import wengert as wg
from wengert.compiler.codegen import loops, target, tiles

__all__ = ["main"]

FORMS: dict[str, Callable[..., Any]] = {
    "nn": lambda x, w: x @ w,
    "nt": lambda x, w: x @ w.T,
    "update": lambda x, g, w: w - w.dtype.type(0.1) * (x.T @ g),
}


class Case(NamedTuple):
    """A product of M x K and K x N."""

    m: int
    k: int
    n: int
    form: str
    dtype: str = "float32"

    def __str__(self) -> str:
        return f"{self.m}x{self.k}x{self.n} {self.form} {self.dtype}"

    def arguments(self) -> list[np.ndarray]:
        """Operands drawn at random."""
        shapes = {
            "nn": [(self.m, self.k), (self.k, self.n)],
            "nt": [(self.m, self.k), (self.n, self.k)],
            "update": [(self.m, self.k), (self.m, self.n), (self.k, self.n)],
        }[self.form]
        rng = np.random.default_rng(0)
        return [rng.random(shape).astype(self.dtype) for shape in shapes]


CASES = [
    *(Case(32, 256, 256, form) for form in FORMS),
    *(Case(32, 784, 256, form) for form in ("nn", "update")),
    *(Case(128, 3072, 100, form) for form in ("nn", "update")),
    Case(100, 50, 200, "nn"), Case(64, 64, 64, "nn"), Case(128, 128, 128, "nn"),
    *(Case(512, 96, 96, form) for form in FORMS),
    Case(256, 512, 10, "nn"), Case(500, 64, 32, "update"), Case(16, 512, 512, "nt"),
    *(Case(100, 26, 25, form, "float64") for form in FORMS),
    *(Case(64, 200, 150, form, "float64") for form in FORMS),
    Case(37, 111, 53, "update", "float64"), Case(20, 1000, 40, "nn", "float64"),
]  # fmt: skip


@contextlib.contextmanager
def _choosing(choose: Callable[[tiles.Shape], tiles.Layout]) -> Iterator[None]:
    """Let every product have the layout that a function chooses."""
    before = loops.best_layout
    loops.best_layout = choose  # type: ignore[assignment]
    try:
        yield
    finally:
        loops.best_layout = before


def _seconds(case: Case, choose: Callable[[tiles.Shape], tiles.Layout], budget: float) -> float:
    """The least time of a call."""
    with _choosing(choose):
        f = wg.jit(FORMS[case.form], threads=1)
        arguments = case.arguments()
        f(*arguments)
    f(*arguments)
    start = time.perf_counter()
    f(*arguments)
    count = max(1, int(budget / 8 / max(time.perf_counter() - start, 1e-7)))
    best, stop = float("inf"), time.perf_counter() + budget
    while time.perf_counter() < stop:
        start = time.perf_counter()
        for _ in range(count):
            f(*arguments)
        best = min(best, (time.perf_counter() - start) / count)
    return best


def _text(layout: tiles.Layout) -> str:
    return f"{layout.rows} x {layout.columns} {layout.vector} {layout.order}"


def compare(case: Case, budget: float) -> float:
    """Print a line, and return the time of the choice divided by that of the fastest tile."""
    shapes: list[tiles.Shape] = []

    def remember(shape: tiles.Shape) -> tiles.Layout:
        shapes.append(shape)
        return tiles.best_layout(shape)

    _seconds(case, remember, budget)
    if not shapes:
        print(f"{case!s:28}  is left to BLAS")
        return 1.0
    chosen = tiles.best_layout(shapes[-1])
    times = {chosen: _seconds(case, lambda _: chosen, 4 * budget)}
    for layout in tiles.layouts(shapes[-1]):
        if layout != chosen:
            times[layout] = _seconds(case, lambda _, layout=layout: layout, budget)
    fastest = min(times, key=lambda layout: times[layout])
    times[fastest] = min(times[fastest], _seconds(case, lambda _: fastest, 4 * budget))
    ratio = times[chosen] / times[fastest]
    rate = 2 * case.m * case.k * case.n / times[chosen] / 1e9
    print(f"{case!s:28}{rate:8.0f}  {_text(chosen):14}{_text(fastest):14}{ratio:6.2f}", flush=True)
    return ratio


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tiles", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("sizes", metavar="MxKxN", nargs="*", help="instead of the table's products")
    parser.add_argument("--form", choices=list(FORMS), default="nn", help="of these products")
    parser.add_argument("--dtype", choices=["float32", "float64"], default="float32")
    parser.add_argument(
        "--halves", action="store_true", help="choose by the costs of the other kind of processor"
    )
    parser.add_argument("--seconds", type=float, default=0.01, help="for each tile (%(default)s)")
    arguments = parser.parse_args(argv)
    cases = CASES
    if arguments.sizes:
        numbers = [[int(n) for n in re.findall(r"\d+", size)] for size in arguments.sizes]
        for size, found in zip(arguments.sizes, numbers, strict=True):
            if size != "x".join(map(str, found)) or len(found) != 3 or 0 in found:
                parser.error(f"sizes must be three positive numbers like 32x256x256, not {size}")
        cases = [Case(m, k, n, arguments.form, arguments.dtype) for m, k, n in numbers]
    os.environ["WENGERT_CACHE"] = "off"
    if arguments.halves:
        processor = target.host_processor()
        other = replace(processor, halves=not processor.halves)
        target.host_processor = lambda: other  # type: ignore[assignment]
    print(f"{'product':28}{'GF/s':>8}  {'chosen':14}{'fastest':14}{'ratio':>6}")
    ratios = [compare(case, arguments.seconds) for case in cases]
    print(f"geometric mean of the ratios: {statistics.geometric_mean(ratios):.3f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
