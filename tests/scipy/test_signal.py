"""``wengert.scipy.signal`` has SciPy's values in all its modes, and says what it refuses."""

from __future__ import annotations

import itertools
import re
from typing import Any

import numpy as np
import pytest
import scipy.signal

import wengert as wg
from wengert.scipy import signal
from wengert.testing import check_grads

RNG = np.random.default_rng(0)
SHAPES = [((6,), (4,)), ((3,), (5,)), ((5, 6), (2, 3)), ((2, 3), (5, 6)), ((4, 5, 3), (2, 2, 3))]
MODES = ("full", "same", "valid")


def constant(x: Any) -> Any:
    """Arrays as Tensors without history, so that wengert serves the call."""
    return wg.tensor(x) if isinstance(x, np.ndarray) else x


def agrees(name: str, *args: Any, **options: Any) -> None:
    expected = getattr(scipy.signal, name)(*args, **options)
    found = getattr(signal, name)(*map(constant, args), **{
        k: constant(v) for k, v in options.items()
    })  # fmt: skip
    many = isinstance(expected, tuple)
    for e, f in zip(*((expected, found) if many else ((expected,), (found,))), strict=True):
        assert isinstance(f, wg.Tensor)
        assert f.shape == e.shape
        assert f.dtype == e.dtype
        np.testing.assert_allclose(f.array, e, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("shapes", SHAPES, ids=str)
def test_convolutions(shapes: Any, mode: str) -> None:
    x, y = (RNG.normal(size=s) + 1j * RNG.normal(size=s) for s in shapes)
    for u, v in ((x, y), (x.real, y.real), (x.real, y)):
        for method in ("auto", "direct", "fft"):
            agrees("convolve", u, v, mode, method)
        agrees("fftconvolve", u, v, mode)
        agrees("oaconvolve", u, v, mode)
    for method in ("auto", "direct", "fft"):
        agrees("correlate", x, y, mode, method)
    if x.ndim == 2:
        for boundary, fill in itertools.product(("fill", "wrap", "symm"), (0, 1.5)):
            agrees("convolve2d", x, y, mode, boundary, fill)
            agrees("correlate2d", x, y, mode, boundary, fill)


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("orders", list(itertools.product((1, 2, 4), (1, 2, 5))), ids=str)
def test_lfilter(orders: tuple[int, int], axis: int) -> None:
    b, a = RNG.normal(size=orders[0]), RNG.normal(size=orders[1])
    a[0] += 2
    for n in (2, 9):
        x = RNG.normal(size=(n, 3) if axis == 0 else (3, n))
        agrees("lfilter", b, a, x, axis)
        order = max(orders) - 1
        zi = RNG.normal(size=(order, 3) if axis == 0 else (3, order))
        agrees("lfilter", b, a, x, axis, zi)
        agrees("lfilter", b, a, x, axis, zi[:, :1] if axis == 0 else zi[:1])


def test_forward_and_backward() -> None:
    b, a = scipy.signal.butter(3, 0.3)
    agrees("lfilter_zi", b, a)
    for padtype in ("odd", "even", "constant", None):
        agrees("filtfilt", b, a, RNG.normal(size=(2, 30)), -1, padtype)
    sos = scipy.signal.butter(4, 0.2, output="sos")
    agrees("sosfilt", sos, RNG.normal(size=(3, 9)))
    agrees("sosfilt", sos, RNG.normal(size=(3, 9)), -1, RNG.normal(size=(2, 3, 2)))


@pytest.mark.parametrize("mode", ["interp", "mirror", "constant", "nearest", "wrap"])
@pytest.mark.parametrize(("window", "order", "deriv"), [(5, 2, 0), (4, 2, 0), (7, 2, 2), (1, 0, 0)])
def test_savgol(mode: str, window: int, order: int, deriv: int) -> None:
    agrees("savgol_filter", RNG.normal(size=(9, 2)), window, order, deriv, 0.5, 0, mode, 2.0)


def test_trends_and_envelopes() -> None:
    x = RNG.normal(size=(3, 8))
    for bp in (0, [3], [1, 2], [2, 5]):
        agrees("detrend", x, -1, "linear", bp)
    agrees("detrend", x, 0, "constant")
    for n in (None, 5, 12):
        agrees("hilbert", x, n)


def agrees_on_spectra(name: str, *args: Any, **options: Any) -> None:
    """The frequencies, and the times, are plain."""
    expected = getattr(scipy.signal, name)(*args, **options)
    found = getattr(signal, name)(*map(constant, args), **options)
    assert len(found) == len(expected)
    for e, f in zip(expected, found, strict=True):
        f = f.array if isinstance(f, wg.Tensor) else f
        assert f.shape == e.shape
        assert np.iscomplexobj(f) == np.iscomplexobj(e)
        np.testing.assert_allclose(f, e, rtol=1e-10, atol=1e-12)


SPECTRA: list[dict[str, Any]] = [
    {},
    {"fs": 10.0, "window": ("kaiser", 3.0), "nperseg": 9, "noverlap": 3},
    {"nperseg": 8, "nfft": 16, "detrend": "linear", "scaling": "spectrum"},
    {"nperseg": 8, "nfft": 11, "detrend": False, "return_onesided": False},
    {"window": np.linspace(0.3, 1.0, 8), "axis": 0},
]


@pytest.mark.parametrize("options", SPECTRA, ids=str)
@pytest.mark.filterwarnings("ignore:.*nperseg:UserWarning")
def test_spectra(options: dict[str, Any]) -> None:
    x, y = RNG.normal(size=(2, 40, 30))
    agrees_on_spectra("spectrogram", x, **options)
    for average in ("mean", "median"):
        agrees_on_spectra("welch", x, **options, average=average)
        agrees_on_spectra("csd", x, y, **options, average=average)
    agrees_on_spectra("csd", x[:25] if "axis" in options else x[:, :25], y, **options)
    if "scaling" not in options and options.get("return_onesided", True):
        agrees_on_spectra("coherence", x, y, **options)
    twosided = not options.get("return_onesided", True)  # angles of -1 + 0j and -1 - 0j differ
    for mode in ("complex", "magnitude", *(() if twosided else ("angle", "phase"))):
        agrees_on_spectra("spectrogram", x, **options, mode=mode)
    options = {"nperseg": 8, **options}
    scaled = {**options, "scaling": "psd" if "scaling" in options else "spectrum"}
    for boundary in ("zeros", "constant", "even", "odd", None):
        agrees_on_spectra("stft", x, **scaled, boundary=boundary)
        agrees_on_spectra("stft", x, **scaled, boundary=boundary, padded=False)


def test_periodograms() -> None:
    x = RNG.normal(size=(3, 21))
    for options in ({}, {"window": "hann", "nfft": 32}, {"nfft": 16, "detrend": "linear"}):
        agrees_on_spectra("periodogram", x, 2.0, **options)
        agrees_on_spectra("periodogram", x, axis=0, scaling="spectrum")
        agrees_on_spectra("periodogram", x + 1j * x[::-1], return_onesided=False, **options)


def test_a_segment_that_is_longer_than_the_signal() -> None:
    with pytest.warns(UserWarning, match="nperseg=256 is greater than the length 3"):
        signal.welch(X, axis=1)


def test_responses() -> None:
    sos = scipy.signal.butter(3, 0.3, output="sos")
    b, a = scipy.signal.butter(3, 0.3)
    for given in (16, [0.1, 2.0, 3.0], None):
        agrees_on_spectra("freqz", b, a, given, fs=20.0)
        agrees_on_spectra("freqz_sos", sos, given, fs=20.0)
        agrees_on_spectra("sosfreqz", sos, given)
    agrees_on_spectra("freqz", b, 1, 8, True)
    agrees_on_spectra("freqz", b, 2.0, 8, include_nyquist=True)


@pytest.mark.parametrize("num", [1, 2, 5, 6, 8, 9, 13, 16])
@pytest.mark.parametrize("n", [1, 2, 6, 9])
def test_resample(n: int, num: int) -> None:
    x = RNG.normal(size=(n, 3))
    agrees("resample", x, num)
    agrees("resample", x + 1j * x[::-1], num)
    agrees("resample", np.fft.fft(x, axis=0), num, domain="freq")
    weights = RNG.uniform(0.3, 1.0, n)
    for window in (lambda f: np.exp(-f * f), "hann", np.r_[weights[:1], np.sort(weights[1:])]):
        agrees("resample", x[:, 0] + 1j, num, window=window)
        agrees("resample", x[:, 0], num, window=window)
    if n > 2:
        agrees("resample", x, num, window="hamming")
        for e, f in zip(
            scipy.signal.resample(x.T, num, np.arange(n) * 0.5, 1),
            signal.resample(wg.tensor(x.T), num, np.arange(n) * 0.5, 1),
            strict=True,
        ):
            np.testing.assert_allclose(f.array if isinstance(f, wg.Tensor) else f, e, atol=1e-12)


def test_states_from_the_past() -> None:
    for n, m in ((1, 1), (1, 4), (4, 1), (3, 5), (5, 3)):
        b, a = RNG.normal(size=n), RNG.normal(size=m)
        for past in (0, 2, 6):
            y, x = RNG.normal(size=(2, past + 1))
            agrees("lfiltic", b, a, y)
            agrees("lfiltic", b, a, y, x)
    agrees("sosfilt_zi", scipy.signal.butter(4, 0.2, output="sos"))
    for sos in (scipy.signal.butter(n, 0.2, output="sos") for n in (1, 4)):
        for padtype in ("odd", "even", "constant", None):
            agrees("sosfiltfilt", sos, RNG.normal(size=(2, 30)), -1, padtype)
        agrees("sosfiltfilt", sos, RNG.normal(size=(30, 2)), 0, "odd", 4)


def test_plain_arguments_go_to_scipy() -> None:
    x = RNG.normal(size=50)
    assert type(signal.convolve(x, x)) is np.ndarray
    np.testing.assert_array_equal(
        signal.filtfilt([1.0], [1.0, 0.2], x, method="gust"),
        scipy.signal.filtfilt([1.0], [1.0, 0.2], x, method="gust"),
    )


def test_a_gradient_through_a_recursive_filter() -> None:
    """The sensitivity of the last output of an exponential average to its coefficient."""

    def last(k: Any) -> Any:
        b, a = wg.numpy.array([k]), wg.numpy.array([1.0, k - 1.0])
        return signal.lfilter(b, a, np.ones(5))[-1]

    assert wg.grad(last)(0.3) == pytest.approx(5 * 0.7**4)  # the output is 1 - (1 - k)^5


X, K = wg.Tensor(np.ones((4, 3))), np.ones((2, 2))

REFUSED = [
    (lambda: signal.convolve(X, np.ones(2)), "same number of dimensions.*(4, 3) and (2,)"),
    (lambda: signal.convolve(X, K, "most"), "mode must be one of 'full', 'same', 'valid'"),
    (lambda: signal.convolve(X, K, "same", "slow"), "method must be one of"),
    (lambda: signal.convolve(X, np.ones((5, 1)), "valid"), "at least as long as the other"),
    (lambda: signal.convolve(X, np.ones((0, 2))), "cannot be empty"),
    (lambda: signal.fftconvolve(X, K, axes=0), "do not broadcast"),
    (lambda: signal.fftconvolve(X, K, axes=()), "names no axis"),
    (lambda: signal.convolve2d(X, K, boundary="mirror"), "boundary must be one of"),
    (lambda: signal.convolve2d(X, K, fillvalue=X), "fillvalue must be one plain number"),
    (lambda: signal.lfilter(K, [1.0], X), "b has shape (2, 2)"),
    (lambda: signal.lfilter([1.0], [1.0, 2.0], X, zi=np.ones((4, 2))), "expected (4, 1)"),
    (lambda: signal.lfilter([1.0], [1.0], wg.Tensor(1.0)), "x is one number"),
    (lambda: signal.lfilter_zi(wg.Tensor([1.0]), [1.0]), "no state"),
    (lambda: signal.sosfilt(np.ones((1, 5)), X), "expected (sections, 6)"),
    (lambda: signal.filtfilt([1.0], [1.0, 0.1], X), "smaller padlen"),
    (lambda: signal.filtfilt([1.0], [1.0, 0.1], X, method="gust"), "method must be one of 'pad'"),
    (lambda: signal.detrend(X, type="cubic"), "type must be one of"),
    (lambda: signal.detrend(X, bp=[9]), "outside of the axis"),
    (lambda: signal.hilbert(wg.tensor(1j * np.ones(3))), "must be real"),
    (lambda: signal.hilbert(X, 0), "give 1 or more"),
    (lambda: signal.savgol_filter(X, 3, 1, mode="odd"), "mode must be one of"),
    (lambda: signal.savgol_filter(X, 5, 1), "must not be longer than the signal (3)"),
    (lambda: signal.sosfiltfilt(np.ones((1, 6)), X), "smaller padlen"),
    (lambda: signal.sosfiltfilt(np.ones((1, 6)), X, padtype="wrap"), "padtype must be one of"),
    (lambda: wg.jit(lambda s: signal.sosfiltfilt(s, np.ones(30)))(np.ones((1, 6))), "give padlen"),
    (lambda: signal.lfiltic([1.0], [1.0, 2.0], X), "y has shape (4, 3)"),
    (lambda: signal.freqz(X), "b has shape (4, 3)"),
    (lambda: signal.freqz(X[0], worN=K), "worN has shape (2, 2)"),
    (lambda: signal.freqz(X[0], plot=print), "plot what is returned"),
    (lambda: signal.welch(X, nperseg=2, noverlap=2), "less than nperseg, which is 2"),
    (lambda: signal.welch(X, nperseg=0), "must be positive"),
    (lambda: signal.welch(X, nperseg=3, nfft=2), "must be at least nperseg, 3"),
    (lambda: signal.welch(X, window=np.ones(4)), "the window has shape (4,)"),
    (lambda: signal.welch(X, nperseg=2, detrend=np.sin), "give 'constant', 'linear' or False"),
    (lambda: signal.welch(X, nperseg=2, scaling="psd"), "scaling must be one of 'density'"),
    (lambda: signal.welch(X, nperseg=2, average="max"), "average must be one of 'mean', 'median'"),
    (lambda: signal.spectrogram(X, nperseg=2, mode="power"), "mode must be one of 'psd'"),
    (lambda: signal.stft(X, nperseg=2, boundary="wrap"), "boundary must be one of"),
    (lambda: signal.stft(X, nperseg=2, scaling="density"), "scaling must be one of 'spectrum'"),
    (lambda: signal.resample(X, 0), "num=0; the result needs at least one"),
    (lambda: signal.resample(X, 3, domain="space"), "domain must be one of 'time', 'freq'"),
    (lambda: signal.resample(X, 3, window=np.ones(3)), "the window has shape (3,); expected (4,)"),
    (lambda: signal.periodogram(X[:0], axis=0), "expected a signal, not empty"),
]


@pytest.mark.parametrize(("call", "message"), REFUSED, ids=[m for _, m in REFUSED])
def test_what_is_refused(call: Any, message: str) -> None:
    pattern = message.replace("(", r"\(").replace(")", r"\)")
    with pytest.raises(wg.WengertError, match=pattern):
        call()


@pytest.mark.parametrize("mode", ["full", "valid"])
@pytest.mark.parametrize("swapped", [False, True])
def test_convolve_takes_the_axes_of_autograd(mode: str, swapped: bool) -> None:
    # autograd.scipy.signal.convolve has them, and its convolutional network uses them.
    rng = np.random.default_rng(3)
    images, kernels = rng.normal(size=(2, 3, 5, 6)), rng.normal(size=(3, 4, 3, 2))

    def f(a: Any, b: Any) -> Any:
        if swapped:
            return signal.convolve(b, a, axes=([2, 3], [2, 3]), dot_axes=([0], [1]), mode=mode)
        return signal.convolve(a, b, axes=([2, 3], [2, 3]), dot_axes=([1], [0]), mode=mode)

    expected = np.array(
        [
            [
                sum(
                    scipy.signal.convolve(images[n, c], kernels[c, k], mode, "direct")
                    for c in range(3)
                )
                for k in range(4)
            ]
            for n in range(2)
        ]
    )
    value = f(images, kernels)
    np.testing.assert_allclose(np.swapaxes(value, 0, 1) if swapped else value, expected)
    check_grads(f, (images, kernels), order=1)
    batched = wg.vmap(f, in_axes=(0, None))(np.stack([images, 2 * images]), kernels)
    np.testing.assert_allclose(batched, np.stack([value, 2 * value]))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"axes": ([0],)}, "axes must be a pair"),
        ({"axes": ([0], [0, 1])}, "as many axes of in1 as of in2"),
        ({"axes": ([0], [0]), "dot_axes": ([0], [0])}, "both in axes and in dot_axes"),
        ({"axes": ([0], [0]), "mode": "same"}, "mode must be 'full' or 'valid'"),
        ({"axes": ([0], [0]), "dot_axes": ([1], [1])}, "must have the same lengths"),
        ({"axes": ([0, 1], [1, 0]), "mode": "valid"}, "at least as long as the other"),
    ],
)
def test_convolve_says_what_is_wrong_with_axes(options: dict[str, Any], message: str) -> None:
    with pytest.raises(wg.WengertError, match=re.escape(message)):
        signal.convolve(np.ones((2, 4)), np.ones((2, 3)), **options)


@pytest.mark.parametrize("mode", ["full", "same", "valid"])
@pytest.mark.parametrize("function", ["fftconvolve", "oaconvolve"])
def test_fft_convolution_of_empty_arrays(function: str, mode: str) -> None:
    ours, scipys = getattr(signal, function), getattr(scipy.signal, function)
    for x, y in [((0,), (3,)), ((3,), (0,)), ((0, 2), (2, 2)), ((0,), (0,))]:
        x, y = np.ones(x), np.ones(y)
        expected = scipys(x, y, mode)
        found = ours(wg.Tensor(x, requires_grad=True), y, mode)
        assert found.shape == expected.shape
        assert found.dtype == expected.dtype
        gx, gy = wg.grad(lambda x, y: np.sum(ours(x, y, mode)), (0, 1))(x, y)
        assert (gx.shape, gy.shape) == (x.shape, y.shape)
        assert not gx.any()
        assert not gy.any()
