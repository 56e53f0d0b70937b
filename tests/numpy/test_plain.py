"""Functions with plain results: shapes, tests, positions, dtypes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import wengert as wg

RNG = np.random.default_rng(7)
M = RNG.normal(size=(3, 4))


def _is_plain(x: Any) -> bool:
    if isinstance(x, (tuple, list)):
        return all(map(_is_plain, x))
    return not isinstance(x, wg.Tensor)


@pytest.mark.parametrize(
    "f",
    [
        np.shape,
        np.ndim,
        np.size,
        lambda x: np.size(x, 1),
        lambda x: np.size(x, (0, 1)),
        lambda x: np.isclose(x, x + 1e-9),
        lambda x: np.isclose(1.0, x, rtol=0.5),
        lambda x: np.isclose(x, x[0], atol=1.0, equal_nan=True),
        lambda x: np.allclose(x, x),
        lambda x: np.allclose(x, 0.0),
        lambda x: np.array_equal(x, x),
        lambda x: np.array_equal(x, x[0]),
        lambda x: np.array_equal(x * np.nan, x * np.nan, equal_nan=True),
        lambda x: np.array_equiv(x[:1], x[0]),
        lambda x: np.isin(x, [x[0, 0], 2.0]),
        np.iscomplexobj,
        np.isrealobj,
        np.iscomplex,
        np.isreal,
        lambda x: np.isposinf(x / 0.0),
        lambda x: np.isneginf(x / 0.0),
        np.nonzero,
        lambda x: x.nonzero(),
        np.argwhere,
        np.flatnonzero,
        lambda x: np.result_type(x, 1.0),
        lambda x: np.result_type(x, np.float32, 1),
        lambda x: np.can_cast(x.dtype, np.float32),
        lambda x: np.common_type(x, x.astype(complex)),
        np.diag_indices_from,
        lambda x: np.tril_indices_from(x, 1),
        lambda x: np.triu_indices_from(x, -1),
        lambda x: x > 0,
        np.isnan,
        np.signbit,
    ],
)
def test_results_are_plain_and_numpys(f: Any) -> None:
    x = M[:3, :3]
    with np.errstate(all="ignore"):
        expected = f(x)
        for t in (wg.core.tensor.handle(x.copy(), None, None), wg.Tensor(x, True)):
            found = f(t)
            assert _is_plain(found)
            assert type(found) is type(expected)
            np.testing.assert_equal(found, expected)


def test_tests_of_abstract_values() -> None:
    """They are abstract themselves while recording, so that a program can be batched."""
    pair = np.stack([M, M + 1e-9, M * 2])
    for f in (
        lambda x: np.isclose(x, M),
        lambda x: np.isclose(x, M, equal_nan=True),
        lambda x: np.allclose(x, M),
        lambda x: np.array_equal(x, M),
        lambda x: np.array_equal(x, M, equal_nan=True),
        lambda x: np.array_equiv(x, M),
        lambda x: np.isposinf(x),
        lambda x: np.isreal(x),
        lambda x: np.where(np.iscomplex(x * 1j), x, 0.0),
        lambda x: np.sum(x) * np.size(x) * np.shape(x)[0] * np.ndim(x),
    ):
        found = wg.vmap(f)(pair)
        np.testing.assert_array_equal(found, [f(x) for x in pair])
    assert wg.vmap(lambda x: x[0] * float(np.array_equal(x, M[0])))(pair).shape == (3, 4)


def test_shapes_that_depend_on_data_are_refused() -> None:
    for f in (
        np.nonzero,
        np.argwhere,
        np.flatnonzero,
        lambda x: x[x > 0],
    ):
        with pytest.raises(wg.AbstractValueError):
            wg.vmap(f)(M)


def test_output_functions(tmp_path: Any) -> None:
    t = wg.Tensor(M, True)
    np.save(tmp_path / "m.npy", t)
    np.testing.assert_array_equal(np.load(tmp_path / "m.npy"), M)
    assert np.array2string(t) == np.array2string(M)
    assert np.array_str(t) == np.array_str(M)


def test_functions_without_a_rule_name_themselves() -> None:
    t = wg.Tensor(M, True)
    for f, message in (
        (lambda: np.busday_count(t, t), r"np\.busday_count .*dates.* plain arrays"),
        (lambda: np.frompyfunc(abs, 1, 1)(t), r"abs.* has no rule .*custom_vjp"),
        (lambda: np.isnat(t), r"np\.isnat .*dates"),
    ):
        with pytest.raises(wg.NoRuleError, match=message) as raised:
            f()
        assert "stop_gradient" in str(raised.value)
