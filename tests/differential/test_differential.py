"""wengert agrees with JAX, PyTorch and autograd on random programs, where they are installed."""

import pytest

from tests.differential.compare import TOLERANCES, ask, differences
from tests.differential.libraries import OURS, PEERS, Autograd, Jax, Library
from tests.differential.operations import OPERATIONS
from tests.differential.programs import generate, operations_of

# JAX compiles each program; the others run at once.
COUNTS = {Jax: 25}
DEFAULT_COUNT = len(OPERATIONS)
# Other seeds than those of the report.
FIRST_SEED = 10_000


@pytest.fixture(scope="module", params=PEERS, ids=lambda peer: peer.name)
def peer(request: pytest.FixtureRequest) -> Library:
    if not request.param.installed():
        pytest.skip(f"{request.param.name} is not installed (pip install 'wengert[bench]')")
    return request.param()


@pytest.mark.peers
@pytest.mark.slow
def test_random_programs_agree(peer: Library) -> None:
    ours = [library() for library in OURS]
    compared = 0
    for seed in range(FIRST_SEED, FIRST_SEED + COUNTS.get(type(peer), DEFAULT_COUNT)):
        program = generate(seed)
        expected = ask(peer, program)
        for library in ours:
            found = differences(ask(library, program), expected)
            for quantity, difference in found.items():
                assert difference <= TOLERANCES[quantity], (
                    f"{library.name} and {peer.name} differ in the {quantity} by "
                    f"{difference:.1e}:\n{program}"
                )
            compared += len(found)
    assert compared > 0


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
    programs = [generate(seed) for seed in range(len(OPERATIONS))]
    assert str(programs[3]) == str(generate(3))
    unused = [name for name, count in operations_of(programs).items() if not count]
    assert unused == []


def test_autograd_failures_are_not_taken_for_agreement() -> None:
    if not Autograd.installed():
        pytest.skip("autograd is not installed")
    found = ask(Autograd(), generate(list(OPERATIONS).index("set_row")))
    assert found.unsupported["gradient"]
    assert "gradient" not in found.arrays
