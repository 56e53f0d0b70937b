"""One operation made from a user's function and a user's derivative rule.

The rule may be forward (a jvp) or reverse (a vjp); the other direction is derived by transposing
what the rule does to the tangents or cotangents, in which it is linear.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..core import algebra, pytree
from ..core.abstract import Aval, Var, aval_of
from ..core.bind import bind
from ..core.errors import (
    NoRuleError,
    ShapeError,
    WengertError,
    WengertTypeError,
    WengertValueError,
)
from ..core.liveness import Scope
from ..core.ownership import snapshot
from ..core.primitive import Primitive
from ..core.program import Program
from ..core.state import next_id
from ..core.sweep import sweep
from ..core.tape import INPUT, JOIN
from ..core.tensor import RareTensor, Tensor, handle
from .boundary import tracing_user
from .linearity import is_zero_at_zero, looks_linear, nonlinear_operation
from .user_function import Flat, Saved, UserFunction, arbitrary, checked, plain_result, read_only

__all__ = ["CustomOperation"]


def _zeros(x: Any) -> Any:
    """A zero tangent; that of an integer is a float."""
    dtype = aval_of(x).dtype
    return algebra.zeros_like(x, dtype if dtype.kind in "fc" else np.float64)


def _value(x: Any) -> Any:
    """An operand without its history: its value, or its shape and dtype if it has no value."""
    a = x._a if isinstance(x, Tensor) else x
    return Aval(a.shape, a.dtype) if isinstance(a, Aval) else read_only(a)


def _kept(residuals: Any, operands: Sequence[Any]) -> Any:
    """Residuals as they are now, whatever becomes of the arrays among them.

    The operands themselves are safe, by what the tape does for all saved operands.
    """
    own = {id(x) for x in operands}
    return pytree.map(
        lambda r: read_only(snapshot(r)) if type(r) is np.ndarray and id(r) not in own else r,
        residuals,
    )


def _lent(c: Any) -> Any:
    """A cotangent that a rule cannot write into: other operations get the same one."""
    if not isinstance(c, Tensor):
        return read_only(c)
    return handle(c._a, c._n, dict(c._x.tangents) if type(c) is RareTensor else None)


def _is_float(x: Any) -> bool:
    return aval_of(x).dtype.kind in "fc"


class CustomOperation:
    """The primitive for one signature of a custom function.

    Parameters
    ----------
    name : str
    primal : UserFunction
        ``(*ins) -> outs``.
    forward : UserFunction, optional
        ``(*ins, *outs, *tangents) -> tangents of outs``.
    reverse : UserFunction, optional
        ``(*cts, *ins, *outs) -> cotangents of ins``.
    arity : int
        The number of operands.
    save : callable, optional
        ``(*ins) -> Saved``: the outputs, and residuals for a first derivative.
    reverse_saved : callable, optional
        ``(residuals, cts) -> cotangents of ins``: what ``reverse`` does, from these residuals.
    undefined : pair of dicts, optional
        Of the operands without a forward and without a reverse rule: what to say where one is
        needed. The rules treat these operands as constants.
    """

    def __init__(
        self,
        name: str,
        primal: UserFunction,
        forward: UserFunction | None,
        reverse: UserFunction | None,
        arity: int,
        save: Callable[..., Saved] | None = None,
        reverse_saved: Callable[[Any, Sequence[Any]], Sequence[Any]] | None = None,
        undefined: tuple[dict[int, str], dict[int, str]] = ({}, {}),
    ) -> None:
        self.name = name
        self._undefined = undefined
        self.arity = arity
        self._primal = primal
        self._given = (forward is not None, reverse is not None)
        self._forward = UserFunction(
            f"{name}_jvp",
            self._transposed_reverse if forward is None else self._checked_forward(forward),
            self._like_out,
        )
        self._reverse = UserFunction(
            f"{name}_vjp",
            self._transposed_forward if reverse is None else self._checked_reverse(reverse),
            self._like_in,
        )
        self._save = save
        self._reverse_saved = reverse_saved
        self._batched: dict[tuple[bool, ...], CustomOperation] = {}
        self._known_linear = forward is None
        self._forward_checked = False
        self.primitive = Primitive(
            name,
            self._evaluate,
            self._shape,
            self._batch,
            jvp=self._jvp,
            vjp=self._vjp,
            show=lambda *operands: f"{name}({', '.join(operands)})",
            outputs=0,  # not known before the function has run once
            register=False,
        )

    # -------------------------------------------------------------- the record

    def _evaluate(self, *ins: Any) -> tuple[Any, ...]:
        function = self._save or self._primal.function
        operands = tuple(map(read_only, ins))
        # Once, what the function returns, to compare what its forward rule returns.
        likes = None
        if self._save is not None and not self._forward_checked:
            likes = self._primal.recorded(ins)
        results = function(*operands)
        outs = tuple([plain_result(y, self.name) for y in results])
        self._primal.check_declared(ins, outs)
        self.primitive.outputs = len(outs)
        if isinstance(results, Saved):
            if likes is not None:
                self._check_forward(likes, outs)
            saved = Saved(outs)
            saved.residuals = _kept(results.residuals, operands)
            return saved
        return outs

    def _check_forward(self, likes: Program, outs: Sequence[Any]) -> None:
        for expected, y in zip(map(aval_of, likes.outputs), outs, strict=True):
            if expected.shape != y.shape or expected.dtype.kind != y.dtype.kind:
                raise ShapeError(
                    f"{self.name}: the forward rule returned an output of shape {y.shape} and "
                    f"dtype {y.dtype}, the function one of shape {expected.shape} and dtype "
                    f"{expected.dtype}; they must be the same"
                )
        self._forward_checked = True

    def _shape(self, *ins: Any) -> tuple[tuple[Any, Any], ...]:
        avals = self._primal.shapes(ins)
        self.primitive.outputs = len(avals)
        return tuple([(a.shape, a.dtype) for a in avals])

    def _batch(self, args: Any, batched: Any, size: int) -> Any:
        return bind(self.batched(tuple(batched)).primitive, args, {})

    def _jvp(self, tangents: Any, ins: Any, outs: Any) -> Any:
        for i, text in self._undefined[0].items():
            if tangents[i] is not None:
                raise NoRuleError(text)
        ts = [_zeros(x) if t is None else t for x, t in zip(ins, tangents, strict=True)]
        results = self._forward(*ins, *outs, *ts)
        return [t if _is_float(y) else None for t, y in zip(results, outs, strict=True)]

    def _vjp(self, cts: Any, ins: Any, outs: Any) -> Any:
        cts = [_zeros(y) if c is None else _lent(c) for c, y in zip(cts, outs, strict=True)]
        plain = not any(isinstance(x, Tensor) for x in (*cts, *ins))
        if plain and isinstance(outs, Saved) and self._reverse_saved is not None:
            found = self._cotangents(self._reverse_saved(outs.residuals, cts), ins)
        else:
            found = self._reverse(*cts, *ins, *outs)
        cotangents = [c if _is_float(x) else None for c, x in zip(found, ins, strict=True)]
        for i, text in self._undefined[1].items():  # raised where the cotangent is asked for
            cotangents[i] = NoRuleError(text) if _is_float(ins[i]) else None
        return cotangents

    # -------------------------------------------------------------- what the user's rules return

    def _checked_forward(self, forward: UserFunction) -> Flat:
        def call(*leaves: Any) -> list[Any]:
            outs = leaves[self.arity : -self.arity]
            where = f"{self.name}: the tangent of the output"
            results = checked(forward.function(*leaves), outs, where)
            for t, y in zip(results, outs, strict=True):
                if t is not None and t.dtype.kind == "c" and aval_of(y).dtype.kind == "f":
                    raise WengertTypeError(
                        f"{where}: expected real numbers, as the output, got dtype {t.dtype}; take "
                        "np.real of it if its imaginary part is zero"
                    )
            return [
                algebra.zeros_like(y)
                if t is None or not _is_float(y)
                else algebra.cast_like(t, aval_of(y).dtype)
                for t, y in zip(results, outs, strict=True)
            ]

        return call

    def _checked_reverse(self, reverse: UserFunction) -> Flat:
        def call(*leaves: Any) -> list[Any]:
            count = (len(leaves) - self.arity) // 2
            found = reverse.function(*leaves)
            return self._cotangents(found, leaves[count : count + self.arity])

        return call

    def _cotangents(self, found: Sequence[Any], ins: Sequence[Any]) -> list[Any]:
        """In the dtypes of the operands: of a complex one a real operand takes the real part."""
        found = checked(found, ins, f"{self.name}: the cotangent of an argument")
        return [
            _zeros(x) if c is None or not _is_float(x) else algebra.cast_like(c, aval_of(x).dtype)
            for c, x in zip(found, ins, strict=True)
        ]

    # -------------------------------------------------------------- the derived direction

    def _transposed_forward(self, *leaves: Any) -> list[Any]:
        """The reverse rule from the forward rule, at ``(*cts, *ins, *outs)``."""
        count = (len(leaves) - self.arity) // 2
        cts, ins, outs = (
            leaves[:count],
            leaves[count : count + self.arity],
            leaves[count + self.arity :],
        )
        if not self._known_linear:
            self._check_linear(ins, outs)
        try:
            return _transpose(lambda *ts: self._forward(*ins, *outs, *ts), ins, cts)
        except NoRuleError:
            raise  # it names the function that has none
        except WengertTypeError as error:
            if self.name in str(error).partition(":")[0]:
                raise  # it says itself what is wrong with the rule
            raise WengertTypeError(
                f"{self.name} has only a forward rule, and reverse mode (grad, vjp) could not be "
                f"derived from it ({type(error).__name__}: {error}). Compute on the tangents with "
                "functions that wengert can differentiate, or give it a reverse rule beside it: "
                "wengert.primitive(function, vjp, jvp)"
            ) from error
        except RecursionError:
            raise WengertTypeError(
                f"{self.name}: its forward rule calls the function itself on the tangents, so that "
                "reverse mode, the transpose of the rule, never ends. Give it a reverse rule "
                "beside it: wengert.primitive(function, vjp, jvp)"
            ) from None

    def _check_linear(self, ins: Sequence[Any], outs: Sequence[Any]) -> None:
        """Refuse, once, a forward rule that is not linear in the tangents: it has no transpose."""
        leaves = tuple([_value(x) for x in (*ins, *outs)])
        avals = [aval_of(x) for x in ins]
        avals = [a if a.dtype.kind in "fc" else Aval(a.shape, np.dtype(float)) for a in avals]
        program = self._forward.recorded((*leaves, *avals))
        fault = ""
        unknown = program is None
        if program is not None:
            tangents = program.inputs[len(program.inputs) - len(ins) :]
            operation, unknown = nonlinear_operation(program, tangents)
            if operation is not None:
                fault = f"it applies {operation} to them"
            elif not is_zero_at_zero(program, len(ins)):
                fault = "where they are zero, what it returns is not"
        if unknown and not fault:
            points = [arbitrary(x) if type(x) is Aval else x for x in leaves]
            if not looks_linear(lambda *ts: self._forward.function(*points, *ts), avals):
                fault = "for -3 times the tangents it does not return -3 times as much"
        if fault:
            raise WengertValueError(
                f"{self.name}: the forward rule is not linear in the tangents: {fault}. Reverse "
                "mode is the transpose of the rule, which only a linear one has"
            )
        self._known_linear = True

    def _transposed_reverse(self, *leaves: Any) -> list[Any]:
        """The forward rule from the reverse rule, at ``(*ins, *outs, *tangents)``."""
        ins, outs, ts = (
            leaves[: self.arity],
            leaves[self.arity : -self.arity],
            leaves[-self.arity :],
        )
        try:
            return _transpose(lambda *cts: self._reverse(*cts, *ins, *outs), outs, ts)
        except WengertError as error:
            raise WengertTypeError(
                f"{self.name} has only a reverse rule, and forward mode (jvp, jacfwd) "
                f"could not be derived from it ({type(error).__name__}: {error}). Give it a "
                "forward rule with wengert.custom_jvp, which serves both modes"
            ) from error

    def _like_out(self, *leaves: Any) -> list[Aval]:
        return [aval_of(y) for y in leaves[self.arity : -self.arity]]

    def _like_in(self, *leaves: Any) -> list[Aval]:
        count = (len(leaves) - self.arity) // 2
        return [aval_of(_zeros(x)) for x in leaves[count : count + self.arity]]

    # -------------------------------------------------------------- batching

    def batched(self, flags: tuple[bool, ...]) -> CustomOperation:
        """The operation on operands of which those flagged have a batch axis first."""
        if flags not in self._batched:
            forward, reverse = self._given
            # Of the rules what they return was checked, and has numbers in place of None.
            self._batched[flags] = CustomOperation(
                self.name,
                self._primal.batched(flags),
                self._batched_forward(flags) if forward else None,
                self._batched_reverse(flags) if reverse else None,
                self.arity,
                undefined=self._undefined,
            )
        return self._batched[flags]

    def _batched_forward(self, flags: tuple[bool, ...]) -> UserFunction:
        def call(*leaves: Any) -> list[Any]:
            outs = (True,) * (len(leaves) - 2 * self.arity)
            return self._forward.batched((*flags, *outs, *flags))(*leaves)

        return UserFunction(self._forward.name, call, self._like_out)

    def _batched_reverse(self, flags: tuple[bool, ...]) -> UserFunction:
        def call(*leaves: Any) -> list[Any]:
            outs = (True,) * ((len(leaves) - self.arity) // 2)
            cotangents = self._reverse.batched((*outs, *flags, *outs))(*leaves)
            # An operand that all examples share gets the sum of their cotangents.
            return [c if b else np.sum(c, axis=0) for c, b in zip(cotangents, flags, strict=True)]

        return UserFunction(self._reverse.name, call, self._like_in)


def _transpose(
    linear: Callable[..., Sequence[Any]], ins: Sequence[Any], cts: Sequence[Any]
) -> list[Any]:
    """The transpose of ``linear``, whose arguments are like ``ins``, applied to ``cts``."""
    scope = Scope()
    inputs: list[Any] = []
    ids: list[int | None] = []
    for x in ins:
        zero = _zeros(x)
        a = zero._a if isinstance(zero, Tensor) else zero
        if not _is_float(x):
            inputs.append(zero)
            ids.append(None)
            continue
        k = next_id()
        inputs.append(handle(a, [k, INPUT, None, None, None, type(a) is Var, scope], None))
        ids.append(k)
    with tracing_user():
        outs = list(linear(*inputs))
    scope.active = False
    pairs = [
        (y._n, c)
        for y, c in zip(outs, cts, strict=True)
        if isinstance(y, Tensor) and y._n is not None
    ]
    stops = frozenset(k for k in ids if k is not None)
    cotangents: dict[int, Any] = {}
    if pairs and stops:
        roots = tuple([n for n, _ in pairs])
        root = [next_id(), JOIN, roots, None, None, None, None, None, 0, None]
        cotangents = sweep(root, [c for _, c in pairs], stops)[0]
    return [
        _zeros(x) if k is None or k not in cotangents else cotangents[k]
        for x, k in zip(ins, ids, strict=True)
    ]
