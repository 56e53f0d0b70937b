"""The errors that wengert raises.

Every one is a `WengertError` and also the built-in error that Python code expects in its place, so
``except ValueError`` keeps working in programs that were written for NumPy.
"""

from __future__ import annotations

from typing import Any

__all__ = [
    "AbstractValueError",
    "ConfigError",
    "DataError",
    "MutationError",
    "NoRuleError",
    "NonFiniteError",
    "ProgramError",
    "ShapeError",
    "WengertError",
    "WengertIndexError",
    "WengertTypeError",
    "WengertValueError",
]


class WengertError(Exception):
    """Root of all errors raised by wengert."""


class WengertTypeError(WengertError, TypeError):
    """An argument of the wrong type or dtype."""


class WengertValueError(WengertError, ValueError):
    """An argument of the right type with a value that cannot be used."""


class WengertIndexError(WengertError, IndexError):
    """An index that the array does not have."""


class ShapeError(WengertValueError):
    """Shapes that do not fit together."""


class NoRuleError(WengertTypeError, NotImplementedError):
    """A function that wengert has no derivative rule for was called on a traced value."""


class AbstractValueError(WengertTypeError):
    """A concrete number was asked of a value that has only a shape and a dtype."""


class NonFiniteError(WengertError, FloatingPointError):
    """An operation inside `wengert.debug` made a NaN or an infinity.

    Attributes
    ----------
    operation : str
        As Python, such as ``np.log(x)``.
    phase : str
        ``"forward"``, ``"tangent"`` or ``"backward"``.
    line : str
        The user's line that the operation stands in; "" if it is not known.
    operands : dict
        By name, the arrays it was called with, as far as they were kept.
    value : array
        What it made.
    """

    operation: str = ""
    phase: str = ""
    line: str = ""
    operands: dict[str, Any] = {}  # noqa: RUF012
    value: Any = None


class MutationError(WengertError, RuntimeError):
    """A write that cannot be differentiated, or that would make a recorded value stale."""


class ProgramError(WengertError, RuntimeError):
    """A Program that is not well formed; a bug in a transform or a pass."""


class DataError(WengertValueError):
    """A data or model file that is missing, damaged or inconsistent."""


class ConfigError(WengertValueError):
    """Options that contradict each other or a saved run."""
