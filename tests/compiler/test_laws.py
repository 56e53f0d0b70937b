"""The law of the compiler: compiled equals eager, on every case that can be recorded.

Of tables whose functions NumPy and SciPy evaluate, of complex numbers in single precision, and of
pullbacks in single precision, a sixth is drawn by name: the compiler has a single way for all of
the first, and the others differ from what is run in registers alone. WENGERT_EVERY_LAW=1 runs the
rest too.
"""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert.core.program import verify

from ..laws.case import Case
from ..laws.collect import all_cases
from ..laws.registry import Subject, assert_same, copies, leaves, like
from .sampling import EVERY

pytest.importorskip("llvmlite")


def _allowed(case: Case, dtype: Any) -> bool:
    single = dtype in (np.float32, np.complex64)
    return (case.complex or dtype.kind != "c") and (case.float32 or not single)


_CALLED = ("fft-", "integrate-", "interpolate-", "linalg-", "scipy_linalg-", "signal-", "sparse-",
           "special", "stats")  # fmt: skip


def _drawn(identifier: str, dtype: Any, order: int) -> bool:
    is_sampled = (
        identifier.startswith(_CALLED)
        or dtype is np.complex64
        or (order > 0 and dtype is np.float32)
    )
    if EVERY or not is_sampled:
        return True
    return zlib.crc32(f"{identifier} {np.dtype(dtype)}".encode()) % 6 == 0


def _runs(order: int) -> list[object]:
    return [
        pytest.param(case, dtype, id=f"{identifier}-{np.dtype(dtype).name}")
        for identifier, case in all_cases()
        for dtype in (np.float64, np.float32, np.complex128, np.complex64)
        if case.record and case.order >= order and _allowed(case, np.dtype(dtype))
        if _drawn(identifier, dtype, order)
    ]


@pytest.mark.parametrize(("case", "dtype"), _runs(0))
def test_values(case: Case, dtype: Any) -> None:
    s = Subject(case, dtype)
    expected = s.value()
    f = wg.jit(case.f)
    given = s.merged(copies(s.args))
    kept = [np.array(a) for a in given]
    found = leaves(f(*given))
    verify(f.lower(*given).optimized)
    assert_same(found, expected, "compiled", 256.0, s.dtype)
    for x, y in zip(found, expected, strict=True):
        assert isinstance(x, (np.ndarray, np.generic))
        assert np.ndim(x) == np.ndim(y)
    for a, b in zip(given, kept, strict=True):
        np.testing.assert_array_equal(a, b, err_msg="an argument was changed")
    assert_same(leaves(f(*given)), found, "a second call", 0.0, s.dtype)


@pytest.mark.parametrize(("case", "dtype"), _runs(1))
def test_gradients(case: Case, dtype: Any) -> None:
    s = Subject(case, dtype)
    ct = [like(s.rng, y) for y in s.primal()]

    def pullback(*xs: Any) -> Any:
        return wg.vjp(s.f, *xs)[1](tuple(ct))

    expected = pullback(*copies(s.args))
    found = wg.jit(pullback)(*copies(s.args))
    assert_same(leaves(found), leaves(expected), "compiled pullback", 4096.0, s.dtype)
