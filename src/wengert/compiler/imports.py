"""The modules that a function imports when it runs; and which modules are of a library."""

from __future__ import annotations

import dis
import functools
import importlib.util
import sys
import types

__all__ = ["imported_in", "is_library_name"]

_LIBRARIES = frozenset(("wengert", "numpy", "scipy", "optree"))


def is_library_name(module: str) -> bool:
    """Whether a module is of Python, or of a library, and so taken not to change."""
    root = module.partition(".")[0]
    return root in _LIBRARIES or root in sys.stdlib_module_names


@functools.lru_cache(maxsize=4096)
def _imports(code: types.CodeType) -> tuple[tuple[int, str, tuple[str, ...]], ...]:
    """Level, name and what is taken of every import in a function, and in those defined in it."""
    steps = list(dis.get_instructions(code))
    found = [
        (int(level.argval), name.argval, tuple(taken.argval or ()))
        for level, taken, name in zip(steps, steps[1:], steps[2:], strict=False)
        if name.opname == "IMPORT_NAME"
    ]
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            found += _imports(constant)
    return tuple(found)


def imported_in(function: types.FunctionType) -> list[str]:
    """The names of modules that a function imports when it runs, but for libraries'."""
    scope = function.__globals__
    found: dict[str, None] = {}
    for level, name, taken in _imports(function.__code__):
        if level:
            package = scope.get("__package__") or scope["__name__"].rpartition(".")[0]
            try:
                name = importlib.util.resolve_name("." * level + name, package)
            except ImportError:
                continue  # the function will say so
        if is_library_name(name):
            continue
        parts = name.split(".")
        found |= dict.fromkeys(".".join(parts[: k + 1]) for k in range(len(parts)))
        found |= dict.fromkeys(m for x in taken if (m := f"{name}.{x}") in sys.modules)
    return list(found)
