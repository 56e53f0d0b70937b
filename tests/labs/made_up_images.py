"""Images for the tests of the lab neuralnet, and a Ctrl-C at a chosen step."""

from __future__ import annotations

import signal
from contextlib import contextmanager

import numpy as np

from labs.neuralnet import data as data_module
from labs.neuralnet.data import Split
from wengert.train.progress import Reporter


def fake_images(count, seed):
    """Ten classes that a linear classifier tells apart: noise, and a bright stripe."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 10, count)
    X = rng.integers(0, 60, (count, 3072), np.uint8)
    for label in range(10):
        X[y == label, 300 * label : 300 * label + 300] += 100
    return Split(X, y)


FAKE = (fake_images(5_300, 1), fake_images(200, 2), tuple("abcdefghij"), "made-up images")


def made_up_splits(monkeypatch):
    """These images in place of the real ones, for as long as ``monkeypatch`` lasts."""
    monkeypatch.setattr(data_module, "_cifar_rows", lambda data_dir: FAKE)
    return data_module.load_splits(num_validation=200)


@contextmanager
def python_handles_ctrl_c():
    """Background jobs of a shell start with SIGINT ignored; what is interrupted must not be."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


class Interrupting(Reporter):
    """Presses Ctrl-C after some steps."""

    def __init__(self, after):
        super().__init__(quiet=True)
        self._after = after

    def step(self, step, epoch, sums):
        if step == self._after:
            signal.raise_signal(signal.SIGINT)
