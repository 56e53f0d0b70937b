"""Functions of users, called on whatever a rule may be called on.

The functions that a user gives to a custom rule may be written with operations that wengert knows,
and then they can be recorded and differentiated; or they may call anything (SciPy, a C library),
and then they work on plain arrays only. Which it is shows when they are called on abstract values:
a function that cannot be recorded becomes one opaque operation, and a batch of it a loop.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..core.abstract import Aval, Var, aval_of
from ..core.bind import bind, refresh
from ..core.errors import NoRuleError, ShapeError, WengertError, WengertTypeError
from ..core.ownership import owns_alone
from ..core.primitive import Primitive
from ..core.program import Program, evaluate
from ..core.recorder import record
from ..core.tensor import FastTensor, RareTensor, Tensor
from ..rules.batching import materialize
from .vmap import evaluate_batched

__all__ = [
    "Flat",
    "Saved",
    "UserFunction",
    "arbitrary",
    "called",
    "checked",
    "is_operand",
    "plain_result",
    "read_only",
    "without_history",
]

Flat = Callable[..., Sequence[Any]]


class Saved(tuple[Any, ...]):
    """Outputs, and the residuals that a backward rule wants to see again (`wengert.custom_vjp`)."""

    residuals: Any


def is_operand(x: Any) -> bool:
    """Whether a leaf is a number or an array (of numbers), and not a static argument."""
    return isinstance(x, (Tensor, np.ndarray, np.generic, bool, int, float, complex))


def _is_abstract(x: Any) -> bool:
    return isinstance(x, Tensor) and type(x._a) is Var


def without_history(x: Any) -> Any:
    """A Tensor without history as the plain array it holds, read-only; anything else as it is."""
    if not isinstance(x, Tensor):
        return x
    if _has_derivative(x) or type(x._a) is Var:
        return x
    return read_only(x._a)


def _has_derivative(x: Any) -> bool:
    if not isinstance(x, Tensor):
        return False
    refresh(x)
    return x._n is not None or (type(x) is RareTensor and bool(x._x.tangents))


def _captures(name: str) -> WengertTypeError:
    return WengertTypeError(
        f"{name}: the function captures a value that is being differentiated or traced, which its "
        "rule knows nothing of. Pass that value as an argument"
    )


def read_only(a: Any) -> Any:
    """The array as a view that cannot be written: it may be saved in the tape."""
    if isinstance(a, np.ndarray) and a.flags.writeable:
        a = a.view()
        a.flags.writeable = False
    return a


def plain_result(y: Any, name: str) -> Any:
    """One result of a user's function on plain arrays, as an array that nobody else will change.

    Raises
    ------
    WengertTypeError
        If it depends on a traced value that the function captured, or is no number.
    """
    if isinstance(y, Tensor):
        if _has_derivative(y) or type(y._a) is Var:
            raise _captures(name)
        y = y._a
    elif not is_operand(y):
        raise WengertTypeError(
            f"{name}: the function returned a {type(y).__name__}; it must return arrays, numbers "
            "or containers of them"
        )
    elif not isinstance(y, (np.ndarray, np.generic)):
        y = np.asarray(y)[()]
    if y.dtype.kind not in "biufc":
        raise WengertTypeError(
            f"{name}: the function returned an array of dtype {y.dtype}; it must return numbers"
        )
    if not isinstance(y, np.ndarray):
        return y
    t = FastTensor()
    t._a = y
    del y
    return t._a if owns_alone(t) and t._a.flags.writeable else np.array(t._a)


class UserFunction:
    """A function from leaves to leaves that can be called on plain, traced and abstract values.

    Parameters
    ----------
    name : str
        For messages and the text of Programs.
    function : callable
        ``(*leaves) -> sequence of leaves``.
    shape : callable, optional
        ``(*avals) -> list of Aval``. Found by recording by default, and where that is impossible by
        calling the function on arbitrary numbers.
    closed : bool
        Whether results must depend on the arguments alone, since a rule says what the derivative
        is; a rule itself may capture traced values.
    """

    def __init__(
        self,
        name: str,
        function: Flat,
        shape: Callable[..., list[Aval]] | None = None,
        closed: bool = False,
    ) -> None:
        self.name = name
        self.function = function
        self._closed = closed
        self._shape = shape
        self._avals: dict[Any, list[Aval]] = {}
        self._batched: dict[tuple[bool, ...], UserFunction] = {}
        self._opaque: Primitive | None = None
        self._declared = False
        self._batch_rule: Callable[..., list[Any]] | None = None

    def declare(self, shape: Callable[..., list[Aval]]) -> None:
        """Let the user say what shapes results have; what the function returns is held to it."""
        self._shape = shape
        self._declared = True

    def batch_with(self, rule: Callable[..., list[Any]]) -> None:
        """Let the user say what the function is on a batch: ``rule(flags, leaves) -> results``."""
        self._batch_rule = rule

    def check_declared(self, leaves: Sequence[Any], outs: Sequence[Any]) -> None:
        """Refuse results of other shapes than the user said."""
        if not self._declared:
            return
        expected = [a.shape for a in self.shapes(leaves)]
        found = [np.shape(y) for y in outs]
        if found != expected:
            raise ShapeError(
                f"{self.name}: shape= says that the output has shape {_listed(expected)}, but the "
                f"function returned {_listed(found)}"
            )

    def __call__(self, *leaves: Any) -> list[Any]:
        """Call on any operands: directly if all have values, else recorded or as one operation."""
        leaves = tuple([without_history(x) for x in leaves])
        if not any(map(_is_abstract, leaves)):
            results = list(self.function(*leaves))
            self.check_declared(leaves, results)
            return results
        program = self._try_record(leaves, list(map(_is_abstract, leaves)))
        if program is not None:
            return evaluate(program, [x for x in leaves if _is_abstract(x)])
        return list(bind(self._operation(leaves), leaves, {}))

    def recorded(self, leaves: Sequence[Any]) -> Program | None:
        """The function as a Program in those leaves that are an `Aval`; in all if none is one.

        None if it cannot be recorded.
        """
        abstract = [type(x) is Aval for x in leaves]
        if not any(abstract):
            abstract = [not _is_number(x) for x in leaves]
        return self._try_record(leaves, abstract)

    def _try_record(self, leaves: Sequence[Any], abstract: list[bool]) -> Program | None:
        """The function as a Program in the abstract leaves; None if it needs their values.

        Any exception means that it does: if the function is wrong for other reasons, it fails with
        the same exception where it is called on values.
        """
        derived = False

        def partial(*given: Any) -> Sequence[Any]:
            nonlocal derived
            rest = iter(given)
            results = self.function(
                *[next(rest) if a else x for x, a in zip(leaves, abstract, strict=True)]
            )
            derived = any(map(_has_derivative, results))
            return results

        avals = [aval_of(x) for x, a in zip(leaves, abstract, strict=True) if a]
        try:
            program = record(partial, [Aval(a.shape, a.dtype) for a in avals])
        except Exception:
            return None
        if self._closed and (derived or any(_is_abstract(x) for _, x in program.captured)):
            raise _captures(self.name)
        return program

    # -------------------------------------------------------------- shapes

    def shapes(self, leaves: Sequence[Any]) -> list[Aval]:
        """Shapes and dtypes of the results for operands (or abstract values) like ``leaves``."""
        if self._shape is not None:
            return self._shape(*[x if _is_number(x) else aval_of(x) for x in leaves])
        key = tuple([("number", x) if _is_number(x) else _key(aval_of(x)) for x in leaves])
        found = self._avals.get(key)
        if found is None:
            if len(self._avals) > 256:
                self._avals.clear()
            found = self._avals[key] = self._find_shapes(leaves)
        return found

    def _find_shapes(self, leaves: Sequence[Any]) -> list[Aval]:
        program = self._try_record(leaves, [not _is_number(x) for x in leaves])
        if program is not None:
            return [Aval(a.shape, a.dtype) for a in map(aval_of, program.outputs)]
        try:
            with np.errstate(all="ignore"):
                outs = self.function(*map(arbitrary, leaves))
        except WengertError:
            raise  # it says itself what is wrong with the user's rule
        except Exception as error:
            raise WengertTypeError(
                f"{self.name}: the shape of the result is needed before there are values. The "
                "function can neither be recorded nor be called on arbitrary numbers "
                f"({type(error).__name__}: {error}). Give wengert.primitive(..., shape=...)"
            ) from error
        return [Aval(a.shape, a.dtype) for a in map(aval_of, outs)]

    # -------------------------------------------------------------- as one operation

    def _operation(self, leaves: Sequence[Any]) -> Primitive:
        count = len(self.shapes(leaves))
        if self._opaque is None or self._opaque.outputs != count:
            self._opaque = Primitive(
                self.name,
                lambda *xs: tuple(
                    [plain_result(y, self.name) for y in self.function(*map(read_only, xs))]
                ),
                lambda *xs: tuple([(a.shape, a.dtype) for a in self.shapes(xs)]),
                lambda args, batched, size: tuple(self.batched(tuple(batched))(*args)),
                jvp=self._no_derivative,
                outputs=count,
                register=False,
            )
        return self._opaque

    def _no_derivative(self, tangents: Any, ins: Any, out: Any) -> Any:
        raise NoRuleError(
            f"{self.name} works on plain arrays only, so it has no derivative of its own. Write it "
            "with functions that have rules, or give those it calls a rule with wengert.primitive"
        )

    def batched(self, flags: tuple[bool, ...]) -> UserFunction:
        """The function on leaves of which those flagged have a batch axis first, as all results."""
        if flags not in self._batched:
            self._batched[flags] = UserFunction(
                self.name,
                lambda *leaves: self._call_batched(flags, leaves),
                closed=self._closed,
            )
        return self._batched[flags]

    def _call_batched(self, flags: tuple[bool, ...], leaves: Sequence[Any]) -> list[Any]:
        size = next(x.shape[0] for x, b in zip(leaves, flags, strict=True) if b)
        if self._batch_rule is not None:
            return self._by_rule(self._batch_rule, flags, leaves, size)
        examples = [
            Aval(x.shape[1:], x.dtype) if b else x for x, b in zip(leaves, flags, strict=True)
        ]
        program = self._try_record(examples, list(flags))
        if program is not None:
            args = [x for x, b in zip(leaves, flags, strict=True) if b]
            results = evaluate_batched(program, args, [True] * len(args), size)
            return [materialize(y, b, size) for y, b in results]
        if size == 0:
            return [np.zeros((0, *a.shape), a.dtype) for a in self.shapes(examples)]
        rows = [
            self(*[x[i] if b else x for x, b in zip(leaves, flags, strict=True)])
            for i in range(size)
        ]
        return [np.stack(column) for column in zip(*rows, strict=True)]

    def _by_rule(
        self, rule: Callable[..., list[Any]], flags: tuple[bool, ...], leaves: Any, size: int
    ) -> list[Any]:
        results = rule(flags, leaves)
        for y in results:
            shape = np.shape(y)
            if not shape or shape[0] != size:
                raise ShapeError(
                    f"{self.name}: batch= returned an output of shape {shape}; its first axis must "
                    f"be that of the batch, of length {size}"
                )
        return results


def _listed(shapes: list[tuple[int, ...]]) -> str:
    return str(shapes[0]) if len(shapes) == 1 else str(shapes)


def _is_number(x: Any) -> bool:
    return isinstance(x, (bool, int, float, complex))


def _key(a: Aval) -> Any:
    return a.shape, a.dtype


def arbitrary(x: Any) -> Any:
    """Numbers between 1 and 2 in the shape of ``x``: inside the domain of most functions."""
    if _is_number(x):
        return x
    a = aval_of(x)
    values = 1 + np.modf(np.arange(1, a.size + 1) * 0.6180339887498949)[0]
    return values.reshape(a.shape).astype(a.dtype)[()]


def called(rule: Callable[..., Any], args: Sequence[Any], where: str, form: str) -> Any:
    """What a rule of the user returns; if it does not take these arguments, an error says so."""
    try:
        return rule(*args)
    except TypeError as error:
        try:
            inspect.signature(rule).bind(*args)
        except TypeError:
            raise WengertTypeError(
                f"{where}: the rule is called as {form}, here with {len(args)} arguments, and does "
                f"not take them: {error}"
            ) from None
        except ValueError:
            pass  # a function of C without a signature
        raise


def checked(results: Sequence[Any], expected: Sequence[Any], where: str) -> list[Any]:
    """Tangents or cotangents that a user's rule returned, in the dtype of what they belong to.

    Raises
    ------
    ShapeError
        If one has another shape than the value it belongs to.
    WengertTypeError
        If one is no array of numbers.
    """
    if len(results) != len(expected):
        raise WengertTypeError(f"{where}: expected {len(expected)} values, got {len(results)}")
    out = []
    for r, x in zip(results, expected, strict=True):
        if r is not None:
            if not is_operand(r):
                raise WengertTypeError(
                    f"{where}: it must have the structure of the value it belongs to, an array; "
                    f"got a {type(r).__name__}"
                )
            if not isinstance(r, Tensor):
                r = np.asarray(r)[()]
            if r.dtype.kind not in "biufc":
                raise WengertTypeError(f"{where}: expected numbers, got dtype {r.dtype}")
            shape = x.shape if hasattr(x, "shape") else np.shape(x)
            if r.shape != shape:
                raise ShapeError(f"{where}: expected shape {shape}, got {r.shape}")
        out.append(r)
    return out
