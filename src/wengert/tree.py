"""Containers of arrays, as all of wengert understands them.

Lists, tuples, dicts, named tuples and dataclasses nest freely; other classes join with `register`.
"""

from .core.pytree import (
    PyTreeSpec,
    flatten,
    flatten_up_to,
    flatten_with_paths,
    leaves,
    map,
    register,
    structure,
    unflatten,
)

__all__ = [
    "PyTreeSpec",
    "flatten",
    "flatten_up_to",
    "flatten_with_paths",
    "leaves",
    "map",
    "register",
    "structure",
    "unflatten",
]
