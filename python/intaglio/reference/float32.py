"""Float32 ops that are no sums of products."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from intaglio.geometry import positions_inside
from intaglio.opset import FloatBinary, FloatPool, FloatReduce, FloatUnary
from intaglio.reference import float32_math as real
from intaglio.reference.float32_math import Float32, Float64, maximum, minimum, to_float32
from intaglio.rules.view import NodeView


def float_binary(view: NodeView, a: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
    """One IEEE operation, or pow."""
    return np.asarray(_BINARY[FloatBinary(view.number("kind"))](a, b))


def float_unary(view: NodeView, x: NDArray[Any], parameters: NDArray[Any]) -> NDArray[Any]:
    """One function."""
    return np.asarray(_UNARY[FloatUnary(view.number("kind"))](x, *parameters), np.float32)


def float_prelu(_: NodeView, x: NDArray[Any], slope: NDArray[Any]) -> NDArray[Any]:
    """Leaky below zero."""
    return np.where(x < 0, x * slope, x)


def float_pool2d(view: NodeView, x: NDArray[Any]) -> NDArray[Any]:
    """Positions inside the input, rows and columns ascending."""
    kind = FloatPool(view.number("kind"))
    total, largest = np.zeros(view.output.shape), np.full(view.output.shape, -np.inf, np.float32)
    first = np.ones(view.output.shape, bool)
    for patch, inside in _taps(view, x):
        total = np.where(inside, total + patch, total)
        largest = np.where(inside, np.where(first, patch, maximum(patch, largest)), largest)
        first &= ~inside
    if kind is FloatPool.MAX:
        return largest
    return to_float32(total / _counts(view, x, kind))


def float_reduce(view: NodeView, x: NDArray[Any]) -> NDArray[Any]:
    """The values of each output in row-major order, one after the other."""
    kind, axes = FloatReduce(view.number("kind")), view.numbers("axes")
    kept = [axis for axis in range(x.ndim) if axis not in axes]
    count = math.prod(x.shape[axis] for axis in axes)
    rows = x.transpose(*axes, *kept).reshape(count, *(x.shape[axis] for axis in kept))
    if kind in (FloatReduce.MAX, FloatReduce.MIN):
        better = maximum if kind is FloatReduce.MAX else minimum
        result = rows[0]
        for row in rows[1:]:
            result = better(row, result)
    else:
        total = _sum(rows.astype(np.float64))
        result = to_float32(total / count if kind is FloatReduce.MEAN else total)
    return np.asarray(result.reshape(view.output.shape))


def float_softmax(view: NodeView, x: NDArray[Any]) -> NDArray[Any]:
    """Over the last axis."""
    columns = np.moveaxis(x, -1, 0)
    largest = columns[0]
    for column in columns[1:]:
        largest = maximum(column, largest)
    shifted = columns - (largest + np.float32(0))
    exponentials = to_float32(real.exp(shifted.astype(np.float64))).astype(np.float64)
    total = _sum(exponentials)
    result = shifted - real.log(total) if view.number("log") else exponentials / total
    return np.ascontiguousarray(np.moveaxis(to_float32(result), 0, -1))


def float_resize_bilinear(
    _: NodeView,
    x: NDArray[Any],
    row: NDArray[Any],
    row_weight: NDArray[Any],
    column: NDArray[Any],
    column_weight: NDArray[Any],
) -> NDArray[Any]:
    """Along the columns, then along the rows."""
    high_x, high_y = column_weight[:, None], row_weight[:, None, None]
    low_x, low_y = np.float32(1) - high_x, np.float32(1) - high_y

    def across(rows: Float32) -> Float32:
        return np.asarray(rows[:, :, column[:, 0]] * low_x + rows[:, :, column[:, 1]] * high_x)

    return np.asarray(across(x[:, row[:, 0]]) * low_y + across(x[:, row[:, 1]]) * high_y)


def _wide(function: Callable[..., Float64]) -> Callable[..., Float32]:
    """A function of float64 values as one of float32 values, rounded once."""
    return lambda *arguments: to_float32(function(*(np.asarray(a, np.float64) for a in arguments)))


def _clip(x: Float32, low: np.float32, high: np.float32) -> Float32:
    return real.bounded(x, np.array([low, high], np.float32))


def _elu(x: Float64, alpha: Float64) -> Float64:
    return np.where(x < 0, alpha * real.expm1(x), x)


def _hard_sigmoid(x: Float32, alpha: np.float32, beta: np.float32) -> Float32:
    return _clip(alpha * x + beta, np.float32(0), np.float32(1))


def _hard_swish(x: Float64) -> Float64:
    x = real.limited(x, -3.0, np.inf)
    return np.asarray(x * real.limited(x + 3, 0.0, 6.0) / 6)


def _tanh(x: Float64) -> Float64:
    e = real.expm1(2 * real.limited(np.abs(x), 0.0, 20.0))
    return np.copysign(e / (e + 2), x)


def _gelu(x: Float64) -> Float64:
    x = real.limited(x, -19.0, np.inf)
    tail = real.erfc_of_positive(np.abs(x) * 0.7071067811865476)
    return np.asarray(0.5 * x * np.where(x < 0, tail, 2 - tail))


def _gelu_tanh(x: Float64) -> Float64:
    x = real.limited(x, -19.0, np.inf)
    v = x * 1.5957691216057308 * (1 + 0.044715 * (x * x))
    return np.asarray(x / (1 + real.exp(-v)))


def _silu(x: Float64) -> Float64:
    x = real.limited(x, -200.0, np.inf)
    return np.asarray(x / (1 + real.exp(-x)))


def _softplus(x: Float64) -> Float64:
    return np.asarray(real.limited(x, 0.0, np.inf) + real.log1p_of_fraction(real.exp(-np.abs(x))))


def _sign(x: Float32) -> Float32:
    return np.where(x > 0, np.float32(1), np.where(x < 0, np.float32(-1), x))


def _pow(a: Float64, b: Float64) -> Float64:
    """e^(b log|a|), with the sign and the special cases of IEEE 754."""
    whole = (np.floor(b) == b) | np.isinf(b)
    odd = whole & (np.abs(b) < 2.0**53) & (np.fmod(b, 2) != 0)
    magnitude = np.where(np.abs(a) == 1, 1.0, real.exp(b * real.log(np.abs(a))))
    result = np.where(np.signbit(a) & odd, -magnitude, magnitude)
    result = np.where((a < 0) & np.isfinite(a) & ~whole & ~np.isnan(b), np.nan, result)
    result = np.where(np.isnan(a) | np.isnan(b), np.nan, result)
    return np.where((a == 1) | (b == 0), 1.0, result)


_BINARY: Final[dict[FloatBinary, Callable[..., NDArray[Any]]]] = {
    FloatBinary.ADD: np.add,
    FloatBinary.SUB: np.subtract,
    FloatBinary.MUL: np.multiply,
    FloatBinary.DIV: np.divide,
    FloatBinary.MAXIMUM: maximum,
    FloatBinary.MINIMUM: minimum,
    FloatBinary.POW: _wide(_pow),
}

_UNARY: Final[dict[FloatUnary, Callable[..., NDArray[Any]]]] = {
    FloatUnary.IDENTITY: np.copy,
    FloatUnary.CLIP: _clip,
    FloatUnary.LEAKY_RELU: lambda x, alpha: np.where(x < 0, x * alpha, x),
    FloatUnary.ELU: _wide(_elu),
    FloatUnary.HARD_SIGMOID: _hard_sigmoid,
    FloatUnary.SIGMOID: _wide(lambda x: 1 / (1 + real.exp(-x))),
    FloatUnary.TANH: _wide(_tanh),
    FloatUnary.EXP: _wide(real.exp),
    FloatUnary.LOG: _wide(real.log),
    FloatUnary.SQRT: np.sqrt,
    FloatUnary.RECIPROCAL: lambda x: np.float32(1) / x,
    FloatUnary.ABS: np.abs,
    FloatUnary.NEG: np.negative,
    FloatUnary.FLOOR: np.floor,
    FloatUnary.CEIL: np.ceil,
    FloatUnary.ROUND: np.rint,
    FloatUnary.ERF: _wide(real.erf),
    FloatUnary.GELU: _wide(_gelu),
    FloatUnary.GELU_TANH: _wide(_gelu_tanh),
    FloatUnary.SILU: _wide(_silu),
    FloatUnary.HARD_SWISH: _wide(_hard_swish),
    FloatUnary.SOFTPLUS: _wide(_softplus),
    FloatUnary.SIN: lambda x: to_float32(real.sin(x)),
    FloatUnary.COS: lambda x: to_float32(real.cos(x)),
    FloatUnary.SIGN: _sign,
}


def _sum(rows: Float64) -> Float64:
    """The sum along the first axis: 0 and one row after the other."""
    total = np.zeros(rows.shape[1:])
    for row in rows:
        total = total + row
    return total


def _taps(view: NodeView, x: Float32) -> Iterator[tuple[Float32, NDArray[np.bool_]]]:
    """For each tap of the window, the inputs it meets, one per output position, and which of them are inside."""
    (kh, kw), (sh, sw), (top, left, bottom, right) = (view.numbers(n) for n in ("kernel", "stride", "padding"))
    ho, wo = view.output.shape[1:3]
    around = ((0, 0), (top, bottom), (left, right), (0, 0))
    padded, inside = np.pad(x, around), np.pad(np.ones(x.shape, bool), around)
    for ky in range(kh):
        for kx in range(kw):
            part = (slice(None), slice(ky, ky + (ho - 1) * sh + 1, sh), slice(kx, kx + (wo - 1) * sw + 1, sw))
            yield padded[part], inside[part]


def _counts(view: NodeView, x: Float32, kind: FloatPool) -> NDArray[np.int64]:
    """What the sum of each window is divided by."""
    kernel, stride, padding = (view.numbers(n) for n in ("kernel", "stride", "padding"))
    if kind is FloatPool.AVERAGE_INCLUDING_PADDING:
        return np.array(kernel[0] * kernel[1])
    rows, columns = (
        positions_inside(np.arange(view.output.shape[1 + i]), x.shape[1 + i], kernel[i], stride[i], padding[i])
        for i in (0, 1)
    )
    return np.asarray(rows[:, None, None] * columns[:, None])
