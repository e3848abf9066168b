"""Elementwise ops in integers: sums, products, and tables for everything of one operand."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from intaglio import reference
from intaglio.errors import QuantizationError
from intaglio.graph import AttrValue, Graph, Node, Port, Tensor
from intaglio.grids import Grid, numbers
from intaglio.opset import SCALED_SUM, FloatBinary, Requant
from intaglio.passes.to_integer.lowering import Lowering, clamp_of, rescaling_table
from intaglio.quantization import Requantization, SumParameters, add_parameters
from intaglio.reference.float32_math import fma
from intaglio.rules.view import FLOAT32


def unary(lowering: Lowering, node: Node) -> bool:
    return _lookup(lowering, node, node.inputs[0])


def binary(lowering: Lowering, node: Node) -> bool:
    """Of one tensor and one number it is a table."""
    view = lowering.view(node)
    kind, (a, b) = FloatBinary(view.number("kind")), view.inputs
    for x, number in ((a, b), (b, a)):
        if number.constant is not None and math.prod(number.shape) == 1 and x.shape == view.output.shape:
            return _lookup(lowering, node, x.name)
    if lowering.grid(a.name) is None or lowering.grid(b.name) is None:
        return False
    forms = {FloatBinary.ADD: _weighted_sum, FloatBinary.SUB: _weighted_sum, FloatBinary.MUL: _product}
    forms |= {FloatBinary.MAXIMUM: _extreme, FloatBinary.MINIMUM: _extreme}
    return kind in forms and forms[kind](lowering, node, kind)


def prelu(lowering: Lowering, node: Node) -> bool:
    """x above zero and slope times x below it are made apart, each zero where the other is not, and added."""
    x_name, slope_name = node.inputs
    x, y, slope = lowering.grid(x_name), lowering.grids[node.outputs[0]], lowering.source.tensors[slope_name]
    if slope.constant is not None and math.prod(slope.shape) == 1:
        return _lookup(lowering, node, x_name)
    if x is None or lowering.grid(slope_name) is None:
        return False
    operand, factor = lowering.operand(x_name), lowering.operand(slope_name)
    shape = lowering.source.tensors[x_name].shape
    every = np.arange(-128, 128)
    zero, origin = x.parameters[1], y.parameters[1]
    positive = np.where(every >= zero, rescaling_table(x, y), origin).astype(np.int8)
    below_zero = np.minimum(every, zero).astype(np.int8)
    sides = [
        lowering.helper(node, part, "lookup", (operand.name, lowering.part(node, f"{part}/table", table)), shape, grid)
        for part, table, grid in (("positive", positive, y), ("below_zero", below_zero, x))
    ]
    scales = Requantization.of_product(lowering.requant, x.parameters[0], factor.scale, y.parameters[0])
    inputs = (sides[1].name, factor.name, *lowering.requantization(node, scales))
    full: dict[str, AttrValue] = {"requant": lowering.requant, "clamp": (-128, 127)}
    negative = lowering.helper(node, "negative", "mul", inputs, shape, y, full)
    sums = add_parameters(lowering.requant, *[float(y.parameters[0])] * 3)
    lowering.integer(node, "add", (sides[0].name, negative.name), _sum_attrs(sums, y))
    return True


def _lookup(lowering: Lowering, node: Node, x: str) -> bool:
    grid = lowering.grid(x)
    if grid is None:
        return False
    table = lowering.part(node, "table", _table(lowering, node, x, grid))
    lowering.integer(node, "lookup", (lowering.operand(x).name, table))
    return True


def _table(lowering: Lowering, node: Node, x: str, grid: Grid) -> NDArray[np.int8]:
    """What the float op gives for each of the 256 numbers, rounded to the grid of the result."""
    y = node.outputs[0]
    tensors = {name: Tensor(name, (256,), FLOAT32) for name in (x, y)}
    for name in node.inputs:
        number = lowering.source.tensors[name]
        if name != x and number.constant is not None:
            values = numbers(number.constant).reshape(-1)
            tensors[name] = replace(number, shape=values.shape, constant=values)
    one = Graph(tensors, (node,), (Port(x, FLOAT32),), (Port(y, FLOAT32),))
    results = reference.run(one, {x: grid.reals(np.arange(-128, 128))})[y]
    return lowering.grids[y].rounded(results)


def _weighted_sum(lowering: Lowering, node: Node, kind: FloatBinary) -> bool:
    grids = [lowering.grids[name] for name in (*node.inputs, *node.outputs)]
    operands = tuple(lowering.operand(name).name for name in node.inputs)
    if lowering.requant is Requant.FIXED:
        try:
            sums = add_parameters(lowering.requant, *(float(grid.parameters[0]) for grid in grids))
        except QuantizationError:
            return False
        lowering.integer(node, kind.name.lower(), operands, _sum_attrs(sums, grids[2]))
        return True
    attrs = _scaled_sum_attrs(kind, *grids)
    if attrs is not None:
        lowering.integer(node, kind.name.lower(), operands, attrs)
    return attrs is not None


def _scaled_sum_attrs(kind: FloatBinary, a: Grid, b: Grid, y: Grid) -> dict[str, AttrValue] | None:
    """Scales and term in float32, of the source's own integers (docs/arithmetic.md); None beyond their range."""
    (sa, za), (sb, zb), (sy, zy) = (grid.parameters for grid in (a, b, y))
    shift = 128 if y.unsigned else 0
    with np.errstate(over="ignore", invalid="ignore"):
        scale_a, scale_b = sa / sy, sb / sy
        right = scale_b * np.float32(zb + shift)
        zeros = fma(np.float64(za + shift), np.float64(scale_a), right if kind is FloatBinary.ADD else -right)
    if max(scale_a, scale_b) > 2.0**20:
        return None
    numbers = np.array([scale_a, scale_b, np.float32(zy + shift) - zeros], np.float32)
    multiplier = tuple(int(bits) for bits in numbers.view(np.int32))
    rest: dict[str, AttrValue] = {"shift": (128 - shift, 0, 0), "left_shift": 0}
    return {"requant": SCALED_SUM, "clamp": clamp_of(y), "multiplier": multiplier, **rest}


def _sum_attrs(sums: SumParameters, y: Grid) -> dict[str, AttrValue]:
    return {
        "requant": sums.mode,
        "clamp": clamp_of(y),
        "multiplier": sums.multiplier,
        "shift": sums.shift,
        "left_shift": sums.left_shift,
    }


def _product(lowering: Lowering, node: Node, _: FloatBinary) -> bool:
    grids = [lowering.grids[name] for name in (*node.inputs, *node.outputs)]
    scales = Requantization.of_product(lowering.requant, *(grid.parameters[0] for grid in grids))
    inputs = tuple(lowering.operand(name).name for name in node.inputs)
    attrs: dict[str, AttrValue] = {"requant": lowering.requant, "clamp": clamp_of(grids[2])}
    lowering.integer(node, "mul", (*inputs, *lowering.requantization(node, scales)), attrs)
    return True


def _extreme(lowering: Lowering, node: Node, kind: FloatBinary) -> bool:
    """Rounding keeps the order, so the operands may be rounded to the grid of the result first."""
    y = lowering.grids[node.outputs[0]]
    operands = [
        lowering.on_grid(node, part, lowering.operand(name), y)
        for part, name in zip(("a", "b"), node.inputs, strict=True)
    ]
    lowering.integer(node, kind.name.lower(), tuple(operand.name for operand in operands))
    return True
