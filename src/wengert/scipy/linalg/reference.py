"""Write docs/reference/scipy-linalg.md from the classification.

``python -m wengert.scipy.linalg.reference`` writes the page of this checkout, ``--check`` tells
whether it is up to date.
"""

from __future__ import annotations

import sys
from pathlib import Path

from .classification import CLASSIFICATION, DIFFERENTIABLE, PLAIN, REFUSED

__all__ = ["TARGET", "page"]

TARGET = Path(__file__).parents[4] / "docs" / "reference" / "scipy-linalg.md"

_INTRODUCTION = """\
# scipy.linalg

<!-- Written by `python -m wengert.scipy.linalg.reference` from
src/wengert/scipy/linalg/classification.py. -->

Every function of `scipy.linalg`, and what becomes of it as `wengert.scipy.linalg.f` on a `Tensor`
or inside a transform such as `grad`. {counts} On plain arrays each is SciPy's own.

```python
import numpy as np
import wengert as wg
from wengert.scipy import linalg

print(wg.grad(lambda a: np.trace(linalg.expm(a)))(np.zeros((2, 2))))
```

```text
[[1. 0.]
 [0. 1.]]
```

Stacks of matrices `(..., n, n)` are taken wherever one matrix is, but for `block_diag`, `lstsq`
and the banded and tridiagonal functions; `vmap` hands all of them whole stacks (where LAPACK takes
one matrix, SciPy goes over the stack). Derivatives of every order flow in both modes. Where
eigenvalues or singular values coincide see [the conventions](../concepts/conventions.md).
"""


def page() -> str:
    """The page as Markdown."""
    kinds = [entry.kind for entry in CLASSIFICATION.values()]
    counts = (
        f"Of {len(kinds)} names, {kinds.count('differentiable')} are differentiable, "
        f"{kinds.count('plain')} return plain results, and "
        f"{kinds.count('refused')} are refused."
    )
    parts = [_INTRODUCTION.format(counts=counts), "## Differentiable\n"]
    for subject, names in DIFFERENTIABLE.items():
        listed = sorted(names.split())
        parts.append(f"### {subject}\n")
        parts.append(", ".join(f"`{name}`" for name in listed) + ".\n")
        notes: dict[str, list[str]] = {}
        for name in listed:
            if CLASSIFICATION[name].note:
                notes.setdefault(CLASSIFICATION[name].note, []).append(f"`{name}`")
        lines = [f"- {', '.join(found)}: {note}" for note, found in notes.items()]
        if lines:
            parts.append("\n".join(lines) + "\n")
    parts.append("## Plain results\n")
    for reason, names in PLAIN.items():
        parts.append(f"**{reason}**: " + ", ".join(f"`{n}`" for n in names.split()) + ".\n")
    parts.append("## Refused\n")
    parts.append("Called on a Tensor these raise `NoRuleError`.\n")
    parts.append("| functions | why | instead |\n| --- | --- | --- |")
    for names, (reason, remedy) in REFUSED.items():
        listed_names = ", ".join(f"`{n}`" for n in names.split())
        parts.append(f"| {listed_names} | {reason} | {remedy} |")
    return "\n".join(parts) + "\n"


def main(argv: list[str]) -> int:
    """Write or check the page."""
    text = page()
    if "--check" in argv:
        stale = not TARGET.exists() or TARGET.read_text(encoding="utf-8") != text
        if stale:
            print(f"{TARGET} is stale; run python -m wengert.scipy.linalg.reference")
        return int(stale)
    temporary = TARGET.with_suffix(".tmp")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(TARGET)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
