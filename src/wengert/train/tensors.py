"""Named arrays and one JSON description in a safetensors file; no pickles anywhere."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import wengert as wg
from wengert.data.optional import require
from wengert.train.atomic import write_bytes

__all__ = ["fill", "read_tensors", "write_tensors"]

# One key only: safetensors writes its metadata in no fixed order, and equal runs give equal bytes.
_KEY = "wengert"


def write_tensors(
    path: Path, arrays: Mapping[str, NDArray[Any]], description: Mapping[str, Any]
) -> None:
    """Write arrays and a description; equal arguments give equal bytes.

    Parameters
    ----------
    path : Path
    arrays : mapping of str to ndarray
    description : mapping
        Must be representable in JSON.

    Raises
    ------
    wengert.DataError
        If the file cannot be written.
    """
    safetensors = require("safetensors.numpy", "train", "to save arrays")
    # The keys keep their order: records go from here to the metrics when a run is resumed.
    text = json.dumps(description, allow_nan=False)
    contiguous = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    write_bytes(path, safetensors.save(contiguous, metadata={_KEY: text}))


def read_tensors(path: Path) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """The arrays and the description in a file made by `write_tensors`.

    Raises
    ------
    wengert.DataError
        If the file is missing, cut short, damaged, or not made by `write_tensors`.
    """
    safetensors = require("safetensors", "train", "to read saved arrays")
    if not path.is_file():
        what = "is a directory, not a file" if path.is_dir() else "no such file"
        raise wg.DataError(f"{path}: {what}")
    try:
        with safetensors.safe_open(path, framework="numpy") as stream:
            metadata = stream.metadata() or {}
            arrays = {name: stream.get_tensor(name) for name in stream.keys()}
    except OSError as error:
        raise wg.DataError(f"{path}: cannot be read: {error.strerror or error}") from error
    except safetensors.SafetensorError as error:
        raise wg.DataError(
            f"{path}: cut short, damaged or not a safetensors file ({error}); get or save it again"
        ) from error
    try:
        description = json.loads(metadata[_KEY])
    except (KeyError, ValueError) as error:
        raise wg.DataError(f"{path}: a safetensors file, but not one that wengert wrote") from error
    if not isinstance(description, dict):
        raise wg.DataError(
            f"{path}: damaged: its description is a {type(description).__name__}, not a mapping"
        )
    return arrays, description


def fill(
    path: Path, arrays: Mapping[str, NDArray[Any]], template: Mapping[str, Any]
) -> list[NDArray[Any]]:
    """The arrays named as in ``template``, in its order, after a check of names, shapes and dtypes.

    Raises
    ------
    wengert.DataError
        If an array is missing, superfluous, or of another shape or dtype; the message names it.
    """
    for name in template:
        if name not in arrays:
            raise wg.DataError(f"{path}: has no array {name}")
    for name in arrays:
        if name not in template:
            raise wg.DataError(f"{path}: has an array {name} that does not belong to this model")
    for name, expected in template.items():
        found = arrays[name]
        if found.shape != expected.shape or found.dtype != expected.dtype:
            raise wg.DataError(
                f"{path}: {name} has shape {found.shape} and dtype {found.dtype}, expected "
                f"{expected.shape} and {expected.dtype}"
            )
    # Scalars are saved as arrays without axes; x[()] turns them back.
    return [
        arrays[name][()] if isinstance(expected, np.generic) else arrays[name]
        for name, expected in template.items()
    ]
