"""`primitive`: any function of arrays, with a derivative given by the user."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..core import pytree
from ..core.abstract import Aval, aval_of
from ..core.bind import bind
from ..core.errors import ShapeError, WengertTypeError, WengertValueError
from ..core.primitive import Primitive
from ..core.tensor import Tensor
from ..rules.pointwise import pointwise_batch, pointwise_shape
from .autograd_primitive import RuledFunction
from .boundary import name_of
from .custom_function import CustomFunction, Signature, bound_arguments, unknown_parameters
from .custom_operation import CustomOperation
from .user_function import UserFunction, called, is_operand, plain_result, read_only

__all__ = ["primitive"]

Function = Callable[..., Any]


class _Primitive(CustomFunction):
    _kind = "primitive"
    _fills_defaults = False  # a ufunc's `out=None` is no argument of the rule

    def __init__(
        self,
        function: Function,
        vjp: Function | None,
        jvp: Function | None,
        shape: Any,
        batch: Function | None,
        name: Any,
    ) -> None:
        super().__init__(function, name=name)
        self._vjp, self._jvp, self._shape, self._batch = vjp, jvp, shape, batch

    def _require_rule(self) -> None:
        """It was given on construction."""

    def _operation(self, signature: Signature) -> CustomOperation:
        name, arity, vjp, jvp = self.__name__, signature.arity, self._vjp, self._jvp

        def forward(*leaves: Any) -> list[Any]:
            primals = signature.primals(leaves[:arity])
            out = pytree.unflatten(signature.out_spec, leaves[arity : len(leaves) - arity])
            tangents = signature.primals(leaves[len(leaves) - arity :], missing=True)
            where = f"primitive {name}, jvp"
            t = called(jvp, (tangents, out, *primals), where, "(tangents, out, *args)")  # type: ignore[arg-type]
            return signature.flat_tangent(t, where)

        def reverse(*leaves: Any) -> list[Any]:
            count = (len(leaves) - arity) // 2
            ins = leaves[count : count + arity]
            ct = pytree.unflatten(signature.out_spec, leaves[:count])
            out = pytree.unflatten(signature.out_spec, leaves[count + arity :])
            args = (ct, out, *signature.primals(ins))
            where = f"primitive {name}, vjp"
            found = called(vjp, args, where, "(ct, out, *args)")  # type: ignore[arg-type]
            return signature.flat_cotangents(found, where)

        primal = self._primal(signature)
        if self._shape is not None:
            primal.declare(lambda *ins: self._given_shape(signature, ins))
        if self._batch is not None:
            primal.batch_with(lambda flags, ins: self._given_batch(signature, flags, ins))
        return CustomOperation(
            name,
            primal,
            None if jvp is None else UserFunction(f"{name}_jvp", forward),
            None if vjp is None else UserFunction(f"{name}_vjp", reverse),
            arity,
        )

    def _given_batch(
        self, signature: Signature, flags: tuple[bool, ...], ins: Sequence[Any]
    ) -> list[Any]:
        where = f"primitive {self.__name__}, batch"
        args = (signature.primals(flags), *signature.primals(ins))
        y = called(self._batch, args, where, "(batched, *args)")  # type: ignore[arg-type]
        return signature.flat_output(y, where)

    def _given_shape(self, signature: Signature, ins: Sequence[Any]) -> list[Aval]:
        where = f"primitive {self.__name__}, shape"
        result = called(self._shape, signature.primals(ins), where, "(*args)")
        result = (result,) if isinstance(result, (int, np.integer)) else result
        if isinstance(result, tuple) and all(isinstance(n, (int, np.integer)) for n in result):
            dtypes = [aval_of(x).dtype for x in ins]
            dtype = np.result_type(*dtypes) if dtypes else np.dtype(float)
            result = Aval(tuple(map(int, result)), dtype if dtype.kind in "fc" else np.dtype(float))
        leaves = signature.flat_output(result, f"{self.__name__}, shape")
        for a in leaves or [None]:
            lengths = getattr(a, "shape", None)
            if lengths is None or not hasattr(a, "dtype") or any(n < 0 for n in lengths):
                raise WengertTypeError(
                    f"primitive {self.__name__}: shape must return the lengths of the output as a "
                    f"tuple, or arrays like the outputs; it returned {result!r}"
                )
        return [Aval(tuple(a.shape), np.dtype(a.dtype)) for a in leaves]


def _checked_partial(partial: Any, position: int, name: str) -> Function | int | None:
    """A partial derivative whose results must be numbers that fit the output."""
    where = f"primitive {name}: partial derivative {position}"
    if partial is None or (type(partial) is int and abs(partial) == 1):
        return partial
    if isinstance(partial, (int, float, complex, np.number)) and not isinstance(partial, bool):
        return lambda out, *args: partial
    if not callable(partial):
        raise WengertTypeError(
            f"{where} must be a function of (out, *args), a number, or None for an argument that "
            f"is not differentiated; got a {type(partial).__name__}"
        )

    @functools.wraps(partial, updated=())
    def checked_partial(out: Any, *args: Any) -> Any:
        value = called(partial, (out, *args), where, "(out, *args)")
        if isinstance(out, (Tensor, np.ndarray, np.generic)):  # and not a symbol of the listing
            if not is_operand(value):
                raise WengertTypeError(f"{where} returned a {type(value).__name__}, not an array")
            shape = np.shape(value)
            if len(shape) > out.ndim or any(
                n not in (1, m) for n, m in zip(shape[::-1], out.shape[::-1], strict=False)
            ):
                raise ShapeError(f"{where} has shape {shape}, its output {out.shape}")
        return value

    return checked_partial


def _pointwise_primitive(
    function: Function, partials: Sequence[Any], given_name: str | None
) -> Function:
    name = given_name or name_of(function)

    def evaluate(*xs: Any) -> Any:
        y = plain_result(function(*map(read_only, xs)), name)
        expected = np.broadcast_shapes(*map(np.shape, xs))
        if y.shape != expected:
            raise ShapeError(
                f"primitive {name}: with partials the function works on each element alone, so of "
                f"its arguments it makes an array of shape {expected}; it returned one of shape "
                f"{y.shape}. Give vjp or jvp instead"
            )
        return y

    p = Primitive(
        name,
        evaluate,
        pointwise_shape(evaluate),
        None,
        partials=tuple([_checked_partial(f, i, name) for i, f in enumerate(partials)]),
        show=lambda *operands: f"{name}({', '.join(operands)})",
        register=False,
    )
    p.batch = pointwise_batch(p)
    try:
        parameters: inspect.Signature | None = inspect.signature(function)
    except (TypeError, ValueError):
        parameters = None

    def call(*args: Any, **kwargs: Any) -> Any:
        if kwargs and parameters is not None:
            args = bound_arguments(f"primitive {name}", parameters, args, kwargs).args
        elif kwargs:
            raise unknown_parameters(f"primitive {name}")
        if len(args) != len(partials):
            raise WengertTypeError(
                f"primitive {name}: {len(partials)} partials were given, so it takes as many "
                f"arguments, not {len(args)}"
            )
        if not any(isinstance(x, Tensor) for x in args):
            return function(*args)
        for i, x in enumerate(args):
            if not is_operand(x):
                raise WengertTypeError(
                    f"primitive {name}: argument {i} is a {type(x).__name__}; with partials all "
                    "arguments are numbers or arrays. Give vjp or jvp instead"
                )
        return bind(p, args, {})

    functools.update_wrapper(call, function, updated=())
    call.__name__ = name
    if given_name:
        call.__qualname__ = name
    return call


def primitive(
    function: Function | None = None,
    vjp: Function | None = None,
    jvp: Function | None = None,
    *,
    partials: Sequence[Function | int | None] | None = None,
    shape: Function | None = None,
    batch: Function | None = None,
    name: str | None = None,
) -> Function:
    """Make any function of arrays differentiable, one of SciPy's say, by giving its derivative.

    Parameters
    ----------
    function : callable
        From arrays (or containers of them) to arrays. It is called with plain arrays only and must
        not modify them. Left out, as in ``@primitive(vjp=...)``, what is returned is a decorator.
    vjp : callable, optional
        ``(ct, out, *args) -> cotangents``: a tuple with one for each argument, None for zero; for
        one argument it may be the cotangent itself.
    jvp : callable, optional
        ``(tangents, out, *args) -> tangent`` of the output, linear in the tuple ``tangents``. Given
        alone, it serves both modes. With ``vjp`` beside it, that serves reverse mode.
    partials : sequence, optional
        For a function that works on each element alone, instead of ``vjp`` and ``jvp``: one
        function ``(out, *args) -> partial derivative`` for each argument, a number where that is
        constant, or None for an argument that is not differentiated.
    shape : callable, optional
        ``(*args) -> shape of the output`` (or arrays like the outputs); the arguments have
        ``shape`` and ``dtype`` only. Needed inside `vmap` if the function can neither be recorded
        nor be called on arbitrary numbers.
    batch : callable, optional
        ``(batched, *args) -> output`` on a whole batch, for `vmap`: ``batched`` says of each
        argument (with a container of booleans for a container) whether it has the batch as its
        first axis, as the output must have. Without it a function that cannot be recorded is
        called in a loop.
    name : str, optional
        For messages and listings; the function's by default.

    Notes
    -----
    ``primitive(f)`` alone is a function whose rules come later, argument by argument, from
    `wengert.extend.defvjp` and its kin, as in autograd. Differentiating it before raises
    `NoRuleError`.

    Of a complex cotangent a real argument takes the real part (a tangent of a real output must be
    real), and both are cast to the dtype of what they belong to. Rules may capture traced values,
    ``function`` must not, and neither may write into what it is given.

    A rule that calls only what wengert can differentiate serves derivatives of any order. Inside
    `vmap` a rule that cannot be recorded is called in a loop over the examples.

    Examples
    --------
    >>> import math, wengert as wg
    >>> gamma = wg.primitive(math.gamma, jvp=lambda ts, out, x: ts[0] * out * digamma(x))
    >>> digamma = lambda x: math.log(x) - 1 / (2 * x)  # near enough for large x
    >>> round(float(wg.grad(gamma)(10.0)) / (9 * 8 * 7 * 6 * 5 * 4 * 3 * 2), 2)
    2.25
    """
    if function is None:
        return functools.partial(
            primitive, vjp=vjp, jvp=jvp, partials=partials, shape=shape, batch=batch, name=name
        )
    if not callable(function):
        raise WengertTypeError(f"primitive: expected a function, not a {type(function).__name__}")
    given = {"vjp": vjp, "jvp": jvp, "shape": shape, "batch": batch}
    for option, value in given.items():
        if value is not None and not callable(value):
            raise WengertTypeError(
                f"primitive: {option} must be a function, not a {type(value).__name__}"
            )
    if name is not None and not isinstance(name, str):
        raise WengertTypeError(f"primitive: name must be a string, not a {type(name).__name__}")
    if partials is not None:
        if not isinstance(partials, (tuple, list)):
            raise WengertTypeError(
                "primitive: partials must be a tuple with one entry for each argument, not a "
                f"{type(partials).__name__}"
            )
        if any(value is not None for value in given.values()):
            raise WengertValueError(
                "primitive: partials need no vjp, jvp, shape or batch beside them"
            )
        return _pointwise_primitive(function, partials, name)
    if vjp is None and jvp is None:
        if shape is not None or batch is not None or name is not None:
            raise WengertValueError(
                "primitive: give a derivative: vjp, jvp or partials. For a function that is "
                "constant for derivatives use wengert.stop_gradient"
            )
        return RuledFunction(function)
    return _Primitive(function, vjp, jvp, shape, batch, name)
