"""What the variables of a listing are called: as their author calls them, else by letters."""

from __future__ import annotations

import ast
import builtins
import copy
import keyword
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..core.abstract import Var
from ..core.program import Program
from .expressions import names_in
from .trace import Trace
from .writer import Statement, Writer, plain

__all__ = ["Rename", "choose_names", "equal"]

_FEW_TEMPORARIES = 14


def equal(a: Any, b: Any) -> bool:
    """Whether two static values or arrays are the same."""
    if a is b:
        return True
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        return (
            isinstance(a, np.ndarray)
            and isinstance(b, np.ndarray)
            and a.dtype == b.dtype
            and np.array_equal(a, b, equal_nan=a.dtype.kind in "fc")
        )
    return type(a) is type(b) and bool(a == b)


def _letters() -> Iterator[str]:
    yield from "abcdefghijkmnpqrstuvwxyz"  # not l and o, which look like 1 and 0
    k = 1
    while True:
        yield f"t{k}"
        k += 1


def choose_names(
    trace: Trace,
    program: Program,
    writer: Writer,
    in_place: set[Var],
    derivative: str,
    statements: list[Statement],
    functions: set[str],
) -> dict[str, str]:
    """The name for every placeholder: the author's own names, then letters.

    ``functions`` are those that the listing calls by a plain name; where an argument has the name,
    they get another one.
    """
    names: dict[str, str] = {}
    reserved = {name for x in trace.inputs for name in (x.name, f"{derivative}_{x.name}")}
    for key in functions & reserved:
        new = key
        while new in reserved or new in functions:
            new += "_"
        names[key] = new
    called = {names.get(key, key) for key in functions}
    taken = {"np", "scipy", *keyword.kwlist, *dir(builtins), *called}
    shared = {e.outputs[0]: e.inputs[0] for e in program.equations if e.outputs[0] in in_place}

    def give(v: Var, label: str) -> None:
        unique, k = label, 1
        while unique in taken or f"{derivative}_{unique}" in taken:
            k += 1
            unique = f"{label}_{k}"
        taken.update((unique, f"{derivative}_{unique}"))
        names[f"v{writer.places[v]}_"] = unique

    for x in trace.inputs:  # these are never renamed: they are the arguments
        taken.add(x.name)
        if x.variable is not None:
            names[f"v{writer.places[x.variable]}_"] = x.name
            taken.add(f"{derivative}_{x.name}")
    for v, obj in program.captured:
        if f"v{writer.places[v]}_" in names or v in writer.literals:
            continue
        label = next((k for k, a in trace.surroundings.items() if equal(plain(a), plain(obj))), "c")
        give(v, label)
    outputs = [v for e in program.equations for v in e.outputs]
    hints = {v: trace.hints[v] for v in outputs if v in trace.hints}
    for v in outputs:  # a name given after a write in place is the better one for both
        if v in shared and v in hints and shared[v] not in hints:
            hints[shared[v]] = hints[v]
    for v in outputs:
        if v in hints and v not in shared:
            give(v, hints[v])
    unnamed = [v for v in outputs if v not in hints and v not in shared]
    letters = _letters() if len(unnamed) <= _FEW_TEMPORARIES else (f"t{k}" for k in range(1, 10**9))
    for v in unnamed:
        give(v, next(c for c in letters if not {c, f"{derivative}_{c}"} & taken))
    for v, base in shared.items():
        names[f"v{writer.places[v]}_"] = names[f"v{writer.places[base]}_"]
    arguments = {x.name for x in trace.inputs}
    for k in writer.places.values():
        label = f"{derivative}_{names.get(f'v{k}_', f'constant_{k}')}"
        names[f"g{k}_"] = f"{label}_" if label in arguments else label
    _name_temporaries(statements, names, taken)
    return names


def _name_temporaries(statements: list[Statement], names: dict[str, str], taken: set[str]) -> None:
    k = 1
    for s in statements:
        for identifier in sorted(names_in(s.tree) | _targets(s.tree)):
            if identifier in names or identifier in taken or not _is_temporary(identifier):
                continue
            while f"t{k}" in taken:
                k += 1
            names[identifier] = f"t{k}"
            taken.add(f"t{k}")


def _is_temporary(identifier: str) -> bool:
    return identifier[0] == "t" and identifier[-1] == "_" and identifier[1:-1].isdigit()


def _targets(tree: ast.AST) -> set[str]:
    return {
        n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
    }


class Rename(ast.NodeTransformer):
    """Puts the final names in place of the placeholders."""

    def __init__(self, names: dict[str, str]) -> None:
        self._names = names

    def visit_Name(self, node: ast.Name) -> ast.Name:
        """The name that a placeholder stands for."""
        return ast.Name(self._names.get(node.id, node.id), node.ctx)

    def text(self, tree: Any) -> str:
        """The source of a tree with the final names."""
        return ast.unparse(ast.fix_missing_locations(self.visit(copy.deepcopy(tree))))
