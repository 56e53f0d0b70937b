"""Pooling against reductions of explicit windows and PyTorch; ties, NaN, padding; errors."""

from __future__ import annotations

import numpy as np
import pytest

import wengert as wg
from wengert import nn

RNG = np.random.default_rng(4)

GEOMETRIES = [
    (2, None, 0),
    ((3, 2), None, 0),
    (3, (1, 2), 1),
    ((1, 2), 3, 0),
    (3, 2, ((1, 0), (0, 2))),
    (1, 1, 0),
    (1, 2, 0),
    ((2, 5), 1, (1, 2)),
]


def by_windows(x, window, stride, padding, reduce, fill):
    """One reduction for each window of an array padded with ``fill``."""
    k = (window, window) if isinstance(window, int) else window
    s = k if stride is None else (stride, stride) if isinstance(stride, int) else stride
    pads = np.broadcast_to(
        np.array(padding).reshape(-1, 1) if np.ndim(padding) == 1 else padding, (2, 2)
    )
    x = np.pad(x, ((0, 0), *map(tuple, pads.tolist()), (0, 0)), constant_values=fill)
    rows = range(0, x.shape[1] - k[0] + 1, s[0])
    columns = range(0, x.shape[2] - k[1] + 1, s[1])
    return np.stack(
        [
            np.stack(
                [reduce(x[:, i : i + k[0], j : j + k[1]], axis=(1, 2)) for j in columns], axis=1
            )
            for i in rows
        ],
        axis=1,
    )


@pytest.mark.parametrize(("window", "stride", "padding"), GEOMETRIES)
def test_against_windows(window, stride, padding):
    x = RNG.normal(size=(2, 7, 8, 3))
    options = {"stride": stride, "padding": padding}
    args = (x, window, stride, padding)
    y = nn.max_pool2d(x, window, **options)
    np.testing.assert_array_equal(y, by_windows(*args, np.max, -np.inf))
    y = nn.avg_pool2d(x, window, **options)
    np.testing.assert_allclose(y, by_windows(*args, np.mean, 0), atol=1e-15)
    y = nn.avg_pool2d(x, window, **options, count_include_pad=False)
    np.testing.assert_allclose(y, by_windows(*args, np.nanmean, np.nan), atol=1e-15)


def test_windows_that_start_in_the_padding_and_end_before_the_image_does():
    # Two windows of 3 over 1 + 6 places: the last row and column are in none, so have no gradient.
    x = RNG.normal(size=(2, 6, 6, 3))

    def total(x):
        return nn.max_pool2d(x, 3, padding=1).sum()

    np.full(x.shape, np.nan)  # freed: memory that an array without zeros would take
    gradient = wg.grad(total)(x)
    expected = np.zeros_like(x)
    for rows in (slice(0, 2), slice(2, 5)):
        for columns in (slice(0, 2), slice(2, 5)):
            part = x[:, rows, columns]
            expected[:, rows, columns] = part == part.max(axis=(1, 2), keepdims=True)
    np.testing.assert_array_equal(gradient, expected)


def test_ties_share_evenly():
    x = np.array([[1.0, 1.0, 2.0, 0.0], [1.0, 0.0, 2.0, 2.0]]).reshape(1, 2, 4, 1)
    g = wg.grad(lambda x: np.sum(nn.max_pool2d(x, 2)))(x)
    third = 1 / 3
    expected = [[third, third, third, 0], [third, 0, third, third]]
    np.testing.assert_allclose(g[0, :, :, 0], expected)


def test_what_is_outside_does_not_tie():
    """-inf is as small as what pads the maximum, and zeros are larger than the image."""
    x = np.full((1, 2, 2, 1), -np.inf)
    y, pullback = wg.vjp(lambda x: nn.max_pool2d(x, 2, stride=2, padding=1), x)
    assert (y == -np.inf).all()
    assert (pullback(np.ones_like(y))[0] == 1).all()
    assert (nn.max_pool2d(np.full((1, 2, 2, 1), -3.0), 3, padding="same") == -3).all()


def test_nan_is_the_maximum():
    x = RNG.normal(size=(1, 4, 4, 1))
    x[0, 1, 1, 0] = np.nan
    y, pullback = wg.vjp(lambda x: nn.max_pool2d(x, 2), x)
    assert np.isnan(y[0, 0, 0, 0])
    assert np.isnan(y).sum() == 1
    g = pullback(np.ones_like(y))[0]
    assert g[0, :2, :2, 0].tolist() == [[0, 0], [0, 1]]
    assert g.sum() == 4


def test_infinite_cotangents_reach_maxima_only():
    x = np.arange(16.0).reshape(1, 4, 4, 1)
    ct = np.full((1, 2, 2, 1), np.inf)
    g = wg.vjp(lambda x: nn.max_pool2d(x, 2), x)[1](ct)[0]
    assert np.isinf(g).sum() == 4
    assert (g[~np.isinf(g)] == 0).all()
    t = np.where(np.isinf(g), 1.0, np.inf)
    assert (wg.jvp(lambda x: nn.max_pool2d(x, 2), (x,), (t,))[1] == 1).all()


@pytest.mark.peers
@pytest.mark.parametrize(
    ("window", "stride", "padding"), [(2, 2, 0), (3, 2, 1), ((3, 2), (1, 2), (1, 0))]
)
def test_against_torch(window, stride, padding):
    torch = pytest.importorskip("torch")
    x = RNG.normal(size=(2, 3, 9, 8))
    for ours, theirs, options in (
        (nn.max_pool2d, torch.nn.functional.max_pool2d, {}),
        (nn.avg_pool2d, torch.nn.functional.avg_pool2d, {"count_include_pad": True}),
        (nn.avg_pool2d, torch.nn.functional.avg_pool2d, {"count_include_pad": False}),
    ):
        t = torch.tensor(x, requires_grad=True)
        expected = theirs(t, window, stride=stride, padding=padding, **options)
        ct = RNG.normal(size=expected.shape)
        expected.backward(torch.tensor(ct))

        def f(x, ours=ours, options=options):
            y = ours(nn.from_nchw(x), window, stride=stride, padding=padding, **options)
            return nn.to_nchw(y)

        y, pullback = wg.vjp(f, x)
        np.testing.assert_allclose(y, expected.detach().numpy(), rtol=1e-12)
        np.testing.assert_allclose(pullback(ct)[0], t.grad.numpy(), rtol=1e-12, atol=1e-15)


def test_float32_is_kept():
    x = RNG.normal(size=(1, 5, 5, 1)).astype(np.float32)
    for f in (nn.max_pool2d, nn.avg_pool2d):
        y, pullback = wg.vjp(lambda x, f=f: f(x, 2, padding=1, stride=2), x)
        assert y.dtype == pullback(y)[0].dtype == np.float32
    assert nn.avg_pool2d(x, 2, padding=1, count_include_pad=False).dtype == np.float32


X = np.ones((1, 4, 4, 2))


@pytest.mark.parametrize("name", ["max_pool2d", "avg_pool2d"])
@pytest.mark.parametrize(
    ("x", "window", "options", "error", "message"),
    [
        (X[0], 2, {}, wg.ShapeError, "add a batch axis"),
        (X.astype(np.uint8), 2, {}, wg.WengertTypeError, "got uint8; cast them"),
        (X[:, :0], 1, {"padding": 0}, wg.ShapeError, "have no pixels"),
        (X, 0, {}, wg.WengertValueError, "window must be a positive integer.* got 0"),
        (X, (2, 2, 2), {}, wg.WengertValueError, "window must be"),
        (X, 2, {"stride": -1}, wg.WengertValueError, "stride must be a positive integer"),
        (
            X,
            2,
            {"padding": 2},
            wg.WengertValueError,
            r"padding \(2, 2\) must be less than the window's height 2",
        ),
        (X, 2, {"padding": "half"}, wg.WengertValueError, "padding must be .* got 'half'"),
        (X, 5, {}, wg.ShapeError, "window's height 5 is larger than that of the input, 4"),
        (X, (1, 5), {}, wg.ShapeError, "window's width 5 is larger than that of the input, 4"),
    ],
)
def test_errors(name, x, window, options, error, message):
    with pytest.raises(error, match=f"{name}: .*{message}"):
        getattr(nn, name)(x, window, **options)


def test_maxima_of_complex_numbers():
    with pytest.raises(
        wg.WengertTypeError, match="expected images of a real floating type, got complex128$"
    ):
        nn.max_pool2d(X * 1j, 2)
