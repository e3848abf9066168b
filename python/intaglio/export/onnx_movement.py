"""Moving values, resampling, and changes of element type."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from intaglio.export.onnx_assembly import CHANNELS_FIRST, Array, Assembly, onnx_type
from intaglio.frontends.onnx.values import plain, stored_shape
from intaglio.resize_tables import BILINEAR_UNITS
from intaglio.rules.view import NodeView

#: Smaller than any position: where a slice that runs backwards ends if it takes the first element.
_BEFORE_FIRST: Final = -(2**31)
_BEYOND_LAST: Final = 2**31
_COORDINATES: Final = ("half_pixel", "asymmetric", "align_corners")
_NEAREST: Final[dict[str, Callable[[Array], Array]]] = {
    "floor": np.floor,
    "round_prefer_floor": lambda p: np.ceil(p - 0.5),
    "round_prefer_ceil": lambda p: np.floor(p + 0.5),
    "ceil": np.ceil,
}


def reshape(out: Assembly, view: NodeView) -> None:
    x, y = view["x"], view.output
    usual, order = plain(len(x.shape)), out.order(x)
    numbers = out.numbers(x, order if out.may_reshape(x.shape, order, usual) else usual)
    out.finish(y, out.emit("Reshape", [numbers, out.shape(y.shape)]))


def transpose(out: Assembly, view: NodeView) -> None:
    """The same value with its axes called otherwise."""
    x, y, permutation = view["x"], view.output, view.numbers("permutation")
    order = out.order(x)
    renamed = tuple(permutation.index(axis) for axis in order)
    if out.is_unsigned(x) == out.is_unsigned(y):
        out.finish_stored(y, out.stored(x, order), renamed)
    else:
        out.finish(y, out.numbers(x), renamed)


def slice_(out: Assembly, view: NodeView) -> None:
    x, y = view["x"], view.output
    order, rank, numbers = out.order(x), len(x.shape), view.numbers("begin_stride")
    begin, stride = numbers[:rank], numbers[rank:]
    end = [b + n * s for b, n, s in zip(begin, y.shape, stride, strict=True)]
    # A negative end would count from the back.
    end = [_BEFORE_FIRST if e < 0 else e for e in end]
    if out.is_batched:
        end[0] = _BEYOND_LAST
    parts = (begin, end, range(rank), stride)
    names = [
        out.integers(name, [part[axis] for axis in order] if name != "axes" else list(part))
        for name, part in zip(("starts", "ends", "axes", "steps"), parts, strict=True)
    ]
    out.finish(y, out.emit("Slice", [out.numbers(x), *names]), order)


def pad(out: Assembly, view: NodeView) -> None:
    x, padding, value = view["x"], view.numbers("padding"), view.number("value")
    order = out.order(x)
    if x.scale is not None:
        fill = np.array(float(x.scale) * (value - x.zero_point), np.float32)
    else:
        fill = np.array(value, np.int32).view(np.float32) if x.dtype == np.float32 else np.array(value, x.dtype)
    pads = [padding[2 * axis + side] for side in (0, 1) for axis in order]
    inputs = [out.numbers(x), out.integers("pads", pads), out.constant("value", fill)]
    out.finish(view.output, out.emit("Pad", inputs), order)


def concat(out: Assembly, view: NodeView) -> None:
    usual = plain(len(view.output.shape))
    orders = [out.order(tensor) for tensor in view.inputs if tensor.data is None]
    order = max(orders, key=lambda o: o != usual, default=usual)
    parts = [out.numbers(tensor, order) for tensor in view.inputs]
    out.finish(view.output, out.emit("Concat", parts, axis=order.index(view.number("axis"))), order)


def broadcast_to(out: Assembly, view: NodeView) -> None:
    x, y = view["x"], view.output
    order = out.order(x) if len(x.shape) == len(y.shape) else plain(len(y.shape))
    shape = out.integers("shape", stored_shape(y.shape, order))
    out.finish(y, out.emit("Expand", [out.numbers(x, order), shape]), order)


def gather(out: Assembly, view: NodeView) -> None:
    inputs = [out.numbers(tensor, plain(len(tensor.shape))) for tensor in view.inputs]
    out.finish(view.output, out.emit("Gather", inputs, axis=view.number("axis")))


def gather_nd(out: Assembly, view: NodeView) -> None:
    inputs = [out.numbers(tensor, plain(len(tensor.shape))) for tensor in view.inputs]
    out.finish(view.output, out.emit("GatherND", inputs))


def resize_nearest(out: Assembly, view: NodeView) -> None:
    """By the mode that gives the same positions; positions of no mode are gathered."""
    x, y, tables = view["x"], view.output, [view.data(name) for name in ("row", "column")]
    for coordinates in _COORDINATES:
        for mode, rounded in _NEAREST.items():
            positions = [
                np.clip(rounded(_positions(x.shape[1 + i], y.shape[1 + i], coordinates)), 0, x.shape[1 + i] - 1)
                for i in (0, 1)
            ]
            if all(np.array_equal(p, table) for p, table in zip(positions, tables, strict=True)):
                _resize(out, view, mode="nearest", coordinate_transformation_mode=coordinates, nearest_mode=mode)
                return
    numbers = out.numbers(x, CHANNELS_FIRST)
    for name, table, axis in zip(("row", "column"), tables, (2, 3), strict=True):
        numbers = out.emit("Gather", [numbers, out.constant(name, table)], axis=axis)
    out.finish(y, numbers, CHANNELS_FIRST)


def resize_bilinear(out: Assembly, view: NodeView) -> None:
    """Steps may be rounded to 1/1024, so positions are near those of a mode."""
    weights = [view.data(name)[:, 2] / BILINEAR_UNITS[view.requant] for name in ("row", "column")]
    _linear(out, view, weights, [(len(weight) + 2) / 2048 for weight in weights])


def float_resize_bilinear(out: Assembly, view: NodeView) -> None:
    weights = [view.data(name).astype(np.float64) for name in ("row_weight", "column_weight")]
    _linear(out, view, weights, [1e-6 * max(size, 1000) for size in view["x"].shape[1:3]])


def quantize(out: Assembly, view: NodeView) -> None:
    out.finish(view.output, out.numbers(view["x"]), out.order(view["x"]))


def dequantize(out: Assembly, view: NodeView) -> None:
    out.finish(view.output, out.numbers(view["x"]), out.order(view["x"]))


def cast(out: Assembly, view: NodeView) -> None:
    """Bytes count as they are stored in the graph, whatever their scale; those of uint8 lie 128 higher."""
    x, y = view["x"], view.output
    order = out.order(x)
    shift = 128 * out.is_unsigned(y) - 128 * out.is_unsigned(x)
    target = onnx_type(np.dtype(np.uint8) if out.is_unsigned(y) else y.dtype)
    number = out.stored(x, order)
    if shift:
        number = out.emit("Cast", [number], to=onnx_type(np.dtype(np.int32)))
        number = out.emit("Add", [number, out.constant("shift", np.array(shift, np.int32))])
    out.finish_stored(y, out.emit("Cast", [number], to=target), order)


def _resize(out: Assembly, view: NodeView, **attributes: str) -> None:
    """By sizes: factors in float32 have no value that all engines round to the same size and positions."""
    y = view.output
    numbers = out.numbers(view["x"], CHANNELS_FIRST)
    sizes = stored_shape(y.shape, CHANNELS_FIRST)
    if out.is_batched:
        batch = out.emit("Shape", [numbers], start=0, end=1)
        size = out.emit("Concat", [batch, out.integers("sizes", sizes[1:])], axis=0)
    else:
        size = out.integers("sizes", sizes)
    out.finish(y, out.emit("Resize", [numbers, "", "", size], **attributes), CHANNELS_FIRST)


def _linear(out: Assembly, view: NodeView, weights: list[Array], tolerance: list[float]) -> None:
    """By the mode whose positions are nearest, if they are near enough."""
    x, y = view["x"], view.output
    axes = []
    for i, (name, weight) in enumerate(zip(("row", "column"), weights, strict=True)):
        low, high = view.data(name)[:, 0], view.data(name)[:, 1]
        if not np.isin(high - low, (0, 1)).all():
            out.refuse(view, "it mixes positions that are no neighbours")
        axes.append((x.shape[1 + i], y.shape[1 + i], low + (high - low) * weight, tolerance[i]))

    def distance(coordinates: str) -> float:
        """In tolerances, where it is largest."""
        expected = [np.clip(_positions(size, output, coordinates), 0, size - 1) for size, output, _, _ in axes]
        return max(
            float(np.abs(mode - given).max(initial=0)) / limit
            for mode, (_, _, given, limit) in zip(expected, axes, strict=True)
        )

    best = min(_COORDINATES, key=distance)
    if not distance(best) <= 1:
        out.refuse(view, "its positions are those of no mode")
    _resize(out, view, mode="linear", coordinate_transformation_mode=best)


def _positions(size: int, output: int, coordinates: str) -> Array:
    """Where outputs lie in the input."""
    index = np.arange(output, dtype=np.float64)
    if coordinates == "half_pixel":
        return np.asarray((index + 0.5) * size / output - 0.5)
    if coordinates == "align_corners":
        return np.asarray(index * (size - 1) / max(output - 1, 1))
    return np.asarray(index * size / output)
