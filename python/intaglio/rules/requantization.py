"""Rules of requantization: parameters in range, and no accumulator that can leave int32."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from intaglio.errors import QuantizationError
from intaglio.graph import Tensor
from intaglio.opset import Requant
from intaglio.rules.view import FLOAT32, INT32, NodeView

_LIMIT = 2**31
_SMALLEST_NORMAL = np.finfo(np.float32).tiny


def check_requantization(view: NodeView, channels: int, largest: NDArray[np.int64] | int) -> None:
    """Check inputs ``scale`` and ``shift``; ``largest`` bounds |acc|, per channel or for all."""
    check_accumulator(view, largest)
    if view.requant is Requant.FLOAT32:
        scale = view.want_constant("scale", FLOAT32, (channels,))
        view.want_constant("shift", INT32, (0,))
        bad = ~((scale >= _SMALLEST_NORMAL) & np.isfinite(scale))
        if bad.any():
            index = int(np.argmax(bad))
            view.fail(QuantizationError, f"scale[{index}]", "a positive, finite, normal number", scale[index])
        return
    multiplier = view.want_constant("scale", INT32, (channels,))
    shift = view.want_constant("shift", INT32, (channels,))
    if multiplier.size and multiplier.min() < 0:
        view.fail(QuantizationError, f"multiplier[{int(multiplier.argmin())}]", "0 to 2^31 - 1", multiplier.min())
    bad = (shift < -31) | (shift > 30)
    if bad.any():
        view.fail(QuantizationError, f"shift[{int(np.argmax(bad))}]", "-31 to 30", shift[int(np.argmax(bad))])
    shifted = np.asarray(largest, np.int64) << np.maximum(shift, 0).astype(np.int64)
    check_accumulator(view, shifted, "accumulator shifted left")


def check_accumulator(view: NodeView, largest: NDArray[np.int64] | int, what: str = "accumulator") -> None:
    """The largest magnitude stays below 2^31."""
    worst = int(np.max(largest, initial=0))
    view.want(worst < _LIMIT, what, "magnitude below 2^31", f"up to {worst}", QuantizationError)


def reach(tensor: Tensor) -> int:
    """The largest |q - zero_point|."""
    return max(127 - tensor.zero_point, 128 + tensor.zero_point)


def sum_bound(
    weight: NDArray[np.int8], by_channel: Callable[[NDArray[Any]], NDArray[Any]], bias: NDArray[np.int32], zx: int,
    zw: int, room: int,
) -> NDArray[np.int64] | int:  # fmt: skip
    """A bound of every |sum|, and the least one, per channel, where another is not below ``room``.

    ``by_channel`` views the weight as [channels, terms]; it is read only where the number of terms does not settle it.
    """
    terms = weight.size // max(bias.size, 1)
    largest_bias = int(np.abs(bias.astype(np.int64)).max(initial=0))
    rough = terms * max(127 - zx, 128 + zx) * (128 + abs(zw)) + largest_bias
    return rough if rough < room else largest_sum(by_channel(weight), bias, zx, zw)


def largest_sum(weight: NDArray[np.int8], bias: NDArray[np.int32], zx: int, zw: int) -> NDArray[np.int64]:
    """Per channel, the largest |bias + sum (x - zx) (w - zw)| over every x; weight is [channels, terms]."""
    w = weight.astype(np.int16) - np.int16(zw)
    positive = np.maximum(w, 0).sum(axis=1, dtype=np.int64)
    negative = positive - w.sum(axis=1, dtype=np.int64)
    low, high = -128 - zx, 127 - zx
    top = bias + positive * high - negative * low
    bottom = bias + positive * low - negative * high
    return np.asarray(np.maximum(np.abs(top), np.abs(bottom)))
