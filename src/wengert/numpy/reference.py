"""Write docs/reference/numpy.md from the classification.

``python -m wengert.numpy.reference`` writes the page of this checkout, ``--check`` tells whether it
is up to date.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from .classification import CLASSIFICATION, PRIMITIVE, Entry

__all__ = ["TARGET", "listed", "notes", "page", "written"]

TARGET = Path(__file__).parents[3] / "docs" / "reference" / "numpy.md"

_INTRODUCTION = """\
# NumPy's functions

<!-- Written by `python -m wengert.numpy.reference` from src/wengert/numpy/classification.py. -->

Every function of NumPy's main namespace, `numpy.linalg` and `numpy.fft` (NumPy 2.0 to 2.5), and
what becomes of it when it is called on a `Tensor` or inside a transform such as `grad`. {counts}

Differentiable functions are reached in three ways with the same result: `np.f(x)` with NumPy's
own function, `wengert.numpy.f(x)`, and where NumPy's arrays have one, the method or operator of
`x`. Derivatives of every order flow in both modes, and `vmap` batches them without loops. Notes
say where ties, kinks or options need a word; "needs values" means that the shape or the dtype of
the result depends on the values of the arguments, so that the function cannot run inside `vmap`
or `jit`.

Names *in italics* take Tensors only as functions of `wengert.numpy`: NumPy does not let other
libraries serve its own.
"""

_DIFFERENTIABLE = """\
## Differentiable

*Primitives* are one operation on the tape, with a derivative rule of their own; *composites* are
made of several.
"""

_ZERO = """\
## Derivative zero

Constant, or piecewise constant: the result is a Tensor that records nothing.
"""

_PLAIN = """\
## Plain results

These return ordinary arrays, numbers, texts or files. They may be used anywhere in a computation
that is being differentiated: as masks, as indices, as decisions.
"""

_REFUSED = """\
## Refused

Called on a value that is being differentiated, these raise. On plain arrays they work as ever.
"""


def page() -> str:
    """The page as Markdown."""
    kinds = [entry.kind for entry in CLASSIFICATION.values()]
    counts = (
        f"Of {len(kinds)} names, {len(kinds) - kinds.count('plain') - kinds.count('refused')} are "
        f"differentiable, {kinds.count('plain')} return plain results, and "
        f"{kinds.count('refused')} are refused."
    )
    parts = [_INTRODUCTION.format(counts=counts), _DIFFERENTIABLE]
    subjects = dict.fromkeys(
        [*PRIMITIVE, *(e.subject for e in CLASSIFICATION.values() if e.kind == "composite")]
    )
    for subject in subjects:
        parts.append(f"### {subject}\n")
        for kind, title in (("primitive", "Primitives"), ("composite", "Composites")):
            found = _of(kind, subject)
            if found:
                parts.append(f"{title}: {listed(found)}.\n")
        parts += notes([*_of("primitive", subject), *_of("composite", subject)])
    for kind, heading in (("zero", _ZERO), ("plain", _PLAIN)):
        parts.append(heading)
        for subject in _subjects(kind):
            found = _of(kind, subject)
            parts.append(f"**{subject}**: {listed(found)}.\n")
            parts += notes(found)
    parts += [_REFUSED, "| functions | why | error | instead |\n| --- | --- | --- | --- |"]
    for subject in _subjects("refused"):
        found = _of("refused", subject)
        entry = found[0][1]
        parts.append(f"| {listed(found)} | {entry.subject} | `{entry.error}` | {entry.note} |")
    return "\n".join(parts) + "\n"


def _subjects(kind: str) -> Iterable[str]:
    return dict.fromkeys(e.subject for e in CLASSIFICATION.values() if e.kind == kind)


def _of(kind: str, subject: str) -> list[tuple[str, Entry]]:
    return [(n, e) for n, e in CLASSIFICATION.items() if (e.kind, e.subject) == (kind, subject)]


def listed(rows: list[tuple[str, Entry]]) -> str:
    """Names in code, those that only wengert serves in italics."""
    return ", ".join(f"*`{name}`*" if e.here_only else f"`{name}`" for name, e in rows)


def notes(rows: list[tuple[str, Entry]]) -> list[str]:
    """A list of the notes, each after the names that share it."""
    by_note: dict[str, list[str]] = {}
    for name, entry in rows:
        if entry.note:
            by_note.setdefault(entry.note, []).append(f"`{name}`")
    lines = [f"- {', '.join(names)}: {note}" for note, names in by_note.items()]
    return ["\n".join(lines) + "\n"] if lines else []


def written(target: Path, text: str, module: str, check: bool) -> int:
    """Write a page, or tell whether it is up to date: the exit code of a command."""
    if check:
        stale = not target.exists() or target.read_text(encoding="utf-8") != text
        if stale:
            print(f"{target} is stale; run python -m {module}")
        return int(stale)
    temporary = target.with_suffix(".tmp")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(target)
    return 0


def main(argv: list[str]) -> int:
    """Write or check the page."""
    return written(TARGET, page(), "wengert.numpy.reference", "--check" in argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
