"""Elementwise ops."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from intaglio.fixed_point import mbqm
from intaglio.opset import SCALED_SUM, Requant
from intaglio.reference.arithmetic import requantize, to_int8
from intaglio.reference.float32_math import fma
from intaglio.rules.view import NodeView


def add(view: NodeView, a: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
    """Sum."""
    return _weighted_sum(view, a, b, 1)


def sub(view: NodeView, a: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
    """Difference."""
    return _weighted_sum(view, a, b, -1)


def mul(view: NodeView, a: NDArray[Any], b: NDArray[Any], *_: NDArray[Any]) -> NDArray[Any]:
    """Product."""
    centred_a = a.astype(np.int64) - view["a"].zero_point
    centred_b = b.astype(np.int64) - view["b"].zero_point
    return requantize(view, centred_a * centred_b)


def maximum(view: NodeView, a: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
    """The larger int8."""
    return np.asarray(np.maximum(a, b))


def minimum(view: NodeView, a: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
    """The smaller int8."""
    return np.asarray(np.minimum(a, b))


def lookup(view: NodeView, x: NDArray[Any], table: NDArray[Any]) -> NDArray[Any]:
    """table[x + 128]."""
    return np.asarray(table[x.astype(np.int64) + 128])


def _weighted_sum(view: NodeView, a: NDArray[Any], b: NDArray[Any], sign: int) -> NDArray[np.int8]:
    if view.number("requant") == SCALED_SUM:
        return _scaled_sum(view, a, b, sign)
    centred_a = a.astype(np.int64) - view["a"].zero_point
    centred_b = b.astype(np.int64) - view["b"].zero_point
    multiplier, shift = view.numbers("multiplier"), view.numbers("shift")
    if view.requant is Requant.FLOAT32:
        total = centred_a * multiplier[0] + sign * centred_b * multiplier[1]
        result = total + (1 << (shift[0] - 1)) >> shift[0]
    else:
        left = view.number("left_shift")
        total = mbqm(centred_a << left, multiplier[0], shift[0])
        total = total + sign * mbqm(centred_b << left, multiplier[1], shift[1])
        result = mbqm(total, multiplier[2], shift[2])
    return to_int8(result + view.output.zero_point, *view.numbers("clamp"))


def _scaled_sum(view: NodeView, a: NDArray[Any], b: NDArray[Any], sign: int) -> NDArray[np.int8]:
    scale_a, scale_b, term = np.array(view.numbers("multiplier"), np.int32).view(np.float32)
    shift = 128 - view.numbers("shift")[0]
    left, right = (x.astype(np.float64) + shift for x in (a, b))
    total = fma(left, np.float64(scale_a), fma(right, np.float64(sign * scale_b), np.full(right.shape, term)))
    return to_int8(np.rint(total).astype(np.int64) - shift, *view.numbers("clamp"))
