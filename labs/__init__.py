"""The course systems, one folder each; every lab is `lab.py` with a function ``run``."""

from __future__ import annotations

import os

__all__ = ["quick"]


def quick() -> bool:
    """Whether notebooks are to run at the size of the tests: ``WENGERT_LAB_QUICK=1``."""
    return os.environ.get("WENGERT_LAB_QUICK", "") not in ("", "0")
