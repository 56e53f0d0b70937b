"""The addresses of the BLAS that SciPy comes with."""

from __future__ import annotations

import ctypes
import functools

__all__ = ["addresses"]


@functools.cache
def addresses() -> dict[str, int]:
    """The matrix products, by the names that generated code gives them."""
    from scipy.linalg import cython_blas

    name_of = ctypes.pythonapi.PyCapsule_GetName
    name_of.restype, name_of.argtypes = ctypes.c_char_p, [ctypes.py_object]
    pointer_of = ctypes.pythonapi.PyCapsule_GetPointer
    pointer_of.restype, pointer_of.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    found = {}
    for routine in ("sgemm", "dgemm"):
        capsule = cython_blas.__pyx_capi__[routine]
        found[f"wengert_{routine}"] = int(pointer_of(capsule, name_of(capsule)))
    return found
