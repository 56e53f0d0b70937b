"""Initialisers: the variance that their papers ask for."""

import numpy as np
import pytest

import wengert as wg
from wengert.nn import init

VARIANCES = {
    init.glorot_uniform: lambda i, o: 2 / (i + o),
    init.glorot_normal: lambda i, o: 2 / (i + o),
    init.he_uniform: lambda i, o: 2 / i,
    init.he_normal: lambda i, o: 2 / i,
    init.lecun_uniform: lambda i, o: 1 / i,
    init.lecun_normal: lambda i, o: 1 / i,
}


@pytest.mark.parametrize("initializer", VARIANCES, ids=lambda f: f.__name__)
@pytest.mark.parametrize(
    ("shape", "fans"), [((200, 400), (200, 400)), ((5, 5, 20, 40), (500, 1000))]
)
def test_variance(initializer, shape, fans):
    weight = initializer(np.random.default_rng(0), shape, np.float64)
    assert weight.shape == shape
    assert weight.var() == pytest.approx(VARIANCES[initializer](*fans), rel=0.03)
    assert abs(weight.mean()) < 3 * weight.std() / np.sqrt(weight.size)


@pytest.mark.parametrize("initializer", [*VARIANCES, init.zeros], ids=lambda f: f.__name__)
def test_dtype(initializer):
    rng = np.random.default_rng(0)
    assert initializer(rng, (2, 3)).dtype == np.float32
    assert initializer(rng, (2, 3), np.float64).dtype == np.float64


def test_equal_seeds_agree_across_dtypes():
    a = init.he_normal(np.random.default_rng(0), (2, 3), np.float32)
    b = init.he_normal(np.random.default_rng(0), (2, 3), np.float64)
    np.testing.assert_allclose(a, b, rtol=1e-6)


@pytest.mark.parametrize("shape", [(3,), (), (0, 2)])
def test_shapes_without_fans(shape):
    with pytest.raises(wg.ShapeError, match="needs a weight with two or more axes, none of them"):
        init.glorot_uniform(np.random.default_rng(0), shape)
