"""The addresses of the BLAS that SciPy comes with."""

from __future__ import annotations

import ctypes
import functools

__all__ = ["addresses", "thread_setter"]


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


@functools.cache
def thread_setter() -> int | None:
    """The address of OpenBLAS's ``int set_num_threads(int)``, which returns the number before.

    Native code that has threads of its own has each of them call BLAS, and BLAS must not start
    more. None if SciPy's BLAS is another one.
    """
    addresses()  # loads the library
    try:
        with open("/proc/self/maps") as f:
            paths = {line.split(maxsplit=5)[-1].strip() for line in f if "blas" in line}
    except OSError:
        return None
    for path in sorted(paths):
        try:
            library = ctypes.CDLL(path)
            library.scipy_openblas_set_num_threads  # noqa: B018  (NumPy's has a suffix)
            function = library.openblas_set_num_threads_local
        except (OSError, AttributeError):
            continue
        return ctypes.cast(function, ctypes.c_void_p).value
    return None
