"""The graph view: a Program as a picture, in the DOT language of Graphviz."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from ..core.abstract import Var
from .listing import Listing, show

__all__ = ["graph"]

_HEAD = """\
digraph {
    rankdir=LR
    node [fontname="monospace", fontsize=11]"""


def graph(function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> str:
    r"""The computation of a function as a graph, in the DOT language.

    Parameters
    ----------
    function : callable
    *args, **kwargs :
        Arguments to record it with, as for `show`.

    Returns
    -------
    str
        To be drawn by Graphviz (``dot -Tsvg``). Boxes are values: the inputs are blue, the results
        green; each is labelled with the line that computes it and its shape.

    Examples
    --------
    >>> from wengert.show import graph
    >>> print(graph(lambda a, b: a * b, 2.0, 3.0))
    digraph {
        rankdir=LR
        node [fontname="monospace", fontsize=11]
        a [label="a\n()", shape=box, style=filled, fillcolor=lightblue]
        b [label="b\n()", shape=box, style=filled, fillcolor=lightblue]
        c [label="c = a * b\n()", shape=box, style=filled, fillcolor=lightgreen]
        a -> c
        b -> c
    }
    """
    return _dot(show(function, *args, **kwargs))


def _dot(listing: Listing) -> str:
    names = listing.names
    program = listing.program
    lines = [_HEAD]
    for v in program.inputs:
        lines.append(_node(names[v], names[v], v, "lightblue"))
    for v, _ in program.captured:
        if v in names:
            lines.append(_node(names[v], names[v], v, "lightgrey"))
    texts: dict[str, list[str]] = {}
    for statement in ast.parse(listing.forward).body:
        for target in _targets(statement):
            texts.setdefault(target, []).append(ast.unparse(statement))
    edges: list[str] = []
    results = {v for v in program.outputs if type(v) is Var}
    for e in program.equations:
        for v in e.outputs:
            colour = "lightgreen" if v in results else None
            label = "\\n".join(texts.get(names[v], [names[v]]))
            lines.append(_node(names[v], label, v, colour))
            sources = [names[x] for x in e.inputs if type(x) is Var and x in names]
            # A write in place has the name of what it writes into: one box for both.
            edges.extend(f"    {x} -> {names[v]}" for x in sources if x != names[v])
    return "\n".join([*dict.fromkeys(lines), *edges, "}"])


def _targets(tree: ast.stmt) -> set[str]:
    """The variables that a line of the listing writes."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store):
            base: ast.AST = node
            while not isinstance(base, ast.Name):
                base = next(ast.iter_child_nodes(base))
            found.add(base.id)
    return found


def _node(identifier: str, label: str, v: Var, colour: str | None) -> str:
    text = label.replace('"', '\\"')
    style = f", style=filled, fillcolor={colour}" if colour else ""
    return f'    {identifier} [label="{text}\\n{v.shape}", shape=box{style}]'
