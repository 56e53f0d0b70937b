"""Small files in the form of CIFAR-10's, for tests."""

import contextlib
import io

import numpy as np

import wengert as wg
from wengert.data import python2_pickle
from wengert.data.cifar import BATCHES, FOLDER, META

CLASSES = "airplane automobile bird cat deer dog frog horse ship truck".split()


def pickled(content):
    stream = io.BytesIO()
    python2_pickle.dump(content, stream)
    return stream.getvalue()


def batch(seed=0, count=4, **changes):
    rng = np.random.default_rng(seed)
    content = {
        b"batch_label": b"training batch 1 of 5",
        b"labels": [int(label) for label in rng.integers(0, 10, count)],
        b"data": rng.integers(0, 256, (count, 3072)).astype(np.uint8),
        b"filenames": [b"x_s_%06d.png" % k for k in range(count)],
    }
    content.update({key.encode(): value for key, value in changes.items()})
    return {key: value for key, value in content.items() if value is not None}


def meta(count=4, **changes):
    content = {
        b"num_cases_per_batch": count,
        b"label_names": [name.encode() for name in CLASSES],
        b"num_vis": 3072,
    }
    content.update({key.encode(): value for key, value in changes.items()})
    return content


def put(directory, **changes):
    """A folder like the one that CIFAR-10's archive unpacks to; ``changes`` are bytes by name."""
    folder = directory / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    files = {name: pickled(batch(seed)) for seed, name in enumerate(BATCHES)}
    files[META] = pickled(meta())
    files.update({name.replace("batches_meta", META): value for name, value in changes.items()})
    for name, content in files.items():
        if content is not None:
            (folder / name).write_bytes(content)
    return folder


@contextlib.contextmanager
def errors_that_name(path):
    """A DataError may be raised in this block, and then names the file."""
    named = True
    try:
        yield
    except wg.DataError as error:
        named = str(path) in str(error)
    assert named
