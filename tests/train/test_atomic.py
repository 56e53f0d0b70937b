"""A file is whole or absent, whatever happens while it is written."""

import os

import pytest

import wengert as wg
from wengert.train import atomic


def names(directory):
    return sorted(path.name for path in directory.iterdir())


def test_writes_and_replaces(tmp_path):
    path = tmp_path / "a.bin"
    atomic.write_bytes(path, b"one")
    atomic.write_bytes(path, b"two")
    assert path.read_bytes() == b"two"
    assert names(tmp_path) == ["a.bin"]


@pytest.mark.parametrize("failing", ["fsync", "replace"])
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_failure_keeps_the_old_file_and_leaves_nothing(tmp_path, monkeypatch, failing, error):
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")

    def fail(*_):
        raise error

    monkeypatch.setattr(os, failing, fail)
    expected = wg.DataError if isinstance(error, OSError) else KeyboardInterrupt
    with pytest.raises(expected) as caught:
        atomic.write_bytes(path, b"new")
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["a.bin"]
    if expected is wg.DataError:
        assert str(caught.value) == (
            f"{path}: cannot be written: No space left on device; what was there before is "
            "unchanged. Make room or choose another directory"
        )


def test_a_directory_that_is_not_there(tmp_path):
    with pytest.raises(wg.DataError, match="cannot be written: No such file or directory"):
        atomic.write_bytes(tmp_path / "nowhere" / "a", b"")


def test_leftovers_of_killed_processes_are_removed(tmp_path):
    (tmp_path / ".model.safetensors.123.wengert-tmp").write_bytes(b"half")
    (tmp_path / ".hidden").write_bytes(b"mine")
    atomic.remove_leftovers(tmp_path)
    assert names(tmp_path) == [".hidden"]
