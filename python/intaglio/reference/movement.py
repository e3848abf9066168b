"""Ops that move values."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from intaglio.errors import InputError
from intaglio.rules.view import FLOAT32, NodeView


def reshape(view: NodeView, x: NDArray[Any]) -> NDArray[Any]:
    """The same values in y's shape."""
    return x.reshape(view.output.shape)


def transpose(view: NodeView, x: NDArray[Any]) -> NDArray[Any]:
    """Axis i of y is axis permutation[i] of x."""
    return np.array(x.transpose(view.numbers("permutation")), order="C")


def slice_(view: NodeView, x: NDArray[Any]) -> NDArray[Any]:
    """Position i of an axis of y is position begin + i * stride of x."""
    numbers, rank = view.numbers("begin_stride"), x.ndim
    for axis, (begin, stride) in enumerate(zip(numbers[:rank], numbers[rank:], strict=True)):
        x = x.take(begin + stride * np.arange(view.output.shape[axis]), axis=axis)
    return x


def pad(view: NodeView, x: NDArray[Any]) -> NDArray[Any]:
    """A border of one stored value."""
    numbers = view.numbers("padding")
    around = tuple(zip(numbers[::2], numbers[1::2], strict=True))
    bits = np.array(view.number("value"), np.int32 if x.dtype == FLOAT32 else x.dtype)
    return np.asarray(np.pad(x, around, constant_values=bits.view(x.dtype)))


def concat(view: NodeView, *inputs: NDArray[Any]) -> NDArray[Any]:
    """One after the other along an axis."""
    return np.concatenate(inputs, axis=view.number("axis"))


def broadcast_to(view: NodeView, x: NDArray[Any]) -> NDArray[Any]:
    """NumPy's broadcasting."""
    return np.array(np.broadcast_to(x, view.output.shape), order="C")


def gather(view: NodeView, x: NDArray[Any], indices: NDArray[Any]) -> NDArray[Any]:
    """Positions along an axis; negative ones count from the end."""
    axis = view.number("axis")
    _check_indices(view, indices, x.shape[axis])
    return np.take(x, indices, axis=axis)


def gather_nd(view: NodeView, x: NDArray[Any], indices: NDArray[Any]) -> NDArray[Any]:
    """Positions along the first axes, which lie along the last axis of the indices."""
    positions = np.moveaxis(indices, -1, 0)
    for along, size in zip(positions, x.shape, strict=False):
        _check_indices(view, along, size)
    return np.asarray(x[tuple(positions)])


def _check_indices(view: NodeView, indices: NDArray[Any], size: int) -> None:
    outside = (indices < -size) | (indices >= size)
    if outside.any():
        view.fail(InputError, "index", f"{-size} to {size - 1}", indices[outside][0])
