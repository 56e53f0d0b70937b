"""The row of a law table: a function, its arguments, and which laws it has to obey.

Each module of `tests.laws.cases` holds a list ``CASES``; the law suite runs every law over every
row. A row that is excused from a law (``order < 2``, ``batch=False``, ...) says why in ``reason``.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = Any
Rng = np.random.Generator


def _any(rng: Rng, shape: tuple[int, ...]) -> Array:
    return rng.normal(size=shape)


def _positive(rng: Rng, shape: tuple[int, ...]) -> Array:
    return rng.uniform(0.3, 2.0, size=shape)


def _unit(rng: Rng, shape: tuple[int, ...]) -> Array:
    return rng.uniform(-0.85, 0.85, size=shape)


def _above_one(rng: Rng, shape: tuple[int, ...]) -> Array:
    return rng.uniform(1.2, 3.0, size=shape)


def _nonzero(rng: Rng, shape: tuple[int, ...]) -> Array:
    return rng.uniform(0.4, 1.8, size=shape) * rng.choice([-1.0, 1.0], size=shape)


def _distinct(rng: Rng, shape: tuple[int, ...]) -> Array:
    """Values at least 0.25 apart, none near zero or an integer; arguments do not share values."""
    count = int(np.prod(shape))
    grid = (rng.permutation(count) - count // 2) * 0.35 + 0.17
    return (grid + rng.uniform(-0.05, 0.05, size=count)).reshape(shape)


DOMAINS: dict[str, Callable[[Rng, tuple[int, ...]], Array]] = {
    "any": _any,
    "positive": _positive,
    "unit": _unit,
    "above_one": _above_one,
    "nonzero": _nonzero,
    "distinct": _distinct,
}


@dataclass(frozen=True)
class Case:
    """One function under the laws.

    Parameters
    ----------
    name : str
        Unique within its module.
    f : callable
        A function of arrays, written with ``np.*`` (or ``wg.*`` functions). It runs on plain
        arrays, Tensors and abstract values alike. Its result is an array or a tuple/list/dict.
    args : list
        One entry per argument: a shape (tuple of ints), from which random values of the domain
        are drawn; or an ndarray, used as it is (cast with the run's dtype when it is inexact;
        integer and boolean arrays are passed on unchanged and not differentiated).
    domain : str or callable
        Where shapes draw from: "any" (normal), "positive" (0.3 to 2), "unit" (-0.85 to 0.85),
        "above_one" (1.2 to 3), "nonzero" (at least 0.4 from zero), "distinct" (entries at least
        0.25 apart: for max, sort, ...); or ``callable(rng) -> tuple of arrays``, which replaces
        ``args`` altogether (float64 arrays; the run casts them).
    complex : bool
        Run also with complex arguments.
    float32 : bool
        Run also in float32 (values at a loose tolerance, dtypes exactly).
    order : int
        The highest derivative order checked (0: value laws alone; 1; 2).
    primitives : tuple of str
        Names of primitives that this case means to exercise (checked against the recording).
    mutates : bool
        ``f`` writes to its arguments: a Tensor passed to it ends up with what NumPy's own run
        leaves in an array. (A transform never changes the caller's arrays; that law stays.)
    batch : bool
        Whether vmap is checked.
    batch_integers : bool
        Whether vmap is also checked with a batch axis on the integer and boolean arguments, and
        the recording made with abstract ones.
    loops : str
        Why evaluation takes a step for each example; excuses from the law that counts calls.
    record : bool
        Whether ``f`` can be recorded on shapes alone (False for value-dependent control flow or
        boolean masks); implies ``batch=False``.
    reason : str
        Required when any law is narrowed.
    plain : callable or None
        The NumPy counterpart whose value ``f`` must have, where ``f`` itself does not run on
        plain arrays with NumPy alone (for example ``scipy.special.expit`` for ``wg`` functions).
    rtol : float
        Tolerance of comparisons against numerical derivatives (relative to the largest entry).
    """

    name: str
    f: Callable[..., Any]
    args: list[Any] | tuple[Any, ...] = ()
    domain: str | Callable[[Rng], tuple[Array, ...]] = "any"
    complex: bool = False
    float32: bool = True
    order: int = 2
    primitives: tuple[str, ...] = ()
    mutates: bool = False
    batch: bool = True
    batch_integers: bool = False
    loops: str = ""
    record: bool = True
    reason: str = ""
    plain: Callable[..., Any] | None = None
    rtol: float = 2e-6

    @property
    def narrowed(self) -> bool:
        """Whether some law does not apply in full."""
        return self.order < 2 or not (self.batch and self.record and self.float32)

    def rng(self) -> Rng:
        """A generator seeded by the case's name: the same numbers in each run and process."""
        return np.random.default_rng(zlib.crc32(self.name.encode()))

    def draw(self, rng: Rng | None = None, dtype: Any = np.float64) -> tuple[Array, ...]:
        """Arguments in `dtype`; complex ones get an independent imaginary part."""
        rng = self.rng() if rng is None else rng
        if callable(self.domain):
            values = [np.asarray(v) for v in self.domain(rng)]
        else:
            values = [self._draw_one(rng, arg, position) for position, arg in enumerate(self.args)]
        return tuple(self._in_dtype(rng, v, np.dtype(dtype)) for v in values)

    def _draw_one(self, rng: Rng, arg: Any, position: int) -> Array:
        if isinstance(arg, tuple):
            value = DOMAINS[self.domain](rng, arg)  # type: ignore[index]
            # Two "distinct" arguments must not tie with each other either.
            value = value + 0.11 * position if self.domain == "distinct" else value
            return np.asarray(value)
        return np.array(arg)

    def _in_dtype(self, rng: Rng, value: Array, dtype: np.dtype[Any]) -> Array:
        if value.dtype.kind not in "fc":
            return value
        if dtype.kind == "c" and value.dtype.kind != "c":
            imaginary = rng.uniform(-0.4, 0.4, size=value.shape)
            value = value + 1j * imaginary
        if value.dtype.kind == "c" and dtype.kind == "f":
            dtype = np.result_type(dtype, np.complex64)
        return np.asarray(value, dtype)
