"""Random programs: aliasing and mutation as in NumPy, and derivatives that agree in all modes.

A program is a list of instructions on a growing list of values. Values may be views of each other;
instructions create values or write into them. It is drawn while it runs on plain arrays, so that
each instruction fits the shapes at hand, and is then run again under the transforms.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import wengert as wg
from wengert import Tensor

Values = list[Any]
Instruction = Callable[[Values], None]

# More examples, drawn at random: WENGERT_EXAMPLES=20 multiplies their number.
_MORE = int(os.environ.get("WENGERT_EXAMPLES", "1"))


def examples(count: int) -> Any:
    return settings(
        max_examples=count * _MORE,
        deadline=None,
        derandomize=_MORE == 1,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


UNARY: dict[str, Callable[[Any], Any]] = {
    "sin": np.sin,
    "tanh": np.tanh,
    "exp": lambda x: np.exp(0.3 * np.tanh(x)),
    "neg": lambda x: -x,
    "square": lambda x: 0.5 * np.tanh(x) ** 2,
    "half": lambda x: x * 0.5,
    "copy": lambda x: x.copy() if hasattr(x, "copy") else x * 1.0,
    "running sum": lambda x: np.cumsum(x, axis=0) * 0.5 if np.ndim(x) else x * 1.0,
}
BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda x, y: x + y,
    "-": lambda x, y: x - 0.5 * y,
    "*": lambda x, y: np.tanh(x) * y,
    "/": lambda x, y: x / (2.0 + np.sin(y)),
    "where": lambda x, y: np.where(np.sin(7.3 * x) > 0.0, x, y),
    "hypot": lambda x, y: np.hypot(x, 1.0 + np.exp(-y * y)),
}


@dataclass
class Drawing:
    """A program under construction."""

    draw: Callable[[Any], Any]
    values: Values
    instructions: list[tuple[str, Instruction]] = field(default_factory=list)

    def index(self, least_ndim: int = 0) -> int:
        able = [i for i, v in enumerate(self.values) if np.ndim(v) >= least_ndim]
        assume(able)
        return int(self.draw(st.sampled_from(able)))

    def do(self, text: str, instruction: Instruction) -> None:
        instruction(self.values)
        self.instructions.append((text, instruction))

    def basic_index(self, shape: tuple[int, ...]) -> tuple[Any, ...]:
        """Integers, slices, new axes, an ellipsis."""
        parts: list[Any] = []
        for n in shape[: self.draw(st.integers(0, len(shape)))]:
            if n and self.draw(st.integers(0, 3)) == 0:
                parts.append(self.draw(st.integers(-n, n - 1)))
            else:
                parts.append(self.draw(st.slices(n)))
        if self.draw(st.integers(0, 5)) == 0:
            parts.insert(self.draw(st.integers(0, len(parts))), None)
        if self.draw(st.integers(0, 3)) == 0:
            parts.append(Ellipsis)
        return tuple(parts)

    def fancy_index(self, shape: tuple[int, ...]) -> tuple[Any, ...]:
        """An index with arrays, or a mask."""
        n = shape[0]
        assume(n > 0)
        kind = self.draw(st.sampled_from(["list", "mask", "pair", "slice then list"]))
        some = st.lists(st.integers(-n, n - 1), min_size=1, max_size=3)
        if kind == "mask":
            return (np.array(self.draw(st.lists(st.booleans(), min_size=n, max_size=n))),)
        if kind == "pair" and len(shape) > 1 and shape[1]:
            rows = self.draw(some)
            columns = [self.draw(st.integers(0, shape[1] - 1)) for _ in rows]
            return np.array(rows), np.array(columns)
        if kind == "slice then list" and len(shape) > 1 and shape[1]:
            columns = self.draw(st.lists(st.integers(0, shape[1] - 1), min_size=1, max_size=3))
            return self.draw(st.slices(n)), np.array(columns)
        return (np.array(self.draw(some)),)

    def fitting(self, shape: tuple[int, ...]) -> tuple[str, Callable[[Values], Any]]:
        """Something that can be written into a region of this shape."""
        able = []
        for i, v in enumerate(self.values):
            try:
                if np.broadcast_shapes(np.shape(v), shape) == shape:
                    able.append(i)
            except ValueError:
                continue
        if able and self.draw(st.integers(0, 4)):
            i = int(self.draw(st.sampled_from(able)))
            return f"v{i}", lambda vs: vs[i]
        number = self.draw(st.sampled_from([0.0, 0.25, -1.5]))
        return str(number), lambda vs: number


def step(d: Drawing) -> None:
    kind = d.draw(
        st.sampled_from(
            ["unary", "binary", "sum", "read", "gather", "reshape", "transpose", "join"]
            + ["write", "write fancy", "in place", "through view"] * 2
        )
    )
    new = f"v{len(d.values)}"
    if kind == "unary":
        i, name = d.index(), d.draw(st.sampled_from(sorted(UNARY)))
        d.do(f"{new} = {name}(v{i})", lambda vs: vs.append(UNARY[name](vs[i])))
    elif kind == "binary":
        i, j, name = d.index(), d.index(), d.draw(st.sampled_from(sorted(BINARY)))
        try:
            np.broadcast_shapes(np.shape(d.values[i]), np.shape(d.values[j]))
        except ValueError:
            assume(False)
        d.do(f"{new} = v{i} {name} v{j}", lambda vs: vs.append(BINARY[name](vs[i], vs[j])))
    elif kind == "sum":
        i = d.index(1)
        axis = d.draw(st.integers(-np.ndim(d.values[i]), np.ndim(d.values[i]) - 1))
        keep = d.draw(st.booleans())
        text = f"{new} = sum(v{i}, {axis}, keepdims={keep}) / 2"
        d.do(text, lambda vs: vs.append(np.sum(vs[i], axis=axis, keepdims=keep) / 2))
    elif kind == "read":
        i = d.index(1)
        at = d.basic_index(np.shape(d.values[i]))
        d.do(f"{new} = v{i}[{at}]", lambda vs: vs.append(vs[i][at]))
    elif kind == "gather":
        i = d.index(1)
        at = d.fancy_index(np.shape(d.values[i]))
        d.do(f"{new} = v{i}[{at}]", lambda vs: vs.append(vs[i][at]))
    elif kind == "reshape":
        i = d.index(1)
        size = int(np.size(d.values[i]))
        shapes = [(size,), (1, size), (size, 1)]
        shapes += [(n, size // n) for n in range(2, size) if size % n == 0]
        shape = d.draw(st.sampled_from(shapes))
        d.do(f"{new} = v{i}.reshape({shape})", lambda vs: vs.append(vs[i].reshape(shape)))
    elif kind == "transpose":
        i = d.index(1)
        axes = tuple(d.draw(st.permutations(range(np.ndim(d.values[i])))))
        d.do(f"{new} = transpose(v{i}, {axes})", lambda vs: vs.append(np.transpose(vs[i], axes)))
    elif kind == "join":
        i = d.index(1)
        text = f"{new} = concatenate([v{i}, 2 v{i}])"
        assume(np.size(d.values[i]) <= 12)
        d.do(text, lambda vs: vs.append(np.concatenate([vs[i], 0.5 * vs[i]])))
    else:
        mutation(d, kind)


def mutation(d: Drawing, kind: str) -> None:
    i = d.index(1)
    shape = np.shape(d.values[i])
    assume(d.values[i].flags.writeable)
    if kind == "in place":
        name = d.draw(st.sampled_from(["+=", "-=", "*="]))
        text, value = d.fitting(shape)
        d.do(f"v{i} {name} {text}", lambda vs: vs.__setitem__(i, in_place(vs[i], name, value(vs))))
        return
    if kind == "write fancy":
        at = d.fancy_index(shape)
    else:
        at = d.basic_index(shape)
    region = d.values[i][at].shape
    text, value = d.fitting(region)
    if kind == "through view" and isinstance(d.values[i][at], np.ndarray):
        name = d.draw(st.sampled_from(["+=", "-=", "*="]))
        d.do(f"v{i}[{at}] {name} {text}", lambda vs: through(vs[i], at, name, value(vs)))
    else:
        d.do(f"v{i}[{at}] = {text}", lambda vs: vs[i].__setitem__(at, value(vs)))


def in_place(x: Any, name: str, y: Any) -> Any:
    if name == "+=":
        x += y
    elif name == "-=":
        x -= y * 0.5
    else:
        x *= np.tanh(y)
    return x


def through(x: Any, at: Any, name: str, y: Any) -> None:
    if name == "+=":
        x[at] += y
    elif name == "-=":
        x[at] -= y * 0.5
    else:
        x[at] *= np.tanh(y)


LAYOUTS: dict[str, Callable[[Any], Any]] = {
    "C": lambda a: a,
    "F": lambda a: np.array(a, order="F"),
    "reversed": lambda a: a[::-1].copy()[::-1] if a.ndim else a,
    "strided": lambda a: np.repeat(a, 2, axis=0)[::2] if a.ndim else a,
    "transposed": lambda a: np.ascontiguousarray(a.T).T,
}
SHAPES = st.sampled_from([(), (3,), (4,), (2, 3), (3, 2), (1, 3), (2, 2, 2), (0,), (2, 0)])


@st.composite
def programs(draw: Any) -> tuple[list[Any], list[tuple[str, Instruction]]]:
    """Inputs and instructions."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    inputs = []
    for _ in range(2):
        a = np.asarray(rng.uniform(-1.2, 1.2, draw(SHAPES)))
        inputs.append(LAYOUTS[draw(st.sampled_from(sorted(LAYOUTS)))](a))
    d = Drawing(draw, [x * 1.0 for x in inputs])
    for _ in range(draw(st.integers(1, 9))):
        step(d)
    return inputs, d.instructions


def run(instructions: list[tuple[str, Instruction]], inputs: Any) -> Values:
    values = [x * 1.0 for x in inputs]
    for _, instruction in instructions:
        instruction(values)
    return values


def loss_of(instructions: list[tuple[str, Instruction]]) -> Callable[..., Any]:
    """A scalar that depends on every element of every value."""

    def loss(*inputs: Any) -> Any:
        total = 0.0
        for k, v in enumerate(run(instructions, inputs)):
            weights = np.cos(1.0 + k + np.arange(float(np.size(v)))).reshape(np.shape(v))
            total = total + np.sum(np.tanh(v) * weights)
        return total

    return loss


def text_of(instructions: list[tuple[str, Instruction]]) -> str:
    return "\n".join(text for text, _ in instructions)


@examples(200)
@given(programs())
def test_values_and_aliasing_are_numpys(case: Any) -> None:
    inputs, instructions = case
    expected = run(instructions, inputs)
    for tracked in (False, True):
        found = run(instructions, [Tensor(x, tracked) for x in inputs])
        for k, (x, y) in enumerate(zip(found, expected, strict=True)):
            where = f"v{k} of\n{text_of(instructions)}"
            x = x.array if isinstance(x, Tensor) else x
            assert np.shape(x) == np.shape(y), where
            assert x.dtype == np.asarray(y).dtype, where
            np.testing.assert_allclose(x, y, rtol=1e-13, atol=1e-14, err_msg=where)


@examples(100)
@given(programs())
def test_dtypes_of_single_precision(case: Any) -> None:
    inputs, instructions = case
    inputs = [x.astype(np.float32) for x in inputs]
    expected = run(instructions, inputs)
    found = run(instructions, [Tensor(x, True) for x in inputs])
    for x, y in zip(found, expected, strict=True):
        x = x.array if isinstance(x, Tensor) else x
        assert x.dtype == np.asarray(y).dtype, text_of(instructions)
        np.testing.assert_allclose(x, y, rtol=1e-4, atol=1e-5)


def numerical_slope(f: Callable[..., Any], inputs: Any, direction: Any, h: float = 1e-4) -> float:
    def at(t: float) -> float:
        moved = [x.copy("K") for x in inputs]  # the layout decides what a reshape is
        for x, v in zip(moved, direction, strict=True):
            x += t * v
        return float(f(*moved))

    return (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h)


@examples(150)
@given(programs())
def test_first_derivatives(case: Any) -> None:
    inputs, instructions = case
    loss, text = loss_of(instructions), text_of(instructions)
    rng = np.random.default_rng(0)
    direction = tuple(rng.standard_normal(x.shape) for x in inputs)
    kept = [x.copy() for x in inputs]
    gradients = wg.grad(loss, argnums=(0, 1))(*inputs)
    slope = sum(float(np.sum(g * v)) for g, v in zip(gradients, direction, strict=True))
    close = {"rtol": 1e-9, "atol": 1e-10, "err_msg": text}
    np.testing.assert_allclose(wg.jvp(loss, inputs, direction)[1], slope, **close)
    np.testing.assert_allclose(wg.linearize(loss, *inputs)[1](*direction), slope, **close)
    tensors = [Tensor(x, True) for x in inputs]
    loss(*tensors).backward()
    for t, g in zip(tensors, gradients, strict=True):
        np.testing.assert_allclose(t.grad, g, **close)
    for x, y in zip(inputs, kept, strict=True):
        np.testing.assert_array_equal(x, y)
    numeric = numerical_slope(loss, inputs, direction)
    # `where` jumps: two steps that disagree say that the point is too near to a jump.
    finer = numerical_slope(loss, inputs, direction, 2e-5)
    assume(abs(numeric - finer) < 1e-5 * (1 + abs(numeric)))
    np.testing.assert_allclose(slope, numeric, rtol=1e-4, atol=1e-5, err_msg=text)


@examples(60)
@given(programs())
def test_second_derivatives(case: Any) -> None:
    inputs, instructions = case
    loss, text = loss_of(instructions), text_of(instructions)
    rng = np.random.default_rng(1)
    u = tuple(rng.standard_normal(x.shape) for x in inputs)
    gradient = wg.grad(loss, argnums=(0, 1))
    forward = wg.jvp(gradient, inputs, u)[1]

    def paired(*xs: Any) -> Any:
        return sum((np.sum(g * v) for g, v in zip(gradient(*xs), u, strict=True)), 0.0)

    def slope(*xs: Any) -> Any:
        return wg.jvp(loss, xs, u)[1]

    reverse = wg.grad(paired, argnums=(0, 1))(*inputs)
    mixed = wg.grad(slope, argnums=(0, 1))(*inputs)
    for k in range(2):
        scale = float(np.abs(forward[k]).max(initial=1.0))
        close = {"rtol": 1e-8, "atol": 1e-9 * scale, "err_msg": text}
        np.testing.assert_allclose(reverse[k], forward[k], **close)
        np.testing.assert_allclose(mixed[k], forward[k], **close)
    twice = wg.jvp(slope, inputs, u)[1]
    expected = sum(float(np.sum(g * v)) for g, v in zip(forward, u, strict=True))
    np.testing.assert_allclose(twice, expected, rtol=1e-8, atol=1e-8, err_msg=text)


def batched_or_refused(transform: Callable[[], Any]) -> Any:
    """The result, or None where a write through a reshape cannot be decided on shapes alone."""
    try:
        return transform()
    except wg.MutationError as error:
        if "reshape" in str(error):
            return None
        raise


@examples(100)
@given(programs())
def test_batching(case: Any) -> None:
    inputs, instructions = case
    loss, text = loss_of(instructions), text_of(instructions)
    batch = [np.stack([x, 0.5 * x, -x]) for x in inputs]
    examples = [tuple(b[k] for b in batch) for k in range(3)]
    found = batched_or_refused(lambda: wg.vmap(loss)(*batch))
    if found is None:
        return
    expected = [loss(*[x.copy() for x in e]) for e in examples]
    close = {"rtol": 1e-9, "atol": 1e-10, "err_msg": text}
    np.testing.assert_allclose(found, expected, **close)
    gradient = wg.grad(loss, argnums=(0, 1))
    of_batch = wg.vmap(gradient)(*batch)
    each = [gradient(*e) for e in examples]
    over_batch = wg.grad(lambda *b: np.sum(wg.vmap(loss)(*b)), argnums=(0, 1))(*batch)
    for k in range(2):
        np.testing.assert_allclose(of_batch[k], [g[k] for g in each], **close)
        np.testing.assert_allclose(over_batch[k], of_batch[k], **close)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts_keep_values(layout: str) -> None:
    a = np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(LAYOUTS[layout](a), a)
