"""The classification of `scipy.linalg` against SciPy itself, and against what happens."""

from __future__ import annotations

import subprocess
import sys
import types
from functools import cache
from typing import Any

import numpy as np
import pytest
import scipy.linalg

import wengert as wg
from tests.laws.cases import scipy_linalg
from tests.laws.laws import Subject, copies
from wengert.scipy import linalg
from wengert.scipy.linalg.classification import CLASSIFICATION, REFUSED, submodules

NAMES = sorted(
    n
    for n in {*scipy.linalg.__all__, *dir(scipy.linalg)}
    if n[0] != "_" and not isinstance(getattr(scipy.linalg, n), types.ModuleType)
)
# Names that some versions of SciPy from 1.13 on have and others have not.
SOME_VERSIONS = {"kron", "test", "tri", "tril", "triu"}


def of_kind(*kinds: str) -> list[str]:
    return sorted(
        n for n, e in CLASSIFICATION.items() if e.kind in kinds and hasattr(scipy.linalg, n)
    )


def test_every_name_is_classified() -> None:
    missing = sorted(set(NAMES) - set(CLASSIFICATION))
    assert not missing, f"add these to src/wengert/scipy/linalg/classification.py: {missing}"
    modules = {
        n for n in dir(scipy.linalg) if isinstance(getattr(scipy.linalg, n), types.ModuleType)
    }
    assert {n for n in modules if n[0] != "_"} - submodules() == set()


def test_no_name_is_invented() -> None:
    assert set(CLASSIFICATION) - set(NAMES) <= SOME_VERSIONS


def test_every_name_is_there() -> None:
    missing = [n for n in NAMES if not hasattr(linalg, n)]
    assert not missing
    assert set(linalg.__all__) >= set(NAMES) - {"test"}
    assert linalg.lapack is scipy.linalg.lapack
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = linalg.nothing


def test_the_page_is_up_to_date() -> None:
    command = [sys.executable, "-m", "wengert.scipy.linalg.reference", "--check"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_it_is_imported_when_it_is_asked_for() -> None:
    code = (
        "import sys, wengert.scipy as s; assert 'wengert.scipy.linalg' not in sys.modules; "
        "s.linalg.expm; assert 'wengert.scipy.linalg' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# ------------------------------------------------------------------ what happens


@cache
def called() -> frozenset[str]:
    """The functions of `wengert.scipy.linalg` that the law tables call on Tensors."""
    found: set[str] = set()

    def watched(name: str, function: Any) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            y = function(*args, **kwargs)
            if any(isinstance(x, wg.Tensor) for x in wg.core.pytree.leaves((y,))):
                found.add(name)
            return y

        return call

    names = of_kind("differentiable")
    own = {n: getattr(linalg, n) for n in names}
    for case in scipy_linalg.CASES:
        if case.f in own.values():
            found.update(n for n, f in own.items() if f is case.f)
            continue
        # Cases made by `case` and `both` look the function up, or hold it in a cell.
        for cell in getattr(case.f, "__closure__", None) or ():
            found.update(n for n, f in own.items() if cell.cell_contents is f)
    try:
        for n, f in own.items():
            setattr(linalg, n, watched(n, f))
        for case in scipy_linalg.CASES:
            s = Subject(case, np.float64)
            s.call(*[wg.core.tensor.handle(a, None, None) for a in copies(s.args)])
    finally:
        for n, f in own.items():
            setattr(linalg, n, f)
    return frozenset(found)


@pytest.mark.parametrize("name", of_kind("differentiable"))
def test_what_is_differentiable_is_under_the_laws(name: str) -> None:
    assert name in called(), f"no case of tests/laws/cases/scipy_linalg.py calls {name}"


@pytest.mark.parametrize("name", of_kind("refused"))
def test_refused(name: str) -> None:
    """The named error with a remedy on a Tensor; on plain arrays SciPy's own result."""
    x = wg.Tensor(np.eye(3) + 0.1, True)
    with pytest.raises(
        wg.NoRuleError, match=f"scipy.linalg.{name} has no derivative: .*; use|draw"
    ):
        getattr(linalg, name)(x, 1)
    assert getattr(linalg, name).__doc__ == getattr(scipy.linalg, name).__doc__
    if name in ("schur", "null_space", "orth", "hessenberg", "ldl", "rq"):
        a = np.arange(9.0).reshape(3, 3) + np.eye(3)
        np.testing.assert_equal(getattr(linalg, name)(a), getattr(scipy.linalg, name)(a))


@pytest.mark.parametrize("name", ["bandwidth", "issymmetric", "ishermitian", "expm_cond"])
def test_plain(name: str) -> None:
    a = np.tril(np.arange(9.0).reshape(3, 3) + 1)
    found = wg.value_and_grad(lambda x: _with(getattr(linalg, name), x), has_aux=True)(a)[0][1]
    assert found == getattr(scipy.linalg, name)(a)


def _with(function: Any, x: Any) -> Any:
    return np.sum(x), function(x)


@pytest.mark.parametrize("name", of_kind("plain"))
def test_what_takes_no_array_is_scipys(name: str) -> None:
    if name in ("bandwidth", "issymmetric", "ishermitian", "expm_cond", "test"):
        return
    assert getattr(linalg, name) is getattr(scipy.linalg, name)


def test_every_refusal_has_a_remedy() -> None:
    for reason, remedy in REFUSED.values():
        assert len(reason.split()) > 3
        assert remedy.startswith(("use", "draw"))
