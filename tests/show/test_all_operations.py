"""Every case of the law tables as a listing: its text runs by itself and agrees with derivatives.

The text is executed in a namespace that has NumPy and the arguments and nothing else: what it needs
besides, it has to define or import.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert.core.primitive import PRIMITIVES
from wengert.show import Listing, show

from ..laws.case import Case
from ..laws.collect import all_cases

# Cases of which no listing is possible, each with the reason, by mode.
_ITEM = "takes a value out of the program with .item()"
_FROM_DATA = {
    "faces-method_item": _ITEM,
}
EXCEPTIONS = {
    "forward": _FROM_DATA,
    "backward": _FROM_DATA,
}

# Operations that plain NumPy cannot say in a few lines: a listing names them at its top.
NO_TEXT = {
    *("conv2d", "conv2d_input", "conv2d_kernel"),
    *("max_pool2d", "maxima_mean2d", "maxima_spread2d", "window_sum2d", "window_spread2d"),
    *("batch_norm", "fold_in", "random_words"),
    "unit_vectors",
    *("gammainc_derivative", "betainc_derivative", "zeta_derivative", "symmetric_integral"),
    *("hyp1f1_derivative", "hyp2f1_derivative", "student_derivative"),
    *("complex_polygamma", "gennorm_slope", "vonmises_cdf", "voigt_derivative"),
    *("exponnorm_quantile", "gennorm_quantile", "invgauss_quantile", "vonmises_quantile"),
}

# Primitives that are in no listing of these, each with the reason.
NOT_SHOWN = {
    "cross_entropy": "recorded on shapes it is a logsumexp and an indexed read",
    "maxima_mean2d": "the derivative of maxima_spread2d by its third operand only",
    "sign_complex": "the tables have it with complex arguments only",
    **dict.fromkeys(
        ("cofactors_where", "lu_factor", "lu_inverse", "lu_solve", "sign_of_exchanges"),
        "only the compiler makes it, in Programs that are run and not listed",
    ),
}

CASES = [
    pytest.param(name, case, id=name)
    for name, case in all_cases()
    if any(a.dtype.kind == "f" for a in case.draw())
]
TWICE = [pytest.param(p.values[1], id=p.id) for p in CASES if p.values[1].order == 2]


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        yield


def assert_same(a: Any, b: Any, rtol: float = 1e-7) -> None:
    for x, y in zip(wg.tree.leaves(a), wg.tree.leaves(b), strict=True):
        np.testing.assert_allclose(x, y, rtol=rtol, atol=1e-10)


def float_positions(args: tuple[Any, ...]) -> tuple[int, ...]:
    return tuple(i for i, a in enumerate(args) if a.dtype.kind == "f")


def total(case: Case) -> Any:
    """The sum of the float results of a case; zero if there are none."""

    def function(*new: Any) -> Any:
        leaves = wg.tree.leaves(real(case)(*new))
        return sum((np.sum(y) for y in leaves if y.dtype.kind == "f"), 0.0)

    return function


def real(case: Case) -> Any:
    """The case with complex results as real and imaginary parts: only real ones have gradients."""

    def parts(y: Any) -> Any:
        return (np.real(y), np.imag(y)) if y.dtype.kind == "c" else y

    def function(*new: Any) -> Any:
        return wg.tree.map(parts, case.f(*new))

    results = wg.tree.leaves(case.f(*copies(case.draw())))
    return function if any(np.asarray(y).dtype.kind == "c" for y in results) else case.f


def copies(args: tuple[Any, ...]) -> list[Any]:
    return [a.copy() for a in args]


def executed(listing: Listing, tangents: dict[str, Any]) -> dict[str, Any]:
    """The names that the printed text defines, run with NumPy and the arguments alone.

    Of wengert's operations it has those that NumPy cannot say, and the text has to name them.
    """
    space = dict(tangents)
    for name, value in listing.namespace().items():
        if not callable(value):
            space.setdefault(name, value if name == "np" else value.copy())
        elif f"# {name}: an operation of wengert" in str(listing):
            assert name.rstrip("_0123456789") in NO_TEXT
            space[name] = value
    exec("import numpy as np", space)
    exec(str(listing), space)
    return space


@pytest.mark.parametrize(("name", "case"), CASES)
def test_backward(name: str, case: Case) -> None:
    args = case.draw()
    positions = float_positions(args)
    if name in EXCEPTIONS["backward"]:
        with pytest.raises(wg.WengertTypeError):
            show(case.f, *args)
        return
    f = real(case)
    listing = show(f, *args)
    expected = wg.grad(total(case), positions)(*copies(args))
    value, gradients = listing.run()
    assert_same(value, f(*copies(args)))
    assert_same(gradients, expected)
    space = executed(listing, {})
    wanted = [listing.names[v] for v in listing.program.inputs if listing.names[v] in space]
    alone = [space[f"grad_{x}"] for x in wanted if f"grad_{x}" in space]
    assert_same(alone, expected)


@pytest.mark.parametrize(("name", "case"), CASES)
def test_backward_in_single_precision(name: str, case: Case) -> None:
    args = case.draw(dtype=np.float32)
    if name in EXCEPTIONS["backward"] or not case.float32:
        return
    f = real(case)
    value, gradients = show(f, *args).run()
    for x, y in zip(wg.tree.leaves(value), wg.tree.leaves(f(*copies(args))), strict=True):
        assert np.asarray(x).dtype == np.asarray(y).dtype
    expected = wg.grad(total(case), float_positions(args))(*copies(args))
    for x, y in zip(wg.tree.leaves(gradients), wg.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(x, y, rtol=2e-3, atol=1e-4)


@pytest.mark.parametrize(("name", "case"), CASES)
def test_forward(name: str, case: Case) -> None:
    args = case.draw()
    if name in EXCEPTIONS["forward"]:
        with pytest.raises(wg.WengertTypeError):
            show(case.f, *args, mode="forward")
        return
    rng = case.rng()
    tangents = [rng.normal(size=a.shape) if a.dtype.kind == "f" else a for a in args]
    positions = float_positions(args)

    def f(*new: Any) -> Any:
        all_args = copies(args)
        for i, x in zip(positions, new, strict=True):
            all_args[i] = x
        return case.f(*all_args)

    primals = tuple(args[i].copy() for i in positions)
    expected = wg.jvp(f, primals, tuple(tangents[i] for i in positions))
    listing = show(case.f, *args, mode="forward")
    assert_same(listing.run(*args, tangents=tangents), expected)
    names = [listing.names[v] for v in listing.program.inputs]
    given = {f"dot_{x}": t for x, t in zip(names, tangents, strict=True)}
    assert executed(listing, given).keys() >= given.keys()


@pytest.mark.parametrize("case", TWICE)
def test_listing_of_a_gradient(case: Case) -> None:
    args = case.draw()
    positions = float_positions(args)
    gradient = wg.grad(total(case), positions)
    expected_value = gradient(*copies(args))
    listing = show(gradient, *args)

    def twice(*new: Any) -> Any:
        return sum(np.sum(y) for y in wg.tree.leaves(gradient(*new)))

    executed(listing, {})
    value, gradients = listing.run()
    assert_same(value, expected_value)
    assert_same(gradients, wg.grad(twice, positions)(*copies(args)), rtol=1e-6)


def shown_primitives(wanted: set[str]) -> set[str]:
    """What the Programs of the listings above have, first and second derivatives.

    Until all are met; cases that declare primitives come first.
    """
    seen: set[str] = set()
    for name, case in sorted(all_cases(), key=lambda row: not row[1].primitives):
        args = case.draw()
        positions = float_positions(args)
        if not positions or name in EXCEPTIONS["backward"]:
            continue
        if wanted <= seen:
            break
        functions = [real(case), wg.grad(total(case), positions)]
        for f in functions[: case.order] if case.order else functions[:1]:
            listing = show(f, *args)
            seen.update(e.primitive.name for e in listing.program.equations)
    return seen


def test_every_primitive_is_in_a_listing() -> None:
    from ..laws.test_completeness import declared_primitives

    wanted = set(declared_primitives()) - set(NOT_SHOWN)
    assert wanted - shown_primitives(wanted) == set()
    assert set(NOT_SHOWN) <= set(PRIMITIVES)
