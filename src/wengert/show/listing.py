"""`show`: a function as straight-line Python, its forward pass and its backward pass."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..core import pytree
from ..core.abstract import Var
from ..core.errors import MutationError, ShapeError, WengertTypeError, WengertValueError
from ..core.primitive import PRIMITIVES, Primitive
from ..core.program import Program, pruned
from ..core.tensor import Tensor
from ..transforms.boundary import check_argnums, name_of
from .backward import Backward, Edge
from .definitions import DEFINITIONS, functions_called, renamed_definition
from .expressions import constant
from .forward import equation_statements, simplified, writes_in_place
from .names import Rename, choose_names, equal
from .tangents import Tangents
from .text import lines_of
from .trace import Input, Trace, trace_function, variable_of
from .writer import Writer, is_writable, plain

__all__ = ["Listing", "show"]

_INLINE_CHARACTERS = 40


class Listing:
    """A function written out as straight-line Python. Made by `show`; print it.

    Attributes
    ----------
    forward, backward : str
        The two passes, one line for each operation and each edge.
    source : str
        Everything that `run` executes: the printed listing after ``import numpy as np``.
    function : str
        The same as the definition of a Python function that returns ``(value, gradients)``.
    program : Program
        The Wengert list that the forward pass is.
    names : dict
        What the variables of the Program are called.
    """

    def __init__(
        self,
        trace: Trace,
        shapes: bool,
        mode: str,
        strong: frozenset[Edge] = frozenset(),
        careful: bool = False,
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
            writer = Tangents(program, wanted, literals, strong, careful)
            statements, backward = writer.statements, []
        else:
            writer = Backward(program, wanted, literals, None, strong, careful)
            in_place = writes_in_place(program, writer)
            if in_place:
                writer = Backward(program, wanted, literals, in_place, strong, careful)
            statements = [
                s for e in program.equations for s in equation_statements(writer, e, in_place)
            ]
            backward = writer.statements
        derivative = {"forward": "dot", "backward": "grad"}[mode]
        called = set().union(*[functions_called(s.tree) for s in [*statements, *backward]])
        functions = {*writer.helpers, *(called & DEFINITIONS.keys())}
        places = choose_names(
            trace, program, writer, in_place, derivative, [*statements, *backward], functions
        )
        rename = Rename(places)
        self.names = {v: places[f"v{k}_"] for v, k in writer.places.items() if f"v{k}_" in places}
        self._derivatives = {v: places[f"g{k}_"] for v, k in writer.places.items()}
        self._outputs = [rename.text(writer.value(v).tree) for v in program.outputs]
        constants, given = _constants(trace, program, writer, places)
        self._given = {**given, **writer.given}
        self.forward = lines_of(statements, rename, shapes)
        self.backward = lines_of(backward, rename, shapes)
        self._helpers = {places.get(k, k): found for k, found in writer.helpers.items()}
        constants.extend(f"# {key}: {_origin(*found)}" for key, found in self._helpers.items())
        self._constants = "\n".join(constants)
        self._definitions = [
            renamed_definition(k, places.get(k, k)).rstrip()
            for k in sorted(functions - writer.helpers.keys())
        ]
        self._imports = _imports(f"{self.forward}\n{self.backward}")
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

    def is_finite(self) -> bool:
        """Whether values and gradients are finite where the function was recorded."""
        return all(np.all(np.isfinite(y)) for y in pytree.leaves(self.run()))

    def infinite_edges(self) -> frozenset[Edge]:
        """The edges whose partial derivative is infinite or NaN where the function was recorded.

        There a gradient of zero must give zero.
        """
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
        parts = ["\n".join(self._imports)] if self._imports else []
        # Two lines apart, as is usual for functions.
        if self._definitions:
            parts.append("\n\n\n".join(self._definitions) + "\n")
        if self._constants:
            parts.append(self._constants)
        parts.append(self._passes())
        return "\n\n".join(parts)

    __repr__ = __str__

    @property
    def source(self) -> str:
        """Everything that `run` executes."""
        gap = "\n" if self._imports else "\n\n"
        return f"import numpy as np{gap}{self}\n"

    @property
    def function(self) -> str:
        """The definition of a Python function that returns ``(value, gradients)``.

        With ``mode="forward"`` it takes the tangents after the arguments and returns
        ``(value, tangent)``. Containers are taken apart: there is one parameter for each array.
        """
        names = [x.name for x in self._trace.inputs]
        derivatives = [self._derivatives[variable_of(x)] for x in self._wanted]
        value = _group(self._outputs)
        constants = f"{self._constants}\n\n" if self._constants else ""
        body = constants + self._passes()
        if self._mode == "forward":
            parameters = ", ".join([*names, *derivatives])
            body += f"\n\nreturn {value}, {_group(self._tangents())}"
        else:
            parameters = ", ".join(names)
            comma = "," if len(derivatives) == 1 else ""
            body += f"\n\nreturn {value}, ({', '.join(derivatives)}{comma})"
        title = self._name if self._name.isidentifier() else "f"
        while title in self._space_names():
            title += "_"
        indented = "\n".join("    " + line if line else "" for line in body.splitlines())
        head = "\n".join(["import numpy as np", *self._imports])
        definition = f"def {title}({parameters}):\n{indented}\n"
        return "\n\n\n".join([head, *self._definitions, definition])

    def _space_names(self) -> set[str]:
        """Names that mean something else outside of the passes."""
        return {"np", "scipy", *self._helpers, *(d.split("(")[0][4:] for d in self._definitions)}

    def _passes(self) -> str:
        forward = self.forward or "# nothing to compute: the result is an argument or a constant"
        if self._mode == "forward":
            return "# values and tangents\n" + forward
        backward = self.backward or (
            "# nothing to differentiate: no argument is floating point (write 2.0 instead of 2)"
        )
        return f"# forward pass\n{forward}\n\n# backward pass\n{backward}"

    def _tangents(self) -> list[str]:
        """The outputs' tangents: names, or zeros."""
        known = set(self.forward.replace("=", " ").split())
        texts = []
        for v, text in zip(self.program.outputs, self._outputs, strict=True):
            name = self._derivatives.get(v, "") if type(v) is Var else ""
            is_input = any(x.variable is v for x in self._wanted)
            texts.append(name if name in known or is_input else f"np.zeros_like({text})")
        return texts

    # -------------------------------------------------------------- running it

    def namespace(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """What the source needs: the inputs, arrays too large to be written, functions of yours.

        Parameters
        ----------
        *args, **kwargs :
            Arguments of the function, of the shapes it was shown with; by default those themselves.
        """
        found: dict[str, Any] = {"np": np, **self._given}
        if self._mode == "forward":
            for x in self._wanted:
                found[self._derivatives[variable_of(x)]] = np.ones_like(x.value)[()]
        for key, (primitive, params) in self._helpers.items():
            found[key] = _evaluation(primitive, params)
        found.update({x.name: x.value for x in self._trace.inputs})
        found.update(self._inputs(args, kwargs))
        return found

    def _inputs(self, args: Sequence[Any], kwargs: dict[str, Any]) -> dict[str, Any]:
        """The leaves of new arguments, by the names that the listing has for them."""
        count = len(self._trace.arguments) - len(self._trace.keywords)
        if args and len(args) != count:
            raise WengertTypeError(
                f"listing of {self._name}: expected {count} positional "
                f"argument{'' if count == 1 else 's'}, got {len(args)}"
            )
        unknown = [k for k in kwargs if k not in self._trace.keywords]
        if unknown:
            raise WengertTypeError(
                f"listing of {self._name}: it was shown without the keyword argument {unknown[0]!r}"
            )
        given = list(zip(args, self._trace.arguments, strict=False))
        named = zip(self._trace.keywords, self._trace.arguments[count:], strict=True)
        given.extend((kwargs[k], argument) for k, argument in named if k in kwargs)
        found = {}
        for arg, (label, spec, leaves) in given:
            try:
                values = pytree.flatten_up_to(spec, arg)
            except ValueError as error:
                raise WengertValueError(
                    f"listing of {self._name}: argument {label} must have the structure it was "
                    f"shown with: {error}"
                ) from None
            for leaf, value in zip(leaves, values, strict=True):
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

    def run(
        self, *args: Any, tangents: Sequence[Any] | None = None, **kwargs: Any
    ) -> tuple[Any, Any]:
        """Execute the source.

        Parameters
        ----------
        *args, **kwargs :
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
        space = self.namespace(*args, **kwargs)
        if tangents is not None:
            directions = self._inputs(tangents, {})
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
    /,
    *args: Any,
    argnums: int | Sequence[int] | None = None,
    shapes: bool = False,
    mode: str = "backward",
    **kwargs: Any,
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
    **kwargs :
        Keyword arguments of the function; they are not differentiated. One that is called like an
        option of `show` is bound with `functools.partial`.

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

    What is printed runs by itself after ``import numpy as np``, given the arguments: modules of
    SciPy that it uses are imported at its top, and the few functions that NumPy has not are defined
    there. Arrays too large to be written, and functions with a rule of yours (`custom_jvp` and
    their kind), are named in a comment at the top; ``.namespace()`` has them.

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
        positions, _ = check_argnums(f"show of {name_of(function)}", argnums, len(args))
    trace = trace_function(function, args, kwargs, positions)
    for y in trace.program.outputs if mode == "backward" else ():
        dtype = y.dtype if type(y) is Var else np.asarray(y).dtype
        if dtype.kind == "c":
            raise WengertTypeError(
                f"show of {name_of(function)}: the function returned a complex number; take "
                "np.real or np.abs of it"
            )
    listing = Listing(trace, shapes, mode)
    listing.check_value()
    # In forward mode tangents are free, so that a finite result for some says nothing of others.
    careful = not listing.is_finite()
    if careful or mode == "forward":
        infinite = listing.infinite_edges()
        if infinite or careful:
            listing = Listing(trace, shapes, mode, infinite, careful)
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


def _origin(primitive: Primitive, params: dict[str, Any]) -> str:
    """What a name stands for that the text does not define."""
    if PRIMITIVES.get(primitive.name) is not primitive:
        return "a function of yours, with a derivative rule"
    options = ", ".join(f"{k}={v!r}" for k, v in params.items())
    return f"an operation of wengert{f', with {options}' if options else ''}"


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


def _imports(text: str) -> list[str]:
    """The lines that import what is used of SciPy."""
    modules = {
        f"scipy.{node.value.attr}"
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Attribute)
        and isinstance(node.value.value, ast.Name)
        and node.value.value.id == "scipy"
    }
    return [f"import {module}" for module in sorted(modules)]


def _evaluation(primitive: Primitive, params: dict[str, Any]) -> Callable[..., Any]:
    def evaluate(*operands: Any) -> Any:
        result = primitive.evaluate(*operands, **params)
        return result[0] if primitive.outputs == 1 else result

    return evaluate
