"""From the tape to a Program: what was recorded on values, as a straight-line program.

Every node keeps its operation, its parameters and its constant operands, so whatever was recorded
can be run again on other inputs, printed, transformed or compiled.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .abstract import Aval
from .bind import refresh
from .errors import MutationError, WengertTypeError, WengertValueError
from .ownership import snapshot
from .program import Program, interpret
from .recorder import Recording
from .tape import INPUT, LEAF, OUTPUT, Node
from .tensor import Tensor

__all__ = ["program_of_tape", "trace_tape"]


def program_of_tape(outputs: Sequence[Any], inputs: Sequence[Tensor]) -> Program:
    """The computation that led from ``inputs`` to ``outputs``.

    Parameters
    ----------
    outputs : sequence of Tensor or array
    inputs : sequence of Tensor
        Tensors that require gradients, or inputs of a transform. Every other value that the
        computation read (arrays, other leaves) becomes a captured input with its value.

    Returns
    -------
    Program
        Branches that Python took while recording are not in it: for other inputs it is what that
        branch computes. Its captured arrays are copies.

    Raises
    ------
    MutationError
        If an array has been changed since it was used. The tape keeps no copy of a plain operand
        whose values no derivative needs (``c`` in ``x + c``), so the Program is evaluated and
        compared with the outputs.

    Examples
    --------
    >>> import numpy as np, wengert as wg
    >>> x = wg.Tensor(2.0, requires_grad=True)
    >>> print(program_of_tape([np.sin(x) * x], [x]))
    inputs    a:float64[]
    b:float64[] = sin(a)
    c:float64[] = mul(b, a)
    outputs   c
    """
    program = trace_tape(outputs, inputs)[0]
    _check_values(program, outputs, inputs)
    return program


def _check_values(program: Program, outputs: Sequence[Any], inputs: Sequence[Tensor]) -> None:
    """Refuse a Program that does not compute what was recorded."""
    held = [y._a if isinstance(y, Tensor) else y for y in outputs]
    if any(isinstance(a, Aval) for a in [*held, *(t._a for t in inputs)]):
        return  # shapes alone: nothing to compare
    with np.errstate(all="ignore"):
        found = interpret(program, [t._a for t in inputs])
        for before, now in zip(held, found, strict=True):
            if not _equal_to_rounding(before, now):
                raise MutationError(
                    "program_of_tape: an array has been changed since the computation used it; "
                    "use a new array instead, or ask for the Program before the change"
                )


def _equal_to_rounding(a: Any, b: Any) -> bool:
    a, b = np.asarray(a), np.asarray(b)
    if a.dtype.kind not in "fc":
        return np.array_equal(a, b)
    tolerance = 64 * float(np.finfo(a.dtype).eps)
    scale = float(np.max(np.abs(a), initial=0.0, where=np.isfinite(a)))
    return np.allclose(a, b, tolerance, tolerance * scale, equal_nan=True)


def trace_tape(outputs: Sequence[Any], inputs: Sequence[Tensor]) -> tuple[Program, dict[int, Any]]:
    """Like `program_of_tape`, with the variable of each tape node by its id, and unchecked."""
    recording = Recording()
    variables: dict[int, Any] = {}
    for t in inputs:
        refresh(t)
        if t._n is None:
            raise WengertValueError(
                "program_of_tape: an input that does not require gradients is not on the tape"
            )
        variables[t._n[0]] = recording.input(Aval(t.shape, t.dtype))._a
    for y in outputs:
        if isinstance(y, Tensor):
            refresh(y)
    roots = [y._n for y in outputs if isinstance(y, Tensor) and y._n is not None]
    copies: dict[int, tuple[Any, Any]] = {}
    for node in _needed(roots, variables):
        variables[node[0]] = _translate(node, recording, variables, copies)
    results = []
    for y in outputs:
        if isinstance(y, Tensor):
            y = y._a if y._n is None else variables[y._n[0]]
        results.append(y)
    return recording.close(results), variables


def _parents(node: Node) -> Any:
    return node[2] if node[1].wide else node[2:4]


def _needed(roots: list[Node], known: dict[int, Any]) -> list[Node]:
    """The nodes between ``roots`` and the known ones, oldest first."""
    found: dict[int, Node] = {}
    stack = list(roots)
    while stack:
        node = stack.pop()
        if node[0] in known or node[0] in found:
            continue
        found[node[0]] = node
        stack.extend(p for p in _parents(node) if p is not None)
    return [found[k] for k in sorted(found)]


def _translate(
    node: Node,
    recording: Recording,
    variables: dict[int, Any],
    copies: dict[int, tuple[Any, Any]],
) -> Any:
    """The variable of a node (a tuple of them for an operation with several outputs).

    ``copies`` has by their ids the plain arrays met so far and what stands for them.
    """
    kind = node[1]
    if kind is OUTPUT:
        return variables[node[2][0]][node[5]]
    if kind is INPUT and node[2] is not None:
        return variables[node[2][0]]
    if kind is LEAF:
        t = node[-1]()
        if t is None or t._n is not node:
            raise WengertValueError("program_of_tape: a Tensor that was used no longer exists")
        a = t.detach()._a
        return recording.capture(a, a) if isinstance(a, np.ndarray) and a.ndim else a
    if kind is INPUT:
        raise WengertTypeError(
            "program_of_tape: the computation starts from an argument of a transform that is not "
            "among the inputs"
        )
    if kind.primitive is None:
        raise WengertTypeError(
            f"program_of_tape: the operation {node[7] or 'made by Tensor(..., grad_fn)'} is the "
            "user's own and cannot be run again"
        )
    parents, operands, params, _, _ = kind.decode(node)
    ins = []
    for parent, x in zip(parents, operands, strict=True):
        if parent is not None:
            ins.append(variables[parent[0]])
        else:
            x = x._a if isinstance(x, Tensor) else x
            if type(x) is np.ndarray:
                x = copies.setdefault(id(x), (x, snapshot(x)))[1]
            ins.append(x)
    return recording.emit(kind.primitive, tuple(ins), params)
