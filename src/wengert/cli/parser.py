"""The parser of arguments that all commands share."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

__all__ = ["Parser"]


class Parser(argparse.ArgumentParser):
    """Reports a wrong argument in one line, like every other error.

    Attributes
    ----------
    complete : callable or None
        Called with the parser and its arguments before it first parses: adds what costs time to
        find out, so that only the command that needs it pays.
    """

    complete: Callable[[Parser, Sequence[str]], None] | None = None

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As in argparse, after ``complete``."""
        if self.complete is not None:
            complete, self.complete = self.complete, None
            complete(self, list(args) if args is not None else [])
        self.set_defaults(parser=self)  # that of the command wins
        return super().parse_known_args(args, namespace)

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As in argparse, but what is unknown is an error of the command that it was given to."""
        arguments, unknown = self.parse_known_args(args, namespace)
        if unknown:
            arguments.parser.error(f"unrecognized arguments: {' '.join(unknown)}")
        return arguments

    def error(self, message: str) -> NoReturn:
        """Exit with one line."""
        self.exit(2, f"wengert: error: {message} (see '{self.prog} --help')\n")
