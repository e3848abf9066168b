"""Pooling, mean, arg max and arg min."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from intaglio.fixed_point import Int64
from intaglio.geometry import positions_inside
from intaglio.opset import Rounding
from intaglio.reference.arithmetic import requantize, to_int8, truncated_quotient
from intaglio.rules.view import NodeView


def max_pool2d(view: NodeView, x: NDArray[Any]) -> NDArray[Any]:
    """Positions outside the input lose against every value."""
    largest = np.full(view.output.shape, -129, np.int64)
    for patch in _taps(view, x, outside=-129):
        np.maximum(largest, patch, out=largest)
    return to_int8(largest, *view.numbers("clamp"))


def average_pool2d(view: NodeView, x: NDArray[Any]) -> NDArray[Any]:
    """Sum over the positions inside, divided by their number."""
    acc = np.zeros(view.output.shape, np.int64)
    for patch in _taps(view, x, outside=0):
        acc += patch
    inside = [
        positions_inside(
            np.arange(acc.shape[1 + i]), x.shape[1 + i], view.numbers("kernel")[i], view.numbers("stride")[i], before
        )
        for i, before in enumerate(view.numbers("padding")[:2])
    ]
    n = inside[0][:, None, None] * inside[1][None, :, None]
    half = n // 2
    if view.number("rounding") == Rounding.HALF_AWAY:
        quotient = truncated_quotient(acc + np.where(acc > 0, half, -half), n)
    else:
        quotient = (acc + half) // n
    return to_int8(quotient, *view.numbers("clamp"))


def mean(view: NodeView, x: NDArray[Any], *_: NDArray[Any]) -> NDArray[Any]:
    """The division by the count is part of the scale."""
    keep = len(view.output.shape) == x.ndim
    acc = np.sum(x.astype(np.int64) - view["x"].zero_point, axis=view.numbers("axes"), keepdims=keep)
    return requantize(view, np.asarray(acc))


def arg_max(view: NodeView, x: NDArray[Any]) -> NDArray[Any]:
    """The first largest, or the first NaN."""
    return np.asarray(np.argmax(x, axis=view.number("axis")), view.output.dtype)


def arg_min(view: NodeView, x: NDArray[Any]) -> NDArray[Any]:
    """The first smallest, or the first NaN."""
    return np.asarray(np.argmin(x, axis=view.number("axis")), view.output.dtype)


def _taps(view: NodeView, x: NDArray[Any], outside: int) -> Iterator[Int64]:
    """For each tap of the window, the inputs it meets, one per output position."""
    (kh, kw), (sh, sw), (top, left, bottom, right) = (view.numbers(n) for n in ("kernel", "stride", "padding"))
    ho, wo = view.output.shape[1:3]
    around = ((0, 0), (top, bottom), (left, right), (0, 0))
    padded = np.pad(x.astype(np.int64), around, constant_values=outside)
    for ky in range(kh):
        for kx in range(kw):
            yield padded[:, ky : ky + (ho - 1) * sh + 1 : sh, kx : kx + (wo - 1) * sw + 1 : sw]
