"""Layers on images."""

from __future__ import annotations

import numpy as np
import pytest

import wengert as wg
from wengert import nn, optim

RNG = np.random.default_rng(6)


def test_conv2d_is_the_function_with_its_parameters():
    layer = nn.Conv2d(4, 6, (3, 2), rng=RNG, stride=(2, 1), padding="same", dilation=2, groups=2)
    layer = layer.replace(bias=RNG.normal(size=6).astype(np.float32))
    x = RNG.normal(size=(2, 7, 6, 4)).astype(np.float32)
    expected = nn.conv2d(
        x, layer.kernel, layer.bias, stride=(2, 1), padding="same", dilation=2, groups=2
    )
    np.testing.assert_array_equal(layer(x), expected)
    assert layer.kernel.shape == (3, 2, 2, 6)
    assert layer.kernel.dtype == np.float32
    assert list(nn.named_arrays(layer)) == ["kernel", "bias"]


def test_conv2d_initial_kernel_keeps_the_variance():
    layer = nn.Conv2d(32, 64, 5, rng=np.random.default_rng(0), bias=False)
    assert layer.bias is None
    assert layer.kernel.var() == pytest.approx(2 / (5 * 5 * 32), rel=0.03)


def test_depthwise_is_conv2d_in_groups():
    layer = nn.DepthwiseConv2d(3, 3, multiplier=2, rng=RNG, padding=1)
    assert layer.kernel.shape == (3, 3, 1, 6)
    assert layer.groups == 3
    x = RNG.normal(size=(1, 4, 4, 3)).astype(np.float32)
    y = layer(x)
    for channel in range(3):
        own = slice(2 * channel, 2 * channel + 2)
        alone = nn.conv2d(x[..., channel : channel + 1], layer.kernel[..., own], padding=1)
        np.testing.assert_allclose(y[..., own], alone, rtol=1e-5, atol=1e-6)


def test_poolings_are_the_functions():
    x = RNG.normal(size=(2, 6, 6, 3))
    np.testing.assert_array_equal(nn.MaxPool2d(2)(x), nn.max_pool2d(x, 2))
    np.testing.assert_array_equal(
        nn.MaxPool2d(3, stride=2, padding=1)(x), nn.max_pool2d(x, 3, stride=2, padding=1)
    )
    np.testing.assert_array_equal(
        nn.AvgPool2d(3, padding=[1, 0], count_include_pad=False)(x),
        nn.avg_pool2d(x, 3, padding=(1, 0), count_include_pad=False),
    )
    np.testing.assert_allclose(nn.GlobalAvgPool2d()(x), x.mean((1, 2)))
    np.testing.assert_array_equal(nn.Flatten()(x), x.reshape(2, -1))


def test_representations():
    net = nn.Sequential(
        nn.Conv2d(1, 4, 3, rng=RNG, stride=2, padding="same"),
        nn.relu,
        nn.DepthwiseConv2d(4, 3, rng=RNG, bias=False),
        nn.MaxPool2d(2),
        nn.AvgPool2d(3, stride=1, padding=1),
        nn.GlobalAvgPool2d(),
        nn.Flatten(),
    )
    assert repr(net) == (
        "Sequential(Conv2d(1, 4, (3, 3), stride=(2, 2), padding='same'), relu, "
        "Conv2d(4, 4, (3, 3), groups=4, bias=False), MaxPool2d((2, 2)), "
        "AvgPool2d((3, 3), stride=(1, 1), padding=1), GlobalAvgPool2d(), Flatten())"
    )


def test_a_network_learns():
    """Which half of the image is brighter, within a few steps."""
    rng = np.random.default_rng(0)
    x = rng.uniform(size=(64, 8, 8, 1)).astype(np.float32)
    labels = (rng.uniform(size=64) < 0.5).astype(int)
    x[labels == 0, :4] += 0.5
    x[labels == 1, 4:] += 0.5
    net = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1, rng=rng),
        nn.relu,
        nn.MaxPool2d(2),
        nn.Conv2d(4, 4, 3, padding="same", stride=2, rng=rng),
        nn.relu,
        nn.Flatten(),
        nn.Linear(16, 2, rng=rng),
    )
    sgd = optim.SGD(0.1, momentum=0.9)
    state = sgd.init(net)
    loss = wg.value_and_grad(lambda net: nn.cross_entropy(net(x), labels))
    first, _ = loss(net)
    for _ in range(40):
        value, grads = loss(net)
        net, state = sgd.update(net, grads, state)
    assert value < 0.1 * first
    assert (np.argmax(net(x), axis=1) == labels).mean() > 0.95


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (
            lambda: nn.Conv2d(0, 2, 3, rng=RNG),
            wg.WengertValueError,
            "Conv2d: in_channels must be a positive integer, got 0",
        ),
        (
            lambda: nn.Conv2d(2, 2.0, 3, rng=RNG),
            wg.WengertValueError,
            "out_channels must be .* got 2.0",
        ),
        (
            lambda: nn.Conv2d(2, 2, (3, 0), rng=RNG),
            wg.WengertValueError,
            r"window must be .* got \(3, 0\)",
        ),
        (
            lambda: nn.Conv2d(4, 6, 3, groups=4, rng=RNG),
            wg.WengertValueError,
            "groups=4 must divide in_channels=4 and out_channels=6",
        ),
        (
            lambda: nn.Conv2d(2, 2, 3, stride=-1, rng=RNG),
            wg.WengertValueError,
            "stride must be a positive",
        ),
        (
            lambda: nn.Conv2d(2, 2, 3, padding="reflect", rng=RNG),
            wg.WengertValueError,
            "Conv2d: padding must be .* got 'reflect'",
        ),
        (
            lambda: nn.Conv2d(2, 2, 3, dtype=int, rng=RNG),
            wg.WengertTypeError,
            "dtype must be a floating type",
        ),
        (
            lambda: nn.DepthwiseConv2d(2, 3, multiplier=0, rng=RNG),
            wg.WengertValueError,
            "DepthwiseConv2d: multiplier must be a positive integer, got 0",
        ),
        (lambda: nn.MaxPool2d(0), wg.WengertValueError, "MaxPool2d: window must be"),
        (lambda: nn.MaxPool2d(2, padding=-1), wg.WengertValueError, "MaxPool2d: padding must be"),
        (lambda: nn.AvgPool2d(2, stride=0), wg.WengertValueError, "AvgPool2d: stride must be"),
        (
            lambda: nn.GlobalAvgPool2d()(np.ones((2, 3))),
            wg.ShapeError,
            r"GlobalAvgPool2d: .* got shape \(2, 3\)",
        ),
        (
            lambda: nn.Flatten()(np.ones(3)),
            wg.ShapeError,
            "Flatten: expected an array with a batch axis",
        ),
        (
            lambda: nn.Conv2d(2, 2, 3, rng=RNG)(np.ones((1, 5, 5, 3))),
            wg.ShapeError,
            "have 3 channels",
        ),
    ],
)
def test_errors(make, error, message):
    with pytest.raises(error, match=message):
        make()
