"""A graph with the values and the gradients on its edges, drawn from the listing of `wengert.show`.

Above an edge stands the value that flows forward along it, below it the gradient that flows back:
one line of the forward and one line of the backward pass each.
"""

from __future__ import annotations

import argparse
import ast
import io
import itertools
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

import wengert as wg
from labs.backprop.checks import listing
from labs.backprop.samples import DATA, read_samples
from labs.command import Parser, run_script
from wengert.train.atomic import write_bytes

__all__ = ["Edge", "Graph", "draw", "graph_of", "main", "picture"]

_INPUT, _OPERATOR, _OUTPUT = "#dbe7f5", "#f4f4f4", "#ddefdb"
_VALUE, _GRADIENT = "#1a6b2f", "#b3261e"
_COLUMN, _ROW = 2.1, 1.0  # inches
_MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True)
class Edge:
    """From a value to one that is computed with it; what flows along it in both passes."""

    source: str
    target: str
    value: float
    gradient: float


@dataclass(frozen=True)
class Graph:
    """A computation: a label for each value in the order of computation, and the edges.

    Attributes
    ----------
    labels : dict
        Name of each value to what is written into its box; the inputs come first.
    edges : list of Edge
    values, gradients : dict
        Name of each value to the value, and to the gradient of the output with respect to it.
    inputs : tuple of str
    """

    labels: dict[str, str]
    edges: list[Edge]
    values: dict[str, float]
    gradients: dict[str, float]
    inputs: tuple[str, ...]

    @property
    def output(self) -> str:
        """The name of the last value."""
        return next(reversed(self.labels))


def graph_of(listed: Any) -> Graph:
    """The graph that a listing describes, with numbers from running it line by line.

    Parameters
    ----------
    listed : Listing
        Made by `wengert.show` of a function of numbers.
    """
    space = listed.namespace()
    inputs = tuple(listed.names[v] for v in listed.program.inputs if v in listed.names)
    labels = {name: name for name in inputs}
    uses: list[tuple[str, str]] = []
    for line in listed.forward.splitlines():
        target, expression = _assignment(line)
        exec(line, space)
        labels[target] = f"{target} = {_pretty(expression)}"
        uses += [(name, target) for name in _names(expression) if name in labels]
    flows: dict[tuple[str, str], float] = {}
    for line in listed.backward.splitlines():
        target, expression = _assignment(line)
        exec(line, space)
        gradient = float(eval(expression, space)) if _sources(expression) else 1.0
        for source in _sources(expression):
            edge = (target.removeprefix("grad_"), source)
            flows[edge] = flows.get(edge, 0.0) + gradient
    edges = [Edge(a, b, float(space[a]), flows.get((a, b), 0.0)) for a, b in dict.fromkeys(uses)]
    return Graph(
        labels,
        edges,
        {name: float(space[name]) for name in labels},
        {name: float(space.get(f"grad_{name}", 0.0)) for name in labels},
        inputs,
    )


def _assignment(line: str) -> tuple[str, str]:
    statement = ast.parse(line).body[0]
    if isinstance(statement, ast.Assign):
        return ast.unparse(statement.targets[0]), ast.unparse(statement.value)
    if isinstance(statement, ast.AugAssign):
        return ast.unparse(statement.target), ast.unparse(statement.value)
    raise wg.WengertValueError(f"picture: cannot draw the line {line!r}")


def _names(expression: str) -> list[str]:
    return [n.id for n in ast.walk(ast.parse(expression)) if isinstance(n, ast.Name)]


def _sources(expression: str) -> list[str]:
    """The values whose gradients an expression of the backward pass uses."""
    return [n.removeprefix("grad_") for n in _names(expression) if n.startswith("grad_")]


def _pretty(expression: str) -> str:
    text = expression.replace("np.", "").replace(" ** 2", "²")
    return text.replace(" * ", " · ").replace("-", _MINUS)


# ------------------------------------------------------------------ layout


def _columns(graph: Graph) -> dict[str, int]:
    """Operators one column after their latest operand, inputs one before their first use."""
    column = dict.fromkeys(graph.inputs, 0)
    for name in graph.labels:
        if name not in graph.inputs:
            column[name] = 1 + max(column[e.source] for e in graph.edges if e.target == name)
    for name in graph.inputs:
        column[name] = min(column[e.target] for e in graph.edges if e.source == name) - 1
    return column


def _chains(graph: Graph, column: dict[str, int]) -> dict[Edge, list[str]]:
    """The boxes of each edge, with a bend in every column that the edge passes."""
    return {
        e: [
            e.source,
            *(f"{e.source}>{e.target}>{c}" for c in range(column[e.source] + 1, column[e.target])),
            e.target,
        ]
        for e in graph.edges
    }


def _places(
    graph: Graph, column: dict[str, int], chains: dict[Edge, list[str]]
) -> dict[str, tuple[float, float]]:
    """Column and row of each box and bend: halfway between its neighbours, one row apart.

    The method of Sugiyama, Tagawa and Toda (IEEE Trans. SMC 11(2), 1981), without its search for
    the fewest crossings, which graphs of this size do not need.
    """
    at = dict(column)
    for edge, chain in chains.items():
        at.update({bend: column[edge.source] + 1 + i for i, bend in enumerate(chain[1:-1])})
    links = [link for chain in chains.values() for link in itertools.pairwise(chain)]
    neighbours = {n: [b if a == n else a for a, b in links if n in (a, b)] for n in at}
    row = {name: float(i) for i, name in enumerate(_reading_order(graph.output, links))}
    last = max(at.values())
    for _ in range(20):
        for c in [*range(last + 1), *range(last, -1, -1)]:
            members = [name for name in at if at[name] == c]
            wanted = {m: sum(row[n] for n in neighbours[m]) / len(neighbours[m]) for m in members}
            members.sort(key=lambda name: (wanted[name], row[name]))
            for name, place in zip(members, _spread([wanted[m] for m in members]), strict=True):
                row[name] = place
    return {name: (at[name], row[name]) for name in at}


def _reading_order(output: str, links: list[tuple[str, str]]) -> list[str]:
    """Boxes and bends as a walk back from the output meets them, so that edges cross little."""
    found: list[str] = []

    def walk(name: str) -> None:
        for source, target in links:
            if target == name and source not in found:
                walk(source)
        found.append(name)

    walk(output)
    return found


def _spread(wanted: list[float]) -> list[float]:
    """Sorted places, moved as little as needed to be one apart: isotonic regression by pooling."""
    blocks: list[tuple[float, int]] = []
    for index, place in enumerate(wanted):
        mean, size = place - index, 1
        while blocks and blocks[-1][0] > mean:
            other, count = blocks.pop()
            mean, size = (mean * size + other * count) / (size + count), size + count
        blocks.append((mean, size))
    flat = [mean for mean, size in blocks for _ in range(size)]
    return [place + index for index, place in enumerate(flat)]


# ------------------------------------------------------------------ drawing


def draw(graph: Graph, title: str) -> Figure:
    """Draw a graph."""
    column = _columns(graph)
    chains = _chains(graph, column)
    places = _places(graph, column, chains)
    xs, ys = zip(*places.values(), strict=True)
    width = (max(xs) - min(xs) + 1.8) * _COLUMN
    height = (max(ys) - min(ys) + 1.0) * _ROW + 0.5
    figure = Figure(figsize=(width, height), dpi=100)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(min(xs) - 0.4, max(xs) + 1.4)
    axes.set_ylim(max(ys) + 0.5, min(ys) - 0.5 - 0.5 / _ROW)
    axes.axis("off")
    boxes = {}
    for name, label in graph.labels.items():
        is_output = name == graph.output
        colour = _INPUT if name in graph.inputs else _OUTPUT if is_output else _OPERATOR
        boxes[name] = axes.text(
            *places[name],
            label,
            ha="center",
            va="center",
            fontsize=11,
            bbox={"boxstyle": "round,pad=0.45", "facecolor": colour, "edgecolor": "#777777"},
            zorder=3,
        )
    figure.draw_without_rendering()  # the arrows end at the boxes, whose sizes are known now
    for edge, chain in chains.items():
        points = [places[name] for name in chain]
        _draw_edge(axes, boxes, points, edge)
    x, y = places[graph.output]
    end = Edge(graph.output, "", graph.values[graph.output], graph.gradients[graph.output])
    _draw_edge(axes, boxes, [(x, y), (x + 1.2, y)], end)
    style: dict[str, Any] = {"transform": axes.transAxes, "va": "center", "fontsize": 12}
    top = 1 - 0.22 / height
    axes.text(0.25 / width, top, title, weight="bold", **style)
    axes.text(1 - 1.1 / width, top, "value", color=_VALUE, ha="right", **style)
    axes.text(1 - 0.2 / width, top, "gradient", color=_GRADIENT, ha="right", **style)
    return figure


def _draw_edge(
    axes: Any, boxes: dict[str, Any], points: list[tuple[float, float]], edge: Edge
) -> None:
    for a, b in itertools.pairwise(points):
        is_first, is_last = a == points[0], b == points[-1]
        arrow = {
            "arrowstyle": "-|>" if is_last else "-",
            "color": "#555555",
            "patchA": boxes[edge.source].get_bbox_patch() if is_first else None,
            "patchB": boxes[edge.target].get_bbox_patch() if is_last and edge.target else None,
            "shrinkA": 0,
            "shrinkB": 0,
            "capstyle": "round",
        }
        axes.annotate("", xy=b, xytext=a, arrowprops=arrow, zorder=1)
    # A bend has room around it; an edge without one is labelled in its middle.
    (ax, ay), (bx, by) = points[:2]
    place = points[1] if len(points) > 2 else ((ax + bx) / 2 + 0.03, (ay + by) / 2)
    style = {"xy": place, "textcoords": "offset points", "ha": "center", "fontsize": 9}
    halo = {"boxstyle": "square,pad=0.1", "facecolor": "white", "edgecolor": "none", "alpha": 0.85}
    for number, above, colour in ((edge.value, True, _VALUE), (edge.gradient, False, _GRADIENT)):
        axes.annotate(
            f"{number:.3g}".replace("-", _MINUS),
            xytext=(0, 3 if above else -3),
            va="bottom" if above else "top",
            color=colour,
            bbox=halo,
            **style,
        )


TITLES = {
    "f1": "f1: linear prediction, squared error",
    "f2": "f2: tanh x through exp 2x",
    "f3": "f3: softmax loss of two classes, y = {y}",
    "f4": "f4: negative log-likelihood of a normal distribution",
}


def picture(name: str) -> bytes:
    """One of the four graphs at its first sample, as a PNG picture."""
    sample = read_samples(DATA)[name][0]
    title = TITLES[name].format(**sample.inputs)
    buffer = io.BytesIO()
    with np.errstate(all="ignore"):
        draw(graph_of(listing(name, sample)), title).savefig(buffer, format="png")
    return buffer.getvalue()


def main(argv: Sequence[str] | None = None) -> int:
    """Write the pictures of the README."""
    parser = Parser("python -m labs.backprop.picture", "Draw the four graphs.")
    parser.add_argument(
        "--out",
        type=Path,
        default=Path(__file__).parent,
        metavar="DIR",
        help="where they go (default: %(default)s)",
    )
    return run_script(parser, _run, argv)


def _run(arguments: argparse.Namespace) -> int:
    for name in TITLES:
        path = arguments.out / f"{name}.png"
        write_bytes(path, picture(name))
        print(f"wrote {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
