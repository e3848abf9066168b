"""A graph taken over node by node, with some nodes replaced by others."""

from __future__ import annotations

from intaglio.builder import Builder
from intaglio.graph import Graph, Node


class Rebuild(Builder):
    """A builder that starts with the inputs of a graph and takes over its constants where they are read."""

    def __init__(self, source: Graph) -> None:
        super().__init__(metadata=source.metadata)
        self.source = source
        for port in source.inputs:
            self._add_tensor(source.tensors[port.tensor])
            self._inputs.append(port)

    def keep(self, node: Node) -> None:
        """Take over a node as it is."""
        self.replace_inputs(node, node.inputs)

    def replace_inputs(self, node: Node, inputs: tuple[str, ...]) -> None:
        """Take over a node with other inputs."""
        for name in inputs:
            self.bring(name)
        results = [self.source.tensors[name] for name in node.outputs]
        self._add_node(node.op, node.name, inputs, results, node.attrs)

    def bring(self, name: str) -> str:
        """Take over a constant, unless it is there."""
        tensor = self.source.tensors.get(name)
        if name not in self._tensors and tensor is not None and tensor.constant is not None:
            self._add_tensor(tensor)
        return name

    def finish(self) -> Graph:
        """The graph, with the outputs of the source."""
        for port in self.source.outputs:
            self.output(self.bring(port.tensor), port.dtype)
        return self.build()
