"""EfficientNet-Lite0, trained by others, on photographs: answers, why, and PyTorch's logits."""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labs.pictures import save_png
from labs.pretrained.photographs import CATS, COMPARED, ESPRESSO, PHOTOGRAPHS, photograph
from labs.pretrained.reference import compare
from wengert import models
from wengert.train.compiled import compiler

__all__ = ["BOUNDS", "run", "without_helmet"]

BOUNDS = {
    "logit_max_difference": "<= 1e-4",
    "photographs_compared": "== 5",
    "cat_in_top_5": "== 1",
    "espresso_in_top_5": "== 1",
    "seconds_per_photograph": "<= 1",
}

_QUICK = ("chelsea", "coffee")
_HELMET = (slice(330, 512), slice(275, 512))


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Classify the photographs, draw each with its saliency map, compare with PyTorch's logits.

    Parameters
    ----------
    options : Namespace
        ``out`` gets a picture for each photograph, and ``sensible-or-not.png``; with ``quick``
        there are two photographs. There is nothing random and no data set, so ``seed`` and
        ``data_dir`` do nothing.
    """
    names = _QUICK if options.quick else tuple(PHOTOGRAPHS)
    model = compiler(getattr(options, "jit", True))(models.load_efficientnet_lite0())
    answers: dict[str, models.Answer] = {}
    seconds, saliency_seconds = [], []
    for name in names:
        image = photograph(name)
        start = time.perf_counter()
        predictions = models.classify(model, image)
        seconds.append(time.perf_counter() - start)
        start = time.perf_counter()
        map_ = models.saliency(model, image)
        saliency_seconds.append(time.perf_counter() - start)
        answers[name] = models.Answer(name, image, predictions, map_)
        _save(options, name, [answers[name]])
        said = ", ".join(f"{p.name} {100 * p.probability:.1f} %" for p in predictions)
        print(f"{name}: {said}")
    figures = _comparison(model, [name for name in names if name in COMPARED])
    found = {name: [p.index for p in answer.predictions] for name, answer in answers.items()}
    figures |= {
        "cat_in_top_5": int(any(index in found["chelsea"] for index in CATS)),
        "espresso_in_top_5": int(ESPRESSO in found["coffee"]),
        "seconds_per_photograph": round(float(np.median(seconds)), 3),
        "seconds_per_saliency_map": round(float(np.median(saliency_seconds)), 3),
        "answers": [f"{n}: {a.predictions[0].name}" for n, a in answers.items()],
    }
    if "astronaut" in answers:
        figures |= _why(model, answers)
        pair = [
            answers["coffee"]._replace(title="coffee: sensible"),
            answers["astronaut"]._replace(title="astronaut: not"),
        ]
        _save(options, "sensible-or-not", pair)
    return figures


def _save(options: argparse.Namespace, name: str, answers: list[models.Answer]) -> None:
    save_png(models.draw_answers(answers), options.out / f"{name}.png", palette=True)


def _comparison(model: Any, names: list[str]) -> dict[str, Any]:
    found = compare(model, names)
    figures: dict[str, Any] = {"photographs_compared": len(found.differences)}
    if found.differences:
        figures["logit_max_difference"] = max(found.differences.values())
    if found.left_out:
        figures["decoded_to_other_pixels"] = found.left_out
    return figures


def _why(model: Any, answers: dict[str, models.Answer]) -> dict[str, Any]:
    """The wrong answer goes away when what it is about is covered."""
    first = answers["astronaut"].predictions[0]
    covered = models.classify(model, without_helmet(answers["astronaut"].image), 1000)
    (after,) = (p.probability for p in covered if p.index == first.index)
    return {
        "astronaut_answer": first.name,
        "astronaut_answer_percent": round(100 * first.probability, 1),
        "astronaut_answer_percent_without_helmet": round(100 * after, 1),
        "astronaut_answer_without_helmet": covered[0].name,
    }


def without_helmet(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The astronaut's photograph with the helmet in front of her under a grey patch."""
    covered = image.copy()
    covered[_HELMET] = 127  # what the network sees as 0
    return covered
