"""Every case of the law tables as a listing, in both modes: it runs and agrees."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import wengert as wg
from wengert.show import show

from ..laws.collect import all_cases

CASES = [
    pytest.param(case, id=name)
    for name, case in all_cases()
    if any(a.dtype.kind == "f" for a in case.draw())
]


@pytest.fixture(autouse=True)
def _quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        yield


def assert_same(a, b):
    for x, y in zip(wg.tree.leaves(a), wg.tree.leaves(b), strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-7, atol=1e-10)


@pytest.mark.parametrize("case", CASES)
def test_backward(case):
    args = case.draw()
    positions = tuple(i for i, a in enumerate(args) if a.dtype.kind == "f")

    def total(*new):
        leaves = wg.tree.leaves(case.f(*new))
        return sum(np.sum(y) for y in leaves if y.dtype.kind == "f")

    try:
        expected = wg.grad(total, positions)(*[a.copy() for a in args])
        listing = show(case.f, *args)
    except wg.WengertTypeError as error:
        pytest.skip(str(error))  # its result is an integer or complex
    value, gradients = listing.run()
    assert_same(value, case.f(*[a.copy() for a in args]))
    assert_same(gradients, expected)


@pytest.mark.parametrize("case", CASES)
def test_forward(case):
    args = case.draw()
    rng = case.rng()
    tangents = [rng.normal(size=a.shape) if a.dtype.kind == "f" else a for a in args]
    positions = [i for i, a in enumerate(args) if a.dtype.kind == "f"]

    def f(*new):
        all_args = [a.copy() for a in args]
        for i, x in zip(positions, new, strict=True):
            all_args[i] = x
        return case.f(*all_args)

    primals = tuple(args[i].copy() for i in positions)
    try:
        expected = wg.jvp(f, primals, tuple(tangents[i] for i in positions))
    except wg.WengertTypeError as error:
        pytest.skip(str(error))  # the result depends on values in a way that has no derivative
    got = show(case.f, *args, mode="forward").run(*args, tangents=tangents)
    assert_same(got, expected)
