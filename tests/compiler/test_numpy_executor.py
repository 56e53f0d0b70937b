"""The executor without native code gives what interpretation gives, to the bit but for sums."""

from __future__ import annotations

import subprocess
import sys
import threading
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

import wengert as wg
from wengert.compiler.numpy_executor import NumPyExecutor
from wengert.compiler.passes.simplify import simplify
from wengert.core.program import interpret

from ..core.test_random_programs import loss_of, programs, text_of
from ..laws.case import Case
from ..laws.registry import Subject, copies
from .sampling import every

X = np.linspace(-1.0, 1.0, 6).reshape(2, 3)


def check(f: Any, *args: Any, rtol: float = 0.0) -> NumPyExecutor:
    """Twice the same as interpretation, in arrays of its own, with the arguments as they were.

    ``rtol`` is for products and sums of arrays that are not in C order: their order of summation
    depends on the layout.
    """
    jitted = wg.jit(f, backend="numpy")
    leaves, spec, static = jitted._arguments(args, {})
    everything, entry = jitted._found(leaves, spec, static)
    operands = [*everything, *entry.captured]
    plain = [x._a if isinstance(x, wg.Tensor) else np.asarray(x) for x in operands]
    program = simplify(entry.operation.program)
    kept = [a.copy() for a in plain]
    with np.errstate(all="ignore"):
        weak = [a.item() if v.weak else a for a, v in zip(plain, program.inputs, strict=True)]
        expected = interpret(program, weak)
        run = NumPyExecutor(program)
        first = run(plain)
        held = [np.array(y) for y in first]
        second = run(plain)
    for y, again, value, before in zip(first, second, expected, held, strict=True):
        np.testing.assert_allclose(y, value, rtol=rtol, atol=rtol)
        np.testing.assert_array_equal(again, y)
        np.testing.assert_array_equal(y, before)
        assert y.dtype == np.asarray(value).dtype
    arrays = [y for y in (*first, *second) if isinstance(y, np.ndarray) and y.size]
    arrays += [b for pool in run._free for b in pool]
    for k, a in enumerate(arrays):
        assert not any(np.may_share_memory(a, b) for b in [*arrays[:k], *plain])
    for a, b in zip(plain, kept, strict=True):
        np.testing.assert_array_equal(a, b)
    return run


@pytest.mark.parametrize("case", every(4, lambda case: case.record))
def test_laws(case: Case) -> None:
    s = Subject(case, np.float64)
    check(case.f, *s.merged(copies(s.args)), rtol=1e-12 if "eig" in case.name else 1e-14)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(programs())
def test_programs(case: Any) -> None:
    inputs, instructions = case
    gradient = wg.value_and_grad(loss_of(instructions), argnums=(0, 1))
    try:
        check(gradient, *inputs)
    except wg.MutationError:
        return
    expected, found = gradient(*inputs), wg.jit(gradient, backend="numpy")(*inputs)
    np.testing.assert_allclose(found[0], expected[0], rtol=1e-10, err_msg=text_of(instructions))


def test_buffers_are_used_again() -> None:
    def f(x: Any, rate: float) -> Any:
        y = np.exp(x) * 2.0 + 1.0
        z = y.T[::-1]  # a view keeps its memory
        w = np.sin(y) * np.cos(y) - y
        return np.sum(w * rate), z * 3.0, np.reshape(w, -1)[1:], x, z

    run = check(f, X, 0.5)
    assert 2 <= len(run._shapes) <= 4
    assert "out=buffers[0]" in run.source
    check(f, X.astype(np.float32), 0.5)
    check(f, X.T, 2, rtol=1e-14)


def test_dtypes_and_scalars() -> None:
    x = np.ones(3, np.float32)
    f = wg.jit(lambda x, r, s: (x * r, x * s, np.sum(x) * r, x.astype(int) + 1), backend="numpy")
    found = f(x, 0.5, np.float64(2.0))
    assert [y.dtype.name for y in found] == ["float32", "float64", "float32", "int64"]
    assert type(found[2]) is np.float32


@pytest.mark.parametrize("backend", ["llvm", "numpy"])
@pytest.mark.parametrize(
    "f",
    [
        lambda a, x: (a * 2 + 1) * x, lambda a, x: -a * x, lambda a, x: abs(a) * x,
        lambda a, x: a**2 * x, lambda a, x: +a * x, lambda a, x: np.real(a) * x,
        lambda a, x: (a // 2) * x - a % 3, lambda a, x: np.abs(a) * x,
        lambda a, x: np.square(a) * x, lambda a, x: np.multiply(a, 2) * x,
        lambda a, x: np.divmod(a, 2)[0] * x, lambda a, x: np.multiply(a, x),
        lambda a, x: np.maximum(a, 1) * x, lambda a, x: np.positive(np.negative(a)) * x,
    ],
)  # fmt: skip
@pytest.mark.parametrize("a", [2, -1.5, 1.0 - 2.0j])
def test_what_pythons_numbers_give_is_weak_under_operators(f: Any, backend: str, a: Any) -> None:
    x = np.ones(3, np.float32)
    try:
        expected = f(a, x)
    except TypeError:
        return  # complex numbers have no remainders
    found = wg.jit(f, backend=backend)(a, x)
    assert found.dtype == expected.dtype
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_transforms() -> None:
    def f(x: Any) -> Any:
        return np.sum(np.tanh(x) ** 2 * np.sort(x))

    g = wg.jit(f, backend="numpy")
    x = X[0]
    np.testing.assert_allclose(wg.grad(g)(x), wg.grad(f)(x), rtol=1e-12)
    np.testing.assert_allclose(wg.hessian(g)(x), wg.hessian(f)(x), rtol=1e-12)
    np.testing.assert_allclose(wg.vmap(g)(X), [f(X[0]), f(X[1])], rtol=1e-12)
    step = wg.jit(lambda p, x: p - 0.1 * wg.grad(f)(p), donate_argnums=0, backend="numpy")
    np.testing.assert_allclose(step(x.copy(), X), x - 0.1 * wg.grad(f)(x))


def test_threads() -> None:
    f = wg.jit(lambda x: np.exp(x) * 2 + np.sin(np.exp(x) * 3) * x, backend="numpy")
    xs = [np.random.default_rng(k).normal(size=20_000) for k in range(4)]
    expected = [np.exp(x) * 2 + np.sin(np.exp(x) * 3) * x for x in xs]
    wrong = []

    def run(k: int) -> None:
        for _ in range(20):
            if not np.array_equal(f(xs[k]), expected[k]):
                wrong.append(k)

    threads = [threading.Thread(target=run, args=(k,)) for k in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


def test_unknown_backend() -> None:
    with pytest.raises(wg.WengertValueError, match="backend='xla' is unknown.*'llvm', 'numpy'"):
        wg.jit(np.sin, backend="xla")


def test_report_says_that_nothing_is_native() -> None:
    report = wg.jit(lambda x: np.sum(np.tanh(x)), backend="numpy").lower(X).report()
    assert report == 'no native code: backend="numpy"\nby NumPy tanh (1), sum (1)'


_WITHOUT = """
import sys
sys.modules["llvmlite"] = None
import numpy as np, wengert as wg
f = wg.jit(wg.grad(lambda x: np.sum(np.tanh(x) ** 2)))
for _ in range(3):
    y = f(np.ones(3))
assert np.allclose(y, 2 * np.tanh(1) * (1 - np.tanh(1) ** 2))
assert wg.jit(lambda x, r: x * r)(np.ones(2, np.float32), 0.5).dtype == np.float32
try:
    wg.jit(np.sin, backend="llvm")(np.ones(3))
except wg.WengertValueError as error:
    print(error)
lowered = wg.jit(np.sin).lower(np.ones(3))
assert lowered.report() == "no native code: llvmlite is not installed\\nby NumPy sin (1)"
for stage in (lambda: lowered.llvm, lowered.profile):
    try:
        stage()
    except wg.WengertValueError as error:
        print(error)
"""


def test_without_llvmlite() -> None:
    out = subprocess.run(
        [sys.executable, "-c", _WITHOUT], capture_output=True, text=True, check=True
    ).stdout
    assert out.count("pip install llvmlite") == 3
    assert "the text of the native code needs" in out
    assert "profile" in out
