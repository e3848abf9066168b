"""From a parsed .tflite file to a graph: every operator by the lowering of its kind."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

import numpy as np

from intaglio.errors import ModelFormatError, QuantizationError, UnsupportedOpError
from intaglio.frontends.tflite.lowering import Lowering
from intaglio.frontends.tflite.model import Operator, parse
from intaglio.graph import Graph, Port, Tensor
from intaglio.opset import Requant

if TYPE_CHECKING:
    from intaglio.frontends import FileBytes

#: Where the lowering of each op lives: a module of this package and a function in it. A module is imported when a
#: network needs it, for a process that runs one network should not pay for all of them.
LOWERINGS: Final = {
    "CONV_2D": ("convolution", "conv_2d"),
    "DEPTHWISE_CONV_2D": ("convolution", "depthwise_conv_2d"),
    "TRANSPOSE_CONV": ("convolution", "transpose_conv"),
    "FULLY_CONNECTED": ("matmul", "fully_connected"),
    "BATCH_MATMUL": ("matmul", "batch_matmul"),
    "ADD": ("elementwise", "add"),
    "SUB": ("elementwise", "sub"),
    "MUL": ("elementwise", "mul"),
    "MAXIMUM": ("elementwise", "maximum"),
    "MINIMUM": ("elementwise", "minimum"),
    "PRELU": ("unary", "prelu"),
    "MAX_POOL_2D": ("reduction", "max_pool_2d"),
    "AVERAGE_POOL_2D": ("reduction", "average_pool_2d"),
    "MEAN": ("reduction", "mean"),
    "SOFTMAX": ("reduction", "softmax"),
    "ARG_MAX": ("reduction", "arg_max"),
    "ARG_MIN": ("reduction", "arg_min"),
    "RESHAPE": ("movement", "reshape"),
    "SQUEEZE": ("movement", "squeeze"),
    "EXPAND_DIMS": ("movement", "expand_dims"),
    "TRANSPOSE": ("movement", "transpose"),
    "BROADCAST_TO": ("movement", "broadcast_to"),
    "PAD": ("movement", "pad"),
    "PADV2": ("movement", "pad"),
    "CONCATENATION": ("joining", "concatenation"),
    "PACK": ("joining", "pack"),
    "UNPACK": ("joining", "unpack"),
    "MIRROR_PAD": ("joining", "mirror_pad"),
    "SLICE": ("slicing", "slice_"),
    "STRIDED_SLICE": ("slicing", "strided_slice"),
    "SPLIT": ("slicing", "split"),
    "SPLIT_V": ("slicing", "split_v"),
    "SPACE_TO_DEPTH": ("blocks", "space_to_depth"),
    "DEPTH_TO_SPACE": ("blocks", "depth_to_space"),
    "SPACE_TO_BATCH_ND": ("blocks", "space_to_batch_nd"),
    "BATCH_TO_SPACE_ND": ("blocks", "batch_to_space_nd"),
    "RESIZE_NEAREST_NEIGHBOR": ("resize", "resize_nearest_neighbor"),
    "RESIZE_BILINEAR": ("resize", "resize_bilinear"),
    "QUANTIZE": ("conversion", "quantize"),
    "DEQUANTIZE": ("conversion", "dequantize"),
    "UNIDIRECTIONAL_SEQUENCE_LSTM": ("lstm", "unidirectional_sequence_lstm"),
    "CAST": ("integers", "cast"),
    "GATHER": ("integers", "gather"),
    "GATHER_ND": ("integers", "gather_nd"),
    "CUSTOM 'TFLite_Detection_PostProcess'": ("detection", "detection_postprocess"),
    "LEAKY_RELU": ("unary", "leaky_relu"),
    "GELU": ("unary", "gelu"),
    **dict.fromkeys(("RELU", "RELU6", "RELU_N1_TO_1", "RELU_0_TO_1"), ("unary", "clamp")),
    **dict.fromkeys(("LOGISTIC", "TANH", "HARD_SWISH", "ELU", "EXP", "LOG", "SQRT", "RSQRT"), ("unary", "function")),
    **dict.fromkeys(("SQUARE", "ABS", "NEG", "SIN", "COS", "FLOOR", "CEIL", "ROUND"), ("unary", "function")),
}

#: The same for operators that make float32.
FLOAT_LOWERINGS: Final = {
    "CONV_2D": ("float32", "conv_2d"),
    "DEPTHWISE_CONV_2D": ("float32", "depthwise_conv_2d"),
    "TRANSPOSE_CONV": ("float32", "transpose_conv"),
    "FULLY_CONNECTED": ("float32", "fully_connected"),
    "BATCH_MATMUL": ("float32", "batch_matmul"),
    "SOFTMAX": ("float32", "softmax"),
    "LOG_SOFTMAX": ("float32", "softmax"),
    "RESIZE_NEAREST_NEIGHBOR": ("float32", "resize_nearest"),
    "RESIZE_BILINEAR": ("float32", "resize_bilinear"),
    **dict.fromkeys(("MAX_POOL_2D", "AVERAGE_POOL_2D"), ("float32", "pool_2d")),
    **dict.fromkeys(("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN"), ("float32", "reduce")),
    "SQUARED_DIFFERENCE": ("float32_elementwise", "squared_difference"),
    "SQUARE": ("float32_elementwise", "square"),
    "ELU": ("float32_elementwise", "elu"),
    "LEAKY_RELU": ("float32_elementwise", "leaky_relu"),
    "GELU": ("float32_elementwise", "gelu"),
    "PRELU": ("float32_elementwise", "prelu"),
    "PAD": ("float32_elementwise", "pad"),
    "PADV2": ("float32_elementwise", "pad"),
    **dict.fromkeys(("ADD", "SUB", "MUL", "DIV", "MAXIMUM", "MINIMUM", "POW"), ("float32_elementwise", "binary")),
    **dict.fromkeys(("RELU", "RELU6", "RELU_N1_TO_1", "RELU_0_TO_1"), ("float32_elementwise", "clamp")),
    **dict.fromkeys(("LOGISTIC", "TANH", "HARD_SWISH", "EXP", "LOG", "SQRT"), ("float32_elementwise", "function")),
    **dict.fromkeys(("RSQRT", "ABS", "NEG", "SIN", "COS", "FLOOR", "CEIL"), ("float32_elementwise", "function")),
    "ROUND": ("float32_elementwise", "function"),
}

#: The same for operators that make int32 or int64.
INTEGER_LOWERINGS: Final = dict.fromkeys(
    ("ADD", "SUB", "MUL", "FLOOR_DIV", "FLOOR_MOD", "MAXIMUM", "MINIMUM"), ("integers", "binary")
)


def load(data: FileBytes, requant: Requant) -> Graph:
    """The graph of a .tflite file, operator by operator as the file has them."""
    model = parse(data)
    lowering = Lowering(model, requant)
    inputs = tuple(_port(lowering, index, lowering.declare_input(index)) for index in model.inputs)
    if len(set(model.inputs)) < len(model.inputs):
        raise ModelFormatError("the file names an input twice")
    # Quotients of absurd scales overflow; the rules of the graph refuse what comes of it.
    with np.errstate(all="ignore"):
        for op in model.operators:
            _lower(lowering, op)
    outputs = _outputs(lowering)
    metadata = {"source": "tflite", "requant": requant.name.lower(), "description": model.description}
    return Graph(lowering.tensors, tuple(lowering.nodes), inputs, outputs, metadata)


def _lower(lowering: Lowering, op: Operator) -> None:
    if all(lowering.model.tensors[i].type in ("int32", "int64") for i in op.outputs):
        from intaglio.frontends.tflite.folding import fold

        if fold(lowering, op):
            return
    kind = lowering.model.tensors[op.outputs[0]].type
    special = FLOAT_LOWERINGS if kind == "float32" else INTEGER_LOWERINGS if kind in ("int32", "int64") else {}
    lowerings = special if op.op in special else LOWERINGS
    if op.op not in lowerings:
        advice = "cut the network before it" if op.op.startswith("CUSTOM") else "replace it, or cut the network there"
        raise UnsupportedOpError(f"{lowering.locate(op)} is not supported; {advice} and compute it outside")
    module, function = lowerings[op.op]
    try:
        getattr(import_module(f"intaglio.frontends.tflite.{module}"), function)(lowering, op)
    except QuantizationError as error:
        raise QuantizationError(f"{lowering.locate(op)}: {error}") from error


def _outputs(lowering: Lowering) -> tuple[Port, ...]:
    ports: list[Port] = []
    seen: set[str] = set()
    for index in lowering.model.outputs:
        tensor = lowering.value(index)
        if tensor.name in seen:
            tensor = lowering.emit("reshape", [tensor], lowering.temporary(tensor, "again", tensor.shape, tensor))
        seen.add(tensor.name)
        ports.append(_port(lowering, index, tensor))
    return tuple(ports)


def _port(lowering: Lowering, index: int, tensor: Tensor) -> Port:
    source = lowering.model.tensors[index]
    if source.type != "uint8":
        return Port(tensor.name, tensor.dtype)
    return Port(tensor.name, np.dtype(np.uint8))
