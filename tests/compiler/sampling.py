"""Which of the law suite's cases are run again for something that hardly depends on the case."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from ..laws.case import Case
from ..laws.collect import all_cases

EVERY = os.environ.get("WENGERT_EVERY_LAW") == "1"
"""Whether to run all of them, which takes most of an hour."""


def every(step: int, wanted: Callable[[Case], bool]) -> list[object]:
    """Every ``step``-th of the cases that are wanted; all of them with WENGERT_EVERY_LAW=1."""
    cases = [(identifier, case) for identifier, case in all_cases() if wanted(case)]
    return [pytest.param(c, id=name) for name, c in cases[:: 1 if EVERY else step]]
