"""Sums of products. They are summed in float64, which is exact below 2^53."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from intaglio.fixed_point import Int64
from intaglio.reference.arithmetic import requantize
from intaglio.rules.view import NodeView

Float64 = NDArray[np.float64]


def conv2d(view: NodeView, x: NDArray[Any], weight: NDArray[Any], bias: NDArray[Any], *_: NDArray[Any]) -> NDArray[Any]:
    """One matrix product per tap and group."""
    groups, kernel = view.number("groups"), weight.shape[1:3]
    w = _centred_weight(view, weight)
    inputs, outputs = x.shape[3] // groups, weight.shape[0] // groups
    # One row per output position: NumPy multiplies plain matrices fastest.
    acc = np.zeros((math.prod(view.output.shape[:3]), weight.shape[0]))
    for ky, kx, patch in _taps(view, x, kernel):
        rows = patch.reshape(len(acc), x.shape[3])
        for g in range(groups):
            channels = slice(g * outputs, (g + 1) * outputs)
            acc[:, channels] += rows[:, g * inputs : (g + 1) * inputs] @ w[channels, ky, kx, :].T
    return requantize(view, _with_bias(acc.reshape(view.output.shape), bias))


def depthwise_conv2d(
    view: NodeView, x: NDArray[Any], weight: NDArray[Any], bias: NDArray[Any], *_: NDArray[Any]
) -> NDArray[Any]:
    """Output channel c reads input channel c // multiplier."""
    w = _centred_weight(view, weight)
    multiplier = weight.shape[2] // x.shape[3]
    acc = np.zeros(view.output.shape)
    for ky, kx, patch in _taps(view, x, weight.shape[:2]):
        acc += (patch if multiplier == 1 else np.repeat(patch, multiplier, axis=3)) * w[ky, kx]
    return requantize(view, _with_bias(acc, bias))


def transposed_conv2d(
    view: NodeView, x: NDArray[Any], weight: NDArray[Any], bias: NDArray[Any], *_: NDArray[Any]
) -> NDArray[Any]:
    """Every input adds a kernel's worth of outputs, on a canvas that is then cropped."""
    w, centred = _centred_weight(view, weight), _centred(view, x)
    (sh, sw), (top, left, _bottom, _right) = view.numbers("stride"), view.numbers("padding")
    n, h, wd, _ = x.shape
    kh, kw = weight.shape[1:3]
    ho, wo = view.output.shape[1:3]
    canvas = np.zeros((n, max((h - 1) * sh + kh, top + ho), max((wd - 1) * sw + kw, left + wo), weight.shape[0]))
    for ky in range(kh):
        for kx in range(kw):
            canvas[:, ky : ky + (h - 1) * sh + 1 : sh, kx : kx + (wd - 1) * sw + 1 : sw] += centred @ w[:, ky, kx].T
    return requantize(view, _with_bias(canvas[:, top : top + ho, left : left + wo], bias))


def fully_connected(
    view: NodeView, x: NDArray[Any], weight: NDArray[Any], bias: NDArray[Any], *_: NDArray[Any]
) -> NDArray[Any]:
    """x times the transposed weight."""
    return requantize(view, _with_bias(_centred(view, x) @ _centred_weight(view, weight).T, bias))


def batch_matmul(view: NodeView, a: NDArray[Any], b: NDArray[Any], *_: NDArray[Any]) -> NDArray[Any]:
    """Both operands have zero points."""
    product = (a.astype(np.float64) - view["a"].zero_point) @ (b.astype(np.float64) - view["b"].zero_point)
    return requantize(view, product.astype(np.int64))


def _taps(view: NodeView, x: NDArray[Any], kernel: tuple[int, ...]) -> Iterator[tuple[int, int, Float64]]:
    """For each tap of the kernel: its row, column and the inputs it meets, one per output position."""
    (sh, sw), (dh, dw), (top, left, bottom, right) = (view.numbers(n) for n in ("stride", "dilation", "padding"))
    ho, wo = view.output.shape[1:3]
    padded = np.pad(_centred(view, x), ((0, 0), (top, bottom), (left, right), (0, 0)))
    for ky in range(kernel[0]):
        for kx in range(kernel[1]):
            y0, x0 = ky * dh, kx * dw
            yield ky, kx, padded[:, y0 : y0 + (ho - 1) * sh + 1 : sh, x0 : x0 + (wo - 1) * sw + 1 : sw]


def _centred(view: NodeView, x: NDArray[Any]) -> Float64:
    return x.astype(np.float64) - view["x"].zero_point


def _centred_weight(view: NodeView, weight: NDArray[Any]) -> Float64:
    return weight.astype(np.float64) - view.number("weight_zero_point")


def _with_bias(acc: Float64, bias: NDArray[Any]) -> Int64:
    return np.asarray(acc.astype(np.int64) + bias)
