"""ADD, SUB, MUL, MAXIMUM, MINIMUM, PRELU."""

from __future__ import annotations

import numpy as np

from intaglio.frontends.tflite.lowering import Lowering
from intaglio.frontends.tflite.model import Operator
from intaglio.frontends.tflite.requantization import clamp, scale_of, single_product_inputs
from intaglio.frontends.tflite.tables import prelu_sides, prelu_table
from intaglio.graph import AttrValue, Tensor
from intaglio.quantization import add_parameters


def add(lowering: Lowering, op: Operator) -> None:
    _sum(lowering, op, "add")


def sub(lowering: Lowering, op: Operator) -> None:
    _sum(lowering, op, "sub")


def mul(lowering: Lowering, op: Operator) -> None:
    a, b, y = _operands(lowering, op)
    scale, shift = single_product_inputs(lowering, y, a, b)
    lowering.emit("mul", [a, b, scale, shift], y, requant=lowering.requant, clamp=clamp(lowering, op, y))


def maximum(lowering: Lowering, op: Operator) -> None:
    _compare(lowering, op, "maximum")


def minimum(lowering: Lowering, op: Operator) -> None:
    _compare(lowering, op, "minimum")


def prelu(lowering: Lowering, op: Operator) -> None:
    """y = x above zero, alpha * x below it, each requantized by itself.

    The two sides are made apart, each resting at the zero point where the other speaks, and added; the addition of
    equal scales is exact.
    """
    x, alpha = lowering.quantized(op, 0), lowering.quantized(op, 1)
    if alpha.data is None:
        lowering.refuse(op, f"its slope {alpha.name!r} is computed while the network runs")
    if _broadcast(lowering, op, x, alpha) != x.shape:
        lowering.malformed(op, f"its slope {alpha.shape} does not fit its input {x.shape}")
    y = lowering.quantized_output(op, x.shape)
    slopes = np.unique(alpha.data)
    if slopes.size == 1:
        slope = (int(slopes[0]) - alpha.zero_point, scale_of(alpha))
        lowering.lookup(x, y, prelu_table(x, y, slope, lowering.requant))
        return
    positive_table, negative_table = prelu_sides(x, y, lowering.requant)
    positive = lowering.lookup(x, lowering.temporary(y, "positive", x.shape, y), positive_table)
    below = lowering.lookup(x, lowering.temporary(y, "below_zero", x.shape, x), negative_table)
    negative = lowering.temporary(y, "negative", x.shape, y)
    scale, shift = single_product_inputs(lowering, negative, x, alpha)
    lowering.emit("mul", [below, alpha, scale, shift], negative, requant=lowering.requant, clamp=(-128, 127))
    lowering.emit("add", [positive, negative], y, clamp=(-128, 127), **_sum_attributes(lowering, positive, negative, y))


def _sum_attributes(lowering: Lowering, a: Tensor, b: Tensor, y: Tensor) -> dict[str, AttrValue]:
    sums = add_parameters(lowering.requant, *(float(scale_of(t)) for t in (a, b, y)))
    return {
        "requant": lowering.requant,
        "multiplier": sums.multiplier,
        "shift": sums.shift,
        "left_shift": sums.left_shift,
    }


def _sum(lowering: Lowering, op: Operator, name: str) -> None:
    a, b, y = _operands(lowering, op)
    lowering.emit(name, [a, b], y, clamp=clamp(lowering, op, y), **_sum_attributes(lowering, a, b, y))


def _compare(lowering: Lowering, op: Operator, name: str) -> None:
    a, b, y = _operands(lowering, op)
    lowering.emit(name, [lowering.relabelled(a, y), lowering.relabelled(b, y)], y)


def _operands(lowering: Lowering, op: Operator) -> tuple[Tensor, Tensor, Tensor]:
    a, b = lowering.quantized(op, 0), lowering.quantized(op, 1)
    return a, b, lowering.quantized_output(op, _broadcast(lowering, op, a, b))


def _broadcast(lowering: Lowering, op: Operator, a: Tensor, b: Tensor) -> tuple[int, ...]:
    try:
        return np.broadcast_shapes(a.shape, b.shape)
    except ValueError:
        lowering.malformed(op, f"shapes {a.shape} and {b.shape} do not broadcast")
