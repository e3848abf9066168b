"""Whether samples of a batch stay apart all the way through a graph, so that its first axis may have any size."""

from __future__ import annotations

from typing import Final

from intaglio.graph import Graph, Tensor
from intaglio.rules.view import NodeView

#: Sample by sample whatever their attributes: images, and products with constants or of batches of matrices.
_IMAGES: Final = (
    *("conv2d", "depthwise_conv2d", "transposed_conv2d", "max_pool2d", "average_pool2d", "resize_nearest"),
    *("float_conv2d", "float_depthwise_conv2d", "float_transposed_conv2d", "float_pool2d", "resize_bilinear"),
    "float_resize_bilinear",
)
_ELEMENTWISE: Final = (
    *("add", "sub", "mul", "maximum", "minimum", "lookup", "quantize", "dequantize", "cast", "broadcast_to"),
    *("float_binary", "float_unary", "float_prelu", "integer_binary"),
)


def is_batched(graph: Graph) -> bool:
    """Whether every computed tensor is one sample, and no node mixes its first axis with another."""
    ports = (*graph.input_tensors, *graph.output_tensors)
    return all(_is_sample(t) for t in ports) and all(
        _keeps_samples(NodeView.of(node, graph.tensors)) for node in graph.nodes
    )


def _is_sample(tensor: Tensor) -> bool:
    return tensor.data is None and tensor.shape[:1] == (1,)


def _keeps_samples(view: NodeView) -> bool:
    y = view.output
    computed = [tensor for tensor in view.inputs if tensor.data is None]
    if not all(_is_sample(tensor) for tensor in (*computed, *view.outputs)):
        return False
    rank, op = len(y.shape), view.node.op
    of_one_rank = all(len(tensor.shape) == rank for tensor in computed)
    if op in _IMAGES:
        return len(computed) == 1
    if op in _ELEMENTWISE:
        return of_one_rank
    if op in ("fully_connected", "softmax", "float_softmax"):
        return rank >= 2
    if op in ("batch_matmul", "float_matmul"):
        return of_one_rank and (rank >= 3 or view["b"].data is not None)
    if op in ("mean", "float_reduce"):
        return 0 not in view.numbers("axes")
    if op in ("arg_max", "arg_min", "concat"):
        return view.number("axis") != 0 and len(computed) == len(view.inputs)
    if op == "gather":
        return view.number("axis") != 0 and len(computed) == 1
    if op == "transpose":
        return view.numbers("permutation")[0] == 0
    if op == "pad":
        return not any(view.numbers("padding")[:2])
    if op == "slice":
        begin_stride = view.numbers("begin_stride")
        return (begin_stride[0], begin_stride[rank]) == (0, 1)
    return op == "reshape"
