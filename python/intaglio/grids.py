"""Grids: where the values of a float network lie when it is quantized.

A network with quantize and dequantize pairs, and a float network after calibration, are both a float graph and the
grids of its tensors. An activation with a grid is rounded to it where it is made. A tensor that is read rounded and
unrounded, or on two grids, is two tensors with an identity (`float_unary`) between them. A port of dtype int8 or uint8
on a float tensor with a grid says that callers see the integers; a float32 port on one, that they see floats.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Grid:
    """The numbers ``scale * (q - zero_point)`` for int8 q from ``low`` to ``high``."""

    #: Of shape (), or [C] for a constant with one grid per channel.
    scale: NDArray[np.float32]
    #: In terms of int8, of the shape of ``scale``; grids of uint8 are shifted by 128.
    zero_point: NDArray[np.int32]
    #: The axis of the channels, in the graph's layout.
    axis: int | None = None
    low: int = -128
    high: int = 127
    #: Whether the source speaks of uint8. Reals are the same; sums in float32 are rounded as those of uint8 are.
    unsigned: bool = False

    @property
    def parameters(self) -> tuple[np.float32, int]:
        """Scale and zero point of a grid that is not per channel."""
        return np.float32(self.scale.reshape(-1)[0]), int(self.zero_point.reshape(-1)[0])

    @property
    def per_tensor(self) -> bool:
        return self.axis is None and self.scale.size == 1

    def agrees(self, other: Grid) -> bool:
        """Whether both, per tensor, have the same scale, zero point and ends."""
        ends = (self.low, self.high) == (other.low, other.high)
        return self.per_tensor and other.per_tensor and ends and self.parameters == other.parameters

    def rounded(self, values: NDArray[Any]) -> NDArray[np.int8]:
        """The integers of the nearest numbers on the grid, halves to even; NaN becomes zero, as in `quantize`."""
        scale, zero_point = (self._along(part, values.ndim) for part in (self.scale, self.zero_point))
        with np.errstate(over="ignore"):
            quotient = np.clip(np.rint(values.astype(np.float32) / scale), -1024, 1024)
        quotient = np.where(np.isnan(quotient), 0, quotient)
        return np.asarray(np.clip(quotient + zero_point, self.low, self.high), np.int8)

    def reals(self, integers: NDArray[Any]) -> NDArray[np.float32]:
        """The numbers that integers stand for."""
        scale, zero_point = (self._along(part, integers.ndim) for part in (self.scale, self.zero_point))
        return np.asarray((integers.astype(np.int32) - zero_point) * scale, np.float32)

    def _along(self, values: NDArray[Any], rank: int) -> NDArray[Any]:
        """One value per channel, laid along the channel axis of a tensor of ``rank`` axes."""
        return values.reshape([-1 if i == self.axis else 1 for i in range(rank)])


@dataclass(frozen=True, eq=False)
class Dequantized:
    """A float32 constant held as the integers of its grid. Its numbers are made whenever they are asked for."""

    grid: Grid
    #: int8, or int32 for a bias.
    integers: NDArray[Any]

    @property
    def shape(self) -> tuple[int, ...]:
        return self.integers.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(np.float32)

    def numbers(self) -> NDArray[np.float32]:
        return np.asarray(self.grid.reals(self.integers), order="C")

    def is_finite(self) -> bool:
        """Whether the numbers are; scales that are no giants settle it."""
        limits = np.iinfo(self.integers.dtype)
        ends = np.array([[limits.min], [limits.max]]) - self.grid.zero_point.reshape(-1)
        with np.errstate(over="ignore", invalid="ignore"):
            reach = (ends * self.grid.scale.reshape(-1)).astype(np.float32)
            return bool(np.isfinite(reach).all() or np.isfinite(self.numbers()).all())

    def transposed(self, permutation: Sequence[int]) -> Dequantized:
        """Axis i of the result is axis ``permutation[i]``."""
        axis = None if self.grid.axis is None else tuple(permutation).index(self.grid.axis)
        return Dequantized(replace(self.grid, axis=axis), self.integers.transpose(permutation))


#: A constant: its numbers, or what they are made of.
Constant = NDArray[Any] | Dequantized


def numbers(constant: Constant) -> NDArray[Any]:
    return constant.numbers() if isinstance(constant, Dequantized) else constant


def is_finite(constant: Constant) -> bool:
    """Whether all numbers are."""
    return constant.is_finite() if isinstance(constant, Dequantized) else bool(np.isfinite(constant).all())


def integers(constant: Constant, grid: Grid) -> NDArray[Any]:
    """The integers of a constant on a grid: its own where that is the one it is held on."""
    if isinstance(constant, Dequantized) and constant.grid is grid:
        return constant.integers
    return grid.rounded(numbers(constant))


#: Grids by name of tensor.
Grids = dict[str, Grid]
