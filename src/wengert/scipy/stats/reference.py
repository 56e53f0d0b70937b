"""Write docs/reference/stats.md from the table of distributions.

``python -m wengert.scipy.stats.reference`` writes the page of this checkout, ``--check`` tells
whether it is up to date.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .base import DISTRIBUTIONS
from .continuous import Continuous
from .discrete import Discrete
from .kde import gaussian_kde
from .summary import mode, rankdata, sem

__all__ = ["TARGET", "page"]

TARGET = Path(__file__).parents[4] / "docs" / "reference" / "stats.md"

_INTRODUCTION = """\
# Distributions and statistics

<!-- Written by `python -m wengert.scipy.stats.reference` from the distributions themselves. -->

`wengert.scipy.stats` mirrors `scipy.stats`: {count} distributions whose functions have derivatives
in all their arguments, of every order and in both modes, and are batched by `vmap`. Names,
arguments and values are SciPy's.

```python
import numpy as np
import wengert as wg
from wengert.scipy import stats

x = np.array([0.5, 1.0, 2.5])


def loss(mu, sigma):
    return -np.sum(stats.norm.logpdf(x, mu, sigma))


print(wg.grad(loss, argnums=(0, 1))(1.0, 2.0))
```

```text
(np.float64(-0.25), np.float64(1.1875))
```

- Outside of the support a density is 0 and its logarithm -inf, with the derivative 0. An end of the
  support belongs to it where the value there is finite, with the derivative from inside; where the
  logarithm is -inf at an end itself (`gamma.logpdf(0, 2)`), its derivative is infinite or NaN, as
  in JAX. Parameters that are not allowed give NaN, with the derivative 0.
- float32 arguments give float32 (SciPy's functions return float64).
- `norm(loc=mu, scale=sigma)` is a distribution with fixed parameters. `import
  wengert.scipy.stats.norm` works, as in autograd. `rvs` is SciPy's, for plain parameters; random
  numbers with derivatives are in [`wengert.random`](random.md).
- Where SciPy loses digits these functions do not: logarithms of tail probabilities do not underflow
  where there is a formula, and at infinity densities are 0 where SciPy subtracts infinities.
"""

_CONTINUOUS = """\
## Continuous distributions of one variable

All have `loc` and `scale` as last parameters.
"""

_DISCRETE = """\
## Distributions of integers

All have `loc` as the last parameter. Probabilities exist at integers only; derivatives in `k` and
`loc` are those of the formula, with gamma functions for factorials, as in JAX. Cumulative functions
are steps in `k` and `loc`: these derivatives are zero.
"""

_SEVERAL = """\
## Distributions of several variables
"""

_SAMPLES = """\
## Samples

| function | |
| --- | --- |
"""


def page() -> str:
    """The page as Markdown."""
    univariate = [d for d in DISTRIBUTIONS.values() if isinstance(d, Continuous | Discrete)]
    several = [d for d in DISTRIBUTIONS.values() if d not in univariate]
    parts = [
        _INTRODUCTION.format(count=len(DISTRIBUTIONS)),
        _CONTINUOUS,
        *_table(d for d in univariate if isinstance(d, Continuous)),
        _DISCRETE,
        *_table(d for d in univariate if isinstance(d, Discrete)),
        _SEVERAL,
        *_table(several),
        _SAMPLES.rstrip("\n"),
        *[_sample(f) for f in (gaussian_kde, sem, rankdata, mode)],
    ]
    return "\n".join(parts) + "\n"


def _table(distributions: Iterable[Any]) -> list[str]:
    rows = sorted(distributions, key=lambda d: d.name)
    lines = ["| distribution | functions | |", "| --- | --- | --- |"]
    for d in rows:
        summary = str(type(d).__doc__).splitlines()[0]
        parameters = d.shapes if "loc" in d.options else (*d.shapes, *d.options)
        signature = f"`{d.name}({', '.join(parameters)})`" if parameters else f"`{d.name}`"
        lines.append(f"| {signature} | {', '.join(f'`{m}`' for m in d.methods)} | {summary} |")
    notes = [f"- `{d.name}`: {d.notes}" for d in rows if d.notes]
    return [*lines, "", *notes, ""] if notes else [*lines, ""]


def _sample(f: Any) -> str:
    names = [n for n in inspect.signature(f).parameters if n != "self"]
    return f"| `{f.__name__}({', '.join(names)})` | {str(f.__doc__).splitlines()[0]} |"


def main(argv: list[str]) -> int:
    """Write or check the page."""
    text = page()
    if "--check" in argv:
        stale = not TARGET.exists() or TARGET.read_text(encoding="utf-8") != text
        if stale:
            print(f"{TARGET} is stale; run python -m wengert.scipy.stats.reference")
        return int(stale)
    temporary = TARGET.with_suffix(".tmp")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(TARGET)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
