"""Sums of products that stay int32, with zero points that may be computed."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from intaglio.fixed_point import Int64
from intaglio.opset import IntegerBinary
from intaglio.rules.view import NodeView


def integer_conv2d(
    view: NodeView, x: NDArray[Any], x_zero: NDArray[Any], weight: NDArray[Any], weight_zero: NDArray[Any]
) -> NDArray[Any]:
    """One matrix product per tap and group."""
    (sh, sw), (dh, dw), (top, left, bottom, right) = (view.numbers(n) for n in ("stride", "dilation", "padding"))
    groups = view.number("groups")
    inputs, outputs = x.shape[3] // groups, weight.shape[0] // groups
    w = weight.astype(np.int64) - weight_zero.astype(np.int64).reshape(-1, 1, 1, 1)
    padded = np.pad(x.astype(np.int64) - int(x_zero), ((0, 0), (top, bottom), (left, right), (0, 0)))
    acc = np.zeros(view.output.shape, np.int64)
    ho, wo = acc.shape[1:3]
    for ky in range(weight.shape[1]):
        for kx in range(weight.shape[2]):
            y0, x0 = ky * dh, kx * dw
            patch = padded[:, y0 : y0 + (ho - 1) * sh + 1 : sh, x0 : x0 + (wo - 1) * sw + 1 : sw]
            for g in range(groups):
                channels = slice(g * outputs, (g + 1) * outputs)
                acc[..., channels] += patch[..., g * inputs : (g + 1) * inputs] @ w[channels, ky, kx, :].T
    return _wrapped(acc)


def integer_matmul(
    view: NodeView, a: NDArray[Any], a_zero: NDArray[Any], b: NDArray[Any], b_zero: NDArray[Any]
) -> NDArray[Any]:
    """Both operands less their zero points."""
    return _wrapped((a.astype(np.int64) - int(a_zero)) @ (b.astype(np.int64) - b_zero.astype(np.int64)))


def _wrapped(acc: Int64) -> NDArray[np.int32]:
    """Modulo 2^32."""
    return acc.astype(np.int32)


def integer_binary(view: NodeView, a: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
    """Python's integers, then the low bits."""
    function = _BINARY[IntegerBinary(view.number("kind"))]
    exact = np.broadcast_arrays(a.astype(object), b.astype(object))
    bits = 8 * a.dtype.itemsize
    low = [
        (function(x, y) + 2 ** (bits - 1)) % 2**bits - 2 ** (bits - 1)
        for x, y in zip(*map(np.ravel, exact), strict=True)
    ]
    return np.array(low, a.dtype).reshape(view.output.shape)


_BINARY: Final[dict[IntegerBinary, Callable[[int, int], int]]] = {
    IntegerBinary.ADD: operator.add,
    IntegerBinary.SUB: operator.sub,
    IntegerBinary.MUL: operator.mul,
    IntegerBinary.FLOOR_DIV: operator.floordiv,
    IntegerBinary.FLOOR_MOD: operator.mod,
    IntegerBinary.MAXIMUM: max,
    IntegerBinary.MINIMUM: min,
}
