"""Sums of products in integers: weights and biases on their grids, and the scales that follow."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from intaglio.graph import AttrValue, Node, Tensor
from intaglio.grids import Dequantized, integers, numbers
from intaglio.passes.to_integer.lowering import Lowering, Operand, clamp_of
from intaglio.quantization import Requantization
from intaglio.rules.requantization import reach, sum_bound

_LIMIT = 2**31


@dataclass(frozen=True, eq=False)
class _Weights:
    integers: NDArray[np.int8]
    #: One per output channel.
    scale: NDArray[np.float32]
    zero_point: int


def conv2d(lowering: Lowering, node: Node) -> bool:
    return _sum(lowering, node, "conv2d", 0, lambda w: w.reshape(len(w), -1))


def transposed_conv2d(lowering: Lowering, node: Node) -> bool:
    return _sum(lowering, node, "transposed_conv2d", 0, lambda w: w.reshape(len(w), -1))


def depthwise_conv2d(lowering: Lowering, node: Node) -> bool:
    return _sum(lowering, node, "depthwise_conv2d", 2, lambda w: w.reshape(-1, w.shape[-1]).T)


def matmul(lowering: Lowering, node: Node) -> bool:
    """By a constant matrix it is fully connected, by anything else a batch of products."""
    a, b = (lowering.source.tensors[name] for name in node.inputs[:2])
    if lowering.grid(a.name) is None:
        return False
    is_matrix = b.constant is not None and math.prod(b.shape[:-2]) == 1 and len(b.shape) <= len(a.shape)
    weights = _weights(lowering, b, len(b.shape) - 1) if is_matrix else None
    if weights is None:
        return _batch_matmul(lowering, node)
    turned = weights.integers.reshape(b.shape[-2:]).T
    return _emit(lowering, node, "fully_connected", _Weights(turned, weights.scale, weights.zero_point), lambda w: w)


def _sum(
    lowering: Lowering, node: Node, op: str, channel_axis: int, rows: Callable[[NDArray[Any]], NDArray[Any]]
) -> bool:
    if lowering.grid(node.inputs[0]) is None:
        return False
    weights = _weights(lowering, lowering.source.tensors[node.inputs[1]], channel_axis)
    return weights is not None and _emit(lowering, node, op, weights, rows)


def _emit(
    lowering: Lowering,
    node: Node,
    op: str,
    weights: _Weights,
    rows: Callable[[NDArray[Any]], NDArray[Any]],
) -> bool:
    view = lowering.view(node)
    x, y = lowering.grids[node.inputs[0]], lowering.grids[node.outputs[0]]
    (sx, zx), (sy, _) = x.parameters, y.parameters
    bias = _bias(lowering, view["bias"], np.float32(sx) * weights.scale)
    if bias is None:
        return False
    if np.max(sum_bound(weights.integers, rows, bias, zx, weights.zero_point, _LIMIT), initial=0) >= _LIMIT:
        return False
    low, high = view.data("bounds")
    attrs: dict[str, AttrValue] = {
        **node.attrs,
        "requant": lowering.requant,
        "clamp": clamp_of(y, float(low), float(high)),
        "weight_zero_point": weights.zero_point,
    }
    inputs = (
        lowering.operand(node.inputs[0]).name,
        lowering.part(node, "weight", weights.integers),
        lowering.part(node, "bias", bias),
        *lowering.requantization(node, Requantization.of_product(lowering.requant, sx, weights.scale, sy)),
    )
    lowering.integer(node, op, inputs, attrs)
    return True


def _weights(lowering: Lowering, weight: Tensor, channel_axis: int) -> _Weights | None:
    """Constant weights with a scale for all or one per output channel, and one zero point."""
    grid = lowering.grids.get(weight.name)
    if weight.constant is None or grid is None or (grid.scale.size > 1 and grid.axis != channel_axis):
        return None
    zero_points = np.unique(grid.zero_point)
    if zero_points.size != 1:
        return None
    scale = np.broadcast_to(grid.scale.reshape(-1), (weight.shape[channel_axis],))
    return _Weights(np.asarray(integers(weight.constant, grid), np.int8), scale, int(zero_points[0]))


def _bias(lowering: Lowering, bias: Tensor, scale: NDArray[np.float32]) -> NDArray[np.int32] | None:
    """A constant bias in units of ``scale``, where it fits int32."""
    stored = bias.constant
    if stored is None:
        return None
    if isinstance(stored, Dequantized) and not stored.grid.zero_point.any():
        own = np.broadcast_to(stored.grid.scale.reshape(-1), scale.shape)
        if stored.integers.dtype == np.int32 and np.allclose(own, scale, rtol=1e-5, atol=0.0):
            return np.asarray(stored.integers, np.int32)
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        steps = np.rint(numbers(stored).astype(np.float64) / scale.astype(np.float64))
    fits = bool((np.abs(steps) < _LIMIT).all())
    return steps.astype(np.int32) if fits else None


def _batch_matmul(lowering: Lowering, node: Node) -> bool:
    view = lowering.view(node)
    names, bias = node.inputs[:2], view["bias"].data
    if any(lowering.grid(name) is None for name in names) or bias is None or bias.any():
        return False
    a, b = (lowering.grids[name] for name in names)
    y = lowering.grids[node.outputs[0]]
    if view["a"].shape[-1] * _reach(a.parameters[1]) * _reach(b.parameters[1]) >= _LIMIT:
        return False
    low, high = view.data("bounds")
    scales = Requantization.of_product(lowering.requant, a.parameters[0], b.parameters[0], y.parameters[0])
    operands: list[Operand] = [lowering.operand(name) for name in names]
    lowering.integer(
        node,
        "batch_matmul",
        (*(operand.name for operand in operands), *lowering.requantization(node, scales)),
        {"requant": lowering.requant, "clamp": clamp_of(y, float(low), float(high))},
    )
    return True


def _reach(zero_point: int) -> int:
    return reach(Tensor("", (), np.dtype(np.int8), zero_point=zero_point))
