"""The labs as Python modules: where they are, what they are called, and loading one.

In a checkout they are the folder ``labs`` beside ``src``; in an installed wheel the package
``wengert_labs``. Either is imported under the name ``labs``, by which its modules import each
other.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

import wengert as wg

__all__ = ["known_labs", "labs_folder", "load_lab"]

_NAME = "labs"
_INSTALLED_NAME = "wengert_labs"


def labs_folder() -> Path:
    """The folder of the labs.

    Raises
    ------
    wengert.ConfigError
        If it is not there.
    """
    package = Path(wg.__file__).resolve().parent
    checkout = package.parent.parent
    for folder, wanted in (
        (checkout / _NAME, checkout / "pyproject.toml"),
        (package.parent / _INSTALLED_NAME, package),
    ):
        if (folder / "__init__.py").is_file() and wanted.exists():
            return folder
    raise wg.ConfigError(
        f"the labs are not installed: neither {checkout / _NAME} nor "
        f"{package.parent / _INSTALLED_NAME} is there"
    )


def known_labs(folder: Path) -> Mapping[str, str]:
    """Each lab's name and the first line of its docstring, without importing it.

    A lab is a folder with a ``lab.py``.
    """
    return {
        path.parent.name: _first_line(path)
        for path in sorted(folder.glob("*/lab.py"))
        if path.parent.name.isidentifier()
    }


def load_lab(folder: Path, name: str) -> ModuleType:
    """The module ``lab.py`` of a lab.

    Raises
    ------
    wengert.ConfigError
        If it needs a package that is not installed, or has no function ``run``.
    """
    _import_package(folder)
    try:
        module = importlib.import_module(f"{_NAME}.{name}.lab")
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing in ("", _NAME, "wengert"):
            raise _load_error(name, error) from error
        raise wg.ConfigError(
            f"the lab {name} needs the package {missing}, which is not installed; most come with "
            "pip install 'wengert[train,data]'"
        ) from error
    except wg.WengertError:
        raise
    except Exception as error:
        raise _load_error(name, error) from error
    if not callable(getattr(module, "run", None)):
        raise wg.ConfigError(f"{module.__file__}: has no function run(options)")
    return module


def _load_error(name: str, error: Exception) -> wg.ConfigError:
    return wg.ConfigError(
        f"the lab {name} cannot be loaded: {type(error).__name__}: {error} (--debug shows where)"
    )


def _import_package(folder: Path) -> None:
    loaded = sys.modules.get(_NAME)
    if loaded is not None and folder in map(Path, getattr(loaded, "__path__", ())):
        return
    # Another package of this general name (the user's, say) must not be taken for it.
    for name in [key for key in sys.modules if key.partition(".")[0] == _NAME]:
        del sys.modules[name]
    specification = importlib.util.spec_from_file_location(
        _NAME, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    assert specification is not None
    assert specification.loader is not None
    package = importlib.util.module_from_spec(specification)
    sys.modules[_NAME] = package
    specification.loader.exec_module(package)


def _first_line(path: Path) -> str:
    try:
        text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    except (OSError, SyntaxError, ValueError):
        return "(cannot be read)"
    return text.strip().splitlines()[0] if text and text.strip() else ""
