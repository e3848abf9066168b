"""Grids through ops that only move or choose values: what comes out lies on the grid of what went in."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from intaglio.graph import Graph, Node
from intaglio.grids import Grid, Grids
from intaglio.opset import FloatPool, FloatUnary
from intaglio.passes.uses import Uses

_MOVERS = ("reshape", "transpose", "slice", "broadcast_to", "resize_nearest", "gather", "concat", "pad")


def propagate_grids(graph: Graph, grids: Grids) -> Grids:
    """The grids, and those that follow from them.

    Forward, where an op can only give numbers of its input's grid. Backward, where rounding before the op is the same
    as rounding after it and nothing else reads the value between.
    """
    known, uses = dict(grids), Uses(graph)
    computed = {name for name, t in graph.tensors.items() if t.constant is None and t.dtype == np.float32}
    for node in graph.nodes:
        y = node.outputs[0]
        if y in computed and y not in known and _is_mover(node):
            grid = _common(known.get(x) for x in _moved_inputs(node))
            if grid is not None and _keeps(graph, node, grid):
                known[y] = grid
    for name in _computed_backwards(graph, computed):
        readers = uses.readers.get(name, [])
        moved = all(_is_mover(node) and name in _moved_inputs(node) for node in readers)
        if name in known or name in uses.outputs or not moved:
            continue
        grid = _common(known.get(node.outputs[0]) for node in readers)
        if grid is not None:
            known[name] = grid
    return known


def _computed_backwards(graph: Graph, computed: set[str]) -> Iterable[str]:
    inputs = [port.tensor for port in graph.inputs if port.tensor in computed]
    return [name for node in reversed(graph.nodes) for name in node.outputs if name in computed] + inputs


def _is_mover(node: Node) -> bool:
    """Whether a node gives values of its input, constants and limits, in the order of their size."""
    if node.op == "float_unary":
        return node.attrs["kind"] in (FloatUnary.CLIP, FloatUnary.IDENTITY)
    if node.op == "float_pool2d":
        return node.attrs["kind"] == FloatPool.MAX
    return node.op in _MOVERS


def _moved_inputs(node: Node) -> tuple[str, ...]:
    return node.inputs if node.op == "concat" else node.inputs[:1]


def _keeps(graph: Graph, node: Node, grid: Grid) -> bool:
    """Whether the numbers that the node itself brings are on the grid."""
    values = np.zeros(0, np.float32)
    if node.op == "pad":
        values = np.array([node.attrs["value"]], np.int32).view(np.float32)
    elif node.op == "float_unary" and node.attrs["kind"] == FloatUnary.CLIP:
        bounds = graph.tensors[node.inputs[1]].data
        assert bounds is not None
        values = bounds[np.isfinite(bounds)]
    return bool(np.array_equal(grid.reals(grid.rounded(values)), values))


def _common(grids: Iterable[Grid | None]) -> Grid | None:
    """The grid that all of them are, if there is one."""
    first: Grid | None = None
    for grid in grids:
        if grid is None or not grid.per_tensor or (first is not None and not first.agrees(grid)):
            return None
        first = grid
    return first
