"""The page of distributions is made from the table, and the table is whole."""

from __future__ import annotations

import subprocess
import sys

from wengert.scipy import stats
from wengert.scipy.stats import reference
from wengert.scipy.stats.base import DISTRIBUTIONS


def test_the_page_is_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "wengert.scipy.stats.reference", "--check"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_public_name_is_on_the_page() -> None:
    text = reference.page()
    assert [n for n in stats.__all__ if f"`{n}(" not in text and f"`{n}`" not in text] == []
    assert sorted({*DISTRIBUTIONS, "gaussian_kde", "mode", "rankdata", "sem"}) == sorted(
        stats.__all__
    )
