"""Padding with zero before a convolution is padding of the convolution."""

from __future__ import annotations

from dataclasses import replace

from intaglio.graph import Graph, Node

_CONVOLUTIONS = ("conv2d", "depthwise_conv2d")


def fold_pads(graph: Graph) -> Graph:
    """Convolutions read what the pad reads; a pad left without a reader is dead."""
    pads = {node.outputs[0]: node for node in graph.nodes if node.op == "pad" and _pads_zeros(graph, node)}
    if not pads:
        return graph

    def folded(node: Node) -> Node:
        foldable = node.op in _CONVOLUTIONS and node.inputs[0] in pads
        return folded(_with_padding(pads[node.inputs[0]], node)) if foldable else node

    return replace(graph, nodes=tuple(folded(node) for node in graph.nodes))


def _pads_zeros(graph: Graph, node: Node) -> bool:
    """Whether a pad surrounds height and width of an image with its zero point."""
    x, padding = graph.tensors[node.inputs[0]], node.attrs["padding"]
    assert isinstance(padding, tuple)
    surrounds = len(padding) == 8 and not any(padding[:2]) and not any(padding[6:])
    return surrounds and x.scale is not None and node.attrs["value"] == x.zero_point


def _with_padding(pad: Node, convolution: Node) -> Node:
    around, own = pad.attrs["padding"], convolution.attrs["padding"]
    assert isinstance(around, tuple) and isinstance(own, tuple)
    (top, bottom, left, right) = around[2:6]
    padding = (own[0] + top, own[1] + left, own[2] + bottom, own[3] + right)
    return replace(
        convolution,
        inputs=(pad.inputs[0], *convolution.inputs[1:]),
        attrs={**convolution.attrs, "padding": padding},
    )
