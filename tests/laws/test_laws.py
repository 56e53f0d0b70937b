"""Every law over every case, in every dtype that the case declares."""

from __future__ import annotations

import numpy as np
import pytest

from .case import Case
from .collect import TABLES, all_cases
from .laws import LAWS, applicable

DTYPES = (np.float64, np.float32, np.complex128, np.complex64)


def _runs() -> list[object]:
    return [
        pytest.param(name, case, dtype, id=f"{name}-{identifier}-{np.dtype(dtype).name}")
        for identifier, case in all_cases()
        for name in LAWS
        for dtype in DTYPES
        if applicable(name, case, dtype)
    ]


@pytest.mark.parametrize(("law", "case", "dtype"), _runs())
def test_law(law: str, case: Case, dtype: type) -> None:
    LAWS[law](case, dtype)


@pytest.mark.parametrize("table", TABLES)
def test_names_are_unique(table: str) -> None:
    names = [case.name for case in TABLES[table]]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("case", [pytest.param(c, id=i) for i, c in all_cases() if c.narrowed])
def test_narrowed_cases_say_why(case: Case) -> None:
    assert case.reason, f"{case.name} is excused from a law without a reason"
