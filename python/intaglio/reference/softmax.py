"""Softmax over the last axis, in both modes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from intaglio.fixed_point import Int64, rdivpot, srdhm
from intaglio.opset import Requant
from intaglio.reference.arithmetic import to_int8, truncated_quotient
from intaglio.rules.view import NodeView

_INT32 = np.iinfo(np.int32)


def softmax(view: NodeView, x: NDArray[Any], table: NDArray[Any]) -> NDArray[Any]:
    """Exponentials from the table, divided by their sum."""
    if not x.size:
        return np.array(x)
    wide = x.astype(np.int64)
    t = table.astype(np.int64)[wide.max(axis=-1, keepdims=True) - wide]
    if view.requant is Requant.FIXED:
        return _fixed(t)
    total = t.sum(axis=-1, keepdims=True)
    # Unsigned: the product may fill 63 bits before the half is added.
    product = (t * (view.number("numerator") // total)).astype(np.uint64)
    return to_int8((product + np.uint64(1 << 47) >> np.uint64(48)).astype(np.int64) + view.output.zero_point)


def _fixed(t: Int64) -> NDArray[np.int8]:
    total = rdivpot(t, 12).sum(axis=-1, keepdims=True)
    # frexp of an integer gives its bit length as exponent.
    leading_zeros = 32 - np.frexp(total.astype(np.float64))[1].astype(np.int64)
    reciprocal = one_over_one_plus_x((total << leading_zeros) - (1 << 31))
    return to_int8(rdivpot(srdhm(reciprocal, t), 12 - leading_zeros + 31 - 8) - 128)


def one_over_one_plus_x(a: Int64) -> Int64:
    """1 / (1 + a) for a in [0, 1), both Q0.31, by three Newton-Raphson steps."""
    total = a + (2**31 - 1)
    half = truncated_quotient(total + np.where(total >= 0, 1, -1), 2)
    x = 1515870810 + srdhm(half, -1010580540)
    for _ in range(3):
        x = x + _saturated(4 * srdhm(x, (1 << 29) - srdhm(half, x)))
    return _saturated(2 * x)


def _saturated(x: Int64) -> Int64:
    return np.asarray(np.clip(x, _INT32.min, _INT32.max))
