"""The catalogue of gradients: its size, its gradients, its table."""

from __future__ import annotations

import pytest

from benchmarks import gradient_cost


def test_the_catalogue_is_as_large_as_it_says() -> None:
    names = [p.name for p in gradient_cost.PROGRAMS]
    assert len(names) == len(set(names)) >= 30
    assert all(p.x.size >= 10_000 for p in gradient_cost.PROGRAMS)


@pytest.mark.parametrize("program", gradient_cost.PROGRAMS, ids=lambda p: p.name)
def test_gradients_are_right(program: gradient_cost.Program) -> None:
    gradient_cost.check(program)


def test_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    gradient_cost.main(["Horner", "power", "--rounds", "1", "--burst", "0.001"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[0] == "program"
    assert [line.split()[0] for line in lines[1:-1]] == ["power", "power", "Horner"]
    assert lines[-1].startswith("3 programs")


def test_a_wrong_gradient_is_noticed() -> None:
    import wengert as wg

    wrong = gradient_cost.Program(
        "wrong", lambda x: (x * wg.stop_gradient(x)).sum(), gradient_cost.PROGRAMS[0].x
    )
    with pytest.raises(AssertionError, match="wrong"):
        gradient_cost.check(wrong)
