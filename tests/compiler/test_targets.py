"""Code for other processors: it compiles for all of them, and AArch64's runs under an emulator."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import wengert as wg

from ..laws.case import Case
from ..laws.registry import Subject, copies
from .sampling import every

pytest.importorskip("llvmlite")

from wengert.compiler.codegen import target
from wengert.compiler.codegen.module import emit
from wengert.compiler.runtime.executable import Executable
from wengert.compiler.runtime.interface import Interface, interface_of

_MACHINES = {"x86-64-v1": 62, "avx2": 62, "avx512": 62, "aarch64": 183}  # of the ELF header
_GCC = shutil.which("aarch64-linux-gnu-gcc")
_EMULATOR = shutil.which("qemu-aarch64") or shutil.which("qemu-aarch64-static")

# Reads sizes and contents of the table's arrays, runs, writes all of them back.
_DRIVER = r"""
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
void run0(void **table);
int main(int argc, char **argv) {
  FILE *f = fopen(argv[1], "rb");
  int64_t count, size;
  if (!f || fread(&count, 8, 1, f) != 1) return 1;
  void **table = malloc(8 * count);
  int64_t *sizes = malloc(8 * count);
  for (int64_t k = 0; k < count; k++) {
    if (fread(&size, 8, 1, f) != 1) return 2;
    sizes[k] = size;
    table[k] = aligned_alloc(64, (size / 64 + 1) * 64);
    if (size && fread(table[k], 1, size, f) != (size_t)size) return 3;
  }
  run0(table);
  f = fopen(argv[2], "wb");
  for (int64_t k = 0; k < count; k++) fwrite(table[k], 1, sizes[k], f);
  return fclose(f);
}
"""


def _largest(x: Any) -> float:
    """The size of the largest finite element."""
    size = np.abs(x)
    return float(np.max(size, initial=0, where=np.isfinite(size)))


def _cases(step: int) -> list[object]:
    return every(step, lambda case: case.record and case.order > 0)


def _dtypes(case: Case) -> list[Any]:
    found: list[Any] = [np.float64]
    if case.float32:
        found.append(np.float32)
    if case.complex:
        found.append(np.complex128)
    return found


def _stages(case: Case, dtype: Any) -> tuple[Any, list[Any]]:
    """The stages of value and pullback, and plain operands."""
    s = Subject(case, dtype)
    args = copies(s.args)

    def both(*xs: Any) -> Any:
        y, pull = wg.vjp(s.f, *xs)
        return y, pull(y)

    jitted = wg.jit(both)
    leaves, spec, static = jitted._arguments(tuple(args), {})
    everything, entry = jitted._found(leaves, spec, static)
    operands = [np.asarray(x) for x in (*everything, *entry.captured)]
    return jitted.lower(*args), operands


def _text(stages: Any, name: str) -> tuple[str, Interface]:
    module = emit(stages.plan, target.TARGETS[name].processor)
    return module.text, interface_of(stages.plan, module, stages.optimized)


@pytest.mark.parametrize("case", _cases(80))
def test_compiles(case: Case) -> None:
    for dtype in _dtypes(case):
        stages, _ = _stages(case, dtype)
        for name, machine in _MACHINES.items():
            code = target.object_code_for(_text(stages, name)[0], name)
            assert code[:4] == b"\x7fELF"
            assert int.from_bytes(code[18:20], "little") == machine


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The object file of the program that calls the code."""
    if _GCC is None or _EMULATOR is None:
        pytest.skip("needs qemu-user and gcc-aarch64-linux-gnu")
    path = tmp_path_factory.mktemp("aarch64")
    (path / "driver.c").write_text(_DRIVER)
    subprocess.run([_GCC, "-c", "-O1", "driver.c"], cwd=path, check=True)
    return path / "driver.o"


def _run_emulated(
    code: bytes, face: Interface, operands: list[Any], driver: Path, place: Path
) -> list[Any]:
    """The results of ``run0`` for AArch64."""
    (place / "code.o").write_bytes(code)
    subprocess.run(
        [str(_GCC), "-static", "-o", "program", "code.o", str(driver), "-lm"], cwd=place, check=True
    )
    results = [np.zeros(shape, dtype) for shape, dtype in face.results]
    table = [*map(np.ascontiguousarray, operands), *results, np.zeros(face.arena, np.uint8)]
    with (place / "in").open("wb") as f:
        f.write(np.int64(len(table)).tobytes())
        for a in table:
            f.write(np.int64(a.nbytes).tobytes() + a.tobytes())
    subprocess.run([str(_EMULATOR), "./program", "in", "out"], cwd=place, check=True, timeout=120)
    content = (place / "out").read_bytes()
    start = sum(a.nbytes for a in table[: len(operands)])
    found = []
    for a in results:
        found.append(np.frombuffer(content, a.dtype, a.size, start).reshape(a.shape))
        start += a.nbytes
    return found


def _run_here(stages: Any, operands: list[Any]) -> list[Any]:
    """The same results on the host."""
    module = emit(stages.plan, target.host_processor())
    face = interface_of(stages.plan, module, stages.optimized)
    code = target.link(target.object_code(module.text), ["run0"], {})
    results = [np.zeros(shape, dtype) for shape, dtype in face.results]
    run = Executable(face, code, stages.optimized)
    run._run_steps([np.ascontiguousarray(a) for a in operands], results, run._new_arena())
    return results


@pytest.mark.parametrize("case", _cases(110))
def test_runs_on_aarch64(case: Case, driver: Path, tmp_path: Path) -> None:
    for dtype in _dtypes(case):
        stages, operands = _stages(case, dtype)
        text, face = _text(stages, "aarch64")
        if face.segments != ["run0"] or face.symbols:
            pytest.skip("NumPy or BLAS has a part in it")
        found = _run_emulated(
            target.object_code_for(text, "aarch64"), face, operands, driver, tmp_path
        )
        expected = _run_here(stages, operands)
        tolerance = 1e-5 if dtype is np.float32 else 1e-12
        for a, b in zip(found, expected, strict=True):
            # Fused products round otherwise; what is small by cancellation has the rounding of the
            # operands that cancelled.
            scale = max(map(_largest, (b, *operands)))
            np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * scale)
