"""Rules of the ops that change the element type."""

from __future__ import annotations

from intaglio.errors import QuantizationError
from intaglio.opset import Rounding
from intaglio.rules.view import FLOAT32, INT32, NodeView


def quantize(view: NodeView) -> None:
    """float32 to int8."""
    view.want_dtype(view["x"], FLOAT32)
    view.want_quantized(view.output)
    view.want_shape(view.output, view["x"].shape)
    view.want_between("rounding", (view.number("rounding"),), Rounding.HALF_EVEN, Rounding.HALF_AWAY)


def dequantize(view: NodeView) -> None:
    """int8 to float32."""
    view.want_quantized(view["x"])
    view.want_dtype(view.output, FLOAT32)
    view.want_shape(view.output, view["x"].shape)


def dynamic_quantize(view: NodeView) -> None:
    """float32 to int8 with a scale and zero point that are outputs too; y is stored with scale 1 and zero point 0."""
    y, scale, zero_point = view.outputs
    view.want_dtype(view["x"], FLOAT32)
    view.want_quantized(y)
    unit = view.scale(y) == 1 and y.zero_point == 0
    view.want(unit, f"quantization of '{y.name}'", "(1, 0)", (y.scale, y.zero_point), QuantizationError)
    view.want_shape(y, view["x"].shape)
    view.want_dtype(scale, FLOAT32)
    view.want_shape(scale, ())
    view.want_dtype(zero_point, INT32)
    view.want_shape(zero_point, ())


def cast(view: NodeView) -> None:
    """Between any two element types; int8 counts as stored."""
    view.want_shape(view.output, view["x"].shape)
