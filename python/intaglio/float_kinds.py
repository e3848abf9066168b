"""The functions that one float32 op may stand for: the attribute ``kind`` of its nodes (docs/format.md)."""

from __future__ import annotations

from enum import IntEnum
from typing import Final


class FloatBinary(IntEnum):
    """The function of a `float_binary` node."""

    ADD = 0
    SUB = 1
    MUL = 2
    DIV = 3
    MAXIMUM = 4
    MINIMUM = 5
    POW = 6


class FloatUnary(IntEnum):
    """The function of a `float_unary` node."""

    IDENTITY = 0
    CLIP = 1
    LEAKY_RELU = 2
    ELU = 3
    HARD_SIGMOID = 4
    SIGMOID = 5
    TANH = 6
    EXP = 7
    LOG = 8
    SQRT = 9
    RECIPROCAL = 10
    ABS = 11
    NEG = 12
    FLOOR = 13
    CEIL = 14
    ROUND = 15
    ERF = 16
    GELU = 17
    GELU_TANH = 18
    SILU = 19
    HARD_SWISH = 20
    SOFTPLUS = 21
    SIN = 22
    COS = 23
    SIGN = 24

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of the numbers it takes, in order."""
        return _PARAMETERS.get(self, ())


_PARAMETERS: Final = {
    FloatUnary.CLIP: ("low", "high"),
    FloatUnary.LEAKY_RELU: ("alpha",),
    FloatUnary.ELU: ("alpha",),
    FloatUnary.HARD_SIGMOID: ("alpha", "beta"),
}


class FloatPool(IntEnum):
    """What a `float_pool2d` node makes of a window."""

    MAX = 0
    AVERAGE = 1
    AVERAGE_INCLUDING_PADDING = 2


class FloatReduce(IntEnum):
    """What a `float_reduce` node makes of many values."""

    MEAN = 0
    SUM = 1
    MAX = 2
    MIN = 3
