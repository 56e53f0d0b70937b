"""Functions that a listing calls and that NumPy has not: each printed above it, in plain NumPy.

They are what derivatives of a few operations need (ties in a sort, cofactors of a singular matrix),
and results of LAPACK in the form that the records have.
The records of the operations call them by these names; the tests compare each with its record.
"""

from __future__ import annotations

import ast

__all__ = ["DEFINITIONS", "functions_called", "renamed_definition"]

DEFINITIONS: dict[str, str] = {}
"""The source of each function by its name."""

DEFINITIONS["tie_mean"] = '''\
def tie_mean(t, y, axis):
    """Means of t over the places along an axis where the sorted y is equal."""
    t, y = np.moveaxis(t, axis, -1), np.moveaxis(y, axis, -1)
    first = np.ones(y.shape, bool)
    first[..., 1:] = y[..., 1:] != y[..., :-1]
    starts = np.flatnonzero(first)
    counts = np.diff(starts, append=first.size)
    means = np.add.reduceat(t.ravel(), starts) / counts.astype(t.real.dtype)
    return np.moveaxis(np.repeat(means, counts).reshape(t.shape), -1, axis)
'''

DEFINITIONS["last_writer"] = '''\
def last_writer(shape, index):
    """Of x[index] = values, which values no later one overwrites, for x of this shape."""
    x = np.zeros(shape, int)
    number = np.arange(x[index].size).reshape(x[index].shape)
    x[index] = number
    return x[index] == number
'''

DEFINITIONS["add_at"] = '''\
def add_at(x, value, index):
    """A copy of x with value added at the index, as often as an element is named."""
    y = np.array(x)
    np.add.at(y, index, value)
    return y
'''

DEFINITIONS["cofactor"] = '''\
def cofactor(a):
    """The cofactors of square matrices: det(a) * inv(a).T, but also where a is singular."""
    u, s, vh = np.linalg.svd(a)
    same = np.eye(s.shape[-1]) == 1
    others = np.prod(np.where(same, 1, s[..., None, :]), axis=-1)  # of s, without division
    sign = np.linalg.det(u) * np.linalg.det(vh)
    return sign[..., None, None] * (np.conj(u) * others[..., None, :] @ np.conj(vh))
'''

DEFINITIONS["cofactor_tangent"] = '''\
def cofactor_tangent(a, h):
    """The derivative of the cofactors of a in the direction h, also where a is singular."""
    u, s, vh = np.linalg.svd(a)
    same = np.eye(s.shape[-1]) == 1
    either = same[:, None, :] | same[None, :, :]
    pairs = np.prod(np.where(either, 1, s[..., None, None, :]), axis=-1) * ~same
    h = np.conj(u).swapaxes(-1, -2) @ h @ np.conj(vh).swapaxes(-1, -2)
    diagonal = np.sum(pairs * np.diagonal(h, 0, -2, -1)[..., None, :], axis=-1)
    g = np.where(same, diagonal[..., None], -pairs * h.swapaxes(-1, -2))
    sign = np.linalg.det(u) * np.linalg.det(vh)
    return sign[..., None, None] * (np.conj(u) @ g @ np.conj(vh))
'''

DEFINITIONS["sinc_derivative"] = '''\
def sinc_derivative(x, n):
    """The n-th derivative of np.sinc: a recurrence, or near 0 the power series."""
    y = np.pi * np.asarray(x, float)
    far = np.where(np.abs(y) <= n + 1, n + 2.0, y)
    large = np.sin(far) / far
    for k in range(1, n + 1):
        large = (np.sin(far + k * np.pi / 2) - k * large) / far
    near = np.where(np.abs(y) <= n + 1, y, 0.0)
    small, power = np.zeros_like(near), np.ones_like(near)
    for m in range(3 * n + 24):
        small += (1, 0, -1, 0)[(m + n) % 4] * power / (m + n + 1)
        power = power * near / (m + 1)
    return np.pi**n * np.where(np.abs(y) <= n + 1, small, large)
'''

DEFINITIONS["coupling"] = '''\
def coupling(m, w, together, power):
    """m[i, j] / (w[j] - w[i])**power, or w[j] + w[i]; 0 on the diagonal, NaN where w coincide."""
    gap = w[..., None, :] + (1 if together else -1) * w[..., :, None]
    tolerance = 16 * max(w.shape[-1], 4) * np.finfo(w.dtype).eps
    close = np.abs(gap) <= tolerance * np.max(np.abs(w), axis=-1, initial=0)[..., None, None]
    f = 1 / np.where(close, np.nan, gap) ** power
    return m * np.where(np.eye(w.shape[-1]) == 1, 0, f)
'''

DEFINITIONS["expm_frechet"] = '''\
def expm_frechet(a, e):
    """The derivative of scipy.linalg.expm at a in the direction e."""
    from scipy.linalg import expm

    a, e = np.broadcast_arrays(a, e)
    top = np.concatenate([a, e], axis=-1)
    bottom = np.concatenate([np.zeros_like(a), a], axis=-1)
    n = a.shape[-1]
    return expm(np.concatenate([top, bottom], axis=-2))[..., :n, n:]
'''

DEFINITIONS["logm_frechet"] = '''\
def logm_frechet(a, e):
    """The derivative of scipy.linalg.logm at a in the direction e."""
    from scipy.linalg import logm

    a, e = np.broadcast_arrays(a, e)
    top = np.concatenate([a, e], axis=-1)
    bottom = np.concatenate([np.zeros_like(a), a], axis=-1)
    blocks = np.concatenate([top, bottom], axis=-2)
    n = a.shape[-1]
    y = np.vectorize(logm, signature="(n,n)->(n,n)")(blocks)[..., :n, n:]
    return (y if blocks.dtype.kind == "c" else np.real(y)).astype(blocks.dtype)
'''

DEFINITIONS["permutation"] = '''\
def permutation(pivots, m):
    """The order of m rows after LAPACK's exchanges: row i with row pivots[i], one by one."""
    order = np.broadcast_to(np.arange(m), (*pivots.shape[:-1], m)).copy()
    for i in range(pivots.shape[-1]):
        j = pivots[..., i : i + 1].astype(int)
        here = order[..., i : i + 1].copy()
        order[..., i : i + 1] = np.take_along_axis(order, j, -1)
        np.put_along_axis(order, j, here, -1)
    return order
'''

DEFINITIONS["lu"] = '''\
def lu(a):
    """The packed factors of a after exchanges of rows, LAPACK's pivots, and the order of rows."""
    from scipy.linalg import lu_factor

    signature = "(m,n)->(m,n),(k)"
    packed, pivots = np.vectorize(lu_factor, signature=signature)(a)
    order = np.broadcast_to(np.arange(a.shape[-2]), a.shape[:-1]).copy()
    for i in range(pivots.shape[-1]):
        j = pivots[..., i : i + 1].astype(int)
        here = order[..., i : i + 1].copy()
        order[..., i : i + 1] = np.take_along_axis(order, j, -1)
        np.put_along_axis(order, j, here, -1)
    return packed, pivots, order
'''

DEFINITIONS["logm"] = '''\
def logm(a):
    """scipy.linalg.logm, of a real matrix real, in its own precision."""
    from scipy.linalg import logm

    y = np.vectorize(logm, signature="(n,n)->(n,n)")(a)
    return (y if a.dtype.kind == "c" else np.real(y)).astype(a.dtype)
'''

DEFINITIONS["solve_toeplitz"] = '''\
def solve_toeplitz(c, r, b):
    """scipy.linalg.solve_toeplitz, of stacks too, in the precision of its arguments."""
    from scipy.linalg import toeplitz

    a = np.vectorize(toeplitz, signature="(n),(n)->(n,n)")(c, r)
    return np.linalg.solve(a, b)
'''

DEFINITIONS["solve_discrete_lyapunov"] = '''\
def solve_discrete_lyapunov(a, q):
    """scipy.linalg.solve_discrete_lyapunov, of stacks too, in the precision of its arguments."""
    from scipy.linalg import solve_discrete_lyapunov

    x = np.vectorize(solve_discrete_lyapunov, signature="(n,n),(n,n)->(n,n)")(a, q)
    return x.astype(np.result_type(a, q))
'''


DEFINITIONS["convolve_stacks"] = '''\
def convolve_stacks(a, v, mode):
    """np.convolve along the last axis of stacks that broadcast."""
    if mode == "full":
        a = np.pad(a, [(0, 0)] * (a.ndim - 1) + [(v.shape[-1] - 1,) * 2])
    windows = np.lib.stride_tricks.sliding_window_view(a, v.shape[-1], -1)
    return np.einsum("...jk,...k->...j", windows, v[..., ::-1])
'''


def functions_called(tree: ast.AST) -> set[str]:
    """The functions that an expression calls by a plain name: none of NumPy or Python."""
    return {
        node.func.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }


def renamed_definition(name: str, new: str) -> str:
    """The source under another name, for a listing with an argument of that name."""
    return DEFINITIONS[name].replace(f"def {name}(", f"def {new}(", 1)
