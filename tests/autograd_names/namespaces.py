"""autograd's public namespaces, and what is left out of them.

``python -m tests.autograd_names.namespaces`` writes the names of the installed autograd into
``names.json``.
"""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from types import ModuleType

STORED = Path(__file__).with_name("names.json")

# autograd's modules that programs import from.
PUBLIC = (
    "",
    "builtins",
    "differential_operators",
    "extend",
    "misc",
    "misc.fixed_points",
    "misc.flatten",
    "misc.optimizers",
    "misc.tracers",
    "numpy",
    "numpy.fft",
    "numpy.linalg",
    "numpy.random",
    "scipy",
    "scipy.integrate",
    "scipy.linalg",
    "scipy.signal",
    "scipy.special",
    "scipy.stats",
    "scipy.stats.beta",
    "scipy.stats.chi2",
    "scipy.stats.dirichlet",
    "scipy.stats.gamma",
    "scipy.stats.multivariate_normal",
    "scipy.stats.norm",
    "scipy.stats.poisson",
    "scipy.stats.t",
    "test_util",
    "tracer",
)
# Its other modules, each with the reason.
NOT_PUBLIC = {
    "core": "how autograd's tape works; autograd.extend is its public face",
    "numpy.numpy_boxes": "the classes of its traced arrays; wengert's is Tensor",
    "numpy.numpy_jvps": "its derivative rules",
    "numpy.numpy_vjps": "its derivative rules",
    "numpy.numpy_vspaces": "vspace is in autograd.extend",
    "numpy.numpy_wrapper": "how it fills autograd.numpy",
    "util": "small functions of its own",
    "wrap_util": "small functions of its own",
}


def installed_names() -> dict[str, list[str]]:
    """By module, the names without underscore that are no modules."""
    found = {}
    for name in PUBLIC:
        module = importlib.import_module(f"autograd.{name}".rstrip("."))
        found[name] = sorted(
            n
            for n, value in vars(module).items()
            if not n.startswith("_") and not isinstance(value, ModuleType)
        )
    return found


def stored_names() -> dict[str, list[str]]:
    """The same from the file."""
    names: dict[str, list[str]] = json.loads(STORED.read_text(encoding="utf-8"))["names"]
    return names


if __name__ == "__main__":
    from importlib.metadata import version

    STORED.write_text(
        json.dumps({"autograd": version("autograd"), "names": installed_names()}, indent=1) + "\n",
        encoding="utf-8",
    )
