"""Imports of packages that only an extra installs."""

from __future__ import annotations

import importlib
from typing import Any

import wengert as wg

__all__ = ["require"]


def require(module: str, extra: str, purpose: str) -> Any:
    """Import ``module``, or say which extra of wengert brings it.

    Parameters
    ----------
    module : str
        Dotted name of the module, such as ``"matplotlib.figure"``.
    extra : str
        The extra of wengert that installs it.
    purpose : str
        What it is needed for, as in ``"to draw the plots"``.

    Raises
    ------
    wengert.ConfigError
        If the package is not installed. A package that is installed and fails to import raises its
        own error.
    """
    package = module.partition(".")[0]
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != package:
            raise
        raise wg.ConfigError(
            f"{package} is needed {purpose} and is not installed: pip install 'wengert[{extra}]'"
        ) from error
