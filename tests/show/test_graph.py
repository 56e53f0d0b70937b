"""The graph view."""

from __future__ import annotations

import numpy as np

import wengert as wg
from wengert.show import graph


def test_nodes_and_one_arrow_for_each_use():
    def f(a, b):
        d = a * a
        return d + b

    text = graph(f, 1.0, 2.0)
    assert text.startswith("digraph {")
    assert text.endswith("}")
    assert 'd [label="d = a * a\\n()", shape=box]' in text
    assert text.count("a -> d") == 2
    assert "fillcolor=lightgreen" in text
    assert wg.show.graph is graph


def test_writes_and_constants():
    table = np.arange(100.0).reshape(10, 10) ** 2

    def f(x):
        y = np.sin(x)
        y[0] = 0.0
        return table @ y

    text = graph(f, np.ones(10))
    assert "table [label=" in text
    assert "fillcolor=lightgrey" in text
    assert "x -> " in text
