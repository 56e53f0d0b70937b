"""The convnet benchmark compares steps that do the same."""

import numpy as np
import pytest

from benchmarks import convnet


def setting():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(4, 28, 28, 1)).astype(np.float32)
    return convnet.network(rng), x, rng.integers(0, 10, 4)


def test_the_step_learns() -> None:
    step = convnet.wengert_step(*setting())
    losses = [step() for _ in range(8)]
    assert losses[-1] < losses[0] / 2


@pytest.mark.peers
def test_pytorch_does_the_same_work() -> None:
    pytest.importorskip("torch")
    model, x, labels = setting()
    ours, theirs = convnet.wengert_step(model, x, labels), convnet.torch_step(model, x, labels)
    np.testing.assert_allclose([ours() for _ in range(3)], [theirs() for _ in range(3)], rtol=1e-4)
