"""The arithmetic of docs/arithmetic.md, "Float32": a fused multiply-add and functions in float64.

Every line here is additions, multiplications, divisions and square roots, which IEEE 754 rounds alike everywhere.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

_LOG2_E: Final = 1.4426950408889634
_LN2: Final = 0.6931471805599453
#: ln 2 in two parts; products of the first with integers below 2^20 are exact.
_LN2_HIGH: Final = 0.6931471803691238
_LN2_LOW: Final = 1.9082149292705877e-10
_SQRT_HALF: Final = 0.7071067811865476
_TWO_OVER_SQRT_PI: Final = 1.1283791670955126
_EXP: Final = [1 / math.factorial(n) for n in range(11)]
_LOG: Final = [1 / (2 * n + 1) for n in range(11)]
_LOG1P: Final = [1 / (2 * n + 1) for n in range(15)]
_ERF: Final = [(-1) ** n / (math.factorial(n) * (2 * n + 1)) for n in range(13)]
_SIN: Final = [(-1) ** n / math.factorial(2 * n + 1) for n in range(8)]
_COS: Final = [(-1) ** n / math.factorial(2 * n) for n in range(8)]
#: exp(z^2) erfc(z) (1 + 2 z) as a polynomial in (z - 3) / (z + 3).
_ERFCX: Final = [
    1.2530080582697436,
    -0.13562110612520953,
    -0.04756229435718053,
    0.12964515875308516,
    -0.11927366323621366,
    0.06830802620856591,
    -0.02377051838208488,
    0.002529402581482413,
    0.0018887241119162773,
    -0.0007798786593440029,
    -0.00010533957862964983,
    0.00012516385390434209,
    5.475112141400697e-06,
    -1.9946713506162738e-05,
    -1.5032642161677744e-06,
    2.8566990513102446e-06,
    7.379225663046406e-07,
]
#: floor(2^224 * 2 / pi): more bits than any float32 needs.
_TWO_OVER_PI: Final = 0xA2F9836E4E441529FC2757D1F534DDC0DB6295993C439041FE5163AB
_PI_2_62: Final = math.pi * 2.0**-63


def fma(a: Float64, b: Float64, c: Float32) -> Float32:
    """a * b + c rounded once; a and b hold float32 values.

    The product is exact in float64. The sum is rounded to odd there, which leaves enough bits for the rounding to
    float32 to be the only one.
    """
    product, addend = a * b, c.astype(np.float64)
    total = product + addend
    part = total - product
    error = (product - (total - part)) + (addend - part)
    bits = np.atleast_1d(total).view(np.int64)
    inexact = ((error < 0) | (error > 0)) & (bits & 1 == 0).reshape(total.shape)
    away = np.where((error > 0) == (total > 0), 1, -1)
    odd = (bits.reshape(total.shape) + np.where(inexact, away, 0)).view(np.float64)
    return to_float32(odd)


def to_float32(x: Float64) -> Float32:
    """Round to nearest even; beyond the largest float32 is infinity."""
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        return np.asarray(x, np.float64).astype(np.float32)


def horner(coefficients: Sequence[float], x: Float64) -> Float64:
    """The polynomial, from its highest power down; each step a product and a sum."""
    result = np.full_like(x, coefficients[-1])
    for c in reversed(coefficients[:-1]):
        result = result * x + c
    return result


def limited(x: Float64, low: float, high: float) -> Float64:
    """x within [low, high]; NaN stays."""
    return np.where(low > x, low, np.where(high < x, high, x))


def exp(x: Float64) -> Float64:
    """e^x for |x| <= 200; beyond, that of the limit, which float32 cannot hold anyway."""
    power, r = _reduced(x)
    return np.asarray(_scaled(horner(_EXP, r), power))


def expm1(x: Float64) -> Float64:
    """e^x - 1 without cancellation, likewise."""
    power, r = _reduced(x)
    return np.asarray(_scaled(horner(_EXP[1:], r) * r, power) + (_scaled(np.ones_like(r), power) - 1))


def log(x: Float64) -> Float64:
    """The natural logarithm."""
    ordinary = (x > 0) & (x < np.inf)
    mantissa, exponent = np.frexp(np.where(ordinary, x, 1.0))
    low = mantissa < _SQRT_HALF
    mantissa, exponent = np.where(low, mantissa * 2, mantissa), exponent - low
    s = (mantissa - 1) / (mantissa + 1)
    result = exponent * _LN2 + 2 * s * horner(_LOG, s * s)
    return np.where(ordinary, result, np.where(x == 0, -np.inf, np.where(x > 0, np.inf, np.nan)))


def log1p_of_fraction(x: Float64) -> Float64:
    """log(1 + x) for x in [0, 1]."""
    s = x / (x + 2)
    return np.asarray(2 * s * horner(_LOG1P, s * s))


def erfc_of_positive(z: Float64) -> Float64:
    """The complementary error function for z >= 0."""
    z = limited(z, 0.0, 13.5)
    scaled = horner(_ERFCX, (z - 3) / (z + 3)) / (2 * z + 1)
    return np.asarray(exp(-(z * z)) * scaled)


def erf(x: Float64) -> Float64:
    """The error function."""
    magnitude = np.abs(x)
    near = limited(magnitude, 0.0, 1.0)
    series = near * _TWO_OVER_SQRT_PI * horner(_ERF, near * near)
    return np.copysign(np.where(magnitude < 1, series, 1 - erfc_of_positive(magnitude)), x)


def sin(x: Float32) -> Float64:
    """The sine."""
    quadrant, r = _quadrant(x)
    even = quadrant % 2 == 0
    wave = np.where(even, horner(_SIN, r * r) * r, horner(_COS, r * r))
    return np.where(quadrant % 4 >= 2, -wave, wave)


def cos(x: Float32) -> Float64:
    """The cosine."""
    quadrant, r = _quadrant(x)
    even = quadrant % 2 == 0
    wave = np.where(even, horner(_COS, r * r), horner(_SIN, r * r) * r)
    return np.where((quadrant + 1) % 4 >= 2, -wave, wave)


def _reduced(x: Float64) -> tuple[NDArray[np.int64], Float64]:
    """x = power * ln 2 + r, |r| about ln 2 / 2 at most."""
    x = limited(x, -200.0, 200.0)
    k = np.rint(x * _LOG2_E)
    r = (x - k * _LN2_HIGH) - k * _LN2_LOW
    return np.nan_to_num(k).astype(np.int64), np.asarray(r)


def _scaled(x: Float64, power: NDArray[np.int64]) -> Float64:
    return np.asarray(np.ldexp(x, power.astype(np.int32)))


def _quadrant(x: Float32) -> tuple[NDArray[np.int64], Float64]:
    """x = quadrant * pi / 2 + r, |r| about pi / 4 at most; NaN for what is not finite."""
    quadrants = np.zeros(x.shape, np.int64)
    rests = np.where(np.isfinite(x), x.astype(np.float64), np.nan)
    for place in np.argwhere(np.isfinite(x) & (np.abs(x) > np.float32(0.785))):
        index = tuple(place)
        quadrants[index], rests[index] = _reduced_angle(float(x[index]))
    return quadrants, rests


def _reduced_angle(x: float) -> tuple[int, float]:
    """The multiple of pi / 2 in 64 bits, two of them before the point; rounded to the nearest whole multiple."""
    mantissa, exponent = math.frexp(abs(x))
    window = (_TWO_OVER_PI >> (224 - 94 - (exponent - 24))) % 2**96
    turns = (int(mantissa * 2**24) * window >> 32) % 2**64
    quadrant = (turns + 2**61) >> 62
    rest = float(turns - (quadrant << 62)) * _PI_2_62
    return (quadrant, rest) if x > 0 else (-quadrant, -rest)


def maximum(a: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
    """NaN if either is; a where it is larger, else b."""
    return np.where((a > b) | np.isnan(a), a, b)


def minimum(a: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
    """NaN if either is; a where it is smaller, else b."""
    return np.where((a < b) | np.isnan(a), a, b)


def bounded(x: Float32, bounds: Float32) -> Float32:
    """x within (low, high); NaN stays."""
    low, high = bounds
    x = np.where(low > x, low, x)
    return np.where(high < x, high, x)
