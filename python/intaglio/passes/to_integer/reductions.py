"""Pools, means and softmax in integers."""

from __future__ import annotations

import math

import numpy as np

from intaglio.errors import QuantizationError
from intaglio.graph import AttrValue, Node
from intaglio.opset import FloatPool, FloatReduce, Requant, Rounding
from intaglio.passes.to_integer.lowering import Lowering, clamp_of
from intaglio.passes.to_integer.movement import finish
from intaglio.quantization import Requantization
from intaglio.rules.reductions import SOFTMAX_LIMIT
from intaglio.softmax_tables import softmax_numerator, softmax_table

#: Below this, a sum of (x - zero point) cannot leave int32.
_MOST_TERMS = 2**31 // 256


def pool2d(lowering: Lowering, node: Node) -> bool:
    """The largest on the grid of x; a mean is a sum of products with weights of 1 unless x and y share a grid."""
    x, y = lowering.grid(node.inputs[0]), lowering.grids[node.outputs[0]]
    if x is None:
        return False
    view = lowering.view(node)
    kind, padding = FloatPool(view.number("kind")), view.numbers("padding")
    operand = lowering.operand(node.inputs[0])
    attrs = {name: node.attrs[name] for name in ("kernel", "stride", "padding")}
    if kind is FloatPool.MAX:
        finish(lowering, node, "max_pool2d", operand, (), {**attrs, "clamp": (-128, 127)})
    elif kind is FloatPool.AVERAGE and (any(padding) or (x.agrees(y) and _never_ties(lowering, node))):
        attrs |= {"clamp": (-128, 127), "rounding": Rounding.HALF_AWAY}
        finish(lowering, node, "average_pool2d", operand, (), attrs)
    else:
        return _mean_of_windows(lowering, node)
    return True


def _never_ties(lowering: Lowering, node: Node) -> bool:
    """Whether halves, which `average_pool2d` rounds away from zero and float32 mode to even, cannot come up."""
    count = math.prod(lowering.view(node).numbers("kernel"))
    return lowering.requant is Requant.FIXED or count % 2 == 1


def _mean_of_windows(lowering: Lowering, node: Node) -> bool:
    """Every position counts, and those outside are zero: a depthwise convolution, rounded once."""
    view = lowering.view(node)
    kernel, stride, padding = (view.numbers(name) for name in ("kernel", "stride", "padding"))
    count, channels = math.prod(kernel), view["x"].shape[3]
    if count >= _MOST_TERMS:
        return False
    (sx, _), (sy, _) = (lowering.grids[name].parameters for name in (node.inputs[0], node.outputs[0]))
    factors = Requantization.of_factors(lowering.requant, np.full(channels, float(sx) / (float(sy) * count)))
    inputs = (
        lowering.operand(node.inputs[0]).name,
        lowering.part(node, "weight", np.ones((*kernel, channels), np.int8)),
        lowering.part(node, "bias", np.zeros(channels, np.int32)),
        *lowering.requantization(node, factors),
    )
    attrs: dict[str, AttrValue] = {"stride": stride, "padding": padding, "dilation": (1, 1), "weight_zero_point": 0}
    clamp = clamp_of(lowering.grids[node.outputs[0]])
    lowering.integer(node, "depthwise_conv2d", inputs, {**attrs, "requant": lowering.requant, "clamp": clamp})
    return True


def reduce(lowering: Lowering, node: Node) -> bool:
    """A sum is a mean whose scale leaves out the count."""
    view = lowering.view(node)
    kind, axes = FloatReduce(view.number("kind")), view.numbers("axes")
    y = lowering.grids[node.outputs[0]]
    count = math.prod(view["x"].shape[axis] for axis in axes)
    has_form = kind in (FloatReduce.MEAN, FloatReduce.SUM) and count < _MOST_TERMS
    if lowering.grid(node.inputs[0]) is None or not has_form or (y.low, y.high) != (-128, 127):
        return False
    (sx, _), (sy, _) = lowering.grids[node.inputs[0]].parameters, y.parameters
    divisor = float(sy) * (count if kind is FloatReduce.MEAN else 1)
    factors = lowering.requantization(node, Requantization.of_factors(lowering.requant, float(sx) / divisor))
    attrs: dict[str, AttrValue] = {"requant": lowering.requant, "axes": axes}
    lowering.integer(node, "mean", (lowering.operand(node.inputs[0]).name, *factors), attrs)
    return True


def softmax(lowering: Lowering, node: Node) -> bool:
    """By the table of float32 mode, which takes any output grid."""
    x, y, view = lowering.grid(node.inputs[0]), lowering.grids[node.outputs[0]], lowering.view(node)
    mode = Requant.FLOAT32
    if x is None or view.number("log") or view["x"].shape[-1] > SOFTMAX_LIMIT[mode] or (y.low, y.high) != (-128, 127):
        return False
    try:
        numerator = softmax_numerator(mode, float(y.parameters[0]))
    except QuantizationError:
        return False
    table = lowering.part(node, "table", softmax_table(mode, float(x.parameters[0])))
    attrs: dict[str, AttrValue] = {"requant": mode, "numerator": numerator}
    lowering.integer(node, "softmax", (lowering.operand(node.inputs[0]).name, table), attrs)
    return True
