"""Quantization that is settled while running: DynamicQuantizeLinear, ConvInteger, MatMulInteger."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from intaglio.frontends.onnx.lowering import FLOAT32, INT8, INT32, QUANTIZED, UINT8, Lowering
from intaglio.frontends.onnx.model import SourceNode
from intaglio.frontends.onnx.values import Value, channels_last, constant, plain, stored_shape
from intaglio.frontends.onnx.windows import as_image, from_image, window
from intaglio.graph import Node, Tensor


def dynamic_quantize_linear(lowering: Lowering, node: SourceNode, x: Value) -> tuple[Value, Value, Value]:
    """Values, scale and zero point; the graph has them in terms of int8."""
    order = plain(len(x.shape)) if x.constant is not None else x.order
    source = lowering.stored(lowering.floats(x), order)
    names = tuple(lowering.fresh(f"{lowering.base}/{part}") for part in ("y", "scale", "zero_point"))
    lowering.add_tensor(Tensor(names[0], stored_shape(x.shape, order), INT8, np.float32(1)))
    lowering.add_tensor(Tensor(names[1], (), FLOAT32))
    lowering.add_tensor(Tensor(names[2], (), INT32))
    lowering.nodes.append(Node("dynamic_quantize", names[0], (source,), names))
    lowering.origin.update(dict.fromkeys(names, len(lowering.nodes) - 1))
    return (
        lowering.result(names[0], x.shape, order, UINT8),
        lowering.result(names[1], (), ()),
        lowering.result(names[2], (), (), UINT8),
    )


def conv_integer(
    lowering: Lowering,
    node: SourceNode,
    x: Value,
    weight: Value,
    x_zero: Value | None = None,
    weight_zero: Value | None = None,
) -> Value:
    rank = len(x.shape)
    if rank not in (3, 4) or len(weight.shape) != rank:
        lowering.refuse(f"its input {x.shape} and weights {weight.shape} are no images or sequences")
    groups = node.attributes.get("group", 1)
    if groups < 1 or x.shape[1] != groups * weight.shape[1] or weight.shape[0] % groups:
        lowering.malformed(f"weights {weight.shape} in {groups} groups do not fit its input {x.shape}")
    geometry = window(lowering, node, x.shape[2:], weight.shape[2:])
    zeros = _zero_point(lowering, x, x_zero, (), ()), _zero_point(lowering, weight, weight_zero, (1,), weight.shape[:1])
    image, kernel = as_image(lowering, _integers(lowering, x)), as_image(lowering, _integers(lowering, weight))
    inputs = [
        lowering.stored(image, channels_last(4)),
        zeros[0],
        lowering.stored(kernel, (0, 2, 3, 1)),
        zeros[1],
    ]
    shape = (x.shape[0], weight.shape[0], *geometry.output)
    y = lowering.emit(
        "integer_conv2d", inputs, stored_shape(shape, channels_last(4)), dtype=INT32, stride=geometry.stride,
        padding=geometry.padding, dilation=geometry.dilation, groups=groups,
    )  # fmt: skip
    return from_image(lowering, lowering.result(y, shape, channels_last(4), INT32), rank - 2)


def matmul_integer(
    lowering: Lowering, node: SourceNode, a: Value, b: Value, a_zero: Value | None = None, b_zero: Value | None = None
) -> Value:
    if len(a.shape) < 2 or len(b.shape) < 2 or a.shape[-1] != b.shape[-2]:
        lowering.refuse(f"it multiplies the shapes {a.shape} and {b.shape}; supported are matrices that fit")
    try:
        leading = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    except ValueError:
        lowering.malformed(f"it multiplies the shapes {a.shape} and {b.shape}")
    zeros = _zero_point(lowering, a, a_zero, (), ()), _zero_point(lowering, b, b_zero, (), b.shape[-1:])
    left, right = (lowering.stored(_integers(lowering, value), plain(len(value.shape))) for value in (a, b))
    shape = (*leading, a.shape[-2], b.shape[-1])
    y = lowering.emit("integer_matmul", [left, zeros[0], right, zeros[1]], shape, dtype=INT32)
    return lowering.result(y, shape, plain(len(shape)), INT32)


def _integers(lowering: Lowering, x: Value) -> Value:
    """Bytes as int8: those of uint8 are shifted by 128."""
    if x.dtype not in QUANTIZED:
        lowering.malformed(f"its input {x.name!r} is {x.dtype}, expected int8 or uint8")
    if x.data is not None:
        data = (x.data ^ np.uint8(0x80)).view(INT8) if x.dtype == UINT8 else x.data
        return constant(x.name, data)
    if lowering.tensors[x.tensor].dtype == INT8:
        return x
    if not lowering.hold_integers(x.tensor, -128 if x.dtype == UINT8 else 0):
        lowering.refuse(f"its input {x.name!r} was quantized with a constant scale, where one of its own is expected")
    return x


def _zero_point(
    lowering: Lowering, x: Value, zero_point: Value | None, one: tuple[int, ...], many: tuple[int, ...]
) -> str:
    """The zero point of x in terms of int8, of shape ``one`` or ``many``."""
    shift = 128 if x.dtype == UINT8 else 0
    if zero_point is None:
        return lowering.array("zero_point", np.full(one, -shift, np.int32))
    if zero_point.dtype != x.dtype:
        lowering.malformed(f"its input {x.name!r} is {x.dtype}, its zero point {zero_point.dtype}")
    if zero_point.data is not None:
        count = zero_point.data.size
        shape = one if count == 1 else many
        if count != np.prod(shape, dtype=int):
            lowering.refuse(f"the zero point of {x.name!r} has the shape {zero_point.shape}, expected {one} or {many}")
        return lowering.array("zero_point", zero_point.data.astype(np.int32).reshape(shape) - np.int32(shift))
    if lowering.tensors[zero_point.tensor].dtype != INT32:
        lowering.refuse(f"the zero point {zero_point.name!r} is computed by something else than DynamicQuantizeLinear")
    return lowering.stored(lowering.reshaped(replace(zero_point, dtype=INT32), one), plain(len(one)))
