"""What becomes of every function of NumPy when it is called on Tensors: the one table.

Data only. Names of submodules are written ``fft.fft``, ``linalg.det``; names that only some
versions of NumPy from 2.0 on have are listed with the others. `CLASSIFICATION`, at the end, is all
of it by name; ``python -m wengert.numpy.reference`` writes the page docs/reference/numpy.md from
it, and tests/numpy/test_classification.py checks it against NumPy itself and against what happens.

Differentiable (the results are Tensors, and derivatives of every order flow in both modes):

* ``primitive``: one operation on the tape, with a rule of its own in `wengert.rules`;
* ``composite``: made of several, in `wengert.numpy`;
* ``zero``: constant, or piecewise constant: the derivative is zero wherever there is one. The
  result is a Tensor that records nothing.

Not differentiable:

* ``plain``: the result is an ordinary array, number, text or file. It may be used anywhere in a
  computation that is being differentiated;
* ``refused``: a call on a traced value raises an error that says what to do instead.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["CLASSIFICATION", "Entry", "Refusal"]


class Entry(NamedTuple):
    """The row of one function.

    Attributes
    ----------
    kind : str
        ``primitive``, ``composite``, ``zero``, ``plain`` or ``refused``.
    subject : str
        The heading of a differentiable function; the reason of any other.
    note : str
        What is particular about it, or the remedy for a refusal.
    error : str
        The name of the error that a refusal raises.
    here_only : bool
        ``wengert.numpy.f`` takes Tensors and NumPy's own ``f`` does not, because NumPy does not
        let other libraries serve it; that one raises, naming the other where it can.
    """

    kind: str
    subject: str
    note: str = ""
    error: str = ""
    here_only: bool = False


class Refusal(NamedTuple):
    """Why functions are refused, with which error, and what to do instead."""

    reason: str
    error: str
    remedy: str


# ------------------------------------------------------------------ differentiable

PRIMITIVE: dict[str, str] = {
    "Arithmetic": """
        add subtract multiply divide true_divide negative positive power pow float_power mod
        remainder fmod reciprocal square sqrt cbrt abs absolute fabs maximum minimum fmax fmin clip
        hypot""",
    "Exponentials and logarithms": """
        exp exp2 expm1 log log2 log10 log1p logaddexp logaddexp2""",
    "Trigonometry": """
        sin cos tan arcsin arccos arctan asin acos atan arctan2 atan2 sinh cosh tanh arcsinh
        arccosh arctanh asinh acosh atanh deg2rad rad2deg degrees radians sinc""",
    "Other elementwise functions": "copysign heaviside ldexp nextafter i0",
    "Complex numbers": "real imag conj conjugate",
    "Sums, products and extrema": """
        sum prod max min amax amin nanmax nanmin cumsum cumprod cumulative_sum cumulative_prod""",
    "Products of vectors and matrices": """
        dot matmul matvec vecmat vecdot inner outer tensordot einsum linalg.matmul linalg.outer
        linalg.tensordot linalg.vecdot""",
    "Convolution": "convolve",
    "Shapes": """
        reshape ravel transpose permute_dims matrix_transpose swapaxes moveaxis rollaxis squeeze
        expand_dims atleast_3d broadcast_to broadcast_arrays diagonal linalg.diagonal
        linalg.matrix_transpose""",
    "Copies and dtypes": "copy astype array",
    "Joining and splitting": """
        concatenate concat stack hstack vstack row_stack column_stack r_""",
    "Rearranging": "flip fliplr flipud pad delete",
    "Indexing and selection": "take take_along_axis compress where tril triu",
    "Sorting": "sort",
    "Statistics": "bincount",
    "Polynomials": "polymul",
    "Linear algebra": """
        linalg.cholesky linalg.det linalg.slogdet linalg.inv linalg.pinv linalg.eigh
        linalg.eigvalsh linalg.eig linalg.eigvals linalg.qr linalg.svd linalg.svdvals linalg.norm
        linalg.vector_norm linalg.matrix_norm""",
    "Fourier transforms": """
        fft.fft fft.ifft fft.fft2 fft.ifft2 fft.fftn fft.ifftn fft.rfft fft.irfft fft.hfft""",
}

COMPOSITE: dict[str, str] = {
    "Arithmetic": "divmod",
    "Trigonometry": "unwrap",
    "Other elementwise functions": "modf frexp nan_to_num",
    "Complex numbers": "angle real_if_close",
    "Sums, products and extrema": """
        nansum nanprod nancumsum nancumprod ptp
        trace linalg.trace""",
    "Products of vectors and matrices": "vdot cross linalg.cross kron linalg.multi_dot",
    "Convolution": "correlate",
    "Differences and integrals": "diff ediff1d gradient trapezoid trapz interp",
    "Shapes": "atleast_1d atleast_2d",
    "Copies and dtypes": """
        asarray asanyarray ascontiguousarray asfortranarray asarray_chkfinite require""",
    "Joining and splitting": """
        append block dstack split array_split hsplit vsplit dsplit unstack c_""",
    "Rearranging": "roll rot90 repeat tile resize insert trim_zeros",
    "Indexing and selection": """
        choose extract select piecewise s_ index_exp ndenumerate diag diagflat""",
    "Writing": "put put_along_axis putmask place copyto fill_diagonal",
    "Ranges, grids and fills": """
        full full_like linspace logspace geomspace meshgrid vander fromfunction fromiter kaiser""",
    "Functions of functions": "apply_along_axis apply_over_axes vectorize",
    "Sorting": """
        partition sort_complex unique unique_all unique_counts unique_inverse unique_values
        union1d intersect1d setdiff1d setxor1d""",
    "Statistics": """
        mean average var std median quantile percentile nanmean nanvar nanstd nanmedian
        nanquantile nanpercentile cov corrcoef histogram histogram2d histogramdd
        histogram_bin_edges""",
    "Polynomials": """
        poly polyadd polysub polydiv polyder polyint polyval polyfit roots poly1d""",
    "Linear algebra": """
        linalg.solve linalg.lstsq linalg.tensorsolve linalg.tensorinv linalg.matrix_power
        linalg.cond""",
    "Fourier transforms": """
        fft.ihfft fft.rfft2 fft.irfft2 fft.rfftn fft.irfftn fft.fftshift fft.ifftshift
        fft.fftfreq fft.rfftfreq""",
}

ZERO: dict[str, str] = {
    "Steps": "floor ceil rint trunc round around fix sign floor_divide spacing",
    "Constants in the shape of another array": "zeros_like ones_like empty_like",
}

HERE_ONLY = """
    array asarray asanyarray ascontiguousarray asfortranarray asarray_chkfinite require full
    full_like r_ c_ kaiser fromiter ndenumerate vectorize"""

NOTES: dict[str, str] = {
    "abs": "0 at 0",
    "absolute": "0 at 0",
    "amax": "ties share evenly",
    "amin": "ties share evenly",
    "apply_along_axis": "a Python loop; `vmap` has none",
    "asarray_chkfinite": "needs values: not inside vmap or jit",
    "bincount": "in the weights",
    "clip": "passes at the bounds",
    "cov": "in the samples and in `aweights`",
    "divmod": "the quotient is a step",
    "extract": "inside vmap and jit it is `x[mask]`, unless the condition is plain",
    "fft.fftfreq": "in the spacing; NumPy's own code",
    "fft.rfftfreq": "in the spacing; NumPy's own code",
    "fft.irfft": "what it ignores of the input has gradient 0",
    "fft.hfft": "what it ignores of the input has gradient 0",
    "frexp": "the exponents are plain",
    "fromfunction": "NumPy's own code",
    "full_like": "in the value; NumPy's own works if the first argument is a Tensor",
    "gradient": "in the samples and in the spacings",
    "heaviside": "in the value at 0",
    "histogram": "in the weights, and in edges chosen from the data; counts are plain",
    "intersect1d": "needs values",
    "interp": "in the points, the knots and the values at them",
    "kaiser": "in beta",
    "linalg.cond": "norms by singular values, and others",
    "linalg.eig": "complex results, also where NumPy's are real",
    "linalg.eigvals": "a complex result, also where NumPy's is real",
    "linalg.cholesky": "along Hermitian directions: fill both triangles",
    "linalg.eigh": "along Hermitian directions: fill both triangles; functions of it that are "
    "smooth where eigenvalues coincide have derivatives",
    "linalg.eigvalsh": "along Hermitian directions: fill both triangles",
    "linalg.lstsq": "for constant rank; the rank is plain",
    "linalg.norm": "0 at 0",
    "linalg.qr": "for full rank; mode 'raw' is refused",
    "linalg.svd": "full and thin; smooth functions of it have derivatives where values coincide",
    "max": "ties share evenly",
    "maximum": "ties share evenly",
    "min": "ties share evenly",
    "minimum": "ties share evenly",
    "modf": "the integral part is a step",
    "partition": "ties share evenly",
    "poly": "of roots; of a matrix by its eigenvalues",
    "poly1d": "NumPy's own class, with Tensors as coefficients; needs values",
    "polydiv": "leading zeros of the remainder are kept",
    "polymul": "leading zeros are kept",
    "polyfit": "in the points, the values and the weights; by the pseudo-inverse",
    "real_if_close": "needs values",
    "roots": "simple roots; needs values",
    "setdiff1d": "needs values",
    "setxor1d": "needs values",
    "sort": "ties share evenly",
    "trim_zeros": "needs values",
    "union1d": "needs values",
    "unique": "equal elements share evenly; needs values",
    "unique_all": "needs values",
    "unique_counts": "needs values",
    "unique_inverse": "needs values",
    "unique_values": "needs values",
    "unwrap": "the derivative is 1",
    "vectorize": "a Python loop; `vmap` has none",
}

# ------------------------------------------------------------------ not differentiable

PLAIN: dict[str, str] = {
    "It is a test: true or false": """
        all any allclose array_equal array_equiv isclose isfinite isinf isnan isneginf isposinf
        isreal iscomplex signbit equal not_equal less less_equal greater greater_equal logical_and
        logical_or logical_not logical_xor isin in1d may_share_memory shares_memory""",
    "It finds positions or counts, which are integers": """
        argmax argmin nanargmax nanargmin argsort argpartition count_nonzero searchsorted digitize
        lexsort linalg.matrix_rank ravel_multi_index unravel_index ix_""",
    "It finds positions, and how many depends on values (inside vmap and jit use the mask itself: "
    "`x[mask]`, `np.where(mask, x, 0)`)": """
        nonzero flatnonzero argwhere""",
    "It works on integers": """
        bitwise_and bitwise_or bitwise_xor bitwise_not bitwise_invert invert bitwise_count
        bitwise_left_shift bitwise_right_shift left_shift right_shift gcd lcm packbits
        unpackbits""",
    "Only shape, layout or dtype matter": """
        shape ndim size iscomplexobj isrealobj isscalar iterable isfortran result_type can_cast
        common_type min_scalar_type promote_types issubdtype isdtype broadcast_shapes einsum_path
        diag_indices_from tril_indices_from triu_indices_from""",
    "It makes a text or a file": """
        array2string array_repr array_str save savez savez_compressed savetxt""",
    "It makes an array from a shape, and takes no other": """
        zeros ones empty eye identity tri indices bartlett blackman hamming hanning diag_indices
        tril_indices triu_indices mask_indices ndindex""",
    "It reads bytes, texts or files": """
        load loadtxt genfromtxt fromfile frombuffer fromregex fromstring memmap""",
    "It takes no array": """
        dtype finfo iinfo ufunc flatiter ndarray recarray busdaycalendar linalg.LinAlgError
        errstate printoptions base_repr binary_repr datetime_data get_include get_printoptions
        set_printoptions getbufsize setbufsize geterr seterr geterrcall seterrcall info
        mintypecode typename show_config show_runtime test linalg.test fft.test""",
}

REFUSED: dict[Refusal, str] = {
    Refusal(
        "it works on dates and calendars",
        "NoRuleError",
        "call it on plain arrays",
    ): "busday_count busday_offset datetime_as_string is_busday isnat",
    Refusal(
        "the length of the result would depend on a traced value",
        "WengertTypeError",
        "use linspace, or start + step * np.arange(n) with a plain n",
    ): "arange mgrid ogrid",
    Refusal(
        "matrices are a class of their own",
        "WengertTypeError",
        "use two-dimensional arrays, @, and np.block",
    ): "matrix asmatrix bmat",
    Refusal(
        "it hands out plain numbers, one after the other",
        "WengertTypeError",
        "use whole-array operations, np.ndindex(x.shape) with x[index], or np.broadcast_arrays",
    ): "nditer nested_iters broadcast",
    Refusal(
        "it calls a Python function on plain numbers",
        "NoRuleError",
        "use wengert.vmap, wengert.numpy.vectorize, or wengert.custom_vjp",
    ): "frompyfunc",
    Refusal(
        "it hands the memory over",
        "WengertTypeError",
        "use wengert.stop_gradient(x), or x.detach()",
    ): "from_dlpack",
    Refusal(
        "it writes one plain number as text",
        "WengertTypeError",
        "use format(x, '.3f') or np.array2string",
    ): "format_float_positional format_float_scientific",
}

# ------------------------------------------------------------------ all of it

_HERE_ONLY = frozenset(HERE_ONLY.split())

CLASSIFICATION: dict[str, Entry] = {
    **{
        name: Entry(kind, subject, NOTES.get(name, ""), here_only=name in _HERE_ONLY)
        for kind, table in (("primitive", PRIMITIVE), ("composite", COMPOSITE), ("zero", ZERO))
        for subject, names in table.items()
        for name in names.split()
    },
    **{name: Entry("plain", reason) for reason, names in PLAIN.items() for name in names.split()},
    **{
        name: Entry("refused", why.reason, why.remedy, why.error)
        for why, names in REFUSED.items()
        for name in names.split()
    },
}
"""By name, without ``numpy.``."""
