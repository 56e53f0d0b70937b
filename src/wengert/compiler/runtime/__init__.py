"""Calls of native code: pointers to BLAS, memory, the way from Python arrays and back."""
