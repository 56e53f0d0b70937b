"""Photographs as EfficientNet-Lite wants them: read, cropped, resized, scaled.

As the network was evaluated by its authors: ``preprocess_for_eval`` in
``models/official/efficientnet/preprocessing.py`` and the constants of
``lite/efficientnet_lite_builder.py``, github.com/tensorflow/tpu.
"""

from __future__ import annotations

import os
import warnings
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import wengert as wg
from wengert.data.optional import require

__all__ = ["IMAGE_SIZE", "crop_box", "load_image", "preprocess"]

IMAGE_SIZE = 224
_CROP_PADDING = 32  # 224 of 256 parts of the shorter side are seen
_MEAN, _DEVIATION = 127.0, 128.0


def load_image(path: str | os.PathLike[str]) -> NDArray[np.uint8]:
    """Read a photograph.

    Parameters
    ----------
    path : str or path
        JPEG, PNG and what else Pillow reads. Grey images and palettes become colours, a
        transparent background becomes white, and a camera's note on how it was turned is heeded.

    Returns
    -------
    ndarray, shape (height, width, 3)
        Red, green, blue.

    Raises
    ------
    wengert.ConfigError
        If Pillow is not installed.
    wengert.DataError
        If the file cannot be read, is no image, is cut short or is too large.
    """
    path = Path(path)
    require("PIL.Image", "train", "to read images")
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # remarks on unusual files
            # A picture this large (9,500 pixels square) may be meant to fill the memory.
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                image.load()
                return _to_rgb(ImageOps.exif_transpose(image))
    except UnidentifiedImageError as error:
        raise wg.DataError(f"{path}: not an image, or of a kind that Pillow cannot read") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise wg.DataError(f"{path}: the image is too large: {error}") from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise wg.DataError(f"{path}: cannot be read: {reason}") from error
    except (ValueError, SyntaxError, EOFError, IndexError, TypeError, MemoryError) as error:
        # Pillow's readers raise these on damaged files.
        raise wg.DataError(
            f"{path}: the image is damaged: {type(error).__name__}: {error}"
        ) from error


def _to_rgb(image: Any) -> NDArray[np.uint8]:
    from PIL import Image

    if image.mode.startswith("I;16"):  # Pillow would cut off all above 255
        grey = (np.asarray(image) // 257).astype(np.uint8)
        return np.repeat(grey[..., np.newaxis], 3, axis=2)
    if image.mode in ("I", "F"):
        raise wg.WengertValueError(
            "its pixels are numbers without a known range; save it with 8 bits"
        )
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    return np.array(image.convert("RGB"), np.uint8)


def crop_box(height: int, width: int) -> tuple[int, int, int]:
    """The square in the middle that the network sees: 7/8 of the shorter side.

    Returns
    -------
    top, left, side : int
    """
    side = int(IMAGE_SIZE / (IMAGE_SIZE + _CROP_PADDING) * min(height, width))
    return (height - side + 1) // 2, (width - side + 1) // 2, side


def preprocess(image: NDArray[Any]) -> NDArray[np.float32]:
    """A photograph as the input of the network.

    The square of `crop_box` is resized by TensorFlow's first bicubic interpolation, which samples
    from the corner of a pixel and does not smooth where it shrinks, and pixels become ``(p - 127)
    / 128``. Another resizing would do as well for people; with this one the numbers are those of
    the reference.

    Parameters
    ----------
    image : ndarray, shape (height, width, 3), uint8

    Returns
    -------
    ndarray, shape (1, 224, 224, 3)

    Raises
    ------
    wengert.ShapeError
        If ``image`` has another shape, or is one pixel high or wide.
    wengert.WengertTypeError
        If it has another dtype.
    """
    if image.ndim != 3 or image.shape[2] != 3:
        raise wg.ShapeError(
            f"preprocess: expected an image of shape (height, width, 3), got {image.shape}"
        )
    if image.dtype != np.uint8:
        raise wg.WengertTypeError(f"preprocess: expected pixels of uint8, got {image.dtype}")
    top, left, side = crop_box(*image.shape[:2])
    if side < 1:
        raise wg.ShapeError(
            f"preprocess: an image of {image.shape[0]} x {image.shape[1]} pixels is too small; "
            "height and width must be 2 at least"
        )
    square = image[top : top + side, left : left + side].astype(np.float32)
    weights = _bicubic(side, IMAGE_SIZE)
    y = np.tensordot(weights, square, (1, 0))  # rows
    y = np.tensordot(weights, y, (1, 1)).swapaxes(0, 1)  # columns
    y -= np.float32(_MEAN)
    y /= np.float32(_DEVIATION)
    return np.ascontiguousarray(y[np.newaxis])


@lru_cache(32)
def _bicubic(n: int, m: int) -> NDArray[np.float32]:
    """The matrix (m, n) of ``tf.image.resize_bicubic`` in TensorFlow 1 along an axis.

    Kernel of R. Keys with a = -3/4 from a table of 1,024 places, pixel i of the result at ``i n /
    m`` of the input, places outside moved to the border; tensorflow/core/kernels/image/
    resize_bicubic_op.cc.
    """
    a, places = -0.75, 1024
    location = np.arange(m, dtype=np.float32) * np.float32(n / m)
    base = np.floor(location).astype(int)
    offset = np.rint((location - base) * places) / places

    def near(t: Any) -> Any:
        return ((a + 2) * t - (a + 3)) * t * t + 1

    def far(t: Any) -> Any:
        return ((a * t - 5 * a) * t + 8 * a) * t - 4 * a

    weights = np.zeros((m, n), np.float32)
    parts = (far(offset + 1), near(offset), near(1 - offset), far(2 - offset))
    for shift, part in zip((-1, 0, 1, 2), parts, strict=True):
        np.add.at(weights, (np.arange(m), np.clip(base + shift, 0, n - 1)), part)
    weights.flags.writeable = False  # it is shared by all calls
    return weights
