"""Values, dtypes, warnings and errors of the reductions are NumPy's, option by option."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import wengert as wg

RNG = np.random.default_rng(0)
X = RNG.normal(size=(2, 3, 4))
WITH_NAN = np.where(RNG.uniform(size=X.shape) < 0.3, np.nan, X)
MASK = RNG.uniform(size=(3, 4)) < 0.6
MASK[0] = True  # no slice along the last axis is left empty


def plain(x: Any) -> Any:
    return x.array if isinstance(x, wg.Tensor) else x


def assert_numpys(
    function: Callable[..., Any],
    *args: Any,
    rtol: float = 1e-12,
    atol: float = 1e-14,
    **kwargs: Any,
) -> None:
    """``function`` gives on a Tensor what it gives on the array, recorded or not."""
    expected = function(*args, **kwargs)
    for requires_grad in (False, True):
        if requires_grad and args[0].dtype.kind not in "fc":
            continue
        t = wg.core.tensor.handle(args[0].copy(), None, None)
        t.requires_grad = requires_grad
        found = function(t, *args[1:], **kwargs)
        assert type(plain(found)) is np.ndarray or isinstance(plain(found), np.generic | tuple)
        assert np.shape(plain(found)) == np.shape(expected)
        assert plain(found).dtype == np.asarray(expected).dtype
        np.testing.assert_allclose(plain(found), expected, rtol=rtol, atol=atol)


AXES = (None, 0, 1, -1, (0, 2), (1,), (-1, 0), ())
REDUCTIONS = (np.sum, np.prod, np.mean, np.var, np.std, np.max, np.min, np.ptp)
WITH_WHERE = (np.sum, np.prod, np.mean, np.var, np.std)
NAN_REDUCTIONS = (np.nansum, np.nanprod, np.nanmean, np.nanvar, np.nanstd, np.nanmax, np.nanmin)


@pytest.mark.parametrize(
    ("function", "axis", "keepdims"), list(itertools.product(REDUCTIONS, AXES, (False, True)))
)
def test_axis_and_keepdims(function: Any, axis: Any, keepdims: bool) -> None:
    assert_numpys(function, X, axis=axis, keepdims=keepdims)
    assert_numpys(function, X[0, 0, 0:1].reshape(()), keepdims=keepdims)


@pytest.mark.parametrize(
    ("function", "axis", "keepdims"),
    list(itertools.product(NAN_REDUCTIONS, (0, 1, -1, None), (False, True))),
)
def test_nan_reductions(function: Any, axis: Any, keepdims: bool) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        assert_numpys(function, WITH_NAN, axis=axis, keepdims=keepdims)
        assert_numpys(function, X, axis=axis, keepdims=keepdims)
        assert_numpys(function, (X * 10).astype(int), axis=axis, keepdims=keepdims)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.complex64, np.complex128])
@pytest.mark.parametrize("function", REDUCTIONS)
def test_dtype_of_the_operand(function: Any, dtype: Any) -> None:
    x = X.astype(dtype)
    rtol = {np.float16: 5e-3, np.float32: 1e-5, np.complex64: 1e-5}.get(dtype, 1e-12)
    assert_numpys(function, x, rtol=rtol)
    assert_numpys(function, x, axis=1, rtol=rtol)


@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint8, np.int32, np.int64, np.uint64])
@pytest.mark.parametrize("function", [np.sum, np.prod, np.mean, np.var, np.std, np.max, np.min])
def test_integers(function: Any, dtype: Any) -> None:
    assert_numpys(function, (np.abs(X) * 2).astype(dtype), axis=1)
    assert_numpys(function, (np.abs(X) * 2).astype(dtype))


@pytest.mark.parametrize(
    "function", [np.sum, np.prod, np.mean, np.var, np.std, np.nansum, np.nanmean]
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64])
def test_dtype_option(function: Any, dtype: Any) -> None:
    assert_numpys(function, X.astype(np.float32), dtype=dtype, rtol=1e-5)
    assert_numpys(function, (X * 4).astype(int), axis=0, dtype=dtype, rtol=1e-5)


def test_integer_dtype_option() -> None:
    assert_numpys(np.sum, (X * 4).astype(int), axis=0, dtype=np.int8)
    assert_numpys(np.sum, X * 4, dtype=int)


@pytest.mark.parametrize("function", [*WITH_WHERE, *NAN_REDUCTIONS[:5]])
@pytest.mark.parametrize("axis", [None, 0, -1, (1, 2)])
def test_where(function: Any, axis: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        assert_numpys(function, X, axis=axis, where=MASK)
        assert_numpys(function, WITH_NAN, axis=axis, where=MASK, keepdims=True)
        assert_numpys(function, X, axis=axis, where=np.array([[[True]], [[False]]]))


@pytest.mark.parametrize("function", [np.max, np.min, np.nanmax, np.nanmin])
def test_extremum_with_initial(function: Any) -> None:
    for initial in (-0.3, 0.4, 100.0, -100.0):
        assert_numpys(function, X, initial=initial)
        assert_numpys(function, X, axis=1, initial=initial, where=MASK, keepdims=True)
        assert_numpys(function, (X * 10).astype(int), axis=1, initial=3, where=MASK)
        assert_numpys(function, X[:0], axis=0, initial=initial)
    with pytest.raises(ValueError, match="initial"):
        function(wg.Tensor(X), where=MASK)
    with pytest.raises(ValueError, match="zero-size"):
        function(wg.Tensor(X[:0]), axis=0)


def test_sum_and_prod_with_initial() -> None:
    for function in (np.sum, np.prod, np.nansum, np.nanprod):
        assert_numpys(function, X, axis=1, initial=2.5)
        assert_numpys(function, X.astype(np.float32), initial=np.float64(2.5), rtol=1e-5)
        assert_numpys(function, X[:0], axis=0)


def test_initial_is_differentiable() -> None:
    gradient = wg.grad(lambda x, s: np.sum(x, initial=s), argnums=(0, 1))(X[0, 0], 2.0)
    np.testing.assert_array_equal(gradient[0], np.ones(4))
    assert gradient[1] == 1.0


def test_ddof_correction_and_mean() -> None:
    center = X.mean(1, keepdims=True) + 0.25
    for function in (np.var, np.std, np.nanvar, np.nanstd):
        assert_numpys(function, X, axis=1, ddof=1)
        assert_numpys(function, X, axis=1, correction=1)
        assert_numpys(function, X, axis=1, ddof=0.5)
        assert_numpys(function, X, axis=1, mean=center)
        with pytest.raises(ValueError, match="simultaneously"):
            function(wg.Tensor(X), ddof=1, correction=1)
    slopes = wg.grad(lambda c: np.var(X[0, 0], mean=c))(np.array([0.5]))
    np.testing.assert_allclose(slopes, [2 * (0.5 - X[0, 0].mean())])


def test_out() -> None:
    x = wg.Tensor(X, True)
    for function in (np.sum, np.max, np.mean, np.var, np.prod, np.nansum, np.nanmax):
        out = wg.Tensor(np.zeros((2, 4)))
        assert function(x, axis=1, out=out) is out
        np.testing.assert_allclose(out.array, function(X, axis=1))
        out.backward(np.ones((2, 4)))
        assert np.any(x.grad)
        x.zero_grad()
        with pytest.raises(wg.MutationError, match="plain array"):
            function(x, axis=1, out=np.zeros((2, 4)))
    found = np.zeros(2, int)
    assert np.argmax(x[:, 0], axis=1, out=found) is found
    np.testing.assert_array_equal(found, np.argmax(X[:, 0], axis=1))


@pytest.mark.parametrize("function", REDUCTIONS)
def test_wrong_axes(function: Any) -> None:
    x = wg.Tensor(X, True)
    with pytest.raises(np.exceptions.AxisError):
        function(x, axis=3)
    with pytest.raises(np.exceptions.AxisError):
        function(x, axis=(0, -4))
    with pytest.raises(ValueError, match=r"duplicate|repeated"):
        function(x, axis=(0, 0))
    with pytest.raises(TypeError):
        function(x, axis=0.5)


def test_warnings_are_numpys() -> None:
    with pytest.warns(RuntimeWarning, match="Mean of empty slice"), np.errstate(all="ignore"):
        assert np.isnan(np.mean(wg.Tensor(X[:0]), axis=0).array).all()
    with pytest.warns(RuntimeWarning, match="Mean of empty slice"), np.errstate(all="ignore"):
        np.nanmean(wg.Tensor([np.nan]))
    with pytest.warns(RuntimeWarning, match="Degrees of freedom"), np.errstate(all="ignore"):
        np.var(wg.Tensor([1.0]), ddof=1)
    with pytest.warns(RuntimeWarning, match="All-NaN slice"):
        np.nanmax(wg.Tensor([[np.nan], [1.0]]), axis=1)


def test_average() -> None:
    weights = RNG.uniform(1, 2, size=3)
    for axis, w in (
        (None, None),
        (1, None),
        (1, weights),
        (None, np.abs(X)),
        ((1, 0), MASK[:3, :2] + 1.0),
    ):
        assert_numpys(np.average, X, axis=axis, weights=w)
    assert_numpys(np.average, (X * 5).astype(int), axis=1, weights=weights, keepdims=True)
    y, total = np.average(wg.Tensor(X), 1, weights, returned=True)
    expected = np.average(X, 1, weights, returned=True)
    np.testing.assert_allclose(y.array, expected[0])
    np.testing.assert_allclose(plain(total), expected[1])
    y, total = np.average(wg.Tensor(X), 1, returned=True)
    np.testing.assert_allclose(plain(total), np.full((2, 4), 3.0))
    with pytest.raises(ZeroDivisionError):
        np.average(X, 1, wg.Tensor(weights * 0))
    with pytest.raises(TypeError, match="Axis must be specified"):
        np.average(wg.Tensor(X), weights=weights)
    with pytest.raises(ValueError, match="consistent"):
        np.average(wg.Tensor(X), 1, weights[:2])


@pytest.mark.parametrize("axis", [None, 0, -1, (0, 1)])
def test_plain_results(axis: Any) -> None:
    x = np.where(X > 0, X, 0)
    t = wg.Tensor(x, True)
    for function in (np.all, np.any, np.count_nonzero):
        for keepdims in (False, True):
            found = function(t, axis=axis, keepdims=keepdims)
            assert not isinstance(found, wg.Tensor)
            np.testing.assert_array_equal(found, function(x, axis=axis, keepdims=keepdims))
    np.testing.assert_array_equal(np.any(t, axis, where=MASK), np.any(x, axis, where=MASK))
    np.testing.assert_array_equal(np.all(t, axis, where=MASK), np.all(x, axis, where=MASK))


@pytest.mark.parametrize("axis", [None, 0, -1])
def test_positions(axis: Any) -> None:
    t, n = wg.Tensor(X, True), wg.Tensor(WITH_NAN, True)
    for keepdims in (False, True):
        for function in (np.argmax, np.argmin):
            found = function(t, axis, keepdims=keepdims)
            np.testing.assert_array_equal(found, function(X, axis, keepdims=keepdims))
            assert type(found) is type(function(X, axis, keepdims=keepdims))
    filled = np.where(np.isnan(WITH_NAN).all(-1, keepdims=True), X, WITH_NAN)
    n = wg.Tensor(filled, True)
    for function in (np.nanargmax, np.nanargmin):
        np.testing.assert_array_equal(function(n, axis), function(filled, axis))
        with pytest.raises(ValueError, match="All-NaN"):
            function(wg.Tensor([np.nan]))


def test_methods() -> None:
    t = wg.Tensor(X, True)
    for name in ("sum", "prod", "max", "min", "mean", "var", "std"):
        np.testing.assert_allclose(getattr(t, name)(1).array, getattr(X, name)(1))
        np.testing.assert_allclose(
            getattr(t, name)(axis=0, keepdims=True).array, getattr(X, name)(axis=0, keepdims=True)
        )
    for name in ("argmax", "argmin", "all", "any"):
        np.testing.assert_array_equal(getattr(t, name)(1), getattr(X, name)(1))
    np.testing.assert_allclose(t.ptp(1).array, np.ptp(X, 1))


# ------------------------------------------------------------------ nodes and gradients


def test_one_node_each() -> None:
    t = wg.Tensor(X, True)
    for call, name in (
        (lambda: t.sum(axis=1, keepdims=True), "<SumBackward>"),
        (lambda: np.sum(t), "<SumBackward>"),
        (lambda: np.max(t, -1), "<MaxBackward>"),
        (lambda: t.max(), "<MaxBackward>"),
        (lambda: t.min((0, 1)), "<MinBackward>"),
        (lambda: np.prod(t), "<ProdBackward>"),
    ):
        y = call()
        assert y.grad_fn_name == name
        assert y.parents[0] is t


@pytest.mark.parametrize(
    "x", [X, X[0, 0, :1].reshape(()), np.round(X), X.astype(np.float32), X[:0]]
)
@pytest.mark.parametrize("name", ["sum", "max", "min"])
def test_fast_paths_agree_with_the_records(name: str, x: Any) -> None:
    """The hand-written cotangents of the flat nodes against the sweep of the record's rule."""
    from wengert.core.bind import bind
    from wengert.core.primitive import PRIMITIVES
    from wengert.rules.reductions import canonical_axes

    axes = [a for a in AXES if x.ndim or a in (None, ())]
    for axis, keepdims in itertools.product(axes, (False, True)):
        canonical = canonical_axes(axis, x.ndim)
        if name != "sum" and 0 in (x.shape[i] for i in canonical):
            continue
        fast, slow = wg.Tensor(x, True), wg.Tensor(x, True)
        y = getattr(fast, name)(axis, keepdims=keepdims)
        z = bind(PRIMITIVES[name], (slow,), {"axis": canonical, "keepdims": keepdims})
        ct = np.random.default_rng(1).normal(size=y.shape).astype(x.dtype)
        for create_graph in (False, True):
            y.backward(ct, create_graph=create_graph)
            z.backward(ct, create_graph=create_graph)
            a, b = plain(fast.grad), plain(slow.grad)
            assert (a.shape, a.dtype) == (b.shape, b.dtype) == (x.shape, x.dtype)
            np.testing.assert_allclose(a, b, rtol=1e-6)


def test_large_sums_spread_without_memory() -> None:
    x = np.ones((300, 200))
    np.testing.assert_array_equal(
        wg.grad(lambda x: (x.sum(0) ** 2).sum())(x), np.full_like(x, 600.0)
    )
    g = wg.grad(np.sum)(x)
    g += 1.0  # it is the caller's own
    assert g[0, 0] == 2.0


def test_ties_share_evenly() -> None:
    x = np.array([[1.0, 3.0, 3.0], [2.0, 2.0, 2.0]])
    np.testing.assert_allclose(
        wg.grad(lambda x: np.max(x, 1).sum())(x), [[0, 0.5, 0.5], [1 / 3, 1 / 3, 1 / 3]]
    )
    np.testing.assert_allclose(wg.grad(np.min)(x), [[1, 0, 0], [0, 0, 0]])
    np.testing.assert_allclose(
        wg.grad(lambda x: np.nanmax(x, 1).sum())(x), wg.grad(lambda x: np.max(x, 1).sum())(x)
    )


def test_extremum_of_nan_passes_the_derivative_to_nan() -> None:
    x = np.array([1.0, np.nan, 3.0])
    np.testing.assert_array_equal(wg.grad(np.max)(x), [0, 1, 0])
    np.testing.assert_array_equal(wg.grad(np.nanmax)(x), [0, 0, 1])
    # A slice that is not used does not poison the rest.
    f = lambda x: np.where(np.array([True, False]), np.max(x, 1), 0.0).sum()  # noqa: E731
    np.testing.assert_array_equal(
        wg.grad(f)(np.array([[1.0, 2.0], [np.nan, 1.0]])), [[0, 1], [0, 0]]
    )


@pytest.mark.parametrize("zeros", [0, 1, 2, 3])
def test_product_with_zeros(zeros: int) -> None:
    x = np.array([1.5, -2.0, 0.5, 3.0])
    x[:zeros] = 0.0
    others = np.array([np.prod(np.delete(x, i)) for i in range(4)])
    np.testing.assert_allclose(wg.grad(np.prod)(x), others)
    pairs = np.array(
        [[0 if i == j else np.prod(np.delete(x, [i, j])) for j in range(4)] for i in range(4)]
    )
    np.testing.assert_allclose(wg.hessian(np.prod)(x), pairs)
    # Over two axes, and as the last of the running products.
    np.testing.assert_allclose(wg.hessian(lambda x: np.prod(x.reshape(2, 2)))(x), pairs)
    np.testing.assert_allclose(wg.hessian(lambda x: np.cumprod(x)[-1])(x), pairs)


def test_std_of_equal_elements() -> None:
    np.testing.assert_array_equal(wg.grad(np.std)(np.ones(3)), np.zeros(3))
    np.testing.assert_array_equal(wg.grad(np.nanstd)(np.ones(3)), np.zeros(3))
    np.testing.assert_array_equal(wg.jvp(np.std, (np.ones(3),), (np.arange(3.0),))[1], 0.0)
    assert np.isfinite(wg.hessian(np.std)(np.ones(3))).all()
    assert np.isnan(np.std(wg.Tensor([1.0, np.nan])).item())


def test_skipped_nan_has_derivative_zero() -> None:
    x = np.array([1.0, np.nan, 3.0])
    np.testing.assert_array_equal(wg.grad(np.nansum)(x), [1, 0, 1])
    np.testing.assert_array_equal(wg.grad(np.nanprod)(x), [3, 0, 1])
    np.testing.assert_array_equal(wg.grad(np.nanmean)(x), [0.5, 0, 0.5])
    np.testing.assert_allclose(wg.grad(np.nanvar)(x), [-1, 0, 1])
    np.testing.assert_allclose(wg.grad(np.nanstd)(x), [-0.5, 0, 0.5])


def test_inside_no_grad_nothing_is_recorded() -> None:
    t = wg.Tensor(X, True)
    with wg.no_grad():
        assert not t.sum().requires_grad
        assert not t.max(1).requires_grad
        assert not np.mean(t).requires_grad


def test_abstract_values() -> None:
    x = np.where(np.isnan(WITH_NAN), 0.5, WITH_NAN)
    for f in (
        lambda x: np.sum(x, -1, where=MASK),
        lambda x: np.argmax(x, -1) + 0.0,
        lambda x: np.any(x > 0, axis=0) * 1.0,
        lambda x: np.nanmean(x, -1),
        lambda x: np.nanvar(x, 0),
        lambda x: np.nanargmax(x, -1),
        lambda x: np.max(x, 1, initial=0.2, where=MASK),
    ):
        np.testing.assert_allclose(wg.vmap(f)(x), np.stack([f(row) for row in x]))
