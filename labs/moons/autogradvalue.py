"""A reverse-mode differentiation engine for single numbers, from scratch, for reading.

Every number is an `AutogradValue`. It knows the values it was computed from (its parents), so a
result holds the whole computation, and `backward` walks it from the result to the inputs:

>>> x, y = AutogradValue(3.0), AutogradValue(2.0)
>>> z = x * y + x.exp()
>>> z.backward()
>>> x.grad == y.value + math.exp(3.0), y.grad
(True, 3.0)

An operation is a subclass with two methods: ``func`` computes its value from the parents' values,
``grads`` the partial derivative with respect to each of them. Everything else is the same for all.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np


class AutogradValue:
    """A number that remembers where it came from.

    ``AutogradValue(3.0)`` is an input. ``_mul(a, b)``, which is what ``a * b`` makes, is a result.

    Attributes
    ----------
    parents : list
        What it was computed from: AutogradValues, and plain numbers, which are constants.
    parent_values : list of float
        The same as plain numbers.
    value : float
        The number itself.
    forward_grads : dict
        Forward mode: the derivative of this value with respect to each `ForwardValue` it was
        computed from. Empty if there is none.
    grad : float
        Reverse mode: after ``result.backward()``, the derivative of ``result`` with respect to
        this value.
    """

    def __init__(self, *args: Any) -> None:
        self.parents = list(args)
        self.parent_values = [a.value if isinstance(a, AutogradValue) else a for a in args]
        self.forward_grads: dict[AutogradValue, float] = {}
        self.grad: Any = 0.0
        self.value = self.forward_pass()

    def func(self, value: Any) -> Any:
        """The value, from the parents' values. An input has one, which it returns."""
        return value

    def grads(self, value: Any) -> tuple[Any, ...]:
        """The partial derivatives with respect to each parent, from the parents' values."""
        return (1.0,)

    def forward_pass(self) -> Any:
        """Compute the value, and the forward derivatives if a parent has some."""
        for parent in self.parents:
            if isinstance(parent, AutogradValue) and parent.forward_grads:
                self._push_forward()
                break
        try:
            return self.func(*self.parent_values)
        except (ArithmeticError, ValueError) as error:
            values = [v if np.ndim(v) == 0 else f"array{np.shape(v)}" for v in self.parent_values]
            text = f"{type(self).__name__}({', '.join(map(str, values))}): {error}"
            raise type(error)(text) from error

    def _push_forward(self) -> None:
        """The chain rule from the inputs on: d self/d x = sum of d self/d parent * d parent/d x."""
        self.forward_grads = {}
        for parent, partial in zip(self.parents, self.grads(*self.parent_values), strict=True):
            if isinstance(parent, AutogradValue):
                for x, derivative in parent.forward_grads.items():
                    self.forward_grads[x] = self.forward_grads.get(x, 0.0) + partial * derivative

    def backward_pass(self) -> None:
        """One step of the chain rule from the result back: add this value's share to its parents.

        It needs ``self.grad`` to be complete, so it runs after all uses of this value ran theirs.
        """
        for parent, partial in zip(self.parents, self.grads(*self.parent_values), strict=True):
            if isinstance(parent, AutogradValue):
                parent.grad += self.grad * partial

    def backward(self) -> None:
        """Set ``grad`` of every value that this one was computed from, and its own to 1.

        Earlier gradients of those values are forgotten: calling it twice gives the same numbers.
        """
        # First count how often each value is used on the way to this one. A loop with a stack, not
        # recursion: a sum of 1,000 terms is 1,000 levels deep.
        uses: dict[AutogradValue, int] = {self: 0}
        stack = [self]
        while stack:
            node = stack.pop()
            node.grad = 0.0
            for parent in node.parents:
                if isinstance(parent, AutogradValue):
                    if parent not in uses:
                        uses[parent] = 0
                        stack.append(parent)
                    uses[parent] += 1
        # Then go back. A value is ready when the last of its uses has added its share.
        self.grad = 1.0
        ready = [self]
        while ready:
            node = ready.pop()
            node.backward_pass()
            for parent in node.parents:
                if isinstance(parent, AutogradValue):
                    uses[parent] -= 1
                    if uses[parent] == 0:
                        ready.append(parent)

    def __repr__(self) -> str:
        return str(self.value)


class ForwardValue(AutogradValue):
    """An input of forward mode: results carry their derivative with respect to it along."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        if not self.forward_grads:
            self.forward_grads = {self: 1.0}


class _add(AutogradValue):
    def func(self, a, b):
        return a + b

    def grads(self, a, b):
        return 1.0, 1.0


class _sub(AutogradValue):
    def func(self, a, b):
        return a - b

    def grads(self, a, b):
        return 1.0, -1.0


class _neg(AutogradValue):
    def func(self, a):
        return -a

    def grads(self, a):
        return (-1.0,)


class _mul(AutogradValue):
    def func(self, a, b):
        return a * b

    def grads(self, a, b):
        return b, a


class _div(AutogradValue):
    def func(self, a, b):
        return a / b

    def grads(self, a, b):
        return 1.0 / b, -a / (b * b)


class _exp(AutogradValue):
    def func(self, a):
        return math.exp(a)

    def grads(self, a):
        return (math.exp(a),)


class _log(AutogradValue):
    def func(self, a):
        return math.log(a)

    def grads(self, a):
        return (1.0 / a,)


def _binary(operation: type[AutogradValue]) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """The operator ``a + b`` and its reflection, which Python calls for ``2.0 + b``."""

    def operator(self, other):
        # NumPy takes an array apart and comes back with its elements one by one.
        return NotImplemented if isinstance(other, np.ndarray) else operation(self, other)

    def reflected(self, other):
        return NotImplemented if isinstance(other, np.ndarray) else operation(other, self)

    return operator, reflected


AutogradValue.__add__, AutogradValue.__radd__ = _binary(_add)
AutogradValue.__sub__, AutogradValue.__rsub__ = _binary(_sub)
AutogradValue.__mul__, AutogradValue.__rmul__ = _binary(_mul)
AutogradValue.__truediv__, AutogradValue.__rtruediv__ = _binary(_div)
AutogradValue.__neg__ = lambda self: _neg(self)
# By these names np.exp and np.log find the operations when they meet an array of AutogradValues.
AutogradValue.exp = lambda self: _exp(self)
AutogradValue.log = lambda self: _log(self)


def element_map(f: Callable[[Any], Any], array: Any) -> np.ndarray:
    """An array of the same shape with ``f`` of every element.

    Results that are numbers make an array of numbers, others (AutogradValues) one of objects.
    """
    array = np.asarray(array)
    results = [f(element) for element in array.ravel().tolist()]  # Python's numbers, not NumPy's
    if all(isinstance(result, float | int) for result in results):
        return np.array(results, dtype=float).reshape(array.shape)
    mapped = np.empty(array.size, dtype=object)
    mapped[:] = results
    return mapped.reshape(array.shape)


def wrap_array(array: Any) -> np.ndarray:
    """An array of objects: one AutogradValue for each number of ``array``."""
    return element_map(AutogradValue, array)


def unwrap_gradient(array: np.ndarray) -> np.ndarray:
    """The gradients of an array of AutogradValues, as plain numbers."""
    return element_map(lambda value: value.grad, array)
