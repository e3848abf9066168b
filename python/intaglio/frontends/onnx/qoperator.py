"""Operators on integers that carry their scales: as if dequantized before, and quantized after, the float operator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from intaglio.frontends.onnx import convolution, elementwise, matmul, pooling, reduction, slicing
from intaglio.frontends.onnx.lowering import INT32, UINT8, Lowering
from intaglio.frontends.onnx.model import SourceNode
from intaglio.frontends.onnx.quantization import affine, dequantized, rounded
from intaglio.frontends.onnx.values import Value, constant
from intaglio.grids import Grid
from intaglio.opset import FloatBinary, FloatUnary


def qlinear_conv(
    lowering: Lowering, node: SourceNode, x: Value, x_scale: Value, x_zero: Value, weight: Value, weight_scale: Value,
    weight_zero: Value, y_scale: Value, y_zero: Value, bias: Value | None = None,
) -> Value:  # fmt: skip
    real = _real(lowering, x, x_scale, x_zero)
    kernel = _real(lowering, weight, weight_scale, weight_zero, axis=0)
    y = convolution.conv(lowering, node, real, kernel, _bias(lowering, bias, x_scale, kernel))
    return _quantized(lowering, y, y_scale, y_zero)


def qlinear_matmul(
    lowering: Lowering, node: SourceNode, a: Value, a_scale: Value, a_zero: Value, b: Value, b_scale: Value,
    b_zero: Value, y_scale: Value, y_zero: Value,
) -> Value:  # fmt: skip
    left, right = _real(lowering, a, a_scale, a_zero), _real(lowering, b, b_scale, b_zero, axis=len(b.shape) - 1)
    return _quantized(lowering, matmul.matmul(lowering, node, left, right), y_scale, y_zero)


def qgemm(
    lowering: Lowering, node: SourceNode, a: Value, a_scale: Value, a_zero: Value, b: Value, b_scale: Value,
    b_zero: Value, c: Value | None = None, y_scale: Value | None = None, y_zero: Value | None = None,
) -> Value:  # fmt: skip
    """Without a scale for y it gives floats."""
    axis = 0 if node.attributes.get("transB", 0) else 1
    left, right = _real(lowering, a, a_scale, a_zero), _real(lowering, b, b_scale, b_zero, axis=axis)
    if c is not None and node.attributes.get("alpha", 1.0) != 1.0:
        lowering.refuse("it has a bias and a factor alpha")
    y = matmul.gemm(lowering, node, left, right, _bias(lowering, c, a_scale, right))
    return y if y_scale is None else _quantized(lowering, y, y_scale, y_zero)


def qlinear_add(lowering: Lowering, node: SourceNode, *inputs: Value) -> Value:
    return _binary(lowering, FloatBinary.ADD, inputs)


def qlinear_mul(lowering: Lowering, node: SourceNode, *inputs: Value) -> Value:
    return _binary(lowering, FloatBinary.MUL, inputs)


def qlinear_concat(lowering: Lowering, node: SourceNode, y_scale: Value, y_zero: Value, *inputs: Value) -> Value:
    if len(inputs) % 3 or not inputs:
        lowering.malformed(f"it has {len(inputs) + 2} inputs, expected 2 and 3 for each part")
    parts = [_real(lowering, inputs[i], inputs[i + 1], inputs[i + 2]) for i in range(0, len(inputs), 3)]
    return _quantized(lowering, slicing.concat(lowering, node, *parts), y_scale, y_zero)


def qlinear_average_pool(lowering: Lowering, node: SourceNode, *inputs: Value) -> Value:
    return _around(lowering, node, inputs, pooling.average_pool)


def qlinear_global_average_pool(lowering: Lowering, node: SourceNode, *inputs: Value) -> Value:
    return _around(lowering, node, inputs, pooling.global_average_pool)


def qlinear_leaky_relu(lowering: Lowering, node: SourceNode, *inputs: Value) -> Value:
    alpha = node.attributes.get("alpha", 0.01)
    return _around(lowering, node, inputs, lambda low, _, x: elementwise.unary(low, FloatUnary.LEAKY_RELU, x, (alpha,)))


def qlinear_sigmoid(lowering: Lowering, node: SourceNode, *inputs: Value) -> Value:
    return _around(lowering, node, inputs, lambda low, _, x: elementwise.unary(low, FloatUnary.SIGMOID, x))


def qlinear_softmax(lowering: Lowering, node: SourceNode, *inputs: Value) -> Value:
    """Its operator set says whether it is along one axis, or along all from that axis on."""
    version = int(node.attributes.get("opset", lowering.model.opset))
    return _around(lowering, node, inputs, lambda low, n, x: reduction.softmax_of(low, n, x, version))


def _around(
    lowering: Lowering, node: SourceNode, inputs: tuple[Value, ...], op: Callable[[Lowering, SourceNode, Value], Value]
) -> Value:
    """Inputs are x, its scale and zero point, and those of y."""
    if len(inputs) not in (4, 5):
        lowering.malformed(f"it has {len(inputs)} inputs, expected 5")
    if node.attributes.get("channels_last", 0):
        lowering.refuse("its channels come last")
    x, x_scale, x_zero, y_scale, *rest = inputs
    y = op(lowering, node, _real(lowering, x, x_scale, x_zero))
    return _quantized(lowering, y, y_scale, rest[0] if rest else None)


def _binary(lowering: Lowering, kind: FloatBinary, inputs: tuple[Value, ...]) -> Value:
    if len(inputs) not in (7, 8):
        lowering.malformed(f"it has {len(inputs)} inputs, expected 8")
    a, b = (_real(lowering, inputs[i], inputs[i + 1], inputs[i + 2]) for i in (0, 3))
    return _quantized(lowering, elementwise.binary(lowering, kind, a, b), inputs[6], inputs[7] if inputs[7:] else None)


def _real(lowering: Lowering, x: Value, scale: Value, zero_point: Value | None, axis: int | None = None) -> Value:
    """The floats of an input; ``axis`` is that of its channels if it may have one scale for each."""
    if scale.shape in ((), (1,)):
        axis = None
    elif axis is None or scale.shape != x.shape[axis : axis + 1]:
        lowering.refuse(f"its input {x.name!r} of shape {x.shape} has scales of shape {scale.shape}")
    return dequantized(lowering, x, affine(lowering, _single(scale), zero_point, axis, x.dtype))


def _quantized(lowering: Lowering, y: Value, scale: Value, zero_point: Value | None) -> Value:
    dtype = UINT8 if zero_point is None else zero_point.dtype
    return rounded(lowering, y, affine(lowering, _single(scale), zero_point, None), dtype)


def _single(scale: Value) -> Value:
    """A scale as float32: operators on integers compute the same with one in half precision."""
    if scale.data is None or scale.dtype != np.float16:
        return scale
    return constant(scale.name, scale.data.astype(np.float32))


def _bias(lowering: Lowering, bias: Value | None, x_scale: Value, weight: Value) -> Value | None:
    """An int32 bias, whose scale is the product of those of x and the weights."""
    if bias is None:
        return None
    if bias.dtype != INT32:
        lowering.malformed(f"its bias is {bias.dtype}, expected int32")
    if weight.grid is None:
        lowering.refuse(f"its weights {weight.name!r} are computed while the network runs")
    scale = np.asarray(lowering.known(x_scale, "scale").reshape(()) * weight.grid.scale, np.float32)
    axis = None if scale.shape == () else len(bias.shape) - 1
    real = dequantized(lowering, bias, Grid(scale, np.zeros(scale.shape, np.int32), axis))
    return replace(real, name=bias.name)
