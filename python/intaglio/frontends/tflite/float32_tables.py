"""Tables that TFLite's reference kernels compute in float32, with their order of operations."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from intaglio import functions
from intaglio.frontends.tflite.requantization import scale_of
from intaglio.graph import Tensor

Table = NDArray[np.int8]
Floats = NDArray[np.float32]
Reals = NDArray[np.float64]


def steps_of(x: Tensor) -> NDArray[np.int64]:
    """``q - zx`` for every q."""
    return np.arange(-128, 128) - x.zero_point


def to_int8(values: NDArray[np.int64]) -> Table:
    return np.asarray(np.clip(values, -128, 127), np.int8)


def round_half_away(values: Floats | Reals) -> NDArray[np.int64]:
    """The nearest integers, ties away from zero; beyond 1024 it stays there."""
    limited = np.clip(values, -1024, 1024).astype(np.float64)
    return np.copysign(np.floor(np.abs(limited) + 0.5), limited).astype(np.int64)


def float32_table(function: Callable[[Floats], Floats], x: Tensor, y: Tensor) -> Table:
    """The function between a multiplication by sx and one by 1 / sy."""
    with np.errstate(over="ignore"):
        values = function(scale_of(x) * steps_of(x).astype(np.float32)) * (np.float32(1) / scale_of(y))
    return to_int8(round_half_away(values) + y.zero_point)


def rescaled_uint8(x: Tensor, y: Tensor) -> Table:
    """The change of scale in a concatenation of uint8, on the unsigned values."""
    scale = scale_of(x) * (np.float32(1) / scale_of(y))
    bias = np.float32(-(x.zero_point + 128)) * scale
    return to_int8(round_half_away(np.arange(256, dtype=np.float32) * scale + bias) + y.zero_point)


def square_root(x: Tensor, y: Tensor) -> Table:
    """Truncated, not rounded."""
    reals = np.maximum(scale_of(x) * steps_of(x).astype(np.float32), np.float32(0))
    return to_int8(np.trunc(np.minimum(np.sqrt(reals) / scale_of(y), 1024)).astype(np.int64) + y.zero_point)


def logarithm(x: Tensor, y: Tensor) -> Table:
    """The smallest output where there is no logarithm."""
    lowest = np.float32(-128 - y.zero_point) * scale_of(y)
    log = _in_float32(lambda v: np.log(np.where(v > 0, v, 1.0)))
    return float32_table(lambda v: np.where(v > 0, log(v), lowest), x, y)


def gelu(x: Tensor, y: Tensor, *, approximate: bool) -> Table:
    return float32_table(_gelu_by_tanh if approximate else _gelu_by_erfc, x, y)


def function_of(name: str) -> Callable[[Tensor, Tensor], Table]:
    """The maker of the table of a function without options."""
    return lambda x, y: float32_table(_FUNCTIONS[name], x, y)


def _in_float32(function: Callable[[Reals], Reals]) -> Callable[[Floats], Floats]:
    """A function of libm on float32: the correctly rounded value."""
    return lambda v: np.asarray(function(v.astype(np.float64)), np.float32)


def _logistic(x: Floats) -> Floats:
    one = np.float32(1)
    return np.asarray(one / (one + _in_float32(np.exp)(-x)))


def _gelu_by_erfc(x: Floats) -> Floats:
    erfc = _in_float32(lambda v: np.array([math.erfc(value) for value in v.tolist()]))
    return np.asarray(np.float32(0.5) * x * erfc(x * np.float32(-math.sqrt(0.5))))


def _gelu_by_tanh(x: Floats) -> Floats:
    inner = np.float32(math.sqrt(2 / math.pi)) * (x + np.float32(0.044715) * x * x * x)
    return np.asarray(np.float32(0.5) * x * (np.float32(1) + _in_float32(np.tanh)(inner)))


_FUNCTIONS: dict[str, Callable[[Floats], Floats]] = {
    "LOGISTIC": _logistic,
    "TANH": _in_float32(np.tanh),
    "ELU": _in_float32(functions.elu),
    "EXP": _in_float32(np.exp),
}
