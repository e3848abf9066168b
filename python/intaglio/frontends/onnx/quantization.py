"""QuantizeLinear and DequantizeLinear: numbers become grids, and the integers between them float tensors on a grid."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from intaglio.errors import QuantizationError
from intaglio.frontends.onnx.elementwise import binary, unary
from intaglio.frontends.onnx.lowering import FLOAT32, INT8, INT32, QUANTIZED, UINT8, Lowering
from intaglio.frontends.onnx.model import SourceNode
from intaglio.frontends.onnx.schema import array_type, element_name
from intaglio.frontends.onnx.values import Value, constant
from intaglio.grids import Dequantized, Grid
from intaglio.opset import FloatBinary, FloatUnary

#: Of the constants that stand for many grids at once.
_PARTS = ("scale", "zero_point")


def quantize_linear(
    lowering: Lowering, node: SourceNode, x: Value, scale: Value, zero_point: Value | None = None
) -> Value:
    dtype = _integer_type(lowering, node, zero_point)
    if _is_per_tensor(scale) or (x.constant is not None and not node.attributes.get("block_size", 0)):
        return rounded(lowering, lowering.floats(x), grid_of(lowering, node, x, scale, zero_point), dtype)
    factor, offset = _spread(lowering, node, x, scale, zero_point)
    steps = unary(lowering, FloatUnary.ROUND, binary(lowering, FloatBinary.DIV, x, factor))
    return rounded(lowering, binary(lowering, FloatBinary.ADD, steps, offset), unit_grid(dtype), dtype)


def dequantize_linear(
    lowering: Lowering, node: SourceNode, x: Value, scale: Value, zero_point: Value | None = None
) -> Value:
    if zero_point is not None and zero_point.dtype != x.dtype:
        lowering.malformed(f"it takes {x.dtype} with a zero point of {zero_point.dtype}")
    if _is_per_tensor(scale) or (x.constant is not None and not node.attributes.get("block_size", 0)):
        return dequantized(lowering, x, grid_of(lowering, node, x, scale, zero_point, x.dtype))
    factor, offset = _spread(lowering, node, x, scale, zero_point)
    integers = dequantized(lowering, x, unit_grid(x.dtype))
    return binary(lowering, FloatBinary.MUL, binary(lowering, FloatBinary.SUB, integers, offset), factor)


def grid_of(
    lowering: Lowering,
    node: SourceNode,
    x: Value,
    scale: Value,
    zero_point: Value | None,
    dtype: np.dtype[Any] | None = None,
) -> Grid:
    """The grid that a scale, a zero point and the attribute ``axis`` give x, in the source's layout."""
    axis = None
    if not _is_per_tensor(scale):
        axis = lowering.axis(node.attributes.get("axis", 1), len(x.shape))
        if scale.shape != x.shape[axis : axis + 1]:
            lowering.malformed(f"scales of shape {scale.shape} do not fit axis {axis} of {x.shape}")
    return affine(lowering, scale, zero_point, axis, dtype)


def affine(
    lowering: Lowering, scale: Value, zero_point: Value | None, axis: int | None, dtype: np.dtype[Any] | None = None
) -> Grid:
    """A grid of int8 or uint8, or of the int32 of a bias, in the terms of int8 that the graph has."""
    scales = _checked_scales(lowering, scale)
    shape = () if axis is None else scales.shape
    if zero_point is None:
        zeros = np.zeros(shape, np.int32)
        dtype = dtype or UINT8
    else:
        dtype = zero_point.dtype
        zeros = lowering.known(zero_point, "zero point").astype(np.int32)
        if zeros.size not in (1, scales.size):
            lowering.malformed(f"it has scales of shape {scales.shape} and zero points of shape {zeros.shape}")
        zeros = np.array(np.broadcast_to(zeros.reshape(-1) if axis is not None else zeros.reshape(()), shape))
    if dtype not in (*QUANTIZED, INT32):
        lowering.refuse(f"it quantizes to {dtype}; supported are int8 and uint8")
    if dtype == INT32 and zeros.any():
        lowering.refuse("it has int32 with a zero point")
    unsigned = dtype == UINT8
    return Grid(scales.reshape(shape), zeros - 128 if unsigned else zeros, axis, unsigned=unsigned)


def element_type(lowering: Lowering, code: int) -> np.dtype[Any]:
    """The element type that an attribute names."""
    dtype = array_type(code)
    if dtype is None:
        lowering.refuse(f"it names the element type {element_name(code)}")
    return dtype


def unit_grid(dtype: np.dtype[Any]) -> Grid:
    """The grid on which bytes of this type stand for themselves."""
    unsigned = dtype == UINT8
    return Grid(np.array(1, np.float32), np.array(-128 if unsigned else 0, np.int32), unsigned=unsigned)


def _is_per_tensor(scale: Value) -> bool:
    return scale.shape in ((), (1,))


def _spread(
    lowering: Lowering, node: SourceNode, x: Value, scale: Value, zero_point: Value | None
) -> tuple[Value, Value]:
    """Scales and zero points of channels or blocks, as constants that broadcast to x."""
    axis, block = lowering.axis(node.attributes.get("axis", 1), len(x.shape)), node.attributes.get("block_size", 0)
    scales = _checked_scales(lowering, scale)
    zeros = np.zeros_like(scales) if zero_point is None else lowering.known(zero_point, "zero point")
    shape = [n if i == axis else 1 for i, n in enumerate(x.shape)]
    if block:
        shape = [-(-n // block) if i == axis else n for i, n in enumerate(x.shape)]
    if scales.size != math.prod(shape) or zeros.shape != scales.shape or (block and scales.shape != tuple(shape)):
        lowering.malformed(f"scales of shape {scales.shape} do not fit axis {axis} of {x.shape}")
    spread = [part.astype(np.float32).reshape(shape) for part in (scales, zeros)]
    if block:
        spread = [np.repeat(part, block, axis).take(range(x.shape[axis]), axis) for part in spread]
    factor, offset = (constant(lowering.fresh(f"{lowering.base}/{n}"), p) for n, p in zip(_PARTS, spread, strict=True))
    return factor, offset


def _checked_scales(lowering: Lowering, scale: Value) -> NDArray[np.float32]:
    scales = lowering.known(scale, "scale")
    if scales.dtype != FLOAT32:
        lowering.refuse(f"its scale {scale.name!r} is {scales.dtype}; only float32 is supported")
    if not (np.isfinite(scales).all() and (scales >= np.finfo(np.float32).tiny).all()):
        got = scales[~(np.isfinite(scales) & (scales >= np.finfo(np.float32).tiny))].reshape(-1)[0]
        raise QuantizationError(
            f"{lowering.locate()}: scale {scale.name!r}: expected positive, finite, normal numbers, got {got}"
        )
    return np.asarray(scales, np.float32)


def rounded(lowering: Lowering, x: Value, grid: Grid, dtype: np.dtype[Any]) -> Value:
    """The integers of a float value on a grid."""
    if x.data is not None:
        integers = grid.rounded(x.data)
        return constant(x.name, integers.view(np.uint8) ^ np.uint8(0x80) if dtype == UINT8 else integers)
    if not lowering.place_grid(x.tensor, grid):
        x = identity(lowering, x)
        lowering.grids[x.tensor] = grid
    return replace(x, dtype=dtype)


def dequantized(lowering: Lowering, x: Value, grid: Grid) -> Value:
    """The floats that integers stand for."""
    if x.data is not None:
        integers = (x.data ^ np.uint8(0x80)).view(INT8) if x.dtype == UINT8 else x.data
        if integers.dtype not in (INT8, INT32):
            lowering.refuse(f"its input {x.name!r} is {x.dtype}; supported are int8, uint8 and int32")
        return constant(x.name, Dequantized(grid, integers))
    if x.dtype not in QUANTIZED or lowering.tensors[x.tensor].dtype != FLOAT32:
        lowering.refuse(f"its input {x.name!r} is {x.dtype} that is not known to be quantized")
    if not lowering.place_grid(x.tensor, grid, holds_integers=True):
        lowering.refuse(f"its input {x.name!r} was quantized with another scale or zero point")
    return replace(x, dtype=FLOAT32)


def identity(lowering: Lowering, x: Value) -> Value:
    """The same values as a tensor of their own, that may lie on a grid of its own."""
    shape = lowering.tensors[x.tensor].shape
    parameters = lowering.number_list("parameters", ())
    y = lowering.emit("float_unary", [x.tensor, parameters], shape, kind=FloatUnary.IDENTITY)
    return replace(x, tensor=y)


def _integer_type(lowering: Lowering, node: SourceNode, zero_point: Value | None) -> np.dtype[Any]:
    if zero_point is not None:
        return zero_point.dtype
    kind = node.attributes.get("output_dtype", 0)
    dtype = element_type(lowering, kind) if kind else UINT8
    if dtype not in QUANTIZED:
        lowering.refuse(f"it quantizes to {dtype}; supported are int8 and uint8")
    return dtype
