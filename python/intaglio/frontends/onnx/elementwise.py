"""Functions of two values or more, with broadcasting, and of one value."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from intaglio.frontends.onnx.lowering import Lowering
from intaglio.frontends.onnx.model import SourceNode
from intaglio.frontends.onnx.values import Value, constant, plain, stored_shape
from intaglio.opset import FloatBinary, FloatUnary

_BINARY = {
    "Add": FloatBinary.ADD,
    "Sub": FloatBinary.SUB,
    "Mul": FloatBinary.MUL,
    "Div": FloatBinary.DIV,
    "Max": FloatBinary.MAXIMUM,
    "Min": FloatBinary.MINIMUM,
    "Sum": FloatBinary.ADD,
    "Pow": FloatBinary.POW,
}
_UNARY = {
    "Sigmoid": FloatUnary.SIGMOID,
    "Tanh": FloatUnary.TANH,
    "Exp": FloatUnary.EXP,
    "Log": FloatUnary.LOG,
    "Sqrt": FloatUnary.SQRT,
    "Reciprocal": FloatUnary.RECIPROCAL,
    "Abs": FloatUnary.ABS,
    "Neg": FloatUnary.NEG,
    "Floor": FloatUnary.FLOOR,
    "Ceil": FloatUnary.CEIL,
    "Round": FloatUnary.ROUND,
    "Erf": FloatUnary.ERF,
    "HardSwish": FloatUnary.HARD_SWISH,
    "Softplus": FloatUnary.SOFTPLUS,
    "Sin": FloatUnary.SIN,
    "Cos": FloatUnary.COS,
    "Sign": FloatUnary.SIGN,
}
#: Attributes of a function and what they are when left out.
_PARAMETERS: dict[str, tuple[FloatUnary, Sequence[tuple[str, float]]]] = {
    "LeakyRelu": (FloatUnary.LEAKY_RELU, (("alpha", 0.01),)),
    "Elu": (FloatUnary.ELU, (("alpha", 1.0),)),
    "HardSigmoid": (FloatUnary.HARD_SIGMOID, (("alpha", 0.2), ("beta", 0.5))),
}


def arithmetic(lowering: Lowering, node: SourceNode, *operands: Value) -> Value:
    """Add and its kin; those of more than two operands take them from the left."""
    kind = _BINARY[node.op]
    if node.op not in ("Max", "Min", "Sum") and len(operands) != 2:
        lowering.malformed(f"it has {len(operands)} inputs, expected 2")
    result = operands[0]
    for operand in operands[1:]:
        result = binary(lowering, kind, result, operand)
    return result


def binary(lowering: Lowering, kind: FloatBinary, a: Value, b: Value) -> Value:
    for value in (a, b):
        lowering.floats(value)
    shape, order, (left, right) = broadcast(lowering, a, b)
    y = lowering.emit("float_binary", [left, right], stored_shape(shape, order), kind=kind)
    return lowering.result(y, shape, order)


def broadcast(lowering: Lowering, *values: Value) -> tuple[tuple[int, ...], tuple[int, ...], list[str]]:
    """The shape that values broadcast to, the order in which the largest lies, and all of them in that order."""
    try:
        shape = np.broadcast_shapes(*(value.shape for value in values))
    except ValueError:
        lowering.malformed(f"the shapes {', '.join(str(value.shape) for value in values)} do not fit")
    rank = len(shape)
    spread = [lowering.broadcast_rank(value, rank) for value in values]
    computed = [value for value in spread if value.constant is None]
    # Of values equally large, one that does not lie as the source has it is the one to leave alone.
    leading = max(computed, key=lambda v: (np.prod(v.shape), v.order != plain(rank)), default=None)
    order = plain(rank) if leading is None else leading.order
    return shape, order, [lowering.stored(value, order) for value in spread]


def function(lowering: Lowering, node: SourceNode, x: Value) -> Value:
    return unary(lowering, _UNARY[node.op], x)


def parametric(lowering: Lowering, node: SourceNode, x: Value) -> Value:
    kind, parameters = _PARAMETERS[node.op]
    return unary(lowering, kind, x, [node.attributes.get(name, default) for name, default in parameters])


def unary(lowering: Lowering, kind: FloatUnary, x: Value, parameters: Sequence[float] = ()) -> Value:
    lowering.floats(x)
    order = plain(len(x.shape)) if x.constant is not None else x.order
    source = lowering.stored(x, order)
    inputs = [source, lowering.number_list("parameters", parameters)]
    y = lowering.emit("float_unary", inputs, stored_shape(x.shape, order), kind=kind)
    return lowering.result(y, x.shape, order)


def relu(lowering: Lowering, node: SourceNode, x: Value) -> Value:
    return unary(lowering, FloatUnary.CLIP, x, (0.0, np.inf))


def clip(lowering: Lowering, node: SourceNode, x: Value, low: Value | None = None, high: Value | None = None) -> Value:
    """Bounds are inputs since opset 11, attributes before."""
    bounds = (
        lowering.number(low, "lower bound", node.attributes.get("min", -np.inf)),
        lowering.number(high, "upper bound", node.attributes.get("max", np.inf)),
    )
    if np.isnan(bounds).any():
        lowering.malformed(f"it has the bounds {bounds}")
    # Where the bounds cross, the upper one holds.
    return unary(lowering, FloatUnary.CLIP, x, (min(bounds), bounds[1]))


def gelu(lowering: Lowering, node: SourceNode, x: Value) -> Value:
    kinds = {"none": FloatUnary.GELU, "tanh": FloatUnary.GELU_TANH}
    kind = node.attributes.get("approximate", "none")
    if kind not in kinds:
        lowering.malformed(f"it has approximate {kind!r}")
    return unary(lowering, kinds[kind], x)


def swish(lowering: Lowering, node: SourceNode, x: Value) -> Value:
    """x * sigmoid(alpha * x)."""
    alpha = node.attributes.get("alpha", 1.0)
    if alpha == 1.0:
        return unary(lowering, FloatUnary.SILU, x)
    factor = Value(f"{node.name}/alpha", (), np.dtype(np.float32), np.array(alpha, np.float32))
    gate = unary(lowering, FloatUnary.SIGMOID, binary(lowering, FloatBinary.MUL, x, factor))
    return binary(lowering, FloatBinary.MUL, x, gate)


def composed(lowering: Lowering, node: SourceNode, x: Value) -> Value:
    """Functions that are arithmetic on others."""
    attributes = node.attributes

    def by(kind: FloatBinary, a: Value, number: float) -> Value:
        return binary(
            lowering, kind, a, constant(lowering.fresh(f"{lowering.base}/factor"), np.array(number, np.float32))
        )

    if node.op == "Mish":
        gate = unary(lowering, FloatUnary.TANH, unary(lowering, FloatUnary.SOFTPLUS, x))
        return binary(lowering, FloatBinary.MUL, x, gate)
    if node.op == "Softsign":
        below = by(FloatBinary.ADD, unary(lowering, FloatUnary.ABS, x), 1.0)
        return binary(lowering, FloatBinary.DIV, x, below)
    if node.op == "Selu":
        alpha, gamma = attributes.get("alpha", 1.6732632), attributes.get("gamma", 1.050701)
        return by(FloatBinary.MUL, unary(lowering, FloatUnary.ELU, x, [alpha]), gamma)
    alpha = attributes.get("alpha", 1.0)
    if not alpha > 0:
        lowering.refuse(f"it has alpha {alpha}")
    return by(FloatBinary.MUL, unary(lowering, FloatUnary.ELU, by(FloatBinary.DIV, x, alpha), [1.0]), alpha)


def where(lowering: Lowering, node: SourceNode, condition: Value, x: Value, y: Value) -> Value:
    """A mask that is known: exact bounds put constants where it says so, and let the other values through."""
    mask = lowering.known(condition, "condition").astype(bool)
    if x.constant is None and y.constant is None:
        lowering.refuse("it chooses between two computed values; one of them has to be a constant")
    computed, fixed = (x, lowering.floats(y)) if x.constant is None else (y, lowering.floats(x))
    numbers = fixed.data
    assert numbers is not None
    if np.isnan(numbers).any():
        lowering.malformed(f"its constant {fixed.name!r} has NaN")
    kept = mask if computed is x else ~mask
    for kind, free, name in ((FloatBinary.MINIMUM, np.inf, "high"), (FloatBinary.MAXIMUM, -np.inf, "low")):
        bounds = np.where(kept, np.float32(free), numbers).astype(np.float32)
        computed = binary(lowering, kind, computed, constant(lowering.fresh(f"{lowering.base}/{name}"), bounds))
    return computed


def prelu(lowering: Lowering, node: SourceNode, x: Value, slope: Value) -> Value:
    slope = lowering.floats(slope) if slope.constant is None else lowering.weights(slope, "slope")
    shape, order, inputs = broadcast(lowering, lowering.floats(x), slope)
    if shape != x.shape:
        lowering.malformed(f"its slope {slope.shape} does not fit its input {x.shape}")
    y = lowering.emit("float_prelu", inputs, stored_shape(shape, order))
    return lowering.result(y, shape, order)


def identity(lowering: Lowering, node: SourceNode, x: Value) -> Value:
    return x


def dropout(
    lowering: Lowering, node: SourceNode, x: Value, ratio: Value | None = None, training: Value | None = None
) -> Value:
    """Outside training it leaves its input alone."""
    if lowering.number(training, "training mode", 0) and lowering.number(ratio, "ratio", 0.5):
        lowering.refuse("it is in training mode; export the network for inference")
    if len(node.outputs) > 1 and lowering.is_read(node.outputs[1]):
        lowering.refuse("its mask is used")
    return x
