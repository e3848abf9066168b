"""Between float32 and int8."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from intaglio.opset import Rounding
from intaglio.reference.arithmetic import to_int8
from intaglio.rules.view import NodeView


def quantize(view: NodeView, x: NDArray[Any]) -> NDArray[Any]:
    """One IEEE division, then rounding; NaN becomes the zero point."""
    with np.errstate(over="ignore", invalid="ignore"):
        quotient = (x / view.scale(view.output)).astype(np.float64)
    # Beyond this every value clamps, and float64 holds each half exactly.
    quotient = np.clip(np.nan_to_num(quotient, nan=0.0, posinf=1024, neginf=-1024), -1024, 1024)
    if view.number("rounding") == Rounding.HALF_EVEN:
        rounded = np.rint(quotient)
    else:
        rounded = np.copysign(np.floor(np.abs(quotient) + 0.5), quotient)
    return to_int8(rounded.astype(np.int64) + view.output.zero_point)


def dequantize(view: NodeView, x: NDArray[Any]) -> NDArray[Any]:
    """The real value, by one IEEE product."""
    return np.asarray((x.astype(np.int32) - view["x"].zero_point).astype(np.float32) * view.scale(view["x"]))


def dynamic_quantize(view: NodeView, x: NDArray[Any]) -> tuple[NDArray[Any], ...]:
    """Scale and zero point from the range of the values, which always holds zero."""
    low = np.fmin.reduce(x, axis=None, initial=np.float32(0))
    high = np.fmax.reduce(x, axis=None, initial=np.float32(0))
    scale = np.float32(1) if low == high else np.float32((high - low) / np.float32(255))
    zero = np.rint(np.clip(np.nan_to_num(-low / scale, nan=0.0), 0, 255))
    rounded = np.rint(np.clip(np.nan_to_num((x / scale).astype(np.float64), nan=0.0), -1024, 1024))
    values = np.clip(rounded + zero, 0, 255).astype(np.int64) - 128
    return values.astype(np.int8), np.array(scale), np.array(zero - 128, np.int32)


def cast(view: NodeView, x: NDArray[Any]) -> NDArray[Any]:
    """Floats are truncated and saturate, integers wrap."""
    to = view.output.dtype
    if x.dtype != np.float32 or to == np.float32:
        return x.astype(to)
    limits = np.iinfo(to)
    truncated = np.trunc(np.nan_to_num(x.astype(np.float64), nan=0.0, posinf=1e300, neginf=-1e300))
    inside = (truncated > float(limits.min)) & (truncated < float(limits.max))
    ends = np.where(truncated < 0, limits.min, limits.max).astype(to)
    return np.where(inside, np.where(inside, truncated, 0).astype(to), ends)
