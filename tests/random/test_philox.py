"""The stream of a key: published vectors, NumPy's generator, and the two ways to compute it."""

import threading

import numpy as np
import pytest

from wengert.rules import philox as module
from wengert.rules.philox import draw, first_words, philox


def words(text):
    return [np.uint64(int(word, 16)) for word in text.split()]


# From kat_vectors of Random123 1.14, D. E. Shaw Research: counter, key, result.
KNOWN = [
    (
        "0 0 0 0",
        "0 0",
        "16554d9eca36314c db20fe9d672d0fdc d7e772cee186176b 7e68b68aec7ba23b",
    ),
    (
        " ".join(["ffffffffffffffff"] * 4),
        " ".join(["ffffffffffffffff"] * 2),
        "87b092c3013fe90b 438c3c67be8d0224 9cc7d7c69cd777b6 a09caebf594f0ba0",
    ),
    (
        "243f6a8885a308d3 13198a2e03707344 a4093822299f31d0 082efa98ec4e6c89",
        "452821e638d01377 be5466cf34e90c6c",
        "a528f45403e61d95 38c72dbd566e9788 a5a1610e72fd18b5 57bd43b5e52b7fe6",
    ),
]


@pytest.mark.parametrize(("counter", "key", "result"), KNOWN)
def test_known_answers(counter, key, result):
    found = philox(tuple(words(counter)), np.array(words(key)))
    assert found.tolist() == [int(word) for word in words(result)]


KEYS = np.random.default_rng(0).integers(0, 2**64, (600, 2), np.uint64, endpoint=False)
DTYPES = [np.uint64, np.uint32, np.float64, np.float32]


@pytest.mark.parametrize("stream", [0, 1, 2])
def test_the_stream_is_that_of_the_documentation(stream):
    counters = np.arange(1, 6, dtype=np.uint64)
    expected = philox((counters, 0, 0, stream), KEYS[0]).ravel()
    np.testing.assert_array_equal(draw(KEYS[0], (20,), np.dtype(np.uint64), stream), expected)


def test_stream_0_is_numpys():
    generator = np.random.Philox(key=KEYS[3])
    np.testing.assert_array_equal(
        draw(KEYS[3], (31,), np.dtype(np.uint64), 0), generator.random_raw(31)
    )
    for dtype in (np.float64, np.float32):
        numbers = np.random.Generator(np.random.Philox(key=KEYS[3]))
        np.testing.assert_array_equal(
            draw(KEYS[3], (3, 7), np.dtype(dtype), 0), numbers.random((3, 7), dtype)
        )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (1,), (3,), (2, 2), (0,), (7,), (40,)])
def test_many_keys_draw_what_each_draws(dtype, shape):
    dtype = np.dtype(dtype)
    for keys in (KEYS, KEYS[:3]):  # both ways to compute it
        found = draw(keys, shape, dtype, 0)
        each = np.stack([draw(key, shape, dtype, 0) for key in keys])
        assert found.dtype == each.dtype == dtype
        assert found.shape == (len(keys), *shape)
        np.testing.assert_array_equal(found, each)
    nested = draw(KEYS.reshape(3, 200, 2), shape, dtype, 0)
    np.testing.assert_array_equal(nested, draw(KEYS, shape, dtype, 0).reshape(3, 200, *shape))


def test_numbers_are_made_of_the_words():
    w = draw(KEYS[0], (4,), np.dtype(np.uint64), 0)
    halves = draw(KEYS[0], (8,), np.dtype(np.uint32), 0)
    np.testing.assert_array_equal(halves[::2], w & np.uint64(0xFFFFFFFF))
    np.testing.assert_array_equal(halves[1::2], w >> np.uint64(32))
    np.testing.assert_array_equal(
        draw(KEYS[0], (4,), np.dtype(np.float64), 0), (w >> np.uint64(11)) * 2.0**-53
    )
    np.testing.assert_array_equal(
        draw(KEYS[0], (8,), np.dtype(np.float32), 0), (halves >> np.uint32(8)) * 2.0**-24
    )


def test_blocks_by_their_numbers():
    blocks = np.array([0, 1, 2**63, 2**64 - 1] * 150, np.uint64)
    found = first_words(KEYS, blocks, 2)  # all at once
    each = np.stack([first_words(k, b[None], 2)[0] for k, b in zip(KEYS, blocks, strict=True)])
    np.testing.assert_array_equal(found, each)
    # The counter is one more than the number of the block, and carries.
    expected = philox((0, 1, 0, 2), KEYS[3])[:2]
    np.testing.assert_array_equal(found[3], expected)
    pairs = {tuple(pair) for pair in found.tolist()}
    assert len(pairs) == len(KEYS)


def test_threads_do_not_share_a_generator():
    dtype = np.dtype(np.float64)
    expected = [draw(key, (1000,), dtype, 0) for key in KEYS[:8]]
    wrong = []

    def work(index):
        for _ in range(200):
            if not np.array_equal(draw(KEYS[index], (1000,), dtype, 0), expected[index]):
                wrong.append(index)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_the_crossover_is_reached():
    """The tests above compare two ways only if both are taken."""
    assert 3 < module._MANY_KEYS <= len(KEYS)
    assert module._FEW_BLOCKS * 32 < 40 * 8
