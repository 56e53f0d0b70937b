"""Keys: from seeds, split, folded; bits; what is no key."""

import numpy as np
import pytest

import wengert as wg
from wengert import random

KEY = random.key(12)


def test_seeds():
    assert random.key(2**64 + 5).tolist() == [5, 1]
    assert random.key(np.int32(3)).tolist() == [3, 0]
    assert random.key(2**128 - 1).tolist() == [2**64 - 1] * 2
    assert random.key(0).dtype == np.uint64


@pytest.mark.parametrize(
    ("seed", "error", "message"),
    [
        (-1, wg.WengertValueError, "at least 0 and below 2\\*\\*128, got -1"),
        (2**128, wg.WengertValueError, "below 2\\*\\*128"),
        (1.5, wg.WengertTypeError, "must be an integer, got float"),
        ("a", wg.WengertTypeError, "must be an integer, got str"),
    ],
)
def test_wrong_seeds(seed, error, message):
    with pytest.raises(error, match=f"random.key: the seed must be {message}|{message}"):
        random.key(seed)


# Words 0 to 3 of stream 1 and words 4 to 5 of stream 2 of key 12: fixed for ever.
def test_known_keys():
    assert random.split(KEY).tolist() == SPLIT
    assert random.fold_in(KEY, 1).tolist() == FOLDED


SPLIT = [[1588034592792563362, 17569796475841118668], [11813870963287802581, 4701252141867879259]]
FOLDED = [1651655026338628046, 8477968798520990216]


def test_splitting_is_the_beginning_of_more_splitting():
    np.testing.assert_array_equal(random.split(KEY, 3), random.split(KEY, 10)[:3])
    assert random.split(KEY, 0).shape == (0, 2)


def test_all_keys_differ():
    derived = [KEY[None], random.split(KEY, 100), random.bits(KEY, (100, 2))]
    derived += [random.fold_in(KEY, i)[None] for i in range(100)]
    derived += [random.split(random.fold_in(KEY, i), 5) for i in range(20)]
    found = np.concatenate(derived)
    assert len({tuple(k) for k in found.tolist()}) == len(found)


def test_fold_in_takes_integers_of_any_kind():
    expected = random.fold_in(KEY, 7)
    for data in (np.int8(7), np.uint64(7), np.array(7), np.array(7, np.uint16)):
        np.testing.assert_array_equal(random.fold_in(KEY, data), expected)
    assert random.fold_in(KEY, 2**64 - 1).shape == (2,)


def test_fold_in_under_vmap():
    steps = np.arange(5)
    expected = np.stack([random.fold_in(KEY, int(i)) for i in steps])
    np.testing.assert_array_equal(wg.vmap(random.fold_in, (None, 0))(KEY, steps), expected)
    keys = random.split(KEY, 5)
    both = wg.vmap(lambda k, i: random.fold_in(random.fold_in(k, i), 3))(keys, steps)
    each = [random.fold_in(random.fold_in(k, int(i)), 3) for k, i in zip(keys, steps, strict=True)]
    np.testing.assert_array_equal(both, each)
    nested = wg.vmap(wg.vmap(random.fold_in, (None, 0)), (0, None))(keys, steps)
    np.testing.assert_array_equal(nested[2, 3], random.fold_in(keys[2], 3))


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        (-1, wg.WengertValueError, "at least 0 and below 2\\*\\*64, got -1"),
        (2**64, wg.WengertValueError, "below 2\\*\\*64"),
        (0.5, wg.WengertTypeError, "must be an integer, got float"),
        (True, wg.WengertTypeError, "must be an integer, got bool"),
        (np.ones(()), wg.WengertTypeError, "must be an integer, got float64"),
        (np.arange(2), wg.ShapeError, r"must be one integer, got shape \(2,\); wengert.vmap"),
    ],
)
def test_what_cannot_be_folded_in(data, error, message):
    with pytest.raises(error, match=f"random.fold_in: data .*{message}"):
        random.fold_in(KEY, data)


@pytest.mark.parametrize(
    ("key", "error", "message"),
    [
        (7, wg.WengertTypeError, r"expected a key.*got 7; wengert.random.key\(seed\) makes one"),
        (np.ones(2), wg.WengertTypeError, "got an array of float64"),
        ([1, 2], wg.WengertTypeError, r"got \[1, 2\]"),
        (random.split(KEY), wg.ShapeError, r"got shape \(2, 2\); wengert.vmap goes over"),
    ],
)
@pytest.mark.parametrize("name", random.__all__)
def test_what_is_no_key(name, key, error, message):
    if name in ("key", "seed", "next_key"):
        return
    arguments = {"randint": (2, 0, 3), "categorical": (np.zeros(2),), "fold_in": (1,)}
    arguments |= {"permutation": (3,), "choice": (3,)}
    with pytest.raises(error, match=f"random.{name}: .*{message}"):
        getattr(random, name)(key, *arguments.get(name, ()))


def test_bits():
    assert random.bits(KEY).shape == ()
    assert random.bits(KEY, 3).dtype == np.uint64
    assert random.bits(KEY, (2, 3), np.uint32).shape == (2, 3)
    with pytest.raises(wg.WengertTypeError, match="bits: dtype must be uint64 or uint32, got int"):
        random.bits(KEY, 3, np.int64)
    with pytest.raises(wg.WengertTypeError, match=r"bits: shape must be an integer .*got 2.5"):
        random.bits(KEY, 2.5)
    with pytest.raises(wg.WengertValueError, match=r"bits: shape must not have negative .*\(-1,\)"):
        random.bits(KEY, (-1,))
    with pytest.raises(wg.WengertValueError, match="split: shape must not have negative"):
        random.split(KEY, -1)
