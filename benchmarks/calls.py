"""What a call of a compiled function costs besides its work, beside NumPy's ``a * b``.

``python -m benchmarks.calls`` times calls with ten arrays of four elements: nothing to allocate
(the result takes the place of a donated argument), new arrays as results, arguments in nested
containers, a captured object with forty attributes, one with objects inside, and a captured
network; then derivatives of a compiled function and of the function itself.
Interleaved; the table has nanoseconds, the median ratio to ``a * b`` on four elements, and the
bars: at most 1.5 times ``a * b``, and an ``np.empty`` for each array returned; nested containers at
most 3 times a flat call.
"""

from __future__ import annotations

import argparse
import types
from typing import Any

import numpy as np

import wengert as wg
from wengert import nn

from .timing import Timer, Times, interleave, statement_timer

_ARGUMENTS = 10
_BOUND, _AIM = 1.5, 0.4  # times `a * b`, of a call without what it allocates
_NESTED_BOUND = 3.0  # times a flat call
_RESULTS = {"no array to allocate": 0, "one array": 1, "three arrays": 3}


class _Layer:
    """What a user's own layer looks like."""

    def __init__(self, scale: float) -> None:
        self.scale, self.shift, self.name = scale, 0.5, "layer"

    def __call__(self, x: Any) -> Any:
        return x * self.scale + self.shift


class _Model:
    def __init__(self, depth: int) -> None:
        self.layers = [_Layer(1.0 + k) for k in range(depth)]

    def __call__(self, x: Any) -> Any:
        for layer in self.layers:
            x = layer(x)
        return x


def contestants() -> dict[str, Timer]:
    """What is timed, by name."""
    arrays = [np.linspace(0.0, 1.0, 4) + k for k in range(_ARGUMENTS)]
    many = types.SimpleNamespace(**{f"attribute_{k}": float(k) for k in range(40)})
    model = _Model(10)
    rng = np.random.default_rng(0)
    network = nn.Sequential(*[nn.Linear(4, 4, rng=rng) for _ in range(3)])
    # Sums that do not grow, however often the first argument is overwritten.
    updated = wg.jit(lambda a, *rest: a * 0.5 + sum(rest), donate_argnums=0)
    functions: dict[str, tuple[Any, str]] = {
        "no array to allocate": (updated, "f(*a)"),
        "one array": (wg.jit(lambda a, *rest: a + sum(rest)), "f(*a)"),
        "three arrays": (wg.jit(lambda a, b, *rest: (a + sum(rest), a * b, a - b)), "f(*a)"),
        "nested lists and dicts": (wg.jit(_nested), "f(tree)"),
        "object with 40 attributes": (
            wg.jit(lambda a, *rest: a * many.attribute_7 + sum(rest)), "f(*a)",
        ),
        "object with 10 layers": (wg.jit(lambda a, *rest: model(a) + sum(rest)), "f(*a)"),
        "captured network": (wg.jit(lambda a, *rest: network(a) + sum(rest)), "f(*a)"),
        "grad of compiled": (wg.grad(wg.jit(_ten_operations)), "f(*a)"),
        "grad": (wg.grad(_ten_operations), "f(*a)"),
    }  # fmt: skip
    tree = {"layers": [{"w": arrays[2 * k], "b": arrays[2 * k + 1]} for k in range(4)]}
    tree["last"] = arrays[8:]
    timed = {
        "a * b": statement_timer("a * b", a=arrays[0].copy(), b=arrays[1]),
        "np.empty(4)": statement_timer("empty(4)", empty=np.empty),
    }
    for name, (f, statement) in functions.items():
        names = {"f": f, "a": arrays} if "a)" in statement else {"f": f, "tree": tree}
        timed[name] = statement_timer(statement, **names)
    return timed


def _ten_operations(x: Any, *_: Any) -> Any:
    y = np.exp(-(np.sin(x) * 0.5 + x))
    y = np.tanh(y) * x + 1.0
    return np.sum(y * y)


def _nested(tree: Any) -> Any:
    return sum(layer["w"] + layer["b"] for layer in tree["layers"]) + sum(tree["last"])


def bar(name: str, times: Times) -> str:
    """What is demanded of a contestant, what was measured, and whether it is met; or nothing."""
    if name in _RESULTS:
        count = _RESULTS[name]
        rest = times.of(name) - count * times.of("np.empty(4)")
        measured, bound = float(np.median(rest / times.of("a * b"))), _BOUND
        what = f"{measured:.2f} without {count} np.empty, " if count else ""
        aim = "" if count else f", aim {_AIM:g}"
    elif name.startswith("nested"):
        measured, bound, aim = times.ratio(name, "one array"), _NESTED_BOUND, ""
        what = f"{measured:.2f} x the flat call, "
    else:
        return ""
    return f"  {what}bar {bound:g}{aim}: {'met' if measured <= bound else 'MISSED'}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m benchmarks.calls")
    parser.add_argument("--rounds", type=int, default=31)
    parser.add_argument("--burst", type=float, default=0.01, help="seconds for each in a round")
    options = parser.parse_args()
    times = interleave(contestants(), rounds=options.rounds, burst=options.burst)
    print(f"{_ARGUMENTS} arrays of 4 elements    ns   ratio to a * b")
    for name in times.names:
        ratio = times.ratio(name, "a * b")
        print(f"{name:<26}{times.median(name) * 1e9:5.0f}   {ratio:5.2f}{bar(name, times)}")


if __name__ == "__main__":
    main()
