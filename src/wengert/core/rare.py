"""`Rare`: what the few Tensors that are not ordinary ones have besides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .tensor import Tensor

__all__ = ["Rare"]


class Rare:
    """What a `RareTensor` has besides its array and node.

    Attributes
    ----------
    tangents : dict
        Forward-mode tangents by level; levels are numbers from the one counter.
    base, chain : Tensor and tuple, or None
        For a view: the Tensor it is a view of (never itself a view), and the operations, as
        ``(primitive, params)``, that lead from it to the view.
    base_node, base_array :
        The base as it was when this view was derived; a view whose base has changed since is
        derived again when it is next used.
    exposed : bool
        The array was handed out by ``.array``; somebody may write into it.
    recorded : ndarray or None
        For the result of an operation whose array was handed out: the values that were recorded.
        What was handed out is a copy of them.
    """

    __slots__ = ("base", "base_array", "base_node", "chain", "exposed", "recorded", "tangents")

    def __init__(self, tangents: dict[int, Any] | None = None) -> None:
        self.tangents = {} if tangents is None else tangents
        self.base: Tensor | None = None
        self.chain: tuple[Any, ...] = ()
        self.base_node: Any = None
        self.base_array: Any = None
        self.exposed = False
        self.recorded: Any = None
