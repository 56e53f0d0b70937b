"""Functions of `scipy.special` that cannot be differentiated: they say so, and what to do."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from ...core import errors, pytree
from ...numpy.arguments import is_traced
from ...numpy.classification import Entry

__all__ = ["refusing"]


def refusing(name: str, scipys: Any, entry: Entry) -> Any:
    """SciPy's function of plain arguments; an error for what is being differentiated.

    Ufuncs are as they are: what they do with Tensors is decided by `wengert.numpy.dispatch`.
    """
    if isinstance(scipys, np.ufunc):
        return scipys
    error: Any = getattr(errors, entry.error)

    @functools.wraps(scipys, updated=())
    def call(*args: Any, **kwargs: Any) -> Any:
        if any(is_traced(x) for x in pytree.leaves((args, kwargs))):
            raise error(
                f"scipy.special.{name} cannot be differentiated: {entry.subject}; {entry.note}. Or "
                "call it on plain values (wengert.stop_gradient(x) inside a transform)"
            )
        return scipys(*args, **kwargs)

    return call
