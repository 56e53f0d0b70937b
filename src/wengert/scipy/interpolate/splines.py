"""Cubic interpolants in one dimension."""

from __future__ import annotations

from operator import index
from typing import Any

import numpy as np
import scipy.interpolate

from ...core.errors import NoRuleError, ShapeError, WengertTypeError, WengertValueError
from ...numpy.arguments import cast, operand
from ..mirror import tensors_in
from .bsplines import spline_pieces
from .nodes import checked_nodes, moved_first, values_known
from .piecewise import PiecewisePolynomial
from .sparse_systems import solve_along_first

__all__ = [
    "Akima1DInterpolator",
    "CubicHermiteSpline",
    "CubicSpline",
    "PchipInterpolator",
    "linear_pieces",
    "make_interp_spline",
    "pchip_interpolate",
]


def _column(x: Any, like: Any) -> Any:
    """A vector along the first axis of ``like``."""
    return np.reshape(x, (-1,) + (1,) * (like.ndim - 1))


def _hermite(x: Any, y: Any, dydx: Any) -> Any:
    """Coefficients of the cubics with these values and derivatives at the nodes."""
    h = _column(np.diff(x), y)
    slope = np.diff(y, axis=0) / h
    t = (dydx[:-1] + dydx[1:] - 2 * slope) / h
    return np.stack([t / h, (slope - dydx[:-1]) / h - t, dydx[:-1], y[:-1]])


def linear_pieces(x: Any, y: Any) -> Any:
    """Coefficients of the straight lines between the nodes."""
    return np.stack([np.diff(y, axis=0) / _column(np.diff(x), y), y[:-1]])


class CubicHermiteSpline(PiecewisePolynomial):
    """`scipy.interpolate.CubicHermiteSpline`: values and derivatives at the nodes are given.

    Parameters
    ----------
    x : array_like (n,)
        Increasing nodes.
    y, dydx : array_like
        Values and derivatives, of one shape, with ``n`` along the axis.
    axis : int
    extrapolate : bool or "periodic", optional
        True by default.

    Raises
    ------
    ShapeError, WengertTypeError, WengertValueError
        If nodes and values do not fit, or nodes do not increase.
    """

    def __init__(self, x: Any, y: Any, dydx: Any, axis: int = 0, extrapolate: Any = None) -> None:
        name = "scipy.interpolate.CubicHermiteSpline"
        extrapolate = True if extrapolate is None else extrapolate
        if not tensors_in(x, y, dydx):
            own = scipy.interpolate.CubicHermiteSpline(x, y, dydx, axis, extrapolate)
            super().__init__(own.c, own.x, extrapolate, own.axis, own)
            return
        slopes, values = operand(dydx), operand(y)
        if slopes.shape != values.shape:
            raise ShapeError(
                f"{name}: dydx has shape {slopes.shape}, y {values.shape}; they must be equal"
            )
        nodes, values, at = checked_nodes(name, x, values, axis)
        slopes = cast(moved_first(slopes, at), np.result_type(slopes.dtype, np.float64))
        super().__init__(_hermite(nodes, values, slopes), nodes, extrapolate, at)


# ------------------------------------------------------------------ cubic splines


class CubicSpline(PiecewisePolynomial):
    """`scipy.interpolate.CubicSpline`: twice continuously differentiable.

    Parameters
    ----------
    x : array_like (n,)
        Increasing nodes.
    y : array_like
        Values, with ``n`` along the axis.
    axis : int
    bc_type : str or pair
        ``"not-a-knot"``, ``"periodic"``, ``"clamped"``, ``"natural"``, or one condition for each
        end, each a string or ``(order, value)`` with order 1 or 2. Values can be differentiated.
    extrapolate : bool or "periodic", optional
        True by default, "periodic" for a periodic spline.

    Raises
    ------
    ShapeError, WengertTypeError, WengertValueError
        If nodes and values do not fit, nodes do not increase, or the conditions are unknown.

    Notes
    -----
    The slopes at the nodes solve a tridiagonal system (C. de Boor, A Practical Guide to Splines,
    1978), and derivatives solve it once more.
    """

    def __init__(
        self,
        x: Any,
        y: Any,
        axis: int = 0,
        bc_type: Any = "not-a-knot",
        extrapolate: Any = None,
    ) -> None:
        if extrapolate is None:
            extrapolate = "periodic" if _is(bc_type, "periodic") else True
        if not tensors_in(x, y, bc_type):
            own = scipy.interpolate.CubicSpline(x, y, axis, bc_type, extrapolate)
            super().__init__(own.c, own.x, extrapolate, own.axis, own)
            return
        name = "scipy.interpolate.CubicSpline"
        nodes, values, at = checked_nodes(name, x, y, axis)
        conditions = _conditions(name, bc_type, values)
        slopes = _spline_slopes(nodes, values, *conditions)
        super().__init__(_hermite(nodes, values, slopes), nodes, extrapolate, at)


def _is(bc_type: Any, condition: str) -> bool:
    return isinstance(bc_type, str) and bc_type == condition


def _conditions(name: str, bc_type: Any, y: Any) -> tuple[Any, Any]:
    """A condition for each end: a string, or (order, value)."""
    pair = (bc_type, bc_type) if isinstance(bc_type, str) else bc_type
    if not isinstance(pair, (tuple, list)) or len(pair) != 2:
        raise WengertValueError(
            f"{name}: bc_type={bc_type!r}; expected one condition, or a pair of them"
        )
    if any(_is(c, "periodic") for c in pair):
        if not all(_is(c, "periodic") for c in pair):
            raise WengertValueError(f"{name}: bc_type 'periodic' holds for both ends")
        plain = values_known(y)
        if plain is not None and not np.allclose(plain[0], plain[-1], rtol=1e-15, atol=1e-15):
            raise WengertValueError(
                f"{name}: for bc_type='periodic' the first and the last value must be equal"
            )
    return tuple(_condition(name, c, y) for c in pair)


def _condition(name: str, condition: Any, y: Any) -> Any:
    if isinstance(condition, str):
        if condition in ("not-a-knot", "periodic"):
            return condition
        orders = {"clamped": 1, "natural": 2}
        if condition not in orders:
            raise WengertValueError(
                f"{name}: bc_type={condition!r} is unknown; there are 'not-a-knot', 'periodic', "
                "'clamped', 'natural' and (order, value)"
            )
        return orders[condition], np.zeros(y.shape[1:])
    if not isinstance(condition, (tuple, list)) or len(condition) != 2:
        raise WengertTypeError(
            f"{name}: a condition must be a string or (order, value), not {condition!r}"
        )
    order, value = condition[0], operand(condition[1])
    if order not in (1, 2):
        raise WengertValueError(f"{name}: the order of a condition must be 1 or 2, not {order!r}")
    if value.shape != y.shape[1:]:
        raise ShapeError(
            f"{name}: the value of a condition has shape {value.shape}; expected {y.shape[1:]}"
        )
    return order, cast(value, np.result_type(value.dtype, np.float64))


def _spline_slopes(x: Any, y: Any, start: Any, end: Any) -> Any:
    """The derivatives of the spline at the nodes."""
    n = x.shape[0]
    h = np.diff(x)
    slope = np.diff(y, axis=0) / _column(h, y)
    if n == 2:  # SciPy's convention for conditions that say nothing here
        start = (1, slope[0]) if isinstance(start, str) else start
        end = (1, slope[0]) if isinstance(end, str) else end
    if isinstance(start, str) and start == "periodic":
        return _periodic_slopes(h, slope)
    k = _column(h, y)
    if n == 3 and start == "not-a-knot" == end:  # a parabola
        first = (h[:1] * 0 + 1, h[:1] * 0 + 1, 2 * slope[:1])
        last = (h[:1] * 0 + 1, h[:1] * 0 + 1, 2 * slope[1:])
    else:
        first = _end_row(start, h, k, slope, 1)
        last = _end_row(end, h[::-1], k[::-1], slope[::-1], -1)
    inner = 3 * (k[1:] * slope[:-1] + k[:-1] * slope[1:])
    rhs = np.concatenate([first[2], inner, last[2]])
    diagonal = np.concatenate([first[0], 2 * (h[:-1] + h[1:]), last[0]])
    upper = np.concatenate([first[1], h[:-1]])
    lower = np.concatenate([h[1:], last[1]])
    i = np.arange(n)
    rows = np.concatenate([i, i[:-1], i[1:]])
    columns = np.concatenate([i, i[1:], i[:-1]])
    return solve_along_first(np.concatenate([diagonal, upper, lower]), rows, columns, rhs)


def _end_row(condition: Any, h: Any, k: Any, slope: Any, sign: int) -> tuple[Any, Any, Any]:
    """Diagonal, neighbour and right-hand side of the equation of one end, counted from there."""
    if isinstance(condition, str):
        d = k[:1] + k[1:2]
        value = ((k[:1] + 2 * d) * k[1:2] * slope[:1] + k[:1] ** 2 * slope[1:2]) / d
        return h[1:2], h[:1] + h[1:2], value
    order, value = condition
    if order == 1:
        return h[:1] * 0 + 1, h[:1] * 0, value[None] + 0 * slope[:1]
    right = 3 * slope[:1] * k[:1] - sign * 0.5 * value[None] * k[:1] ** 2
    return 2 * h[:1], h[:1], right


def _periodic_slopes(h: Any, slope: Any) -> Any:
    """One unknown for the two ends; the system is cyclic."""
    m = h.shape[0]
    before, k = np.roll(h, 1), _column(h, slope)
    rhs = 3 * (k * np.roll(slope, 1, 0) + np.roll(k, 1, 0) * slope)
    i = np.arange(m)
    data = np.concatenate([2 * (before + h), before, h])
    s = solve_along_first(
        data, np.concatenate([i, i, i]), np.concatenate([i, (i + 1) % m, (i - 1) % m]), rhs
    )
    return np.concatenate([s, s[:1]])


def make_interp_spline(
    x: Any,
    y: Any,
    k: int = 3,
    t: Any = None,
    bc_type: Any = None,
    axis: int = 0,
    check_finite: bool = True,
) -> PiecewisePolynomial:
    """`scipy.interpolate.make_interp_spline`: a spline of any degree through the values.

    Parameters
    ----------
    x, y, axis :
        As for `CubicSpline`.
    k : int
        The degree: 0 for steps, 1 for straight lines, 3 for the cubic spline.
    t : array_like, optional
        Knots, for plain values only.
    bc_type : str or pair, optional
        For ``k=3``, as for `CubicSpline`; "not-a-knot" by default, and for all other degrees. A
        condition may stand in a list of its own, as in ``([(1, 0.0)], [(2, 0.0)])``.

    Returns
    -------
    PiecewisePolynomial
        The same function as SciPy's ``BSpline``, in powers.

    Raises
    ------
    NoRuleError
        On Tensors, for given knots and for conditions at the ends of another degree than 3.
    ShapeError
        If there are not more than ``k`` nodes.
    """
    name = "scipy.interpolate.make_interp_spline"
    k = index(k)
    plain = not tensors_in(x, y, t, bc_type)
    own = scipy.interpolate.make_interp_spline(x, y, k, t, bc_type, axis) if plain else None
    free = bc_type is None or _is(bc_type, "not-a-knot")
    if t is not None or k < 0 or not (free or k == 3):
        if own is not None:
            pieces = scipy.interpolate.PPoly.from_spline(own)
            extrapolate: Any = "periodic" if _is(bc_type, "periodic") else True
            return PiecewisePolynomial(pieces.c, pieces.x, extrapolate, own.axis, own)
        raise NoRuleError(
            f"{name}: k={k!r}, t={'None' if t is None else 'knots'}, bc_type={bc_type!r} is not "
            "supported on Tensors; there are degrees from 0 with the knots that follow from x, and "
            "conditions at the ends for k=3"
        )
    nodes, values, at = checked_nodes(name, x, y, axis)
    if nodes.shape[0] <= k and free:
        raise ShapeError(f"{name}: {nodes.shape[0]} nodes; k={k} needs at least {k + 1}")
    if k == 0:  # the last value has an interval of its own, which begins at the last node
        ends = np.concatenate([nodes, nodes[-1:]])
        return PiecewisePolynomial(values[None], ends, True, at, own)
    if k == 1:
        return PiecewisePolynomial(linear_pieces(nodes, values), nodes, True, at, own)
    if k != 3:
        c, breaks = spline_pieces(nodes, values, k)
        return PiecewisePolynomial(c, breaks, True, at, own)
    if isinstance(bc_type, (tuple, list)):
        bc_type = tuple(
            "not-a-knot" if c is None else c[0] if isinstance(c, list) and len(c) == 1 else c
            for c in bc_type
        )
    conditions = _conditions(name, "not-a-knot" if bc_type is None else bc_type, values)
    extrapolate = "periodic" if _is(bc_type, "periodic") else True
    slopes = _spline_slopes(nodes, values, *conditions)
    return PiecewisePolynomial(_hermite(nodes, values, slopes), nodes, extrapolate, at, own)


# ------------------------------------------------------------------ interpolants that keep shapes


def _real_values(name: str, y: Any) -> None:
    if y.dtype.kind == "c":
        raise WengertTypeError(f"{name}: y is complex; interpolate its real and imaginary parts")


class PchipInterpolator(PiecewisePolynomial):
    """`scipy.interpolate.PchipInterpolator`: monotone where the data are.

    Parameters as for `CubicHermiteSpline`, without derivatives, which follow from the data
    (F. N. Fritsch and J. Butland, SIAM J. Sci. Stat. Comput. 5 (1984), 300-304).

    Notes
    -----
    Where two neighbouring differences are of different sign or zero, the slope is zero, and so is
    its derivative.
    """

    def __init__(self, x: Any, y: Any, axis: int = 0, extrapolate: Any = None) -> None:
        name = "scipy.interpolate.PchipInterpolator"
        extrapolate = True if extrapolate is None else extrapolate
        if not tensors_in(x, y):
            own = scipy.interpolate.PchipInterpolator(x, y, axis, extrapolate)
            super().__init__(own.c, own.x, extrapolate, own.axis, own)
            return
        nodes, values, at = checked_nodes(name, x, y, axis)
        _real_values(name, values)
        slopes = _monotone_slopes(_column(np.diff(nodes), values), values)
        super().__init__(_hermite(nodes, values, slopes), nodes, extrapolate, at)


def _monotone_slopes(h: Any, y: Any) -> Any:
    m = np.diff(y, axis=0) / h
    if m.shape[0] == 1:
        return np.concatenate([m, m])
    flat = (np.sign(m[1:]) != np.sign(m[:-1])) | (m[1:] == 0) | (m[:-1] == 0)
    before, after = np.where(flat, 1.0, m[:-1]), np.where(flat, 1.0, m[1:])
    w1, w2 = 2 * h[1:] + h[:-1], h[1:] + 2 * h[:-1]
    inner = np.where(flat, 0.0, (w1 + w2) / (w1 / before + w2 / after))
    first = _one_sided(h[:1], h[1:2], m[:1], m[1:2])
    last = _one_sided(h[-1:], h[-2:-1], m[-1:], m[-2:-1])
    return np.concatenate([first, inner, last])


def _one_sided(h0: Any, h1: Any, m0: Any, m1: Any) -> Any:
    """The slope at an end from three points, held back where it would overshoot (pchiptx)."""
    d = ((2 * h0 + h1) * m0 - h0 * m1) / (h0 + h1)
    turned = np.sign(d) != np.sign(m0)
    steep = (np.sign(m0) != np.sign(m1)) & (np.abs(d) > 3 * np.abs(m0))
    return np.where(turned, 0.0, np.where(steep, 3 * m0, d))


def pchip_interpolate(xi: Any, yi: Any, x: Any, der: Any = 0, axis: int = 0) -> Any:
    """`scipy.interpolate.pchip_interpolate`: values or derivatives of a `PchipInterpolator`."""
    p = PchipInterpolator(xi, yi, axis)
    if np.ndim(der) == 0:
        return p(x, int(der))
    return [p(x, int(nu)) for nu in der]


class Akima1DInterpolator(PiecewisePolynomial):
    """`scipy.interpolate.Akima1DInterpolator`: slopes from the four nearest differences.

    Parameters as for `PchipInterpolator`, and ``method``, which is ``"akima"`` or ``"makima"``
    (H. Akima, J. ACM 17 (1970), 589-602). It does not extrapolate by default.

    Notes
    -----
    Where the differences on both sides are equal the slope is their mean, and the derivative that
    of the mean.
    """

    def __init__(
        self,
        x: Any,
        y: Any,
        axis: int = 0,
        *,
        method: str = "akima",
        extrapolate: Any = None,
    ) -> None:
        name = "scipy.interpolate.Akima1DInterpolator"
        if method not in ("akima", "makima"):
            raise WengertValueError(f"{name}: method={method!r}; there are 'akima' and 'makima'")
        extrapolate = False if extrapolate is None else extrapolate
        if not tensors_in(x, y):
            own = scipy.interpolate.Akima1DInterpolator(
                x, y, axis, method=method, extrapolate=extrapolate
            )
            super().__init__(own.c, own.x, extrapolate, own.axis, own)
            return
        nodes, values, at = checked_nodes(name, x, y, axis)
        _real_values(name, values)
        slopes = _akima_slopes(_column(np.diff(nodes), values), values, method == "makima")
        super().__init__(_hermite(nodes, values, slopes), nodes, extrapolate, at)


def _akima_slopes(h: Any, y: Any, modified: bool) -> Any:
    m = np.diff(y, axis=0) / h
    if m.shape[0] == 1:
        return np.concatenate([m, m])
    left = 2 * m[:1] - m[1:2]
    right = 2 * m[-1:] - m[-2:-1]
    m = np.concatenate([2 * left - m[:1], left, m, right, 2 * right - m[-1:]])
    change = np.abs(np.diff(m, axis=0))
    if modified:
        change = change + 0.5 * np.abs(m[1:] + m[:-1])
    after, before = change[2:], change[:-2]
    total = after + before
    defined = total > 1e-9 * np.max(total)
    weight = before / np.where(defined, total, 1.0)
    mean = 0.5 * (m[3:] + m[:-3])
    return np.where(defined, m[1:-2] + weight * (m[2:-1] - m[1:-2]), mean)
