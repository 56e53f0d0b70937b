"""Write docs/reference/special.md from the classification.

``python -m wengert.scipy.special.reference`` writes the page of this checkout, ``--check`` tells
whether it is up to date.
"""

from __future__ import annotations

import sys
from pathlib import Path

from ...numpy.classification import Entry
from ...numpy.reference import listed, notes, written
from .classification import CLASSIFICATION, COMPOSITE, PRIMITIVE

__all__ = ["TARGET", "page"]

TARGET = Path(__file__).parents[4] / "docs" / "reference" / "special.md"

_INTRODUCTION = """\
# SciPy's special functions

<!-- Written by `python -m wengert.scipy.special.reference` from
src/wengert/scipy/special/classification.py. -->

Every function of `scipy.special` (SciPy 1.13 to 1.17), and what becomes of it when it is called on
a `Tensor` or inside a transform such as `grad`. {counts}

Ufuncs are called by their own name, `scipy.special.erf(x)`, or as `wengert.scipy.special.erf`,
which is the same function. Names *in italics* are not ufuncs in SciPy, whose own functions then do
not take Tensors: only those of `wengert.scipy.special` do. On plain arrays the results are SciPy's.

Derivatives of every order flow in both modes, unless a note limits them, and `vmap` batches them
without loops. Functions that SciPy computes for complex arguments are differentiated there, too.
"""

_DIFFERENTIABLE = """\
## Differentiable

*Primitives* are one operation on the tape, with a derivative rule of their own; *composites* are
made of several. An argument that a function is not differentiable in raises an error if it is
differentiated; it may be a plain number, an array, or batched by `vmap`.
"""

_ZERO = """\
## Derivative zero

Piecewise constant: the result is a Tensor that records nothing.
"""

_PLAIN = """\
## Plain results

These return ordinary arrays, numbers or objects, and take no traced values.
"""

_REFUSED = """\
## Refused

Called on a value that is being differentiated, these raise. On plain arrays they work as ever.
"""


def page() -> str:
    """The page as Markdown."""
    kinds = [entry.kind for entry in CLASSIFICATION.values()]
    counts = (
        f"Of {len(kinds)} names, {len(kinds) - kinds.count('plain') - kinds.count('refused')} are\n"
        f"differentiable, {kinds.count('plain')} return plain results, and "
        f"{kinds.count('refused')} are refused."
    )
    parts = [_INTRODUCTION.format(counts=counts), _DIFFERENTIABLE]
    for subject in dict.fromkeys([*PRIMITIVE, *COMPOSITE]):
        parts.append(f"### {subject}\n")
        both = []
        for kind, title in (("primitive", "Primitives"), ("composite", "Composites")):
            found = _of(kind, subject)
            both += found
            if found:
                parts.append(f"{title}: {listed(found)}.\n")
        parts += notes(both)
    for kind, heading in (("zero", _ZERO), ("plain", _PLAIN)):
        parts.append(heading)
        for subject in _subjects(kind):
            found = _of(kind, subject)
            parts.append(f"**{subject}**: {listed(found)}.\n")
    parts += [_REFUSED, "| functions | why | error | instead |\n| --- | --- | --- | --- |"]
    for subject in _subjects("refused"):
        found = _of("refused", subject)
        entry = found[0][1]
        parts.append(f"| {listed(found)} | {entry.subject} | `{entry.error}` | {entry.note} |")
    return "\n".join(parts) + "\n"


def _subjects(kind: str) -> list[str]:
    return list(dict.fromkeys(e.subject for e in CLASSIFICATION.values() if e.kind == kind))


def _of(kind: str, subject: str) -> list[tuple[str, Entry]]:
    return [(n, e) for n, e in CLASSIFICATION.items() if (e.kind, e.subject) == (kind, subject)]


def main(argv: list[str]) -> int:
    """Write or check the page."""
    return written(TARGET, page(), "wengert.scipy.special.reference", "--check" in argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
