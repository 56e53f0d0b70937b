"""Every differentiable function over the same kinds of shapes and layouts.

The arguments of the examples are made empty, 0-d, single, stacked, broadcast against each other,
reversed and strided. Where NumPy gives a value, wengert gives that value and both modes agree;
where NumPy raises, wengert raises.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import wengert as wg
import wengert.numpy as wnp
from wengert.core import pytree
from wengert.numpy.classification import CLASSIFICATION

from .compare import plain
from .examples import Example, example_of
from .test_classification import of_kind

Array = Any


def _strided(a: Array) -> Array:
    larger = np.full(tuple(2 * n for n in a.shape), -7.0, a.dtype)
    every = (slice(None, None, 2),) * a.ndim
    larger[every] = a
    return larger[every]


def _reversed(a: Array) -> Array:
    every = (slice(None, None, -1),) * a.ndim
    return a[every].copy()[every]


def _each(change: Callable[[Array], Array]) -> Callable[..., tuple[Array, ...]]:
    return lambda *args: tuple(change(a) for a in args)


def _first(change: Callable[[Array], Array]) -> Callable[..., tuple[Array, ...]]:
    return lambda a, *rest: (change(a), *rest)


VARIANTS: dict[str, Callable[..., tuple[Array, ...]]] = {
    "no rows": _each(lambda a: a[:0] if a.ndim else a),
    "no columns": _each(lambda a: a[..., :0] if a.ndim else a),
    "numbers": _each(lambda a: np.asarray(a.ravel()[0])),
    "first a number": _first(lambda a: np.asarray(a.ravel()[0])),
    "one row": _each(lambda a: a[:1] if a.ndim else a),
    "one more dimension": _each(lambda a: np.stack([a, a * 1.01 + 0.002])),
    "first with one more dimension": _first(lambda a: np.stack([a, a * 1.01 + 0.002])),
    "first as a column": _first(lambda a: a[..., None]),
    "first a single row": _first(lambda a: a[:1] if a.ndim else a),
    "negative strides": _each(_reversed),
    "every second place": _each(_strided),
    "column-major": _each(np.asfortranarray),
}

# Differences from NumPy that are meant, with the reason.
_NAN = "NumPy raises an IndexError from its inside; here it is NaN, as for median"
_VECTORS = "coefficients are one-dimensional; that NumPy takes more is an accident"
_ZEROS = "NumPy's quotient and remainder of rows are an accident, too"
_NOTHING_TO_DO = "NumPy raises from its inside; a number is in order already"
_EMPTY = "NumPy raises before 2.5, and returns the empty array from then on"
_ONE_ELEMENT = "NumPy before 2.4 takes arrays of one element for numbers"
_LATER = "NumPy takes other than vectors from 2.2 on"
_INVERSE = "NumPy raises from its inside; the inverse of a number or of nothing is one"
MEANT: dict[tuple[str, str], str] = {
    **{(n, v): _NAN for n in ("quantile", "percentile") for v in ("no rows", "no columns")},
    **{
        ("trim_zeros", v): _LATER
        for v in (
            "numbers",
            "first a number",
            "one more dimension",
            "first with one more dimension",
        )
    },
    ("interp", "no rows"): _EMPTY,
    ("interp", "no columns"): _EMPTY,
    ("fromiter", "first as a column"): _ONE_ELEMENT,
    ("polyadd", "first as a column"): _VECTORS,
    ("polysub", "first as a column"): _VECTORS,
    ("polydiv", "first with one more dimension"): _ZEROS,
    **{
        (f"fft.{n}shift", v): _NOTHING_TO_DO
        for n in ("fft", "ifft")
        for v in ("numbers", "first a number")
    },
    **{("linalg.tensorinv", v): _INVERSE for v in ("numbers", "first a number", "no columns")},
}


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("name", of_kind("primitive", "composite", "zero"))
def test_shapes(name: str, variant: str) -> None:
    if (name, variant) in MEANT or name == "empty_like":
        return
    example = example_of(name)
    args = VARIANTS[variant](*example.args)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            expected = [plain(y) for y in pytree.leaves(example.call(np, *_copies(args)))]
        except Exception:
            with pytest.raises(Exception):  # noqa: B017, PT011
                example.call(wnp, *[wg.Tensor(a, True) for a in args])
            return
        _check(name, Example(example.call, args), expected)


def _copies(args: Any) -> list[Array]:
    return [np.array(a) for a in args]


def _check(name: str, example: Example, expected: list[Any]) -> None:
    results: list[Any] = []

    def function(*xs: Any) -> Any:
        results[:] = pytree.leaves(example.call(wnp, *xs))
        return tuple(y for y in results if isinstance(y, wg.Tensor) and y.dtype.kind in "fc")

    values, pullback = wg.vjp(function, *example.args)
    assert len(results) == len(expected)
    for y, wanted in zip(results, expected, strict=True):
        value = np.asarray(plain(y.detach() if isinstance(y, wg.Tensor) else y))
        assert value.shape == np.shape(wanted), name
        assert value.dtype == np.asarray(wanted).dtype, name
        np.testing.assert_allclose(value, wanted, rtol=1e-12, atol=1e-12, err_msg=name)
    rng = np.random.default_rng(3)
    cts = tuple(rng.normal(size=np.shape(v)).astype(np.asarray(v).dtype) for v in values)
    tangents = tuple(rng.normal(size=a.shape).astype(a.dtype) for a in example.args)
    gradients = pullback(cts)
    for g, a in zip(gradients, example.args, strict=True):
        assert (np.shape(g), g.dtype) == (a.shape, a.dtype), name
    dy = wg.jvp(function, example.args, tangents)[1]
    left = sum(np.sum(np.multiply(c, t)).real for c, t in zip(cts, dy, strict=True))
    right = sum(np.sum(np.multiply(g, t)).real for g, t in zip(gradients, tangents, strict=True))
    if np.isfinite(left) and np.isfinite(right):
        single = any(np.asarray(t).dtype == np.float32 for t in dy)
        np.testing.assert_allclose(left, right, rtol=1e-5 if single else 1e-8, atol=1e-6)
    else:
        assert not np.isfinite(right) or CLASSIFICATION[name].note, name
