"""Normalizations, with statistics from training or of the values at hand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from intaglio.frontends.onnx.elementwise import binary, unary
from intaglio.frontends.onnx.lowering import FLOAT32, Lowering
from intaglio.frontends.onnx.model import SourceNode
from intaglio.frontends.onnx.values import Value, constant, plain, stored_shape
from intaglio.opset import FloatBinary, FloatReduce, FloatUnary


def batch_normalization(
    lowering: Lowering, node: SourceNode, x: Value, scale: Value, bias: Value, mean: Value, variance: Value
) -> Value:
    """A factor and a term for each channel."""
    if node.attributes.get("training_mode", 0):
        lowering.refuse("it is in training mode; export the network for inference")
    if any(len(name) for name in node.outputs[1:]):
        lowering.refuse("it also gives statistics; export the network for inference")
    numbers = [
        np.asarray(lowering.weights(v, what).data, np.float64)
        for v, what in ((scale, "scale"), (bias, "bias"), (mean, "mean"), (variance, "variance"))
    ]
    if any(n.shape != (x.shape[1],) for n in numbers):
        lowering.malformed(f"its parameters do not fit {x.shape[1]} channels")
    gamma, beta, mu, sigma2 = numbers
    if (sigma2 + node.attributes.get("epsilon", 1e-5) <= 0).any():
        lowering.malformed(f"its variance {variance.name!r} is negative")
    factor = gamma / np.sqrt(sigma2 + node.attributes.get("epsilon", 1e-5))
    scaled = binary(lowering, FloatBinary.MUL, x, _per_channel(lowering, "factor", factor, len(x.shape)))
    return binary(lowering, FloatBinary.ADD, scaled, _per_channel(lowering, "term", beta - mu * factor, len(x.shape)))


def instance_normalization(lowering: Lowering, node: SourceNode, x: Value, scale: Value, bias: Value) -> Value:
    """Over the positions of each channel."""
    rank = len(x.shape)
    normal = _normalized(lowering, x, range(2, rank), node.attributes.get("epsilon", 1e-5))
    gamma, beta = (np.asarray(lowering.weights(v).data, np.float64) for v in (scale, bias))
    scaled = binary(lowering, FloatBinary.MUL, normal, _per_channel(lowering, "factor", gamma, rank))
    return binary(lowering, FloatBinary.ADD, scaled, _per_channel(lowering, "term", beta, rank))


def layer_normalization(
    lowering: Lowering, node: SourceNode, x: Value, scale: Value, bias: Value | None = None
) -> Value:
    """Over the last axes."""
    if any(len(name) for name in node.outputs[1:]):
        lowering.refuse("it also gives mean and deviation")
    first = lowering.axis(node.attributes.get("axis", -1), len(x.shape))
    normal = _normalized(lowering, x, range(first, len(x.shape)), node.attributes.get("epsilon", 1e-5))
    scaled = binary(lowering, FloatBinary.MUL, normal, lowering.weights(scale))
    return scaled if bias is None else binary(lowering, FloatBinary.ADD, scaled, lowering.weights(bias, "bias"))


def _normalized(lowering: Lowering, x: Value, axes: Sequence[int], epsilon: float) -> Value:
    """x without its mean, over its deviation."""
    lowering.floats(x)
    centred = binary(lowering, FloatBinary.SUB, x, _mean(lowering, x, axes))
    variance = _mean(lowering, binary(lowering, FloatBinary.MUL, centred, centred), axes)
    small = constant(f"{lowering.base}/epsilon", np.array(epsilon, FLOAT32))
    deviation = unary(lowering, FloatUnary.SQRT, binary(lowering, FloatBinary.ADD, variance, small))
    return binary(lowering, FloatBinary.DIV, centred, deviation)


def _mean(lowering: Lowering, x: Value, axes: Sequence[int]) -> Value:
    shape = tuple(1 if axis in axes else n for axis, n in enumerate(x.shape))
    order = plain(len(shape)) if x.constant is not None else x.order
    y = lowering.emit(
        "float_reduce", [lowering.stored(x, order)], stored_shape(shape, order), kind=FloatReduce.MEAN,
        axes=tuple(sorted(order.index(axis) for axis in axes)),
    )  # fmt: skip
    return lowering.result(y, shape, order)


def _per_channel(lowering: Lowering, name: str, values: NDArray[np.float64], rank: int) -> Value:
    data = values.astype(np.float32).reshape(1, -1, *[1] * (rank - 2))
    return constant(lowering.fresh(f"{lowering.base}/{name}"), data)
