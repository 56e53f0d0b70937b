"""The solution of `solve_ivp` as a function of time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...core.errors import ShapeError, WengertValueError
from ...numpy.arguments import cast, is_known, operand
from ...transforms.closure import without_trace

__all__ = ["DenseSolution"]


class DenseSolution:
    """``sol(t)``, differentiable in the time, too.

    Parameters
    ----------
    follow : callable
        ``(times, rows) -> states (times, n)``: the flow to these times; ``rows`` are its values, or
        None if they are not known.
    own : scipy.integrate.OdeSolution
        SciPy's, for the values.

    Attributes
    ----------
    t_min, t_max : float
        Where the solution goes from and to. Outside there is none: SciPy continues polynomials.
    ts : array
        The steps of the solver.
    """

    def __init__(self, follow: Callable[[Any, Any], Any], own: Any) -> None:
        self._follow = follow
        self._own = own
        self.ts, self.t_min, self.t_max = own.ts, own.t_min, own.t_max

    def __call__(self, t: Any) -> Any:
        """The states (n,) or (n, times) at ``t``."""
        times = cast(operand(t), np.float64)
        name = "solve_ivp's sol"
        if times.ndim > 1:
            raise ShapeError(f"{name}: t has shape {times.shape}; expected a number or a vector")
        flat = np.reshape(times, (-1,))
        rows = None
        if is_known(flat):
            plain = without_trace(flat)
            outside = ~((plain >= self.t_min) & (plain <= self.t_max))
            if outside.any():
                raise WengertValueError(
                    f"{name}: the time {plain[outside][0]} lies outside of the solution, which "
                    f"goes from {self.t_min} to {self.t_max}; give solve_ivp a t_span around it"
                )
            rows = self._own(plain).T
        states = np.transpose(self._follow(flat, rows))
        return states if times.ndim else states[:, 0]
