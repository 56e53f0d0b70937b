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
# # A network that others have trained
#
# EfficientNet-Lite0 has 4.7 million parameters, was trained on 1.2 million photographs of
# ImageNet's 1,000 classes, and takes a tenth of a second for a photograph here. Its weights are a
# file of PyTorch's, which is read without PyTorch.

# %%
# %matplotlib inline
# ruff: noqa: D100
import sys
import warnings

sys.path.insert(0, "../..")  # the root of the repository, for `labs`

import numpy as np
from IPython.display import Image

import labs
from labs.pictures import png_bytes
from labs.pretrained.lab import without_helmet
from labs.pretrained.photographs import PHOTOGRAPHS, photograph
from labs.pretrained.reference import compare
from wengert import models, nn

warnings.filterwarnings("ignore", "IProgress not found")  # of tqdm, which skimage loads
model = models.load_efficientnet_lite0()
print(f"{sum(array.size for array in nn.named_arrays(model).values()):,} numbers")
print(f"{len(model.layers)} layers; the first block: {model.layers[1]}")

# %% [markdown]
# ## What the network sees
#
# The square in the middle, 224 x 224 pixels, from -1 to 1.

# %%
cat = photograph("chelsea")
x = models.preprocess(cat)
print(cat.shape, "->", x.shape, x.dtype, f"from {x.min():.2f} to {x.max():.2f}")

# %% [markdown]
# ## Answers, and the pixels that they depend on
#
# The map on the right is a derivative: of the largest logit with respect to every pixel. Training
# needs the gradient by the weights; the same call gives the one by the input.


# %%
def answer(name, image=None):
    """The answer to a photograph with its saliency map."""
    image = photograph(name) if image is None else image
    return models.Answer(name, image, models.classify(model, image), models.saliency(model, image))


def draw(answers):
    """The picture of answers, with few colours."""
    return Image(png_bytes(models.draw_answers(answers), palette=True))


names = (
    ("chelsea", "coffee") if labs.quick() else ("chelsea", "coffee", "rocket", "flower", "china")
)
draw([answer(name) for name in names])

# %% [markdown]
# Three cats share the first answer because ImageNet has three classes for them: tiger cat, Egyptian
# cat, tabby. There is no class for rockets other than missiles, none for dahlias, and none for
# pagodas: the network must answer with one of its classes, and takes a near one.
#
# ## Where it fails
#
# There is no class for people either. On this photograph the network says "football helmet", and
# the map shows why: the helmet at the lower right and the collar are what the answer depends on.
# Under a grey patch it is gone, and so is the answer.

# %%
astronaut = photograph("astronaut")
draw([answer("astronaut", astronaut), answer("without the helmet", without_helmet(astronaut))])

# %% [markdown]
# ## Is it the same network?
#
# The largest difference of a logit from those of PyTorch, with another person's implementation:

# %%
found = compare(model, [name for name in names if name in PHOTOGRAPHS])
for name, difference in found.differences.items():
    print(f"{name:<10}{'below 1e-4' if difference < 1e-4 else difference}")
print("all below 1e-4:", np.max(list(found.differences.values())) < 1e-4)
