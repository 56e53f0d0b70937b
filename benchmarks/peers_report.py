"""The results of `benchmarks.peers` as text, as a page of the documentation, and as a chart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.processors import Bar, bars_by_processor

__all__ = ["as_text", "conditions", "draw", "summary", "write_page"]

_ROOT = Path(__file__).parent.parent
PAGE = _ROOT / "docs" / "benchmarks-jit.md"
CHART = _ROOT / "docs" / "images" / "benchmarks-jit.png"
README = _ROOT / "README.md"
RESULTS = Path(__file__).parent / "results" / "peers.json"
_OPEN, _CLOSE = "<!-- benchmarks:peers -->", "<!-- /benchmarks:peers -->"
_OURS = "wengert"
_SHOWN = ("numpy", "jax", "pytorch", "torch.compile")


def conditions(results: dict[str, Any]) -> str:
    """Where, when and with what."""
    machine, limits = results["machine"], results["limits"]
    versions = ", ".join(f"{k} {v}" for k, v in machine["versions"].items())
    text = (
        f"{machine['processor']} ({machine['cores']} cores), {machine['date']}; {versions}; BLAS: "
        f"{machine['blas']}. Limits measured: {limits['flops'] / 1e9:.0f} GF/s float32, "
        f"{limits['bandwidth'] / 1e9:.1f} GB/s. Medians of {results['rounds']} interleaved rounds."
    )
    if machine["load"] and machine["load"] > machine["cores"] / 2:
        text += f" The machine was busy (load {machine['load']:.1f}): do not trust these figures."
    if results["left_out"]:
        text += f" Left out: {', '.join(results['left_out'])}."
    if results["variant"] is not None:
        text += f" Sizes drawn with seed {results['variant']}; bars at 80 %."
    return text


def _time(microseconds: float) -> str:
    for unit, scale in (("s", 1e6), ("ms", 1e3), ("us", 1.0)):
        if microseconds >= scale:
            return f"{microseconds / scale:.3g} {unit}"
    return f"{microseconds * 1e3:.3g} ns"


def as_text(entry: dict[str, Any]) -> str:
    """One program, for the terminal."""
    lines = [entry["title"]]
    bars = {bar["peer"]: bar for bar in entry["bars"]}
    for name, (median, low, high) in entry["times"].items():
        line = f"  {name:17}{_time(median):>9}  ({_time(low)} to {_time(high)})"
        if name in entry["ratios"]:
            line += f"  {entry['ratios'][name]:7.2f} x"
        if name in bars:
            bar = bars[name]
            aim = f", aim {bar['aim']:g}" if bar["aim"] else ""
            line += f"  bar {bar['bound']:g}{aim}: {'met' if bar['met'] else 'MISSED'}"
        lines.append(line)
    if entry.get("fraction") and "of the limit" not in str(entry.get("own_bars")):
        lines.append(f"  {100 * entry['fraction']:.0f} % of the machine's limit")
    lines += [f"  {own_bar(bar)}" for bar in entry.get("own_bars", ())]
    lines += [f"  {name} is left out: {why}" for name, why in entry["missing"].items()]
    return "\n".join(lines)


def own_bar(bar: dict[str, Any]) -> str:
    """A bar on the part of the limit, or on memory, in words."""
    if "memory" in bar["what"]:
        values = [f"{bar[k] / 2**20:.1f} MiB" for k in ("measured", "bound")]
        word = "at most"
    else:
        values = [f"{100 * bar[k]:.0f} %" for k in ("measured", "bound")]
        word = "at least"
    verdict = "met" if bar["met"] else "MISSED"
    return f"{values[0]} {bar['what']}, bar {word} {values[1]}: {verdict}"


def summary(results: dict[str, Any]) -> str:
    """How many bars were met, and the gallery in one line."""
    bars = [
        b for e in results["programs"] if not e["is_gallery"]
        for b in (*e["bars"], *e.get("own_bars", ()))
    ]  # fmt: skip
    text = f"{sum(b['met'] for b in bars)} of {len(bars)} bars met"
    ratios = [e["ratios"]["jax"] for e in results["programs"]
              if e["is_gallery"] and "jax" in e["ratios"]]  # fmt: skip
    if ratios:
        text += (
            f"; gallery of {len(ratios)}: median {np.median(ratios):.2f} x JAX, "
            f"{sum(r < 1 for r in ratios)} slower than JAX"
        )
        bars = [b for e in results["programs"] if e["is_gallery"] for b in e["bars"]]
        if results.get("variant") is not None:
            text += f", {sum(not b['met'] for b in bars)} below the bar"
    return text


def page(results: dict[str, Any]) -> str:
    """The page of the documentation."""
    lines = [
        "# Compiled programs beside other libraries", "",
        "Written by `python -m benchmarks.peers`; all that take part find the same numbers. In "
        "brackets: that time divided by ours, the bar after it.", "", conditions(results), "",
        f"**{summary(results)}.**", "", f"![Times of others divided by ours](images/{CHART.name})",
        "",
    ]  # fmt: skip
    for heading, is_gallery in (("Workloads", False), ("Gallery", True)):
        entries = [e for e in results["programs"] if e["is_gallery"] == is_gallery]
        names = list(dict.fromkeys(n for e in entries for n in e["times"]))
        rows = [["program", *names, "of the limit"]]
        for e in entries:
            bars = {b["peer"]: b for b in e["bars"]}
            cells = [e["title"]]
            for name in names:
                if name not in e["times"]:
                    cells.append("")
                    continue
                cell = _time(e["times"][name][0])
                if name in e["ratios"]:
                    cell += f" ({e['ratios'][name]:.2f} x"
                    if name in bars and not is_gallery:
                        missed = "" if bars[name]["met"] else ", missed"
                        cell += f"; {bars[name]['bound']:g}{missed}"
                    cell += ")"
                cells.append(cell)
            cells.append(f"{100 * e['fraction']:.0f} %" if e.get("fraction") else "")
            rows.append(cells)
        lines += [f"## {heading}", "", *("| " + " | ".join(row) + " |" for row in rows[:1])]
        lines.append("|" + " --- |" * len(rows[0]))
        lines += ["| " + " | ".join(row) + " |" for row in rows[1:]] + [""]
    if rows := bars_by_processor(RESULTS, results, _bars):
        lines += ["## Bars by processor", "", *("| " + " | ".join(row) + " |" for row in rows[:1])]
        lines.append("|" + " --- |" * len(rows[0]))
        lines += ["| " + " | ".join(row) + " |" for row in rows[1:]] + [""]
    own = [(e["title"], b) for e in results["programs"] for b in e.get("own_bars", ())]
    if own:
        lines += ["## Other bars", "", *(f"- {t}: {own_bar(b)}" for t, b in own), ""]
    missing = [(e["title"], n, w) for e in results["programs"] for n, w in e["missing"].items()]
    if missing:
        lines += ["## Left out", "", *(f"- {t}: {n} ({w})" for t, n, w in missing), ""]
    return "\n".join(lines)


def _bars(results: dict[str, Any]) -> dict[str, Bar]:
    """The bars of the workloads."""
    found: dict[str, Bar] = {}
    for e in results["programs"]:
        for b in () if e["is_gallery"] else e["bars"]:
            name = f"{e['title']}: {b['bound']:g} x {b['peer']}"
            found[name] = f"{e['ratios'][b['peer']]:.2f} x", b["met"]
        for b in () if e["is_gallery"] else e.get("own_bars", ()):
            text, _, bar = own_bar(b).partition(", bar ")
            found[f"{e['title']}: {bar.rpartition(':')[0]}"] = text, b["met"]
    return found


def write_page(results: dict[str, Any]) -> Path:
    """Write the page, and its summary into the README; returns where the page is."""
    PAGE.write_text(page(results))
    text = README.read_text()
    start, end = text.index(_OPEN) + len(_OPEN), text.index(_CLOSE)
    chart, link = CHART.relative_to(_ROOT), PAGE.relative_to(_ROOT)
    block = (
        f'<img src="{chart}" width="560" alt="Times of other libraries divided by ours">\n\n'
        f"{summary(results)} ([table]({link})). {conditions(results)}"
    )
    README.write_text(f"{text[:start]}\n{block}\n{text[end:]}")
    return PAGE


def draw(results: dict[str, Any], path: Path = CHART) -> Path:
    """Bars of the others' times divided by ours, on a logarithmic axis; ticks at the bars."""
    from matplotlib.figure import Figure

    entries = [e for e in results["programs"] if not e["is_gallery"]]
    names = [n for n in _SHOWN if any(n in e["ratios"] for e in entries)]
    figure = Figure(figsize=(9, 0.75 * len(entries) + 1.6), dpi=110, layout="constrained")
    axes = figure.add_subplot()
    height = 0.8 / max(len(names), 1)
    for k, name in enumerate(names):
        places = [i for i, e in enumerate(entries) if name in e["ratios"]]
        ratios = [entries[i]["ratios"][name] for i in places]
        at = np.array(places) + (k - (len(names) - 1) / 2) * height
        axes.barh(at, ratios, height * 0.9, label=name)
        for y, i, ratio in zip(at, places, ratios, strict=True):
            end = ratio
            for bar in entries[i]["bars"]:
                if bar["peer"] == name:
                    bound = bar["bound"]
                    axes.plot([bound] * 2, [y - height / 2, y + height / 2], "k", lw=1.6)
                    if ratio < bound < 1.4 * ratio:
                        end = bound  # the number would stand on the tick
            axes.text(end * 1.04, y, f"{ratio:.1f}", va="center", fontsize=7)
    axes.axvline(1, color="0.4", lw=0.8)
    axes.set_xscale("log")
    axes.set_yticks(range(len(entries)), [e["title"] for e in entries], fontsize=7)
    axes.set_ylim(len(entries) - 0.4, -0.6)
    axes.margins(x=0.1)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlabel("time / time of wengert compiled (black: the bar)", fontsize=8)
    axes.legend(frameon=False, fontsize=8, loc="lower right")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)
    return path
