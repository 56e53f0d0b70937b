"""Captures in what holds other objects, and in modules that a function imports when it runs."""

from __future__ import annotations

import collections
import contextvars
import sys
import threading
import types
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import wengert as wg

from .test_captures import X, follows, setting


def _holders() -> dict[str, tuple[Callable[[], Any], Callable[[Any], Any]]]:
    """What gives the array that is captured, and what replaces it."""
    base = {"w": np.ones(3)}
    proxy = types.MappingProxyType(base)
    chain = collections.ChainMap({}, {"w": np.ones(3)})
    user_dict, user_list = collections.UserDict(w=np.ones(3)), collections.UserList([np.ones(3)])
    variable: contextvars.ContextVar[Any] = contextvars.ContextVar("w")
    variable.set(np.ones(3))
    local = threading.local()
    local.w = np.ones(3)
    owner = types.SimpleNamespace(w=np.ones(3))

    class Referred:
        w = np.ones(3)

    referred = Referred()
    reference = weakref.ref(referred)
    buffer = np.ones(3)
    view = memoryview(buffer)

    class Meta(type):
        w = np.ones(3)

    class OfMeta(metaclass=Meta):
        pass

    def replace_referred(new: Any) -> None:
        referred.w = new

    def fill(new: Any) -> None:
        buffer[...] = new

    return {
        "mapping proxy": (lambda: proxy["w"], lambda new: base.update(w=new)),
        "chain of maps": (lambda: chain["w"], lambda new: chain.maps[1].update(w=new)),
        "user dict": (lambda: user_dict["w"], lambda new: user_dict.update(w=new)),
        "user list": (lambda: user_list[0], lambda new: user_list.__setitem__(0, new)),
        "context": (lambda: variable.get(), variable.set),
        "bound method in C": (variable.get, variable.set),
        "local to the thread": (lambda: local.w, lambda new: setattr(local, "w", new)),
        "namespace": (lambda: owner.w, lambda new: setattr(owner, "w", new)),
        "weak reference": (lambda: reference().w, replace_referred),  # type: ignore[union-attr]
        "memory view": (lambda: np.array([view[0], view[1], view[2]]), fill),
        "metaclass": (lambda: OfMeta.w, lambda new: setattr(Meta, "w", new)),
    }


@pytest.mark.parametrize("name", list(_holders()))
def test_what_holds_other_objects(name: str) -> None:
    read, replace = _holders()[name]
    follows(
        lambda x: x * read(),
        lambda: replace(np.array([1.0, 2.0, 3.0])), lambda: replace(np.full(3, -1.0)),
    )  # fmt: skip


def test_modules_that_a_function_imports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "imported_package"
    package.mkdir()
    (package / "__init__.py").write_text("import numpy as np\nrate = 2.0\n")
    (package / "weights.py").write_text(
        "import numpy as np\nw, factor = np.ones(3), 1\ndef scaled(x):\n    return x * w * factor\n"
    )
    (package / "inside.py").write_text(
        "def f(x):\n    from . import rate, weights\n    return rate * weights.scaled(x)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))

    def whole(x: Any) -> Any:
        import imported_package.weights

        return x * imported_package.weights.w

    def taken(x: Any) -> Any:
        from imported_package.weights import scaled, w

        return scaled(x) + w

    def within(x: Any) -> Any:
        from imported_package.inside import f

        return f(x)

    class Layer:
        def __call__(self, x: Any) -> Any:
            import imported_package.weights as weights

            return weights.scaled(x)

    layer = Layer()
    try:
        for f in (whole, taken, within, lambda x: layer(x)):
            compiled = wg.jit(f)
            np.testing.assert_allclose(compiled(X), f(X))  # it is imported now
            weights = sys.modules["imported_package.weights"]
            root = sys.modules["imported_package"]
            changes = (
                setting(weights.w, 0, 5.0), setting(weights, "w", np.array([1.0, 2.0, 4.0])),
                setting(weights, "factor", 3.0), setting(root, "rate", -2.0),
            )  # fmt: skip
            follows(f, *changes, compiled=compiled)
            other = types.ModuleType("imported_package.weights")
            other.__dict__.update(w=np.zeros(3), factor=1.0, scaled=lambda x: x - 1.0)
            with monkeypatch.context() as patch:
                patch.setitem(sys.modules, "imported_package.weights", other)
                patch.setattr(root, "weights", other)
                follows(f, compiled=compiled)
            follows(f, compiled=compiled)
    finally:
        for name in [m for m in sys.modules if m.startswith("imported_package")]:
            del sys.modules[name]


def test_imports_of_libraries_are_no_captures() -> None:
    def f(x: Any) -> Any:
        import math

        import scipy.special  # noqa: F401

        return x * math.pi

    compiled = wg.jit(f)
    assert compiled._captures.is_empty
    follows(f, compiled=compiled)
