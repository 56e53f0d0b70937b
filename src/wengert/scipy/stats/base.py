"""What all distributions of one variable share: arguments, supports, bad parameters.

A distribution states its density and its cumulative function in standard form (location 0, scale 1)
inside of its support. Everything else is done here, once: SciPy's signatures, location and scale,
what lies outside of the support or at infinity, and NaN for parameters that are not allowed.
Entries for which a formula is not made never reach it: they are replaced by an ordinary point
first, so that neither a warning nor an infinite derivative comes out of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from ...core import pytree
from ...core.errors import NoRuleError, WengertTypeError
from ...core.tensor import Tensor
from ...numpy.arguments import cast, is_known, operand

__all__ = [
    "DISTRIBUTIONS",
    "Distribution",
    "Frozen",
    "before",
    "beyond",
    "floats",
    "inverse",
    "known_values",
    "log_of",
    "log_one_minus_exp",
    "plain",
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
    zero = p <= 0
    # Each branch sees the other's entries as a number that does no harm.
    small_log = np.log(replaced(p, np.logical_or(large, zero), 1.0))
    small_log = replaced(small_log, zero, -np.inf)
    if is_known(large) and not np.any(large):
        return small_log
    return np.where(large, np.log1p(-replaced(complement, np.logical_not(large), 0.0)), small_log)


def log_one_minus_exp(d: Any) -> Any:
    """``log(1 - exp(d))`` for negative ``d``; -inf where rounding has made that 0."""
    nothing = d == 0
    d = replaced(d, nothing, -1.0)
    close = d > -0.7
    accurate = np.log(-np.expm1(replaced(d, np.logical_not(close), -0.5)))
    y = np.where(close, accurate, np.log1p(-np.exp(replaced(d, close, -1.0))))
    return replaced(y, nothing, -np.inf)


def inverse(x: Any) -> Any:
    """``1/x``, infinite at 0 without a warning."""
    zero = x == 0
    return replaced(1.0 / replaced(x, zero, 1.0), zero, np.inf)


def floats(function: str, *values: Any) -> list[Any]:
    """Operands as floating-point arrays, numbers or Tensors.

    Python's numbers take the dtype of the others (float64 if there are no others), so that float32
    stays float32.

    Raises
    ------
    WengertTypeError
        If one of them is complex, or no number.
    """
    arrays = [v if isinstance(v, int | float) else operand(v) for v in values]
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


def known_values(x: Any) -> Any:
    """The numbers of an argument, for checks and branches; None while recording on shapes."""
    if not is_known(x):
        return None
    return np.asarray(x.detach().array if isinstance(x, Tensor) else x)


def plain(result: Any) -> Any:
    """A Tensor, an array, or a NumPy scalar in place of an array without dimensions."""
    return result if isinstance(result, Tensor) else np.asarray(result)[()]


def before(z: Any, lower: Any) -> Any:
    """Where ``z`` is before the support: a finite end belongs to it, an infinite one does not."""
    if isinstance(lower, float):
        return z < lower if np.isfinite(lower) else z == lower
    return np.logical_or(z < lower, z == -np.inf)


def beyond(z: Any, upper: Any) -> Any:
    """Where ``z`` is behind the support, in the same way."""
    if isinstance(upper, float):
        return z > upper if np.isfinite(upper) else z == upper
    return np.logical_or(z > upper, z == np.inf)


# ------------------------------------------------------------------ distributions


class Distribution:
    """A distribution of one variable with SciPy's signatures; see its subclasses.

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
    defaults: ClassVar[dict[str, Any]] = {"loc": 0, "scale": 1}
    variable: str = "x"

    def __init__(self) -> None:
        self.__doc__ = f"{type(self).__doc__}\n\n{self._signatures()}"
        DISTRIBUTIONS[self.name] = self

    def _signatures(self) -> str:
        options = [f"{name}={self.defaults[name]}" for name in self.options]
        parameters = ", ".join([*self.shapes, *options])
        variables = {"ppf": "q, ", "isf": "q, ", "entropy": ""}
        return "\n".join(
            f"{m}({variables.get(m, self.variable + ', ')}{parameters})" for m in self.methods
        )

    def __repr__(self) -> str:
        return f"<wengert.scipy.stats.{self.name}>"

    def __call__(self, *args: Any, **kwds: Any) -> Frozen:
        """The distribution with its parameters fixed, as SciPy's frozen distributions."""
        self._parameters("", args, kwds)
        return Frozen(self, args, kwds)

    def __getattr__(self, name: str) -> Any:
        import scipy.stats  # half a second, so only when needed

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

    def allowed(self, *shapes: Any) -> tuple[Any, ...]:
        """For each shape parameter where it is allowed; by default where it is positive."""
        return tuple([s > 0 for s in shapes])

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
                    f"{function} has no parameter {name!r}; its parameters are ({', '.join(names)})"
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
        return [given.get(name, self.defaults.get(name)) for name in names]

    def _checked(self, shapes: list[Any]) -> tuple[list[Any], Any]:
        """The shapes, with typical values in place of those not allowed, and where those are."""
        bad: Any = False
        good = []
        for s, mask, usual in zip(shapes, self.allowed(*shapes), self.typical, strict=True):
            wrong = np.logical_not(mask)
            good.append(replaced(s, wrong, usual))
            bad = wrong if bad is False else np.logical_or(bad, wrong)
        return good, bad

    def rvs(self, *args: Any, **kwds: Any) -> Any:
        """Random numbers by ``scipy.stats``, for plain parameters.

        Raises
        ------
        NoRuleError
            If a parameter is a Tensor.
        """
        import scipy.stats

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
        if name[:1] == "_" or name == "dist":  # asked for by copy and pickle before it exists
            raise AttributeError(name)
        method = getattr(self.dist, name)
        return lambda *x, **more: method(*x, *self.args, **self.kwds, **more)

    def __repr__(self) -> str:
        parameters = [*map(str, self.args), *(f"{k}={v}" for k, v in self.kwds.items())]
        return f"<wengert.scipy.stats.{self.dist.name}({', '.join(parameters)})>"
