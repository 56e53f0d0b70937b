"""What lecture slides show: the text of typical functions, and that it stays true at the edges."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert import nn
from wengert.show import show

from .programs import assert_same, check, run_elsewhere

rng = np.random.default_rng(5)
SCORES = rng.normal(size=(4, 3))
LABELS = np.array([0, 2, 1, 1])


def cross_entropy(scores: Any, y: Any) -> Any:
    return nn.cross_entropy(scores, y)


class TestCrossEntropy:
    def test_text(self) -> None:
        listing = check(cross_entropy, SCORES, LABELS)
        assert str(listing) == (
            """\
# forward pass
a = scores[np.arange(4), y]
t1 = np.max(scores, axis=1, keepdims=True)
t2 = np.exp(scores - t1)
t3 = t2.sum(axis=1, keepdims=True)
b = (t1 + np.log(t3)).squeeze(1)
c = b - a
d = np.sum(c)
e = d / 4.0

# backward pass
grad_e = 1.0
grad_d = grad_e / 4.0
grad_c = np.broadcast_to(grad_d, c.shape)
grad_b = grad_c
grad_a = -grad_c
grad_scores = grad_b[:, None] * t2 / t3
grad_scores[np.arange(4), y] += grad_a"""
        )

    @pytest.mark.parametrize("mode", ["backward", "forward"])
    def test_large_scores_do_not_overflow(self, mode: str) -> None:
        listing = show(cross_entropy, SCORES, LABELS, mode=mode)
        large = 1e4 * SCORES
        value, derivative = listing.run(large, LABELS)
        expected = wg.value_and_grad(cross_entropy)(large, LABELS)
        assert np.isfinite(value)
        np.testing.assert_allclose(value, expected[0])
        if mode == "backward":
            np.testing.assert_allclose(derivative[0], expected[1], atol=1e-12)
        else:
            np.testing.assert_allclose(derivative, expected[1].sum(), atol=1e-12)

    @pytest.mark.parametrize("f", [lambda s: nn.log_softmax(s) ** 2, lambda s: nn.softmax(s) ** 2])
    def test_softmaxes_subtract_the_maximum(self, f: Any) -> None:
        listing = check(f, SCORES)
        assert "np.max(" in listing.forward
        assert np.isfinite(wg.tree.leaves(listing.run(1e4 * SCORES))).all()

    @pytest.mark.parametrize("axis", [None, 0, 1, (0, 1)])
    @pytest.mark.parametrize("keepdims", [False, True])
    def test_axes(self, axis: Any, keepdims: bool) -> None:
        from wengert.scipy.special import logsumexp

        def f(x: Any) -> Any:
            return logsumexp(x, axis=axis, keepdims=keepdims) * 2.0

        check(f, SCORES)
        value, tangent = show(f, SCORES, mode="forward").run(SCORES, tangents=(SCORES,))
        assert_same((value, tangent), wg.jvp(f, (SCORES,), (SCORES,)))

    def test_rows_without_any_possible_class(self) -> None:
        from wengert.scipy.special import logsumexp

        x = np.array([[-np.inf, -np.inf], [1.0, -np.inf]])
        listing = check(lambda x: logsumexp(x, axis=1), x)
        assert "np.nan_to_num(np.max(x, axis=1, keepdims=True))" in listing.forward


class TestTexts:
    def test_norm(self) -> None:
        listing = check(lambda x: np.linalg.norm(x), rng.normal(size=3))
        assert listing.forward == "a = np.linalg.norm(x)"
        assert listing.backward.endswith("grad_x = grad_a * x * (a != 0) / (a + (a == 0))")
        assert check(np.linalg.norm, SCORES).forward == "a = np.linalg.norm(x)"
        rows = check(lambda x: np.linalg.norm(x, axis=1), SCORES)
        assert rows.forward == "a = np.linalg.norm(x, axis=1)"

    def test_linear_algebra(self) -> None:
        a, b = rng.normal(size=(3, 3)), rng.normal(size=3)
        listing = check(lambda A, b: np.linalg.solve(A, b), a, b)
        assert "t1 = np.linalg.solve(A.T, grad_c)\ngrad_A = -t1 @ c.T" in listing.backward
        inverse = check(lambda A: np.trace(np.linalg.inv(A)), a)
        assert "grad_A = -a.T @ grad_a @ a.T" in inverse.backward
        assert "b = np.diagonal(a)" in inverse.forward
        det = check(lambda A: np.linalg.det(A), a)
        assert det.backward.endswith("grad_A = grad_a * cofactor(A)")
        listing = check(lambda A: np.linalg.cholesky(A @ A.T), a)
        assert str(listing).startswith("import scipy.linalg\n\n# forward pass")
        given = "import numpy as np\nA = np.eye(3)\n"
        out = run_elsewhere(f"{given}{listing}\nprint(grad_A[0, 0])")
        assert float(out) == 1.0

    def test_cumulative_sum(self) -> None:
        listing = check(lambda x: np.cumsum(x * x), rng.normal(size=4))
        assert "grad_a = np.flip(np.cumsum(np.flip(grad_b, 0), axis=0), 0)" in listing.backward

    def test_duplicate_writes(self) -> None:
        def f(x: Any, v: Any) -> Any:
            y = np.sin(x)
            y[[0, 2, 0]] = v
            return y

        listing = check(f, rng.normal(size=3), rng.normal(size=3))
        assert "[[0, 2, 0]] * last_writer((3,), " in listing.backward

    def test_stop_gradient_says_so(self) -> None:
        listing = check(lambda x: x * wg.stop_gradient(x), 2.0)
        assert "a = x  # a constant for derivatives" in listing.forward
        shaped = show(lambda x: x * wg.stop_gradient(x), 2.0, shapes=True)
        assert "# (), a constant for derivatives" in shaped.forward

    def test_long_lines_are_wrapped(self) -> None:
        listing = check(lambda *xs: np.stack(xs), *[rng.normal(size=2) for _ in range(40)])
        assert max(map(len, str(listing).splitlines())) <= 100
        assert "np.stack([" in listing.forward

    def test_names_that_are_no_identifiers(self) -> None:
        parameters = {"x²": 1.0, "ﬁ": 2.0, "class": 3.0, "": 2.0, "a b": 1.5, "ä": 0.5}
        listing = check(lambda p: functools.reduce(lambda a, b: a * b, p.values()), parameters)
        assert {"p_x2", "p_fi", "p_class", "p", "p_a_b", "p_ä"} <= set(listing.names.values())

    def test_functions_of_the_user_are_named(self) -> None:
        @wg.custom_jvp
        def softplus(x: Any) -> Any:
            return np.logaddexp(x, 0.0)

        softplus.defjvp(lambda x, t: (softplus(x[0]), t[0] / (1 + np.exp(-x[0]))))
        listing = check(lambda x: softplus(x) * 2.0, 0.5)
        assert str(listing).startswith("# softplus: a function of yours, with a derivative rule\n")
        assert "softplus" in listing.namespace()
        listing = check(lambda softplus_, x: softplus_ * softplus(x), 3.0, 0.5)
        assert "a = softplus_(x)\nb = softplus * a" in listing.forward


def test_zero_tangents_stay_zero_where_the_derivative_is_infinite() -> None:
    listing = show(lambda x, y: np.sqrt(x) + y, 0.0, 1.0, mode="forward")
    assert "np.where(dot_x == 0, 0.0, dot_x * 0.5 / a)" in listing.forward
    assert listing.run(tangents=(0.0, 1.0))[1] == 1.0


def test_second_derivatives_at_infinite_partials() -> None:
    """Regression: products that zero annihilates were printed as plain products."""

    def f(x: Any) -> Any:
        return np.sum(np.where(x > 0, np.sqrt(np.where(x > 0, x, 0.0)), x))

    x = np.array([1.0, 0.0, -1.0])
    value, (gradient,) = show(wg.grad(f), x).run()
    np.testing.assert_allclose(value, wg.grad(f)(x))
    np.testing.assert_allclose(gradient, wg.grad(lambda x: np.sum(wg.grad(f)(x)))(x))


def test_numbers_have_no_attributes() -> None:
    """Regression: the transpose of a number was written ``1.0.T``."""
    gradient = wg.grad(lambda x: np.transpose(x) * 2.0)
    assert show(gradient, np.array(3.0)).run()[0] == 2.0


class TestKeywords:
    def test_they_are_named_and_not_differentiated(self) -> None:
        def f(x: Any, *, scale: float = 1.0, power: int = 1, table: Any = None) -> Any:
            return np.sum(scale * x**power * table["w"])

        table = {"w": np.arange(3.0)}
        listing = show(f, np.ones(3), scale=2.0, power=2, table=table)
        assert "a = x ** 2\nb = scale * a\nc = b * table_w" in listing.forward
        assert "grad_scale" not in listing.backward
        value, gradients = listing.run()
        assert value == 6.0
        np.testing.assert_array_equal(gradients[0], [0.0, 4.0, 8.0])
        assert listing.run(np.zeros(3), scale=3.0)[0] == 0.0
        assert listing.run(scale=3.0)[0] == 9.0
        assert "def f(x, scale, table_w):" in listing.function
        with pytest.raises(wg.WengertValueError, match="power=2"):
            listing.run(power=3)
        with pytest.raises(wg.WengertTypeError, match="without the keyword argument 'other'"):
            listing.run(other=3)

    def test_names_of_options_are_bound(self) -> None:
        def f(x: Any, mode: float = 1.0, function: float = 1.0) -> Any:
            return x * mode * function

        assert show(functools.partial(f, mode=3.0), 2.0).run()[0] == 6.0
        assert show(f, 2.0, function=5.0).run()[0] == 10.0
        assert "* function" in wg.show.graph(f, 2.0, function=5.0)

    @pytest.mark.parametrize(
        ("argnums", "error", "message"),
        [
            (2, wg.WengertValueError, "argnums=2 but the function was called with 2"),
            (-3, wg.WengertValueError, "argnums=-3 but"),
            ((0, -2), wg.WengertValueError, "names an argument twice"),
            (True, wg.WengertTypeError, "must be an integer or a tuple"),
            (1.0, wg.WengertTypeError, "must be an integer or a tuple"),
        ],
    )
    def test_wrong_argnums(self, argnums: Any, error: Any, message: str) -> None:
        with pytest.raises(error, match=message):
            show(lambda x, y: x * y, 1.0, 2.0, argnums=argnums)

    def test_negative_argnums(self) -> None:
        listing = show(lambda x, y: x * y, 1.0, 2.0, argnums=-1)
        assert listing.backward == "grad_a = 1.0\ngrad_y = grad_a * x"
