"""The stages of a compilation, from a function to something that runs, and what `lower` shows."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core import pytree
from ..core.coincidence import resolving
from ..core.errors import WengertValueError
from ..core.program import Program
from ..core.state import COINCIDENCES
from ..rules.spectra import coupling_p
from .cost import bytes_of, flops_of, peak_of
from .lowering import lowered
from .numpy_executor import NumPyExecutor
from .passes.chains import chain_sums
from .passes.collect import collect_terms
from .passes.donate import donate
from .passes.epilogues import split_epilogues
from .passes.factorize import factorize
from .passes.fuse import fuse
from .passes.inline import inline
from .passes.margins import share_margins
from .passes.memory import plan_memory
from .passes.merge import merge
from .passes.pack import pack
from .passes.reciprocals import share_reciprocals
from .passes.regions import Target, form_regions
from .passes.simplify import simplify
from .passes.zero_tests import drop_zero_tests
from .plan import Call, Nest, Plan, Product
from .program_key import program_key
from .runtime import disk
from .runtime.blas import thread_setter
from .runtime.guards import Guards, NotNative
from .runtime.leaves import Leaves, is_worth_trying
from .runtime.native import NativeEntry, is_available
from .runtime.threads import usable_threads

if TYPE_CHECKING:
    from .profiler import Measurement
    from .runtime.executable import Executable
    from .runtime.interface import Interface

__all__ = ["Lowered", "Runner", "build_plan", "compile_program"]


def _optimized(program: Program, only_shared: bool = False) -> Program:
    """What is planned, or run by the NumPy executor; see `factorize` for ``only_shared``."""
    return factorize(simplify(program), only_shared)


def build_plan(program: Program, donated: Sequence[int] = (), threads: int | None = None) -> Plan:
    """The steps for a simplified Program, with their memory."""
    target = _target(threads)
    graph = share_reciprocals(collect_terms(drop_zero_tests(lowered(program))))
    graph = share_margins(chain_sums(graph))
    plan = merge(donate(split_epilogues(fuse(graph)), donated), target.processor.registers)
    return plan_memory(form_regions(pack(plan, target.processor), target))


def _target(threads: int | None) -> Target:
    try:
        from .codegen.target import host_processor
    except ImportError:
        return Target()
    count = usable_threads(threads)
    shares_products = count == 1 or thread_setter() is not None
    return Target(count, host_processor(), shares_products)


def compile_program(
    program: Program,
    donated: Sequence[int] = (),
    threads: int | None = None,
    backend: str | None = None,
) -> Callable[[Sequence[Any]], list[Any]]:
    """A function of plain arrays that runs a Program without hidden inputs.

    Its arguments may have any layout. Those with the numbers ``donated`` may be overwritten.
    ``threads`` is None for the default number.
    Without a ``backend``, that is LLVM where llvmlite is installed, and NumPy elsewhere.
    """
    if _has_quotients_by_gaps(program):
        return _Resolving(_compiled(program, (), threads, backend))
    return _compiled(program, donated, threads, backend)


def _has_quotients_by_gaps(program: Program) -> bool:
    return any(e.primitive is coupling_p for e in inline(program).equations)


class _Resolving:
    """Runs a Program with derivatives of eigenvalues or singular values: see `core.coincidence`.

    A transform inside of a compiled function has recorded its results, and can not find the limits
    where values coincide. Its Program can be run again, since nothing donated is overwritten.
    """

    def __init__(self, run: Callable[[Sequence[Any]], list[Any]]) -> None:
        self._run = run

    def __call__(self, arguments: Sequence[Any]) -> list[Any]:
        before = COINCIDENCES[0]
        results = self._run(arguments)
        if COINCIDENCES[0] == before:
            return results
        return list(resolving(results, lambda: self._run(arguments)))


def _compiled(
    program: Program, donated: Sequence[int], threads: int | None, backend: str | None
) -> Callable[[Sequence[Any]], list[Any]]:
    if backend == "numpy":
        return NumPyExecutor(_optimized(program, only_shared=True))
    try:
        from .codegen import target
    except ImportError as error:
        if backend is None:
            return NumPyExecutor(_optimized(program, only_shared=True))
        raise _needs_llvmlite("jit: backend='llvm'", ", or leave backend out") from error
    from .runtime.executable import Executable

    face, code, simple = _machine_code(program, donated, threads)
    names = [s for s in face.segments if isinstance(s, str)]
    wanted = {name: address_of(name) for name in face.symbols}
    linked = target.link(code, names, wanted) if names else None
    return Runner(Executable(face, linked, simple), program.inputs)


def _needs_llvmlite(what: str, remedy: str = "") -> WengertValueError:
    return WengertValueError(
        f"{what} needs llvmlite, which is not installed: pip install llvmlite{remedy}"
    )


def address_of(symbol: str) -> int:
    """Of a function that machine code calls."""
    from .runtime import blas, threads

    if symbol == "wengert_blas_threads":
        address = thread_setter()
        assert address is not None, "the plan is for one thread where BLAS cannot be told"
        return address
    if symbol.startswith(blas.PREFIX):
        return blas.address_of(symbol.removeprefix(blas.PREFIX))
    return threads.addresses()[symbol]


def _machine_code(
    program: Program, donated: Sequence[int], threads: int | None
) -> tuple[Interface, bytes, Program | None]:
    """From the disk, or compiled; with the simplified Program, if it is needed to run."""
    from .runtime.interface import Interface

    target_of_plan = _target(threads)
    key = None
    if disk.directory() is not None:
        key = program_key(program, donated, dataclasses.astuple(target_of_plan))
    found = disk.load(key) if key is not None else None
    if found is not None:
        face = Interface.from_data(found[0])
        return face, found[1], _optimized(program) if face.needs_program else None
    from .codegen import target
    from .codegen.module import emit
    from .runtime.interface import interface_of

    simple = _optimized(program)
    plan = build_plan(simple, donated, threads)
    module = emit(plan, target.host_processor())
    face = interface_of(plan, module, simple)
    native = any(isinstance(s, str) for s in face.segments)
    code = target.object_code(module.text) if native else b""
    if key is not None:
        disk.store(key, face.to_data(), code)
    return face, code, simple


class Runner:
    """Runs native code on arrays of any layout; ``direct`` on those that it reads as they are.

    From the second call on, arrays that can be read as they are do not pass through Python.
    """

    def __init__(self, direct: Executable, inputs: Sequence[Any]) -> None:
        self.direct = direct
        self._dtypes = [v.dtype for v in inputs]
        self._shapes = [v.shape for v in inputs]
        self._leaves = Leaves()
        self._alike: list[NativeEntry] = []
        self._calls = 0  # through Python

    def __call__(self, arguments: Sequence[Any]) -> list[Any]:
        """The results for plain arrays."""
        leaves = self._leaves
        found = leaves(*arguments)
        if found is not leaves:
            return found  # type: ignore[no-any-return]
        results = self.direct(
            [_prepared(a, t) for a, t in zip(arguments, self._dtypes, strict=True)]
        )
        self._calls += 1
        if is_worth_trying(self._calls):
            self._use_native(arguments)
        return results

    def _use_native(self, arguments: Sequence[Any]) -> None:
        """Let native code serve calls with arguments like these, if it can."""
        if not all(
            isinstance(a, (np.ndarray, np.generic)) and a.dtype == t and a.shape == s
            for a, t, s in zip(arguments, self._dtypes, self._shapes, strict=True)
        ):
            return
        found = self.direct.native_results() if is_available() else None
        if found is None:
            return
        guards = Guards(len(arguments), tuple(self.direct.interface.donated.values()))
        try:
            for k, a in enumerate(arguments):
                guards.leaf(k, a)
        except NotNative:
            return
        results, sources = found
        spec = pytree.structure([0] * len(sources))
        self._leaves.add(guards.entry(results, sources, spec, len(arguments), ()), self._alike)


def _prepared(a: Any, dtype: Any) -> Any:
    """The argument as the native code reads it: C-contiguous, aligned, in native byte order."""
    if type(a) is np.ndarray and a.dtype == dtype:
        flags = a.flags
        if flags.c_contiguous and flags.aligned:
            return a
    return np.require(np.asarray(a, dtype), requirements=["C", "A"]).reshape(np.shape(a))


def _counted(names: Any) -> str:
    """Names with how often each of them is there."""
    return ", ".join(f"{k} ({n})" for k, n in Counter(names).items() if n > 0)


class Lowered:
    """What a jitted function is for given arguments, stage by stage.

    Attributes
    ----------
    program : Program
        As recorded.
    optimized : Program
        After the passes on Programs.
    """

    def __init__(
        self,
        program: Program,
        donated: Sequence[int] = (),
        threads: int | None = None,
        backend: str | None = None,
    ) -> None:
        self.program = program
        self._backend = backend
        self._threads = threads
        self._donated = donated
        self.optimized = _optimized(program)
        self._plan: Plan | None = None

    @property
    def plan(self) -> Plan:
        """The nests of loops, products and calls, in order."""
        if self._plan is None:
            self._plan = build_plan(self.optimized, self._donated, self._threads)
        return self._plan

    @property
    def llvm(self) -> str:
        """The text that LLVM compiles for this machine."""
        try:
            from .codegen import target
        except ImportError as error:
            raise _needs_llvmlite("the text of the native code") from error
        from .codegen.module import emit

        return emit(self.plan, target.host_processor()).text

    @property
    def _without_native_code(self) -> str:
        """Why NumPy evaluates all of it, or nothing."""
        if self._backend == "numpy":
            return 'backend="numpy"'
        try:
            from .codegen import target  # noqa: F401
        except ImportError:
            return "llvmlite is not installed"
        return ""

    def cost(self) -> dict[str, Any]:
        """What a call of the native code takes.

        Returns
        -------
        dict
            ``nests``, ``products`` (calls of BLAS) and ``calls`` (equations that NumPy evaluates,
            by name, with how often), ``flops`` (an operation on a number, whatever it is; two for
            each product that is summed; nothing for calls), ``bytes`` (what the steps read and
            write, each array once for each step), ``peak`` (bytes that a call holds beside its
            arguments: temporaries, results, what calls give), ``arena`` (those of temporaries),
            ``in_place`` (results that are written into donated arguments).
        """
        plan = self.plan
        leaves = list(plan.leaves())
        calls = Counter(s.equation.primitive.name for s in leaves if isinstance(s, Call))
        return {
            "nests": sum(isinstance(s, Nest) for s in leaves),
            "products": sum(isinstance(s, Product) for s in leaves),
            "calls": dict(calls),
            "flops": sum(flops_of(s, plan) for s in leaves),
            "bytes": sum(bytes_of(s, plan) for s in leaves),
            "peak": peak_of(plan),
            "arena": plan.arena,
            "in_place": len(plan.donated),
        }

    def report(self) -> str:
        """`cost` as text, with the names of what is native and of what NumPy evaluates."""
        cost = self.cost()
        if reason := self._without_native_code:
            run = _optimized(self.program, only_shared=True).equations
            return f"no native code: {reason}\nby NumPy {_counted(e.primitive.name for e in run)}"
        native = Counter(e.primitive.name for e in self.optimized.equations)
        native.subtract(cost["calls"])
        lines = [
            f"{cost['nests']} nests of loops, {cost['products']} products by BLAS, "
            f"{cost['flops']:,} operations, {cost['bytes']:,} bytes moved, "
            f"{cost['peak']:,} bytes held",
            f"native   {_counted(native)}",
        ]
        if cost["calls"]:
            lines.append(f"by NumPy {_counted(cost['calls'])}")
        return "\n".join(lines)

    def profile(self, seconds: float = 0.2) -> Measurement:
        """How long every step takes, on every thread.

        The program is compiled once more, with clocks, and run on numbers drawn at random.

        Parameters
        ----------
        seconds : float
            How long it runs.

        Returns
        -------
        Measurement
            ``print`` shows a table.
        """
        from .profiler import profile

        try:
            return profile(self.plan, self.optimized, seconds)
        except ImportError as error:
            raise _needs_llvmlite("profile: a program of native code") from error

    def __str__(self) -> str:
        return str(self.optimized)
