"""A writer of random programs: lines of Python that create arrays, take views and write into them.

A line is kept if the program so far, run on plain arrays, raises nothing and stays finite and
small. So every program is valid NumPy, and its text can be copied into a regression test.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["KINDS", "Program", "function_of", "random_program"]

LARGEST = 30.0
SHAPES = [(4,), (5,), (3, 4), (4, 3), (3, 3), (2, 3, 2), (2, 1, 3), (1, 4), (6,), (2, 2)]


@dataclass(frozen=True)
class Program:
    """A function ``program(x, y)`` as source, with inputs."""

    seed: int
    source: str
    inputs: tuple[np.ndarray, ...]

    @property
    def function(self) -> Callable[..., Any]:
        """The function; it returns all its variables."""
        return function_of(self.source)


def function_of(source: str) -> Callable[..., Any]:
    """The function ``program`` that a source defines."""
    namespace: dict[str, Any] = {"np": np}
    exec(compile(source, "<program>", "exec"), namespace)
    function: Callable[..., Any] = namespace["program"]
    return function


class Writer:
    """A program being written."""

    def __init__(self, seed: int, kind: str) -> None:
        self.rng = np.random.default_rng(seed)
        self.kind = kind
        self.inputs = tuple(self._input() for _ in range(2))
        self.lines = ["a = x * 1.0", "b = y * 0.5"]
        self.values: dict[str, Any] = {}
        self.names = iter("cdefghijklmnopqrstuvw")
        assert self._attempt(self.lines)

    def _input(self) -> np.ndarray:
        shape = SHAPES[self.rng.integers(len(SHAPES))]
        x = self.rng.uniform(-1.5, 1.5, shape)
        if self.kind == "complex":
            x = x + 1j * self.rng.uniform(-1.0, 1.0, shape)
        return x.astype(np.float32) if self.kind == "single" else x

    # ------------------------------------------------------------------ running

    def source(self, lines: list[str]) -> str:
        names = sorted({line.split(" = ")[0] for line in lines if _creates(line)})
        body = "\n".join(f"    {line}" for line in lines)
        return f"def program(x, y):\n{body}\n    return {', '.join(names)},\n"

    def _attempt(self, lines: list[str]) -> bool:
        names = sorted({line.split(" = ")[0] for line in lines if _creates(line)})
        try:
            with np.errstate(all="ignore"), warnings.catch_warnings():
                warnings.simplefilter("error")
                values = function_of(self.source(lines))(*[x.copy() for x in self.inputs])
        except Exception:
            return False
        for v in values:
            if not isinstance(v, (np.ndarray, np.generic)):
                return False
            if v.dtype.kind not in "fcbiu" or v.ndim > 4 or v.size > 64:
                return False
            if v.dtype.kind in "fc" and not (np.abs(v) < LARGEST).all():
                return False
        self.values = dict(zip(names, values, strict=True))
        return True

    def add(self, line: str) -> bool:
        """Keep a line if the program runs with it."""
        if not self._attempt([*self.lines, line]):
            self._attempt(self.lines)
            return False
        self.lines.append(line)
        return True

    # ------------------------------------------------------------------ choosing

    def one(self, *options: Any) -> Any:
        return options[self.rng.integers(len(options))]

    def chance(self, p: float) -> bool:
        return bool(self.rng.random() < p)

    def variable(self, test: Callable[[Any], bool] = lambda v: True) -> str:
        """The name of a floating (or complex) variable."""
        able = [n for n, v in self.values.items() if np.asarray(v).dtype.kind in "fc" and test(v)]
        return str(self.one(*able)) if able else "a"

    def array(self) -> str:
        return self.variable(lambda v: np.ndim(v) > 0 and np.size(v) > 0)

    def destination(self) -> str:
        """An array that may be written, or a view of one."""
        name = self.variable(
            lambda v: isinstance(v, np.ndarray) and v.size > 0 and v.flags.writeable
        )
        if self.chance(0.3):
            view = self.view(name)
            if isinstance(self.value_of(view), np.ndarray):
                return view
        return name

    def value_of(self, text: str) -> Any:
        with np.errstate(all="ignore"):
            return eval(text, {"np": np, **self.values})

    def shape_of(self, text: str) -> tuple[int, ...]:
        try:
            return np.shape(self.value_of(text))
        except Exception:
            return ()

    # ------------------------------------------------------------------ indices

    def integers(self, n: int, shape: tuple[int, ...]) -> str:
        return f"np.array({self.rng.integers(-n, n, shape).tolist()})"

    def basic(self, n: int) -> str:
        i = int(self.rng.integers(-n, n))
        j = int(self.rng.integers(0, n))
        return str(self.one(str(i), ":", f"{j}:", f":{j + 1}", "::2", "::-1", f"{j}::-1", "1:-1"))

    def index(self, shape: tuple[int, ...]) -> str:
        """An index into an array of this shape."""
        if not shape:
            return str(self.one("()", "...", "None"))
        if self.chance(0.25):
            return self.mask_or_list(shape)
        parts: list[str] = []
        block = tuple(int(n) for n in self.rng.integers(1, 4, self.rng.integers(1, 3)))
        for n in shape[: self.rng.integers(1, len(shape) + 1)]:
            if n and self.chance(0.3):
                parts.append(self.integers(n, block[-1:] if self.chance(0.7) else block))
            elif n:
                parts.append(self.basic(n))
            else:
                parts.append(":")
        if self.chance(0.15):
            parts.insert(int(self.rng.integers(len(parts) + 1)), "None")
        if self.chance(0.15):
            parts.insert(int(self.rng.integers(len(parts) + 1)), "...")
        return ", ".join(parts)

    def mask_or_list(self, shape: tuple[int, ...]) -> str:
        n = shape[0]
        kind = self.one("list", "ints", "mask", "row mask", "mask and slice")
        if kind == "list":
            return str(self.rng.integers(-n, n, self.rng.integers(1, 4)).tolist())
        if kind == "ints":
            return self.integers(n, (2, 2))
        if kind == "mask":
            return f"np.array({self.rng.choice([True, False], shape).tolist()})"
        rows = f"np.array({self.rng.choice([True, False], n).tolist()})"
        return rows if kind == "row mask" or len(shape) < 2 else f"{rows}, {self.basic(shape[1])}"

    def condition(self, shape: tuple[int, ...]) -> str:
        """A boolean array that broadcasts to the shape."""
        fitting = [
            n for n, v in self.values.items()
            if np.asarray(v).dtype.kind == "f" and np.shape(v) == shape
        ]  # fmt: skip
        if fitting and self.chance(0.5):
            return f"{self.one(*fitting)} {self.one('>', '<')} {self.one(0.1, -0.3)}"
        part = shape[self.rng.integers(len(shape) + 1) :]
        return f"np.array({self.rng.choice([True, False], part).tolist()})"

    # ------------------------------------------------------------------ expressions

    def function(self, text: str) -> str:
        f = self.one("np.sin({})", "np.tanh({})", "0.5 * {}", "-{}", "np.exp(np.tanh({}))",
                     "np.arctan({})", "np.square(np.tanh({}))", "({} + 0.3)")  # fmt: skip
        return str(f.format(text))

    def expression(self, shape: tuple[int, ...], depth: int = 2) -> str:
        """Something that can be written into a region of this shape."""
        able = []
        for n, v in self.values.items():
            try:
                fits = np.broadcast_shapes(np.shape(v), shape) == shape
            except ValueError:
                fits = False
            if fits and np.asarray(v).dtype.kind in "fc":
                able.append(n)
        kind = self.rng.random()
        if kind < 0.1 or not (able or self.values):
            return str(self.one("0.5", "-1.25", "0.0", "2"))
        if kind < 0.2:
            name = self.array()
            v = self.values[name]
            at = ", ".join(str(int(self.rng.integers(-n, n))) for n in np.shape(v))
            return f"{name}[{at}]" if at else name
        if depth and kind < 0.45:
            return self.function(self.expression(shape, depth - 1))
        if depth and kind < 0.65:
            left, right = self.expression(shape, depth - 1), self.expression(shape, depth - 1)
            op = self.one("+", "-", "*")
            return f"({left} {op} {right})"
        if able:
            return str(self.one(*able))
        name = self.array()
        size, wanted = int(np.size(self.values[name])), int(np.prod(shape))
        if size >= wanted and wanted:
            return f"{name}.ravel()[:{wanted}].reshape({shape})"
        return f"{name}.sum()"

    def view(self, name: str) -> str:
        """A view of a variable (or, for a reshape, maybe a copy)."""
        shape = np.shape(self.values[name])
        n, size = len(shape), int(np.prod(shape))
        options = [
            f"{name}[{self.one('...', '::-1', 'None', ':, None', '1:', ':-1', '::2')}]",
            f"{name}.T", f"{name}.reshape(-1)", f"{name}.ravel()", f"np.atleast_2d({name})",
            f"np.squeeze({name})", f"np.expand_dims({name}, 0)", f"np.flip({name})",
            f"{name}.view()", f"{name}.reshape({size}, 1)", f"np.ravel({name}, order='K')",
        ]  # fmt: skip
        if n >= 1:
            options += [
                f"{name}[{self.basic(shape[0])}]", f"np.split({name}, [1])[{self.one(0, 1)}]",
                f"np.array_split({name}, 2)[{self.one(0, 1)}]",
            ]  # fmt: skip
        if n >= 2:
            options += [
                f"np.swapaxes({name}, 0, -1)", f"np.moveaxis({name}, 0, -1)", f"np.rot90({name})",
                f"np.diagonal({name})", f"{name}[{self.basic(shape[0])}, {self.basic(shape[1])}]",
                f"np.einsum('ij...->ji...', {name})", f"np.fliplr({name})", f"{name}.mT",
                f"{name}.reshape({shape[::-1]})", f"np.unstack({name}, axis=1)[0]",
            ]  # fmt: skip
        if n >= 2 and shape[0] == shape[1]:
            options += [f"np.einsum('ii...->i...', {name})", f"np.einsum('ii...->...i', {name})"]
        if n >= 1 and shape[0] >= 2:
            options.append(f"np.lib.stride_tricks.sliding_window_view({name}, 2, 0)")
        if self.kind == "complex":
            options += [f"{name}.real", f"{name}.imag", f"np.real({name})", f"np.imag({name})"]
        return str(self.one(*options))

    # ------------------------------------------------------------------ lines

    def line(self) -> str:
        lines = [
            self.create, self.take_view, self.assign, self.assign, self.update, self.update,
            self.update_whole, self.write_function, self.write_function, self.out, self.out,
            self.out_of_fitting_shape, self.at, self.method, self.method, self.rebind,
        ]  # fmt: skip
        return str(self.one(*lines)())

    def create(self) -> str:
        name, source = next(self.names), self.array()
        shape = np.shape(self.values[source])
        axis = int(self.rng.integers(-len(shape), len(shape)))
        text = self.one(
            self.expression(shape), self.function(source), f"{source}.copy()",
            f"np.zeros_like({source})", f"np.cumsum({source}, axis={axis}) * 0.3",
            f"np.sum({source}, axis={axis})", f"np.concatenate([{source}, 0.5 * {source}])",
            f"np.sort({source}, axis={axis})", f"np.where({self.condition(shape)}, {source}, 0.5)",
            f"{source}[{self.index(shape)}]", f"np.roll({source}, 1, axis={axis})",
            f"np.full_like({source}, 0.25)", f"{source}.flatten()", f"np.stack([{source}] * 2)",
            f"np.empty_like({source})\n    {name}[...] = {self.expression(shape)}",
            f"np.ones_like({source})", f"np.diff({source}, axis={axis})",
        )  # fmt: skip
        return f"{name} = {text}"

    def take_view(self) -> str:
        return f"{next(self.names)} = {self.view(self.array())}"

    def place(self, name: str) -> tuple[str, tuple[int, ...]]:
        """An indexed destination, and the shape of the region."""
        shape = self.shape_of(name)
        if self.chance(0.15) and shape:
            at = self.condition(shape)
        else:
            at = self.index(shape)
        return f"{name}[{at}]", self.shape_of(f"{name}[{at}]")

    def assign(self) -> str:
        place, region = self.place(self.destination())
        if self.chance(0.1):
            return f"{place}, {self.place(self.destination())[0]} = {self.expression(region)}, 0.25"
        return f"{place} = {self.expression(region)}"

    def update(self) -> str:
        place, region = self.place(self.destination())
        op = self.one("+=", "-=", "*=", "+=", "*=")
        return f"{place} {op} {self.expression(region)}"

    def update_whole(self) -> str:
        name = self.variable()
        shape = np.shape(self.values[name])
        if self.chance(0.3):
            return str(self.one(f"{name} /= (2.0 + {self.expression(shape, 1)} ** 2)",
                                f"{name} **= 2", f"{name} %= 1.7", f"{name} *= -1",
                                f"{name} @= np.eye({shape[-1] if shape else 1}) * 0.5",
                                f"{name} //= 1.3"))  # fmt: skip
        return f"{name} {self.one('+=', '-=', '*=')} {self.expression(shape)}"

    def write_function(self) -> str:
        name = self.destination()
        shape = self.shape_of(name)
        size = int(np.prod(shape))
        last = shape[-1] if shape else 1
        some = self.rng.integers(-size, size, 3).tolist()
        axis = int(self.rng.integers(-len(shape), len(shape))) if shape else 0
        picks = self.rng.integers(0, shape[axis] if shape else 1, (*shape[:-1], 2)).tolist()
        value = self.expression((self.one(1, 2, 3),), 1)
        flat = self.one("0", ":3", "::2", some, f"np.array({some})")
        return str(self.one(
            f"np.put({name}, {some}, {value})", f"{name}.put({some}, {value}, mode='wrap')",
            f"np.place({name}, {self.condition(shape)}, {value} * 1)",
            f"np.copyto({name}, {self.expression(shape)})",
            f"np.copyto({name}, {self.expression(shape)}, where={self.condition(shape)})",
            f"np.putmask({name}, {self.condition(shape)}, {value})",
            f"np.fill_diagonal({name}, {self.expression((min(shape, default=1),), 1)})",
            f"np.put_along_axis({name}, np.array({picks}), {self.expression(())}, {axis})",
            f"{name}.flat[{flat}] = {value} * 1",
            f"{name}.flat = {value} * 1", f"{name}.fill({self.expression((), 1)})",
            f"np.nan_to_num({name}, copy=False)",
            f"{name}.real = {self.expression(shape, 1)}",
            f"np.put({name}, np.argsort({name}, axis=None)[:2], {value})",
            f"{name}[..., :1] = {name}[..., {last - 1}:]",
        ))  # fmt: skip

    def method(self) -> str:
        name = self.destination()
        shape = self.shape_of(name)
        axis = int(self.rng.integers(-len(shape), len(shape))) if shape else 0
        n = shape[axis] if shape else 1
        k = int(self.rng.integers(0, n))
        return str(self.one(
            f"{name}.sort(axis={axis})", f"{name}.partition({k}, axis={axis})", f"{name}.sort()",
            f"{name}[...] = np.sort({name}, axis=None).reshape({shape})",
            f"{name}.clip(-0.8, 0.9, out={name})", f"{name}.round(1, out={name})",
            f"{name}.cumsum(axis={axis}, out={name})", f"{name}[::-1].sort(axis={axis})",
        ))  # fmt: skip

    def out(self) -> str:
        name = self.destination()
        shape = self.shape_of(name)
        e, g = self.expression(shape), self.expression(shape)
        f = self.one("np.add", "np.multiply", "np.subtract", "np.maximum", "np.hypot", "np.arctan2",
                     "np.minimum", "np.copysign", "np.logaddexp")  # fmt: skip
        u = self.one("np.exp", "np.sin", "np.tanh", "np.negative", "np.abs", "np.square")
        deeper = self.variable(lambda v: np.ndim(v) == len(shape) + 1)
        square = self.variable(lambda v: np.ndim(v) == 2)
        same = self.one("", "", ", casting='unsafe'")
        return str(self.one(
            f"{f}({e}, {g}, out={name}{same})", f"{f}({e}, {g}, {name})",
            f"{u}({e}, out={name})", f"{u}({name}, out={name})",
            f"{f}({e}, {g}, out={name}, where={self.condition(shape)})",
            f"{u}({e}, out={name}, where={self.condition(shape)})",
            f"np.divide({e}, {g}, out={name}, where={self.condition(shape)})",
            f"np.sum({deeper}, axis=0, out={name})", f"np.mean({deeper}, axis=-1, out={name})",
            f"np.max({deeper}, axis=0, out={name})", f"np.add.reduce({deeper}, axis=0, out={name})",
            f"np.maximum.accumulate({name}, axis=0, out={name})",
            f"np.subtract.accumulate({name}, axis=-1, out={name})",
            f"np.matmul({square}, {square}, out={name})", f"np.dot({square}, {square}, out={name})",
            f"np.clip({e}, -0.7, 0.6, out={name})", f"np.cumsum({name}, axis=-1, out={name})",
            f"np.take({name}, [0, 0], axis=0, out={name}[:2])",
            f"np.concatenate([{name}[1:] * 1, {name}[:1] * 1], out={name})",
            f"np.modf({e}, out=({name}, np.zeros_like({name})))",
            f"np.multiply.outer({e}, {self.expression((2,))}, out={name})",
            f"np.{self.one('hypot', 'logaddexp', 'subtract')}.reduce({deeper}, axis=0, out={name})",
            f"np.multiply.reduceat({name}, [0, 1], axis=0, out={name}[:2])",
        ))  # fmt: skip

    def out_of_fitting_shape(self) -> str:
        """A reduction or a product into a new array that has its shape."""
        source, other = self.array(), self.array()
        ndim = np.ndim(self.values[source])
        axis = self.one(*range(-ndim, ndim), None, (0, -1) if ndim > 1 else 0)
        keep = self.one("", ", keepdims=True")
        f = self.one(
            "np.sum",
            "np.mean",
            "np.max",
            "np.min",
            "np.prod",
            "np.std",
            "np.median",
            "np.add.reduce",
            "np.multiply.reduce",
            "np.maximum.reduce",
            "np.var",
            "np.ptp",
        )
        start = self.one("", "", ", initial=0.5", f", initial=0.3, where={source} > 0.1")
        single = axis if isinstance(axis, int) else 0
        call = self.one(
            f"{f}({source}, axis={axis}{keep})", f"{f}({source}, axis={axis}{keep}{start})",
            f"np.{self.one('hypot', 'logaddexp', 'fmin')}.reduce({source}, axis={single}{start})",
            f"np.{self.one('multiply', 'fmax', 'arctan2')}.accumulate({source}, axis={single})",
            f"np.{self.one('add', 'maximum')}.reduceat({source}, [0, 1, 0], axis={single})",
            f"np.cumprod({source}, axis={single})", f"np.multiply.outer({source}, {other})",
            f"np.dot({source}, {other})", f"np.matmul({source}, {other})",
            f"np.take({source}, [0, -1], axis={single})", f"np.compress([True], {source}, axis=0)",
            f"np.stack([{source}, 0.5 * {source}], axis={single})", f"np.trace({source})",
            f"np.percentile({source}, 30.0, axis={axis})", f"np.einsum('...i->...', {source})",
            f"np.round({source}, 1)", f"np.add({source}, {other})", f"np.kron({source}, {other})",
            f"np.choose([0], [{source}])", f"np.tensordot({source}, {source}, axes={ndim})",
        )  # fmt: skip
        name, shape = next(self.names), np.shape(self.value_of(call))
        made = f"{name} = np.{self.one('zeros_like', 'empty_like')}({source}, shape={shape})"
        return f"{made}\n    {call[:-1]}, out={name}{self.one('', '[...]')})"

    def at(self) -> str:
        name = self.destination()
        if not getattr(self.value_of(name).flags, "writeable", False):
            raise ValueError("NumPy writes into read-only arrays here, and wengert refuses to")
        at = self.index(self.shape_of(name))
        region = self.shape_of(f"{name}[{at}]")
        at = "np.s_[" + at + "]"
        f = self.one("np.add", "np.subtract", "np.multiply", "np.maximum", "np.hypot", "np.add")
        if self.chance(0.15):
            return f"np.{self.one('negative', 'tanh', 'sin')}.at({name}, {at})"
        return f"{f}.at({name}, {at}, {self.expression(region)})"

    def rebind(self) -> str:
        """A name for another array; the old one lives on in its views."""
        name = self.variable()
        return f"{name} = {self.function(name)}"


def _creates(line: str) -> bool:
    name, equals, _ = line.partition(" = ")
    return bool(equals) and name.isidentifier()


KINDS = ("double", "double", "double", "complex", "single")


def random_program(seed: int, length: int = 9) -> Program:
    """The program of a seed."""
    w = Writer(seed, KINDS[seed % len(KINDS)])
    wanted = int(w.rng.integers(2, length))
    for _ in range(12 * wanted):
        try:
            line = w.line()
        except StopIteration:
            break
        except Exception:  # what was drawn does not fit
            continue
        w.add(line)
        if len(w.lines) - 2 >= wanted:
            break
    return Program(seed, w.source(w.lines), w.inputs)
