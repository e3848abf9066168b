"""A clip after a float sum of products becomes the bounds of that op."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from intaglio.graph import Graph, Node
from intaglio.opset import FloatUnary
from intaglio.passes.uses import Uses, unused

#: Ops whose fourth input is their bounds.
SUMS = ("float_conv2d", "float_depthwise_conv2d", "float_transposed_conv2d", "float_matmul")


def fuse_activations(graph: Graph) -> Graph:
    """Nothing else may read what the op gives before the clip."""
    uses, tensors = Uses(graph), dict(graph.tensors)
    made: dict[str, int] = {}
    nodes: list[Node | None] = []
    for node in graph.nodes:
        fused = node
        if _is_clip(node) and uses.is_private(node.inputs[0]):
            before = nodes[made[node.inputs[0]]]
            if before is not None and before.op in SUMS:
                own, limits = (tensors[name].data for name in (before.inputs[3], node.inputs[1]))
                assert own is not None and limits is not None
                bounds = np.clip(own, *limits)
                nodes[made[node.inputs[0]]] = None
                name = unused(tensors, f"{before.name}/bounds")
                tensors[name] = replace(tensors[before.inputs[3]], name=name, constant=bounds)
                fused = replace(before, inputs=(*before.inputs[:3], name), outputs=node.outputs)
        made.update(dict.fromkeys(fused.outputs, len(nodes)))
        nodes.append(fused)
    return replace(graph, tensors=tensors, nodes=tuple(node for node in nodes if node is not None))


def _is_clip(node: Node) -> bool:
    return node.op == "float_unary" and node.attrs["kind"] == FloatUnary.CLIP
