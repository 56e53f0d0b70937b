"""``reduce``, ``accumulate``, ``reduceat`` and ``outer`` of every ufunc of two operands."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert.testing import check_grads

RNG = np.random.default_rng(5)
X = RNG.uniform(0.3, 0.9, (2, 3, 5))
MASK = np.array([True, False, True, True, True])
# NumPy 2.4's vector code folds these two wrongly along a contiguous axis: np.power.reduce(x) is
# then not np.power.accumulate(x)[-1]. Its other axes are right.
WRONG_IN_NUMPY = {"arctan2", "power", "float_power"}


def ufuncs() -> list[Any]:
    """Those that NumPy folds over floats, each once."""
    found = {}
    for ufunc in vars(np).values():
        if not isinstance(ufunc, np.ufunc) or (ufunc.nin, ufunc.nout) != (2, 1) or ufunc.signature:
            continue
        try:
            ufunc.reduce(X[0], axis=0)
        except TypeError:
            continue
        found[ufunc.__name__] = ufunc
    return list(found.values())


CALLS: dict[str, Any] = {
    "reduce": lambda u, x: u.reduce(x),
    "reduce axis": lambda u, x: u.reduce(x, axis=1),
    "reduce axes": lambda u, x: u.reduce(x, axis=(0, -1), keepdims=True),
    "reduce all": lambda u, x: u.reduce(x, axis=None),
    "reduce no axes": lambda u, x: u.reduce(x, axis=()),
    "reduce keepdims": lambda u, x: u.reduce(x, axis=1, keepdims=True),
    "reduce initial": lambda u, x: u.reduce(x, axis=1, initial=0.5),
    "reduce where": lambda u, x: u.reduce(x, axis=1, where=MASK),
    "reduce initial where": lambda u, x: u.reduce(x, axis=1, initial=0.5, where=MASK),
    "reduce dtype": lambda u, x: u.reduce(x, axis=1, dtype=np.float32),
    "reduce empty": lambda u, x: u.reduce(x[:, :0], axis=1),
    "accumulate": lambda u, x: u.accumulate(x, axis=1),
    "accumulate dtype": lambda u, x: u.accumulate(x, axis=-2, dtype=np.float32),
    "reduceat": lambda u, x: u.reduceat(x, [0, 2, 1, 0], axis=1),
    "reduceat long": lambda u, x: u.reduceat(np.moveaxis(x, -1, 0), [0, 1, 4, 0, 3, 3]),
    "reduceat none": lambda u, x: u.reduceat(x, np.array([], int), axis=1),
    "outer": lambda u, x: u.outer(x[0], x[1, 0]),
    "outer dtype": lambda u, x: u.outer(x[0, 0], x[1, 0], dtype=np.float32),
}


def expected(u: Any, call: Any) -> Any:
    """What NumPy says; None where it refuses."""
    try:
        return call(u, X.copy())
    except (TypeError, ValueError):
        return None


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("u", ufuncs(), ids=lambda u: u.__name__)
def test_values_are_numpys(u: Any, name: str) -> None:
    call = CALLS[name]
    wanted = expected(u, call)
    if wanted is None:
        with pytest.raises((TypeError, ValueError)):
            call(u, wg.Tensor(X, True))
        return
    if u.__name__ in WRONG_IN_NUMPY and name.startswith(("reduce all", "reduceat")):
        return
    found = call(u, wg.Tensor(X, True))
    found = found.array if isinstance(found, wg.Tensor) else found
    assert found.dtype == wanted.dtype
    rtol = 1e-5 if wanted.dtype == np.float32 else 1e-12
    np.testing.assert_allclose(found, wanted, rtol=rtol)
    batched = wg.vmap(lambda x: call(u, x))(np.stack([X, X]))
    np.testing.assert_allclose(batched, [wanted, wanted], rtol=rtol)


SMOOTH = [
    np.subtract, np.divide, np.arctan2, np.power, np.hypot, np.logaddexp, np.logaddexp2, np.fmax,
    np.fmin, np.maximum, np.minimum, np.multiply, np.add, np.float_power, np.copysign,
]  # fmt: skip
FOLDS = ["reduce", "reduce initial where", "accumulate", "reduceat", "reduceat long"]


@pytest.mark.parametrize("name", FOLDS)
@pytest.mark.parametrize("u", SMOOTH, ids=lambda u: u.__name__)
def test_derivatives(u: Any, name: str) -> None:
    wrong = u.__name__ in WRONG_IN_NUMPY and name.startswith("reduceat")
    if expected(u, CALLS[name]) is not None and not wrong:
        check_grads(lambda x: CALLS[name](u, x), (X,), order=2 if name != "reduceat long" else 1)


@pytest.mark.parametrize(
    "u", [np.power, np.arctan2, np.subtract, np.fmod], ids=lambda u: u.__name__
)
def test_the_fold_goes_from_left_to_right(u: Any) -> None:
    found = u.reduce(wg.Tensor(X[0, 0], True)).array
    np.testing.assert_allclose(found, functools.reduce(u, X[0, 0]), rtol=1e-14)


def test_fmax_accumulate_beside_nan() -> None:
    x = np.array([np.nan, 1.0, np.nan, 3.0, 2.0, np.nan])
    for u in (np.fmax, np.fmin):
        np.testing.assert_array_equal(u.accumulate(wg.Tensor(x, True)).array, u.accumulate(x))
        np.testing.assert_array_equal(
            u.reduceat(wg.Tensor(x, True), [0, 1, 0, 2]).array, u.reduceat(x, [0, 1, 0, 2])
        )


def test_ties_in_slices_share_evenly() -> None:
    gradient = wg.grad(lambda x: np.sum(np.maximum.reduceat(x, [0, 3])))
    np.testing.assert_allclose(
        gradient(np.array([2.0, 2.0, 2.0, 1.0, 1.0])), [1 / 3] * 3 + [0.5] * 2
    )


def test_truth_is_plain() -> None:
    x = np.array([[0.0, 1.0, 2.0], [3.0, 0.0, 0.0]])
    for u in (np.logical_and, np.logical_or, np.logical_xor):
        for f in (
            lambda x, u=u: u.reduce(x, axis=1, initial=True),
            lambda x, u=u: u.accumulate(x, axis=1),
            lambda x, u=u: u.reduceat(x, [0, 1, 0], axis=1),
        ):
            found = f(wg.Tensor(x, True))
            assert not isinstance(found, wg.Tensor)
            np.testing.assert_array_equal(found, f(x))
            np.testing.assert_array_equal(wg.vmap(f)(x[None]), f(x)[None])


def test_errors() -> None:
    t = wg.Tensor(X, True)
    with pytest.raises(ValueError, match="not reorderable"):
        np.subtract.reduce(t, axis=(0, 1))
    with pytest.raises(ValueError, match="no identity"):
        np.divide.reduce(t[:0])
    with pytest.raises(IndexError, match=r"np\.multiply\.reduceat: index 7 is out of bounds"):
        np.multiply.reduceat(t, [0, 7])
    with pytest.raises(IndexError, match="indices must be integers"):
        np.hypot.reduceat(t, [0.5])
    with pytest.raises(np.exceptions.AxisError):
        np.hypot.accumulate(t, axis=3)


def same_kind_of_result(f: Any, x: Any) -> None:
    """The values, the dtype, and whether it is a NumPy scalar are NumPy's, compiled too."""
    expected, found, compiled = f(x), f(wg.Tensor(x).astype(x.dtype))._a, wg.jit(f)(x)
    for y in (found, compiled):
        assert type(y) is type(expected)
        assert y.dtype == expected.dtype
        np.testing.assert_allclose(y, expected, rtol=1e-3 if y.dtype == np.float16 else 1e-6)


def test_a_fold_of_everything_is_a_scalar() -> None:
    """Regression: without a step, and by `np.logaddexp`, it was an array without axes."""
    for x in (np.array([2.5]), np.array(2.5), np.array([1, 2, 3]), np.array([0.5, 1.5])):
        same_kind_of_result(lambda x: np.logaddexp.reduce(x, axis=None), x)
        same_kind_of_result(lambda x: np.remainder.reduce(x, axis=None), x)
        same_kind_of_result(lambda x: np.heaviside.reduce(x, axis=None), x.astype(float))
    same_kind_of_result(np.conjugate, np.array(2.5))


def test_logaddexp_of_integers_and_of_nothing() -> None:
    """Regressions: an OverflowError, and a start of None taken for an operand."""
    for dtype in (bool, np.int8, np.int64, np.uint16):
        same_kind_of_result(np.logaddexp.reduce, np.array([[1, 0, 1], [0, 1, 1]], dtype))
    empty = wg.Tensor(np.zeros((2, 0)))
    assert (np.logaddexp.reduce(empty, 1, initial=None).array == -np.inf).all()


def test_hypot_accumulate_keeps_the_first_element() -> None:
    """Regression: it was its absolute value."""
    x = np.array([-2.0, 1.0, -3.0])
    same_kind_of_result(np.hypot.accumulate, x)
    gradient = wg.grad(lambda x: np.sum(np.hypot.accumulate(x)))(x)
    assert gradient[0] == pytest.approx(1 - 2 / np.sqrt(5) - 2 / np.sqrt(14))


def test_bitwise_and_of_no_unsigned_integers() -> None:
    """Regression: -1, which changes nothing, did not fit into the dtype."""
    empty = np.zeros(0, np.uint8)
    assert np.bitwise_and.reduce(wg.Tensor(empty).astype(np.uint8)) == np.bitwise_and.reduce(empty)


def test_parts_of_integers_are_floats() -> None:
    """Regression: `np.modf` gave an integral part of integers, `np.frexp` an error under `jit`."""
    for dtype in (np.int8, np.uint8, np.int64, bool):
        x = np.array([1, 0, 1], dtype)
        for f in (np.modf, np.frexp):
            for k in (0, 1):
                expected = f(x)[k]
                for y in (f(wg.Tensor(x).astype(dtype))[k], wg.jit(f)(x)[k]):
                    y = y.array if isinstance(y, wg.Tensor) else y
                    assert y.dtype == expected.dtype
                    np.testing.assert_array_equal(y, expected)
