"""Ops that move or choose values: they work on the grid of their input, and a table brings the result to its own."""

from __future__ import annotations

import numpy as np

from intaglio.graph import AttrValue, Node
from intaglio.grids import Grid
from intaglio.passes.to_integer.lowering import Lowering, Operand, rescaling_table
from intaglio.resize_tables import BILINEAR_UNITS


def moved(lowering: Lowering, node: Node) -> bool:
    """The same op with the same attributes; inputs after the first are constants or indices."""
    if lowering.grid(node.inputs[0]) is None:
        return False
    others = tuple(lowering.real(name) for name in node.inputs[1:])
    finish(lowering, node, node.op, lowering.operand(node.inputs[0]), others, dict(node.attrs))
    return True


def pad(lowering: Lowering, node: Node) -> bool:
    """The value is the nearest on the grid of x."""
    grid = lowering.grid(node.inputs[0])
    if grid is None:
        return False
    value = np.array(lowering.view(node).number("value"), np.int32).view(np.float32)
    if np.isnan(value):
        return False
    attrs = {**node.attrs, "value": int(grid.rounded(value.reshape(1))[0])}
    finish(lowering, node, "pad", lowering.operand(node.inputs[0]), (), attrs)
    return True


def concat(lowering: Lowering, node: Node) -> bool:
    """Every input is brought to the grid of the result."""
    if any(lowering.grid(name) is None for name in node.inputs):
        return False
    y = lowering.grids[node.outputs[0]]
    parts = [lowering.on_grid(node, f"input_{i}", lowering.operand(name), y).name for i, name in enumerate(node.inputs)]
    lowering.integer(node, "concat", tuple(parts), dict(node.attrs))
    return True


def resize_bilinear(lowering: Lowering, node: Node) -> bool:
    """Weights become integers."""
    if lowering.grid(node.inputs[0]) is None:
        return False
    view = lowering.view(node)
    tables, unit = [], BILINEAR_UNITS[lowering.requant]
    for axis in ("row", "column"):
        weight = np.rint(view.data(f"{axis}_weight").astype(np.float64) * unit)
        if weight.size and (weight.min() < 0 or weight.max() > unit):
            return False
        positions = np.column_stack([view.data(axis), weight]).astype(np.int32)
        tables.append(lowering.part(node, axis, positions))
    attrs: dict[str, AttrValue] = {"requant": lowering.requant}
    finish(lowering, node, "resize_bilinear", lowering.operand(node.inputs[0]), tuple(tables), attrs)
    return True


def finish(
    lowering: Lowering,
    node: Node,
    op: str,
    x: Operand,
    others: tuple[str, ...],
    attrs: dict[str, AttrValue],
) -> None:
    """Emit an op that keeps the grid of x, and bring its result to the grid it should have."""
    y: Grid = lowering.grids[node.outputs[0]]
    if x.grid.agrees(y):
        lowering.integer(node, op, (x.name, *others), attrs)
        return
    shape = lowering.source.tensors[node.outputs[0]].shape
    result = lowering.helper(node, op, op, (x.name, *others), shape, x.grid, attrs)
    table = lowering.part(node, "table", rescaling_table(x.grid, y))
    lowering.integer(node, "lookup", (result.name, table))
