"""Source positions of resized rows or columns, one axis at a time, as TFLite computes them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from intaglio.opset import Requant

#: One pixel in the units of bilinear weights.
BILINEAR_UNITS = {Requant.FLOAT32: 2048, Requant.FIXED: 1024}


def nearest_table(
    size: int, output: int, *, align_corners: bool = False, half_pixel_centers: bool = False
) -> NDArray[np.int32]:
    """The nearest source position of each output, in float32 arithmetic."""
    scale = np.float32(size) / np.float32(output)
    if align_corners and output > 1:
        scale = np.float32(size - 1) / np.float32(output - 1)
    position = (np.arange(output, dtype=np.float32) + np.float32(0.5 if half_pixel_centers else 0.0)) * scale
    # Positions are not negative, so floor(x + 1/2) in float64 is rounding halves away from zero.
    nearest = np.floor(position.astype(np.float64) + (0.5 if align_corners else 0.0))
    return np.asarray(np.minimum(nearest, size - 1), np.int32)


def bilinear_table(
    mode: Requant, size: int, output: int, *, align_corners: bool = False, half_pixel_centers: bool = False
) -> NDArray[np.int32]:
    """(low, high, weight of high) of each output.

    The float32 mode rounds weights, as XNNPACK does; the fixed one steps and positions, as TFLite's reference.
    """
    if mode is Requant.FLOAT32:
        positions, weight = float_bilinear_table(
            size, output, align_corners=align_corners, half_pixel_centers=half_pixel_centers
        )
        return np.column_stack([positions, np.rint(weight * BILINEAR_UNITS[mode])]).astype(np.int32)
    steps, spans = (size - 1, output - 1) if align_corners and output > 1 else (size, output)
    scale = (1024 * steps + spans // 2) // spans
    position = np.arange(output, dtype=np.int64) * scale
    if half_pixel_centers:
        position += scale // 2 - 512
    # Rounded steps may lead past either end; there both corners are the edge.
    position = np.clip(position, 0, 1024 * (size - 1))
    low = position // 1024
    high = np.minimum(low + 1, size - 1)
    return np.stack([low, high, position - 1024 * low], axis=1).astype(np.int32)


def float_bilinear_table(
    size: int, output: int, *, align_corners: bool = False, half_pixel_centers: bool = False
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """(low, high) of each output, and the weight of high."""
    steps, spans = (size - 1, output - 1) if align_corners and output > 1 else (size, output)
    scale = np.float32(steps) / np.float32(spans)
    position = np.arange(output, dtype=np.float32)
    position = position * scale
    if half_pixel_centers:
        position += np.float32(0.5) * scale - np.float32(0.5)
    position = np.clip(position, 0, size - 1)
    low = np.floor(position)
    positions = np.stack([low, np.minimum(low + 1, size - 1)], axis=1).astype(np.int32)
    return positions, np.asarray(position - low, np.float32)
