"""Who makes and who reads each tensor of a graph."""

from __future__ import annotations

from collections.abc import Container

from intaglio.graph import Graph, Node


class Uses:
    """Producers, consumers and ports by tensor name."""

    def __init__(self, graph: Graph) -> None:
        self.producer: dict[str, Node] = {name: node for node in graph.nodes for name in node.outputs}
        self.readers: dict[str, list[Node]] = {}
        for node in graph.nodes:
            for name in dict.fromkeys(node.inputs):
                self.readers.setdefault(name, []).append(node)
        self.outputs = {port.tensor for port in graph.outputs}
        self.inputs = {port.tensor for port in graph.inputs}

    def is_private(self, name: str) -> bool:
        """Whether a node makes the tensor and one other node is all that reads it."""
        return name in self.producer and name not in self.outputs and len(self.readers.get(name, ())) == 1


def unused(names: Container[str], stem: str) -> str:
    """The stem, longer by as many underscores as make it new."""
    while stem in names:
        stem += "_"
    return stem
