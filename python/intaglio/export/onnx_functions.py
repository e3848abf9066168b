"""Which real function a table of 256 values is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from intaglio import functions
from intaglio.graph import Tensor
from intaglio.opset import FloatUnary
from intaglio.quantization import make_table

Float64 = NDArray[np.float64]
Table = NDArray[np.int8]


class Function(NamedTuple):
    """A function, its parameters, and what it computes."""

    kind: FloatUnary
    parameters: tuple[float, ...]
    compute: Callable[[Float64], Float64]


def _leaky(alpha: float) -> Function:
    return Function(FloatUnary.LEAKY_RELU, (alpha,), lambda x: functions.leaky_relu(x, alpha))


#: Continuous ones: where a function jumps, floats next to a jump may fall to its other side.
_FUNCTIONS: Final = (
    Function(FloatUnary.SIGMOID, (), functions.sigmoid),
    Function(FloatUnary.TANH, (), np.tanh),
    Function(FloatUnary.HARD_SWISH, (), functions.hard_swish),
    Function(FloatUnary.HARD_SIGMOID, (1 / 6, 0.5), functions.hard_sigmoid),
    *(_leaky(alpha) for alpha in (0.01, 0.05, 0.1, 0.2, 0.25, 0.3)),
    Function(FloatUnary.SILU, (), functions.silu),
    Function(FloatUnary.GELU, (), functions.gelu),
    Function(FloatUnary.GELU_TANH, (), lambda x: functions.gelu(x, 1.0)),
    Function(FloatUnary.ELU, (1.0,), functions.elu),
    Function(FloatUnary.SOFTPLUS, (), functions.softplus),
    Function(FloatUnary.EXP, (), np.exp),
    Function(FloatUnary.ERF, (), functions.erf),
    Function(FloatUnary.ABS, (), np.abs),
    Function(FloatUnary.NEG, (), np.negative),
    Function(FloatUnary.SIN, (), np.sin),
    Function(FloatUnary.COS, (), np.cos),
)


class Limits(NamedTuple):
    """The bounds of a table that gives x itself, limited; None where the grid of y is the limit."""

    low: float | None
    high: float | None


def recognized(table: Table, x: Tensor, y: Tensor) -> Function | Limits | None:
    """The function that the table is to the last value, if there is one."""
    same = _table(x, y, lambda v: v)
    low, high = int(table.min()), int(table.max())
    if np.array_equal(np.clip(same, low, high), table):
        assert y.scale is not None
        ends = (None if end == int(full) else float(y.scale) * (end - y.zero_point)
                for end, full in ((low, same.min()), (high, same.max())))  # fmt: skip
        return Limits(*ends)
    return next((f for f in _FUNCTIONS if np.array_equal(_table(x, y, f.compute), table)), None)


def _table(x: Tensor, y: Tensor, function: Callable[[Float64], Float64]) -> Table:
    assert x.scale is not None and y.scale is not None
    return make_table(function, float(x.scale), x.zero_point, float(y.scale), y.zero_point)
