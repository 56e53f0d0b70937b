"""The addresses of the BLAS and LAPACK that SciPy comes with."""

from __future__ import annotations

import ctypes
import functools

__all__ = ["PREFIX", "address_of", "thread_setter"]

PREFIX = "wengert_lapack_"
"""What generated code puts before the names of routines."""


@functools.cache
def address_of(routine: str) -> int:
    """A routine by its name in Fortran, such as ``dgemm`` or ``dgetrf``."""
    from scipy.linalg import cython_blas, cython_lapack

    name_of = ctypes.pythonapi.PyCapsule_GetName
    name_of.restype, name_of.argtypes = ctypes.c_char_p, [ctypes.py_object]
    pointer_of = ctypes.pythonapi.PyCapsule_GetPointer
    pointer_of.restype, pointer_of.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    holder = cython_blas if routine in cython_blas.__pyx_capi__ else cython_lapack
    capsule = holder.__pyx_capi__[routine]
    return int(pointer_of(capsule, name_of(capsule)))


@functools.cache
def thread_setter() -> int | None:
    """The address of OpenBLAS's ``int set_num_threads(int)``, which returns the number before.

    Native code that has threads of its own has each of them call BLAS, and BLAS must not start
    more. None if SciPy's BLAS is another one.
    """
    address_of("dgemm")  # loads the library
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
