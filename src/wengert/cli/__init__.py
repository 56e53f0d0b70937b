"""The ``wengert`` command: it reads arguments, calls the library, and prints.

Nothing is computed here that a Python program could not do with the public interface.
"""

from wengert.cli.main import main

__all__ = ["main"]
