"""The libraries, each behind the same functions: value and gradient, jvp, Hessian product."""

from __future__ import annotations

import importlib.metadata
import importlib.util
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Arrays = list[np.ndarray]
# Takes a namespace, returns the function of the inputs.
Build = Callable[[Any], Callable[..., Any]]


class UnsupportedError(Exception):
    """The library has no such function, or no derivative for it."""


class NumpyLike:
    """A NumPy-like module, with the few things that libraries spell differently."""

    def __init__(self, module: Any) -> None:
        self._module = module

    def __getattr__(self, name: str) -> Any:
        try:
            return getattr(self._module, name)
        except AttributeError:
            raise UnsupportedError(name) from None

    def constant(self, array: np.ndarray) -> Any:
        """A constant of the library."""
        return array

    def set_item(self, x: Any, index: Any, value: Any) -> Any:
        """A copy of ``x`` with ``x[index] = value``."""
        result = self._module.copy(x)
        result[index] = value
        return result

    def add_item(self, x: Any, index: Any, value: Any) -> Any:
        """A copy of ``x`` with ``x[index] += value``, through a view."""
        result = self._module.copy(x)
        view = result[index]
        view += value
        return result

    def write(self, x: Any, index: Any, value: Any, how: str, transposed: bool = False) -> Any:
        """A copy of ``x`` written to; ``transposed``: through its transpose."""
        result = self._module.copy(x)
        if transposed:
            target, index = result.T, tuple(reversed(index))
        else:
            target = result
        if how == "set":
            target[index] = value
        elif how == "add":
            np.add.at(target, index, value)
        else:
            target[index] *= value
        return result

    def fourier(self, name: str, x: Any, axis: int) -> Any:
        """A transform along an axis."""
        return getattr(self._module.fft, name)(x, axis=axis)


class Library(ABC):
    """One library: how it evaluates and differentiates."""

    name: str
    module: str

    @classmethod
    def installed(cls) -> bool:
        """Whether it can be imported."""
        return importlib.util.find_spec(cls.module) is not None

    @classmethod
    def version(cls) -> str:
        """Its version."""
        return importlib.metadata.version(cls.module)

    @abstractmethod
    def value_and_gradient(self, build: Build, inputs: Arrays) -> tuple[np.ndarray, Arrays]:
        """The value and the gradient with respect to every input, by reverse mode."""

    @abstractmethod
    def jvp(self, build: Build, inputs: Arrays, tangents: Arrays) -> np.ndarray:
        """The derivative along the tangents, by forward mode."""

    @abstractmethod
    def hvp(self, build: Build, inputs: Arrays, tangents: Arrays) -> Arrays:
        """The Hessian times the tangents."""


class Wengert(Library):
    """This library, on plain ``import numpy as np`` code."""

    name, module = "wengert", "wengert"

    def __init__(self) -> None:
        import wengert

        self.wg = wengert
        self.xp = NumpyLike(np)

    def _gradient(self, build: Build, inputs: Sequence[Any]) -> Any:
        return self.wg.value_and_grad(build(self.xp), argnums=tuple(range(len(inputs))))

    def value_and_gradient(self, build: Build, inputs: Arrays) -> tuple[np.ndarray, Arrays]:
        value, gradients = self._gradient(build, inputs)(*inputs)
        return value, list(gradients)

    def jvp(self, build: Build, inputs: Arrays, tangents: Arrays) -> np.ndarray:
        return self.wg.jvp(build(self.xp), tuple(inputs), tuple(tangents))[1]

    def hvp(self, build: Build, inputs: Arrays, tangents: Arrays) -> Arrays:
        gradient = self.wg.grad(build(self.xp), argnums=tuple(range(len(inputs))))
        return list(self.wg.jvp(gradient, tuple(inputs), tuple(tangents))[1])


class WengertReverse(Wengert):
    """This library again: the drop-in namespace, Tensors with backward(), reverse over reverse."""

    name = "wengert (Tensor, reverse over reverse)"

    def __init__(self) -> None:
        super().__init__()
        import wengert.numpy

        self.xp = NumpyLike(wengert.numpy)

    def value_and_gradient(self, build: Build, inputs: Arrays) -> tuple[np.ndarray, Arrays]:
        tensors = [self.wg.Tensor(x, requires_grad=True) for x in inputs]
        value = build(self.xp)(*tensors)
        value.backward()
        return value.array, [tensor.grad for tensor in tensors]

    def hvp(self, build: Build, inputs: Arrays, tangents: Arrays) -> Arrays:
        gradient = self.wg.grad(build(self.xp), argnums=tuple(range(len(inputs))))
        _, pullback = self.wg.vjp(gradient, *inputs)
        return list(pullback(tuple(tangents)))


class Autograd(Library):
    """HIPS autograd."""

    name, module = "autograd", "autograd"

    def __init__(self) -> None:
        import autograd
        import autograd.numpy

        self.autograd = autograd
        self.xp = _AutogradNumpy(autograd.numpy)

    def _flat(self, build: Build, inputs: Arrays) -> Any:
        """The function of one vector: autograd's forward mode knows no containers."""
        function = build(self.xp)
        ends = np.cumsum([x.size for x in inputs])

        def flat(vector: Any) -> Any:
            parts = [
                self.xp.reshape(vector[end - x.size : end], x.shape) for x, end in zip(inputs, ends)
            ]
            return function(*parts)

        return flat

    def _split(self, vector: np.ndarray, inputs: Arrays) -> Arrays:
        parts = np.split(vector, np.cumsum([x.size for x in inputs])[:-1])
        return [part.reshape(x.shape) for part, x in zip(parts, inputs)]

    def _run(self, compute: Callable[[], Any]) -> Any:
        # Besides missing derivatives (NotImplementedError) autograd 1.8 and 1.9 have rules that
        # fail with other errors, for example NameError in that of exp2. Wrong numbers would still
        # be found.
        try:
            return compute()
        except UnsupportedError:
            raise
        except Exception as error:
            raise UnsupportedError(f"{type(error).__name__}: {error}") from error

    def value_and_gradient(self, build: Build, inputs: Arrays) -> tuple[np.ndarray, Arrays]:
        flat = self._flat(build, inputs)
        value, gradient = self._run(lambda: self.autograd.value_and_grad(flat)(_joined(inputs)))
        return value, self._split(gradient, inputs)

    def jvp(self, build: Build, inputs: Arrays, tangents: Arrays) -> np.ndarray:
        flat = self._flat(build, inputs)
        product = self.autograd.make_jvp(flat)
        return self._run(lambda: product(_joined(inputs))(_joined(tangents))[1])

    def hvp(self, build: Build, inputs: Arrays, tangents: Arrays) -> Arrays:
        product = self.autograd.hessian_vector_product(self._flat(build, inputs))
        return self._split(self._run(lambda: product(_joined(inputs), _joined(tangents))), inputs)


def _joined(arrays: Arrays) -> np.ndarray:
    return np.concatenate([array.ravel() for array in arrays])


class _AutogradNumpy(NumpyLike):
    """Refuses what autograd 1.9.1 gets wrong without an error: JAX and PyTorch agree on these."""

    def sort(self, x: Any, axis: int) -> Any:
        raise UnsupportedError("the jvp of sort is wrong")

    def where(self, condition: Any, x: Any, y: Any) -> Any:
        if len({np.shape(condition), np.shape(x), np.shape(y)}) > 1:
            raise UnsupportedError("the derivative of where with broadcasting is wrong")
        return self._module.where(condition, x, y)

    def trace(self, x: Any) -> Any:
        if x.shape[0] != x.shape[1]:
            raise UnsupportedError("the derivative of a trace that is not square is wrong")
        return self._module.trace(x)

    def set_item(self, x: Any, index: Any, value: Any) -> Any:
        raise UnsupportedError("item assignment")

    add_item = set_item

    def write(self, x: Any, index: Any, value: Any, how: str, transposed: bool = False) -> Any:
        raise UnsupportedError("item assignment")

    def fourier(self, name: str, x: Any, axis: int) -> Any:
        return getattr(self._module.fft, name)(x, None, axis)


class Jax(Library):
    """JAX in double precision."""

    name, module = "JAX", "jax"

    def __init__(self) -> None:
        import jax
        import jax.numpy

        jax.config.update("jax_enable_x64", True)
        self.jax = jax
        self.xp = _JaxNumpy(jax.numpy)

    def _gradient(self, build: Build, inputs: Arrays) -> Any:
        return self.jax.grad(build(self.xp), argnums=tuple(range(len(inputs))))

    def value_and_gradient(self, build: Build, inputs: Arrays) -> tuple[np.ndarray, Arrays]:
        function = self.jax.value_and_grad(build(self.xp), argnums=tuple(range(len(inputs))))
        value, gradients = self.jax.jit(function)(*inputs)
        return np.asarray(value), [np.asarray(gradient) for gradient in gradients]

    def jvp(self, build: Build, inputs: Arrays, tangents: Arrays) -> np.ndarray:
        push = self.jax.jit(lambda x, t: self.jax.jvp(build(self.xp), x, t)[1])
        return np.asarray(push(tuple(inputs), tuple(tangents)))

    def hvp(self, build: Build, inputs: Arrays, tangents: Arrays) -> Arrays:
        gradient = self._gradient(build, inputs)
        push = self.jax.jit(lambda x, t: self.jax.jvp(gradient, x, t)[1])
        return [np.asarray(part) for part in push(tuple(inputs), tuple(tangents))]


class _JaxNumpy(NumpyLike):
    def set_item(self, x: Any, index: Any, value: Any) -> Any:
        return x.at[index].set(value)

    def add_item(self, x: Any, index: Any, value: Any) -> Any:
        return x.at[index].add(value)

    def write(self, x: Any, index: Any, value: Any, how: str, transposed: bool = False) -> Any:
        return getattr(x.at[index], how)(value)


class Torch(Library):
    """PyTorch in double precision."""

    name, module = "PyTorch", "torch"

    def __init__(self) -> None:
        import torch

        from tests.differential.torch_numpy import TorchNumpy

        self.torch = torch
        self.xp = TorchNumpy()

    def _leaves(self, inputs: Arrays) -> Any:
        return [self.torch.tensor(x, requires_grad=True) for x in inputs]

    def value_and_gradient(self, build: Build, inputs: Arrays) -> tuple[np.ndarray, Arrays]:
        leaves = self._leaves(inputs)
        value = build(self.xp)(*leaves)
        gradients = self.torch.autograd.grad(value, leaves, allow_unused=True)
        return value.detach().numpy(), [
            np.zeros_like(x) if g is None else g.numpy(force=True)
            for x, g in zip(inputs, gradients)
        ]

    def jvp(self, build: Build, inputs: Arrays, tangents: Arrays) -> np.ndarray:
        primals, along = ([self.torch.tensor(x) for x in arrays] for arrays in (inputs, tangents))
        return self.torch.func.jvp(build(self.xp), tuple(primals), tuple(along))[1].numpy(
            force=True
        )

    def hvp(self, build: Build, inputs: Arrays, tangents: Arrays) -> Arrays:
        leaves = self._leaves(inputs)
        grad = self.torch.autograd.grad
        keep = {"allow_unused": True, "materialize_grads": True}
        gradients = grad(build(self.xp)(*leaves), leaves, create_graph=True, **keep)
        along = sum((g * self.torch.tensor(t)).sum() for g, t in zip(gradients, tangents))
        if not along.requires_grad:
            return [np.zeros_like(x) for x in inputs]
        return [part.numpy(force=True) for part in grad(along, leaves, **keep)]


OURS: tuple[type[Library], ...] = (Wengert, WengertReverse)
PEERS: tuple[type[Library], ...] = (Jax, Torch, Autograd)
