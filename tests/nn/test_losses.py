"""Losses: values, gradients, stability, and labels that cannot be right."""

import numpy as np
import pytest

import wengert as wg
from wengert import nn

RNG = np.random.default_rng(1)
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


EMPTY = np.ones((0, 3))


@pytest.mark.parametrize(
    "loss",
    [
        lambda r: nn.cross_entropy(EMPTY, np.ones(0, int), r),
        lambda r: nn.binary_cross_entropy(EMPTY, EMPTY, r),
        lambda r: nn.mse(EMPTY, EMPTY, r),
        lambda r: nn.huber(EMPTY, EMPTY, r),
    ],
)
def test_an_empty_batch_has_no_mean(loss):
    with pytest.raises(wg.ShapeError, match=r"the batch is empty \(shape \(0.*sum"):
        loss("mean")
    assert loss("sum") == 0
    assert loss("none").shape[0] == 0


def test_an_empty_batch_under_grad():
    with pytest.raises(wg.ShapeError, match=r"cross_entropy: the batch is empty \(shape \(0,\)\)"):
        wg.grad(nn.cross_entropy)(EMPTY, np.ones(0, int))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_binary_cross_entropy(dtype):
    logits = RNG.normal(size=(4, 3)).astype(dtype)
    targets = RNG.uniform(size=(4, 3))
    p = 1 / (1 + np.exp(-logits.astype(float)))
    each = -(targets * np.log(p) + (1 - targets) * np.log(1 - p))
    targets = targets.astype(dtype)
    tolerance = 1e-5 if dtype == np.float32 else 1e-12
    for reduction, expected in (("none", each), ("sum", each.sum()), ("mean", each.mean())):
        found = nn.binary_cross_entropy(logits, targets, reduction)
        np.testing.assert_allclose(found, expected, rtol=tolerance)
        assert found.dtype == dtype
    gradient = wg.grad(nn.binary_cross_entropy)(logits, targets)
    np.testing.assert_allclose(gradient, (p - targets) / 12, atol=tolerance)
    assert gradient.dtype == dtype


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", [bool, np.int64, np.uint8, float])
def test_binary_cross_entropy_of_extreme_scores(dtype, kind):
    logits = np.array([1e4, -1e4, 1e4, -1e4, 0.0, 30.0, -30.0], dtype)
    targets = np.array([1, 0, 0, 1, 1, 1, 0]).astype(kind)
    with np.errstate(all="raise", under="ignore"):
        value = nn.binary_cross_entropy(logits, targets, "none")
        gradient = wg.grad(nn.binary_cross_entropy)(logits, targets, "sum")
    tiny = np.log1p(np.exp(-30.0))
    np.testing.assert_allclose(value, [0, 0, 1e4, 1e4, np.log(2), tiny, tiny], rtol=1e-6)
    expected = [0, 0, 1, -1, -0.5, -np.exp(-30.0), np.exp(-30.0)]
    np.testing.assert_allclose(gradient, expected, rtol=1e-6)
    if kind is not float:
        assert value.dtype == gradient.dtype == dtype


def test_binary_cross_entropy_curvature():
    """The second derivative is p (1 - p), at 0 as well, where other forms have a kink."""
    x = np.array([0.0, 1.0, -3.0, 50.0])
    curvature = wg.elementwise_grad(
        wg.elementwise_grad(lambda x: nn.binary_cross_entropy(x, np.ones(4), "none"))
    )(x)
    p = 1 / (1 + np.exp(-x))
    np.testing.assert_allclose(curvature, p * (1 / (1 + np.exp(x))), rtol=1e-10)


def test_cross_entropy_curvature():
    logits = np.array([[1e4, 0.0, -1e4], [0.1, 0.2, 0.3]])
    found = wg.hessian(lambda x: nn.cross_entropy(x, np.array([1, 2]), "sum"))(logits)
    p = nn.softmax(logits)
    for row in range(2):
        expected = np.diag(p[row]) - np.outer(p[row], p[row])
        np.testing.assert_allclose(found[row, :, row], expected, atol=1e-12)


@pytest.mark.parametrize(
    ("targets", "error", "message"),
    [
        (np.full((2, 2), 1.5), wg.WengertValueError, "targets must be from 0 to 1, got 1.5"),
        (np.full((2, 2), np.nan), wg.WengertValueError, "targets must be from 0 to 1, got nan"),
        (np.full((2, 2), -1), wg.WengertValueError, "targets must be from 0 to 1, got -1"),
        (np.ones(2), wg.ShapeError, r"logits has shape \(2, 2\) and targets \(2,\); reshape"),
    ],
)
def test_binary_cross_entropy_wrong_targets(targets, error, message):
    with pytest.raises(error, match=f"binary_cross_entropy: {message}"):
        nn.binary_cross_entropy(np.zeros((2, 2)), targets)


def test_huber():
    d = np.array([-3.0, -1.0, -0.5, 0.0, 0.5, 1.0, 3.0])
    for delta in (1.0, 0.4):
        expected = np.where(abs(d) <= delta, d * d / 2, delta * (abs(d) - delta / 2))
        np.testing.assert_allclose(nn.huber(d, np.zeros(7), "none", delta), expected)
        gradient = wg.grad(nn.huber)(d, np.zeros(7), "sum", delta)
        np.testing.assert_allclose(gradient, np.clip(d, -delta, delta))
    curvature = wg.elementwise_grad(
        wg.elementwise_grad(lambda d: nn.huber(d, np.zeros(3), "none"))
    )(np.array([-3.0, 0.5, 2.0]))
    np.testing.assert_array_equal(curvature, [0, 1, 0])
    with np.errstate(over="raise"):
        assert nn.huber(np.array([1e200]), np.zeros(1)) == 1e200
    with pytest.raises(wg.WengertValueError, match="huber: delta must be above 0, got 0"):
        nn.huber(d, d, delta=0)
    with pytest.raises(wg.ShapeError, match=r"huber: prediction has shape \(7,\) and target \(1,"):
        nn.huber(d, np.zeros(1))
