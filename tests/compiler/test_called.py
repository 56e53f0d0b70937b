"""What NumPy evaluates under jit is what the documents say, and nothing else.

The families are those of docs/design/compiler.md. Over all cases of the laws, value and pullback,
in double precision and complex, no other primitive may cut the native code.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import Any

import numpy as np
import pytest
from scipy import special

import wengert as wg
from wengert import rules
from wengert.compiler.lowering.table import lowered
from wengert.core.primitive import PRIMITIVES, Primitive

from ..laws.case import Case
from ..laws.collect import all_cases
from ..laws.registry import Subject, copies, like
from .sampling import EVERY

FAMILIES = {
    "linear algebra": (
        "cholesky_sweep", "determinants", "eigen", "factorizations", "linalg", "lu",
        "matrix_equations", "matrix_functions", "orthogonal", "spectra", "structured",
    ),
    "FFT": ("fft",),
    "special functions": ("special", "distributions", "quantiles"),
    "random bits": ("philox", "random", "stream"),
    "sorting": ("ranks", "sorting"),
}  # fmt: skip
"""By modules of `wengert.rules`, in which the primitives are declared."""

_SHARED = {f"wengert.rules.{m}" for m in ("pointwise", "reductions", "shapes", "batching")}
_SPECIAL = [f for f in vars(special).values() if isinstance(f, np.ufunc)]
_SINGLE = {"sparse_solve"}  # linear algebra in a module that has other things
_NATIVE = {
    "searchsorted", "permute_along", "unpermute_along",
    "solve", "inv", "det", "slogdet", "solve_triangular", "cholesky",
}  # fmt: skip
"""Of modules of which the rest is called; the linear algebra is LAPACK, from native code."""


@cache
def _modules() -> dict[str, str]:
    """The module of `wengert.rules` that declares each primitive."""
    found: dict[str, str] = {}
    for info in pkgutil.walk_packages(rules.__path__, "wengert.rules."):
        module = importlib.import_module(info.name)
        for value in vars(module).values():
            if isinstance(value, Primitive):
                found.setdefault(value.name, info.name)
    # Where its function is, and not where it is imported.
    for p in PRIMITIVES.values():
        for rule in (p.shape, p.evaluate):
            name = getattr(rule, "__module__", None) or ""
            if name.startswith(("wengert.rules.", "scipy.special.")) and name not in _SHARED:
                found[p.name] = name
    return {name: module.split(".")[2 if module[0] == "w" else 1] for name, module in found.items()}


def _may_be_called(name: str) -> bool:
    module = _modules().get(name)
    families = {m for modules in FAMILIES.values() for m in modules}
    if name in _SINGLE or PRIMITIVES[name].evaluate in _SPECIAL:
        return True
    return module in families and name not in _NATIVE


def _runs() -> list[object]:
    return [
        pytest.param(case, dtype, id=f"{name}-{np.dtype(dtype).name}")
        for k, (name, case) in enumerate(all_cases())
        for dtype in (np.float64, np.complex128)
        if case.record and (case.complex or dtype is np.float64)
        if EVERY or not name.startswith("special") or k % 6 == 0
    ]


def _called(case: Case, dtype: Any) -> set[str]:
    s = Subject(case, dtype)
    if case.order > 0:
        ct = [like(s.rng, y) for y in s.primal()]

        def both(*xs: Any) -> Any:
            y, pull = wg.vjp(s.f, *xs)
            return y, pull(tuple(ct))

        stages = wg.jit(both).lower(*copies(s.args))
    else:
        stages = wg.jit(case.f).lower(*s.merged(copies(s.args)))
    return {e.primitive.name for e in lowered(stages.optimized).opaque}


@pytest.mark.parametrize(("case", "dtype"), _runs())
def test_only_these_are_called(case: Case, dtype: Any) -> None:
    called = _called(case, dtype)
    assert {name for name in called if not _may_be_called(name)} == set()


def test_the_families_are_told_apart() -> None:
    # The test above cannot fail if everything may be called.
    native = (
        "add", "matmul", "lfilter", "sparse_matmul", "gcd", "pow", "cumprod", "searchsorted",
        "conj", "real", "einsum", "setitem", "solve", "cholesky", "slogdet",
    )  # fmt: skip
    assert not any(map(_may_be_called, native))
    called = ("sort", "fft", "lu", "random_words", "erfinv", "sparse_solve", "svd")
    assert all(map(_may_be_called, called))
    assert set(called) <= set(PRIMITIVES)


def test_primitives_of_users_are_called() -> None:
    double = wg.primitive(lambda x: 2 * x, jvp=lambda t, y, x: 2 * t[0])
    stages = wg.jit(lambda x: double(x) + 1).lower(np.ones(3))
    assert list(stages.cost()["calls"].values()) == [1]
