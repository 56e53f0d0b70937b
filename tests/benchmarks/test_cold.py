"""First calls in fresh processes."""

from __future__ import annotations

import pytest

from benchmarks import cold

pytest.importorskip("llvmlite")


def test_a_first_call_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    assert cold.main(["--child", "wengert", "moons"]) == 0
    assert 0 < float(capsys.readouterr().out) < 300


def test_the_table(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    seconds = {"off": 0.2, "jax": 0.1}

    def measured(library: str, key: str, environment: dict[str, str]) -> float:
        return (
            seconds["jax"] if library == "jax" else seconds.get(environment["WENGERT_CACHE"], 0.01)
        )

    monkeypatch.setattr(cold, "_in_new_process", measured)
    monkeypatch.setattr(cold.libraries, "is_installed", lambda module: True)
    assert cold.main(["--only", "mlp", "--only", "moons", "--repeats", "1"]) == 0
    header, mlp, moons = capsys.readouterr().out.splitlines()
    assert header.split()[1:] == ["cold", "cached", "jax", "cold/jax", "cached/cold"]
    figures, bars = mlp.split("  cold bar ")
    assert figures.split() == ["mlp", "200", "10.0", "100", "2.00", "0.05"]
    assert bars == "1 x jax, aim 0.5: MISSED; cached bar 0.1 x cold: met"
    assert moons.endswith("0.05  cached bar 0.1 x cold: met")  # has a bound for the cache only


def test_a_process_that_fails_is_an_error() -> None:
    with pytest.raises(RuntimeError, match="no-such-program"):
        cold._in_new_process("wengert", "no-such-program", {})
