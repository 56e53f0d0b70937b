"""Loops that read and write elements: sweeps and dual writes work in place, and are right."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert.core.tape import contribute
from wengert.rules import fast_indexing
from wengert.rules.indexing import getitem_p, scatter_add_p, setitem_p
from wengert.testing import check_grads

X = np.linspace(0.5, 1.5, 40)
V = np.cos(np.arange(40.0))


def by_elements(x: Any) -> Any:
    y = np.zeros_like(x)
    y[0] = x[0]
    for i in range(1, len(x)):
        y[i] = y[i - 1] * 0.5 + np.sin(x[i]) * x[i - 1]
    return y[3] * y.sum()


def by_rows(x: Any) -> Any:
    y = np.zeros_like(x).reshape(8, 5) + x[0]
    for i in range(1, 8):
        y[i] = np.sin(y[i - 1]) * x[i]
        y[i - 1, 1:3] *= x[1:3]
    return (y * y).sum()


def by_arrays(x: Any) -> Any:
    at = np.array([0, 3, 3, 7])
    for _ in range(4):
        x[at] = x[at + 1] * x[1]
        at = at + 2
    return (x**3).sum()


def overlapping(x: Any) -> Any:
    for _ in range(4):
        x[1:] = x[:-1] * x[1:]
        x[::2] += x[1::2]
    return x.sum()


PROGRAMS = [by_elements, by_rows, by_arrays, overlapping]


@pytest.mark.parametrize("program", PROGRAMS)
def test_all_modes_agree_with_finite_differences(program: Any) -> None:
    def pure(x: Any) -> Any:
        return program(x * 1.0)

    check_grads(pure, (X,), order=2)
    np.testing.assert_allclose(wg.jvp(pure, (X,), (V,))[1], wg.grad(pure)(X) @ V, rtol=1e-12)


def test_counts_make_sense_here() -> None:
    assert 0 < fast_indexing._IN_DICT < fast_indexing._IN_RAW


@pytest.mark.parametrize("program", [by_elements, by_rows])
def test_reverse_mode_makes_no_pass_over_the_whole_per_step(
    program: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    for p in (scatter_add_p, setitem_p):
        evaluate = p.evaluate
        monkeypatch.setattr(
            p,
            "evaluate",
            lambda *args, _name=p.name, _f=evaluate, **params: (
                calls.append(_name) or _f(*args, **params)
            ),
        )
    wg.grad(lambda x: program(x * 1.0))(X)
    assert len(calls) <= 4


def test_forward_mode_writes_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any, **params: Any) -> None:
        raise AssertionError("copied")

    monkeypatch.setattr(setitem_p, "evaluate", refuse)
    wg.jvp(by_elements, (X,), (V,))


def test_a_shared_tangent_is_not_written_into() -> None:
    v = V.copy()

    def f(x: Any) -> Any:
        y = x + 0.0  # the same tangent as that of x
        y[3] = 0.0
        return x * y

    _, t = wg.jvp(f, (X,), (v,))
    expected = 2 * X * V
    expected[3] = 0.0
    np.testing.assert_allclose(t, expected)
    np.testing.assert_array_equal(v, V)


def test_a_cotangent_of_the_user_is_not_written_into() -> None:
    def f(x: Any) -> Any:
        y = x * 2.0
        y[3] = 0.0
        return y

    _, pullback = wg.vjp(f, X)
    ct = V.copy()
    expected = 2 * V
    expected[3] = 0.0
    for _ in range(2):
        np.testing.assert_allclose(pullback(ct)[0], expected)
    np.testing.assert_array_equal(ct, V)


def test_a_gradient_that_is_kept_is_not_written_into() -> None:
    x = wg.Tensor(X, True)
    y = x * 2.0
    before = y
    z = y + 0.0  # passes one cotangent on to both
    z[3] = 0.0
    (z * V).sum().backward()
    expected = V.copy()
    np.testing.assert_allclose(z.grad, expected)
    expected[3] = 0.0
    np.testing.assert_allclose(before.grad, expected)


@pytest.mark.parametrize("index", [(2,), (slice(1, 4),), (np.array([0, 0, 2]),)])
def test_contributions_are_those_of_the_records(index: Any) -> None:
    x = wg.Tensor(X, True)
    y = x * 1.0
    read = y[index]
    ct = np.asarray(np.cos(np.arange(read.size * 1.0))).reshape(read.shape)
    node = read._n
    fast: dict[int, Any] = {}
    node[1].raw(node, ct, fast)
    slow: dict[int, Any] = {}
    contribute(getitem_p, node[2], node[5], None, node[6], ct, slow, False)
    assert fast.keys() == slow.keys()
    for k in fast:
        np.testing.assert_array_equal(fast[k], slow[k])
        total = fast[k].copy()
    for _ in range(2):  # the second time it is added in place
        node[1].raw(node, ct, fast)
    np.testing.assert_allclose(fast[node[2][0][0]], 3 * total)
