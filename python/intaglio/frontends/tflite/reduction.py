"""MAX_POOL_2D, AVERAGE_POOL_2D, MEAN, SOFTMAX, ARG_MAX, ARG_MIN."""

from __future__ import annotations

import math

import numpy as np

from intaglio.frontends.tflite.convolution import strides, window
from intaglio.frontends.tflite.lowering import Lowering
from intaglio.frontends.tflite.model import Operator
from intaglio.frontends.tflite.movement import normal_axis, single
from intaglio.frontends.tflite.requantization import add_inputs, clamp, scale_of
from intaglio.graph import AttrValue, Tensor
from intaglio.opset import Requant, Rounding
from intaglio.quantization import Requantization, quantize_multiplier, requant_scale
from intaglio.softmax_tables import softmax_numerator, softmax_table


def max_pool_2d(lowering: Lowering, op: Operator) -> None:
    _pool(lowering, op, "max_pool2d")


def average_pool_2d(lowering: Lowering, op: Operator) -> None:
    """TFLite rounds the mean of int8 values half away from zero, that of uint8 values half up."""
    rounding = Rounding.HALF_UP if lowering.source_output(op).type == "uint8" else Rounding.HALF_AWAY
    _pool(lowering, op, "average_pool2d", rounding=rounding)


def mean(lowering: Lowering, op: Operator) -> None:
    x = lowering.quantized(op, 0)
    rank = len(x.shape)
    axes = sorted({normal_axis(lowering, op, a, rank) for a in lowering.integers(op, 1, "axes")})
    kept = [1 if i in axes else n for i, n in enumerate(x.shape)]
    shape = kept if op.options["keep_dims"] else [n for i, n in enumerate(x.shape) if i not in axes]
    count = math.prod(x.shape[i] for i in axes)
    if count == 0:
        lowering.malformed(op, f"it takes the mean of no values along axes {axes} of {x.shape}")
    y = lowering.quantized_output(op, shape)
    scale, shift = add_inputs(lowering, y, _mean_requantization(lowering.requant, x, y, count))
    lowering.emit("mean", [x, scale, shift], y, requant=lowering.requant, axes=tuple(axes))


def softmax(lowering: Lowering, op: Operator) -> None:
    x = lowering.quantized(op, 0)
    if not x.shape:
        lowering.malformed(op, "its input has rank 0")
    beta = op.options["beta"]
    if not (math.isfinite(beta) and beta > 0):
        lowering.malformed(op, f"its beta is {beta}")
    y = lowering.quantized_output(op, x.shape)
    mode = lowering.requant
    if mode is Requant.FIXED and (y.zero_point != -128 or abs(scale_of(y) * 256 - 1) > 1e-3):
        lowering.refuse(op, f"fixed requantization needs its output to have scale 1/256, not {scale_of(y)}")
    table = lowering.parameter(y, "table", softmax_table(mode, float(scale_of(x)), beta))
    lowering.emit("softmax", [x, table], y, requant=mode, numerator=softmax_numerator(mode, float(scale_of(y))))


def arg_max(lowering: Lowering, op: Operator) -> None:
    _arg_extreme(lowering, op, "arg_max")


def arg_min(lowering: Lowering, op: Operator) -> None:
    _arg_extreme(lowering, op, "arg_min")


def _pool(lowering: Lowering, op: Operator, name: str, **attrs: AttrValue) -> None:
    x = lowering.quantized(op, 0)
    if len(x.shape) != 4:
        lowering.malformed(op, f"its input has the shape {x.shape}, expected [N, H, W, C]")
    kernel, stride = (op.options["filter_h"], op.options["filter_w"]), strides(lowering, op)
    padding, size = window(lowering, op, x, kernel, stride)
    y = lowering.quantized_output(op, (x.shape[0], *size, x.shape[3]))
    x = lowering.relabelled(x, y)
    lowering.emit(name, [x], y, kernel=kernel, stride=stride, padding=padding, clamp=clamp(lowering, op, y), **attrs)


def _mean_requantization(mode: Requant, x: Tensor, y: Tensor, count: int) -> Requantization:
    if mode is Requant.FLOAT32:
        return Requantization.of_scales(requant_scale(scale_of(x), 1, scale_of(y)) / np.float32(count))
    # TFLite divides the fixed-point multiplier by the count, keeping its bits by a shift first.
    multiplier, shift = quantize_multiplier(float(scale_of(x)) / float(scale_of(y)))
    bits = min(count.bit_length() - 1, 32, 31 + shift)
    return Requantization.of_multipliers((multiplier << bits) // count, shift - bits)


def _arg_extreme(lowering: Lowering, op: Operator, name: str) -> None:
    x = lowering.input(op, 0) if lowering.source(op, 0).type == "float32" else lowering.quantized(op, 0)
    axis = normal_axis(lowering, op, single(lowering, op, 1, "axis"), len(x.shape))
    if x.shape[axis] == 0:
        lowering.malformed(op, f"axis {axis} of {x.shape} is empty")
    y = lowering.output(op, (*x.shape[:axis], *x.shape[axis + 1 :]))
    if y.dtype not in (np.int32, np.int64):
        lowering.malformed(op, f"its output is {y.dtype}, expected int32 or int64")
    lowering.emit(name, [x], y, axis=axis)
