"""Drawings of a comparison as SVG, to stand in a page whose style sheet gives the colours by class."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

import numpy as np
from numpy.typing import NDArray

from intaglio.comparison.result import Layer
from intaglio.comparison.wording import decibels

_WIDTH: Final = 960
_HEIGHT: Final = 300
_LEFT: Final = 56
_BOTTOM: Final = 34
_TOP: Final = 12

_SMALL: Final = (220, 84)
_BARS: Final = 88


def error_plot(layers: Sequence[Layer]) -> str:
    """SQNR of every layer, its own and the accumulated, in the order in which they run."""
    finite = [r for layer in layers for r in (layer.own.sqnr, layer.accumulated.sqnr) if math.isfinite(r)]
    step = 10 if max(finite, default=0) - min(finite, default=0) <= 80 else 20
    low = min(0, step * math.floor(min(finite, default=0) / step))
    high = max(step, step * math.ceil(max(finite, default=0) / step))

    def x(index: float) -> float:
        return _LEFT + (_WIDTH - _LEFT - 16) * (index + 0.5) / max(len(layers), 1)

    def y(ratio: float) -> float:
        return _TOP + (_HEIGHT - _TOP - _BOTTOM) * (high - min(max(ratio, low), high)) / (high - low)

    parts = []
    for tick in range(low, high + 1, step):
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - 16}" y1="{y(tick):.1f}" y2="{y(tick):.1f}"/>')
        parts.append(f'<text x="{_LEFT - 8}" y="{y(tick) + 4:.1f}" text-anchor="end">{tick} dB</text>')
    every = max(1, len(layers) // 12)
    for index in range(0, len(layers), every):
        parts.append(f'<text x="{x(index):.1f}" y="{_HEIGHT - 14}" text-anchor="middle">{index + 1}</text>')
    for name in ("accumulated", "own"):
        ratios = [getattr(layer, name).sqnr for layer in layers]
        points = " ".join(f"{x(i):.1f},{y(ratio):.1f}" for i, ratio in enumerate(ratios))
        parts.append(f'<polyline class="{name}" points="{points}"/>')
        for i, (layer, ratio) in enumerate(zip(layers, ratios, strict=True)):
            title = escape(f"{i + 1}. {layer.tensor} ({layer.op}): {name} {decibels(ratio)}")
            parts.append(
                f'<circle class="{name} {layer.dtype}" cx="{x(i):.1f}" cy="{y(ratio):.1f}" r="3.5">'
                f"<title>{title}</title></circle>"
            )
    return _svg(_WIDTH, _HEIGHT, "SQNR of every layer", parts)


def histogram_plot(layer: Layer) -> str:
    """How often which values occur, on a logarithmic scale, and the ends of the grid."""
    width, height = _SMALL
    low, high = _extent(layer)
    counts = _resampled(layer, low, high)
    heights = np.log1p(counts) / max(np.log1p(counts).max(), 1)

    def x(value: float) -> float:
        return width * (value - low) / (high - low)

    bar = width / _BARS
    path = "".join(
        f"M{i * bar:.1f} {height}v{-tall * (height - 4):.1f}h{bar:.2f}V{height}z"
        for i, tall in enumerate(heights)
        if tall > 0
    )
    parts = [f'<path class="bars" d="{path}"/>']
    if layer.clip is not None:
        first, last = (min(max(x(end), 0.0), float(width)) for end in layer.clip)
        parts.append(f'<rect class="outside" x="0" y="0" width="{first:.1f}" height="{height}"/>')
        parts.append(f'<rect class="outside" x="{last:.1f}" y="0" width="{width - last:.1f}" height="{height}"/>')
        parts += [f'<line class="clip" x1="{end:.1f}" x2="{end:.1f}" y1="0" y2="{height}"/>' for end in (first, last)]
    return _svg(width, height, f"values of {layer.tensor}", parts)


def share_bar(share: float) -> str:
    """A share of a whole as a filled bar."""
    parts = [
        '<rect class="track" x="0" y="0" width="220" height="10" rx="5"/>',
        f'<rect class="share" x="0" y="0" width="{220 * share:.1f}" height="10" rx="5"/>',
    ]
    return _svg(220, 10, f"{share:.2%}", parts)


def _extent(layer: Layer) -> tuple[float, float]:
    """From the smallest to the largest of the values and the ends of the grid, with a margin."""
    ends = [layer.histogram.low, layer.histogram.high, *(layer.clip or ())]
    low, high = min(ends), max(ends)
    margin = (high - low) * 0.03 or max(abs(high), 1.0)
    return low - margin, high + margin


def _resampled(layer: Layer, low: float, high: float) -> NDArray[np.float64]:
    histogram = layer.histogram
    centers = (histogram.edges[:-1] + histogram.edges[1:]) / 2
    weights = histogram.counts.astype(np.float64)
    values = np.append(centers, 0.0), np.append(weights, histogram.zeros)
    counts, _ = np.histogram(values[0], bins=_BARS, range=(low, high), weights=values[1])
    return np.asarray(counts, np.float64)


def _svg(width: int, height: int, label: str, parts: Iterable[str]) -> str:
    return (
        f'<svg viewBox="0 0 {width} {height}" width="{width}" role="img" aria-label="{escape(label)}">'
        f"{''.join(parts)}</svg>"
    )
