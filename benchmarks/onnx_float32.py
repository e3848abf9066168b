"""Single convolutions as ONNX networks, run by ONNX Runtime in float32 on one thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import paired
from shapes import Convolution


def model_bytes(convolution: Convolution) -> bytes:
    """An ONNX network (NCHW) of one convolution with a bias, its batch 1."""
    from onnx import TensorProto, helper, numpy_helper

    rng = np.random.default_rng(0)
    depth = 1 if convolution.depthwise else convolution.inputs
    weight_shape = (convolution.outputs, depth, convolution.kernel, convolution.kernel)
    weight = rng.standard_normal(weight_shape).astype(np.float32)
    bias = rng.standard_normal(convolution.outputs).astype(np.float32)
    size, output_size = convolution.size, convolution.output_size
    node = helper.make_node(
        "Conv",
        ["x", "weight", "bias"],
        ["y"],
        strides=[convolution.stride] * 2,
        pads=list(convolution.padding),
        group=convolution.inputs if convolution.depthwise else 1,
    )
    graph = helper.make_graph(
        [node],
        "convolution",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, convolution.inputs, size, size])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, convolution.outputs, output_size, output_size])],
        [numpy_helper.from_array(weight, "weight"), numpy_helper.from_array(bias, "bias")],
    )
    opset = helper.make_opsetid("", 17)
    content: bytes = helper.make_model(graph, opset_imports=[opset], ir_version=8).SerializeToString()
    return content


def runner(convolution: Convolution) -> Callable[[], Any]:
    """One call of the convolution, with whichever optimization level is the faster.

    The highest level blocks the channels, which a single layer pays for with a reordering on each side.
    """
    import onnxruntime

    content = model_bytes(convolution)
    shape = (1, convolution.inputs, convolution.size, convolution.size)
    x = np.random.default_rng(1).standard_normal(shape).astype(np.float32)

    def at(level: Any) -> Callable[[], Any]:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.graph_optimization_level = level
        session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        return lambda: session.run(None, {"x": x})

    levels = onnxruntime.GraphOptimizationLevel
    candidates = [at(levels.ORT_ENABLE_EXTENDED), at(levels.ORT_ENABLE_ALL)]
    for candidate in candidates:
        candidate()
    return min(candidates, key=lambda candidate: paired.block(candidate, 10))
