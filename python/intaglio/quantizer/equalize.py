"""Cross-layer equalization: channels that are large in one layer and small in the next meet in the middle.

Between two sums of products with nothing but positively homogeneous ops between them, a channel may be divided by a
positive factor in the first and multiplied by it in the second, and the network computes what it did before.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from intaglio.graph import Graph, Node, Tensor
from intaglio.opset import FloatReduce, FloatUnary
from intaglio.passes.fuse_activations import SUMS
from intaglio.passes.uses import Uses

_ROUNDS: Final = 20
_SETTLED: Final = 1e-3
#: Channels without weights, or nearly so, are left alone.
_LARGEST_FACTOR: Final = 1e4


def equalize(graph: Graph, chosen: set[str]) -> tuple[Graph, dict[str, NDArray[np.float64]]]:
    """The graph with equalized weights, and by what each changed tensor was divided, per channel."""
    pairs = list(_pairs(graph, chosen))
    data = {
        name: array.astype(np.float64)
        for first, _, second in pairs
        for name in (*first.inputs[1:3], second.inputs[1])
        if (array := graph.tensors[name].data) is not None
    }
    total: dict[str, NDArray[np.float64]] = {}
    for _ in range(_ROUNDS):
        change = 0.0
        for first, between, second in pairs:
            factor = _factor(_ranges_out(first, data), _ranges_in(second, data, graph))
            change = max(change, float(np.abs(np.log(factor)).max(initial=0)))
            _divide(first, data, factor)
            _multiply(second, data, graph, factor)
            for name in between:
                total[name] = total.get(name, np.ones(len(factor))) * factor
        if change < _SETTLED:
            break
    tensors = dict(graph.tensors)
    tensors |= {name: replace(tensors[name], constant=array.astype(np.float32)) for name, array in data.items()}
    return replace(graph, tensors=tensors), total


def _pairs(graph: Graph, chosen: set[str]) -> Iterator[tuple[Node, list[str], Node]]:
    """(first, tensors between, second), where weights and biases are constants that nothing else reads."""
    uses = Uses(graph)

    def own_constants(node: Node) -> bool:
        names = node.inputs[1:3]
        return all(graph.tensors[n].constant is not None and len(uses.readers[n]) == 1 for n in names)

    for first in graph.nodes:
        if first.op not in SUMS or first.name not in chosen or not own_constants(first):
            continue
        if not _is_homogeneous_clip(graph.tensors[first.inputs[3]]):
            continue
        between, name = [first.outputs[0]], first.outputs[0]
        while name not in uses.outputs and len(uses.readers.get(name, ())) == 1:
            node = uses.readers[name][0]
            if node.op in SUMS:
                if node.name in chosen and node.inputs[0] == name and own_constants(node) and _lines_up(graph, node):
                    yield first, between, node
                break
            if not _passes_factors(graph, node):
                break
            name = node.outputs[0]
            between.append(name)


def _lines_up(graph: Graph, node: Node) -> bool:
    """A matrix product takes its channels from the last axis, as all others do."""
    return node.op != "float_matmul" or len(graph.tensors[node.inputs[1]].shape) == 2


def _passes_factors(graph: Graph, node: Node) -> bool:
    """Whether f(c x) = c f(x) for every positive c, channel by channel along the last axis."""
    tensors = graph.tensors
    x, y = tensors[node.inputs[0]], tensors[node.outputs[0]]
    if not x.shape or not y.shape or x.shape[-1] != y.shape[-1]:
        return False
    if node.op == "float_unary":
        kind, leaky = node.attrs["kind"], FloatUnary.LEAKY_RELU
        return kind == leaky or (kind == FloatUnary.CLIP and _is_homogeneous_clip(tensors[node.inputs[1]]))
    if node.op == "float_reduce":
        axes = node.attrs["axes"]
        last = len(x.shape) - 1
        return isinstance(axes, tuple) and last not in axes and node.attrs["kind"] in tuple(FloatReduce)
    if node.op == "reshape":
        # Axes of size 1 come and go; the channels stay where they are.
        return [n for n in x.shape[:-1] if n != 1] == [n for n in y.shape[:-1] if n != 1]
    if node.op == "pad":
        padding = node.attrs["padding"]
        return node.attrs["value"] == 0 and isinstance(padding, tuple) and not any(padding[-2:])
    return node.op in ("float_pool2d", "resize_nearest", "float_resize_bilinear")


def _is_homogeneous_clip(bounds: Tensor) -> bool:
    assert bounds.data is not None
    low, high = bounds.data
    return bool(low in (0, -np.inf) and high == np.inf)


def _factor(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Divides the first range and multiplies the second so that both are their geometric mean."""
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = np.sqrt(first / second)
    usable = np.isfinite(factor) & (factor > 1 / _LARGEST_FACTOR) & (factor < _LARGEST_FACTOR)
    return np.where(usable, factor, 1.0)


def _ranges_out(node: Node, data: dict[str, NDArray[np.float64]]) -> NDArray[np.float64]:
    """The largest weight of each output channel."""
    weight = np.abs(data[node.inputs[1]])
    return np.asarray(_channels_first(node, weight).max(axis=1, initial=0), np.float64)


def _ranges_in(node: Node, data: dict[str, NDArray[np.float64]], graph: Graph) -> NDArray[np.float64]:
    """The largest weight that meets each input channel."""
    return np.asarray(_by_input(node, np.abs(data[node.inputs[1]]), graph).max(axis=1, initial=0), np.float64)


def _channels_first(node: Node, weight: NDArray[np.float64]) -> NDArray[np.float64]:
    if node.op in ("float_conv2d", "float_transposed_conv2d"):
        return weight.reshape(len(weight), -1)
    return np.asarray(weight.reshape(-1, weight.shape[-1]).T)


def _by_input(node: Node, weight: NDArray[np.float64], graph: Graph) -> NDArray[np.float64]:
    """[input channel, weights that meet it]."""
    channels = graph.tensors[node.inputs[0]].shape[-1]
    if node.op == "float_matmul":
        return weight
    if node.op == "float_depthwise_conv2d":
        return np.moveaxis(weight.reshape(-1, channels, weight.shape[-1] // channels), 1, 0).reshape(channels, -1)
    groups = node.attrs.get("groups", 1)
    assert isinstance(groups, int)
    grouped = weight.reshape(groups, len(weight) // groups, -1, weight.shape[-1])
    return np.moveaxis(grouped, 3, 1).reshape(channels, -1)


def _divide(node: Node, data: dict[str, NDArray[np.float64]], factor: NDArray[np.float64]) -> None:
    leads = node.op in ("float_conv2d", "float_transposed_conv2d")
    weight, bias = node.inputs[1:3]
    data[weight] = data[weight] / (factor.reshape(-1, 1, 1, 1) if leads else factor)
    data[bias] = data[bias] / factor


def _multiply(node: Node, data: dict[str, NDArray[np.float64]], graph: Graph, factor: NDArray[np.float64]) -> None:
    weight = data[node.inputs[1]]
    if node.op == "float_matmul":
        data[node.inputs[1]] = weight * factor[:, None]
    elif node.op == "float_depthwise_conv2d":
        data[node.inputs[1]] = weight * np.repeat(factor, weight.shape[-1] // len(factor))
    else:
        groups = node.attrs.get("groups", 1)
        assert isinstance(groups, int)
        per_output = np.repeat(factor.reshape(groups, -1), len(weight) // groups, axis=0)
        data[node.inputs[1]] = weight * per_output[:, None, None, :]
