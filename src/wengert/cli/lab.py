"""``wengert lab``."""

from __future__ import annotations

import argparse
import functools
import shlex
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import wengert as wg
from wengert.cli.lab_package import known_labs, labs_folder, load_lab
from wengert.cli.lab_record import LabRecord, figure_text
from wengert.cli.parser import Parser

__all__ = ["add_parser"]

_DESCRIPTION = """\
Run one of the course systems. Its figures, plots and models go to a directory: runs/NAME, or that
of --out. Without a name, the labs are listed."""

_EPILOG = """\
examples:
  wengert lab
  wengert lab moons --quick
  wengert lab moons --help          the lab's own flags
  wengert lab moons --out runs/again --seed 1"""

# Left out of the command that is recorded: they do not decide the figures.
_UNRECORDED = {"--out": 1, "--overwrite": 0, "--debug": 0}


def add_parser(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command ``lab``."""
    parser = commands.add_parser(
        "lab",
        help="run one of the course systems",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(run=_list)
    parser.add_argument("--list", action="store_true", help="list the labs and exit")
    parser.complete = _add_labs


def _list(arguments: argparse.Namespace) -> int:
    labs = known_labs(labs_folder())
    width = max(map(len, labs), default=0) + 2
    for name, line in labs.items():
        print(f"{name:<{width}}{line}".rstrip())
    if not labs:
        print("there are no labs here", file=sys.stderr)
    return 0


def _add_labs(parser: Parser, arguments: Sequence[str]) -> None:
    """Add a command for each lab; its own flags are added when it is used."""
    folder = labs_folder()
    labs = known_labs(folder)
    name = next((argument for argument in arguments if not argument.startswith("-")), None)
    if name is not None and name not in labs:
        raise wg.ConfigError(f"unknown lab {name!r}; known are {', '.join(labs) or 'none'}")
    if not labs:
        return
    commands = parser.add_subparsers(title="labs", metavar="NAME")
    for known, line in labs.items():
        lab = commands.add_parser(
            known,
            help=line.replace("%", "%%"),
            description=line,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        lab.complete = functools.partial(_add_flags, folder, known)


def _add_flags(folder: Path, name: str, parser: Parser, arguments: Sequence[str]) -> None:
    lab = load_lab(folder, name)
    parser.set_defaults(run=functools.partial(_run, name, lab, tuple(arguments)))
    parser.add_argument(
        "--quick", action="store_true", help="a small size, seconds: the one that tests run"
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help=f"where everything is saved (default: {Path('runs', name)})",
    )
    parser.add_argument("--seed", type=_whole_number, metavar="N", help="other random numbers")
    parser.add_argument(
        "--data-dir", type=Path, metavar="DIR", help="the folder that has the data set's files"
    )
    parser.add_argument(
        "--overwrite", action="store_true", help="replace the run that is in the directory"
    )
    parser.add_argument(
        "--no-jit", dest="jit", action="store_false", help="do not compile what is repeated"
    )
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    add_arguments = getattr(lab, "add_arguments", None)
    if add_arguments is not None:
        add_arguments(parser.add_argument_group("this lab's own"))


def _whole_number(text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        value = -1
    if value < 0:
        raise argparse.ArgumentTypeError(f"expected a whole number, at least 0, got {text!r}")
    return value


def _run(
    name: str, lab: ModuleType, arguments: tuple[str, ...], options: argparse.Namespace
) -> int:
    out = options.out = options.out or Path("runs", name)
    record = LabRecord(name, out, _recorded_command(name, arguments), quick=options.quick)
    record.open(overwrite=options.overwrite)
    start = time.perf_counter()
    try:
        figures = lab.run(options)
        seconds = time.perf_counter() - start
        record.finish(figures, seconds)
    except KeyboardInterrupt as stop:
        return _interrupted(record, getattr(stop, "figures", {}), time.perf_counter() - start)
    except (wg.WengertError, OSError):
        record.withdraw()
        raise
    except Exception as error:
        record.withdraw()
        if options.debug:
            raise
        raise wg.ConfigError(
            f"the lab {name} failed: {type(error).__name__}: {error} (--debug shows where)"
        ) from error
    if figures.get("interrupted"):
        return _interrupted(record, figures, seconds)
    for key, value in figures.items():
        print(f"{key:<{max(map(len, figures)) + 2}}{figure_text(value)}")
    print(f"{name}: {seconds:.1f} s; {', '.join(record.files())} in {out}")
    return 0


def _interrupted(record: LabRecord, figures: dict[str, Any], seconds: float) -> int:
    record.finish({**figures, "interrupted": figures.get("interrupted", True)}, seconds)
    print(
        f"wengert: interrupted; saved in {record.directory}: {', '.join(record.files())}",
        file=sys.stderr,
    )
    return 130


def _recorded_command(name: str, arguments: tuple[str, ...]) -> str:
    kept = []
    rest = iter(arguments)
    for argument in rest:
        flag, equals, _ = argument.partition("=")
        if flag not in _UNRECORDED:
            kept.append(argument)
        elif not equals:
            for _ in range(_UNRECORDED[flag]):
                next(rest, None)
    return shlex.join(["wengert", "lab", name, *kept])
