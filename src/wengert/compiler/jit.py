"""`jit`: a function recorded on shapes once for each signature, and compiled."""

from __future__ import annotations

import contextlib
import copy
import functools
import inspect
import threading
from collections.abc import Callable, Sequence
from operator import is_
from typing import Any

import numpy as np

from ..core import debugging, pytree
from ..core.abstract import Aval, Var
from ..core.bind import refresh
from ..core.errors import AbstractValueError, WengertTypeError, WengertValueError
from ..core.masked import MaskedElements
from ..core.ownership import plain_array
from ..core.recorder import record
from ..core.state import DEBUGGED, LOCAL
from ..core.tensor import Tensor, handle
from ..rules.stream import recorded, take
from ..transforms.boundary import check_function, is_named, name_of, tracing_user
from .captures import Captures, unwritten
from .draws import refused_draws
from .options import check_positions, names_of, positions_of
from .runtime.guards import Guards, NotNative
from .runtime.leaves import MOST_NATIVE, Leaves
from .runtime.native import NativeCallable, NativeEntry, is_available, use_native_calls
from .runtime.threads import checked_threads
from .signature import Entry, as_operand, as_plain, is_traced
from .stages import Lowered, Runner
from .surroundings import Fingerprint, structure_print

__all__ = ["Jitted", "jit"]

Function = Callable[..., Any]

_MOST_SIGNATURES = 256  # of functions whose captured objects change at each call

# The state of the stream from which draws without a key get theirs.
_STATE = Aval((3,), np.dtype(np.uint64))


class Jitted(NativeCallable):
    """A function that `jit` made. See there.

    Calls go through `_call`, which finds the signature; from the second call with a signature on,
    through native code (`runtime.native`), which comes back to `_call` where its guards fail.
    """

    def __init__(
        self,
        function: Function,
        static_argnums: tuple[int, ...],
        static_argnames: tuple[str, ...],
        donate_argnums: tuple[int, ...],
        threads: int | None = None,
        backend: str | None = None,
    ) -> None:
        functools.update_wrapper(self, function, updated=())
        self._function = function
        self._static_argnums = static_argnums
        self._static_argnames = static_argnames
        self._donate_argnums = donate_argnums
        self._threads = threads
        self._backend = backend
        self._entries: dict[Any, Entry] = {}
        self._lock = threading.RLock()
        self._natives: list[NativeEntry] = []
        self._leaves: dict[Any, Leaves] = {}

    @functools.cached_property
    def _captures(self) -> Captures:
        # When it is first called: a module may define later what the function reads.
        return Captures(self._function)

    def _with_function(self, function: Function) -> Jitted:
        return Jitted(function, *self._options())

    def _options(self) -> tuple[Any, ...]:
        named = self._static_argnums, self._static_argnames, self._donate_argnums
        return *named, self._threads, self._backend

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        """As a method: the instance is the first argument."""
        return self if instance is None else functools.partial(self, instance)

    def __copy__(self) -> Jitted:
        """Itself, as functions are copied."""
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Jitted:
        """Itself, unless the function belongs to an object that is copied, such as a method."""
        function = copy.deepcopy(self._function, memo)
        return self if function is self._function else self._with_function(function)

    def __reduce__(self) -> Any:
        """Pickled by name where that is its name, else with its function, without machine code."""
        name = self.__dict__.get("__qualname__")
        return name if is_named(self) else (Jitted, (self._function, *self._options()))

    # -------------------------------------------------------------- calls

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The results of the function."""
        return self._call(args, kwargs)

    def _call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A call with any arguments."""
        leaves, spec, static = self._arguments(args, kwargs)
        examines = bool(DEBUGGED) and debugging.examines()
        known = None
        if self._leaves and not static and not examines:
            known = self._leaves.get((spec, structure_print(spec[0])))
        if known is not None and not LOCAL.recordings:
            found = known(*leaves)
            if found is not known:
                return found
        everything, entry = self._found(leaves, spec, static)
        # Anew, since only what is recorded in a `debug` block has its lines.
        looked_at = self._recorded(everything, len(leaves), spec, static) if examines else None
        if entry.draws:
            everything.append(take(entry.draws))
        operands = [*everything, *entry.captured]
        has_tensors = any(isinstance(x, Tensor) for x in leaves)
        examined = looked_at.evaluate(everything) if looked_at else None
        if LOCAL.recordings or any(map(is_traced, operands)):
            results = examined or list(entry.operation([as_operand(x) for x in everything]))
        else:
            plain = [as_plain(x) for x in operands]
            if entry.run is not None:
                self._check_donated(plain, self._donated_leaves(spec))
            results = (entry.run or entry.operation.run)(plain)
            if has_tensors:
                results = [
                    handle(y, None, None) if isinstance(y, (np.ndarray, np.generic)) else y
                    for y in results
                ]
            entry.calls += 1
            if entry.wants_native():
                self._use_native(args, kwargs, entry, operands, len(leaves), spec, static)
        return pytree.unflatten(entry.out_spec, results)

    def _use_native(
        self, args: Any, kwargs: Any, entry: Entry, operands: list[Any], count: int, spec: Any,
        static: Any,
    ) -> None:  # fmt: skip
        """Let native code serve calls like this one, if it can."""
        run = entry.run or entry.operation.run
        if not isinstance(run, Runner) or not is_available() or entry.draws:
            return
        held = structure_print(spec[0])
        found = run.direct.native_results()
        if found is None:
            return
        donated = self._donated_leaves(spec) if entry.run is not None else ()
        names = list(kwargs)
        known = {where for where, _ in static}

        def arguments(guards: Guards) -> None:
            for k, x in enumerate(args):
                guards.fixed(k, x) if k in known else guards.tree(k, x)
            for name in sorted(kwargs):
                k, x = len(args) + names.index(name), kwargs[name]
                guards.fixed(k, x) if name in known else guards.tree(k, x)

        def leaves(guards: Guards) -> None:
            for k in range(count):
                guards.leaf(k, operands[k])

        def guarded(visit: Callable[[Guards], None], registers: int) -> Guards | None:
            guards = Guards(registers, donated)
            try:
                visit(guards)
                self._captures.guard(guards)
                for x in entry.captured:
                    guards.constant(x)
            except NotNative:
                return None
            same = len(guards.leaves) == len(operands) and all(map(is_, guards.leaves, operands))
            return guards if same else None

        guards = None if held else guarded(arguments, len(args) + len(names))
        if guards is not None:
            use_native_calls(Jitted)
            made = guards.entry(*found, entry.out_spec, len(args), names)
            self.add_entry(made, entry.natives, MOST_NATIVE)
        elif not static and (guards := guarded(leaves, count)) is not None:
            target = self._leaves.setdefault((spec, held), Leaves())
            target.add(guards.entry(*found, entry.out_spec, count, ()), entry.natives)

    def lower(self, *args: Any, **kwargs: Any) -> Lowered:
        """The stages of the compilation for these arguments.

        Returns
        -------
        Lowered
            With ``program``, ``optimized``, ``llvm``, ``cost()`` and ``report()``.
        """
        leaves, spec, static = self._arguments(args, kwargs)
        _, entry = self._found(leaves, spec, static)
        return Lowered(
            entry.operation.program, self._donated_leaves(spec), self._threads, self._backend
        )

    # -------------------------------------------------------------- signatures

    def _arguments(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, Any, Any]:
        """Leaves and structure of the dynamic arguments, and the static ones."""
        static: tuple[Any, ...] = ()
        if self._static_argnums or self._static_argnames:
            args, kwargs, static = self._split(args, kwargs)
        leaves, spec = pytree.flatten((args, kwargs) if kwargs else args)
        # Names of keywords have no order that a function would see, unless it has ``**names``.
        orders = pytree.key_orders((args, *kwargs.values()), spec)
        return leaves, (spec, bool(kwargs), orders), static

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

    def _found(self, leaves: list[Any], spec: Any, static: Any) -> tuple[list[Any], Entry]:
        """Leaves and captured arrays, and the entry of their signature."""

        def found() -> tuple[list[Any], Entry]:
            captured, rest = ([], ()) if self._captures.is_empty else self._captures.read()
            everything = [*leaves, *captured]
            return everything, self._entry(everything, len(leaves), spec, static, rest)

        try:
            return found()
        except AbstractValueError:
            for kinds in ("iu", "iufc"):
                if self._captures.hold(kinds):
                    with contextlib.suppress(AbstractValueError):
                        return found()
            self._captures.hold("")
            raise

    def _entry(self, leaves: list[Any], count: int, spec: Any, static: Any, rest: Any) -> Entry:
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
                entry = self._entries.get(key) or self._recorded(leaves, count, spec, static)
                if not entry.is_passing:
                    self._entries[key] = entry
                    # What the function itself wrote while it was recorded is no reason to record
                    # it again.
                    after = () if self._captures.is_empty else self._captures.read()[1]
                    self._entries[(*key[:-2], structure_print(spec[0]), after)] = entry
                    self._forget()
        return entry

    def _forget(self) -> None:
        """Drop signatures beyond a number, as long as there are some those that run rarely."""
        while len(self._entries) > _MOST_SIGNATURES:
            oldest = list(self._entries.items())[:-2]  # all but the one just made
            key, entry = next((x for x in oldest if not x[1].natives), oldest[0])
            del self._entries[key]
            if entry.natives and entry not in self._entries.values():
                for callable_ in (self, *self._leaves.values()):
                    callable_.drop_entries(entry.natives)

    def _aval(self, x: Any) -> Any:
        """What is known of a leaf while recording: a `Var`, or the value of a bool."""
        if isinstance(x, Tensor):
            refresh(x)
            a = x._a
            if type(a) is Var:
                return Var(a.shape, a.dtype, None, a.contiguous, a.scalar, a.weak)
            x = a
        if isinstance(x, (np.ndarray, np.generic)):
            x = x if isinstance(x, np.generic) else plain_array(x)
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

    def _recorded(self, leaves: list[Any], count: int, spec: Any, static: Any) -> Entry:
        avals = [self._aval(x) for x in leaves]
        out_spec: Any = None
        draws, name = 0, name_of(self._function)

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
            with recorded(leaves[-1]) as keys, unwritten(values[count:], name):
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
        donated = self._donated_leaves(spec)
        return Entry(program, out_spec, name, donated, draws, self._threads, self._backend)

    def _donated_leaves(self, spec: Any) -> tuple[int, ...]:
        """The numbers of the leaves of donated arguments."""
        if not self._donate_argnums:
            return ()
        structure, has_keywords, _ = spec
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
        if isinstance(y, MaskedElements):
            raise y.refused("a result x[mask]")  # `_with_remedy` names the function
        raise WengertTypeError(
            f"jit of {name_of(self._function)}: a result is a {type(y).__name__}; results are "
            "numbers, arrays and containers of them"
        )

    def __repr__(self) -> str:
        return f"jit({name_of(self._function)})"


def _with_remedy(error: AbstractValueError, name: str) -> AbstractValueError:
    text = (
        f"jit of {name}: {error} (jit compiles one path through a function. Where an argument "
        "decides the path and has few values, name it in static_argnums or static_argnames)"
    )
    return AbstractValueError(text).with_traceback(error.__traceback__)


def jit(
    function: Function | None = None,
    *,
    static_argnums: int | Sequence[int] = (),
    static_argnames: str | Sequence[str] = (),
    donate_argnums: int | Sequence[int] = (),
    threads: int | None = None,
    backend: str | None = None,
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
        their arrays where that is safe, and returned in them. With ``backend="numpy"`` they are
        checked in the same way (they must be writeable, and share no memory with others), but left
        as they are.
    threads : int, optional
        How many threads the native code uses where there is enough to do. Results are the same in
        each call for the same number. By default what `set_threads` or the environment variable
        WENGERT_THREADS says, else the number of cores that the process may use.
    backend : {"llvm", "numpy"}, optional
        Native code, or Python that calls NumPy operation by operation. By default native code where
        llvmlite is installed.

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
    names = names_of(static_argnames)
    static = positions_of("static_argnums", static_argnums)
    donated = positions_of("donate_argnums", donate_argnums)
    if set(static) & set(donated):
        raise WengertValueError(
            f"jit: argument {min(set(static) & set(donated))} is both static and donated"
        )
    number = None if threads is None else checked_threads(threads, "jit")
    if backend not in (None, "llvm", "numpy"):
        raise WengertValueError(
            f"jit: backend={backend!r} is unknown; expected 'llvm', 'numpy' or None"
        )

    def compiled(f: Function) -> Jitted:
        check_function("jit", f)
        if static or names or donated:
            check_positions(f, static, names, donated)
        return Jitted(f, static, names, donated, number, backend)

    return compiled if function is None else compiled(function)
