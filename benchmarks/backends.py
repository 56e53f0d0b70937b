"""One way to write a program for every library, each in its own best idiom underneath.

A program asks a `Backend` for array functions by NumPy's names, for the few that libraries have
built in (``cross_entropy``, ``layer_norm``, ``conv2d``), and for transforms. Images have their
channels last in all but PyTorch, which has its own layout; `images` and `kernel` convert.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

__all__ = ["BACKENDS", "Backend"]

Function = Callable[..., Any]
_NAMES = (
    "abs arange arctan2 concatenate cos cosh cumsum exp expm1 eye linalg log log1p logaddexp "
    "matmul maximum mean minimum ones reshape sin sinh sqrt square stack sum tanh transpose "
    "trace where zeros"
).split()


class Backend:
    """NumPy's functions from a module, and what they make up."""

    def __init__(self, module: Any) -> None:
        for name in _NAMES:
            setattr(self, name, getattr(module, name))
        self.xp = module

    # ---------------------------------------------------------------- data

    def array(self, a: Any) -> Any:
        """An array of the library's; what may be updated in place is a copy."""
        return np.array(a)

    def images(self, x: Any) -> Any:
        """Images (n, height, width, channels) as the library has them."""
        return self.array(x)

    def kernel(self, k: Any) -> Any:
        """A kernel (height, width, inputs, outputs) as the library has it."""
        return self.array(k)

    def finish(self, result: Any) -> Any:
        """Wait until a result is there."""
        return result

    # ---------------------------------------------------------------- transforms

    def compile(self, f: Function, donate: Sequence[int] = ()) -> Function:
        """The function, prepared for many calls."""
        return f

    def value_and_grad(self, f: Function) -> Function:
        """Of a function of a list of parameters and data."""
        raise NotImplementedError

    def grad(self, f: Function) -> Function:
        """Of a function of one array and data."""
        raise NotImplementedError

    def hessian(self, f: Function) -> Function:
        """Of a function of one array."""
        raise NotImplementedError

    def derivative(self, f: Function, order: int) -> Function:
        """The derivative of this order of an elementwise function."""
        raise NotImplementedError

    def vmap(self, f: Function) -> Function:
        """Over the first axis of every argument but the first."""
        raise NotImplementedError

    # ---------------------------------------------------------------- functions

    def max(self, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        """Largest elements."""
        return self.xp.max(x, axis=axis, keepdims=keepdims)

    def sigmoid(self, x: Any) -> Any:
        """The logistic function."""
        return 1 / (1 + self.exp(-x))

    def relu(self, x: Any) -> Any:
        """max(x, 0)."""
        return self.maximum(x, 0)

    def gelu(self, x: Any) -> Any:
        """By the tangent hyperbolic."""
        return 0.5 * x * (1 + self.tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)))

    def softplus(self, x: Any) -> Any:
        """log(1 + exp(x))."""
        return self.logaddexp(x, 0 * x)

    def softmax(self, x: Any) -> Any:
        """Along the last axis."""
        e = self.exp(x - self.max(x, -1, True))
        return e / self.sum(e, axis=-1, keepdims=True)

    def pick(self, x: Any, labels: Any) -> Any:
        """One element of each row."""
        return x[np.arange(len(labels)), labels]

    def cross_entropy(self, logits: Any, labels: Any) -> Any:
        """The mean over rows, from logits."""
        z = logits - self.max(logits, -1, True)
        return self.mean(self.log(self.sum(self.exp(z), axis=-1)) - self.pick(z, labels))

    def layer_norm(self, x: Any, g: Any, b: Any, eps: float = 1e-5) -> Any:
        """Over the last axis."""
        d = x - self.mean(x, axis=-1, keepdims=True)
        return d / self.sqrt(self.mean(d * d, axis=-1, keepdims=True) + eps) * g + b

    def swap(self, x: Any) -> Any:
        """Exchange the last two axes."""
        return self.xp.swapaxes(x, -1, -2)

    def conv2d(self, x: Any, k: Any) -> Any:
        """Same padding, stride 1."""
        raise NotImplementedError

    def max_pool(self, x: Any) -> Any:
        """The largest of 2 x 2."""
        raise NotImplementedError

    def channels(self, bias: Any) -> Any:
        """A number for each channel, to be added to images."""
        return bias

    def flat(self, x: Any) -> Any:
        """Images as rows, in the order of height, width, channels."""
        return x.reshape(x.shape[0], -1)

    # ---------------------------------------------------------------- descent

    def descent(
        self,
        loss: Function,
        start: Sequence[Any],
        data: Sequence[Any],
        rate: float,
        momentum: float = 0.0,
    ) -> Callable[[], Any]:
        """A training step on parameters that it keeps; returns the loss before it.

        ``loss(backend, parameters, *data)``.
        """
        with_gradient = self.value_and_grad(lambda p, *data: loss(self, p, *data))

        def update(p: Any, v: Any, *data: Any) -> Any:
            value, g = with_gradient(p, *data)
            if momentum:
                v = [momentum * a + b for a, b in zip(v, g, strict=True)]
                g = v
            return value, [a - rate * b for a, b in zip(p, g, strict=True)], v

        compiled = self.compile(update, (0, 1))
        state = [list(start), [a * 0 for a in start] if momentum else []]

        def step() -> Any:
            value, state[0], state[1] = compiled(*state, *data)
            return self.finish(value)

        return step


class Wengert(Backend):
    """wengert: plain NumPy functions."""

    is_compiled = True

    def __init__(self) -> None:
        import wengert as wg
        from wengert import nn, operations

        super().__init__(np)
        self._wg, self._operations = wg, operations
        self.sigmoid, self.relu = nn.sigmoid, nn.relu  # type: ignore[method-assign]
        self.gelu, self.softplus = nn.gelu, nn.softplus  # type: ignore[method-assign]
        self.hessian, self.grad = wg.hessian, wg.grad  # type: ignore[method-assign]
        self.value_and_grad = wg.value_and_grad  # type: ignore[method-assign]

    def compile(self, f: Function, donate: Sequence[int] = ()) -> Function:
        return self._wg.jit(f, donate_argnums=donate) if self.is_compiled else f

    def derivative(self, f: Function, order: int) -> Function:
        for _ in range(order):
            f = self._wg.elementwise_grad(f)
        return f

    def vmap(self, f: Function) -> Function:
        def batched(first: Any, *rest: Any) -> Any:
            return self._wg.vmap(lambda *xs: f(first, *xs))(*rest)

        return batched

    def conv2d(self, x: Any, k: Any) -> Any:
        return self._operations.conv2d(x, k, padding="same")

    def max_pool(self, x: Any) -> Any:
        return self._operations.max_pool2d(x, 2)


class WengertEager(Wengert):
    """wengert without jit."""

    is_compiled = False


class Autograd(Backend):
    """HIPS autograd."""

    def __init__(self) -> None:
        import autograd
        import autograd.numpy as anp

        super().__init__(anp)
        self.grad, self.hessian = autograd.grad, autograd.hessian  # type: ignore[method-assign]
        self.value_and_grad = autograd.value_and_grad  # type: ignore[method-assign]
        self._elementwise = autograd.elementwise_grad

    def derivative(self, f: Function, order: int) -> Function:
        for _ in range(order):
            f = self._elementwise(f)
        return f


class Jax(Backend):
    """JAX with jit."""

    def __init__(self) -> None:
        import jax
        import jax.numpy as jnp

        super().__init__(jnp)
        self._jax = jax
        self.grad, self.hessian = jax.grad, jax.hessian  # type: ignore[method-assign]
        self.value_and_grad = jax.value_and_grad  # type: ignore[method-assign]
        self.sigmoid, self.relu = jax.nn.sigmoid, jax.nn.relu  # type: ignore[method-assign]
        self.softmax = jax.nn.softmax  # type: ignore[method-assign]

    def array(self, a: Any) -> Any:
        return self.xp.asarray(a)

    def finish(self, result: Any) -> Any:
        return self._jax.block_until_ready(result)

    def compile(self, f: Function, donate: Sequence[int] = ()) -> Function:
        return self._jax.jit(f, donate_argnums=tuple(donate))  # type: ignore[no-any-return]

    def derivative(self, f: Function, order: int) -> Function:
        for _ in range(order):
            f = self._jax.grad(lambda x, f=f: self.xp.sum(f(x)))
        return f

    def vmap(self, f: Function) -> Function:
        def batched(first: Any, *rest: Any) -> Any:
            return self._jax.vmap(lambda *xs: f(first, *xs))(*rest)

        return batched

    def cross_entropy(self, logits: Any, labels: Any) -> Any:
        picked = self.pick(logits, labels)
        return self.mean(self._jax.nn.logsumexp(logits, axis=-1) - picked)

    def conv2d(self, x: Any, k: Any) -> Any:
        layout = ("NHWC", "HWIO", "NHWC")
        return self._jax.lax.conv_general_dilated(x, k, (1, 1), "SAME", dimension_numbers=layout)

    def max_pool(self, x: Any) -> Any:
        window = (1, 2, 2, 1)
        lowest = -np.inf
        return self._jax.lax.reduce_window(x, lowest, self._jax.lax.max, window, window, "VALID")


class Torch(Backend):
    """PyTorch, eager."""

    def __init__(self) -> None:
        import torch

        self.xp = torch
        self._f = torch.nn.functional
        for name in _NAMES:
            if hasattr(torch, name):
                setattr(self, name, getattr(torch, name))
        self.concatenate, self.swap = torch.cat, lambda x: x.mT
        self.sigmoid, self.relu = torch.sigmoid, torch.relu  # type: ignore[method-assign]
        self.softplus = self._f.softplus  # type: ignore[method-assign]
        self.cross_entropy = self._f.cross_entropy  # type: ignore[method-assign]

    def maximum(self, x: Any, y: Any) -> Any:
        """With a number, too."""
        return self.xp.clamp(x, min=y) if isinstance(y, (int, float)) else self.xp.maximum(x, y)

    def max(self, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        return self.xp.amax(x, dim=axis, keepdim=keepdims)

    def array(self, a: Any) -> Any:
        return self.xp.tensor(np.asarray(a))

    def images(self, x: Any) -> Any:
        return self.array(np.ascontiguousarray(np.moveaxis(x, -1, 1)))

    def kernel(self, k: Any) -> Any:
        return self.array(np.ascontiguousarray(np.transpose(k, (3, 2, 0, 1))))

    def gelu(self, x: Any) -> Any:
        return self._f.gelu(x, approximate="tanh")

    def softmax(self, x: Any) -> Any:
        return self.xp.softmax(x, dim=-1)

    def layer_norm(self, x: Any, g: Any, b: Any, eps: float = 1e-5) -> Any:
        return self._f.layer_norm(x, x.shape[-1:], g, b, eps)

    def conv2d(self, x: Any, k: Any) -> Any:
        return self._f.conv2d(x, k, padding="same")

    def max_pool(self, x: Any) -> Any:
        return self._f.max_pool2d(x, 2)

    def channels(self, bias: Any) -> Any:
        return bias[:, None, None]

    def flat(self, x: Any) -> Any:
        return x.permute(0, 2, 3, 1).reshape(x.shape[0], -1)

    def value_and_grad(self, f: Function) -> Function:
        def run(p: Any, *data: Any) -> Any:
            p = [a.detach().requires_grad_() for a in p]
            value = f(p, *data)
            return value.detach(), self.xp.autograd.grad(value, p)

        return run

    def grad(self, f: Function) -> Function:
        def run(x: Any, *data: Any) -> Any:
            x = x.detach().requires_grad_()
            return self.xp.autograd.grad(f(x, *data), x)[0]

        return run

    def hessian(self, f: Function) -> Function:
        return self.xp.func.hessian(f)  # type: ignore[no-any-return]

    def derivative(self, f: Function, order: int) -> Function:
        def recorded(f: Function) -> Function:
            return lambda x: self.xp.autograd.grad(f(x).sum(), x, create_graph=True)[0]

        for _ in range(order):
            f = recorded(f)
        return lambda x: f(x.detach().requires_grad_()).detach()

    def vmap(self, f: Function) -> Function:
        def batched(first: Any, *rest: Any) -> Any:
            return self.xp.func.vmap(lambda *xs: f(first, *xs))(*rest)

        return batched

    def descent(
        self,
        loss: Function,
        start: Sequence[Any],
        data: Sequence[Any],
        rate: float,
        momentum: float = 0.0,
    ) -> Callable[[], Any]:
        torch = self.xp
        p = [a.clone().requires_grad_() for a in start]
        v = [torch.zeros_like(a) for a in start]
        forward = self.compile(lambda p, *data: loss(self, p, *data))

        def step() -> Any:
            value = forward(p, *data)
            g = torch.autograd.grad(value, p)
            with torch.no_grad():
                if momentum:
                    torch._foreach_mul_(v, momentum)
                    torch._foreach_add_(v, g)
                    g = v
                torch._foreach_add_(p, g, alpha=-rate)
            return value.detach()

        return step


class TorchCompiled(Torch):
    """PyTorch with torch.compile."""

    def compile(self, f: Function, donate: Sequence[int] = ()) -> Function:
        return self.xp.compile(f)  # type: ignore[no-any-return]


# Name in the tables -> what a program is written for, and the library that it needs.
BACKENDS: dict[str, tuple[type[Backend], str]] = {
    "wengert": (Wengert, "wengert"),
    "wengert eager": (WengertEager, "wengert"),
    "autograd": (Autograd, "autograd"),
    "jax": (Jax, "jax"),
    "pytorch": (Torch, "torch"),
    "torch.compile": (TorchCompiled, "torch"),
}
