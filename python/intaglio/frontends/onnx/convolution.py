"""Conv and ConvTranspose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from intaglio.frontends.onnx.lowering import Lowering
from intaglio.frontends.onnx.model import SourceNode
from intaglio.frontends.onnx.values import Value, channels_last, constant, plain
from intaglio.frontends.onnx.windows import Window, as_image, from_image, window
from intaglio.geometry import transposed_size
from intaglio.grids import Constant, Dequantized, numbers

#: (low, high) of a result without activation.
UNBOUNDED = (-np.inf, np.inf)


def conv(lowering: Lowering, node: SourceNode, x: Value, weight: Value, bias: Value | None = None) -> Value:
    """[N, C, H, W] and [O, C/groups, kh, kw], or without H and kh."""
    spatial = _check_ranks(lowering, x, weight)
    groups = node.attributes.get("group", 1)
    channels = weight.shape[0]
    if groups < 1 or x.shape[1] != groups * weight.shape[1] or channels % groups:
        lowering.malformed(f"weights {weight.shape} in {groups} groups do not fit its input {x.shape}")
    geometry = window(lowering, node, x.shape[2:], weight.shape[2:])
    image, kernel = as_image(lowering, lowering.floats(x)), _flat_kernel(lowering.weights(weight))
    if groups == x.shape[1] and weight.shape[1] == 1 and groups > 1:
        kernel = kernel.transposed((2, 3, 1, 0)).reshaped_constant((*kernel.shape[2:], channels))
        op, attrs = "float_depthwise_conv2d", {}
    else:
        kernel = kernel.transposed((0, 2, 3, 1))
        op, attrs = "float_conv2d", {"groups": groups}
    inputs = [
        lowering.stored(image, channels_last(4)),
        lowering.stored(kernel, plain(len(kernel.shape))),
        bias_of(lowering, bias, channels),
        lowering.number_list("bounds", UNBOUNDED),
    ]
    shape = (x.shape[0], channels, *geometry.output)
    y = lowering.emit(
        op, inputs, (shape[0], *shape[2:], channels),
        stride=geometry.stride, padding=geometry.padding, dilation=geometry.dilation, **attrs,
    )  # fmt: skip
    return from_image(lowering, lowering.result(y, shape, channels_last(4)), spatial)


def conv_transpose(lowering: Lowering, node: SourceNode, x: Value, weight: Value, bias: Value | None = None) -> Value:
    """[N, C, H, W] and [C, O/groups, kh, kw], or without H and kh; each group is a convolution of its own."""
    spatial = _check_ranks(lowering, x, weight)
    groups = node.attributes.get("group", 1)
    if groups < 1 or x.shape[1] != weight.shape[0] or x.shape[1] % groups:
        lowering.malformed(f"weights {weight.shape} in {groups} groups do not fit its input {x.shape}")
    kernel = _dilated(_flat_kernel(lowering.weights(weight)), Window(lowering, node, spatial).dilation)
    image = as_image(lowering, lowering.floats(x))
    stride, padding = _transposed_geometry(lowering, node, image, kernel, spatial)
    size = [
        transposed_size(n, k, s, before + after)
        for n, k, s, before, after in zip(
            image.shape[2:], kernel.shape[2:], stride, padding[:2], padding[2:], strict=True
        )
    ]
    if min(size) < 1:
        lowering.malformed(f"its output would have the size {size}")
    source = lowering.stored(image, channels_last(4))
    per_group, outputs = x.shape[1] // groups, weight.shape[1]
    biases = _parts(bias, groups, outputs)
    parts = []
    for group in range(groups):
        part = source
        if groups > 1:
            begin_stride = (0, 0, 0, group * per_group, 1, 1, 1, 1)
            shape = (*lowering.tensors[source].shape[:3], per_group)
            part = lowering.emit("slice", [source], shape, selects=True, begin_stride=begin_stride)
        inputs = [
            part,
            lowering.stored(_rows(kernel, group * per_group, per_group), (1, 2, 3, 0)),
            bias_of(lowering, biases[group], outputs),
            lowering.number_list("bounds", UNBOUNDED),
        ]
        shape = (x.shape[0], *size, outputs)
        parts.append(lowering.emit("float_transposed_conv2d", inputs, shape, stride=stride, padding=padding))
    shape = (x.shape[0], groups * outputs, *size)
    y = parts[0]
    if groups > 1:
        y = lowering.emit("concat", parts, (shape[0], *size, shape[1]), axis=3)
    return from_image(lowering, lowering.result(y, shape, channels_last(4)), spatial)


def bias_of(lowering: Lowering, bias: Value | None, channels: int) -> str:
    """The bias, zeros where the operator has none."""
    if bias is None:
        return lowering.array("bias", np.zeros(channels, np.float32))
    if bias.shape != (channels,):
        lowering.malformed(f"its bias has the shape {bias.shape}, expected ({channels},)")
    return lowering.stored(lowering.weights(bias, "bias"), (0,))


def _check_ranks(lowering: Lowering, x: Value, weight: Value) -> int:
    """The number of spatial axes."""
    rank = len(x.shape)
    if rank not in (3, 4):
        lowering.refuse(f"its input has the shape {x.shape}; supported are [N, C, H, W] and [N, C, L]")
    if len(weight.shape) != rank:
        lowering.malformed(f"weights {weight.shape} do not fit its input {x.shape}")
    return rank - 2


def _flat_kernel(weight: Value) -> Value:
    """A kernel with two spatial axes."""
    if len(weight.shape) == 4:
        return weight
    return weight.reshaped_constant((*weight.shape[:2], 1, weight.shape[2]))


def _transposed_geometry(
    lowering: Lowering, node: SourceNode, image: Value, kernel: Value, spatial: int
) -> tuple[tuple[int, int], tuple[int, int, int, int]]:
    attributes = node.attributes
    given = Window(lowering, node, spatial)
    extra = given.sizes("output_padding", 0)
    before, after = given.pads()
    shape = attributes.get("output_shape")
    for axis in range(2):
        extent = transposed_size(image.shape[2 + axis], kernel.shape[2 + axis], given.stride[axis], 0)
        mode = attributes.get("auto_pad", "NOTSET")
        if shape or mode.startswith("SAME"):
            wanted = image.shape[2 + axis] * given.stride[axis]
            if shape:
                wanted = ([1] * (2 - spatial) + [int(n) for n in shape[-spatial:]])[axis]
            total = extent + extra[axis] - wanted
            half = max(total, 0) // 2
            before[axis] = half if mode == "SAME_UPPER" else max(total, 0) - half
            after[axis] = total - before[axis]
        after[axis] -= extra[axis]
        if before[axis] < 0:
            lowering.refuse(f"its padding before axis {axis} is negative")
    return given.stride, (before[0], before[1], after[0], after[1])


def _dilated(kernel: Value, dilation: tuple[int, int]) -> Value:
    """The kernel with zeros between its taps, for the op has no dilation."""
    if dilation == (1, 1):
        return kernel
    assert kernel.constant is not None

    def spread(data: NDArray[Any], fill: int) -> NDArray[Any]:
        rows, columns = ((n - 1) * d + 1 for n, d in zip(data.shape[2:], dilation, strict=True))
        wide = np.full((*data.shape[:2], rows, columns), fill, data.dtype)
        wide[:, :, :: dilation[0], :: dilation[1]] = data
        return wide

    if isinstance(kernel.constant, Dequantized) and len(zero := np.unique(kernel.constant.grid.zero_point)) == 1:
        data: Constant = replace(kernel.constant, integers=spread(kernel.constant.integers, int(zero[0])))
    else:
        data = spread(numbers(kernel.constant), 0)
    return constant(kernel.name, data)


def _rows(kernel: Value, begin: int, count: int) -> Value:
    """The input channels of one group."""
    if count == kernel.shape[0]:
        return kernel
    assert kernel.constant is not None
    rows = slice(begin, begin + count)
    if not isinstance(kernel.constant, Dequantized):
        return constant(kernel.name, kernel.constant[rows])
    grid = kernel.constant.grid
    if grid.axis == 0:
        grid = replace(grid, scale=grid.scale[rows], zero_point=grid.zero_point[rows])
    return constant(kernel.name, Dequantized(grid, kernel.constant.integers[rows]))


def _parts(bias: Value | None, groups: int, channels: int) -> Sequence[Value | None]:
    """The bias of each group."""
    if bias is None or groups == 1 or bias.constant is None:
        return [bias] * groups
    return [_rows(bias, i * channels, channels) for i in range(groups)]
