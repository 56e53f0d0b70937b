"""`Tensor`: an array that remembers how it was computed.

A Tensor is a handle on an array (or an abstract value) and a tape node. Three classes share one
layout, so that a handle can change class in place:

* `Tensor` is what users name and construct;
* `FastTensor` is what every ordinary Tensor is. The exact test ``type(x) is FastTensor`` is the
  only test that the generated fast paths make;
* `RareTensor` is a view of another Tensor, carries tangents (forward mode), holds an abstract value
  (recording on shapes), or has had its array handed out by ``.array``.

Operators, methods and NumPy's protocols are attached by `wengert.rules` and `wengert.numpy`, which
own the operations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from . import conversions
from .abstract import Var
from .errors import WengertTypeError, WengertValueError
from .leaf import leaf_array, leaf_node
from .rare import Rare
from .state import LOCAL

if TYPE_CHECKING:
    from .tape import Node

__all__ = ["FastTensor", "Rare", "RareTensor", "Tensor", "handle", "tensor"]


class Tensor:
    """An array that remembers how it was computed, to be differentiated with ``backward()``.

    Parameters
    ----------
    array : array_like
        Copied. Integers become float64.
    requires_grad : bool
        Whether ``backward()`` is to compute ``.grad`` for it.
    parents, grad_fn, grad_fn_name :
        For an operation of your own: the operand Tensors, a function ``grad_fn(upstream)`` that
        adds its contributions to their ``.grad``, and the name shown by ``repr``.

    Notes
    -----
    ``requires_grad`` propagates to the results of operations. NumPy functions accept Tensors and
    return Tensors.
    """

    __slots__ = ("__weakref__", "_a", "_g", "_n", "_x")
    __array_priority__ = 1000.0
    __hash__ = object.__hash__

    _a: Any
    _n: Node | None
    _x: Rare
    _g: tuple[int, Tensor] | None  # a gradient that is itself recorded, and the id of its node

    def __init__(
        self,
        array: Any,
        requires_grad: bool = False,
        parents: Sequence[Tensor] = (),
        grad_fn: Callable[[Any], None] | None = None,
        grad_fn_name: str | None = None,
    ) -> None:
        if isinstance(array, Tensor):
            array = array._untraced("Tensor()")
        self._a = leaf_array(array, bool(requires_grad))
        self._n = None
        self.__class__ = FastTensor
        if requires_grad or (grad_fn is not None and any(p._n is not None for p in parents)):
            if grad_fn is not None or parents:
                from .user_operation import user_node

                self._n = user_node(self, tuple(parents), grad_fn, grad_fn_name)
            else:
                self._n = leaf_node(self)

    def __init_subclass__(cls) -> None:
        if cls.__module__ != __name__:
            raise WengertTypeError(
                f"class {cls.__name__}: Tensor cannot be subclassed; hold one as "
                "an attribute instead"
            )

    # -------------------------------------------------------------- what it holds

    @property
    def shape(self) -> tuple[int, ...]:
        """The lengths of the dimensions."""
        shape: tuple[int, ...] = self._a.shape
        return shape

    @shape.setter
    def shape(self, shape: Any) -> None:
        raise WengertTypeError(
            f"x.shape = {shape!r}: the shape of a Tensor cannot be set, since other Tensors may be "
            f"views of it; use x = x.reshape({shape!r})"
        )

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return int(self._a.ndim)

    @property
    def size(self) -> int:
        """The number of elements."""
        return int(self._a.size)

    @property
    def dtype(self) -> Any:
        """The dtype of the elements."""
        return self._a.dtype

    @property
    def itemsize(self) -> int:
        """Bytes of one element."""
        return int(self._a.dtype.itemsize)

    @property
    def nbytes(self) -> int:
        """Bytes of all elements."""
        return self.size * self.itemsize

    @property
    def flags(self) -> Any:
        """How the values lie in memory, as NumPy's ``flags``; setting them changes nothing here."""
        return np.asarray(self._concrete(".flags")).view().flags

    @property
    def requires_grad(self) -> bool:
        """Whether gradients flow to or through this Tensor. Can be set on one that is no result."""
        if type(self) is RareTensor:
            from .bind import refresh

            refresh(self)
        return self._n is not None

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        from .tape import LEAF

        if bool(value) == (self._n is not None):
            return
        if self._n is not None and self._n[1] is not LEAF:
            raise WengertValueError(
                "requires_grad of the result of an operation cannot be set; use .detach()"
            )
        if not value:
            self._n = None
            return
        if self._a.dtype.kind not in "fc":
            raise WengertTypeError(
                f"a Tensor of dtype {self._a.dtype} cannot require gradients; use .astype(float)"
            )
        self._n = leaf_node(self)

    @property
    def array(self) -> Any:
        """The values as an ndarray (0-d for a scalar), live: what is written into it is seen here.

        Assigning copies the new value in. A write is not recorded: into a parameter it is what an
        update does; into the result of an operation it can be read, but not differentiated, so
        that what is computed from it afterwards raises `MutationError` where gradients are needed.
        Inside transforms, and on views of Tensors, the array is read-only: NumPy says "assignment
        destination is read-only". Write into the Tensor (``x[i] = v``, recorded), or into a copy
        (``x.numpy()``, ``x.detach().copy()``).
        """
        from .exposed import expose

        return expose(self)

    @array.setter
    def array(self, value: Any) -> None:
        from .exposed import replace_array

        replace_array(self, value)

    @property
    def grad(self) -> Any:
        """The accumulated gradient, a live ndarray of this shape; None without ``requires_grad``.

        ``backward()`` fills in those of the Tensors that are still held, and of all that are
        reached through the order that it returns. A Tensor after ``backward(create_graph=True)``.
        """
        node = self._n
        if node is None:
            return None
        if getattr(self, "_g", None) is not None:
            recorded = self._recorded_grad()
            if recorded is not None:
                return recorded
        if node[4] is None:
            node[4] = np.zeros(self._a.shape, self._a.dtype)
        return node[4]

    @grad.setter
    def grad(self, value: Any) -> None:
        if self._n is None:
            raise WengertValueError(
                ".grad of a Tensor that does not require gradients cannot be set; set "
                "requires_grad = True first"
            )
        if value is None:
            self.zero_grad()
            return
        if value is self._n[4]:
            return  # x.grad += step ends with this assignment of the array to itself
        g = value if isinstance(value, Tensor) else np.array(value, dtype=self._a.dtype)
        if g.shape != self._a.shape:
            raise WengertValueError(
                f".grad of a Tensor of shape {self._a.shape} cannot have shape {g.shape}; "
                "reshape or sum it to that shape"
            )
        self.zero_grad()
        if isinstance(g, Tensor):
            self._g = (self._n[0], g)
        else:
            self._n[4] = g

    def zero_grad(self) -> None:
        """Forget the accumulated gradient: ``.grad`` is zeros again."""
        self._g = None
        if self._n is not None:
            self._n[4] = None

    def _recorded_grad(self) -> Tensor | None:
        """The gradient after ``create_graph``.

        It is kept here and not in the node: its own history leads to the node, and a cycle would
        wait for the garbage collector.
        """
        kept = getattr(self, "_g", None)
        node: Any = self._n
        if kept is None or node is None or kept[0] != node[0]:
            return None
        if node[4] is not None:
            kept = self._g = (node[0], kept[1] + node[4])
            node[4] = None
        recorded: Tensor = kept[1]
        return recorded

    @property
    def parents(self) -> tuple[Tensor, ...]:
        """The operands of the operation that made this Tensor; ``()`` if none is recorded."""
        from .ancestry import parents_of

        return parents_of(self)

    @property
    def grad_fn(self) -> Callable[[Any], None] | None:
        """``grad_fn(upstream)`` adds this operation's contribution to its parents' ``.grad``."""
        from .history import grad_fn_of

        return grad_fn_of(self)

    @property
    def grad_fn_name(self) -> str | None:
        """The name of the backward step, such as ``<AddBackward>``; None for what is no result."""
        from .history import grad_fn_name_of

        return grad_fn_name_of(self)

    def backward(self, gradient: Any = None, create_graph: bool = False) -> Sequence[Tensor]:
        """Compute the gradient of this Tensor and add it to the ``.grad`` of all it depends on.

        Parameters
        ----------
        gradient : array_like, optional
            The cotangent to start from, of this Tensor's shape; ones by default.
        create_graph : bool
            Record the backward pass too, so that ``.grad`` can be differentiated again.

        Returns
        -------
        sequence of Tensor
            The Tensors of the computation, parents first, this one last, constants included.
            Computed when it is first looked at.

        Raises
        ------
        WengertValueError
            If nothing here requires gradients.
        ShapeError
            If ``gradient`` does not have this Tensor's shape.
        """
        from .history import backward

        return backward(self, gradient, create_graph)

    def detach(self) -> Tensor:
        """The same values without the history. Shares no memory that is ever written."""
        from .bind import refresh

        refresh(self)
        if type(self) is RareTensor and self._x.exposed:
            return handle(self._a.copy(), None, None)
        return handle(self._a, None, None)

    # -------------------------------------------------------------- conversions

    def _concrete(self, what: str) -> Any:
        from .bind import refresh

        refresh(self)
        if type(self._a) is Var:
            raise conversions.no_values(what, self._a.shape)
        return self._a

    def _untraced(self, what: str) -> Any:
        """The value, unless a derivative would silently be lost by leaving the tape here."""
        a = self._concrete(what)
        if LOCAL.depth and (self._n is not None or (type(self) is RareTensor and self._x.tangents)):
            raise conversions.lost_derivative(what)
        return a

    def _number(self, what: str) -> Any:
        """The value for ``float(x)`` and its kind."""
        a = self._untraced(what)
        if a.ndim:
            raise conversions.no_number(what, a.shape, a.dtype)
        if self._n is not None and conversions.is_item_assignment():
            raise conversions.lost_history(what)
        return a

    def item(self) -> Any:
        """The one element as a Python number."""
        a = self._untraced(".item()")
        if a.size != 1:
            raise conversions.not_one_item(".item()", a.shape)
        return a.item()

    def tolist(self) -> Any:
        """The values as nested lists."""
        return self._untraced(".tolist()").tolist()

    def numpy(self) -> Any:
        """A copy of the values as a plain array."""
        return np.array(self._untraced(".numpy()"))

    def __float__(self) -> float:
        a = self._number("float()")
        if a.dtype.kind == "c":
            raise conversions.no_number("float()", a.shape, a.dtype)
        return float(a)

    def __int__(self) -> int:
        a = self._number("int()")
        if a.dtype.kind == "c":
            raise conversions.no_number("int()", a.shape, a.dtype)
        return int(a)

    def __complex__(self) -> complex:
        return complex(self._number("complex()"))

    def __bool__(self) -> bool:
        a = self._concrete("bool()")
        if a.size != 1:
            raise conversions.ambiguous_truth(a.shape)
        return bool(a)

    def __index__(self) -> int:
        a = self._concrete("index()")
        if a.ndim or a.dtype.kind not in "iu":
            raise conversions.no_index(a.shape, a.dtype)
        index: int = a.__index__()
        return index

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        if conversions.is_sparse_product():
            return conversions.opaque(self)
        a = self._untraced(conversions.CONVERSION)
        if self._n is not None:
            raise conversions.lost_history(conversions.CONVERSION)
        if copy is False:
            raise WengertValueError(
                "np.asarray(x, copy=False): a Tensor cannot be seen as a plain array without a "
                "copy; leave copy out, or use x.array"
            )
        return np.array(a, dtype=dtype)

    def __dlpack__(self, **options: Any) -> Any:
        """A copy of the values for another library."""
        return self.__array__().__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[int, int]:
        """The CPU."""
        return (1, 0)

    def __len__(self) -> int:
        if not self._a.shape:
            raise WengertTypeError(
                "len() of a 0-d Tensor: it is one number and has no length; use x.size, or "
                "np.atleast_1d(x)"
            )
        return int(self._a.shape[0])

    def __iter__(self) -> Iterator[Any]:
        if not self._a.shape:
            raise WengertTypeError(
                "iteration over a 0-d Tensor: it is one number and has no elements; use "
                "np.atleast_1d(x), or check that it was not reduced or indexed before"
            )
        return (self[i] for i in range(self._a.shape[0]))  # type: ignore[index]

    def __repr__(self) -> str:
        from .history import describe

        return describe(self)

    def __format__(self, spec: str) -> str:
        if not spec:
            return str(self)
        a = self._concrete("format()")
        if a.ndim:
            raise conversions.no_format(spec, a.shape)
        return format(a[()], spec)

    def _is_result(self) -> bool:
        from .tape import LEAF

        return self._n is not None and self._n[1] is not LEAF

    def __copy__(self) -> Tensor:
        return self.__deepcopy__({})

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        if self._is_result():
            raise conversions.no_copy(
                "copied with the copy module", "use x.copy(), which is recorded, or x.detach()"
            )
        return _restored(self._concrete("copy"), self._n is not None)

    def __reduce__(self) -> Any:
        if self._is_result():
            raise conversions.no_copy(
                "pickled",
                "pickle x.detach() or x.numpy() (inside a transform, return it and pickle what "
                "comes out)",
            )
        return _restored, (self._concrete("pickling"), self._n is not None)


def _restored(array: Any, requires_grad: bool) -> Tensor:
    """A Tensor that was pickled or copied: like the constructor, but the dtype is kept."""
    t = handle(np.array(array), None, None)
    t.requires_grad = requires_grad
    return t


class FastTensor(Tensor):
    """An ordinary Tensor."""

    __slots__ = ()
    # The C-level initialiser: FastTensor() costs a quarter of what a Python __init__ would.
    __init__ = object.__init__


class RareTensor(Tensor):
    """A Tensor with something besides an array and a node: see `Rare`."""

    __slots__ = ()
    __init__ = object.__init__


for _cls in (FastTensor, RareTensor):  # users see one class
    _cls.__name__ = "Tensor"
    _cls.__qualname__ = "Tensor"
    _cls.__doc__ = Tensor.__doc__


def tensor(array: Any, requires_grad: bool = False) -> Tensor:
    """Make a `Tensor`; the same as ``Tensor(array, requires_grad)``."""
    return Tensor(array, requires_grad)


def handle(a: Any, n: Node | None, tangents: dict[int, Any] | None) -> Tensor:
    """A Tensor around an array (or abstract value), a node and tangents."""
    r: Tensor
    if tangents or type(a) is Var:
        r = RareTensor()
        r._x = Rare(tangents)
    else:
        r = FastTensor()
    r._a = a
    r._n = n
    return r
