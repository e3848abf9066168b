"""Unary functions: each is one lookup."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from intaglio.frontends.tflite import tables
from intaglio.frontends.tflite.lowering import Lowering
from intaglio.frontends.tflite.model import Operator
from intaglio.graph import Tensor
from intaglio.opset import Requant

Lower = Callable[[Lowering, Operator], None]
MakeTable = Callable[[Tensor, Tensor, Requant, Operator], NDArray[np.int8]]


def _unary(lowering: Lowering, op: Operator, make: MakeTable) -> None:
    x = lowering.quantized(op, 0)
    y = lowering.quantized_output(op, x.shape)
    lowering.lookup(x, y, make(x, y, lowering.requant, op))


def _lowers(make: MakeTable) -> Lower:
    return partial(_unary, make=make)


_CLAMPS = ("RELU", "RELU6", "RELU_N1_TO_1", "RELU_0_TO_1")
_FUNCTIONS = (
    *("LOGISTIC", "TANH", "HARD_SWISH", "ELU", "EXP", "LOG", "SQRT", "RSQRT"),
    *("SQUARE", "ABS", "NEG", "SIN", "COS", "FLOOR", "CEIL", "ROUND"),
)

LOWERINGS: dict[str, Lower] = {
    **dict.fromkeys(_CLAMPS, _lowers(lambda x, y, mode, op: tables.clamped(x, y, mode, op.op))),
    **dict.fromkeys(_FUNCTIONS, _lowers(lambda x, y, mode, op: tables.function_table(x, y, mode, op.op))),
    "LEAKY_RELU": _lowers(lambda x, y, mode, op: tables.leaky_relu(x, y, mode, op.options["alpha"])),
    "GELU": _lowers(lambda x, y, mode, op: tables.gelu(x, y, mode, approximate=op.options["approximate"])),
}
