"""A lookup of a lookup is one lookup in the composed table."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from intaglio.graph import Graph, Node
from intaglio.passes.uses import Uses


def merge_lookups(graph: Graph) -> Graph:
    """Only where nothing else reads the value between the two."""
    uses = Uses(graph)
    tensors = dict(graph.tensors)
    merged: dict[str, Node] = {}
    nodes: list[Node] = []
    for node in graph.nodes:
        before = merged.get(node.inputs[0])
        if node.op == "lookup" and before is not None and uses.is_private(node.inputs[0]):
            first, second = tensors[before.inputs[1]].data, tensors[node.inputs[1]].data
            assert first is not None and second is not None
            table = replace(tensors[node.inputs[1]], data=second[first.astype(np.int16) + 128])
            # The name of this node's own table is free: its tables have one reader.
            tensors[table.name] = table
            node = replace(node, inputs=(before.inputs[0], table.name))
            nodes.remove(before)
        if node.op == "lookup":
            merged[node.outputs[0]] = node
        nodes.append(node)
    return replace(graph, tensors=tensors, nodes=tuple(nodes))
