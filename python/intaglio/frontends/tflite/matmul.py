"""FULLY_CONNECTED and BATCH_MATMUL."""

from __future__ import annotations

import math

import numpy as np

from intaglio.frontends.tflite.convolution import bias_of, weights
from intaglio.frontends.tflite.lowering import Lowering
from intaglio.frontends.tflite.model import Operator
from intaglio.frontends.tflite.requantization import clamp, product_inputs, scale_of
from intaglio.graph import Tensor
from intaglio.opset import Requant


def fully_connected(lowering: Lowering, op: Operator) -> None:
    if op.options["weights_format"] != 0:
        lowering.refuse(op, "its weights are shuffled for one CPU; export with the default weights format")
    x = lowering.quantized(op, 0)
    if lowering.constant_value(op, 1) is None:
        _computed_weights(lowering, op, x)
        return
    weight, weight_scale, zero_point = weights(lowering, op, 1, rank=2, channel_axis=0)
    channels, depth = weight.shape
    y = lowering.quantized_output(op, (*rows(lowering, op, x, depth), channels))
    x = lowering.reshaped(x, (*y.shape[:-1], depth), y)
    scale, shift = product_inputs(lowering, y, scale_of(x), weight_scale, narrow=False)
    lowering.emit(
        "fully_connected",
        [x, weight, bias_of(lowering, op, 2, channels, y), scale, shift],
        y,
        requant=lowering.requant,
        clamp=clamp(lowering, op, y),
        weight_zero_point=zero_point,
    )


def batch_matmul(lowering: Lowering, op: Operator) -> None:
    a, b, shape = matrices(lowering, op, lowering.quantized(op, 0), lowering.quantized(op, 1))
    y = lowering.quantized_output(op, shape)
    if b.data is not None and len(b.shape) == 2 and lowering.requant is Requant.FLOAT32:
        _constant_matrix(lowering, a, b, y)
        return
    _product(lowering, a, b, y, (-128, 127))


def _computed_weights(lowering: Lowering, op: Operator, x: Tensor) -> None:
    """Weights that are an activation make this a matrix product."""
    if lowering.has_input(op, 2) and np.any(lowering.constant(op, 2, "bias")):
        lowering.refuse(op, "its weights are computed while the network runs and it has a bias")
    weight = lowering.quantized(op, 1)
    if len(weight.shape) != 2:
        lowering.malformed(op, f"its weights have the shape {weight.shape}, expected rank 2")
    channels, depth = weight.shape
    y = lowering.quantized_output(op, (*rows(lowering, op, x, depth), channels))
    x = lowering.reshaped(x, (*y.shape[:-1], depth), y)
    weight = transposed(lowering, weight)
    if len(x.shape) == 1:
        lowering.refuse(op, "its weights are computed while the network runs and its input has rank 1")
    _product(lowering, x, weight, y, clamp(lowering, op, y))


def _product(lowering: Lowering, a: Tensor, b: Tensor, y: Tensor, limits: tuple[int, int]) -> None:
    scale, shift = product_inputs(lowering, y, scale_of(a), np.atleast_1d(scale_of(b)), narrow=True)
    lowering.emit("batch_matmul", [a, b, scale, shift], y, requant=lowering.requant, clamp=limits)


def _constant_matrix(lowering: Lowering, a: Tensor, b: Tensor, y: Tensor) -> None:
    """A product with one constant matrix is a fully connected layer: the same sums, and weights packed once.

    In fixed mode the two ops round differently.
    """
    assert b.data is not None
    weight = lowering.derived(b, "transposed", np.ascontiguousarray(b.data.T))
    channels = weight.shape[0]
    bias = lowering.parameter(y, "bias", np.zeros(channels, np.int32))
    weight_scale = np.broadcast_to(scale_of(b), channels)
    scale, shift = product_inputs(lowering, y, scale_of(a), weight_scale, narrow=True)
    lowering.emit(
        "fully_connected",
        [a, weight, bias, scale, shift],
        y,
        requant=lowering.requant,
        clamp=(-128, 127),
        weight_zero_point=b.zero_point,
    )


def rows(lowering: Lowering, op: Operator, x: Tensor, depth: int) -> tuple[int, ...]:
    """Leading axes of the output."""
    if op.options["keep_num_dims"]:
        if not x.shape or x.shape[-1] != depth:
            lowering.malformed(op, f"its input {x.shape} does not end in {depth}")
        return x.shape[:-1]
    size = math.prod(x.shape)
    if depth == 0 or size % depth:
        lowering.malformed(op, f"its input {x.shape} does not divide into rows of {depth}")
    return (size // depth,)


def matrices(lowering: Lowering, op: Operator, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor, tuple[int, ...]]:
    """The operands of BATCH_MATMUL, transposed where it says so, and the shape of their product."""
    if len(a.shape) < 2 or len(b.shape) < 2:
        lowering.malformed(op, f"its inputs have the shapes {a.shape} and {b.shape}, expected rank 2 or more")
    a = transposed(lowering, a) if op.options["adj_x"] else a
    b = transposed(lowering, b) if op.options["adj_y"] else b
    if a.shape[-1] != b.shape[-2]:
        lowering.malformed(op, f"matrices {a.shape} and {b.shape} do not fit")
    try:
        leading = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    except ValueError:
        lowering.malformed(op, f"leading axes of {a.shape} and {b.shape} do not broadcast")
    return a, b, (*leading, a.shape[-2], b.shape[-1])


def transposed(lowering: Lowering, x: Tensor) -> Tensor:
    """x with its last two axes exchanged."""
    rank = len(x.shape)
    permutation = (*range(rank - 2), rank - 1, rank - 2)
    shape = tuple(x.shape[p] for p in permutation)
    if x.data is not None:
        return lowering.derived(x, "transposed", np.ascontiguousarray(x.data.transpose(permutation)))
    y = lowering.temporary(x, "transposed", shape, x)
    return lowering.emit("transpose", [x], y, permutation=permutation)
