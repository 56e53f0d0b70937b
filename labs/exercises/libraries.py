"""The libraries that solve the exercises: wengert, and beside it those that are installed.

Each gives the same few things in its own way. What an exercise differentiates is written once, for
any of them.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import wengert as wg
from wengert.train.compiled import compiler

__all__ = ["PEERS", "Library", "installed_peers", "wengert"]

Function = Callable[..., Any]


@dataclass(frozen=True)
class Library:
    """What an exercise asks of a library.

    Attributes
    ----------
    name : str
        As shown in tables.
    xp : module
        Its array functions, by NumPy's names.
    array : callable
        Its array from NumPy's.
    grad, hessian : callable
        Transforms of a function of one array that returns a number.
    elementwise_derivative : callable
        From a function that works element by element and the order n, its nth derivative.
    compile : callable
        Prepares a function for many calls. The function must not branch on its argument's value.
    finish : callable
        A result as it can be timed: nothing is left to be computed.
    """

    name: str
    xp: Any
    array: Callable[[np.ndarray], Any]
    grad: Callable[[Function], Function]
    hessian: Callable[[Function], Function]
    elementwise_derivative: Callable[[Function, int], Function]
    compile: Callable[[Function], Function] = lambda f: f
    finish: Callable[[Any], Any] = lambda result: result


def _repeated(transform: Callable[[Function], Function], f: Function, times: int) -> Function:
    for _ in range(times):
        f = transform(f)
    return f


wengert = Library(
    name="wengert",
    xp=np,
    array=np.asarray,
    grad=wg.grad,
    hessian=wg.hessian,
    elementwise_derivative=lambda f, order: _repeated(wg.elementwise_grad, f, order),
    compile=compiler(),
)


def _autograd() -> Library:
    import autograd
    import autograd.numpy as anp

    return Library(
        name="autograd",
        xp=anp,
        array=np.asarray,
        grad=autograd.grad,
        hessian=autograd.hessian,
        elementwise_derivative=lambda f, order: _repeated(autograd.elementwise_grad, f, order),
    )


def _pytorch() -> Library:
    import torch

    # The fastest way that PyTorch 2 has for each on small arrays; torch.func takes 3 x the time.
    def grad(f: Function) -> Function:
        def gradient(x: Any) -> Any:
            x = x.detach().requires_grad_()
            return torch.autograd.grad(f(x), x)[0]

        return gradient

    def recorded(f: Function) -> Function:
        return lambda x: torch.autograd.grad(f(x).sum(), x, create_graph=True)[0]

    def elementwise_derivative(f: Function, order: int) -> Function:
        derivative = _repeated(recorded, f, order)
        return lambda x: derivative(x.detach().requires_grad_()).detach()

    return Library(
        name="PyTorch",
        xp=torch,
        array=torch.from_numpy,
        grad=grad,
        hessian=lambda f: lambda x: torch.autograd.functional.hessian(f, x, vectorize=True),
        elementwise_derivative=elementwise_derivative,
    )


def _jax() -> Library:
    import jax
    import jax.numpy as jnp

    # The exercises are in float64, and too small for a GPU.
    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_platforms", "cpu")
    return Library(
        name="JAX",
        xp=jnp,
        array=jnp.asarray,
        grad=jax.grad,
        hessian=jax.hessian,
        elementwise_derivative=lambda f, order: _repeated(
            lambda g: jax.grad(lambda x: g(x).sum()), f, order
        ),
        compile=jax.jit,
        finish=jax.block_until_ready,
    )


# Name in the tables -> its module, and what makes the Library.
PEERS: dict[str, tuple[str, Callable[[], Library]]] = {
    "autograd": ("autograd", _autograd),
    "PyTorch": ("torch", _pytorch),
    "JAX": ("jax", _jax),
}


def installed_peers() -> dict[str, Library | None]:
    """The other libraries by name, None for those that are not installed.

    JAX is switched to float64 and to the CPU for the whole process.
    """
    found = [name for name, (module, _) in PEERS.items() if importlib.util.find_spec(module)]
    return {name: make() if name in found else None for name, (_, make) in PEERS.items()}
