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
# # A Tensor with a graph, and a network on images
#
# A `Tensor` is an array that remembers how it was computed: the operation and its operands. Going
# back through that graph with the chain rule gives the gradient of the last value by all others.
# Everything here is wengert's own `Tensor` under the names of the course (`submitted.py`).

# %%
# %matplotlib inline
# ruff: noqa: B018, D100
import sys
import warnings

sys.path.insert(0, "../..")  # the root of the repository, for `labs`

import numpy as np

import labs
from labs.tensor_mlp import by_hand, lab, training
from labs.tensor_mlp.submitted import (
    MLP,
    Tensor,
    broadcast_grad_accumulate,
    cross_entropy_loss,
    evaluate,
    max,
    softmax,
)

warnings.filterwarnings("ignore", "IProgress not found")  # progress bars are plain text here

# %% [markdown]
# ## The graph
#
# `B` has one row and `A` two, so `B` is used twice, once for each row of `A`. What is used twice
# gets the sum of both gradients.

# %%
A = Tensor([[1, 2, 3], [4, 5, 6]], requires_grad=True)
B = Tensor([[8, 2, 5]], requires_grad=True)
C = A * B
C

# %%
C.parents

# %%
order = C.backward()  # of a 2x3 result: starts from ones
A.grad, B.grad

# %% [markdown]
# `backward()` returns the order in which the values were computed, operands first. One step alone
# is `grad_fn`: here the integer upstream `[1, 2]` is multiplied into the rows.

# %%
print([t.grad_fn_name or "a leaf" for t in order])
A.zero_grad()
A.sum(axis=1).grad_fn(np.array([1, 2]))
A.grad

# %%
M = Tensor([[1, 2, 3], [6, 4, 0]], requires_grad=True)
max(M, axis=1).backward(np.array([1, 2]))  # only the largest of a row matters
M.grad

# %% [markdown]
# A sigmoid from its parts, and its gradient, which is $\sigma(x) (1 - \sigma(x))$:

# %%
x = Tensor([[1, 2, 3], [6, 4, 0]], requires_grad=True)
sigmoid = 1 / (1 + (-1 * x).exp())
sigmoid.backward()
s = sigmoid.array
x.grad, np.abs(x.grad - s * (1 - s)).max()

# %% [markdown]
# ## An operation of your own
#
# A Tensor can be given its operands and a function that adds to their gradients. It takes part in
# `backward()` like any other.


# %%
def square(x):
    """The square, with its own backward step."""

    def step(upstream):
        broadcast_grad_accumulate(x, upstream * 2 * x.array)

    return Tensor(x.array**2, True, (x,), step, "<SquareBackward>")


x = Tensor([1.0, 2.0, 3.0], requires_grad=True)
y = square(x)
(y * y).sum().backward()  # the gradient of x^4 is 4 x^3
print(y)
x.grad, 4 * np.array([1.0, 2.0, 3.0]) ** 3

# %% [markdown]
# ## The images

# %%
(x_train, y_train, x_test, y_test), classes = training.load_images("fashion-mnist")
if labs.quick():
    x_train, y_train, x_test, y_test = (a[:2000] for a in (x_train, y_train, x_test, y_test))
lab.draw_images((x_train, y_train, x_test, y_test), classes)

# %% [markdown]
# ## The network
#
# Two layers of tanh units and a linear one. An untrained network gives each of the 10 classes about
# the same probability, so its loss is about $\ln 10 = 2.303$.

# %%
rng = np.random.default_rng(0)
model = MLP(784, 256, 10, rng)
logits = model(x_test[:5])
print(softmax(logits[:1]))
cross_entropy_loss(logits, y_test[:5])

# %%
history = training.train(
    model, x_train, y_train, x_test, y_test, epochs=5, batch_size=32, lr=0.1, rng=rng
)

# %%
training.plot_losses({"Fashion-MNIST": history})

# %% [markdown]
# On MNIST's handwritten digits, which are easier, the course reports 96.02 % after these five
# epochs. The same code trains on them: `wengert lab tensor_mlp` does where the files are present.

# %%
print(f"accuracy: {evaluate(model, x_test, y_test):.2f} %")
answers = model(x_test).array.argmax(axis=1)
wrong = np.flatnonzero(answers != y_test)[:10]
pairs = np.array([f"{classes[a]}?\n{classes[t]}" for a, t in zip(answers, y_test)])
figure = lab.draw_images((x_test[wrong], np.arange(len(wrong)), None, None), tuple(pairs[wrong]))
figure.suptitle("Wrong answers, and what it is")
figure

# %% [markdown]
# ## What it costs
#
# The same step with the gradient derived and written by hand in NumPy (`by_hand.py`), measured in
# turns with the Tensor's on one batch:

# %%
rounds, burst = (3, 0.01) if labs.quick() else (21, 0.2)
times = by_hand.compare_times(x_train[:32], y_train[:32], 256, rounds=rounds, burst=burst)
print("Tensor: {tensor_us:.0f} us, by hand: {hand_us:.0f} us, {ratio:.2f} x".format(**times))
