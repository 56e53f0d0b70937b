"""One operation made from a user's function and a user's derivative rule.

The rule may be forward (a jvp) or reverse (a vjp); the other direction is derived by transposing
what the rule does to the tangents or cotangents, in which it is linear.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..core import algebra
from ..core.abstract import Aval, Var, aval_of
from ..core.bind import bind
from ..core.errors import WengertError, WengertTypeError
from ..core.liveness import Scope
from ..core.primitive import Primitive
from ..core.state import next_id
from ..core.sweep import sweep
from ..core.tape import INPUT, JOIN
from ..core.tensor import Tensor, handle
from .boundary import tracing_user
from .user_function import Saved, UserFunction, checked, plain_result, read_only

__all__ = ["CustomOperation"]


def _zeros(x: Any) -> Any:
    """A zero tangent; that of an integer is a float."""
    dtype = aval_of(x).dtype
    return algebra.zeros_like(x, dtype if dtype.kind in "fc" else np.float64)


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
    ) -> None:
        self.name = name
        self.arity = arity
        self._primal = primal
        self._given = (forward, reverse)
        self._forward = forward or UserFunction(
            f"{name}_jvp", self._transposed_reverse, self._like_out
        )
        self._reverse = reverse or UserFunction(
            f"{name}_vjp", self._transposed_forward, self._like_in
        )
        self._save = save
        self._reverse_saved = reverse_saved
        self._batched: dict[tuple[bool, ...], CustomOperation] = {}
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
        results = function(*map(read_only, ins))
        outs = tuple([plain_result(y, self.name) for y in results])
        self.primitive.outputs = len(outs)
        if isinstance(results, Saved):
            saved = Saved(outs)
            saved.residuals = results.residuals
            return saved
        return outs

    def _shape(self, *ins: Any) -> tuple[tuple[Any, Any], ...]:
        avals = self._primal.shapes(ins)
        self.primitive.outputs = len(avals)
        return tuple([(a.shape, a.dtype) for a in avals])

    def _batch(self, args: Any, batched: Any, size: int) -> Any:
        return bind(self.batched(tuple(batched)).primitive, args, {})

    def _jvp(self, tangents: Any, ins: Any, outs: Any) -> Any:
        ts = [_zeros(x) if t is None else t for x, t in zip(ins, tangents, strict=True)]
        results = checked(
            self._forward(*ins, *outs, *ts), outs, f"{self.name}: the tangent of the output"
        )
        return [
            algebra.cast_like(t, y.dtype) if t is not None and _is_float(y) else None
            for t, y in zip(results, outs, strict=True)
        ]

    def _vjp(self, cts: Any, ins: Any, outs: Any) -> Any:
        where = f"{self.name}: the cotangent of an argument"
        cts = [_zeros(y) if c is None else c for c, y in zip(cts, outs, strict=True)]
        if isinstance(outs, Saved) and self._reverse_saved is not None:
            if not any(isinstance(x, Tensor) for x in (*cts, *ins)):
                return checked(self._reverse_saved(outs.residuals, cts), ins, where)
        return checked(self._reverse(*cts, *ins, *outs), ins, where)

    # -------------------------------------------------------------- the derived direction

    def _transposed_forward(self, *leaves: Any) -> list[Any]:
        """The reverse rule from the forward rule, at ``(*cts, *ins, *outs)``."""
        count = (len(leaves) - self.arity) // 2
        cts, ins, outs = (
            leaves[:count],
            leaves[count : count + self.arity],
            leaves[count + self.arity :],
        )
        return _transpose(lambda *ts: self._forward(*ins, *outs, *ts), ins, cts)

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
                f"{self.name} has only a reverse rule, and forward mode (jvp, jacfwd, hessian) "
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
            self._batched[flags] = CustomOperation(
                self.name,
                self._primal.batched(flags),
                None if forward is None else self._batched_forward(forward, flags),
                None if reverse is None else self._batched_reverse(reverse, flags),
                self.arity,
            )
        return self._batched[flags]

    def _batched_forward(self, forward: UserFunction, flags: tuple[bool, ...]) -> UserFunction:
        def call(*leaves: Any) -> list[Any]:
            outs = (True,) * (len(leaves) - 2 * self.arity)
            return forward.batched((*flags, *outs, *flags))(*leaves)

        return UserFunction(forward.name, call, self._like_out)

    def _batched_reverse(self, reverse: UserFunction, flags: tuple[bool, ...]) -> UserFunction:
        def call(*leaves: Any) -> list[Any]:
            outs = (True,) * ((len(leaves) - self.arity) // 2)
            cotangents = reverse.batched((*outs, *flags, *outs))(*leaves)
            # An operand that all examples share gets the sum of their cotangents.
            return [c if b else np.sum(c, axis=0) for c, b in zip(cotangents, flags, strict=True)]

        return UserFunction(reverse.name, call, self._like_in)


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
