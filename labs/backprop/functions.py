"""Four computational graphs, differentiated by hand.

Each function runs its graph once forward and once backward and returns ``(output, gradients)``.
The forward pass has one line for each operator. The backward pass has one line for each edge: the
gradient of the edge's source is the gradient of its target times the local derivative, which is
written out. A value that two operators use goes through an explicit copy; the gradient of a copy is
the sum of the gradients of its ends.

The arguments are numbers (arrays of one shape work too, element by element). The graphs are the
textbook ones, so `f2` and `f3` overflow where the exponential function does, near 710.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["FUNCTIONS", "f1", "f2", "f3", "f4"]


def f1(x1: Any, w1: Any, x2: Any, w2: Any, b: Any, y: Any) -> tuple[Any, tuple[Any, ...]]:
    """Linear prediction and squared error: ``L = (x1 w1 + x2 w2 + b - y)^2``.

    Returns
    -------
    L : number
    gradients : tuple
        With respect to ``x1, w1, x2, w2, b, y``.
    """
    # Forward pass
    a1 = x1 * w1
    a2 = x2 * w2
    a = a1 + a2
    yhat = a + b
    d = yhat - y
    L = d**2

    # Backward pass
    grad_L = 1.0
    grad_d = grad_L * 2 * d
    grad_yhat = grad_d * 1
    grad_y = grad_d * -1
    grad_a = grad_yhat * 1
    grad_b = grad_yhat * 1
    grad_a1 = grad_a * 1
    grad_a2 = grad_a * 1
    grad_x1 = grad_a1 * w1
    grad_w1 = grad_a1 * x1
    grad_x2 = grad_a2 * w2
    grad_w2 = grad_a2 * x2
    return L, (grad_x1, grad_w1, grad_x2, grad_w2, grad_b, grad_y)


def f2(x: Any) -> tuple[Any, tuple[Any, ...]]:
    """The hyperbolic tangent through ``exp(2 x)``: ``y = (e - 1) / (e + 1)``.

    Returns
    -------
    y : number
    gradients : tuple
        With respect to ``x``.
    """
    # Forward pass
    d = 2 * x
    e = np.exp(d)
    e_top, e_bottom = e, e  # copy
    t = e_top - 1
    b = e_bottom + 1
    y = t / b

    # Backward pass
    grad_y = 1.0
    grad_t = grad_y / b
    grad_b = grad_y * -t / b**2
    grad_e_top = grad_t * 1
    grad_e_bottom = grad_b * 1
    grad_e = grad_e_top + grad_e_bottom
    grad_d = grad_e * e
    grad_x = grad_d * 2
    return y, (grad_x,)


def f3(s1: Any, s2: Any, y: int) -> tuple[Any, tuple[Any, ...]]:
    """Softmax loss of two classes: ``L = -log p_y`` with ``p_k = exp(s_k) / sum_j exp(s_j)``.

    Parameters
    ----------
    s1, s2 : number
        The scores.
    y : {1, 2}
        The right class. It chooses an edge and has no gradient.

    Returns
    -------
    L : number
    gradients : tuple
        With respect to ``s1, s2``.

    Raises
    ------
    ValueError
        If ``y`` is neither 1 nor 2.
    """
    if y not in (1, 2):
        raise ValueError(f"f3: the label y must be 1 or 2, got {y!r}")
    # Forward pass
    e1 = np.exp(s1)
    e2 = np.exp(s2)
    e1_sum, e1_top = e1, e1  # copy
    e2_sum, e2_top = e2, e2  # copy
    d = e1_sum + e2_sum
    d1, d2 = d, d  # copy
    p1 = e1_top / d1
    p2 = e2_top / d2
    p_y = p1 if y == 1 else p2  # choose
    L = -np.log(p_y)

    # Backward pass
    grad_L = 1.0
    grad_p_y = grad_L * -1 / p_y
    grad_p1 = grad_p_y * (y == 1)
    grad_p2 = grad_p_y * (y == 2)
    grad_e1_top = grad_p1 / d1
    grad_d1 = grad_p1 * -e1_top / d1**2
    grad_e2_top = grad_p2 / d2
    grad_d2 = grad_p2 * -e2_top / d2**2
    grad_d = grad_d1 + grad_d2
    grad_e1_sum = grad_d * 1
    grad_e2_sum = grad_d * 1
    grad_e1 = grad_e1_sum + grad_e1_top
    grad_e2 = grad_e2_sum + grad_e2_top
    grad_s1 = grad_e1 * e1
    grad_s2 = grad_e2 * e2
    return L, (grad_s1, grad_s2)


def f4(x: Any, mu: Any, sigma: Any) -> tuple[Any, tuple[Any, ...]]:
    """Negative log-likelihood of a normal distribution.

    ``L = ((x - mu) / sigma)^2 / 2 + log sigma``. The constant
    ``log(2 pi) / 2`` is left out, as its gradient is zero. ``sigma`` is positive.

    Returns
    -------
    L : number
    gradients : tuple
        With respect to ``x, mu, sigma``.
    """
    # Forward pass
    sigma_z, sigma_log = sigma, sigma  # copy
    d = x - mu
    z = d / sigma_z
    q = z**2
    h = q / 2
    c = np.log(sigma_log)
    L = h + c

    # Backward pass
    grad_L = 1.0
    grad_h = grad_L * 1
    grad_c = grad_L * 1
    grad_q = grad_h / 2
    grad_z = grad_q * 2 * z
    grad_d = grad_z / sigma_z
    grad_sigma_z = grad_z * -d / sigma_z**2
    grad_sigma_log = grad_c / sigma_log
    grad_x = grad_d * 1
    grad_mu = grad_d * -1
    grad_sigma = grad_sigma_z + grad_sigma_log
    return L, (grad_x, grad_mu, grad_sigma)


FUNCTIONS: dict[str, Callable[..., tuple[Any, tuple[Any, ...]]]] = {
    "f1": f1,
    "f2": f2,
    "f3": f3,
    "f4": f4,
}
