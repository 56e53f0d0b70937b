"""Normalization layers against formulas and against PyTorch's."""

import numpy as np
import pytest

import wengert as wg
from wengert import nn
from wengert.operations import batch_norm
from wengert.testing import check_grads

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("shape", [(6, 4), (3, 5, 2, 4)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_batch_norm_in_training(shape, dtype):
    layer = nn.BatchNorm(4, momentum=0.2, eps=1e-3, dtype=dtype)
    layer = layer.replace(weight=np.arange(1, 5, dtype=dtype), bias=np.full(4, 0.5, dtype))
    x = (RNG.normal(size=shape) * 3 + 1).astype(dtype)
    y, after = layer.training_call(x)
    rows = x.reshape(-1, 4).astype(float)
    mean, variance = rows.mean(axis=0), rows.var(axis=0)
    expected = (rows - mean) / np.sqrt(variance + 1e-3) * [1, 2, 3, 4] + 0.5
    tolerance = 1e-5 if dtype == np.float32 else 1e-12
    np.testing.assert_allclose(y.reshape(-1, 4), expected, atol=tolerance)
    np.testing.assert_allclose(after.mean, 0.2 * mean, rtol=tolerance)
    np.testing.assert_allclose(after.variance, 0.8 + 0.2 * rows.var(axis=0, ddof=1), rtol=1e-5)
    assert y.dtype == after.mean.dtype == after.variance.dtype == dtype
    assert after.weight is layer.weight


def test_batch_norm_in_evaluation():
    mean, variance = np.array([1.0, -2.0]), np.array([4.0, 0.25])
    layer = nn.BatchNorm(2, eps=1e-9, dtype=float).replace(mean=mean, variance=variance)
    x = RNG.normal(size=(5, 2))
    np.testing.assert_allclose(layer(x), (x - mean) / np.sqrt(variance), rtol=1e-8)
    np.testing.assert_allclose(layer(x[:1]), layer(x)[:1])


def test_a_large_mean_costs_no_digits():
    x = (1e4 + RNG.normal(size=(1000, 2))).astype(np.float32)
    y, _ = nn.BatchNorm(2).training_call(x)
    wide = x.astype(float)
    expected = (wide - wide.mean(axis=0)) / np.sqrt(wide.var(axis=0) + 1e-5)
    np.testing.assert_allclose(y, expected, atol=2e-3)
    np.testing.assert_allclose(y.var(axis=0), 1, atol=1e-3)


def test_equal_values():
    """Variance 0: finite values and gradients."""
    x = np.full((4, 2), 3.0)
    y, _ = nn.BatchNorm(2, dtype=float).training_call(x)
    np.testing.assert_array_equal(y, 0)
    gradient = wg.grad(lambda x: np.sum(nn.BatchNorm(2, dtype=float).training_call(x)[0] ** 3))(x)
    np.testing.assert_array_equal(gradient, 0)


def test_nothing_flows_through_the_running_statistics():
    x = RNG.normal(size=(4, 2))

    def loss(x):
        _, after = nn.BatchNorm(2, dtype=float).training_call(x)
        return np.sum(after.mean) + np.sum(after.variance)

    np.testing.assert_array_equal(wg.grad(loss)(x), 0)


def test_batch_norm_of_non_contiguous_inputs():
    x = RNG.normal(size=(4, 3, 2))
    s, b = RNG.normal(size=(2, 2))
    turned = x.transpose(1, 0, 2)
    np.testing.assert_allclose(
        batch_norm(turned, s, b)[0], batch_norm(turned.copy(), s, b)[0], rtol=1e-12
    )
    check_grads(lambda x: batch_norm(x.transpose(1, 0, 2), s, b)[0], (x,), order=2)


@pytest.mark.peers
@pytest.mark.parametrize("shape", [(8, 3), (4, 5, 6, 3)])
def test_batch_norm_is_pytorchs(shape):
    torch = pytest.importorskip("torch")
    x, ct = RNG.normal(size=shape), RNG.normal(size=shape)
    scale, shift = RNG.normal(size=3), RNG.normal(size=3)
    theirs = (torch.nn.BatchNorm1d if len(shape) == 2 else torch.nn.BatchNorm2d)(3).double()
    with torch.no_grad():
        theirs.weight.copy_(torch.tensor(scale))
        theirs.bias.copy_(torch.tensor(shift))
    ours = nn.BatchNorm(3, dtype=float).replace(weight=scale, bias=shift)
    for _ in range(3):
        t = torch.tensor(x, requires_grad=True)
        theirs.zero_grad()
        y = theirs(t.movedim(-1, 1)).movedim(1, -1)
        y.backward(torch.tensor(ct))

        def loss(layer, x):
            y, after = layer.training_call(x)
            return np.sum(y * ct), (y, after)

        (by_layer, by_x), (value, ours) = wg.grad_and_aux(loss, (0, 1))(ours, x)
        np.testing.assert_allclose(value, y.detach().numpy(), rtol=1e-10)
        np.testing.assert_allclose(by_x, t.grad.numpy(), atol=1e-12)
        np.testing.assert_allclose(by_layer.weight, theirs.weight.grad.numpy(), rtol=1e-10)
        np.testing.assert_allclose(by_layer.bias, theirs.bias.grad.numpy(), rtol=1e-10)
        np.testing.assert_allclose(ours.mean, theirs.running_mean.numpy(), rtol=1e-12)
        np.testing.assert_allclose(ours.variance, theirs.running_var.numpy(), rtol=1e-12)
        x = x * 1.5 + 1
    theirs.eval()
    expected = theirs(torch.tensor(x).movedim(-1, 1)).movedim(1, -1)
    np.testing.assert_allclose(ours(x), expected.detach().numpy(), rtol=1e-12)


def test_layer_norm():
    layer = nn.LayerNorm(4, dtype=float).replace(weight=np.arange(1.0, 5), bias=np.ones(4))
    x = RNG.normal(size=(3, 2, 4)) * 5 + 2
    centred = x - x.mean(axis=-1, keepdims=True)
    expected = centred / np.sqrt(x.var(axis=-1, keepdims=True) + 1e-5) * [1, 2, 3, 4] + 1
    np.testing.assert_allclose(layer(x), expected, rtol=1e-12)
    single = nn.LayerNorm(4)
    assert single(x.astype(np.float32)).dtype == np.float32
    assert repr(single) == "LayerNorm(4)"


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: nn.BatchNorm(0), wg.WengertValueError, "BatchNorm: channels must be a positive"),
        (lambda: nn.BatchNorm(2.0), wg.WengertValueError, "BatchNorm: channels must .* got 2.0"),
        (lambda: nn.BatchNorm(2, momentum=2), wg.WengertValueError, "momentum must be from 0 to 1"),
        (lambda: nn.BatchNorm(2, eps=0), wg.WengertValueError, "BatchNorm: eps must be above 0"),
        (lambda: nn.BatchNorm(2, dtype=int), wg.WengertTypeError, "BatchNorm: dtype must be a fl"),
        (lambda: nn.LayerNorm(-1), wg.WengertValueError, "LayerNorm: features must be a positive"),
        (
            lambda: nn.BatchNorm(2)(np.ones((3, 4))),
            wg.ShapeError,
            r"BatchNorm: expected inputs of shape \(..., 2\), got \(3, 4\); channels come last",
        ),
        (
            lambda: nn.BatchNorm(2).training_call(np.ones((3, 4))),
            wg.ShapeError,
            r"BatchNorm: expected inputs of shape \(..., 2\)",
        ),
        (
            lambda: nn.BatchNorm(2).training_call(np.ones((1, 2), np.float32)),
            wg.ShapeError,
            r"BatchNorm: training needs two or more values .* got inputs of shape \(1, 2\); use la",
        ),
        (
            lambda: nn.BatchNorm(2).training_call(np.ones((3, 2))),
            wg.WengertTypeError,
            "batch_norm: scale must be as x float64, got float32",
        ),
        (
            lambda: batch_norm(np.ones((2, 2), int), np.ones(2), np.ones(2)),
            wg.WengertTypeError,
            "batch_norm: x must be real floats, got int64",
        ),
        (
            lambda: batch_norm(np.ones(2), np.ones(2), np.ones(2)),
            wg.ShapeError,
            r"batch_norm: expected x of shape \(..., c\) with two or more axes",
        ),
        (
            lambda: batch_norm(np.ones((0, 2)), np.ones(2), np.ones(2)),
            wg.ShapeError,
            r"none of them empty; got \(0, 2\)",
        ),
        (
            lambda: batch_norm(np.ones((3, 2)), np.ones(2), np.ones(3)),
            wg.ShapeError,
            r"batch_norm: x of shape \(3, 2\) needs shift of shape \(2,\), got \(3,\)",
        ),
    ],
)
def test_bad_arguments(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize("shape", [(16, 8, 8, 96), (70_001, 1), (3, 1, 30_000), (2048, 40)])
def test_many_values(shape):
    """Large arrays are gone through in rows of several values for each channel."""
    x, ct = RNG.normal(size=shape), RNG.normal(size=shape)
    s, b = RNG.normal(size=(2, shape[-1]))
    axes = tuple(range(len(shape) - 1))

    def composed(x, s, b):
        centred = x - np.mean(x, axis=axes)
        variance = np.mean(centred**2, axis=axes)
        return centred * (s / np.sqrt(variance + 1e-5)) + b

    y, pullback = wg.vjp(lambda *xs: batch_norm(*xs)[0], x, s, b)
    expected, expected_pullback = wg.vjp(composed, x, s, b)
    np.testing.assert_allclose(y, expected, atol=1e-11)
    for found, wanted in zip(pullback(ct), expected_pullback(ct), strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-9)
    check_grads(lambda x: batch_norm(x, s, b)[0], (x,), order=2, directions=1, max_entries=0)


def test_the_shift_alone_does_not_see_the_inputs():
    x = np.array([[np.inf, 1.0], [1.0, 2.0]])
    with np.errstate(invalid="ignore"):
        tangent = wg.jvp(
            lambda b: batch_norm(x, np.ones(2), b)[0], (np.zeros(2),), (np.array([2.0, 3.0]),)
        )[1]
    np.testing.assert_array_equal(tangent, [[2, 3], [2, 3]])
