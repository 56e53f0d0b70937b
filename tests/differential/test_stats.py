"""`wengert.scipy.stats` against those of JAX and autograd: names, values, gradients.

Everything that they offer must be here, and give the same gradients by all real arguments, wherever
they have one.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import types
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert.scipy import stats

pytestmark = pytest.mark.peers

# The variable (in standard form) and the shape parameters: ranges, or integers as they are.
DOMAINS: dict[str, list[Any]] = {
    "bernoulli": [np.array([0, 1, 0]), (0.2, 0.8)],
    "beta": [(0.1, 0.9), (0.6, 4), (0.6, 4)],
    "betabinom": [np.array([0, 2, 4]), np.array([5, 7, 6]), (0.7, 4), (0.7, 4)],
    "binom": [np.array([0, 2, 4]), np.array([5, 7, 6]), (0.2, 0.8)],
    "cauchy": [(-3, 3)],
    "chi2": [(0.2, 5), (0.7, 5)],
    "expon": [(0.2, 4)],
    "gamma": [(0.2, 5), (0.7, 5)],
    "gennorm": [(0.3, 2.5), (0.8, 3)],
    "geom": [np.array([1, 2, 5]), (0.2, 0.8)],
    "gumbel_l": [(-3, 1)],
    "gumbel_r": [(-1, 3)],
    "laplace": [(0.2, 3)],
    "logistic": [(-3, 3)],
    "nbinom": [np.array([0, 2, 5]), (0.7, 5), (0.2, 0.8)],
    "norm": [(-3, 3)],
    "pareto": [(1.2, 4), (0.5, 4)],
    "poisson": [np.array([0, 2, 5]), (0.7, 5)],
    "t": [(-3, 3), (0.7, 8)],
    "truncnorm": [(-0.9, 0.9), (-2, -1), (1, 2)],
    "uniform": [(0.1, 0.9)],
    "vonmises": [(-3, 3), (0.2, 5)],
    "wrapcauchy": [(0.2, 6), (0.2, 0.8)],
}

# What a library gets wrong or lacks, with the reason.
EXCUSED = {
    ("jax", "bernoulli", "ppf"): "a step: both derivatives are zero, JAX's by integers",
    ("jax", "poisson", "entropy"): "compared at a looser tolerance below",
    ("autograd", "chi2", "logpdf"): "autograd has no derivative in x unless df is an integer",
    ("autograd", "chi2", "pdf"): "as above",
}


def module_of(library: str) -> Any:
    """The library's ``scipy.stats``."""
    pytest.importorskip(library, reason=f"{library} is not installed")
    if library == "jax":
        import jax

        jax.config.update("jax_enable_x64", True)
    return importlib.import_module(f"{library}.scipy.stats")


def offered(library: str) -> list[tuple[str, str]]:
    """The functions of all of a library's distributions."""
    module = module_of(library)
    own = []
    for name in (i.name for i in pkgutil.iter_modules(module.__path__)):
        if name[:1] == "_" or not isinstance(getattr(module, name, None), types.ModuleType):
            continue
        for method, f in vars(getattr(module, name)).items():
            known = method in ("entropy", "isf", "pdf", "pmf", "ppf", "rvs", "sf") or method[
                :3
            ] in (
                "cdf",
                "log",
            )
            if callable(f) and known and method not in ("log", "log1p", "logsumexp", "logical_and"):
                own.append((name, method))
    return own


def peers_gradient(library: str, f: Callable[..., Any], args: list[Any], which: list[int]) -> Any:
    """Value and gradients, by the library's own reverse mode; None where it has no rule."""
    if library == "jax":
        import jax as peer
        import jax.numpy as xp
    else:
        import autograd as peer
        import autograd.numpy as xp
    gradients = []
    for i in which:
        try:
            gradients.append(peer.grad(lambda *a: xp.sum(f(*a)), i)(*args))
        except (NotImplementedError, TypeError, ValueError) as error:
            # JAX has no derivative of betainc in a and b, and that of gumbel_l.logpdf fails.
            lacking = isinstance(error, NotImplementedError) or re.search(
                "not supported|float0", str(error)
            )
            if not lacking:
                raise
            gradients.append(None)
    return f(*args), gradients


@pytest.mark.parametrize("library", ["jax", "autograd"])
def test_nothing_is_missing(library: str) -> None:
    functions = offered(library)
    assert len(functions) > {"jax": 100, "autograd": 20}[library]
    missing = [f"{d}.{m}" for d, m in functions if not hasattr(getattr(stats, d, None), m)]
    assert missing == []
    if library == "jax":
        module = module_of("jax")
        others = [n for n in dir(module) if n[0] != "_" and callable(getattr(module, n))]
        assert [n for n in others if not hasattr(stats, n)] == []


@pytest.mark.slow
@pytest.mark.parametrize("library", ["jax", "autograd"])
def test_values_and_gradients_agree(library: str) -> None:
    """With locations and scales wherever the library takes them."""
    module = module_of(library)
    compared = 0
    for name, method in offered(library):
        if name not in DOMAINS or (library, name, method) in EXCUSED or method == "rvs":
            continue
        theirs, ours = getattr(getattr(module, name), method), getattr(getattr(stats, name), method)
        for seed in range(1 if library == "jax" else 3):
            rng = np.random.default_rng(seed)
            args = arguments(rng, name, method, theirs, library)
            which = [i for i, a in enumerate(args) if a.dtype.kind == "f"]
            if library == "jax":  # it has no derivative of some functions of integers
                args = [a.astype(float) for a in args]
            value, gradients = peers_gradient(library, theirs, args, which)
            what = f"{library} {name}.{method}{args}"
            # SciPy's values are reached to 1e-10; JAX's betaln has an error of 1e-6.
            rtol = 1e-5 if name == "betabinom" else 1e-9
            np.testing.assert_allclose(ours(*args), value, rtol=rtol, atol=1e-12, err_msg=what)
            found = wg.grad(lambda *a, f=ours: np.sum(f(*a)), argnums=tuple(which))(*args)
            for i, g, expected in zip(which, found, gradients, strict=True):
                if expected is not None:
                    np.testing.assert_allclose(
                        g,
                        expected,
                        rtol=max(1e-6, rtol),
                        atol=1e-9,
                        err_msg=f"{what}, argument {i}",
                    )
                    compared += 1
    assert compared > {"jax": 240, "autograd": 100}[library]


def arguments(
    rng: np.random.Generator, name: str, method: str, theirs: Any, library: str
) -> list[np.ndarray]:
    variable, *shapes = DOMAINS[name]
    if method in ("ppf", "isf"):
        variable = (0.1, 0.9)
    drawn = [v if isinstance(v, np.ndarray) else rng.uniform(*v, 3) for v in (variable, *shapes)]
    if method == "entropy":
        return drawn[1:]
    distribution = getattr(stats, name)
    count = 10 if library == "autograd" else len(inspect.signature(theirs).parameters)
    if library == "autograd" and name not in ("norm", "t"):
        count = len(drawn)  # its rules take no location
    loc, scale = rng.uniform(-0.05, 0.05, 3), rng.uniform(0.9, 1.1, 3)
    if count > len(drawn) and isinstance(variable, np.ndarray):
        return drawn
    if count >= len(drawn) + 2 and "scale" in distribution.options:
        return [*drawn, loc, scale]
    return drawn


def test_several_variables_agree() -> None:
    jax_stats = module_of("jax")
    autograd_stats = module_of("autograd")
    rng = np.random.default_rng(0)
    root = rng.normal(size=(3, 3))
    cov = root @ root.T + np.eye(3)
    x, mean = rng.normal(size=3), rng.normal(size=3)
    alpha, shares = rng.uniform(0.5, 3.0, 3), rng.dirichlet([2.0, 3.0, 4.0])
    counts, p = np.array([1, 2, 3]), np.array([0.2, 0.3, 0.5])

    def agree(name: str, method: str, args: list[Any], which: list[int], rtol: float) -> None:
        ours = wg.grad(
            lambda *a: np.sum(getattr(getattr(stats, name), method)(*a)), argnums=tuple(which)
        )(*args)
        for library, module in (("jax", jax_stats), ("autograd", autograd_stats)):
            if not hasattr(getattr(module, name, None), method):
                continue
            f = getattr(getattr(module, name), method)
            value, theirs = peers_gradient(library, f, args, which)
            expected = getattr(getattr(stats, name), method)(*args)
            np.testing.assert_allclose(expected, value, rtol=1e-10)
            for g, e in zip(ours, theirs, strict=True):
                if e is not None:
                    e = 0.5 * (e + e.T) if np.ndim(e) == 2 else e
                    np.testing.assert_allclose(
                        g, e, rtol=rtol, err_msg=f"{library} {name}.{method}"
                    )

    for method in ("pdf", "logpdf"):
        agree("multivariate_normal", method, [x, mean, cov], [0, 1, 2], 1e-9)
        agree("dirichlet", method, [shares, alpha], [0, 1], 1e-9)
    for method in ("pmf", "logpmf"):
        agree("multinomial", method, [counts, 6, p], [2], 1e-9)
    agree("poisson", "entropy", [np.array([0.5, 3.0, 40.0])], [0], 1e-5)


def test_estimates_and_samples_agree() -> None:
    jax_stats = module_of("jax")
    import jax
    import jax.numpy as jnp

    rng = np.random.default_rng(1)
    sample, points = rng.normal(size=(2, 7)), rng.normal(size=(2, 3))
    for method in ("pdf", "logpdf"):
        ours = wg.grad(
            lambda s, x, m=method: np.sum(getattr(stats.gaussian_kde(s), m)(x)), argnums=(0, 1)
        )(sample, points)
        theirs = jax.grad(
            lambda s, x, m=method: jnp.sum(getattr(jax_stats.gaussian_kde(s), m)(x)),
            argnums=(0, 1),
        )(sample, points)
        for g, e in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(g, e, rtol=1e-8, atol=1e-12)
    sem = jax.grad(lambda s: jnp.sum(jax_stats.sem(s, axis=1)))(sample)
    np.testing.assert_allclose(wg.grad(lambda s: np.sum(stats.sem(s, axis=1)))(sample), sem)
    np.testing.assert_array_equal(stats.rankdata(sample), jax_stats.rankdata(sample))
