"""The workloads of `benchmarks.peers`, written once for all libraries (see `backends`)."""

from __future__ import annotations

from collections.abc import Callable

from . import derivatives, gallery, inference, networks
from .base import Program

__all__ = ["FAMILIES", "GALLERY", "Program", "programs", "variants"]

# Each makes its program for the sizes of the issue, or for sizes drawn from a generator.
FAMILIES: dict[str, Callable[..., Program]] = {
    **networks.FAMILIES,
    **inference.FAMILIES,
    **derivatives.FAMILIES,
}
GALLERY = gallery.GALLERY


def programs() -> dict[str, Program]:
    """All of them, by key."""
    return {key: make() for key, make in FAMILIES.items()} | GALLERY


def variants(seed: int) -> dict[str, Program]:
    """One of each family, and the gallery, with other sizes; their bars are held to 80 %."""
    return {key: make(seed) for key, make in FAMILIES.items()} | gallery.gallery(seed)
