"""Histograms of streams whose range is not known beforehand."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

#: Bins on each side of zero.
HALF: Final = 2048

_BITS: Final = HALF.bit_length() - 1
#: Keeps the width of bins, and its inverse, normal in float32.
_SMALLEST_EXPONENT: Final = -100


class Histogram:
    """How often values lie in bins of equal width, and how often they are exactly zero.

    Bin i holds ``(i - HALF) * width <= x < (i - HALF + 1) * width`` but for the zeros. The width is a power of two that
    doubles when a value lies outside, so bins merge in pairs and the result does not depend on the order of the values.
    """

    def __init__(self) -> None:
        self.counts: NDArray[np.int64] = np.zeros(2 * HALF, np.int64)
        self.zeros = 0
        self.low = math.inf
        self.high = -math.inf
        self._exponent = _SMALLEST_EXPONENT

    @property
    def width(self) -> float:
        """The width of a bin."""
        return math.ldexp(1.0, self._exponent - _BITS)

    @property
    def total(self) -> int:
        """How many values there are."""
        return self.zeros + int(self.counts.sum())

    @property
    def edges(self) -> NDArray[np.float64]:
        """The ends of the bins, one more than there are bins."""
        return np.asarray(np.arange(-HALF, HALF + 1) * self.width, np.float64)

    def add(self, values: NDArray[np.float32]) -> None:
        """Count finite values, at least one."""
        low, high = float(values.min()), float(values.max())
        self.low, self.high = min(self.low, low), max(self.high, high)
        self._widen(math.frexp(max(-low, high))[1])
        bins = np.floor(values.reshape(-1) * np.float32(1 / self.width)).astype(np.int32) + HALF
        self.counts += np.bincount(bins, minlength=2 * HALF)
        zeros = values.size - int(np.count_nonzero(values))
        self.counts[HALF] -= zeros
        self.zeros += zeros

    def to_json(self) -> dict[str, Any]:
        """The histogram as JSON values; empty bins at the ends are left out."""
        filled = np.flatnonzero(self.counts)
        first, last = (int(filled[0]), int(filled[-1])) if filled.size else (HALF, HALF - 1)
        return {
            "low": self.low,
            "high": self.high,
            "zeros": self.zeros,
            "exponent": self._exponent,
            "first": first - HALF,
            "counts": self.counts[first : last + 1].tolist(),
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Histogram:
        """The histogram that `to_json` gave; raises KeyError, TypeError or ValueError of anything else."""
        histogram = cls()
        histogram.low, histogram.high = float(value["low"]), float(value["high"])
        histogram.zeros = int(value["zeros"])
        histogram._exponent = int(value["exponent"])
        counts = np.asarray(value["counts"], np.int64)
        first = int(value["first"]) + HALF
        if first < 0 or counts.ndim != 1 or first + counts.size > 2 * HALF or (counts < 0).any():
            raise ValueError("counts: expected non-negative integers within the bins")
        histogram.counts[first : first + counts.size] = counts
        return histogram

    def _widen(self, exponent: int) -> None:
        """Make the bins hold numbers below 2^exponent."""
        while self._exponent < exponent:
            if not self.counts.any():
                self._exponent = exponent
                return
            merged = self.counts.reshape(-1, 2).sum(axis=1)
            self.counts = np.zeros_like(self.counts)
            self.counts[HALF // 2 : HALF // 2 + HALF] = merged
            self._exponent += 1
