"""Complete programs written for autograd, with nothing changed but their imports.

The programs are those of ``examples/``. Their gradients are compared with finite differences and,
where it is installed, with autograd's on the same source; and they must do what they are for.
"""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert.misc.flatten import flatten

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
PROGRAMS = sorted(path.stem for path in EXAMPLES.glob("*.py"))
# By how much a quick run lowers the loss, and what it finds.
LOWERS = {
    "fluid_simulation": lambda before, after: after < 0.5 * before,
    "gaussian_process": lambda before, after: after < before - 20,
    "lstm": lambda before, after: after < 0.7 * before,
    "mixture_model": lambda before, after: after < 3.0,
    "ode_fit": lambda before, after: after < 1.5,
    "variational_autoencoder": lambda before, after: after < 0.7 * before,
}


def source_of(name: str) -> str:
    return (EXAMPLES / f"{name}.py").read_text(encoding="utf-8")


def load(name: str, library: str = "wengert") -> Any:
    """The program as a module, its imports from wengert replaced by imports from ``library``."""
    source = re.sub(r"(?m)^(from|import) wengert\b", rf"\1 {library}", source_of(name))
    module = ModuleType(f"{library}_{name}")
    exec(compile(source, str(EXAMPLES / f"{name}.py"), "exec"), module.__dict__)
    return module


@pytest.fixture(scope="module", params=PROGRAMS)
def program(request: pytest.FixtureRequest) -> tuple[str, Any]:
    return request.param, load(request.param)


def test_all_six_are_there() -> None:
    assert set(PROGRAMS) == set(LOWERS)


@pytest.mark.parametrize("name", PROGRAMS)
def test_wengert_is_named_in_imports_only(name: str) -> None:
    tree = ast.parse(source_of(name))
    lines = {n.lineno for n in tree.body if isinstance(n, (ast.Import, ast.ImportFrom))}
    for number, line in enumerate(source_of(name).splitlines(), 1):
        assert "wengert" not in line or number in lines, line


def test_gradient_agrees_with_finite_differences(program: tuple[str, Any]) -> None:
    _, module = program
    loss, params, _ = module.make_problem(True)
    point, unflatten = flatten(params)
    gradient, _ = flatten(wg.grad(loss)(params))
    rng = np.random.default_rng(0)
    directions = [rng.normal(size=point.size) for _ in range(3)]
    directions += [np.eye(point.size)[i] for i in rng.integers(0, point.size, 3)]
    for v in directions:
        h = 1e-4 / np.linalg.norm(v)
        # Richardson: the error is of order h**4.
        a, b = (
            (loss(unflatten(point + s * v)) - loss(unflatten(point - s * v))) / (2 * s)
            for s in (h, 2 * h)
        )
        numeric = (4 * a - b) / 3
        scale = np.linalg.norm(gradient) * np.linalg.norm(v)
        assert abs(gradient @ v - numeric) < 1e-7 * scale


def test_forward_mode_agrees_with_reverse_mode(program: tuple[str, Any]) -> None:
    _, module = program
    loss, params, _ = module.make_problem(True)
    rng = np.random.default_rng(1)
    v = wg.tree.map(lambda x: rng.normal(size=np.shape(x)), params)
    gradient = wg.grad(loss)(params)
    product = flatten(gradient)[0] @ flatten(v)[0]
    np.testing.assert_allclose(wg.jvp(loss, (params,), (v,))[1], product, rtol=1e-9)


def test_loss_falls_and_the_result_is_plain(program: tuple[str, Any]) -> None:
    name, module = program
    losses, result = module.train(True)
    assert LOWERS[name](losses[0], losses[-1]), losses
    assert not any(isinstance(x, wg.Tensor) for x in wg.tree.leaves(result))


def test_results() -> None:
    _, result = load("ode_fit").train(True)
    truth = load("ode_fit").TRUTH
    assert np.all(np.abs(result["rates"] - truth) < 3 * result["errors"])
    _, result = load("mixture_model").train(True)
    expected = [[-3, -1], [0, 3], [3, -1]]
    np.testing.assert_allclose(sorted(result["means"].tolist()), expected, atol=0.3)
    _, result = load("gaussian_process").train(True)
    assert result["rmse"] < 0.2


@pytest.mark.parametrize("name", PROGRAMS)
def test_main(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    load(name).main(["--quick"])
    printed = capsys.readouterr().out
    assert "->" in printed
    assert "tensor" not in printed.lower()


@pytest.mark.peers
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", PROGRAMS)
def test_autograd_gives_the_same(name: str) -> None:
    autograd = pytest.importorskip("autograd")
    ours, theirs = load(name), load(name, "autograd")
    assert not any("wengert" in str(getattr(v, "__module__", "")) for v in vars(theirs).values())
    loss, params, _ = ours.make_problem(True)
    their_loss, their_params, _ = theirs.make_problem(True)
    np.testing.assert_allclose(flatten(params)[0], flatten(their_params)[0], rtol=1e-15)
    np.testing.assert_allclose(loss(params), their_loss(their_params), rtol=1e-12)
    gradient = flatten(wg.grad(loss)(params))[0]
    expected = flatten(autograd.grad(their_loss)(their_params))[0]
    scale = np.max(np.abs(expected))
    np.testing.assert_allclose(gradient, expected, rtol=1e-9, atol=1e-11 * scale)
    assert "autograd" in sys.modules
