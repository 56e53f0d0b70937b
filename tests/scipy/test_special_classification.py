"""The classification of `scipy.special` against SciPy itself, and against what happens."""

from __future__ import annotations

import subprocess
import sys
import types
from typing import Any

import numpy as np
import pytest
import scipy.special as sp

import wengert as wg
from wengert.core import pytree
from wengert.core.abstract import Aval
from wengert.core.recorder import record
from wengert.rules.pointwise import UFUNCS
from wengert.scipy import special
from wengert.scipy.special.classification import (
    CLASSIFICATION,
    COMPOSITE,
    NOTES,
    PLAIN,
    PRIMITIVE,
    REFUSED,
    ZERO,
)

from .special_examples import Example, example_of

NAMES = sorted(
    n
    for n in {*dir(sp), *sp.__all__}
    if n[0] != "_" and not isinstance(getattr(sp, n), types.ModuleType)
)


def of_kind(*kinds: str) -> list[str]:
    return [n for n in NAMES if n in CLASSIFICATION and CLASSIFICATION[n].kind in kinds]


def example(name: str) -> Example:
    return example_of(name, getattr(getattr(sp, name), "nin", 3))


def namespaces(name: str) -> list[Any]:
    return [special] if CLASSIFICATION[name].here_only else [sp, special]


# ------------------------------------------------------------------ the table


def test_every_function_is_classified() -> None:
    missing = sorted(set(NAMES) - set(CLASSIFICATION))
    assert not missing, f"add these to src/wengert/scipy/special/classification.py: {missing}"


def test_no_name_is_invented() -> None:
    """Names that this version of SciPy lacks belong to another one from 1.13 to 1.17."""
    elsewhere = {
        *("btdtr", "btdtri", "clpmn", "lpmn", "lpn", "sph_harm"),  # before 1.17
        *("log_wright_bessel", "betaincc", "softplus", "assoc_legendre_p", "legendre_p"),
        *("legendre_p_all", "assoc_legendre_p_all", "sph_harm_y", "sph_harm_y_all"),
        *("sph_legendre_p", "sph_legendre_p_all"),
    }
    assert set(CLASSIFICATION) - set(NAMES) <= elsewhere


def test_every_name_stands_once() -> None:
    tables = (PRIMITIVE, COMPOSITE, ZERO, PLAIN, REFUSED)
    names = [n for table in tables for part in table.values() for n in part.split()]
    assert sorted(names) == sorted(set(names))
    assert set(NOTES) <= set(names)


def test_here_is_every_name_of_scipys() -> None:
    assert [n for n in NAMES if not hasattr(special, n)] == []
    assert set(special.__all__) <= {*NAMES, "softplus"}


def test_what_is_here_only_is_no_ufunc() -> None:
    for name in of_kind("primitive", "composite"):
        if CLASSIFICATION[name].here_only:
            assert not isinstance(getattr(sp, name), np.ufunc)
            assert getattr(special, name) is not getattr(sp, name)
        else:
            assert name == "softplus" or getattr(special, name) is getattr(sp, name)


def test_the_page_is_up_to_date() -> None:
    command = [sys.executable, "-m", "wengert.scipy.special.reference", "--check"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


# ------------------------------------------------------------------ what happens


def traced(example: Example, namespace: Any) -> tuple[list[Any], list[Any]]:
    """All results of a call on traced values inside a transform; and gradients of the first."""
    results: list[Any] = []

    def function(*xs: Any) -> Any:
        results[:] = pytree.leaves(example.call(namespace, *xs))
        return tuple(y for y in results if isinstance(y, wg.Tensor) and y.dtype.kind in "fc")

    values, pullback = wg.vjp(function, *example.args)
    gradients = pullback(tuple(np.ones_like(v) for v in values)) if values else ()
    return results, pytree.leaves(gradients)


@pytest.mark.parametrize("name", of_kind("primitive", "composite"))
def test_differentiable(name: str) -> None:
    """SciPy's values, and derivatives by both modes that agree with each other and with numbers."""
    call = example(name)
    expected = [np.asarray(y) for y in pytree.leaves(call.call(sp, *call.args))]
    for namespace in namespaces(name):
        results, gradients = traced(call, namespace)
        assert any(isinstance(y, wg.Tensor) and y.requires_grad for y in results), name
        assert all(np.isfinite(g).all() for g in gradients)
        assert all(np.any(g) for g in gradients), f"{name}: a gradient is zero"
        for y, wanted in zip(results, expected, strict=True):
            value = y.detach().array
            assert value.shape == wanted.shape
            np.testing.assert_allclose(value, wanted, rtol=1e-12, atol=1e-12)
    # SciPy's own values are good to 1e-6 in some functions that few use.
    steps = [1e-4 * (i + 1) * (1 + np.arange(a.size)) for i, a in enumerate(call.args)]
    slope = wg.jvp(lambda *xs: call.call(special, *xs), call.args, tuple(steps))[1]
    above = pytree.leaves(call.call(sp, *[a + h for a, h in zip(call.args, steps, strict=True)]))
    below = pytree.leaves(call.call(sp, *[a - h for a, h in zip(call.args, steps, strict=True)]))
    for t, high, low in zip(pytree.leaves(slope), above, below, strict=True):
        difference = (np.asarray(high) - np.asarray(low)) / 2
        size = max(float(np.abs(difference).max()), 1e-300)
        np.testing.assert_allclose(t, difference, rtol=1e-4, atol=2e-5 * size)


@pytest.mark.parametrize("name", of_kind("primitive"))
def test_primitives_are_one_operation(name: str) -> None:
    call = example(name)
    avals = [Aval(a.shape, a.dtype) for a in call.args]
    program = record(lambda *xs: pytree.leaves(call.call(namespaces(name)[0], *xs)), avals)
    assert [e.primitive.name for e in program.equations if e.primitive.name != "astype"][1:] == []


@pytest.mark.parametrize("name", of_kind("zero"))
def test_derivative_zero(name: str) -> None:
    call = example(name)
    (result,), _ = traced(call, special)
    assert isinstance(result, wg.Tensor)
    assert not result.requires_grad
    np.testing.assert_array_equal(result.detach().array, call.call(sp, *call.args))


@pytest.mark.parametrize("name", of_kind("plain"))
def test_plain_is_scipys(name: str) -> None:
    assert getattr(special, name) is getattr(sp, name)


@pytest.mark.filterwarnings("ignore::scipy.integrate.IntegrationWarning")
@pytest.mark.parametrize("name", of_kind("refused"))
def test_refused(name: str) -> None:
    """The named error inside a transform; on plain arrays it is SciPy's own."""
    call, entry = example(name), CLASSIFICATION[name]
    with pytest.raises(getattr(wg, entry.error)) as raised:
        traced(call, special)
    assert len(str(raised.value)) > 60, "the error says what to do"
    assert f"scipy.special.{name}" in str(raised.value)
    with pytest.raises((TypeError, ValueError)):  # SciPy asks first whether it is a number
        traced(call, sp)
    np.testing.assert_equal(call.call(special, *call.args), call.call(sp, *call.args))


def test_every_ufunc_with_a_rule_is_classified_as_such() -> None:
    served = {n for n in NAMES if isinstance(getattr(sp, n), np.ufunc) and getattr(sp, n) in UFUNCS}
    excused = {"mathieu_a", "mathieu_b", "pro_cv", "obl_cv"}  # rules of other functions call them
    assert served - excused <= set(of_kind("primitive", "zero"))


def test_polynomials_may_be_called_on_tensors() -> None:
    """The objects that SciPy's constructors make evaluate with ufuncs."""
    slope = wg.grad(lambda x: sp.legendre(3)(x))(0.4)
    np.testing.assert_allclose(slope, 1.5 * (5 * 0.4**2 - 1))
