"""Sums of products in float32: one fused multiply-add after the other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from intaglio.reference.float32_math import Float32, Float64, bounded, fma
from intaglio.rules.view import NodeView


def float_conv2d(
    view: NodeView, x: NDArray[Any], weight: NDArray[Any], bias: NDArray[Any], bounds: NDArray[Any]
) -> NDArray[Any]:
    """Rows, columns and channels of the window ascending; group by group."""
    groups = view.number("groups")
    o, kh, kw, channels = weight.shape
    w = weight.astype(np.float64).reshape(groups, o // groups, kh, kw, channels)
    shape = view.output.shape
    acc = np.broadcast_to(bias.reshape(groups, -1), (*shape[:3], groups, o // groups))
    for ky, kx, patch in _taps(view, x, (kh, kw)):
        by_group = patch.reshape(*shape[:3], groups, channels)
        for i in range(channels):
            acc = fma(by_group[..., i, None], w[:, :, ky, kx, i], acc)
    return bounded(acc.reshape(shape), bounds)


def float_depthwise_conv2d(
    view: NodeView, x: NDArray[Any], weight: NDArray[Any], bias: NDArray[Any], bounds: NDArray[Any]
) -> NDArray[Any]:
    """Output channel c reads input channel c // multiplier."""
    w = weight.astype(np.float64)
    multiplier = weight.shape[2] // x.shape[3]
    acc = np.broadcast_to(bias, view.output.shape)
    for ky, kx, patch in _taps(view, x, weight.shape[:2]):
        acc = fma(np.repeat(patch, multiplier, axis=3), w[ky, kx], acc)
    return bounded(acc, bounds)


def float_transposed_conv2d(
    view: NodeView, x: NDArray[Any], weight: NDArray[Any], bias: NDArray[Any], bounds: NDArray[Any]
) -> NDArray[Any]:
    """An output meets the taps that lie a multiple of the stride from it, ascending."""
    w, wide = weight.astype(np.float64), x.astype(np.float64)
    acc = np.array(np.broadcast_to(bias, view.output.shape))
    for ky in range(weight.shape[1]):
        rows, from_rows = _met(view, 0, ky, x.shape[1])
        for kx in range(weight.shape[2]):
            columns, from_columns = _met(view, 1, kx, x.shape[2])
            inside = (from_rows >= 0)[:, None, None] & (from_columns >= 0)[:, None]
            patch = np.where(inside, wide[:, from_rows][:, :, from_columns], 0.0)
            for i in range(x.shape[3]):
                part = (slice(None), rows[:, None], columns)
                acc[part] = fma(patch[..., i, None], w[:, ky, kx, i], acc[part])
    return bounded(acc, bounds)


def float_matmul(
    view: NodeView, a: NDArray[Any], b: NDArray[Any], bias: NDArray[Any], bounds: NDArray[Any]
) -> NDArray[Any]:
    """The inner axis ascending."""
    wide_a, wide_b = a.astype(np.float64), b.astype(np.float64)
    acc = np.broadcast_to(bias, view.output.shape)
    for k in range(a.shape[-1]):
        acc = fma(wide_a[..., k, None], wide_b[..., k, None, :], acc)
    return bounded(acc, bounds)


def _taps(view: NodeView, x: Float32, kernel: tuple[int, ...]) -> Iterator[tuple[int, int, Float64]]:
    """For each tap of the kernel: its row, column and the inputs it meets, one per output position."""
    (sh, sw), (dh, dw), (top, left, bottom, right) = (view.numbers(n) for n in ("stride", "dilation", "padding"))
    ho, wo = view.output.shape[1:3]
    padded = np.pad(x.astype(np.float64), ((0, 0), (top, bottom), (left, right), (0, 0)))
    for ky in range(kernel[0]):
        for kx in range(kernel[1]):
            y0, x0 = ky * dh, kx * dw
            yield ky, kx, padded[:, y0 : y0 + (ho - 1) * sh + 1 : sh, x0 : x0 + (wo - 1) * sw + 1 : sw]


def _met(view: NodeView, axis: int, tap: int, size: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The outputs along an axis that meet a tap, and the input position of each, -1 for those outside."""
    stride, before = view.numbers("stride")[axis], view.numbers("padding")[axis]
    outputs = np.arange(view.output.shape[1 + axis])
    outputs = outputs[(outputs + before - tap) % stride == 0]
    positions = (outputs + before - tap) // stride
    return outputs, np.where((positions >= 0) & (positions < size), positions, -1)
