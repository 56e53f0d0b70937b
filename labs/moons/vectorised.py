"""The same engine for whole arrays: what changes, and nothing else.

An `AutogradValue` now holds an array, so a network of thousands of numbers is a graph of two dozen
values. The partial derivatives of an array with respect to an array would be a table with four
indices; nobody builds it. An operation gives a *vector-Jacobian product* instead: from the
gradient of the final loss with respect to its result, the gradient with respect to each parent.

>>> x = AutogradValue(np.array([[1.0, 2.0], [3.0, 4.0]]))
>>> loss = x.square().sum()
>>> loss.backward()
>>> x.grad
array([[2., 4.],
       [6., 8.]])

The graph, ``backward`` and the order in which it visits the values come from `autogradvalue`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from labs.moons import autogradvalue


class AutogradValue(autogradvalue.AutogradValue):
    """An array that remembers where it came from. Its ``grad`` has the shape of its ``value``."""

    # Tells NumPy to leave `array @ value` and its like to this class's reflected operators.
    __array_ufunc__ = None

    def vjp(self, grad: Any, value: Any) -> tuple[Any, ...]:
        """The gradients with respect to each parent, from that with respect to this value."""
        return (grad,)

    def grads(self, *values: Any) -> tuple[Any, ...]:
        raise TypeError(f"{type(self).__name__} holds arrays: it has a vjp, and no partial grads")

    def backward_pass(self) -> None:
        """Add this value's share to the gradients of its parents."""
        for parent, grad in zip(
            self.parents, self.vjp(self.grad, *self.parent_values), strict=True
        ):
            if isinstance(parent, AutogradValue):
                # Not `+=`: an operation may hand the same array to several parents.
                parent.grad = parent.grad + grad


def _unbroadcast(grad: Any, like: Any) -> Any:
    """Sum ``grad`` to the shape of ``like``, which NumPy repeated to fit: each copy had a share."""
    shape = np.shape(like)
    grad = np.sum(grad, axis=tuple(range(np.ndim(grad) - len(shape))))
    repeated = tuple(i for i, n in enumerate(shape) if n == 1 and grad.shape[i] != 1)
    return np.sum(grad, axis=repeated, keepdims=True) if repeated else grad


class _add(AutogradValue):
    def func(self, a, b):
        return a + b

    def vjp(self, grad, a, b):
        return _unbroadcast(grad, a), _unbroadcast(grad, b)


class _sub(AutogradValue):
    def func(self, a, b):
        return a - b

    def vjp(self, grad, a, b):
        return _unbroadcast(grad, a), _unbroadcast(-grad, b)


class _neg(AutogradValue):
    def func(self, a):
        return -a

    def vjp(self, grad, a):
        return (-grad,)


class _mul(AutogradValue):
    def func(self, a, b):
        return a * b

    def vjp(self, grad, a, b):
        return _unbroadcast(grad * b, a), _unbroadcast(grad * a, b)


class _div(AutogradValue):
    def func(self, a, b):
        return a / b

    def vjp(self, grad, a, b):
        return _unbroadcast(grad / b, a), _unbroadcast(-grad * a / (b * b), b)


class _exp(AutogradValue):
    def func(self, a):
        return np.exp(a)

    def vjp(self, grad, a):
        return (grad * np.exp(a),)


class _log(AutogradValue):
    def func(self, a):
        return np.log(a)

    def vjp(self, grad, a):
        return (grad / a,)


class _square(AutogradValue):
    def func(self, a):
        return np.square(a)

    def vjp(self, grad, a):
        return (grad * 2 * a,)


class _sum(AutogradValue):
    """The sum of all elements. Each of them is in it once, so each has the whole gradient."""

    def func(self, a):
        return np.sum(a)

    def vjp(self, grad, a):
        return (np.broadcast_to(grad, np.shape(a)),)


class _pad(AutogradValue):
    """A matrix with a column of ones at its end. The ones are constants: their share is dropped."""

    def func(self, a):
        return np.concatenate([a, np.ones((len(a), 1))], axis=1)

    def vjp(self, grad, a):
        return (grad[:, :-1],)


class _matmul(AutogradValue):
    """The product of two matrices: y_ik = sum_j a_ij b_jk, so dL/da_ij = sum_k dL/dy_ik b_jk."""

    def func(self, a, b):
        if np.ndim(a) != 2 or np.ndim(b) != 2:
            raise ValueError("two matrices are needed; give vectors a second axis of length 1")
        return a @ b

    def vjp(self, grad, a, b):
        return grad @ b.T, a.T @ grad


AutogradValue.__add__ = lambda a, b: _add(a, b)
AutogradValue.__radd__ = lambda a, b: _add(b, a)
AutogradValue.__sub__ = lambda a, b: _sub(a, b)
AutogradValue.__rsub__ = lambda a, b: _sub(b, a)
AutogradValue.__mul__ = lambda a, b: _mul(a, b)
AutogradValue.__rmul__ = lambda a, b: _mul(b, a)
AutogradValue.__truediv__ = lambda a, b: _div(a, b)
AutogradValue.__rtruediv__ = lambda a, b: _div(b, a)
AutogradValue.__matmul__ = lambda a, b: _matmul(a, b)
AutogradValue.__rmatmul__ = lambda a, b: _matmul(b, a)
AutogradValue.__neg__ = lambda a: _neg(a)
AutogradValue.exp = lambda a: _exp(a)
AutogradValue.log = lambda a: _log(a)
AutogradValue.square = lambda a: _square(a)
AutogradValue.sum = lambda a: _sum(a)
AutogradValue.pad = lambda a: _pad(a)
