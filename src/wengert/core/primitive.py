"""The record of one operation: what it computes, its shape, its derivative, batching and lowering.

Everything else (forward mode, reverse mode, higher orders, vmap, the listing, the compiler) derives
from this record. A derivative is given in exactly one of five ways:

``partials``
    For pointwise operations: one function ``(y, *x) -> dy/dx_i`` per operand, or the constants 1
    and -1, or None where the output does not depend differentiably on that operand.
``linear`` with ``transpose``
    The operation is linear in the operands at these positions taken together; ``transpose[i]`` is
    ``(ct, ins, out, **params) -> cotangent of operand i``. Of the linear operands it may use only
    shape and dtype. An operation on any number of operands has ``linear=EVERY`` and one function
    ``transpose(i, ct, ins, out, **params)``.
``multilinear`` with ``transpose``
    The operation is linear in each of these operands on its own (products); ``EVERY`` as above.
``jvp``
    ``(tangents, ins, out, **params) -> tangent of out``, linear in the tangents (None stands for
    zero); reverse mode transposes it. An operation that is linear in some operands for fixed others
    (``solve(a, b)`` in ``b``), and whose jvp calls the operation itself, gives ``linear`` and
    ``transpose`` for those operands as well: they serve where no other operand is differentiated.
``vjp``
    For the rules of users (`wengert.custom_vjp`, `wengert.primitive`) and fused operations:
    ``(ct, ins, out, **params) -> cotangents``, one for each operand, None for zero; for several
    outputs ``ct`` is a list with None for zero. Beside a ``jvp`` it replaces the transpose of that;
    without one, forward mode raises.

All rules are written with functions that take plain arrays and Tensors alike, so that the same rule
serves a first derivative on raw arrays and a nested one on Tensors.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .errors import WengertValueError
from .tape import NodeKind, wide_kind

__all__ = ["EVERY", "PRIMITIVES", "Primitive"]

Rule = Callable[..., Any]

PRIMITIVES: dict[str, Primitive] = {}

EVERY = range(2**31)  # "linear in all operands, however many"


class Primitive:
    """One operation. See the module's docstring for the meaning of the derivative fields.

    Parameters
    ----------
    name : str
        Unique; also the name in a Program's text.
    evaluate : callable
        ``(*arrays, **params) -> array`` (a tuple of arrays when ``outputs`` is given). Must not
        modify its arguments.
    shape : callable
        ``(*avals, **params) -> (shape, dtype)`` (a tuple of them when ``outputs`` is given).
    batch : callable
        ``(args, batched, size, **params) -> output with the batch axis first``; ``batched`` is a
        tuple of booleans, and batched operands have their batch axis first.
    show : str or callable, optional
        The operation as Python: a format string over operands ``{0}``, ``{1}`` and parameters by
        name, or ``(*operand_names, **params) -> str``.
    lower : object, optional
        What the compiler emits for it; None means a call back into ``evaluate``.
    alias : bool
        The output is a view of the first operand wherever NumPy makes one.
    plain : bool
        The result is not differentiable by its nature (comparisons, argmax): eager calls return
        plain arrays.
    outputs : int, optional
        The number of outputs of an operation that returns a tuple.
    needs_out : bool
        Whether ``transpose`` or ``jvp`` reads the output.
    contiguous : callable, optional
        ``(*avals, **params) -> bool``: whether the result is certain to be C-contiguous. Without
        it, if all operands are (or for a view, if its axes keep their order).
    array0d : bool or callable
        A 0-d result is a 0-d array and not a NumPy scalar: they differ under ``+=``. Where that
        depends on the call, ``(*avals, **params) -> bool``.
    """

    __slots__ = (
        "alias",
        "array0d",
        "batch",
        "contiguous",
        "differentiable",
        "evaluate",
        "jvp",
        "kind",
        "linear",
        "lower",
        "multilinear",
        "name",
        "needs_out",
        "outputs",
        "partials",
        "plain",
        "shape",
        "show",
        "transpose",
        "unread",
        "vjp",
    )

    def __init__(
        self,
        name: str,
        evaluate: Rule,
        shape: Rule,
        batch: Rule | None,
        *,
        partials: tuple[Rule | int | None, ...] | None = None,
        linear: tuple[int, ...] | range | None = None,
        multilinear: tuple[int, ...] | range | None = None,
        transpose: tuple[Rule | None, ...] | Rule | None = None,
        jvp: Rule | None = None,
        vjp: Rule | None = None,
        show: str | Rule | None = None,
        lower: object = None,
        alias: bool = False,
        plain: bool = False,
        outputs: int | None = None,
        needs_out: bool | None = None,
        contiguous: Callable[..., bool] | None = None,
        array0d: bool | Callable[..., bool] = False,
        register: bool = True,
    ) -> None:
        given = [
            partials is not None,
            linear is not None and jvp is None,
            multilinear is not None,
            jvp is not None or vjp is not None,
        ]
        if sum(given) > 1:
            raise WengertValueError(
                f"primitive {name!r}: give one of partials, linear, multilinear, "
                "jvp or vjp, not several"
            )
        if (linear is not None or multilinear is not None) != (transpose is not None):
            raise WengertValueError(f"primitive {name!r}: linear and multilinear need transpose")
        if register and name in PRIMITIVES:
            raise WengertValueError(f"primitive {name!r} exists already")
        self.name = name
        self.evaluate = evaluate
        self.shape = shape
        self.batch = batch
        self.partials = partials
        self.linear = linear
        # The operands of which no rule reads more than the shape and dtype: nodes keep no more.
        self.unread = linear if jvp is None else None
        if partials is not None and all(type(p) is int for p in partials):
            self.unread = EVERY
        self.multilinear = multilinear
        self.transpose = transpose
        self.jvp = jvp
        self.vjp = vjp
        self.show = show
        self.lower = lower
        self.alias = alias
        self.plain = plain
        self.outputs = outputs
        self.needs_out = (
            any(rule is not None for rule in (jvp, vjp, partials))
            if needs_out is None
            else needs_out
        )
        self.contiguous = contiguous
        self.array0d = array0d
        self.differentiable = sum(given) == 1 and not (
            partials is not None and all(p is None for p in partials)
        )
        self.kind: NodeKind = wide_kind(self)
        if register:
            PRIMITIVES[name] = self

    def __repr__(self) -> str:
        return self.name
