"""The steps that random programs are made of.

An operation proposes parameters for given operand values, or declines: outside its domain, near a
kink or a tie, at an ill-conditioned matrix. So every program is smooth where it is evaluated, and
the libraries must agree to rounding. It is applied in terms of a NumPy-like namespace ``xp``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

Parameters = dict[str, Any]
Propose = Callable[..., Parameters | None]

# How far from a kink or a tie a value must be.
GAP = 1e-2
LARGEST = 30.0


@dataclass(frozen=True)
class Operation:
    """A step: its name, how many operands, what it does, and where it may be used."""

    name: str
    arity: int
    apply: Callable[..., Any]
    propose: Propose


OPERATIONS: dict[str, Operation] = {}


def _add(name: str, arity: int, apply: Callable[..., Any], propose: Propose) -> None:
    assert name not in OPERATIONS
    OPERATIONS[name] = Operation(name, arity, apply, propose)


def operation(name: str, arity: int, propose: Propose) -> Callable[[Any], Any]:
    """Register the decorated function ``(xp, *operands, **parameters)``."""

    def register(apply: Callable[..., Any]) -> Callable[..., Any]:
        _add(name, arity, apply, propose)
        return apply

    return register


# ------------------------------------------------------------------ conditions on operands


def _when(condition: Callable[..., Any]) -> Propose:
    """No parameters; declines where the condition on the operands does not hold."""
    return lambda rng, *operands: {} if bool(np.all(condition(*operands))) else None


def _distinct(x: np.ndarray, axis: Any = None) -> bool:
    """Whether no two values along the axis are close to each other."""
    moved = x.reshape(1, -1) if axis is None else np.moveaxis(x, axis, -1)
    return bool(np.all(np.diff(np.sort(moved, axis=-1), axis=-1) > GAP))


def _broadcast(*operands: np.ndarray) -> bool:
    try:
        shape = np.broadcast_shapes(*(x.shape for x in operands))
    except ValueError:
        return False
    return int(np.prod(shape)) <= 48


# ------------------------------------------------------------------ elementwise

_UNARY: dict[str, Callable[[np.ndarray], Any]] = {
    "negative": lambda x: True,
    "exp": lambda x: x < 3,
    "exp2": lambda x: x < 4,
    "expm1": lambda x: x < 3,
    "log": lambda x: x > 0.2,
    "log2": lambda x: x > 0.2,
    "log10": lambda x: x > 0.2,
    "log1p": lambda x: x > -0.8,
    "sqrt": lambda x: x > 0.2,
    "square": lambda x: abs(x) < 5,
    "reciprocal": lambda x: abs(x) > 0.3,
    "sin": lambda x: True,
    "cos": lambda x: True,
    "tan": lambda x: abs(np.cos(x)) > 0.3,
    "arcsin": lambda x: abs(x) < 0.9,
    "arccos": lambda x: abs(x) < 0.9,
    "arctan": lambda x: True,
    "sinh": lambda x: abs(x) < 3,
    "cosh": lambda x: abs(x) < 3,
    "tanh": lambda x: True,
    "arcsinh": lambda x: True,
    "arccosh": lambda x: x > 1.2,
    "arctanh": lambda x: abs(x) < 0.9,
    "absolute": lambda x: abs(x) > GAP,
    "sinc": lambda x: abs(x) > 0.1,
    "deg2rad": lambda x: True,
}

_BINARY: dict[str, Callable[[np.ndarray, np.ndarray], Any]] = {
    "add": lambda x, y: True,
    "subtract": lambda x, y: True,
    "multiply": lambda x, y: True,
    "true_divide": lambda x, y: abs(y) > 0.3,
    "power": lambda x, y: (x > 0.3) & (abs(y) < 3),
    "maximum": lambda x, y: abs(x - y) > GAP,
    "minimum": lambda x, y: abs(x - y) > GAP,
    "fmax": lambda x, y: abs(x - y) > GAP,
    "arctan2": lambda x, y: (x**2 + y**2 > 0.1) & ((abs(x) > GAP) | (y > 0)),
    "logaddexp": lambda x, y: True,
    "logaddexp2": lambda x, y: True,
    "hypot": lambda x, y: x**2 + y**2 > 0.1,
}

for _name, _domain in _UNARY.items():
    _add(_name, 1, lambda xp, x, _name=_name: getattr(xp, _name)(x), _when(_domain))
for _name, _pair_domain in _BINARY.items():
    _add(
        _name,
        2,
        lambda xp, x, y, _name=_name: getattr(xp, _name)(x, y),
        _when(lambda x, y, domain=_pair_domain: _broadcast(x, y) and np.all(domain(x, y))),
    )


@operation("operators", 2, _when(lambda x, y: _broadcast(x, y) and np.all(abs(y) > 0.3)))
def _operators(xp: Any, x: Any, y: Any) -> Any:
    return (2.0 * x - y) / (1.5 * y) + x * 0.5 - (-x) ** 2 / 8.0


def _clip_bounds(rng: np.random.Generator, x: np.ndarray) -> Parameters | None:
    low, high = sorted(rng.uniform(-2, 2, 2).tolist())
    far = np.minimum(abs(x - low), abs(x - high)) > GAP
    return {"low": low, "high": high} if high - low > 0.1 and far.all() else None


@operation("clip", 1, _clip_bounds)
def _clip(xp: Any, x: Any, low: float, high: float) -> Any:
    return xp.clip(x, low, high)


@operation("where", 2, _when(lambda x, y: _broadcast(x, y) and np.all(abs(x) > GAP)))
def _where(xp: Any, x: Any, y: Any) -> Any:
    return xp.where(x > 0, x, y)


@operation("where_safe_log", 1, _when(lambda x: abs(x) > GAP))
def _where_safe_log(xp: Any, x: Any) -> Any:
    """The double where, which every library gets right."""
    positive = xp.where(x > 0.2, x, 1.0)
    return xp.where(x > 0.2, xp.log(positive), x)


# ------------------------------------------------------------------ reductions


def _axes(rng: np.random.Generator, x: np.ndarray) -> Parameters | None:
    if x.ndim == 0:
        return None
    choices: list[Any] = [None, *range(-x.ndim, x.ndim)]
    if x.ndim > 1:
        choices += [(0, 1), (-1, 0)]
    return {"axis": choices[rng.integers(len(choices))], "keepdims": bool(rng.integers(2))}


def _one_axis(rng: np.random.Generator, x: np.ndarray) -> Parameters | None:
    return {"axis": int(rng.integers(-x.ndim, x.ndim))} if x.ndim else None


def _axes_when(condition: Callable[[np.ndarray, Any], Any]) -> Propose:
    def propose(rng: np.random.Generator, x: np.ndarray) -> Parameters | None:
        found = _axes(rng, x)
        return found if found and bool(np.all(condition(x, found["axis"]))) else None

    return propose


def _one_axis_distinct(rng: np.random.Generator, x: np.ndarray) -> Parameters | None:
    found = _one_axis(rng, x)
    return found if found and _distinct(x, found["axis"]) else None


def _spread(x: np.ndarray, axis: Any) -> Any:
    return np.std(x, axis=axis) > 0.1


for _name, _propose in {
    "sum": _axes,
    "mean": _axes,
    "prod": _axes_when(lambda x, axis: (abs(x) > 0.1) & (abs(x) < 3)),
    "max": _axes_when(lambda x, axis: _distinct(x)),
    "min": _axes_when(lambda x, axis: _distinct(x)),
    "var": _axes,
    "std": _axes_when(_spread),
}.items():
    _add(
        _name,
        1,
        lambda xp, x, axis, keepdims, _name=_name: getattr(xp, _name)(
            x, axis=axis, keepdims=keepdims
        ),
        _propose,
    )
for _name, _propose in {
    "cumsum": _one_axis,
    "sort": _one_axis_distinct,
}.items():
    _add(_name, 1, lambda xp, x, axis, _name=_name: getattr(xp, _name)(x, axis=axis), _propose)


# ------------------------------------------------------------------ shapes and indexing


@operation("transpose", 1, lambda rng, x: {"axes": rng.permutation(x.ndim).tolist()})
def _transpose(xp: Any, x: Any, axes: list[int]) -> Any:
    return xp.transpose(x, axes)


def _new_shape(rng: np.random.Generator, x: np.ndarray) -> Parameters | None:
    shapes: list[tuple[int, ...]] = [(x.size,), (1, x.size)]
    shapes += [(n, x.size // n) for n in (2, 3, 4) if x.size % n == 0]
    return {"shape": shapes[rng.integers(len(shapes))]}


@operation("reshape", 1, _new_shape)
def _reshape(xp: Any, x: Any, shape: tuple[int, ...]) -> Any:
    return xp.reshape(x, shape)


@operation("expand_dims", 1, lambda rng, x: {"axis": int(rng.integers(x.ndim + 1))})
def _expand_dims(xp: Any, x: Any, axis: int) -> Any:
    return xp.expand_dims(x, axis)


@operation("squeeze", 1, _when(lambda x: x.ndim > 1))
def _squeeze(xp: Any, x: Any) -> Any:
    return xp.squeeze(x)


def _wider(rng: np.random.Generator, x: np.ndarray) -> Parameters | None:
    return {"shape": (int(rng.integers(1, 4)), *x.shape)} if x.size <= 16 else None


@operation("broadcast_to", 1, _wider)
def _broadcast_to(xp: Any, x: Any, shape: tuple[int, ...]) -> Any:
    return xp.broadcast_to(x, shape)


def _joinable(rng: np.random.Generator, x: np.ndarray, y: np.ndarray) -> Parameters | None:
    if x.ndim != y.ndim or x.ndim == 0:
        return None
    axis = int(rng.integers(x.ndim))
    same = [n == m for number, (n, m) in enumerate(zip(x.shape, y.shape)) if number != axis]
    return {"axis": axis} if all(same) and x.size + y.size <= 48 else None


@operation("concatenate", 2, _joinable)
def _concatenate(xp: Any, x: Any, y: Any, axis: int) -> Any:
    return xp.concatenate([x, y], axis=axis)


def _stackable(rng: np.random.Generator, x: np.ndarray, y: np.ndarray) -> Parameters | None:
    if x.shape != y.shape or x.size > 24:
        return None
    return {"axis": int(rng.integers(-x.ndim - 1, x.ndim + 1))}


@operation("stack", 2, _stackable)
def _stack(xp: Any, x: Any, y: Any, axis: int) -> Any:
    return xp.stack([x, y], axis=axis)


@operation("flip", 1, _one_axis)
def _flip(xp: Any, x: Any, axis: int) -> Any:
    return xp.flip(x, axis)


def _shift(rng: np.random.Generator, x: np.ndarray) -> Parameters | None:
    found = _one_axis(rng, x)
    return found and {**found, "shift": int(rng.integers(-3, 4))}


@operation("roll", 1, _shift)
def _roll(xp: Any, x: Any, shift: int, axis: int) -> Any:
    return xp.roll(x, shift, axis=axis)


@operation("tile", 1, _when(lambda x: 0 < x.ndim < 3 and x.size <= 12))
def _tile(xp: Any, x: Any) -> Any:
    return xp.tile(x, (2,) + (1,) * (len(x.shape) - 1))


@operation("triangle", 1, lambda rng, x: {"k": int(rng.integers(-1, 2))} if x.ndim == 2 else None)
def _triangle(xp: Any, x: Any, k: int) -> Any:
    return xp.tril(x, k) * 0.5 + xp.triu(x, k)


@operation("diagonal", 1, _when(lambda x: x.ndim == 2))
def _diagonal(xp: Any, x: Any) -> Any:
    return xp.diagonal(x)


def _slices(rng: np.random.Generator, x: np.ndarray) -> Parameters | None:
    """A basic index: integers, slices with steps, an ellipsis, a new axis."""
    if x.ndim == 0:
        return None
    index: list[Any] = []
    for n in x.shape:
        kind = rng.integers(4)
        if kind == 0:
            index.append(int(rng.integers(-n, n)))
        elif kind == 1:
            index.append(slice(int(rng.integers(0, n)), None))
        elif kind == 2:
            index.append(slice(None, None, 2))
        else:
            index.append(slice(None))
    if rng.integers(3) == 0:
        index = [*index[: int(rng.integers(len(index)))], ...]
    if rng.integers(3) == 0:
        index.append(None)
    return {"index": tuple(index)}


@operation("basic_index", 1, _slices)
def _basic_index(xp: Any, x: Any, index: Any) -> Any:
    return x[index]


def _integers(rng: np.random.Generator, x: np.ndarray) -> Parameters | None:
    if x.ndim == 0:
        return None
    rows = rng.integers(0, x.shape[0], int(rng.integers(1, 5)))
    if x.ndim > 1 and rng.integers(2):
        return {"index": (rows, rng.integers(0, x.shape[1], len(rows)))}
    return {"index": (rows,)}


@operation("advanced_index", 1, _integers)
def _advanced_index(xp: Any, x: Any, index: tuple[Any, ...]) -> Any:
    return x[tuple(xp.constant(part) for part in index)]


def _mask(rng: np.random.Generator, x: np.ndarray) -> Parameters | None:
    if x.ndim == 0:
        return None
    mask = rng.integers(0, 2, x.shape).astype(bool)
    mask.flat[0] = True
    return {"mask": mask}


@operation("boolean_index", 1, _mask)
def _boolean_index(xp: Any, x: Any, mask: Any) -> Any:
    return x[xp.constant(mask)]


def _target(rng: np.random.Generator, x: np.ndarray, y: np.ndarray) -> Parameters | None:
    """A place in a copy of ``x`` that takes a row or an element of ``y``."""
    if x.ndim == 0 or not np.shape(x[0]) == np.shape(y):
        return None
    return {"row": int(rng.integers(-x.shape[0], x.shape[0]))}


@operation("set_row", 2, _target)
def _set_row(xp: Any, x: Any, y: Any, row: int) -> Any:
    return xp.set_item(x, row, y)


@operation("accumulate_into_view", 1, _when(lambda x: x.ndim > 0 and x.shape[0] > 1))
def _accumulate_into_view(xp: Any, x: Any) -> Any:
    return xp.add_item(x, slice(1, None), 0.5 * x[:-1])


# ------------------------------------------------------------------ contractions and linear algebra


def _fits_matmul(x: np.ndarray, y: np.ndarray) -> bool:
    try:
        return np.matmul(x, y).size <= 48
    except ValueError:
        return False


_add("matmul", 2, lambda xp, x, y: xp.matmul(x, y), _when(_fits_matmul))
_add(
    "dot",
    2,
    lambda xp, x, y: xp.dot(x, y),
    _when(lambda x, y: x.ndim == 2 and y.ndim in (1, 2) and x.shape[1] == y.shape[0]),
)
_add(
    "outer",
    2,
    lambda xp, x, y: xp.outer(x, y),
    _when(lambda x, y: x.ndim == y.ndim == 1 and x.size * y.size <= 48),
)

_SUBSCRIPTS = {
    1: ("i->", "i,i->i"),
    2: ("ij->ji", "ij,ij->i", "ij,kj->ik", "ij,ij->", "ij->j", "ij,ik->jk"),
    3: ("ijk->kj", "ijk,ijk->ik", "ijk,ijl->kl"),
}


def _subscripts(rng: np.random.Generator, x: np.ndarray) -> Parameters | None:
    choices = _SUBSCRIPTS.get(x.ndim)
    return {"subscripts": choices[rng.integers(len(choices))]} if choices else None


@operation("einsum", 1, _subscripts)
def _einsum(xp: Any, x: Any, subscripts: str) -> Any:
    return xp.einsum(subscripts, *[x] * (1 + subscripts.count(",")))


def _tensordot_axes(rng: np.random.Generator, x: np.ndarray, y: np.ndarray) -> Parameters | None:
    pairs = [(i, j) for i in range(x.ndim) for j in range(y.ndim) if x.shape[i] == y.shape[j]]
    if not pairs:
        return None
    i, j = pairs[rng.integers(len(pairs))]
    small = x.size // x.shape[i] * (y.size // y.shape[j]) <= 48
    return {"axes": ([i], [j])} if small else None


@operation("tensordot", 2, _tensordot_axes)
def _tensordot(xp: Any, x: Any, y: Any, axes: Any) -> Any:
    return xp.tensordot(x, y, axes=axes)


def _square(x: np.ndarray) -> bool:
    return x.ndim >= 2 and x.shape[-1] == x.shape[-2]


def _well_conditioned(x: np.ndarray) -> bool:
    return _square(x) and bool(np.all(np.linalg.cond(x) < 30))


_add("inv", 1, lambda xp, x: xp.linalg.inv(x), _when(_well_conditioned))
_add("det", 1, lambda xp, x: xp.linalg.det(x), _when(_well_conditioned))
_add("slogdet", 1, lambda xp, x: xp.linalg.slogdet(x)[1], _when(_well_conditioned))
_add(
    "solve",
    2,
    lambda xp, x, y: xp.linalg.solve(x, y),
    _when(lambda x, y: _well_conditioned(x) and x.ndim == y.ndim == 2 and x.shape[0] == y.shape[0]),
)


@operation("cholesky", 1, _when(lambda x: x.ndim == 2 and x.shape[0] <= 4))
def _cholesky(xp: Any, x: Any) -> Any:
    """Of a matrix that is symmetric as a function of x, so that conventions do not matter."""
    n = x.shape[0]
    return xp.linalg.cholesky(xp.matmul(x, xp.transpose(x)) + xp.constant(n * np.eye(n)))


@operation("norm", 1, _when(lambda x: x.ndim in (1, 2) and np.linalg.norm(x) > 0.1))
def _norm(xp: Any, x: Any) -> Any:
    return xp.linalg.norm(x)


@operation("trace", 1, _when(lambda x: x.ndim == 2))
def _trace(xp: Any, x: Any) -> Any:
    return xp.trace(x)
