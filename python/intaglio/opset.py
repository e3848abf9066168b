"""The op set: every op a graph may hold, with its inputs and attributes.

One table is the single source for the graph checker, the file format and the oracle. An attribute is an integer or
a list of integers; in the file the attributes of a node are laid end to end in the order given here. What each op
computes is defined in docs/arithmetic.md.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from intaglio.float_kinds import FloatBinary, FloatPool, FloatReduce, FloatUnary

__all__ = [
    "BY_CODE",
    "BY_NAME",
    "OPS",
    "OPSET_VERSION",
    "SCALED_SUM",
    "Attr",
    "FloatBinary",
    "FloatPool",
    "FloatReduce",
    "FloatUnary",
    "Op",
    "Requant",
    "Rounding",
]

#: Version of the set below; a file records the version it was written with.
OPSET_VERSION: Final = 1


class Requant(IntEnum):
    """How an accumulator becomes int8 (docs/arithmetic.md, "Requantization")."""

    FLOAT32 = 0
    FIXED = 1


#: The value of `requant` of a sum that scales its operands in float32.
SCALED_SUM: Final = 2


class Rounding(IntEnum):
    """How a quotient becomes an integer."""

    HALF_EVEN = 0
    HALF_AWAY = 1
    HALF_UP = 2


class IntegerBinary(IntEnum):
    """The function of an `integer_binary` node."""

    ADD = 0
    SUB = 1
    MUL = 2
    FLOOR_DIV = 3
    FLOOR_MOD = 4
    MAXIMUM = 5
    MINIMUM = 6


class Attr(NamedTuple):
    """One attribute: ``length`` integers, or any number (at most one such attribute per op) when ``length`` is None."""

    name: str
    length: int | None = 1


class Op(NamedTuple):
    """One op: file code, name, the inputs it takes in order, attributes in file order, its outputs in order."""

    code: int
    name: str
    inputs: tuple[str, ...]
    attrs: tuple[Attr, ...] = ()
    #: True: any number (one or more) of the single named input.
    variadic: bool = False
    outputs: tuple[str, ...] = ("y",)


_CLAMP = (Attr("clamp", 2),)
_REQUANT = (Attr("requant"), *_CLAMP, Attr("weight_zero_point"))
_WINDOW = (Attr("stride", 2), Attr("padding", 4))
# float32: scale is float32 [O] and shift is empty int32 [0]; fixed: scale is the int32 multiplier [O], shift int32 [O].
_GEMM_INPUTS = ("x", "weight", "bias", "scale", "shift")
_FLOAT_INPUTS = ("x", "weight", "bias", "bounds")

OPS: Final[tuple[Op, ...]] = (
    # Sums of products. padding is (top, left, bottom, right); clamp is (low, high) in int8 values of the output.
    Op(1, "conv2d", _GEMM_INPUTS, (*_WINDOW, Attr("dilation", 2), Attr("groups"), *_REQUANT)),
    Op(2, "depthwise_conv2d", _GEMM_INPUTS, (*_WINDOW, Attr("dilation", 2), *_REQUANT)),
    Op(3, "transposed_conv2d", _GEMM_INPUTS, (*_WINDOW, *_REQUANT)),
    Op(4, "fully_connected", _GEMM_INPUTS, _REQUANT),
    Op(5, "batch_matmul", ("a", "b", "scale", "shift"), (Attr("requant"), *_CLAMP)),
    # Elementwise with NumPy broadcasting. add, sub float32: multipliers (a, b), shifts (s,);
    # fixed: multipliers (a, b, out), shifts (a, b, out), left_shift; scaled: multipliers are float32 bits (a, b, term).
    Op(10, "add", ("a", "b"), (Attr("requant"), *_CLAMP, Attr("multiplier", 3), Attr("shift", 3), Attr("left_shift"))),
    Op(11, "sub", ("a", "b"), (Attr("requant"), *_CLAMP, Attr("multiplier", 3), Attr("shift", 3), Attr("left_shift"))),
    Op(12, "mul", ("a", "b", "scale", "shift"), (Attr("requant"), *_CLAMP)),
    Op(13, "maximum", ("a", "b")),
    Op(14, "minimum", ("a", "b")),
    Op(15, "lookup", ("x", "table")),
    # Reductions.
    Op(20, "max_pool2d", ("x",), (Attr("kernel", 2), *_WINDOW, *_CLAMP)),
    Op(21, "average_pool2d", ("x",), (Attr("kernel", 2), *_WINDOW, *_CLAMP, Attr("rounding"))),
    Op(22, "mean", ("x", "scale", "shift"), (Attr("requant"), Attr("axes", None))),
    Op(23, "softmax", ("x", "table"), (Attr("requant"), Attr("numerator"))),
    Op(24, "arg_max", ("x",), (Attr("axis"),)),
    Op(25, "arg_min", ("x",), (Attr("axis"),)),
    # Moving values; any element type.
    Op(30, "reshape", ("x",)),
    Op(31, "transpose", ("x",), (Attr("permutation", None),)),
    Op(32, "slice", ("x",), (Attr("begin_stride", None),)),
    Op(33, "pad", ("x",), (Attr("value"), Attr("padding", None))),
    Op(34, "concat", ("x",), (Attr("axis"),), variadic=True),
    Op(35, "broadcast_to", ("x",)),
    # Resampling; the per-axis tables are made at conversion, so every corner mode is the same op.
    Op(40, "resize_nearest", ("x", "row", "column")),
    Op(41, "resize_bilinear", ("x", "row", "column"), (Attr("requant"),)),
    # Between float32 and int8.
    Op(50, "quantize", ("x",), (Attr("rounding"),)),
    Op(51, "dequantize", ("x",)),
    # Float32. Numbers that are no integers are constants, not attributes; bounds is (low, high) of the result.
    Op(60, "float_conv2d", _FLOAT_INPUTS, (*_WINDOW, Attr("dilation", 2), Attr("groups"))),
    Op(61, "float_depthwise_conv2d", _FLOAT_INPUTS, (*_WINDOW, Attr("dilation", 2))),
    Op(62, "float_transposed_conv2d", _FLOAT_INPUTS, _WINDOW),
    Op(63, "float_matmul", ("a", "b", "bias", "bounds")),
    Op(64, "float_binary", ("a", "b"), (Attr("kind"),)),
    Op(65, "float_unary", ("x", "parameters"), (Attr("kind"),)),
    Op(66, "float_pool2d", ("x",), (Attr("kind"), Attr("kernel", 2), *_WINDOW)),
    Op(67, "float_reduce", ("x",), (Attr("kind"), Attr("axes", None))),
    Op(68, "float_softmax", ("x",), (Attr("log"),)),
    Op(69, "float_resize_bilinear", ("x", "row", "row_weight", "column", "column_weight")),
    Op(70, "gather", ("x", "indices"), (Attr("axis"),)),
    Op(71, "float_prelu", ("x", "slope")),
    # Quantization that is settled while running.
    Op(72, "dynamic_quantize", ("x",), outputs=("y", "scale", "zero_point")),
    Op(
        73,
        "integer_conv2d",
        ("x", "x_zero_point", "weight", "weight_zero_point"),
        (*_WINDOW, Attr("dilation", 2), Attr("groups")),
    ),
    Op(74, "integer_matmul", ("a", "a_zero_point", "b", "b_zero_point")),
    Op(75, "cast", ("x",)),
    # Boxes of a detector. regular: suppression class by class; else one pass over the best class of each box.
    Op(
        76,
        "detection_postprocess",
        ("encodings", "scores", "anchors", "parameters"),
        (
            Attr("classes"),
            Attr("max_detections"),
            Attr("classes_per_detection"),
            Attr("detections_per_class"),
            Attr("regular"),
        ),
        outputs=("boxes", "classes", "scores", "count"),
    ),
    Op(77, "integer_binary", ("a", "b"), (Attr("kind"),)),
    Op(78, "gather_nd", ("x", "indices")),
    # Recurrent. Gates are input, forget, cell, output; multipliers are of x by gate, of the last output by gate, of y.
    Op(
        79,
        "lstm",
        ("x", "input_weight", "recurrent_weight", "bias", "multiplier", "shift"),
        (Attr("cell_bits"), Attr("cell_clip")),
    ),
)

BY_NAME: Final = {op.name: op for op in OPS}
BY_CODE: Final = {op.code: op for op in OPS}


def __getattr__(name: str) -> Any:
    """The kinds of the float32 ops, which integer networks do not need: enums take long to define."""
    if name not in __all__:
        raise AttributeError(f"module 'intaglio.opset' has no attribute '{name}'")
    from intaglio import float_kinds

    return getattr(float_kinds, name)
