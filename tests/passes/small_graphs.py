"""Small graphs for the tests of passes, and what running one gives."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from intaglio import reference
from intaglio.graph import AttrValue, Graph, Node, Port, Tensor

INT8 = np.dtype(np.int8)


class Sketch:
    """A graph node by node. Tensors are int8 of scale 0.1 and zero point 3 unless said otherwise."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.tensors = {"x": self._tensor("x", shape)}
        self.nodes: list[Node] = []

    def node(self, op: str, inputs: str, shape: tuple[int, ...], *, scale: float = 0.1, **attrs: AttrValue) -> str:
        """A node called as its output; ``inputs`` are names with spaces between."""
        name = f"{op}_{len(self.nodes)}"
        self.tensors[name] = self._tensor(name, shape, scale)
        self.nodes.append(Node(op, name, tuple(inputs.split()), (name,), attrs))
        return name

    def constant(self, data: NDArray[Any]) -> str:
        name = f"constant_{len(self.tensors)}"
        self.tensors[name] = Tensor(name, data.shape, data.dtype, constant=data)
        return name

    def lookup(self, x: str, table: NDArray[np.int8], scale: float = 0.1) -> str:
        return self.node("lookup", f"{x} {self.constant(table)}", self.tensors[x].shape, scale=scale)

    def conv2d(self, x: str, padding: tuple[int, int, int, int]) -> str:
        """3 x 3, 2 channels to 4."""
        rng = np.random.default_rng(0)
        weight = self.constant(rng.integers(-128, 128, (4, 3, 3, 2)).astype(np.int8))
        bias = self.constant(rng.integers(-99, 99, 4).astype(np.int32))
        scale = self.constant(np.full(4, 0.003, np.float32))
        shift = self.constant(np.zeros(0, np.int32))
        n, h, w, _ = self.tensors[x].shape
        shape = (n, h + padding[0] + padding[2] - 2, w + padding[1] + padding[3] - 2, 4)
        return self.node(
            "conv2d", f"{x} {weight} {bias} {scale} {shift}", shape, stride=(1, 1), padding=padding, dilation=(1, 1),
            groups=1, requant=0, clamp=(-100, 90), weight_zero_point=0,
        )  # fmt: skip

    def graph(self, *outputs: str) -> Graph:
        ports = tuple(Port(name, INT8) for name in outputs)
        graph = Graph(self.tensors, tuple(self.nodes), (Port("x", INT8),), ports)
        graph.validate()
        return graph

    @staticmethod
    def _tensor(name: str, shape: tuple[int, ...], scale: float = 0.1) -> Tensor:
        return Tensor(name, shape, INT8, np.float32(scale), 3)


def ops(graph: Graph) -> list[str]:
    return [node.op for node in graph.nodes]


def check_same(before: Graph, after: Graph) -> None:
    """Both are well formed and give the same bits under the same names."""
    after.validate()
    x = np.random.default_rng(1).integers(-128, 128, before.tensors["x"].shape).astype(np.int8)
    expected, results = (reference.run(graph, {"x": x}) for graph in (before, after))
    assert list(results) == list(expected)
    for name, value in expected.items():
        np.testing.assert_array_equal(results[name], value)
