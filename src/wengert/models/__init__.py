"""Networks that others have trained: EfficientNet-Lite0, which names the thing on a photograph.

Owns the architectures, the reading of their published weights, the preprocessing that belongs to
them, and what is shown of an answer. Written with the public interface of wengert only; there are
no layers of general use and no training loops here.
"""

from wengert.models.efficientnet import (
    Block,
    ConvNorm,
    efficientnet_lite0,
    load_efficientnet_lite0,
    relu6,
    torch_arrays,
)
from wengert.models.photographs import IMAGE_SIZE, crop_box, load_image, preprocess
from wengert.models.picture import Answer, draw_answers, save_picture
from wengert.models.prediction import Prediction, class_names, classify, saliency

__all__ = [
    "IMAGE_SIZE",
    "Answer",
    "Block",
    "ConvNorm",
    "Prediction",
    "class_names",
    "classify",
    "crop_box",
    "draw_answers",
    "efficientnet_lite0",
    "load_efficientnet_lite0",
    "load_image",
    "preprocess",
    "relu6",
    "saliency",
    "save_picture",
    "torch_arrays",
]
