"""A lookup that only limits the values of the op before it becomes that op's clamp."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from intaglio.graph import Graph, Node
from intaglio.passes.uses import Uses

if TYPE_CHECKING:
    from numpy.typing import NDArray

_VALUES = np.arange(-128, 128)


def fuse_clamps(graph: Graph) -> Graph:
    """The op must clamp, nothing else may read its output, and the lookup must keep scale and zero point."""
    uses = Uses(graph)
    made: dict[str, int] = {}
    nodes: list[Node | None] = []
    for node in graph.nodes:
        fused = node
        if node.op == "lookup" and uses.is_private(node.inputs[0]):
            x, y, table = (graph.tensors[name] for name in (node.inputs[0], node.outputs[0], node.inputs[1]))
            before = nodes[made[x.name]]
            limits = _limits(table.data)
            same = (x.scale, x.zero_point) == (y.scale, y.zero_point)
            if before is not None and "clamp" in before.attrs and limits is not None and same:
                nodes[made[x.name]] = None
                fused = _clamped(before, node, limits)
        made[fused.outputs[0]] = len(nodes)
        nodes.append(fused)
    return replace(graph, nodes=tuple(node for node in nodes if node is not None))


def _limits(table: NDArray[Any] | None) -> tuple[int, int] | None:
    """(low, high) if the table is a clamp between them."""
    if table is None:
        return None
    low, high = int(table[0]), int(table[-1])
    is_clamp = low <= high and np.array_equal(table, np.clip(_VALUES, low, high))
    return (low, high) if is_clamp else None


def _clamped(before: Node, lookup: Node, limits: tuple[int, int]) -> Node:
    clamp = before.attrs["clamp"]
    assert isinstance(clamp, tuple)
    both = tuple(min(max(bound, limits[0]), limits[1]) for bound in clamp)
    return replace(before, name=lookup.name, outputs=lookup.outputs, attrs={**before.attrs, "clamp": both})
