"""Sizes along one spatial axis of windowed ops, shared by the Builder and the rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: (top, left, bottom, right)
Padding = tuple[int, int, int, int]


def extent(kernel: int, dilation: int = 1) -> int:
    """Input positions from the first tap of a window to its last."""
    return dilation * (kernel - 1) + 1


def window_count(size: int, kernel: int, stride: int, pad: int, dilation: int = 1) -> int:
    """Output size of a convolution or pooling; ``pad`` is before plus after. Below 1 where no window fits."""
    return (size + pad - extent(kernel, dilation)) // stride + 1


def transposed_size(size: int, kernel: int, stride: int, pad: int) -> int:
    """Output size of a transposed convolution; ``pad`` is before plus after."""
    return (size - 1) * stride + kernel - pad


def same_padding(size: int, kernel: int, stride: int, dilation: int = 1) -> tuple[int, int]:
    """Padding that gives ``ceil(size / stride)`` outputs; an odd total puts the extra position after."""
    total = max((-(-size // stride) - 1) * stride + extent(kernel, dilation) - size, 0)
    return total // 2, total - total // 2


def same_transposed_padding(size: int, kernel: int, stride: int, output: int) -> tuple[int, int]:
    """Padding that gives ``output`` positions; only the padding after may be negative."""
    total = transposed_size(size, kernel, stride, 0) - output
    before = max(total, 0) // 2
    return before, total - before


def positions_inside(index: NDArray[np.int64], size: int, kernel: int, stride: int, before: int) -> NDArray[np.int64]:
    """How many positions of the windows with these indices lie inside the input; below 1 where none does."""
    start = index * stride - before
    return np.asarray(np.minimum(start + kernel, size) - np.maximum(start, 0))
