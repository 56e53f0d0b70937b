"""Grade a submission: run the facts as unit tests and print a score.

    python -m labs.tensor_mlp.grade                       the submitted.py beside this file
    python -m labs.tensor_mlp.grade path/to/submitted.py  another one

The facts run in a process of their own, one after another. A fact that fails, crashes the process
or does not end costs its own point; the next one runs in a new process if need be.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import queue
import subprocess
import sys
import threading
import unittest
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

if not __package__:  # run as a file
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from labs.tensor_mlp.facts import SECTIONS, Fact

__all__ = ["Report", "Result", "grade", "main"]

ROOT = Path(__file__).resolve().parents[2]
# Importing may have to wait for a slow disk; what a fact does must not.
_IMPORT_SECONDS = 60.0


@dataclass(frozen=True)
class Result:
    """One fact: what it is about, and what went wrong (nothing if ``problem`` is empty)."""

    section: str
    title: str
    problem: str


@dataclass
class Report:
    """The results of one submission."""

    path: Path
    results: list[Result] = field(default_factory=list)

    @property
    def points(self) -> int:
        """One for each fact that holds."""
        return sum(not r.problem for r in self.results)

    def __str__(self) -> str:
        lines = [f"{self.path}"]
        section = None
        for r in self.results:
            if r.section != section:
                section = r.section
                mine = [x for x in self.results if x.section == section]
                lines += ["", f"{section}: {sum(not x.problem for x in mine)} of {len(mine)}"]
            lines.append(f"  {'FAIL' if r.problem else 'ok  '}  {r.title}")
            if r.problem:
                lines.append(f"        {r.problem}")
        percent = 100 * self.points / len(self.results)
        lines += ["", f"Score: {self.points} / {len(self.results)} ({percent:.1f} %)"]
        return "\n".join(lines)


def all_facts() -> list[Fact]:
    """Every fact, in the order of the file."""
    facts = []
    for section in SECTIONS:
        for name in (n for n in vars(section) if n.startswith("test_")):
            facts.append(section(name))
    return facts


def _first_line(text: str | None) -> str:
    return (text or "").strip().splitlines()[0].rstrip(".")


# ------------------------------------------------------------------ the grader's side


def grade(path: Path, seconds: float = 20.0) -> Report:
    """Run all facts against a submission.

    Parameters
    ----------
    path : Path
        A Python file; modules beside it can be imported by it.
    seconds : float
        How long one fact may take.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    """
    path = path.resolve()
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file")
    facts = all_facts()
    problems: list[str] = []
    while len(problems) < len(facts):
        with _Worker(path, len(problems)) as worker:
            start = worker.next_line(max(seconds, _IMPORT_SECONDS))
            if start != "ready":  # it could not even be imported, and will not be next time
                reason = f"{path.name} could not be imported: {start}"
                problems += [reason] * (len(facts) - len(problems))
                break
            while len(problems) < len(facts):
                line = worker.next_line(seconds)
                ended = not line.startswith('"')
                problems.append(line if ended else json.loads(line))
                if ended:
                    break
    return Report(
        path,
        [
            Result(_first_line(type(f).__doc__), _first_line(f._testMethodDoc), problem)
            for f, problem in zip(facts, problems, strict=True)
        ],
    )


class _Worker:
    """A process that runs the facts from number ``first`` on, and prints a line for each."""

    def __init__(self, path: Path, first: int) -> None:
        environment = dict(os.environ)
        # The grader's own modules must be found wherever it was started.
        paths = [str(ROOT), *filter(None, [environment.get("PYTHONPATH")])]
        environment["PYTHONPATH"] = os.pathsep.join(paths)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "labs.tensor_mlp.grade", "--worker", str(first), str(path)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
            env=environment,
        )
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line.rstrip("\n"))
        self._lines.put(None)

    def next_line(self, seconds: float) -> str:
        """What the worker says next; why it says nothing, if it does not."""
        try:
            line = self._lines.get(timeout=seconds)
        except queue.Empty:
            return f"took more than {seconds:g} s"
        if line is not None:
            return line
        code = self._process.wait()
        return f"ended the process ({f'signal {-code}' if code < 0 else f'exit code {code}'})"

    def __enter__(self) -> _Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        self._reader.join()
        if self._process.stdout is not None:
            self._process.stdout.close()


# ------------------------------------------------------------------ the worker's side


def _work(path: Path, first: int) -> None:
    """Print "ready" or why not, then the problem of each fact as JSON, an empty one if it holds."""
    # What the submission prints must not be taken for results.
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    sys.stdout = open(os.devnull, "w", encoding="utf-8")
    try:
        Fact.submission = _import(path)
    except BaseException as error:
        print(_describe(error), file=out, flush=True)
        return
    print("ready", file=out, flush=True)
    for problem in _problems(all_facts()[first:]):
        print(json.dumps(problem), file=out, flush=True)
    os._exit(0)  # threads that a submission left behind are not waited for


def _import(path: Path) -> Any:
    sys.path.insert(0, str(path.parent))
    # A name of its own: the file may be called like a module of the standard library.
    spec = importlib.util.spec_from_file_location("wengert_graded_submission", path)
    if spec is None or spec.loader is None:
        raise ImportError("not a Python file (its name must end in .py)")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def _problems(facts: list[Fact]) -> Iterator[str]:
    for fact in facts:
        result = _Collector()
        try:
            fact.run(result)
        except BaseException as error:  # SystemExit, KeyboardInterrupt: unittest lets them pass
            result.problem = _describe(error)
        yield result.problem


class _Collector(unittest.TestResult):
    """Keeps the last line of what went wrong."""

    problem = ""

    def _note(self, test: Any, error: Any) -> None:
        self.problem = _describe(error[1])

    addError = addFailure = _note


def _describe(error: BaseException) -> str:
    text = " ".join(str(error).split())
    if isinstance(error, AssertionError):
        return text or "AssertionError"
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def main(argv: list[str] | None = None) -> int:
    """Print the report; 0 if every fact holds, 1 if not, 2 if there is nothing to grade."""
    parser = argparse.ArgumentParser(prog="grade", description="Grade a submission.")
    here = Path(__file__).with_name("submitted.py")
    parser.add_argument("submission", nargs="?", type=Path, default=here, help="a Python file")
    parser.add_argument("--seconds", type=float, default=20.0, help="limit for one fact")
    parser.add_argument("--worker", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.worker is not None:
        _work(options.submission, options.worker)
        return 0
    try:
        report = grade(options.submission, options.seconds)
    except FileNotFoundError as error:
        print(error, file=sys.stderr)
        return 2
    print(report)
    return 0 if report.points == len(report.results) else 1


if __name__ == "__main__":
    sys.exit(main())
