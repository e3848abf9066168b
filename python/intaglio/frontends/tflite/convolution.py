"""CONV_2D, DEPTHWISE_CONV_2D, TRANSPOSE_CONV: geometry, weights, bias, requantization."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from intaglio.frontends.tflite.lowering import Lowering
from intaglio.frontends.tflite.model import Operator
from intaglio.frontends.tflite.requantization import clamp, product_inputs, scale_of
from intaglio.frontends.tflite.schema import PADDING_SAME, PADDING_VALID
from intaglio.geometry import Padding, same_padding, same_transposed_padding, window_count
from intaglio.graph import AttrValue, Tensor

if TYPE_CHECKING:
    from numpy.typing import NDArray


def conv_2d(lowering: Lowering, op: Operator) -> None:
    x = _image(lowering, op, 0)
    weight, weight_scale, zero_point = weights(lowering, op, 1, rank=4, channel_axis=0)
    channels, kh, kw, per_group = weight.shape
    if per_group == 0 or x.shape[3] % per_group or channels % max(x.shape[3] // per_group, 1):
        lowering.malformed(op, f"weights {weight.shape} do not fit {x.shape[3]} input channels")
    stride, dilation = strides(lowering, op), dilations(lowering, op)
    padding, size = window(lowering, op, x, (kh, kw), stride, dilation)
    y = lowering.quantized_output(op, (x.shape[0], *size, channels))
    _emit(
        lowering, op, "conv2d", x, weight, weight_scale, zero_point, 2, y,
        stride=stride, padding=padding, dilation=dilation, groups=x.shape[3] // per_group,
    )  # fmt: skip


def depthwise_conv_2d(lowering: Lowering, op: Operator) -> None:
    x = _image(lowering, op, 0)
    weight, weight_scale, zero_point = weights(lowering, op, 1, rank=4, channel_axis=3)
    one, kh, kw, channels = weight.shape
    if one != 1 or x.shape[3] == 0 or channels % x.shape[3]:
        lowering.malformed(op, f"weights {weight.shape} do not fit {x.shape[3]} input channels")
    assert weight.data is not None
    weight = lowering.derived(weight, "taps", weight.data.reshape(kh, kw, channels))
    stride, dilation = strides(lowering, op), dilations(lowering, op)
    padding, size = window(lowering, op, x, (kh, kw), stride, dilation)
    y = lowering.quantized_output(op, (x.shape[0], *size, channels))
    _emit(
        lowering, op, "depthwise_conv2d", x, weight, weight_scale, zero_point, 2, y,
        stride=stride, padding=padding, dilation=dilation,
    )  # fmt: skip


def transpose_conv(lowering: Lowering, op: Operator) -> None:
    """Inputs are the output shape, weights, x and an optional bias."""
    shape = lowering.integers(op, 0, "output shape")
    x = _image(lowering, op, 2)
    weight, weight_scale, zero_point = weights(lowering, op, 1, rank=4, channel_axis=0)
    channels, kh, kw, depth = weight.shape
    if len(shape) != 4 or shape[3] != channels or depth != x.shape[3] or min(shape) < 1:
        lowering.malformed(op, f"output shape {shape} and weights {weight.shape} do not fit input {x.shape}")
    stride = strides(lowering, op)
    # The padding is that of the convolution that would take the output back to the input.
    if op.options["padding"] not in (PADDING_SAME, PADDING_VALID):
        lowering.malformed(op, f"it has padding {op.options['padding']}")
    height = same_transposed_padding(x.shape[1], kh, stride[0], shape[1])
    width = same_transposed_padding(x.shape[2], kw, stride[1], shape[2])
    y = lowering.quantized_output(op, (x.shape[0], shape[1], shape[2], channels))
    _emit(
        lowering, op, "transposed_conv2d", x, weight, weight_scale, zero_point, 3, y,
        stride=stride, padding=(height[0], width[0], height[1], width[1]),
    )  # fmt: skip


def weights(
    lowering: Lowering, op: Operator, i: int, *, rank: int, channel_axis: int
) -> tuple[Tensor, NDArray[np.float32], int]:
    """A constant int8 or uint8 weight, one scale per output channel, and its zero point."""
    source = lowering.source(op, i)
    tensor = lowering.input(op, i)
    if tensor.data is None:
        lowering.refuse(op, f"its weights {source.name!r} are computed while the network runs")
    if tensor.dtype != np.int8 or source.scale.size == 0:
        lowering.refuse(
            op, f"its weights {source.name!r} are {source.type} without a scale; quantize the network first"
        )
    if len(tensor.shape) != rank:
        lowering.malformed(op, f"its weights have the shape {tensor.shape}, expected rank {rank}")
    channels = tensor.shape[channel_axis]
    if source.scale.size not in (1, channels) or (source.scale.size > 1 and source.quantized_dimension != channel_axis):
        lowering.refuse(
            op,
            f"its weights {source.name!r} have {source.scale.size} scales along axis {source.quantized_dimension}; "
            f"supported are one for all or one for each of {channels} along axis {channel_axis}",
        )
    zero_point = int(source.zero_point[0]) - (128 if source.type == "uint8" else 0)
    if (source.zero_point != source.zero_point[0]).any() or not -128 <= zero_point <= 127:
        lowering.refuse(op, f"its weights {source.name!r} have different zero points per channel")
    scale = source.scale if source.scale.size == channels else np.full(channels, source.scale[0])
    return tensor, scale, zero_point


def bias_of(lowering: Lowering, op: Operator, i: int, channels: int, y: Tensor) -> Tensor:
    """The int32 bias, zeros where the operator has none."""
    if not lowering.has_input(op, i):
        return lowering.parameter(y, "bias", np.zeros(channels, np.int32))
    bias = lowering.constant(op, i, "bias")
    if bias.dtype not in (np.int32, np.int64) or bias.size != channels:
        lowering.refuse(
            op, f"its bias has element type {bias.dtype} and {bias.size} elements; expected int32 and {channels}"
        )
    if bias.dtype == np.int64:
        if bias.size and np.abs(bias).max() >= 1 << 31:
            lowering.refuse(op, "its bias does not fit int32")
        bias = bias.astype(np.int32)
    tensor = lowering.input(op, i)
    if tensor.shape == (channels,) and tensor.dtype == np.int32:
        return tensor
    return lowering.parameter(y, "bias", bias.reshape(channels))


def _emit(
    lowering: Lowering,
    op: Operator,
    name: str,
    x: Tensor,
    weight: Tensor,
    weight_scale: NDArray[np.float32],
    zero_point: int,
    bias_input: int,
    y: Tensor,
    **geometry: AttrValue,
) -> None:
    bias = bias_of(lowering, op, bias_input, weight_scale.size, y)
    narrow = lowering.source_output(op).type == "uint8"
    scale, shift = product_inputs(lowering, y, scale_of(x), weight_scale, narrow=narrow)
    attrs: dict[str, Any] = dict(geometry)
    attrs |= {"requant": lowering.requant, "clamp": clamp(lowering, op, y), "weight_zero_point": zero_point}
    lowering.emit(name, [x, weight, bias, scale, shift], y, **attrs)


def _image(lowering: Lowering, op: Operator, i: int) -> Tensor:
    x = lowering.quantized(op, i)
    if len(x.shape) != 4:
        lowering.malformed(op, f"its input has the shape {x.shape}, expected [N, H, W, C]")
    return x


def strides(lowering: Lowering, op: Operator) -> tuple[int, int]:
    stride = (op.options["stride_h"], op.options["stride_w"])
    if min(stride) < 1:
        lowering.malformed(op, f"it has strides {stride}")
    return stride


def dilations(lowering: Lowering, op: Operator) -> tuple[int, int]:
    dilation = (op.options["dilation_h"], op.options["dilation_w"])
    if min(dilation) < 1:
        lowering.malformed(op, f"it has dilations {dilation}")
    return dilation


def window(
    lowering: Lowering,
    op: Operator,
    x: Tensor,
    kernel: tuple[int, int],
    stride: tuple[int, int],
    dilation: tuple[int, int] = (1, 1),
) -> tuple[Padding, tuple[int, int]]:
    """Padding and output size of a sliding window over [N, H, W, C]."""
    if min(kernel) < 1:
        lowering.malformed(op, f"its kernel has the size {kernel}")
    if op.options["padding"] == PADDING_SAME:
        pads = [same_padding(x.shape[1 + i], kernel[i], stride[i], dilation[i]) for i in range(2)]
    elif op.options["padding"] == PADDING_VALID:
        pads = [(0, 0), (0, 0)]
    else:
        lowering.malformed(op, f"it has padding {op.options['padding']}")
    height, width = (window_count(x.shape[1 + i], kernel[i], stride[i], sum(pads[i]), dilation[i]) for i in range(2))
    if height < 1 or width < 1:
        lowering.malformed(op, f"its window {kernel} does not fit its input {x.shape}")
    return (pads[0][0], pads[1][0], pads[0][1], pads[1][1]), (height, width)
