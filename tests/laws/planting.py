"""How a fault is planted for the duration of a test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from wengert.core import tape
from wengert.core.abstract import Aval
from wengert.core.primitive import PRIMITIVES
from wengert.rules import contractions, fast, fast_reductions


class Planter:
    """Replaces pieces until the test ends."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.patch = monkeypatch.setattr

    def record(self, name: str, **fields: Any) -> None:
        """Replace fields of a primitive's record."""
        for field, value in fields.items():
            self.patch(PRIMITIVES[name], field, value)

    def entry(self, name: str, field: str, position: int, change: Callable[[Any], Any]) -> None:
        """Replace one partial or transpose rule by what ``change`` makes of it."""
        rules = list(getattr(PRIMITIVES[name], field))
        rules[position] = change(rules[position])
        self.patch(PRIMITIVES[name], field, tuple(rules))

    def wrap(self, owner: Any, attribute: str, change: Callable[[Any], Any]) -> None:
        """Replace an attribute by what ``change`` makes of it."""
        self.patch(owner, attribute, change(getattr(owner, attribute)))


@dataclass(frozen=True)
class Fault:
    name: str
    plant: Callable[[Planter], None]
    cases: tuple[str, ...]
    generic: bool = False
    """Whether the fast paths are taken out, so that the generic rule is seen."""


FAULTS: list[Fault] = []


def fault(*cases: str, generic: bool = False) -> Callable[[Callable[[Planter], None]], Any]:
    def register(plant: Callable[[Planter], None]) -> Callable[[Planter], None]:
        FAULTS.append(Fault(plant.__name__, plant, cases, generic))
        return plant

    return register


def scaled(factor: float) -> Callable[[Any], Any]:
    """A rule whose result is multiplied by a number."""
    return lambda rule: lambda *a, **k: rule(*a, **k) * factor


def take_fast_paths_out(p: Planter) -> None:
    """Let every recorded operation be swept by its record."""
    kinds = [k for m in (fast, contractions, fast_reductions) for k in vars(m).values()]
    for kind in kinds:
        if isinstance(kind, tape.NodeKind) and kind.primitive is not None:
            p.patch(kind, "raw", lambda node, ct, cts: generic(node, ct, cts))
            p.patch(kind, "graph", lambda node, ct, cts, wrap: generic(node, ct, cts, wrap))


def generic(node: Any, ct: Any, cotangents: Any, wrap: Any = None) -> None:
    """What a fast kind must agree with: `contribute` on the decoded node."""
    primitive = node[1].primitive
    parents, operands, params, out, _ = node[1].decode(node)
    operands = tuple(Aval(ct.shape, ct.dtype) if x is None else x for x in operands)
    if wrap is not None:
        operands = tuple(wrap(x, m) for x, m in zip(operands, parents, strict=True))
        out = (
            None
            if out is None
            else tape.restore_output(primitive, node, operands, params, out, wrap)
        )
    tape.contribute(primitive, parents, operands, out, params, ct, cotangents, False)
