"""One call of every function of NumPy on arrays that may be Tensors, by the name of the function.

The first argument of a call is the namespace, `numpy` or `wengert.numpy`. Functions that are not
listed are called on one matrix, ufuncs on as many as they take.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy

__all__ = ["METHODS", "Example", "example_of", "function_named"]

Array = Any
_RNG = numpy.random.default_rng(20)


def _distinct(*shape: int) -> Array:
    count = int(numpy.prod(shape))
    return (_RNG.permutation(count).reshape(shape) + 0.6 + 0.2 * _RNG.random(shape)) / (count + 1)


X = _distinct(2, 3)
Y = _distinct(2, 3) + 0.03
V = _distinct(4)
W = _distinct(3)
SQUARE = _distinct(3, 3) + numpy.eye(3)
SYMMETRIC = SQUARE @ SQUARE.T
NUMBER = numpy.array(0.7)
Z = X + 1j * Y
INTEGERS = numpy.array([[1, 6, 3], [4, 5, 2]])


@dataclass(frozen=True)
class Example:
    """A call: ``call(namespace, *args)``."""

    call: Callable[..., Any]
    args: tuple[Array, ...] = (X,)


def function_named(namespace: Any, name: str) -> Any:
    """``namespace.name``, where the name may lead into a submodule."""
    for part in name.split("."):
        namespace = getattr(namespace, part)
    return namespace


def example_of(name: str) -> Example:
    """The call for a function."""
    if name in EXAMPLES:
        return EXAMPLES[name]
    function = function_named(numpy, name)
    if isinstance(function, numpy.ufunc):
        args = (X, Y)[: function.nin]
        return Example(lambda np, *xs: function_named(np, name)(*xs), args)
    return Example(lambda np, x: function_named(np, name)(x))


def _written(write: Callable[..., Any]) -> Callable[..., Any]:
    """A function that writes into its first argument: into zeros like it; they are the result."""

    def call(np: Any, *xs: Any) -> Any:
        y = np.zeros_like(xs[0])
        write(np, y, *xs)
        return y * 1.0

    return call


def _quietly(call: Callable[..., Any]) -> Callable[..., Any]:
    """A function that a newer NumPy deprecates."""

    def quiet(np: Any, *xs: Any) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            return call(np, *xs)

    return quiet


_E = Example

EXAMPLES: dict[str, Example] = {
    # elementwise, with domains or operands of their own
    "acosh": _E(lambda np, x: np.acosh(x), (X + 1.0,)),
    "arccosh": _E(lambda np, x: np.arccosh(x), (X + 1.0,)),
    **{
        name: _E(lambda np, x, name=name: getattr(np, name)(x), (V,))
        for name in ("cumsum", "cumprod", "cumulative_sum", "cumulative_prod", "atleast_1d")
    },
    "divmod": _E(lambda np, x, y: np.divmod(x, y)[1], (X, Y)),
    "heaviside": _E(lambda np, h: np.heaviside(numpy.array([-1.0, 0.0, 2.0]), h), (W,)),
    "ldexp": _E(lambda np, x: np.ldexp(x, numpy.array([1, 2, 3]))),
    "modf": _E(lambda np, x: np.modf(x)[0]),
    "frexp": _E(lambda np, x: np.frexp(x)[0]),
    "matmul": _E(lambda np, x, y: np.matmul(x, y), (SQUARE, SYMMETRIC)),
    "matvec": _E(lambda np, x, y: np.matvec(x, y), (SQUARE, W)),
    "vecmat": _E(lambda np, x, y: np.vecmat(x, y), (W, SQUARE)),
    "real": _E(lambda np, x: np.real(x), (Z,)),
    "imag": _E(lambda np, x: np.imag(x), (Z,)),
    "angle": _E(lambda np, x: np.angle(x), (Z,)),
    "fix": _E(_quietly(lambda np, x: np.fix(x))),
    "clip": _E(lambda np, x: np.clip(x, 0.3, 0.6)),
    # shapes
    "reshape": _E(lambda np, x: np.reshape(x, (3, 2))),
    "expand_dims": _E(lambda np, x: np.expand_dims(x, 1)),
    "squeeze": _E(lambda np, x: np.squeeze(x), (X[None],)),
    "swapaxes": _E(lambda np, x: np.swapaxes(x, 0, 1)),
    "moveaxis": _E(lambda np, x: np.moveaxis(x, 0, 1)),
    "rollaxis": _E(lambda np, x: np.rollaxis(x, 1)),
    "broadcast_to": _E(lambda np, x: np.broadcast_to(x, (2, 2, 3))),
    "broadcast_arrays": _E(lambda np, x, y: np.broadcast_arrays(x, y), (X, W)),
    "astype": _E(lambda np, x: np.astype(x, numpy.float32)),
    "array_split": _E(lambda np, x: np.array_split(x, 2, 1)),
    "split": _E(lambda np, x: np.split(x, 3, 1)),
    "hsplit": _E(lambda np, x: np.hsplit(x, 3)),
    "vsplit": _E(lambda np, x: np.vsplit(x, 2)),
    "dsplit": _E(lambda np, x: np.dsplit(x, 3), (X[None],)),
    "unstack": _E(lambda np, x: np.unstack(x)),
    "roll": _E(lambda np, x: np.roll(x, 1)),
    "tile": _E(lambda np, x: np.tile(x, 2)),
    "repeat": _E(lambda np, x: np.repeat(x, 2)),
    "resize": _E(lambda np, x: np.resize(x, (2, 4))),
    "delete": _E(lambda np, x: np.delete(x, 1, 1)),
    "insert": _E(lambda np, x, y: np.insert(x, 1, y, 1), (X, X[:, 0])),
    "append": _E(lambda np, x, y: np.append(x, y), (X, W)),
    "pad": _E(lambda np, x: np.pad(x, 1)),
    "trim_zeros": _E(lambda np, x: np.trim_zeros(x), (V,)),
    "block": _E(lambda np, x, y: np.block([x, y]), (X, Y)),
    **{
        name: _E(lambda np, x, y, name=name: _quietly(getattr(np, name))((x, y)), (X, Y))
        for name in ("concat concatenate stack vstack hstack dstack column_stack row_stack").split()
        if hasattr(numpy, name)
    },
    "diag": _E(lambda np, x: np.diag(x), (V,)),
    "diagflat": _E(lambda np, x: np.diagflat(x), (V,)),
    "meshgrid": _E(lambda np, x, y: np.meshgrid(x, y), (V, W)),
    "vander": _E(lambda np, x: np.vander(x, 3), (V,)),
    # creation
    "array": _E(lambda np, x, y: np.array([x, y]), (NUMBER, NUMBER + 1)),
    "full": _E(lambda np, x: np.full((2, 3), x), (NUMBER,)),
    "full_like": _E(lambda np, x: np.full_like(numpy.ones((2, 3)), x), (NUMBER,)),
    "linspace": _E(lambda np, x, y: np.linspace(x, y, 4), (NUMBER, NUMBER + 1)),
    "logspace": _E(lambda np, x, y: np.logspace(x, y, 4), (NUMBER, NUMBER + 1)),
    "geomspace": _E(lambda np, x, y: np.geomspace(x, y, 4), (NUMBER, NUMBER + 1)),
    "fromfunction": _E(lambda np, x: np.fromfunction(lambda i, j: i * x + j, (2, 3)), (NUMBER,)),
    "fromiter": _E(lambda np, x: np.fromiter((t * 2.0 for t in x), float), (V,)),
    "kaiser": _E(lambda np, x: np.kaiser(5, x), (NUMBER,)),
    "r_": _E(lambda np, x, y: np.r_[x, y], (V, W)),
    "c_": _E(lambda np, x, y: np.c_[x, y], (W, W + 1)),
    "s_": _E(lambda np, x: np.s_[x, 1:2][0]),
    "index_exp": _E(lambda np, x: np.index_exp[x][0]),
    "ndenumerate": _E(lambda np, x: np.stack([t * i for (i, j), t in np.ndenumerate(x)])),
    # indexing
    "take": _E(lambda np, x: np.take(x, [0, 2, 2], 1)),
    "take_along_axis": _E(lambda np, x: np.take_along_axis(x, INTEGERS % 2, 0)),
    "compress": _E(lambda np, x: np.compress([True, False, True], x, 1)),
    "extract": _E(lambda np, x: np.extract(INTEGERS > 2, x)),
    "choose": _E(lambda np, x, y: np.choose(INTEGERS % 2, [x, y]), (X, Y)),
    "where": _E(lambda np, x, y: np.where(INTEGERS > 2, x, y), (X, Y)),
    "select": _E(lambda np, x, y: np.select([INTEGERS > 4, INTEGERS > 2], [x, y]), (X, Y)),
    "piecewise": _E(lambda np, x: np.piecewise(x, [INTEGERS > 2], [lambda t: t * t, -1.0])),
    "put": _E(_written(lambda np, y, x: np.put(y, [0, 2], x[0, :2]))),
    "put_along_axis": _E(
        _written(lambda np, y, x: np.put_along_axis(y, INTEGERS % 2, x * 2.0, 0)),
    ),
    "putmask": _E(_written(lambda np, y, x: np.putmask(y, INTEGERS > 2, x))),
    "place": _E(_written(lambda np, y, x: np.place(y, INTEGERS > 2, x[0]))),
    "copyto": _E(_written(lambda np, y, x: np.copyto(y, x))),
    "fill_diagonal": _E(_written(lambda np, y, x: np.fill_diagonal(y, x[0, :2]))),
    # products
    "dot": _E(lambda np, x, y: np.dot(x, y), (SQUARE, SYMMETRIC)),
    "vdot": _E(lambda np, x, y: np.vdot(x, y), (X, Y)),
    "inner": _E(lambda np, x, y: np.inner(x, y), (X, Y)),
    "outer": _E(lambda np, x, y: np.outer(x, y), (V, W)),
    "cross": _E(lambda np, x, y: np.cross(x, y), (X, Y)),
    "kron": _E(lambda np, x, y: np.kron(x, y), (X, W)),
    "tensordot": _E(lambda np, x, y: np.tensordot(x, y, 1), (X, SQUARE)),
    "einsum": _E(lambda np, x, y: np.einsum("ij,kj->ik", x, y), (X, Y)),
    "einsum_path": _E(lambda np, x, y: np.einsum_path("ij,kj->ik", x, y)[0], (X, Y)),
    "convolve": _E(lambda np, x, y: np.convolve(x, y), (V, W)),
    "correlate": _E(lambda np, x, y: np.correlate(x, y), (V, W)),
    # statistics and sorting
    "quantile": _E(lambda np, x: np.quantile(x, 0.3)),
    "percentile": _E(lambda np, x: np.percentile(x, 30.0)),
    "nanquantile": _E(lambda np, x: np.nanquantile(x, 0.3)),
    "nanpercentile": _E(lambda np, x: np.nanpercentile(x, 30.0)),
    "partition": _E(lambda np, x: np.sort(np.partition(x, 1))),
    "argpartition": _E(lambda np, x: np.argpartition(x, 1)[:, 1]),
    "searchsorted": _E(lambda np, x, y: np.searchsorted(x, y), (numpy.sort(V), W)),
    "digitize": _E(lambda np, x: np.digitize(x, [0.2, 0.5])),
    "bincount": _E(lambda np, x: np.bincount([0, 2, 1, 2], x), (V,)),
    "histogram": _E(lambda np, x: np.histogram(x, 3)[1]),
    "histogram_bin_edges": _E(lambda np, x: np.histogram_bin_edges(x, 3)),
    "histogram2d": _E(lambda np, x, w: np.histogram2d(x, x, 2, weights=w)[0], (X[0], X[1])),
    "histogramdd": _E(lambda np, x: np.histogramdd(x, 2, density=True)[0], (X.T,)),
    "interp": _E(lambda np, x, xp, fp: np.interp(x, xp, fp), (X, numpy.linspace(0, 1.1, 4), V)),
    "trapezoid": _E(lambda np, y, x: np.trapezoid(y, x), (X, W)),
    "trapz": _E(_quietly(lambda np, y: np.trapz(y))),
    "unwrap": _E(lambda np, x: np.unwrap(9.0 * x)),
    "apply_along_axis": _E(lambda np, x: np.apply_along_axis(lambda t: t * t[0], 1, x)),
    "apply_over_axes": _E(lambda np, x: np.apply_over_axes(np.sum, x, (0, 1))),
    "vectorize": _E(lambda np, x: np.vectorize(lambda t: t * t)(x)),
    # sets
    **{
        name: _E(lambda np, x, y, name=name: getattr(np, name)(x, y), (V, V[:2]))
        for name in ("intersect1d", "setdiff1d", "setxor1d", "union1d", "isin")
    },
    "in1d": _E(_quietly(lambda np, x, y: np.in1d(x, y)), (V, V[:2])),
    # polynomials
    "polyval": _E(lambda np, p, x: np.polyval(p, x), (V, X)),
    **{
        name: _E(lambda np, p, q, name=name: getattr(np, name)(p, q), (V, W))
        for name in ("polyadd", "polysub", "polymul", "polydiv")
    },
    "polyfit": _E(lambda np, x, y: np.polyfit(x, y, 1), (numpy.sort(V), V)),
    "poly": _E(lambda np, x: np.poly(x), (V,)),
    "polyder": _E(lambda np, x: np.polyder(x), (V,)),
    "polyint": _E(lambda np, x: np.polyint(x), (V,)),
    "roots": _E(lambda np, x: np.roots(x), (numpy.array([1.0, -0.3, 1.1]),)),
    "poly1d": _E(lambda np, p, x: np.poly1d(p)(x), (V, X)),
    # linear algebra and transforms
    **{
        f"linalg.{name}": _E(lambda np, x, name=name: getattr(np.linalg, name)(x), (SQUARE,))
        for name in (
            "cond det diagonal inv matrix_norm matrix_rank matrix_transpose norm pinv "
            "qr slogdet svd svdvals trace vector_norm"
        ).split()
    },
    **{  # complex, since the results are complex whatever the eigenvalues are
        f"linalg.{name}": _E(lambda np, x, name=name: getattr(np.linalg, name)(x), (SQUARE + 0j,))
        for name in ("eig", "eigvals")
    },
    **{
        f"linalg.{name}": _E(lambda np, x, name=name: getattr(np.linalg, name)(x), (SYMMETRIC,))
        for name in ("cholesky", "eigh", "eigvalsh")
    },
    "linalg.cross": _E(lambda np, x, y: np.linalg.cross(x, y), (X, Y)),
    "linalg.lstsq": _E(lambda np, x, y: np.linalg.lstsq(x, y)[0], (SQUARE, W)),
    "linalg.matmul": _E(lambda np, x, y: np.linalg.matmul(x, y), (SQUARE, SYMMETRIC)),
    "linalg.matrix_power": _E(lambda np, x: np.linalg.matrix_power(x, 3), (SQUARE,)),
    "linalg.multi_dot": _E(lambda np, x, y: np.linalg.multi_dot([x, y, x]), (SQUARE, SYMMETRIC)),
    "linalg.outer": _E(lambda np, x, y: np.linalg.outer(x, y), (V, W)),
    "linalg.solve": _E(lambda np, x, y: np.linalg.solve(x, y), (SQUARE, W)),
    "linalg.tensordot": _E(lambda np, x, y: np.linalg.tensordot(x, y, axes=1), (X, SQUARE)),
    "linalg.tensorinv": _E(lambda np, x: np.linalg.tensorinv(x, 1), (SQUARE,)),
    "linalg.tensorsolve": _E(lambda np, x, y: np.linalg.tensorsolve(x, y), (SQUARE, W)),
    "linalg.vecdot": _E(lambda np, x, y: np.linalg.vecdot(x, y), (X, Y)),
    "fft.fftfreq": _E(lambda np, d: np.fft.fftfreq(4, d), (NUMBER,)),
    "fft.rfftfreq": _E(lambda np, d: np.fft.rfftfreq(4, d), (NUMBER,)),
    # plain results
    **{
        name: _E(lambda np, x, y, name=name: getattr(np, name)(x, y), (X, Y))
        for name in (
            "allclose array_equal array_equiv isclose may_share_memory result_type shares_memory"
        ).split()
    },
    **{
        name: _E(lambda np, x, y, name=name: getattr(np, name)(x, y), (INTEGERS, INTEGERS % 3))
        for name in (
            "bitwise_and bitwise_left_shift bitwise_or bitwise_right_shift bitwise_xor gcd lcm "
            "left_shift right_shift"
        ).split()
    },
    **{
        name: _E(lambda np, x, name=name: getattr(np, name)(x), (INTEGERS,))
        for name in ("bitwise_count", "bitwise_invert", "bitwise_not", "invert")
    },
    "can_cast": _E(lambda np, x: np.can_cast(x.dtype, numpy.float32)),
    "broadcast_shapes": _E(lambda np, x, y: np.broadcast_shapes(x.shape, y.shape), (X, W)),
    "diag_indices_from": _E(lambda np, x: np.diag_indices_from(x), (SQUARE,)),
    "tril_indices_from": _E(lambda np, x: np.tril_indices_from(x), (SQUARE,)),
    "triu_indices_from": _E(lambda np, x: np.triu_indices_from(x), (SQUARE,)),
    "ix_": _E(lambda np, x: np.ix_(x), (numpy.array([0, 2]),)),
    "lexsort": _E(lambda np, x, y: np.lexsort((x, y)), (V, V[::-1])),
    "packbits": _E(lambda np, x: np.packbits(x > 0.5)),
    "unpackbits": _E(lambda np, x: np.unpackbits((x > 0.5).astype(numpy.uint8))),
    "ravel_multi_index": _E(
        lambda np, x: np.ravel_multi_index((x, x), (9, 9)), (numpy.array([1, 2]),)
    ),
    "unravel_index": _E(lambda np, x: np.unravel_index(x, (3, 4)), (numpy.array([1, 7]),)),
    "save": _E(lambda np, x: np.save(io.BytesIO(), x)),
    "savez": _E(lambda np, x: np.savez(io.BytesIO(), x)),
    "savez_compressed": _E(lambda np, x: np.savez_compressed(io.BytesIO(), x)),
    "savetxt": _E(lambda np, x: np.savetxt(io.StringIO(), x)),
    "promote_types": _E(lambda np, x, y: np.promote_types(x.dtype, y.dtype), (X, Y)),
    "issubdtype": _E(lambda np, x: np.issubdtype(x.dtype, float)),
    "isdtype": _E(lambda np, x: np.isdtype(x.dtype, "real floating")),
    "finfo": _E(lambda np, x: np.finfo(x.dtype).eps),
    "iinfo": _E(lambda np, x: np.iinfo(x.dtype).max, (INTEGERS,)),
    "dtype": _E(lambda np, x: np.dtype(x.dtype)),
    "format_float_positional": _E(lambda np, x: np.format_float_positional(x), (NUMBER,)),
    "format_float_scientific": _E(lambda np, x: np.format_float_scientific(x), (NUMBER,)),
    "ndindex": _E(lambda np, x: list(np.ndindex(x.shape))),
    # refused
    "bmat": _E(lambda np, x: np.bmat([[x]])),
    "busday_count": _E(lambda np, x: np.busday_count(x, x)),
    "busday_offset": _E(lambda np, x: np.busday_offset(x, 1)),
    "datetime_as_string": _E(lambda np, x: np.datetime_as_string(x)),
    "frompyfunc": _E(lambda np, x: np.frompyfunc(lambda t: t * t, 1, 1)(x)),
    "broadcast": _E(lambda np, x, y: np.broadcast(x, y), (X, W)),
    "nested_iters": _E(lambda np, x: np.nested_iters(x, [[0], [1]])),
    "arange": _E(lambda np, x: np.arange(x), (NUMBER,)),
    "mgrid": _E(lambda np, x: np.mgrid[0:x], (NUMBER,)),
    "ogrid": _E(lambda np, x: np.ogrid[0:x], (NUMBER,)),
}

METHODS: dict[str, Callable[..., Any]] = {
    "all": lambda x: x.all(),
    "any": lambda x: x.any(),
    "argmax": lambda x: x.argmax(),
    "argmin": lambda x: x.argmin(),
    "argpartition": lambda x: x.argpartition(1)[:, 1],
    "argsort": lambda x: x.argsort(),
    "astype": lambda x: x.astype(numpy.float32),
    "clip": lambda x: x.clip(0.3, 0.6),
    "compress": lambda x: x.compress([True, False, True], 1),
    "conjugate": lambda x: x.conjugate(),
    "conj": lambda x: x.conj(),
    "copy": lambda x: x.copy(),
    "cumprod": lambda x: x.cumprod(),
    "cumsum": lambda x: x.cumsum(),
    "diagonal": lambda x: x.diagonal(),
    "dot": lambda x, y: x.dot(y),
    "imag": lambda x: x.imag,
    "matmul": lambda x, y: x @ y,
    "max": lambda x: x.max(),
    "mean": lambda x: x.mean(),
    "min": lambda x: x.min(),
    "nonzero": lambda x: x.nonzero(),
    "prod": lambda x: x.prod(),
    "ravel": lambda x: x.ravel(),
    "real": lambda x: x.real,
    "repeat": lambda x: x.repeat(2),
    "reshape": lambda x: x.reshape(3, 2),
    "round": lambda x: x.round(),
    "searchsorted": lambda x, y: x.searchsorted(y),
    "squeeze": lambda x: x.squeeze(),
    "std": lambda x: x.std(),
    "sum": lambda x: x.sum(),
    "swapaxes": lambda x: x.swapaxes(0, 1),
    "take": lambda x: x.take([0, 2, 2], 1),
    "trace": lambda x: x.trace(),
    "transpose": lambda x: x.transpose(),
    "var": lambda x: x.var(),
    **{
        name: lambda x, y, name=name: getattr(x, f"__{name}__")(y) for name in ("add", "mod", "pow")
    },
    "subtract": lambda x, y: x - y,
    "multiply": lambda x, y: x * y,
    "divide": lambda x, y: x / y,
    "floor_divide": lambda x, y: x // y,
    "negative": lambda x: -x,
    "positive": lambda x: +x,
    "absolute": abs,
    "less": lambda x, y: x < y,
    "equal": lambda x, y: x == y,
}
"""The methods and operators that are other names of functions, on the arguments of the example."""
