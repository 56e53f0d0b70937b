"""What all tests of the compiler have: memory in which nothing can be taken for a result.

Nor does a write beyond the end, or before the start, of what `np.empty` gives stay unseen.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

_empty = np.empty


_BYTE = b"\x5a"
_MARGIN = 128  # bytes before and after; two vectors of any processor
_LARGE = 1 << 22  # bytes, above which margins are not looked at: all memory is kept for that

_made: list[tuple[bytearray, int]] = []


def _poisoned(shape: Any, dtype: Any = float, *rest: Any, **options: Any) -> Any:
    """`np.empty` with something in and around it that shows in every result."""
    if np.dtype(dtype).hasobject:
        return _empty(shape, dtype, *rest, **options)
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    memory = bytearray(_BYTE * (size + 2 * _MARGIN))
    if size < _LARGE:
        _made.append((memory, size))
    return np.ndarray(shape, dtype, memory, _MARGIN)


@pytest.fixture(autouse=True)
def poisoned_memory(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """New memory is never zero by chance: what is read before it is stored is found."""
    monkeypatch.setattr(np, "empty", _poisoned)
    yield
    made = _made.copy()
    _made.clear()
    for memory, size in made:
        assert memory[:_MARGIN] == _BYTE * _MARGIN, f"written before an array of {size} bytes"
        after = memory[_MARGIN + size :]
        assert after == _BYTE * _MARGIN, f"written beyond an array of {size} bytes"
