"""What the tests of NumPy's functions share: one call on an array and on Tensors of each kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import wengert as wg
from wengert.core import pytree
from wengert.core.abstract import Aval
from wengert.core.program import interpret
from wengert.core.recorder import record
from wengert.core.tensor import handle

__all__ = ["assert_numpys", "constant", "plain", "recorded"]

Array = Any


def constant(x: Array) -> wg.Tensor:
    """A Tensor with these very values, also integers, that requires no gradients."""
    return handle(np.array(x) if isinstance(x, np.ndarray) else x, None, None)


def plain(x: Any) -> Any:
    """What a Tensor holds: an ndarray or a NumPy scalar; other values as they are."""
    if not isinstance(x, wg.Tensor):
        return x
    wg.core.bind.refresh(x)
    return x._a


def recorded(function: Callable[..., Any], x: Array) -> list[Any]:
    """The results of the recording on the shape of ``x``, executed."""
    program = record(lambda t: pytree.leaves(function(t)), [Aval(x.shape, x.dtype)])
    return [plain(y) for y in interpret(program, [np.array(x)])]


def assert_numpys(
    function: Callable[[Any], Any], x: Array, *, record: bool = True, rtol: float = 1e-14
) -> None:
    """``function`` gives on Tensors, and recorded on shapes, what it gives on the array.

    Types (scalar or array), shapes and dtypes are compared exactly.
    """
    expected = pytree.leaves(function(np.array(x) if isinstance(x, np.ndarray) else x))
    found = {"constant": pytree.leaves(function(constant(x)))}
    if x.dtype.kind in "fc" and isinstance(x, np.ndarray):
        found["tracked"] = pytree.leaves(function(wg.Tensor(x, True).copy()))
    if record:
        found["recorded"] = recorded(function, x)
    for kind, values in found.items():
        assert len(values) == len(expected), kind
        for value, wanted in zip(values, expected, strict=True):
            value = plain(value)
            if kind != "recorded" and not np.shape(wanted) and isinstance(x, np.ndarray):
                assert type(value) is type(wanted), f"{kind}: {type(value)}"
            assert np.shape(value) == np.shape(wanted), kind
            assert np.asarray(value).dtype == np.asarray(wanted).dtype, kind
            np.testing.assert_allclose(value, wanted, rtol=rtol, atol=rtol, err_msg=kind)
