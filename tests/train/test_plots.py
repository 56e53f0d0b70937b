"""Plots: labelled axes, a title, every curve in the legend."""

import io

import pytest
from matplotlib.figure import Figure
from PIL import Image

from wengert.train.plots import plot

RECORDS = [
    {"event": "train", "step": 5, "epoch": 0.5, "loss": 2.0, "accuracy": 0.3},
    {"event": "train", "step": 10, "epoch": 1.0, "loss": 1.0, "accuracy": 0.6},
    {
        "event": "epoch",
        "step": 10,
        "epoch": 1,
        "train_loss": 1.5,
        "train_accuracy": 0.45,
        "validation_loss": 1.2,
        "validation_accuracy": 0.5,
    },
    {"event": "test", "step": 10, "epoch": 1, "test_loss": 1.1, "test_accuracy": 0.55},
]


@pytest.fixture
def figures(monkeypatch):
    """The figures that are drawn."""
    drawn = []
    save = Figure.savefig

    def savefig(figure, *args, **kwargs):
        drawn.append(figure)
        return save(figure, *args, **kwargs)

    monkeypatch.setattr(Figure, "savefig", savefig)
    return drawn


@pytest.mark.parametrize(
    ("quantity", "label", "test"),
    [("loss", "cross entropy (nats)", "test: 1.100"), ("accuracy", "accuracy (%)", "test: 55.0 %")],
)
def test_labels(figures, quantity, label, test):
    picture = plot(RECORDS, quantity, f"digits, linear: {quantity}")
    axes = figures[0].axes[0]
    assert axes.get_title() == f"digits, linear: {quantity}"
    assert axes.get_xlabel() == "epoch"
    assert axes.get_ylabel() == label
    assert axes.get_legend_handles_labels()[1] == [
        "training, within the epoch",
        "training, mean over the epoch",
        "validation, after the epoch",
        test,
    ]
    assert Image.open(io.BytesIO(picture)).size == (840, 540)


def test_values(figures):
    plot(RECORDS, "accuracy", "")
    lines = figures[0].axes[0].get_lines()
    assert lines[0].get_xydata().tolist() == [[0.5, 30], [1, 60]]
    assert lines[1].get_xydata().tolist() == [[1, 45]]
    assert lines[2].get_xydata().tolist() == [[1, 50]]
    assert lines[3].get_xydata().tolist() == [[1, pytest.approx(55)]]


def test_a_run_that_was_interrupted_at_once(figures):
    plot([], "loss", "nothing yet")
    assert figures[0].axes[0].get_lines()[:] == []


def test_a_run_without_validation(figures):
    record = {"event": "epoch", "epoch": 1, "train_loss": 1.0, "train_accuracy": 0.1}
    plot([record], "loss", "")
    labels = figures[0].axes[0].get_legend_handles_labels()[1]
    assert labels == ["training, mean over the epoch"]
