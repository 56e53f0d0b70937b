"""wengert agrees with JAX, PyTorch and autograd on random programs, where they are installed."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.differential.answers import Store
from tests.differential.compare import (
    INEXACT,
    QUANTITIES,
    TOLERANCES,
    Answers,
    ask,
    differences,
    tolerance,
)
from tests.differential.libraries import OURS, PEERS, Autograd, Jax, Library, Torch
from tests.differential.programs import FILLERS, RARE, Program, generate, operations_of
from tests.differential.steps import OPERATIONS

# Other seeds than those of the report; JAX compiles each program, the others run at once.
FIRST_SEED = 10_000
SAMPLES: dict[type[Library], tuple[str, range]] = {
    Jax: ("narrow", range(FIRST_SEED, FIRST_SEED + 4 * 17 * 7, 17)),
    Torch: ("wide", range(FIRST_SEED, FIRST_SEED + 7 * 110, 7)),
    Autograd: ("wide", range(FIRST_SEED, FIRST_SEED + 7 * 110, 7)),
}


@pytest.fixture(params=PEERS, ids=lambda peer: peer.name)
def peer(request: pytest.FixtureRequest) -> Iterator[Library]:
    if not request.param.installed():
        pytest.skip(f"{request.param.name} is not installed (pip install 'wengert[bench]')")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # their own
        yield request.param()


@pytest.mark.peers
@pytest.mark.slow
def test_random_programs_agree(peer: Library) -> None:
    """Value and gradient of a sample; the report compares thousands, and more quantities."""
    kind, seeds = SAMPLES[type(peer)]
    wanted = QUANTITIES if kind == "wide" else ("value", "gradient")
    programs = [generate(seed, kind) for seed in seeds]
    store = Store()
    if isinstance(peer, Jax):
        store.prepare(peer, [(program, wanted) for program in programs])
    ours = [library() for library in OURS]
    compared = 0
    for program in programs:
        expected = store.ask(peer, program, wanted)
        for library in ours:
            found = differences(ask(library, program, wanted), expected)
            for quantity, difference in found.items():
                assert difference <= tolerance(peer, program, quantity), (
                    f"{library.name} and {peer.name} differ in the {quantity} by "
                    f"{difference:.1e}:\n{program}"
                )
            compared += len(found)
    assert compared > 50


def test_our_two_faces_agree() -> None:
    """NumPy's own names with forward over reverse; the drop-in names with reverse over reverse."""
    first, second = (library() for library in OURS)
    for seed in range(FIRST_SEED, FIRST_SEED + len(OPERATIONS)):
        program = generate(seed)
        one, other = ask(first, program), ask(second, program)
        assert not one.unsupported, f"{one.unsupported}\n{program}"
        assert not other.unsupported, f"{other.unsupported}\n{program}"
        for quantity, difference in differences(one, other).items():
            assert difference <= TOLERANCES[quantity], f"{quantity}: {difference:.1e}\n{program}"


def test_programs_are_reproducible_and_use_every_operation() -> None:
    for kind in ("wide", "narrow"):
        programs = [generate(seed, kind) for seed in range(len(OPERATIONS))]
        assert str(programs[3]) == str(generate(3, kind))
        unused = [name for name, count in operations_of(programs).items() if not count]
        assert unused == []


def test_names_of_operations_are_known() -> None:
    assert set(FILLERS) | RARE <= OPERATIONS.keys()
    for known in INEXACT.values():
        for entry in known.values():
            assert entry.operations <= OPERATIONS.keys()


def test_autograd_failures_are_not_taken_for_agreement() -> None:
    if not Autograd.installed():
        pytest.skip("autograd is not installed")
    found = ask(Autograd(), generate(list(OPERATIONS).index("set_row")))
    assert found.unsupported["gradient"]
    assert "gradient" not in found.arrays


def test_answers_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program, library = generate(3, "narrow"), OURS[0]()
    first = Store(tmp_path).ask(library, program, ("value", "gradient"))

    def never(*_: object) -> Answers:
        raise AssertionError("asked again")

    monkeypatch.setattr("tests.differential.answers.ask", never)
    again = Store(tmp_path).ask(library, program, ("value", "gradient"))
    np.testing.assert_array_equal(again.arrays["gradient"][0], first.arrays["gradient"][0])
    moved = Program(
        program.seed,
        program.kind,
        [x + 1 for x in program.inputs],
        program.tangents,
        program.steps,
        program.outputs,
    )
    with pytest.raises(AssertionError, match="asked again"):
        Store(tmp_path).ask(library, moved, ("value", "gradient"))
