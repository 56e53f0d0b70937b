"""Cases for the functions of `wengert.scipy.special`."""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from wengert.scipy.special import log_softmax, logsumexp, softmax

from ..case import Case

CASES = [
    Case("expit", expit, args=[(3, 4)]),
    Case("logsumexp", lambda x: logsumexp(x), args=[(5,)]),
    Case("logsumexp_0d", lambda x: logsumexp(x), args=[()]),
    Case("logsumexp_axis", lambda x: logsumexp(x, axis=1), args=[(3, 4)]),
    Case(
        "logsumexp_keepdims", lambda x: logsumexp(x, axis=(0, 2), keepdims=True), args=[(2, 3, 2)]
    ),
    Case(
        "logsumexp_weights",
        lambda x, b: logsumexp(x, axis=0, b=np.exp(b)),
        args=[(3, 2), (3, 2)],
    ),
    Case("log_softmax", lambda x: log_softmax(x, axis=-1), args=[(3, 4)]),
    Case("softmax", lambda x: softmax(x, axis=0), args=[(3, 4)]),
]
