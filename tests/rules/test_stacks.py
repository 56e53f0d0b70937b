"""Which rules call SciPy once for each matrix of a stack, and why."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import scipy
import scipy.linalg

import wengert as wg
from wengert.rules import linalg
from wengert.scipy import linalg as stacked

REASONS = {
    "factorizations": "eigh with a LAPACK driver that NumPy's stacked eigh does not offer",
    "matrix_functions": "logm: SciPy's loops over stacks itself; sqrtm does so before SciPy 1.17",
    "lu": "packed factors and pivots, which only lu_factor returns; it loops over stacks itself",
    "orthogonal": "qr with pivoting; SciPy's loops over stacks itself, NumPy has none",
    "matrix_equations": "Sylvester, Lyapunov and Riccati equations: SciPy's take single matrices",
    "structured": "solve_banded: SciPy's loops over stacks itself",
}


def test_every_loop_over_single_matrices_has_a_reason() -> None:
    rules = Path(linalg.__file__).parent
    callers = {
        path.stem
        for path in rules.glob("*.py")
        if re.search(r"(?<!def )\bon_stacks\(", path.read_text())
    }
    assert callers == set(REASONS)


def calls_of(monkeypatch: pytest.MonkeyPatch, module: object, name: str, f: object) -> list[int]:
    """How often a function of a library is called for 3 and for 300 matrices."""
    original, counts = getattr(module, name), []
    rng = np.random.default_rng(0)
    for size in (3, 300):
        made = []

        def counted(*args: object, **options: object) -> object:
            made.append(1)  # noqa: B023
            return original(*args, **options)

        a = rng.normal(size=(size, 3, 3))
        with monkeypatch.context() as patch:
            patch.setattr(module, name, counted)
            wg.vmap(f)(a @ a.swapaxes(1, 2) + 3 * np.eye(3))
        counts.append(len(made))
    return counts


def test_stacked_functions_are_called_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Toeplitz systems were solved one by one."""
    solve = calls_of(
        monkeypatch,
        np.linalg,
        "solve",
        lambda a: stacked.solve_toeplitz((a[0] + 9 * np.eye(3)[0], a[0]), np.ones(3)),
    )
    assert solve[0] == solve[1] > 0
    expm = calls_of(monkeypatch, scipy.linalg, "expm", stacked.expm)
    assert expm[0] == expm[1] > 0
    if np.lib.NumpyVersion(scipy.__version__) >= "1.17.0":
        sqrtm = calls_of(monkeypatch, scipy.linalg, "sqrtm", stacked.sqrtm)
        assert sqrtm[0] == sqrtm[1] > 0


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64, np.complex128])
def test_roots_and_toeplitz_systems_of_stacks(dtype: type) -> None:
    rng = np.random.default_rng(1)
    a = rng.normal(size=(2, 4, 3, 3))
    a = (a @ a.swapaxes(-1, -2) + np.eye(3)).astype(dtype)
    root = stacked.sqrtm(wg.Tensor(a)).array
    assert root.dtype == dtype
    tolerance = (
        2e-4 if np.dtype(dtype).itemsize // (1 + (np.dtype(dtype).kind == "c")) == 4 else 1e-10
    )
    np.testing.assert_allclose(root @ root, a, rtol=tolerance, atol=tolerance)
    c = a[..., 0] + np.array([9, 0, 0], dtype)
    for b in (np.ones((3, 2), dtype), rng.normal(size=(4, 3, 1)).astype(dtype)):
        right = b[:, 0] if b.ndim == 2 else b[0, :, 0]
        solve = wg.vmap(wg.vmap(lambda c, right=right: stacked.solve_toeplitz(c, right)))
        x = solve(c)
        for i in range(2):
            for j in range(4):
                expected = scipy.linalg.solve_toeplitz(c[i, j], right)
                np.testing.assert_allclose(x[i, j], expected, rtol=tolerance, atol=tolerance)
