"""Functions written out for people: the listing of forward and backward pass, and the graph.

Turns Programs into text. Owns no rule: every line comes from the records of the operations.
"""

from .graph import graph
from .listing import Listing, show

__all__ = ["Listing", "graph", "show"]

# `wengert.show` is the function for users, so its companion is reached through it.
show.graph = graph  # type: ignore[attr-defined]
