"""Derivative rules of users: `custom_jvp`, `custom_vjp`, `primitive`."""

from __future__ import annotations

import functools
import inspect
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..core import pytree
from ..core.abstract import Aval, aval_of
from ..core.bind import bind
from ..core.errors import WengertTypeError, WengertValueError
from ..core.primitive import Primitive
from ..core.tensor import Tensor
from ..rules.pointwise import pointwise_batch, pointwise_shape
from .boundary import name_of
from .custom_operation import CustomOperation
from .user_function import Saved, UserFunction, is_operand, plain_result, read_only

__all__ = ["custom_jvp", "custom_vjp", "primitive"]

Function = Callable[..., Any]
_CACHE_SIZE = 128


# ------------------------------------------------------------------ calls and their signatures


class _Signature:
    """How the arguments of one kind of call become leaves, and leaves become arguments again.

    Leaves that are no numbers (strings, functions) are static, as the arguments in ``nondiff`` are.
    """

    def __init__(self, args: tuple[Any, ...], nondiff: tuple[int, ...]) -> None:
        self.count = len(args)
        self.nondiff = nondiff
        self.static_args = tuple([args[i] for i in nondiff])
        self.positions = [i for i in range(len(args)) if i not in nondiff]
        differentiable = tuple([args[i] for i in self.positions])
        leaves, self.spec = pytree.flatten(differentiable)
        self.mask = tuple([is_operand(x) for x in leaves])
        self.statics = tuple([x for x in leaves if not is_operand(x)])
        self.operands = tuple([x for x in leaves if is_operand(x)])
        self.arity = len(self.operands)
        self.out_spec: Any = None

    def key(self) -> Any:
        """What two calls must share to be the same operation."""
        return self.count, self.spec, self.mask, self.statics, self.static_args

    def primals(self, operands: Sequence[Any], missing: bool = False) -> tuple[Any, ...]:
        """The differentiable arguments made of ``operands``."""
        rest = iter(operands)
        statics = iter(self.statics)
        leaves = [
            next(rest) if is_leaf else (None if missing else next(statics)) for is_leaf in self.mask
        ]
        result: tuple[Any, ...] = pytree.unflatten(self.spec, leaves)
        return result

    def arguments(self, operands: Sequence[Any]) -> tuple[Any, ...]:
        """All arguments, in order."""
        args: list[Any] = [None] * self.count
        for i, x in zip(self.nondiff, self.static_args, strict=True):
            args[i] = x
        for i, x in zip(self.positions, self.primals(operands), strict=True):
            args[i] = x
        return tuple(args)

    def flat_output(self, y: Any, name: str) -> list[Any]:
        """The leaves of a result; its structure is remembered and must not change."""
        leaves, spec = pytree.flatten(y)
        if self.out_spec is None:
            self.out_spec = spec
        elif spec != self.out_spec:
            raise WengertTypeError(
                f"{name}: the function returned {spec} after {self.out_spec} for arguments of the same "
                "structure; the structure of the result must not depend on values"
            )
        return leaves

    def flat_tangent(self, t: Any, name: str) -> list[Any]:
        """The leaves of an output's tangent."""
        try:
            return pytree.flatten_up_to(self.out_spec, t)
        except ValueError as error:
            raise WengertValueError(
                f"{name}: the rule's tangent must have the structure of the output: {error}"
            ) from None

    def flat_cotangents(self, cts: Any, name: str) -> list[Any]:
        """The operands' cotangents from what a reverse rule returned; None for zero."""
        count = len(self.positions)
        if not isinstance(cts, (tuple, list)):
            cts = (cts,)
        if len(cts) != count:
            raise WengertValueError(
                f"{name}: the rule must return a tuple with one cotangent for each of the {count} "
                f"differentiable argument{'' if count == 1 else 's'}, got {len(cts)}"
            )
        found: list[Any] = []
        for i, (c, spec) in enumerate(zip(cts, self.spec.children(), strict=True)):
            if c is None:
                found.extend([None] * spec.num_leaves)
                continue
            try:
                found.extend(pytree.flatten_up_to(spec, c))
            except ValueError as error:
                raise WengertValueError(
                    f"{name}: the cotangent of argument {self.positions[i]} must have the structure of "
                    f"that argument: {error}"
                ) from None
        return [c for c, is_leaf in zip(found, self.mask, strict=True) if is_leaf]


class _CustomFunction:
    """A function with a rule of its own. Subclasses say what the rule is."""

    _kind = "custom function"
    _fills_defaults = True

    def __init__(self, function: Function, nondiff_argnums: Sequence[int] = ()) -> None:
        if not callable(function):
            raise WengertTypeError(
                f"{self._kind}: expected a function, not a {type(function).__name__}"
            )
        self._function = function
        self._nondiff = tuple(sorted(int(i) for i in nondiff_argnums))
        self._operations: OrderedDict[Any, tuple[_Signature, CustomOperation]] = OrderedDict()
        try:
            self._parameters: inspect.Signature | None = inspect.signature(function)
        except (TypeError, ValueError):
            self._parameters = None
        functools.update_wrapper(self, function, updated=())
        self.__name__ = name_of(function)

    def __repr__(self) -> str:
        return f"<{self._kind} {self.__name__}>"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self._require_rule()
        args = self._positional(args, kwargs)
        if self._nondiff and (self._nondiff[0] < 0 or self._nondiff[-1] >= len(args)):
            raise WengertValueError(
                f"{self._kind} of {self.__name__}: nondiff_argnums={self._nondiff}, but it was called "
                f"with {len(args)} arguments"
            )
        signature = _Signature(args, self._nondiff)
        operands = signature.operands
        if not any(isinstance(x, Tensor) for x in operands):
            return self._function(*args)
        known, operation = self._find(signature)
        outs = bind(operation.primitive, operands, {})
        return pytree.unflatten(known.out_spec, outs)

    def _positional(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
        """All arguments by position, with defaults filled in, so that rules see every one."""
        if self._parameters is None:
            if kwargs:
                raise WengertTypeError(
                    f"{self._kind} of {self.__name__}: its signature is unknown, so it takes no "
                    "keyword arguments; wrap it in a function that names its parameters"
                )
            return args
        positional = [
            p for p in self._parameters.parameters.values() if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
        ]
        complete = len(args) >= len(positional) or not self._fills_defaults
        if not kwargs and complete:
            return args
        bound = self._parameters.bind(*args, **kwargs)
        if bound.kwargs:
            raise WengertTypeError(
                f"{self._kind} of {self.__name__}: keyword-only arguments "
                f"({', '.join(bound.kwargs)}) have no place in a rule; make them positional"
            )
        for p in positional:
            bound.arguments.setdefault(p.name, p.default)
        return bound.args

    def _find(self, signature: _Signature) -> tuple[_Signature, CustomOperation]:
        key = signature.key()
        try:
            found = self._operations.get(key)
        except TypeError:  # a static argument that cannot be hashed
            return signature, self._operation(signature)
        if found is None:
            found = self._operations[key] = (signature, self._operation(signature))
            if len(self._operations) > _CACHE_SIZE:
                self._operations.popitem(last=False)
            signature.operands = ()  # the cache must not keep values alive
        return found

    def _primal(self, signature: _Signature) -> UserFunction:
        name, function = self.__name__, self._function
        return UserFunction(
            name,
            lambda *ins: signature.flat_output(function(*signature.arguments(ins)), name),
        )

    def _require_rule(self) -> None:
        raise NotImplementedError

    def _operation(self, signature: _Signature) -> CustomOperation:
        raise NotImplementedError


def _decorator(cls: Any, function: Any, nondiff_argnums: Sequence[int]) -> Any:
    if function is None:
        return lambda f: cls(f, nondiff_argnums)
    return cls(function, nondiff_argnums)


# ------------------------------------------------------------------ custom_jvp


class CustomJvp(_CustomFunction):
    """What `custom_jvp` returns."""

    _kind = "custom_jvp"
    _rule: Function | None = None

    def defjvp(self, jvp: Function) -> Function:
        """Set the rule: ``jvp(primals, tangents) -> (output, tangent of the output)``.

        ``primals`` and ``tangents`` are tuples with one entry for each differentiable argument; the
        arguments in ``nondiff_argnums`` come before them. The tangent must be linear in ``tangents``.
        Can be used as a decorator.
        """
        self._rule = jvp
        self._operations.clear()
        return jvp

    def defjvps(self, *jvps: Function | None) -> None:
        """Set one rule for each argument: ``jvp(tangent, output, *primals) -> tangent``; None for zero."""
        if self._nondiff:
            raise WengertTypeError("defjvps: with nondiff_argnums use defjvp")

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
            return y, pytree.map(lambda a: a * 0.0, y) if total is None else total

        self.defjvp(jvp)

    def _require_rule(self) -> None:
        if self._rule is None:
            raise WengertTypeError(f"custom_jvp of {self.__name__}: give its rule with .defjvp")

    def _operation(self, signature: _Signature) -> CustomOperation:
        name, rule, arity = self.__name__, self._rule, signature.arity

        def forward(*leaves: Any) -> list[Any]:
            primals = signature.primals(leaves[:arity])
            tangents = signature.primals(leaves[len(leaves) - arity :], missing=True)
            result = rule(*signature.static_args, primals, tangents)  # type: ignore[misc]
            if not isinstance(result, (tuple, list)) or len(result) != 2:
                raise WengertTypeError(
                    f"custom_jvp of {name}: the rule must return a pair (output, tangent)"
                )
            return signature.flat_tangent(result[1], f"custom_jvp of {name}")

        return CustomOperation(
            name, self._primal(signature), UserFunction(f"{name}_jvp", forward), None, arity
        )


def custom_jvp(function: Function | None = None, nondiff_argnums: Sequence[int] = ()) -> Any:
    """Give a function a derivative rule of your own, for both modes.

    Parameters
    ----------
    function : callable
        From containers of arrays to a container of arrays. It is called with plain arrays, so it may
        use anything; where it is recorded on shapes (`vmap`) and cannot be, it is called in a loop.
    nondiff_argnums : sequence of int
        Positions of arguments that are not differentiated (options, functions). They come first in
        the rule's arguments.

    Returns
    -------
    callable
        Set its rule with ``.defjvp(jvp)``, where ``jvp(primals, tangents)`` returns the output and its
        tangent, which must be linear in ``tangents``; reverse mode is its transpose. Written with
        functions that wengert can differentiate, the rule serves derivatives of any order.

    Examples
    --------
    >>> import numpy as np, wengert as wg
    >>> from wengert.transforms.custom import custom_jvp
    >>> @custom_jvp
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


class CustomVjp(_CustomFunction):
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
            ``(residuals, ct) -> tuple`` of cotangents, one for each differentiable argument, None for
            zero. The arguments in ``nondiff_argnums`` come before these two.
        """
        self._rules = (forward, backward)
        self._operations.clear()

    def _require_rule(self) -> None:
        if self._rules is None:
            raise WengertTypeError(f"custom_vjp of {self.__name__}: give its rule with .defvjp")

    def _operation(self, signature: _Signature) -> CustomOperation:
        name, arity = self.__name__, signature.arity
        forward, backward = self._rules  # type: ignore[misc]

        def run_forward(ins: Sequence[Any]) -> Any:
            result = forward(*signature.arguments(ins))
            if not isinstance(result, (tuple, list)) or len(result) != 2:
                raise WengertTypeError(
                    f"custom_vjp of {name}: the forward rule must return a pair (output, residuals)"
                )
            return result

        def primal(*ins: Any) -> Any:
            y, residuals = run_forward(ins)
            outs = Saved(signature.flat_output(y, name))
            outs.residuals = residuals
            return outs

        def reverse_saved(residuals: Any, cts: Sequence[Any]) -> list[Any]:
            ct = pytree.unflatten(signature.out_spec, cts)
            found = backward(*signature.static_args, residuals, ct)
            return signature.flat_cotangents(found, f"custom_vjp of {name}")

        def reverse(*leaves: Any) -> list[Any]:
            # The residuals are computed again from operands that know their history: a second
            # derivative goes through them.
            count = (len(leaves) - arity) // 2
            ins = leaves[count : count + arity]
            _, residuals = run_forward(ins)
            found = reverse_saved(residuals, leaves[:count])
            return [
                np.zeros(np.shape(x)) if c is None and not isinstance(x, Tensor)
                else x * 0.0 if c is None else c
                for c, x in zip(found, ins, strict=True)
            ]  # fmt: skip

        return CustomOperation(
            name,
            UserFunction(name, primal),
            None,
            UserFunction(f"{name}_vjp", reverse),
            arity,
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

    Notes
    -----
    The rule is what every reverse pass uses, whatever it says: clip a gradient, pass it straight
    through a rounding. Derivatives of the backward pass go through both rules. Forward mode (and with it
    `hessian`) transposes ``backward`` as a function of ``ct`` at zero, and raises where that is
    impossible; prefer `custom_jvp` where the rule is the true derivative.

    Examples
    --------
    >>> import numpy as np, wengert as wg
    >>> from wengert.transforms.custom import custom_vjp
    >>> @custom_vjp
    ... def clip_gradient(x):
    ...     return x
    >>> clip_gradient.defvjp(lambda x: (x, None), lambda _, ct: (np.clip(ct, -1.0, 1.0),))
    >>> float(wg.grad(lambda x: 10 * clip_gradient(x))(2.0))
    1.0
    """
    return _decorator(CustomVjp, function, nondiff_argnums)


# ------------------------------------------------------------------ primitive


class _Primitive(_CustomFunction):
    _kind = "primitive"
    _fills_defaults = False  # a ufunc's `out=None` is no argument of the rule

    def __init__(
        self, function: Function, vjp: Function | None, jvp: Function | None, shape: Any, name: Any
    ) -> None:
        super().__init__(function)
        if name is not None:
            self.__name__ = name
        self._vjp, self._jvp, self._shape = vjp, jvp, shape

    def _require_rule(self) -> None:
        """It was given on construction."""

    def _operation(self, signature: _Signature) -> CustomOperation:
        name, arity, vjp, jvp = self.__name__, signature.arity, self._vjp, self._jvp

        def forward(*leaves: Any) -> list[Any]:
            primals = signature.primals(leaves[:arity])
            out = pytree.unflatten(signature.out_spec, leaves[arity : len(leaves) - arity])
            tangents = signature.primals(leaves[len(leaves) - arity :], missing=True)
            t = jvp(tangents, out, *primals)  # type: ignore[misc]
            return signature.flat_tangent(t, f"primitive {name}, jvp")

        def reverse(*leaves: Any) -> list[Any]:
            count = (len(leaves) - arity) // 2
            ins = leaves[count : count + arity]
            ct = pytree.unflatten(signature.out_spec, leaves[:count])
            out = pytree.unflatten(signature.out_spec, leaves[count + arity :])
            found = vjp(ct, out, *signature.primals(ins))  # type: ignore[misc]
            cts = signature.flat_cotangents(found, f"primitive {name}, vjp")
            return [
                np.zeros(np.shape(x)) if c is None and not isinstance(x, Tensor)
                else x * 0.0 if c is None else c
                for c, x in zip(cts, ins, strict=True)
            ]  # fmt: skip

        primal = self._primal(signature)
        if self._shape is not None:
            primal._shape = lambda *ins: self._given_shape(signature, ins)
        return CustomOperation(
            name,
            primal,
            None if jvp is None else UserFunction(f"{name}_jvp", forward),
            None if vjp is None else UserFunction(f"{name}_vjp", reverse),
            arity,
        )

    def _given_shape(self, signature: _Signature, ins: Sequence[Any]) -> list[Aval]:
        result = self._shape(*signature.primals(ins))
        if isinstance(result, tuple) and all(isinstance(n, (int, np.integer)) for n in result):
            dtypes = [aval_of(x).dtype for x in ins]
            dtype = np.result_type(*dtypes) if dtypes else np.dtype(float)
            result = Aval(result, dtype if dtype.kind in "fc" else np.dtype(float))
        leaves = signature.flat_output(result, self.__name__)
        return [Aval(tuple(a.shape), np.dtype(a.dtype)) for a in leaves]


def _pointwise_primitive(function: Function, partials: Sequence[Any], name: str) -> Function:
    def evaluate(*xs: Any) -> Any:
        return plain_result(function(*map(read_only, xs)), name)

    p = Primitive(
        name,
        evaluate,
        pointwise_shape(evaluate),
        None,
        partials=tuple(partials),
        show=f"{name}({', '.join('{%d}' % i for i in range(len(partials)))})",
        register=False,
    )
    p.batch = pointwise_batch(p)

    def call(*args: Any) -> Any:
        if len(args) != len(p.partials or ()):
            raise WengertTypeError(
                f"primitive {name}: {len(p.partials or ())} partials were given, so it takes as many "
                f"arguments, not {len(args)}"
            )
        if not any(isinstance(x, Tensor) for x in args):
            return function(*args)
        return bind(p, args, {})

    functools.update_wrapper(call, function, updated=())
    call.__name__ = name
    return call


def primitive(
    function: Function,
    vjp: Function | None = None,
    jvp: Function | None = None,
    *,
    partials: Sequence[Function | int | None] | None = None,
    shape: Function | None = None,
    name: str | None = None,
) -> Function:
    """Make any function of arrays differentiable, for example one of SciPy's, by giving a derivative.

    Parameters
    ----------
    function : callable
        From arrays (or containers of them) to arrays. It is called with plain arrays only and must
        not modify them.
    vjp : callable, optional
        ``(ct, out, *args) -> cotangents``: a tuple with one for each argument, None for zero; for one
        argument it may be the cotangent itself.
    jvp : callable, optional
        ``(tangents, out, *args) -> tangent`` of the output, linear in the tuple ``tangents``. Given
        alone, it serves both modes. With ``vjp`` beside it, that serves reverse mode.
    partials : sequence, optional
        For a function that works on each element alone, instead of ``vjp`` and ``jvp``: one function
        ``(out, *args) -> partial derivative`` for each argument, a constant 1 or -1, or None for an
        argument that is not differentiated.
    shape : callable, optional
        ``(*args) -> shape of the output`` (or arrays like the outputs); the arguments have ``shape``
        and ``dtype`` only. Needed inside `vmap` if the function cannot be called on arbitrary numbers.
    name : str, optional
        For messages and listings; the function's by default.

    Notes
    -----
    A rule that calls only what wengert can differentiate serves derivatives of any order. Inside
    `vmap` a function or rule that cannot be recorded is called in a loop over the examples.

    Examples
    --------
    >>> import math, wengert as wg
    >>> from wengert.transforms.custom import primitive
    >>> gamma = primitive(math.gamma, jvp=lambda ts, out, x: ts[0] * out * digamma(x))
    >>> digamma = lambda x: math.log(x) - 1 / (2 * x)  # near enough for large x
    >>> round(float(wg.grad(gamma)(10.0)) / (9 * 8 * 7 * 6 * 5 * 4 * 3 * 2), 2)
    2.25
    """
    if not callable(function):
        raise WengertTypeError(f"primitive: expected a function, not a {type(function).__name__}")
    if partials is not None:
        if vjp is not None or jvp is not None or shape is not None:
            raise WengertValueError("primitive: partials need no vjp, jvp or shape beside them")
        return _pointwise_primitive(function, partials, name or name_of(function))
    if vjp is None and jvp is None:
        raise WengertValueError(
            "primitive: give a derivative: vjp, jvp or partials. For a function that is constant for "
            "derivatives use wengert.stop_gradient"
        )
    return _Primitive(function, vjp, jvp, shape, name)
