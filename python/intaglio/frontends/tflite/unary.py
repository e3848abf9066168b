"""Unary functions: each is one lookup. PRELU is too where all its slopes are one."""

from __future__ import annotations

import numpy as np

from intaglio.frontends.tflite import tables
from intaglio.frontends.tflite.lowering import Lowering
from intaglio.frontends.tflite.model import Operator
from intaglio.frontends.tflite.requantization import scale_of, single_product_inputs
from intaglio.graph import Tensor
from intaglio.quantization import add_parameters


def clamp(lowering: Lowering, op: Operator) -> None:
    """RELU and its kin."""
    x, y = _ends(lowering, op)
    lowering.lookup(x, y, tables.clamped(x, y, lowering.requant, op.op))


def function(lowering: Lowering, op: Operator) -> None:
    """A function without options."""
    x, y = _ends(lowering, op)
    lowering.lookup(x, y, tables.function_table(x, y, lowering.requant, op.op))


def leaky_relu(lowering: Lowering, op: Operator) -> None:
    x, y = _ends(lowering, op)
    lowering.lookup(x, y, tables.leaky_relu(x, y, lowering.requant, op.options["alpha"]))


def gelu(lowering: Lowering, op: Operator) -> None:
    x, y = _ends(lowering, op)
    lowering.lookup(x, y, tables.gelu(x, y, lowering.requant, approximate=op.options["approximate"]))


def prelu(lowering: Lowering, op: Operator) -> None:
    """y = x above zero, alpha * x below it, each requantized by itself.

    The two sides are made apart, each resting at the zero point where the other speaks, and added; the addition of
    equal scales is exact.
    """
    x, alpha = lowering.quantized(op, 0), lowering.quantized(op, 1)
    if alpha.data is None:
        lowering.refuse(op, f"its slope {alpha.name!r} is computed while the network runs")
    aligned = zip(reversed(alpha.shape), reversed(x.shape), strict=False)
    if len(alpha.shape) > len(x.shape) or any(a not in (1, n) for a, n in aligned):
        lowering.malformed(op, f"its slope {alpha.shape} does not fit its input {x.shape}")
    y = lowering.quantized_output(op, x.shape)
    mode = lowering.requant
    slopes = np.unique(alpha.data)
    if slopes.size == 1:
        slope = (int(slopes[0]) - alpha.zero_point, scale_of(alpha))
        lowering.lookup(x, y, tables.prelu_table(x, y, slope, mode))
        return
    positive_table, negative_table = tables.prelu_sides(x, y, mode)
    positive = lowering.lookup(x, lowering.temporary(y, "positive", x.shape, y), positive_table)
    below = lowering.lookup(x, lowering.temporary(y, "below_zero", x.shape, x), negative_table)
    negative = lowering.temporary(y, "negative", x.shape, y)
    scale, shift, product_mode = single_product_inputs(lowering, negative, x, alpha)
    lowering.emit("mul", [below, alpha, scale, shift], negative, requant=product_mode, clamp=(-128, 127))
    sums = add_parameters(mode, *[float(scale_of(y))] * 3)
    lowering.emit(
        "add",
        [positive, negative],
        y,
        requant=mode,
        clamp=(-128, 127),
        multiplier=sums.multiplier,
        shift=sums.shift,
        left_shift=sums.left_shift,
    )


def _ends(lowering: Lowering, op: Operator) -> tuple[Tensor, Tensor]:
    x = lowering.quantized(op, 0)
    return x, lowering.quantized_output(op, x.shape)
