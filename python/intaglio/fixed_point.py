"""gemmlowp's rounded products and quotients, in int64 (docs/arithmetic.md, "Requantization")."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

Int64: TypeAlias = "NDArray[np.int64]"


def srdhm(a: ArrayLike, m: ArrayLike) -> Int64:
    """Saturating rounding doubling high multiplication: ``(a * m + 2^30) >> 31``."""
    return np.asarray(np.asarray(a, np.int64) * np.asarray(m, np.int64) + (1 << 30) >> 31)


def rdivpot(x: ArrayLike, exponent: ArrayLike) -> Int64:
    """Rounding division by a power of two, ties away from zero."""
    x, exponent = np.asarray(x, np.int64), np.asarray(exponent, np.int64)
    mask = (np.int64(1) << exponent) - 1
    return np.asarray((x >> exponent) + ((x & mask) > (mask >> 1) + (x < 0)))


def mbqm(x: ArrayLike, multiplier: ArrayLike, shift: ArrayLike) -> Int64:
    """gemmlowp's doubly rounded multiplication by ``multiplier * 2^(shift - 31)``."""
    shift = np.asarray(shift, np.int64)
    shifted = np.asarray(x, np.int64) << np.maximum(shift, 0)
    return rdivpot(srdhm(shifted, multiplier), np.maximum(-shift, 0))


def mbqm_once(x: ArrayLike, multiplier: ArrayLike, shift: ArrayLike) -> Int64:
    """Multiplication by ``multiplier * 2^(shift - 31)`` rounded once, ties away from zero."""
    x, down = np.asarray(x, np.int64), 31 - np.asarray(shift, np.int64)
    return np.asarray(np.sign(x) * (np.abs(x) * np.asarray(multiplier, np.int64) + (np.int64(1) << (down - 1)) >> down))
