"""The libraries, each behind the same functions: value and gradient, jvp, Hessian product."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import re
import types
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Arrays = list[np.ndarray]
# Takes a namespace, returns the function of the inputs.
Build = Callable[[Any], Callable[..., Any]]
# The program, its inputs and tangents, and which quantities are wanted.
Question = tuple[Build, Arrays, Arrays, Sequence[str]]


class UnsupportedError(Exception):
    """The library has no such function, or no derivative for it."""


class NumpyLike:
    """A NumPy-like module, with the few things that libraries spell differently."""

    def __init__(self, module: Any, scipy: Any = None, transforms: Any = None) -> None:
        """``scipy`` has the members special, linalg and stats; ``transforms`` vmap, grad, jvp."""
        self._module = module
        self._scipy = scipy
        self._transforms = transforms

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

    def write_view(self, x: Any, path: Sequence[Any], value: Any, how: str) -> Any:
        """A copy of ``x`` written to through a view of a view."""
        result = self._module.copy(x)
        view = result
        for index in path:
            view = view[index]
        if how == "set":
            view[...] = value
        elif how == "add":
            view += value
        else:
            view *= value
        return result

    def accumulate(self, name: str, x: Any, axis: int) -> Any:
        """``maximum.accumulate`` and its like."""
        return getattr(self._module, name).accumulate(x, axis=axis)

    def fourier(self, name: str, x: Any, axis: int, **options: Any) -> Any:
        """A transform along an axis."""
        axis_named = {"axes": axis} if "shift" in name else {"axis": axis}
        return getattr(self._module.fft, name)(x, **axis_named, **options)

    def fourier_n(self, name: str, x: Any) -> Any:
        """A transform along several axes."""
        return getattr(self._module.fft, name)(x)

    @property
    def special(self) -> Any:
        """Special functions."""
        return NumpyLike(self._part("special"))

    @property
    def slinalg(self) -> Any:
        """SciPy's linear algebra."""
        return NumpyLike(self._part("linalg"))

    @property
    def stats(self) -> Any:
        """Distributions."""
        return NumpyLike(self._part("stats"))

    def _part(self, name: str) -> Any:
        try:
            return getattr(self._scipy, name)
        except AttributeError:
            raise UnsupportedError(name) from None

    def vmap(self, f: Any, in_axes: Any, out_axes: Any) -> Any:
        """f over an axis of its arguments."""
        if not hasattr(self._transforms, "vmap"):
            raise UnsupportedError("vmap")
        return self._transforms.vmap(f, in_axes, out_axes)

    def grad(self, f: Any) -> Any:
        """The gradient of f."""
        return self._transforms.grad(f)

    def jvp(self, f: Any, x: Any, tangent: Any) -> Any:
        """The derivative of f at x along the tangent."""
        return self._transforms.jvp(f, (x,), (tangent,))[1]


class _UfuncsFirst:
    """SciPy's own ufuncs, called on our arrays; what is no ufunc comes from ``wengert.scipy``."""

    def __init__(self) -> None:
        import scipy.special

        import wengert.scipy.special

        self._modules = scipy.special, wengert.scipy.special

    def __getattr__(self, name: str) -> Any:
        theirs, ours = (getattr(module, name) for module in self._modules)
        return theirs if isinstance(theirs, np.ufunc) else ours


def plain_numpy(namespace: str = "numpy") -> NumpyLike:
    """What wengert's programs are written in: NumPy itself, or ``wengert.numpy``."""
    import wengert
    import wengert.numpy
    import wengert.scipy
    from wengert.scipy import linalg, special, stats

    first = namespace == "numpy"
    scipy = types.SimpleNamespace(
        special=_UfuncsFirst() if first else special, linalg=linalg, stats=stats
    )
    return NumpyLike(np if first else wengert.numpy, scipy, wengert)


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
        self.xp = plain_numpy()

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
        self.xp = plain_numpy("wengert.numpy")

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
        import autograd.scipy
        import autograd.scipy.linalg
        import autograd.scipy.special
        import autograd.scipy.stats

        self.autograd = autograd
        transforms = types.SimpleNamespace(grad=autograd.grad, jvp=self._inner_jvp)
        self.xp = _AutogradNumpy(autograd.numpy, autograd.scipy, transforms)

    def _inner_jvp(self, f: Any, primals: Any, tangents: Any) -> Any:
        return self.autograd.make_jvp(f)(*primals)(*tangents)

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

    def write_view(self, x: Any, path: Sequence[Any], value: Any, how: str) -> Any:
        raise UnsupportedError("item assignment")

    def fourier(self, name: str, x: Any, axis: int, **options: Any) -> Any:
        if "shift" in name:
            return getattr(self._module.fft, name)(x, axis)
        if options.keys() - {"n"}:
            raise UnsupportedError("norm of a Fourier transform")
        return getattr(self._module.fft, name)(x, options.get("n"), axis)


class Jax(Library):
    """JAX in double precision."""

    name, module = "JAX", "jax"

    def __init__(self) -> None:
        import jax
        import jax.numpy
        import jax.scipy

        jax.config.update("jax_enable_x64", True)
        # Compiling is most of the time.
        jax.config.update("jax_disable_most_optimizations", True)
        self.jax = jax
        self.xp = _JaxNumpy(jax.numpy, jax.scipy, jax)

    def _gradient(self, build: Build, inputs: Arrays) -> Any:
        return self.jax.grad(build(self.xp), argnums=tuple(range(len(inputs))))

    def value_and_gradient(self, build: Build, inputs: Arrays) -> tuple[np.ndarray, Arrays]:
        function = self.jax.value_and_grad(build(self.xp), argnums=tuple(range(len(inputs))))
        value, gradients = self._run(lambda: function(*self._arrays(inputs)))
        return np.asarray(value), [np.asarray(gradient) for gradient in gradients]

    def jvp(self, build: Build, inputs: Arrays, tangents: Arrays) -> np.ndarray:
        primals, along = self._arrays(inputs), self._arrays(tangents)
        return np.asarray(self._run(lambda: self.jax.jvp(build(self.xp), primals, along)[1]))

    def hvp(self, build: Build, inputs: Arrays, tangents: Arrays) -> Arrays:
        gradient = self._gradient(build, inputs)
        primals, along = self._arrays(inputs), self._arrays(tangents)
        product = self._run(lambda: self.jax.jvp(gradient, primals, along)[1])
        return [np.asarray(part) for part in product]

    def many(self, questions: Sequence[Question]) -> list[dict[str, list[np.ndarray]] | None]:
        """The answers to many questions at once; None where JAX cannot compile the program.

        Compiling many programs together takes half the time of compiling each, and a fifth of
        compiling their operations one by one, as evaluation without ``jit`` does.
        """

        def one(build: Build, inputs: Any, tangents: Any, wanted: Sequence[str]) -> dict[str, Any]:
            function, gradient = build(self.xp), self._gradient(build, inputs)
            found = {"value": [function(*inputs)], "gradient": gradient(*inputs)}
            if "jvp" in wanted:
                found["jvp"] = [self.jax.jvp(function, inputs, tangents)[1]]
            if "hvp" in wanted:
                found["hvp"] = self.jax.jvp(gradient, inputs, tangents)[1]
            return found

        def run(points: Any) -> list[dict[str, Any] | None]:
            results: list[dict[str, Any] | None] = []
            for (build, _, _, wanted), (inputs, tangents) in zip(questions, points):
                try:
                    results.append(one(build, inputs, tangents, wanted))
                except Exception:  # it will be asked alone, and say why
                    results.append(None)
            return results

        points = [(self._arrays(q[1]), self._arrays(q[2])) for q in questions]
        try:
            answers = self.jax.jit(run)(points)
        except Exception:  # a program that fails can leave something behind for the others
            half = len(questions) // 2
            return [*self.many(questions[:half]), *self.many(questions[half:])] if half else [None]
        return [
            found and {name: [np.asarray(x) for x in parts] for name, parts in found.items()}
            for found in answers
        ]

    def _arrays(self, arrays: Arrays) -> tuple[Any, ...]:
        return tuple(self.jax.numpy.asarray(x) for x in arrays)

    def _run(self, compute: Callable[[], Any]) -> Any:
        try:
            return compute()
        except NotImplementedError as error:  # no derivative, or none in this argument
            raise UnsupportedError(str(error)) from error
        except (TypeError, ValueError) as error:
            # What JAX 0.10 says of exp1 and of gumbel_r.logpdf under differentiation comes last.
            reasons = "differentiation.*not supported|No constant handler|float0"
            if not re.search(reasons, str(error)):
                raise
            raise UnsupportedError(str(error)) from error


class _JaxNumpy(NumpyLike):
    def set_item(self, x: Any, index: Any, value: Any) -> Any:
        return x.at[index].set(value)

    def add_item(self, x: Any, index: Any, value: Any) -> Any:
        return x.at[index].add(value)

    def write(self, x: Any, index: Any, value: Any, how: str, transposed: bool = False) -> Any:
        # Products of duplicates are no steps, and JAX has no derivative of them.
        options = {"unique_indices": True} if how == "multiply" else {}
        return getattr(x.at[index], how)(value, **options)

    def write_view(self, x: Any, path: Sequence[Any], value: Any, how: str) -> Any:
        places = np.arange(x.size).reshape(x.shape)
        for index in path:
            places = places[index]
        options = {"unique_indices": True} if how == "multiply" else {}
        return getattr(x.ravel().at[places], how)(value, **options).reshape(x.shape)

    def accumulate(self, name: str, x: Any, axis: int) -> Any:
        run = {"maximum": "cummax", "minimum": "cummin"}[name]
        return getattr(self._transforms.lax, run)(x, axis % x.ndim)

    def take(self, x: Any, indices: Any, axis: int) -> Any:
        return self._module.take(x, indices, axis=axis)


class Torch(Library):
    """PyTorch in double precision."""

    name, module = "PyTorch", "torch"

    def __init__(self) -> None:
        import torch

        from tests.differential.torch_numpy import TorchNumpy

        torch.set_num_threads(1)
        self.torch = torch
        self.xp = TorchNumpy()

    def _run(self, compute: Callable[[], Any]) -> Any:
        try:
            return compute()
        except (RuntimeError, NotImplementedError) as error:
            lacking = re.search(
                "is not implemented|has not been implemented|does not support it", str(error)
            )
            if not lacking:
                raise
            raise UnsupportedError(str(error)) from error

    def _leaves(self, inputs: Arrays) -> Any:
        return [self.torch.tensor(x, requires_grad=True) for x in inputs]

    def value_and_gradient(self, build: Build, inputs: Arrays) -> tuple[np.ndarray, Arrays]:
        leaves = self._leaves(inputs)
        value = self._run(lambda: build(self.xp)(*leaves))
        gradients = self._run(lambda: self.torch.autograd.grad(value, leaves, allow_unused=True))
        return value.detach().numpy(), [
            np.zeros_like(x) if g is None else g.numpy(force=True)
            for x, g in zip(inputs, gradients)
        ]

    def jvp(self, build: Build, inputs: Arrays, tangents: Arrays) -> np.ndarray:
        primals, along = ([self.torch.tensor(x) for x in arrays] for arrays in (inputs, tangents))
        function = build(self.xp)
        push = self._run(lambda: self.torch.func.jvp(function, tuple(primals), tuple(along)))
        return push[1].numpy(force=True)

    def hvp(self, build: Build, inputs: Arrays, tangents: Arrays) -> Arrays:
        return self._run(lambda: self._hvp(build, inputs, tangents))

    def _hvp(self, build: Build, inputs: Arrays, tangents: Arrays) -> Arrays:
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
