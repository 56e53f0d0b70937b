"""Peak memory of a step beyond the data, in a process of its own.

python -m benchmarks.memory linear              # prints bytes
python -m benchmarks.memory linear --variant 7

What a step holds beside its arguments is memory that the interpreter, NumPy and the arena of the
compiler ask the system for, so only the system can tell: the highest resident size while the
first steps run, above that before. So that this is neither the compiler's nor a library's size,
machine code comes from a cache on disk that another process has filled, and a small function has
run before: libraries are loaded, and threads have their stacks. Linux only.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

__all__ = ["main", "peak_beyond_data"]

_STATUS = Path("/proc/self/status")
_RESET = Path("/proc/self/clear_refs")
_STEPS = 3


def peak_beyond_data(key: str, variant: int | None = None) -> int | None:
    """The bytes that compiled steps of a program need beyond its data; None where nobody can tell.

    Parameters
    ----------
    key : str
        Of `benchmarks.programs`.
    variant : int, optional
        The seed of other sizes.
    """
    if not _RESET.exists():
        return None
    command = [sys.executable, "-m", "benchmarks.memory", key]
    command += [] if variant is None else ["--variant", str(variant)]
    with tempfile.TemporaryDirectory() as cache:
        for _ in range(2):  # the first compiles
            run = subprocess.run(
                command, capture_output=True, text=True, env={**os.environ, "WENGERT_CACHE": cache}
            )
            if run.returncode:
                raise RuntimeError(f"benchmarks.memory {key} failed: {run.stderr[-400:]}")
    return int(run.stdout)


def _resident(what: str) -> int:
    """VmRSS or VmHWM, in bytes."""
    for line in _STATUS.read_text().splitlines():
        if line.startswith(what):
            return 1024 * int(line.split()[1])
    raise OSError(f"{_STATUS} has no {what}")


def _measured(key: str, variant: int | None) -> int:
    import wengert as wg
    from benchmarks.backends import BACKENDS
    from benchmarks.programs import programs, variants

    program = (programs() if variant is None else variants(variant))[key]
    step = program.make(BACKENDS["wengert"][0]())
    small = wg.jit(wg.value_and_grad(lambda x: np.sum(np.tanh(x) @ x.T)))
    small(np.ones((300, 300), np.float32))
    ctypes.CDLL(None).malloc_trim(0)  # or the step would be given what is free already
    _RESET.write_text("5")  # the highest resident size begins anew
    before = _resident("VmRSS")
    for _ in range(_STEPS):
        step()
    return max(_resident("VmHWM") - before, 0)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("key", help="a program of benchmarks.programs")
    parser.add_argument("--variant", type=int, metavar="SEED", help="draw other sizes")
    arguments = parser.parse_args(argv)
    print(_measured(arguments.key, arguments.variant))
    return 0


if __name__ == "__main__":
    sys.exit(main())
