"""The results of `benchmarks.scaling` as text, as a page of the documentation, and as a chart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

__all__ = ["draw", "header", "line", "page", "write_page"]

_ROOT = Path(__file__).parent.parent
PAGE = _ROOT / "docs" / "benchmarks-scaling.md"
CHART = _ROOT / "docs" / "images" / "benchmarks-scaling.png"
# Of each row: what it is called, its heading, and how it is written.
_COLUMNS = (
    ("microseconds", "us a step", "{:.0f}"),
    ("at_limit", "us at the limit", "{:.0f}"),
    ("limit", "limit", "{}"),
    ("fraction", "of the limit", "{:.0%}"),
    ("gflops", "GF/s", "{:.0f}"),
    ("compile_ms", "ms to compile", "{:.0f}"),
    ("arena_kb", "KiB of temporaries", "{:.0f}"),
    ("peak_kb", "KiB allocated in a call", "{:.0f}"),
)


def _cells(row: dict[str, Any]) -> list[str]:
    return [text.format(row[name]) for name, _, text in _COLUMNS]


def header(varied: str) -> str:
    """The headings of a table, for the terminal."""
    return f"{varied:>6}" + "".join(f"{h:>{len(h) + 3}}" for _, h, _ in _COLUMNS)


def line(varied: str, row: dict[str, Any]) -> str:
    """One row, for the terminal."""
    cells = zip(_cells(row), _COLUMNS, strict=True)
    return f"{row[varied]:>6}" + "".join(f" {c:>{len(h) + 2}}" for c, (_, h, _) in cells)


def _varied(results: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for row in results["rows"]:
        found.setdefault(row["varied"], []).append(row)
    return found


def page(results: dict[str, Any]) -> str:
    """The page of the documentation."""
    machine, limits, base = results["machine"], results["limits"], results["base"]
    versions = ", ".join(f"{k} {v}" for k, v in machine["versions"].items())
    lines = [
        "# How compiled steps scale", "",
        "Written by `python -m benchmarks.scaling` and `--write-page`. One SGD step (loss, "
        "gradient, update in place) of a tanh network 784-width-...-10 in float32 with cross "
        "entropy, compiled with donated parameters. One size varies; the others are "
        + ", ".join(f"{k} {v}" for k, v in base.items()) + ".", "",
        f"{machine['processor']} ({machine['cores']} cores), {machine['date']}; {versions}; BLAS: "
        f"{machine['blas']}. Limits measured: {limits['flops'] / 1e9:.0f} GF/s float32 (NumPy's "
        f"products of 1024 x 1024), {limits['bandwidth'] / 1e9:.1f} GB/s (a sum of 128 MB)."
        + _warning(machine), "",
        "The limit of a step is the nearer of two: its multiplications at the one rate, or reading "
        "the batch and the parameters and writing these, once each, at the other. What stays in "
        "the caches from step to step can be faster than memory, and products a little faster than "
        "NumPy's, so more than 100 % is possible. Compilation is cold: from the trace to the first "
        "result, without the cache on disk.", "",
        f"![Time of a step and its limit](images/{CHART.name})", "",
    ]  # fmt: skip
    for varied, rows in _varied(results).items():
        headings = [varied, *(h for _, h, _ in _COLUMNS)]
        lines += [f"## {varied.capitalize()}", "", f"| {' | '.join(headings)} |"]
        lines.append("|" + " ---: |" * len(headings))
        lines += [f"| {' | '.join([str(row[varied]), *_cells(row)])} |" for row in rows]
        lines.append("")
    return "\n".join(lines)


def _warning(machine: dict[str, Any]) -> str:
    if machine["load"] and machine["load"] > machine["cores"] / 2:
        return f" The machine was busy (load {machine['load']:.1f}): do not trust these figures."
    return ""


def write_page(results: dict[str, Any]) -> Path:
    """Write the page; returns where it is."""
    PAGE.write_text(page(results))
    return PAGE


def draw(results: dict[str, Any], path: Path = CHART) -> Path:
    """Times of a step over each size beside the limit, on logarithmic axes."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import NullLocator

    varied = _varied(results)
    figure = Figure(figsize=(9, 3.2), dpi=110, layout="constrained")
    all_axes = figure.subplots(1, len(varied), sharey=True, squeeze=False)[0]
    for axes, (name, rows) in zip(all_axes, varied.items(), strict=True):
        sizes = [row[name] for row in rows]
        axes.plot(sizes, [row["microseconds"] for row in rows], "o-", ms=4, label="measured")
        axes.plot(sizes, [row["at_limit"] for row in rows], "k--", lw=1, label="at the limit")
        for row in rows:
            axes.annotate(
                f"{row['fraction']:.0%}", (row[name], row["microseconds"]), fontsize=7,
                xytext=(-1, 5), textcoords="offset points", ha="right",
            )  # fmt: skip
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xticks(sizes, [str(s) for s in sizes], fontsize=7)
        axes.xaxis.set_minor_locator(NullLocator())
        axes.margins(x=0.18, y=0.12)
        axes.tick_params(axis="y", labelsize=7)
        axes.set_xlabel(name, fontsize=8)
        axes.spines[["top", "right"]].set_visible(False)
    all_axes[0].set_ylabel("microseconds for a step", fontsize=8)
    all_axes[0].legend(frameon=False, fontsize=8, loc="upper left")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)
    return path
