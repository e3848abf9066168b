"""Convolutions and matrix products."""

from __future__ import annotations

from typing import Any

import numpy as np

from intaglio.export.onnx_assembly import CHANNELS_FIRST, Array, Assembly, Order
from intaglio.frontends.onnx.values import plain
from intaglio.opset import Requant
from intaglio.quantization import requant_scale
from intaglio.rules.view import NodeView

_TINY = np.finfo(np.float32).tiny
#: Relative difference below which factors are taken to be what the scales of tensors say.
_CLOSE = 1e-4


def conv2d(out: Assembly, view: NodeView) -> None:
    weight = _weight(out, view, CHANNELS_FIRST, 0)
    _convolution(out, view, "Conv", weight, **_window(view), group=view.number("groups"))


def depthwise_conv2d(out: Assembly, view: NodeView) -> None:
    weight = _weight(out, view, (3, 0, 1, 2), 0)
    _convolution(out, view, "Conv", weight, **_window(view), group=view["x"].shape[3])


def transposed_conv2d(out: Assembly, view: NodeView) -> None:
    weight = _weight(out, view, (3, 0, 1, 2), 1)
    top, left, bottom, right = view.numbers("padding")
    stride, extra = view.numbers("stride"), (max(-bottom, 0), max(-right, 0))
    if any(more >= step for more, step in zip(extra, stride, strict=True)):
        out.refuse(view, f"its padding {view.numbers('padding')} reaches a whole stride beyond the last input")
    pads = (top, left, max(bottom, 0), max(right, 0))
    _convolution(out, view, "ConvTranspose", weight, strides=stride, pads=pads, output_padding=extra)


def fully_connected(out: Assembly, view: NodeView) -> None:
    """Of a matrix it is one operator, of more axes a product and a sum."""
    x, y = view["x"], view.output
    numbers = out.numbers(x, plain(len(x.shape)))
    if len(x.shape) == 2:
        inputs = [numbers, _weight(out, view, (0, 1), 0), *_bias(out, view)]
        product = out.emit("Gemm", inputs, transB=1)
    else:
        product = _biased(out, view, out.emit("MatMul", [numbers, _weight(out, view, (1, 0), 1)]))
    out.finish(y, bounded(out, view, product))


def batch_matmul(out: Assembly, view: NodeView) -> None:
    a, b = view["a"], view["b"]
    check_factor(out, view, float(view.scale(a)) * float(view.scale(b)) / float(view.scale(view.output)))
    product = out.emit("MatMul", [out.numbers(t, plain(len(t.shape))) for t in (a, b)])
    out.finish(view.output, bounded(out, view, product))


def float_matmul(out: Assembly, view: NodeView) -> None:
    a, b = view["a"], view["b"]
    product = out.emit("MatMul", [out.numbers(t, plain(len(t.shape))) for t in (a, b)])
    out.finish(view.output, bounded(out, view, _biased(out, view, product)))


def bounded(out: Assembly, view: NodeView, numbers: str) -> str:
    """Numbers limited by the node's ``clamp`` or ``bounds``."""
    y = view.output
    if "clamp" in view.node.attrs:
        ends = view.numbers("clamp")
        reals = [float(view.scale(y)) * (end - y.zero_point) for end in ends]
        low, high = (None if end == limit else r for end, limit, r in zip(ends, (-128, 127), reals, strict=True))
    else:
        low, high = (None if np.isinf(bound) else float(bound) for bound in view.data("bounds"))
    if low is None and high is None:
        return numbers
    if low == 0 and high is None:
        return out.emit("Relu", [numbers])
    names = ["" if end is None else out.real(part, end) for part, end in (("low", low), ("high", high))]
    return out.emit("Clip", [numbers, *names])


def factors(view: NodeView) -> Array:
    """What the node multiplies its accumulators with."""
    scale = view.data("scale").astype(np.float64)
    if view.requant is Requant.FLOAT32:
        return np.asarray(scale)
    return np.asarray(np.ldexp(scale, view.data("shift") - 31))


def check_factor(out: Assembly, view: NodeView, expected: float) -> None:
    """Refuses a node whose factor is not that of its tensors' scales: quantize and dequantize pairs cannot say it."""
    given = factors(view)
    if not np.allclose(given, expected, rtol=_CLOSE, atol=0):
        out.refuse(view, f"it scales by {given.tolist()}, where the scales of its tensors give {expected}")


def _convolution(out: Assembly, view: NodeView, op: str, weight: str, **attributes: Any) -> None:
    inputs = [out.numbers(view["x"], CHANNELS_FIRST), weight, *_bias(out, view)]
    out.finish(view.output, bounded(out, view, out.emit(op, inputs, **attributes)), CHANNELS_FIRST)


def _window(view: NodeView) -> dict[str, Any]:
    given = {"strides": "stride", "pads": "padding", "dilations": "dilation"}
    return {name: view.numbers(attribute) for name, attribute in given.items()}


def _weight(out: Assembly, view: NodeView, order: Order, axis: int) -> str:
    """Weights as numbers in an order of axes; ``axis`` is that of the output channels.

    [kh, kw, C] counts as [1, kh, kw, C] would: in front of a tensor's own axes stand some of size 1.
    """
    weight = view["weight"]
    if weight.dtype == np.float32:
        return out.numbers(weight, order)
    data = view.data("weight")
    laid = data.reshape((1,) * (len(order) - data.ndim) + data.shape).transpose(order)
    scales = _weight_scales(view)
    zero_point, channels = view.number("weight_zero_point"), axis if scales.size > 1 else None
    return out.dequantized_constant("weight", laid, scales, zero_point, channels)


def _bias(out: Assembly, view: NodeView) -> list[str]:
    """The bias, or nothing where it is zero."""
    bias = view["bias"]
    if bias.data is not None and not bias.data.any():
        return []
    if bias.dtype == np.float32:
        return [out.numbers(bias)]
    scales = np.maximum(view.scale(view["x"]) * _weight_scales(view), _TINY)
    return [out.dequantized_constant("bias", view.data("bias"), scales, axis=0 if scales.size > 1 else None)]


def _biased(out: Assembly, view: NodeView, numbers: str) -> str:
    bias = _bias(out, view)
    return out.emit("Add", [numbers, *bias]) if bias else numbers


def _weight_scales(view: NodeView) -> Array:
    """Scales of the weights that make an engine compute the node's own factors.

    In float32 a product and a quotient lie between the two; where a neighbour gives the very factor, it is that.
    """
    sx, sy = view.scale(view["x"]), view.scale(view.output)
    wanted = factors(view)
    nearest = np.asarray(np.clip(wanted * float(sy) / float(sx), _TINY, np.finfo(np.float32).max), np.float32)
    result = nearest.copy()
    for direction in (np.float32(0), np.float32(np.inf)):
        candidate = nearest
        for _ in range(3):
            missed = requant_scale(sx, result, sy) != wanted
            hit = requant_scale(sx, candidate, sy) == wanted
            result = np.where(missed & hit, candidate, result)
            candidate = np.maximum(np.nextafter(candidate, direction), _TINY)
    return np.asarray(result, np.float32)
