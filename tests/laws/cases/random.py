"""Draws: functions of their parameters, and of keys, which are integers."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtri

from wengert import random

from ..case import Case

KEY = random.key(5)

LOOPS = "few keys: NumPy's generator is started for each, which is faster than Philox in NumPy"
DTYPE = "other numbers are drawn for another dtype"


def drawn_by_number(x):
    """With a key that is not known while recording."""
    key = random.fold_in(KEY, (x[0] * 0 + 3).astype(np.int64))
    return x * random.uniform(key, (3,), x.dtype) + random.normal(
        random.split(key)[1], (3,), x.dtype
    )


CASES = [
    Case(
        "normal",
        lambda loc, scale, key: random.normal(key, (2, 3), loc=loc, scale=scale),
        args=[(3,), (2, 1), KEY],
        domain="positive",
        float32=False,
        reason=DTYPE,
        batch_integers=True,
        loops=LOOPS,
    ),
    Case(
        "uniform",
        lambda low, high, key: random.uniform(key, low=low, high=high),
        args=[(3,), (3,), KEY],
        float32=False,
        reason=DTYPE,
        batch_integers=True,
        loops=LOOPS,
    ),
    Case(
        "uniform_times",
        lambda x, key: x * random.uniform(key, (3,), np.float32),
        args=[(3,), KEY],
        batch_integers=True,
        loops=LOOPS,
    ),
    Case(
        "exponential",
        lambda scale, key: random.exponential(key, (2,), scale=scale),
        args=[(2,), KEY],
        domain="positive",
        float32=False,
        reason=DTYPE,
        batch_integers=True,
        loops=LOOPS,
    ),
    Case(
        "gumbel",
        lambda loc, scale, key: random.gumbel(key, (2,), loc=loc, scale=scale),
        args=[(2,), (), KEY],
        domain="positive",
        float32=False,
        reason=DTYPE,
        batch_integers=True,
        loops=LOOPS,
    ),
    Case(
        "truncated_normal_times",
        lambda x, key: x * random.truncated_normal(key, (2,), low=-1.0, high=2.0),
        args=[(2,), KEY],
        batch_integers=True,
        loops=LOOPS,
    ),
    Case(
        "bernoulli_times",
        lambda x, key: x * random.bernoulli(key, 0.5, x.shape),
        args=[(3, 2), KEY],
        batch_integers=True,
        loops=LOOPS,
    ),
    Case(
        "fold_in_and_split",
        lambda x, key, data: (
            x * random.normal(random.split(random.fold_in(key, data), 3)[1], (2,), x.dtype)
        ),
        args=[(2,), KEY, np.array(3)],
        float32=False,
        reason=DTYPE,
        batch_integers=True,
        loops=LOOPS,
    ),
    Case(
        "permutation",
        lambda x, key: random.permutation(key, x, axis=1),
        args=[(2, 4), KEY],
        batch_integers=True,
        loops=LOOPS,
    ),
    Case(
        "choice",
        lambda x, key: random.choice(key, x, (5,)),
        args=[(4, 2), KEY],
        batch_integers=True,
        loops=LOOPS,
    ),
    Case(
        "choice_with_probabilities",
        lambda x, key: random.choice(key, x, (2,), replace=False, p=np.array([0.2, 0.5, 0.3])),
        args=[(3,), KEY],
        batch_integers=True,
        loops=LOOPS,
    ),
    Case(
        "categorical_times",
        lambda x, key: x * random.categorical(key, np.arange(6.0).reshape(2, 3)),
        args=[(2,), KEY],
        batch_integers=True,
        loops=LOOPS,
    ),
    Case(
        "randint_times",
        lambda x, key: x * random.randint(key, (2,), -3, 2**40),
        args=[(2,), KEY],
        batch_integers=True,
        loops=LOOPS,
    ),
    Case(
        "drawn_by_number",
        drawn_by_number,
        args=[(3,)],
        primitives=("fold_in", "random_words", "ndtri"),
        float32=False,
        reason=DTYPE,
        loops=LOOPS,
    ),
    Case("ndtri", ndtri, args=[(3, 2)], domain=lambda rng: (rng.uniform(0.05, 0.95, (3, 2)),)),
]
