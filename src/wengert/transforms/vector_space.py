"""`vspace`: the vector space that a value belongs to, as rules written for autograd ask for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import prod
from typing import Any

import numpy as np

from ..core import pytree
from ..core.errors import WengertTypeError
from ..core.tensor import Tensor

__all__ = ["SparseObject", "VSpace", "vspace"]


class VSpace:
    """The arrays (or containers of arrays) of one shape, as a vector space over the reals.

    Parameters
    ----------
    value : array or container
        A member. Its numbers are not kept.

    Attributes
    ----------
    shape : tuple of int, or a container of `VSpace`
        For an array its shape, for a container the spaces of its parts.
    size : int
        The dimension over the reals: a complex number counts twice.
    dtype : dtype
        Of an array; None for a container.
    iscomplex : bool
    """

    def __init__(self, value: Any) -> None:
        leaves, self._spec = pytree.flatten(value)
        self._avals: list[tuple[tuple[int, ...], np.dtype[Any]]] = []
        for x in leaves:
            if not isinstance(x, (Tensor, np.ndarray, np.generic, float, complex, int)):
                raise WengertTypeError(
                    f"vspace: a {type(x).__name__} is no vector; expected numbers, arrays, or "
                    "containers of them (wengert.tree.register makes a class a container)"
                )
            dtype = x.dtype if hasattr(x, "dtype") else np.asarray(x).dtype
            if dtype.kind not in "fc":
                dtype = np.dtype(float)
            self._avals.append((np.shape(x), dtype))
        self._is_array = self._spec.is_leaf()

    @classmethod
    def register(cls, value_type: type, vspace_maker: Callable[[Any], Any] | None = None) -> None:
        """Refuse: a class joins as a container.

        Raises
        ------
        WengertTypeError
            Always, naming `wengert.tree.register`.
        """
        raise WengertTypeError(
            f"VSpace.register({value_type.__name__}): in wengert a class of your own becomes "
            "differentiable as a container of arrays: wengert.tree.register(cls, flatten, "
            "unflatten), or make it a dataclass"
        )

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, VSpace) and self._spec == other._spec and self._avals == other._avals
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"VSpace({', '.join(f'{dtype}{list(shape)}' for shape, dtype in self._avals)})"

    @property
    def shape(self) -> Any:
        """The shape of the arrays; of containers the spaces of the parts, in a like container."""
        if self._is_array:
            return self._avals[0][0]
        return pytree.unflatten(self._spec, [vspace(x) for x in self._filled(0.0)])

    @property
    def dtype(self) -> Any:
        """The dtype of the arrays; None for containers."""
        return self._avals[0][1] if self._is_array else None

    @property
    def iscomplex(self) -> bool:
        """Whether a number in it is complex."""
        return any(dtype.kind == "c" for _, dtype in self._avals)

    @property
    def ndim(self) -> int:
        """The number of axes of the arrays."""
        return len(self._avals[0][0]) if self._is_array else 0

    @property
    def size(self) -> int:
        """The dimension over the reals."""
        return sum(prod(s) * (2 if dtype.kind == "c" else 1) for s, dtype in self._avals)

    def _filled(self, value: float) -> list[Any]:
        return [np.full(shape, value, dtype) for shape, dtype in self._avals]

    def _of(self, leaves: list[Any]) -> Any:
        return pytree.unflatten(self._spec, leaves)

    def zeros(self) -> Any:
        """The zero vector."""
        return self._of(self._filled(0.0))

    def ones(self) -> Any:
        """All ones."""
        return self._of(self._filled(1.0))

    def randn(self) -> Any:
        """A vector of independent normal numbers, from NumPy's global generator."""
        leaves = []
        for shape, dtype in self._avals:
            a = np.asarray(np.random.standard_normal(shape))  # noqa: NPY002
            if dtype.kind == "c":
                a = a + 1j * np.random.standard_normal(shape)  # noqa: NPY002
            leaves.append(a.astype(dtype))
        return self._of(leaves)

    def standard_basis(self) -> Iterator[Any]:
        """The unit vectors one after the other, and i times them for complex numbers."""
        for i, (shape, dtype) in enumerate(self._avals):
            for index in np.ndindex(*shape):
                for unit in (1.0, 1.0j) if dtype.kind == "c" else (1.0,):
                    leaves = self._filled(0.0)
                    leaves[i][index] = unit
                    yield self._of(leaves)

    def _each(self, f: Callable[..., Any], *values: Any) -> Any:
        columns = [pytree.flatten_up_to(self._spec, v) for v in values]
        return self._of([f(*xs) for xs in zip(*columns, strict=True)])

    def add(self, x: Any, y: Any) -> Any:
        """The sum; differentiable, as the other operations are."""
        return self._each(lambda a, b: a + b, x, y)

    def mut_add(self, x: Any, y: Any) -> Any:
        """The sum, where ``x`` may be None for zero. Arrays are not changed."""
        return y if x is None else self.add(x, y)

    def scalar_mul(self, x: Any, a: Any) -> Any:
        """``a`` times ``x``."""
        return self._each(lambda b: b * a, x)

    def inner_prod(self, x: Any, y: Any) -> Any:
        """The inner product over the reals, a real scalar."""
        xs, ys = (pytree.flatten_up_to(self._spec, v) for v in (x, y))
        return sum(np.sum(np.real(np.conj(a) * b)) for a, b in zip(xs, ys, strict=True))

    def covector(self, x: Any) -> Any:
        """The complex conjugate."""
        return self._each(np.conj, x)


def vspace(value: Any) -> VSpace:
    """The vector space of ``value``: its shapes and dtypes, with zero, sum and inner product.

    Examples
    --------
    >>> import numpy as np
    >>> from wengert.extend import vspace
    >>> space = vspace((np.ones((2, 3)), 1.0))
    >>> space.size
    7
    >>> space.zeros()[1]
    array(0.)
    """
    return VSpace(value)


class SparseObject:
    """A cotangent that is to be added to part of an array: ``mut_add(array)`` returns the sum.

    Rules may return one; it is added to zeros.
    """

    def __init__(self, vs: VSpace, mut_add: Callable[[Any], Any]) -> None:
        self.vs = vs
        self.mut_add = mut_add

    def dense(self) -> Any:
        """The cotangent as an array."""
        return self.mut_add(self.vs.zeros())
