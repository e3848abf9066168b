"""QUANTIZE and DEQUANTIZE: the edges of the integer part, and changes of scale inside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from intaglio.frontends.tflite.lowering import FLOAT32, IDENTITY, INT8, Lowering, same_quantization
from intaglio.frontends.tflite.model import Operator
from intaglio.graph import Tensor
from intaglio.opset import Requant, Rounding

if TYPE_CHECKING:
    from numpy.typing import NDArray


def quantize(lowering: Lowering, op: Operator) -> None:
    x = lowering.input(op, 0)
    y = lowering.quantized_output(op, x.shape)
    if x.dtype == FLOAT32:
        rounding = Rounding.HALF_EVEN if lowering.requant is Requant.FLOAT32 else Rounding.HALF_AWAY
        lowering.emit("quantize", [x], y, rounding=rounding)
        return
    x = lowering.quantized(op, 0)
    lowering.lookup(x, y, _change_of_scale(lowering, x, y))


def dequantize(lowering: Lowering, op: Operator) -> None:
    source = lowering.source(op, 0)
    if source.type == "float16":
        lowering.set_constant(op, lowering.constant(op, 0, "half-precision input"))
        return
    if source.scale.size > 1:
        lowering.refuse(
            op,
            f"its input {source.name!r} has {source.scale.size} scales: a network of which only the weights are "
            "quantized computes in floating point; quantize its activations too",
        )
    x = lowering.quantized(op, 0)
    y = lowering.output(op, x.shape)
    if y.dtype != FLOAT32 or x.dtype != INT8:
        lowering.refuse(op, f"it makes {y.dtype}; only float32 is supported")
    lowering.emit("dequantize", [x], y)


def _change_of_scale(lowering: Lowering, x: Tensor, y: Tensor) -> NDArray[np.int8]:
    if same_quantization(x, y):
        return IDENTITY
    from intaglio.frontends.tflite.tables import rescaled

    return rescaled(x, y, lowering.requant)
