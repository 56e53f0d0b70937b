"""A trained network in use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.backends import Backend, Torch, Wengert
from benchmarks.programs.base import Bar, Program, Step, chosen

__all__ = ["FAMILIES"]


def efficientnet(seed: int | None = None) -> Program:
    """EfficientNet-Lite0, published weights; needs the extra "pretrained"."""
    rng = chosen("efficientnet", seed)
    rows = 1 if rng is None else int(rng.integers(1, 4))
    x = np.random.default_rng(0).uniform(-1, 1, (rows, 224, 224, 3)).astype(np.float32)

    def make(lib: Backend) -> Step:
        if isinstance(lib, Wengert):
            from wengert import models

            model: Any = models.load_efficientnet_lite0()
            run = lib.compile(lambda model, x: model(x))
            return lambda: run(model, x)
        if not isinstance(lib, Torch):
            raise ImportError("there is no such network for this library here")
        from labs.pretrained.reference import torch_network

        net, images = lib.compile(torch_network()), lib.images(x)

        def step() -> Any:
            with lib.xp.no_grad():
                return net(images)

        return step

    return Program(
        f"EfficientNet-Lite0, {rows} image{'s' if rows > 1 else ''} of 224 x 224", make, {},
        [Bar("pytorch", 1, 1.5)], steps=1, rtol=1e-3, atol=1e-3, without=("autograd", "jax"),
        flops=2 * 0.4e9 * rows,
    )  # fmt: skip


FAMILIES: dict[str, Callable[..., Program]] = {"efficientnet": efficientnet}
