"""Dropout."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

import wengert as wg
from wengert.nn.module import Module

__all__ = ["Dropout"]


class Dropout(Module):
    """Sets a random part of its inputs to zero in training; passes them on in evaluation.

    What is left is divided by ``1 - rate``, so that sums keep their expectation. N. Srivastava et
    al., Dropout: a simple way to prevent neural networks from overfitting, JMLR 2014.

    Parameters
    ----------
    rate : float
        The probability of an input to become zero, from 0 to below 1.

    Raises
    ------
    wengert.WengertValueError
        If the rate is out of range.

    Examples
    --------
    >>> import numpy as np, wengert as wg
    >>> from wengert import nn
    >>> layer, x = nn.Dropout(0.5), np.ones(6)
    >>> layer(x)
    array([1., 1., 1., 1., 1., 1.])
    >>> layer.training_call(x, key=wg.random.key(0))[0]
    array([2., 2., 0., 2., 2., 2.])
    """

    def __init__(self, rate: float) -> None:
        if isinstance(rate, bool) or not isinstance(rate, (int, float, np.number)):
            raise wg.WengertTypeError(f"Dropout: rate must be a number, got {rate!r}")
        if not 0 <= rate < 1:
            raise wg.WengertValueError(f"Dropout: rate must be at least 0 and below 1, got {rate}")
        self.rate = float(rate)

    def __call__(self, x: Any) -> Any:
        """``x`` itself."""
        return x

    def training_call(self, x: Any, *, key: Any = None) -> tuple[Any, Self]:
        """``x`` with some zeros, and the layer, which does not change.

        Parameters
        ----------
        x : floating-point array
        key : uint64 array, shape (2,), optional
            Decides which; the same key, the same zeros. By default the next one of the stream
            (`wengert.random.next_key`).

        Raises
        ------
        wengert.WengertTypeError
            If ``x`` is not of floats.
        """
        if not self.rate:
            return x, self
        if x.dtype.kind not in "fc":
            raise wg.WengertTypeError(f"Dropout: expected inputs of floats, got {x.dtype}")
        # With float32 draws whatever the dtype: they cost half, and the rate is no finer anyway.
        kept = wg.random.bernoulli(key, np.float32(1 - self.rate), x.shape)
        # A product and not np.where: an input that is infinite stays to be seen in what is kept,
        # and the multiplier is the only array that the backward pass needs.
        return x * (kept * x.dtype.type(1 / (1 - self.rate))), self

    def __repr__(self) -> str:
        return f"Dropout({self.rate:g})"
