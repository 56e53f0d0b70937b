"""A function recorded once and run again without its Python code."""

# A face of the package, as __init__ is: it may reach below the public interface.
from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from wengert import Tensor, WengertTypeError, WengertValueError, tree
from wengert.core.program import Program, evaluate
from wengert.core.replay import program_of_tape
from wengert.tracer import getval

__all__ = ["const_graph", "const_graph_unary"]

Function = Callable[..., Any]


def const_graph_unary(fun: Function) -> Function:
    """`const_graph` for a function of one argument."""
    known: list[tuple[Program, Any, Any]] = []

    def recorded(x: Any) -> Any:
        leaves, spec = tree.flatten(x)
        if not known:
            inputs = [Tensor(np.array(getval(leaf)), requires_grad=True) for leaf in leaves]
            outs, out_spec = tree.flatten(fun(tree.unflatten(spec, inputs)))
            if not any(isinstance(y, Tensor) and y.requires_grad for y in outs):
                raise WengertValueError(
                    "const_graph: the output does not depend on the argument, so nothing was "
                    "recorded"
                )
            known.append((program_of_tape(outs, inputs), spec, out_spec))
        program, expected, out_spec = known[0]
        if spec != expected:
            raise WengertTypeError(
                f"const_graph: recorded for arguments of structure {expected}, called with {spec}"
            )
        results = evaluate(program, leaves)
        return tree.unflatten(out_spec, results)

    return recorded


def const_graph(fun: Function, *args: Any, **kwargs: Any) -> Function:
    """``fun(*args, *more, **kwargs)`` as a function of ``more``, recorded at the first call.

    Later calls run what was recorded: Python's branches and loops are those of the first call.
    Can be differentiated. The arguments must be floats, arrays of floats or containers of them.
    """

    def of_tuple(more: Any) -> Any:
        return fun(*args, *more, **kwargs)

    unary = const_graph_unary(of_tuple)

    @functools.wraps(fun)
    def recorded(*more: Any) -> Any:
        return unary(more)

    return recorded
