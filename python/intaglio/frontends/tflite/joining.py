"""CONCATENATION, PACK, UNPACK, MIRROR_PAD: values joined from several parts, or taken apart."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from intaglio.frontends.tflite.float32_tables import rescaled_uint8
from intaglio.frontends.tflite.lowering import Lowering, same_quantization
from intaglio.frontends.tflite.model import Operator
from intaglio.frontends.tflite.movement import moved, normal_axis, paddings
from intaglio.frontends.tflite.tables import rescaled
from intaglio.graph import Tensor
from intaglio.opset import Requant


def concatenation(lowering: Lowering, op: Operator) -> None:
    if op.options["activation"] != 0:
        lowering.refuse(op, "it has a fused activation")
    inputs = [lowering.input(op, i) for i in range(len(op.inputs))]
    if not inputs:
        lowering.malformed(op, "it has no inputs")
    axis = normal_axis(lowering, op, op.options["axis"], len(inputs[0].shape))
    rest = {(len(x.shape), x.shape[:axis], x.shape[axis + 1 :]) for x in inputs}
    if len(rest) > 1:
        lowering.malformed(op, f"shapes {', '.join(str(x.shape) for x in inputs)} do not join along axis {axis}")
    shape = list(inputs[0].shape)
    shape[axis] = sum(x.shape[axis] for x in inputs)
    y = lowering.output(op, shape)
    if any(x.dtype != y.dtype for x in inputs):
        lowering.malformed(op, f"it joins {', '.join(str(x.dtype) for x in inputs)} as {y.dtype}")
    if len({x.scale is None for x in (*inputs, y)}) > 1:
        lowering.malformed(op, "it joins quantized tensors and others")
    lowering.emit("concat", [_requantized(lowering, x, y) for x in inputs], y, axis=axis)


def _requantized(lowering: Lowering, x: Tensor, y: Tensor) -> Tensor:
    """x with the quantization of y, and its real values."""
    if same_quantization(x, y):
        return x
    table = rescaled_uint8(x, y) if lowering.requant is Requant.FIXED else rescaled(x, y, lowering.requant)
    if x.data is not None:
        return lowering.derived(replace(y, name=x.name), "requantized", table[x.data.astype(np.int16) + 128])
    return lowering.lookup(x, lowering.temporary(y, "requantized", x.shape, y), table)


def pack(lowering: Lowering, op: Operator) -> None:
    inputs = [lowering.input(op, i) for i in range(len(op.inputs))]
    if not inputs or len({x.shape for x in inputs}) > 1:
        lowering.malformed(op, f"it packs the shapes {', '.join(str(x.shape) for x in inputs)}")
    x = inputs[0]
    axis = normal_axis(lowering, op, op.options["axis"], len(x.shape) + 1)
    y = lowering.output(op, (*x.shape[:axis], len(inputs), *x.shape[axis:]))
    one = (*x.shape[:axis], 1, *x.shape[axis:])
    if any(x.dtype != y.dtype for x in inputs):
        lowering.malformed(op, f"it packs {', '.join(str(x.dtype) for x in inputs)} as {y.dtype}")
    layers = [lowering.reshaped(lowering.relabelled(x, y), one, y) for x in inputs]
    lowering.emit("concat", layers, y, axis=axis)


def unpack(lowering: Lowering, op: Operator) -> None:
    x = lowering.input(op, 0)
    axis = normal_axis(lowering, op, op.options["axis"], len(x.shape))
    if x.shape[axis] != len(op.outputs):
        lowering.malformed(op, f"it unpacks axis {axis} of {x.shape} into {len(op.outputs)} tensors")
    for i in range(len(op.outputs)):
        y = lowering.output(op, (*x.shape[:axis], *x.shape[axis + 1 :]), i)
        begin = [i if a == axis else 0 for a in range(len(x.shape))]
        layer = lowering.temporary(y, "layer", (*x.shape[:axis], 1, *x.shape[axis + 1 :]), x)
        lowering.emit("slice", [x], layer, begin_stride=(*begin, *[1] * len(begin)))
        moved(lowering, op, "reshape", layer, y)


def mirror_pad(lowering: Lowering, op: Operator) -> None:
    """Per axis: the mirrored beginning, x, the mirrored end."""
    x = lowering.input(op, 0)
    mode = op.options["mode"]
    if mode not in (0, 1):
        lowering.malformed(op, f"it has mode {mode}")
    # REFLECT (0) leaves the edge itself out.
    skip = 1 - mode
    padding = paddings(lowering, op, 1, len(x.shape))
    y = lowering.output(op, [b + n + a for n, b, a in zip(x.shape, padding[::2], padding[1::2], strict=True)])
    if x.dtype != y.dtype:
        lowering.malformed(op, f"it takes {x.dtype} to {y.dtype}")
    current = lowering.relabelled(x, y)
    for axis, (before, after) in enumerate(zip(padding[::2], padding[1::2], strict=True)):
        size = x.shape[axis]
        if max(before, after) > size - skip:
            lowering.malformed(op, f"it mirrors {max(before, after)} positions of axis {axis} of {x.shape}")
        parts = [
            *_mirrored(lowering, y, current, axis, skip + before - 1, before),
            current,
            *_mirrored(lowering, y, current, axis, size - 1 - skip, after),
        ]
        if len(parts) > 1:
            shape = list(current.shape)
            shape[axis] = before + size + after
            current = lowering.emit("concat", parts, lowering.temporary(y, f"axis_{axis}", shape, y), axis=axis)
    lowering.emit("reshape", [current], y)


def _mirrored(lowering: Lowering, y: Tensor, x: Tensor, axis: int, begin: int, count: int) -> list[Tensor]:
    """``count`` positions of an axis backwards from ``begin``, if any."""
    if count == 0:
        return []
    shape = list(x.shape)
    shape[axis] = count
    begins = [begin if i == axis else 0 for i in range(len(shape))]
    strides = [-1 if i == axis else 1 for i in range(len(shape))]
    part = lowering.temporary(y, f"mirror_{axis}", shape, x)
    return [lowering.emit("slice", [x], part, begin_stride=(*begins, *strides))]
