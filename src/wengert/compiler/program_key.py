"""A name for what a Program compiles to: equal names mean equal machine code.

The name is a digest of everything that the code depends on: the Program as recorded (operations,
parameters, shapes, dtypes, bits of constants), the options, the processor, and the sources of the
library. It is taken from the recorded Program, so that a program found on disk costs its recording
and nothing else.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..core.abstract import Var
from ..core.index import ARRAY
from ..core.primitive import PRIMITIVES, Primitive
from ..core.program import Program
from .operation import inner_program

__all__ = ["program_key"]

_PLAIN = (bool, int, str, bytes, type(None), complex)
_PACKAGES = ("compiler", "core", "rules")  # what decides on the code


class _Unknown(Exception):
    """Something whose meaning a digest cannot tell: a function of the user."""


@functools.cache
def _sources() -> str:
    """A digest of the library: installed versions differ in it, and so do states of a checkout."""
    digest = hashlib.sha256()
    root = Path(__file__).parents[1]
    paths = [root / "__init__.py"]  # has the version
    for package in _PACKAGES:
        paths += sorted((root / package).rglob("*.py"))
    for path in paths:
        digest.update(str(path.relative_to(root)).encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


@functools.cache
def _versions() -> str:
    import scipy

    from .codegen import target

    return repr((np.__version__, scipy.__version__, target.description()))


def program_key(program: Program, donated: Sequence[int], options: Any = ()) -> str | None:
    """The name, or None for a Program with parts that have none.

    Parameters
    ----------
    program : Program
        Without hidden inputs.
    donated : sequence of int
    options : object
        Whatever else the code depends on, made of numbers, strings and tuples.
    """
    try:
        writer = _Writer()
        writer.program(program)
        writer.value((tuple(donated), options, _versions(), _sources()))
    except (_Unknown, OSError):
        return None
    return hashlib.sha256("\n".join(writer.parts).encode()).hexdigest()


class _Writer:
    """Programs as text that is the same if and only if they are."""

    def __init__(self) -> None:
        self.parts: list[str] = []

    def program(self, program: Program) -> None:
        """All of a Program; variables are named in the order of their definition."""
        if program.captured:
            raise _Unknown
        names: dict[Var, int] = {}

        def define(variables: Sequence[Var]) -> None:
            for v in variables:
                names[v] = len(names)
                self.parts.append(
                    f"{names[v]} {v.shape} {v.dtype.str} {v.contiguous} {v.scalar} {v.weak}"
                    f" {v.progression}"
                )

        def use(operands: Sequence[Any]) -> None:
            for x in operands:
                if type(x) is Var:
                    self.parts.append(f"${names[x]}")
                else:
                    self.value(x)

        self.parts.append(f"program {len(program.inputs)} {len(program.equations)}")
        define(program.inputs)
        for e in program.equations:
            inner = inner_program(e.primitive, e.params)
            self.parts.append(f"{e.primitive.name} {len(e.inputs)} {len(e.outputs)} {e.silent}")
            if inner is not None:
                self.program(inner)
            else:
                self.value(e.primitive)
                self.value(e.params)
            use(e.inputs)
            define(e.outputs)
        self.parts.append(f"results {len(program.outputs)}")
        use(program.outputs)

    def value(self, x: Any) -> None:
        """A parameter or constant, down to its bits."""
        kind = type(x)
        if kind in _PLAIN:
            self.parts.append(f"{kind.__name__} {x!r}")
        elif kind is float:
            self.parts.append(f"float {x.hex()}")
        elif kind in (tuple, list):
            self.parts.append(f"{kind.__name__} {len(x)}")
            for y in x:
                self.value(y)
        elif kind is dict:
            self.parts.append(f"dict {len(x)}")
            for k in sorted(x):
                self.value(k)
                self.value(x[k])
        elif kind is slice:
            self.value(("slice", x.start, x.stop, x.step))
        elif x is ... or x is ARRAY:
            self.parts.append(repr(x))
        elif isinstance(x, np.dtype):
            self.parts.append(f"dtype {x.str}")
        elif kind is np.ndarray or isinstance(x, np.generic):
            if x.dtype.hasobject:
                raise _Unknown
            self.parts.append(f"{kind.__name__} {x.dtype.str} {x.shape} {x.tobytes().hex()}")
        elif isinstance(x, type) and issubclass(x, np.generic):
            self.parts.append(f"type {x.__name__}")
        elif isinstance(x, Primitive) and PRIMITIVES.get(x.name) is x:
            self.parts.append(f"primitive {x.name}")
        elif isinstance(x, Program):
            self.program(x)
        else:
            raise _Unknown
