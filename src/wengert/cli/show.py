"""``wengert show``."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

import wengert as wg
from wengert.cli.arguments import parse_argument

__all__ = ["add_parser"]

_DESCRIPTION = """\
Print the forward and the backward pass of a function as straight-line Python, one line per
operation. The function is run once on the arguments you give. Without a function, a small example
is shown."""

_EPILOG = """\
arguments of the function:
  --arg 3.0                a number (whole numbers become floating-point numbers)
  --arg "[1, 2, 3]"        a vector; nested lists make matrices
  --arg "normal(3, 4)"     a 3 x 4 matrix of normal random numbers; uniform, zeros, ones, arange
                           are written in the same way
  --arg "int([0, 2, 1])"   whole numbers that stay whole: labels, indices
  --arg "'text'"           a string; True, False and None are taken as they are

examples:
  wengert show
  wengert show mycode.py:energy --arg "normal(4)"
  wengert show package.module:loss --arg "normal(3, 2)" --arg "[1, 0, 1]" --seed 7"""


def add_parser(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command ``show``."""
    parser = commands.add_parser(
        "show",
        help="print the forward and backward pass of a function",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(run=_run)
    parser.add_argument(
        "function",
        metavar="FUNCTION",
        nargs="?",
        help="file.py:name or package.module:name (default: an example)",
    )
    parser.add_argument(
        "--arg",
        action="append",
        default=[],
        metavar="VALUE",
        help="an argument of the function; once for each, in order",
    )
    parser.add_argument(
        "--seed", type=int, default=0, metavar="N", help="of the random arguments (default: 0)"
    )
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")


# Printed with its listing: d is used twice, so that its gradient is a sum.
def example(a: Any, b: Any, c: Any) -> Any:
    d = a * b
    e = d + c
    return np.sin(e) * d


def _run(arguments: argparse.Namespace) -> int:
    if arguments.seed < 0:
        raise wg.ConfigError(f"--seed must be at least 0, got {arguments.seed}")
    if arguments.function is None:
        if arguments.arg:
            raise wg.ConfigError("--arg needs a function: wengert show file.py:name --arg ...")
        source = inspect.getsource(example).replace(": Any", "").replace(" -> Any", "")
        print(f"{source}\n{wg.show(example, 2.0, 3.0, 1.0)}")
        return 0
    function = _find_function(arguments.function)
    rng = np.random.default_rng(arguments.seed)
    values = [parse_argument(text, rng) for text in arguments.arg]
    _check_signature(function, arguments.function, values)
    print(_listing(function, values, arguments))
    return 0


def _listing(function: Callable[..., Any], values: list[Any], arguments: argparse.Namespace) -> str:
    try:
        return str(wg.show(function, *values))
    except wg.WengertError:
        raise
    except (Exception, SystemExit) as error:
        # The user's function failed on these arguments: their error, in one line.
        if arguments.debug:
            raise
        raise wg.ConfigError(
            f"{arguments.function} failed on these arguments: {type(error).__name__}: {error} "
            "(--debug shows where)"
        ) from error


def _find_function(target: str) -> Callable[..., Any]:
    source, separator, name = target.rpartition(":")
    if not separator or not source or not name:
        raise wg.ConfigError(
            f"{target!r} does not name a function; write file.py:name or package.module:name"
        )
    module = _load_file(Path(source)) if source.endswith(".py") else _import(source)
    function: Any = module
    for part in name.split("."):
        function = getattr(function, part, None)
    if not callable(function):
        known = [
            key
            for key, value in vars(module).items()
            if inspect.isfunction(value)
            and value.__module__ == module.__name__
            and not key.startswith("_")
        ]
        raise wg.ConfigError(
            f"{source} has no function {name}; it has {', '.join(known) or 'no functions'}"
        )
    found: Callable[..., Any] = function
    return found


def _load_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise wg.ConfigError(f"{path}: no such file")
    # A file that is called like a module in use (numpy.py, say) must not take its place.
    name = path.stem if path.stem not in sys.modules else f"shown_{path.stem}"
    specification = importlib.util.spec_from_file_location(name, path)
    if specification is None or specification.loader is None:
        raise wg.ConfigError(f"{path}: cannot be loaded as a Python module")
    module = importlib.util.module_from_spec(specification)
    sys.modules[name] = module
    # As "python file.py" has it: the file may import its neighbours.
    sys.path.insert(0, str(path.resolve().parent))
    try:
        specification.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise _import_error(str(path), error) from error
    return module


def _import(name: str) -> ModuleType:
    sys.path.insert(0, str(Path.cwd()))
    try:
        return importlib.import_module(name)
    except (Exception, SystemExit) as error:
        raise _import_error(name, error) from error


def _import_error(what: str, error: BaseException) -> wg.ConfigError:
    return wg.ConfigError(f"{what} cannot be imported: {type(error).__name__}: {error}")


def _check_signature(function: Callable[..., Any], target: str, values: list[Any]) -> None:
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return  # some built-in functions have none
    try:
        signature.bind(*values)
    except TypeError as error:
        raise wg.ConfigError(
            f"{target}{signature} was given {len(values)} "
            f"argument{'' if len(values) == 1 else 's'}: {error}; write --arg VALUE "
            "once for each"
        ) from error
