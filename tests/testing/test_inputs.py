"""What `check_grads` and its kind are called with, good and bad: an answer or a clear error."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert import Tensor
from wengert.testing import (
    Comparison,
    GradientInconclusive,
    GradientMismatch,
    check_grads,
    numerical_gradient,
    numerical_jacobian,
    numerical_jvp,
)

X = np.array([1.0, 2.0, 3.0])


def wrong(factor: Any) -> Callable[[Any], Any]:
    """The sum of squares with a wrong derivative."""
    f = wg.custom_jvp(lambda x: np.sum(x * x))
    f.defjvp(lambda p, t: (np.sum(p[0] ** 2), np.sum(factor * p[0] * t[0])))
    return f


class TestArguments:
    @pytest.mark.parametrize(
        ("f", "args", "compared"),
        [
            (np.sin, X, 20),
            (np.sin, 0.5, 6),
            (np.sin, np.float32(0.5), 6),
            (np.sin, Tensor(X), 20),
            (lambda p: p["w"] ** 2, {"w": X}, 20),
            (lambda x, y: x * y, [X, X], 32),
            (lambda x, y: x * y, (Tensor(X, requires_grad=True), X), 32),
        ],
    )
    def test_one_argument_needs_no_tuple(self, f: Any, args: Any, compared: int) -> None:
        """Regression: an array was taken apart into arguments, a number was not iterable."""
        assert check_grads(f, args).compared == compared

    def test_others_are_held_fixed(self) -> None:
        assert check_grads(lambda x, n, b, o: x**n if b else o, (X, 3, True, None)).ok

    @pytest.mark.parametrize("args", [3, (3,), np.arange(3), (np.arange(3), [True]), None, (), "a"])
    def test_nothing_to_differentiate(self, args: Any) -> None:
        with pytest.raises(ValueError, match="nothing to differentiate.*cast them to float"):
            check_grads(lambda *xs: 1.0, args)

    def test_argnums(self) -> None:
        assert check_grads(lambda x, y: x * y, (X, 3.0), argnums=-1).compared == 12
        with pytest.raises(ValueError, match="argnums=1 names no float"):
            check_grads(lambda x, n: x**n, (X, 3), argnums=1)
        with pytest.raises(ValueError, match="argnums=5 but the function was called with 2"):
            check_grads(lambda x, n: x**n, (X, 3), argnums=5)
        with pytest.raises(ValueError, match="names an argument twice"):
            check_grads(lambda x, n: x**n, (X, 3.0), argnums=(0, -2))
        with pytest.raises(TypeError, match="argnums must be an integer"):
            check_grads(lambda x, n: x**n, (X, 3.0), argnums=True)

    def test_empty_arrays(self) -> None:
        assert check_grads(np.sin, np.zeros((0, 2)), order=2).ok
        assert check_grads(lambda x, y: np.sum(x) + y, (np.zeros(0), 1.0), order=2).ok
        assert check_grads(lambda x: x[:0], X).ok

    def test_containers(self) -> None:
        def f(p: Any) -> Any:
            return {"a": p["x"] * p["y"][0], "b": [np.sum(p["x"]), (None, 3, "text")]}

        assert check_grads(f, {"x": X, "y": [2.0, 5]}, order=2).ok

    @pytest.mark.parametrize("f", [lambda z: z * z, lambda z: np.abs(z) ** 2, np.real])
    def test_complex(self, f: Any) -> None:
        assert check_grads(f, 1 + 2j, order=2).ok
        assert check_grads(f, np.array([1 + 2j, -0.5j]), order=2).ok


class TestNotFinite:
    @pytest.mark.parametrize(
        ("f", "args", "message"),
        [
            (lambda x: x * np.nan, X, r"not finite: output\[0\] is nan"),
            (np.log, (np.array([1.0, -1.0]),), r"not finite: output\[1\] is nan"),
            (np.log, np.float64(-1.0), "not finite: output is nan"),
            (
                lambda x: [x, np.log(x - 1)],
                (np.array([[2.0, 1.0]]),),
                r"output\[1\]\[0, 1\] is -inf",
            ),
            (np.sin, np.nan, r"the argument args\[0\] is nan. Choose a finite point"),
            (lambda p: p["x"], {"x": [1.0, np.inf]}, r"args\[0\]\['x'\]\[1\] is inf"),
        ],
    )
    @pytest.mark.filterwarnings("ignore::RuntimeWarning")
    def test_at_the_point(self, f: Any, args: Any, message: str) -> None:
        """Regression: ZeroDivisionError while the report was put in order."""
        with pytest.raises(ValueError, match=message):
            check_grads(f, args)

    @pytest.mark.filterwarnings("ignore::RuntimeWarning")
    def test_an_infinite_derivative_spoils_only_its_entry(self) -> None:
        """Regression: the other entries of the gradient were called wrong."""
        with pytest.raises(GradientInconclusive) as raised:
            check_grads(np.sqrt, np.array([0.0, 1.0]), modes="rev", directions=0)
        (entry,) = raised.value.report.inconclusive
        assert entry.index == (0,)

    def test_a_derivative_that_is_nan_is_wrong(self) -> None:
        with pytest.raises(GradientMismatch, match="analytic nan") as raised:
            check_grads(wrong(np.nan), X)
        assert len(raised.value.report.mismatches) == raised.value.report.compared

    def test_numbers_of_a_comparison(self) -> None:
        nan = Comparison("rev", "args[0]", (), "output", np.nan, 0.0, 0.0, 0.0)
        assert np.isnan(nan.relative_error)
        assert "analytic nan" in str(nan)
        assert Comparison("rev", "x", (), "y", 0.0, 0.0, 0.0, 0.0).relative_error == 0.0


class TestOptions:
    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"order": 1.5}, "order must be an integer of at least 1, got 1.5"),
            ({"order": 0}, "order must be an integer"),
            ({"order": True}, "order must be an integer"),
            ({"modes": "forward"}, "modes must be 'fwd' or 'rev'"),
            ({"modes": ()}, "modes must be 'fwd' or 'rev'"),
            ({"method": "secant"}, "method must be one of"),
            ({"directions": -1}, "directions must be an integer of at least 0"),
            ({"max_entries": 2.0}, "max_entries must be an integer of at least 0"),
            ({"directions": 0, "max_entries": 0}, "nothing was compared"),
        ],
    )
    def test_wrong_ones(self, options: Any, message: str) -> None:
        """Regression: an order that is no integer never ended."""
        with pytest.raises(ValueError, match=message):
            check_grads(np.sin, 1.0, **options)

    def test_not_a_function(self) -> None:
        with pytest.raises(TypeError, match="expected a function, not a int"):
            check_grads(3, 1.0)  # type: ignore[arg-type]

    @pytest.mark.parametrize("result", [None, 3, "text", np.arange(3)])
    def test_nothing_to_compare(self, result: Any) -> None:
        with pytest.raises(ValueError, match=f"no float.*returned a {type(result).__name__}"):
            check_grads(lambda x: result, 1.0)

    def test_errors_of_the_function_are_its_own(self) -> None:
        with pytest.raises(ZeroDivisionError):
            check_grads(lambda x: 1 / x, 0.0)


def test_the_report_names_the_worst_entries() -> None:
    with pytest.raises(GradientMismatch) as raised:
        check_grads(wrong(np.array([2.0, 2.0, 3.0])), X, modes="rev", directions=0)
    (entry,) = raised.value.report.mismatches
    assert (entry.mode, entry.argument, entry.index) == ("rev", "args[0]", (2,))
    assert entry.analytic / entry.numeric == pytest.approx(1.5)
    assert entry.relative_error == pytest.approx(1 / 3)
    text = str(raised.value)
    assert "1 of 3 derivatives are wrong" in text
    assert "rev: random cotangent by args[0][2]: analytic" in text
    assert "relative error 3.3e-01" in text


class TestNumerical:
    def test_inputs(self) -> None:
        assert numerical_gradient(np.sin, Tensor(0.0)) == pytest.approx(1.0)
        assert numerical_jvp(np.sin, 0.0, 2.0) == pytest.approx(2.0)
        with pytest.raises(ValueError, match="nothing to differentiate"):
            numerical_gradient(lambda x: x * 1.0, 3)
        with pytest.raises(ValueError, match="nothing to differentiate"):
            numerical_jacobian(lambda x, y: x * y, 1.0, 3, argnums=1)
        with pytest.raises(ValueError, match="argnums=2 but"):
            numerical_jacobian(lambda x, y: x * y, 1.0, 3, argnums=2)
