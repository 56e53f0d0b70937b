"""The profile of a benchmark's program."""

from __future__ import annotations

import pytest

from benchmarks import steps
from benchmarks.programs import FAMILIES

pytest.importorskip("llvmlite")


@pytest.mark.parametrize("name", ["moons", "hessian", "regression_loop"])
def test_every_compiled_function_is_measured(name: str) -> None:
    (measurement,) = steps.profiles(FAMILIES[name](), seconds=0.01)
    assert "us a call" in str(measurement)


def test_unknown_names_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert steps.main(["mpl"]) == 2
    assert capsys.readouterr().err.startswith("unknown: mpl; known are mlp, moons, ")


def test_a_variant(capsys: pytest.CaptureFixture[str]) -> None:
    assert steps.main(["regression_loop", "--variant", "3"]) == 0
    assert capsys.readouterr().out.startswith("Linear regression, 3 points, 22 iterations")
