"""`show`: a function as straight-line Python, its forward pass and its backward pass."""

from __future__ import annotations

import ast
import builtins
import copy
import keyword
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ..core import pytree
from ..core.abstract import Var, freeze
from ..core.errors import ShapeError, WengertTypeError, WengertValueError
from ..core.primitive import PRIMITIVES, Primitive
from ..core.program import Program, pruned
from ..core.tensor import Tensor
from ..transforms.boundary import name_of
from .backward import Backward
from .expressions import constant, names_in, tidy
from .forward import equation_statements, simplified, writes_in_place
from .tangents import Tangents
from .trace import Input, Trace, trace_function
from .writer import Statement, Writer, is_writable, plain

__all__ = ["Listing", "show"]

_INLINE_CHARACTERS = 40
_FEW_TEMPORARIES = 14


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

    def __init__(self, trace: Trace, shapes: bool, mode: str) -> None:
        self._trace = trace
        self._name = trace.name
        self._mode = mode
        _adopt_constant_inputs(trace)
        program = pruned(simplified(trace.program, trace.hints))
        self.program = program
        self._wanted = [x for x in trace.inputs if x.differentiable and x.variable is not None]
        wanted: list[Any] = [x.variable for x in self._wanted]
        literals = _literals(program, trace)
        writer: Backward | Tangents
        in_place: set[Var] = set()
        if mode == "forward":
            writer = Tangents(program, wanted, literals)
            statements = writer.statements
        else:
            writer = Backward(program, wanted, in_place, literals)
            in_place = writes_in_place(program, writer)
            if in_place:
                writer = Backward(program, wanted, in_place, literals)
            statements = [
                s for e in program.equations for s in equation_statements(writer, e, in_place)
            ]
        derivative = {"forward": "dot", "backward": "grad"}[mode]
        places = _names(trace, program, writer, in_place, derivative)
        rename = _Rename(places)
        self.names = {v: places[f"v{k}_"] for v, k in writer.places.items() if f"v{k}_" in places}
        self._derivatives = {v: places[f"g{k}_"] for v, k in writer.places.items()}
        self._outputs = [rename.text(writer.value(v).tree) for v in program.outputs]
        constants, given = _constants(trace, program, writer, places)
        self._given = {**given, **writer.given}
        self.forward = _lines(statements, rename, shapes)
        self.backward = ""
        if mode == "backward":
            for s in writer.statements:
                s.tree = tidy(s.tree)
            self.backward = _lines(writer.statements, rename, shapes)
        self._constants = "\n".join(constants)
        self._helpers = writer.helpers
        self._preamble = self._imports()
        self._code = compile(self.source, f"<listing of {self._name}>", "exec")

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
        derivatives = [self._derivatives[x.variable] for x in self._wanted]
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
                found[self._derivatives[x.variable]] = np.ones_like(x.value)[()]
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
                elif not _equal(leaf, value):
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
            found = self._inputs(tangents)
            for x in self._wanted:
                space[self._derivatives[x.variable]] = found[x.name]
        exec(self._code, space)
        outputs = [eval(text, space) for text in self._outputs]
        if self._mode == "forward":
            dots = [eval(text, space) for text in self._tangents()]
            out_spec = self._trace.out_spec
            return pytree.unflatten(out_spec, outputs), pytree.unflatten(out_spec, dots)
        gradients = []
        for _, spec, leaves in self._trace.arguments:
            found = [
                space[self._derivatives[x.variable]] if x in self._wanted else None for x in leaves
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
    are several. Where a value is used in several places, each use adds one line. The lines compute
    ``gradient * partial`` as they say; `wengert.grad` also lets a gradient of zero annihilate an
    infinite partial. A function that branches on values is shown as it runs for these arguments.

    Examples
    --------
    >>> import wengert.show
    >>> print(wengert.show.show(lambda a, b: a * b + a, 2.0, 3.0))
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
    for y in trace.program.outputs:
        dtype = y.dtype if type(y) is Var else np.asarray(y).dtype
        if dtype.kind == "c":
            raise WengertTypeError(
                f"show of {name_of(function)}: the function returned a complex number; take "
                "np.real or np.abs of it"
            )
    return Listing(trace, shapes, mode)


# ------------------------------------------------------------------ constants


def _adopt_constant_inputs(trace: Trace) -> None:
    """Find integer arguments again that a recording on values knows as constants."""
    for x in trace.inputs:
        if x.variable is None:
            for v, obj in trace.program.captured:
                if _equal(obj, x.value):
                    x.variable = v
                    break


def _equal(a: Any, b: Any) -> bool:
    if a is b:
        return True
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        return (
            isinstance(a, np.ndarray)
            and isinstance(b, np.ndarray)
            and a.dtype == b.dtype
            and np.array_equal(a, b, equal_nan=a.dtype.kind in "fc")
        )
    return type(a) is type(b) and bool(a == b)


def _literals(program: Program, trace: Trace) -> dict[Var, ast.expr]:
    """Captured arrays short enough to be written where they are used."""
    named = [plain(a) for a in trace.surroundings.values()]
    own = {x.variable for x in trace.inputs}
    found = {}
    for v, obj in program.captured:
        a = plain(obj)
        if v in own or any(_equal(a, b) for b in named):
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


# ------------------------------------------------------------------ names


def _letters() -> Iterator[str]:
    yield from "abcdefghijkmnpqrstuvwxyz"  # not l and o, which look like 1 and 0
    k = 1
    while True:
        yield f"t{k}"
        k += 1


def _names(
    trace: Trace,
    program: Program,
    writer: Writer,
    in_place: set[Var],
    derivative: str,
) -> dict[str, str]:
    """The name for every placeholder: the author's own names, then letters."""
    names: dict[str, str] = {}
    taken = {"np", "scipy", *keyword.kwlist, *dir(builtins), *writer.helpers}
    shared = {e.outputs[0]: e.inputs[0] for e in program.equations if e.outputs[0] in in_place}

    def give(v: Var, label: str) -> None:
        unique, k = label, 1
        while unique in taken or f"{derivative}_{unique}" in taken:
            k += 1
            unique = f"{label}_{k}"
        taken.update((unique, f"{derivative}_{unique}"))
        names[f"v{writer.places[v]}_"] = unique

    for x in trace.inputs:  # these are never renamed: they are the arguments
        taken.add(x.name)
        if x.variable is not None:
            names[f"v{writer.places[x.variable]}_"] = x.name
            taken.add(f"{derivative}_{x.name}")
    for v, obj in program.captured:
        if f"v{writer.places[v]}_" in names or v in literals:
            continue
        label = next(
            (k for k, a in trace.surroundings.items() if _equal(plain(a), plain(obj))), "c"
        )
        give(v, label)
    outputs = [v for e in program.equations for v in e.outputs]
    hints = {v: trace.hints[v] for v in outputs if v in trace.hints}
    for v in outputs:  # a name given after a write in place is the better one for both
        if v in shared and v in hints and shared[v] not in hints:
            hints[shared[v]] = hints[v]
    for v in outputs:
        if v in hints and v not in shared:
            give(v, hints[v])
    unnamed = [v for v in outputs if v not in hints and v not in shared]
    letters = _letters() if len(unnamed) <= _FEW_TEMPORARIES else (f"t{k}" for k in range(1, 10**9))
    for v in unnamed:
        give(v, next(c for c in letters if not {c, f"{derivative}_{c}"} & taken))
    for v, base in shared.items():
        names[f"v{writer.places[v]}_"] = names[f"v{writer.places[base]}_"]
    arguments = {x.name for x in trace.inputs}
    for v, k in writer.places.items():
        label = f"{derivative}_{names.get(f'v{k}_', f'constant_{k}')}"
        names[f"g{k}_"] = f"{label}_" if label in arguments else label
    _name_temporaries(writer.statements, names, taken)
    return names


def _name_temporaries(statements: list[Statement], names: dict[str, str], taken: set[str]) -> None:
    k = 1
    for s in statements:
        for identifier in sorted(names_in(s.tree) | _targets(s.tree)):
            if identifier in names or identifier in taken or not _is_temporary(identifier):
                continue
            while f"t{k}" in taken:
                k += 1
            names[identifier] = f"t{k}"
            taken.add(f"t{k}")


def _is_temporary(identifier: str) -> bool:
    return identifier[0] == "t" and identifier[-1] == "_" and identifier[1:-1].isdigit()


def _targets(tree: ast.AST) -> set[str]:
    return {
        n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
    }


class _Rename(ast.NodeTransformer):
    def __init__(self, names: dict[str, str]) -> None:
        self._names = names

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.Name(self._names.get(node.id, node.id), node.ctx)

    def text(self, tree: Any) -> str:
        """The source of a tree with the final names."""
        return ast.unparse(ast.fix_missing_locations(self.visit(copy.deepcopy(tree))))


def _lines(statements: list[Statement], rename: _Rename, shapes: bool) -> str:
    texts = [rename.text(s.tree) for s in statements]
    if shapes:
        width = max((len(t) for t in texts), default=0)
        texts = [
            t if s.variable is None else f"{t:<{min(width, 60)}}  # {s.variable.shape}"
            for t, s in zip(texts, statements, strict=True)
        ]
    return "\n".join(texts)
