"""The range that a tensor's grid of 256 numbers is to cover, from the histogram of its values.

Every range holds 0, which padding and rectifiers need to be exact.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from intaglio.calibration.histogram import HALF, Histogram

#: Share of the values, in percent, that the percentile method keeps.
PERCENTILE: Final = 99.99

_LEVELS: Final = 256
_CANDIDATES: Final = 128


def min_max(histogram: Histogram, symmetric: bool) -> tuple[float, float]:
    """All values that were seen."""
    low, high = min(histogram.low, 0.0), max(histogram.high, 0.0)
    return (-max(-low, high), max(-low, high)) if symmetric else (low, high)


def percentile(histogram: Histogram, symmetric: bool) -> tuple[float, float]:
    """All but the outermost values: half of them at each end, or the largest magnitudes."""
    cut = histogram.total * (1 - PERCENTILE / 100)
    negative, positive = histogram.counts[:HALF][::-1], histogram.counts[HALF:]
    low, high = min_max(histogram, symmetric)
    if symmetric:
        magnitude = min(_cut(negative + positive, cut) * histogram.width, high)
        return -magnitude, magnitude
    return max(-_cut(negative, cut / 2) * histogram.width, low), min(_cut(positive, cut / 2) * histogram.width, high)


def mse(histogram: Histogram, symmetric: bool) -> tuple[float, float]:
    """The least mean squared error.

    A value inside is off by up to half a step, evenly spread: step^2 / 12 on average. One outside is off by its
    distance from the end. Zeros are exact.
    """
    low, high = min_max(histogram, symmetric)
    shares = np.arange(1, _CANDIDATES + 1) / _CANDIDATES
    lows, highs = low * shares, high * shares
    if not symmetric:
        # Either end alone may cost less than both shortened alike.
        lows, highs = (grid.reshape(-1) for grid in np.meshgrid(lows, highs, indexing="ij"))
    below, inside_below = _tail(histogram.counts[:HALF][::-1], histogram.width, -lows)
    above, inside_above = _tail(histogram.counts[HALF:], histogram.width, highs)
    steps = (highs - lows) / (_LEVELS - 1)
    best = int(np.argmin(below + above + (inside_below + inside_above) * steps**2 / 12))
    return float(lows[best]), float(highs[best])


def entropy(histogram: Histogram, symmetric: bool) -> tuple[float, float]:
    """The least information lost (Kullback-Leibler divergence), both ends being shortened alike."""
    low, high = min_max(histogram, symmetric)
    counts = histogram.counts + histogram.counts[::-1] if symmetric else histogram.counts
    ends = max(-low, high) / histogram.width
    fewest = _LEVELS / max((high - low) / histogram.width, 1)
    best, least = 1.0, np.inf
    for share in np.linspace(1, min(fewest, 1), _CANDIDATES) if ends else ():
        first = HALF + int(np.floor(low / histogram.width * share))
        last = HALF + int(np.ceil(high / histogram.width * share))
        lost = _divergence(counts, max(first, 0), min(last, 2 * HALF))
        if lost < least:
            best, least = float(share), lost
    return low * best, high * best


METHODS: Final[dict[str, Callable[[Histogram, bool], tuple[float, float]]]] = {
    "min_max": min_max,
    "percentile": percentile,
    "mse": mse,
    "entropy": entropy,
}


def _cut(counts: NDArray[np.int64], cut: float) -> int:
    """How many bins, counted from zero, hold all but the outer ``cut`` values."""
    outside = np.cumsum(counts[::-1])
    return len(counts) - int(np.searchsorted(outside, cut, side="right"))


def _tail(
    counts: NDArray[np.int64], width: float, ends: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """For values on one side of zero: the sum of squared distances from each end outside it, and the number inside."""
    centers = (np.arange(len(counts)) + 0.5) * width
    moments = [np.concatenate([[0.0], np.cumsum(counts * centers**power)]) for power in range(3)]
    bins = np.minimum(np.searchsorted(centers, ends), len(counts))
    number, total, squares = (moment[-1] - moment[bins] for moment in moments)
    return squares - 2 * ends * total + ends**2 * number, moments[0][bins]


def _divergence(counts: NDArray[np.int64], first: int, last: int) -> float:
    """Of the values clipped to the bins, from what 256 levels keep of them."""
    inside = counts[first:last].astype(np.float64)
    clipped = inside.copy()
    clipped[0] += counts[:first].sum()
    clipped[-1] += counts[last:].sum()
    levels = np.arange(inside.size) * _LEVELS // inside.size
    filled = inside > 0
    sums, sizes = np.bincount(levels, inside), np.bincount(levels, filled)
    kept = np.where(filled, (sums / np.maximum(sizes, 1))[levels], 0)
    if not kept.any():
        return np.inf
    where = clipped > 0
    p, q = clipped[where] / clipped.sum(), np.maximum(kept[where] / kept.sum(), 1e-9)
    return float(np.sum(p * np.log(p / q)))
