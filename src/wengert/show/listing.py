"""`show`: a function as straight-line Python, its forward pass and its backward pass."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..core import pytree
from ..core.abstract import Var, freeze
from ..core.errors import MutationError, ShapeError, WengertTypeError, WengertValueError
from ..core.primitive import PRIMITIVES, Primitive
from ..core.program import Program, pruned
from ..core.tensor import Tensor
from ..transforms.boundary import name_of
from .backward import Backward, Edge
from .expressions import constant
from .forward import equation_statements, simplified, writes_in_place
from .names import Rename, choose_names, equal
from .tangents import Tangents
from .trace import Input, Trace, trace_function, variable_of
from .writer import Statement, Writer, is_writable, plain

__all__ = ["Listing", "show"]

_INLINE_CHARACTERS = 40


class Listing:
    """A function written out as straight-line Python. Made by `show`; print it.

    Attributes
    ----------
    forward, backward : str
        The two passes, one line for each operation and each edge.
    source : str
        Everything that `run` executes: imports, constants, both passes.
    function : str
        The same as the definition of a Python function that returns ``(value, gradients)``.
    program : Program
        The Wengert list that the forward pass is.
    names : dict
        What the variables of the Program are called.
    """

    def __init__(
        self, trace: Trace, shapes: bool, mode: str, strong: frozenset[Edge] = frozenset()
    ) -> None:
        self._trace = trace
        self._name = trace.name
        self._mode = mode
        _adopt_constant_inputs(trace)
        program = pruned(simplified(trace.program, trace.hints))
        self.program = program
        self._wanted = [x for x in trace.inputs if x.differentiable and x.variable is not None]
        wanted = [variable_of(x) for x in self._wanted]
        literals = _literals(program, trace)
        writer: Backward | Tangents
        in_place: set[Var] = set()
        if mode == "forward":
            writer = Tangents(program, wanted, literals)
            statements = writer.statements
        else:
            writer = Backward(program, wanted, literals)
            in_place = writes_in_place(program, writer)
            if in_place or strong:
                writer = Backward(program, wanted, literals, in_place, strong)
            statements = [
                s for e in program.equations for s in equation_statements(writer, e, in_place)
            ]
        derivative = {"forward": "dot", "backward": "grad"}[mode]
        places = choose_names(trace, program, writer, in_place, derivative)
        rename = Rename(places)
        self.names = {v: places[f"v{k}_"] for v, k in writer.places.items() if f"v{k}_" in places}
        self._derivatives = {v: places[f"g{k}_"] for v, k in writer.places.items()}
        self._outputs = [rename.text(writer.value(v).tree) for v in program.outputs]
        constants, given = _constants(trace, program, writer, places)
        self._given = {**given, **writer.given}
        self.forward = _lines(statements, rename, shapes)
        self.backward = ""
        if mode == "backward":
            self.backward = _lines(writer.statements, rename, shapes)
        self._constants = "\n".join(constants)
        self._helpers = writer.helpers
        self._preamble = self._imports()
        self._code = compile(self.source, f"<listing of {self._name}>", "exec")
        self._partials = {
            edge: rename.text(tree) for edge, tree in getattr(writer, "partials", {}).items()
        }

    def check_value(self) -> None:
        """Refuse a recording of values that does not give them again.

        The tape keeps a constant operand that no derivative needs as it is, not a copy of it.

        Raises
        ------
        MutationError
        """
        if self._trace.values is None:
            return
        value, _ = self.run()
        for a, b in zip(pytree.leaves(value), self._trace.values, strict=True):
            if not np.allclose(a, b, equal_nan=True):
                raise MutationError(
                    f"show of {self._name}: the function branches on values and changes an array "
                    "that it has used before; use a new array instead"
                )

    def infinite_edges(self) -> frozenset[Edge]:
        """The edges whose partial derivative is infinite or NaN where the function was recorded.

        There a gradient of zero must give zero. Looked for only if a gradient is not finite.
        """
        _, gradients = self.run()
        if all(np.all(np.isfinite(g)) for g in pytree.leaves(gradients)):
            return frozenset()
        space = self.namespace()
        found = []
        with np.errstate(all="ignore"):
            exec(self._code, space)
            for edge, text in self._partials.items():
                if not np.all(np.isfinite(eval(text, space))):
                    found.append(edge)
        return frozenset(found)

    # -------------------------------------------------------------- texts

    def __str__(self) -> str:
        parts = [self._constants] if self._constants else []
        if self._mode == "forward":
            parts.append("# values and tangents\n" + self.forward)
        else:
            parts.append("# forward pass\n" + self.forward)
            parts.append("# backward pass\n" + self.backward)
        return "\n\n".join(parts)

    __repr__ = __str__

    @property
    def source(self) -> str:
        """Everything that `run` executes."""
        return f"{self._preamble}\n\n{self}\n"

    @property
    def function(self) -> str:
        """The definition of a Python function that returns ``(value, gradients)``.

        With ``mode="forward"`` it takes the tangents after the arguments and returns
        ``(value, tangent)``. Containers are taken apart: there is one parameter for each array.
        """
        names = [x.name for x in self._trace.inputs]
        derivatives = [self._derivatives[variable_of(x)] for x in self._wanted]
        value = _group(self._outputs)
        if self._mode == "forward":
            parameters = ", ".join([*names, *derivatives])
            body = f"{self}\n\nreturn {value}, {_group(self._tangents())}"
        else:
            parameters = ", ".join(names)
            comma = "," if len(derivatives) == 1 else ""
            body = f"{self}\n\nreturn {value}, ({', '.join(derivatives)}{comma})"
        title = self._name if self._name.isidentifier() else "f"
        indented = "\n".join("    " + line if line else "" for line in body.splitlines())
        return f"{self._preamble}\n\n\ndef {title}({parameters}):\n{indented}\n"

    def _tangents(self) -> list[str]:
        """The outputs' tangents: names, or zeros."""
        known = set(self.forward.replace("=", " ").split())
        texts = []
        for v, text in zip(self.program.outputs, self._outputs, strict=True):
            name = self._derivatives.get(v, "") if type(v) is Var else ""
            is_input = any(x.variable is v for x in self._wanted)
            texts.append(name if name in known or is_input else f"np.zeros_like({text})")
        return texts

    def _imports(self) -> str:
        lines = ["import numpy as np"]
        text = f"{self.forward}\n{self.backward}"
        modules = {
            f"scipy.{node.value.attr}"
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Attribute)
            and isinstance(node.value.value, ast.Name)
            and node.value.value.id == "scipy"
        }
        lines.extend(f"import {module}" for module in sorted(modules))
        helpers = [_definition(k, p, params) for k, (p, params) in self._helpers.items()]
        if any("PRIMITIVES" in text for text in helpers):
            lines.extend(["", "from wengert.core.primitive import PRIMITIVES", ""])
        return "\n".join([*lines, *helpers])

    # -------------------------------------------------------------- running it

    def namespace(self, *args: Any) -> dict[str, Any]:
        """What the source needs besides its imports: the inputs, large constants, rare helpers.

        Parameters
        ----------
        *args :
            Arguments of the function, of the shapes it was shown with; by default those themselves.
        """
        found: dict[str, Any] = {"np": np, **self._given}
        if self._mode == "forward":
            for x in self._wanted:
                found[self._derivatives[variable_of(x)]] = np.ones_like(x.value)[()]
        for key, (primitive, params) in self._helpers.items():
            found[key] = _evaluation(primitive, params)
        found.update(self._inputs(args))
        return found

    def _inputs(self, args: Sequence[Any]) -> dict[str, Any]:
        if not args:
            return {x.name: x.value for x in self._trace.inputs}
        if len(args) != len(self._trace.arguments):
            raise WengertTypeError(
                f"listing of {self._name}: expected {len(self._trace.arguments)} arguments, got "
                f"{len(args)}"
            )
        found = {}
        for arg, (label, spec, leaves) in zip(args, self._trace.arguments, strict=True):
            try:
                given = pytree.flatten_up_to(spec, arg)
            except ValueError as error:
                raise WengertValueError(
                    f"listing of {self._name}: argument {label} must have the structure it was "
                    f"shown with: {error}"
                ) from None
            for leaf, value in zip(leaves, given, strict=True):
                if isinstance(leaf, Input):
                    found[leaf.name] = self._checked(leaf, value)
                elif not equal(leaf, value):
                    raise WengertValueError(
                        f"listing of {self._name}: it was written for {label}={leaf!r}, not "
                        f"{value!r}; show the function again"
                    )
        return found

    def _checked(self, x: Input, value: Any) -> Any:
        value = value._concrete("run") if isinstance(value, Tensor) else value
        new = np.asarray(value, x.value.dtype)
        if new.shape != x.value.shape:
            raise ShapeError(
                f"listing of {self._name}: {x.name} must have the shape {x.value.shape} it was "
                f"shown with, got {new.shape}"
            )
        return new if isinstance(x.value, np.ndarray) else new[()]

    def run(self, *args: Any, tangents: Sequence[Any] | None = None) -> tuple[Any, Any]:
        """Execute the source.

        Parameters
        ----------
        *args :
            Arguments of the function, of the shapes it was shown with; by default those themselves.
        tangents : sequence, optional
            With ``mode="forward"``: one for each argument; ones by default.

        Returns
        -------
        value : as the function returns it
        gradients : tuple
            One for each argument that has any, in its structure; None for leaves that have none.
            With ``mode="forward"`` the tangent of the value instead.
        """
        space = self.namespace(*args)
        if tangents is not None:
            directions = self._inputs(tangents)
            for x in self._wanted:
                space[self._derivatives[variable_of(x)]] = directions[x.name]
        with np.errstate(all="ignore"):
            exec(self._code, space)
        outputs = [eval(text, space) for text in self._outputs]
        if self._mode == "forward":
            dots = [eval(text, space) for text in self._tangents()]
            out_spec = self._trace.out_spec
            return pytree.unflatten(out_spec, outputs), pytree.unflatten(out_spec, dots)
        gradients = []
        for _, spec, leaves in self._trace.arguments:
            found = [
                space[self._derivatives[variable_of(x)]] if x in self._wanted else None
                for x in leaves
            ]
            if any(g is not None for g in found):
                gradients.append(pytree.unflatten(spec, found))
        return pytree.unflatten(self._trace.out_spec, outputs), tuple(gradients)


def show(
    function: Callable[..., Any],
    *args: Any,
    argnums: int | Sequence[int] | None = None,
    shapes: bool = False,
    mode: str = "backward",
) -> Listing:
    """A function as straight-line Python: its forward pass, and its backward pass edge by edge.

    Parameters
    ----------
    function : callable
        From numbers, arrays or containers of them to numbers, arrays or containers of them.
    *args :
        Arguments to record it with. Python integers, strings and the like are fixed in the listing.
    argnums : int or sequence of int, optional
        The arguments to differentiate with respect to; by default all that are floating point.
    shapes : bool
        Whether each line has a comment with the shape of what it computes.
    mode : "backward" or "forward"
        Forward mode instead of reverse mode: after each operation the line for its tangent.

    Returns
    -------
    Listing
        Print it. ``.run(*args)`` executes it and returns the value and the gradients.

    Notes
    -----
    The backward pass starts from a gradient of 1, or of ones where the result is an array or there
    are several. Where a value is used in several places, each use adds one line. Where a partial
    derivative is infinite, the line says that a gradient of zero stays zero. A function that
    branches on values is shown as it runs for these arguments.

    Examples
    --------
    >>> from wengert.show import show
    >>> print(show(lambda a, b: a * b + a, 2.0, 3.0))
    # forward pass
    c = a * b
    d = c + a
    <BLANKLINE>
    # backward pass
    grad_d = 1.0
    grad_c = grad_d
    grad_a = grad_d
    grad_a += grad_c * b
    grad_b = grad_c * a
    """
    if not callable(function):
        raise WengertTypeError(f"show: expected a function, not a {type(function).__name__}")
    if mode not in ("backward", "forward"):
        raise WengertValueError(f'show: mode must be "backward" or "forward", not {mode!r}')
    positions = None
    if argnums is not None:
        wanted = (argnums,) if isinstance(argnums, int) else tuple(argnums)
        positions = tuple(i % len(args) for i in wanted)
    trace = trace_function(function, args, positions)
    for y in trace.program.outputs if mode == "backward" else ():
        dtype = y.dtype if type(y) is Var else np.asarray(y).dtype
        if dtype.kind == "c":
            raise WengertTypeError(
                f"show of {name_of(function)}: the function returned a complex number; take "
                "np.real or np.abs of it"
            )
    listing = Listing(trace, shapes, mode)
    listing.check_value()
    if mode == "backward":
        infinite = listing.infinite_edges()
        if infinite:
            listing = Listing(trace, shapes, mode, infinite)
    return listing


# ------------------------------------------------------------------ constants


def _adopt_constant_inputs(trace: Trace) -> None:
    """Find integer arguments again that a recording on values knows as constants."""
    for x in trace.inputs:
        if x.variable is None:
            for v, obj in trace.program.captured:
                if equal(obj, x.value):
                    x.variable = v
                    break


def _literals(program: Program, trace: Trace) -> dict[Var, ast.expr]:
    """Captured arrays short enough to be written where they are used."""
    named = [plain(a) for a in trace.surroundings.values()]
    own = {x.variable for x in trace.inputs}
    found = {}
    for v, obj in program.captured:
        a = plain(obj)
        if v in own or any(equal(a, b) for b in named):
            continue
        if is_writable(a):
            tree = constant(a)
            if len(ast.unparse(tree)) <= _INLINE_CHARACTERS:
                found[v] = tree
    return found


def _group(texts: Sequence[str]) -> str:
    return texts[0] if len(texts) == 1 else f"({', '.join(texts)})"


def _constants(
    trace: Trace, program: Program, writer: Writer, names: dict[str, str]
) -> tuple[list[str], dict[str, Any]]:
    """The lines that define constants, and the arrays that are too large for one."""
    own = {x.variable for x in trace.inputs}
    lines: list[str] = []
    given: dict[str, Any] = {}
    for v, obj in program.captured:
        if v in own or v in writer.literals:
            continue
        a = np.asarray(plain(obj))
        label = names[f"v{writer.places[v]}_"]
        if is_writable(a):
            lines.append(f"{label} = {ast.unparse(constant(a))}")
        else:
            lines.append(f"# {label}: an array of shape {a.shape}")
            given[label] = a
    return lines, given


def _definition(key: str, primitive: Primitive, params: dict[str, Any]) -> str:
    """The line that defines a function which only wengert has."""
    if PRIMITIVES.get(primitive.name) is not primitive or primitive.outputs == 1:
        return f"# {key}: a function that the listing calls; see .namespace()"
    written = ", ".join(f"{k}={v!r}" for k, v in params.items())
    try:
        same = freeze(eval(f"dict({written})", {})) == freeze(params)
    except Exception:
        same = False
    if not same:
        return f"# {key}: wengert's operation {primitive.name}; see .namespace()"
    function = f"PRIMITIVES[{primitive.name!r}].evaluate"
    return f"{key} = lambda *xs: {function}(*xs, {written})" if written else f"{key} = {function}"


def _evaluation(primitive: Primitive, params: dict[str, Any]) -> Callable[..., Any]:
    def evaluate(*operands: Any) -> Any:
        result = primitive.evaluate(*operands, **params)
        return result[0] if primitive.outputs == 1 else result

    return evaluate


# ------------------------------------------------------------------ text


def _lines(statements: list[Statement], rename: Rename, shapes: bool) -> str:
    texts = [rename.text(s.tree) for s in statements]
    if shapes:
        width = max((len(t) for t in texts), default=0)
        texts = [
            t if s.variable is None else f"{t:<{min(width, 60)}}  # {s.variable.shape}"
            for t, s in zip(texts, statements, strict=True)
        ]
    return "\n".join(texts)
