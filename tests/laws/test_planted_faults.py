"""The laws are tested, too: faults are planted in records and machinery, and each must be noticed.

A fault names cases of the tables; some law must fail for one of them. That the same cases pass
without the fault is what `test_laws` says.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from wengert.core import transposition

from . import faults_in_machinery, faults_in_records  # noqa: F401
from .collect import case_named
from .laws import LAWS, applicable
from .planting import FAULTS, Fault, Planter, take_fast_paths_out

NEVER_A_DETECTION = (NameError, AttributeError, KeyError, ImportError)


def law_that_notices(cases: tuple[str, ...]) -> str | None:
    """The first law that one of the cases breaks."""
    for identifier in cases:
        case = case_named(identifier)
        for dtype in (np.float64, np.float32, np.complex128):
            for name, law in LAWS.items():
                if not applicable(name, case, dtype):
                    continue
                try:
                    law(case, dtype)
                except NEVER_A_DETECTION:
                    raise  # the fault was planted wrongly
                except Exception:
                    return f"{name}, {identifier}, {np.dtype(dtype).name}"
    return None


@pytest.fixture
def planter(monkeypatch: pytest.MonkeyPatch) -> Iterator[Planter]:
    transposition._cache.clear()
    yield Planter(monkeypatch)
    monkeypatch.undo()
    transposition._cache.clear()


@pytest.mark.parametrize("planted", [pytest.param(f, id=f.name) for f in FAULTS])
def test_the_laws_notice(planted: Fault, planter: Planter) -> None:
    if planted.generic:
        take_fast_paths_out(planter)
    planted.plant(planter)
    with np.errstate(all="ignore"):
        noticed = law_that_notices(planted.cases)
    assert noticed is not None, "no law noticed the fault"


def test_there_are_enough() -> None:
    assert len(FAULTS) >= 30
    assert len({f.name for f in FAULTS}) == len(FAULTS)


@pytest.mark.parametrize("case", sorted({c for f in FAULTS if f.generic for c in f.cases}))
def test_without_fast_paths_nothing_is_noticed(case: str, planter: Planter) -> None:
    take_fast_paths_out(planter)
    assert law_that_notices((case,)) is None
