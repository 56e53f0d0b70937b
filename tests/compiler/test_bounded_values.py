"""What is proved of ranges, and the passes that rely on it: tests for zero, and collected terms."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
import scipy.special

import wengert as wg
from wengert.compiler.ir import Graph, Node, reachable
from wengert.compiler.lowering.table import Lowered
from wengert.compiler.passes.collect import collect_terms
from wengert.compiler.passes.zero_tests import drop_zero_tests
from wengert.compiler.ranges import Ranges, spreads

pytest.importorskip("llvmlite")

N = 7
SPECIAL = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1e308, -1e308, 5e-324, 1e-200, -3e-5])
POINTS = np.concatenate([np.linspace(-3, 3, 41), np.linspace(-45, 45, 61), SPECIAL])


def _const(g: Graph, value: float, dtype: Any = np.float64) -> Node:
    return g.const(value, dtype, (N,))


def _after(p: Any, g: Graph, *roots: Node) -> list[Node]:
    lowered = Lowered()
    lowered.graph = g
    lowered.outputs = list(roots)
    return list(p(lowered).outputs)


def _operations(*roots: Node) -> Counter[str]:
    return Counter(n.attrs for n in reachable(roots) if n.op == "map")


# ------------------------------------------------------------------ ranges


def test_ranges_of_arithmetic() -> None:
    g, ranges = Graph(), Ranges()
    x = g.input(0, (N,), np.float64)
    t, s = g.map("tanh", x), g.map("sigmoid", x)
    one = _const(g, 1.0)

    def bounds(n: Node) -> tuple[float, float]:
        return ranges.of(n)[:2]

    assert bounds(x) == (-np.inf, np.inf)
    assert bounds(t) == (-1, 1)
    assert bounds(g.map("mul", t, t)) == (0, 1)
    assert bounds(g.map("sub", one, g.map("mul", t, t))) == (0, 1)
    assert bounds(g.map("mul", t, g.map("neg", s))) == (-1, 1)
    assert bounds(g.map("sub", s, one)) == (-1, 0)
    assert bounds(g.map("multiply_add", t, s, one)) == (0, 2)
    assert bounds(g.map("div", t, g.map("add", s, one))) == (-1, 1)
    assert bounds(g.map("div", s, s))[1] == np.inf
    assert bounds(g.map("maximum", x, one)) == (1, np.inf)
    assert bounds(g.map("sqrt", g.map("add", g.map("mul", x, x), _const(g, 4.0)))) == (2, np.inf)
    assert bounds(g.map("mul", x, _const(g, 0.0))) == (0, 0)
    assert bounds(_const(g, np.nan)) == (-np.inf, np.inf)
    assert bounds(g.map("exp", t))[1] == pytest.approx(np.e, rel=0.02)
    assert bounds(g.map("exp", g.map("mul", t, _const(g, 1e4))))[1] == np.inf
    assert bounds(g.reduce("max", t, (0,))) == (-1, 1)
    assert bounds(g.reduce("sum", t, (0,))) == (-np.inf, np.inf)
    whole = g.input(1, (N,), np.int8)
    assert bounds(g.cast(whole, np.float64)) == (-128, 127)
    chosen = g.map("select", g.map("less", x, one, dtype=bool), t, s, dtype=np.float64)
    assert bounds(chosen) == (-1, 1)


def test_what_does_not_fit_a_dtype_is_not_bounded() -> None:
    g, ranges = Graph(), Ranges()
    t = g.map("tanh", g.input(0, (N,), np.float64))
    large = g.map("mul", t, _const(g, 1e200))
    assert ranges.of(large).is_finite
    assert not ranges.of(g.cast(large, np.float32)).is_finite
    assert not ranges.of(g.map("mul", large, large)).is_finite


def test_sources_of_nan() -> None:
    g, ranges = Graph(), Ranges()
    x = g.input(0, (N,), np.float64)
    t, s = g.map("tanh", x), g.map("sin", x)
    product = g.map("mul", g.map("sub", _const(g, 1.0), g.map("mul", t, t)), s)
    assert ranges.of(product).sources == {x, s}  # the sine of what is infinite is NaN, too
    above = g.map("add", g.map("mul", x, x), _const(g, 2.0))
    assert ranges.of(g.map("div", _const(g, 1.0), above)).sources == {above}
    both = g.map("div", g.map("maximum", x, above), above)
    assert not ranges.of(both).is_finite
    assert ranges.of(_const(g, 2.0)).sources == frozenset()
    root = g.map("sqrt", t)  # NaN also where t is negative
    assert ranges.of(root).sources == {root}
    assert ranges.of(g.cast(g.input(1, (N,), np.int64), np.float64)).sources == frozenset()
    assert spreads(g.map("neg", g.map("add", x, t)), {t})
    assert not spreads(g.map("fmax", x, t), {t})
    c = g.input(2, (N,), np.float64)
    assert spreads(g.map("strong", t, c), {t})
    assert not spreads(g.map("strong", c, t), {t})


# ------------------------------------------------------------------ tests for zero


def test_where_tests_for_zero_are_dropped() -> None:
    g = Graph()
    x, c = g.input(0, (N,), np.float64), g.input(1, (N,), np.float64)
    t = g.map("tanh", x)
    e = g.map("sub", _const(g, 1.0), g.map("mul", t, t))
    mask = g.cast(g.map("less", x, c, dtype=bool), np.float64)
    kept = [
        g.map("strong", c, e),  # e is NaN where x is; c may be zero there
        g.map("strong", t, x),  # x may be infinite... and NaN, but that is not proved
        g.map("strong", c, c),
        g.map("strong", g.map("fmax", t, c), e),
        g.map("strong", t, g.map("sin", x)),  # NaN where x is infinite, and t is not
    ]
    dropped = [
        g.map("strong", c, mask),
        g.map("strong", t, e),
        g.map("strong", g.map("mul", g.map("neg", t), c), e),
        g.map("changes", t, e),
    ]
    assert [y.attrs for y in _after(drop_zero_tests, g, *kept)] == ["strong"] * len(kept)
    assert [y.attrs for y in _after(drop_zero_tests, g, *dropped)] == ["mul"] * len(dropped)


def test_one_of_two_tests_stays() -> None:
    g = Graph()
    x, c = g.input(0, (N,), np.float64), g.input(1, (N,), np.float64)
    mask = g.cast(g.map("less", x, c, dtype=bool), np.float64)
    for operands in ((mask, c), (c, mask)):
        (y,) = _after(drop_zero_tests, g, g.map("changes", *operands))
        assert (y.attrs, y.args) == ("strong", (mask, c))  # a zero in the mask annihilates c


def test_a_branch_that_is_not_taken_does_not_poison() -> None:
    x = np.array([-2.0, -1.0, 0.0, 0.5, 2.0, np.inf, -np.inf, np.nan])

    def f(x: Any) -> Any:
        return np.sum(np.where(x > 0, np.tanh(np.log(x)) * np.tanh(x), np.tanh(x) ** 2))

    def twice(x: Any) -> Any:
        return np.sum(wg.grad(f)(x))

    with np.errstate(all="ignore"):
        for g in (wg.grad(f), wg.grad(twice)):
            np.testing.assert_allclose(wg.jit(g)(x), g(x), rtol=1e-11, atol=1e-14)


# ------------------------------------------------------------------ terms


def _tanh_and_slope(g: Graph, dtype: Any = np.float64) -> tuple[Node, Node]:
    t = g.map("tanh", g.input(0, (N,), dtype))
    return t, g.map("sub", _const(g, 1.0, dtype), g.map("mul", t, t))


def test_like_terms_are_collected() -> None:
    g = Graph()
    t, e = _tanh_and_slope(g)
    terms = g.map("mul", t, e)
    for _ in range(3):
        terms = g.map("add", terms, g.map("mul", e, t))
    (y,) = _after(collect_terms, g, terms)
    assert _operations(y) == {"tanh": 1, "mul": 3, "sub": 1}  # t * t, t * e, 4 times that


def test_common_factors_are_taken_out() -> None:
    g = Graph()
    t, e = _tanh_and_slope(g)
    square = g.map("mul", t, t)
    terms = g.map("mul", g.map("mul", g.map("mul", e, _const(g, 3.0)), e), t)
    terms = g.map("sub", terms, g.map("mul", g.map("mul", square, t), e))
    terms = g.map("add", terms, g.map("mul", g.map("mul", t, e), e))
    (y,) = _after(collect_terms, g, terms)
    # (4 - 5 t * t) * (t * e)
    assert _operations(y) == {"tanh": 1, "mul": 3, "sub": 1, "multiply_add": 1}


def test_exact_differences_are_not_multiplied_out() -> None:
    g = Graph()
    s = g.map("sigmoid", g.input(0, (N,), np.float64))
    d = g.map("sub", _const(g, 1.0), s)
    k = g.map("sub", d, s)
    for factor in (d, k):
        product = g.map("add", g.map("mul", s, factor), g.map("mul", factor, s))
        product = g.map("add", product, g.map("mul", s, factor))
        (y,) = _after(collect_terms, g, product)
        inside = reachable([y])
        assert factor in inside
        assert sum(n.attrs == "mul" for n in inside if n.op == "map") == 2


def test_what_is_not_bounded_or_not_shorter_stays() -> None:
    g = Graph()
    x = g.input(0, (N,), np.float64)
    t, e = _tanh_and_slope(g)
    unbounded = g.map("add", g.map("add", g.map("mul", x, x), x), x)
    short = g.map("mul", t, e)
    cancelled = g.map("sub", g.map("add", t, t), g.map("add", t, t))  # NaN where t is
    large = g.map("mul", g.map("add", t, t), _const(g, 1e30))
    roots = [unbounded, short, cancelled, g.map("add", large, large)]
    assert _after(collect_terms, g, *roots) == roots


def test_what_others_read_is_not_computed_twice() -> None:
    g = Graph()
    t, _ = _tanh_and_slope(g)
    double = g.map("add", t, t)
    product = g.map("mul", double, double)
    whole = g.map("add", product, double)
    # With ``product`` and ``double`` as results, nothing is saved.
    assert _after(collect_terms, g, whole, product, double) == [whole, product, double]


def _nth(f: Any, n: int) -> Any:
    for _ in range(n):
        f = wg.elementwise_grad(f)
    return f


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("order", [1, 2, 3, 4, 5])
@pytest.mark.parametrize(
    "f",
    [
        np.tanh, np.sin, lambda x: 1 / (1 + np.exp(-x)), lambda x: np.tanh(x) * np.cos(x),
        lambda x: np.sin(x) * np.arctan(x) - np.cos(np.tanh(x)),
    ],
)  # fmt: skip
def test_derivatives_agree_with_those_that_are_not_compiled(f: Any, order: int, dtype: Any) -> None:
    g = _nth(f, order)
    with np.errstate(all="ignore"):
        x = POINTS.astype(dtype)
        x = x[~(np.abs(x) > 80) | ~np.isfinite(x)]  # exp(x) of large x is not what is tested
        expected, found = g(x), wg.jit(g)(x)
    np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
    size = 4.0**order * np.finfo(dtype).eps
    np.testing.assert_allclose(found, expected, rtol=20 * size, atol=20 * size)


@pytest.mark.parametrize("seed", range(25))
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_random_polynomials(seed: int, dtype: Any) -> None:
    rng = np.random.default_rng(seed)

    def f(x: Any, y: Any) -> Any:
        draw = np.random.default_rng(seed)
        t = np.tanh(x)
        values = [t, np.sin(y), 1 - t * t, 1 - np.cos(x), np.arctan(y)]
        for _ in range(14):
            a, b = (values[draw.integers(len(values))] for _ in range(2))
            c = dtype(draw.choice([-3.0, -1.0, 0.1, 0.5, 1.0, 2.0]))
            kind = draw.integers(4)
            values.append((a * b, a + c * b, a * c - b, -a)[kind])
        return values[-1], values[-2] + values[-5], values[-1] * x

    x, y = (rng.normal(size=200).astype(dtype) * 2 for _ in range(2))
    x[:5], y[3:8] = SPECIAL[:5], SPECIAL[:5]
    with np.errstate(all="ignore"):
        found, expected = wg.jit(f)(x, y), f(x, y)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(np.isnan(a), np.isnan(b))
        finite = np.isfinite(b)
        size = 1 + np.max(np.abs(b[finite]), initial=0)
        np.testing.assert_allclose(
            a[finite] / size, b[finite] / size, atol=4000 * np.finfo(dtype).eps
        )


def test_the_slope_of_a_saturated_sigmoid_keeps_its_digits() -> None:
    """Of ``s (1 - s)``, where s is nearly 1, all digits are those of 1 - s, which is exact."""

    def f(x: Any) -> Any:
        s = scipy.special.expit(x)
        return s, s * (1 - s) + (1 - s) * s + 2 * s * (1 - s)

    s, slope = wg.jit(f)(np.array([5.0, 10.0, 20.0, 30.0]))
    np.testing.assert_allclose(slope, 4 * s * (1 - s), rtol=1e-15)
