"""Quantization that is settled while running."""

from __future__ import annotations

import numpy as np

from intaglio.export.onnx_assembly import CHANNELS_FIRST, Assembly, onnx_type
from intaglio.frontends.onnx.values import plain
from intaglio.graph import Tensor
from intaglio.rules.view import NodeView


def dynamic_quantize(out: Assembly, view: NodeView) -> None:
    """ONNX's bytes are uint8, and so is its zero point."""
    y, scale, zero_point = view.outputs
    order = out.order(view["x"])
    made = out.emit_many("DynamicQuantizeLinear", [out.numbers(view["x"])], 3)
    out.be_unsigned(y)
    out.finish_stored(y, made[0], order)
    out.finish_stored(scale, made[1], ())
    out.finish_stored(zero_point, _shifted(out, made[2], -128, np.dtype(np.int32)), ())


def integer_conv2d(out: Assembly, view: NodeView) -> None:
    x, weight = view["x"], view["weight"]
    inputs = [
        out.stored(x, CHANNELS_FIRST),
        out.stored(weight, CHANNELS_FIRST),
        _zero_point(out, view, x, view["x_zero_point"]),
        _zero_point(out, view, weight, view["weight_zero_point"]),
    ]
    result = out.emit(
        "ConvInteger", inputs, strides=view.numbers("stride"), pads=view.numbers("padding"),
        dilations=view.numbers("dilation"), group=view.number("groups"),
    )  # fmt: skip
    out.finish(view.output, result, CHANNELS_FIRST)


def integer_matmul(out: Assembly, view: NodeView) -> None:
    a, b = view["a"], view["b"]
    stored = [out.stored(tensor, plain(len(tensor.shape))) for tensor in (a, b)]
    zeros = [_zero_point(out, view, tensor, view[f"{name}_zero_point"]) for name, tensor in (("a", a), ("b", b))]
    out.finish(view.output, out.emit("MatMulInteger", [*stored, *zeros]))


def _zero_point(out: Assembly, view: NodeView, x: Tensor, zero_point: Tensor) -> str:
    """The zero point of x, in the type in which x is stored; one that is computed has to fit it."""
    shift, dtype = (128, np.dtype(np.uint8)) if out.is_unsigned(x) else (0, np.dtype(np.int8))
    if zero_point.data is not None:
        zeros = zero_point.data.reshape(()) if zero_point.data.size == 1 else zero_point.data
        if zeros.size and (zeros.min() < -128 or zeros.max() > 127):
            out.refuse(view, f"the zero point '{zero_point.name}' is beyond -128 to 127")
        return out.constant("zero_point", (zeros + shift).astype(dtype))
    return _shifted(out, out.stored(zero_point, plain(len(zero_point.shape))), shift, dtype)


def _shifted(out: Assembly, number: str, shift: int, dtype: np.dtype[np.generic]) -> str:
    """Integers of any type, moved, in another type."""
    wide = out.emit("Cast", [number], to=onnx_type(np.dtype(np.int32)))
    moved = out.emit("Add", [wide, out.constant("shift", np.array(shift, np.int32))])
    return moved if dtype == np.int32 else out.emit("Cast", [moved], to=onnx_type(dtype))
