"""Rules of pooling, mean, softmax, arg max and arg min."""

from __future__ import annotations

import math

import numpy as np

from intaglio.errors import QuantizationError, ShapeError
from intaglio.geometry import positions_inside
from intaglio.opset import Requant, Rounding
from intaglio.rules.gemm import check_window
from intaglio.rules.requantization import check_requantization, reach
from intaglio.rules.view import FLOAT32, INT8, INT32, INT64, NodeView, listed

#: Longest softmax axis, so that the sum of the table's values fits.
SOFTMAX_LIMIT = {Requant.FLOAT32: 2**20, Requant.FIXED: 4095}


def max_pool2d(view: NodeView) -> None:
    """[N,H,W,C] to [N,Ho,Wo,C]; every window holds a position inside the input."""
    view.want_quantized(view["x"], view.output)
    view.want_clamp()
    check_pool(view)


def check_pool(view: NodeView) -> None:
    """Check ranks, shapes and geometry."""
    x, y, kernel = view["x"], view.output, view.numbers("kernel")
    view.want_rank(x, 4)
    view.want_like(y, x)
    size = check_window(view, kernel)
    view.want_shape(y, (x.shape[0], *size, x.shape[3]))
    view.want(math.prod(kernel) < 2**23, "kernel", "fewer than 2^23 positions", kernel, ShapeError)
    for axis in (0, 1):
        before, stride = view.numbers("padding")[axis], view.numbers("stride")[axis]
        # Windows in the middle hold no fewer positions than the first or the last.
        ends = np.array([0, size[axis] - 1])
        inside = positions_inside(ends, x.shape[1 + axis], kernel[axis], stride, before)
        got = f"window {ends[int(np.argmin(inside))]} of axis {1 + axis} outside"
        view.want(bool(inside.min() >= 1), "padding", "every window to touch the input", got, ShapeError)


def average_pool2d(view: NodeView) -> None:
    """As max_pool2d, with a rounding."""
    max_pool2d(view)
    view.want_between("rounding", (view.number("rounding"),), Rounding.HALF_AWAY, Rounding.HALF_UP)


def mean(view: NodeView) -> None:
    """y drops the axes, or keeps them with size 1."""
    x = view["x"]
    view.want_quantized(x, view.output)
    check_requantization(view, 1, check_axes(view) * reach(x))


def check_axes(view: NodeView) -> int:
    """Check the attribute ``axes`` and the shape of y; how many values become one."""
    x, y, axes = view["x"], view.output, view.numbers("axes")
    rank = len(x.shape)
    ascending = all(0 <= a < rank for a in axes) and list(axes) == sorted(set(axes))
    view.want(ascending, "attribute 'axes'", f"ascending axes from 0 to {rank - 1}", axes)
    dropped = tuple(n for i, n in enumerate(x.shape) if i not in axes)
    kept = tuple(1 if i in axes else n for i, n in enumerate(x.shape))
    expected = f"{listed(dropped)} or {listed(kept)}"
    view.want(y.shape in (dropped, kept), f"shape of '{y.name}'", expected, listed(y.shape), ShapeError)
    return math.prod(x.shape[a] for a in axes)


def softmax(view: NodeView) -> None:
    """Over the last axis, by a table of 256 exponentials."""
    x, y, mode, numerator = view["x"], view.output, view.requant, view.number("numerator")
    view.want_quantized(x, y)
    view.want_shape(y, x.shape)
    view.want(len(x.shape) >= 1, f"rank of '{x.name}'", "at least 1", 0, ShapeError)
    limit = SOFTMAX_LIMIT[mode]
    view.want(x.shape[-1] <= limit, f"last axis of '{x.name}'", f"at most {limit}", x.shape[-1], ShapeError)
    table = view.want_constant("table", INT32, (256,))
    top = 2**22 if mode is Requant.FLOAT32 else 2**31 - 1
    view.want(table.min() >= 0 and table.max() <= top, "table", f"0 to {top}", listed((table.min(), table.max())))
    if mode is Requant.FLOAT32:
        view.want(table[0] >= 1, "table[0]", "at least 1", table[0])
        view.want_between("numerator", (numerator,), 1, 2**63 - 1)
        return
    view.want(table[0] == top, "table[0]", top, table[0])
    view.want_between("numerator", (numerator,), 0, 0)
    parameters = (y.scale, y.zero_point)
    is_unit = parameters == (np.float32(1 / 256), -128)
    view.want(is_unit, f"quantization of '{y.name}'", "(1/256, -128)", parameters, QuantizationError)


def arg_extreme(view: NodeView) -> None:
    """Quantized or float32 to int32 or int64; y drops the axis."""
    x, y, axis = view["x"], view.output, view.number("axis")
    view.want_dtype(x, INT8, FLOAT32)
    if x.dtype == INT8:
        view.want_quantized(x)
    view.want_dtype(y, INT32, INT64)
    view.want_axis(axis, len(x.shape))
    view.want(x.shape[axis] >= 1, f"axis {axis} of '{x.name}'", "at least 1", 0, ShapeError)
    view.want_shape(y, (*x.shape[:axis], *x.shape[axis + 1 :]))
