"""Rules of the float32 ops that are no sums of products."""

from __future__ import annotations

from enum import IntEnum
from typing import TypeVar

import numpy as np

from intaglio.errors import ShapeError
from intaglio.opset import FloatBinary, FloatPool, FloatReduce, FloatUnary
from intaglio.rules.gemm import broadcast
from intaglio.rules.reductions import check_axes, check_pool
from intaglio.rules.view import FLOAT32, INT32, NodeView, listed

Kind = TypeVar("Kind", bound=IntEnum)


def float_binary(view: NodeView) -> None:
    """Operands broadcast."""
    _check_float(view)
    _kind(view, FloatBinary)
    view.want_shape(view.output, broadcast(view, view["a"].shape, view["b"].shape))


def float_unary(view: NodeView) -> None:
    """As many parameters as the function takes."""
    _check_float(view)
    view.want_shape(view.output, view["x"].shape)
    names = _kind(view, FloatUnary).parameters
    values = view.want_constant("parameters", FLOAT32, (len(names),))
    view.want(not np.isnan(values).any(), "parameters", "numbers", values.tolist())


def float_pool2d(view: NodeView) -> None:
    """[N,H,W,C] to [N,Ho,Wo,C]; every window holds a position inside the input."""
    _check_float(view)
    _kind(view, FloatPool)
    check_pool(view)


def float_reduce(view: NodeView) -> None:
    """y drops the axes, or keeps them with size 1; one value or more become one."""
    _check_float(view)
    _kind(view, FloatReduce)
    count = check_axes(view)
    view.want(count >= 1, f"shape of '{view['x'].name}'", "one value or more to reduce", "none", ShapeError)


def float_softmax(view: NodeView) -> None:
    """Over the last axis, which holds one value or more."""
    _check_float(view)
    x = view["x"]
    view.want_shape(view.output, x.shape)
    has_values = len(x.shape) >= 1 and x.shape[-1] >= 1
    view.want(has_values, f"last axis of '{x.name}'", "one value or more", listed(x.shape), ShapeError)
    view.want_between("log", (view.number("log"),), 0, 1)


def float_resize_bilinear(view: NodeView) -> None:
    """Tables of (low, high) and of weights of high, per output position."""
    x, y = view["x"], view.output
    view.want_dtype(x, FLOAT32)
    view.want_dtype(y, FLOAT32)
    view.want_rank(x, 4)
    view.want_rank(y, 4)
    view.want_shape(y, (x.shape[0], *y.shape[1:3], x.shape[3]))
    for name, axis in (("row", 1), ("column", 2)):
        table = view.want_constant(name, INT32, (y.shape[axis], 2))
        inside = not table.size or (table.min() >= 0 and table.max() < x.shape[axis])
        view.want(bool(inside), f"'{name}' positions", f"0 to {x.shape[axis] - 1}", "one outside", ShapeError)
        weights = view.want_constant(f"{name}_weight", FLOAT32, (y.shape[axis],))
        view.want(bool(np.isfinite(weights).all()), f"'{name}_weight'", "finite numbers", "others")


def float_prelu(view: NodeView) -> None:
    """The slope broadcasts to x."""
    _check_float(view)
    view.want_shape(view.output, view["x"].shape)
    view.want_shape(view.output, broadcast(view, view["x"].shape, view["slope"].shape))


def _check_float(view: NodeView) -> None:
    for tensor in (*view.inputs, view.output):
        view.want_dtype(tensor, FLOAT32)


def _kind(view: NodeView, kinds: type[Kind]) -> Kind:
    view.want_between("kind", (view.number("kind"),), 0, len(kinds) - 1)
    return kinds(view.number("kind"))
