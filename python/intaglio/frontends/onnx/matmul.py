"""MatMul and Gemm."""

from __future__ import annotations

import math

import numpy as np

from intaglio.frontends.onnx.convolution import UNBOUNDED
from intaglio.frontends.onnx.elementwise import binary
from intaglio.frontends.onnx.lowering import FLOAT32, Lowering
from intaglio.frontends.onnx.model import SourceNode
from intaglio.frontends.onnx.values import Value, constant, plain
from intaglio.opset import FloatBinary


def matmul(lowering: Lowering, node: SourceNode, a: Value, b: Value) -> Value:
    """As NumPy: vectors count as a row on the left and a column on the right."""
    if not a.shape or not b.shape:
        lowering.malformed(f"it multiplies the shapes {a.shape} and {b.shape}")
    left = lowering.reshaped(a, (1, *a.shape)) if len(a.shape) == 1 else a
    right = lowering.reshaped(b, (*b.shape, 1)) if len(b.shape) == 1 else b
    y = product(lowering, left, right, None)
    shape = list(y.shape)
    if len(b.shape) == 1:
        del shape[-1]
    if len(a.shape) == 1:
        del shape[-1 if len(b.shape) == 1 else -2]
    return lowering.reshaped(y, shape)


def gemm(lowering: Lowering, node: SourceNode, a: Value, b: Value, c: Value | None = None) -> Value:
    """alpha * a @ b + beta * c, with either matrix transposed if the attributes say so."""
    if len(a.shape) != 2 or len(b.shape) != 2:
        lowering.malformed(f"it multiplies the shapes {a.shape} and {b.shape}, expected matrices")
    left = a.transposed((1, 0)) if node.attributes.get("transA", 0) else a
    right = b.transposed((1, 0)) if node.attributes.get("transB", 0) else b
    alpha, beta = node.attributes.get("alpha", 1.0), node.attributes.get("beta", 1.0)
    n = right.shape[1]
    bias = None
    if c is not None and beta == 1.0 and alpha == 1.0 and c.constant is not None and math.prod(c.shape) == n:
        bias = c.reshaped_constant((n,)) if c.shape[-1:] == (n,) else None
    y = product(lowering, left, right, bias)
    y = _scaled(lowering, y, alpha)
    if c is None or bias is not None:
        return y
    return binary(lowering, FloatBinary.ADD, y, _scaled(lowering, c, beta))


def product(lowering: Lowering, a: Value, b: Value, bias: Value | None) -> Value:
    """[..., M, K] times [..., K, N] plus [N]."""
    for value, what in ((a, "left matrix"), (b, "right matrix")):
        if value.constant is None:
            lowering.floats(value)
        else:
            lowering.weights(value, what)
    if a.shape[-1] != b.shape[-2]:
        lowering.malformed(f"it multiplies the shapes {a.shape} and {b.shape}")
    try:
        leading = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    except ValueError:
        lowering.malformed(f"it multiplies the shapes {a.shape} and {b.shape}")
    shape = (*leading, a.shape[-2], b.shape[-1])
    bias_name = (
        lowering.array("bias", np.zeros(shape[-1], np.float32))
        if bias is None
        else lowering.stored(lowering.weights(bias, "bias"), (0,))
    )
    inputs = [lowering.stored(value, plain(len(value.shape))) for value in (a, b)]
    y = lowering.emit("float_matmul", [*inputs, bias_name, lowering.number_list("bounds", UNBOUNDED)], shape)
    return lowering.result(y, shape, plain(len(shape)))


def _scaled(lowering: Lowering, value: Value, factor: float) -> Value:
    if factor == 1.0:
        return value
    number = constant(f"{lowering.base}/factor", np.array(factor, FLOAT32))
    return binary(lowering, FloatBinary.MUL, value, number)
