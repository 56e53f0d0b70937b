"""Convolutions and filters of ``scipy.signal``."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.signal

import wengert as wg
from wengert.rules.convolve_nd import convolve_nd
from wengert.rules.filters import lfilter
from wengert.scipy import signal

from ..case import Case

Array = Any


def stable(*shapes: tuple[int, ...]) -> Any:
    """Numerator, denominator of stable filters (poles within 0.7), and signals."""

    def draw(rng: np.random.Generator) -> tuple[Array, ...]:
        b, a, *rest = shapes
        poles = rng.uniform(-0.7, 0.7, (*a[:-1], a[-1] - 1))
        rows = [np.poly(poles[i]) * np.ones(a[-1]) for i in np.ndindex(*a[:-1])]
        lead = rng.uniform(0.8, 1.5, (*a[:-1], 1))
        denominator = np.reshape(rows, a) * lead
        return (rng.normal(size=b), denominator, *(rng.normal(size=s) for s in rest))

    return draw


def by_rows(b: Array, a: Array, x: Array) -> Array:
    """The filter of stacks, row by row."""
    stack = np.broadcast_shapes(b.shape[:-1], a.shape[:-1], x.shape[:-1])
    b, a, x = (np.broadcast_to(v, (*stack, v.shape[-1])) for v in (b, a, x))
    rows = [scipy.signal.lfilter(b[i], a[i], x[i]) for i in np.ndindex(*stack)]
    return np.reshape(rows, x.shape)


def windows(a: Array, v: Array) -> Array:
    return np.stack([scipy.signal.convolve(r, k, "full", "direct") for r, k in zip(a, v)])


def direct(name: str, mode: str, **options: Any) -> Any:
    f, plain = getattr(signal, name), getattr(scipy.signal, name)
    return (
        lambda x, y: f(x, y, mode, **options) * 2.0,
        lambda x, y: plain(x, y, mode, **options) * 2.0,
    )


_SOS = scipy.signal.butter(3, 0.3, output="sos")
_BUTTER = scipy.signal.butter(2, 0.3)


def parts(z: Array) -> Array:
    return np.stack([np.real(z), np.imag(z)])


def spectrum(module: Any, name: str, *xs: Array, **options: Any) -> Array:
    """What is transformed, without frequencies and times."""
    found = getattr(module, name)(*xs, **options)[-1]
    return parts(found) if found.dtype.kind == "c" else found


def pairs(*shapes: tuple[int, ...]) -> Any:
    """Two sections of second order, and signals."""

    def draw(rng: np.random.Generator) -> tuple[Array, ...]:
        return (
            rng.normal(size=(2, 3)),
            rng.uniform(-0.3, 0.3, (2, 2)),
            *(rng.normal(size=s) for s in shapes),
        )

    return draw


def sections(b: Array, a: Array) -> Array:
    return np.concatenate([b, 0 * a[:, :1] + 1, a], 1)


def in_dtype(c: Array, x: Array) -> Array:
    return np.asarray(c, x.dtype)


def both(name: str, *args: Any, **options: Any) -> Any:
    """A function of one signal, and SciPy's own."""
    f, plain = getattr(signal, name), getattr(scipy.signal, name)
    return (
        lambda x: f(*[in_dtype(c, x) if isinstance(c, np.ndarray) else c for c in args],
                    x, **options),
        lambda x: plain(*[in_dtype(c, x) if isinstance(c, np.ndarray) else c for c in args],
                        x, **options),
    )  # fmt: skip


def one(name: str, pair: Any, shape: tuple[int, ...], **options: Any) -> Case:
    return Case(name, pair[0], [shape], plain=pair[1], **options)


def two(name: str, pair: Any, *shapes: tuple[int, ...], **options: Any) -> Case:
    return Case(name, pair[0], list(shapes), plain=pair[1], **options)


CASES = [
    *(
        two(f"convolve_{mode}_{'x'.join(map(str, s))}", direct("convolve", mode, method="direct"),
            s, t, complex=True, primitives=("convolve_nd",) if len(s) > 1 else ())
        for mode in ("full", "same", "valid")
        for s, t in (((5,), (3,)), ((3, 4), (2, 2)), ((2, 2, 3), (2, 1, 2)))
    ),
    two("convolve_swapped", direct("convolve", "valid"), (2, 2), (3, 4), complex=True),
    two("convolve_auto", direct("convolve", "same"), (4, 3), (2, 3)),
    two("convolve_fft", direct("convolve", "same", method="fft"), (4, 3), (2, 3), complex=True),
    *(
        two(f"correlate_{method}", direct("correlate", "same", method=method), (4, 3), (2, 3),
            complex=True)
        for method in ("direct", "fft")
    ),
    *(
        two(f"fftconvolve_{mode}", direct("fftconvolve", mode), (4, 3), (2, 3), complex=True)
        for mode in ("full", "same", "valid")
    ),
    two("fftconvolve_axis", direct("fftconvolve", "same", axes=1), (2, 5), (1, 3)),
    two("oaconvolve", direct("oaconvolve", "full"), (6,), (2,)),
    *(
        two(f"{name}_{boundary}", direct(name, "same", boundary=boundary, fillvalue=0.5),
            (4, 3), (2, 3), complex=True)
        for name in ("convolve2d", "correlate2d")
        for boundary in ("fill", "wrap", "symm")
    ),
    Case(
        "convolve_nd_stacks",
        lambda a, v: convolve_nd(a, v, 2, "full"),
        [(2, 3, 3), (2, 2, 2)],
        complex=True,
        plain=windows,
    ),
    Case("convolve_nd_one_kernel", lambda a, v: convolve_nd(a, v, 2, "valid"),
         [(2, 3, 3), (2, 2)],
         plain=lambda a, v: np.stack([scipy.signal.convolve(r, v, "valid") for r in a])),
    # filters
    Case("lfilter", signal.lfilter, domain=stable((3,), (3,), (7,)), complex=True, rtol=1e-5,
         primitives=("lfilter",), plain=scipy.signal.lfilter),
    Case("lfilter_rows", lambda b, a, x: signal.lfilter(b, a, x, 0),
         domain=stable((2,), (4,), (6, 2)),
         plain=lambda b, a, x: scipy.signal.lfilter(b, a, x, 0)),
    Case("lfilter_moving_average", signal.lfilter, domain=stable((3,), (1,), (2, 5)),
         plain=scipy.signal.lfilter),
    Case("lfilter_long_filter", signal.lfilter, domain=stable((6,), (2,), (3,)),
         plain=scipy.signal.lfilter),
    Case("lfilter_state", lambda b, a, x, z: signal.lfilter(b, a, x, zi=z),
         domain=stable((2,), (3,), (2, 5), (2, 2)),
         plain=lambda b, a, x, z: scipy.signal.lfilter(b, a, x, zi=z)),
    Case("lfilter_short_signal_state", lambda b, a, x, z: signal.lfilter(b, a, x, zi=z),
         domain=stable((2,), (4,), (2,), (3,)),
         plain=lambda b, a, x, z: scipy.signal.lfilter(b, a, x, zi=z)),
    Case("lfilter_stacks", lfilter, domain=stable((2, 3), (2, 2), (2, 4)), plain=by_rows,
         complex=True),
    Case("lfilter_stack_of_numerators", lfilter, domain=stable((2, 3), (2,), (4,)), plain=by_rows),
    Case("lfilter_zi", signal.lfilter_zi, domain=stable((2,), (3,)),
         plain=scipy.signal.lfilter_zi),
    Case("filtfilt", signal.filtfilt, domain=stable((2,), (2,), (2, 9)), rtol=1e-5,
         plain=scipy.signal.filtfilt),
    one("filtfilt_even", both("filtfilt", *_BUTTER, padtype="even", axis=0), (12, 2)),
    Case("sosfilt", lambda x: signal.sosfilt(in_dtype(_SOS, x), x), [(2, 6)],
         plain=lambda x: scipy.signal.sosfilt(in_dtype(_SOS, x), x)),
    Case("sosfilt_sections",
         lambda b, a, x: signal.sosfilt(np.concatenate([b, 0 * a[:, :1] + 1, a], 1), x),
         domain=lambda rng: (rng.normal(size=(2, 3)), rng.uniform(-0.3, 0.3, (2, 2)),
                             rng.normal(size=5))),
    Case("sosfilt_state", lambda x, z: signal.sosfilt(in_dtype(_SOS, x), x, zi=z),
         [(4,), (2, 2)],
         plain=lambda x, z: scipy.signal.sosfilt(in_dtype(_SOS, x), x, zi=z)),
    one("detrend", (lambda x: signal.detrend(x, 0, bp=[2]),
                    lambda x: scipy.signal.detrend(x, 0, bp=[2])), (6, 2), complex=True),
    one("detrend_constant", (lambda x: signal.detrend(x, type="constant"),
                             lambda x: scipy.signal.detrend(x, type="constant")), (2, 4)),
    one("hilbert", (lambda x: parts(signal.hilbert(x)), lambda x: parts(scipy.signal.hilbert(x))),
        (5,)),
    one("hilbert_padded", (lambda x: parts(signal.hilbert(x, 6, 0)),
                           lambda x: parts(scipy.signal.hilbert(x, 6, 0))), (4, 2)),
    *(
        one(f"savgol_{mode}", (lambda x, mode=mode: signal.savgol_filter(x, 5, 2, mode=mode),
                               lambda x, mode=mode: scipy.signal.savgol_filter(x, 5, 2, mode=mode)),
            (2, 7))
        for mode in ("interp", "mirror", "nearest", "constant", "wrap")
    ),
    Case("lfiltic", signal.lfiltic, domain=stable((3,), (4,), (2,), (5,)), rtol=1e-5,
         plain=scipy.signal.lfiltic),
    Case("sosfilt_zi", lambda b, a: signal.sosfilt_zi(sections(b, a)), domain=pairs()),
    Case("sosfiltfilt", lambda b, a, x: signal.sosfiltfilt(sections(b, a), x, padlen=2),
         domain=pairs((2, 5))),
    Case("freqz", lambda b, a, w: parts(signal.freqz(b, a, w)[1]),
         domain=stable((3,), (2,), (4,)),
         plain=lambda b, a, w: parts(scipy.signal.freqz(b, a, w)[1])),
    Case("freqz_sos", lambda b, a: parts(signal.freqz_sos(sections(b, a), 4)[1]), domain=pairs()),
    *(
        one(f"{name}_{i}", (lambda x, name=name, o=o: spectrum(signal, name, x, **o),
                            lambda x, name=name, o=o: spectrum(scipy.signal, name, x, **o)),
            shape)
        for name in ("welch", "spectrogram", "stft")
        for i, (o, shape) in enumerate((
            ({"nperseg": 4, "detrend": "linear"}, (2, 9)),
            ({"nperseg": 3, "nfft": 5, "axis": 0, "return_onesided": False}, (8, 2)),
        ))
    ),
    one("welch_median", (lambda x: spectrum(signal, "welch", x, nperseg=3, average="median"),
                         lambda x: spectrum(scipy.signal, "welch", x, nperseg=3,
                                            average="median")), (9,)),
    one("periodogram", (lambda x: spectrum(signal, "periodogram", x, window="hann"),
                        lambda x: spectrum(scipy.signal, "periodogram", x, window="hann")), (6,)),
    two("csd", (lambda x, y: spectrum(signal, "csd", x, y, nperseg=4),
                lambda x, y: spectrum(scipy.signal, "csd", x, y, nperseg=4)), (2, 9), (2, 7)),
    two("coherence", (lambda x, y: spectrum(signal, "coherence", x, y, nperseg=4),
                      lambda x, y: spectrum(scipy.signal, "coherence", x, y, nperseg=4)),
        (12,), (12,)),
    two("welch_window", (lambda x, w: spectrum(signal, "welch", x, window=w, noverlap=1),
                         lambda x, w: spectrum(scipy.signal, "welch", x, window=w, noverlap=1)),
        (8,), (4,)),
    *(
        one(f"resample_{n}_{num}", (lambda x, num=num: signal.resample(x, num),
                                    lambda x, num=num: scipy.signal.resample(x, num)), (n, 2))
        for n, num in ((6, 4), (5, 8), (4, 7), (7, 3))
    ),
    two("resample_window", (lambda x, w: signal.resample(x, 4, window=w * w[::-1], axis=-1),) * 2,
        (2, 6), (6,)),
    Case("lfilter_by_vmap", lambda b, a, x: wg.vmap(signal.lfilter)(b, a, x),
         domain=stable((2, 2), (2, 3), (2, 4)), plain=by_rows),
]  # fmt: skip
