"""Convolution against SciPy and PyTorch, and what it says to wrong arguments."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import scipy.signal

import wengert as wg
from wengert import nn
from wengert.rules import convolution_evaluation, windows

RNG = np.random.default_rng(3)

# (kernel, stride, padding, dilation)
GEOMETRIES = [
    ((3, 3), 1, 0, 1),
    ((3, 3), 1, 1, 1),
    ((1, 1), 1, 0, 1),
    ((1, 1), (2, 3), 0, 1),
    ((1, 1), 1, 2, 1),
    ((3, 2), (2, 1), ((0, 1), (2, 0)), (1, 2)),
    ((2, 3), (3, 2), (1, 2), (2, 1)),
    ((2, 2), 1, ((3, 1), (1, 4)), 1),
    ((5, 5), 2, "same", 1),
    ((3, 3), 2, "same", 2),
]
GROUPS = [(1, 1, 1), (1, 1, 5), (1, 6, 2), (1, 6, 30), (4, 1, 1), (3, 2, 3), (2, 6, 1), (3, 1, 2)]


def by_scipy(x, kernel, stride, padding, dilation, groups):
    """One correlation for each image, output and channel."""
    (kh, kw, c, outputs), per_group = kernel.shape, kernel.shape[3] // groups
    spread = np.zeros(((kh - 1) * dilation[0] + 1, (kw - 1) * dilation[1] + 1, c, outputs))
    spread[:: dilation[0], :: dilation[1]] = kernel
    x = np.pad(x, ((0, 0), *padding, (0, 0)))
    images = []
    for image in x:
        planes = [
            sum(
                scipy.signal.correlate(
                    image[:, :, (q // per_group) * c + i], spread[:, :, i, q], "valid", "direct"
                )
                for i in range(c)
            )[:: stride[0], :: stride[1]]
            for q in range(outputs)
        ]
        images.append(np.stack(planes, axis=-1))
    return np.stack(images)


def as_pair(value):
    return (value, value) if isinstance(value, int) else value


def as_padding(padding, size, kernel, stride, dilation):
    """What the documentation says, for integers, pairs, pairs of pairs and "same"."""
    if padding == "same":
        found = []
        for n, k, s, d in zip(size, kernel, stride, dilation, strict=True):
            total = max((int(np.ceil(n / s)) - 1) * s + (k - 1) * d + 1 - n, 0)
            found.append((total // 2, total - total // 2))
        return tuple(found)
    vertical, horizontal = as_pair(padding)
    return as_pair(vertical), as_pair(horizontal)


@pytest.fixture(params=["one block", "many blocks"])
def block(request, monkeypatch):
    """With small blocks, images and rows are gathered in several parts."""
    if request.param == "many blocks":
        monkeypatch.setattr(windows.blocks, "__defaults__", (600,))
        monkeypatch.setattr(convolution_evaluation, "DEPTHWISE_BYTES", 600)


@pytest.mark.usefixtures("block")
@pytest.mark.parametrize(("groups", "c", "o"), GROUPS)
@pytest.mark.parametrize(("kernel", "stride", "padding", "dilation"), GEOMETRIES)
def test_against_scipy(kernel, stride, padding, dilation, groups, c, o):
    """Value, and both cotangents by the pairing with random directions: the map is bilinear."""
    x, w = RNG.normal(size=(3, 7, 8, groups * c)), RNG.normal(size=(*kernel, c, groups * o))
    s, d = as_pair(stride), as_pair(dilation)
    pads = as_padding(padding, (7, 8), kernel, s, d)

    def f(x, w):
        return nn.conv2d(x, w, stride=stride, padding=padding, dilation=dilation, groups=groups)

    y, pullback = wg.vjp(f, x, w)
    np.testing.assert_allclose(y, by_scipy(x, w, s, pads, d, groups), atol=1e-12)
    ct, dx, dw = (RNG.normal(size=a.shape) for a in (y, x, w))
    gx, gw = pullback(ct)
    by_x, by_w = by_scipy(dx, w, s, pads, d, groups), by_scipy(x, dw, s, pads, d, groups)
    np.testing.assert_allclose(np.sum(gx * dx), np.sum(ct * by_x))
    np.testing.assert_allclose(np.sum(gw * dw), np.sum(ct * by_w))


def test_same_is_tensorflows():
    """ceil(n / stride) outputs, the odd zero at the end; by hand for n = 4, kernel 3, stride 2."""
    x = np.arange(1.0, 5.0).reshape(1, 4, 1, 1)
    y = nn.conv2d(x, np.ones((3, 1, 1, 1)), stride=2, padding="same")
    assert y.ravel().tolist() == [1 + 2 + 3, 3 + 4 + 0]
    for n, k, s in product(range(1, 9), (1, 2, 3, 5), (1, 2, 3)):
        y = nn.conv2d(np.ones((1, n, n, 1)), np.ones((k, k, 1, 1)), stride=s, padding="same")
        assert y.shape == (1, -(-n // s), -(-n // s), 1)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64])
def test_dtypes_are_kept(dtype):
    x, w, b = (RNG.normal(size=s).astype(dtype) for s in ((1, 4, 4, 2), (3, 3, 2, 2), (2,)))
    y, pullback = wg.vjp(lambda *a: nn.conv2d(*a), x, w, b)
    assert [a.dtype for a in (y, *pullback(y))] == [dtype] * 4


def test_any_memory_layout():
    x, w = RNG.normal(size=(3, 6, 5, 2)), RNG.normal(size=(3, 3, 2, 4))
    y = nn.conv2d(x, w, padding=1)
    for change in (np.asfortranarray, lambda a: np.repeat(a, 2, axis=-1)[..., ::2]):
        np.testing.assert_allclose(nn.conv2d(change(x), change(w), padding=1), y, rtol=1e-12)


def test_vmap_over_kernels_and_images():
    """Every example has its own kernel; no loop."""
    x, w = RNG.normal(size=(4, 2, 5, 5, 3)), RNG.normal(size=(4, 2, 2, 3, 6))
    y = wg.vmap(lambda x, w: nn.conv2d(x, w, stride=2))(x, w)
    expected = np.stack([nn.conv2d(a, b, stride=2) for a, b in zip(x, w, strict=True)])
    np.testing.assert_allclose(y, expected, rtol=1e-12)


def test_gradients_of_each_example():
    """Vmap of grad: the kernel is shared, the gradients are not."""
    x, w = RNG.normal(size=(4, 1, 5, 5, 2)), RNG.normal(size=(3, 3, 2, 3))
    grad = wg.grad(lambda w, x: np.sum(nn.conv2d(x, w) ** 2))
    expected = np.stack([grad(w, a) for a in x])
    np.testing.assert_allclose(wg.vmap(grad, in_axes=(None, 0))(w, x), expected, rtol=1e-12)


def test_hessian_is_symmetric_and_exact():
    """Of |conv(x, w)|^2 / 2 by w: the matrix of the convolution, transposed times itself."""
    x = RNG.normal(size=(1, 3, 3, 1))

    def f(w):
        return np.sum(nn.conv2d(x, w) ** 2) / 2

    w = RNG.normal(size=(2, 2, 1, 1))
    jacobian = wg.jacobian(lambda w: nn.conv2d(x, w))(w).reshape(4, 4)
    np.testing.assert_allclose(wg.hessian(f)(w).reshape(4, 4), jacobian.T @ jacobian, rtol=1e-12)


def test_layouts_are_inverse():
    x, w = RNG.normal(size=(2, 3, 4, 5)), RNG.normal(size=(6, 3, 2, 1))
    assert nn.from_nchw(x).shape == (2, 4, 5, 3)
    assert nn.from_nchw(x).flags.c_contiguous
    np.testing.assert_array_equal(nn.to_nchw(nn.from_nchw(x)), x)
    assert nn.kernel_from_oihw(w).shape == (2, 1, 3, 6)
    np.testing.assert_array_equal(nn.kernel_to_oihw(nn.kernel_from_oihw(w)), w)
    with pytest.raises(wg.ShapeError, match=r"from_nchw: expected an array \(n, channels, height"):
        nn.from_nchw(x[0])


# ------------------------------------------------------------------ PyTorch


@pytest.mark.peers
@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize(
    ("stride", "padding", "dilation"), [(1, 0, 1), (2, 1, 1), ((1, 3), (2, 1), 2)]
)
def test_against_torch(stride, padding, dilation, groups):
    torch = pytest.importorskip("torch")
    x, w, b = (RNG.normal(size=s) for s in ((2, 4, 9, 8), (8, 4 // groups, 3, 3), (8,)))
    tensors = [torch.tensor(a, requires_grad=True) for a in (x, w, b)]
    expected = torch.nn.functional.conv2d(
        *tensors, stride=stride, padding=padding, dilation=dilation, groups=groups
    )
    ct = RNG.normal(size=expected.shape)
    expected.backward(torch.tensor(ct))

    def f(x, w, b):
        y = nn.conv2d(
            nn.from_nchw(x),
            nn.kernel_from_oihw(w),
            b,
            stride=stride,
            padding=padding,
            dilation=dilation,
            groups=groups,
        )
        return nn.to_nchw(y)

    y, pullback = wg.vjp(f, x, w, b)
    np.testing.assert_allclose(y, expected.detach().numpy(), rtol=1e-10, atol=1e-12)
    for found, tensor in zip(pullback(ct), tensors, strict=True):
        np.testing.assert_allclose(found, tensor.grad.numpy(), rtol=1e-10, atol=1e-12)


# ------------------------------------------------------------------ errors

X, W = np.ones((2, 6, 5, 4)), np.ones((3, 3, 4, 8))


@pytest.mark.parametrize(
    ("args", "options", "error", "message"),
    [
        ((X[0], W), {}, wg.ShapeError, r"add a batch axis, x\[np.newaxis\]"),
        ((X[0, :, :, 0], W), {}, wg.ShapeError, "add axes for the batch and the channels"),
        (
            (X[None], W),
            {},
            wg.ShapeError,
            r"expected images of shape \(n, height, width, channels\)",
        ),
        (
            (X.astype(int), W),
            {},
            wg.WengertTypeError,
            r"got int64; cast them: x.astype\(np.float32\)",
        ),
        ((X, W.astype(int)), {}, wg.WengertTypeError, "kernel of a floating type, got int64"),
        ((X, W[0]), {}, wg.ShapeError, r"expected a kernel of shape .* got shape \(3, 4, 8\)"),
        ((X, W[:0]), {}, wg.ShapeError, r"none of them 0; got shape \(0, 3, 4, 8\)"),
        ((X[..., :3], W), {}, wg.ShapeError, "have 3 channels, but a kernel .* needs 4"),
        ((X, W), {"groups": 2}, wg.ShapeError, "have 4 channels, .* groups=2 needs 8"),
        ((X, W), {"groups": 3}, wg.ShapeError, "groups=3 does not divide 4 channels"),
        (
            (X, W[:, :, :1, :6]),
            {"groups": 4},
            wg.ShapeError,
            "groups=4 does not divide the 6 outputs",
        ),
        ((X, W), {"groups": 0}, wg.WengertValueError, "groups must be a positive integer, got 0"),
        (
            (X, W),
            {"groups": 1.5},
            wg.WengertValueError,
            "groups must be a positive integer, got 1.5",
        ),
        ((nn.to_nchw(X), W), {}, wg.ShapeError, r"Axis 1 .* length 4: .*nn.from_nchw\(x\)"),
        ((X, nn.kernel_to_oihw(W)), {}, wg.ShapeError, r"nn.kernel_from_oihw\(kernel\)$"),
        (
            (nn.to_nchw(X), nn.kernel_to_oihw(W)),
            {},
            wg.ShapeError,
            r"nn.kernel_from_oihw\(kernel\) and the images with nn.from_nchw\(x\)$",
        ),
        ((X, W, np.ones(4)), {}, wg.ShapeError, r"bias must have shape \(8,\).* got \(4,\)"),
        ((X, W), {"stride": 0}, wg.WengertValueError, "stride must be a positive integer.* got 0"),
        ((X, W), {"stride": (1, -2)}, wg.WengertValueError, r"stride must be .* got \(1, -2\)"),
        ((X, W), {"stride": (1, 1, 1)}, wg.WengertValueError, "stride must be a positive integer"),
        ((X, W), {"stride": True}, wg.WengertValueError, "stride must be .* got True"),
        ((X, W), {"stride": "two"}, wg.WengertValueError, "stride must be .* got 'two'"),
        ((X, W), {"dilation": 1.0}, wg.WengertValueError, "dilation must be .* got 1.0"),
        ((X, W), {"padding": -1}, wg.WengertValueError, "conv2d: padding must be .* got -1"),
        ((X, W), {"padding": "full"}, wg.WengertValueError, "padding must be .* got 'full'"),
        (
            (X, W),
            {"padding": (1, 2, 3)},
            wg.WengertValueError,
            r"padding must be .* got \(1, 2, 3\)",
        ),
        ((X, W), {"padding": ((1, 2), 3)}, wg.WengertValueError, "padding must be"),
        ((X, W), {"padding": 0.5}, wg.WengertValueError, "padding must be .* got 0.5"),
        (
            (X[:, :2], W),
            {},
            wg.ShapeError,
            "conv2d: the window's height 3 is larger than that of the input, 2; pad",
        ),
        (
            (X, W),
            {"dilation": (1, 4), "padding": (0, 1)},
            wg.ShapeError,
            r"width 3 \(dilated by 4: 9\) is larger than that of the input, 5 \+ 1 \+ 1 of padding",
        ),
    ],
)
def test_errors(args, options, error, message):
    with pytest.raises(error, match=message):
        nn.conv2d(*args, **options)


def test_errors_inside_of_transforms():
    with pytest.raises(wg.ShapeError, match="needs 4"):
        wg.grad(lambda x: np.sum(nn.conv2d(x, W)))(X[..., :3])
    with pytest.raises(wg.ShapeError, match="add a batch axis"):
        wg.vmap(lambda x: nn.conv2d(x, W))(X)
