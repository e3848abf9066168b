"""Bias correction: what rounding the weights does to the mean of each output channel is taken back in the bias."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from intaglio.calibration import Statistics
from intaglio.graph import Graph, Node
from intaglio.grids import Grids
from intaglio.passes.uses import unused

_CORRECTED = ("float_conv2d", "float_depthwise_conv2d", "float_matmul")


def inputs_to_measure(graph: Graph, nodes: Iterable[Node]) -> list[str]:
    """The tensors whose means per channel the correction needs."""
    return sorted({node.inputs[0] for node in nodes if _is_corrected(graph, node)})


def correct_bias(graph: Graph, nodes: Iterable[Node], grids: Grids, statistics: Statistics) -> Graph:
    """The graph with corrected biases; ``grids`` are those of the weights."""
    tensors = dict(graph.tensors)
    changed: dict[str, Node] = {}
    for node in nodes:
        if not _is_corrected(graph, node):
            continue
        weight, bias = (graph.tensors[name] for name in node.inputs[1:3])
        assert weight.data is not None and bias.data is not None
        grid = grids[weight.name]
        error = grid.reals(grid.rounded(weight.data)).astype(np.float64) - weight.data
        mean = statistics.means(node.inputs[0]).astype(np.float64)
        shift = _mean_output(graph, node, error, mean)
        name = unused(tensors, f"{node.name}/corrected_bias")
        tensors[name] = replace(bias, name=name, constant=(bias.data - shift).astype(np.float32))
        changed[node.name] = replace(node, inputs=(*node.inputs[:2], name, *node.inputs[3:]))
    return replace(graph, tensors=tensors, nodes=tuple(changed.get(node.name, node) for node in graph.nodes))


def _is_corrected(graph: Graph, node: Node) -> bool:
    constants = all(graph.tensors[name].constant is not None for name in node.inputs[1:3])
    return node.op in _CORRECTED and constants and (node.op != "float_matmul" or _is_matrix(graph, node))


def _is_matrix(graph: Graph, node: Node) -> bool:
    return len(graph.tensors[node.inputs[1]].shape) == 2


def _mean_output(
    graph: Graph, node: Node, weight: NDArray[np.float64], mean: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The mean of each output channel where each input channel has this mean."""
    if node.op == "float_matmul":
        return np.asarray(mean @ weight)
    inside = _share_inside(graph, node)
    if node.op == "float_depthwise_conv2d":
        taps = np.einsum("yxo,yx->o", weight, inside)
        return np.asarray(taps * np.repeat(mean, len(taps) // len(mean)))
    groups = node.attrs["groups"]
    assert isinstance(groups, int)
    per_output = np.repeat(mean.reshape(groups, -1), len(weight) // groups, axis=0)
    return np.asarray(np.einsum("oyxi,yx,oi->o", weight, inside, per_output))


def _share_inside(graph: Graph, node: Node) -> NDArray[np.float64]:
    """[kh, kw]: for how many of the outputs each tap of the window meets the input and not its padding."""
    x, weight, y = (graph.tensors[name] for name in (node.inputs[0], node.inputs[1], node.outputs[0]))
    kernel = weight.shape[1:3] if node.op == "float_conv2d" else weight.shape[:2]
    stride, padding, dilation = (node.attrs[name] for name in ("stride", "padding", "dilation"))
    assert isinstance(stride, tuple) and isinstance(padding, tuple) and isinstance(dilation, tuple)
    shares = []
    for axis in range(2):
        taps, outputs = np.arange(kernel[axis]) * dilation[axis], np.arange(y.shape[1 + axis]) * stride[axis]
        position = taps[:, None] + outputs[None, :] - padding[axis]
        shares.append(((position >= 0) & (position < x.shape[1 + axis])).mean(axis=1))
    return np.asarray(shares[0][:, None] * shares[1][None, :])
