"""Resize and Upsample: a table of source positions for each axis."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from intaglio.frontends.onnx.lowering import QUANTIZED, Lowering
from intaglio.frontends.onnx.model import SourceNode
from intaglio.frontends.onnx.values import Value, channels_last, plain, stored_shape
from intaglio.frontends.onnx.windows import as_image, from_image

_F = np.float32


def resize(
    lowering: Lowering,
    node: SourceNode,
    x: Value,
    second: Value | None = None,
    scales: Value | None = None,
    sizes: Value | None = None,
) -> Value:
    """Inputs are x, roi, scales, sizes; in opset 10 x and scales."""
    if lowering.model.opset < 11:
        return upsample(lowering, node, x, second)
    attributes = node.attributes
    for name in ("antialias", "exclude_outside"):
        if attributes.get(name, 0):
            lowering.refuse(f"it has {name}")
    if attributes.get("keep_aspect_ratio_policy", "stretch") != "stretch":
        lowering.refuse("it keeps the ratio of its sides")
    axes = [lowering.axis(int(a), len(x.shape)) for a in attributes.get("axes") or range(len(x.shape))]
    wanted = lowering.integers(sizes, "sizes") or []
    factors = [] if scales is None else [float(s) for s in lowering.known(scales, "scales").reshape(-1)]
    if len(wanted or factors) != len(axes):
        lowering.malformed(f"its sizes {wanted} or scales {factors} do not fit its input {x.shape}")
    factor = [1.0] * len(x.shape)
    shape = list(x.shape)
    for i, axis in enumerate(axes):
        factor[axis] = wanted[i] / x.shape[axis] if wanted else factors[i]
        shape[axis] = wanted[i] if wanted else int(np.floor(_F(factors[i]) * _F(x.shape[axis])))
    coordinates = attributes.get("coordinate_transformation_mode", "half_pixel")
    nearest = attributes.get("nearest_mode", "round_prefer_floor")
    return _resized(lowering, x, shape, factor, attributes.get("mode", "nearest"), coordinates, nearest)


def upsample(lowering: Lowering, node: SourceNode, x: Value, scales: Value | None = None) -> Value:
    """Upsample, and Resize as it was in opset 10."""
    given = node.attributes.get("scales") if scales is None else lowering.known(scales, "scales").reshape(-1)
    if given is None or len(given) != len(x.shape):
        lowering.malformed(f"its scales do not fit its input {x.shape}")
    factor = [float(s) for s in given]
    shape = [int(np.floor(_F(s) * _F(n))) for s, n in zip(factor, x.shape, strict=True)]
    if min(factor) < 1:
        lowering.refuse(f"it makes its input smaller, by {factor}; export with opset 11 or later")
    return _resized(lowering, x, shape, factor, node.attributes.get("mode", "nearest"), "asymmetric", "floor")


def _resized(
    lowering: Lowering, x: Value, shape: list[int], factor: list[float], mode: str, coordinates: str, nearest: str
) -> Value:
    rank = len(x.shape)
    changed = {axis for axis in range(rank) if shape[axis] != x.shape[axis] or factor[axis] != 1}
    if not changed:
        return x
    if rank not in (3, 4) or not (changed <= {2, 3} or (rank == 4 and changed <= {1, 2})):
        lowering.refuse(f"it resizes {x.shape} to {tuple(shape)}; supported are the last two axes, or the middle two")
    if min(shape) < 1 or max(shape) >= 1 << 24 or min(factor) <= 0:
        lowering.malformed(f"its input {x.shape} cannot be resized to {tuple(shape)}")
    image, spatial = as_image(lowering, x), rank - 2
    if rank == 3:
        shape, factor = [*shape[:2], 1, shape[2]], [1.0, 1.0, 1.0, factor[2]]
    order = channels_last(4) if changed <= {2, 3} else plain(4)
    positions = [_positions(lowering, image.shape[axis], shape[axis], factor[axis], coordinates) for axis in order[1:3]]
    source = lowering.stored(image, order)
    laid = stored_shape(shape, order)
    if mode == "nearest":
        tables = [
            lowering.array(name, _nearest(lowering, p, image.shape[axis], nearest))
            for name, p, axis in zip(("row", "column"), positions, order[1:3], strict=True)
        ]
        y = lowering.emit("resize_nearest", [source, *tables], laid, selects=True)
    elif mode == "linear":
        grid = lowering.grids.get(image.tensor) if x.dtype in QUANTIZED else None
        if grid is None:
            lowering.floats(x)
        inputs = [source]
        for name, p, axis in zip(("row", "column"), positions, order[1:3], strict=True):
            corners, weights = _linear(p, image.shape[axis])
            inputs += [lowering.array(name, corners), lowering.array(f"{name}_weight", weights)]
        y = lowering.emit("float_resize_bilinear", inputs, laid)
        if grid is not None:
            lowering.place_grid(y, grid, holds_integers=True)
    else:
        lowering.refuse(f"it has mode {mode!r}; supported are 'nearest' and 'linear'")
    return from_image(lowering, lowering.result(y, shape, order, x.dtype), spatial)


def _positions(lowering: Lowering, size: int, output: int, factor: float, mode: str) -> NDArray[np.float32]:
    """Where each output lies in the input, in float32 as other engines have it."""
    index, scale = np.arange(output, dtype=_F), _F(factor)
    half = _F(0.5)
    if mode == "half_pixel" or (mode == "pytorch_half_pixel" and output > 1):
        position = (index + half) / scale - half
    elif mode == "pytorch_half_pixel":
        position = np.zeros(output, _F)
    elif mode == "half_pixel_symmetric":
        adjustment = _F(output) / (scale * _F(size))
        position = _F(size) / _F(2) * (_F(1) - adjustment) + (index + half) / scale - half
    elif mode == "align_corners":
        position = index * _F(size - 1) / _F(output - 1) if output > 1 else np.zeros(output, _F)
    elif mode == "asymmetric":
        position = index / scale
    elif mode == "tf_half_pixel_for_nn":
        position = (index + half) / scale
    else:
        lowering.refuse(f"it has the coordinates {mode!r}")
    return np.asarray(position, _F)


def _nearest(lowering: Lowering, position: NDArray[np.float32], size: int, mode: str) -> NDArray[np.int32]:
    rounding: dict[str, Callable[[NDArray[np.float64]], NDArray[np.float64]]] = {
        "round_prefer_floor": lambda p: np.ceil(p - 0.5),
        "round_prefer_ceil": lambda p: np.floor(p + 0.5),
        "floor": np.floor,
        "ceil": np.ceil,
    }
    if mode not in rounding:
        lowering.malformed(f"it has nearest_mode {mode!r}")
    return np.asarray(np.clip(rounding[mode](position.astype(np.float64)), 0, size - 1), np.int32)


def _linear(position: NDArray[np.float32], size: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """(low, high) of each output, and the weight of high."""
    inside = np.clip(position, 0, size - 1)
    low = np.floor(inside).astype(np.int32)
    return np.stack([low, np.minimum(low + 1, size - 1)], axis=1).astype(np.int32), inside - low.astype(_F)
