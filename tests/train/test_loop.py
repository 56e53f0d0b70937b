"""The loop: what it computes, records and refuses."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import wengert as wg
from wengert import nn, tree
from wengert.optim import SGD, Adam, StepDecay
from wengert.train import (
    Data,
    DivergenceError,
    Examples,
    Run,
    TrainingInterrupted,
    evaluate,
    fit,
    load_parameters,
)
from wengert.train.examples import epoch_order
from wengert.train.interrupt import deferred_interrupt
from wengert.train.loop import _describe
from wengert.train.progress import Reporter


def examples(count, seed=0):
    """Points in the plane, labelled by the side of a line."""
    x = np.random.default_rng(seed).normal(size=(count, 2)).astype(np.float32)
    return Examples(x, (x[:, 0] + x[:, 1] > 0).astype(np.int64))


DATA = Data(examples(100), examples(30, 1), examples(40, 2))


def network():
    return nn.mlp([2, 4, 2], rng=np.random.default_rng(3))


def train(data=DATA, **changes):
    options = {"optimizer": SGD(0.5), "epochs": 4, "batch": 16, "seed": 5}
    return fit(network(), data, **{**options, **changes})


def assert_equal(a, b):
    for x, y in zip(tree.leaves(a), tree.leaves(b), strict=True):
        np.testing.assert_array_equal(x, y)


def test_agrees_with_a_loop_written_out():
    found = train(epochs=2)
    model = network()
    for epoch in range(2):
        order = epoch_order(5, epoch, 100)
        for start in range(0, 100, 16):
            rows = order[start : start + 16]
            gradient = wg.grad(lambda m, r: nn.cross_entropy(m(DATA.train.x[r]), DATA.train.y[r]))(
                model, rows
            )
            model = tree.map(lambda p, g: p - np.float32(0.5) * g, model, gradient)
    for a, b in zip(tree.leaves(found.model), tree.leaves(model), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
        assert a.dtype == np.float32


def test_learns():
    result = train(epochs=20)
    assert result.test_accuracy > 0.9
    assert result.test_loss < 0.3
    assert result.seconds > 0


def test_records():
    result = train()
    epochs = [record for record in result.records if record["event"] == "epoch"]
    assert [record["epoch"] for record in epochs] == [1, 2, 3, 4]
    assert [record["step"] for record in epochs] == [7, 14, 21, 28]
    assert epochs[-1]["train_loss"] < epochs[0]["train_loss"]
    last = result.records[-1]
    assert last["event"] == "test"
    sums = evaluate(result.model, DATA.test)
    assert last["test_loss"] == sums.mean_loss
    assert last["test_accuracy"] == sums.accuracy == result.test_accuracy


def test_the_mean_loss_of_an_epoch_weighs_examples_equally():
    result = train(optimizer=SGD(0.0), epochs=1, batch=64)
    sums = evaluate(network(), DATA.train)
    record = result.records[0]
    assert record["train_loss"] == pytest.approx(sums.mean_loss, rel=1e-6)
    assert record["train_accuracy"] == pytest.approx(sums.accuracy)


def test_records_within_an_epoch():
    data = Data(examples(3000))
    result = train(data, optimizer=SGD(0.0), epochs=2, batch=100)
    steps = [record for record in result.records if record["event"] == "train"]
    # Means over six batches of 100: at least 512 examples each.
    assert [record["step"] for record in steps] == [6, 12, 18, 24, 30, 36, 42, 48, 54, 60]
    assert [record["epoch"] for record in steps[:2]] == [0.2, 0.4]
    mean = np.mean([record["loss"] for record in steps[:5]])
    assert mean == pytest.approx(evaluate(network(), data.train).mean_loss, rel=1e-6)


def test_without_validation_and_test_data():
    result = train(Data(DATA.train), epochs=1)
    assert result.test_accuracy is None
    assert result.test_loss is None
    assert "validation_loss" not in result.records[-1]


def test_order_of_the_examples():
    order = epoch_order(0, 3, 50)
    assert sorted(order) == list(range(50))
    np.testing.assert_array_equal(order, epoch_order(0, 3, 50))
    assert order.tolist() != epoch_order(0, 4, 50).tolist()
    assert order.tolist() != epoch_order(1, 3, 50).tolist()


def test_equal_seeds_give_equal_results():
    assert_equal(train().model, train().model)
    assert train().records == train().records
    assert train().records != train(seed=6).records


def test_evaluate_in_pieces():
    whole, pieces = evaluate(network(), DATA.test), evaluate(network(), DATA.test, batch=7)
    assert pieces.accuracy == whole.accuracy
    assert pieces.mean_loss == pytest.approx(whole.mean_loss, rel=1e-6)


@pytest.mark.parametrize("optimizer", [SGD(0.3), SGD(StepDecay(0.3, 0.5, 9), 0.9), Adam(0.01)])
def test_resume_after_each_epoch(tmp_path, optimizer):
    whole = train(optimizer=optimizer, run=Run(tmp_path / "whole"))
    for epochs in range(1, 5):
        run = Run(tmp_path / "parts", resume=epochs > 1)
        parts = train(optimizer=optimizer, epochs=epochs, run=run)
    assert_equal(parts.model, whole.model)
    assert parts.records == whole.records
    for name in ("model.safetensors", "metrics.jsonl", "checkpoint.safetensors"):
        assert (tmp_path / "parts" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_resume_a_finished_run(tmp_path):
    first = train(run=Run(tmp_path))
    again = train(run=Run(tmp_path, resume=True))
    assert again.records == first.records


def test_fewer_epochs_than_done(tmp_path):
    train(run=Run(tmp_path))
    with pytest.raises(wg.ConfigError, match="has come to epoch 4 already, beyond epochs = 3"):
        train(run=Run(tmp_path, resume=True), epochs=3)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"batch": 8}, r"batch 16 \(now 8\)"),
        ({"seed": 1}, r"seed 5 \(now 1\)"),
        ({"optimizer": SGD(0.4)}, r"optimizer SGD\(lr=0.5"),
        ({"data": Data(examples(99))}, r"training examples 100 \(now 99\)"),
    ],
)
def test_resume_with_other_settings(tmp_path, changes, message):
    train(run=Run(tmp_path))
    with pytest.raises(wg.ConfigError, match=f"was made with other settings: {message}"):
        train(run=Run(tmp_path, resume=True), **changes)


class InterruptAfter(SGD):
    """Presses Ctrl-C during a given update."""

    def update(self, params, grads, state):
        if state.step == 10:
            os.kill(os.getpid(), signal.SIGINT)
        return super().update(params, grads, state)


class InterruptingReporter(Reporter):
    """Presses Ctrl-C after a given step of this process."""

    steps = 0

    def step(self, step, epoch, sums):
        self.steps += 1
        if self.steps == 10:
            os.kill(os.getpid(), signal.SIGINT)


@pytest.fixture
def _ctrl_c_raises():
    """Where the tests run in the background of a shell, Ctrl-C is ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_ctrl_c_raises")
def test_a_program_that_handles_ctrl_c_itself_is_left_alone(tmp_path):
    pressed = []
    signal.signal(signal.SIGINT, lambda *_: pressed.append(1))
    train(optimizer=InterruptAfter(0.5))
    assert pressed == [1]


@pytest.mark.usefixtures("_ctrl_c_raises")
def test_a_second_ctrl_c_interrupts_at_once():
    with deferred_interrupt() as flag:
        os.kill(os.getpid(), signal.SIGINT)
        assert flag.is_set
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.usefixtures("_ctrl_c_raises")
def test_training_in_another_thread():
    with ThreadPoolExecutor(1) as pool:
        result = pool.submit(train).result()
    assert_equal(result.model, train().model)


@pytest.mark.usefixtures("_ctrl_c_raises")
@pytest.mark.parametrize("jit", [True, False])
def test_interrupt_leaves_a_usable_run(tmp_path, jit):
    handler = signal.getsignal(signal.SIGINT)
    whole = train(run=Run(tmp_path / "whole"), jit=jit)
    reporter = InterruptingReporter(quiet=True)
    with pytest.raises(TrainingInterrupted):
        train(reporter=reporter, run=Run(tmp_path / "parts"), jit=jit)
    assert signal.getsignal(signal.SIGINT) is handler
    assert sorted(path.name for path in (tmp_path / "parts").iterdir()) == [
        "accuracy.png",
        "checkpoint.safetensors",
        "loss.png",
        "metrics.jsonl",
        "model.safetensors",
        "timing.jsonl",
    ]
    load_parameters(tmp_path / "parts" / "model.safetensors", network())
    # The interrupt came in the second epoch, so the first one is not its end any more.
    with pytest.raises(wg.ConfigError, match="has come to epoch 2 already, beyond epochs = 1"):
        train(run=Run(tmp_path / "parts", resume=True), epochs=1, jit=jit)
    resumed = train(run=Run(tmp_path / "parts", resume=True), jit=jit)
    assert_equal(resumed.model, whole.model)
    assert resumed.records == whole.records


def test_divergence():
    linear = nn.mlp([2, 2], rng=np.random.default_rng(0))
    data = Data(Examples(DATA.train.x * np.float32(1e20), DATA.train.y))
    with pytest.raises(
        DivergenceError,
        match=r"the loss became (nan|inf) in step \d+ \(epoch 1\): lower the learning rate \(--lr",
    ):
        fit(linear, data, optimizer=SGD(1e10), epochs=1, batch=16)


def test_a_loss_that_rises_far_above_that_of_the_untrained_model(tmp_path):
    with pytest.raises(
        DivergenceError,
        match=r"training diverges: the mean loss is .*, and before training it was 0\.\d+ "
        r"\(epoch 1\): lower the learning rate \(--lr, now 1000000\.0; --overwrite",
    ):
        train(optimizer=SGD(1e6), run=Run(tmp_path))
    assert not (tmp_path / "model.safetensors").exists()
    assert not (tmp_path / "metrics.jsonl").exists()


def test_a_resumed_run_compares_with_the_same_loss(tmp_path):
    train(epochs=1, run=Run(tmp_path))
    run = Run(tmp_path, resume=True)
    _, _, progress = run.restore(
        {
            "batch": 16,
            "seed": 5,
            "optimizer": _describe(SGD(0.5)),
            "training examples": 100,
            "compiled": True,
        },
        network(),
        SGD(0.5).init(tree.leaves(network())),
    )
    first = network()(DATA.train.x[epoch_order(5, 0, 100)[:16]])
    expected = nn.cross_entropy(first, DATA.train.y[epoch_order(5, 0, 100)[:16]])
    assert progress.first_loss == pytest.approx(float(expected), rel=1e-5)


def test_a_good_start_may_get_worse():
    """A loss that was next to zero and is ten times that is no divergence."""

    def loss(logits, labels):
        return nn.cross_entropy(logits, labels) * 1e-3

    assert np.isfinite(train(loss=loss, epochs=2, optimizer=SGD(1e4)).test_loss)


def test_parameters_that_overflow_in_the_last_update():
    class Explodes(SGD):
        def update(self, params, grads, state):
            params, state = super().update(params, grads, state)
            return [p * np.float32(np.inf) if state.step == 7 else p for p in params], state

    with pytest.raises(DivergenceError, match=r"the parameters became infinite or NaN \(epoch 1\)"):
        train(optimizer=Explodes(0.1), epochs=1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epochs": 0}, "epochs must be at least 1, got 0"),
        ({"batch": 0}, "batch must be at least 1, got 0"),
        ({"seed": -1}, "seed must be at least 0, got -1"),
        ({"checkpoint_every": 0}, "checkpoint_every must be at least 1, got 0"),
    ],
)
def test_wrong_numbers(changes, message):
    with pytest.raises(wg.ConfigError, match=message):
        train(**changes)


def test_data_that_does_not_fit():
    with pytest.raises(wg.ShapeError, match="train data: 100 inputs and 99 labels"):
        train(Data(Examples(DATA.train.x, DATA.train.y[:99])))
    with pytest.raises(wg.ShapeError, match="validation data: no examples; give some"):
        train(Data(DATA.train, Examples(DATA.train.x[:0], DATA.train.y[:0])))


def test_description_of_an_optimizer_is_the_same_in_every_process():
    assert _describe(SGD(0.1, 0.9)) == "SGD(lr=0.1, momentum=0.9, nesterov=False, weight_decay=0.0)"
    assert "lr=StepDecay(lr=0.1, factor=0.5, every=3)" in _describe(SGD(StepDecay(0.1, 0.5, 3)))
    assert _describe(Adam(examples)).startswith("Adam(lr=examples, b1=0.9")
    assert _describe(object()) == "object"
