"""A lookup of a lookup is one lookup in the composed table."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from intaglio.graph import Graph, Node, Tensor
from intaglio.passes.uses import Uses, unused


def merge_lookups(graph: Graph) -> Graph:
    """Only where nothing else reads the value between the two."""
    uses = Uses(graph)
    tensors = dict(graph.tensors)
    # Lookups so far, by what they make.
    lookups: dict[str, Node] = {}
    nodes: dict[str, Node] = {}
    for node in graph.nodes:
        current = node
        before = lookups.get(node.inputs[0])
        if node.op == "lookup" and before is not None and uses.is_private(node.inputs[0]):
            table = _composed(tensors, before.inputs[1], node.inputs[1], f"{node.name}/composed")
            current = replace(node, inputs=(before.inputs[0], table))
            del nodes[before.name]
        if node.op == "lookup":
            lookups[node.outputs[0]] = current
        nodes[node.name] = current
    return replace(graph, tensors=tensors, nodes=tuple(nodes.values()))


def _composed(tensors: dict[str, Tensor], first: str, second: str, name: str) -> str:
    """Adds the table that looks up in the first and then in the second; its name."""
    inner, outer = tensors[first].data, tensors[second].data
    assert inner is not None and outer is not None
    name = unused(tensors, name)
    tensors[name] = replace(tensors[second], name=name, constant=outer[inner.astype(np.int16) + 128])
    return name
