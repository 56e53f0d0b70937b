"""Functions written out for people: the listing of forward and backward pass.

Turns Programs into text. Owns no rule: every line comes from the records of the operations.
"""

from .graph import graph
from .listing import Listing, show

__all__ = ["Listing", "graph", "show"]
