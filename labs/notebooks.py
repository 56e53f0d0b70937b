"""Notebooks: `labs/NAME/NAME.py` in jupytext's percent format, and `NAME.ipynb` with the outputs.

    python -m labs.notebooks NAME...          runs at full size and writes NAME.ipynb
    python -m labs.notebooks --quick NAME...  runs at the size of the tests, writes nothing
    python -m labs.notebooks --check          compares the text and code of all pairs

The .py is what is edited. The .ipynb is made from it: its cells' ids, metadata and counts depend on
the text alone, so that another run changes nothing but outputs that really differ.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import sys
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

__all__ = ["NotebookError", "differences", "execute", "main", "notebooks", "read_source", "write"]

FOLDER = Path(__file__).resolve().parent
# Seconds for one cell at full size: the longest lab trains for ten minutes.
_TIMEOUT = 3600
_QUICK_TIMEOUT = 300
_METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
_COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_ADDRESS = re.compile(r" at 0x[0-9a-f]{6,}")


class NotebookError(Exception):
    """A cell failed; the message has the notebook, the cell's code and the traceback."""


def notebooks(folder: Path = FOLDER) -> dict[str, Path]:
    """From names of labs to the notebooks' sources; a lab need not have one."""
    found = {}
    for lab in sorted(path.parent for path in folder.glob("*/lab.py")):
        source = lab / f"{lab.name}.py"
        is_notebook = source.exists() and "\n# %%" in f"\n{source.read_text(encoding='utf-8')}"
        if is_notebook or (lab / f"{lab.name}.ipynb").exists():
            found[lab.name] = source
    return found


def read_source(source: Path) -> Any:
    """The notebook that a .py describes, without outputs."""
    import jupytext

    notebook = jupytext.read(source, fmt="py:percent")
    notebook.metadata = dict(_METADATA)
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    for position, cell in enumerate(notebook.cells):
        cell.id = f"cell-{position}"
        cell.metadata = {}
    return notebook


def differences(source: Path) -> Iterator[str]:
    """Where a pair is not in step, one line each; also what the committed outputs lack."""
    import nbformat

    target = source.with_suffix(".ipynb")
    for path in (source, target):
        if not path.exists():
            yield f"{path.name} is missing (python -m labs.notebooks {source.stem})"
            return
    expected = read_source(source)
    with target.open(encoding="utf-8") as stream:
        found = nbformat.read(stream, as_version=4)
    for position, (ours, theirs) in enumerate(zip(expected.cells, found.cells)):
        if (ours.cell_type, ours.source.strip()) != (theirs.cell_type, theirs.source.strip()):
            start = _start(ours.source)
            yield f"{target.name}: cell {position} differs from {source.name}: {start}"
    if len(expected.cells) != len(found.cells):
        yield f"{target.name}: {len(found.cells)} cells, {source.name} has {len(expected.cells)}"
    code = [cell for cell in found.cells if cell.cell_type == "code"]
    if not any(cell.outputs for cell in code):
        yield f"{target.name}: has no outputs"
    for cell in code:
        if cell.source.strip() and cell.execution_count is None:
            yield f"{target.name}: not executed: {_start(cell.source)}"
        if any(output.output_type == "error" for output in cell.outputs):
            yield f"{target.name}: ends with an error: {_start(cell.source)}"


def execute(source: Path, *, quick: bool) -> Any:
    """Run all cells in a fresh kernel and return the notebook with its outputs.

    Parameters
    ----------
    source : Path
        The .py.
    quick : bool
        Set ``WENGERT_LAB_QUICK`` for the kernel, which `labs.quick` reads.

    Raises
    ------
    NotebookError
        If a cell raises or takes too long.
    """
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    notebook = read_source(source)
    client = NotebookClient(
        notebook,
        timeout=_QUICK_TIMEOUT if quick else _TIMEOUT,
        kernel_name="python3",
        resources={"metadata": {"path": str(source.parent)}},
    )
    try:
        with warnings.catch_warnings():
            # The kernel's transport warns of its own future.
            warnings.simplefilter("ignore")
            # Not client.execute(), which leaves its event loop and the loop's sockets open.
            asyncio.run(client.async_execute(env=_environment(source.parent.parent, quick=quick)))
    except CellExecutionError as error:
        text = _COLOURS.sub("", error.traceback).strip()
        raise NotebookError(f"{source}: {error.ename}: {error.evalue}\n{text}") from None
    except (TimeoutError, CellTimeoutError, DeadKernelError) as error:
        raise NotebookError(f"{source}: {error}") from None
    _normalize(notebook)
    return notebook


def _environment(folder: Path, *, quick: bool) -> dict[str, str]:
    """The variables of the kernel: it finds the labs and this wengert, and draws into the page."""
    import wengert

    paths = [str(folder.parent), str(Path(wengert.__file__).parent.parent)]
    before = os.environ.get("PYTHONPATH")
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([*paths, *([before] if before else [])]),
        "WENGERT_LAB_QUICK": "1" if quick else "0",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }


def _normalize(notebook: Any) -> None:
    """Take out what differs from run to run without meaning anything."""
    notebook.metadata = dict(_METADATA)
    count = 0
    for cell in notebook.cells:
        cell.metadata = {}
        if cell.cell_type != "code":
            continue
        count += bool(cell.source.strip())
        cell.execution_count = count if cell.source.strip() else None
        cell.outputs = [o for o in map(_normal_output, _merged(cell.outputs)) if o is not None]
        for output in cell.outputs:
            if "execution_count" in output:
                output.execution_count = count


def _merged(outputs: Sequence[Any]) -> list[Any]:
    """Neighbouring pieces of one stream as one output: where they are cut is chance."""
    merged: list[Any] = []
    for output in outputs:
        last = merged[-1] if merged else None
        if (
            last is not None
            and output.output_type == last.output_type == "stream"
            and output.name == last.name
        ):
            last.text += output.text
        else:
            merged.append(output)
    return merged


def _normal_output(output: Any) -> Any:
    if output.output_type == "stream":
        # A progress bar overwrites its line: it is shown while it runs, and is no result.
        lines = [line for line in output.text.split("\n") if "\r" not in line]
        output.text = _ADDRESS.sub("", "\n".join(lines))
        return output if output.text.strip() else None
    if "data" in output and "text/plain" in output.data:
        output.data["text/plain"] = _ADDRESS.sub("", output.data["text/plain"])
    if "metadata" in output:
        output.metadata = {}
    return output


def write(notebook: Any, target: Path) -> None:
    """Write a notebook so that the old or the new file is there at every moment."""
    import nbformat

    from wengert.train.atomic import write_bytes

    nbformat.validate(notebook)
    write_bytes(target, f"{nbformat.writes(notebook, version=4).rstrip()}\n".encode())


def _start(text: str) -> str:
    return repr(text.strip().partition("\n")[0][:60])


def main(argv: Sequence[str] | None = None, folder: Path = FOLDER) -> int:
    """Run or check notebooks; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m labs.notebooks",
        description="Run the labs' notebooks and write their outputs.",
    )
    parser.add_argument("names", metavar="NAME", nargs="*", help="labs (default: all)")
    parser.add_argument("--quick", action="store_true", help="the tests' size; write nothing")
    parser.add_argument("--check", action="store_true", help="compare the pairs; run nothing")
    arguments = parser.parse_args(argv)
    known = notebooks(folder)
    unknown = [name for name in arguments.names if name not in known]
    if unknown:
        there = ", ".join(known) or "none"
        print(f"unknown notebook {unknown[0]!r}; known are {there}", file=sys.stderr)
        return 2
    code = 0
    for name in arguments.names or known:
        try:
            faults = list(_handle(known[name], arguments))
        except NotebookError as error:
            faults = [str(error)]
        for line in faults:
            print(line, file=sys.stderr)
            code = 1
    return code


def _handle(source: Path, arguments: argparse.Namespace) -> Iterator[str]:
    if arguments.check:
        yield from differences(source)
        return
    notebook = execute(source, quick=arguments.quick)
    if not arguments.quick:
        write(notebook, source.with_suffix(".ipynb"))
    print(f"{source.stem}: {len(notebook.cells)} cells run")


if __name__ == "__main__":
    sys.exit(main())
