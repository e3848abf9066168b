"""Reductions over axes, softmax, and positions of extremes."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from intaglio.frontends.onnx.elementwise import binary, unary
from intaglio.frontends.onnx.lowering import INT64, Lowering
from intaglio.frontends.onnx.model import SourceNode
from intaglio.frontends.onnx.values import Value, plain, stored_shape
from intaglio.opset import FloatBinary, FloatReduce, FloatUnary, IntegerBinary

_KINDS = {
    "ReduceMean": FloatReduce.MEAN,
    "ReduceSum": FloatReduce.SUM,
    "ReduceMax": FloatReduce.MAX,
    "ReduceMin": FloatReduce.MIN,
}


def reduce(lowering: Lowering, node: SourceNode, x: Value, axes: Value | None = None) -> Value:
    """Axes are an input in newer operator sets, an attribute before; without them, all axes."""
    lowering.floats(x)
    rank = len(x.shape)
    given = lowering.integers(axes, "axes") if axes is not None else node.attributes.get("axes")
    if not given:
        if node.attributes.get("noop_with_empty_axes", 0):
            return x
        given = range(rank)
    chosen = sorted({lowering.axis(int(axis), rank) for axis in given})
    kept = tuple(1 if axis in chosen else n for axis, n in enumerate(x.shape))
    if not chosen:
        return x
    order = plain(rank) if x.constant is not None else x.order
    kind = _KINDS[node.op]
    stored_axes = tuple(sorted(order.index(axis) for axis in chosen))
    y = lowering.emit(
        "float_reduce", [lowering.stored(x, order)], stored_shape(kept, order), kind=kind, axes=stored_axes,
        selects=kind in (FloatReduce.MAX, FloatReduce.MIN),
    )  # fmt: skip
    result = lowering.result(y, kept, order)
    if node.attributes.get("keepdims", 1):
        return result
    return lowering.reshaped(result, [n for axis, n in enumerate(x.shape) if axis not in chosen])


def norm(lowering: Lowering, node: SourceNode, x: Value, axes: Value | None = None) -> Value:
    """Sums of a function of the values, and functions of such sums."""
    total = replace(node, op="ReduceSum")
    if node.op == "ReduceLogSumExp":
        # Shifted by the largest value, so that no exponential overflows.
        top = reduce(lowering, replace(node, op="ReduceMax", attributes={**node.attributes, "keepdims": 1}), x, axes)
        powers = unary(lowering, FloatUnary.EXP, binary(lowering, FloatBinary.SUB, x, top))
        logarithm = unary(lowering, FloatUnary.LOG, reduce(lowering, total, powers, axes))
        return binary(lowering, FloatBinary.ADD, logarithm, lowering.reshaped(top, logarithm.shape))
    if node.op == "ReduceL1":
        return reduce(lowering, total, unary(lowering, FloatUnary.ABS, x), axes)
    squares = reduce(lowering, total, binary(lowering, FloatBinary.MUL, x, x), axes)
    return unary(lowering, FloatUnary.SQRT, squares) if node.op == "ReduceL2" else squares


def softmax(lowering: Lowering, node: SourceNode, x: Value) -> Value:
    return softmax_of(lowering, node, x, lowering.model.opset)


def softmax_of(lowering: Lowering, node: SourceNode, x: Value, opset: int) -> Value:
    """Along one axis; before opset 13 along all from that axis on."""
    lowering.floats(x)
    rank = len(x.shape)
    axis = lowering.axis(node.attributes.get("axis", -1 if opset >= 13 else 1), rank)
    if opset >= 13 or all(n == 1 for n in x.shape[axis + 1 :]):
        return _softmax_last(lowering, node, x, axis)
    flat = lowering.reshaped(x, (*x.shape[:axis], math.prod(x.shape[axis:])))
    return lowering.reshaped(_softmax_last(lowering, node, flat, axis), x.shape)


def _softmax_last(lowering: Lowering, node: SourceNode, x: Value, axis: int) -> Value:
    lies = plain(len(x.shape)) if x.constant is not None else x.order
    order = (*(a for a in lies if a != axis), axis)
    y = lowering.emit(
        "float_softmax", [lowering.stored(x, order)], stored_shape(x.shape, order), log=int(node.op == "LogSoftmax")
    )
    return lowering.result(y, x.shape, order)


def arg_extreme(lowering: Lowering, node: SourceNode, x: Value) -> Value:
    """ArgMax and ArgMin; the last extreme is the first of the values in reverse."""
    rank = len(x.shape)
    axis = lowering.axis(node.attributes.get("axis", 0), rank)
    kept = [a for a in range(rank) if a != axis]
    dropped = tuple(x.shape[a] for a in kept)
    order = plain(rank) if x.constant is not None else x.order
    place, left = order.index(axis), tuple(kept.index(a) for a in order if a != axis)
    stored = lowering.stored(x, order)
    last = bool(node.attributes.get("select_last_index", 0))
    if last:
        stored = _reversed(lowering, stored, place)
    op = "arg_max" if node.op == "ArgMax" else "arg_min"
    y = lowering.emit(op, [stored], stored_shape(dropped, left), dtype=INT64, axis=place)
    if last:
        end = lowering.array("last", np.array(x.shape[axis] - 1, np.int64))
        y = lowering.emit("integer_binary", [end, y], stored_shape(dropped, left), dtype=INT64, kind=IntegerBinary.SUB)
    result = lowering.result(y, dropped, left, INT64)
    if not node.attributes.get("keepdims", 1):
        return result
    return lowering.reshaped(result, tuple(1 if a == axis else n for a, n in enumerate(x.shape)))


def _reversed(lowering: Lowering, x: str, axis: int) -> str:
    """A tensor with one axis in reverse."""
    tensor = lowering.tensors[x]
    begin, stride = [0] * len(tensor.shape), [1] * len(tensor.shape)
    begin[axis], stride[axis] = tensor.shape[axis] - 1, -1
    attrs = {"begin_stride": (*begin, *stride)}
    return lowering.emit("slice", [x], tensor.shape, dtype=tensor.dtype, selects=True, **attrs)
