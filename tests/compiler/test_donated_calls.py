"""Native calls with donated arguments: what is written in place, and what must not be."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert.compiler.runtime import native

from .test_calls import jitted, readonly

pytest.importorskip("llvmlite")
pytestmark = pytest.mark.skipif(not native.is_available(), reason="objects look different here")


def test_memory_shared_with_donated_arrays_is_found_wherever_it_lies() -> None:
    g, slow = jitted(lambda p, x: ([a + 1 for a in p], [b.sum() for b in x]), donate_argnums=0)
    rng = np.random.default_rng(5)
    sizes = [3, 1, 4, 2], [5, 1, 2, 6, 1]

    def drawn(room: int) -> tuple[list[Any], list[Any], bool]:
        memory = np.zeros(room)
        starts = [[rng.integers(0, room - n) for n in group] for group in sizes]
        donated, others = (
            [range(i, i + n) for i, n in zip(s, group, strict=True)]
            for s, group in zip(starts, sizes, strict=True)
        )
        shared = any(
            set(a) & set(b)
            for k, a in enumerate(donated) for b in (*donated[k + 1 :], *others)
        )  # fmt: skip
        arrays = [[memory[r.start : r.stop] for r in group] for group in (donated, others)]
        return arrays[0], arrays[1], shared

    for _ in range(3):  # so that there is an entry
        g([np.zeros(n) for n in sizes[0]], [np.zeros(n) for n in sizes[1]])
    before = len(slow)
    seen = {True: 0, False: 0}
    for room in (60, 200, 1000) * 40:
        p, x, shared = drawn(room)
        seen[shared] += 1
        if shared:
            with pytest.raises(wg.WengertValueError, match="shares memory"):
                g(p, x)
        else:
            found = g(p, x)[0]
            assert all(a is b for a, b in zip(found, p, strict=True))
    assert min(seen.values()) > 20
    assert len(slow) == before + seen[True]


def test_donated_arrays_are_guarded() -> None:
    def step(p: Any, x: Any) -> Any:
        return {"w": p["w"] - x, "b": p["b"] * 2}

    g, slow = jitted(step, donate_argnums=0)
    p = {"w": np.ones(6), "b": np.ones(2)}
    w = p["w"]
    for _ in range(3):
        p = g(p, np.ones(6))
    assert p["w"] is w
    assert len(slow) == 2
    np.testing.assert_array_equal(w, np.full(6, -2.0))
    whole = np.zeros(12)
    p = {"w": whole[:6], "b": np.ones(2)}
    g(p, whole[6:])  # neighbours do not overlap
    assert len(slow) == 2
    with pytest.raises(wg.WengertValueError, match="shares memory"):
        g(p, whole[5:11])
    with pytest.raises(wg.WengertValueError, match="shares memory"):
        g({"w": w, "b": w[:2]}, np.ones(6))
    with pytest.raises(wg.WengertValueError, match="read-only"):
        g({"w": readonly(w), "b": np.ones(2)}, np.ones(6))
    for other in (np.ones((6, 2))[:, 0], np.frombuffer(bytearray(49), np.uint8)[1:].view(float)):
        np.testing.assert_array_equal(
            g({"w": other, "b": np.ones(2)}, np.ones(6))["w"], step({"w": other, "b": w}, 1)["w"]
        )


@pytest.mark.parametrize("kind", [float, int, complex, np.float64, np.float32, np.array])
def test_donated_numbers_are_never_overwritten(kind: Any) -> None:
    """Native calls wrote into the number itself, which is whoever's constant."""

    def step(w: Any, state: Any) -> Any:
        return w * 2, {"count": state["count"] + 1, "m": state["m"] - w}

    g = wg.jit(step, donate_argnums=(0, 1))
    number = kind(2.5)
    before = repr(number)
    for _ in range(6):
        state = {"count": number, "m": np.ones(3)}
        expected = step(np.ones(3), state)[1]["count"]
        found = g(np.ones(3), state)[1]["count"]
        assert repr(number) == before
        assert found == expected
        assert isinstance(found, np.ndarray) == isinstance(expected, np.ndarray)
