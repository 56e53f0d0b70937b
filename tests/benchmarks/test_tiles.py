"""The benchmark of tiles."""

from __future__ import annotations

import pytest

pytest.importorskip("llvmlite")
from benchmarks import tiles
from wengert.compiler.codegen import loops
from wengert.compiler.codegen.tiles import best_layout


def test_every_tile_is_timed_and_the_choice_restored(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WENGERT_CACHE", "off")
    assert tiles.main(["16x5x3", "--form", "update", "--seconds", "0.0001"]) == 0
    header, line, mean = capsys.readouterr().out.splitlines()
    assert header.split() == ["product", "GF/s", "chosen", "fastest", "ratio"]
    assert line.startswith("16x5x3 update float32")
    assert float(line.split()[-1]) >= 1
    assert mean.startswith("geometric mean")
    assert loops.best_layout is best_layout


@pytest.mark.parametrize("size", ["16x5", "16x5x0", "16x5xa", "-1x2x3x", ""])
def test_sizes_are_checked(size: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        tiles.main(["--", size])
    assert "three positive numbers like 32x256x256" in capsys.readouterr().err
