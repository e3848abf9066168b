"""Requantization and clamps of the nodes that compute, from the scales of the file as TFLite derives them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from intaglio.frontends.tflite.lowering import Lowering
from intaglio.frontends.tflite.model import Operator
from intaglio.frontends.tflite.schema import ACTIVATIONS
from intaglio.graph import Tensor
from intaglio.opset import Requant
from intaglio.quantization import Requantization, real_to_int8, requant_scale

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Real bounds of the activations that are clamps; None is no bound.
BOUNDS: dict[str, tuple[float | None, float | None]] = {
    "NONE": (None, None),
    "RELU": (0.0, None),
    "RELU_N1_TO_1": (-1.0, 1.0),
    "RELU6": (0.0, 6.0),
    "RELU_0_TO_1": (0.0, 1.0),
}
#: A factor that makes every result but 0 leave int8.
_SATURATING = 2.0**15


def scale_of(tensor: Tensor) -> np.float32:
    """The scale of a tensor known to be quantized."""
    assert tensor.scale is not None
    return tensor.scale


def product_inputs(
    lowering: Lowering, y: Tensor, a: np.float32, b: NDArray[np.float32], *, narrow: bool
) -> tuple[Tensor, Tensor]:
    """Inputs ``scale`` and ``shift`` of the node that makes y from products of scale ``a * b``.

    In fixed mode TFLite takes that product in float32 where ``narrow``, else in float64.
    """
    if narrow and lowering.requant is Requant.FIXED:
        exact = Requantization.of_product(Requant.FIXED, a * b, np.float32(1), scale_of(y))
    else:
        exact = Requantization.of_product(lowering.requant, a, b, scale_of(y))
    return add_inputs(lowering, y, exact)


def single_product_inputs(lowering: Lowering, y: Tensor, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor, Requant]:
    """As ``product_inputs`` for one scale each, and the mode; TFLite takes the whole factor in float32.

    From 2^15 on every product but 0 saturates, and may not fit the fixed-point one: float32 then says the same.
    """
    factor = requant_scale(scale_of(a), scale_of(b), scale_of(y))
    mode = Requant.FLOAT32 if factor >= _SATURATING else lowering.requant
    return *add_inputs(lowering, y, Requantization.of_factors(mode, factor)), mode


def add_inputs(lowering: Lowering, y: Tensor, requantization: Requantization) -> tuple[Tensor, Tensor]:
    """The parameters as constants of the graph."""
    scale = lowering.parameter(y, "scale", requantization.scale)
    return scale, lowering.parameter(y, "shift", requantization.shift)


def clamp(lowering: Lowering, op: Operator, y: Tensor) -> tuple[int, int]:
    """The range of int8 values that the operator's fused activation leaves."""
    code = op.options["activation"]
    activation = ACTIVATIONS[code] if 0 <= code < len(ACTIVATIONS) else f"activation {code}"
    if activation not in BOUNDS:
        lowering.refuse(op, f"its fused activation {activation} has no clamp")
    return clamp_between(y, *BOUNDS[activation])


def clamp_between(y: Tensor, low: float | None, high: float | None) -> tuple[int, int]:
    """The int8 values of y that stand for [low, high]; None is no bound."""
    scale, zero_point = float(scale_of(y)), y.zero_point
    return (
        -128 if low is None else real_to_int8(low, scale, zero_point),
        127 if high is None else real_to_int8(high, scale, zero_point),
    )
