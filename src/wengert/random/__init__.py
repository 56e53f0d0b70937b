"""Random numbers from explicit keys: the same key gives the same numbers, always and everywhere.

A key is an array of two unsigned 64-bit numbers; `key` makes one from a seed, `split` and `fold_in`
make more of it. Nothing is kept between calls, so a draw can be recorded, batched over keys,
compiled and computed again. A draw without a key takes the next one of a stream (`seed`,
`next_key`). Derivatives flow to the parameters of a distribution and not to keys.
"""

from .discrete import bernoulli, categorical, choice, permutation, randint
from .distributions import exponential, gumbel, normal, truncated_normal, uniform
from .keys import bits, fold_in, key, next_key, seed, split

__all__ = [
    "bernoulli",
    "bits",
    "categorical",
    "choice",
    "exponential",
    "fold_in",
    "gumbel",
    "key",
    "next_key",
    "normal",
    "permutation",
    "randint",
    "seed",
    "split",
    "truncated_normal",
    "uniform",
]
