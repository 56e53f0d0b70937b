"""The blocked cotangent of a Cholesky factor is that of the derived rule."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert.rules.cholesky_sweep import cholesky_cotangent


def _problem(n: int, dtype: Any, upper: bool) -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(n)
    x = rng.normal(size=(n, n))
    x = (x @ x.T + n * np.eye(n)).astype(dtype)
    factor = np.linalg.cholesky(x, upper=upper)
    return x, factor, rng.normal(size=(n, n)).astype(dtype)


@pytest.mark.parametrize("upper", [False, True])
@pytest.mark.parametrize("n", [1, 2, 47, 48, 49, 97, 131])
def test_blocks_agree_with_the_derived_rule(n: int, upper: bool) -> None:
    x, factor, ct = _problem(n, np.float64, upper)
    found = cholesky_cotangent(ct, x, factor, upper)
    # A recorded pullback is made of the record's rule.
    expected = wg.vmap(lambda c: wg.vjp(lambda a: np.linalg.cholesky(a, upper=upper), x)[1](c)[0])(
        ct[None]
    )[0]
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12 * np.abs(expected).max())
    (eager,) = wg.vjp(lambda a: np.linalg.cholesky(a, upper=upper), x)[1](ct)
    np.testing.assert_array_equal(eager, found)


def test_single_precision_stays() -> None:
    x, factor, ct = _problem(60, np.float32, False)
    found = cholesky_cotangent(ct, x, factor, False)
    double = cholesky_cotangent(*(a.astype(float) for a in (ct, x, factor)), False)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, double, rtol=1e-3, atol=1e-4 * np.abs(double).max())


def test_what_is_not_finite_and_stacks_are_left_to_the_derived_rule() -> None:
    x, factor, ct = _problem(5, np.float64, False)
    ct[3, 1] = np.nan
    assert cholesky_cotangent(ct, x, factor, False) is None
    assert cholesky_cotangent(ct[None], x[None], factor[None], False) is None
