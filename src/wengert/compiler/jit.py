"""`jit`: a function recorded on shapes once for each signature, and compiled."""

from __future__ import annotations

import functools
import inspect
import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..core import pytree
from ..core.abstract import Aval, Var
from ..core.bind import refresh
from ..core.errors import AbstractValueError, WengertTypeError, WengertValueError
from ..core.ownership import plain_array
from ..core.program import Program
from ..core.recorder import record
from ..core.state import LOCAL
from ..core.tensor import RareTensor, Tensor, handle
from ..rules.stream import recorded, take
from ..transforms.boundary import check_function, name_of, tracing_user
from .captures import Captures, structure_print
from .operation import Operation
from .stages import Lowered, Runner, compile_program
from .surroundings import Fingerprint, refused_draws

__all__ = ["Jitted", "jit"]

Function = Callable[..., Any]


# The state of the stream from which draws without a key get theirs.
_STATE = Aval((3,), np.dtype(np.uint64))


class _Entry:
    """What is kept for one signature."""

    __slots__ = ("captured", "draws", "is_passing", "operation", "out_spec", "run")

    def __init__(
        self, program: Program, out_spec: Any, name: str, donated: Sequence[int], draws: int
    ) -> None:
        self.captured = [obj for _, obj in program.captured]
        self.operation = Operation(name, program, compile_program)
        self.out_spec = out_spec
        # How many keys a call takes from the stream of wengert.random, whose state is then the
        # operand between the arguments and what was captured.
        self.draws = draws
        # Inside of transforms the operation runs, which overwrites nothing.
        self.run = compile_program(self.operation.program, donated) if donated else None
        # What it captured belongs to a recording or derivative that is going on: for once only.
        self.is_passing = any(map(_is_traced, self.captured))


def _is_traced(x: Any) -> bool:
    """Whether a Tensor takes part in a recording or a derivative."""
    if not isinstance(x, Tensor):
        return False
    refresh(x)
    return x._n is not None or type(x._a) is Var or (type(x) is RareTensor and bool(x._x.tangents))


def _direct_key(leaves: list[Any], spec: Any) -> Any:
    """The signature of arguments that native code reads as they are; None if it does not."""
    found = [spec]
    for a in leaves:
        if type(a) is not np.ndarray:
            return None
        flags = a.flags
        if not (flags.c_contiguous and flags.aligned) or not a.dtype.isnative:
            return None
        found.append(a.shape)
        found.append(a.dtype)
    return tuple(found)


def _is_readable(x: Any) -> bool:
    """Whether a captured array will always be readable as it is."""
    return type(x) is np.ndarray and x.flags.c_contiguous and x.flags.aligned and x.dtype.isnative


class Jitted:
    """A function that `jit` made. See there."""

    def __init__(
        self,
        function: Function,
        static_argnums: tuple[int, ...],
        static_argnames: tuple[str, ...],
        donate_argnums: tuple[int, ...],
    ) -> None:
        functools.update_wrapper(self, function, updated=())
        self._function = function
        self._static_argnums = static_argnums
        self._static_argnames = static_argnames
        self._donate_argnums = donate_argnums
        self._entries: dict[Any, _Entry] = {}
        self._lock = threading.RLock()
        self._direct: dict[Any, Any] = {}

    @functools.cached_property
    def _captures(self) -> Captures:
        # When it is first called: a module may define later what the function reads.
        return Captures(self._function)

    @functools.cached_property
    def _is_pure(self) -> bool:
        has_static = bool(self._static_argnums or self._static_argnames)
        return not has_static and self._captures.is_empty

    def _with_function(self, function: Function) -> Jitted:
        return Jitted(function, self._static_argnums, self._static_argnames, self._donate_argnums)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        """As a method: the instance is the first argument."""
        return self if instance is None else functools.partial(self, instance)

    # -------------------------------------------------------------- calls

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The results of the function."""
        if self._is_pure and not kwargs and not LOCAL.recordings:
            leaves, spec = pytree.flatten(args)
            key = _direct_key(leaves, spec)
            if key is not None:
                known = self._direct.get(key)
                if known is None:
                    known = self._direct_entry(key, leaves, spec)
                if known:
                    run, captured, out_spec, donated = known
                    if donated:
                        self._check_donated([*leaves, *captured], donated)
                    results = run([*leaves, *captured] if captured else leaves)
                    return results[0] if out_spec is None else out_spec.unflatten(results)
        return self._call(args, kwargs)

    def _direct_entry(self, key: Any, leaves: list[Any], spec: Any) -> Any:
        """What a call with plain C-contiguous arrays needs; False if it goes the long way."""
        entry = self._entry(leaves, len(leaves), (spec, False), (), ())
        run = entry.run or entry.operation.run
        known: Any = False
        readable = (
            not entry.draws and all(map(_is_readable, entry.captured)) and not structure_print(spec)
        )
        if isinstance(run, Runner) and readable:
            single = entry.out_spec.is_leaf()
            known = (
                run.direct, entry.captured, None if single else entry.out_spec,
                self._donated_leaves((spec, False)) if entry.run is not None else (),
            )  # fmt: skip
        self._direct[key] = known
        return known

    def _call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A call with any arguments."""
        leaves, spec, static = self._arguments(args, kwargs)
        everything, entry = self._found(leaves, spec, static)
        if entry.draws:
            everything.append(take(entry.draws))
        operands = [*everything, *entry.captured]
        has_tensors = any(isinstance(x, Tensor) for x in leaves)
        if LOCAL.recordings or any(map(_is_traced, operands)):
            results = list(entry.operation([_as_operand(x) for x in everything]))
        else:
            plain = [_as_plain(x) for x in operands]
            if entry.run is not None:
                self._check_donated(plain, self._donated_leaves(spec))
            results = (entry.run or entry.operation.run)(plain)
            if has_tensors:
                results = [
                    handle(y, None, None) if isinstance(y, (np.ndarray, np.generic)) else y
                    for y in results
                ]
        return pytree.unflatten(entry.out_spec, results)

    def lower(self, *args: Any, **kwargs: Any) -> Lowered:
        """The stages of the compilation for these arguments.

        Returns
        -------
        Lowered
            With ``program``, ``optimized``, ``llvm``, ``cost()`` and ``report()``.
        """
        leaves, spec, static = self._arguments(args, kwargs)
        entry = self._found(leaves, spec, static)[1]
        return Lowered(entry.operation.program, self._donated_leaves(spec))

    # -------------------------------------------------------------- signatures

    def _arguments(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, Any, Any]:
        """Leaves and structure of the dynamic arguments, and the static ones."""
        static: tuple[Any, ...] = ()
        if self._static_argnums or self._static_argnames:
            args, kwargs, static = self._split(args, kwargs)
        leaves, spec = pytree.flatten((args, kwargs) if kwargs else args)
        return leaves, (spec, bool(kwargs)), static

    def _split(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, Any, Any]:
        names = name_of(self._function)
        positions = [i % len(args) if -len(args) <= i < len(args) else i
                     for i in self._static_argnums if args]  # fmt: skip
        static: list[tuple[Any, Any]] = [(i, args[i]) for i in positions if i < len(args)]
        static += [(k, kwargs[k]) for k in self._static_argnames if k in kwargs]
        parameters = self._positions_of_names()
        static += [(i, args[i]) for i in parameters if i < len(args) and i not in positions]
        for where, value in static:
            try:
                hash(value)
            except TypeError:
                raise WengertTypeError(
                    f"jit of {names}: the static argument {where!r} is a {type(value).__name__}, "
                    "which cannot be hashed; static arguments are compared with those of earlier "
                    "calls. Pass a tuple in place of a list, or leave it out of static_argnums"
                ) from None
        keys = {k for k, _ in static}
        dynamic = tuple([None if i in keys else a for i, a in enumerate(args)])
        return dynamic, {k: v for k, v in kwargs.items() if k not in keys}, tuple(static)

    @functools.cached_property
    def _parameters(self) -> list[str]:
        try:
            return list(inspect.signature(self._function).parameters)
        except (TypeError, ValueError):
            return []

    def _positions_of_names(self) -> list[int]:
        return [self._parameters.index(k) for k in self._static_argnames if k in self._parameters]

    def _found(self, leaves: list[Any], spec: Any, static: Any) -> tuple[list[Any], _Entry]:
        """The operands, those that were captured included, and the entry for them."""
        captures = self._captures
        if captures.is_empty:
            return list(leaves), self._entry(leaves, len(leaves), spec, static, ())
        captured, rest = captures.read()
        everything = [*leaves, *captured]
        try:
            return everything, self._entry(everything, len(leaves), spec, static, rest)
        except AbstractValueError:
            # Perhaps it is a captured array whose values are needed: a list of orders, filters.
            if captures.by_value or not captured:
                raise
            captures.by_value = True
            try:
                captured, rest = captures.read()
                entry = self._entry([*leaves, *captured], len(leaves), spec, static, rest)
            except AbstractValueError:
                captures.by_value = False
            else:
                return [*leaves, *captured], entry
            raise

    def _entry(self, leaves: list[Any], count: int, spec: Any, static: Any, rest: Any) -> _Entry:
        avals = [self._aval(x) for x in leaves]
        described = tuple(
            [
                (v.shape, v.dtype, v.weak, v.scalar, v.contiguous) if type(v) is Var else v
                for v in avals
            ]
        )
        # 1, 1.0 and True are equal, but no static value stands for another; nor does an object
        # stand for itself that has changed.
        held = structure_print(spec[0])
        values = tuple([Fingerprint(x) for _, x in static])
        key = (described, spec, static, values, held, rest)
        entry = self._entries.get(key)
        if entry is None:
            with self._lock:
                entry = self._entries.get(key) or self._recorded(avals, count, spec, static)
                if not entry.is_passing:
                    self._entries[key] = entry
                    # What the function itself wrote while it was recorded is no reason to record
                    # it again.
                    after = () if self._captures.is_empty else self._captures.read()[1]
                    self._entries[(*key[:-2], structure_print(spec[0]), after)] = entry
        return entry

    def _aval(self, x: Any) -> Any:
        """What is known of a leaf while recording: a `Var`, or the value of a bool."""
        if isinstance(x, Tensor):
            refresh(x)
            a = x._a
            if type(a) is Var:
                return Var(a.shape, a.dtype, None, a.contiguous, a.scalar, a.weak)
            x = a
        if isinstance(x, (np.ndarray, np.generic)):
            if x.dtype.kind not in "biufc":
                raise WengertTypeError(
                    f"jit of {name_of(self._function)}: an argument has dtype {x.dtype}; arguments "
                    "must be numbers. Name others in static_argnums"
                )
            is_scalar = isinstance(x, np.generic)
            contiguous = is_scalar or bool(x.flags.c_contiguous)
            return Var(x.shape, x.dtype.newbyteorder("="), None, contiguous, is_scalar)
        if type(x) in (int, float, complex):
            return Var((), np.asarray(x).dtype, None, True, True, True)
        if type(x) is bool:
            return x
        raise WengertTypeError(
            f"jit of {name_of(self._function)}: cannot compile for an argument of type "
            f"{type(x).__name__}; arguments are numbers, arrays and containers of them. Name the "
            "argument in static_argnums or static_argnames: for each value of it the function is "
            "compiled anew"
        )

    def _recorded(self, avals: list[Any], count: int, spec: Any, static: Any) -> _Entry:
        out_spec: Any = None
        draws = 0
        name = name_of(self._function)

        def flat(*leaves: Any) -> list[Any]:
            nonlocal out_spec, draws
            rest = iter(leaves)
            values = [next(rest) if type(v) is Var else v for v in avals]
            args = pytree.unflatten(spec[0], values[:count])
            args, kwargs = args if spec[1] else (args, {})
            args = list(args)
            for where, value in static:
                if isinstance(where, int):
                    args[where] = value
                else:
                    kwargs = {**kwargs, where: value}
            function = self._captures.replaced(values[count:])
            with recorded(leaves[-1]) as keys:
                outs, out_spec = pytree.flatten(function(*args, **kwargs))
            draws = keys.count
            return [self._result(y) for y in outs]

        try:
            with tracing_user(), refused_draws(name, self._function):
                program = record(flat, [*[v for v in avals if type(v) is Var], _STATE], True)
        except AbstractValueError as error:
            raise _with_remedy(error, name) from error
        dynamic = iter(program.inputs)
        # A bool is known, but still stands among the operands.
        program.inputs = [
            next(dynamic) if type(v) is Var else Var((), np.dtype(bool), None, True, True)
            for v in avals
        ] + list(dynamic)[not draws :]
        return _Entry(program, out_spec, name, self._donated_leaves(spec), draws)

    def _donated_leaves(self, spec: Any) -> tuple[int, ...]:
        """The numbers of the leaves of donated arguments."""
        if not self._donate_argnums:
            return ()
        structure, has_keywords = spec
        positional = structure.children()[0] if has_keywords else structure
        found: list[int] = []
        start = 0
        for i, child in enumerate(positional.children()):
            if i in self._donate_argnums:
                found += range(start, start + child.num_leaves)
            start += child.num_leaves
        return tuple(found)

    def _check_donated(self, arrays: list[Any], donated: Sequence[int]) -> None:
        """Refuse donated memory that another argument sees."""
        owners = {id(a) for a in arrays}
        if len(owners) == len(arrays) and all(a.base is None for a in arrays):
            if all(arrays[k].flags.writeable for k in donated):
                return  # every array has memory of its own
        for k in donated:
            if not arrays[k].flags.writeable:
                raise WengertValueError(
                    f"jit of {name_of(self._function)}: a donated array is read-only; its memory "
                    "is for the results. Leave it out of donate_argnums"
                )
            for other, b in enumerate(arrays):
                if other != k and np.may_share_memory(arrays[k], b):
                    raise WengertValueError(
                        f"jit of {name_of(self._function)}: a donated array shares memory with "
                        "another argument or captured array; donate a copy, or leave it out of "
                        "donate_argnums"
                    )

    def _result(self, y: Any) -> Any:
        if isinstance(y, (Tensor, np.ndarray, np.generic, int, float, complex, bool)):
            return y
        raise WengertTypeError(
            f"jit of {name_of(self._function)}: a result is a {type(y).__name__}; results are "
            "numbers, arrays and containers of them"
        )

    def __repr__(self) -> str:
        return f"jit({name_of(self._function)})"


def _as_plain(x: Any) -> Any:
    if isinstance(x, Tensor):
        refresh(x)
        return x._a
    return x if type(x) is np.ndarray else np.asarray(x)


def _as_operand(x: Any) -> Any:
    if isinstance(x, Tensor):
        return x
    return plain_array(x) if isinstance(x, np.ndarray) else np.asarray(x)[()]


def _with_remedy(error: AbstractValueError, name: str) -> AbstractValueError:
    text = (
        f"jit of {name}: {error} (jit compiles one path through a function. Where an argument "
        "decides the path and has few values, name it in static_argnums or static_argnames)"
    )
    return AbstractValueError(text).with_traceback(error.__traceback__)


def _positions(what: str, given: int | Sequence[int]) -> tuple[int, ...]:
    numbers = (given,) if isinstance(given, (int, np.integer)) else tuple(given)
    if not all(isinstance(i, (int, np.integer)) and not isinstance(i, bool) for i in numbers):
        raise WengertTypeError(
            f"jit: {what} must be an integer or a sequence of integers, not {given!r}"
        )
    if len(set(numbers)) != len(numbers):
        raise WengertValueError(f"jit: {what}={given!r} names an argument twice")
    return tuple(map(int, numbers))


def jit(
    function: Function | None = None,
    *,
    static_argnums: int | Sequence[int] = (),
    static_argnames: str | Sequence[str] = (),
    donate_argnums: int | Sequence[int] = (),
) -> Any:
    """Compile a function to native code, once for each signature.

    Parameters
    ----------
    function : callable
        Written with NumPy, `wengert.numpy` or Tensor methods. It is run once for each signature
        (structure, shapes and dtypes of the arguments, static values) on abstract values: branches
        on values are errors; effects such as printing happen then only.
    static_argnums, static_argnames : int or str, or a sequence of them
        Arguments that are known while the function is recorded. They must be hashable.
    donate_argnums : int or sequence of int
        Arguments that the caller does not need any more. Results of the same shape are written into
        their arrays where that is safe, and returned in them.

    Returns
    -------
    callable
        With the same arguments and results. Its method ``lower`` shows the stages. Arrays that the
        function captured are read anew at each call.

    Raises
    ------
    AbstractValueError
        When called, if the function needs a value that is not known.
    WengertTypeError
        For arguments that are neither numbers nor static.

    Examples
    --------
    >>> import numpy as np, wengert as wg
    >>> f = wg.jit(wg.grad(lambda x: np.sum(np.tanh(x) ** 2)))
    >>> f(np.zeros(3))
    array([0., 0., 0.])
    """
    names = (static_argnames,) if isinstance(static_argnames, str) else tuple(static_argnames)
    if not all(isinstance(k, str) for k in names):
        raise WengertTypeError(f"jit: static_argnames must be strings, not {static_argnames!r}")
    static = _positions("static_argnums", static_argnums)
    donated = _positions("donate_argnums", donate_argnums)
    if set(static) & set(donated):
        raise WengertValueError(
            f"jit: argument {min(set(static) & set(donated))} is both static and donated"
        )

    def compiled(f: Function) -> Jitted:
        check_function("jit", f)
        return Jitted(f, static, names, donated)

    return compiled if function is None else compiled(function)
