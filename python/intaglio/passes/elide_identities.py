"""Leave out nodes whose output is their input, bit for bit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from intaglio.graph import Graph, Node, Tensor
from intaglio.passes.uses import Uses

_IDENTITY = np.arange(-128, 128, dtype=np.int8)


def elide_identities(graph: Graph) -> Graph:
    uses = Uses(graph)
    renamed: dict[str, str] = {}
    removed: set[str] = set()
    for node in graph.nodes:
        if not _is_identity(node, graph.tensors):
            continue
        x, y = renamed.get(node.inputs[0], node.inputs[0]), node.outputs[0]
        if y not in uses.outputs:
            renamed[y] = x
        elif x in uses.producer and x not in uses.outputs and x not in renamed.values():
            # An output keeps its name: what made x makes y.
            renamed[x] = y
        else:
            continue
        removed.add(node.name)
    if not removed:
        return graph
    nodes = tuple(_renamed(node, renamed) for node in graph.nodes if node.name not in removed)
    return replace(graph, nodes=nodes)


def _renamed(node: Node, names: dict[str, str]) -> Node:
    inputs = tuple(_final(name, names) for name in node.inputs)
    outputs = tuple(_final(name, names) for name in node.outputs)
    return node if (inputs, outputs) == (node.inputs, node.outputs) else replace(node, inputs=inputs, outputs=outputs)


def _final(name: str, names: dict[str, str]) -> str:
    while name in names:
        name = names[name]
    return name


def _is_identity(node: Node, tensors: dict[str, Tensor]) -> bool:
    x, y = tensors[node.inputs[0]], tensors[node.outputs[0]]
    if (x.shape, x.scale, x.zero_point) != (y.shape, y.scale, y.zero_point) or x.constant is not None:
        return False
    if node.op in ("reshape", "broadcast_to"):
        return True
    if node.op == "transpose":
        return node.attrs["permutation"] == tuple(range(len(x.shape)))
    if node.op == "slice":
        begin_stride = node.attrs["begin_stride"]
        return begin_stride == (*[0] * len(x.shape), *[1] * len(x.shape))
    if node.op == "pad":
        padding = node.attrs["padding"]
        return isinstance(padding, tuple) and not any(padding)
    if node.op == "concat":
        return len(node.inputs) == 1
    return node.op == "lookup" and np.array_equal(tensors[node.inputs[1]].data, _IDENTITY)  # type: ignore[arg-type]
