"""Numerical differentiation that estimates its own error.

Everything rests on one question: what is the derivative at ``h = 0`` of the outputs of a function
along a line through its arguments? Three methods answer it, and each returns ``(derivative,
error)``, so that a comparison can tell "these disagree" from "this cannot be resolved numerically".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

from wengert.core import pytree
from wengert.testing.arguments import Arguments, as_arguments, inexact_leaves, like

from ..core.errors import ShapeError, WengertTypeError, WengertValueError

__all__ = [
    "Estimate",
    "Line",
    "Method",
    "differentiate",
    "numerical_gradient",
    "numerical_jacobian",
    "numerical_jvp",
]

Array: TypeAlias = npt.NDArray[Any]
Estimate: TypeAlias = tuple[Array, Array]
Method: TypeAlias = Literal["richardson", "central", "complex"]

# The first step, relative to the size of the arguments, and the ratio of successive steps. Neither
# is a round number, so that a periodic function is not sampled at multiples of its period.
_FIRST_STEP = 0.2371
_STEP_RATIO = 1.7
_MOST_STEPS = 48
_MOST_COLUMNS = 8
_PATIENCE = 5
# A quantity counts as different from zero when it is so many times larger than its error.
_SIGNAL = 10.0
# The complex step has no cancellation, so it can be as small as one likes.
_COMPLEX_STEP = 1e-20


class Line:
    """The outputs of a function along a line through its arguments, as one flat vector.

    Parameters
    ----------
    function : callable
        Takes the arguments that `Arguments.rebuild` makes.
    arguments : Arguments
        Where the line starts. Single precision is promoted: the derivative is that of the same
        function at the same point, evaluated in double precision.
    direction : sequence of arrays
        One array (or scalar) per differentiable leaf.

    Raises
    ------
    ValueError
        If the function returns no float or complex output, or outputs whose shape depends on the
        point.
    """

    def __init__(
        self, function: Callable[..., Any], arguments: Arguments, direction: Sequence[Any]
    ) -> None:
        self._function = function
        self._arguments = arguments
        self._start = [promote(value) for value in arguments.values]
        self._direction = [np.asarray(part) for part in direction]
        self.is_complex = any(value.dtype.kind == "c" for value in self._start)
        self.scale = self._natural_scale()
        with np.errstate(all="ignore"):
            outputs = self._outputs(0.0)
        if not outputs:
            raise ShapeError("the function returns no float or complex value to differentiate")
        self._sizes = [output.size for output in outputs]
        self.eps = np.concatenate(
            [np.full(output.size, np.finfo(output.dtype).eps) for output in outputs]
        )
        self.complex_output = any(output.dtype.kind == "c" for output in outputs)

    def _natural_scale(self) -> float:
        """The step at which the first of the arguments moves by about its own size (at least 1)."""
        ratios = [
            np.min(np.maximum(1.0, np.abs(x[t != 0])) / np.abs(t[t != 0]))
            for x, t in zip(self._start, self._direction)
            if np.any(t)
        ]
        return float(min(ratios)) if ratios else 1.0

    def _outputs(self, h: complex) -> list[Array]:
        moved = [
            like(template, x + (h * self.scale) * t)
            for template, x, t in zip(self._arguments.values, self._start, self._direction)
        ]
        outputs = inexact_leaves(self._function(*self._arguments.rebuild(moved)))
        return [np.asarray(output) for output in outputs]

    def __call__(self, h: complex) -> Array:
        """The outputs at step ``h``; NaN where the function is not defined."""
        try:
            outputs = self._outputs(h)
        except (ArithmeticError, ValueError):  # LinAlgError and domain checks are ValueErrors
            return np.full(self.eps.size, np.nan)
        if [output.size for output in outputs] != self._sizes:
            raise ShapeError(
                "the number or the shape of the outputs changes with the value of the arguments, "
                "so there is no derivative to compare with"
            )
        return np.concatenate([output.ravel() for output in outputs])


def promote(value: Any) -> Array:
    """The value as an array of at least double precision."""
    array = np.asarray(value)
    return array.astype(np.result_type(array.dtype, np.float64), copy=False)


def differentiate(line: Line, method: Method, accuracy: float = 0.0) -> Estimate:
    """The derivative of every output along a line, and an estimate of its error.

    Parameters
    ----------
    line : Line
        The outputs as a function of the step.
    method : {"richardson", "central", "complex"}
        See `numerical_jvp`.
    accuracy : float
        The relative accuracy at which Richardson extrapolation may stop; 0 asks for the best there
        is.
    """
    if method not in get_args(Method):
        raise WengertValueError(f"method must be one of {get_args(Method)}, got {method!r}")
    with np.errstate(all="ignore"):
        if method == "complex":
            derivative, error = _complex_step(line)
        elif method == "central":
            derivative, error = _central(line)
        else:
            derivative, error = _richardson(line, accuracy)
    return derivative / line.scale, error / line.scale


def _difference(line: Line, h: float) -> Estimate:
    """The central difference with step ``h`` and the rounding error that it cannot avoid."""
    above, below = line(h), line(-h)
    noise = line.eps * (np.abs(above) + np.abs(below)) / h
    return (above - below) / (2 * h), noise


def _richardson(line: Line, accuracy: float) -> Estimate:
    """Central differences at decreasing steps, extrapolated to step zero.

    Ridders' tableau (C. J. F. Ridders, Advances in Engineering Software 4(2), 1982): column ``j``
    removes the error term of order ``h**(2 j)``. Each output keeps the entry with the smallest
    error estimate over all rows and columns, because the first rows may lie beyond a kink or
    outside the domain. An estimate counts only as far as the row before it agrees, so that one
    accidental coincidence is not trusted.

    Central differences do not see a kink at the point itself: for ``abs`` at 0 they are exactly 0.
    The difference of the one-sided slopes is therefore extrapolated too (its error terms have odd
    orders), and where it does not tend to zero it is part of the error.
    """
    centre = line(0.0)
    best, best_error = np.full(centre.size, np.nan), np.full(centre.size, np.inf)
    last_value = best
    slopes: list[Array] = []
    kinks: list[Array] = []
    rows_without_progress = 0
    for level in range(_MOST_STEPS):
        h = _FIRST_STEP / _STEP_RATIO**level
        above, below = line(h), line(-h)
        noise = line.eps * (np.abs(above) + np.abs(below)) / h
        slopes, value, error = _extrapolate((above - below) / (2 * h), noise, slopes, 2)
        kinks, kink, kink_error = _extrapolate(
            (above - centre - (centre - below)) / h, 2 * noise, kinks, 1
        )
        error = np.maximum(error, np.abs(value - last_value))
        last_value = value
        error = error + np.where(np.abs(kink) > _SIGNAL * kink_error, np.abs(kink), 0.0)
        error[~np.isfinite(error)] = np.inf
        better = error < best_error
        best, best_error = np.where(better, value, best), np.where(better, error, best_error)
        rows_without_progress = 0 if better.any() else rows_without_progress + 1
        if _finished(best, best_error, noise, accuracy, rows_without_progress):
            break
    return best, best_error


def _finished(
    best: Array, error: Array, noise: Array, accuracy: float, rows_without_progress: int
) -> bool:
    """Whether smaller steps are not needed, or cannot help."""
    hopeless = np.isfinite(error) & (noise > error)
    magnitude = np.abs(best)
    largest = np.nanmax(magnitude, initial=0.0)
    if np.all(hopeless | (error <= accuracy * (magnitude + 1e-3 * largest))):
        return True
    # At steps far too large an oscillating function seems to have slope zero: no progress means
    # something only once there are a few digits.
    return rows_without_progress >= _PATIENCE and bool(
        np.all(hopeless | (error <= 1e-3 * magnitude))
    )


def _extrapolate(
    entry: Array, noise: Array, previous: list[Array], first_order: int
) -> tuple[list[Array], Array, Array]:
    """One more row of a tableau: its entries, and the best of them with its error.

    ``first_order`` is the order of the leading error term; the others follow at distance 2.
    """
    row = [entry]
    value, error = entry, np.full(entry.shape, np.inf)
    for column, above in enumerate(previous[:_MOST_COLUMNS]):
        left = row[-1]
        entry = left + (left - above) / (_STEP_RATIO ** (2 * column + first_order) - 1)
        change = np.maximum(np.abs(entry - left), np.abs(entry - above)) + noise
        row.append(entry)
        better = change < error
        value, error = np.where(better, entry, value), np.where(better, change, error)
    return row, value, error


def _central(line: Line) -> Estimate:
    """One central difference; the error is estimated from a second one at twice the step."""
    h = float(np.cbrt(line.eps.max(initial=0.0)))
    fine, noise = _difference(line, h)
    coarse, _ = _difference(line, 2 * h)
    error = np.abs(coarse - fine) / 3 + noise
    return fine, np.where(np.isfinite(error), error, np.inf)


def _complex_step(line: Line) -> Estimate:
    """``Im f(x + i h) / h`` (Squire and Trapp, SIAM Review 40(1), 1998): exact to rounding."""
    if line.is_complex or line.complex_output:
        raise WengertValueError(
            "the complex step needs real arguments and real outputs; use method='richardson'"
        )
    try:
        outputs = line(1j * _COMPLEX_STEP)
    except TypeError:  # a function without a complex version, such as floor
        outputs = np.full(line.eps.size, np.nan)
    if outputs.dtype.kind != "c" or np.isnan(outputs).all():
        raise WengertValueError(
            "the complex step needs a function that is analytic and lets complex numbers pass "
            "through (no abs, maximum, comparison or real part); use method='richardson'"
        )
    derivative = outputs.imag / _COMPLEX_STEP
    error = 16 * line.eps * np.abs(derivative)
    return derivative, np.where(np.isfinite(derivative), error, np.inf)


def numerical_jvp(
    f: Callable[..., Any],
    primals: Sequence[Any],
    tangents: Sequence[Any],
    *,
    method: Method = "richardson",
) -> Any:
    """The derivative of ``f`` along ``tangents``, by evaluating ``f`` at nearby points.

    Parameters
    ----------
    f : callable
        Arguments and results may be containers.
    primals, tangents : sequence
        The point and the direction. Leaves that are neither float nor complex are held fixed.
    method : {"richardson", "central", "complex"}
        ``"richardson"`` extrapolates central differences and picks the steps by itself.
        ``"central"`` is one central difference. ``"complex"`` is exact to rounding, for analytic
        functions of real arguments through which complex numbers pass.

    Returns
    -------
    Any
        A container like the result of ``f``; zeros stand for leaves that are neither float nor
        complex.

    Examples
    --------
    >>> import numpy as np
    >>> x, v = np.array([0.0, 1.0]), np.array([1.0, 2.0])
    >>> numerical_jvp(np.exp, (x,), (v,)).round(8)
    array([1.        , 5.43656366])
    """
    primals, tangents = as_arguments(primals), as_arguments(tangents)
    arguments = Arguments(primals)
    derivative, _ = differentiate(Line(f, arguments, arguments.select(tangents)), method)
    return _like_output(f(*arguments.copies()), derivative)


def _like_output(output: Any, flat: Array) -> Any:
    leaves, spec = pytree.flatten(output)
    filled, start = [], 0
    for leaf in leaves:
        shape = np.shape(leaf)
        if inexact_leaves([leaf]):
            size = int(np.prod(shape))
            part = flat[start : start + size].reshape(shape)
            filled.append(part if np.asarray(leaf).dtype.kind == "c" else part.real)
            start += size
        else:
            filled.append(np.zeros(shape))
    return pytree.unflatten(spec, [part[()] for part in filled])


def numerical_gradient(
    f: Callable[..., Any],
    *args: Any,
    argnums: int | tuple[int, ...] = 0,
    method: Method = "richardson",
) -> Any:
    """The gradient of a real scalar function, by evaluating it at nearby points.

    Parameters
    ----------
    f : callable
        Returns one real number.
    *args : Any
        Its arguments.
    argnums : int or tuple of int
        With respect to which.
    method : {"richardson", "central", "complex"}
        See `numerical_jvp`.

    Returns
    -------
    Any
        A container like the argument (a tuple of them when ``argnums`` is a tuple). For a complex
        ``z = x + i y`` it holds ``df/dx - i df/dy``, as `wengert.grad` does.

    Raises
    ------
    TypeError
        If ``f`` does not return one real number.
    ValueError
        If there is nothing to differentiate.

    Examples
    --------
    >>> import numpy as np
    >>> numerical_gradient(lambda x: np.sum(x**3), np.array([1.0, 2.0])).round(8)
    array([ 3., 12.])
    """
    arguments = _differentiable(args, argnums)
    value = f(*arguments.copies())
    if np.shape(value) != () or np.asarray(value).dtype.kind != "f":
        raise WengertTypeError(
            f"numerical_gradient needs a function that returns one real number; it returned "
            f"{type(value).__name__} of shape {np.shape(value)}"
        )
    found = []
    for number, leaf in enumerate(arguments.values):
        columns = _columns(f, arguments, number, method)
        along_real = np.array([column[0] for column in columns[0]]).reshape(np.shape(leaf))
        if len(columns) == 2:
            along_imaginary = np.array([column[0] for column in columns[1]])
            along_real = along_real - 1j * along_imaginary.reshape(np.shape(leaf))
        found.append(along_real[()])
    return arguments.container(found)


def _differentiable(args: tuple[Any, ...], argnums: int | tuple[int, ...]) -> Arguments:
    arguments = Arguments(as_arguments(args), argnums)
    if not arguments.values:
        raise WengertValueError(
            f"there is nothing to differentiate: argnums={argnums} names no float or complex "
            "number (integers are held fixed; cast them to float)"
        )
    return arguments


def _columns(
    f: Callable[..., Any], arguments: Arguments, number: int, method: Method
) -> list[list[Array]]:
    """Derivatives along every entry of one leaf: real steps, then, if complex, imaginary ones."""
    leaf = np.asarray(arguments.values[number])
    steps = (1.0, 1j) if leaf.dtype.kind == "c" else (1.0,)
    return [
        [
            differentiate(Line(f, arguments, arguments.unit(number, index, step)), method)[0]
            for index in np.ndindex(leaf.shape)
        ]
        for step in steps
    ]


def numerical_jacobian(
    f: Callable[..., Any],
    *args: Any,
    argnums: int | tuple[int, ...] = 0,
    method: Method = "richardson",
) -> Any:
    """The Jacobian of ``f``, by evaluating it at nearby points.

    Parameters
    ----------
    f : callable
        Arguments and results may be containers.
    *args : Any
        Its arguments, real where they are differentiated.
    argnums : int or tuple of int
        With respect to which.
    method : {"richardson", "central", "complex"}
        See `numerical_jvp`.

    Returns
    -------
    Any
        An array of shape ``output.shape + argument.shape``; containers nest, outputs outside.

    Raises
    ------
    TypeError
        If a differentiated argument is complex: one complex number per entry cannot describe a
        function that is not holomorphic. Use `numerical_jvp`.

    Examples
    --------
    >>> import numpy as np
    >>> numerical_jacobian(lambda x: x[0] * x, np.array([2.0, 3.0])).round(8)
    array([[4., 0.],
           [3., 2.]])
    """
    arguments = _differentiable(args, argnums)
    if any(np.asarray(value).dtype.kind == "c" for value in arguments.values):
        raise WengertTypeError(
            "numerical_jacobian needs real arguments; use numerical_jvp for complex ones"
        )
    per_leaf = [
        np.stack(_columns(f, arguments, number, method)[0], axis=-1)
        for number in range(len(arguments.values))
    ]
    leaves, spec = pytree.flatten(f(*arguments.copies()))
    outputs, start = [], 0
    for leaf in leaves:
        shape = np.shape(leaf)
        size = int(np.prod(shape)) if inexact_leaves([leaf]) else 0
        blocks = [
            matrix[start : start + size].reshape(shape + np.shape(value))
            if size
            else np.zeros(shape + np.shape(value))
            for matrix, value in zip(per_leaf, arguments.values)
        ]
        start += size
        outputs.append(arguments.container(blocks))
    return pytree.unflatten(spec, outputs)
