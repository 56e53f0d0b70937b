"""What linear classifiers and networks have in common."""

from __future__ import annotations

import copy
import os
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

import wengert as wg
from wengert.train.tensors import fill, read_tensors, write_tensors

__all__ = ["Classifier"]


class Classifier(ABC):
    """A function from inputs to the scores of classes, with parameters and a backward pass.

    Subclasses set their parameters as attributes and define the abstract methods; what their
    constructor takes besides ``rng`` and ``dtype`` stands in `architecture`.

    Attributes
    ----------
    notes : dict
        Anything that JSON can represent; it is saved with the parameters. `labs.neuralnet.train`
        notes how pixels were scaled.
    """

    notes: dict[str, Any]

    @abstractmethod
    def parameters(self) -> dict[str, Any]:
        """The parameters by name: the arrays themselves, not copies."""

    @abstractmethod
    def architecture(self) -> dict[str, Any]:
        """The arguments of the constructor that decide the shapes."""

    @abstractmethod
    def forward(self, X: Any) -> tuple[Any, Any]:
        """Scores of shape (n, classes) for inputs of shape (n, d), and a cache for `backward`."""

    @abstractmethod
    def backward(self, grad_scores: Any, cache: Any) -> dict[str, Any]:
        """The gradient with respect to each parameter, under the names of `parameters`.

        Parameters
        ----------
        grad_scores : ndarray, shape (n, classes)
            Gradient of the loss with respect to the scores.
        cache : Any
            From `forward`.
        """

    def predict(self, X: NDArray[Any]) -> NDArray[np.int64]:
        """The class with the largest score for each row of ``X``; of equal scores the first."""
        scores, _ = self.forward(X)
        classes: NDArray[np.int64] = scores.argmax(axis=1)
        return classes

    def replace(self, parameters: Mapping[str, Any]) -> Self:
        """The same classifier with other parameters.

        Raises
        ------
        wengert.WengertValueError
            If the names are not those of `parameters`.
        """
        if set(parameters) != set(self.parameters()):
            raise wg.WengertValueError(
                f"{type(self).__name__}.replace: expected the parameters "
                f"{', '.join(self.parameters())}; got {', '.join(parameters)}"
            )
        other = copy.copy(self)
        for name, value in parameters.items():
            setattr(other, name, value)
        return other

    def save(self, path: str | os.PathLike[str]) -> None:
        """Save the classifier as a safetensors file, atomically.

        Raises
        ------
        wengert.DataError
            If the file cannot be written.
        """
        description = {
            "classifier": type(self).__name__,
            "architecture": self.architecture(),
            "notes": self.notes,
        }
        write_tensors(Path(path), self.parameters(), description)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """The classifier in a file made by `save`: any kind, or one of the class it is called on.

        Raises
        ------
        wengert.DataError
            If the file is missing, cut short, holds another kind, or its arrays do not fit.
        """
        path = Path(path)
        arrays, description = read_tensors(path)
        kinds: dict[str, Any] = {kind.__name__: kind for kind in (cls, *cls.__subclasses__())}
        kinds.pop("Classifier", None)
        description = description if isinstance(description, dict) else {}
        found = str(description.get("classifier", ""))
        if found not in kinds:
            raise wg.DataError(
                f"{path}: holds {found or 'no classifier'}, expected {' or '.join(kinds)}"
            )
        dtypes = {array.dtype for array in arrays.values()}
        if len(dtypes) != 1 or next(iter(dtypes)).kind != "f":
            raise wg.DataError(
                f"{path}: expected arrays of one floating-point dtype, found "
                f"{', '.join(map(str, dtypes)) or 'none'}"
            )
        try:
            model: Self = kinds[found](**description["architecture"], dtype=dtypes.pop())
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise wg.DataError(
                f"{path}: does not describe a {found} that can be rebuilt ({error})"
            ) from error
        template = model.parameters()
        model = model.replace(dict(zip(template, fill(path, arrays, template), strict=True)))
        notes = description.get("notes")
        model.notes = notes if isinstance(notes, dict) else {}
        return model


def check_sizes(owner: str, **sizes: Any) -> None:
    """Raise `wengert.ConfigError` unless every size is a positive whole number."""
    for name, size in sizes.items():
        if type(size) is not int or size < 1:
            raise wg.ConfigError(
                f"{owner}: {name} must be a whole number, at least 1, got {size!r}"
            )
