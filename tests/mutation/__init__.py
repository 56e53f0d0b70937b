"""Random programs that write into arrays, run on plain arrays and under every transform.

`programs` writes them, as Python source; `checks` holds each against NumPy and against numerical
derivatives. ``WENGERT_EXAMPLES=20`` multiplies the number of programs that the test draws.
"""
