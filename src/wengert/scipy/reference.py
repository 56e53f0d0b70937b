"""Write docs/reference/scipy-solvers.md from the modules' public names and their docstrings.

``python -m wengert.scipy.reference`` writes the page of this checkout, ``--check`` tells whether it
is up to date.
"""

from __future__ import annotations

import inspect
import re
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

__all__ = ["MODULES", "TARGET", "page"]

TARGET = Path(__file__).parents[3] / "docs" / "reference" / "scipy-solvers.md"

MODULES = ("signal", "interpolate", "integrate", "optimize", "sparse", "sparse.linalg")

_INTRODUCTION = """\
# Signals, interpolation, solvers, sparse matrices

<!-- Written by `python -m wengert.scipy.reference` from the modules of src/wengert/scipy. -->

What `wengert.scipy` has of `scipy.signal`, `interpolate`, `integrate`, `optimize` and `sparse`: the
names and the arguments are SciPy's. Plain arguments go to SciPy itself; with Tensors, or inside a
transform, the results are differentiable in both modes and at every order, and can be batched with
`vmap`. A name that is not here raises an `AttributeError` that lists those that are.

```python
import numpy as np
import scipy.sparse
import wengert as wg

A = scipy.sparse.csr_array([[2.0, 0.0], [1.0, 3.0]])
print(wg.grad(lambda x: np.sum((A @ x) ** 2))(np.array([1.0, 1.0])))


def decay(rate):  # an initial value problem, by the adjoint method
    return wg.scipy.integrate.odeint(lambda y, t: -rate * y, [1.0], [0.0, 1.0])[1, 0]


print(wg.grad(decay)(0.5).round(6))


def best(a):  # the minimum as a function of a
    return wg.scipy.optimize.minimize(lambda x: np.sum((x - a) ** 4 + x**2), [1.0]).x[0]


print(wg.grad(best)(1.0).round(4))
```

```text
[16. 24.]
-0.606531
0.676
```

## Functions of yours in a solver

`quad`, `odeint`, `solve_ivp`, `minimize`, `root` and their kind call your function many times on
plain numbers, and have derivative rules of their own. What the function depends on may be given in
`args` or captured from the surroundings; both are differentiated. A function that *captures* a
traced value is recorded once on shapes, so it must not branch on values; pass the value in `args`
if it does. What cannot be differentiated raises an error; a derivative is never silently zero.
Constants that the function reads must not change between the forward and the backward pass.

The times and states of events (`solve_ivp(events=...)`) follow the implicit function theorem, and a
solution that an event ends is differentiated in its last time. Where an event function touches zero
without passing it, that derivative is infinite; an event that appears or vanishes has none. Since
the number of events depends on values, events cannot be batched with `vmap` or compiled.

Derivatives are computed to the tolerances of the solution (`rtol`, `epsabs`, `tol`), and inside
`vmap` a solver runs once for each example, since each takes its own steps.
"""


def _module(name: str) -> ModuleType:
    return import_module(f"wengert.scipy.{name}")


def _sentence(x: Any) -> str:
    """The first sentence of a docstring, with the reference to SciPy's function left out."""
    text = " ".join(inspect.cleandoc(x.__doc__ or "").split("\n\n")[0].split())
    text = re.sub(r"^`scipy\.[\w.]+`(:| of|;|,|\.)? ?", "", text)
    text = text.replace("``", "`")
    return (text[:1].upper() + text[1:]).rstrip(".") or "As SciPy's"


def page() -> str:
    """The page as Markdown."""
    parts = [_INTRODUCTION]
    for name in MODULES:
        module = _module(name)
        parts.append(f"## scipy.{name}\n\n{inspect.cleandoc(module.__doc__ or '')}\n")
        rows = [
            f"| `{n}` | {_sentence(getattr(module, n))} |"
            for n in sorted(module.__all__, key=str.lower)
            if not isinstance(getattr(module, n), ModuleType)
        ]
        parts.append("| name | what it does |\n| --- | --- |\n" + "\n".join(rows) + "\n")
    return "\n".join(parts)


def main(argv: list[str]) -> int:
    """Write or check the page."""
    text = page()
    if "--check" in argv:
        stale = not TARGET.exists() or TARGET.read_text(encoding="utf-8") != text
        if stale:
            print(f"{TARGET} is stale; run python -m wengert.scipy.reference")
        return int(stale)
    temporary = TARGET.with_suffix(".tmp")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(TARGET)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
