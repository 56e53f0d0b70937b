"""The parser of the command line, and how errors become one line."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

import wengert as wg
from wengert.cli import classify, data, lab, show, train
from wengert.cli.parser import Parser

__all__ = ["main"]

_DESCRIPTION = """\
Exact derivatives of NumPy code. This command trains a network on real images, writes out the
forward and the backward pass of a function, fetches data, runs the course systems, and names what
photographs show."""

_EXAMPLES = """\
examples:
  wengert train                                a network on 1,797 digits, in seconds
  wengert train fashion-mnist --epochs 5       one on 60,000 images of clothes
  wengert show                                 the derivative of a small function, line by line
  wengert show mycode.py:energy --arg "normal(4)"
  wengert data list                            which data sets there are, and where
  wengert lab                                  the course systems
  wengert classify cat.jpg --saliency          what a photograph shows

'wengert COMMAND --help' tells more about a command."""


def _build_parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="wengert",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"wengert {wg.__version__}")
    parser.set_defaults(run=None)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    train.add_parser(commands)
    show.add_parser(commands)
    data.add_parser(commands)
    lab.add_parser(commands)
    classify.add_parser(commands)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments; those of the process unless given.

    Returns
    -------
    int
        The exit code: 0, or 2 after an error, or 130 after Ctrl-C.
    """
    argv = sys.argv[1:] if argv is None else list(argv)
    parser = _build_parser()
    try:
        try:
            arguments = parser.parse_args(argv)
        except SystemExit as stop:  # argparse exits after --help, --version and its errors
            return stop.code if isinstance(stop.code, int) else 2
        if arguments.run is None:
            parser.print_help()
            return 0
        code: int = arguments.run(arguments)
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        print("wengert: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader of a pipe (head, say) has gone; Python would complain once more while it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (wg.WengertError, OSError) as error:
        if "--debug" in argv:
            raise
        print(f"wengert: error: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except MemoryError as error:
        if arguments.debug:
            raise
        print(f"wengert: error: not enough memory; use smaller sizes ({error})", file=sys.stderr)
        return 2
