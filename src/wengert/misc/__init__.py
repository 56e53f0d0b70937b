"""Flattening, fixed points and simple optimizers, by the names of ``autograd.misc``.

Written on the public interface. `wengert.tree` and `wengert.optim` are the fuller counterparts.
"""

from wengert.misc.flatten import flatten
from wengert.misc.tracers import const_graph

__all__ = ["const_graph", "flatten"]
