"""Rules of the sums of products: convolutions, fully connected, batch matmul."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from intaglio.errors import ShapeError
from intaglio.geometry import transposed_size, window_count
from intaglio.opset import Requant
from intaglio.rules.requantization import check_requantization, reach, sum_bound
from intaglio.rules.view import INT8, INT32, NodeView, listed

#: Strides, dilations, kernels and padding stay below this, so that positions fit 32 bits.
WINDOW_LIMIT = 2**24


def conv2d(view: NodeView) -> None:
    """[N,H,W,I] and [O,kh,kw,I/groups] make [N,Ho,Wo,O]."""
    view.want_quantized(view["x"], view.output)
    check_convolution(view)
    o = view["weight"].shape[0]
    _check_sum(view, o, lambda w: w.reshape(o, -1))


def depthwise_conv2d(view: NodeView) -> None:
    """[N,H,W,C] and [kh,kw,C*m] make [N,Ho,Wo,C*m]."""
    view.want_quantized(view["x"], view.output)
    check_depthwise(view)
    o = view["weight"].shape[2]
    _check_sum(view, o, lambda w: w.reshape(-1, o).T)


def transposed_conv2d(view: NodeView) -> None:
    """[N,H,W,I] and [O,kh,kw,I] make [N,Ho,Wo,O]."""
    view.want_quantized(view["x"], view.output)
    check_transposed_convolution(view)
    o = view["weight"].shape[0]
    _check_sum(view, o, lambda w: w.reshape(o, -1))


def fully_connected(view: NodeView) -> None:
    """[...,K] and [O,K] make [...,O]."""
    x, weight, y = view["x"], view["weight"], view.output
    view.want_quantized(x, y)
    view.want_rank(weight, 2)
    view.want(len(x.shape) >= 1, f"rank of '{x.name}'", "at least 1", 0, ShapeError)
    o = weight.shape[0]
    view.want_shape(weight, (o, x.shape[-1]))
    view.want_shape(y, (*x.shape[:-1], o))
    _check_sum(view, o, lambda w: w)


def batch_matmul(view: NodeView) -> None:
    """[...,M,K] and [...,K,N] make [...,M,N]; leading axes broadcast."""
    a, b = view["a"], view["b"]
    view.want_quantized(a, b, view.output)
    check_matmul(view)
    view.want_clamp()
    check_requantization(view, 1, a.shape[-1] * reach(a) * reach(b))


def check_convolution(view: NodeView) -> None:
    """Check ranks, shapes and geometry."""
    x, weight, y = view["x"], view["weight"], view.output
    _check_ranks(view, 4)
    o, kh, kw, _ = weight.shape
    groups = view.number("groups")
    divides = groups >= 1 and x.shape[3] % groups == 0 and o % groups == 0
    view.want(divides, "attribute 'groups'", f"a divisor of {x.shape[3]} and {o}", groups)
    view.want_shape(weight, (o, kh, kw, x.shape[3] // groups))
    view.want_shape(y, (x.shape[0], *check_window(view, (kh, kw), view.numbers("dilation")), o))


def check_depthwise(view: NodeView) -> None:
    """Check ranks, shapes and geometry."""
    x, weight, y = view["x"], view["weight"], view.output
    _check_ranks(view, 3)
    kh, kw, o = weight.shape
    multiple = x.shape[3] > 0 and o > 0 and o % x.shape[3] == 0
    view.want(multiple, f"channels of '{weight.name}'", f"a multiple of {x.shape[3]}", o, ShapeError)
    view.want_shape(y, (x.shape[0], *check_window(view, (kh, kw), view.numbers("dilation")), o))


def check_transposed_convolution(view: NodeView) -> None:
    """Check ranks, shapes and geometry."""
    x, weight, y = view["x"], view["weight"], view.output
    _check_ranks(view, 4)
    o, kh, kw, _ = weight.shape
    view.want_shape(weight, (o, kh, kw, x.shape[3]))
    stride, (top, left, bottom, right) = view.numbers("stride"), view.numbers("padding")
    view.want_between("weight kernel", (kh, kw), 1, WINDOW_LIMIT)
    view.want_between("stride", stride, 1, WINDOW_LIMIT)
    view.want_between("padding", (top, left), 0, WINDOW_LIMIT)
    view.want_between("padding", (bottom, right), -WINDOW_LIMIT, WINDOW_LIMIT)
    view.want(
        x.shape[1] > 0 and x.shape[2] > 0, f"shape of '{x.name}'", "height, width > 0", listed(x.shape), ShapeError
    )
    height = transposed_size(x.shape[1], kh, stride[0], top + bottom)
    width = transposed_size(x.shape[2], kw, stride[1], left + right)
    view.want(height >= 1 and width >= 1, "output size", "at least [1, 1]", listed((height, width)), ShapeError)
    view.want_shape(y, (x.shape[0], height, width, o))


def check_matmul(view: NodeView) -> None:
    """Check the shapes of ``a``, ``b`` and y."""
    a, b, y = view["a"], view["b"], view.output
    for tensor in (a, b):
        view.want(len(tensor.shape) >= 2, f"rank of '{tensor.name}'", "at least 2", len(tensor.shape), ShapeError)
    m, k = a.shape[-2:]
    view.want(b.shape[-2] == k, f"shape of '{b.name}'", f"[..., {k}, N]", listed(b.shape), ShapeError)
    view.want_shape(y, (*broadcast(view, a.shape[:-2], b.shape[:-2]), m, b.shape[-1]))


def broadcast(view: NodeView, *shapes: tuple[int, ...]) -> tuple[int, ...]:
    """The shape these broadcast to."""
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        view.fail(ShapeError, "input shapes", "shapes that broadcast", " and ".join(listed(s) for s in shapes))


def check_window(view: NodeView, kernel: tuple[int, ...], dilation: tuple[int, ...] = (1, 1)) -> tuple[int, int]:
    """Check the geometry of a sliding window over ``x``; the output height and width."""
    x, stride, (top, left, bottom, right) = view["x"], view.numbers("stride"), view.numbers("padding")
    view.want_between("kernel", kernel, 1, WINDOW_LIMIT)
    view.want_between("stride", stride, 1, WINDOW_LIMIT)
    view.want_between("dilation", dilation, 1, WINDOW_LIMIT)
    view.want_between("padding", (top, left, bottom, right), 0, WINDOW_LIMIT)
    height = window_count(x.shape[1], kernel[0], stride[0], top + bottom, dilation[0])
    width = window_count(x.shape[2], kernel[1], stride[1], left + right, dilation[1])
    padded = listed((x.shape[1] + top + bottom, x.shape[2] + left + right))
    view.want(height >= 1 and width >= 1, "padded input", f"room for a {kernel} window", padded, ShapeError)
    return height, width


def _check_ranks(view: NodeView, weight_rank: int) -> None:
    view.want_rank(view["x"], 4)
    view.want_rank(view["weight"], weight_rank)


def _check_sum(view: NodeView, channels: int, by_channel: Callable[[NDArray[Any]], NDArray[Any]]) -> None:
    """Check weight, bias, clamp and requantization; ``by_channel`` views the weight as [channels, terms]."""
    x, weight, values = view["x"], view["weight"], view.data("weight")
    zw = view.number("weight_zero_point")
    view.want_dtype(weight, INT8)
    view.want_between("weight_zero_point", (zw,), -128, 127)
    view.want_clamp()
    bias = view.want_constant("bias", INT32, (channels,))
    room = 2**31
    if view.requant is Requant.FIXED:
        room >>= min(max(int(view.want_constant("shift", INT32, (channels,)).max(initial=0)), 0), 31)
    check_requantization(view, channels, sum_bound(values, by_channel, bias, x.zero_point, zw, room))
