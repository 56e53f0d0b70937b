"""`debug`: stop at the first operation, forward or backward, that makes a NaN or an infinity.

Nothing is paid outside of a `debug` block. Inside, the fast paths hand every operation over to
`bind` (`state.leaves_tape`), which looks at what it made and writes the user's line into the node
that it records; the sweep then looks at each operation's contributions. While a rule runs, nothing
inside of it is looked at: a partial may be infinite where a strong zero annihilates it. What is
recorded on abstract values is looked at when the equation is evaluated (`Equation.origin`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .abstract import Aval, Var
from .errors import NonFiniteError, WengertTypeError
from .refusals import operand_names, operation_text
from .state import is_debugged, set_debugging
from .tensor import RareTensor, Tensor
from .where import Spot, spot

if TYPE_CHECKING:
    from .primitive import Primitive
    from .tape import Node

__all__ = [
    "Origin",
    "debug",
    "examine_contributions",
    "examine_equation",
    "examine_result",
    "examine_tangent",
    "examines",
    "inside_rule",
    "locate",
    "note_backward",
    "origin_of_equation",
    "rule_of",
    "user_code",
]


class Options(NamedTuple):
    """What a `debug` block stops at, besides NaN."""

    infinities: bool


class Origin(NamedTuple):
    """Which operation, in which phase and where, a value belongs to."""

    operation: str
    phase: str  # "forward", "tangent" or "backward"
    subject: str  # what of it, such as "the cotangent of x"; "" for its result
    names: tuple[str, ...]  # of what it was computed from
    spot: Spot | None
    sources: tuple[Any, ...] = ()  # for equations, by these names: variables, arrays or scalars


_NOWHERE = Origin("", "forward", "", (), None)
_rule: ContextVar[Origin | None] = ContextVar("wengert_rule", default=None)


@contextmanager
def debug(*, infinities: bool = True) -> Iterator[None]:
    """Stop at the first operation, forward or backward, that makes a NaN or an infinity.

    Applies to the operations on Tensors, inside and outside of transforms, of the current thread
    (and context). Blocks nest; can be used as a decorator. Operations take about ten times as long
    inside; NumPy's own floating-point warnings are off. A function compiled by `jit` is recorded
    anew at each call in the block, and its operations are looked at one by one. A block that stands
    inside of such a function, or of one given to `vmap`, looks at nothing: put it around the call.

    Parameters
    ----------
    infinities : bool
        Whether to stop at infinities that are made of finite numbers, too, or at NaN alone.

    Raises
    ------
    NonFiniteError
        Naming the operation, the user's line that called it (for a backward pass: that recorded
        it), the first place in the result, and the operands with their shapes.

    Notes
    -----
    An infinity that is given (a mask of ``-inf``) passes, and so does what operations make of it
    unless that is NaN. A NaN stops wherever it is first met; the message says if it was given. What
    is computed on plain arrays (data, the inside of a rule) is met when it meets a Tensor. In a
    backward pass a cotangent that is exactly zero annihilates an infinite partial derivative, as
    everywhere: a branch that `where` does not take stops the forward pass (and its tangents) only.

    Examples
    --------
    >>> import numpy as np, wengert as wg
    >>> with wg.debug():
    ...     wg.grad(lambda x: np.sum(np.sqrt(x)))(np.array([4.0, 0.0]))
    Traceback (most recent call last):
    ...
    wengert.core.errors.NonFiniteError: the backward pass of np.sqrt(x) made inf, at index (1,)...
    """
    if not isinstance(infinities, bool):
        raise WengertTypeError(
            f"debug: infinities must be True or False, not {infinities!r}; write "
            "`with wengert.debug():` around the call"
        )
    token = _rule.set(None)  # a function that is called by a rule asks for itself
    try:
        with set_debugging(Options(infinities)), np.errstate(all="ignore"):
            yield
    finally:
        _rule.reset(token)


def examines() -> bool:
    """Whether values are looked at here: in a `debug` block, and not inside of a rule."""
    return is_debugged() is not None and _rule.get() is None


class inside_rule:
    """A rule runs in this block: its intermediate values are not looked at."""

    __slots__ = ("_origin", "_token")

    def __init__(self, origin: Origin | None) -> None:
        self._origin = origin or _NOWHERE

    def __enter__(self) -> None:
        self._token = _rule.set(self._origin)

    def __exit__(self, *_: object) -> None:
        _rule.reset(self._token)


def rule_of(node: Node) -> inside_rule:
    """`inside_rule` for the backward pass of a node; what it records is the forward line's."""
    return inside_rule(_NOWHERE._replace(spot=_spot_of(node)))


class user_code(inside_rule):
    """A rule calls a function of the user again in this block, as a checkpoint does."""

    __slots__ = ()

    def __init__(self) -> None:
        self._origin = None  # type: ignore[assignment]


# ------------------------------------------------------------------ lines


def _here() -> Spot | None:
    rule = _rule.get()
    return spot() if rule is None else rule.spot


# A node that `bind` records has ten entries; a line is the eleventh.
_LINE = 10


def locate(node: Node, always: bool = False) -> None:
    """Write the user's line into a wide node in a `debug` block, or ``always``."""
    if (always or is_debugged() is not None) and len(node) == _LINE:
        node.append(_here())


def _spot_of(node: Node) -> Spot | None:
    found = node[_LINE] if node[1].wide and len(node) > _LINE else None
    return found if isinstance(found, Spot) else None


def _text_of(node: Node) -> str:
    kind = node[1]
    if kind.primitive is None:
        return str(node[7] or "an operation made by Tensor(..., grad_fn)")
    parents, operands, params, _, _ = kind.decode(node)
    return operation_text(kind.primitive, params, max(len(parents), len(operands)))


def note_backward(error: BaseException, node: Node) -> None:
    """Add to an error that a backward pass raises which operation it belongs to, and its line."""
    if isinstance(error, NonFiniteError) or node[1].name in ("leaf", "input", "join", "output"):
        return
    try:
        text = _text_of(node)
    except Exception:  # a note must not hide the error it is about
        text = str(node[1])
    line = _spot_of(node)
    where = (
        f"recorded at {line}"
        if line is not None
        else "whose line is recorded inside `with wengert.debug():`"
    )
    error.add_note(f"raised in the backward pass of {text}, {where}")


# ------------------------------------------------------------------ values


def _plain(x: Any) -> Any:
    """The array of an operand; None for what has no values."""
    if isinstance(x, Tensor):
        x = x._a
    if x is None or isinstance(x, Aval):
        return None
    a = np.asarray(x)
    return a if a.dtype.kind in "fc" else None


def _fault(out: Any, operands: Sequence[Any]) -> tuple[Any, int | None] | None:
    """Where ``out`` has what it should not have; and the operand that a NaN came in with.

    None if all is well.
    """
    a = _plain(out)
    if a is None or np.isfinite(a).all():
        return None
    nan = np.isnan(a)
    arrays = [_plain(x) for x in operands]
    if nan.any():
        given = (i for i, x in enumerate(arrays) if x is not None and np.isnan(x).any())
        return nan, next(given, None)
    if not is_debugged().infinities:
        return None
    if any(x is not None and not np.isfinite(x).all() for x in arrays):
        return None
    return np.isinf(a), None


def _summary(a: Any) -> str:
    """An array in a few words: dtype, shape, and its numbers or their range."""
    if isinstance(a, Aval):
        return f"{a.dtype or 'array'} of shape {a.shape}, its values were not kept"
    a = np.asarray(a)
    kind = f"{a.dtype} of shape {a.shape}" if a.ndim else str(a.dtype)
    if a.size <= 6:
        text = np.array2string(a, separator=", ", precision=6).replace("\n", "")
        return f"{kind}, {' '.join(text.split())}"
    if a.dtype.kind not in "biuf":
        return kind
    finite = a[np.isfinite(a)]
    parts = [f"from {finite.min():.6g} to {finite.max():.6g}"] if finite.size else []
    for name, mask in (("nan", np.isnan(a)), ("inf", np.isposinf(a)), ("-inf", np.isneginf(a))):
        if mask.any():
            parts.append(f"{int(mask.sum())} times {name}")
    return f"{kind}, {', '.join(parts)}"


def _at(a: Any, index: tuple[int, ...], shape: tuple[int, ...]) -> str:
    """The entry of an operand that broadcasting brings to ``index`` of the result; "" if none."""
    if isinstance(a, Aval):
        return ""
    a = np.asarray(a)
    if a.size <= 1:
        return ""
    if a.ndim > len(shape) or any(
        n not in (1, m) for n, m in zip(a.shape[::-1], shape[::-1], strict=False)
    ):
        return ""
    own = tuple([0 if n == 1 else i for n, i in zip(a.shape, index[len(shape) - a.ndim :])])
    return f"; {a[own]:.6g} at that place"


def _raise(origin: Origin, out: Any, operands: Sequence[Any], mask: Any, given: Any) -> None:
    a = np.asarray(_plain(out))
    index = tuple(map(int, np.argwhere(mask)[0])) if a.ndim else ()
    names = origin.names
    subject = {"forward": "", "tangent": "the tangent of ", "backward": "the backward pass of "}
    what = f"{subject[origin.phase]}{origin.operation}"
    line = "" if origin.spot is None else str(origin.spot)
    if given is None:
        text = f"{what} made {a[index]}"
    else:
        text = f"{what} met nan, which was given with {names[given]}"
    if a.ndim:
        of = origin.subject or "its result"
        text += f", at index {index}, in {int(mask.sum())} of {a.size} elements of {of}"
    elif origin.subject:
        text += f", as {origin.subject}"
    if line:
        text += f" [{line}]"
    rows = []
    for name, x in zip(names, operands, strict=False):
        x = x._a if isinstance(x, Tensor) else x
        if x is not None:
            rows.append(f"    {name}: {_summary(x)}{_at(x, index, a.shape)}")
    rows.append(f"    {origin.subject or 'result'}: {_summary(a)}")
    error = NonFiniteError("\n".join([text, *rows]))
    error.operation, error.phase, error.line = origin.operation, origin.phase, line
    error.operands = {
        name: x._a if isinstance(x, Tensor) else x
        for name, x in zip(names, operands, strict=False)
        if x is not None
    }
    error.value = a
    raise error from None


def _of_tangent(
    origin: Origin, operands: Sequence[Any], level: int
) -> tuple[Origin, tuple[Any, ...]]:
    """What the tangent of a value at a level belongs to, and was computed from."""
    given = {
        f"the tangent of {name}": x._x.tangents[level]
        for name, x in zip(origin.names, operands, strict=False)
        if type(x) is RareTensor and level in x._x.tangents
    }
    origin = origin._replace(
        phase="tangent" if origin.phase == "forward" else origin.phase,
        subject=f"the tangent of {origin.subject}" if origin.subject else "the tangent",
        names=(*origin.names[: len(operands)], *given),
    )
    return origin, (*operands, *given.values())


def _examine(origin: Origin, out: Any, operands: Sequence[Any]) -> None:
    """Look at one value, or leave that to the evaluation of the equation that computes it."""
    a = out._a if isinstance(out, Tensor) else out
    if type(a) is Var:
        recording: Any = a.recording
        for e in reversed(recording.equations if recording is not None else ()):
            if any(v is a for v in e.outputs):
                sources = [x._a if isinstance(x, Tensor) else x for x in operands]
                e.origin = origin._replace(sources=tuple(sources))
                break
    else:
        fault = _fault(a, operands)
        if fault is not None:
            _raise(origin, a, operands, *fault)
    if type(out) is RareTensor:
        for level, t in out._x.tangents.items():
            of_tangent, given = _of_tangent(origin, operands, level)
            _examine(of_tangent, t, given)


# ------------------------------------------------------------------ forward


def _forward_origin(primitive: Primitive, params: dict[str, Any], count: int) -> Origin:
    text = operation_text(primitive, params, count)
    return Origin(text, "forward", "", operand_names(count), _here())


def examine_result(
    primitive: Primitive, params: dict[str, Any], ins: Sequence[Any], out: Any
) -> None:
    """Look at what `bind` has evaluated."""
    if not examines():
        return
    for y in (out,) if primitive.outputs is None else out:
        fault = _fault(y, ins)
        if fault is not None:
            _raise(_forward_origin(primitive, params, len(ins)), y, ins, *fault)


def examine_tangent(
    push: Callable[[], Any],
    primitive: Primitive,
    params: dict[str, Any],
    ins: Sequence[Any],
    tangents: Sequence[Any],
) -> Any:
    """The tangent of an operation's output, looked at."""
    if not examines():
        return push()
    origin = _forward_origin(primitive, params, len(ins))
    names = (*origin.names, *[f"the tangent of {name}" for name in origin.names])
    origin = origin._replace(phase="tangent", subject="the tangent", names=names)
    with inside_rule(origin):
        found = push()
    for t in found if primitive.outputs is not None and found is not None else (found,):
        _examine(origin, t, (*ins, *tangents))
    return found


# ------------------------------------------------------------------ equations


def origin_of_equation(
    primitive: Primitive, params: dict[str, Any], ins: Sequence[Any]
) -> Origin | None:
    """What an equation that is being recorded belongs to; None if its value is not looked at."""
    if not examines():
        return None
    return _forward_origin(primitive, params, len(ins))._replace(sources=tuple(ins))


def examine_equation(origin: Origin, outs: Sequence[Any], value_of: Callable[[Var], Any]) -> None:
    """Look at what the evaluation of a recorded equation gave, on a batch perhaps.

    ``value_of`` gives the values of the recording's variables; None where it has none.
    """
    found = [value_of(x) if type(x) is Var else x for x in origin.sources]
    for y in outs:
        _examine(origin, y, found)


# ------------------------------------------------------------------ backward


def examine_contributions(node: Node, ct: Any, contributions: dict[int, Any]) -> None:
    """Look at what one operation's backward pass adds to the cotangents of its operands."""
    parents, operands, _, _, _ = node[1].decode(node)
    names = operand_names(max(len(parents), len(operands)))
    for k, c in contributions.items():
        if type(c) is list:
            continue
        of = " and ".join(
            dict.fromkeys(
                name for name, p in zip(names, parents, strict=False) if p is not None and p[0] == k
            )
        )
        cts = [c for c in ct if c is not None] if type(ct) is list else [ct]
        given = ["the cotangent"] if len(cts) == 1 else [f"cotangent {i}" for i in range(len(cts))]
        origin = Origin(
            _text_of(node), "backward", f"the cotangent of {of}", (*given, *names), _spot_of(node)
        )
        _examine(origin, c, (*cts, *operands))
