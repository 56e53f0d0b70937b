"""Functions with a derivative rule of the user: `custom_jvp` and `custom_vjp`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..core import pytree
from ..core.errors import WengertTypeError, WengertValueError
from .custom_function import CustomFunction, Signature
from .custom_operation import CustomOperation
from .user_function import Saved, UserFunction, called

__all__ = ["custom_jvp", "custom_vjp"]

Function = Callable[..., Any]

# How rules are called, for messages.
_JVP, _BACKWARD = "(primals, tangents)", "(residuals, ct)"


def _decorator(cls: Any, function: Any, nondiff_argnums: Sequence[int]) -> Any:
    if function is None:
        return lambda f: cls(f, nondiff_argnums)
    return cls(function, nondiff_argnums)


def _check_callable(what: str, rule: Any) -> None:
    if not callable(rule):
        raise WengertTypeError(f"{what} must be a function, not a {type(rule).__name__}")


# ------------------------------------------------------------------ custom_jvp


class CustomJvp(CustomFunction):
    """What `custom_jvp` returns."""

    _kind = "custom_jvp"
    _rule: Function | None = None

    def defjvp(self, jvp: Function) -> Function:
        """Set the rule: ``jvp(primals, tangents) -> (output, tangent of the output)``.

        ``primals`` and ``tangents`` are tuples with one entry for each differentiable argument; the
        arguments in ``nondiff_argnums`` come before them. The tangent must be linear in
        ``tangents``, and may be None for zero. Can be used as a decorator.
        """
        _check_callable(f"custom_jvp of {self.__name__}: the rule", jvp)
        self._rule = jvp
        self._operations.clear()
        return jvp

    def defjvps(self, *jvps: Function | None) -> None:
        """Set one rule ``jvp(tangent, output, *primals) -> tangent`` for each argument, or None."""
        if self._nondiff:
            raise WengertTypeError("defjvps: with nondiff_argnums use defjvp")
        for i, rule in enumerate(jvps):
            if rule is not None:
                _check_callable(f"custom_jvp of {self.__name__}: the rule of argument {i}", rule)

        def jvp(primals: Any, tangents: Any) -> Any:
            if len(primals) != len(jvps):
                raise WengertValueError(
                    f"custom_jvp of {self.__name__}: defjvps was given {len(jvps)} rules for "
                    f"{len(primals)} arguments"
                )
            y = self(*primals)
            total = None
            for t, rule in zip(tangents, jvps, strict=True):
                if rule is not None:
                    u = rule(t, y, *primals)
                    total = u if total is None else pytree.map(lambda a, b: a + b, total, u)
            return y, total

        self.defjvp(jvp)

    def _require_rule(self) -> None:
        if self._rule is None:
            raise WengertTypeError(f"custom_jvp of {self.__name__}: give its rule with .defjvp")

    def _operation(self, signature: Signature) -> CustomOperation:
        name, rule, arity = self.__name__, self._rule, signature.arity

        def forward(*leaves: Any) -> list[Any]:
            primals = signature.primals(leaves[:arity])
            tangents = signature.primals(leaves[len(leaves) - arity :], missing=True)
            args = (*signature.static_args, primals, tangents)
            form = "(*nondiff_args, primals, tangents)" if signature.static_args else _JVP
            result = called(rule, args, f"custom_jvp of {name}", form)  # type: ignore[arg-type]
            if not isinstance(result, (tuple, list)) or len(result) != 2:
                raise WengertTypeError(
                    f"custom_jvp of {name}: the rule must return a pair (output, tangent)"
                )
            outs = leaves[arity : len(leaves) - arity]
            signature.check_output(result[0], outs, f"custom_jvp of {name}")
            return signature.flat_tangent(result[1], f"custom_jvp of {name}")

        return CustomOperation(
            name, self._primal(signature), UserFunction(f"{name}_jvp", forward), None, arity
        )


def custom_jvp(function: Function | None = None, nondiff_argnums: Sequence[int] = ()) -> Any:
    """Give a function a derivative rule of your own, for both modes.

    Parameters
    ----------
    function : callable
        From containers of arrays to a container of arrays. It is called with plain arrays, so it
        may use anything; where it is to be recorded (`vmap`) and cannot be, it is called in a loop.
    nondiff_argnums : sequence of int
        Positions of arguments that are not differentiated (options, functions). They come first in
        the rule's arguments.

    Returns
    -------
    callable
        Set its rule with ``.defjvp(jvp)``, where ``jvp(primals, tangents)`` returns the output and
        its tangent, which must be linear in ``tangents``; reverse mode is its transpose. Written
        with functions that wengert can differentiate, the rule serves derivatives of any order.

    Raises
    ------
    WengertValueError
        In reverse mode, if the rule is not linear in the tangents, naming the operation that is
        not; in either mode, if what it returns does not have the structure of the output.
    ShapeError, WengertTypeError
        If what it returns has another shape than the output, is no array of numbers, or is complex
        where the output is real; if an argument in ``nondiff_argnums`` is being differentiated; if
        ``function`` captures a value that is being differentiated or traced (a rule may).

    Notes
    -----
    Rules must not write into what they are given. Keyword arguments reach them by position. The
    result can be a method, and is pickled by its name, as functions are.

    Examples
    --------
    >>> import numpy as np, wengert as wg
    >>> @wg.custom_jvp
    ... def softplus(x):
    ...     return np.logaddexp(0.0, x)
    >>> @softplus.defjvp
    ... def softplus_jvp(primals, tangents):
    ...     (x,), (t,) = primals, tangents
    ...     return softplus(x), t / (1 + np.exp(-x))
    >>> float(wg.grad(softplus)(0.0))
    0.5
    """
    return _decorator(CustomJvp, function, nondiff_argnums)


# ------------------------------------------------------------------ custom_vjp


class CustomVjp(CustomFunction):
    """What `custom_vjp` returns."""

    _kind = "custom_vjp"
    _rules: tuple[Function, Function] | None = None

    def defvjp(self, forward: Function, backward: Function) -> None:
        """Set the rule.

        Parameters
        ----------
        forward : callable
            ``(*args) -> (output, residuals)``; residuals are whatever ``backward`` needs.
        backward : callable
            ``(residuals, ct) -> tuple`` of cotangents, one for each differentiable argument, None
            for zero. The arguments in ``nondiff_argnums`` come before these two.
        """
        _check_callable(f"custom_vjp of {self.__name__}: the forward rule", forward)
        _check_callable(f"custom_vjp of {self.__name__}: the backward rule", backward)
        self._rules = (forward, backward)
        self._operations.clear()

    def _require_rule(self) -> None:
        if self._rules is None:
            raise WengertTypeError(f"custom_vjp of {self.__name__}: give its rule with .defvjp")

    def _operation(self, signature: Signature) -> CustomOperation:
        name, arity = self.__name__, signature.arity
        forward, backward = self._rules  # type: ignore[misc]

        def run_forward(ins: Sequence[Any]) -> Any:
            where = f"custom_vjp of {name}, forward rule"
            result = called(forward, signature.arguments(ins), where, "(*args)")
            if not isinstance(result, (tuple, list)) or len(result) != 2:
                raise WengertTypeError(
                    f"custom_vjp of {name}: the forward rule must return a pair (output, residuals)"
                )
            return result

        def save(*ins: Any) -> Saved:
            y, residuals = run_forward(ins)
            outs = Saved(signature.flat_output(y, f"custom_vjp of {name}, forward rule"))
            outs.residuals = residuals
            return outs

        def reverse_saved(residuals: Any, cts: Sequence[Any]) -> list[Any]:
            ct = pytree.unflatten(signature.out_spec, cts)
            args = (*signature.static_args, residuals, ct)
            form = "(*nondiff_args, residuals, ct)" if signature.static_args else _BACKWARD
            found = called(backward, args, f"custom_vjp of {name}, backward rule", form)
            return signature.flat_cotangents(found, f"custom_vjp of {name}")

        def reverse(*leaves: Any) -> list[Any]:
            # The residuals are computed again from operands that know their history: a second
            # derivative goes through them.
            count = (len(leaves) - arity) // 2
            ins = leaves[count : count + arity]
            _, residuals = run_forward(ins)
            return reverse_saved(residuals, leaves[:count])

        return CustomOperation(
            name,
            self._primal(signature),
            None,
            UserFunction(f"{name}_vjp", reverse),
            arity,
            save,
            reverse_saved,
        )


def custom_vjp(function: Function | None = None, nondiff_argnums: Sequence[int] = ()) -> Any:
    """Give a function a reverse rule of your own.

    Parameters
    ----------
    function : callable
        From containers of arrays to a container of arrays.
    nondiff_argnums : sequence of int
        Positions of arguments that are not differentiated. They come first in the arguments of the
        backward rule.

    Returns
    -------
    callable
        Set its rule with ``.defvjp(forward, backward)``: ``forward(*args)`` returns the output and
        residuals, ``backward(residuals, ct)`` the cotangents of the arguments.

    Raises
    ------
    ShapeError, WengertTypeError, WengertValueError
        If a rule returns something that has not the structure, shape or kind of what it belongs to;
        if an argument in ``nondiff_argnums`` is being differentiated.

    Notes
    -----
    The rule is what every reverse pass uses, whatever it says: clip a gradient, pass it straight
    through a rounding. Of a complex cotangent a real argument takes the real part, and every
    cotangent is cast to the dtype of its argument. Arrays among the residuals are kept as they are
    when ``forward`` returns. Rules must not write into what they are given. Derivatives of the
    backward pass go through both rules. Forward mode (and with it `hessian`) transposes
    ``backward`` as a function of ``ct`` at zero, and raises where that is impossible; prefer
    `custom_jvp` where the rule is the true derivative.

    Examples
    --------
    >>> import numpy as np, wengert as wg
    >>> @wg.custom_vjp
    ... def clip_gradient(x):
    ...     return x
    >>> clip_gradient.defvjp(lambda x: (x, None), lambda _, ct: (np.clip(ct, -1.0, 1.0),))
    >>> float(wg.grad(lambda x: 10 * clip_gradient(x))(2.0))
    1.0
    """
    return _decorator(CustomVjp, function, nondiff_argnums)
