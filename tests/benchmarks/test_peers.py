"""The comparison of compiled programs: equal numbers first, then bars; variants; the page."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from benchmarks import libraries, memory, peers, peers_report
from benchmarks.limits import Limits
from benchmarks.programs import FAMILIES, GALLERY, networks, programs, variants
from benchmarks.programs.base import ACTIVATIONS, DTYPES

pytest.importorskip("llvmlite")

SLOW_PEERS = ("torch.compile", "pytorch", "autograd")
LIMITS = Limits(1e11, 2e10)


def test_the_gallery_has_what_was_asked_for() -> None:
    assert len(GALLERY) >= 24
    assert not set(GALLERY) & set(FAMILIES)
    for key, program in programs().items():
        assert program.bars, key


@pytest.mark.parametrize(
    "key", ["moons", "hessian", "tanh4", "regression_loop", "regression_steps"]
)
def test_small_programs_agree(key: str) -> None:
    libraries.set_up(libraries.installed()[0])
    entry = peers.measure(
        key, FAMILIES[key](), rounds=1, burst=1e-4, leave_out=["torch.compile"], limits=LIMITS
    )
    assert "wengert eager" in entry["ratios"]
    assert not entry["missing"]


@pytest.mark.slow
@pytest.mark.parametrize("key", list(GALLERY))
def test_the_gallery_agrees(key: str) -> None:
    """With eager execution, and with JAX where it is installed."""
    libraries.set_up(libraries.installed()[0])
    entry = peers.measure(key, GALLERY[key], rounds=1, burst=1e-4, leave_out=SLOW_PEERS)
    assert not entry["missing"]


def test_different_work_is_noticed() -> None:
    program = dataclasses.replace(FAMILIES["hessian"](), by_hand={"numpy": lambda: lambda: 1.0})
    with pytest.raises(AssertionError, match="numpy does not compute what wengert does"):
        peers.measure("hessian", program, rounds=1, burst=1e-4, leave_out=[*SLOW_PEERS, "jax"])


def test_a_peer_that_fails_is_named() -> None:
    def failing() -> Any:
        raise RuntimeError("no licence")

    program = dataclasses.replace(FAMILIES["tanh4"](), by_hand={"numpy": failing})
    entry = peers.measure("tanh4", program, rounds=1, burst=1e-4, leave_out=[*SLOW_PEERS, "jax"])
    assert entry["missing"] == {"numpy": "RuntimeError: no licence"}


def test_variants_differ_and_can_be_repeated() -> None:
    small = ("mlp", "moons", "hessian", "regression_loop")
    titles = [[variants(seed)[key].title for key in small] for seed in (1, 2, 1)]
    assert titles[0] == titles[2]
    assert all(a != b for a, b in zip(titles[0], titles[1], strict=True))
    drawn = [program.title for seed in range(8) for program in variants(seed).values()]
    for word in ("float32", "float64", "gelu", "softplus", "relu", "sigmoid", "tanh"):
        assert sum(word in title for title in drawn) >= 8, word
    assert variants(1).keys() == programs().keys()
    gallery = [variants(1)[key].title for key in GALLERY]
    assert all(a != GALLERY[key].title for key, a in zip(GALLERY, gallery, strict=True))
    bars = peers.measure(
        "moons", FAMILIES["moons"](1), rounds=1, burst=1e-4, scale=0.8, leave_out=SLOW_PEERS
    )["bars"]
    assert [bar["bound"] for bar in bars] in ([4.0], [])


def test_page_and_chart(tmp_path: Path) -> None:
    entries = [
        {
            "key": key, "title": key, "times": {"wengert": [10.0, 9, 11], "jax": [t, t, t]},
            "ratios": {"jax": t / 10}, "is_gallery": is_gallery, "fraction": 0.5,
            "missing": {"pytorch": "ImportError: none"},
            "bars": [{"peer": "jax", "bound": 3, "aim": 4, "measured": t / 10, "met": t >= 30}],
        }
        for key, t, is_gallery in (("one", 45.0, False), ("two", 20.0, False), ("three", 5.0, True))
    ]  # fmt: skip
    results = {
        "machine": libraries.machine(["numpy", "wengert"]), "limits": vars(LIMITS), "rounds": 3,
        "left_out": ["torch.compile"], "variant": None, "programs": entries,
    }  # fmt: skip
    page = peers_report.page(results)
    assert "1 of 2 bars met; gallery of 1: median 0.50 x JAX, 1 slower than JAX" in page
    assert "45 us (4.50 x; 3)" in page
    assert "20 us (2.00 x; 3, missed)" in page
    assert "- one: pytorch (ImportError: none)" in page
    assert "Left out: torch.compile" in page
    assert "bar 3, aim 4: MISSED" in peers_report.as_text(entries[1])
    assert peers_report.draw(results, tmp_path / "chart.png").stat().st_size > 5000


def test_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert peers.main(["--only", "nothing"]) == 2
    assert "unknown: nothing" in capsys.readouterr().err
    assert peers.main(["--quick", "--only", "tanh4", "--without", "pytorch"]) == 0
    assert "Derivative 4 of tanh" in capsys.readouterr().out


def test_bars_on_the_limit_and_on_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    program = dataclasses.replace(FAMILIES["hessian"](), least_fraction=0.7, most_memory=1 << 20)
    for peak, fraction, met in ((1 << 21, 0.1, False), (1 << 19, 0.8, True)):
        monkeypatch.setattr(peers, "peak_beyond_data", lambda key, variant, peak=peak: peak)
        monkeypatch.setattr(Limits, "fraction", lambda *a, fraction=fraction: fraction)
        entry = peers.measure(
            "hessian", program, rounds=1, burst=1e-4, leave_out=[*SLOW_PEERS, "jax"], limits=LIMITS
        )
        assert [bar["met"] for bar in entry["own_bars"]] == [met, met]
        text = peers_report.as_text({**entry, "is_gallery": False})
        assert text.count("MISSED") == (0 if met else 2)
        assert "memory beyond the data, bar at most 1.0 MiB" in text
        summary = peers_report.summary({"programs": [{**entry, "is_gallery": False, "bars": []}]})
        assert summary == f"{2 * met} of 2 bars met"


@pytest.mark.slow
@pytest.mark.parametrize("key", list(GALLERY))
def test_variants_of_the_gallery_agree(key: str) -> None:
    libraries.set_up(libraries.installed()[0])
    entry = peers.measure(
        key, variants(2)[key], rounds=1, burst=1e-4, leave_out=SLOW_PEERS, scale=0.8
    )
    assert not entry["missing"]


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_activations_and_their_slopes_by_hand(activation: str, dtype: Any) -> None:
    """What is written out in NumPy computes what the compiled program does."""
    program = networks._classifier("Net", (7, 6, 5, 3), 9, dtype, activation, 0.1, [])
    entry = peers.measure(
        "mlp", program, rounds=1, burst=1e-4, leave_out=[*SLOW_PEERS, "jax", "wengert eager"]
    )
    assert set(entry["times"]) == {"wengert", "numpy"}


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="Linux only")
def test_memory_beyond_the_data() -> None:
    """The result of 8,000,000 bytes is beyond the data; the compiler is not."""
    peak = memory.peak_beyond_data("tanh4_array")
    assert peak is not None
    assert 8_000_000 <= peak < 40_000_000
    with pytest.raises(RuntimeError, match="nothing failed"):
        memory.peak_beyond_data("nothing")
