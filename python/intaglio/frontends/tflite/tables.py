"""Tables of unary functions between two quantizations.

In float32 mode a table holds the real function in float64, rounded once. In fixed mode it holds what TFLite's reference
kernels compute: some in float32, some in integers, one truncating.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from intaglio import functions
from intaglio.frontends.tflite import fixed_tables, float32_tables
from intaglio.frontends.tflite.fixed_tables import mbqm_table
from intaglio.frontends.tflite.float32_tables import steps_of
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
    return np.where(steps_of(x) >= 0, mbqm_table(x, y, np.float64(scale_of(x) / scale_of(y))), below).astype(np.int8)


def prelu_table(x: Tensor, y: Tensor, slope: tuple[int, np.float32], mode: Requant) -> Table:
    """PRELU with one slope for all: its integer and its scale."""
    steps, slope_scale = slope
    if mode is Requant.FLOAT32:
        return exact(lambda v: np.where(v >= 0, v, v * (steps * np.float64(slope_scale))), x, y)
    below = mbqm_table(x, y, np.float64(scale_of(x) * slope_scale / scale_of(y)), steps)
    return np.where(steps_of(x) >= 0, mbqm_table(x, y, np.float64(scale_of(x) / scale_of(y))), below).astype(np.int8)


def prelu_sides(x: Tensor, y: Tensor, mode: Requant) -> tuple[Table, Table]:
    """PRELU above zero as y, resting at y's zero point; and x below zero, resting at x's."""
    if mode is Requant.FLOAT32:
        above = exact(lambda v: np.maximum(v, 0.0), x, y)
    else:
        above = mbqm_table(x, y, np.float64(scale_of(x) / scale_of(y)))
        above = np.where(steps_of(x) >= 0, above, y.zero_point).astype(np.int8)
    below = np.minimum(np.arange(-128, 128), x.zero_point).astype(np.int8)
    return above, below


def function_table(x: Tensor, y: Tensor, mode: Requant, op: str) -> Table:
    """The table of a unary op without options."""
    if mode is Requant.FIXED and op in _FIXED_TABLES:
        return _FIXED_TABLES[op](x, y)
    return exact(_FUNCTIONS[op], x, y)


def gelu(x: Tensor, y: Tensor, mode: Requant, *, approximate: bool) -> Table:
    if mode is Requant.FIXED:
        return float32_tables.gelu(x, y, approximate=approximate)
    return exact(lambda v: functions.gelu(v, float(approximate)), x, y)


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

#: What TFLite's reference kernels compute in another way.
_FIXED_TABLES: dict[str, Callable[[Tensor, Tensor], Table]] = {
    **{name: float32_tables.function_of(name) for name in ("LOGISTIC", "TANH", "ELU", "EXP")},
    "LOG": float32_tables.logarithm,
    "SQRT": float32_tables.square_root,
    "RSQRT": fixed_tables.reciprocal_square_root,
    "ABS": fixed_tables.absolute,
    "HARD_SWISH": fixed_tables.hard_swish,
}
