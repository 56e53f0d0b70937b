"""``interp1d``: the nearest values, straight lines, or splines."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.interpolate

from ...core.errors import AbstractValueError, ShapeError, WengertValueError
from ...numpy.arguments import axis_of, cast, floating, operand
from ...numpy.indexing import take
from ..mirror import refuse, tensors_in
from .nodes import axis_to_place, checked_nodes, interval_of, values_known
from .splines import make_interp_spline

__all__ = ["interp1d"]

_STEPS = ("nearest", "nearest-up", "previous", "next")
_DEGREES = {"zero": 0, "slinear": 1, "quadratic": 2, "cubic": 3}
_KINDS = ("linear", *_STEPS, *_DEGREES)


class interp1d:
    """`scipy.interpolate.interp1d`: steps, straight lines, or splines.

    Parameters
    ----------
    x : array_like (n,)
        Nodes, in any order unless ``assume_sorted``.
    y : array_like
        Values, with ``n`` along the axis.
    kind : str or int
        ``"linear"``; the degree of a spline, or ``"zero"``, ``"slinear"``, ``"quadratic"``,
        ``"cubic"`` for the degrees up to 3; the steps ``"nearest"``, ``"nearest-up"``,
        ``"previous"``, ``"next"``, which like ``"zero"`` are constant between their jumps.
    axis : int
    copy : bool
        Ignored.
    bounds_error : bool, optional
        Whether a point outside of the nodes is an error; by default it is, unless ``fill_value`` is
        ``"extrapolate"``.
    fill_value : array_like, pair or "extrapolate"
        What stands there otherwise: one value, or one below and one above.
    assume_sorted : bool

    Raises
    ------
    ShapeError, WengertTypeError, WengertValueError
        If nodes and values do not fit, for an unknown kind, and on a call for a point outside.
    AbstractValueError
        On a call inside `vmap` if points outside are an error: whether there are is not known.
    """

    def __init__(
        self,
        x: Any,
        y: Any,
        kind: Any = "linear",
        axis: int = -1,
        copy: bool = True,
        bounds_error: bool | None = None,
        fill_value: Any = np.nan,
        assume_sorted: bool = False,
    ) -> None:
        name = "scipy.interpolate.interp1d"
        self._own = None
        if not tensors_in(x, y, fill_value):
            self._own = scipy.interpolate.interp1d(
                x, y, kind, axis, copy, bounds_error, fill_value, assume_sorted
            )
        degree = int(kind) if isinstance(kind, (int, np.integer)) else _DEGREES.get(kind)
        if degree is None and kind not in _KINDS:
            raise refuse(name, "kind", kind, (*_KINDS, "a degree"))
        self._extrapolate = isinstance(fill_value, str) and fill_value == "extrapolate"
        if self._extrapolate and bounds_error:
            raise WengertValueError(
                f"{name}: bounds_error=True and fill_value='extrapolate' exclude each other"
            )
        self.bounds_error = not self._extrapolate if bounds_error is None else bool(bounds_error)
        x, y = operand(x), floating(operand(y))
        self.axis = axis_of(axis, y.ndim) if y.ndim else 0
        if not assume_sorted and x.ndim == 1 and y.ndim and y.shape[self.axis] == x.shape[0]:
            order = np.argsort(x, kind="stable")
            x, y = x[order], take(y, order, self.axis)
        _, values, self.axis = checked_nodes(name, x, y, self.axis, False)
        self.x, self.y = floating(x), y
        self._values = cast(values, y.dtype)
        self._kind = kind
        self._spline = None
        if degree is not None:
            self._spline = make_interp_spline(self.x, y, degree, axis=self.axis)
        self._fill = None if self._extrapolate else self._fill_pair(name, fill_value)

    def _fill_pair(self, name: str, fill_value: Any) -> tuple[Any, Any]:
        pair = fill_value if isinstance(fill_value, tuple) else (fill_value, fill_value)
        if len(pair) != 2:
            raise ShapeError(f"{name}: fill_value has {len(pair)} entries; expected two, or one")
        rest = self._values.shape[1:]
        values = []
        for v in map(operand, pair):
            try:
                fits = np.broadcast_shapes(v.shape, rest or (1,)) == (rest or (1,))
            except ValueError:
                fits = False
            if not fits:
                raise ShapeError(
                    f"{name}: fill_value of shape {v.shape} does not broadcast to {rest}"
                )
            dtype = np.result_type(self._values.dtype, v.dtype if v.dtype.kind == "c" else "f4")
            values.append(cast(np.reshape(v, ()) if not rest and v.ndim else v, dtype))
        return values[0], values[1]

    def __call__(self, x: Any) -> Any:
        """The values at ``x``, with its shape in the place of the interpolated axis."""
        if self._own is not None and not tensors_in(x):
            return self._own(x)
        points = floating(operand(x))
        below, above = points < self.x[0], points > self.x[-1]
        if self.bounds_error:
            self._check_bounds(points)
        if self._spline is not None:
            y = self._spline(points)
            if self.axis:
                y = np.transpose(y, _places_first(y.ndim, points.ndim, self.axis))
        elif self._kind == "linear":
            y = self._on_lines(points)
        else:
            y, below, above = self._on_steps(points, below, above)
        if not self._extrapolate or self._kind in ("previous", "next"):
            y = self._filled(y, points, below, above)
        return axis_to_place(y, points.ndim, self.axis)

    def _filled(self, y: Any, points: Any, below: Any, above: Any) -> Any:
        shape = points.shape + (1,) * (self._values.ndim - 1)
        low, high = (np.nan, np.nan) if self._fill is None else self._fill
        y = np.where(np.reshape(below, shape), low, y)
        return np.where(np.reshape(above, shape), high, y)

    def _check_bounds(self, points: Any) -> None:
        name = "scipy.interpolate.interp1d"
        plain, nodes = values_known(points), values_known(self.x)
        if plain is None or nodes is None:
            raise AbstractValueError(
                f"{name}: whether points lie outside of the nodes is not known inside vmap or jit; "
                "give bounds_error=False, or fill_value='extrapolate'"
            )
        outside = (plain < nodes[0]) | (plain > nodes[-1])
        if np.any(outside):
            worst = np.asarray(plain)[outside].ravel()[0]
            raise WengertValueError(
                f"{name}: the point {worst} lies outside of the nodes, which go from {nodes[0]} to "
                f"{nodes[-1]}; give bounds_error=False or fill_value='extrapolate'"
            )

    def _on_lines(self, points: Any) -> Any:
        shape = points.shape + (1,) * (self._values.ndim - 1)
        lo = interval_of(self.x[1:-1], points, "left")
        # Not by brackets: the nodes may be plain where the points are abstract values.
        x0, y0 = take(self.x, lo), take(self._values, lo, axis=0)
        run = np.reshape(take(self.x, lo + 1) - x0, shape)
        slope = (take(self._values, lo + 1, axis=0) - y0) / run
        return slope * np.reshape(points - x0, shape) + y0

    def _on_steps(self, points: Any, below: Any, above: Any) -> tuple[Any, Any, Any]:
        n = self.x.shape[0]
        if self._kind.startswith("nearest"):
            middles = self.x[1:] / 2 + self.x[:-1] / 2
            at = interval_of(middles, points, "left" if self._kind == "nearest" else "right")
        elif self._kind == "previous":
            at = np.maximum(interval_of(self.x, points, "right") - 1, 0)
            above = above & (not self._extrapolate)
        else:
            at = np.minimum(interval_of(self.x, points, "left"), n - 1)
            below = below & (not self._extrapolate)
        return take(self._values, at, axis=0), below, above


def _places_first(ndim: int, points: int, axis: int) -> tuple[int, ...]:
    """The inverse of `axis_to_place`."""
    return (*range(axis, axis + points), *range(axis), *range(axis + points, ndim))
