"""The classification against NumPy itself, and against what happens on Tensors."""

from __future__ import annotations

import subprocess
import sys
import types
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

import wengert as wg
import wengert.numpy as wnp
from wengert.core import pytree
from wengert.core.abstract import Aval
from wengert.core.recorder import record
from wengert.numpy.classification import (
    CLASSIFICATION,
    COMPOSITE,
    NOTES,
    PLAIN,
    PRIMITIVE,
    REFUSED,
    ZERO,
)

from .compare import constant, plain
from .examples import METHODS, Example, example_of, function_named

# Objects of NumPy's that are called by brackets.
CALLED_BY_BRACKETS = {"c_", "index_exp", "mgrid", "ogrid", "r_", "s_"}
# What no Tensor is an argument of.
NO_ARRAY = {
    name
    for reason, names in PLAIN.items()
    if reason.startswith(("It takes no array", "It reads", "It makes an array from a shape"))
    for name in names.split()
}


@contextmanager
def quiet() -> Iterator[None]:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", PendingDeprecationWarning)
        yield


def names_of_numpy() -> list[str]:
    """Every function, ufunc and class of the three namespaces, but for the types of numbers."""
    found = []
    for prefix, module in (("", np), ("linalg.", np.linalg), ("fft.", np.fft)):
        for name in {*dir(module), *module.__all__}:
            if name[0] == "_" or not hasattr(module, name):
                continue
            value = getattr(module, name)
            if isinstance(value, types.ModuleType):
                continue
            if isinstance(value, type) and issubclass(value, np.generic):
                continue
            if callable(value) or name in CALLED_BY_BRACKETS:
                found.append(prefix + name)
    return sorted(found)


NAMES = names_of_numpy()


def of_kind(*kinds: str) -> list[str]:
    return [n for n in NAMES if n in CLASSIFICATION and CLASSIFICATION[n].kind in kinds]


# ------------------------------------------------------------------ the table


def test_every_function_is_classified() -> None:
    missing = sorted(set(NAMES) - set(CLASSIFICATION))
    assert not missing, f"add these to src/wengert/numpy/classification.py: {missing}"


def test_no_name_is_invented() -> None:
    """Names that this version of NumPy lacks belong to another version from 2.0 to 2.5."""
    elsewhere = {
        "cumulative_prod", "cumulative_sum", "in1d", "matvec", "row_stack", "trapz", "unstack",
        "vecmat",
    }  # fmt: skip
    assert set(CLASSIFICATION) - set(NAMES) <= elsewhere


def test_every_name_stands_once() -> None:
    tables = (PRIMITIVE, COMPOSITE, ZERO, PLAIN, REFUSED)
    names = [n for table in tables for part in table.values() for n in part.split()]
    assert sorted(names) == sorted(set(names))
    assert set(NOTES) <= set(names)


def test_the_page_is_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "wengert.numpy.reference", "--check"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


# ------------------------------------------------------------------ what happens


def namespaces(name: str) -> list[Any]:
    return [wnp] if CLASSIFICATION[name].here_only else [np, wnp]


def traced(example: Example, namespace: Any) -> tuple[list[Any], list[Any]]:
    """All results of a call on traced values inside a transform; and gradients of the first."""
    results: list[Any] = []

    def function(*xs: Any) -> Any:
        results[:] = pytree.leaves(example.call(namespace, *xs))
        tensors = [y for y in results if isinstance(y, wg.Tensor) and y.dtype.kind in "fc"]
        return tuple(tensors)

    values, pullback = wg.vjp(function, *example.args)
    gradients = pullback(tuple(np.ones_like(v) for v in values)) if values else ()
    return results, pytree.leaves(gradients)


@pytest.mark.parametrize("name", of_kind("primitive", "composite"))
def test_differentiable(name: str) -> None:
    """NumPy's values, recorded; derivatives by both modes; the same from both namespaces."""
    example = example_of(name)
    with quiet():
        expected = [plain(y) for y in pytree.leaves(example.call(np, *example.args))]
        found = []
        for namespace in namespaces(name):
            results, gradients = traced(example, namespace)
            assert any(isinstance(y, wg.Tensor) and y.requires_grad for y in results), name
            assert any(np.any(g) for g in gradients), f"{name}: the gradient is zero"
            assert len(results) == len(expected)
            for y, wanted in zip(results, expected, strict=True):
                value = np.asarray(plain(y.detach() if isinstance(y, wg.Tensor) else y))
                assert value.shape == np.shape(wanted)
                np.testing.assert_allclose(value, wanted, rtol=1e-12, atol=1e-12)
            found.append(gradients)
        for other in found[1:]:
            np.testing.assert_equal(other, found[0])
        _check_forward_mode(example, namespaces(name)[0])


def _check_forward_mode(example: Example, namespace: Any) -> None:
    def function(*xs: Any) -> Any:
        results = pytree.leaves(example.call(namespace, *xs))
        return tuple(y for y in results if isinstance(y, wg.Tensor) and y.dtype.kind in "fc")

    rng = np.random.default_rng(3)
    tangents = tuple(rng.normal(size=a.shape).astype(a.dtype) for a in example.args)
    values, dy = wg.jvp(function, example.args, tangents)
    cts = tuple(rng.normal(size=np.shape(v)).astype(np.asarray(v).dtype) for v in values)
    gradients = wg.vjp(function, *example.args)[1](cts)
    left = sum(np.sum(c * t).real for c, t in zip(cts, dy, strict=True))
    right = sum(np.sum(g * t).real for g, t in zip(gradients, tangents, strict=True))
    np.testing.assert_allclose(left, right, rtol=1e-6 if _single(dy) else 1e-10, atol=1e-10)


def _single(values: Any) -> bool:
    return any(np.asarray(v).dtype == np.float32 for v in values)


@pytest.mark.parametrize("name", of_kind("primitive", "composite"))
def test_primitives_are_one_operation(name: str) -> None:
    example, entry = example_of(name), CLASSIFICATION[name]
    avals = [Aval(a.shape, a.dtype) for a in example.args]
    try:
        with quiet():
            program = record(
                lambda *xs: [
                    y
                    for y in pytree.leaves(example.call(namespaces(name)[0], *xs))
                    if isinstance(y, wg.Tensor)
                ],
                avals,
            )
    except wg.AbstractValueError:
        assert entry.kind == "composite"
        assert "values" in entry.note, f"{name}: the note has to say that it needs values"
        return
    count = len(program.equations)
    kind = "primitive" if count == 1 else "composite"
    assert entry.kind == kind, f"{name} records {count} operations"


@pytest.mark.parametrize("name", of_kind("zero"))
def test_derivative_zero(name: str) -> None:
    """A Tensor without a history, in a function whose gradient is that of the rest."""
    example = example_of(name)
    with quiet():
        for namespace in namespaces(name):
            results, _ = traced(example, namespace)
            for y in results:
                assert isinstance(y, wg.Tensor)
                assert not y.requires_grad
            if name == "empty_like":
                continue
            expected = example.call(np, *example.args)
            np.testing.assert_array_equal(results[0].detach().array, expected)


@pytest.mark.parametrize("name", of_kind("plain"))
def test_plain(name: str) -> None:
    """Plain results, NumPy's, without a break: the rest of the function is differentiated."""
    if name in NO_ARRAY:
        return
    example = example_of(name)
    with quiet():
        expected = pytree.leaves(example.call(np, *example.args))
        for namespace in namespaces(name):
            if all(a.dtype.kind in "fc" for a in example.args):
                results, _ = traced(example, namespace)
            else:
                args = [constant(a) for a in example.args]
                results = pytree.leaves(example.call(namespace, *args))
            assert not any(isinstance(y, wg.Tensor) for y in results)
            if name != "array_repr":  # it says what it is
                np.testing.assert_equal(results, expected)


@pytest.mark.parametrize("name", sorted(NO_ARRAY & set(NAMES)))
def test_without_arrays_it_is_numpys(name: str) -> None:
    """The same function in both namespaces, or one that returns the same outside of transforms."""
    own, numpys = function_named(wnp, name), function_named(np, name)
    if own is numpys:
        return
    args = {"ndindex": ((2, 3),), "indices": ((2, 3),), "mask_indices": (3, np.triu)}.get(
        name, (3,)
    )
    np.testing.assert_equal(np.shape(own(*args)), np.shape(numpys(*args)))


@pytest.mark.parametrize("name", of_kind("refused"))
def test_refused(name: str) -> None:
    """The named error inside a transform; on plain arrays it is NumPy's own."""
    example, entry = example_of(name), CLASSIFICATION[name]
    assert entry.note, f"{name}: what to do instead?"
    error = getattr(wg, entry.error)
    with quiet():
        with pytest.raises(error) as raised:
            traced(example, wnp)
        assert len(str(raised.value)) > 40, "the error says what to do"
        with pytest.raises(TypeError):  # NumPy's iterators raise their own
            traced(example, np)


@pytest.mark.parametrize("name", METHODS)
def test_methods_are_the_functions(name: str) -> None:
    """Values and gradients of methods and operators are exactly those of the functions."""
    name_of_function = {"add": "add", "mod": "mod", "pow": "power"}.get(name, name)
    example = example_of(name_of_function)
    method = Example(lambda _, *xs: METHODS[name](*xs), example.args)
    with quiet():
        by_function, gradients = traced(example, np)
        by_method, others = traced(method, np)
    for x, y in zip(by_function, by_method, strict=True):
        assert isinstance(x, wg.Tensor) == isinstance(y, wg.Tensor)
        x, y = (np.asarray(plain(v.detach() if isinstance(v, wg.Tensor) else v)) for v in (x, y))
        assert x.dtype == y.dtype
        np.testing.assert_array_equal(x, y)
    np.testing.assert_equal(others, gradients)


def test_methods_of_arrays_are_there() -> None:
    """A public method of NumPy's arrays that Tensor lacks has a reason."""
    reasons = {
        "base": "the memory belongs to wengert",
        "byteswap": "the memory belongs to wengert",
        "ctypes": "the memory belongs to wengert",
        "data": "the memory belongs to wengert",
        "device": "always the CPU",
        "dump": "np.save, or pickle of a leaf",
        "dumps": "np.save, or pickle of a leaf",
        "getfield": "for structured arrays",
        "itemset": "x[index] = value",
        "newbyteorder": "the memory belongs to wengert",
        "setfield": "for structured arrays",
        "setflags": "the memory belongs to wengert",
        "strides": "of .array",
        "to_device": "always the CPU",
        "tostring": "another name of tobytes, until NumPy 2.3",
        "tofile": "np.save",
    }
    missing = {n for n in dir(np.ndarray) if n[0] != "_" and not hasattr(wg.Tensor, n)}
    assert sorted(missing - set(reasons)) == []
