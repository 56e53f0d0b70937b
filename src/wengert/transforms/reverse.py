"""Reverse mode: `vjp` and the gradients made from it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..core import algebra, pytree
from ..core.coincidence import resolved_in_debug, resolves_coincidence, resolving
from ..core.dual import derivative_of_sweep
from ..core.errors import NonFiniteError, WengertTypeError, WengertValueError
from ..core.liveness import Liveness, Scope
from ..core.state import COINCIDENCES, LOCAL, next_id
from ..core.sweep import LARGE, sweep
from ..core.tape import JOIN
from ..core.tensor import Tensor, handle
from .boundary import (
    any_tensor,
    check_argnums,
    check_function,
    chosen_argnums,
    name_of,
    seed_like,
    select_arguments,
    tracing_user,
)
from .gradient import (
    as_scalar,
    as_value,
    aux_out,
    cotangents_out,
    gradient_of,
    run_at_plain_arrays,
    value_out,
)

__all__ = [
    "elementwise_grad",
    "grad",
    "grad_and_aux",
    "holomorphic_grad",
    "value_and_grad",
    "vjp",
]

Function = Callable[..., Any]


def value_and_grad(
    function: Function,
    argnums: int | Sequence[int] = 0,
    has_aux: bool = False,
    *,
    argnum: int | Sequence[int] | None = None,
) -> Function:
    """A function that returns the value of ``function`` and its gradient.

    Parameters
    ----------
    function : callable
        Returns a real scalar; with ``has_aux``, a pair of it and anything else.
    argnums : int or sequence of int
        The positional arguments to differentiate with respect to: numbers, arrays, or containers of
        them. The others, and keyword arguments, are passed on.
    has_aux : bool
        Whether ``function`` returns auxiliary data beside the scalar.
    argnum : int or sequence of int, optional
        autograd's name for ``argnums``.

    Returns
    -------
    callable
        ``(*args, **kwargs) -> (value, gradient)``, with ``has_aux`` ``((value, aux), gradient)``.
        The gradient has the structure, shapes and dtypes of the argument; a tuple of them if
        ``argnums`` is one. For complex arguments it is ``df/dx - i df/dy``.

    Raises
    ------
    WengertTypeError
        If the value is no real scalar, or an argument is of integer dtype.
    """
    check_function("value_and_grad", function)
    argnums = chosen_argnums("value_and_grad", argnums, argnum)

    @resolves_coincidence
    @functools.wraps(function, updated=())
    def value_and_gradient(*args: Any, **kwargs: Any) -> Any:
        value, gradient, aux = gradient_of(
            "value_and_grad", function, argnums, args, kwargs, has_aux, as_scalar
        )
        return ((value, aux), gradient) if has_aux else (value, gradient)

    return value_and_gradient


def grad(
    function: Function,
    argnums: int | Sequence[int] = 0,
    *,
    argnum: int | Sequence[int] | None = None,
) -> Function:
    """A function that returns the gradient of ``function``, by reverse mode.

    See `value_and_grad` for the arguments and the errors.

    Examples
    --------
    >>> import numpy as np, wengert as wg
    >>> wg.grad(lambda x: np.sum(x**2))(np.array([1.0, 2.0]))
    array([2., 4.])
    """
    check_function("grad", function)
    argnums = chosen_argnums("grad", argnums, argnum)

    @resolves_coincidence
    @functools.wraps(function, updated=())
    def gradient(*args: Any, **kwargs: Any) -> Any:
        return gradient_of("grad", function, argnums, args, kwargs, False, as_scalar)[1]

    return gradient


@resolves_coincidence
def gradient_derivative(
    function: Function, x: Any, v: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """The derivative of the gradient in the direction ``v``: see `hvp`."""
    keep = any_tensor(x, v, *args, *kwargs.values())
    scope = Scope()
    run = None
    if not (kwargs or keep):
        run = run_at_plain_arrays("hvp", function, 0, (x, *args), as_scalar, scope)
    if run is not None:
        y, selected = run
    else:
        new_args, selected = select_arguments("hvp", function, (x, *args), (0,), scope)
        with tracing_user():
            y = as_scalar("hvp", function, function(*new_args, **kwargs))
    ((spec, ids, inputs),) = selected
    try:
        directions = [v] if spec is None else pytree.flatten_up_to(pytree.structure(x), v)
    except ValueError as error:
        raise WengertValueError(
            f"hvp of {name_of(function)}: v must have the structure of x: {error}"
        ) from None
    where = f"hvp of {name_of(function)}: v"
    seeds = {k: seed_like(t, u, lambda: where) for k, t, u in zip(ids, inputs, directions)}
    stops = frozenset(ids)
    products: dict[int, Any] = {}
    if isinstance(y, Tensor) and y._n is not None:
        plain = derivative_of_sweep(y._n, algebra.ones_like(y), seeds)
        products = _recorded_twice(y, y._n, stops, seeds) if plain is None else plain
    scope.active = False
    return cotangents_out(selected, products, True, Liveness(), keep)


def _recorded_twice(
    y: Tensor, root: Any, stops: frozenset[int], seeds: dict[int, Any]
) -> dict[int, Any]:
    """The derivative of ``<gradient, v>``, by sweeping the recorded sweep."""
    gradient = sweep(root, algebra.ones_like(y), stops, create_graph=True)[0]
    tracked = [k for k in gradient if gradient[k]._n is not None]
    if not tracked:
        return {}
    roots = tuple([gradient[k]._n for k in tracked])
    root = [next_id(), JOIN, roots, None, None, None, None, None, 0, None]
    return sweep(root, [seeds[k] for k in tracked], stops)[0]


def grad_and_aux(
    function: Function,
    argnums: int | Sequence[int] = 0,
    *,
    argnum: int | Sequence[int] | None = None,
) -> Function:
    """A function returning ``(gradient, aux)`` for a ``function`` returning ``(value, aux)``."""
    argnums = chosen_argnums("grad_and_aux", argnums, argnum)
    check_function("grad_and_aux", function)

    @resolves_coincidence
    @functools.wraps(function, updated=())
    def gradient_and_aux(*args: Any, **kwargs: Any) -> Any:
        _, gradient, aux = gradient_of(
            "grad_and_aux", function, argnums, args, kwargs, True, as_scalar
        )
        return gradient, aux

    return gradient_and_aux


def elementwise_grad(
    function: Function,
    argnums: int | Sequence[int] = 0,
    *,
    argnum: int | Sequence[int] | None = None,
) -> Function:
    """The gradient of the sum of the output.

    For a function that works on each element alone this is its derivative at every element, in an
    array of the argument's shape.
    """
    check_function("elementwise_grad", function)
    argnums = chosen_argnums("elementwise_grad", argnums, argnum)

    @resolves_coincidence
    @functools.wraps(function, updated=())
    def elementwise(*args: Any, **kwargs: Any) -> Any:
        return gradient_of("elementwise_grad", function, argnums, args, kwargs, False, _as_array)[1]

    return elementwise


def _as_array(transform: str, function: Function, y: Any) -> Any:
    """The output of a function of which each element is to be differentiated."""
    if not isinstance(y, (Tensor, np.ndarray, np.generic, float, int)):
        raise WengertTypeError(
            f"{transform} of {name_of(function)}: the function returned a {type(y).__name__}; it "
            "must return an array"
        )
    y = as_value(y)
    if y.dtype.kind != "f":
        raise WengertTypeError(
            f"{transform} of {name_of(function)}: the function returned dtype {y.dtype}; it must "
            "return real floats"
        )
    return y


def holomorphic_grad(
    function: Function,
    argnums: int | Sequence[int] = 0,
    *,
    argnum: int | Sequence[int] | None = None,
) -> Function:
    """The complex derivative of a holomorphic scalar function."""
    check_function("holomorphic_grad", function)
    argnums = chosen_argnums("holomorphic_grad", argnums, argnum)

    @resolves_coincidence
    @functools.wraps(function, updated=())
    def gradient(*args: Any, **kwargs: Any) -> Any:
        positions, _ = check_argnums("holomorphic_grad", argnums, len(args))
        for i in positions:
            for leaf in pytree.leaves(args[i]):
                if not np.issubdtype(getattr(leaf, "dtype", type(leaf)), np.complexfloating):
                    raise WengertTypeError(
                        f"holomorphic_grad of {name_of(function)}: argument {i} must be "
                        f"complex, not {getattr(leaf, 'dtype', type(leaf).__name__)}; cast it "
                        "with .astype(complex)"
                    )
        return gradient_of("holomorphic_grad", function, argnums, args, kwargs, False, as_scalar)[1]

    return gradient


def _own_copy(x: Any) -> Any:
    return x.copy() if isinstance(x, np.ndarray) else x


def vjp(
    function: Function, /, *primals: Any, has_aux: bool = False, **kwargs: Any
) -> tuple[Any, ...]:
    """The value of ``function`` and its pullback, from cotangents of the output to the inputs'.

    Parameters
    ----------
    function : callable
        From containers of arrays to a container of arrays.
    *primals : arrays or containers
        Where to evaluate; all are differentiated.
    has_aux : bool
        Whether ``function`` returns a pair ``(output, aux)``.
    **kwargs :
        Keyword arguments of ``function``; they are not differentiated. Bind one that is called
        ``has_aux`` with `functools.partial`.

    Returns
    -------
    value : as returned by ``function``
    pullback : callable
        ``cotangent -> tuple of cotangents``, one for each primal. Can be called again.
    aux
        Only with ``has_aux``.

    Notes
    -----
    Primals are copied, so the pullback stays right when they are changed afterwards. A complex
    cotangent of a real output is refused, as in JAX (autograd multiplies with it); where a function
    is complex inside, its real primals take the real part of what arrives.
    """
    check_function("vjp", function)
    keep = any_tensor(*primals, *kwargs.values())
    scope = Scope()
    new_args, selected = select_arguments(
        "vjp", function, primals, tuple(range(len(primals))), scope
    )
    aux = None
    before = COINCIDENCES[0]
    with tracing_user():
        y = function(*new_args, **kwargs)
        if has_aux:
            if not isinstance(y, tuple) or len(y) != 2:
                raise WengertTypeError(
                    f"vjp of {name_of(function)}: with has_aux the function must return a pair"
                )
            y, aux = y
        outs, spec = pytree.flatten(y)
        outs = [as_value(o) for o in outs]
    met = COINCIDENCES[0] != before and not LOCAL.depth
    if met:
        primals = pytree.map(_own_copy, primals)
    stops = frozenset(k for _, ids, _ in selected for k in ids)
    scope.active = False
    roots = tuple([o._n if isinstance(o, Tensor) else None for o in outs])
    avals = [handle(o._a, None, None) if isinstance(o, Tensor) else o for o in outs]
    root = [next_id(), JOIN, roots, None, None, None, None, None, 0, None]
    large = any(t.size >= LARGE for _, _, inputs in selected for t in inputs)

    def pullback(cotangent: Any) -> Any:
        try:
            cts = pytree.flatten_up_to(spec, cotangent)
        except ValueError as error:
            raise WengertValueError(
                f"pullback of {name_of(function)}: the cotangent must have the structure of the "
                f"output, {spec}: {error}"
            ) from None
        seeds = [
            seed_like(o, c, lambda: f"pullback of {name_of(function)}: cotangent")
            for o, c in zip(avals, cts, strict=True)
        ]

        def swept() -> Any:
            cotangents = sweep(root, seeds, stops, large=large)[0]
            return cotangents_out(
                selected, cotangents, False, Liveness(), keep or any_tensor(cotangent)
            )

        def again() -> Any:
            return vjp(function, *primals, has_aux=has_aux, **kwargs)[1](cotangent)

        try:
            results = swept()
        except NonFiniteError:
            if not met:
                raise
            return resolved_in_debug(swept, again)
        return resolving(results, again) if met else results

    liveness = Liveness()
    value = pytree.unflatten(spec, [value_out(o, liveness, keep) for o in outs])
    if has_aux:
        aux = pytree.map(lambda t: aux_out(t, liveness, keep), aux)
        return value, pullback, aux
    return value, pullback
