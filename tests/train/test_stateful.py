"""Training of models with buffers and random layers: steps, validation, files, resuming."""

import numpy as np
import pytest

import wengert as wg
from wengert import nn, random, tree
from wengert.optim import SGD, AdamW, CosineDecay, Warmup
from wengert.train import (
    Data,
    Examples,
    Run,
    Settings,
    evaluate,
    fit,
    load_model,
    load_parameters,
    train_dataset,
)
from wengert.train.examples import epoch_order
from wengert.train.loop import _describe
from wengert.train.progress import Reporter


def examples(count, seed=0):
    x = np.random.default_rng(seed).normal(size=(count, 2)).astype(np.float32)
    return Examples(x, (x[:, 0] + x[:, 1] > 0).astype(np.int64))


DATA = Data(examples(100), examples(30, 1), examples(40, 2))


def network(dropout=0.3):
    rng = np.random.default_rng(3)
    return nn.mlp([2, 8, 6, 2], rng=rng, batch_norm=True, dropout=dropout)


def train(**changes):
    options = {"optimizer": SGD(0.2, 0.9, weight_decay=0.01), "epochs": 3, "batch": 16, "seed": 5}
    return fit(network(), DATA, **{**options, **changes})


def assert_equal(a, b):
    for x, y in zip(tree.leaves(a), tree.leaves(b), strict=True):
        np.testing.assert_array_equal(x, y)


def test_agrees_with_a_loop_written_out():
    """With the public interface, as the documentation shows it."""

    def objective(parameters, buffers, x, y, key):
        logits, model = nn.combine(parameters, buffers).training_call(x, key=key)
        return nn.cross_entropy(logits, y), nn.partition(model)[1]

    found = train(epochs=2, jit=False)
    optimizer = SGD(0.2, 0.9, weight_decay=0.01)
    parameters, buffers = nn.partition(network())
    state, step = optimizer.init(parameters), 0
    key = random.fold_in(random.key(5), 0)
    for epoch in range(2):
        order = epoch_order(5, epoch, 100)
        for start in range(0, 100, 16):
            rows = order[start : start + 16]
            gradient, buffers = wg.grad_and_aux(objective)(
                parameters, buffers, DATA.train.x[rows], DATA.train.y[rows],
                random.fold_in(key, step),
            )  # fmt: skip
            parameters, state = optimizer.update(parameters, gradient, state)
            step += 1
    assert_equal(found.model, nn.combine(parameters, buffers))


def test_learns_and_measures_in_evaluation_mode():
    result = train(epochs=15)
    assert result.test_accuracy > 0.9
    last = [r for r in result.records if r["event"] == "epoch"][-1]
    validation = evaluate(result.model, DATA.validation)
    assert last["validation_loss"] == validation.mean_loss
    assert np.any(result.model.layers[1].mean != 0)
    # What is measured does not depend on how the examples are divided.
    assert evaluate(result.model, DATA.test, batch=7).mean_loss == pytest.approx(result.test_loss)


def test_buffers_change_by_training_alone():
    """Weight decay and momentum, which move every parameter, do not reach them."""
    result = train(epochs=1, optimizer=SGD(0.0, 0.9, weight_decay=10.0), jit=False)
    assert_equal(result.model.layers[0], network().layers[0])
    expected, step = network(), 0
    key = random.fold_in(random.key(5), 0)
    order = epoch_order(5, 0, 100)
    for start in range(0, 100, 16):
        _, expected = expected.training_call(
            DATA.train.x[order[start : start + 16]], key=random.fold_in(key, step)
        )
        step += 1
    assert_equal(nn.partition(result.model)[1], nn.partition(expected)[1])


def test_the_seed_decides_the_dropout():
    a, b = train(), train()
    assert a.records == b.records
    assert_equal(a.model, b.model)
    wet, dry = (fit(network(d), DATA, optimizer=SGD(0.2), epochs=1, batch=16) for d in (0.3, 0.0))
    assert wet.records != dry.records


@pytest.mark.parametrize("stop", [1, 7, 8, 20])
def test_resume_after_any_step(tmp_path, stop):
    optimizer = AdamW(Warmup(CosineDecay(0.05, 18), 3))
    whole = train(run=Run(tmp_path / "a"), checkpoint_every=4, optimizer=optimizer)

    class Interrupting(Reporter):
        def step(self, step, epoch, sums):
            if step > stop:  # done, and not saved
                raise KeyboardInterrupt

    directory = tmp_path / "b"
    options = {"optimizer": optimizer, "checkpoint_every": 1}
    with pytest.raises(KeyboardInterrupt):
        train(run=Run(directory), reporter=Interrupting(quiet=True), **options)
    resumed = train(run=Run(directory, resume=True), **options)
    assert_equal(resumed.model, whole.model)
    assert resumed.records == whole.records
    for name in ("model.safetensors", "metrics.jsonl", "checkpoint.safetensors"):
        assert (directory / name).read_bytes() == (tmp_path / "a" / name).read_bytes()


def test_buffers_are_in_the_files(tmp_path):
    result = train(run=Run(tmp_path))
    loaded = load_parameters(tmp_path / "model.safetensors", network())
    assert_equal(loaded, result.model)
    np.testing.assert_array_equal(loaded(DATA.test.x), result.model(DATA.test.x))
    larger = nn.Sequential(*network().layers, nn.BatchNorm(2))
    with pytest.raises(wg.DataError, match="model.safetensors: has no array layers.9.weight"):
        load_parameters(tmp_path / "model.safetensors", larger)


def test_named_models(tmp_path):
    settings = Settings(
        "digits",
        hidden=(32,),
        batch_norm=True,
        dropout=0.2,
        optimizer="adamw",
        lr=0.01,
        schedule="cosine",
        warmup=1,
        weight_decay=0.1,
        epochs=6,
    )
    result = train_dataset(settings, tmp_path)
    assert result.test_accuracy > 0.9
    model, description = load_model(tmp_path / "model.safetensors")
    assert repr(model) == (
        "Sequential(Linear(64, 32, bias=False), BatchNorm(32), tanh, Dropout(0.2), Linear(32, 10))"
    )
    assert description["architecture"]["batch_norm"] is True
    assert_equal(model, result.model)
    assert Settings.of_run(tmp_path) == settings


def test_a_last_batch_that_is_too_small_is_found_at_the_start():
    message = (
        r"the last batch of an epoch has 1 of 100 examples, with which the model cannot be trained "
        r"\(BatchNorm: .*\); choose another batch size than 11"
    )
    with pytest.raises(wg.ShapeError, match=message):
        train(batch=11)
    assert train(batch=14, epochs=1).test_accuracy is not None  # two examples are left


def test_nested_settings_are_described():
    assert _describe((0.1, (2, 3))) == "(0.1, (2, 3))"
    assert _describe(Warmup(CosineDecay(0.1, 5), 2)) == (
        "Warmup(lr=CosineDecay(lr=0.1, steps=5, final=0.0), steps=2)"
    )
