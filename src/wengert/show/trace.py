"""What a listing is made of: the Program of a function, and the names that its author uses."""

from __future__ import annotations

import inspect
import keyword
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from ..core import pytree
from ..core.abstract import Aval, Var
from ..core.bind import refresh
from ..core.errors import WengertError, WengertTypeError
from ..core.liveness import Scope
from ..core.masked import MaskedElements
from ..core.program import Program, pruned
from ..core.recorder import Recording
from ..core.replay import trace_tape
from ..core.state import innermost_recording, next_id
from ..core.tape import INPUT
from ..core.tensor import Tensor, handle
from ..transforms.boundary import as_input, name_of, tracing_user
from .expressions import identifier

__all__ = ["Input", "Trace", "trace_function", "variable_of"]

# Local variables of wengert and of NumPy are not the author's.
_NOT_WATCHED = (
    str(Path(__file__).parent.parent) + os.sep,
    str(Path(np.__file__).parent) + os.sep,
    "<frozen",
    "<__array",
)
_DEFAULT_NAMES = ("x", "y", "z", "u", "v", "w")


class Input:
    """One number or array among the arguments of the function.

    Attributes
    ----------
    name : str
        As the listing calls it: ``params_W1`` for ``params["W1"]``.
    value : array or scalar
        What the function was recorded with.
    differentiable : bool
    variable : Var
        In the Program; None if that does not know this input.
    """

    def __init__(self, name: str, value: Any, differentiable: bool) -> None:
        self.name = name
        self.value = value
        self.differentiable = differentiable
        self.variable: Var | None = None


def variable_of(x: Input) -> Var:
    """The variable of an input that the Program has."""
    assert x.variable is not None
    return x.variable


class Trace:
    """A recorded function.

    Attributes
    ----------
    name : str
        The function's.
    program : Program
        From the variables of ``inputs`` to the leaves of the result.
    inputs : list of Input
    arguments : list
        For each argument its name, its structure and its leaves: an `Input`, or a static value.
        Keyword arguments come last.
    keywords : list of str
        The names of the keyword arguments.
    out_spec : PyTreeSpec
        The structure of the result.
    hints : dict
        Names that the author gave to variables.
    surroundings : dict
        Names of arrays that the function reads from its module or its closure.
    values : list or None
        The leaves of the result, if the function was recorded on values.
    """

    values: list[Any] | None = None

    name: str
    program: Program
    inputs: list[Input]
    arguments: list[tuple[str, Any, list[Any]]]
    keywords: list[str]
    out_spec: Any
    hints: dict[Var, str]
    surroundings: dict[str, Any]


def trace_function(
    function: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    argnums: tuple[int, ...] | None,
) -> Trace:
    """Record ``function``: on shapes if it can be, else on the values of ``args``.

    A recording on shapes has the comparisons and the integer arithmetic as well, so it is the whole
    function for all arguments of these shapes. A function that branches on values is recorded as it
    runs for these values.
    """
    trace = Trace()
    trace.name = name_of(function)
    trace.keywords = list(kwargs)
    trace.arguments, trace.inputs = _arguments(function, args, kwargs, argnums)
    trace.surroundings = _surroundings(function)
    try:
        _record_on_shapes(function, trace)
    except WengertError:
        pass
    else:
        trace.program = pruned(trace.program)
        return trace
    _record_on_values(function, trace)
    trace.program = pruned(trace.program)
    return trace


# ------------------------------------------------------------------ arguments


def _arguments(
    function: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    argnums: tuple[int, ...] | None,
) -> tuple[list[tuple[str, Any, list[Any]]], list[Input]]:
    names = [*_argument_names(function, len(args)), *kwargs]
    arguments: list[tuple[str, Any, list[Any]]] = []
    inputs: list[Input] = []
    taken: set[str] = set()
    for i, (name, arg) in enumerate(zip(names, [*args, *kwargs.values()], strict=True)):
        paths, leaves, spec = pytree.flatten_with_paths(arg)
        found: list[Any] = []
        for path, leaf in zip(paths, leaves, strict=True):
            value = _as_value(leaf)
            if value is None:
                found.append(leaf)
                continue
            is_float = value.dtype.kind in "fc"
            wanted = i < len(args) and (argnums is None or i in argnums)
            if argnums is not None and wanted and not is_float:
                raise WengertTypeError(
                    f"show of {name_of(function)}: argument {i}{path} has dtype {value.dtype}; to "
                    "differentiate with respect to it, cast it with .astype(float)"
                )
            label = _identifier(name + path)
            while label in taken:
                label += "_"
            taken.add(label)
            found.append(Input(label, value, is_float and wanted))
            inputs.append(found[-1])
        arguments.append((name, spec, found))
    return arguments, inputs


def _argument_names(function: Callable[..., Any], count: int) -> list[str]:
    """The parameters' names; ``xs_0``, ``xs_1`` for ``*xs``."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    names: list[str] = []
    for p in parameters:
        if p.kind is p.VAR_POSITIONAL:
            names.extend(f"{p.name}_{k}" for k in range(count - len(names)))
            break
        names.append(p.name)
    if isinstance(function, np.ufunc) or len(names) < count:
        names = [_DEFAULT_NAMES[i] if i < len(_DEFAULT_NAMES) else f"x{i}" for i in range(count)]
    return names[:count]


def _identifier(path: str) -> str:
    name = identifier(path)
    return f"{name}_" if keyword.iskeyword(name) or name in ("np", "scipy") else name


def _as_value(leaf: Any) -> Any:
    """A leaf as the array or scalar that enters the Program; None for static ones.

    Python integers are static: they count, index and choose.
    """
    if isinstance(leaf, Tensor):
        refresh(leaf)
        return leaf._concrete("show")
    if isinstance(leaf, np.ndarray) and leaf.dtype.kind in "biufc":
        return leaf.copy()
    if isinstance(leaf, np.floating | np.complexfloating):
        return leaf
    if isinstance(leaf, float):
        return np.float64(leaf)
    if isinstance(leaf, complex):
        return np.complex128(leaf)
    return None


def _call(function: Callable[..., Any], trace: Trace, values: dict[Input, Any]) -> Any:
    args = []
    for _, spec, leaves in trace.arguments:
        new = [values.get(x, x.value) if isinstance(x, Input) else x for x in leaves]
        args.append(pytree.unflatten(spec, new))
    count = len(args) - len(trace.keywords)
    return function(*args[:count], **dict(zip(trace.keywords, args[count:], strict=True)))


# ------------------------------------------------------------------ recording


def _record_on_shapes(function: Callable[..., Any], trace: Trace) -> None:
    recording = Recording()
    values: dict[Input, Any] = {}
    for x in trace.inputs:
        t = recording.input(Aval(x.value.shape, x.value.dtype))
        x.variable = t._a
        t._a.scalar = not isinstance(x.value, np.ndarray)
        values[x] = t
    names = _LocalNames(function, lambda t: t._a if type(t._a) is Var else None)
    try:
        with innermost_recording(recording):
            with tracing_user(), names.watched():
                y = _call(function, trace, values)
            outs, trace.out_spec = pytree.flatten(y)
            outputs = []
            for o in outs:
                if isinstance(o, MaskedElements):
                    raise o.refused("a result x[mask]")
                if isinstance(o, Tensor):
                    refresh(o)
                o = recording.lift(o)
                outputs.append(o._a if isinstance(o, Tensor) else o)
    finally:
        recording.open = False
    trace.program = recording.close(outputs)
    trace.hints = names.found


def _record_on_values(function: Callable[..., Any], trace: Trace) -> None:
    scope = Scope()
    values: dict[Input, Any] = {}
    for x in trace.inputs:
        x.variable = None
        if x.value.dtype.kind in "fc":
            a, _, _ = as_input(x.value, lambda: "show")
            values[x] = handle(a, [next_id(), INPUT, None, None, None, False, scope], None)
    tensors = list(values.values())
    ids = [t._n[0] for t in tensors]
    names = _LocalNames(function, lambda t: t._n[0] if t._n is not None else None)
    with tracing_user(), names.watched():
        y = _call(function, trace, dict(values))
    scope.active = False
    outs, trace.out_spec = pytree.flatten(y)
    trace.values = [o.detach()._a if isinstance(o, Tensor) else o for o in outs]
    # What the function wrote into its arguments is no longer on the handles: make new ones.
    inputs = [
        handle(t._a, [k, INPUT, None, None, None, False, scope], None)
        for k, t in zip(ids, tensors, strict=True)
    ]
    trace.program, variables = trace_tape(outs, inputs)
    for x, v in zip(values, trace.program.inputs, strict=True):
        x.variable = v
    trace.hints = {
        variables[k]: name
        for k, name in names.found.items()
        if k in variables and type(variables[k]) is Var
    }


# ------------------------------------------------------------------ names


class _LocalNames:
    """The local variables that hold traced values while the user's functions run.

    Read off the frames at every line, with the interpreter's trace hook (what a debugger uses). The
    outermost function's name for a value wins, then the first one.
    """

    def __init__(self, function: Callable[..., Any], key: Callable[[Tensor], Any]) -> None:
        self._code = getattr(inspect.unwrap(function), "__code__", None)
        self._key = key
        self._depth: dict[Any, int] = {}
        self._kept: list[Any] = []
        self.found: dict[Any, str] = {}

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Watch what runs in this block."""
        before = sys.gettrace()
        sys.settrace(self._on_call)
        try:
            yield
        finally:
            sys.settrace(before)

    def _on_call(self, frame: Any, event: str, argument: Any) -> Any:
        filename = frame.f_code.co_filename
        if frame.f_code is not self._code and filename.startswith(_NOT_WATCHED):
            return None
        return self._on_line

    def _on_line(self, frame: Any, event: str, argument: Any) -> Any:
        depth = 0
        outer = frame.f_back
        while outer is not None:
            depth += 1
            outer = outer.f_back
        for name, value in frame.f_locals.items():
            if not isinstance(value, Tensor) or not name.isidentifier():
                continue
            key = self._key(value)
            if key is None or depth >= self._depth.get(key, sys.maxsize):
                continue
            self._depth[key] = depth
            self._kept.append(value)
            self.found[key] = name
        return self._on_line


def _surroundings(function: Callable[..., Any]) -> dict[str, Any]:
    """Arrays that the function can see in its module, its closure or its object."""
    inner = inspect.unwrap(function)
    owner = getattr(inner, "__self__", None if inspect.isfunction(inner) else inner)
    found: dict[str, Any] = dict(getattr(owner, "__dict__", {}))
    module = getattr(inner, "__globals__", {})
    code = getattr(inner, "__code__", None)
    if code is not None:
        found.update({name: module[name] for name in code.co_names if name in module})
        cells = getattr(inner, "__closure__", None) or ()
        for name, cell in zip(code.co_freevars, cells, strict=False):
            try:
                found[name] = cell.cell_contents
            except ValueError:  # an empty cell
                continue
    return {name: x for name, x in found.items() if isinstance(x, np.ndarray | Tensor)}
