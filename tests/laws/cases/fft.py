"""Fourier transforms: lengths, axes, normalisations, padding and cropping, real and complex."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..case import Case

Array = Any


def real_of(z: Array) -> Array:
    return np.real(z) ** 2 + np.imag(z) ** 2


def into(x: Array) -> Array:
    y = np.zeros_like(x * (1.0 + 0.0j))
    np.fft.fft(x, axis=0, out=y)
    return y * y


def into_real(x: Array) -> Array:
    y = np.zeros_like(np.real(x), shape=(2, 4))
    np.fft.irfft(x, n=4, out=y)
    return y**2


def filtered(x: Array) -> Array:
    """A low-pass filter, there and back."""
    spectrum = np.fft.rfft(x)
    mask = np.fft.rfftfreq(x.shape[-1]) < 0.3
    return np.fft.irfft(spectrum * mask, x.shape[-1]) ** 2


COMPLEX_TO_COMPLEX = {
    name: [
        Case(f"{name}_{key}", lambda x, f=f, options=options: f(x, **options) * 2.0, [shape],
             complex=True, primitives=("fft",))
        for key, options, shape in rows
    ]
    for name, f, rows in (
        ("fft", np.fft.fft, [
            ("last", {}, (2, 5)), ("axis0_padded", {"axis": 0, "n": 6}, (4, 2)),
            ("cropped_ortho", {"n": 3, "norm": "ortho"}, (5,)), ("one", {"n": 1}, (3,)),
            ("forward", {"norm": "forward"}, (2, 1, 4)), ("no_rows", {}, (0, 3)),
        ]),
        ("ifft", np.fft.ifft, [
            ("last", {}, (2, 4)), ("padded_forward", {"n": 7, "norm": "forward"}, (5,)),
            ("axis0_cropped", {"axis": 0, "n": 2, "norm": "ortho"}, (3, 2)),
        ]),
        ("fft2", np.fft.fft2, [
            ("square", {}, (3, 4)), ("stack", {"s": (3, 5), "norm": "ortho"}, (2, 2, 6)),
        ]),
        ("ifft2", np.fft.ifft2, [("axes", {"axes": (0, 1), "s": (2, -1)}, (3, 2, 2))]),
        ("fftn", np.fft.fftn, [
            ("all", {}, (2, 3, 2)), ("repeated", {"axes": (0, 0), "s": (4, 3)}, (3, 2)),
            ("reordered", {"axes": (-1, 0), "norm": "forward"}, (3, 2)),
        ]),
        ("ifftn", np.fft.ifftn, [("all", {}, (2, 3)), ("one", {"axes": (0,)}, (3, 2))]),
    )
}  # fmt: skip

CASES = [
    *(case for rows in COMPLEX_TO_COMPLEX.values() for case in rows),
    Case("power", lambda x: real_of(np.fft.fft(x)), [(2, 4)], complex=True),
    Case("rfft_even", lambda x: real_of(np.fft.rfft(x)), [(2, 6)], primitives=("rfft", "irfft")),
    Case("rfft_odd", lambda x: np.fft.rfft(x, axis=0), [(5, 2)], primitives=("rfft",)),
    Case("rfft_padded", lambda x: real_of(np.fft.rfft(x, 7, norm="ortho")), [(5,)]),
    Case("rfft_cropped", lambda x: real_of(np.fft.rfft(x, 3, norm="forward")), [(2, 5)]),
    Case("rfft_one", lambda x: np.fft.rfft(x), [(3, 1)]),
    Case("irfft_even", lambda x: np.fft.irfft(x) ** 2, [(2, 4)], complex=True,
         primitives=("irfft", "rfft")),
    Case("irfft_odd", lambda x: np.fft.irfft(x, 5, axis=0) ** 2, [(3, 2)], complex=True),
    Case("irfft_padded", lambda x: np.fft.irfft(x, 8, norm="ortho") ** 2, [(3,)], complex=True),
    Case("irfft_cropped", lambda x: np.fft.irfft(x, 3, norm="forward") ** 2, [(5,)], complex=True),
    Case("irfft_one", lambda x: np.fft.irfft(x, 1) ** 2, [(2, 3)], complex=True),
    Case("rfft2", lambda x: np.fft.rfft2(x, s=(3, 4)), [(2, 2, 5)]),
    Case("rfftn", lambda x: real_of(np.fft.rfftn(x, axes=(1, 0))), [(3, 2)]),
    Case("irfft2", lambda x: np.fft.irfft2(x, norm="ortho") ** 2, [(3, 3)], complex=True),
    Case("irfftn", lambda x: np.fft.irfftn(x, s=(4, 3), axes=(0, 1)) ** 2, [(3, 3)], complex=True),
    Case("hfft", lambda x: np.fft.hfft(x) ** 2, [(2, 3)], complex=True),
    Case("hfft_length", lambda x: np.fft.hfft(x, 5, 0, "forward") ** 2, [(3, 2)], complex=True),
    Case("ihfft", lambda x: np.fft.ihfft(x), [(2, 4)]),
    Case("ihfft_length", lambda x: real_of(np.fft.ihfft(x, 5, norm="ortho")), [(4,)]),
    Case("fftshift", lambda x: np.fft.fftshift(x) * x, [(3, 4)], complex=True),
    Case("ifftshift", lambda x: np.fft.ifftshift(x, axes=1) * x, [(2, 5)], complex=True),
    Case("fft_out", into, [(3, 2)], complex=True),
    Case("irfft_out", into_real, [(2, 3)], complex=True),
    Case("filtered", filtered, [(2, 6)]),
    Case("frequencies", lambda d: np.fft.fftfreq(5, d) ** 2 + np.sum(np.fft.rfftfreq(4, d)), [()],
         domain="positive"),
]  # fmt: skip
