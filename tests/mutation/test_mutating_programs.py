"""Random mutating programs under every check, and the disagreements that they have found."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert import Tensor
from wengert.testing import check_grads

from .checks import CHECKS, SkippedError, check_values
from .programs import KINDS, Program, function_of, random_program

# More programs: WENGERT_EXAMPLES=20 multiplies their number.
BLOCK, BLOCKS = 25, 12 * int(os.environ.get("WENGERT_EXAMPLES", "1"))


@pytest.mark.parametrize("block", range(BLOCKS))
def test_random_programs(block: int) -> None:
    skipped = 0
    for seed in range(block * BLOCK, (block + 1) * BLOCK):
        program = random_program(seed)
        for check in CHECKS.values():
            try:
                check(program)
            except SkippedError:
                skipped += 1
    # Second derivatives leave out single precision, vmap leaves out masks that depend on values.
    assert skipped < 0.2 * BLOCK * len(CHECKS)


def test_the_programs_are_what_they_are_said_to_be() -> None:
    """They write, in all the ways that are listed."""
    text = "\n".join(random_program(seed).source for seed in range(400))
    for piece in (
        "] = ", "] += ", "] *= ", ".at(", "out=", "where=", ".sort(", ".partition(", "np.put(",
        "np.place(", "np.copyto(", "np.putmask(", "np.fill_diagonal(", "np.put_along_axis(",
        ".fill(", ".flat[", ".flat = ", ".real = ", ".T", ".reshape(", "np.flip(", ".ravel()",
        "**= 2", "reduceat(", "accumulate(", "True, False",
    ):  # fmt: skip
        assert piece in text, f"no program has {piece!r}"
    dtypes = {random_program(seed).inputs[0].dtype.char for seed in range(len(KINDS))}
    assert dtypes == {"d", "f", "D"}


def test_a_program_that_is_wrong_is_noticed() -> None:
    """The comparison itself: one that differs between arrays and Tensors fails."""
    source = "def program(x, y):\n    return (x * (1.0 if type(x) is np.ndarray else 2.0),)\n"
    program = Program(0, source, (np.ones(2), np.ones(2)))
    with pytest.raises(AssertionError, match="program 0"):
        check_values(program)


# ------------------------------------------------------------------ named regressions

A = np.arange(1.0, 7.0)
M = np.arange(1.0, 13.0).reshape(3, 4) / 5


def agree(body: str, *inputs: Any, order: int = 2) -> None:
    """Run the lines on arrays and on Tensors, and check the derivatives."""
    source = "def program(x, y):\n    a = x * 1.0\n    b = y * 0.5\n"
    source += "".join(f"    {line}\n" for line in body.strip().split("\n")) + "    return a, b\n"
    inputs = inputs or (A, M)
    check_values(Program(0, source, inputs))
    check_grads(function_of(source), inputs, order=order)


@pytest.mark.parametrize(
    "lines",
    [
        "a[True] *= 2.0",
        "a[False] = 7.0",
        "a[..., True] += b[0, 0]",
        "b[1:, np.True_] *= a[0]",
        "b[True, [0, 2]] = a[:4]",
        "s = a[1, ...]\ns[s > 0] = b[1, 1]",
        "s = a[1, ...]\ns[s > 99] = b[1, 1]",
        "np.add.at(a, True, b[0, 0])",
        "a *= a[True][0].sum()",
    ],
)
def test_a_single_boolean_is_a_mask(lines: str) -> None:
    agree(lines)


@pytest.mark.parametrize(
    "lines",
    [
        "a[::2] = a[:3]",
        "a[1::2] = a[:3]",
        "a[:3] = a[::2]",
        "a[1:] = a[:-1]",
        "a[:-1] = a[1:]",
        "a[::-1] = a",
        "a[1:4] = a[3:0:-1]",
        "b[:, ::2] = b[:, :2]",
        "b.T[1:] = b.T[:-1]",
        "b[np.array([True, False, True])] = b[:2]",
        "b[b > 1.05] = b.ravel()[:2]",
        "a[a > 2.5] = a[:4]",
        "a[[0, 2, 4]] = a[:3]",
        "a[[1, 0]] = a[[0, 1]]",
        "a += a[::-1]",
        "np.add(a[1:], a[:-1], out=a[1:])",
        "np.copyto(a[::2], a[:3] * 1.0)",
    ],
)
def test_a_source_that_overlaps_the_destination(lines: str) -> None:
    """NumPy copies it first, but not in one dimension with other steps, nor through a mask."""
    agree(lines)


def test_overlap_under_vmap() -> None:
    def f(x: Any) -> Any:
        y = x * 1.0
        y[::2] = y[:3]
        return y

    x = np.stack([A, -A])
    np.testing.assert_array_equal(wg.vmap(f)(x), [f(A), f(-A)])


@pytest.mark.parametrize(
    "lines",
    [
        "np.add(a[:4], 1.0, out=b)",
        "np.clip(a[:4], 1.5, 3.5, out=b)",
        "c = np.zeros_like(b, shape=(2, 3, 3))\nnp.matmul(b[:, :3], b[:, 1:], out=c)\nb += c.sum()",
        "np.exp(0.5, out=a)",
        "np.divide(1.0, 4.0, out=a[::2], where=a[::2] > 2.5)",
        "np.add(a, 1.0, out=a, casting='unsafe')",
        "np.multiply(a, a, a, dtype=np.float64, casting='same_kind')",
        "np.multiply(a, a, a, signature='dd->d')",
        "np.multiply(a, a, out=(a,))",
    ],
)
def test_out_of_a_ufunc(lines: str) -> None:
    agree(lines)


def test_out_that_does_not_fit() -> None:
    t = Tensor(A, True) * 1.0
    for call in (
        lambda out: np.add(t.reshape(1, 6), 1.0, out=out),  # NumPy does not drop dimensions
        lambda out: np.sum(Tensor(M, True), axis=0, out=out),
    ):
        with pytest.raises(wg.ShapeError, match="cannot be stored in out of shape"):
            call(np.zeros_like(t))
    with pytest.raises(wg.WengertTypeError, match="cannot cast the result from complex128"):
        np.multiply(t, 1j, out=np.zeros_like(t))
    with pytest.raises(TypeError, match="casting rule 'no'"):
        np.add(t, 1.0, dtype=np.float32, casting="no")


def test_where_does_not_warn_of_what_it_leaves_out() -> None:
    def safe(x: Any, y: Any) -> Any:
        return np.divide(x, y, out=np.zeros_like(x), where=y != 0)

    x, y = np.array([1.0, 2.0]), np.array([0.0, 4.0])
    with np.errstate(all="raise"):
        np.testing.assert_array_equal(safe(Tensor(x, True), y).array, [0.0, 0.5])
        gradients = wg.grad(lambda x, y: np.sum(safe(x, y)), (0, 1))(x, y)
        with pytest.raises(FloatingPointError):
            np.divide(Tensor(x), y, out=np.zeros_like(Tensor(x)), where=np.array([True, False]))
    np.testing.assert_array_equal(gradients, [[0.0, 0.25], [0.0, -0.125]])


def test_put_counts_the_element_of_a_0d_array() -> None:
    agree("np.put(a[2, ...], [0, -1], b[0, :2])\nnp.put(b, [1, 1, -1], a)")
    agree("a[2, ...].flat[[-1, 0]] = b[0, :2]\na[3, ...].flat = b[1]")


def test_layouts_of_arrays_like_another() -> None:
    """Whether a reshape of the result is a view depends on them."""
    for like in ("np.empty_like", "np.zeros_like", "np.ones_like"):
        for options in ("", ", order='F'", ", shape=(4, 3)", ", order='C'"):
            lines = "c[...] = b.T\nd = c.reshape(-1)\nd[1:3] = a[:2]\nb *= c.T"
            agree(f"c = {like}(b.T{options})\n{lines}", order=1)
    agree("c = np.full((3, 4), 0.5, order='F')\nc = c * b\nc.reshape(-1)[0] = a[0]\nb += c")


def test_strong_sweep_beside_a_jvp_that_has_ended() -> None:
    """Regression: repeated with strong zeros, a sweep met tangents of an inner jvp."""

    def slope(x: Any) -> Any:
        def f(x: Any) -> Any:
            c = x * 1.0
            np.divide(c, c - c, out=c, where=np.array(False))
            return np.sum(c * c * c)

        return wg.jvp(f, (x,), (np.ones_like(x),))[1]

    with np.errstate(all="ignore"):
        np.testing.assert_allclose(wg.grad(slope)(A), 6 * A)


def test_reading_flat_makes_copies() -> None:
    agree("c = a.flat[1:3]\nc *= 3.0\nb.flat[:2] = c\nb.flat = b.flat[::-1] * 1.0")


def test_at_in_numpys_order() -> None:
    """Values to the last digit, and indices that vmap has a batch of."""
    rng = np.random.default_rng(0)
    x, v = rng.uniform(1, 2, 5), rng.uniform(1, 2, (3, 12))
    i = rng.integers(0, 5, (3, 12))
    for ufunc in (np.add, np.subtract, np.multiply, np.maximum, np.hypot):

        def f(x: Any, i: Any, v: Any, ufunc: Any = ufunc) -> Any:
            y = x * 1.0
            ufunc.at(y, i, v)
            return y

        np.testing.assert_array_equal(f(Tensor(x, True), i[0], v[0]).array, f(x, i[0], v[0]))
        found = wg.vmap(f, (None, 0, 0))(x, i, v)
        np.testing.assert_allclose(found, [f(x, i[k], v[k]) for k in range(3)], rtol=1e-14)
        check_grads(lambda x, v, f=f: f(x, i[0, :4], v[0, :4]), (x, v), order=2)


def test_at_says_what_it_cannot_do() -> None:
    t = Tensor(A, True) * 1.0
    with pytest.raises(wg.WengertTypeError, match=r"np\.add\.at: cannot cast the result from"):
        np.add.at(Tensor(np.arange(3.0)).astype(int), [0], 0.5)
    with pytest.raises(ValueError, match="does not fit a region"):
        np.multiply.at(t, [0, 1], t[:3])
    plain = np.zeros(3)
    np.add.at(plain, Tensor(np.zeros(2)).astype(int), 2.0)
    np.testing.assert_array_equal(plain, [4.0, 0.0, 0.0])


def test_division_by_pythons_zero() -> None:
    """Regression: Python raises where NumPy gives infinity."""
    x = np.array([1.0, -2.0])

    def f(x: Any) -> Any:
        return np.divide(x, 0.0, out=x * 3.0, where=np.array([True, False]))

    with np.errstate(all="ignore"):
        for mode in (wg.jacrev, wg.jacfwd, lambda f: lambda x: wg.vmap(wg.jacfwd(f))(x[None])[0]):
            np.testing.assert_array_equal(mode(lambda x: x / 0.0)(x), np.diag([np.inf, np.inf]))
            np.testing.assert_array_equal(mode(f)(x), np.diag([np.inf, 3.0]))
