"""Tables of exponentials for softmax, indexed by how far a value lies below the largest."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from intaglio.errors import QuantizationError
from intaglio.fixed_point import Int64, rdivpot, srdhm
from intaglio.opset import Requant
from intaglio.quantization import check_scale, quantize_multiplier

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Integer bits of the exponent's argument, as gemmlowp's softmax has it (Q5.26).
_INTEGER_BITS = 5
_FRACTION_BITS = 31 - _INTEGER_BITS


def softmax_table(mode: Requant, sx: float, beta: float = 1.0) -> NDArray[np.int32]:
    """The table for inputs of scale ``sx``."""
    step = float(beta) * float(np.float32(sx))
    if not (math.isfinite(step) and step > 0):
        raise QuantizationError(f"softmax: expected beta * scale finite and > 0, got {step}")
    if mode is Requant.FLOAT32:
        return np.asarray(np.rint(np.exp(-step * np.arange(256)) * 2**22), np.int32)
    return _fixed_table(step)


def softmax_numerator(mode: Requant, sy: float) -> int:
    """The attribute ``numerator`` for outputs of scale ``sy``."""
    if mode is Requant.FIXED:
        return 0
    numerator = round(2**48 / check_scale(sy))
    if not 1 <= numerator < 2**63:
        raise QuantizationError(f"softmax: expected an output scale from 2^-14 to 2^47, got {sy}")
    return numerator


def _fixed_table(step: float) -> NDArray[np.int32]:
    multiplier, shift = quantize_multiplier(min(step * 2**_FRACTION_BITS, 2.0**31 - 1))
    if shift < 0:
        raise QuantizationError(f"softmax: expected beta * scale of at least 2^-26, got {step}")
    radius = math.floor((2**_INTEGER_BITS - 1) * 2.0**_FRACTION_BITS / 2**shift)
    difference = np.arange(256, dtype=np.int64)
    reached = difference <= radius
    scaled = srdhm(np.where(reached, -difference, 0) << shift, multiplier)
    return np.where(reached, exp_on_negative(scaled), 0).astype(np.int32)


def exp_on_negative(a: Int64) -> Int64:
    """exp(a) in Q0.31 for a <= 0 in Q5.26, by gemmlowp's steps.

    ``a`` splits into a value in [-1/4, 0), whose exponential is a polynomial, and a sum of powers of two, whose
    exponentials are constants.
    """
    quarter = 1 << (_FRACTION_BITS - 2)
    fraction = (a & (quarter - 1)) - quarter
    result = _exp_last_quarter(fraction << _INTEGER_BITS)
    remainder = fraction - a
    for exponent in range(-2, _INTEGER_BITS):
        constant = round(math.exp(-(2.0**exponent)) * 2**31)
        bit = (remainder >> (_FRACTION_BITS + exponent)) & 1
        result = np.where(bit == 1, srdhm(result, constant), result)
    return np.where(a == 0, 2**31 - 1, result)


def _exp_last_quarter(a: Int64) -> Int64:
    """exp(a) for a in [-1/4, 0), Q0.31: four terms of the Taylor series around -1/8."""
    centre, third = round(math.exp(-1 / 8) * 2**31), round(2**31 / 3)
    x = a + (1 << 28)
    x2 = srdhm(x, x)
    x3, x4 = srdhm(x2, x), srdhm(x2, x2)
    tail = rdivpot(srdhm(rdivpot(x4, 2) + x3, third) + x2, 1)
    return centre + srdhm(centre, x + tail)
