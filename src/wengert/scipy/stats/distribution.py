"""What all distributions of one variable share: arguments, supports, bad parameters.

A distribution states its density and its cumulative function in standard form (location 0, scale 1)
inside of its support. Everything else is done here, once: SciPy's signatures, location and scale,
what lies outside of the support or at infinity, and NaN for parameters that are not allowed.
Entries for which a formula is not made never reach it: they are replaced by an ordinary point
first, so that neither a warning nor an infinite derivative comes out of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.stats

from ...core import pytree
from ...core.errors import NoRuleError, WengertTypeError
from ...core.tensor import Tensor
from ...numpy.arguments import cast, is_known

__all__ = [
    "DISTRIBUTIONS",
    "Continuous",
    "Discrete",
    "Distribution",
    "Frozen",
    "floats",
    "log_of",
    "replaced",
]

DISTRIBUTIONS: dict[str, Any] = {}
"""Every distribution by its name, also those of several variables; the docs are made from it."""


# ------------------------------------------------------------------ shared by the formulas


def replaced(value: Any, where: Any, by: Any) -> Any:
    """``value``, with ``by`` (which a function may make) where the mask is true.

    A mask that is known and nowhere true costs no operation.
    """
    if is_known(where) and not np.any(where):
        return value
    return np.where(where, by() if callable(by) else by, value)


def log_of(p: Any, complement: Any) -> Any:
    """``log(p)``, accurate also where ``p`` is close to 1, by ``complement = 1 - p``."""
    large = p > 0.5
    zero = p == 0
    # Each branch sees the other's entries as a number that does no harm.
    small_log = np.log(replaced(p, np.logical_or(large, zero), 1.0))
    small_log = replaced(small_log, zero, -np.inf)
    if is_known(large) and not np.any(large):
        return small_log
    return np.where(large, np.log1p(-replaced(complement, np.logical_not(large), 0.0)), small_log)


def floats(function: str, *values: Any) -> list[Any]:
    """Operands as floating-point arrays, numbers or Tensors.

    Python's numbers take the dtype of the others (float64 if there are no others), so that float32
    stays float32.

    Raises
    ------
    WengertTypeError
        If one of them is complex, or no number.
    """
    arrays = [
        v if isinstance(v, Tensor | int | float | np.ndarray | np.generic) else np.asarray(v)
        for v in values
    ]
    for v in arrays:
        dtype = getattr(v, "dtype", None)
        if dtype is not None and dtype.kind not in "fiub":
            raise WengertTypeError(f"{function}: expected real numbers, got the dtype {dtype}")
    dtype = np.result_type(*[getattr(v, "dtype", v) for v in arrays], 1.0)
    return [
        v if getattr(v, "dtype", dtype).kind == "f" and hasattr(v, "dtype")
        else cast(v, dtype) if isinstance(v, Tensor | np.ndarray)
        else dtype.type(v)
        for v in arrays
    ]  # fmt: skip


def plain(result: Any) -> Any:
    """A Tensor, an array, or a NumPy scalar in place of an array without dimensions."""
    return result if isinstance(result, Tensor) else np.asarray(result)[()]


# ------------------------------------------------------------------ distributions


class Distribution:
    """A distribution of one variable with SciPy's signatures; see `Continuous` and `Discrete`.

    Attributes
    ----------
    name : str
        SciPy's name of it.
    shapes : tuple of str
        The names of the shape parameters, in SciPy's order.
    typical : tuple of float
        Allowed values of the shape parameters, for entries where those given are not allowed.
    lower, upper : float
        The ends of the support in standard form, unless `support` is overridden.
    inside : float
        A point inside of the support.
    closed : bool
        Whether the formulas of the cumulative functions hold at the ends of the support.
    notes : str
        What the documentation has to say about derivatives or values.
    """

    name: str
    shapes: tuple[str, ...] = ()
    typical: tuple[float, ...] = ()
    lower: float = -np.inf
    upper: float = np.inf
    inside: float = 0.0
    closed: bool = True
    notes: str = ""
    methods: tuple[str, ...] = ()
    options: tuple[str, ...] = ()

    def __init__(self) -> None:
        self.__doc__ = f"{type(self).__doc__}\n\n{self._signatures()}"
        DISTRIBUTIONS[self.name] = self

    def _signatures(self) -> str:
        scale = ", ".join([*self.shapes, "loc=0", *(["scale=1"] if "scale" in self.options else [])])
        variable = "x" if isinstance(self, Continuous) else "k"
        lines = [
            f"{m}({'q' if m in ('ppf', 'isf') else variable}, {scale})" for m in self.methods
        ]
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"<wengert.scipy.stats.{self.name}>"

    def __call__(self, *args: Any, **kwds: Any) -> Frozen:
        """The distribution with its parameters fixed, as SciPy's frozen distributions."""
        self._parameters("", args, kwds)
        return Frozen(self, args, kwds)

    def __getattr__(self, name: str) -> Any:
        if name[:1] != "_" and hasattr(getattr(scipy.stats, self.name), name):
            raise AttributeError(
                f"wengert.scipy.stats.{self.name} has no {name}; it has "
                f"{', '.join(self.methods)}. scipy.stats.{self.name}.{name} works on plain arrays"
            )
        raise AttributeError(f"wengert.scipy.stats.{self.name} has no attribute {name!r}")

    # -------------------------------------------------------------- stated by each distribution

    def support(self, *shapes: Any) -> tuple[Any, Any]:
        """The ends of the support in standard form."""
        return self.lower, self.upper

    def valid(self, *shapes: Any) -> Any:
        """Where the shape parameters are allowed; by default where they are positive."""
        mask: Any = True
        for s in shapes:
            mask = (s > 0) if mask is True else np.logical_and(mask, s > 0)
        return mask

    # -------------------------------------------------------------- arguments

    def _parameters(self, method: str, args: tuple[Any, ...], kwds: dict[str, Any]) -> list[Any]:
        """All parameters in order, those left out by their defaults."""
        function = f"{self.name}.{method}" if method else self.name
        names = (*self.shapes, *self.options)
        if len(args) > len(names):
            raise WengertTypeError(
                f"{function} takes the parameters ({', '.join(names)}), {len(names)} at most; "
                f"got {len(args)}"
            )
        given = dict(zip(names, args, strict=False))
        for name, value in kwds.items():
            if name not in names:
                raise WengertTypeError(
                    f"{function} has no parameter {name!r}; its parameters are "
                    f"({', '.join(names)})"
                )
            if name in given:
                raise WengertTypeError(f"{function} got two values for the parameter {name!r}")
            given[name] = value
        missing = [name for name in self.shapes if name not in given]
        if missing:
            raise WengertTypeError(
                f"{function} needs the shape parameter {missing[0]!r}; its parameters are "
                f"({', '.join(names)})"
            )
        defaults = {"loc": 0, "scale": 1}
        return [given.get(name, defaults.get(name)) for name in names]

    def _good(self, shapes: list[Any], bad: Any) -> list[Any]:
        return [replaced(s, bad, t) for s, t in zip(shapes, self.typical, strict=True)]

    def rvs(self, *args: Any, **kwds: Any) -> Any:
        """Random numbers by ``scipy.stats``, for plain parameters.

        Raises
        ------
        NoRuleError
            If a parameter is a Tensor.
        """
        if any(isinstance(v, Tensor) for v in pytree.leaves((args, kwds))):
            raise NoRuleError(
                f"{self.name}.rvs draws by NumPy's generators and has no derivative in its "
                "parameters. Use wengert.random, whose numbers have one, or plain parameters "
                "(wengert.stop_gradient(x).array)"
            )
        return getattr(scipy.stats, self.name).rvs(*args, **kwds)


class Frozen:
    """A distribution with fixed parameters: ``norm(loc=mu).logpdf(x)``."""

    def __init__(
        self, distribution: Distribution, args: tuple[Any, ...], kwds: dict[str, Any]
    ) -> None:
        self.dist = distribution
        self.args = args
        self.kwds = kwds

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self.dist, name)
        return lambda *x, **more: method(*x, *self.args, **self.kwds, **more)

    def __repr__(self) -> str:
        parameters = [*map(str, self.args), *(f"{k}={v}" for k, v in self.kwds.items())]
        return f"<wengert.scipy.stats.{self.dist.name}({', '.join(parameters)})>"


class Continuous(Distribution):
    """A family of densities with a location and a scale.

    A distribution gives ``_logpdf`` and ``_cdf``, functions of the standardized variable and the
    shape parameters, and where there is something more accurate than the defaults also ``_pdf``,
    ``_sf``, ``_logcdf``, ``_logsf``, ``_ppf``, ``_isf``.
    """

    options = ("loc", "scale")
    methods = ("pdf", "logpdf", "cdf", "logcdf", "sf", "logsf")

    def _logpdf(self, z: Any, *shapes: Any) -> Any:
        raise NotImplementedError

    def _pdf(self, z: Any, *shapes: Any) -> Any:
        return np.exp(self._logpdf(z, *shapes))

    def _cdf(self, z: Any, *shapes: Any) -> Any:
        raise NotImplementedError

    def _sf(self, z: Any, *shapes: Any) -> Any:
        return 1.0 - self._cdf(z, *shapes)

    def _logcdf(self, z: Any, *shapes: Any) -> Any:
        return log_of(self._cdf(z, *shapes), self._sf(z, *shapes))

    def _logsf(self, z: Any, *shapes: Any) -> Any:
        return log_of(self._sf(z, *shapes), self._cdf(z, *shapes))

    def _ppf(self, q: Any, *shapes: Any) -> Any:
        raise NotImplementedError

    def _isf(self, q: Any, *shapes: Any) -> Any:
        raise NotImplementedError

    # -------------------------------------------------------------- what SciPy calls

    def pdf(self, x: Any, *args: Any, **kwds: Any) -> Any:
        """The density at ``x``; zero outside of the support."""
        z, shapes, scale, bad = self._standard("pdf", x, args, kwds)
        lower, upper = self.support(*shapes)
        outside = np.logical_or(_before(z, lower), _beyond(z, upper))
        y = self._pdf(replaced(z, outside, lambda: self._interior(*shapes)), *shapes)
        if scale is not None:
            y = y / scale
        return plain(replaced(replaced(y, outside, 0.0), bad, np.nan))

    def logpdf(self, x: Any, *args: Any, **kwds: Any) -> Any:
        """The logarithm of the density at ``x``; -inf outside of the support."""
        z, shapes, scale, bad = self._standard("logpdf", x, args, kwds)
        lower, upper = self.support(*shapes)
        outside = np.logical_or(_before(z, lower), _beyond(z, upper))
        y = self._logpdf(replaced(z, outside, lambda: self._interior(*shapes)), *shapes)
        if scale is not None:
            y = y - np.log(scale)
        return plain(replaced(replaced(y, outside, -np.inf), bad, np.nan))

    def cdf(self, x: Any, *args: Any, **kwds: Any) -> Any:
        """The probability of values up to ``x``."""
        return self._cumulative("cdf", x, args, kwds, 0.0, 1.0)

    def sf(self, x: Any, *args: Any, **kwds: Any) -> Any:
        """The probability of values above ``x``: 1 - cdf, accurate where it is small."""
        return self._cumulative("sf", x, args, kwds, 1.0, 0.0)

    def logcdf(self, x: Any, *args: Any, **kwds: Any) -> Any:
        """The logarithm of `cdf`, accurate where that is close to 1."""
        return self._cumulative("logcdf", x, args, kwds, -np.inf, 0.0)

    def logsf(self, x: Any, *args: Any, **kwds: Any) -> Any:
        """The logarithm of `sf`, accurate where that is close to 1."""
        return self._cumulative("logsf", x, args, kwds, 0.0, -np.inf)

    def ppf(self, q: Any, *args: Any, **kwds: Any) -> Any:
        """The quantile: where `cdf` is ``q``; NaN unless ``0 <= q <= 1``."""
        return self._quantile("ppf", q, args, kwds)

    def isf(self, q: Any, *args: Any, **kwds: Any) -> Any:
        """The quantile from above: where `sf` is ``q``; NaN unless ``0 <= q <= 1``."""
        return self._quantile("isf", q, args, kwds)

    # -------------------------------------------------------------- how

    def _interior(self, *shapes: Any) -> Any:
        return self.inside

    def _standard(
        self, method: str, x: Any, args: tuple[Any, ...], kwds: dict[str, Any]
    ) -> tuple[Any, list[Any], Any, Any]:
        """The standardized variable, the shapes, the scale (None if not given), what is bad."""
        z, shapes, loc, scale, bad = self._scaled(method, x, args, kwds)
        if loc is not None:
            z = z - loc
        if scale is not None:
            z = z / scale
        return z, shapes, scale, bad

    def _scaled(
        self, method: str, x: Any, args: tuple[Any, ...], kwds: dict[str, Any]
    ) -> tuple[Any, list[Any], Any, Any, Any]:
        *given, loc, scale = self._parameters(method, args, kwds)
        moved = not (type(loc) is int and loc == 0)
        sized = not (type(scale) is int and scale == 1)
        x, *shapes, loc, scale = floats(f"{self.name}.{method}", x, *given, loc, scale)
        good = self.valid(*shapes)
        if sized:
            good = np.logical_and(good, scale > 0)
        bad = np.logical_not(good)
        shapes = self._good(shapes, bad)
        return x, shapes, loc if moved else None, replaced(scale, bad, 1.0) if sized else None, bad

    def _cumulative(
        self,
        method: str,
        x: Any,
        args: tuple[Any, ...],
        kwds: dict[str, Any],
        at_lower: float,
        at_upper: float,
    ) -> Any:
        """A cumulative function: constant outside of the support.

        An end of the support belongs to the inside where the value there is finite (unless
        `closed` is false): so the derivative of the exponential distribution's cdf at 0 is 1.
        """
        z, shapes, _, bad = self._standard(method, x, args, kwds)
        lower, upper = self.support(*shapes)
        below = _before(z, lower) if self.closed and np.isfinite(at_lower) else z <= lower
        above = _beyond(z, upper) if self.closed and np.isfinite(at_upper) else z >= upper
        outside = np.logical_or(below, above)
        z = replaced(z, outside, lambda: self._interior(*shapes))
        y = getattr(self, f"_{method}")(z, *shapes)
        y = replaced(replaced(y, below, at_lower), above, at_upper)
        return plain(replaced(y, bad, np.nan))

    def _quantile(
        self, method: str, q: Any, args: tuple[Any, ...], kwds: dict[str, Any]
    ) -> Any:
        if method not in self.methods:
            self.__getattr__(method)
        q, shapes, loc, scale, bad = self._scaled(method, q, args, kwds)
        bad = np.logical_or(bad, np.logical_not(np.logical_and(q >= 0, q <= 1)))
        if loc is not None:
            bad = np.logical_or(bad, np.isnan(loc))
        lower, upper = self.support(*shapes)
        if method == "isf":
            lower, upper = upper, lower
        # A finite end is a value of the formula, with a derivative; an infinite one is not.
        first, last = np.logical_and(q == 0, np.isinf(lower)), np.logical_and(q == 1, np.isinf(upper))
        edge = np.logical_or(first, last)
        z = getattr(self, f"_{method}")(replaced(q, np.logical_or(edge, bad), 0.5), *shapes)
        if scale is not None:
            z = z * scale
        if loc is not None:
            z = z + loc
        return plain(replaced(replaced(replaced(z, first, lower), last, upper), bad, np.nan))


def _before(z: Any, lower: Any) -> Any:
    """Where ``z`` is before the support: a finite end belongs to it, an infinite one does not."""
    if isinstance(lower, float):
        return z < lower if np.isfinite(lower) else z == lower
    return np.logical_or(z < lower, z == -np.inf)


def _beyond(z: Any, upper: Any) -> Any:
    if isinstance(upper, float):
        return z > upper if np.isfinite(upper) else z == upper
    return np.logical_or(z > upper, z == np.inf)


class Discrete(Distribution):
    """A family of probabilities of integers, with a location.

    A distribution gives ``_logpmf`` and ``_cdf``, functions of the integer and the shape
    parameters, and where there is something more accurate also ``_pmf``, ``_sf``, ``_logcdf``,
    ``_logsf``.

    Notes
    -----
    Probabilities exist at integers only. Their derivatives in ``k`` and ``loc`` are those of the
    formula, which has gamma functions for factorials, as in JAX. Cumulative functions are steps:
    their derivatives in ``k`` and ``loc`` are zero.
    """

    options = ("loc",)
    methods = ("pmf", "logpmf", "cdf", "logcdf", "sf", "logsf")
    lower = 0.0

    def _logpmf(self, k: Any, *shapes: Any) -> Any:
        raise NotImplementedError

    def _pmf(self, k: Any, *shapes: Any) -> Any:
        return np.exp(self._logpmf(k, *shapes))

    def _cdf(self, k: Any, *shapes: Any) -> Any:
        raise NotImplementedError

    def _sf(self, k: Any, *shapes: Any) -> Any:
        return 1.0 - self._cdf(k, *shapes)

    def _logcdf(self, k: Any, *shapes: Any) -> Any:
        return log_of(self._cdf(k, *shapes), self._sf(k, *shapes))

    def _logsf(self, k: Any, *shapes: Any) -> Any:
        return log_of(self._sf(k, *shapes), self._cdf(k, *shapes))

    # -------------------------------------------------------------- what SciPy calls

    def pmf(self, k: Any, *args: Any, **kwds: Any) -> Any:
        """The probability of ``k``; zero unless that is an integer in the support."""
        return self._probability("pmf", k, args, kwds, 0.0)

    def logpmf(self, k: Any, *args: Any, **kwds: Any) -> Any:
        """The logarithm of `pmf`; -inf where that is zero."""
        return self._probability("logpmf", k, args, kwds, -np.inf)

    def cdf(self, k: Any, *args: Any, **kwds: Any) -> Any:
        """The probability of values up to ``k``."""
        return self._cumulative("cdf", k, args, kwds, 0.0, 1.0)

    def sf(self, k: Any, *args: Any, **kwds: Any) -> Any:
        """The probability of values above ``k``: 1 - cdf, accurate where it is small."""
        return self._cumulative("sf", k, args, kwds, 1.0, 0.0)

    def logcdf(self, k: Any, *args: Any, **kwds: Any) -> Any:
        """The logarithm of `cdf`, accurate where that is close to 1."""
        return self._cumulative("logcdf", k, args, kwds, -np.inf, 0.0)

    def logsf(self, k: Any, *args: Any, **kwds: Any) -> Any:
        """The logarithm of `sf`, accurate where that is close to 1."""
        return self._cumulative("logsf", k, args, kwds, 0.0, -np.inf)

    # -------------------------------------------------------------- how

    def _arguments(
        self, method: str, k: Any, args: tuple[Any, ...], kwds: dict[str, Any]
    ) -> tuple[Any, list[Any], Any]:
        *given, loc = self._parameters(method, args, kwds)
        moved = not (type(loc) is int and loc == 0)
        k, *shapes, loc = floats(f"{self.name}.{method}", k, *given, loc)
        bad = np.logical_not(self.valid(*shapes))
        return k - loc if moved else k, self._good(shapes, bad), bad

    def _probability(
        self, method: str, k: Any, args: tuple[Any, ...], kwds: dict[str, Any], nothing: float
    ) -> Any:
        k, shapes, bad = self._arguments(method, k, args, kwds)
        lower, upper = self.support(*shapes)
        outside = np.logical_or(_before(k, lower), _beyond(k, upper))
        outside = np.logical_or(outside, np.logical_and(np.floor(k) != k, k == k))
        y = getattr(self, f"_{method}")(replaced(k, outside, lower), *shapes)
        return plain(replaced(replaced(y, outside, nothing), bad, np.nan))

    def _cumulative(
        self,
        method: str,
        k: Any,
        args: tuple[Any, ...],
        kwds: dict[str, Any],
        at_lower: float,
        at_upper: float,
    ) -> Any:
        k, shapes, bad = self._arguments(method, k, args, kwds)
        k = np.floor(k)
        lower, upper = self.support(*shapes)
        below, above = k < lower, k >= upper
        k = replaced(k, np.logical_or(below, above), lower)
        y = getattr(self, f"_{method}")(k, *shapes)
        y = replaced(replaced(y, below, at_lower), above, at_upper)
        return plain(replaced(y, np.logical_or(bad, np.isnan(k)), np.nan))
