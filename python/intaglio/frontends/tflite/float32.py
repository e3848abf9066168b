"""Operators on float32 tensors: sums of products, pools, reductions and resizes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from intaglio.frontends.tflite.convolution import dilations, strides, window
from intaglio.frontends.tflite.float32_elementwise import bounds, emit_bounded, float_input
from intaglio.frontends.tflite.lowering import FLOAT32, Lowering
from intaglio.frontends.tflite.matmul import matrices, rows, transposed
from intaglio.frontends.tflite.model import Operator
from intaglio.frontends.tflite.movement import normal_axis
from intaglio.geometry import same_transposed_padding
from intaglio.graph import AttrValue, Tensor
from intaglio.opset import FloatBinary, FloatPool, FloatReduce
from intaglio.resize_tables import float_bilinear_table, nearest_table

if TYPE_CHECKING:
    from numpy.typing import NDArray

_POOLS = {"MAX_POOL_2D": FloatPool.MAX, "AVERAGE_POOL_2D": FloatPool.AVERAGE}
_REDUCTIONS = {
    "MEAN": FloatReduce.MEAN,
    "SUM": FloatReduce.SUM,
    "REDUCE_MAX": FloatReduce.MAX,
    "REDUCE_MIN": FloatReduce.MIN,
}


def conv_2d(lowering: Lowering, op: Operator) -> None:
    x, weight = _image(lowering, op, 0), _weights(lowering, op, 1, 4)
    channels, kh, kw, per_group = weight.shape
    if per_group == 0 or x.shape[3] % per_group or channels % max(x.shape[3] // per_group, 1):
        lowering.malformed(op, f"weights {weight.shape} do not fit {x.shape[3]} input channels")
    stride, dilation = strides(lowering, op), dilations(lowering, op)
    padding, size = window(lowering, op, x, (kh, kw), stride, dilation)
    y = lowering.output(op, (x.shape[0], *size, channels))
    _emit(
        lowering, op, "float_conv2d", x, weight, 2, y,
        stride=stride, padding=padding, dilation=dilation, groups=x.shape[3] // per_group,
    )  # fmt: skip


def depthwise_conv_2d(lowering: Lowering, op: Operator) -> None:
    x, weight = _image(lowering, op, 0), _weights(lowering, op, 1, 4)
    one, kh, kw, channels = weight.shape
    if one != 1 or x.shape[3] == 0 or channels % x.shape[3]:
        lowering.malformed(op, f"weights {weight.shape} do not fit {x.shape[3]} input channels")
    assert weight.data is not None
    stride, dilation = strides(lowering, op), dilations(lowering, op)
    padding, size = window(lowering, op, x, (kh, kw), stride, dilation)
    y = lowering.output(op, (x.shape[0], *size, channels))
    taps = lowering.derived(weight, "taps", weight.data.reshape(kh, kw, channels))
    _emit(
        lowering, op, "float_depthwise_conv2d", x, taps, 2, y, stride=stride, padding=padding, dilation=dilation
    )  # fmt: skip


def transpose_conv(lowering: Lowering, op: Operator) -> None:
    """Inputs are the output shape, weights, x and an optional bias."""
    shape = lowering.integers(op, 0, "output shape")
    x, weight = _image(lowering, op, 2), _weights(lowering, op, 1, 4)
    channels, kh, kw, depth = weight.shape
    if len(shape) != 4 or shape[3] != channels or depth != x.shape[3] or min(shape) < 1:
        lowering.malformed(op, f"output shape {shape} and weights {weight.shape} do not fit input {x.shape}")
    stride = strides(lowering, op)
    height = same_transposed_padding(x.shape[1], kh, stride[0], shape[1])
    width = same_transposed_padding(x.shape[2], kw, stride[1], shape[2])
    y = lowering.output(op, (x.shape[0], shape[1], shape[2], channels))
    padding = (height[0], width[0], height[1], width[1])
    _emit(lowering, op, "float_transposed_conv2d", x, weight, 3, y, stride=stride, padding=padding)


def fully_connected(lowering: Lowering, op: Operator) -> None:
    if op.options["weights_format"] != 0:
        lowering.refuse(op, "its weights are shuffled for one CPU; export with the default weights format")
    x = float_input(lowering, op, 0)
    constant = lowering.constant_value(op, 1) is not None
    weight = _weights(lowering, op, 1, 2) if constant else float_input(lowering, op, 1)
    if len(weight.shape) != 2:
        lowering.malformed(op, f"its weights have the shape {weight.shape}, expected rank 2")
    channels, depth = weight.shape
    leading = rows(lowering, op, x, depth)
    y = lowering.output(op, (*leading, channels))
    weight = transposed(lowering, weight)
    if leading:
        _emit(lowering, op, "float_matmul", lowering.reshaped(x, (*leading, depth), y), weight, 2, y)
        return
    row = lowering.temporary(y, "row", (1, channels), y)
    _emit(lowering, op, "float_matmul", lowering.reshaped(x, (1, depth), y), weight, 2, row)
    lowering.emit("reshape", [row], y)


def batch_matmul(lowering: Lowering, op: Operator) -> None:
    a, b, shape = matrices(lowering, op, float_input(lowering, op, 0), float_input(lowering, op, 1))
    y = lowering.output(op, shape)
    bias = lowering.parameter(y, "bias", np.zeros(y.shape[-1], np.float32))
    limits = lowering.parameter(y, "bounds", np.array([-np.inf, np.inf], np.float32))
    lowering.emit("float_matmul", [a, b, bias, limits], y)


def pool_2d(lowering: Lowering, op: Operator) -> None:
    x = _image(lowering, op, 0)
    kernel, stride = (op.options["filter_h"], op.options["filter_w"]), strides(lowering, op)
    padding, size = window(lowering, op, x, kernel, stride)
    y = lowering.output(op, (x.shape[0], *size, x.shape[3]))
    attrs: dict[str, AttrValue] = {"kind": _POOLS[op.op], "kernel": kernel, "stride": stride, "padding": padding}
    emit_bounded(lowering, op, "float_pool2d", [x], y, **attrs)


def reduce(lowering: Lowering, op: Operator) -> None:
    x = float_input(lowering, op, 0)
    rank = len(x.shape)
    axes = sorted({normal_axis(lowering, op, a, rank) for a in lowering.integers(op, 1, "axes")})
    kept = [1 if i in axes else n for i, n in enumerate(x.shape)]
    shape = kept if op.options["keep_dims"] else [n for i, n in enumerate(x.shape) if i not in axes]
    if math.prod(x.shape[i] for i in axes) == 0:
        lowering.malformed(op, f"it reduces no values along axes {axes} of {x.shape}")
    y = lowering.output(op, shape)
    lowering.emit("float_reduce", [x], y, kind=_REDUCTIONS[op.op], axes=tuple(axes))


def softmax(lowering: Lowering, op: Operator) -> None:
    x = float_input(lowering, op, 0)
    beta = np.array(op.options.get("beta", 1.0), np.float32)
    if not (np.isfinite(beta) and beta > 0):
        lowering.malformed(op, f"its beta is {beta}")
    if not x.shape or x.shape[-1] == 0:
        lowering.malformed(op, f"its input has the shape {x.shape}")
    y = lowering.output(op, x.shape)
    if beta != 1:
        scaled = lowering.temporary(y, "scaled", x.shape, y)
        x = lowering.emit("float_binary", [x, lowering.parameter(y, "beta", beta)], scaled, kind=FloatBinary.MUL)
    lowering.emit("float_softmax", [x], y, log=int(op.op == "LOG_SOFTMAX"))


def resize_nearest(lowering: Lowering, op: Operator) -> None:
    x, size, corners = _resize_inputs(lowering, op)
    y = lowering.output(op, (x.shape[0], *size, x.shape[3]))
    tables = (nearest_table(x.shape[i + 1], size[i], **corners) for i in range(2))
    inputs = [lowering.parameter(y, name, table) for name, table in zip(("row", "column"), tables, strict=True)]
    lowering.emit("resize_nearest", [x, *inputs], y)


def resize_bilinear(lowering: Lowering, op: Operator) -> None:
    x, size, corners = _resize_inputs(lowering, op)
    y = lowering.output(op, (x.shape[0], *size, x.shape[3]))
    tables = []
    for i, name in enumerate(("row", "column")):
        positions, weight = float_bilinear_table(x.shape[i + 1], size[i], **corners)
        tables += [lowering.parameter(y, name, positions), lowering.parameter(y, f"{name}_weight", weight)]
    lowering.emit("float_resize_bilinear", [x, *tables], y)


def _resize_inputs(lowering: Lowering, op: Operator) -> tuple[Tensor, list[int], dict[str, bool]]:
    """The image, its new height and width, and where its corners lie."""
    x = _image(lowering, op, 0)
    size = lowering.integers(op, 1, "output size")
    if len(size) != 2 or min(size) < 1 or 0 in x.shape[1:3]:
        lowering.malformed(op, f"input {x.shape} cannot be resized to {size}")
    corners = {name: bool(op.options[name]) for name in ("align_corners", "half_pixel_centers")}
    if all(corners.values()):
        lowering.malformed(op, "align_corners and half_pixel_centers exclude each other")
    return x, size, corners


def _image(lowering: Lowering, op: Operator, i: int) -> Tensor:
    x = float_input(lowering, op, i)
    if len(x.shape) != 4:
        lowering.malformed(op, f"its input has the shape {x.shape}, expected [N, H, W, C]")
    return x


def _weights(lowering: Lowering, op: Operator, i: int, rank: int) -> Tensor:
    """Constant weights as float32; those stored as integers stand for the floats they are scaled to."""
    source, tensor = lowering.source(op, i), lowering.input(op, i)
    if tensor.data is None:
        lowering.refuse(op, f"its weights {source.name!r} are computed while the network runs")
    if len(tensor.shape) != rank:
        lowering.malformed(op, f"its weights have the shape {tensor.shape}, expected rank {rank}")
    if tensor.dtype == FLOAT32:
        return tensor
    if source.scale.size == 0 or tensor.dtype != np.int8:
        lowering.malformed(op, f"its weights {source.name!r} are {source.type} without a scale")
    axis = source.quantized_dimension if source.scale.size > 1 else 0
    if not 0 <= axis < rank or source.scale.size not in (1, tensor.shape[axis]):
        lowering.malformed(op, f"its weights {source.name!r} have {source.scale.size} scales along axis {axis}")
    along = [-1 if a == axis else 1 for a in range(rank)]
    shift = 128 if source.type == "uint8" else 0
    centred = tensor.data.astype(np.int32) - (source.zero_point.astype(np.int32) - shift).reshape(along)
    return lowering.parameter(tensor, "float32", np.asarray(centred * source.scale.reshape(along), np.float32))


def _emit(
    lowering: Lowering, op: Operator, name: str, x: Tensor, weight: Tensor, bias_input: int, y: Tensor,
    **geometry: AttrValue,
) -> None:  # fmt: skip
    limits = np.array(bounds(lowering, op), np.float32)
    inputs = [x, weight, _bias(lowering, op, bias_input, y), lowering.parameter(y, "bounds", limits)]
    lowering.emit(name, inputs, y, **geometry)


def _bias(lowering: Lowering, op: Operator, i: int, y: Tensor) -> Tensor:
    channels = y.shape[-1]
    if not lowering.has_input(op, i):
        return lowering.parameter(y, "bias", np.zeros(channels, np.float32))
    bias: NDArray[np.float32] = lowering.constant(op, i, "bias")
    if bias.dtype != FLOAT32 or bias.size != channels:
        lowering.malformed(op, f"its bias has element type {bias.dtype} and {bias.size} elements")
    tensor = lowering.input(op, i)
    return tensor if tensor.shape == (channels,) else lowering.parameter(y, "bias", bias.reshape(channels))
