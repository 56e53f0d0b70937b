"""Every ufunc of NumPy has a rule, returns plain results, or has a written reason."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert.core.primitive import PRIMITIVES
from wengert.numpy.classification import CLASSIFICATION
from wengert.numpy.dispatch import FUNCTIONS, UFUNC_CALLS
from wengert.rules.pointwise import UFUNCS

from .compare import constant

ALL = sorted({name for name in dir(np) if isinstance(getattr(np, name), np.ufunc)})
DISPATCHING = sorted(
    name for name in dir(np) if hasattr(getattr(np, name), "_implementation") and name[0] != "_"
)
INTEGERS = {
    "bitwise_and", "bitwise_count", "bitwise_invert", "bitwise_left_shift", "bitwise_not",
    "bitwise_or", "bitwise_right_shift", "bitwise_xor", "gcd", "invert", "lcm", "left_shift",
    "right_shift",
}  # fmt: skip
# Steps, whose derivative is zero where it exists; nothing is recorded for them.
STEPS = {"ceil", "floor", "floor_divide", "rint", "sign", "spacing", "trunc"}


def classify(ufunc: Any) -> str:
    if CLASSIFICATION[ufunc.__name__].kind == "refused":
        return "reason"
    if ufunc not in UFUNC_CALLS:
        return "nothing"
    primitive = UFUNCS.get(ufunc)
    if primitive is not None and primitive.plain:
        return "plain"
    return "rule"


@pytest.mark.parametrize("name", ALL)
def test_every_ufunc_is_classified(name: str) -> None:
    ufunc = getattr(np, name)
    kind = classify(ufunc)
    assert kind != "nothing", f"np.{name} has no rule, is not plain, and no reason is written"
    if kind == "reason":
        with pytest.raises(wg.NoRuleError, match=name):
            ufunc(*[wg.Tensor(np.ones(2), True)] * ufunc.nin)
        return
    values = np.array([[0.4, 0.6], [0.3, 0.7]])
    if name in INTEGERS:
        values = np.array([[1, 2], [3, 4]])
    if name == "arccosh" or name == "acosh":
        values = values + 1.0
    args: list[Any] = [
        values + 0.1 * k if values.dtype == float else values for k in range(ufunc.nin)
    ]
    if name == "ldexp":
        args[1] = np.array([1, 2])
    expected = ufunc(*args)
    track = values.dtype == float
    tensors = [wg.Tensor(a, True) if track and a.dtype == float else constant(a) for a in args]
    found = ufunc(*tensors)
    for value, wanted in zip(_several(found), _several(expected), strict=True):
        if kind == "plain" or np.asarray(wanted).dtype.kind not in "fc":
            assert not isinstance(value, wg.Tensor) or not value.requires_grad
        elif name not in STEPS:
            assert isinstance(value, wg.Tensor), name
            assert value.requires_grad or name in ("modf", "divmod"), f"np.{name} records nothing"
        np.testing.assert_allclose(np.asarray(getattr(value, "array", value)), wanted, rtol=1e-14)


def _several(x: Any) -> tuple[Any, ...]:
    return x if isinstance(x, tuple) else (x,)


@pytest.mark.parametrize("name", ALL)
def test_out_and_dtype(name: str) -> None:
    """``out=`` and ``where=`` of every ufunc that has a rule and one result."""
    ufunc = getattr(np, name)
    if (
        classify(ufunc) != "rule"
        or ufunc.signature is not None
        or ufunc.nout > 1
        or name == "ldexp"
    ):
        return
    args = [
        np.array([1.4, 1.6, 1.3])
        - (0.9 if name in ("arcsin", "arccos", "arctanh", "asin", "acos", "atanh") else 0)
    ] * ufunc.nin
    mask = np.array([True, False, True])
    expected = ufunc(*args, out=np.zeros(3), where=mask)
    out = np.zeros_like(constant(args[0]))
    tensors = [wg.Tensor(a, True) for a in args]
    assert ufunc(*tensors, out=out, where=mask) is out
    np.testing.assert_allclose(out.array, expected, rtol=1e-14)
    with pytest.raises(wg.MutationError, match="zeros_like"):
        ufunc(*tensors, out=np.zeros(3))
    with pytest.raises(wg.NoRuleError, match="where"):
        ufunc(*tensors, where=mask)


def test_every_dispatching_function_is_served_or_refused() -> None:
    refused = {n for n, entry in CLASSIFICATION.items() if entry.kind == "refused"}
    missing = [n for n in DISPATCHING if getattr(np, n) not in FUNCTIONS and n not in refused]
    assert not missing, f"neither served nor refused: {missing}"
    served = [
        n for n in refused
        if hasattr(np, n) and (getattr(np, n) in FUNCTIONS or getattr(np, n) in UFUNC_CALLS)
    ]  # fmt: skip
    assert not served, f"these are refused in the table and have a rule: {served}"


def test_pointwise_primitives_are_registered_once() -> None:
    for ufunc, primitive in UFUNCS.items():
        assert PRIMITIVES[primitive.name] is primitive
        assert ufunc in UFUNC_CALLS


def test_a_key_error_of_what_serves_a_ufunc_is_the_callers() -> None:
    # The dispatch looks ufuncs up in a table: a KeyError from inside is no missing entry.
    from wengert.numpy import dispatch

    def fails(x: Any) -> Any:
        raise KeyError("inside")

    before = dispatch.UFUNC_CALLS[np.cosh]
    dispatch.implements(np.cosh)(fails)
    try:
        with pytest.raises(KeyError, match="inside"):
            np.cosh(wg.Tensor([1.0]))
    finally:
        dispatch.implements(np.cosh)(before)
    assert np.cosh(wg.Tensor([0.0])).item() == 1.0


@pytest.mark.parametrize("recorded", [(True, True), (True, False), (False, True)])
def test_constants_of_a_product_are_its_parents(recorded: tuple[bool, bool]) -> None:
    x, y = (wg.Tensor([2.0, 3.0], requires_grad=r) for r in recorded)
    for z in (x * y, np.multiply(x, y), np.power(x, y)):
        assert [p is q for p, q in zip(z.parents, (x, y), strict=True)] == [True, True]
