"""Pictures as network inputs (needs Pillow)."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import intaglio

_PICTURE_RANK = 4
_MODES = {1: "L", 3: "RGB", 4: "RGBA"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group(
        "pictures",
        "A picture is scaled to cover the input and centre-cropped. Pixels 0 to 255 become the 256 values of an int8 "
        "or uint8 input; with --mean or --std, and for float inputs, they become (pixel - mean) / std.",
    )
    group.add_argument("--mean", type=float, help="default: 0")
    group.add_argument("--std", type=float, help="default: 255")


def read(file: Path, info: intaglio.TensorInfo, arguments: argparse.Namespace) -> NDArray[Any]:
    """The picture as an array for the given input, with a batch axis of 1."""
    from intaglio.errors import Error, MissingExtraError

    if len(info.shape) != _PICTURE_RANK or info.shape[3] not in _MODES:
        raise Error(
            f"{file}: input {info.name!r} has shape {tuple(info.shape)}, which is no picture; expected a .npy array"
        )
    try:
        from PIL import Image, ImageOps, UnidentifiedImageError
    except ImportError as error:
        raise MissingExtraError(f"{file}: reading pictures needs Pillow: pip install intaglio[demo]") from error
    _, height, width, channels = info.shape
    try:
        with Image.open(file) as opened:
            image = ImageOps.exif_transpose(opened).convert(_MODES[channels])
    except UnidentifiedImageError as error:
        raise Error(f"{file}: neither a .npy array nor a picture Pillow can read") from error
    if image.size != (width, height):
        image = ImageOps.fit(image, (width, height), Image.Resampling.BILINEAR)
    pixels = np.asarray(image, np.uint8).reshape(1, height, width, channels)
    dtype = np.dtype(info.dtype)
    if dtype.kind == "f" or arguments.mean is not None or arguments.std is not None:
        mean = 0.0 if arguments.mean is None else arguments.mean
        std = 255.0 if arguments.std is None else arguments.std
        scaled: NDArray[np.float32] = (pixels.astype(np.float32) - np.float32(mean)) / np.float32(std)
        return scaled
    return pixels if dtype == np.uint8 else (pixels ^ 0x80).view(np.int8)
