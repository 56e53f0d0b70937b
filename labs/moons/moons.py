# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # A differentiation engine in two hundred lines, on two moons
#
# How does a program find the derivative of another program? This notebook answers with code to
# read: `autogradvalue.py` does it for single numbers, `vectorised.py` for whole arrays. Both train
# a small network to tell two moons apart, and so does wengert, with the same loss. Then they race.

# %%
# %matplotlib inline
# ruff: noqa: D100
import inspect
import sys

sys.path.insert(0, "../..")  # the root of the repository, for `labs`

import numpy as np

import labs
import wengert as wg
from labs.moons import autogradvalue as scalar
from labs.moons import vectorised
from labs.moons.check import test_vjp
from labs.moons.lab import SEED, moons
from labs.moons.network import NeuralNetwork
from labs.moons.plots import plot_boundary, plot_losses
from labs.moons.speed import steps_per_second, table
from labs.moons.training import gradient_descent

# %% [markdown]
# ## A number that remembers
#
# An `AutogradValue` holds a number and its *parents*: what it was computed from. Python's operators
# make new ones.

# %%
x, y = scalar.AutogradValue(3.0), scalar.AutogradValue(2.0)
z = x * y + x.exp()
print(z, "=", type(z).__name__, "of", z.parents)

# %% [markdown]
# Each operation is a class with two methods: the value, and the partial derivatives.

# %%
print(inspect.getsource(scalar._mul))

# %% [markdown]
# `backward()` walks from the result to the inputs. Each value hands its own gradient, times the
# partial derivative, to its parents; that is the chain rule, and all there is to it. The one thing
# to get right is the order: a value may pass its gradient on only when all its uses have added
# their share. Here `x` is used twice.

# %%
z.backward()
print("dz/dx =", x.grad, "and by hand", 2.0 + np.exp(3.0))
print("dz/dy =", y.grad, "and by hand", 3.0)
print("wengert agrees:", wg.grad(lambda x, y: x * y + np.exp(x), argnums=(0, 1))(3.0, 2.0))

# %%
print(inspect.getsource(scalar.AutogradValue.backward_pass))
print(inspect.getsource(scalar.AutogradValue.backward))

# %% [markdown]
# The same partial derivatives, multiplied in the other direction, are *forward mode*: every value
# carries its derivative with respect to the inputs along, in `forward_grads`. No second pass is
# needed, but the dictionary grows with the number of inputs, and a network has thousands.

# %%
a, b = scalar.ForwardValue(3.0), scalar.ForwardValue(2.0)
c = (a + b) * b / a
print("dc/da =", c.forward_grads[a], " dc/db =", c.forward_grads[b])

# %% [markdown]
# ## Two moons
#
# A hundred points on two half circles, with some noise. No straight line separates them.

# %%
X, y = moons(SEED)
small = NeuralNetwork(2, [5, 5], engine="scalar", seed=SEED)
plot_boundary(small, X, y, title="before training")

# %% [markdown]
# The network has two hidden layers of five sigmoids, and a bias in every layer, by a column of ones
# ("padding"). Its loss is the negative log-likelihood of the labels, summed over the points:

# %%
print(inspect.getsource(NeuralNetwork.prediction_function))
print(inspect.getsource(NeuralNetwork.nll))

# %% [markdown]
# For the scalar engine, `wrap_array` makes an AutogradValue of each weight; NumPy's matrix product
# and `np.exp` then work element by element, and one loss is a graph of some 14,000 values.

# %%
steps = 20 if labs.quick() else 250
losses = {"scalar, 2-5-5-1": gradient_descent(small, X, y, lr=3e-2, steps=steps)}

# %%
plot_boundary(small, X, y)

# %% [markdown]
# ## The same for arrays
#
# 24 arrays instead of 14,000 numbers. The partial derivatives of an array with respect to an
# array would be a table with four indices, so nobody builds it: an operation says how a gradient of
# the loss passes through it, its *vector-Jacobian product*.

# %%
print(inspect.getsource(vectorised._matmul))
print(inspect.getsource(vectorised._sum))

# %% [markdown]
# Is that right? wengert differentiates `func` and compares.

# %%
for name in ("_add", "_sub", "_mul", "_div", "_matmul"):
    test_vjp(getattr(vectorised, name), name, binary=True)
for name in ("_neg", "_exp", "_log", "_square", "_pad"):
    test_vjp(getattr(vectorised, name), name)
test_vjp(vectorised._sum, "_sum", true_func=np.sum, issum=True)


# %%
class _wrong(vectorised.AutogradValue):
    """A square that forgot its factor 2."""

    def func(self, a):
        return np.square(a)

    def vjp(self, grad, a):
        return (grad * a,)


try:
    test_vjp(_wrong, "_wrong")
except AssertionError as error:
    print(error)

# %% [markdown]
# A wider network, 25 sigmoids in each hidden layer, is no effort now.

# %%
wide = NeuralNetwork(2, [25, 25], engine="vectorised", seed=SEED)
losses["vectorised, 2-25-25-1"] = gradient_descent(wide, X, y, lr=3e-2, steps=250)

# %%
plot_boundary(wide, X, y)

# %% [markdown]
# ## wengert
#
# wengert differentiates the loss as it stands, plain NumPy: its engine is `wg.value_and_grad`. From
# the same first weights it goes the same way, up to rounding.

# %%
for name, sizes in (("wengert, 2-5-5-1", [5, 5]), ("wengert, 2-25-25-1", [25, 25])):
    network = NeuralNetwork(2, sizes, engine="wengert", seed=SEED)
    losses[name] = gradient_descent(network, X, y, lr=3e-2, steps=250)
plot_losses(losses)

# %% [markdown]
# The wide network starts badly and ends better. The small one is a matter of luck: from most seeds
# it gets stuck with one tip of a moon on the wrong side, and the loss of this one climbs twice
# before it finds the way. `wengert lab moons` counts the seeds.

# %%
print("small:", small.accuracy(X, y), "after", steps, "steps;  wide:", wide.accuracy(X, y))

# %% [markdown]
# ## The race
#
# Steps of gradient descent per second, on the same network with the same weights. The engines take
# turns, and the median over the rounds counts; in brackets, multiples of the scalar engine's speed.
# The numbers depend on the machine, their ratios less so.

# %%
rounds, burst = (3, 0.02) if labs.quick() else (15, 0.2)
speeds = {"2-5-5-1": steps_per_second(X, y, [5, 5], rounds=rounds, burst=burst)}
if not labs.quick():
    speeds["2-25-25-1"] = steps_per_second(X, y, [25, 25], rounds=rounds, burst=burst)
print(table(speeds))
