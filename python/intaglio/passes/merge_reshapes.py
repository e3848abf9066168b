"""A reshape of a reshape is one reshape."""

from __future__ import annotations

from dataclasses import replace

from intaglio.graph import Graph, Node


def merge_reshapes(graph: Graph) -> Graph:
    """Each reshape reads what the reshapes before it read; those left without a reader are dead."""
    sources: dict[str, str] = {}
    nodes: list[Node] = []
    for node in graph.nodes:
        if node.op == "reshape":
            source = sources.get(node.inputs[0], node.inputs[0])
            sources[node.outputs[0]] = source
            node = replace(node, inputs=(source,))
        nodes.append(node)
    return replace(graph, nodes=tuple(nodes))
