"""What each op demands of its tensors and attributes (docs/arithmetic.md), one function per op."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from intaglio.rules import (
    conversion,
    detection,
    elementwise,
    float32,
    float32_sums,
    gemm,
    integer,
    lstm,
    movement,
    reductions,
    resampling,
)
from intaglio.rules.view import NodeView

__all__ = ["NodeView", "check_node"]

_RULES: Final[dict[str, Callable[[NodeView], None]]] = {
    "conv2d": gemm.conv2d,
    "depthwise_conv2d": gemm.depthwise_conv2d,
    "transposed_conv2d": gemm.transposed_conv2d,
    "fully_connected": gemm.fully_connected,
    "batch_matmul": gemm.batch_matmul,
    "add": elementwise.add_sub,
    "sub": elementwise.add_sub,
    "mul": elementwise.mul,
    "maximum": elementwise.maximum_minimum,
    "minimum": elementwise.maximum_minimum,
    "lookup": elementwise.lookup,
    "max_pool2d": reductions.max_pool2d,
    "average_pool2d": reductions.average_pool2d,
    "mean": reductions.mean,
    "softmax": reductions.softmax,
    "arg_max": reductions.arg_extreme,
    "arg_min": reductions.arg_extreme,
    "reshape": movement.reshape,
    "transpose": movement.transpose,
    "slice": movement.slice_,
    "pad": movement.pad,
    "concat": movement.concat,
    "broadcast_to": movement.broadcast_to,
    "resize_nearest": resampling.resize_nearest,
    "resize_bilinear": resampling.resize_bilinear,
    "quantize": conversion.quantize,
    "dequantize": conversion.dequantize,
    "float_conv2d": float32_sums.float_conv2d,
    "float_depthwise_conv2d": float32_sums.float_depthwise_conv2d,
    "float_transposed_conv2d": float32_sums.float_transposed_conv2d,
    "float_matmul": float32_sums.float_matmul,
    "float_binary": float32.float_binary,
    "float_unary": float32.float_unary,
    "float_pool2d": float32.float_pool2d,
    "float_reduce": float32.float_reduce,
    "float_softmax": float32.float_softmax,
    "float_resize_bilinear": float32.float_resize_bilinear,
    "gather": movement.gather,
    "float_prelu": float32.float_prelu,
    "dynamic_quantize": conversion.dynamic_quantize,
    "integer_conv2d": integer.integer_conv2d,
    "integer_matmul": integer.integer_matmul,
    "cast": conversion.cast,
    "integer_binary": integer.integer_binary,
    "gather_nd": movement.gather_nd,
    "lstm": lstm.lstm,
    "detection_postprocess": detection.detection_postprocess,
}


def check_node(view: NodeView) -> None:
    """Raise unless the node obeys every rule of its op."""
    op, node = view.op, view.node
    fits = len(view.inputs) >= 1 if op.variadic else len(view.inputs) == len(op.inputs)
    expected = "one or more" if op.variadic else f"{len(op.inputs)} ({', '.join(op.inputs)})"
    view.want(fits, "inputs", expected, len(view.inputs))
    names = {attr.name for attr in op.attrs}
    view.want(set(node.attrs) == names, "attributes", sorted(names), sorted(node.attrs))
    for attr in op.attrs:
        value = node.attrs[attr.name]
        if attr.length == 1:
            view.number(attr.name)
        else:
            count = len(view.numbers(attr.name))
            view.want(attr.length in (None, count), f"attribute '{attr.name}'", f"{attr.length} integers", value)
    _RULES[node.op](view)
