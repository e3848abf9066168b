"""Functions of one value and of two."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from intaglio.export.onnx_assembly import Array, Assembly, Order, onnx_type
from intaglio.export.onnx_functions import Limits, recognized
from intaglio.export.onnx_sums import bounded, check_factor
from intaglio.frontends.onnx.values import plain
from intaglio.opset import SCALED_SUM, FloatBinary, FloatUnary, IntegerBinary, Requant
from intaglio.rules.view import NodeView

_BINARY: Final = {
    FloatBinary.ADD: "Add",
    FloatBinary.SUB: "Sub",
    FloatBinary.MUL: "Mul",
    FloatBinary.DIV: "Div",
    FloatBinary.MAXIMUM: "Max",
    FloatBinary.MINIMUM: "Min",
    FloatBinary.POW: "Pow",
}
_INTEGER: Final = {
    IntegerBinary.ADD: "Add",
    IntegerBinary.SUB: "Sub",
    IntegerBinary.MUL: "Mul",
    IntegerBinary.FLOOR_MOD: "Mod",
    IntegerBinary.MAXIMUM: "Max",
    IntegerBinary.MINIMUM: "Min",
}
_UNARY: Final = {
    FloatUnary.IDENTITY: "Identity",
    FloatUnary.LEAKY_RELU: "LeakyRelu",
    FloatUnary.ELU: "Elu",
    FloatUnary.HARD_SIGMOID: "HardSigmoid",
    FloatUnary.SIGMOID: "Sigmoid",
    FloatUnary.TANH: "Tanh",
    FloatUnary.EXP: "Exp",
    FloatUnary.LOG: "Log",
    FloatUnary.SQRT: "Sqrt",
    FloatUnary.RECIPROCAL: "Reciprocal",
    FloatUnary.ABS: "Abs",
    FloatUnary.NEG: "Neg",
    FloatUnary.FLOOR: "Floor",
    FloatUnary.CEIL: "Ceil",
    FloatUnary.ROUND: "Round",
    FloatUnary.ERF: "Erf",
    FloatUnary.HARD_SWISH: "HardSwish",
    FloatUnary.SOFTPLUS: "Softplus",
    FloatUnary.SIN: "Sin",
    FloatUnary.COS: "Cos",
    FloatUnary.SIGN: "Sign",
}
#: Factors of sums are integers of some 20 bits.
_CLOSE: Final = 1e-4


def add(out: Assembly, view: NodeView) -> None:
    _check_sum(out, view)
    _binary(out, view, "Add")


def sub(out: Assembly, view: NodeView) -> None:
    _check_sum(out, view)
    _binary(out, view, "Sub")


def mul(out: Assembly, view: NodeView) -> None:
    check_factor(out, view, float(np.prod([float(view.scale(t)) for t in view.inputs[:2]]) / view.scale(view.output)))
    _binary(out, view, "Mul")


def maximum(out: Assembly, view: NodeView) -> None:
    _binary(out, view, "Max")


def minimum(out: Assembly, view: NodeView) -> None:
    _binary(out, view, "Min")


def float_binary(out: Assembly, view: NodeView) -> None:
    _binary(out, view, _BINARY[FloatBinary(view.number("kind"))])


def integer_binary(out: Assembly, view: NodeView) -> None:
    """ONNX divides toward zero: where that leaves another rest than dividing down does, one is too much."""
    kind = IntegerBinary(view.number("kind"))
    if kind is not IntegerBinary.FLOOR_DIV:
        _binary(out, view, _INTEGER[kind])
        return
    order = _common_order(out, view)
    a, b = _operands(out, view, order)
    quotient = out.emit("Div", [a, b])
    rest = out.emit("Sub", [a, out.emit("Mul", [quotient, b])])
    excess = out.emit("Div", [out.emit("Sub", [out.emit("Mod", [a, b]), rest]), b])
    out.finish(view.output, out.emit("Sub", [quotient, excess]), order)


def float_prelu(out: Assembly, view: NodeView) -> None:
    _binary(out, view, "PRelu")


def lookup(out: Assembly, view: NodeView) -> None:
    """The function that the table is; a table that is none is looked up in."""
    x, y, table = view["x"], view.output, view.data("table")
    order, form = out.order(x), recognized(table, x, y)
    if isinstance(form, Limits):
        result = _limited(out, out.numbers(x), form)
    elif form is not None:
        result = _apply(out, form.kind, out.numbers(x), form.parameters)
    else:
        _looked_up(out, view, table)
        return
    out.finish(y, result, order)


def float_unary(out: Assembly, view: NodeView) -> None:
    kind, x = FloatUnary(view.number("kind")), view["x"]
    numbers, parameters = out.numbers(x), view.data("parameters").astype(float).tolist()
    out.finish(view.output, _apply(out, kind, numbers, parameters), out.order(x))


def _binary(out: Assembly, view: NodeView, op: str) -> None:
    """Both operands in the order of the larger one."""
    order = _common_order(out, view)
    result = out.emit(op, _operands(out, view, order))
    result = bounded(out, view, result) if "clamp" in view.node.attrs else result
    out.finish(view.output, result, order)


def _operands(out: Assembly, view: NodeView, order: Order) -> list[str]:
    """Axes that broadcasting adds in front need no operator where the others lie as in the graph."""
    is_plain = order == plain(len(order))
    return [out.numbers(t, plain(len(t.shape)) if is_plain else order) for t in view.inputs[:2]]


def _common_order(out: Assembly, view: NodeView) -> Order:
    usual = plain(len(view.output.shape))
    orders = [out.order(t) for t in view.inputs[:2] if t.data is None and len(t.shape) == len(usual)]
    return max(orders, key=lambda order: order != usual, default=usual)


def _check_sum(out: Assembly, view: NodeView) -> None:
    """Refuses a sum whose factors are not those of its tensors' scales."""
    scales = [float(view.scale(t)) for t in (*view.inputs, view.output)]
    expected = np.array(scales[:2]) / scales[2]
    multiplier, shift, mode = np.array(view.numbers("multiplier")), view.numbers("shift"), view.number("requant")
    if mode == SCALED_SUM:
        given: Array = np.abs(multiplier[:2].astype(np.int32).view(np.float32))
    elif mode == Requant.FIXED:
        factors = np.ldexp(multiplier.astype(np.float64), np.array(shift) - 31)
        given = factors[:2] * factors[2] * 2.0 ** view.number("left_shift")
    else:
        given = multiplier[:2] / 2.0 ** shift[0]
    if not np.allclose(given, expected, rtol=0, atol=_CLOSE * expected.max()):
        out.refuse(view, f"it scales by {given.tolist()}, where the scales of its tensors give {expected.tolist()}")


def _apply(out: Assembly, kind: FloatUnary, numbers: str, parameters: Sequence[float]) -> str:
    """One operator, or those that make up a function for which the operator set has none."""
    if kind is FloatUnary.CLIP:
        return _limited(out, numbers, Limits(*(None if np.isinf(p) else p for p in parameters)))
    if kind in _COMPOSED:
        return _COMPOSED[kind](out, numbers)
    return out.emit(_UNARY[kind], [numbers], **dict(zip(kind.parameters, parameters, strict=True)))


def _limited(out: Assembly, numbers: str, limits: Limits) -> str:
    if limits == (None, None):
        return out.emit("Identity", [numbers])
    if limits == (0, None):
        return out.emit("Relu", [numbers])
    names = ["" if end is None else out.real(part, end) for part, end in zip(limits._fields, limits, strict=True)]
    return out.emit("Clip", [numbers, *names])


def _silu(out: Assembly, numbers: str) -> str:
    return out.emit("Mul", [numbers, out.emit("Sigmoid", [numbers])])


def _gelu(out: Assembly, numbers: str) -> str:
    inner = out.emit("Erf", [out.emit("Mul", [numbers, out.real("sqrt_half", 0.5**0.5)])])
    return _half_gated(out, numbers, inner)


def _gelu_tanh(out: Assembly, numbers: str) -> str:
    cubed = out.emit("Pow", [numbers, out.real("three", 3.0)])
    bent = out.emit("Add", [numbers, out.emit("Mul", [cubed, out.real("bend", 0.044715)])])
    inner = out.emit("Tanh", [out.emit("Mul", [bent, out.real("slope", (2 / np.pi) ** 0.5)])])
    return _half_gated(out, numbers, inner)


def _half_gated(out: Assembly, numbers: str, inner: str) -> str:
    """x * (1 + inner) / 2."""
    gate = out.emit("Add", [inner, out.real("one", 1.0)])
    return out.emit("Mul", [out.emit("Mul", [numbers, gate]), out.real("half", 0.5)])


def _looked_up(out: Assembly, view: NodeView, table: Array) -> None:
    x, y = view["x"], view.output
    order = out.order(x)
    position = out.emit("Cast", [out.stored(x, order)], to=onnx_type(np.dtype(np.int32)))
    if not out.is_unsigned(x):
        position = out.emit("Add", [position, out.constant("offset", np.array(128, np.int32))])
    values = table.view(np.uint8) ^ np.uint8(0x80) if out.is_unsigned(y) else table
    out.finish_stored(y, out.emit("Gather", [out.constant("table", values), position], axis=0), order)


_COMPOSED: Final[dict[FloatUnary, Callable[[Assembly, str], str]]] = {
    FloatUnary.SILU: _silu,
    FloatUnary.GELU: _gelu,
    FloatUnary.GELU_TANH: _gelu_tanh,
}
