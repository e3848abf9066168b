"""Multipliers and shifts of an `lstm` node from scales, as TFLite derives them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from intaglio.quantization import quantize_multiplier

#: Gates take numbers of 12 fraction bits; they and the hyperbolic tangent of the cell give 15.
_GATE_STEP = np.float32(2.0**-12)


def lstm_multipliers(
    x_scale: np.float32, y_scale: np.float32, input_scales: Sequence[float], recurrent_scales: Sequence[float]
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Of the products with x, then with the last output, by gate, then of the output."""
    factors = [np.float32(scale) * x_scale / _GATE_STEP for scale in input_scales]
    factors += [np.float32(scale) * y_scale / _GATE_STEP for scale in recurrent_scales]
    factors.append(np.float32(2.0**-30 / float(y_scale)))
    multipliers, shifts = zip(*(quantize_multiplier(float(factor)) for factor in factors), strict=True)
    return np.array(multipliers, np.int32), np.array(shifts, np.int32)
