"""Real data sets as NumPy arrays: their formats, where the files are looked for, the download.

This package reads and checks data; it knows nothing of models, training or derivatives. Pickles
(CIFAR-10's batches, PyTorch's weights) are read as data: nothing that they name is run.
"""

from wengert.data.cifar import images_from_rows, read_cifar, read_cifar_batch
from wengert.data.dataset import Dataset, Part, Split, flatten_images
from wengert.data.datasets import Known, fetch, find, known, load, load_cifar10_or_standin, names
from wengert.data.generated import moons
from wengert.data.idx import read_idx, write_idx
from wengert.data.pth import read_pth
from wengert.data.standin import make_cifar_standin, standin_title

__all__ = [
    "Dataset",
    "Known",
    "Part",
    "Split",
    "fetch",
    "find",
    "flatten_images",
    "images_from_rows",
    "known",
    "load",
    "load_cifar10_or_standin",
    "make_cifar_standin",
    "moons",
    "names",
    "read_cifar",
    "read_cifar_batch",
    "read_idx",
    "read_pth",
    "standin_title",
    "write_idx",
]
