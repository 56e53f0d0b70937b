"""`check_grads`: `wengert.jvp` and `wengert.vjp` against numerical differentiation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from wengert.core.tensor import Tensor
from wengert.testing.arguments import (
    Arguments,
    as_arguments,
    inexact_leaves,
    like,
    named_inexact_leaves,
)
from wengert.testing.comparing import Comparer
from wengert.testing.numerical import Estimate, Line, Method, differentiate
from wengert.testing.report import (
    GradientInconclusive,
    GradientMismatch,
    GradientReport,
)
from wengert.transforms.forward import jvp
from wengert.transforms.reverse import vjp

from ..core.errors import WengertTypeError, WengertValueError

__all__ = ["check_grads"]

Array: TypeAlias = npt.NDArray[Any]

# (rtol, atol) by the precision, in bits, of the coarsest argument or output.
_TOLERANCES = {16: (2e-2, 5e-3), 32: (2e-4, 2e-5), 64: (1e-6, 1e-9)}
# One central difference resolves no more than this.
_CENTRAL_TOLERANCES = (1e-5, 1e-7)


def check_grads(
    f: Callable[..., Any],
    args: Any,
    *,
    order: int = 1,
    modes: str | Sequence[str] = ("fwd", "rev"),
    method: Method = "richardson",
    argnums: int | tuple[int, ...] | None = None,
    rtol: float | None = None,
    atol: float | None = None,
    max_entries: int = 64,
    directions: int = 2,
    seed: int = 0,
    allow_inconclusive: bool = False,
) -> GradientReport:
    """Compare the derivatives of ``f`` with numerical ones; raise if they differ.

    Forward mode is checked output by output along random directions and along single entries of the
    arguments; reverse mode with a random cotangent, along the same directions, so that every entry
    of the gradient is compared with a number of its own. At order 2 the functions ``x, ct -> vjp(f,
    x)[1](ct)`` and ``x, t -> jvp(f, (x,), (t,))[1]`` are checked in the same way, which covers
    forward over reverse, reverse over reverse, and so on, linearity in ``ct`` and ``t`` included.

    Parameters
    ----------
    f : callable
        Arguments and results may be containers. It may not be random.
    args : tuple or list of arguments, or one argument that is neither
        The point: arrays, NumPy scalars, Python numbers, Tensors (for the arrays they hold),
        containers of them. Leaves that are neither float nor complex are held fixed. Choose a point
        away from kinks and ties.
    order : int
        The highest derivative to check.
    modes : "fwd", "rev", or a sequence of them
        Which modes to check, and to combine at higher orders.
    method : {"richardson", "central", "complex"}
        How to differentiate numerically; see `numerical_jvp`. Arguments in single precision are
        promoted for this side only.
    argnums : int or tuple of int, optional
        The arguments to differentiate; by default all.
    rtol, atol : float, optional
        A derivative ``n`` may differ by ``rtol * abs(n) + atol * scale``, where ``scale`` is the
        largest derivative of the same argument (in reverse mode) or output (in forward mode). By
        default 1e-6 and 1e-9 in double precision, 2e-4 and 2e-5 in single; at least 1e-5 and 1e-7
        for ``"central"``.
    max_entries : int
        At most so many entries are compared one by one; of more, a random sample. The random
        directions always move all of them.
    directions : int
        The number of random directions.
    seed : int
        For directions, cotangents and samples.
    allow_inconclusive : bool
        Accept comparisons whose numerical value is too uncertain to decide.

    Returns
    -------
    GradientReport
        The number of comparisons and the worst of them.

    Raises
    ------
    GradientMismatch
        If a derivative is wrong, has the wrong shape or dtype, or a transform changes the value of
        ``f``.
    GradientInconclusive
        If nothing is wrong but a numerical value is less certain than the tolerance.
    ValueError
        If there is nothing to differentiate or to compare; if an argument, or what ``f`` returns
        for them, is NaN or infinite; for an option that is not known.
    TypeError
        If ``f`` is no function.

    Notes
    -----
    Complex numbers follow `wengert.grad`: for a real function of ``z = x + i y`` the gradient is
    ``df/dx - i df/dy``, ``jvp`` is the derivative along the tangent, and both satisfy ``Re sum(ct *
    jvp(t)) = Re sum(vjp(ct) * t)``.

    Examples
    --------
    >>> import numpy as np
    >>> report = check_grads(lambda p: np.tanh(p["w"]) @ p["w"], ({"w": np.array([0.3, -0.7])},))
    >>> report.ok
    True
    """
    modes = (modes,) if isinstance(modes, str) else tuple(modes)
    _check_options(f, order, modes, max_entries, directions)
    args = as_arguments(args)
    arguments = Arguments(args, argnums)
    if not arguments.values:
        which = "the arguments hold" if argnums is None else f"argnums={argnums} names"
        raise WengertValueError(
            f"there is nothing to differentiate: {which} no float or complex number (integers are "
            "held fixed; cast them to float)"
        )
    _check_finite(arguments.names, arguments.values, "the argument", "Choose a finite point")

    def function(*values: Any) -> tuple[Any, ...]:
        return tuple(inexact_leaves(f(*arguments.rebuild(values))))

    result = f(*_copied(args))
    names, outputs = named_inexact_leaves(result, "output")
    if not outputs:
        raise WengertValueError(
            "the function returns no float or complex value to differentiate; it returned a "
            f"{type(result).__name__}"
        )
    remedy = "There is no derivative to compare with; move the point to where f is defined"
    _check_finite(names, outputs, "f returns a value that is not finite:", remedy)
    default_rtol, default_atol = _tolerances([*arguments.values, *outputs], method)
    report = GradientReport(
        rtol=default_rtol if rtol is None else rtol, atol=default_atol if atol is None else atol
    )
    settings = _Settings(modes, method, max_entries, directions, np.random.default_rng(seed))
    subject = _Subject(function, arguments.values, arguments.names, names, "")
    _check(subject, order, settings, report)
    report.sort()
    if not report.compared and not report.problems and any(map(np.size, outputs)):
        raise WengertValueError(
            f"nothing was compared: directions={directions} and max_entries={max_entries}; one of "
            "them must be positive"
        )
    if report.problems or report.mismatches:
        raise GradientMismatch(report)
    if report.inconclusive and not allow_inconclusive:
        raise GradientInconclusive(report)
    return report


def _check_options(
    f: Any, order: Any, modes: tuple[str, ...], max_entries: Any, directions: Any
) -> None:
    if not callable(f):
        raise WengertTypeError(f"check_grads: expected a function, not a {type(f).__name__}")
    if not modes or any(mode not in ("fwd", "rev") for mode in modes):
        raise WengertValueError(f"modes must be 'fwd' or 'rev', or both; got {list(modes)}")
    least = {"order": (order, 1), "max_entries": (max_entries, 0), "directions": (directions, 0)}
    for name, (value, smallest) in least.items():
        if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or value < smallest:
            raise WengertValueError(
                f"{name} must be an integer of at least {smallest}, got {value!r}"
            )


def _check_finite(names: Sequence[str], values: Sequence[Any], what: str, remedy: str) -> None:
    """Raise with the name of the first entry that is NaN or infinite."""
    for name, value in zip(names, values, strict=True):
        array = np.asarray(value.detach() if isinstance(value, Tensor) else value)
        bad = np.argwhere(~np.isfinite(array))
        if len(bad):
            index = tuple(map(int, bad[0]))
            place = f"{name}{list(index) if index else ''}"
            raise WengertValueError(f"{what} {place} is {array[index]}. {remedy}")


@dataclass(frozen=True)
class _Settings:
    modes: tuple[str, ...]
    method: Method
    max_entries: int
    directions: int
    rng: np.random.Generator


@dataclass(frozen=True)
class _Subject:
    """A function from differentiable leaves to differentiable leaves, and names for both."""

    function: Callable[..., tuple[Any, ...]]
    values: list[Any]
    names: list[str]
    output_names: list[str]
    label: str

    def copies(self) -> list[Any]:
        return _copied(self.values)


@dataclass(frozen=True)
class _Direction:
    name: str
    index: tuple[int, ...]
    leaf: int | None
    tangents: list[Any]


def _copied(values: Sequence[Any]) -> list[Any]:
    return list(Arguments(tuple(values)).copies())


def _tolerances(leaves: Sequence[Any], method: Method) -> tuple[float, float]:
    coarsest = min(np.finfo(np.asarray(leaf).dtype).bits for leaf in leaves)
    rtol, atol = _TOLERANCES[min(coarsest, 64)]
    if method == "central":
        return max(rtol, _CENTRAL_TOLERANCES[0]), max(atol, _CENTRAL_TOLERANCES[1])
    return rtol, atol


def _check(subject: _Subject, order: int, settings: _Settings, report: GradientReport) -> None:
    _check_first_order(subject, settings, report)
    if order == 1 or report.problems:
        return
    for mode in settings.modes:
        inner = _pullback(subject, settings) if mode == "rev" else _pushforward(subject, settings)
        _check(inner, order - 1, settings, report)


def _pullback(subject: _Subject, settings: _Settings) -> _Subject:
    """``values, cotangents -> gradients`` as a subject of its own."""
    count = len(subject.values)
    outputs = subject.function(*subject.copies())
    cotangents = [_random_like(output, settings.rng) for output in outputs]

    def gradients(*inputs: Any) -> tuple[Any, ...]:
        _, pullback = vjp(subject.function, *inputs[:count])
        return tuple(pullback(tuple(inputs[count:])))

    return _Subject(
        gradients,
        [*subject.values, *cotangents],
        [*subject.names, *(f"cotangent of {name}" for name in subject.output_names)],
        [f"gradient of {name}" for name in subject.names],
        f"over-rev{subject.label and '-' + subject.label}",
    )


def _pushforward(subject: _Subject, settings: _Settings) -> _Subject:
    """``values, tangents -> tangents of the outputs`` as a subject of its own."""
    count = len(subject.values)
    tangents = [_random_like(value, settings.rng) for value in subject.values]

    def output_tangents(*inputs: Any) -> tuple[Any, ...]:
        return tuple(jvp(subject.function, inputs[:count], inputs[count:])[1])

    return _Subject(
        output_tangents,
        [*subject.values, *tangents],
        [*subject.names, *(f"tangent of {name}" for name in subject.names)],
        [f"tangent of {name}" for name in subject.output_names],
        f"over-fwd{subject.label and '-' + subject.label}",
    )


def _random_like(template: Any, rng: np.random.Generator, scale: Any = 1.0) -> Any:
    """Standard normal numbers times ``scale``, of the shape, dtype and kind of ``template``."""
    array = np.asarray(template)
    values = rng.standard_normal(array.shape)
    if array.dtype.kind == "c":
        values = values + 1j * rng.standard_normal(array.shape)
    return like(template, (values * scale).astype(array.dtype))


def _check_first_order(subject: _Subject, settings: _Settings, report: GradientReport) -> None:
    value = subject.function(*subject.copies())
    arguments = Arguments(tuple(subject.values))
    directions = _directions(subject, arguments, settings)
    numeric = [
        differentiate(
            Line(subject.function, arguments, direction.tangents),
            settings.method,
            report.rtol / 100,
        )
        for direction in directions
    ]
    for mode in settings.modes:
        label = f"{mode}{subject.label and '-' + subject.label}"
        comparer = Comparer(report, label)
        if mode == "fwd":
            _check_forward(subject, value, directions, numeric, comparer)
        else:
            cotangents = [_random_like(output, settings.rng) for output in value]
            _check_reverse(subject, value, cotangents, directions, numeric, comparer)


def _directions(subject: _Subject, arguments: Arguments, settings: _Settings) -> list[_Direction]:
    """Random directions that move everything, then single entries (a sample if there are many)."""
    found = [
        _Direction(
            f"random direction {number}",
            (),
            None,
            [
                _random_like(value, settings.rng, np.maximum(1.0, np.abs(value)))
                for value in subject.values
            ],
        )
        for number in range(settings.directions)
    ]
    entries = [
        (leaf, index, step)
        for leaf, value in enumerate(subject.values)
        for step in ((1.0, 1j) if np.asarray(value).dtype.kind == "c" else (1.0,))
        for index in np.ndindex(np.shape(value))
    ]
    if len(entries) > settings.max_entries:
        chosen = settings.rng.choice(len(entries), settings.max_entries, replace=False)
        entries = [entries[position] for position in sorted(chosen)]
    for leaf, index, step in entries:
        tangents = [
            like(value, part)
            for value, part in zip(subject.values, arguments.unit(leaf, index, step))
        ]
        name = f"imaginary part of {subject.names[leaf]}" if step == 1j else subject.names[leaf]
        found.append(_Direction(name, index, leaf, tangents))
    return found


def _magnitude(value: Any) -> float:
    array = np.abs(np.asarray(value))
    return float(array[np.isfinite(array)].max(initial=0.0))


def _check_forward(
    subject: _Subject,
    value: Sequence[Any],
    directions: list[_Direction],
    numeric: list[Estimate],
    comparer: Comparer,
) -> None:
    """Every output along every direction."""
    for direction, (derivative, uncertainty) in zip(directions, numeric):
        primal, tangents = jvp(subject.function, tuple(subject.copies()), tuple(direction.tangents))
        if direction is directions[0]:
            comparer.same_value(primal, value, subject.output_names)
        start = 0
        for name, output, tangent in zip(subject.output_names, value, tangents, strict=True):
            shape, size = np.shape(output), np.size(output)
            part = slice(start, start + size)
            start += size
            if not comparer.same_kind(f"the tangent of {name}", tangent, output):
                return

            def where(
                position: int,
                direction: _Direction = direction,
                name: str = name,
                shape: tuple[int, ...] = shape,
            ) -> tuple[str, tuple[int, ...], str]:
                index = [int(i) for i in np.unravel_index(position, shape)]
                return direction.name, direction.index, f"{name}{index or ''}"

            analytic = np.asarray(tangent).ravel()
            comparer.compare(
                analytic, derivative[part], uncertainty[part], _magnitude(output), where
            )


def _check_reverse(
    subject: _Subject,
    value: Sequence[Any],
    cotangents: Sequence[Any],
    directions: list[_Direction],
    numeric: list[Estimate],
    comparer: Comparer,
) -> None:
    """A random combination of the outputs along every direction.

    The pairing is ``Re sum(vjp(ct) * t) = Re sum(ct * jvp(t))``, without a conjugate.
    """
    primal, pullback = vjp(subject.function, *subject.copies())
    comparer.same_value(primal, value, subject.output_names)
    gradients = pullback(tuple(cotangents))
    same = [
        comparer.same_kind(f"the gradient of {name}", gradient, argument)
        for name, gradient, argument in zip(subject.names, gradients, subject.values, strict=True)
    ]
    if not all(same):
        return
    weights = np.concatenate([np.asarray(cotangent).ravel() for cotangent in cotangents])
    magnitude = _magnitude(weights) * max(_magnitude(output) for output in value)
    groups: dict[int | str, list[int]] = {}
    for position, direction in enumerate(directions):
        key = direction.name if direction.leaf is None else direction.leaf
        groups.setdefault(key, []).append(position)
    for members in groups.values():
        analytic = [_paired(gradients, directions[member].tangents) for member in members]
        expected = [float(np.sum(weights * numeric[member][0]).real) for member in members]
        uncertainty = [float(np.sum(np.abs(weights) * numeric[member][1])) for member in members]

        def where(position: int, members: list[int] = members) -> tuple[str, tuple[int, ...], str]:
            direction = directions[members[position]]
            return direction.name, direction.index, "random cotangent"

        comparer.compare(
            np.array(analytic), np.array(expected), np.array(uncertainty), magnitude, where
        )


def _paired(cotangents: Sequence[Any], tangents: Sequence[Any]) -> float:
    """``Re sum(ct * t)``; an infinite gradient says nothing of directions that do not move it."""
    total = 0.0
    with np.errstate(all="ignore"):
        for left, right in zip(cotangents, tangents):
            products = np.multiply(left, right)
            total += float(np.sum(np.where(np.asarray(right) == 0, 0.0, products)).real)
    return total
