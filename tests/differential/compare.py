"""Holding the answers of two libraries against each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.differential.libraries import Library, UnsupportedError
from tests.differential.programs import Program

# What two libraries may differ by, relative to the largest entry. The programs are
# well-conditioned, but several steps of them can still lose a few digits.
TOLERANCES = {"value": 1e-10, "gradient": 1e-9, "jvp": 1e-9, "hvp": 1e-8}
QUANTITIES = tuple(TOLERANCES)


@dataclass(frozen=True)
class Inexact:
    """Operations that a peer computes to fewer digits, and the tolerance of programs with them."""

    operations: frozenset[str]
    tolerance: float


# By peer and reason. Each was decided by mpmath.
INEXACT: dict[str, dict[str, Inexact]] = {
    "PyTorch": {
        "the trigamma function, which is the derivative of digamma, has a relative error of "
        "5e-10.": Inexact(
            frozenset(
                "polygamma_1 digamma gammaln gammaln_large gamma loggamma betaln beta poch "
                "multigammaln gamma_logpdf beta_logpdf chi2_logpdf t_logpdf dirichlet_logpdf "
                "nbinom_logpmf".split()
            ),
            1e-7,
        ),
    },
}


def tolerance(peer: Library, program: Program, quantity: str) -> float:
    """What a difference may be."""
    used = {step.operation for step in program.steps}
    known = [e.tolerance for e in INEXACT.get(peer.name, {}).values() if e.operations & used]
    return max([TOLERANCES[quantity], *known])


@dataclass(frozen=True)
class Answers:
    """What one library says about one program: arrays by quantity, or why it has none."""

    arrays: dict[str, Sequence[np.ndarray]]
    unsupported: dict[str, str]


def ask(library: Library, program: Program, wanted: Sequence[str] = QUANTITIES) -> Answers:
    """Value and gradient, jvp and Hessian-vector product of a program, or what is wanted of them.

    Raises
    ------
    AssertionError
        If the library changes the program's inputs.
    """
    # Copies, for a library that changed its arguments must not spoil the others.
    inputs = [x.copy() for x in program.inputs]
    build, tangents = program.function, program.tangents

    def reverse() -> dict[str, Any]:
        value, gradient = library.value_and_gradient(build, inputs)
        return {"value": [value], "gradient": gradient}

    questions: list[tuple[tuple[str, ...], Callable[[], dict[str, Any]]]] = [
        (("value", "gradient"), reverse),
        (("jvp",), lambda: {"jvp": [library.jvp(build, inputs, tangents)]}),
        (("hvp",), lambda: {"hvp": library.hvp(build, inputs, tangents)}),
    ]
    found = Answers({}, {})
    for quantities, compute in questions:
        if not set(quantities) & set(wanted):
            continue
        try:
            for quantity, arrays in compute().items():
                parts = [np.asarray(array) for array in arrays]
                if any(part.dtype == object for part in parts):
                    raise UnsupportedError("returned boxes of its own in place of numbers")
                found.arrays[quantity] = parts
        except UnsupportedError as error:
            for quantity in quantities:
                found.unsupported[quantity] = str(error).splitlines()[0]
    for before, after in zip(program.inputs, inputs):
        np.testing.assert_array_equal(before, after, err_msg=f"{library.name} changed an argument")
    return found


def differences(found: Answers, expected: Answers) -> dict[str, float]:
    """The relative difference of every quantity that both have; infinite if shapes differ."""
    return {
        quantity: relative_difference(found.arrays[quantity], expected.arrays[quantity])
        for quantity in QUANTITIES
        if quantity in found.arrays and quantity in expected.arrays
    }


def relative_difference(found: Sequence[np.ndarray], expected: Sequence[np.ndarray]) -> float:
    """The largest difference of two entries, relative to the largest entry (at least 1e-3)."""
    if [part.shape for part in found] != [part.shape for part in expected]:
        return np.inf
    difference = max((float(np.abs(a - b).max()) for a, b in zip(found, expected)), default=0.0)
    largest = max((float(np.abs(b).max()) for b in expected), default=0.0)
    return difference / max(largest, 1e-3) if np.isfinite(difference) else np.inf
