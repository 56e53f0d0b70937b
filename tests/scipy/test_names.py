"""The names that are there, those that are not, and the page that lists them."""

from __future__ import annotations

import subprocess
import sys

import pytest

import wengert as wg
from wengert.scipy import reference


@pytest.mark.parametrize("module", reference.MODULES)
def test_a_missing_name_says_what_exists(module: str) -> None:
    owner = reference._module(module)
    for name in owner.__all__:
        assert getattr(owner, name) is not None
    assert set(owner.__all__) <= set(dir(owner))
    with pytest.raises(
        AttributeError, match=f"no attribute 'nothing'; it has .*{owner.__all__[0]}"
    ):
        _ = owner.nothing
    assert not hasattr(owner, "_private")


def test_a_name_of_scipys_says_what_to_do() -> None:
    with pytest.raises(wg.WengertError, match="scipy.signal.medfilt works on plain values"):
        _ = wg.scipy.signal.medfilt
    with pytest.raises(AttributeError, match="'wengert.scipy' has no attribute 'nothing'"):
        _ = wg.scipy.nothing


def test_the_page_is_up_to_date() -> None:
    assert reference.TARGET.read_text(encoding="utf-8") == reference.page()


def test_importing_wengert_does_not_import_slow_modules() -> None:
    code = "import sys, wengert; print([m for m in sys.modules if m in {slow}])"
    slow = ("scipy.optimize", "scipy.signal", "scipy.interpolate", "scipy.integrate")
    done = subprocess.run(
        [sys.executable, "-c", code.format(slow=slow)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
