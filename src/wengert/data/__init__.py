"""Real data sets as NumPy arrays: the IDX format, where the files are looked for, and the download.

This package reads and checks data; it knows nothing of models, training or derivatives.
"""

from wengert.data.datasets import Dataset, flatten_images, load, names
from wengert.data.idx import read_idx, write_idx

__all__ = ["Dataset", "flatten_images", "load", "names", "read_idx", "write_idx"]
