"""Compute once, now, what depends on constants alone."""

from __future__ import annotations

from dataclasses import replace

from intaglio import reference
from intaglio.graph import Graph, Node, Port


def fold_constants(graph: Graph) -> Graph:
    """Nodes of which all inputs are constants become constants, unless they are outputs of the graph."""
    tensors = dict(graph.tensors)
    outputs = {port.tensor for port in graph.outputs}
    nodes: list[Node] = []
    for node in graph.nodes:
        if outputs.intersection(node.outputs) or any(tensors[name].constant is None for name in node.inputs):
            nodes.append(node)
            continue
        used = {name: tensors[name] for name in (*node.inputs, *node.outputs)}
        ports = tuple(Port(name, tensors[name].dtype) for name in node.outputs)
        results = reference.run(Graph(used, (node,), (), ports), {})
        tensors |= {name: replace(tensors[name], constant=value) for name, value in results.items()}
    return replace(graph, tensors=tensors, nodes=tuple(nodes))
