"""Model files: the parameters of a network and the description it is rebuilt from."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

import wengert as wg
from wengert import nn, tree
from wengert.train.tensors import fill, read_tensors, write_tensors

__all__ = ["build_model", "load_model", "load_parameters", "save_model"]

M = TypeVar("M")


def build_model(architecture: Mapping[str, Any], rng: np.random.Generator) -> nn.Sequential:
    """The network that ``architecture`` describes, freshly initialised.

    Parameters
    ----------
    architecture : mapping
        ``sizes``, a list of the numbers of inputs, hidden units and outputs, and ``activation``,
        the name of the function between the layers; ``batch_norm`` (whether) and ``dropout`` (its
        rate) if there are any. See `wengert.nn.mlp`.
    rng : numpy.random.Generator

    Raises
    ------
    wengert.ConfigError
        If the activation is unknown.
    """
    name = architecture["activation"]
    if name not in nn.ACTIVATIONS:
        raise wg.ConfigError(f"unknown activation {name!r}; known are {', '.join(nn.ACTIVATIONS)}")
    return nn.mlp(
        architecture["sizes"],
        activation=nn.ACTIVATIONS[name],
        batch_norm=architecture.get("batch_norm", False),
        dropout=architecture.get("dropout", 0.0),
        rng=rng,
    )


def save_model(
    path: str | os.PathLike[str], model: Any, description: Mapping[str, Any] | None = None
) -> None:
    """Save the parameters and buffers of a model as a safetensors file, atomically.

    Parameters
    ----------
    path : str or path
    model : Module or other container of arrays
    description : mapping, optional
        Anything that JSON can represent. With an entry ``architecture`` as for `build_model` the
        file can be read by `load_model`, otherwise by `load_parameters`.

    Raises
    ------
    wengert.DataError
        If the file cannot be written.
    """
    write_tensors(Path(path), nn.named_arrays(model), description or {})


def load_parameters(path: str | os.PathLike[str], like: M) -> M:
    """A model like ``like`` with the parameters from a file.

    Parameters
    ----------
    path : str or path
        A file made by `save_model`.
    like : Module or other container of arrays
        Gives the structure, the shapes and the dtypes; it is not changed.

    Raises
    ------
    wengert.DataError
        If the file is missing, cut short, or does not fit.
    """
    path = Path(path)
    arrays, _ = read_tensors(path)
    leaves = fill(path, arrays, nn.named_arrays(like))
    loaded: M = tree.unflatten(tree.structure(like), leaves)
    return loaded


def load_model(path: str | os.PathLike[str]) -> tuple[nn.Sequential, dict[str, Any]]:
    """The network in a model file of ``wengert train``, and the file's description.

    Returns
    -------
    model : Sequential
        Takes rows of pixels scaled as the description says (``pixel_max`` is 1) and returns logits.
    description : dict
        With ``architecture``, ``dataset``, ``classes``, ``image_shape`` and ``pixel_max``.

    Raises
    ------
    wengert.DataError
        If the file is missing, cut short, or does not describe a network.
    """
    path = Path(path)
    _, description = read_tensors(path)
    try:
        template = build_model(description["architecture"], np.random.default_rng(0))
    except (KeyError, TypeError, ValueError, MemoryError, OverflowError) as error:
        raise wg.DataError(
            f"{path}: does not describe a network that can be rebuilt ({error}); build the network "
            "and use load_parameters"
        ) from error
    return load_parameters(path, template), description
