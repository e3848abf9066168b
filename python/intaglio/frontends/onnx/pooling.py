"""Pooling over windows and over whole images."""

from __future__ import annotations

from dataclasses import replace

from intaglio.frontends.onnx.lowering import Lowering
from intaglio.frontends.onnx.model import SourceNode
from intaglio.frontends.onnx.values import Value, channels_last, stored_shape
from intaglio.frontends.onnx.windows import as_image, from_image, window
from intaglio.geometry import Padding
from intaglio.opset import FloatPool, FloatReduce


def max_pool(lowering: Lowering, node: SourceNode, x: Value) -> Value:
    if len(node.outputs) > 1:
        lowering.refuse("it also gives the positions of the maxima")
    return _pool(lowering, node, x, FloatPool.MAX)


def average_pool(lowering: Lowering, node: SourceNode, x: Value) -> Value:
    including = node.attributes.get("count_include_pad", 0)
    return _pool(lowering, node, x, FloatPool.AVERAGE_INCLUDING_PADDING if including else FloatPool.AVERAGE)


def global_average_pool(lowering: Lowering, node: SourceNode, x: Value) -> Value:
    return _global_mean(lowering, x)


def global_max_pool(lowering: Lowering, node: SourceNode, x: Value) -> Value:
    return _pool(lowering, replace(node, attributes={"kernel_shape": list(x.shape[2:])}), x, FloatPool.MAX)


def _pool(lowering: Lowering, node: SourceNode, x: Value, kind: FloatPool) -> Value:
    if len(x.shape) not in (3, 4):
        lowering.refuse(f"its input has the shape {x.shape}; supported are [N, C, H, W] and [N, C, L]")
    kernel = [int(n) for n in node.attributes.get("kernel_shape", ())]
    if len(kernel) != len(x.shape) - 2:
        lowering.malformed(f"its kernel {kernel} does not fit its input {x.shape}")
    ceil = bool(node.attributes.get("ceil_mode", 0))
    geometry = window(lowering, node, x.shape[2:], kernel, ceil=ceil)
    if geometry.dilation != (1, 1):
        lowering.refuse(f"it has dilations {geometry.dilation}")
    if kind is not FloatPool.MAX and kernel == list(x.shape[2:]) and not any(geometry.padding):
        return _global_mean(lowering, x)
    image = as_image(lowering, x)
    stored, padding = lowering.stored(image, channels_last(4)), geometry.padding
    # Padding that only rounding up brings never counts.
    if kind is FloatPool.AVERAGE_INCLUDING_PADDING:
        given = window(lowering, node, x.shape[2:], kernel).padding
        if given != padding or not any(given):
            kind = FloatPool.AVERAGE
            stored, padding = _with_zeros(lowering, stored, given), _difference(padding, given)
    shape = (*x.shape[:2], *geometry.output)
    y = lowering.emit(
        "float_pool2d", [stored], stored_shape(shape, channels_last(4)),
        kind=kind, kernel=(*[1] * (2 - len(kernel)), *kernel), stride=geometry.stride, padding=padding,
        selects=kind is FloatPool.MAX,
    )  # fmt: skip
    return from_image(lowering, lowering.result(y, shape, channels_last(4), x.dtype), len(kernel))


def _with_zeros(lowering: Lowering, image: str, padding: Padding) -> str:
    """An image with zeros around it, which windows take for values."""
    if not any(padding):
        return image
    top, left, bottom, right = padding
    n, height, width, channels = lowering.tensors[image].shape
    shape = (n, height + top + bottom, width + left + right, channels)
    return lowering.emit("pad", [image], shape, selects=True, value=0, padding=(0, 0, top, bottom, left, right, 0, 0))


def _difference(padding: Padding, given: Padding) -> Padding:
    """What is left of the padding on each side."""
    top, left, bottom, right = (whole - part for whole, part in zip(padding, given, strict=True))
    return top, left, bottom, right


def _global_mean(lowering: Lowering, x: Value) -> Value:
    rank = len(x.shape)
    if rank < 3:
        lowering.malformed(f"its input has the shape {x.shape}, expected [N, C, ...]")
    shape = (*x.shape[:2], *[1] * (rank - 2))
    order = channels_last(rank)
    axes = tuple(range(1, rank - 1))
    source = lowering.stored(lowering.floats(x), order)
    y = lowering.emit("float_reduce", [source], stored_shape(shape, order), kind=FloatReduce.MEAN, axes=axes)
    return lowering.result(y, shape, order)
