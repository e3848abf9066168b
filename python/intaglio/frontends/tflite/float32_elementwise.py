"""Elementwise operators on float32 tensors, and what all operators on them share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from intaglio.frontends.tflite.lowering import FLOAT32, Lowering
from intaglio.frontends.tflite.model import Operator
from intaglio.frontends.tflite.movement import paddings
from intaglio.frontends.tflite.requantization import BOUNDS
from intaglio.frontends.tflite.schema import ACTIVATIONS
from intaglio.graph import AttrValue, Tensor
from intaglio.opset import FloatBinary, FloatUnary

_BINARY = {
    "ADD": FloatBinary.ADD,
    "SUB": FloatBinary.SUB,
    "MUL": FloatBinary.MUL,
    "DIV": FloatBinary.DIV,
    "MAXIMUM": FloatBinary.MAXIMUM,
    "MINIMUM": FloatBinary.MINIMUM,
    "POW": FloatBinary.POW,
}
#: Functions by op, each of what the one before it gives.
_UNARY = {
    "LOGISTIC": (FloatUnary.SIGMOID,),
    "TANH": (FloatUnary.TANH,),
    "HARD_SWISH": (FloatUnary.HARD_SWISH,),
    "EXP": (FloatUnary.EXP,),
    "LOG": (FloatUnary.LOG,),
    "SQRT": (FloatUnary.SQRT,),
    "RSQRT": (FloatUnary.SQRT, FloatUnary.RECIPROCAL),
    "ABS": (FloatUnary.ABS,),
    "NEG": (FloatUnary.NEG,),
    "SIN": (FloatUnary.SIN,),
    "COS": (FloatUnary.COS,),
    "FLOOR": (FloatUnary.FLOOR,),
    "CEIL": (FloatUnary.CEIL,),
    "ROUND": (FloatUnary.ROUND,),
}


def float_input(lowering: Lowering, op: Operator, i: int) -> Tensor:
    """Input ``i`` of an operator, which must be float32."""
    x = lowering.input(op, i)
    if x.dtype != FLOAT32:
        lowering.refuse(op, f"its input {lowering.source(op, i).name!r} is {x.dtype} and its output float32")
    return x


def bounds(lowering: Lowering, op: Operator) -> tuple[float, float]:
    """The interval an operator's fused activation leaves."""
    code = op.options["activation"]
    name = ACTIVATIONS[code] if 0 <= code < len(ACTIVATIONS) else f"activation {code}"
    if name not in BOUNDS:
        lowering.refuse(op, f"its fused activation {name} has no clamp")
    return _interval(name)


def emit_bounded(
    lowering: Lowering, op: Operator, name: str, inputs: Sequence[Tensor], y: Tensor, **attrs: AttrValue
) -> None:
    """Emits an op without bounds of its own, and a clip where the operator has an activation."""
    low, high = bounds(lowering, op)
    if (low, high) == (-np.inf, np.inf):
        lowering.emit(name, inputs, y, **attrs)
        return
    free = lowering.emit(name, inputs, lowering.temporary(y, "before_activation", y.shape, y), **attrs)
    _unary(lowering, free, y, FloatUnary.CLIP, low, high)


def binary(lowering: Lowering, op: Operator) -> None:
    a, b = float_input(lowering, op, 0), float_input(lowering, op, 1)
    y = lowering.output(op, _broadcast(lowering, op, a, b))
    if "activation" in op.options:
        emit_bounded(lowering, op, "float_binary", [a, b], y, kind=_BINARY[op.op])
    else:
        lowering.emit("float_binary", [a, b], y, kind=_BINARY[op.op])


def squared_difference(lowering: Lowering, op: Operator) -> None:
    a, b = float_input(lowering, op, 0), float_input(lowering, op, 1)
    y = lowering.output(op, _broadcast(lowering, op, a, b))
    difference = lowering.temporary(y, "difference", y.shape, y)
    lowering.emit("float_binary", [a, b], difference, kind=FloatBinary.SUB)
    lowering.emit("float_binary", [difference, difference], y, kind=FloatBinary.MUL)


def square(lowering: Lowering, op: Operator) -> None:
    x = float_input(lowering, op, 0)
    lowering.emit("float_binary", [x, x], lowering.output(op, x.shape), kind=FloatBinary.MUL)


def function(lowering: Lowering, op: Operator) -> None:
    """A function without options."""
    x = float_input(lowering, op, 0)
    y = lowering.output(op, x.shape)
    *first, last = _UNARY[op.op]
    for kind in first:
        x = _unary(lowering, x, lowering.temporary(y, kind.name.lower(), x.shape, y), kind)
    _unary(lowering, x, y, last)


def clamp(lowering: Lowering, op: Operator) -> None:
    """RELU and its kin."""
    x = float_input(lowering, op, 0)
    _unary(lowering, x, lowering.output(op, x.shape), FloatUnary.CLIP, *_interval(op.op))


def elu(lowering: Lowering, op: Operator) -> None:
    x = float_input(lowering, op, 0)
    _unary(lowering, x, lowering.output(op, x.shape), FloatUnary.ELU, 1.0)


def leaky_relu(lowering: Lowering, op: Operator) -> None:
    x = float_input(lowering, op, 0)
    _unary(lowering, x, lowering.output(op, x.shape), FloatUnary.LEAKY_RELU, op.options["alpha"])


def gelu(lowering: Lowering, op: Operator) -> None:
    x = float_input(lowering, op, 0)
    kind = FloatUnary.GELU_TANH if op.options["approximate"] else FloatUnary.GELU
    _unary(lowering, x, lowering.output(op, x.shape), kind)


def prelu(lowering: Lowering, op: Operator) -> None:
    x, slope = float_input(lowering, op, 0), float_input(lowering, op, 1)
    lowering.emit("float_prelu", [x, slope], lowering.output(op, x.shape))


def pad(lowering: Lowering, op: Operator) -> None:
    """PADV2 pads with its third input; the graph holds the bits of that number."""
    x = float_input(lowering, op, 0)
    padding = paddings(lowering, op, 1, len(x.shape))
    y = lowering.output(op, [b + n + a for n, b, a in zip(x.shape, padding[::2], padding[1::2], strict=True)])
    value = np.zeros(1, np.float32)
    if lowering.has_input(op, 2):
        value = lowering.constant(op, 2, "padding value").reshape(-1)
        if value.size != 1 or value.dtype != FLOAT32:
            lowering.malformed(op, f"its padding value is {value.dtype} with {value.size} elements")
    lowering.emit("pad", [x], y, value=int(value.view(np.int32)[0]), padding=padding)


def _unary(lowering: Lowering, x: Tensor, y: Tensor, kind: FloatUnary, *parameters: float) -> Tensor:
    values = lowering.parameter(y, "parameters", np.array(parameters, np.float32))
    return lowering.emit("float_unary", [x, values], y, kind=kind)


def _interval(name: str) -> tuple[float, float]:
    low, high = BOUNDS[name]
    return -np.inf if low is None else low, np.inf if high is None else high


def _broadcast(lowering: Lowering, op: Operator, a: Tensor, b: Tensor) -> tuple[int, ...]:
    try:
        return np.broadcast_shapes(a.shape, b.shape)
    except ValueError:
        lowering.malformed(op, f"shapes {a.shape} and {b.shape} do not broadcast")
