"""Losses: values, gradients, stability, and labels that cannot be right."""

import numpy as np
import pytest

import wengert as wg
from wengert import nn

LOGITS = np.random.default_rng(0).normal(size=(4, 3))
LABELS = np.array([0, 2, 1, 1])


def test_value():
    p = np.exp(LOGITS) / np.exp(LOGITS).sum(axis=1, keepdims=True)
    each = -np.log(p[np.arange(4), LABELS])
    np.testing.assert_allclose(nn.cross_entropy(LOGITS, LABELS), each.mean())
    np.testing.assert_allclose(nn.cross_entropy(LOGITS, LABELS, "sum"), each.sum())
    np.testing.assert_allclose(nn.cross_entropy(LOGITS, LABELS, "none"), each)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gradient_is_softmax_minus_one_hot(dtype):
    logits = LOGITS.astype(dtype)
    value, gradient = wg.value_and_grad(nn.cross_entropy)(logits, LABELS)
    expected = (nn.softmax(LOGITS) - np.eye(3)[LABELS]) / 4
    np.testing.assert_allclose(gradient, expected, rtol=1e-5)
    assert gradient.dtype == dtype
    assert value.dtype == dtype


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_large_logits_stay_finite(dtype):
    logits = np.array([[1e4, 0, -1e4], [-1e4, 1e4, 1e4]], dtype)
    value, gradient = wg.value_and_grad(nn.cross_entropy)(logits, np.array([1, 0]))
    assert value == pytest.approx((1e4 + 2e4 + np.log(2)) / 2, rel=1e-6)
    np.testing.assert_allclose(gradient, [[0.5, -0.5, 0], [-0.5, 0.25, 0.25]], atol=1e-7)


def test_equal_logits_in_a_row():
    """A tie of the row's maximum must not disturb the gradient."""
    gradient = wg.grad(nn.cross_entropy)(np.zeros((1, 4)), np.array([2]))
    np.testing.assert_allclose(gradient, [[0.25, 0.25, -0.75, 0.25]])


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32, np.int64])
def test_integer_labels_of_any_size(dtype):
    found = nn.cross_entropy(LOGITS, LABELS.astype(dtype))
    assert found == nn.cross_entropy(LOGITS, LABELS)
    assert found == nn.cross_entropy(LOGITS, LABELS.tolist())


@pytest.mark.parametrize(
    ("labels", "error", "message"),
    [
        (
            [0, 3, 1, 1],
            wg.WengertValueError,
            "label 3 of example 1 is out of range: 3 columns.*0 to 2",
        ),
        ([0, 2, -1, 1], wg.WengertValueError, "label -1 of example 2 is out of range"),
        ([0.0, 2.0, 1.0, 1.0], wg.WengertTypeError, "labels must be integers, got float64; cast"),
        ([True] * 4, wg.WengertTypeError, "labels must be integers, got bool"),
        (
            [0, 1, 2],
            wg.ShapeError,
            r"logits of shape \(4, 3\) need labels of shape \(4,\), got \(3,\)",
        ),
        (np.eye(4, 3, dtype=int), wg.ShapeError, r"logits of shape \(4, 3\) need .*got \(4, 3\)"),
    ],
)
def test_wrong_labels(labels, error, message):
    with pytest.raises(error, match=f"cross_entropy: {message}"):
        nn.cross_entropy(LOGITS, np.array(labels))
    with pytest.raises(error, match=f"cross_entropy: {message}"):
        wg.grad(nn.cross_entropy)(LOGITS, np.array(labels))


def test_wrong_logits_and_reduction():
    with pytest.raises(wg.ShapeError, match=r"expected logits of shape \(n, k\), got \(3,\)"):
        nn.cross_entropy(LOGITS[0], LABELS)
    with pytest.raises(wg.WengertValueError, match='must be "mean", "sum" or "none", got \'max\''):
        nn.cross_entropy(LOGITS, LABELS, "max")


def test_mse():
    a, b = np.array([1.0, 2.0]), np.array([3.0, 5.0])
    assert nn.mse(a, b) == 6.5
    assert nn.mse(a, b, "sum") == 13
    np.testing.assert_array_equal(nn.mse(a, b, "none"), [4, 9])
    np.testing.assert_array_equal(wg.grad(nn.mse)(a, b), [-2, -3])
    with pytest.raises(
        wg.ShapeError, match=r"mse: prediction has shape \(2, 1\) and target \(2,\)"
    ):
        nn.mse(a[:, None], b)
