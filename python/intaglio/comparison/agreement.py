"""How near one stream of arrays is to another, in constant memory."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

#: Values taken at a time: few enough that the sums stay in the cache, and on one thread.
_BLOCK: Final = 8192


class Agreement:
    """Errors of what is given against what is right, over all values of all samples."""

    def __init__(self) -> None:
        self.count = 0
        self.largest = 0.0
        self._equal = 0
        self._right = self._given = self._product = self._noise = 0.0

    def add(self, right: NDArray[Any], given: NDArray[Any]) -> None:
        """Take in two arrays of the same shape."""
        rights, givens = right.reshape(-1), given.reshape(-1)
        self.count += rights.size
        for start in range(0, rights.size, _BLOCK):
            self._add(*(part[start : start + _BLOCK].astype(np.float64) for part in (rights, givens)))

    def _add(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> None:
        error = y - x
        self.largest = max(self.largest, float(np.abs(error).max()))
        self._equal += x.size - int(np.count_nonzero(error))
        self._right += float(x @ x)
        self._given += float(y @ y)
        self._product += float(x @ y)
        self._noise += float(error @ error)

    @property
    def sqnr(self) -> float:
        """Power of the right values over that of the errors, in decibels; infinite without errors."""
        if not self._noise:
            return math.inf
        return 10 * math.log10(self._right / self._noise) if self._right else -math.inf

    @property
    def mse(self) -> float:
        """The mean squared error."""
        return self._noise / max(self.count, 1)

    @property
    def cosine(self) -> float:
        """The cosine of the angle between the two, as vectors of all values."""
        length = math.sqrt(self._right) * math.sqrt(self._given)
        return self._product / length if length else float(self._right == self._given)

    @property
    def equal(self) -> float:
        """The share of values without error."""
        return self._equal / max(self.count, 1)

    def to_json(self) -> dict[str, Any]:
        """As JSON values; an infinite ratio, which JSON has no number for, is null."""
        return {
            "sqnr": self.sqnr if math.isfinite(self.sqnr) else None,
            "mse": self.mse,
            "cosine": self.cosine,
            "largest": self.largest,
            "equal": self.equal,
        }
