"""The fast paths say what the records say, and the generated file is up to date."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert import Tensor
from wengert.core import tape
from wengert.core.abstract import Aval
from wengert.core.tape import NodeKind
from wengert.rules import contractions, fast, fast_reductions, fast_sorting
from wengert.rules.fast_generator import PRECISE, generated_names
from wengert.rules.pointwise import POINTWISE

RNG = np.random.default_rng(7)
HAND_WRITTEN: dict[str, Callable[..., Any]] = {
    "matmul": lambda x, y: x @ y,
    "sum": lambda x: np.sum(x, axis=0),
    "sum of all": np.sum,
    "sum, kept": lambda x: np.sum(x, axis=-1, keepdims=True),
    "max": lambda x: np.max(x, axis=0),
    "max of all": np.max,
    "min": lambda x: np.min(x, axis=-1, keepdims=True),
    "sort": np.sort,
}


def fast_kinds() -> set[NodeKind]:
    modules = (fast, contractions, fast_reductions, fast_sorting)
    found = [k for m in modules for k in vars(m).values() if isinstance(k, NodeKind)]
    return {k for k in found if k.primitive is not None and not k.wide}


def numbers(shape: tuple[int, ...], dtype: Any) -> Any:
    values = RNG.uniform(0.4, 1.6, shape)
    if np.dtype(dtype).kind == "c":
        values = values + 1j * RNG.uniform(-0.5, 0.5, shape)
    return np.asarray(values, dtype)


def operands(arity: int, shapes: list[tuple[int, ...]], dtype: Any) -> Iterator[tuple[Any, ...]]:
    """Leaves, constants, plain arrays and numbers, in every position; at least one leaf."""
    makers: list[Callable[[tuple[int, ...]], Any]] = [
        lambda s: Tensor(numbers(s, dtype), True),
        lambda s: Tensor(numbers(s, dtype)),
        lambda s: numbers(s, dtype),
        lambda s: float(RNG.uniform(0.5, 1.5)),
        lambda s: np.float32(1.25),
    ]
    leaf = makers[0]
    if arity == 1:
        yield (leaf(shapes[0]),)
        return
    for other in makers:
        yield leaf(shapes[0]), other(shapes[1])
        yield other(shapes[0]), leaf(shapes[1])
    x = leaf(shapes[0])
    yield x, x


def leaves_the_fast_path(name: str, *args: Any) -> bool:
    """Whether `bind` serves a call, which brings operands of different precision to one."""
    dtypes = {np.dtype(x.dtype) for x in args if hasattr(x, "dtype")}
    return name in PRECISE and len(dtypes) > 1


def generic(node: Any, ct: Any, cotangents: Any, wrap: Any = None) -> None:
    """The contributions of a fast node by its primitive's record."""
    primitive = node[1].primitive
    parents, ins, params, out, _ = node[1].decode(node)
    ins = tuple(Aval(ct.shape, ct.dtype) if x is None else x for x in ins)  # nothing is saved
    if wrap is not None:
        ins = tuple(wrap(x, m) for x, m in zip(ins, parents, strict=True))
        if out is not None:
            out = tape.restore_output(primitive, node, ins, params, out, wrap)
    tape.contribute(primitive, parents, ins, out, params, ct, cotangents, False)


def assert_agrees(y: Tensor, leaves: list[Tensor], exact: bool = False) -> None:
    node = y._n
    assert node is not None
    assert node[1] in fast_kinds(), f"{node[1]} is not a fast kind"
    ct = numbers(y.shape, y.dtype)
    found: dict[int, Any] = {}
    expected: dict[int, Any] = {}
    node[1].raw(node, ct, found)
    generic(node, ct, expected)
    assert set(found) == set(expected)
    for k, g in expected.items():
        assert np.shape(found[k]) == g.shape
        # Partials have the precision of the result, whatever that of the operands.
        double = np.dtype(y.dtype).char in "dD"
        close = 1e-14 if exact else 1e-13 if double else 1e-6
        np.testing.assert_allclose(found[k], g, rtol=close, atol=close)
    recorded: dict[int, Any] = {}
    expected_again: dict[int, Any] = {}
    wrap = tape.wrapper(True)
    seed = Tensor(ct, True)
    node[1].graph(node, seed, recorded, wrap)
    generic(node, seed, expected_again, wrap)
    assert set(recorded) == set(expected)
    for k, g in expected_again.items():
        np.testing.assert_allclose(recorded[k].array, g.array, rtol=1e-6, atol=1e-6)
        weights = numbers(g.shape, g.dtype)
        np.testing.assert_allclose(
            second(recorded[k], weights, [seed, *leaves]),
            second(g, weights, [seed, *leaves]),
            rtol=1e-5,
            atol=1e-5,
        )


def second(g: Tensor, weights: Any, leaves: list[Tensor]) -> Any:
    """All derivatives of a contribution, in one vector."""
    for t in leaves:
        t.zero_grad()
    if g.requires_grad:
        (g * 1.0).backward(weights)
    return np.concatenate([np.ravel(t.grad) for t in leaves])


SHAPES = [((2, 3), (2, 3)), ((2, 3), (3,)), ((3,), (2, 1)), ((), (2,)), ((), ()), ((0, 2), (2,))]


def assert_agrees_on(function: Any, *args: Any) -> Tensor:
    """The node that `function` records for `args` agrees with the record."""
    leaves = [x for x in args if isinstance(x, Tensor) and x.requires_grad]
    leaves = [x for i, x in enumerate(leaves) if not any(x is y for y in leaves[:i])]
    with np.errstate(all="ignore"):
        y = function(*args)
    single = any(getattr(x, "dtype", None) in (np.float32, np.complex64) for x in args)
    assert_agrees(y, leaves, not single)
    return y


@pytest.mark.parametrize("dtype", ["f8", "f4", "c16"])
@pytest.mark.parametrize("name", generated_names())
def test_generated_rule_is_the_record(name: str, dtype: str) -> None:
    evaluate, arity = POINTWISE[name].evaluate, len(POINTWISE[name].partials)
    if (
        dtype == "c16"
        and isinstance(evaluate, np.ufunc)
        and not any("D" in t for t in evaluate.types)
    ):
        pytest.skip("not defined for complex numbers")
    function = fast.FAST[name]
    for shapes in SHAPES:
        for args in operands(arity, list(shapes), dtype):
            if leaves_the_fast_path(name, *args):
                assert function(*args)._n[1] is POINTWISE[name].kind
                continue
            y = assert_agrees_on(function, *args)
            plain = [
                x.array if isinstance(x, Tensor) else x for x in args
            ]  # .array ends fast paths
            np.testing.assert_array_equal(y.array, evaluate(*plain))


@pytest.mark.parametrize("name", [name for name, *_ in fast.OPERATORS])
def test_operators_take_the_fast_path(name: str) -> None:
    _, op, reflected, _, _ = next(row for row in fast.OPERATORS if row[0] == name)
    x = Tensor([1.5, 2.5], True)
    for other in (Tensor([0.5, 2.0]), np.array([0.5, 2.0]), 2.0, 3, np.float32(1.5), True):
        if leaves_the_fast_path(name, x, other):
            assert op(x, other)._n[1] is reflected(x, other)._n[1] is POINTWISE[name].kind
            continue
        assert_agrees_on(op, x, other)
        if not isinstance(other, Tensor):
            assert_agrees_on(reflected, x, other)
    assert op(x, "text") is NotImplemented
    assert reflected(x, "text") is NotImplemented


@pytest.mark.parametrize("dtype", ["f8", "f4"])
@pytest.mark.parametrize("name", HAND_WRITTEN)
def test_hand_written_rule_is_the_record(name: str, dtype: str) -> None:
    f = HAND_WRITTEN[name]
    if name == "matmul":
        rows = [((2, 3), (3, 4)), ((3,), (3,)), ((3,), (3, 2)), ((2, 3), (3,)), ((2, 2, 3), (3, 4)),
                ((2, 3), (5, 3, 4)), ((2, 1, 2, 3), (5, 3, 4)), ((0, 3), (3, 2))]  # fmt: skip
        for shapes in rows:
            x, y = Tensor(numbers(shapes[0], dtype), True), Tensor(numbers(shapes[1], dtype), True)
            plain = numbers(shapes[1], dtype)
            assert_agrees_on(f, x, y)
            assert_agrees_on(f, x, plain)
            assert_agrees_on(f, x, Tensor(plain))
            assert_agrees_on(f, numbers(shapes[0], dtype), y)
        return
    if name == "sort":  # short arrays have no fast path
        long = np.sin(np.arange(1200.0)).reshape(2, 1, 600).astype(dtype)
        for a in (long, long.reshape(-1), np.round(long, 1)):
            assert_agrees_on(f, Tensor(a, True))
        return
    ties = np.array([[1.0, 2.0, 2.0], [3.0, 0.0, 2.0]], dtype)
    for a in (numbers((4, 3), dtype), ties, numbers((3,), dtype), numbers((2, 1, 3), dtype)):
        assert_agrees_on(f, Tensor(a, True))


def test_every_fast_kind_is_met() -> None:
    tested = {POINTWISE[name].name for name in generated_names()}
    tested |= {name.split(",")[0].split(" ")[0] for name in HAND_WRITTEN}
    assert {k.primitive.name for k in fast_kinds()} == tested


def test_unrecorded_results_have_no_node() -> None:
    x = Tensor([1.5, 2.5], True)
    for name in generated_names():
        function = fast.FAST[name]
        args = (x,) * len(POINTWISE[name].partials)
        with wg.no_grad():
            assert function(*args)._n is None
        assert function(*[t.detach() for t in args])._n is None


def test_generated_file_is_up_to_date() -> None:
    if shutil.which("ruff") is None and not Path(sys.executable).with_name("ruff").exists():
        pytest.skip("ruff formats the generated file and is not installed")
    done = subprocess.run(
        [sys.executable, "-m", "wengert.rules.fast_generator", "--check"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
