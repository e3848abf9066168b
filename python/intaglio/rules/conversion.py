"""Rules of the ops between float32 and int8."""

from __future__ import annotations

from intaglio.opset import Rounding
from intaglio.rules.view import FLOAT32, NodeView


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
