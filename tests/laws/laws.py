"""The laws: functions of a case that raise AssertionError where it breaks them.

`test_laws` runs every law over every case; `test_planted_faults` shows that they notice faults.
Wherever a law needs derivatives "by numbers", it calls the public `wengert.testing.check_grads`.
"""

from __future__ import annotations

from . import batching_laws, derivative_laws, value_laws  # noqa: F401
from .registry import LAWS, Law, Subject, applicable, copies
from .value_laws import primitives_of

__all__ = ["LAWS", "Law", "Subject", "applicable", "copies", "primitives_of"]
