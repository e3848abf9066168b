"""A reshape of a reshape is one reshape."""

from __future__ import annotations

from dataclasses import replace

from intaglio.graph import Graph, Node


def merge_reshapes(graph: Graph) -> Graph:
    """Each reshape reads what the reshapes before it read; those left without a reader are dead."""
    sources: dict[str, str] = {}

    def merged(node: Node) -> Node:
        if node.op != "reshape":
            return node
        source = sources.get(node.inputs[0], node.inputs[0])
        sources[node.outputs[0]] = source
        return replace(node, inputs=(source,))

    return replace(graph, nodes=tuple(merged(node) for node in graph.nodes))
