"""What a name of the source stands for while its network is lowered."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from intaglio.grids import Constant, Dequantized, Grid, numbers


@dataclass(frozen=True, eq=False)
class Value:
    """A constant, known now, or what a tensor of the graph computes.

    ``shape`` and ``dtype`` are the source's. Axis i of the graph's tensor is axis ``order[i]`` of the source, so that
    images lie as the kernels want them while the source goes on speaking of [N, C, H, W], and transposing is free.
    A computed int8 or uint8 value is a float32 tensor on a grid: `dtype` says that the source speaks of its integers.
    """

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    constant: Constant | None = None
    tensor: str = ""
    order: tuple[int, ...] = ()

    @property
    def data(self) -> NDArray[Any] | None:
        """The numbers of a constant, made anew at every call where it is dequantized."""
        return None if self.constant is None else numbers(self.constant)

    @property
    def grid(self) -> Grid | None:
        """Where the numbers of a dequantized constant lie, in the source's layout."""
        return self.constant.grid if isinstance(self.constant, Dequantized) else None

    def transposed(self, permutation: Sequence[int]) -> Value:
        """Axis i of the result is axis ``permutation[i]``."""
        shape = tuple(self.shape[p] for p in permutation)
        if isinstance(self.constant, Dequantized):
            return replace(self, shape=shape, constant=self.constant.transposed(permutation))
        if self.constant is not None:
            return replace(self, shape=shape, constant=self.constant.transpose(permutation))
        position = {p: i for i, p in enumerate(permutation)}
        return replace(self, shape=shape, order=tuple(position[axis] for axis in self.order))

    def reshaped_constant(self, shape: tuple[int, ...]) -> Value:
        """A constant in another shape."""
        assert self.constant is not None
        if isinstance(self.constant, Dequantized):
            return replace(self, shape=shape, constant=_reshaped(self.constant, shape))
        return replace(self, shape=shape, constant=self.constant.reshape(shape))


def constant(name: str, data: Constant) -> Value:
    return Value(name, data.shape, data.dtype, data)


def stored_shape(shape: Sequence[int], order: Sequence[int]) -> tuple[int, ...]:
    return tuple(shape[axis] for axis in order)


def channels_last(rank: int) -> tuple[int, ...]:
    """The order of [N, C, ...] in which channels lie together."""
    return (0, *range(2, rank), 1)


def plain(rank: int) -> tuple[int, ...]:
    """The order of the source itself."""
    return tuple(range(rank))


def only_ones_move(shape: Sequence[int], old: Sequence[int], new: Sequence[int]) -> bool:
    """Whether two orders of the axes of ``shape`` are the same order of bytes."""
    return [axis for axis in old if shape[axis] != 1] == [axis for axis in new if shape[axis] != 1]


def reshape_groups(old: Sequence[int], new: Sequence[int]) -> list[tuple[list[int], list[int]]]:
    """Runs of axes of two shapes with equal products, as short as possible."""
    if 0 in old:
        return [(list(range(len(old))), list(range(len(new))))]
    groups: list[tuple[list[int], list[int]]] = []
    i = j = 0
    while i < len(old) or j < len(new):
        left, right = [], []
        if i < len(old):
            left, i = [i], i + 1
        if j < len(new):
            right, j = [j], j + 1
        while True:
            p, q = math.prod(old[a] for a in left), math.prod(new[a] for a in right)
            if p == q:
                break
            if p < q:
                left, i = [*left, i], i + 1
            else:
                right, j = [*right, j], j + 1
        groups.append((left, right))
    return groups


def _reshaped(constant: Dequantized, shape: tuple[int, ...]) -> Constant:
    """Plain numbers where the channels no longer have an axis of their own."""
    axis = constant.grid.axis
    if axis is not None:
        channels = constant.shape[axis]
        homes = [right for left, right in reshape_groups(constant.shape, shape) if axis in left]
        sized = [a for a in homes[0] if shape[a] == channels]
        if not sized or any(shape[a] != 1 for a in homes[0] if a != sized[0]):
            return constant.numbers().reshape(shape)
        axis = sized[0]
    return Dequantized(replace(constant.grid, axis=axis), constant.integers.reshape(shape))
