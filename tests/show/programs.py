"""Functions that listings are made of, and how a listing is checked."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

import wengert as wg
from wengert.show import Listing, show

Array = Any


def check(f: Callable[..., Any], *args: Any, **options: Any) -> Listing:
    """The listing of ``f``, after running it in an empty namespace and comparing with wengert."""
    listing = show(f, *args, **options)
    value, gradients = listing.run()
    assert_same(value, f(*args))

    def total(*new: Any) -> Any:
        return sum(np.sum(y) for y in wg.tree.leaves(f(*new)))

    positions = tuple(i for i, x in enumerate(args) if is_float(x))
    assert_same(gradients, wg.grad(total, positions)(*args))
    # From the text alone: only the inputs, and what the text says it needs, are given.
    space = {k: v for k, v in listing.namespace().items() if k != "np"}
    with np.errstate(all="ignore"):
        exec(listing.source, space)
    names = [f"grad_{x}" for x in listing.names.values() if f"grad_{x}" in space]
    assert names
    return listing


def is_float(tree: Any) -> bool:
    return any(np.asarray(x).dtype.kind in "fc" for x in wg.tree.leaves(tree))


def assert_same(a: Any, b: Any) -> None:
    for x, y in zip(wg.tree.leaves(a), wg.tree.leaves(b), strict=True):
        assert np.shape(x) == np.shape(y)
        np.testing.assert_allclose(x, y, rtol=1e-12, atol=1e-12)


def run_elsewhere(source: str) -> str:
    """What a text prints in a Python that knows nothing of wengert."""
    result = subprocess.run(
        [sys.executable, "-I", "-c", source], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    return result.stdout
