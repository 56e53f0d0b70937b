"""What outlives a transform: the nodes and tangents that an outer one still differentiates."""

from __future__ import annotations

from .state import LOCAL
from .tape import INPUT, LEAF, Node
from .tensor import RareTensor, Tensor, handle

__all__ = ["Liveness", "Scope"]


class Scope:
    """Whether a transform is still running its function. Its INPUT nodes refer to it."""

    __slots__ = ("active",)

    def __init__(self) -> None:
        self.active = True


class Liveness:
    """Which nodes still matter: those that lead to a leaf or to an input of a running transform.

    Those that a checkpoint awaits, when it runs its function again in a backward pass, matter too.

    When a transform ends, what leaves it drops the nodes that led only to its own inputs.
    """

    def __init__(self) -> None:
        self._dead: set[int] = set()
        self._awaited = LOCAL.awaited

    def alive(self, node: Node | None) -> bool:
        """Whether anything that is still to be differentiated is reached from ``node``."""
        if node is None or node[0] in self._dead:
            return False
        stack = [node]
        seen = {node[0]}
        while stack:
            n = stack.pop()
            kind = n[1]
            if kind is LEAF or (kind is INPUT and n[6].active) or n[0] in self._awaited:
                return True
            for parent in n[2] if kind.wide else n[2:4]:
                if parent is not None and parent[0] not in seen and parent[0] not in self._dead:
                    seen.add(parent[0])
                    stack.append(parent)
        self._dead |= seen
        return False

    def strip(self, t: Tensor) -> Tensor:
        """The same value with only the nodes and the tangents' nodes that still matter."""
        node = t._n if self.alive(t._n) else None
        tangents = None
        if type(t) is RareTensor and t._x.tangents:
            tangents = {
                level: self.strip(v) if isinstance(v, Tensor) else v
                for level, v in t._x.tangents.items()
            }
        return handle(t._a, node, tangents)
