"""``wengert data``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import wengert as wg
from wengert import data

__all__ = ["add_parser"]

_DESCRIPTION = """\
The data sets: which there are and where their files were found, downloading them, and a stand-in
for CIFAR-10 made of Fashion-MNIST. Files are looked for in $WENGERT_DATA, your cache and
/usr/share/datasets."""

_EXAMPLES = """\
examples:
  wengert data list
  wengert data fetch cifar10
  wengert data fetch mnist --dir ~/datasets      then: export WENGERT_DATA=~/datasets
  wengert data make-cifar-standin ~/datasets"""

_STANDIN_DESCRIPTION = """\
Write Fashion-MNIST in the form of CIFAR-10: 50,000 + 10,000 images of 32 x 32 pixels in colour,
with the same file names, keys and types. It takes seconds and 186 MB (--tar: 39 MB). What reads it
says that it is a stand-in: STAND-IN.txt lies beside the batches."""


def add_parser(commands: argparse._SubParsersAction[Any]) -> None:
    """Add the command ``data``."""
    parser = commands.add_parser(
        "data",
        help="list and fetch data sets",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(run=lambda arguments: _help(parser))
    actions = parser.add_subparsers(title="commands", metavar="COMMAND")
    _add_list(actions)
    _add_fetch(actions)
    _add_make(actions)


def _help(parser: argparse.ArgumentParser) -> int:
    parser.print_help()
    return 0


def _add_list(actions: argparse._SubParsersAction[Any]) -> None:
    parser = actions.add_parser(
        "list", help="what there is, and where it was found", allow_abbrev=False
    )
    parser.set_defaults(run=_list)
    parser.add_argument("--dir", metavar="DIR", help="look there only")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")


def _add_fetch(actions: argparse._SubParsersAction[Any]) -> None:
    parser = actions.add_parser(
        "fetch", help="download a data set, and check its SHA-256 sums", allow_abbrev=False
    )
    parser.set_defaults(run=_fetch)
    parser.add_argument("name", metavar="NAME", help=", ".join(data.names()))
    parser.add_argument(
        "--dir", metavar="DIR", help="gets a folder NAME with the files (default: your cache)"
    )
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")


def _add_make(actions: argparse._SubParsersAction[Any]) -> None:
    parser = actions.add_parser(
        "make-cifar-standin",
        help="write Fashion-MNIST in the form of CIFAR-10",
        description=_STANDIN_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(run=_make)
    parser.add_argument(
        "directory", metavar="DIR", help="gets the folder cifar-10-batches-py (made if need be)"
    )
    parser.add_argument(
        "--tar", action="store_true", help="write cifar-10-python.tar.gz instead of the folder"
    )
    parser.add_argument("--data", metavar="DIR", help="the folder that has Fashion-MNIST's files")
    parser.add_argument(
        "--overwrite", action="store_true", help="replace a stand-in that is there already"
    )
    parser.add_argument("--quiet", action="store_true", help="print errors only")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")


def _list(arguments: argparse.Namespace) -> int:
    entries = data.known()
    width = max(len(entry.name) for entry in entries) + 2
    # All are looked for before the first is printed: an error is the only output.
    for entry, place in [(entry, _whereabouts(entry, arguments.dir)) for entry in entries]:
        print(f"{entry.name:<{width}}{entry.summary}")
        print(f"{'':<{width}}{place}")
    return 0


def _whereabouts(entry: data.Known, directory: str | None) -> str:
    try:
        found = data.find(entry.name, directory)
    except wg.DataError as error:
        if directory is not None and not Path(directory).is_dir():
            raise
        return f"broken: {error}"
    if found is None:
        command = f"wengert data fetch {entry.needs}"
        return f"missing: {command}; {entry.hint}"
    if not found:
        return "needs no file"
    stand_in = data.standin_title(found) if entry.name == "cifar10" else ""
    place = found[0] if len(found) == 1 else found[0].parent
    return f"found in {place}{f' (a stand-in: {stand_in})' if stand_in else ''}"


def _fetch(arguments: argparse.Namespace) -> int:
    paths = data.fetch(arguments.name, arguments.dir, progress=True)
    if not paths:
        print(f"{arguments.name} needs no file")
    for path in paths:
        print(path)
    return 0


def _make(arguments: argparse.Namespace) -> int:
    if arguments.data is None and data.find("fashion-mnist") is None:
        print("Fashion-MNIST is not on this machine: it is downloaded first", file=sys.stderr)
    fashion = data.load("fashion-mnist", arguments.data)

    def report(name: str) -> None:
        if not arguments.quiet:
            print(f"writing {name}", file=sys.stderr, flush=True)

    target = data.make_cifar_standin(
        arguments.directory,
        fashion,
        tar=arguments.tar,
        overwrite=arguments.overwrite,
        report=report,
    )
    if not arguments.quiet:
        print(f"stand-in for CIFAR-10 in {target}")
    return 0
