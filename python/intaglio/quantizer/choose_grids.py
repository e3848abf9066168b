"""The grid of every tensor of the nodes that become integer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from intaglio.calibration import Statistics
from intaglio.errors import QuantizationError
from intaglio.graph import Graph, Node, Tensor
from intaglio.grids import Grid, Grids
from intaglio.opset import FloatUnary
from intaglio.passes.fuse_activations import SUMS
from intaglio.quantizer.groups import Group
from intaglio.quantizer.options import PerNode

#: What these give whatever they are given, so that no calibration can cut it short.
_KNOWN_RANGES: Final = {
    FloatUnary.SIGMOID: (0.0, 1.0),
    FloatUnary.HARD_SIGMOID: (0.0, 1.0),
    FloatUnary.TANH: (-1.0, 1.0),
}
_TINY: Final = float(np.finfo(np.float32).tiny)
#: Accumulators stay below this, which leaves room for the sums of products beside the bias.
_MOST_BIAS: Final = 2.0**30


def ranges_to_measure(graph: Graph, groups: Iterable[Group], options: PerNode) -> list[str]:
    """The tensors that decide a range by their values."""
    makers = _makers(graph)
    return sorted(
        name
        for group in groups
        if not _given(group, makers, options)
        for name in group.deciding
        if graph.tensors[name].constant is None and _known_range(makers.get(name)) is None
    )


def activation_grids(graph: Graph, groups: Iterable[Group], statistics: Statistics, options: PerNode) -> Grids:
    """One grid per group: of the ranges that are given for its tensors, or else of those that decide."""
    makers = _makers(graph)
    grids: Grids = {}
    for group in groups:
        symmetric = any(options.of(makers.get(name)).activations == "int8_symmetric" for name in group.members)
        ranges = _given(group, makers, options)
        for name in sorted(group.deciding) if not ranges else ():
            data, known = graph.tensors[name].data, _known_range(makers.get(name))
            if data is not None:
                known = float(data.min(initial=0)), float(data.max(initial=0))
            by_method = replace(statistics, method=options.of(makers.get(name)).calibration_method)
            ranges.append(by_method.range(name, symmetric=symmetric) if known is None else known)
        low, high = min(low for low, _ in ranges), max(high for _, high in ranges)
        grids.update(dict.fromkeys(group.members, grid_of_range(low, high, symmetric=symmetric)))
    return grids


def grid_of_range(low: float, high: float, *, symmetric: bool = False) -> Grid:
    """The finest grid from ``low`` to ``high`` that holds zero."""
    low, high = min(low, 0.0), max(high, 0.0)
    if symmetric:
        scale = np.float32(max(-low, high, 127 * _TINY) / 127)
        return Grid(np.asarray(scale), np.zeros((), np.int32))
    scale = np.float32(max((high - low) / 255, _TINY))
    zero_point = int(np.clip(np.rint(-128 - low / float(scale)), -128, 127))
    # Other engines have asymmetric activations as uint8, and round sums so.
    return Grid(np.asarray(scale), np.array(zero_point, np.int32), unsigned=True)


def weight_grids(graph: Graph, nodes: Iterable[Node], activations: Grids, options: PerNode) -> Grids:
    """Grids of constant weights; layers that share weights share a grid fit for all of them."""
    grids: Grids = {}
    for node in nodes:
        if node.op not in SUMS or graph.tensors[node.inputs[1]].constant is None:
            continue
        weight, bias = (graph.tensors[name] for name in node.inputs[1:3])
        assert weight.data is not None
        axis = channel_axis(node, weight) if options.of(node).per_channel else None
        least = _least_scale(bias, axis, float(activations[node.inputs[0]].scale))
        if weight.name in grids:
            least = np.maximum(least, grids[weight.name].scale)
        grids[weight.name] = weight_grid(weight.data, axis, least)
    return grids


def weight_grid(weight: NDArray[np.float32], axis: int | None, least: NDArray[np.float64] | float = 0.0) -> Grid:
    """The finest symmetric grid that holds the weights, per channel along ``axis``, with scales of at least these."""
    others = None if axis is None else tuple(i for i in range(weight.ndim) if i != axis)
    largest = np.abs(weight).max(axis=others, initial=0).astype(np.float64)
    scale = np.maximum(largest / 127, least)
    scale = np.where(scale > _TINY, scale, 1.0).astype(np.float32)
    return Grid(scale, np.zeros(scale.shape, np.int32), axis, low=-127)


def _least_scale(bias: Tensor, axis: int | None, scale_x: float) -> NDArray[np.float64]:
    """A bias far above its weights must still fit the accumulator."""
    if bias.data is None:
        return np.zeros(())
    needed = np.abs(bias.data.astype(np.float64)) / (scale_x * _MOST_BIAS)
    return np.asarray(needed.max(initial=0) if axis is None else needed)


def channel_axis(node: Node, weight: Tensor) -> int:
    """The axis of the output channels of a weight."""
    return 0 if node.op in ("float_conv2d", "float_transposed_conv2d") else len(weight.shape) - 1


def _makers(graph: Graph) -> dict[str, Node]:
    return {name: node for node in graph.nodes for name in node.outputs}


def _given(group: Group, makers: dict[str, Node], options: PerNode) -> list[tuple[float, float]]:
    """The ranges that overrides give for tensors of a group."""
    ranges = (options.of(makers.get(name)).range for name in sorted(group.members))
    return [given for given in ranges if given is not None]


def _known_range(node: Node | None) -> tuple[float, float] | None:
    if node is None:
        return None
    if node.op == "float_softmax":
        return 0.0, 1.0
    kind = node.attrs.get("kind") if node.op == "float_unary" else None
    return next((known for unary, known in _KNOWN_RANGES.items() if kind == unary), None)


def check_constants(graph: Graph) -> None:
    """Refuse NaN and infinities in weights and biases."""
    for node in graph.nodes:
        for name in node.inputs[1:3] if node.op in SUMS else ():
            data = graph.tensors[name].data
            if data is not None and not np.isfinite(data).all():
                bad = data[~np.isfinite(data)][0]
                raise QuantizationError(f"node '{node.name}' ({node.op}): '{name}': expected finite numbers, got {bad}")
