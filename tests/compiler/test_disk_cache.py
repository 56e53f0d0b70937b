"""Machine code on disk: what is found again, what never is, and what cannot be trusted."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import wengert as wg
from wengert.compiler import program_key as keys
from wengert.compiler.codegen import target
from wengert.compiler.runtime import disk

from ..laws.case import Case
from ..laws.registry import Subject, assert_same, copies, leaves
from .sampling import every

pytest.importorskip("llvmlite")

X = np.linspace(-1.0, 1.0, 6).reshape(2, 3)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of its own."""
    monkeypatch.setenv("WENGERT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Grows with each module that LLVM compiles."""
    texts: list[str] = []
    inner = target.object_code

    def counted(text: str) -> bytes:
        texts.append(text)
        return inner(text)

    monkeypatch.setattr(target, "object_code", counted)
    return texts


def loss(x: Any) -> Any:
    return np.sum(np.tanh(x) ** 2)


def test_compiled_once(place: Path, compiled: list[str]) -> None:
    expected = wg.grad(loss)(X)
    for _ in range(3):
        np.testing.assert_allclose(wg.jit(wg.grad(loss))(X), expected, rtol=1e-14)
    assert len(compiled) == 1
    assert len(list(place.glob("*.code"))) == 1
    assert stat.S_IMODE(place.stat().st_mode) == 0o700
    assert stat.S_IMODE(next(place.iterdir()).stat().st_mode) == 0o600


def test_turned_off(place: Path, compiled: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for word in ("off", "0", "", "No"):
        monkeypatch.setenv("WENGERT_CACHE", word)
        wg.jit(loss)(X)
    assert len(compiled) == 4
    assert not place.exists()


def test_places(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("WENGERT_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    if sys.platform.startswith("linux"):
        assert disk.directory() == tmp_path / "wengert"
        monkeypatch.setenv("XDG_CACHE_HOME", "relative")
        monkeypatch.setenv("HOME", str(tmp_path / "home"))
        assert disk.directory() == tmp_path / "home/.cache/wengert"


def test_a_home_directory_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Regression: where no shell replaces it, a directory named ~ was made."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv("WENGERT_CACHE", "~/kept")
    assert disk.directory() == tmp_path / "kept"


def _variants() -> list[Any]:
    """Functions and arguments that compile to different code."""
    y = X.astype(np.float32)
    return [
        (lambda x: x * 2.0, (X,), {}),
        (lambda x: x * 2.5, (X,), {}),
        (lambda x: x * np.float64(2.0), (y,), {}),
        (lambda x: x * 2.0, (y,), {}),
        (lambda x: x * 2.0, (X[0],), {}),
        (lambda x: x * -0.0, (X,), {}),
        (lambda x: x * 0.0, (X,), {}),
        (lambda x: x * np.nan, (X,), {}),
        (lambda x: x * 2.0, (X,), {"donate_argnums": 0}),
        (lambda x: x + 2.0, (X,), {}),
        (lambda x: x[1:], (X,), {}),
        (lambda x: x[:-1], (X,), {}),
        (lambda x: np.sum(x, axis=0), (X,), {}),
        (lambda x: np.sum(x, axis=1), (X,), {}),
        (lambda x: np.sum(x, axis=1, keepdims=True), (X,), {}),
        (lambda x: x.astype(np.float32), (X,), {}),
        (lambda x: (x * 2.0, x * 2.0), (X,), {}),
        (lambda x: [x * 2.0, 3.0], (X,), {}),
        (lambda x, y: x * y, (X, 2.0), {}),
        (lambda x, y: x * y, (X, np.float64(2.0)), {}),
        (lambda x, y: x * y, (X, 2), {}),
        (lambda x, y: y * x, (X, X), {}),
        (lambda x: x * 2.0, (X.T,), {}),
        (lambda x: np.where(x > 0, x, 0), (X,), {}),
        (lambda x: np.where(x >= 0, x, 0), (X,), {}),
        (lambda x: np.sort(x)[:, 1:] + np.cumsum(x)[:1], (X,), {}),
        (lambda x: np.sort(x)[:, :2] + np.cumsum(x)[1:2], (X,), {}),
    ]


def test_different_programs_do_not_meet(place: Path) -> None:
    for _ in range(2):
        for f, args, options in _variants():
            own = [a.copy() if isinstance(a, np.ndarray) else a for a in args]
            found, expected = wg.jit(f, **options)(*own), f(*args)
            for a, b in zip(wg.tree.leaves(found), wg.tree.leaves(expected), strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-14)
                np.testing.assert_array_equal(np.signbit(a), np.signbit(b))
                assert np.asarray(a).dtype == np.asarray(b).dtype


def test_keys_tell_programs_apart() -> None:
    found = [wg.jit(f, **o).lower(*args) for f, args, o in _variants()]
    made = [keys.program_key(s.program, s._donated) for s in found]
    assert None not in made
    assert len(set(made)) == len(made)
    again = [wg.jit(f, **o).lower(*args) for f, args, o in _variants()]
    assert made == [keys.program_key(s.program, s._donated) for s in again]
    first = found[0].program
    assert keys.program_key(first, (), ("threads", 2)) != keys.program_key(first, ())


def test_versions_and_processor_are_in_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    program = wg.jit(loss).lower(X).program
    before = keys.program_key(program, ())
    for name, other in (("_versions", lambda: "0.0.9"), ("_sources", lambda: "edited")):
        with monkeypatch.context() as patch:
            patch.setattr(keys, name, other)
            assert keys.program_key(program, ()) != before


def test_operations_of_users_are_not_kept(place: Path) -> None:
    def evaluate(x: Any) -> Any:
        return x + step

    step = 1.0
    moved = wg.primitive(evaluate, vjp=lambda ct, out, x: ct)
    for step in (1.0, 2.0):
        np.testing.assert_array_equal(wg.jit(lambda x: moved(x) * 2)(X), (X + step) * 2)
    assert not place.exists()


@pytest.mark.parametrize(
    "damage",
    [
        lambda b: b"", lambda b: b[:100], lambda b: b[:-1], lambda b: b + b"x",
        lambda b: b[:-9] + bytes([b[-9] ^ 1]) + b[-8:], lambda b: b"something else" * 30,
        lambda b: b[:60] + bytes([b[60] ^ 255]) + b[61:],
    ],
)  # fmt: skip
def test_damaged_entries_are_written_anew(place: Path, compiled: list[str], damage: Any) -> None:
    wg.jit(loss)(X)
    (path,) = place.iterdir()
    whole = path.read_bytes()
    path.write_bytes(damage(whole))
    for _ in range(2):
        np.testing.assert_allclose(wg.jit(loss)(X), loss(X))
    assert len(compiled) == 2
    assert path.read_bytes() == whole


def test_entries_under_another_name_are_ignored(place: Path, compiled: list[str]) -> None:
    wg.jit(loss)(X)
    (path,) = place.iterdir()
    f = wg.jit(lambda x: x - 1)
    f(X)
    (other,) = set(place.iterdir()) - {path}
    other.write_bytes(path.read_bytes())
    np.testing.assert_array_equal(wg.jit(lambda x: x - 1)(X), X - 1)
    assert len(compiled) == 3


@pytest.mark.skipif(sys.platform == "win32", reason="permissions")
def test_what_others_can_write_is_not_run(place: Path, compiled: list[str]) -> None:
    wg.jit(loss)(X)
    (path,) = place.iterdir()
    path.chmod(0o666)
    wg.jit(loss)(X)
    assert len(compiled) == 2
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    place.chmod(0o777)
    wg.jit(loss)(X)
    assert len(compiled) == 3
    place.chmod(0o700)
    wg.jit(loss)(X)
    assert len(compiled) == 3


@pytest.mark.skipif(sys.platform == "win32", reason="symbolic links")
def test_links_are_not_followed(place: Path, compiled: list[str]) -> None:
    """Neither one that stands for an entry nor one that stands for the directory."""
    wg.jit(loss)(X)
    (path,) = place.iterdir()
    other = place.parent / "elsewhere"
    path.rename(other)
    path.symlink_to(other)
    wg.jit(loss)(X)
    assert len(compiled) == 2
    assert not path.is_symlink()
    assert other.exists()
    place.rename(place.parent / "moved")
    place.symlink_to(place.parent / "moved")
    wg.jit(loss)(X)
    assert len(compiled) == 3


@pytest.mark.skipif(sys.platform == "win32", reason="limits of processes")
def test_a_full_disk_leaves_nothing_behind(place: Path) -> None:
    """A file may not grow beyond 500 bytes: the write fails in the middle."""
    import resource

    wg.jit(lambda x: x - 1)(X)
    before = sorted(place.iterdir())
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500, limits[1]))
    try:
        np.testing.assert_allclose(wg.jit(loss)(X), loss(X))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert sorted(place.iterdir()) == before


def test_directory_that_cannot_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("WENGERT_CACHE", str(tmp_path / "file" / "cache"))
    np.testing.assert_allclose(wg.jit(loss)(X), loss(X))


def test_the_oldest_go_first(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "MOST_BYTES", 10_000)
    for k in range(20):
        disk.store(f"{k:064}", {"k": k}, bytes(1000))
        path = place / f"{k:064}.code"
        os.utime(path, (k, k))
        assert disk.load(f"{0:064}") is not None  # used, and so not the oldest
        assert sum(p.stat().st_size for p in place.iterdir()) <= 10_000
    kept = {int(p.stem) for p in place.iterdir()}
    assert 0 in kept
    assert 19 in kept
    assert kept - {0} == set(range(min(kept - {0}), 20))
    disk.store("big", {}, bytes(10_000))
    assert disk.load("big") is None


def test_leftovers_of_processes_that_died_are_removed(place: Path) -> None:
    disk.store("a", {}, b"")
    old, new = place / "x.1.2.tmp", place / "y.1.2.tmp"
    for path in (old, new):
        path.write_bytes(b"half")
    os.utime(old, (0, 0))
    disk.store("b", {}, b"")
    assert not old.exists()
    assert new.exists()


def test_many_writers(place: Path) -> None:
    """Readers see whole entries at every moment."""
    wrong: list[Any] = []

    def work(k: int) -> None:
        for j in range(100):
            disk.store("same", {"n": j}, bytes([j % 7]) * 5000)
            found = disk.load("same")
            if found is None or len(set(found[1])) != 1 or len(found[1]) != 5000:
                wrong.append(found)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong
    assert [p.name for p in place.iterdir()] == ["same.code"]


_SCRIPT = """
import sys, numpy as np, wengert as wg
from wengert.compiler.codegen import target
count = []
inner = target.object_code
target.object_code = lambda text: (count.append(1), inner(text))[1]
f = wg.jit(wg.grad(lambda x: np.sum(np.sort(x) * np.tanh(x @ x.T)[:, :1])), donate_argnums=0)
for _ in range(3):
    y = f(np.linspace(-1.0, 1.0, 6).reshape(2, 3))
print(len(count), y.tobytes().hex())
"""


@pytest.mark.slow
def test_another_process_finds_it(place: Path) -> None:
    runs = [
        subprocess.run(
            [sys.executable, "-c", _SCRIPT], capture_output=True, text=True, check=True
        ).stdout.split()
        for _ in range(2)
    ]
    assert int(runs[0][0]) > 0
    assert int(runs[1][0]) == 0
    assert runs[0][1] == runs[1][1]


@pytest.mark.parametrize("case", every(12, lambda case: case.record))
def test_laws(case: Case, place: Path, compiled: list[str]) -> None:
    """What is found does what was compiled."""
    s = Subject(case, np.float64)
    found = [leaves(wg.jit(case.f)(*s.merged(copies(s.args)))) for _ in range(2)]
    assert len(compiled) <= 1 or not place.exists()
    assert_same(found[0], found[1], "from disk", 0.0, s.dtype)
