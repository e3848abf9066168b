"""Quantization parameters and tables, made once at conversion and stored in the file (docs/arithmetic.md)."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from intaglio.errors import QuantizationError
from intaglio.opset import Requant

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_TINY: Final = np.finfo(np.float32).tiny


def check_scale(scale: float) -> float:
    """The scale as the float32 it is stored as, in float64."""
    stored = float(np.float32(scale))
    if not (math.isfinite(stored) and stored > 0):
        raise QuantizationError(f"scale: expected finite and > 0, got {scale}")
    return stored


def quantize_multiplier(real: float) -> tuple[int, int]:
    """``real`` as ``multiplier * 2^(shift - 31)``, multiplier in [2^30, 2^31); too small a value gives (0, 0)."""
    if not (math.isfinite(real) and real >= 0):
        raise QuantizationError(f"multiplier: expected a finite number >= 0, got {real}")
    fraction, shift = math.frexp(real)
    multiplier = math.floor(fraction * 2**31 + 0.5)
    if multiplier == 2**31:
        multiplier, shift = 2**30, shift + 1
    if shift < -31 or multiplier == 0:
        return 0, 0
    return multiplier, shift


def requant_scale(sx: ArrayLike, sw: ArrayLike, sy: ArrayLike) -> NDArray[np.float32]:
    """``(sx * sw) / sy`` in float32 in that order.

    A result below the normal numbers becomes the smallest of them: times any int32, both round to zero.
    """
    with np.errstate(all="ignore"):
        scale = (np.asarray(sx, np.float32) * np.asarray(sw, np.float32)) / np.asarray(sy, np.float32)
    return np.asarray(np.maximum(scale, _TINY), np.float32)


class Requantization(NamedTuple):
    """One set of requantization parameters per output channel: the inputs ``scale`` and ``shift`` of a node."""

    mode: Requant
    #: float32 scales, or int32 multipliers.
    scale: NDArray[Any]
    #: int32; empty in float32 mode.
    shift: NDArray[np.int32]

    @classmethod
    def of_scales(cls, scale: ArrayLike) -> Requantization:
        """float32 mode with these scales."""
        return cls(Requant.FLOAT32, np.atleast_1d(np.asarray(scale, np.float32)), np.zeros(0, np.int32))

    @classmethod
    def of_multipliers(cls, multiplier: ArrayLike, shift: ArrayLike) -> Requantization:
        """Fixed mode with these multipliers and shifts."""
        arrays = (np.atleast_1d(np.asarray(values, np.int32)) for values in (multiplier, shift))
        return cls(Requant.FIXED, *arrays)

    @classmethod
    def of_factors(cls, mode: Requant, real: ArrayLike) -> Requantization:
        """The nearest parameters to these real factors."""
        if mode is Requant.FLOAT32:
            return cls.of_scales(np.maximum(np.asarray(real, np.float32), _TINY))
        pairs = [quantize_multiplier(float(r)) for r in np.atleast_1d(np.asarray(real, np.float64))]
        return cls.of_multipliers([m for m, _ in pairs], [s for _, s in pairs])

    @classmethod
    def of_product(cls, mode: Requant, sx: ArrayLike, sw: ArrayLike, sy: ArrayLike) -> Requantization:
        """From accumulators of scale ``sx * sw`` to scale ``sy``; the fixed mode computes in float64."""
        if mode is Requant.FLOAT32:
            return cls.of_scales(requant_scale(sx, sw, sy))
        a, b, y = (np.asarray(s, np.float32).astype(np.float64) for s in (sx, sw, sy))
        with np.errstate(all="ignore"):
            return cls.of_factors(mode, a * b / y)


class SumParameters(NamedTuple):
    """The integer attributes of ``add`` and ``sub``."""

    mode: Requant
    multiplier: tuple[int, int, int]
    shift: tuple[int, int, int]
    left_shift: int


def add_parameters(mode: Requant, sa: float, sb: float, sy: float) -> SumParameters:
    """Attributes that bring operands of scales ``sa`` and ``sb`` to ``sy``."""
    sa, sb, sy = (check_scale(s) for s in (sa, sb, sy))
    if mode is Requant.FIXED:
        left_shift, twice = 20, 2 * max(sa, sb)
        factors = (sa / twice, sb / twice, twice / (2**left_shift * sy))
        pairs = [quantize_multiplier(f) for f in factors]
        (m0, s0), (m1, s1), (m2, s2) = pairs
        return SumParameters(mode, (m0, m1, m2), (s0, s1, s2), left_shift)
    with np.errstate(over="ignore", under="ignore"):
        ra, rb = (float(np.float32(s) / np.float32(sy)) for s in (sa, sb))
    shift = min(20 - (math.frexp(max(ra, rb))[1] - 1), 30)
    if shift < 1 or math.isinf(max(ra, rb)):
        raise QuantizationError(f"scales of a sum: expected operands below 2^20 times the result, got {sa}, {sb}, {sy}")
    return SumParameters(mode, (round(ra * 2**shift), round(rb * 2**shift), 0), (shift, 0, 0), 0)


def make_table(
    function: Callable[[NDArray[np.float64]], NDArray[np.float64]], sx: float, zx: int, sy: float, zy: int
) -> NDArray[np.int8]:
    """The 256 values of a real function between two quantizations, indexed by ``q + 128``."""
    x = check_scale(sx) * (np.arange(-128, 128, dtype=np.float64) - zx)
    with np.errstate(over="ignore", divide="ignore"):
        y = np.asarray(function(x), np.float64) / check_scale(sy)
    if np.isnan(y).any():
        raise QuantizationError(f"table: expected a number everywhere, got NaN at {x[np.isnan(y)][0]}")
    return np.asarray(np.clip(np.rint(np.clip(y, -1024, 1024)) + zy, -128, 127), np.int8)


def real_to_int8(value: float, scale: float, zero_point: int) -> int:
    """A real bound as TFLite quantizes it: float32 division, halves away from zero, clamped to int8."""
    quotient = float(np.float32(value) / np.float32(check_scale(scale)))
    rounded = math.copysign(math.floor(min(abs(quotient), 1024.0) + 0.5), quotient)
    return min(max(int(rounded) + zero_point, -128), 127)
