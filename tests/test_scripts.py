"""The README's commands on machines where they cannot work, and where nothing is left to do."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the scripts are POSIX shell")


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone without a virtual environment."""
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def set_up(clone: Path, bin_directory: Path) -> subprocess.CompletedProcess[str]:
    """Run scripts/setup with nothing but the given programs and the basic tools on PATH."""
    for tool in ("sh", "dirname", "tr", "touch"):
        if not (bin_directory / tool).exists():
            (bin_directory / tool).symlink_to(shutil.which(tool) or tool)
    return subprocess.run(
        [str(clone / "scripts" / "setup"), "train,data"],
        env={"PATH": str(bin_directory)},
        capture_output=True,
        text=True,
        check=False,
    )


def program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def test_an_old_python_is_refused(clone: Path) -> None:
    program(clone / "bin" / "python3", "exit 1  # what sys.exit(version < 3.11) does")
    result = set_up(clone, clone / "bin")
    assert result.returncode == 1
    assert result.stderr == "wengert needs Python 3.11 or newer; none was found on PATH.\n"


def test_a_newer_python_under_another_name_is_found(clone: Path) -> None:
    program(clone / "bin" / "python3", "exit 1")
    record = clone / "record"
    # Makes a .venv whose python records how it was called.
    program(
        clone / "bin" / "python3.12",
        f"""[ "$1" = -c ] && exit 0
{shutil.which("mkdir")} -p .venv/bin
printf '#!/bin/sh\\necho "$@" >> {record}\\n' > .venv/bin/python
{shutil.which("chmod")} +x .venv/bin/python""",
    )
    result = set_up(clone, clone / "bin")
    assert result.returncode == 0, result.stderr
    assert "install --quiet" in record.read_text()
    assert ".[train,data]" in record.read_text()
    calls = len(record.read_text().splitlines())
    again = set_up(clone, clone / "bin")
    assert (again.returncode, again.stdout) == (0, "")
    # Only the check that .venv works; nothing is installed again.
    assert len(record.read_text().splitlines()) == calls + 1


def test_a_python_without_venv_says_what_to_install(clone: Path) -> None:
    program(clone / "bin" / "python3", '[ "$1" = -c ] && exit 0\nexit 1')
    result = set_up(clone, clone / "bin")
    assert result.returncode == 1
    assert "apt install python3-venv" in result.stderr
