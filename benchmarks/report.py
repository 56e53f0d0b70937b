"""The tables: as text for the terminal, as Markdown between markers in the documents."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.processors import Bar, bars_by_processor

ROOT = Path(__file__).parent.parent
RESULTS = Path(__file__).parent / "results" / "eager.json"
# Which table stands in which document.
DOCUMENTS = {"README.md": "summary", "docs/benchmarks.md": "full"}
_OPEN, _CLOSE = "<!-- benchmarks:eager {} -->", "<!-- /benchmarks:eager -->"
_SHOWN_IN_README = ("numpy", "wengert", "autograd", "pytorch", "torch.func")


def as_text(results: dict[str, Any]) -> str:
    """Everything, for the terminal."""
    return "\n\n".join(_table(rows, plain=True) if rows else head for head, rows in _parts(results))


def as_markdown(results: dict[str, Any]) -> str:
    """Everything, for the documentation, and the bars on other kinds of processors."""
    parts = _parts(results)
    if rows := bars_by_processor(RESULTS, results, _bars):
        parts += [("### Bars by processor", []), ("", rows)]
    return "\n\n".join(_table(rows, plain=False) if rows else head for head, rows in parts)


def _bars(results: dict[str, Any]) -> dict[str, Bar]:
    return {b["bar"]: (f"{b['measured']:.2f} x", b["met"]) for b in results["bars"]}


def summary(results: dict[str, Any]) -> str:
    """One row per workload, for the README: times, and the others' as multiples of ours."""
    rows = [["one step", "wengert", "by hand in NumPy", "autograd", "PyTorch"]]
    note = "In brackets: that time divided by ours."
    for workload in results["workloads"]:
        times = workload["times_ours"]
        by_name = {_name(entry): entry for entry in workload["contestants"]}
        row = [workload["title"]]
        for peer in ("wengert", "numpy", "autograd", "pytorch"):
            # A Hessian-vector product is asked of torch.func first.
            if peer == "pytorch" and "torch.func" in times:
                peer = "torch.func"
            if peer not in times:
                row.append("")
                continue
            cell = _microseconds(by_name[workload["fastest"][peer]]["median_us"])
            label = " (torch.func)" if peer == "torch.func" else ""
            row.append(cell if peer == "wengert" else f"{cell} ({times[peer]:.2f} x){label}")
        rows.append(row)
    return f"{_table(rows, plain=False)}\n\n{note} {_conditions(results)}"


def _parts(results: dict[str, Any]) -> list[tuple[str, list[list[str]]]]:
    """Headings (with no rows) and tables (with no heading) in order."""
    parts: list[tuple[str, list[list[str]]]] = [(_conditions(results), [])]
    if results["operations"]:
        rows = [["4 elements", "way", "NumPy, ns", "unrecorded", "recorded"]]
        for entry in results["operations"]:
            row = [f"`{entry['statement']}`", entry["way"], f"{entry['numpy_ns']:.0f}"]
            for kind in ("unrecorded", "recorded"):
                row.append(f"{entry[kind + '_ns']:.0f} ns, {entry[kind + '_ratio']:.2f} x")
            rows.append(row)
        parts += [("### One operation", []), ("", rows)]
    for workload in results["workloads"]:
        rows = [["library", "written with", "median, us", "quartiles, us", "time / ours"]]
        for entry in workload["contestants"]:
            low, high = entry["quartiles_us"]
            fastest = workload["fastest"][entry["peer"]] == _name(entry)
            ratio = f"{workload['times_ours'][entry['peer']]:.2f}" if fastest else ""
            rows.append(
                [
                    entry["peer"],
                    entry["variant"],
                    f"{entry['median_us']:.1f}",
                    f"{low:.1f} to {high:.1f}",
                    ratio,
                ]
            )
        parts += [(f"### {workload['title']}", []), (workload["description"], []), ("", rows)]
    if results["bars"]:
        rows = [["bar", "measured", ""]]
        for bar in results["bars"]:
            rows.append([bar["bar"], f"{bar['measured']:.2f} x", "met" if bar["met"] else "missed"])
        parts += [("### Bars", []), ("", rows)]
    return parts


def _name(entry: dict[str, Any]) -> str:
    return f"{entry['peer']}: {entry['variant']}"


def _microseconds(value: float) -> str:
    return f"{value / 1000:.2f} ms" if value >= 1000 else f"{value:.0f} us"


def _conditions(results: dict[str, Any]) -> str:
    """One paragraph: where, when, with what."""
    machine = results["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    environment = ", ".join(f"{name}={value}" for name, value in machine["environment"].items())
    sentences = [
        f"Medians of {results['rounds']} interleaved rounds on {machine['processor']} "
        f"({machine['cores']} cores), {machine['date']}.",
        f"{versions}; BLAS: {machine['blas']}.",
    ]
    if machine["pytorch_threads"]:
        sentences.append(f"PyTorch on {machine['pytorch_threads']} threads.")
    if environment:
        sentences.append(f"Environment: {environment}.")
    if machine["load"] and machine["load"] > machine["cores"] / 2:
        sentences.append(
            f"The machine was busy (load {machine['load']:.1f}): do not trust these figures."
        )
    if results["left_out"]:
        sentences.append(f"Not measured: {', '.join(results['left_out'])}.")
    return " ".join(sentences)


def _table(rows: Sequence[Sequence[str]], plain: bool) -> str:
    if plain:
        rows = [[cell.replace("`", "") for cell in row] for row in rows]
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip()
            for row in rows
        ]
        return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    rule = "|" + " --- |" * len(rows[0])
    return "\n".join([lines[0], rule, *lines[1:]])


def render(kind: str, results: dict[str, Any]) -> str:
    """What stands between the markers of a document."""
    return summary(results) if kind == "summary" else as_markdown(results)


def replaced(text: str, kind: str, results: dict[str, Any]) -> str:
    """A document with the part between its markers made anew.

    Raises
    ------
    ValueError
        If the document has no such markers.
    """
    opening = _OPEN.format(kind)
    before, found, rest = text.partition(opening)
    _, closed, after = rest.partition(_CLOSE)
    if not (found and closed):
        raise ValueError(f"the document has no {opening} ... {_CLOSE}")
    return f"{before}{opening}\n{render(kind, results)}\n{_CLOSE}{after}"


def write_into_documents(results: dict[str, Any]) -> list[Path]:
    """Write the tables into the documents; return those that changed."""
    changed = []
    for name, kind in DOCUMENTS.items():
        path = ROOT / name
        old = path.read_text()
        new = replaced(old, kind, results)
        if new != old:
            path.write_text(new)
            changed.append(path)
    return changed
