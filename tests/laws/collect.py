"""All rows of all case tables."""

from __future__ import annotations

import importlib
import pkgutil

from . import cases
from .case import Case

__all__ = ["TABLES", "all_cases", "case_named"]


def _tables() -> dict[str, list[Case]]:
    tables: dict[str, list[Case]] = {}
    for info in sorted(pkgutil.iter_modules(cases.__path__), key=lambda info: info.name):
        module = importlib.import_module(f"{cases.__name__}.{info.name}")
        tables[info.name] = list(module.CASES)
    return tables


TABLES = _tables()


def all_cases() -> list[tuple[str, Case]]:
    """Every case with its id, ``module-name``."""
    return [(f"{table}-{case.name}", case) for table, rows in TABLES.items() for case in rows]


def case_named(identifier: str) -> Case:
    """The case with an id as `all_cases` gives it."""
    table, _, name = identifier.partition("-")
    for case in TABLES[table]:
        if case.name == name:
            return case
    raise KeyError(identifier)
