"""The record of cross entropy, which recordings on shapes do not use."""

from __future__ import annotations

import numpy as np
import pytest

import wengert as wg
from wengert.core.abstract import Aval
from wengert.core.bind import bind
from wengert.operations import cross_entropy
from wengert.rules.cross_entropy import cross_entropy_p
from wengert.rules.logsumexp import logsumexp
from wengert.testing import check_grads

RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 5, 4))
Y = RNG.integers(0, 4, (3, 5))


def composed(x, y):
    return logsumexp(x, (x.ndim - 1,)) - np.take_along_axis(x, y[..., None], -1)[..., 0]


@pytest.mark.parametrize("leading", [(), (0,), (0, 0)])
def test_is_what_it_is_composed_of(leading):
    x, y = X[leading], Y[leading]
    np.testing.assert_allclose(cross_entropy(x, y), composed(x, y), rtol=1e-14)
    ours = wg.grad(lambda x: np.sum(cross_entropy(x, y) ** 2))(x)
    theirs = wg.grad(lambda x: np.sum(composed(x, y) ** 2))(x)
    np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-15)
    check_grads(lambda x: cross_entropy(x, y), x, order=2)


def test_shape_rule():
    shape, dtype = cross_entropy_p.shape(Aval(X.shape, np.dtype("f4")), Aval(Y.shape, Y.dtype))
    assert (shape, dtype) == ((3, 5), np.float32)


@pytest.mark.parametrize("axes", [(0, 0), (0, None), (None, 0)])
def test_batching_rule(axes):
    x, y = (a if axis == 0 else a[0] for a, axis in zip((X, Y), axes))
    found = wg.vmap(lambda x, y: bind(cross_entropy_p, (x, y), {}), in_axes=axes)(x, y)
    expected = [
        composed(*(a[i] if axis == 0 else a for a, axis in zip((x, y), axes))) for i in range(3)
    ]
    np.testing.assert_allclose(found, expected, rtol=1e-14)


def test_recorded_on_shapes_it_is_two_operations():
    names = [e.primitive.name for e in wg.show(lambda x: cross_entropy(x, Y), X).program.equations]
    assert "cross_entropy" not in names
    assert "logsumexp" in names
