"""Pictures as network inputs (needs Pillow)."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import intaglio

#: What a folder of pictures is searched for.
SUFFIXES: Final = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp")

_PICTURE_RANK: Final = 4
_MODES: Final = {1: "L", 3: "RGB", 4: "RGBA"}
_LARGEST_PIXEL: Final = 255


def add_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group(
        "pictures",
        "A picture is scaled to cover the input and centre-cropped. Pixels 0 to 255 become the 256 values of an int8 "
        "or uint8 input; with any of these options, and for float inputs, they become (pixel * white / 255 - mean) / "
        "std. Mean and std are one number, or one per channel.",
    )
    group.add_argument("--white", type=float, metavar="W", help="what the largest pixel counts as (default: 1)")
    group.add_argument("--mean", type=float, nargs="+", metavar="M", help="default: 0")
    group.add_argument("--std", type=float, nargs="+", metavar="S", help="default: 1")
    group.add_argument(
        "--layout",
        choices=("nhwc", "nchw"),
        help="whether an input's channels come last or first (default: where its shape has 1, 3 or 4)",
    )


def read(file: Path, info: intaglio.TensorInfo, arguments: argparse.Namespace) -> NDArray[Any]:
    """The picture as an array for the given input, with a batch axis of 1."""
    from intaglio.errors import Error, MissingExtraError

    channels_first = _channels_first(file, info, arguments.layout)
    height, width, channels = info.shape[2:] + info.shape[1:2] if channels_first else info.shape[1:]
    try:
        from PIL import Image, ImageOps, UnidentifiedImageError
    except ImportError as error:
        raise MissingExtraError(f"{file}: reading pictures needs Pillow: pip install intaglio[demo]") from error
    try:
        with Image.open(file) as opened:
            image = ImageOps.exif_transpose(opened).convert(_MODES[channels])
    except UnidentifiedImageError as error:
        raise Error(f"{file}: neither an array nor a picture Pillow can read") from error
    if image.size != (width, height):
        image = ImageOps.fit(image, (width, height), Image.Resampling.BILINEAR)
    pixels = np.asarray(image, np.uint8).reshape(1, height, width, channels)
    values = _values(pixels, np.dtype(info.dtype), arguments)
    return np.ascontiguousarray(values.transpose(0, 3, 1, 2)) if channels_first else values


def _channels_first(file: Path, info: intaglio.TensorInfo, layout: str | None) -> bool:
    from intaglio.errors import Error

    shape = tuple(info.shape)
    name = f"{file}: input '{info.name}' has shape {shape}, which"
    if len(shape) != _PICTURE_RANK or shape[0] != 1:
        raise Error(f"{name} is no picture; expected an array (.npy)")
    fits = {"nhwc": shape[3] in _MODES, "nchw": shape[1] in _MODES}
    if layout is None:
        if all(fits.values()):
            raise Error(f"{name} may have its channels last or first; say --layout nhwc or nchw")
        layout = "nchw" if fits["nchw"] else "nhwc"
    if not fits[layout]:
        raise Error(f"{name} is no picture with its channels {'first' if layout == 'nchw' else 'last'}")
    return layout == "nchw"


def _values(pixels: NDArray[np.uint8], dtype: np.dtype[Any], arguments: argparse.Namespace) -> NDArray[Any]:
    given = (arguments.white, arguments.mean, arguments.std)
    if dtype.kind != "f" and all(option is None for option in given):
        return pixels if dtype == np.uint8 else (pixels ^ 0x80).view(np.int8)
    white = 1.0 if arguments.white is None else arguments.white
    mean = _per_channel("--mean", arguments.mean or [0.0], pixels.shape[3])
    std = _per_channel("--std", arguments.std or [1.0], pixels.shape[3])
    return np.asarray((pixels * (white / _LARGEST_PIXEL) - mean) / std, np.float32)


def _per_channel(option: str, values: list[float], channels: int) -> NDArray[np.float64]:
    from intaglio.errors import Error

    if len(values) not in (1, channels):
        raise Error(f"{option}: expected 1 number or {channels}, one per channel, got {len(values)}")
    if option == "--std" and not all(value > 0 for value in values):
        raise Error(f"{option}: expected numbers above 0, got {' '.join(map(str, values))}")
    return np.array(values, np.float64)
