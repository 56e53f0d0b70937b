"""`linear_transpose`: the transpose of a linear function."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..core import algebra, pytree
from ..core.abstract import Aval, Var, aval_of
from ..core.bind import refresh
from ..core.errors import WengertTypeError, WengertValueError
from ..core.liveness import Scope
from ..core.program import Program, evaluate, pruned
from ..core.recorder import record
from ..core.state import next_id
from ..core.sweep import sweep
from ..core.tape import INPUT, JOIN
from ..core.tensor import RareTensor, Tensor, handle
from .boundary import any_tensor, check_function, name_of, release, seed_like, tracing_user

__all__ = ["linear_transpose"]

Function = Callable[..., Any]


def linear_transpose(function: Function, /, *examples: Any, **kwargs: Any) -> Function:
    """The transpose of a linear function.

    Parameters
    ----------
    function : callable
        Linear in all its arguments together. It is recorded on shapes.
    *examples : arrays or containers
        Like the arguments; only shapes and dtypes matter.
    **kwargs :
        Keyword arguments of ``function``: constants.

    Returns
    -------
    callable
        ``cotangent -> tuple`` of one cotangent for each argument, such that ``sum(ct * f(x))``
        equals ``sum(transpose(ct) * x)``. For a matrix ``A``, the transpose of ``x -> A @ x`` is
        ``y -> A.T @ y``. Its attribute ``program`` is what it evaluates.

    Raises
    ------
    WengertValueError
        If ``function`` is not linear.

    Examples
    --------
    >>> import numpy as np, wengert as wg
    >>> reversed_sum = wg.linear_transpose(np.cumsum, np.zeros(3))
    >>> reversed_sum(np.array([1.0, 0.0, 0.0]))
    (array([1., 0., 0.]),)
    """
    check_function("linear_transpose", function)
    name = f"linear_transpose of {name_of(function)}"
    paths, leaves, spec = pytree.flatten_with_paths(examples)
    avals = []
    for path, x in zip(paths, leaves, strict=True):
        a = aval_of(x)
        if a.dtype.kind not in "fc":
            raise WengertTypeError(f"{name}: argument {path} has dtype {a.dtype}; it must be float")
        avals.append(Aval(a.shape, a.dtype))
    out_spec: Any = None

    def flat(*xs: Any) -> list[Any]:
        nonlocal out_spec
        outs, out_spec = pytree.flatten(function(*pytree.unflatten(spec, xs), **kwargs))
        return outs

    with tracing_user():
        forward = record(flat, avals)
    outs = [Aval(a.shape, a.dtype) for a in map(aval_of, forward.outputs)]
    program = _transposed(forward, avals, outs, name)
    _refuse_affine(forward, avals, name)
    keep_captured = any(_matters(obj) for _, obj in program.captured)

    def transpose(cotangent: Any) -> Any:
        try:
            cts = pytree.flatten_up_to(out_spec, cotangent)
        except ValueError as error:
            raise WengertValueError(
                f"{name}: the cotangent must have the structure of the output: {error}"
            ) from None
        seeds = [
            seed_like(o, c, lambda: f"{name}: cotangent") for o, c in zip(outs, cts, strict=True)
        ]
        results = evaluate(program, seeds)
        keep = keep_captured or any_tensor(cotangent)
        for r in results:
            if isinstance(r, Tensor):
                refresh(r)
        cast = [algebra.cast_like(r, a.dtype) for r, a in zip(results, avals, strict=True)]
        return pytree.unflatten(spec, [release(r, keep) for r in cast])

    transpose.program = program  # type: ignore[attr-defined]
    return transpose


def _matters(x: Any) -> bool:
    return isinstance(x, Tensor) and (
        x._n is not None or type(x._a) is Var or (type(x) is RareTensor and bool(x._x.tangents))
    )


def _transposed(
    forward: Program, avals: Sequence[Aval], outs: Sequence[Aval], name: str
) -> Program:
    """The Program from the outputs' cotangents to the inputs'."""
    count = len(outs)

    def backward(*given: Any) -> list[Any]:
        cts, points = given[:count], given[count:]
        scope = Scope()
        ids = [next_id() for _ in points]
        inputs = [
            handle(x._a, [k, INPUT, None, None, None, True, scope], None)
            for k, x in zip(ids, points, strict=True)
        ]
        pairs = [
            (y._n, c)
            for y, c in zip(evaluate(forward, inputs), cts, strict=True)
            if isinstance(y, Tensor) and y._n is not None
        ]
        scope.active = False
        found: dict[int, Any] = {}
        if pairs:
            roots = tuple([n for n, _ in pairs])
            root = [next_id(), JOIN, roots, None, None, None, None, None, 0, None]
            found = sweep(root, [c for _, c in pairs], frozenset(ids))[0]
        return [
            found[k] if k in found else algebra.zeros_like(x)
            for k, x in zip(ids, points, strict=True)
        ]

    program = pruned(record(backward, [*outs, *avals]))
    points = set(program.inputs[count:])
    if any(x in points for e in program.equations for x in e.inputs if type(x) is Var):
        raise WengertValueError(
            f"{name}: the function is not linear: its derivative depends on its argument"
        )
    return Program(program.inputs[:count], program.captured, program.equations, program.outputs)


def _refuse_affine(forward: Program, avals: Sequence[Aval], name: str) -> None:
    """Refuse a function that is not zero at zero, as far as its constants have values."""
    if any(type(obj) is RareTensor and type(obj._a) is Var for _, obj in forward.captured):
        return
    for y in evaluate(forward, [np.zeros(a.shape, a.dtype) for a in avals]):
        value = y._a if isinstance(y, Tensor) else y
        if np.any(value):
            raise WengertValueError(
                f"{name}: the function is not linear: its value at zero is not zero"
            )
