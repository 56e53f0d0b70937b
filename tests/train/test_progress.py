"""The bar on a terminal, the lines elsewhere."""

import io

import pytest

from wengert.train.history import Sums
from wengert.train.progress import Reporter

RECORD = {"step": 10, "epoch": 1, "train_loss": 0.5, "train_accuracy": 0.8}
VALIDATION = {"validation_loss": 0.25, "validation_accuracy": 0.9}


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_lines():
    stream = io.StringIO()
    reporter = Reporter(stream=stream)
    reporter.start(2, 20, 0)
    reporter.step(1, 1, Sums(1.0, 1, 2))
    reporter.epoch(RECORD)
    reporter.epoch({**RECORD, **VALIDATION, "epoch": 2})
    reporter.close()
    assert stream.getvalue() == (
        "epoch 1/2: loss 0.5000, accuracy 80.00 %\n"
        "epoch 2/2: loss 0.5000, accuracy 80.00 %; validation loss 0.2500, accuracy 90.00 %\n"
    )


def test_long_runs_have_few_lines():
    stream = io.StringIO()
    reporter = Reporter(stream=stream)
    reporter.start(35, 35, 0)
    for epoch in range(1, 36):
        reporter.epoch({**RECORD, "epoch": epoch})
    lines = stream.getvalue().splitlines()
    assert len(lines) == 12
    assert lines[0].startswith("epoch  3/35")
    assert lines[-1].startswith("epoch 35/35")


def test_bar():
    stream = Terminal()
    reporter = Reporter(stream=stream)
    reporter.start(2, 20, 4)
    reporter.step(5, 1, Sums(1.0, 1, 2))
    reporter.epoch(RECORD)
    reporter.close()
    text = stream.getvalue()
    assert "4/20" in text
    assert "10/20" in text
    assert "epoch 1/2: " in text
    assert "loss 0.5000, accuracy 50.0 %" in text
    assert "epoch 1/2: loss 0.5000, accuracy 80.00 %\n" in text


@pytest.mark.parametrize("stream", [io.StringIO(), Terminal()])
def test_quiet(stream):
    reporter = Reporter(quiet=True, stream=stream)
    reporter.start(1, 1, 0)
    reporter.step(1, 1, Sums(1.0, 1, 2))
    reporter.epoch(RECORD)
    reporter.close()
    assert stream.getvalue() == ""
