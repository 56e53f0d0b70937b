"""Functions whose derivative is given afterwards, argument by argument: `wengert.extend`."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..core import pytree
from ..core.bind import refresh
from ..core.errors import NoRuleError, WengertTypeError, WengertValueError
from ..core.tensor import Tensor
from .boundary import name_of
from .custom_function import CustomFunction, Signature
from .custom_operation import CustomOperation
from .user_function import UserFunction, called, without_history
from .vector_space import SparseObject, vspace

__all__ = [
    "RuledFunction",
    "def_linear",
    "defjvp",
    "defjvp_argnum",
    "defjvp_argnums",
    "defvjp",
    "defvjp_argnum",
    "defvjp_argnums",
    "getval",
    "notrace_primitive",
]

Function = Callable[..., Any]


class _Call:
    """What a call has besides its positional arguments: options, and what is differentiated."""

    def __init__(self, kwargs: dict[str, Any], active: tuple[int, ...]) -> None:
        self.kwargs = kwargs
        self.active = active

    def _key(self) -> Any:
        return self.active, tuple((k, type(v), v) for k, v in sorted(self.kwargs.items()))

    def __hash__(self) -> int:
        return hash(self._key())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Call) and self._key() == other._key()


class RuledFunction(CustomFunction):
    """What `wengert.extend.primitive` returns."""

    _kind = "primitive"

    def __init__(self, function: Function) -> None:
        super().__init__(lambda call, *args: function(*args, **call.kwargs), (0,))
        functools.update_wrapper(self, function, updated=())
        self.fun = function
        self.__name__ = name_of(function)
        self.__qualname__ = getattr(function, "__qualname__", self.__name__)
        self.vjpmaker: Function | None = None  # (argnums, ans, args, kwargs) -> g -> cotangents
        self.jvpmaker: Function | None = None  # (argnums, gs, ans, args, kwargs) -> tangent
        # The arguments that have rules; None if a rule is for whatever argument it is asked for.
        self.vjp_positions: frozenset[int] | None = None
        self.jvp_positions: frozenset[int] | None = None
        self.constant = False

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function; on traced values as one operation with the rules given for it."""
        active = tuple([i for i, x in enumerate(args) if _is_traced(x)])
        if self.constant or not active:
            if any(_is_traced(x) for x in kwargs.values()):
                raise self._option_error(kwargs)
            return self.fun(*getval(args), **kwargs)
        if any(isinstance(x, Tensor) for x in pytree.leaves(kwargs)):
            raise self._option_error(kwargs)
        return super().__call__(_Call(kwargs, active), *args)

    def _option_error(self, kwargs: dict[str, Any]) -> WengertTypeError:
        names = [k for k, v in kwargs.items() if any(isinstance(x, Tensor) for x in [v])]
        return WengertTypeError(
            f"primitive {self.__name__}: the keyword argument {', '.join(names) or 'given'} is "
            "being differentiated or traced; rules belong to positions, so pass it by position"
        )

    def _positional(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
        return args  # as they were given: rules see the arguments of the call

    def _statics(self, signature: Signature) -> tuple[Any, ...]:
        return (*signature.statics, *signature.static_args[0].kwargs.values())

    def _require_rule(self) -> None:
        """What is missing shows when it is needed: a rule for one argument may be enough."""

    def _changed(self) -> None:
        self._operations.clear()

    def _operation(self, signature: Signature) -> CustomOperation:
        name, arity = self.__name__, signature.arity
        call: _Call = signature.static_args[0]
        active, kwargs = call.active, call.kwargs
        if self.vjpmaker is None and self.jvpmaker is None:
            raise NoRuleError(
                f"primitive {name}: it has no derivative. Give it one with "
                "wengert.extend.defvjp or defjvp, or use wengert.extend.notrace_primitive for a "
                "function that derivatives do not see"
            )

        def forward(*leaves: Any) -> list[Any]:
            args = signature.arguments(leaves[:arity])[1:]
            out = pytree.unflatten(signature.out_spec, leaves[arity : len(leaves) - arity])
            tangents = signature.primals(leaves[len(leaves) - arity :], missing=True)
            ruled = tuple([i for i in active if _has_rule(self.jvp_positions, i)])
            ts = [tangents[i] for i in ruled]
            t = self.jvpmaker(ruled, ts, out, args, kwargs)  # type: ignore[misc]
            return signature.flat_tangent(t, f"primitive {name}, jvp")

        def reverse(*leaves: Any) -> list[Any]:
            count = (len(leaves) - arity) // 2
            ins = leaves[count : count + arity]
            args = signature.arguments(ins)[1:]
            ct = pytree.unflatten(signature.out_spec, leaves[:count])
            out = pytree.unflatten(signature.out_spec, leaves[count + arity :])
            found: list[Any] = [None] * len(args)
            ruled = tuple([i for i in active if _has_rule(self.vjp_positions, i)])
            vjp = self.vjpmaker(ruled, out, args, kwargs)  # type: ignore[misc]
            for i, c in zip(ruled, vjp(ct), strict=True):
                found[i] = _dense(c)
            return signature.flat_cotangents(tuple(found), f"primitive {name}, vjp")

        return CustomOperation(
            name,
            self._primal(signature),
            None if self.jvpmaker is None else UserFunction(f"{name}_jvp", forward),
            None if self.vjpmaker is None else UserFunction(f"{name}_vjp", reverse),
            arity,
            undefined=self._without_rules(signature),
        )

    def _without_rules(self, signature: Signature) -> tuple[dict[int, str], dict[int, str]]:
        """The operands without a forward and without a reverse rule, and what to say of them.

        Inside `vmap` and `jit` nobody knows which arguments will be differentiated, so a rule that
        is missing is an error only where it is needed. One direction is derived from the other.
        """
        forward = "defvjp" if self.jvpmaker is None else "defjvp"
        reverse = "defjvp" if self.vjpmaker is None else "defvjp"
        places = signature.primals(range(signature.arity), missing=True)
        found: list[dict[int, str]] = []
        for what in (forward, reverse):
            positions = self.vjp_positions if what == "defvjp" else self.jvp_positions
            missing = [i for i in range(len(places)) if not _has_rule(positions, i)]
            found.append({k: _missing(what, self, i) for i in missing
                          for k in pytree.leaves(places[i])})  # fmt: skip
        return found[0], found[1]


def _has_rule(positions: frozenset[int] | None, i: int) -> bool:
    return positions is None or i in positions


def _is_traced(x: Any) -> bool:
    return any(
        isinstance(leaf, Tensor) and isinstance(without_history(leaf), Tensor)
        for leaf in ((x,) if isinstance(x, (Tensor, np.ndarray)) else pytree.leaves(x))
    )


def _dense(c: Any) -> Any:
    """A cotangent without `SparseObject` in it."""
    if isinstance(c, SparseObject):
        return c.dense()
    return c


def getval(x: Any) -> Any:
    """The plain value behind a traced one: an array or a number; containers part by part.

    For printing and for branches. Derivatives do not see what is computed from it; inside `vmap`
    there is no value.
    """

    def value(leaf: Any) -> Any:
        if not isinstance(leaf, Tensor):
            return leaf
        refresh(leaf)
        a = leaf._concrete("getval")
        return a.copy() if isinstance(a, np.ndarray) else a

    return value(x) if isinstance(x, Tensor) else pytree.map(value, x)


def notrace_primitive(function: Function) -> Function:
    """A function that is called with plain values, and whose result derivatives do not see."""
    f = RuledFunction(function)
    f.constant = True
    return f


# ------------------------------------------------------------------ rules


def _ruled(what: str, fun: Any) -> RuledFunction:
    if not isinstance(fun, RuledFunction):
        raise WengertTypeError(
            f"{what}: the first argument must be a function that wengert.extend.primitive "
            f"returned, not {name_of(fun) if callable(fun) else type(fun).__name__}; functions "
            "of wengert.numpy have their derivatives"
        )
    return fun


def _by_argnum(what: str, fun: RuledFunction, rules: Sequence[Any], argnums: Any) -> dict[int, Any]:
    positions = list(range(len(rules))) if argnums is None else list(argnums)[: len(rules)]
    if len(positions) != len(rules):
        raise WengertValueError(
            f"{what} of {fun.__name__}: {len(rules)} rules for argnums={argnums}; give one "
            "position for each rule"
        )
    for rule in rules:
        if rule is not None and not callable(rule) and not (what == "defjvp" and rule == "same"):
            raise WengertTypeError(
                f"{what} of {fun.__name__}: a rule must be a function or None, not {rule!r}"
            )
    return dict(zip(positions, rules, strict=True))


def _missing(what: str, fun: RuledFunction, argnum: int) -> str:
    return (
        f"primitive {fun.__name__}: its derivative in argument {argnum} is not defined; give a "
        f"rule for it with wengert.extend.{what}, or None if it is zero"
    )


def defvjp_argnums(fun: Function, vjpmaker: Function) -> None:
    """Set the reverse rule of a primitive, for all its arguments together.

    Parameters
    ----------
    fun : callable
        Made by `primitive`.
    vjpmaker : callable
        ``(argnums, ans, args, kwargs) -> vjp``, where ``vjp(g)`` gives one cotangent for each of
        ``argnums``.
    """
    f = _ruled("defvjp_argnums", fun)
    f.vjpmaker, f.vjp_positions = vjpmaker, None
    f._changed()


def defvjp_argnum(fun: Function, vjpmaker: Function) -> None:
    """Set the reverse rule of a primitive by a function of the argument's position.

    ``vjpmaker(argnum, ans, args, kwargs)`` returns ``vjp``, where ``vjp(g)`` is the cotangent.
    """

    def vjp_argnums(argnums: Any, *given: Any) -> Function:
        vjps = [vjpmaker(i, *given) for i in argnums]
        return lambda g: [vjp(g) for vjp in vjps]

    defvjp_argnums(_ruled("defvjp_argnum", fun), vjp_argnums)


def defvjp(
    fun: Function, *vjpmakers: Function | None, argnums: Sequence[int] | None = None
) -> None:
    """Set the reverse rules of a primitive, one for each argument.

    Parameters
    ----------
    fun : callable
        Made by `primitive`.
    *vjpmakers : callable or None
        ``vjpmaker(ans, *args, **kwargs)`` returns a function from the cotangent of the result to
        that of the argument; None for zero.
    argnums : sequence of int, optional
        The positions the rules belong to; 0, 1, ... by default.

    Examples
    --------
    >>> import numpy as np, wengert as wg
    >>> from wengert.extend import primitive, defvjp
    >>> cube = primitive(lambda x: x**3)
    >>> defvjp(cube, lambda ans, x: lambda g: g * 3 * x**2)
    >>> float(wg.grad(cube)(2.0))
    12.0
    >>> float(wg.grad(wg.grad(cube))(2.0))
    12.0
    """
    f = _ruled("defvjp", fun)
    rules = _by_argnum("defvjp", f, vjpmakers, argnums)

    def vjp_argnums(argnums: Any, ans: Any, args: Any, kwargs: Any) -> Function:
        vjps: list[Any] = []
        for i in argnums:
            rule = rules[i]
            where = f"defvjp of {f.__name__}, rule of argument {i}"
            make = functools.partial(rule, **kwargs) if rule is not None and kwargs else rule
            form = "(ans, *args, **kwargs)"
            vjps.append(None if rule is None else called(make, (ans, *args), where, form))
            if rule is not None and not callable(vjps[-1]):
                raise WengertTypeError(
                    f"defvjp of {f.__name__}: the rule of argument {i} returned a "
                    f"{type(vjps[-1]).__name__}; it must return a function of the cotangent: "
                    "lambda ans, *args: lambda g: ..."
                )
        return lambda g: [None if vjp is None else vjp(g) for vjp in vjps]

    defvjp_argnums(f, vjp_argnums)
    f.vjp_positions = frozenset(rules)


def defjvp_argnums(fun: Function, jvpmaker: Function) -> None:
    """Set the forward rule of a primitive, for all its arguments together.

    ``jvpmaker(argnums, gs, ans, args, kwargs)`` is the tangent of the result, for the tangents
    ``gs`` of the arguments at the positions ``argnums``.
    """
    f = _ruled("defjvp_argnums", fun)
    f.jvpmaker, f.jvp_positions = jvpmaker, None
    f._changed()


def defjvp_argnum(fun: Function, jvpmaker: Function) -> None:
    """Set the forward rule of a primitive by a function of the argument's position.

    ``jvpmaker(argnum, g, ans, args, kwargs)`` is what the tangent ``g`` of that argument adds to
    the tangent of the result.
    """

    def jvp_argnums(argnums: Any, gs: Any, ans: Any, args: Any, kwargs: Any) -> Any:
        total = None
        for i, g in zip(argnums, gs, strict=True):
            t = jvpmaker(i, g, ans, args, kwargs)
            if t is not None:
                total = t if total is None else vspace(ans).add(total, t)
        return total

    defjvp_argnums(_ruled("defjvp_argnum", fun), jvp_argnums)


def defjvp(
    fun: Function, *jvpfuns: Function | str | None, argnums: Sequence[int] | None = None
) -> None:
    """Set the forward rules of a primitive, one for each argument.

    Parameters
    ----------
    fun : callable
        Made by `primitive`.
    *jvpfuns : callable, "same" or None
        ``jvpfun(g, ans, *args, **kwargs)`` is the tangent of the result for the tangent ``g`` of
        the argument. ``"same"`` says that the function is linear in it; None that it is constant.
    argnums : sequence of int, optional
        The positions the rules belong to; 0, 1, ... by default.

    Notes
    -----
    Without reverse rules, reverse mode is the transpose of these (which ``"same"`` cannot give).
    """
    f = _ruled("defjvp", fun)
    rules = _by_argnum("defjvp", f, jvpfuns, argnums)

    def jvp_argnum(i: int, g: Any, ans: Any, args: Any, kwargs: Any) -> Any:
        rule = rules[i]
        if rule is None:
            return None
        if rule == "same":
            return f(*args[:i], g, *args[i + 1 :], **kwargs)
        where = f"defjvp of {f.__name__}, rule of argument {i}"
        push = functools.partial(rule, **kwargs) if kwargs else rule
        return called(push, (g, ans, *args), where, "(g, ans, *args, **kwargs)")

    defjvp_argnum(f, jvp_argnum)
    f.jvp_positions = frozenset(rules)


def def_linear(fun: Function) -> None:
    """Say that a primitive is linear in each of its arguments: its forward rule is itself."""
    f = _ruled("def_linear", fun)

    def jvp_argnum(i: int, g: Any, ans: Any, args: Any, kwargs: Any) -> Any:
        return f(*args[:i], g, *args[i + 1 :], **kwargs)

    defjvp_argnum(f, jvp_argnum)
