"""Rules of the ops that move values: any element type, and x and y share scale and zero point."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from intaglio.errors import ShapeError
from intaglio.rules.gemm import WINDOW_LIMIT, broadcast
from intaglio.rules.view import FLOAT32, INT32, INT64, NodeView, listed


def reshape(view: NodeView) -> None:
    """The same number of elements."""
    x, y = view["x"], view.output
    view.want_like(y, x)
    same = math.prod(x.shape) == math.prod(y.shape)
    view.want(same, f"shape of '{y.name}'", f"{math.prod(x.shape)} elements", listed(y.shape), ShapeError)


def transpose(view: NodeView) -> None:
    """y.shape[i] is x.shape[permutation[i]]."""
    x, y, permutation = view["x"], view.output, view.numbers("permutation")
    view.want_like(y, x)
    is_permutation = sorted(permutation) == list(range(len(x.shape)))
    view.want(is_permutation, "attribute 'permutation'", f"an order of {len(x.shape)} axes", permutation)
    view.want_shape(y, tuple(x.shape[p] for p in permutation))


def slice_(view: NodeView) -> None:
    """Every position begin + i * stride lies inside x; sizes are y's."""
    x, y, begin_stride = view["x"], view.output, view.numbers("begin_stride")
    rank = len(x.shape)
    view.want_like(y, x)
    view.want_rank(y, rank)
    view.want(len(begin_stride) == 2 * rank, "attribute 'begin_stride'", f"{2 * rank} integers", begin_stride)
    for axis, (begin, stride) in enumerate(zip(begin_stride[:rank], begin_stride[rank:], strict=True)):
        view.want(0 < abs(stride) < 2**31, f"stride of axis {axis}", "non-zero, below 2^31", stride)
        size, last = y.shape[axis], begin + (y.shape[axis] - 1) * stride
        inside = size == 0 or (0 <= begin < x.shape[axis] and 0 <= last < x.shape[axis])
        view.want(inside, f"axis {axis}", f"positions 0 to {x.shape[axis] - 1}", f"{begin} to {last}", ShapeError)


def pad(view: NodeView) -> None:
    """padding is (before, after) per axis."""
    x, y, padding = view["x"], view.output, view.numbers("padding")
    view.want_like(y, x)
    view.want(len(padding) == 2 * len(x.shape), "attribute 'padding'", f"{2 * len(x.shape)} integers", padding)
    view.want_between("padding", padding, 0, WINDOW_LIMIT)
    around = zip(x.shape, padding[::2], padding[1::2], strict=True)
    view.want_shape(y, tuple(before + size + after for size, before, after in around))
    limits = np.iinfo(np.int32 if x.dtype == FLOAT32 else x.dtype)
    view.want_between("value", (view.number("value"),), int(limits.min), int(limits.max))


def concat(view: NodeView) -> None:
    """Equal shapes except along ``axis``."""
    y, axis, first = view.output, view.number("axis"), view.inputs[0]
    view.want_axis(axis, len(first.shape))
    for x in view.inputs:
        view.want_like(x, y)
        view.want_rank(x, len(first.shape))
        view.want_shape(x, (*first.shape[:axis], x.shape[axis], *first.shape[axis + 1 :]))
    total = sum(x.shape[axis] for x in view.inputs)
    view.want_shape(y, (*first.shape[:axis], total, *first.shape[axis + 1 :]))


def broadcast_to(view: NodeView) -> None:
    """x broadcasts to y's shape."""
    x, y = view["x"], view.output
    view.want_like(y, x)
    view.want_shape(y, broadcast(view, x.shape, y.shape))


def gather(view: NodeView) -> None:
    """Indices take the place of an axis; constant ones must lie inside it."""
    x, indices, y, axis = view["x"], view["indices"], view.output, view.number("axis")
    view.want_like(y, x)
    view.want_dtype(indices, INT32, INT64)
    view.want_axis(axis, len(x.shape))
    view.want_shape(y, (*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :]))
    if indices.data is not None:
        _check_indices(view, indices.data, x.shape[axis])


def gather_nd(view: NodeView) -> None:
    """The last axis of the indices holds positions along the first axes of x; constant ones must lie inside them."""
    x, indices, y = view["x"], view["indices"], view.output
    view.want_like(y, x)
    view.want_dtype(indices, INT32, INT64)
    depth = indices.shape[-1] if indices.shape else 0
    view.want(1 <= depth <= len(x.shape), f"last axis of '{indices.name}'", f"1 to {len(x.shape)}", depth, ShapeError)
    view.want_shape(y, (*indices.shape[:-1], *x.shape[depth:]))
    if indices.data is not None:
        for axis in range(depth):
            _check_indices(view, indices.data[..., axis], x.shape[axis])


def _check_indices(view: NodeView, indices: NDArray[Any], size: int) -> None:
    if not indices.size:
        return
    low, high = int(indices.min()), int(indices.max())
    inside = -size <= low and high < size
    view.want(inside, f"'{view['indices'].name}'", f"{-size} to {size - 1}", f"{low} to {high}", ShapeError)
