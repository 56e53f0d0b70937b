"""Reverse mode: `vjp` and the gradients made from it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..core import algebra, pytree
from ..core.abstract import Aval
from ..core.bind import refresh
from ..core.coincidence import resolved_in_debug, resolves_coincidence, resolving
from ..core.dual import derivative_of_sweep
from ..core.errors import NonFiniteError, WengertTypeError, WengertValueError
from ..core.liveness import Liveness, Scope
from ..core.refusals import not_numbers
from ..core.state import COINCIDENCES, LOCAL, next_id
from ..core.sweep import LARGE, sweep
from ..core.tape import JOIN
from ..core.tensor import FastTensor, Tensor, handle
from .boundary import (
    any_tensor,
    check_argnums,
    check_function,
    chosen_argnums,
    name_of,
    rebuilt,
    release,
    release_all,
    seed_like,
    select_arguments,
    tracing_user,
)

__all__ = [
    "elementwise_grad",
    "grad",
    "grad_and_aux",
    "holomorphic_grad",
    "value_and_grad",
    "vjp",
]

# Global names: looking them up in NumPy's module is slow (docs/design/core.md).
ndarray = np.ndarray

Function = Callable[..., Any]


def _value_tensor(y: Any) -> Any:
    """An output as the transforms see it: a refreshed Tensor, or a plain array."""
    if isinstance(y, Tensor):
        refresh(y)
        return y
    if isinstance(y, (np.ndarray, np.generic)):
        return y
    return np.asarray(y)[()]


def _value_out(y: Any, liveness: Liveness, keep: bool) -> Any:
    """The function's value for the caller, without the nodes of the transform that has ended."""
    return release(liveness.strip(y), keep) if isinstance(y, Tensor) else y


def _cotangents_out(
    selected: list[Any], cotangents: dict[int, Any], single: bool, liveness: Liveness, keep: bool
) -> Any:
    """The cotangents in the structure of the arguments, each in its argument's dtype."""
    trees = []
    for spec, ids, inputs in selected:
        leaves = []
        for k, t in zip(ids, inputs):
            g = cotangents.pop(k, None)
            if g is None:
                g = algebra.zeros_like(t)
            elif g.dtype is not t.dtype:
                g = algebra.cast_like(g, t.dtype)
            leaves.append(liveness.strip(g) if isinstance(g, Tensor) else g)
            del g  # a leaf must not be held here while it is asked whether anybody else holds it
        out = release_all(leaves, keep)
        trees.append(rebuilt(spec, out))
    return trees[0] if single else tuple(trees)


def _check_scalar(transform: str, function: Function, y: Any, holomorphic: bool = False) -> Any:
    try:
        if type(y) is FastTensor and y._a.ndim == 0 and y._a.dtype.kind == "f":
            return y
    except AttributeError:  # the sum of an array of Python objects is whatever they add up to
        raise not_numbers(f"{transform} of {name_of(function)}", np.dtype(object)) from None
    name = f"{transform} of {name_of(function)}"
    if not isinstance(y, (Tensor, np.ndarray, np.generic, float, int, complex)):
        raise WengertTypeError(
            f"{name}: the function returned a {type(y).__name__}; it must return one scalar. To "
            "return more, use grad_and_aux or vjp"
        )
    y = _value_tensor(y)
    if y.size != 1:
        raise WengertTypeError(
            f"{name}: the function returned an array of shape {y.shape}; a gradient is defined for "
            "a scalar. Sum it, or use wengert.jacobian, wengert.elementwise_grad or wengert.vjp"
        )
    if y.dtype.kind == "c" and not holomorphic:
        raise WengertTypeError(
            f"{name}: the function returned a complex number; take np.real of it, or use "
            "wengert.holomorphic_grad"
        )
    if y.dtype.kind not in "fc":
        if y.dtype.kind not in "biu":
            raise not_numbers(name, y.dtype)
        raise WengertTypeError(
            f"{name}: the function returned a value of dtype {y.dtype}, whose derivative is zero "
            "or undefined; return a float"
        )
    return y


def _gradient(
    transform: str,
    function: Function,
    argnums: int | Sequence[int],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    has_aux: bool,
    check: Callable[[Any], Any],
) -> tuple[Any, Any, Any]:
    positions, single = check_argnums(transform, argnums, len(args))
    keep = any_tensor(*args, *kwargs.values()) if kwargs else any_tensor(*args)
    scope = Scope()
    new_args, selected = select_arguments(transform, function, args, positions, scope)
    aux = None
    with tracing_user():
        y = function(*new_args, **kwargs)
        if has_aux:
            if not isinstance(y, tuple) or len(y) != 2:
                raise WengertTypeError(
                    f"{transform} of {name_of(function)}: the function must return a pair "
                    "(value, auxiliary data)"
                )
            y, aux = y
        y = check(y)
    del new_args
    large = _forget_values(selected)
    stops = frozenset([k for _, ids, _ in selected for k in ids])
    cotangents: dict[int, Any] = {}
    if isinstance(y, Tensor) and y._n is not None:
        seed = algebra.ones_like(y)
        cotangents, _, _, outer = sweep(y._n, seed, stops, large=large)
        if not outer and type(y) is FastTensor:  # nothing of an outer transform was met
            y = handle(y._a, None, None) if keep or type(y._a) is ndarray else y._a
    scope.active = False
    liveness = Liveness()
    value = _value_out(y, liveness, keep)
    if has_aux:
        aux = pytree.map(lambda t: _aux_out(t, liveness, keep), aux)
    return value, _cotangents_out(selected, cotangents, single, liveness, keep), aux


def _forget_values(selected: list[Any]) -> bool:
    """Keep shapes and dtypes of the inputs alone: what no node has saved is freed for the sweep.

    Returns whether one of them is large.
    """
    large = False
    for _, _, inputs in selected:
        for i, t in enumerate(inputs):
            if type(t) is FastTensor and type(t._a) is ndarray:
                if t._a.size >= LARGE:
                    large = True
                inputs[i] = Aval(t._a.shape, t._a.dtype)
    return large


def _aux_out(t: Any, liveness: Liveness, keep: bool) -> Any:
    """An auxiliary output, without the nodes of the transform that has ended."""
    if isinstance(t, Tensor):
        refresh(t)
    return _value_out(t, liveness, keep)


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
        value, gradient, aux = _gradient(
            "value_and_grad", function, argnums, args, kwargs, has_aux,
            lambda y: _check_scalar("value_and_grad", function, y),
        )  # fmt: skip
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
        return _gradient(
            "grad", function, argnums, args, kwargs, False,
            lambda y: _check_scalar("grad", function, y),
        )[1]  # fmt: skip

    return gradient


@resolves_coincidence
def gradient_derivative(
    function: Function, x: Any, v: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """The derivative of the gradient in the direction ``v``: see `hvp`."""
    keep = any_tensor(x, v, *args, *kwargs.values())
    scope = Scope()
    new_args, selected = select_arguments("hvp", function, (x, *args), (0,), scope)
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
    with tracing_user():
        y = _check_scalar("hvp", function, function(*new_args, **kwargs))
    products: dict[int, Any] = {}
    if isinstance(y, Tensor) and y._n is not None:
        plain = derivative_of_sweep(y._n, algebra.ones_like(y), seeds)
        products = _recorded_twice(y, y._n, stops, seeds) if plain is None else plain
    scope.active = False
    return _cotangents_out(selected, products, True, Liveness(), keep)


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
        _, gradient, aux = _gradient(
            "grad_and_aux", function, argnums, args, kwargs, True,
            lambda y: _check_scalar("grad_and_aux", function, y),
        )  # fmt: skip
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
        return _gradient(
            "elementwise_grad", function, argnums, args, kwargs, False, _check_elementwise
        )[1]

    def _check_elementwise(y: Any) -> Any:
        if not isinstance(y, (Tensor, np.ndarray, np.generic, float, int)):
            raise WengertTypeError(
                f"elementwise_grad of {name_of(function)}: the function returned a "
                f"{type(y).__name__}; it must return an array"
            )
        y = _value_tensor(y)
        if y.dtype.kind != "f":
            raise WengertTypeError(
                f"elementwise_grad of {name_of(function)}: the function returned dtype {y.dtype}; "
                "it must return real floats"
            )
        return y

    return elementwise


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
        return _gradient(
            "holomorphic_grad", function, argnums, args, kwargs, False,
            lambda y: _check_scalar("holomorphic_grad", function, y, True),
        )[1]  # fmt: skip

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
        outs = [_value_tensor(o) for o in outs]
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
            return _cotangents_out(
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
    value = pytree.unflatten(spec, [_value_out(o, liveness, keep) for o in outs])
    if has_aux:
        aux = pytree.map(lambda t: _aux_out(t, liveness, keep), aux)
        return value, pullback, aux
    return value, pullback
