"""A graph as an ONNX network of float operators between quantize and dequantize pairs (docs/onnx.md)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from intaglio.errors import UnsupportedOpError
from intaglio.export import onnx_dynamic, onnx_elementwise, onnx_movement, onnx_reductions, onnx_sums
from intaglio.export.onnx_assembly import Assembly, onnx_type
from intaglio.frontends.onnx.model import onnx_package
from intaglio.graph import Graph, Port, Tensor
from intaglio.rules.view import NodeView

#: The newest with scales per channel that engines of the last years all read.
_OPSET: Final = 17
_IR_VERSION: Final = 8

#: Adds the operators of a node.
FORMS: Final[dict[str, Callable[[Assembly, NodeView], None]]] = {
    "conv2d": onnx_sums.conv2d,
    "depthwise_conv2d": onnx_sums.depthwise_conv2d,
    "transposed_conv2d": onnx_sums.transposed_conv2d,
    "fully_connected": onnx_sums.fully_connected,
    "batch_matmul": onnx_sums.batch_matmul,
    "add": onnx_elementwise.add,
    "sub": onnx_elementwise.sub,
    "mul": onnx_elementwise.mul,
    "maximum": onnx_elementwise.maximum,
    "minimum": onnx_elementwise.minimum,
    "lookup": onnx_elementwise.lookup,
    "max_pool2d": onnx_reductions.max_pool2d,
    "average_pool2d": onnx_reductions.average_pool2d,
    "mean": onnx_reductions.mean,
    "softmax": onnx_reductions.softmax,
    "arg_max": onnx_reductions.arg_max,
    "arg_min": onnx_reductions.arg_min,
    "reshape": onnx_movement.reshape,
    "transpose": onnx_movement.transpose,
    "slice": onnx_movement.slice_,
    "pad": onnx_movement.pad,
    "concat": onnx_movement.concat,
    "broadcast_to": onnx_movement.broadcast_to,
    "gather": onnx_movement.gather,
    "gather_nd": onnx_movement.gather_nd,
    "resize_nearest": onnx_movement.resize_nearest,
    "resize_bilinear": onnx_movement.resize_bilinear,
    "quantize": onnx_movement.quantize,
    "dequantize": onnx_movement.dequantize,
    "cast": onnx_movement.cast,
    "float_conv2d": onnx_sums.conv2d,
    "float_depthwise_conv2d": onnx_sums.depthwise_conv2d,
    "float_transposed_conv2d": onnx_sums.transposed_conv2d,
    "float_matmul": onnx_sums.float_matmul,
    "float_binary": onnx_elementwise.float_binary,
    "float_unary": onnx_elementwise.float_unary,
    "integer_binary": onnx_elementwise.integer_binary,
    "float_prelu": onnx_elementwise.float_prelu,
    "float_pool2d": onnx_reductions.float_pool2d,
    "float_reduce": onnx_reductions.float_reduce,
    "float_softmax": onnx_reductions.float_softmax,
    "float_resize_bilinear": onnx_movement.float_resize_bilinear,
    "dynamic_quantize": onnx_dynamic.dynamic_quantize,
    "integer_conv2d": onnx_dynamic.integer_conv2d,
    "integer_matmul": onnx_dynamic.integer_matmul,
}


def to_bytes(graph: Graph) -> bytes:
    """The .onnx file that computes what the graph computes."""
    from intaglio import __version__

    graph.validate()
    onnx, out = onnx_package(), Assembly(graph)
    for port in graph.inputs:
        out.input(port)
    for node in graph.nodes:
        if node.op not in FORMS:
            raise UnsupportedOpError(f"node '{node.name}' ({node.op}) has no form in ONNX")
        out.begin(node)
        FORMS[node.op](out, NodeView.of(node, graph.tensors))
    names = [out.output(port) for port in graph.outputs]
    tensors = [onnx.numpy_helper.from_array(values, name) for name, values in out.initializers.items()]
    helper = onnx.helper
    proto = helper.make_graph(
        out.renamed_nodes(),
        "intaglio",
        [_info(out, graph.tensors[p.tensor], p, p.tensor) for p in graph.inputs],
        [_info(out, graph.tensors[p.tensor], p, name) for p, name in zip(graph.outputs, names, strict=True)],
        tensors,
    )
    model = helper.make_model(
        proto,
        opset_imports=[helper.make_opsetid("", _OPSET)],
        ir_version=_IR_VERSION,
        producer_name="intaglio",
        producer_version=__version__,
    )
    return bytes(model.SerializeToString())


def _info(out: Assembly, tensor: Tensor, port: Port, name: str) -> Any:
    shape = ("batch", *tensor.shape[1:]) if out.is_batched else tensor.shape
    return onnx_package().helper.make_tensor_value_info(name, onnx_type(np.dtype(port.dtype)), shape)
