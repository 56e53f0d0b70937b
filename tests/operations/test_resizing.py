"""Resizing against Pillow's results, PyTorch, and what must hold of any interpolation."""

from __future__ import annotations

import numpy as np
import pytest

import wengert as wg
from wengert import nn

RNG = np.random.default_rng(5)


@pytest.mark.parametrize("method", ["bilinear", "bicubic", "nearest"])
@pytest.mark.parametrize("size", [(3, 4), (7, 5), (20, 31), (1, 1)])
def test_constants_stay(method, size):
    y = nn.resize(np.full((2, 7, 5, 3), 2.5), size, method)
    np.testing.assert_allclose(y, np.full((2, *size, 3), 2.5), rtol=1e-14)


def test_halving_by_bilinear_antialias():
    """A triangle of width 4 around the middle of each pair: weights 1 3 3 1, less at the border."""
    x = np.array([0.0, 8.0, 0.0, 0.0, 0.0, 16.0, 0.0, 0.0]).reshape(1, 1, 8, 1)
    y = nn.resize(x, (1, 4)).ravel()
    np.testing.assert_allclose(y, [3 * 8 / 7, 1, 6, 16 / 7], rtol=1e-14)
    skipped = nn.resize(x, (1, 4), antialias=False).ravel()
    np.testing.assert_allclose(skipped, [4, 0, 8, 0], rtol=1e-14)


def test_nearest_takes_pixels_and_keeps_integers():
    x = np.arange(12, dtype=np.uint8).reshape(1, 3, 4, 1)
    assert nn.resize(x, (3, 2), "nearest")[0, :, :, 0].tolist() == [[1, 3], [5, 7], [9, 11]]
    assert nn.resize(x, (1, 8), "nearest").ravel().tolist() == [4, 4, 5, 5, 6, 6, 7, 7]
    assert nn.resize(x, 2, "nearest").dtype == np.uint8


def test_against_pillow():
    image = pytest.importorskip("PIL.Image")
    x = RNG.uniform(0, 1, (37, 53)).astype(np.float32)
    for method, filter_ in (
        ("bilinear", image.Resampling.BILINEAR),
        ("bicubic", image.Resampling.BICUBIC),
    ):
        for size in ((17, 20), (37, 20), (60, 80)):
            expected = np.asarray(image.fromarray(x).resize(size[::-1], filter_))
            y = nn.resize(x[None, :, :, None], size, method)[0, :, :, 0]
            np.testing.assert_allclose(y, expected, atol=2e-6)


@pytest.mark.peers
@pytest.mark.parametrize("size", [(5, 4), (9, 16), (20, 3)])
@pytest.mark.parametrize(
    ("method", "antialias"),
    [("bilinear", True), ("bilinear", False), ("bicubic", True), ("nearest", True)],
)
def test_against_torch(size, method, antialias):
    torch = pytest.importorskip("torch")
    x = RNG.normal(size=(2, 3, 11, 9))
    t = torch.tensor(x, requires_grad=True)
    options = {} if method == "nearest" else {"antialias": antialias, "align_corners": False}
    mode = "nearest-exact" if method == "nearest" else method
    expected = torch.nn.functional.interpolate(t, size, mode=mode, **options)
    ct = RNG.normal(size=expected.shape)
    expected.backward(torch.tensor(ct))
    y, pullback = wg.vjp(
        lambda x: nn.to_nchw(nn.resize(nn.from_nchw(x), size, method, antialias=antialias)), x
    )
    np.testing.assert_allclose(y, expected.detach().numpy(), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(pullback(ct)[0], t.grad.numpy(), rtol=1e-9, atol=1e-12)


def test_dtypes_are_kept_and_the_same_size_is_a_copy():
    x = RNG.normal(size=(1, 4, 3, 2)).astype(np.float32)
    y, pullback = wg.vjp(lambda x: nn.resize(x, (2, 5)), x)
    assert y.dtype == pullback(y)[0].dtype == np.float32
    same = nn.resize(x, (4, 3))
    np.testing.assert_array_equal(same, x)
    assert not np.shares_memory(same, x)


@pytest.mark.parametrize(
    ("args", "error", "message"),
    [
        ((np.ones((4, 4, 3)), 2), wg.ShapeError, "resize: .*add a batch axis"),
        ((np.ones((1, 4, 4, 3), np.uint8), 2), wg.WengertTypeError, "got uint8; cast them"),
        ((np.ones((1, 4, 4, 3)), 0), wg.WengertValueError, "size must be a positive integer"),
        (
            (np.ones((1, 4, 4, 3)), (2, 2.5)),
            wg.WengertValueError,
            r"size must be .* got \(2, 2.5\)",
        ),
        ((np.ones((1, 0, 4, 3)), 2), wg.ShapeError, "have no pixels"),
        (
            (np.ones((1, 4, 4, 3)), 2, "lanczos"),
            wg.WengertValueError,
            "no method 'lanczos'; there are bicubic, bilinear, nearest",
        ),
    ],
)
def test_errors(args, error, message):
    with pytest.raises(error, match=message):
        nn.resize(*args)
