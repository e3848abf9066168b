"""Pools, means, softmax and positions of extremes."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final

import numpy as np

from intaglio.errors import QuantizationError
from intaglio.export.onnx_assembly import CHANNELS_FIRST, Assembly, Order, onnx_type
from intaglio.export.onnx_sums import bounded, factors
from intaglio.opset import FloatPool, FloatReduce, Requant
from intaglio.rules.view import NodeView
from intaglio.softmax_tables import softmax_numerator, softmax_table

_REDUCE: Final = {
    FloatReduce.MEAN: "ReduceMean",
    FloatReduce.SUM: "ReduceSum",
    FloatReduce.MAX: "ReduceMax",
    FloatReduce.MIN: "ReduceMin",
}


def max_pool2d(out: Assembly, view: NodeView) -> None:
    _pool(out, view, "MaxPool")


def average_pool2d(out: Assembly, view: NodeView) -> None:
    _pool(out, view, "AveragePool", count_include_pad=0)


def float_pool2d(out: Assembly, view: NodeView) -> None:
    kind = FloatPool(view.number("kind"))
    if kind is FloatPool.MAX:
        _pool(out, view, "MaxPool")
    else:
        _pool(out, view, "AveragePool", count_include_pad=int(kind is FloatPool.AVERAGE_INCLUDING_PADDING))


def mean(out: Assembly, view: NodeView) -> None:
    """One whose scale leaves out the count is a sum."""
    x, y = view["x"], view.output
    count = math.prod(x.shape[axis] for axis in view.numbers("axes"))
    factor = float(factors(view)[0] * view.scale(y) / view.scale(x))
    for kind, expected in ((FloatReduce.MEAN, 1 / count), (FloatReduce.SUM, 1.0)):
        if math.isclose(factor, expected, rel_tol=1e-4):
            _reduce(out, view, kind)
            return
    out.refuse(view, f"it takes {factor} times the sum of {count} values")


def float_reduce(out: Assembly, view: NodeView) -> None:
    _reduce(out, view, FloatReduce(view.number("kind")))


def softmax(out: Assembly, view: NodeView) -> None:
    x, y, mode = view["x"], view.output, view.requant
    numbers, beta = out.numbers(x), _beta(out, view)
    if beta != 1:
        numbers = out.emit("Mul", [numbers, out.real("beta", beta)])
    if view.number("numerator") != softmax_numerator(mode, float(view.scale(y))):
        out.refuse(view, f"its numerator is not that of the scale {view.scale(y)}")
    order = out.order(x)
    out.finish(y, out.emit("Softmax", [numbers], axis=order.index(len(order) - 1)), order)


def float_softmax(out: Assembly, view: NodeView) -> None:
    order = out.order(view["x"])
    op = "LogSoftmax" if view.number("log") else "Softmax"
    out.finish(view.output, out.emit(op, [out.numbers(view["x"])], axis=order.index(len(order) - 1)), order)


def arg_max(out: Assembly, view: NodeView) -> None:
    _arg_extreme(out, view, "ArgMax")


def arg_min(out: Assembly, view: NodeView) -> None:
    _arg_extreme(out, view, "ArgMin")


def _pool(out: Assembly, view: NodeView, op: str, **attributes: int) -> None:
    """Padding that no window reaches is left out: engines want it smaller than the window."""
    x, y = view["x"], view.output
    kernel, stride, before = view.numbers("kernel"), view.numbers("stride"), view.numbers("padding")[:2]
    after = [
        max((y.shape[1 + i] - 1) * stride[i] + kernel[i] - x.shape[1 + i] - before[i], 0) for i in range(2)
    ]  # fmt: skip
    numbers = [out.numbers(x, CHANNELS_FIRST)]
    result = out.emit(op, numbers, kernel_shape=kernel, strides=stride, pads=(*before, *after), **attributes)
    result = bounded(out, view, result) if "clamp" in view.node.attrs else result
    out.finish(y, result, CHANNELS_FIRST)


def _reduce(out: Assembly, view: NodeView, kind: FloatReduce) -> None:
    x, y, axes = view["x"], view.output, view.numbers("axes")
    if kind is FloatReduce.MEAN and axes == (1, 2) and len(x.shape) == 4:
        _global_average_pool(out, view)
        return
    order, keeps = out.order(x), len(y.shape) == len(x.shape)
    places = sorted(order.index(axis) for axis in axes)
    if not axes:
        result = out.emit("Identity", [out.numbers(x)])
    elif kind is FloatReduce.SUM:
        inputs = [out.numbers(x), out.integers("axes", places)]
        result = out.emit("ReduceSum", inputs, keepdims=int(keeps))
    else:
        result = out.emit(_REDUCE[kind], [out.numbers(x)], axes=places, keepdims=int(keeps))
    out.finish(y, result, order if keeps else _without(order, axes))


def _global_average_pool(out: Assembly, view: NodeView) -> None:
    """A mean over images, which engines compute in integers; its rounding stands before a reshape."""
    x, y = view["x"], view.output
    pooled = replace(y, name=f"{y.name}/pooled", shape=(x.shape[0], 1, 1, x.shape[3]))
    kept = y if y.shape == pooled.shape else pooled
    out.finish(kept, out.emit("GlobalAveragePool", [out.numbers(x, CHANNELS_FIRST)]), CHANNELS_FIRST)
    if kept is pooled:
        out.finish(y, out.emit("Reshape", [out.numbers(pooled), out.shape(y.shape)]))


def _arg_extreme(out: Assembly, view: NodeView, op: str) -> None:
    x, y, axis = view["x"], view.output, view.number("axis")
    order = out.order(x)
    result = out.emit(op, [out.numbers(x)], axis=order.index(axis), keepdims=0)
    if y.dtype == np.int32:
        result = out.emit("Cast", [result], to=onnx_type(y.dtype))
    out.finish(y, result, _without(order, (axis,)))


def _without(order: Order, axes: tuple[int, ...]) -> Order:
    """The order of the axes that are left."""
    left = [axis for axis in order if axis not in axes]
    return tuple(sorted(left).index(axis) for axis in left)


def _beta(out: Assembly, view: NodeView) -> float:
    """What the table multiplies its input with, beside the scale."""
    table, scale, mode = view.data("table"), float(view.scale(view["x"])), view.requant
    if np.array_equal(table, softmax_table(mode, scale)):
        return 1.0
    # The smallest value that is still known to many digits tells the slope best.
    last = int(np.flatnonzero(table >= table[0] / 64)[-1])
    beta = -math.log(int(table[last]) / int(table[0])) / (scale * last) if last else math.inf
    try:
        again = softmax_table(mode, scale, beta).astype(np.int64) - table
    except QuantizationError:
        again = np.full(256, table[0], np.int64)
    if np.abs(again).max() > int(table[0]) >> (16 if mode is Requant.FLOAT32 else 12):
        out.refuse(view, "its table is no exponential")
    return beta
