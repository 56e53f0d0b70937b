"""Writes `fast.py`: the eager fast paths of the pointwise operations.

    python -m wengert.rules.fast_generator          write the file
    python -m wengert.rules.fast_generator --check  fail if it is stale (a test does this)

For each of the COMMON pointwise primitives the generated module has

* ``NAME(x)`` or ``NAME(x, y)``, called for ``np.NAME`` on Tensors, and for the operators
  ``op_NAME``/``rop_NAME``, whose only test in the common case is ``type(y) is FastTensor``
  (what NumPy refuses is done once more by `bind`, whose error tells shapes, cause and remedy; a
  ``try`` is free as long as nothing is raised);
* ``raw_NAME(node, g, cotangents)``, the reverse rule on plain arrays;
* ``graph_NAME(node, g, cotangents, wrap)``, the same on Tensors;
* ``decode_NAME(node)``;
* ``tangent_NAME(node, tangents)`` and ``bend_NAME(node, g, tangents, results)``, forward over
  reverse mode on plain arrays (`core.dual`).

Nodes are ``[id, KIND, parent, None, gradient, saved...]`` for one operand and ``[id, KIND, parent,
parent, gradient, saved x, saved y, (saved output,) (constants)]`` for two, where ``constants`` are
weak references to operands that are Tensors without a node. What no partial that will be needed
reads is not saved: its shape stands in its place.

The partials come from the rules in `pointwise.py`, traced once on symbols (`symbols.py`). Why
generated code: inlined operators, fixed node layouts and no dispatch cost 0.37 us for a recorded
operation where a generic path costs 2 (../shared/core-notes.md; docs/design/core.md).
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np

from .dual_generator import dual
from .fast_source import (
    HEADER,
    add_to,
    bind_names,
    in_place,
    indent,
    partials_of,
    product,
    twice,
)
from .pointwise import POINTWISE
from .symbols import Symbol, trace_partial

OPERATORS = {
    "add": ("+", "add"),
    "sub": ("-", "sub"),
    "mul": ("*", "mul"),
    "div": ("/", "truediv"),
    "pow": ("**", "pow"),
    "mod": ("%", "mod"),
}
UNARY_OPERATORS = {"neg": ("-", "neg"), "positive": ("+", "pos")}
# The operations that programs use most, closed under "calls in its partial", in the order of
# `fast.py`. `bind` serves the rest.
COMMON = (
    "add", "sub", "mul", "div", "neg", "pow", "square", "sqrt", "reciprocal",
    "exp", "expm1", "log", "log1p", "logaddexp", "sin", "cos", "arctan", "sinh", "cosh", "tanh",
    "sigmoid",
)  # fmt: skip
# Those with a partial that computes something of one operand alone, as `log(x)`: if the operands
# differ in precision, `bind` brings them to that of the output.
PRECISE = frozenset({"pow"})
TARGET = Path(__file__).with_name("fast.py")


def _on_tensors(text: str) -> str:
    """The same source with the generated functions in place of NumPy's."""
    for name in COMMON:
        text = text.replace(f"np.{_ufunc_name(name)}(", f"{name}(")
    return text


def _ufunc_name(name: str) -> str:
    evaluate = POINTWISE[name].evaluate
    return evaluate.__name__ if isinstance(evaluate, np.ufunc) else name


def _primitive(name: str) -> str:
    return f'{name}_p = POINTWISE["{name}"]\n'


def unary(name: str) -> str:
    """The generated source for an operation on one operand."""
    primitive = POINTWISE[name]
    partial = trace_partial(partials_of(name)[0], 1)
    save_x, save_out = "x" in partial.names, "out" in partial.names
    saved = "".join([", a" if save_x else "", ", out" if save_out else ""])
    reads = ["    x = node[5]\n"] if save_x else []
    if save_out:
        reads.append(f"    out = node[{6 if save_x else 5}]\n")
    if name in UNARY_OPERATORS:
        expression = f"{UNARY_OPERATORS[name][0]}a"
    elif not isinstance(primitive.evaluate, np.ufunc):
        expression = f"{name}_p.evaluate(a)"
    else:
        expression = f"np.{_ufunc_name(name)}(a)"
    kind = name.upper()
    new = f"[next(COUNTER), {kind}, m, None, None{saved}]"
    read_out = f"node[{6 if save_x else 5}]" if save_out else "None"
    aval = "node[5]" if save_x else "Aval(node[5].shape, node[5].dtype)" if save_out else "None"
    wraps = "".join(
        [
            "    x = wrap(x, m)\n" if save_x else "",
            "    out = wrap(out, node)\n" if save_out else "",
        ]
    )
    tensor_partial = Symbol(_on_tensors(partial.text), partial.precedence, partial.names)
    add_raw = add_to("m", partial.text != "1")
    raw = twice("g", "x") if partial.text == "2 * x" else in_place(product("g", partial))
    text = f'''

# {name}
{_primitive(name)}

def {name}(x):
    if type(x) is FastTensor:
        try:
            a = x._a
            m = x._n
            r = FastTensor()
            r._a = {"out = " if save_out else ""}{expression}
            r._n = None if (PAUSED and leaves_tape()) or m is None else {new}
            return r
        except (ValueError, TypeError):
            pass
    return read_view({name}_p, {name}, x, {save_x})


def raw_{name}(node, g, cotangents):
    m = node[2]
{"".join(reads)}{indent(raw)}{indent(add_raw)}

def graph_{name}(node, g, cotangents, wrap):
    m = node[2]
{"".join(reads)}{wraps}    t = {product("g", tensor_partial)}
{indent(add_to("m"))}

def decode_{name}(node):
    return (node[2],), ({aval},), {{}}, {read_out}, (None,)


{kind} = NodeKind("{name}", {name}_p, False, raw_{name}, graph_{name}, decode_{name})
'''
    return text


def _saved(operand: str, needed_by_m: bool, needed_by_n: bool, m: str, n: str) -> str:
    """What a node keeps of an operand: its value if a partial that will be needed reads it."""
    own = m if operand == "a" else n
    if own == "None":  # a number or plain array: kept for its own sake, it is small or shared
        return operand
    needed = [c for c, used in ((m, needed_by_m), (n, needed_by_n)) if used and c != "None"]
    if own in needed:
        return operand
    if m == "None" or n == "None":  # this operand is the tracked one, and only its shape is needed
        return f"{operand}.shape"
    tests = " or ".join([f"{own} is None", *(f"{c} is not None" for c in needed)])
    return f"{operand} if {tests} else {operand}.shape"


def binary(name: str) -> str:
    """The generated source for an operation on two operands."""
    partials = [None if p is None else trace_partial(p, 2) for p in partials_of(name)]
    names = [frozenset() if p is None else p.names for p in partials]
    save_out = any("out" in n for n in names)
    kind = name.upper()
    called = f"np.{_ufunc_name(name)}(a, b)"
    expression = called
    quicker = called
    if name in OPERATORS:
        # The operator is faster for scalars, the ufunc for arrays (but in `**`, which squares).
        expression = quicker = f"a {OPERATORS[name][0]} b"
        if name != "pow":
            quicker = f"{called} if type(a) is ndarray else {expression}"

    def node(m: str, n: str) -> str:
        x = _saved("a", "x" in names[0], "x" in names[1], m, n)
        y = _saved("b", "y" in names[0], "y" in names[1], m, n)
        both = m != "None" and n != "None"
        readers = [c for c, used in zip((m, n), names, strict=True) if "out" in used]
        out = ", out" if save_out else ""
        if save_out and set(readers) == {"None"}:  # only a partial that nobody asks for reads it
            out = ", None"
        elif save_out and both and len(readers) == 1:
            out = f", out if {readers[0]} is not None else None"
        refs = ", None if m is not None and n is not None else constants(x, y)" if both else ""
        return f"[next(COUNTER), {kind}, {m}, {n}, None, {x}, {y}{out}{refs}]"

    def snapshot_needed(i: int) -> bool:
        return ("y" if i == 0 else "x") in names[i]

    def forward(m: str, n: str, expression: str = expression) -> str:
        lines = f"""r = FastTensor()
r._a = {"out = " if save_out else ""}{expression}
"""
        if "None" in (m, n):
            tracked = m if n == "None" else n
            lines += f"""if (PAUSED and leaves_tape()) or {tracked} is None:
    r._n = None
else:
    r._n = {node(m, n)}
"""
        else:
            out = ", out" if save_out else ""
            both = f"[next(COUNTER), {kind}, m, n, None, {both_x}, {both_y}{out}]"
            lines += f"""if m is not None:
    if n is not None and not PAUSED:
        r._n = {both}
        return r
elif n is None:
    r._n = None
    if PAUSED:
        leaves_tape()
    return r
if PAUSED and leaves_tape():
    r._n = None
else:
    r._n = {node(m, n)}
"""
        return lines + "return r\n"

    both_x = "a" if "x" in names[0] | names[1] else "a.shape"
    both_y = "b" if "y" in names[0] | names[1] else "b.shape"

    def contributions(tensors: bool) -> str:
        parts = []
        for operand, parent, partial in zip("xy", "mn", partials, strict=True):
            if partial is None:
                continue
            if tensors:
                partial = Symbol(_on_tensors(partial.text), partial.precedence, partial.names)
            made = product("g", partial)
            if not tensors and partial.text in ("x", "y"):  # of a number times an array: one pass
                made += f" if s{operand} or not g.shape else inner_product(g, {partial.text})"
            parts.append(
                f"if {parent} is not None:\n"
                f"    t = {made}\n"
                f"    if t.shape != s{operand}:\n"
                f"        t = unbroadcast(t, s{operand})\n"
                + indent(add_to(parent, not tensors and partial.text != "1"))
            )
        text = indent("".join(parts))
        if name == "mul" and not tensors:  # x * x, and so on: one product, added to itself
            square = twice("g", "x") + add_to("m", new=True) + "return\n"
            text = indent(f"if m is n and x is y:\n{indent(square)}") + text
        return text

    shapes = "".join(
        f"    s{v} = {v} if type({v}) is tuple else {v}.shape if {m} is not None else None\n"
        for v, m, p in zip("xy", "mn", partials, strict=True)
        if p is not None
    )
    used = frozenset().union(*names)
    saves = bool(used & {"x", "y"})
    wraps = "".join(
        f"    {v} = wrap({v}, {m}) if type({v}) is not tuple else None\n"
        for v, m in zip("xy", "mn", strict=True)
        if v in used
    ) + ("    out = wrap(out, node)\n" if save_out else "")
    out_read = "    out = node[7]\n" if save_out else ""
    read_out = "node[7]" if save_out else "None"
    constants_at = 8 if save_out else 7
    scalar_x, scalar_y = "type(x) in SCALARS", "type(y) in SCALARS"
    if name in PRECISE:
        scalar_x = f"type(x) in WEAK or {scalar_x} and x.dtype is y._a.dtype"
        scalar_y = f"type(y) in WEAK or {scalar_y} and y.dtype is x._a.dtype"
    array_y = " and y.dtype is x._a.dtype" if name in PRECISE else ""
    array_x = " and x.dtype is y._a.dtype" if name in PRECISE else ""
    tensor_y = " and y._a.dtype is x._a.dtype" if name in PRECISE else ""
    copy_y = "if m is not None:\n    b = snapshot(b)\n" if snapshot_needed(0) else ""
    copy_x = "if n is not None:\n    a = snapshot(a)\n" if snapshot_needed(1) else ""
    return f'''

# {name}
{_primitive(name)}

def op_{name}(x, y):
    try:
        if type(y) is FastTensor{tensor_y}:
            a = x._a
            b = y._a
            m = x._n
            n = y._n
{indent(forward("m", "n", quicker), 12)}        if {scalar_y}:
            a = x._a
            b = y
            m = x._n
{indent(forward("m", "None"), 12)}        if type(y) is ndarray{array_y}:
            a = x._a
            b = y
            m = x._n
{indent(copy_y, 12)}{indent(forward("m", "None"), 12)}    except (ValueError, TypeError):
        pass
    return slow_{name}(x, y)


def rop_{name}(y, x):
    try:
        if {scalar_x}:
            a = x
            b = y._a
            n = y._n
{indent(forward("None", "n"), 12)}        if type(x) is ndarray{array_x}:
            a = x
            b = y._a
            n = y._n
{indent(copy_x, 12)}{indent(forward("None", "n"), 12)}    except (ValueError, TypeError):
        pass
    return slow_reflected({name}_p, y, x)


def {name}(x, y):
    if type(x) is FastTensor:
        if type(y) is not FastTensor{" or y._a.dtype is not x._a.dtype" if name in PRECISE else ""}:
            r = op_{name}(x, y)
            return r if r is not NotImplemented else refuse("{_ufunc_name(name)}", y)
        try:
            a = x._a
            b = y._a
            m = x._n
            n = y._n
{indent(forward("m", "n", called), 12)}        except (ValueError, TypeError):
            pass
    elif type(y) is FastTensor and not isinstance(x, Tensor):
        r = rop_{name}(y, x)
        return r if r is not NotImplemented else refuse("{_ufunc_name(name)}", x)
    r = read_views({name}, x, y, {saves})
    return bind({name}_p, (x, y), {{}}) if r is None else r


def slow_{name}(x, y):
    if settled(x) or settled(y):
        return {name}(x, y)
    r = read_views(op_{name}, x, y, {saves})
    return slow({name}_p, x, y) if r is None else r


def slow_r{name}(y, x):
    if settled(y):
        return rop_{name}(y, x)
    t = ordinary(y, {saves})
    return slow_reflected({name}_p, y, x) if t is None else rop_{name}(t, x)


def raw_{name}(node, g, cotangents):
    m = node[2]
    n = node[3]
    x = node[5]
    y = node[6]
{out_read}{shapes}{contributions(False)}

def graph_{name}(node, g, cotangents, wrap):
    m = node[2]
    n = node[3]
    x = node[5]
    y = node[6]
{out_read}{shapes}{wraps}{contributions(True)}

def decode_{name}(node):
    x = node[5]
    y = node[6]
    if type(x) is tuple:
        x = Aval(x, None)
    if type(y) is tuple:
        y = Aval(y, None)
    refs = node[{constants_at}] if len(node) > {constants_at} else None
    return node[2:4], (x, y), {{}}, {read_out}, refs or (None, None)


{kind} = NodeKind("{name}", {name}_p, False, raw_{name}, graph_{name}, decode_{name})
'''


def generated_names() -> list[str]:
    """The primitives that get a fast path, in their order."""
    return list(COMMON)


def generate() -> str:
    """The text of `fast.py`."""
    names = generated_names()
    parts = []
    for name in names:
        parts.append(unary(name) if len(partials_of(name)) == 1 else binary(name))
        parts.append(dual(name))
    table = "".join(f"    {name!r}: {name},\n" for name in names)
    parts.append(f"\n\n# The functions by the name of the primitive\nFAST = {{\n{table}}}\n")
    operators = "".join(
        f"    ({name!r}, op_{name}, rop_{name}, slow_{name}, slow_r{name}),\n"
        for name in OPERATORS
        if name in names
    )
    parts.append(f"\nOPERATORS = [\n{operators}]\n")
    body, functions = bind_names("".join(parts))
    return _format(HEADER + functions + body)


def _format(text: str) -> str:
    """Formatted by ruff where it is installed; the committed file is."""
    ruff = shutil.which("ruff") or str(Path(sys.executable).with_name("ruff"))
    try:
        done = subprocess.run(
            [ruff, "format", "--line-length", "100", "--isolated", "-"],
            input=text,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError) as error:
        raise RuntimeError(f"ruff is needed to format the generated file: {error}") from error
    return done.stdout


def main(argv: list[str]) -> int:
    """Write or check the file."""
    text = generate()
    if "--check" in argv:
        stale = not TARGET.exists() or TARGET.read_text() != text
        if stale:
            print(f"{TARGET} is stale; run python -m wengert.rules.fast_generator")
        return int(bool(stale))
    temporary = TARGET.with_suffix(".tmp")
    temporary.write_text(text)
    temporary.replace(TARGET)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
