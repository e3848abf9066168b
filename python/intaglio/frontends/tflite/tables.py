"""Tables of unary functions between two quantizations.

In float32 mode a table holds the real function in float64, rounded once. In fixed mode it holds what TFLite's reference
kernels compute: some in float32, some in integers, one truncating.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from intaglio import functions
from intaglio.frontends.tflite.fixed_tables import float32_table, hard_swish, mbqm_table, reciprocal_square_root
from intaglio.frontends.tflite.requantization import BOUNDS, clamp_between, scale_of
from intaglio.graph import Tensor
from intaglio.opset import Requant
from intaglio.quantization import make_table

Table = NDArray[np.int8]
Reals = NDArray[np.float64]


def exact(function: Callable[[Reals], Reals], x: Tensor, y: Tensor) -> Table:
    """The real function, rounded once."""
    return make_table(function, float(scale_of(x)), x.zero_point, float(scale_of(y)), y.zero_point)


def rescaled(x: Tensor, y: Tensor, mode: Requant) -> Table:
    """A change of scale and zero point (QUANTIZE of an integer)."""
    if mode is Requant.FLOAT32:
        return exact(lambda v: v, x, y)
    return mbqm_table(x, y, np.float64(scale_of(x)) / np.float64(scale_of(y)))


def rescaled_uint8(x: Tensor, y: Tensor) -> Table:
    """A change of scale as TFLite's concatenation of uint8 does it, in float32 on the unsigned values."""
    scale = scale_of(x) * (np.float32(1) / scale_of(y))
    bias = np.float32(-(x.zero_point + 128)) * scale
    values = (np.arange(256, dtype=np.float32) * scale + bias).astype(np.float64)
    rounded = np.copysign(np.floor(np.abs(values) + 0.5), values)
    return np.clip(rounded + y.zero_point, -128, 127).astype(np.int8)


def clamped(x: Tensor, y: Tensor, mode: Requant, activation: str) -> Table:
    """RELU and its kin: a change of scale between bounds."""
    low, high = clamp_between(y, *BOUNDS[activation])
    if mode is Requant.FLOAT32:
        table = exact(lambda v: v, x, y)
    else:
        table = mbqm_table(x, y, np.float64(scale_of(x) / scale_of(y)))
    return np.clip(table, low, high).astype(np.int8)


def leaky_relu(x: Tensor, y: Tensor, mode: Requant, alpha: float) -> Table:
    if mode is Requant.FLOAT32:
        return exact(lambda v: np.where(v >= 0, v, np.float64(np.float32(alpha)) * v), x, y)
    below = mbqm_table(x, y, np.float64(scale_of(x) * np.float32(alpha) / scale_of(y)))
    return np.where(_steps(x) >= 0, mbqm_table(x, y, np.float64(scale_of(x) / scale_of(y))), below).astype(np.int8)


def prelu_table(x: Tensor, y: Tensor, slope: tuple[int, np.float32], mode: Requant) -> Table:
    """PRELU with one slope for all: its integer and its scale."""
    steps, slope_scale = slope
    if mode is Requant.FLOAT32:
        return exact(lambda v: np.where(v >= 0, v, v * (steps * np.float64(slope_scale))), x, y)
    below = mbqm_table(x, y, np.float64(scale_of(x) * slope_scale / scale_of(y)), steps)
    return np.where(_steps(x) >= 0, mbqm_table(x, y, np.float64(scale_of(x) / scale_of(y))), below).astype(np.int8)


def prelu_sides(x: Tensor, y: Tensor, mode: Requant) -> tuple[Table, Table]:
    """PRELU above zero as y, resting at y's zero point; and x below zero, resting at x's."""
    if mode is Requant.FLOAT32:
        above = exact(lambda v: np.maximum(v, 0.0), x, y)
    else:
        above = mbqm_table(x, y, np.float64(scale_of(x) / scale_of(y)))
        above = np.where(_steps(x) >= 0, above, y.zero_point).astype(np.int8)
    below = np.minimum(np.arange(-128, 128), x.zero_point).astype(np.int8)
    return above, below


def function_table(x: Tensor, y: Tensor, mode: Requant, op: str) -> Table:
    """The table of a unary op without options."""
    if mode is Requant.FIXED:
        if op in _FLOAT32_FUNCTIONS:
            return float32_table(_FLOAT32_FUNCTIONS[op], x, y)
        if op in _FIXED_TABLES:
            return _FIXED_TABLES[op](x, y)
    return exact(_FUNCTIONS[op], x, y)


def gelu(x: Tensor, y: Tensor, mode: Requant, *, approximate: bool) -> Table:
    if mode is Requant.FIXED:
        return float32_table(_gelu_tanh_float32 if approximate else _gelu_float32, x, y)
    return exact(lambda v: functions.gelu(v, float(approximate)), x, y)


def _steps(x: Tensor) -> NDArray[np.int64]:
    return np.arange(-128, 128) - x.zero_point


def _erfc(x: Reals) -> Reals:
    return np.array([math.erfc(v) for v in x.tolist()])


#: The real functions.
_FUNCTIONS: dict[str, Callable[[Reals], Reals]] = {
    "LOGISTIC": functions.sigmoid,
    "TANH": np.tanh,
    "HARD_SWISH": functions.hard_swish,
    "ELU": functions.elu,
    "EXP": np.exp,
    "LOG": functions.log,
    "SQRT": functions.sqrt,
    "RSQRT": functions.rsqrt,
    "SQUARE": np.square,
    "ABS": np.abs,
    "NEG": np.negative,
    "SIN": np.sin,
    "COS": np.cos,
    "FLOOR": np.floor,
    "CEIL": np.ceil,
    "ROUND": np.rint,
}

Floats = NDArray[np.float32]


def _in_float32(function: Callable[[Reals], Reals]) -> Callable[[Floats], Floats]:
    """A libm function on float32: the correctly rounded value."""
    return lambda v: np.asarray(function(v.astype(np.float64)), np.float32)


def _logistic_float32(x: Floats) -> Floats:
    one = np.float32(1)
    return np.asarray(one / (one + _in_float32(np.exp)(-x)))


def _gelu_float32(x: Floats) -> Floats:
    return np.float32(0.5) * x * _in_float32(_erfc)(x * np.float32(-math.sqrt(0.5)))


def _gelu_tanh_float32(x: Floats) -> Floats:
    inner = np.float32(math.sqrt(2 / math.pi)) * (x + np.float32(0.044715) * x * x * x)
    return np.float32(0.5) * x * (np.float32(1) + _in_float32(np.tanh)(inner))


#: What TFLite tabulates in float32, with its order of operations.
_FLOAT32_FUNCTIONS: dict[str, Callable[[Floats], Floats]] = {
    "LOGISTIC": _logistic_float32,
    "TANH": _in_float32(np.tanh),
    "ELU": _in_float32(_FUNCTIONS["ELU"]),
    "EXP": _in_float32(np.exp),
}


def _log_float32(x: Tensor, y: Tensor) -> Table:
    lowest = np.float32(-128 - y.zero_point) * scale_of(y)
    log = _in_float32(lambda v: np.log(np.where(v > 0, v, 1.0)))
    return float32_table(lambda v: np.where(v > 0, log(v), lowest), x, y)


def _truncated_square_root(x: Tensor, y: Tensor) -> Table:
    reals = np.maximum(scale_of(x) * _steps(x).astype(np.float32), np.float32(0))
    steps = np.trunc(np.sqrt(reals) / scale_of(y)).astype(np.int64)
    return np.clip(steps + y.zero_point, -128, 127).astype(np.int8)


def _absolute(x: Tensor, y: Tensor) -> Table:
    if scale_of(x) == scale_of(y):
        return np.clip(np.abs(_steps(x)) + y.zero_point, -128, 127).astype(np.int8)
    return mbqm_table(x, y, np.float64(scale_of(x) / scale_of(y)), np.sign(_steps(x)))


#: What TFLite computes in another way.
_FIXED_TABLES: dict[str, Callable[[Tensor, Tensor], Table]] = {
    "LOG": _log_float32,
    "SQRT": _truncated_square_root,
    "RSQRT": reciprocal_square_root,
    "ABS": _absolute,
    "HARD_SWISH": hard_swish,
}
