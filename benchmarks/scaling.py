"""How time and memory of a compiled training step grow with batch, width and depth.

python -m benchmarks.scaling                # a table for each; writes results/scaling.json
python -m benchmarks.scaling --quick        # small sizes; writes nothing
python -m benchmarks.scaling --write-page   # measures nothing: page and chart from that file

Compilation is measured cold, without the cache on disk. The limit is the nearer of two: the step's
multiplications at the rate of NumPy's products, and reading the batch and the parameters, and
writing these, once each at the rate of memory.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import tracemalloc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

import wengert as wg
from benchmarks import libraries, scaling_report
from benchmarks.limits import Limits, measure_limits

__all__ = ["main", "measure"]

RESULTS = Path(__file__).parent / "results" / "scaling.json"
_BASE = {"batch": 64, "width": 256, "depth": 2}
_SIZES = {
    "batch": (8, 32, 128, 512, 2048, 8192),
    "width": (32, 64, 128, 256, 512, 1024),
    "depth": (1, 2, 4, 8, 16),
}


@contextmanager
def _without_cache() -> Iterator[None]:
    """Nothing is read from the cache on disk, or written there."""
    before = os.environ.get("WENGERT_CACHE")
    os.environ["WENGERT_CACHE"] = "off"
    try:
        yield
    finally:
        if before is None:
            del os.environ["WENGERT_CACHE"]
        else:
            os.environ["WENGERT_CACHE"] = before


@_without_cache()
def measure(batch: int, width: int, depth: int, seconds: float = 0.3) -> dict[str, Any]:
    """One SGD step of a tanh network 784-width-...-10 in float32, compiled with donation.

    Returns
    -------
    dict
        Sizes, ``compile_ms`` (to the first result, nothing from disk), ``microseconds`` (median),
        ``flops`` and ``bytes`` of a step, ``gflops`` a second, ``arena_kb`` (temporaries of the
        compiled code) and ``peak_kb`` (the most that NumPy held at a time during a call).
    """
    rng = np.random.default_rng(0)
    sizes = (784, *[width] * depth, 10)
    p: Any = []
    for n, m in pairwise(sizes):
        p += [rng.normal(0, n**-0.5, (n, m)).astype("f4"), np.zeros(m, "f4")]
    x, y = rng.random((batch, 784), np.float32), rng.integers(0, 10, batch)

    def loss(p: Any, x: Any, y: Any) -> Any:
        for i in range(0, len(p) - 2, 2):
            x = np.tanh(x @ p[i] + p[i + 1])
        z = x @ p[-2] + p[-1]
        z = z - np.max(z, axis=1, keepdims=True)
        return np.mean(np.log(np.sum(np.exp(z), axis=1)) - z[np.arange(len(y)), y])

    def step(p: Any, x: Any, y: Any) -> Any:
        value, g = wg.value_and_grad(loss)(p, x, y)
        return value, [a - 0.01 * b for a, b in zip(p, g, strict=True)]

    run = wg.jit(step, donate_argnums=0)
    start = time.perf_counter()
    _, p = run(p, x, y)
    compiled = time.perf_counter() - start
    times = []
    stop = time.perf_counter() + seconds
    while len(times) < 3 or time.perf_counter() < stop:
        start = time.perf_counter()
        _, p = run(p, x, y)
        times.append(time.perf_counter() - start)
    tracemalloc.start()
    _, p = run(p, x, y)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    flops = 2.0 * batch * (3 * sum(n * m for n, m in pairwise(sizes)) - sizes[0] * sizes[1])
    nbytes = x.nbytes + y.nbytes + 2 * sum(a.nbytes for a in p)
    median = float(np.median(times))
    return {
        "batch": batch,
        "width": width,
        "depth": depth,
        "compile_ms": compiled * 1e3,
        "microseconds": median * 1e6,
        "flops": flops,
        "bytes": nbytes,
        "gflops": flops / median / 1e9,
        "arena_kb": run.lower(p, x, y).cost()["arena"] / 1024,
        "peak_kb": peak / 1024,
    }


def _judge(row: dict[str, Any], limits: Limits) -> None:
    """Add the ``limit`` that is nearer, the time ``at_limit``, and the ``fraction`` reached."""
    row["limit"] = limits.nearer(row["flops"], row["bytes"])
    row["at_limit"] = limits.least_seconds(row["flops"], row["bytes"]) * 1e6
    row["fraction"] = row["at_limit"] / row["microseconds"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scaling", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--quick", action="store_true", help="the two smallest sizes of each")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the results go")
    parser.add_argument("--write-page", action="store_true", help="measure nothing; write the page")
    options = parser.parse_args(argv)
    path = options.json or (None if options.quick else RESULTS)
    if options.write_page:
        path = options.json or RESULTS
        if not path.exists():
            print(f"{path} does not exist; run python -m benchmarks.scaling first", file=sys.stderr)
            return 1
        results = json.loads(path.read_text())
        print(f"wrote {scaling_report.draw(results)}")
        print(f"wrote {scaling_report.write_page(results)}")
        return 0
    libraries.set_up(["wengert"])
    results = {"machine": libraries.machine(["numpy", "wengert"]), "base": _BASE, "rows": []}
    measure(1, 4, 1, seconds=0.0)  # LLVM's start does not count as compilation
    limits = Limits(0.0, 0.0)
    for name, sizes in _SIZES.items():
        # Measured again before each table: what others do on the machine makes them lower.
        now = measure_limits(0.05 if options.quick else 0.5)
        limits = Limits(max(limits.flops, now.flops), max(limits.bandwidth, now.bandwidth))
        for size in sizes[:2] if options.quick else sizes:
            row = measure(**{**_BASE, name: size}, seconds=0.02 if options.quick else 0.3)
            results["rows"].append({"varied": name, **row})
    results["limits"] = vars(limits)
    print(f"limits: {limits.flops / 1e9:.0f} GF/s float32, {limits.bandwidth / 1e9:.1f} GB/s")
    for name in _SIZES:
        print(f"\n{scaling_report.header(name)}")
        for row in results["rows"]:
            if row["varied"] == name:
                _judge(row, limits)
                print(scaling_report.line(name, row))
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(results, indent=1) + "\n")
        print(f"\nwrote {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
