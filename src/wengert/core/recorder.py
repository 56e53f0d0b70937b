"""Recording on shapes: run a function on abstract values and keep what it did as a `Program`."""

from __future__ import annotations

import gc
from _weakref import ref
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from . import debugging
from .abstract import Aval, Var
from .bind import refresh
from .errors import AbstractValueError, MutationError
from .ownership import snapshot
from .primitive import PRIMITIVES, Primitive
from .program import Equation, Program
from .quiet import is_quiet
from .state import DEBUGGED, LOCAL, innermost_recording, next_id, tracing
from .tensor import RareTensor, Tensor, handle

__all__ = ["Recording", "innermost", "lift_plain", "record"]

ndarray = np.ndarray


class Recording:
    """The equations of an open recording. Its id orders it among tape nodes and tangent levels."""

    __slots__ = (
        "_captured",
        "_overwritten",
        "_plain",
        "equations",
        "id",
        "inputs",
        "lifts",
        "open",
    )

    def __init__(self, lifts: bool = False) -> None:
        self.lifts = lifts
        self.id = next_id()
        self.inputs: list[Var] = []
        self.equations: list[Equation] = []
        self._captured: dict[tuple[int, int], tuple[Var, Any, Any, Any]] = {}
        self._plain: dict[int, tuple[Any, Any, Var]] = {}
        self._overwritten: list[tuple[Any, Any, Any]] = []
        self.open = True

    def input(self, aval: Aval, contiguous: bool = True) -> Tensor:
        """A new input as an abstract Tensor."""
        v = Var(aval.shape, aval.dtype, self, contiguous)
        if type(aval) is Var:
            v.scalar, v.weak = aval.scalar, aval.weak
        self.inputs.append(v)
        return handle(v, None, None)

    def capture(self, obj: Any, a: Any, node: Any = None) -> Var:
        """The hidden input that stands for an array, Tensor or outer abstract value."""
        key = (id(a), id(node))
        entry = self._captured.get(key)
        if entry is None:
            if isinstance(a, ndarray):
                contiguous = bool(a.flags.c_contiguous)
            else:
                contiguous = type(a) is not Var or a.contiguous
            entry = (Var(a.shape, a.dtype, self, contiguous), obj, a, node)
            self._captured[key] = entry
        return entry[0]

    def capture_plain(self, a: Any) -> Var:
        """The hidden input that stands for a plain array as it is now.

        The function may fill one buffer again and again while it is recorded; each content that is
        used is a hidden input of its own.
        """
        entry = self._plain.get(id(a))
        if self.lifts:
            if entry is None:
                entry = self._plain[id(a)] = (a, a.copy(), self.capture(a, a))
            elif not _same_content(entry[1], a):
                self._fix(entry)
                entry = self._plain[id(a)] = (a, a.copy(), self.capture(a, a))
            return entry[2]
        if entry is None or not _same_content(entry[1], a):
            kept = snapshot(a)
            entry = self._plain[id(a)] = (a, kept, self.capture(kept, kept))
        return entry[2]

    def _fix(self, entry: tuple[Any, Any, Var]) -> None:
        """Let a hidden input stand for the content that an array had, and not for the array.

        What changes while the function runs is a buffer of its own.
        """
        a, kept, v = entry
        del self._captured[id(a), id(None)]
        self._captured[id(kept), id(None)] = (v, kept, kept, None)

    def lift(self, x: Any) -> Any:
        """Any operand as one that belongs to this recording. Scalars without a history stay."""
        if isinstance(x, Tensor):
            a = x._a
            if type(a) is Var and a.recording is self:
                return x
            tangents = x._x.tangents if type(x) is RareTensor else {}
            inner = {k: t for k, t in tangents.items() if k > self.id}
            if type(a) is Var or a.ndim or x._n is not None or tangents:
                # A snapshot, not the user's handle: later writes to it must not be seen here.
                outer = handle(a, x._n, {k: t for k, t in tangents.items() if k < self.id})
                return handle(self.capture(outer, a, x._n), x._n, inner)
            return a
        if type(x) is ndarray:
            return handle(self.capture_plain(x), None, None) if x.ndim else x.copy()
        return x

    def emit(self, primitive: Primitive, ins: tuple[Any, ...], params: dict[str, Any]) -> Any:
        """Append an equation; its output as a `Var` (a tuple of them for several outputs)."""
        if not self.open:
            raise AbstractValueError(
                f"{primitive.name}: an abstract value is used after its recording has ended; a "
                "function under vmap or jit must not store its values outside, and the rule of a "
                "custom function inside must not capture them (pass them as arguments)"
            )
        ins = tuple([self.capture(a, a) if type(a) is ndarray and a.ndim else a for a in ins])
        result = primitive.shape(*ins, **params)
        if primitive.outputs is None:
            shape, dtype = result
            array0d: Any = primitive.array0d
            if not shape and callable(array0d):
                array0d = array0d(*ins, **params)
            shape = tuple(shape)
            ordered = len(shape) < 2 or _in_c_order(primitive, ins, params)
            v = Var(shape, np.dtype(dtype), self, ordered, scalar=not shape and not array0d)
            v.weak = not shape and _is_weak(primitive, ins)
            self._append(Equation(primitive, ins, params, (v,), is_quiet()))
            return v
        outs = tuple([Var(tuple(s), np.dtype(d), self, scalar=not s) for s, d in result])
        self._append(Equation(primitive, ins, params, outs, is_quiet()))
        return outs

    def _append(self, equation: Equation) -> None:
        if DEBUGGED:
            equation.origin = debugging.origin_of_equation(
                equation.primitive, equation.params, equation.inputs
            )
        self.equations.append(equation)

    def constant(self, value: Any, shape: tuple[int, ...], dtype: Any) -> Tensor:
        """An array filled with ``value`` that belongs to this recording, and so accepts writes."""
        scalar = np.dtype(dtype).type(value)
        v = self.emit(PRIMITIVES["broadcast_to"], (scalar,), {"shape": tuple(shape)})
        return handle(v, None, None)

    def will_overwrite(self, t: Tensor) -> None:
        """Remember a Tensor that is about to take an abstract value of this recording over."""
        self._overwritten.append((ref(t), t._a, t._n))

    def check_overwritten(self, results: Sequence[Any]) -> None:
        """Refuse a write into a Tensor that outlives the recording.

        Those that the function made have died with it, but for its results.

        Raises
        ------
        MutationError
            The Tensor is as it was before.
        """
        own = {id(y) for y in results}
        own.update(id(y._x.base) for y in results if type(y) is RareTensor)
        if self._outlived(own):
            gc.collect()  # a function that refers to itself keeps its variables until then
            outlived = self._outlived(own)
            for t, a, n in outlived:
                t._a, t._n, t._x.tangents = a, n, {}
            if outlived:
                raise MutationError(
                    "inside vmap or jit, an abstract value was written into a Tensor from outside, "
                    "which would hold it after the end. Write into a copy and return that"
                )

    def _outlived(self, own: set[int]) -> list[tuple[Any, Any, Any]]:
        found = [(r(), a, n) for r, a, n in self._overwritten]
        return [(t, a, n) for t, a, n in found if t is not None and id(t) not in own]

    def close(self, outputs: list[Any]) -> Program:
        """End the recording. It lets go of its equations, so that nothing refers to itself."""
        self.open = False
        if self.lifts:
            for entry in self._plain.values():
                if not _same_content(entry[1], entry[0]):
                    self._fix(entry)
        captured = [(v, obj) for v, obj, _, _ in self._captured.values()]
        program = Program(self.inputs, captured, self.equations, outputs)
        self._captured, self._plain, self.equations, self.inputs = {}, {}, [], []
        return program

    def abandon(self) -> None:
        """End the recording without a Program, unless it has ended: for ``finally``."""
        if self.open:
            self.close([])


def _in_c_order(primitive: Primitive, ins: tuple[Any, ...], params: dict[str, Any]) -> bool:
    """Whether NumPy's result is certain to have its axes in C order.

    Results take over the order of the operands. A view may change it; of which an array of the same
    shape tells. The order of what an index with arrays gives is NumPy's own affair.
    """
    if primitive.contiguous is not None:
        return bool(primitive.contiguous(*ins, **params))
    if not all(x.contiguous for x in ins if type(x) is Var):
        return False
    if not primitive.alias or type(ins[0]) is not Var:
        return True
    if len(ins) > 1:
        return False
    view = primitive.evaluate(np.empty(ins[0].shape, ins[0].dtype), **params)
    strides = [abs(s) for s, n in zip(view.strides, view.shape, strict=True) if n > 1 and s]
    return strides == sorted(strides, reverse=True)


# What Python's numbers give under these operators is a Python number again. (What NumPy's functions
# give is cast: see `wengert.numpy.dispatch`.)
_ON_PYTHON_NUMBERS = frozenset(
    {"add", "sub", "mul", "div", "neg", "positive", "pow", "square", "floor_divide", "mod",
     "abs", "abs_complex", "real", "imag"}
)  # fmt: skip


def _is_weak(primitive: Primitive, ins: tuple[Any, ...]) -> bool:
    if primitive.name not in _ON_PYTHON_NUMBERS:
        return False
    return any(type(x) is Var and x.weak for x in ins) and all(
        x.weak if type(x) is Var else type(x) in (int, float, complex) for x in ins
    )


def _same_content(kept: Any, a: Any) -> bool:
    return kept is a or kept.tobytes() == a.tobytes()


def innermost() -> Recording | None:
    """The innermost open recording of this thread."""
    return LOCAL.recordings[-1] if LOCAL.recordings else None


def lift_plain(x: Any) -> Any:
    """An argument of a transform; a hidden input of the innermost recording if that asks for it.

    A Program that is kept and run again (jit) asks: a rule that looks at the values of a constant
    argument while recording would freeze them. One that is run at once (vmap) does not: the values
    stay known, and branches on them possible.
    """
    recording = innermost()
    if recording is None or not recording.lifts:
        return x
    if isinstance(x, Tensor):
        refresh(x)
        return recording.lift(x) if type(x._a) is Var or x._a.ndim else x
    return recording.lift(x) if type(x) is ndarray and x.ndim else x


def record(
    function: Callable[..., Sequence[Any]], avals: Sequence[Aval | Var], lifts: bool = False
) -> Program:
    """Run ``function`` on abstract values of the given shapes and dtypes.

    Parameters
    ----------
    function : callable
        Takes as many Tensors as there are ``avals``; returns a flat sequence of Tensors, arrays or
        scalars.
    avals : sequence of Aval
    lifts : bool
        Whether constant arguments of transforms become hidden inputs (see `lift_plain`).
    """
    recording = Recording(lifts)
    inputs = [recording.input(a, getattr(a, "contiguous", True)) for a in avals]
    try:
        with innermost_recording(recording):
            with tracing():
                results = function(*inputs)
            if recording._overwritten:
                recording.check_overwritten(results)
            outputs = []
            for y in results:
                if isinstance(y, Tensor):
                    refresh(y)
                y = recording.lift(y)
                outputs.append(y._a if isinstance(y, Tensor) else y)
            return recording.close(outputs)
    finally:
        recording.abandon()
