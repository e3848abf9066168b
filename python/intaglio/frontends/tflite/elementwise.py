"""ADD, SUB, MUL, MAXIMUM, MINIMUM."""

from __future__ import annotations

import numpy as np

from intaglio.frontends.tflite.lowering import Lowering
from intaglio.frontends.tflite.model import Operator
from intaglio.frontends.tflite.requantization import clamp, scale_of, single_product_inputs
from intaglio.graph import Tensor
from intaglio.quantization import add_parameters


def add(lowering: Lowering, op: Operator) -> None:
    _sum(lowering, op, "add")


def sub(lowering: Lowering, op: Operator) -> None:
    _sum(lowering, op, "sub")


def mul(lowering: Lowering, op: Operator) -> None:
    a, b, y = _operands(lowering, op)
    scale, shift, mode = single_product_inputs(lowering, y, a, b)
    lowering.emit("mul", [a, b, scale, shift], y, requant=mode, clamp=clamp(lowering, op, y))


def maximum(lowering: Lowering, op: Operator) -> None:
    _compare(lowering, op, "maximum")


def minimum(lowering: Lowering, op: Operator) -> None:
    _compare(lowering, op, "minimum")


def _sum(lowering: Lowering, op: Operator, name: str) -> None:
    a, b, y = _operands(lowering, op)
    sums = add_parameters(lowering.requant, *(float(scale_of(t)) for t in (a, b, y)))
    lowering.emit(
        name,
        [a, b],
        y,
        requant=lowering.requant,
        clamp=clamp(lowering, op, y),
        multiplier=sums.multiplier,
        shift=sums.shift,
        left_shift=sums.left_shift,
    )


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
