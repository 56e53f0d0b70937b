"""The user's line, and the name of the function that was called, are read off the frames."""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.linalg
import scipy.special

import wengert as wg
from wengert.core.where import public_name, user_line


def message(f: Callable[[Any], Any], v: Any = 0.5) -> str:
    with pytest.raises(wg.WengertError) as caught:
        wg.grad(f)(v)
    return str(caught.value)


def test_public_names() -> None:
    assert public_name("scipy.linalg._matfuncs", "expm") == "scipy.linalg.expm"
    assert public_name("numpy", "sum") == "np.sum"
    assert public_name("numpy.linalg", "norm") == "np.linalg.norm"
    assert public_name("math", "sin") == "math.sin"
    assert public_name("builtins", "range") == "range"


def test_user_line_outside_of_libraries() -> None:
    assert user_line().startswith("test_where.py, line ")
    assert "user_line()" in user_line()


def test_the_innermost_line_of_the_user() -> None:
    def inner(t: Any) -> Any:
        return float(t)  # this very line

    def outer(t: Any) -> Any:
        return np.sin(inner(t))

    assert "return float(t)  # this very line" in message(outer)


def test_a_long_line_is_shortened() -> None:
    text = message(lambda t: float(t) + 11111111111 + 22222222222 + 33333333333 + 44444444444 + 5)
    assert text.endswith("...]")


def test_functions_under_other_names() -> None:
    sine, exponential = math.sin, scipy.linalg.expm
    from math import cosh as hyperbolic

    assert "math.sin computes with plain numbers; use np.sin" in message(lambda t: sine(t))
    assert "math.cosh" in message(lambda t: hyperbolic(t))
    text = message(lambda t: exponential(t * np.ones((2, 2))).sum())
    assert "scipy.linalg.expm computes on plain arrays" in text


def test_a_call_that_spans_lines() -> None:
    def f(t: Any) -> Any:
        return math.hypot(
            1.0,
            t,
        )

    assert "math.hypot" in message(f)


def test_attributes_are_not_computed_to_find_a_name() -> None:
    class Trap:
        touched = 0

        @property
        def method(self) -> Any:
            type(self).touched += 1
            return math.sin

    trap = Trap()
    message(lambda t: trap.method(t))
    assert trap.touched == 1


def test_without_source_the_error_still_says_what_to_do() -> None:
    names: dict[str, Any] = {"math": math}
    exec("def f(t): return math.sin(t)", names)
    text = message(names["f"])
    assert "leave the conversion out" in text or "np.sin(x), not math.sin(x)" in text
    assert "stop_gradient" in text


def test_no_frame_is_kept() -> None:
    class Big:
        pass

    def f(t: Any) -> Any:
        big = Big()
        kept.append(weakref.ref(big))
        return float(t)

    kept: list[Any] = []
    try:
        wg.grad(f)(0.5)
    except wg.WengertTypeError:
        pass
    assert kept[0]() is None


def test_a_file_that_is_called_like_a_module_of_python(tmp_path) -> None:
    path = tmp_path / "code.py"
    path.write_text("import math\n\ndef f(t):\n    return math.sin(t)\n")
    names: dict[str, Any] = {"__name__": "code"}
    exec(compile(path.read_text(), str(path), "exec"), names)
    text = message(names["f"])
    assert "use np.sin" in text
    assert text.endswith("[code.py, line 4: return math.sin(t)]")
