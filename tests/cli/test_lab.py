"""``wengert lab``, with small labs of our own."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

import wengert as wg
from wengert.cli import lab, lab_package, main
from wengert.cli.lab_record import figure_text

TOY = '''\
"""A toy: 100 % of what a lab can do."""
import numpy as np
from labs.toy.numbers import TWO

def add_arguments(parser):
    parser.add_argument("--steps", type=int, default=3, help="how many (default: 3)")

def run(options):
    assert options.out.is_dir()
    (options.out / "plots").mkdir()
    (options.out / "plots" / "loss.txt").write_text("loss")
    return {
        "steps": np.int64(options.steps),
        "accuracy": np.float32(0.5),
        "losses": np.arange(20) / 10,
        "quick": options.quick,
        "seed": options.seed,
        "place": options.data_dir,
        "diverged": float("inf"),
        "two": TWO,
    }
'''


@pytest.fixture
def labs(tmp_path, monkeypatch):
    """A folder of labs; returns what adds one."""
    folder = tmp_path / "labs"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    monkeypatch.setattr(lab, "labs_folder", lambda: folder)
    before = {name: module for name, module in sys.modules.items() if name.split(".")[0] == "labs"}

    def add(name, text, **files):
        (folder / name).mkdir()
        for file, content in {"__init__": "", "lab": text, **files}.items():
            (folder / name / f"{file}.py").write_text(textwrap.dedent(content))
        return folder / name

    yield add
    for name in [key for key in sys.modules if key.split(".")[0] == "labs"]:
        del sys.modules[name]
    sys.modules.update(before)


@pytest.fixture
def toy(labs):
    return labs("toy", TOY, numbers="TWO = 2\n")


def run(capsys, *command):
    code = main(["lab", *map(str, command)])
    return code, capsys.readouterr()


def error_of(capsys, *command):
    code, captured = run(capsys, *command)
    assert code == 2
    assert captured.out == ""
    assert captured.err.startswith("wengert: error: ")
    assert captured.err.count("\n") == 1
    return captured.err


def figures(directory="runs/toy"):
    return json.loads(Path(directory, "figures.json").read_text())


@pytest.mark.parametrize("command", [[], ["--list"]])
def test_list(capsys, labs, toy, command):
    labs("zeta", "'''Another.\n\nMore.'''\ndef run(options): ...\n")
    labs("bare", "def run(options): ...\n")
    labs("broken", "'''Broken.\n")
    # Labs are listed without being imported.
    code, captured = run(capsys, *command)
    assert code == 0
    assert captured.out.splitlines() == [
        "bare",
        "broken  (cannot be read)",
        "toy     A toy: 100 % of what a lab can do.",
        "zeta    Another.",
    ]


def test_no_labs(capsys, labs):
    code, captured = run(capsys)
    assert (code, captured.out) == (0, "")
    assert "there are no labs here" in captured.err
    assert "unknown lab 'toy'; known are none" in error_of(capsys, "toy")


def test_unknown_names_list_the_known_ones(capsys, toy, labs):
    labs("other", "def run(options): ...")
    assert "unknown lab 'tyo'; known are other, toy" in error_of(capsys, "tyo", "--quick")


def test_help(capsys, toy):
    code, captured = run(capsys, "--help")
    assert code == 0
    assert "A toy: 100 % of what a lab can do." in captured.out
    code, captured = run(capsys, "toy", "--help")
    assert code == 0
    for word in ("A toy: 100 %", "--steps", "how many", "--quick", "--out", "--data-dir", "runs"):
        assert word in captured.out


def test_a_run(capsys, toy):
    code, captured = run(capsys, "toy", "--quick", "--seed", "7", "--data-dir", "d", "--steps=5")
    assert code == 0
    found = figures()
    assert found["lab"] == "toy"
    assert found["command"] == "wengert lab toy --quick --seed 7 --data-dir d --steps=5"
    assert found["quick"] is True
    assert found["finished"] is True
    assert found["cores"] >= 1
    assert found["date"] == time.strftime("%Y-%m-%d", time.gmtime())
    assert set(found["versions"]) == {"python", "numpy", "scipy", "wengert"}
    assert found["files"] == ["plots/loss.txt"]
    assert found["figures"] == {
        "steps": 5,
        "accuracy": 0.5,
        "losses": [k / 10 for k in range(20)],
        "quick": True,
        "seed": 7,
        "place": "d",
        "diverged": "inf",
        "two": 2,
    }
    lines = captured.out.splitlines()
    assert "steps     5" in lines
    assert "accuracy  0.5" in lines
    assert "losses    [0, 0.1, 0.2, ..., 1.8, 1.9]" in lines
    assert lines[-1].endswith(f"figures.json, plots/loss.txt in {Path('runs/toy')}")


def test_the_recorded_command_leaves_out_where_it_went(toy, capsys):
    assert run(capsys, "toy", "--out", "a b", "--overwrite", "--steps", "4")[0] == 0
    assert figures("a b")["command"] == "wengert lab toy --steps 4"
    assert run(capsys, "toy", "--out=a b", "--overwrite", "--debug", "--quick")[0] == 0
    assert figures("a b")["command"] == "wengert lab toy --quick"


def test_a_directory_that_is_not_empty(capsys, toy):
    assert run(capsys, "toy")[0] == 0
    before = figures()
    assert "runs/toy: is not empty; --overwrite replaces" in error_of(capsys, "toy", "--steps", "9")
    assert figures() == before
    Path("runs/toy/notes.txt").write_text("mine")
    for steps in (9, 10):
        assert run(capsys, "toy", "--steps", steps, "--overwrite")[0] == 0
        assert figures()["figures"]["steps"] == steps
        # What the user put there is neither removed nor taken for the run's.
        assert Path("runs/toy/notes.txt").read_text() == "mine"
        assert figures()["files"] == ["plots/loss.txt"]


def test_a_directory_of_something_else_is_left_alone(capsys, toy):
    Path("mine").mkdir()
    Path("mine/thesis.txt").write_text("years")
    for content in (None, "[]", '{"files": []}', "{"):
        if content is not None:
            Path("mine/figures.json").write_text(content)
        message = error_of(capsys, "toy", "--out", "mine", "--overwrite")
        assert "mine: holds files and no run of a lab" in message
    assert Path("mine/thesis.txt").read_text() == "years"


def test_files_outside_the_directory_are_not_removed(capsys, toy):
    Path("outside.txt").write_text("mine")
    assert run(capsys, "toy")[0] == 0
    record = figures()
    record["files"] += ["../../outside.txt", str(Path("outside.txt").resolve())]
    Path("runs/toy/figures.json").write_text(json.dumps(record))
    assert run(capsys, "toy", "--overwrite")[0] == 0
    assert Path("outside.txt").read_text() == "mine"


def test_a_directory_that_cannot_be_written(capsys, toy):
    Path("file").write_text("")
    assert "file/run: cannot be written: Not a directory; --out" in error_of(
        capsys, "toy", "--out", "file/run"
    )


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["--seed", "x"], "argument --seed: expected a whole number, at least 0, got 'x'"),
        (["--seed", "-1"], "argument --seed: expected a whole number, at least 0, got '-1'"),
        (["--steps", "many"], "argument --steps: invalid int value: 'many' (see 'wengert lab toy"),
        (["--quik"], "unrecognized arguments: --quik"),
    ],
)
def test_wrong_flags(capsys, toy, command, message):
    assert message in error_of(capsys, "toy", *command)
    assert not Path("runs").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "def run(options): 1 / 0",
            "the lab bad failed: ZeroDivisionError: division by zero (",
        ),
        ("def run(options): return 3", "run(options) of the lab returned int, expected a dict"),
        ("def run(options): return {'x': {}}", "the lab's figure 'x' is dict; expected a number"),
        ("def run(options): return {'x': object}", "the lab's figure 'x' is type; expected"),
        ("def run(options): open('nowhere')", "No such file or directory: 'nowhere'"),
        (
            "import nowhere\ndef run(options): ...",
            "needs the package nowhere, which is not",
        ),
        ("from labs.bad import x", "the lab bad cannot be loaded: ImportError: cannot import name"),
        ("import labs.nowhere", "cannot be loaded: ModuleNotFoundError: No module named 'labs.now"),
        ("def run(", "the lab bad cannot be loaded: SyntaxError"),
        ("x = 1", "lab.py: has no function run(options)"),
        (
            "import wengert as wg\ndef run(options): raise wg.DataError('a.png:\\n no image')",
            "error: a.png: no image",
        ),
    ],
)
def test_labs_that_fail(capsys, labs, text, message):
    labs("bad", text)
    assert message in error_of(capsys, "bad")
    assert not list(Path("runs").rglob("*.json"))


def test_what_a_failing_lab_saved_is_kept(capsys, labs):
    labs("bad", "def run(o):\n    (o.out / 'model').write_text('m')\n    1 / 0")
    error_of(capsys, "bad")
    assert Path("runs/bad/model").read_text() == "m"
    assert figures("runs/bad")["finished"] is False
    assert figures("runs/bad")["files"] == ["model"]
    assert "is not empty" in error_of(capsys, "bad")
    assert "division by zero" in error_of(capsys, "bad", "--overwrite")


def test_debug_shows_the_traceback(labs):
    labs("bad", "def run(options): 1 / 0")
    with pytest.raises(ZeroDivisionError):
        main(["lab", "bad", "--debug"])
    with pytest.raises(wg.ConfigError, match="unknown lab 'worse'"):
        main(["lab", "worse", "--debug"])


SAVES = """\
def run(options):
    (options.out / "model.txt").write_text("m")
    (options.out / "loss.txt").write_text("l")
"""


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("raise KeyboardInterrupt", {"interrupted": True}),
        ("return {'loss': 2.0, 'interrupted': 'after 3 steps'}", None),
        (
            "stop = KeyboardInterrupt(); stop.figures = {'loss': 2.0}; raise stop",
            {"loss": 2.0, "interrupted": True},
        ),
    ],
)
def test_ctrl_c(capsys, labs, how, expected):
    labs("long", f"{SAVES}    {how}\n")
    code, captured = run(capsys, "long")
    assert code == 130
    assert captured.err == (
        f"wengert: interrupted; saved in {Path('runs/long')}: figures.json, loss.txt, model.txt\n"
    )
    found = figures("runs/long")
    assert found["finished"] is False
    assert found["figures"] == (expected or {"loss": 2.0, "interrupted": "after 3 steps"})
    assert found["files"] == ["loss.txt", "model.txt"]


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_ctrl_c_from_a_terminal(tmp_path, labs):
    text = f"{SAVES}    import time\n    print('ready', flush=True)\n    time.sleep(60)\n"
    folder = labs("long", text).parent
    program = (  # a job in the background starts with Ctrl-C ignored
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "import sys; from pathlib import Path; from wengert.cli import lab, main; "
        f"lab.labs_folder = lambda: Path({str(folder)!r}); sys.exit(main(['lab', 'long']))"
    )
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert err.startswith("wengert: interrupted; saved in runs/long: figures.json, loss.txt")


def test_the_folder_of_this_checkout():
    folder = lab_package.labs_folder()
    assert (folder / "__init__.py").is_file()
    assert folder == Path(__file__).parents[2] / "labs"


def test_the_folder_of_an_installed_wheel(tmp_path, monkeypatch):
    for name in ("wengert", "wengert_labs"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("")
    monkeypatch.setattr(wg, "__file__", str(tmp_path / "wengert" / "__init__.py"))
    assert lab_package.labs_folder() == tmp_path / "wengert_labs"
    (tmp_path / "wengert_labs" / "__init__.py").unlink()
    with pytest.raises(wg.ConfigError, match="the labs are not installed: neither"):
        lab_package.labs_folder()


def test_another_package_of_this_name_is_not_taken_for_it(capsys, toy, tmp_path, monkeypatch):
    other = tmp_path / "other" / "labs"
    other.mkdir(parents=True)
    (other / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(str(other.parent))
    for name in [key for key in sys.modules if key.split(".")[0] == "labs"]:
        monkeypatch.delitem(sys.modules, name)
    import labs

    assert Path(labs.__file__).parent == other
    assert run(capsys, "toy")[0] == 0


def test_figure_text():
    assert figure_text(0.123456789) == "0.123457"
    assert figure_text(3) == "3"
    assert figure_text("stand-in") == "stand-in"
    assert figure_text(True) == "True"
    assert figure_text(None) == "None"
    assert figure_text([1.0, "a"]) == "[1, a]"


def test_an_unknown_flag_points_to_the_help_of_its_command(capsys):
    for command in (["lab", "moons"], ["train", "digits"], ["data", "list"]):
        assert main([*command, "--nope"]) == 2
        prog = " ".join(["wengert", *(command[:1] if command[0] == "train" else command)])
        expected = f"wengert: error: unrecognized arguments: --nope (see '{prog} --help')\n"
        assert capsys.readouterr().err == expected
