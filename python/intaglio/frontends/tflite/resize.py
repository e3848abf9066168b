"""RESIZE_NEAREST_NEIGHBOR and RESIZE_BILINEAR: one table of source positions per axis."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from intaglio.frontends.tflite.lowering import Lowering
from intaglio.frontends.tflite.model import Operator
from intaglio.graph import AttrValue
from intaglio.resize_tables import bilinear_table, nearest_table

if TYPE_CHECKING:
    from numpy.typing import NDArray


def resize_nearest_neighbor(lowering: Lowering, op: Operator) -> None:
    _resize(lowering, op, "resize_nearest", nearest_table, {})


def resize_bilinear(lowering: Lowering, op: Operator) -> None:
    table = partial(bilinear_table, lowering.requant)
    _resize(lowering, op, "resize_bilinear", table, {"requant": lowering.requant})


def _resize(
    lowering: Lowering, op: Operator, name: str, table: Callable[..., NDArray[np.int32]], attrs: dict[str, AttrValue]
) -> None:
    x = lowering.quantized(op, 0)
    size = lowering.integers(op, 1, "output size")
    if len(x.shape) != 4 or len(size) != 2 or min(size) < 1 or 0 in x.shape[1:3]:
        lowering.malformed(op, f"input {x.shape} cannot be resized to {size}")
    if max(size) >= 1 << 24 or max(x.shape[1:3]) >= 1 << 20:
        lowering.refuse(op, f"resizing {x.shape} to {size} is beyond its range")
    align, half = op.options["align_corners"], op.options["half_pixel_centers"]
    if align and half:
        lowering.malformed(op, "align_corners and half_pixel_centers exclude each other")
    y = lowering.quantized_output(op, (x.shape[0], *size, x.shape[3]))
    row, column = (
        lowering.parameter(y, axis, table(x.shape[i], size[i - 1], align_corners=align, half_pixel_centers=half))
        for axis, i in (("row", 1), ("column", 2))
    )
    lowering.emit(name, [lowering.relabelled(x, y), row, column], y, **attrs)
