"""Operators on numbers that are no quantized values: integer arithmetic, casts, gathers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from intaglio.frontends.tflite.lowering import FLOAT32, INT8, INT32, Lowering
from intaglio.frontends.tflite.model import Operator
from intaglio.frontends.tflite.movement import normal_axis
from intaglio.frontends.tflite.schema import ACTIVATIONS
from intaglio.graph import Tensor
from intaglio.opset import IntegerBinary

_NO_ACTIVATION = ACTIVATIONS.index("NONE")


def binary(lowering: Lowering, op: Operator) -> None:
    if op.options.get("activation", _NO_ACTIVATION) != _NO_ACTIVATION:
        lowering.refuse(op, "it has a fused activation on integers")
    a, b = lowering.input(op, 0), lowering.input(op, 1)
    try:
        shape = np.broadcast_shapes(a.shape, b.shape)
    except ValueError:
        lowering.malformed(op, f"shapes {a.shape} and {b.shape} do not broadcast")
    y = lowering.output(op, shape)
    if not a.dtype == b.dtype == y.dtype:
        lowering.malformed(op, f"its inputs are {a.dtype} and {b.dtype}, its output {y.dtype}")
    if op.op.startswith("FLOOR"):
        divisors = lowering.constant(op, 1, "divisor")
        if not divisors.all():
            lowering.malformed(op, "it divides by zero")
    lowering.emit("integer_binary", [a, b], y, kind=IntegerBinary[op.op])


def cast(lowering: Lowering, op: Operator) -> None:
    """Of quantized tensors TFLite casts the stored integers, whatever their scale."""
    source, result = lowering.source(op, 0), lowering.source_output(op)
    x = lowering.input(op, 0)
    y = lowering.output(op, x.shape)
    if source.type == "uint8":
        x = lowering.relabelled(x, replace(x, scale=np.float32(1), zero_point=-128))
        if y.dtype == FLOAT32:
            lowering.emit("dequantize", [x], y)
            return
        real = Tensor(x.name, x.shape, FLOAT32)
        x = lowering.emit("dequantize", [x], lowering.temporary(y, "real", x.shape, real))
    if result.type == "uint8":
        wide = Tensor(y.name, y.shape, INT32)
        number = lowering.emit("cast", [x], lowering.temporary(y, "number", y.shape, wide))
        shift = lowering.parameter(y, "shift", np.array(128, np.int32))
        x = lowering.temporary(y, "shifted", y.shape, wide)
        lowering.emit("integer_binary", [number, shift], x, kind=IntegerBinary.SUB)
    lowering.emit("cast", [x], y)


def gather(lowering: Lowering, op: Operator) -> None:
    """Indices take the place of an axis."""
    if op.options["batch_dims"]:
        lowering.refuse(op, f"it has {op.options['batch_dims']} batch axes")
    x, indices = lowering.input(op, 0), _indices(lowering, op)
    axis = normal_axis(lowering, op, op.options["axis"], len(x.shape))
    y = lowering.output(op, (*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :]))
    lowering.emit("gather", [lowering.relabelled(x, y), indices], y, axis=axis)


def gather_nd(lowering: Lowering, op: Operator) -> None:
    """The last axis of the indices holds positions along the first axes of x."""
    x, indices = lowering.input(op, 0), _indices(lowering, op)
    depth = indices.shape[-1] if indices.shape else 0
    if not 1 <= depth <= len(x.shape):
        lowering.malformed(op, f"indices {indices.shape} do not fit its input {x.shape}")
    y = lowering.output(op, (*indices.shape[:-1], *x.shape[depth:]))
    lowering.emit("gather_nd", [lowering.relabelled(x, y), indices], y)


def _indices(lowering: Lowering, op: Operator) -> Tensor:
    indices = lowering.input(op, 1)
    if indices.dtype.kind != "i" or indices.dtype == INT8:
        lowering.malformed(op, f"its indices are {indices.dtype}, expected int32 or int64")
    return indices
