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
# # Exercises in differentiation
#
# Seven derivatives, each by hand and by wengert: the two answers, their difference (relative to the
# largest entry), and the time of both. Where autograd, PyTorch or JAX are installed, they solve it
# too. The arrays are tiny, so the times say what a *call* costs; formulas derived by hand always
# win that race. What they cost is the derivation, and the mistakes in it: see exercise 2.

# %%
# %matplotlib inline
# ruff: noqa: D100
import inspect
import sys

sys.path.insert(0, "../..")  # the root of the repository, for `labs`

import numpy as np

import labs
import wengert as wg
from labs.exercises import linear_regression, problems
from labs.exercises.libraries import installed_peers, wengert
from labs.exercises.plots import plot_descent, plot_tanh
from labs.exercises.solve import NOTE, describe, solve, table

libraries = installed_peers()
rounds, burst = (3, 0.002) if labs.quick() else (21, 0.02)
solutions = {}


def exercise(key):
    """Solve an exercise and show the answers."""
    problem = next(problem for problem in problems.EXERCISES if problem.key == key)
    solutions[key] = solve(problem, libraries, rounds=rounds, burst=burst)
    print(describe(solutions[key]))


def source(function):
    """Show what is differentiated."""
    print(inspect.getsource(function))


# %% [markdown]
# ## 1. A Taylor series
#
# $$f(x) = \sum_k (-1)^k \frac{x^{2k}}{(2k)!}, \qquad f'(1) = \,?$$
#
# The series of the cosine, so $f'(x) = -\sin x$. It is summed by a `while` loop that stops at the
# first negligible term: how many operations there are to differentiate depends on $x$.

# %%
source(problems.taylor_cos)
print(wg.grad(problems.taylor_cos)(1.0), "and", -np.sin(1.0), end="\n\n")
exercise("taylor_cos")

# %% [markdown]
# ## 2. Linear regression by gradient descent
#
# $$J(w) = \tfrac14 \sum_{i=1}^4 (w x_i - y_i)^2, \qquad w \leftarrow w - 0.01\, J'(w)$$
#
# with $x = (1, 2, 3, 4)$, $y = 2x$, from $w = 0$, 20 times. By hand,
# $J'(w) = \tfrac14 \sum_i 2 x_i (w x_i - y_i)$.

# %%
exercise("linear_regression")

# %% [markdown]
# The course has another gradient, `np.dot(2 * x, y_pred - y).mean()`, and gets other numbers:

# %%
source(linear_regression.true_gradient)
source(linear_regression.course_gradient)
print(linear_regression.as_text(linear_regression.compare(wengert)))

# %% [markdown]
# Who is right? `np.dot` multiplies *and sums*. Its result is one number, and `.mean()` of one
# number is the number itself: the division by 4 never happens. The course's gradient is that of the
# *sum* of squared errors, four times the gradient of the mean that the same program reports as its
# loss. wengert finds either, when it is given the loss in question.
#
# Descent forgives it. Four times the gradient is four times the learning rate: each step keeps
# $1 - 0.04 \cdot 2 \cdot 7.5 = 0.4$ of the error in $w$ instead of $0.85$, and after 20 steps
# $0.4^{20} \approx 10^{-8}$ of it is left, against $0.85^{20} \approx 0.039$. So the wrong gradient
# looks better, $f(5) = 10.000$ against $9.612$, until a learning rate is compared with somebody
# else's. A check against finite differences finds it at once:

# %%
w, h = 0.5, 1e-6


def J(w):
    """The mean squared error at the weight w."""
    return linear_regression.mean_squared_error(w, linear_regression.X, linear_regression.Y)


print("finite differences", (J(w + h) - J(w - h)) / (2 * h))
print("true gradient     ", linear_regression.true_gradient(w))
print("course's gradient ", linear_regression.course_gradient(w))

# %%
plot_descent()

# %% [markdown]
# ## 3. The fourth derivative of tanh
#
# With $t = \tanh x$ and $t' = 1 - t^2$: $\; t'' = -2tt'$, $\; t''' = (6t^2 - 2)\,t'$,
# $\; t'''' = 8t\,(2 - 3t^2)\,t'$. wengert differentiates its own derivatives.

# %%
f = np.tanh
for _ in range(4):
    f = wg.elementwise_grad(f)
print(f(0.5), "and", problems.tanh_fourth(0.5), end="\n\n")
exercise("tanh_fourth")

# %%
plot_tanh()

# %% [markdown]
# ## 4. The Hessian of a quadratic form
#
# $$\nabla^2 \left( \tfrac12 x^\top A x + b^\top x + c \right) =
# \tfrac12 \left( A + A^\top \right)$$
#
# Not $A$: that is the answer for symmetric matrices only, and this one is not.

# %%
source(problems.quadratic)
exercise("quadratic")

# %% [markdown]
# ## 5. The gradient of a trace
#
# $$\operatorname{tr}(A X B) = \sum_{ijk} A_{ij} X_{jk} B_{ki}, \qquad
# \nabla_X = A^\top B^\top$$

# %%
source(problems.trace)
exercise("trace")

# %% [markdown]
# ## 6. Least squares
#
# $$f(x) = \tfrac12 \lVert A x - b \rVert^2, \qquad \nabla f = A^\top (A x - b), \qquad
# \nabla^2 f = A^\top A$$

# %%
source(problems.least_squares)
exercise("least_squares")

# %% [markdown]
# ## 7. The logistic loss
#
# $$f(x) = \ln \left( 1 + e^{\langle a, x \rangle} \right), \qquad \nabla f = p\, a, \qquad
# \nabla^2 f = p\,(1 - p)\, a a^\top, \qquad p = \frac{1}{1 + e^{-\langle a, x \rangle}}$$

# %%
source(problems.logistic)
exercise("logistic")

# %% [markdown]
# ## All of them

# %%
print(table(list(solutions.values())))
print()
print(NOTE)
