"""Answers of peers, kept so that they are computed once and an interrupted run goes on."""

from __future__ import annotations

import hashlib
import os
import pickle
from collections.abc import Sequence
from pathlib import Path

from tests.differential.compare import Answers, ask
from tests.differential.libraries import Jax, Library
from tests.differential.programs import Program

BATCH = 24


class Store:
    """Answers in memory, and in a folder if one is given.

    A key consists of the library's version, the program and its inputs, not of the code of the
    steps: empty the folder after a change of ``steps`` or of a peer's namespace.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._memory: dict[str, Answers] = {}
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)

    def ask(self, library: Library, program: Program, wanted: Sequence[str]) -> Answers:
        """The answers that are kept, or those of asking now."""
        key = _key(library, program, wanted)
        if (found := self._read(key)) is None:
            found = ask(library, program, wanted)
            self._write(key, found)
        return found

    def prepare(self, library: Jax, programs: Sequence[tuple[Program, Sequence[str]]]) -> None:
        """Ask about several programs at once; what cannot be compiled is left to ``ask``."""
        missing = [(p, w) for p, w in programs if self._read(_key(library, p, w)) is None]
        if not missing:
            return
        questions = [(p.function, p.inputs, p.tangents, wanted) for p, wanted in missing]
        for (program, wanted), arrays in zip(missing, library.many(questions)):
            if arrays is not None:
                self._write(_key(library, program, wanted), Answers(dict(arrays), {}))

    def _read(self, key: str) -> Answers | None:
        if self._folder is not None and key not in self._memory and (self._folder / key).exists():
            self._memory[key] = pickle.loads((self._folder / key).read_bytes())
        return self._memory.get(key)

    def _write(self, key: str, answers: Answers) -> None:
        self._memory[key] = answers
        if self._folder is not None:
            temporary = self._folder / f"{key}.{os.getpid()}"
            temporary.write_bytes(pickle.dumps(answers))
            temporary.replace(self._folder / key)


def _key(library: Library, program: Program, wanted: Sequence[str]) -> str:
    digest = hashlib.sha256(f"{library.name} {library.version()} {wanted} {program}".encode())
    for x in [*program.inputs, *program.tangents, *program.outputs.values()]:
        digest.update(x.tobytes())
    return digest.hexdigest()[:32]
