"""What functions with a custom rule share: how a call becomes one operation on leaves."""

from __future__ import annotations

import functools
import inspect
import types
from collections import OrderedDict
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any

import numpy as np

from ..core import pytree
from ..core.bind import bind
from ..core.debugging import locate
from ..core.errors import WengertTypeError, WengertValueError
from ..core.ownership import snapshot
from ..core.tensor import Tensor
from .boundary import name_of
from .custom_operation import CustomOperation
from .user_function import UserFunction, is_operand, read_only, without_history

__all__ = ["CustomFunction", "Signature", "bound_arguments", "unknown_parameters"]

Function = Callable[..., Any]
_CACHE_SIZE = 128
_FIXED = (
    str, bytes, bool, int, float, complex, np.generic, np.dtype, Enum,
    type, types.FunctionType, types.BuiltinFunctionType, np.ufunc,
)  # fmt: skip


class Signature:
    """How the arguments of one kind of call become leaves, and leaves become arguments again.

    Leaves that are no numbers (strings, functions) are static, as the arguments in ``nondiff`` are.
    """

    def __init__(self, args: tuple[Any, ...], nondiff: tuple[int, ...]) -> None:
        self.count = len(args)
        self.nondiff = nondiff
        self.static_args = tuple([args[i] for i in nondiff])
        self.positions = [i for i in range(len(args)) if i not in nondiff]
        differentiable = tuple([args[i] for i in self.positions])
        leaves, self.spec = pytree.flatten(differentiable)
        self.mask = tuple([is_operand(x) for x in leaves])
        self.statics = tuple([x for x in leaves if not is_operand(x)])
        self.operands = tuple([x for x in leaves if is_operand(x)])
        self.arity = len(self.operands)
        self.out_spec: Any = None

    def key(self) -> Any:
        """What two calls must share to be the same operation."""
        statics = _exact((self.statics, self.static_args))
        return self.count, self.spec, self.mask, statics

    def primals(self, operands: Sequence[Any], missing: bool = False) -> tuple[Any, ...]:
        """The differentiable arguments made of ``operands``."""
        rest = iter(operands)
        statics = iter(self.statics)
        leaves = [
            next(rest) if is_leaf else (None if missing else next(statics)) for is_leaf in self.mask
        ]
        result: tuple[Any, ...] = pytree.unflatten(self.spec, leaves)
        return result

    def arguments(self, operands: Sequence[Any]) -> tuple[Any, ...]:
        """All arguments, in order."""
        args: list[Any] = [None] * self.count
        for i, x in zip(self.nondiff, self.static_args, strict=True):
            args[i] = x
        for i, x in zip(self.positions, self.primals(operands), strict=True):
            args[i] = x
        return tuple(args)

    def flat_output(self, y: Any, name: str) -> list[Any]:
        """The leaves of a result; its structure is remembered and must not change."""
        leaves, spec = pytree.flatten(y)
        if self.out_spec is None:
            self.out_spec = spec
        elif spec != self.out_spec:
            raise WengertTypeError(
                f"{name}: the function returned {spec} after {self.out_spec} for arguments of the "
                "same structure; the structure of the result must not depend on values"
            )
        return leaves

    def check_output(self, y: Any, outs: Sequence[Any], name: str) -> None:
        """Refuse a forward rule whose output has another structure or shape than the function's."""
        leaves, spec = pytree.flatten(y)
        shapes = [np.shape(x) if is_operand(x) else None for x in leaves]
        expected = [np.shape(x) for x in outs]
        if spec != self.out_spec or shapes != expected:
            raise WengertValueError(
                f"{name}: the rule must return the function's output, of structure {self.out_spec} "
                f"and shapes {expected}, before its tangent; got {spec} and {shapes}"
            )

    def flat_tangent(self, t: Any, name: str) -> list[Any]:
        """The leaves of an output's tangent; None for zero."""
        if t is None:
            return [None] * self.out_spec.num_leaves
        try:
            return pytree.flatten_up_to(self.out_spec, t)
        except ValueError as error:
            raise WengertValueError(
                f"{name}: the rule's tangent must have the structure of the output: {error}"
            ) from None

    def flat_cotangents(self, cts: Any, name: str) -> list[Any]:
        """The operands' cotangents from what a reverse rule returned; None for zero."""
        count = len(self.positions)
        if not isinstance(cts, (tuple, list)):
            cts = (cts,)
        if len(cts) != count:
            raise WengertValueError(
                f"{name}: the rule must return a tuple with one cotangent for each of the {count} "
                f"differentiable argument{'' if count == 1 else 's'}, got {len(cts)}"
            )
        found: list[Any] = []
        for i, (c, spec) in enumerate(zip(cts, self.spec.children(), strict=True)):
            if c is None:
                found.extend([None] * spec.num_leaves)
                continue
            try:
                found.extend(pytree.flatten_up_to(spec, c))
            except ValueError as error:
                raise WengertValueError(
                    f"{name}: the cotangent of argument {self.positions[i]} must have the "
                    f"structure of that argument: {error}"
                ) from None
        return [c for c, is_leaf in zip(found, self.mask, strict=True) if is_leaf]


def _exact(x: Any) -> Any:
    """A key that tells 2, 2.0 and True apart, and 0.0 and -0.0, which are equal to Python."""
    if type(x) is tuple:
        return tuple, *map(_exact, x)
    if isinstance(x, (bool, int, float, complex)):
        return type(x), repr(x)
    return x


def _is_fixed(x: Any) -> bool:
    """Whether it stays what it is: another object may change, and must not be kept alive."""
    if type(x) is tuple:
        return all(map(_is_fixed, x))
    return x is None or isinstance(x, _FIXED)


def _held(x: Any) -> Any:
    """A plain array as it is now; anything else as it is."""
    return snapshot(x) if type(x) is np.ndarray else x


def bound_arguments(
    what: str, parameters: inspect.Signature, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> inspect.BoundArguments:
    """The arguments of a call by parameter; rules see positions, so none may be keyword-only."""
    try:
        bound = parameters.bind(*args, **kwargs)
    except TypeError as error:
        raise WengertTypeError(f"{what}{parameters}: {error}") from None
    if bound.kwargs:
        raise WengertTypeError(
            f"{what}: keyword-only arguments ({', '.join(bound.kwargs)}) have no place in a rule; "
            "make them positional"
        )
    return bound


def unknown_parameters(what: str) -> WengertTypeError:
    """Keyword arguments were given to a function that does not say what it takes."""
    return WengertTypeError(
        f"{what}: its signature is unknown, so it takes no keyword arguments; wrap it in a "
        "function that names its parameters"
    )


class CustomFunction:
    """A function with a rule of its own. Subclasses say what the rule is."""

    _kind = "custom function"
    _fills_defaults = True

    def __init__(
        self, function: Function, nondiff_argnums: Sequence[int] = (), name: str | None = None
    ) -> None:
        if not callable(function):
            raise WengertTypeError(
                f"{self._kind}: expected a function, not a {type(function).__name__}"
            )
        self._function = function
        self._nondiff = self._checked_positions(nondiff_argnums)
        self._operations: OrderedDict[Any, tuple[Signature, CustomOperation]] = OrderedDict()
        try:
            self._parameters: inspect.Signature | None = inspect.signature(function)
        except (TypeError, ValueError):
            self._parameters = None
        functools.update_wrapper(self, function, updated=())
        self.__name__ = name or name_of(function)
        self.__qualname__ = name or getattr(function, "__qualname__", self.__name__)

    def _checked_positions(self, nondiff_argnums: Any) -> tuple[int, ...]:
        several = isinstance(nondiff_argnums, (tuple, list))
        positions = tuple(nondiff_argnums) if several else (nondiff_argnums,)
        for i in positions:
            if isinstance(i, bool) or not isinstance(i, (int, np.integer)) or i < 0:
                raise WengertTypeError(
                    f"{self._kind}: nondiff_argnums must be positions counted from 0, an integer "
                    f"or a tuple of them, not {nondiff_argnums!r}"
                )
        if len(set(positions)) != len(positions):
            raise WengertValueError(
                f"{self._kind}: nondiff_argnums={nondiff_argnums} names an argument twice"
            )
        return tuple(sorted(int(i) for i in positions))

    def __repr__(self) -> str:
        return f"<{self._kind} {self.__name__}>"

    def __reduce__(self) -> str:
        """Pickled by name, as functions are."""
        return str(self.__qualname__)

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        """As a method, called with the instance first, as functions are."""
        return self if instance is None else types.MethodType(self, instance)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function; its rule is what derivatives use."""
        self._require_rule()
        args = self._positional(args, kwargs)
        if self._nondiff and (self._nondiff[0] < 0 or self._nondiff[-1] >= len(args)):
            raise WengertValueError(
                f"{self._kind} of {self.__name__}: nondiff_argnums={self._nondiff}, but it was "
                f"called with {len(args)} arguments"
            )
        for i in self._nondiff:
            self._refuse_traced(i, args[i])
        signature = Signature(args, self._nondiff)
        if not any(isinstance(x, Tensor) for x in signature.operands):
            return self._function(*args)
        # The rules may see these again in a backward pass, when their owner has changed them.
        signature.static_args = pytree.map(_held, signature.static_args)
        operands = tuple([read_only(_held(x)) for x in signature.operands])
        known, operation = self._find(signature)
        outs = bind(operation.primitive, operands, {})
        for y in outs:
            if y._n is not None and y._n[2] is not None:
                locate(y._n[2], always=True)
                break
        return pytree.unflatten(known.out_spec, outs)

    def _refuse_traced(self, i: int, argument: Any) -> None:
        for x in pytree.leaves(argument):
            if isinstance(x, Tensor) and isinstance(without_history(x), Tensor):
                raise WengertTypeError(
                    f"{self._kind} of {self.__name__}: argument {i} is in nondiff_argnums, but it "
                    "is being differentiated or traced. Take it out of nondiff_argnums, or pass "
                    "wengert.stop_gradient of it or a plain value"
                )

    def _positional(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
        """All arguments by position, with defaults filled in, so that rules see every one."""
        if self._parameters is None:
            if kwargs:
                raise unknown_parameters(f"{self._kind} of {self.__name__}")
            return args
        positional = [
            p
            for p in self._parameters.parameters.values()
            if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
        ]
        complete = len(args) >= len(positional) or not self._fills_defaults
        if not kwargs and complete:
            return args
        what = f"{self._kind} of {self.__name__}"
        bound = bound_arguments(what, self._parameters, args, kwargs)
        for p in positional:
            bound.arguments.setdefault(p.name, p.default)
        return bound.args

    def _statics(self, signature: Signature) -> tuple[Any, ...]:
        """What the operation is made for besides its operands."""
        return (*signature.statics, *signature.static_args)

    def _find(self, signature: Signature) -> tuple[Signature, CustomOperation]:
        if not all(map(_is_fixed, self._statics(signature))):
            return signature, self._operation(signature)
        key = signature.key()
        try:
            found = self._operations.get(key)
        except TypeError:  # a static argument that cannot be hashed
            return signature, self._operation(signature)
        if found is None:
            found = self._operations[key] = (signature, self._operation(signature))
            if len(self._operations) > _CACHE_SIZE:
                self._operations.popitem(last=False)
            signature.operands = ()  # the cache must not keep values alive
        return found

    def _primal(self, signature: Signature) -> UserFunction:
        name, function = self.__name__, self._function
        return UserFunction(
            name,
            lambda *ins: signature.flat_output(function(*signature.arguments(ins)), name),
            closed=True,
        )

    def _require_rule(self) -> None:
        raise NotImplementedError

    def _operation(self, signature: Signature) -> CustomOperation:
        raise NotImplementedError
