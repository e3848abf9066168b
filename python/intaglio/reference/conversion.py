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
