"""Every primitive and every public function is under the laws."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert.core.primitive import PRIMITIVES
from wengert.core.tensor import FastTensor, RareTensor, Tensor
from wengert.numpy.classification import CLASSIFICATION
from wengert.numpy.dispatch import FUNCTIONS, UFUNC_CALLS
from wengert.rules.pointwise import UFUNCS

from .batching_laws import batched_calls
from .collect import all_cases
from .laws import Subject, copies, primitives_of

# Primitives that no law can reach, each with the reason.
UNREACHED: dict[str, str] = {
    "cross_entropy": (
        "recorded on shapes it is two operations; its record is tested in "
        "tests/rules/test_cross_entropy.py"
    ),
    **dict.fromkeys(
        ("cofactors_where", "lu_factor", "lu_inverse", "lu_solve", "sign_of_exchanges"),
        "only the compiler makes it, in Programs that are run and not transformed; tested in "
        "tests/compiler/test_factorizations.py",
    ),
}

# Primitives that the law "batching does not loop" leaves out, each with the reason.
UNCOUNTED: dict[str, str] = {
    "random_words": "few keys: NumPy's generator in C, started for each, is faster than NumPy code",
    "fold_in": "the same",
    "root_of": "np.roots is not recorded: how many roots there are depends on the coefficients",
}

# Public functions that are tested elsewhere than in the tables, each with the reason.
UNCOVERED: dict[str, str] = {
    "Tensor.tobytes": "the result is bytes",
    "Tensor.resize": "raises: NumPy's method changes the shape in place",
}

# Differentiable functions and objects that NumPy writes in Python on top of others, or does not
# dispatch; tests/numpy/test_classification.py calls them.
PYTHON_IN_NUMPY = {
    "fft.fftfreq", "fft.rfftfreq", "fromfunction", "index_exp", "poly1d", "row_stack", "s_",
    "trapz",
}  # fmt: skip

# Primitives whose text in a listing is not Python on NumPy alone, each with the reason.
_NOT_IN_SCIPY = "SciPy has no such derivative; listings call its evaluation"
NO_SHOW: dict[str, str] = {
    "complex_polygamma": _NOT_IN_SCIPY,
    "betainc_derivative": _NOT_IN_SCIPY,
    "gammainc_derivative": _NOT_IN_SCIPY,
    "hyp1f1_derivative": _NOT_IN_SCIPY,
    "hyp2f1_derivative": _NOT_IN_SCIPY,
    "student_derivative": _NOT_IN_SCIPY,
    "symmetric_integral": _NOT_IN_SCIPY,
    "voigt_derivative": _NOT_IN_SCIPY,
    "zeta_derivative": _NOT_IN_SCIPY,
    "batch_norm": "has three results; listings call its evaluation",
    "fold_in": "NumPy has no keys; listings call its evaluation",
    "random_words": "NumPy has no keys; listings call its evaluation",
}


@cache
def declared_primitives() -> list[str]:
    """The primitives of a fresh import of everything, without those that tests declare."""
    code = (
        "import json, pkgutil, importlib, wengert\n"
        "from wengert.core.primitive import PRIMITIVES\n"
        "for m in pkgutil.walk_packages(wengert.__path__, 'wengert.'):\n"
        "    if m.name.split('.')[1] in ('core', 'rules', 'numpy', 'scipy', 'transforms', 'nn'):\n"
        "        importlib.import_module(m.name)\n"
        "print(json.dumps(sorted(PRIMITIVES)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    names: list[str] = json.loads(done.stdout)
    return names


@cache
def exercised_primitives() -> frozenset[str]:
    """The primitives met in the recordings of the cases and of their derivatives.

    Cases are recorded until all are met; those that declare something new come first.
    """
    wanted = set(declared_primitives())
    seen: set[str] = set()
    rows = [case for _, case in all_cases()]
    for declared_first in (True, False):
        for case in rows:
            if wanted <= seen:
                return frozenset(seen)
            if not declared_first or not set(case.primitives) <= seen:
                seen |= primitives_of(case)
    return frozenset(seen)


def test_every_primitive_is_exercised() -> None:
    missing = set(declared_primitives()) - exercised_primitives() - set(UNREACHED)
    assert not missing, f"no case's recording contains {sorted(missing)}"


@contextmanager
def watched_batching() -> Iterator[set[str]]:
    """Collects the primitives whose batching rules are called."""
    called: set[str] = set()
    before = {name: p.batch for name, p in PRIMITIVES.items()}

    def watching(name: str, rule: Any) -> Any:
        def batch(*args: Any, **params: Any) -> Any:
            called.add(name)
            return rule(*args, **params)

        return batch

    for name, rule in before.items():
        if rule is not None:
            PRIMITIVES[name].batch = watching(name, rule)
    try:
        yield called
    finally:
        for name, rule in before.items():
            PRIMITIVES[name].batch = rule


def test_no_batching_rule_escapes_the_law_that_counts_calls() -> None:
    """That law holds for every record: each one's rule is called in some case that is under it."""
    wanted = set(declared_primitives()) - set(UNCOUNTED) - set(UNREACHED)
    rows = [c for _, c in all_cases() if c.batch and c.record and not c.loops]
    met: set[str] = set()
    with watched_batching() as called, np.errstate(all="ignore"):
        for declared_first in (True, False):
            for case in rows:
                if wanted <= called:
                    break
                if not declared_first or not set(case.primitives) <= met:
                    for call in batched_calls(case, 3):
                        call()
                    met |= set(case.primitives)
    assert sorted(wanted - called) == []


@pytest.mark.parametrize("what", ["shape", "batch", "show"])
def test_every_record_is_whole(what: str) -> None:
    excused = NO_SHOW if what == "show" else {}
    missing = [n for n in declared_primitives() if getattr(PRIMITIVES[n], what) is None]
    assert sorted(set(missing) - set(excused)) == []


def test_excuses_are_needed() -> None:
    assert set(UNREACHED) <= set(declared_primitives()) - exercised_primitives()
    assert all(PRIMITIVES[n].show is None for n in NO_SHOW)


# ------------------------------------------------------------------ public functions


@contextmanager
def watched_dispatch() -> Iterator[set[Any]]:
    """Collects the NumPy functions, ufuncs and Tensor methods that are called on Tensors."""
    called: set[Any] = set()
    cls: Any = Tensor
    by_function, by_ufunc = cls.__array_function__, cls.__array_ufunc__

    def array_function(self: Any, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        called.add(function)
        return by_function(self, function, types, args, kwargs)

    def array_ufunc(self: Any, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        called.add(ufunc if method == "__call__" else (ufunc, method))
        return by_ufunc(self, ufunc, method, *inputs, **kwargs)

    replaced: list[tuple[Any, str, Any]] = [
        (cls, "__array_function__", by_function),
        (cls, "__array_ufunc__", by_ufunc),
    ]
    cls.__array_function__, cls.__array_ufunc__ = array_function, array_ufunc
    for owner, name, attribute in public_methods():
        replaced.append((owner, name, attribute))
        setattr(owner, name, watched(attribute, name, called))
    try:
        yield called
    finally:
        for owner, name, attribute in replaced:
            setattr(owner, name, attribute)


def watched(attribute: Any, name: str, called: set[Any]) -> Any:
    if isinstance(attribute, property):
        getter: Any = attribute.fget

        def get(self: Any) -> Any:
            called.add(name)
            return getter(self)

        return property(get, attribute.fset)

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        called.add(name)
        return attribute(self, *args, **kwargs)

    return method


def public_methods() -> list[tuple[Any, str, Any]]:
    """The methods and properties that `wengert.numpy` gives Tensor."""
    found = []
    for owner in (Tensor, FastTensor, RareTensor):
        for name, attribute in vars(owner).items():
            function = attribute.fget if isinstance(attribute, property) else attribute
            module = getattr(function, "__module__", "") or ""
            if module.startswith("wengert.numpy") and not name.startswith("_"):
                found.append((owner, name, attribute))
    return found


@cache
def called_functions() -> frozenset[Any]:
    with watched_dispatch() as called:
        for _, case in all_cases():
            s = Subject(case, np.float64)
            with np.errstate(all="ignore"):
                s.call(*[wg.core.tensor.handle(a, None, None) for a in copies(s.args)])
    return frozenset(called)


def is_plain(served: Callable[..., Any]) -> bool:
    """Whether a function's results are not differentiated: shapes, tests, positions, texts."""
    return served.__module__ == "wengert.numpy.plain"


def name_of(function: Any) -> str:
    module = (getattr(function, "__module__", None) or "numpy").replace("numpy", "np", 1)
    return f"{module}.{function.__name__}"


def test_every_numpy_function_is_covered() -> None:
    called = called_functions()
    missing = {
        name_of(f) for f, served in FUNCTIONS.items() if f not in called and not is_plain(served)
    }
    assert sorted(missing - set(UNCOVERED)) == []


def test_every_ufunc_is_covered() -> None:
    called, exercised = called_functions(), exercised_primitives()
    missing = {
        f"np.{u.__name__}"
        for u in UFUNC_CALLS
        if u not in called and not (u in UFUNCS and UFUNCS[u].name in exercised)
    }
    assert sorted(missing - set(UNCOVERED)) == []


def test_every_method_is_covered() -> None:
    called = called_functions()
    missing = {
        f"Tensor.{name}"
        for _, name, attribute in public_methods()
        if name not in called and not (callable(attribute) and is_plain(attribute))
    }
    assert sorted(missing - set(UNCOVERED)) == []


def test_what_is_classified_as_differentiable_is_under_the_laws() -> None:
    """By the table of all of NumPy's functions, so that a function cannot be missing from both."""
    called = called_functions()
    missing = []
    for name, entry in CLASSIFICATION.items():
        if entry.kind not in ("primitive", "composite", "zero") or entry.here_only:
            continue
        owner: Any = np
        for part in name.split("."):
            owner = getattr(owner, part, None)
        exercised = owner in UFUNCS and UFUNCS[owner].name in exercised_primitives()
        if owner is None or owner in called or exercised or name in PYTHON_IN_NUMPY:
            continue
        missing.append(name)
    assert sorted(missing) == []


def test_the_table_and_what_is_served_agree() -> None:
    """A function that is served is differentiable or plain; what is refused is not served."""
    refused = {n for n, e in CLASSIFICATION.items() if e.kind == "refused"}
    names = {id(f): name_of(f).removeprefix("np.") for f in (*FUNCTIONS, *UFUNC_CALLS)}
    assert not refused & set(names.values())
