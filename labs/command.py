"""What the scripts of the labs share: arguments that argparse checks, errors in one line."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

import wengert as wg

__all__ = ["Parser", "run_script", "whole_number"]


class Parser(argparse.ArgumentParser):
    """Reports a wrong argument in one line, and takes no abbreviated flags."""

    def __init__(self, prog: str, description: str) -> None:
        super().__init__(prog=prog, description=description, allow_abbrev=False)
        self.add_argument("--debug", action="store_true", help="show the traceback of an error")

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {message} (see '{self.prog} --help')\n")


def run_script(
    parser: Parser, run: Callable[[argparse.Namespace], int], argv: Sequence[str] | None
) -> int:
    """Parse the arguments and run a script.

    Returns
    -------
    int
        What ``run`` returns; 2 after an error, which is printed in one line; 130 after Ctrl-C.
    """
    try:
        arguments = parser.parse_args(argv)
    except SystemExit as stop:  # argparse exits after --help and its errors
        return stop.code if isinstance(stop.code, int) else 2
    try:
        return run(arguments)
    except KeyboardInterrupt:
        print(f"{parser.prog}: interrupted", file=sys.stderr)
        return 130
    except (wg.WengertError, OSError, MemoryError) as error:
        if arguments.debug:
            raise
        print(f"{parser.prog}: error: {' '.join(str(error).split())}", file=sys.stderr)
        return 2


def whole_number(low: int) -> Callable[[str], int]:
    """A type for argparse: a whole number, at least ``low``."""

    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = low - 1
        if value < low:
            raise argparse.ArgumentTypeError(
                f"expected a whole number, at least {low}, got {text!r}"
            )
        return value

    return parse
