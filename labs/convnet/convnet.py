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
# # A convolutional network on pictures of clothes
#
# Fashion-MNIST: 70,000 grey pictures of 28 x 28 pixels in ten classes. 50,000 train the network,
# 10,000 tell how it does meanwhile (validation), and 10,000 are looked at once, at the end (test).

# %%
# %matplotlib inline
# ruff: noqa: D100
import dataclasses
import sys
import warnings

sys.path.insert(0, "../..")  # the root of the repository, for `labs`

import numpy as np
from IPython.display import Markdown

import labs
from labs.convnet import lab, network
from labs.convnet.plots import plot_curves, plot_kernels, plot_mistakes
from labs.convnet.training import QUICK, Hyperparameters, load_images, train
from wengert.train.progress import Reporter

warnings.filterwarnings("ignore", "IProgress not found")  # progress bars are plain text here
settings = QUICK if labs.quick() else Hyperparameters()
images, classes = load_images(seed=settings.seed, quick=labs.quick())
for name, part in images._asdict().items():
    print(f"{name:<12}{part.x.shape}")

# %% [markdown]
# ## The architecture
#
# A convolution slides a window of 3 x 3 pixels over the picture and computes the same few numbers
# at each place, so it needs few parameters; pooling halves height and width. Most parameters are in
# the first linear layer. Dropout sets three in ten of its inputs to zero at each step of training,
# others each time, so that it cannot rely on single ones.

# %%
model = network.build(np.random.default_rng(settings.seed), channels=settings.channels)
Markdown(network.table(network.architecture(model)))

# %% [markdown]
# ## The hyperparameters
#
# Found by looking at the validation images only.

# %%
dataclasses.asdict(settings)

# %% [markdown]
# ## Training
#
# Stochastic gradient descent with momentum. The learning rate falls to zero along half a cosine,
# which is why the last epochs are the best ones.

# %%
result = train(settings, images, reporter=Reporter(stream=sys.stdout))

# %%
plot_curves(result.records)

# %% [markdown]
# ## The test, once

# %%
print(f"test accuracy {100 * result.test_accuracy:.2f} %, test loss {result.test_loss:.4f}")

# %% [markdown]
# ## What it confuses
#
# Shirts with T-shirts, coats and pullovers, as people do on pictures of this size. The pictures on
# the right are the most certain mistakes; some of the labels may be the mistake.

# %%
validation = images.validation
plot_mistakes(lab.logits_of(result.model, validation.x), validation.x, validation.y, classes)

# %% [markdown]
# ## What the first layer looks for
#
# Its 16 kernels of 3 x 3 pixels (red is positive, blue is negative): edges in several directions,
# and bright spots.

# %%
plot_kernels(result.model.layers[0].kernel)
