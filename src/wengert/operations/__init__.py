"""Public operations that NumPy and SciPy do not have: those of networks on images.

Convolution, pooling, resizing, normalization, losses, relu and sigmoid, for Tensors
and plain arrays. Owns the signatures and the errors; the mathematics is in `wengert.rules`.
`wengert.nn` offers all of them again, and layers made of them.
"""

from .activations import relu, sigmoid
from .convolution import conv2d
from .layouts import from_nchw, kernel_from_oihw, kernel_to_oihw, to_nchw
from .losses import cross_entropy
from .normalization import batch_norm
from .pooling import avg_pool2d, max_pool2d
from .resizing import resize

__all__ = [
    "avg_pool2d",
    "batch_norm",
    "conv2d",
    "cross_entropy",
    "from_nchw",
    "kernel_from_oihw",
    "kernel_to_oihw",
    "max_pool2d",
    "relu",
    "resize",
    "sigmoid",
    "to_nchw",
]
