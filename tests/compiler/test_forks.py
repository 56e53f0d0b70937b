"""A process that forks while another thread compiles."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytest.importorskip("llvmlite")

_SCRIPT = """
import os, signal, threading, time, warnings
import numpy as np
import wengert as wg
warnings.simplefilter("ignore", DeprecationWarning)
x = np.random.default_rng(0).normal(size=(20, 20))

def fresh(k):
    return wg.jit(lambda x: np.tanh(x @ x * k) + np.exp(x - k))

def work():
    k = 0.0
    while not stop:
        k += 1
        fresh(k)(x)

stop = False
fresh(0.5)(x)  # modules that a thread imports are another matter
thread = threading.Thread(target=work)
thread.start()
codes = []
for i in range(6):
    time.sleep(0.05)
    pid = os.fork()
    if pid == 0:
        signal.alarm(30)
        k = -1.0 - i
        os._exit(0 if np.allclose(fresh(k)(x), np.tanh(x @ x * k) + np.exp(x - k)) else 1)
    codes.append(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
stop = True
thread.join()
print(codes)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_children_can_compile() -> None:
    """Regression: they waited for locks that the thread held, which they do not have."""
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT], capture_output=True, text=True, timeout=240, check=False,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "WENGERT_CACHE": "off"},
    )  # fmt: skip
    assert done.stdout.strip() == "[0, 0, 0, 0, 0, 0]", done.stderr
