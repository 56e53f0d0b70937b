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
# # A linear classifier by automatic differentiation
#
# Ten scores for each image, linear in its 3,072 numbers; a loss; and gradient descent on all images
# at once. Nobody derives a gradient. The whole program is `classifier.py`, shown below in parts; it
# has two loops.
#
# CIFAR-10 cannot be had on every machine. The images here are a **stand-in** with its layout:
# Fashion-MNIST as 32 x 32 pixels in RGB. It is easier than CIFAR-10.

# %%
# %matplotlib inline
# ruff: noqa: B018, D100
import inspect
import sys
import warnings
from pathlib import Path

sys.path.insert(0, "../..")  # the root of the repository, for `labs`

import numpy as np

import labs
from labs.linear_classifier import classifier, data, lab
from labs.linear_classifier.training import figure_of
from wengert import grad

warnings.filterwarnings("ignore", "IProgress not found")  # progress bars are plain text here


def show(*functions):
    """Print the source of parts of the program."""
    print("\n\n".join(map(inspect.getsource, functions)))


# %% [markdown]
# ## A sanity check
#
# The derivative of $f(x) = x^2$ is $2x$.


# %%
def f(x):
    """A parabola."""
    return x**2


for x in (-1.0, 0.0, 3.0):
    print(f"f({x}) = {f(x)}, f'({x}) = {grad(f)(x)}")

# %% [markdown]
# ## The program
#
# Scores, and the loss: minus the logarithm of the softmax at the right class, averaged.

# %%
show(classifier.score, classifier.cross_entropy, classifier.loss)

# %%
images = data.load(None, *((2000, 500) if labs.quick() else ()))
images.x_train.shape, images.x_train.dtype

# %% [markdown]
# A gradient without calculus: change each weight a little, and see what the loss does. That takes
# two losses for each weight, so images are first projected to 10 random features, which leaves 100
# weights of 30,720.

# %%
show(classifier.numerical_gradient, classifier.descend, classifier.numerical)

# %% [markdown]
# With automatic differentiation, three lines change, and all 30,720 weights can be trained:

# %%
show(classifier.automatic)

# %% [markdown]
# Both gradients, on the same 10 features of 10,000 images:

# %%
small = data.Images(*(a[:10_000] for a in images[:4]), images.title)
for key, value in lab.agreement(small).items():
    print(f"{key}: {value:.3g}")

# %% [markdown]
# ## Descent with numerical gradients

# %%
numerical = lab.train_numerical(small, 2 if labs.quick() else 50)
figure_of({"numerical": numerical}, f"Numerical gradients, 10 features ({images.title})")

# %% [markdown]
# ## Descent with automatic gradients
#
# 2,000 epochs over 50,000 images take minutes. Where `wengert lab linear_classifier` has run, its
# checkpoint in `runs/linear_classifier` has them already.

# %%
runs = Path("../../runs/linear_classifier")
source = runs if not labs.quick() and (runs / "linear.safetensors").exists() else None
linear = lab.train_automatic(images, 20 if labs.quick() else 2000, source)
print(f"{len(linear.loss)} epochs in {linear.seconds:.0f} s")
print(f"loss {linear.loss[0]:.4f} to {linear.loss[-1]:.4f}; it rose in {linear.rises} of them")
figure_of({"linear": linear}, f"Linear classifier ({images.title})")

# %%
S = classifier.score(linear.weights, images.x_test)
print(f"test accuracy: {100 * classifier.accuracy(S, images.y_test):.2f} %")

# %% [markdown]
# ## Another score function
#
# A network of two layers: only the score changes. Its weights are one vector, so the descent is the
# same function.

# %%
show(classifier.two_layer)

# %%
two_layer = lab.train_two_layer(images, 10 if labs.quick() else 300, source)
n = len(two_layer.loss)
start = lab.first_epochs({"linear": linear, "two layers, 32 hidden": two_layer}, n)
figure_of(start, f"The score function swapped ({images.title})")

# %% [markdown]
# ## Plain NumPy
#
# `classifier.py` says `import wengert.numpy as np`, as programs for older packages of this kind do.
# It need not: with `import numpy as np` it computes the same, bit for bit.

# %%
program = Path(classifier.__file__).read_text(encoding="utf-8")
plain = {}
exec(program.replace("import wengert.numpy as np", "import numpy as np"), plain)
few = images.x_train[:1000], images.y_train[:1000]
np.array_equal(plain["automatic"](*few, 3)[0], classifier.automatic(*few, 3)[0])
