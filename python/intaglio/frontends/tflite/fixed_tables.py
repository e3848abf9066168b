"""Tables that TFLite's reference kernels compute with fixed-point integers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from intaglio.fixed_point import mbqm, rdivpot, srdhm
from intaglio.frontends.tflite.float32_tables import steps_of, to_int8
from intaglio.frontends.tflite.requantization import scale_of
from intaglio.graph import Tensor
from intaglio.quantization import quantize_multiplier

Table = NDArray[np.int8]


def mbqm_table(x: Tensor, y: Tensor, factor: np.float64, times: ArrayLike = 1) -> Table:
    """``mbqm((q - zx) * times, |factor|)``, with the factor's sign put back."""
    multiplier, shift = quantize_multiplier(abs(float(factor)))
    scaled = mbqm(steps_of(x) * np.asarray(times), multiplier, shift)
    return to_int8(np.where(factor < 0, -scaled, scaled) + y.zero_point)


def absolute(x: Tensor, y: Tensor) -> Table:
    if scale_of(x) == scale_of(y):
        return to_int8(np.abs(steps_of(x)) + y.zero_point)
    return mbqm_table(x, y, np.float64(scale_of(x) / scale_of(y)), np.sign(steps_of(x)))


def hard_swish(x: Tensor, y: Tensor) -> Table:
    """x * relu6(x + 3) / 6 in 16-bit fixed point: x at 128 times its resolution, relu6 as a fraction of 2^15."""
    fine_scale = np.float32(1 / 128) * scale_of(x)
    y_multiplier, y_shift = _multiplier16(fine_scale / scale_of(y))
    r_multiplier, r_shift = _multiplier16(fine_scale / np.float32(3 / 32768))
    fine = steps_of(x) * 128
    ramp = fine
    if r_shift > 0:
        ramp = _to_int16(ramp << (r_shift - 1))
    ramp = _srdhm16(ramp, r_multiplier)
    if r_shift > 0:
        ramp = _to_int16(ramp << 1)
    elif r_shift < 0:
        ramp = rdivpot(ramp, -r_shift)
    ramp = (ramp + 32768) >> 1
    product = ramp * _srdhm16(fine, y_multiplier)
    truncated = np.sign(product) * (np.abs(product) >> 15)
    return to_int8(rdivpot(truncated << max(y_shift, 0), max(-y_shift, 0)) + y.zero_point)


def reciprocal_square_root(x: Tensor, y: Tensor) -> Table:
    """1 / sqrt(x) by Newton's method in fixed point; the largest value at zero, where the function has none."""
    factor = np.float64(1) / np.float64(np.sqrt(scale_of(x)) * scale_of(y))
    multiplier, shift = quantize_multiplier(float(factor))
    table = np.full(256, 127, np.int64)
    for q in range(max(x.zero_point, -128) + 1, 128):
        inverse, inverse_shift = _inverse_square_root(q - x.zero_point)
        # 20 fraction bits keep the intermediate an integer.
        fraction = mbqm(1, inverse, inverse_shift + 20)
        table[q + 128] = int(mbqm(fraction, multiplier, shift - 20)) + y.zero_point
    return to_int8(table)


def _inverse_square_root(value: int) -> tuple[int, int]:
    """Multiplier and left shift of 1 / sqrt(value) for 1 <= value < 2^29: five steps of Newton's method in Q3.28."""
    if value == 1:
        return 2**31 - 1, 0
    pairs = (31 - value.bit_length()) // 2 - 1
    scaled = value << (2 * pairs)
    half = int(rdivpot(scaled >> 1, 1))
    estimate = 1 << 28
    for _ in range(5):
        cube = _rescale3(int(srdhm(srdhm(estimate, estimate), estimate)), 6)
        # Products of two Q3.28 numbers are Q6.25.
        step = int(srdhm((1 << 28) + (1 << 27), estimate)) - int(srdhm(half, cube))
        estimate = _rescale3(step, 3)
    return int(srdhm(estimate, 1518500250)), -(11 - pairs)


def _rescale3(raw: int, bits: int) -> int:
    """A value with ``bits`` more integer bits than Q3.28, as Q3.28, saturating."""
    return min(max(raw << bits, -(2**31)), 2**31 - 1)


def _multiplier16(factor: np.float32) -> tuple[int, int]:
    """A 16-bit multiplier and a shift."""
    multiplier, shift = quantize_multiplier(float(factor))
    return (32767 if multiplier >= 2**31 - 1 - 2**15 else (multiplier + 2**15) >> 16), shift


def _srdhm16(a: NDArray[Any], m: int) -> NDArray[np.int64]:
    return np.asarray((a * m + (1 << 14)) >> 15)


def _to_int16(values: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.clip(values, -32768, 32767)
