"""Sample inputs and outputs of the graphs, in a JSON file that is read without running anything.

`python -m labs.backprop.samples` writes `backprop-data.json`. The outputs come from closed formulas
of Python's `math` and `statistics`, not from the graphs that they check.
"""

from __future__ import annotations

import inspect
import json
import math
import random
import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import wengert as wg
from labs.backprop.functions import FUNCTIONS
from wengert.train.atomic import write_bytes

__all__ = ["DATA", "Sample", "make_samples", "parameters", "read_samples"]

DATA = Path(__file__).parent / "backprop-data.json"
# Inputs that are labels: integers, without a gradient.
_LABELS = {("f3", "y")}
_LARGEST = 1e100  # the square of a number beyond this may be infinite
_PER_FUNCTION = 10
_SEED = 442


@dataclass(frozen=True)
class Sample:
    """Arguments of a graph, in the order of its parameters, and its output."""

    inputs: dict[str, float | int]
    output: float


def parameters(name: str) -> list[str]:
    """The names of a graph's inputs."""
    return list(inspect.signature(FUNCTIONS[name]).parameters)


def read_samples(path: Path) -> dict[str, list[Sample]]:
    """The samples of every graph in a file.

    Raises
    ------
    wengert.DataError
        If the file is missing, is not JSON, or does not fit the functions; the message names the
        file and the place.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise wg.DataError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise wg.DataError(f"{path}: cut short, or not a JSON file ({error})") from error
    if not isinstance(content, dict) or not content:
        raise wg.DataError(f"{path}: expected an object with the samples of {_known()}")
    samples = {}
    for name, entries in content.items():
        if name not in FUNCTIONS:
            raise wg.DataError(f"{path}: unknown function {name!r}; known are {_known()}")
        if not isinstance(entries, list) or not entries:
            raise wg.DataError(f"{path}: {name}: expected a list of samples")
        samples[name] = [
            _sample(name, entry, f"{path}: {name}[{index}]") for index, entry in enumerate(entries)
        ]
    return samples


def _known() -> str:
    return ", ".join(FUNCTIONS)


def _sample(name: str, entry: Any, where: str) -> Sample:
    if not isinstance(entry, dict) or set(entry) != {"inputs", "output"}:
        raise wg.DataError(f"{where}: expected an object with 'inputs' and 'output'")
    inputs, expected = entry["inputs"], parameters(name)
    if not isinstance(inputs, dict) or set(inputs) != set(expected):
        found = ", ".join(inputs) if isinstance(inputs, dict) else repr(inputs)
        raise wg.DataError(f"{where}: expected the inputs {', '.join(expected)}; found {found}")
    for key, value in [*inputs.items(), ("output", entry["output"])]:
        if type(value) not in (int, float) or not abs(value) < _LARGEST:
            raise wg.DataError(f"{where}: {key} must be a number below 1e100, found {value!r:.40}")
    if name == "f3" and inputs["y"] not in (1, 2):
        raise wg.DataError(f"{where}: the label y must be 1 or 2, found {inputs['y']!r}")
    typed = {k: int(inputs[k]) if (name, k) in _LABELS else float(inputs[k]) for k in expected}
    return Sample(typed, float(entry["output"]))


# ------------------------------------------------------------------ making them


def _f1(v: Mapping[str, float]) -> float:
    return (math.fsum((v["x1"] * v["w1"], v["x2"] * v["w2"], v["b"])) - v["y"]) ** 2


def _f2(v: Mapping[str, float]) -> float:
    return math.tanh(v["x"])


def _f3(v: Mapping[str, float]) -> float:
    # -log(e^a / (e^a + e^b)) = log(1 + e^(b - a))
    right, wrong = (v["s1"], v["s2"]) if v["y"] == 1 else (v["s2"], v["s1"])
    return math.log1p(math.exp(wrong - right))


def _f4(v: Mapping[str, float]) -> float:
    density = statistics.NormalDist(v["mu"], v["sigma"]).pdf(v["x"])
    return -math.log(density) - math.log(2 * math.pi) / 2


_CLOSED_FORMS: dict[str, Callable[[Mapping[str, float]], float]] = {
    "f1": _f1,
    "f2": _f2,
    "f3": _f3,
    "f4": _f4,
}


def make_samples() -> str:
    """The text of `backprop-data.json`."""
    rng = random.Random(_SEED)
    content: dict[str, list[Any]] = {}
    for name, closed_form in _CLOSED_FORMS.items():
        content[name] = []
        for index in range(_PER_FUNCTION):
            inputs: dict[str, float | int] = {k: round(rng.gauss(), 4) for k in parameters(name)}
            if name == "f3":
                inputs["y"] = 1 + index % 2
            if name == "f4":
                inputs["sigma"] = round(rng.uniform(0.5, 2), 4)
            content[name].append({"inputs": inputs, "output": closed_form(inputs)})
    return json.dumps(content, indent=1) + "\n"


if __name__ == "__main__":
    write_bytes(DATA, make_samples().encode())
    print(f"wrote {DATA}")
