"""Tensors that share a grid, and those whose values decide its range."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from intaglio.graph import Graph, Node
from intaglio.opset import FloatBinary, FloatPool, FloatUnary
from intaglio.passes.uses import Uses

_MOVERS = ("reshape", "transpose", "slice", "broadcast_to", "resize_nearest", "gather", "pad", "float_resize_bilinear")


@dataclass
class Group:
    """Tensors on one grid. Those that only move or limit values of the others have no say in the range."""

    members: set[str] = field(default_factory=set)
    deciding: set[str] = field(default_factory=set)


def groups(graph: Graph, chosen: set[str]) -> list[Group]:
    """The tensors that need a grid, by the grid they share.

    What moves values shares the grid of what it moves; so does a clip with what it limits, a concatenation or an
    extreme with what it joins, where nothing else reads that.
    """
    uses = Uses(graph)
    needed = _needed(graph, chosen)
    parents = {name: name for name in needed}
    silent: set[str] = set()

    def root(name: str) -> str:
        while parents[name] != name:
            name = parents[name]
        return name

    for node in graph.nodes:
        if node.name not in chosen:
            continue
        y = node.outputs[0]
        for x in node.inputs:
            if x in needed and _shares(node, x, uses):
                parents[root(x)] = root(y)
                silent.update(_silent(node, x, y))
    found: dict[str, Group] = {}
    for name in sorted(needed):
        group = found.setdefault(root(name), Group())
        group.members.add(name)
        if name not in silent:
            group.deciding.add(name)
    return list(found.values())


def _needed(graph: Graph, chosen: set[str]) -> set[str]:
    """Outputs and float operands of the chosen nodes; weights, biases and parameters have no grid of this kind."""
    needed: set[str] = set()
    for node in graph.nodes:
        if node.name in chosen:
            needed.update(node.outputs)
            needed.update(operands(graph, node))
    return needed


def operands(graph: Graph, node: Node) -> Iterable[str]:
    """The inputs of a node that are values it computes with, constant or not."""
    if node.op == "float_matmul":
        b = graph.tensors[node.inputs[1]]
        return node.inputs[:1] if b.constant is not None else node.inputs[:2]
    if node.op == "concat":
        return node.inputs
    if node.op in ("float_binary", "float_prelu"):
        sizes = {name: graph.tensors[name].data for name in node.inputs}
        return [name for name, data in sizes.items() if data is None or data.size != 1]
    return node.inputs[:1]


def _shares(node: Node, x: str, uses: Uses) -> bool:
    private = len(uses.readers[x]) == 1 and x not in uses.outputs
    match node.op:
        case "float_unary":
            return _is_clip(node) and private
        case "float_pool2d":
            partial = node.attrs["kind"] == FloatPool.AVERAGE and any(node.attrs["padding"])  # type: ignore[arg-type]
            return partial or node.attrs["kind"] == FloatPool.MAX
        case "concat":
            return private
        case "float_binary":
            return node.attrs["kind"] in (FloatBinary.MAXIMUM, FloatBinary.MINIMUM) and private
    return node.op in _MOVERS and x == node.inputs[0]


def _silent(node: Node, x: str, y: str) -> set[str]:
    """Which of the two has no say."""
    return {x} if _is_clip(node) or node.op in ("concat", "float_binary") else {y}


def _is_clip(node: Node) -> bool:
    return node.op == "float_unary" and node.attrs["kind"] in (FloatUnary.CLIP, FloatUnary.IDENTITY)
