"""Leave out nodes that no output depends on, and tensors that nothing uses."""

from __future__ import annotations

from dataclasses import replace

from intaglio.graph import Graph, Node


def remove_dead(graph: Graph) -> Graph:
    needed = {port.tensor for port in graph.outputs}
    nodes: list[Node] = []
    for node in reversed(graph.nodes):
        if needed.intersection(node.outputs):
            needed.update(node.inputs, node.outputs)
            nodes.append(node)
    needed.update(port.tensor for port in graph.inputs)
    tensors = {name: tensor for name, tensor in graph.tensors.items() if name in needed}
    return replace(graph, nodes=tuple(reversed(nodes)), tensors=tensors)
