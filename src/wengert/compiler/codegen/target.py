"""The host processor, and machine code for it: the only file that talks to LLVM."""

from __future__ import annotations

import functools
import os
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, ParamSpec, TypeVar

import llvmlite
import llvmlite.binding as llvm

from .processor import Processor

__all__ = ["TARGETS", "Code", "description", "host_processor", "link"]
__all__ += ["object_code", "object_code_for"]

P = ParamSpec("P")
R = TypeVar("R")

_lock = threading.RLock()
if hasattr(os, "register_at_fork"):
    # A fork waits until no thread is inside of LLVM: in the child, the locks that it holds, ours
    # and llvmlite's, would be taken for ever.
    os.register_at_fork(
        before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release
    )


def _alone(function: Callable[P, R]) -> Callable[P, R]:
    """One thread at a time; the function's local variables are gone when the next one comes."""

    @functools.wraps(function)
    def locked(*args: P.args, **kwargs: P.kwargs) -> R:
        with _lock:
            return function(*args, **kwargs)

    return locked


@functools.cache
@_alone
def _machine() -> Any:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    target = llvm.Target.from_default_triple()
    return target.create_target_machine(
        cpu=llvm.get_host_cpu_name(),
        features=llvm.get_host_cpu_features().flatten(),
        opt=2,
        reloc="pic",
        jit=True,
    )


class Target(NamedTuple):
    """A processor that code can be made for."""

    triple: str
    cpu: str
    features: str
    processor: Processor


# Other processors than the host, by name; tests compile for all of them.
TARGETS = {
    "x86-64-v1": Target("x86_64-unknown-linux-gnu", "x86-64", "", Processor(16, 16)),
    "avx2": Target("x86_64-unknown-linux-gnu", "x86-64-v3", "", Processor(32, 16)),
    "avx512": Target("x86_64-unknown-linux-gnu", "x86-64-v4", "", Processor(64, 32)),
    "aarch64": Target("aarch64-unknown-linux-gnu", "generic", "+neon", Processor(16, 32)),
}


@_alone
def object_code_for(text: str, name: str) -> bytes:
    """The object file of a module for one of the `TARGETS`."""
    wanted = TARGETS[name]
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    target = llvm.Target.from_triple(wanted.triple)
    machine = target.create_target_machine(
        cpu=wanted.cpu, features=wanted.features, opt=2, reloc="pic"
    )
    return _emitted(text, machine)


# They multiply 64 bytes in two halves, or with one unit where there are two for 32. Virtual
# machines may give another's name; of Intel's, those with units for matrices have two.
_HALVES = {"znver4", "cannonlake", "icelake-client", "rocketlake", "tigerlake"}
_MATRICES = "amx-tile"


@functools.cache
@_alone
def host_processor() -> Processor:
    """The processor of this machine, as the generated code uses it."""
    features = llvm.get_host_cpu_features()
    if features.get("avx512f") and features.get("avx512vl"):
        halves = llvm.get_host_cpu_name() in _HALVES and not features.get(_MATRICES)
        return Processor(64, 32, halves)
    if features.get("avx2"):
        return Processor(32, 16)
    return Processor(16, 32 if _machine().triple.startswith("aarch64") else 16)


@_alone
def description() -> str:
    """What machine code depends on besides its text: LLVM, and the processor."""
    machine = _machine()
    return repr((
        llvmlite.__version__, llvm.llvm_version_info, machine.triple, llvm.get_host_cpu_name(),
        llvm.get_host_cpu_features().flatten(),
    ))  # fmt: skip


class Code:
    """Machine code in memory; it lives as long as this object."""

    def __init__(self, tracker: Any, addresses: dict[str, int]) -> None:
        self._tracker = tracker
        self.addresses = addresses

    def __del__(self, is_finalizing: Callable[[], bool] = sys.is_finalizing) -> None:
        """Free the memory: now, or when the thread that is inside of LLVM has left it."""
        if is_finalizing():
            return  # threads of the pool run in it as long as the process lives
        _dead.append(self._tracker)
        if _lock.acquire(blocking=False):
            _bury()
            _lock.release()


_dead: list[Any] = []


def _bury() -> None:
    while _dead:
        _dead.pop().close()


@functools.cache
def _compiler() -> Any:
    return llvm.create_lljit_compiler(_machine(), suppress_errors=True)


_count = 0


@_alone
def object_code(text: str) -> bytes:
    """The object file of a module, for this machine."""
    return _emitted(text, _machine())


def _emitted(text: str, machine: Any) -> bytes:
    module = llvm.parse_assembly(text)
    module.triple = machine.triple
    module.data_layout = str(machine.target_data)
    _simplify(module, machine)
    return bytes(machine.emit_object(module))


@_alone
def link(code: bytes, names: Sequence[str], symbols: Mapping[str, int]) -> Code:
    """Load an object file, and make it ready to run.

    Parameters
    ----------
    code : bytes
    names : sequence of str
        The functions whose addresses are wanted.
    symbols : mapping of str to int
        The addresses of functions that the code calls.
    """
    global _count
    _bury()
    _count += 1
    builder = llvm.JITLibraryBuilder().add_object_img(code).add_current_process()
    for name, address in symbols.items():
        builder.import_symbol(name, address)
    for name in names:
        builder.export_symbol(name)
    tracker = builder.link(_compiler(), f"wengert{_count}")
    return Code(tracker, {name: tracker[name] for name in names})


def _simplify(module: Any, machine: Any) -> None:
    """Stack slots become registers; the code is vectors already, and wants little else."""
    options = llvm.PipelineTuningOptions(speed_level=1)
    builder = llvm.create_pass_builder(machine, options)
    manager = llvm.create_new_module_pass_manager()
    manager.add_verifier()
    manager.add_sroa_pass()
    manager.add_simplify_cfg_pass()
    manager.run(module, builder)
