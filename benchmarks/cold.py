"""How long the first call of a compiled step takes: from the trace to the result.

python -m benchmarks.cold                   # MLP, moons and convnet steps, 3 processes each
python -m benchmarks.cold --only convnet --repeats 5
python -m benchmarks.cold --json FILE       # also write the figures

Every measurement has a process of its own. There the library is imported and has compiled one
small function before, so neither imports nor its start count. For wengert it is measured without
the cache on disk, and with one that an earlier process has filled. Medians.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import libraries
from benchmarks.backends import BACKENDS
from benchmarks.programs import FAMILIES

__all__ = ["first_call", "main", "measure"]

PROGRAMS = ("mlp", "moons", "convnet")
BOUNDS = {"mlp": 1.0, "convnet": 1.5}  # cold, as a multiple of JAX's
AIMS = {"mlp": 0.5, "convnet": 0.75}
CACHED_BOUND = 0.1  # of the cold compilation
OURS, PEER = "wengert", "jax"


def first_call(library: str, key: str) -> float:
    """Seconds of the first step, in this process."""
    libraries.set_up([library])
    lib = BACKENDS[library][0]()
    x = lib.array(np.ones(3, np.float32))
    lib.finish(lib.compile(lambda x: lib.sum(x * x))(x))
    step = FAMILIES[key]().make(lib)
    start = time.perf_counter()
    step()
    return time.perf_counter() - start


def _in_new_process(library: str, key: str, environment: Mapping[str, str]) -> float:
    command = [sys.executable, "-m", "benchmarks.cold", "--child", library, key]
    done = subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
    return float(done.stdout.split()[-1])


def measure(keys: Sequence[str], repeats: int) -> list[dict[str, Any]]:
    """Seconds of first calls, one entry for each program.

    Returns
    -------
    list of dict
        ``key``, and medians ``cold`` (wengert, nothing on disk), ``cached`` (wengert, from disk)
        and ``jax`` (None where JAX is not installed).
    """
    has_peer = libraries.is_installed(BACKENDS[PEER][1])
    results = []
    for key in keys:
        times: dict[str, list[float]] = {"cold": [], "cached": [], "jax": []}
        with tempfile.TemporaryDirectory() as directory:
            cache = {"WENGERT_CACHE": directory}
            _in_new_process(OURS, key, cache)
            for _ in range(repeats):
                times["cold"].append(_in_new_process(OURS, key, {"WENGERT_CACHE": "off"}))
                times["cached"].append(_in_new_process(OURS, key, cache))
                if has_peer:
                    times["jax"].append(_in_new_process(PEER, key, {}))
        medians = {name: statistics.median(t) if t else None for name, t in times.items()}
        results.append({"key": key, **medians})
    return results


def _line(entry: Mapping[str, Any]) -> str:
    cold, cached, jax = entry["cold"], entry["cached"], entry["jax"]
    text = f"{entry['key']:10}{cold * 1e3:10.0f}{cached * 1e3:10.1f}"
    text += f"{jax * 1e3:10.0f}{cold / jax:10.2f}" if jax else f"{'-':>10}{'-':>10}"
    text += f"{cached / cold:12.2f}"
    bars = []
    if jax and (bound := BOUNDS.get(entry["key"])):
        aim = AIMS[entry["key"]]
        bars.append(f"cold bar {bound:g} x jax, aim {aim:g}: {_verdict(cold <= bound * jax)}")
    met = cached <= CACHED_BOUND * cold
    bars.append(f"cached bar {CACHED_BOUND:g} x cold: {_verdict(met)}")
    return f"{text}  {'; '.join(bars)}"


def _verdict(met: bool) -> str:
    return "met" if met else "MISSED"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cold", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--only", action="append", choices=list(FAMILIES), metavar="NAME")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args(argv)
    if arguments.child:
        print(first_call(*arguments.child))
        return 0
    results = measure(arguments.only or PROGRAMS, arguments.repeats)
    print(f"{'ms':10}{'cold':>10}{'cached':>10}{'jax':>10}{'cold/jax':>10}{'cached/cold':>12}")
    for entry in results:
        print(_line(entry))
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
